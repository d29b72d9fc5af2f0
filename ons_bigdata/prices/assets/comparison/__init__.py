"""Assets of the comparison with official figures and other sources."""

from ons_bigdata.prices.assets.comparison import official, other_sources

ASSETS = [*other_sources.ASSETS, *official.ASSETS]
