"""Checks of indices: daily figures, recipes and movements."""

from ons_bigdata.prices.checks.indices import daily, movements, recipes

CHECKS = [*daily.CHECKS, *recipes.CHECKS, *movements.CHECKS]
