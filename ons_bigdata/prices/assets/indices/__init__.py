"""Assets of indices: elementary indices, aggregates, standard errors, diagnostics and movements."""

from ons_bigdata.prices.assets.indices import daily, recipes

ASSETS = [*daily.ASSETS, *recipes.ASSETS]
