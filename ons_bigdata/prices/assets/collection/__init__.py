"""Assets of collection by our own crawls."""

from ons_bigdata.prices.assets.collection import scrapes

ASSETS = [*scrapes.ASSETS]
