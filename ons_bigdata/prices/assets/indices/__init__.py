"""Assets of indices: elementary indices and aggregates, then their standard errors, diagnostics and movements."""

from ons_bigdata.prices.assets.indices import diagnostics, figures

ASSETS = [*figures.ASSETS, *diagnostics.ASSETS]
