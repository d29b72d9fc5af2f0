"""Assets of the comparison with official figures and other sources."""

from ons_bigdata.prices.assets.comparison import official

ASSETS = [*official.ASSETS]
