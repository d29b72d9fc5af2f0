"""Assets of indices: elementary indices, aggregates, settled figures, directions, errors, diagnostics, movements."""

from ons_bigdata.prices.assets.indices import diagnostics, directions, figures, period_prices, revisions

ASSETS = [*period_prices.ASSETS, *figures.ASSETS, *revisions.ASSETS, *directions.ASSETS, *diagnostics.ASSETS]
