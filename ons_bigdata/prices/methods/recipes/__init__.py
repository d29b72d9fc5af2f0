"""Recipes: named price indices from accepted quotes, with their aggregates, standard errors and movements."""

from ons_bigdata.prices.methods.recipes.axioms import (
    constructed_axioms_violated,
    figures_off_known_change,
    recipe_axioms_violated,
)
from ons_bigdata.prices.methods.recipes.base_periods import base_weeks, first_complete_week
from ons_bigdata.prices.methods.recipes.bootstrap import Bootstrap
from ons_bigdata.prices.methods.recipes.catalogue import (
    RECIPES,
    Recipe,
    RecipeOutput,
    parameters_hash,
    recipe_named,
    recipes_with_link_window,
)
from ons_bigdata.prices.methods.recipes.diagnostics import IndexDiagnosis, index_diagnostics
from ons_bigdata.prices.methods.recipes.directions import (
    days_compared,
    direction_months,
    index_directions,
    price_change_bounds,
)
from ons_bigdata.prices.methods.recipes.figures import IndexFigures, OriginPanels, index_figures, origin_panels
from ons_bigdata.prices.methods.recipes.tree import TreeWeights

__all__ = [
    "RECIPES",
    "Bootstrap",
    "IndexDiagnosis",
    "IndexFigures",
    "OriginPanels",
    "Recipe",
    "RecipeOutput",
    "TreeWeights",
    "base_weeks",
    "constructed_axioms_violated",
    "days_compared",
    "direction_months",
    "figures_off_known_change",
    "first_complete_week",
    "index_diagnostics",
    "index_directions",
    "index_figures",
    "origin_panels",
    "parameters_hash",
    "price_change_bounds",
    "recipe_axioms_violated",
    "recipe_named",
    "recipes_with_link_window",
]
