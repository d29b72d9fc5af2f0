"""Assets of product scope: descriptions, the model and its decisions, the impact on indices."""

from ons_bigdata.prices.assets.scope import impact, product_scope

ASSETS = [*product_scope.ASSETS, *impact.ASSETS]
