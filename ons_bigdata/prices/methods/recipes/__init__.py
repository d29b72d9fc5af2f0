"""Recipes: from accepted quotes to elementary indices, aggregates, standard errors and movements, by name."""
