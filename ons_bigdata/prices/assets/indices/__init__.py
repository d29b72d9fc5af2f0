"""Assets of indices: elementary indices, aggregates, directions, standard errors, diagnostics and movements."""

from ons_bigdata.prices.assets.indices import diagnostics, directions, figures

ASSETS = [*figures.ASSETS, *directions.ASSETS, *diagnostics.ASSETS]
