"""Assets of product scope: labels, descriptions, the model and its decisions, the impact on indices."""

from ons_bigdata.prices.assets.scope import impact, labels, product_scope

ASSETS = [*labels.ASSETS, *product_scope.ASSETS, *impact.ASSETS]
