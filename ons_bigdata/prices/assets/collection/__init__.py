"""Assets of what is collected: scrapes by our own crawls, delivered files, and their quotes."""

from ons_bigdata.prices.assets.collection import quotes, scrapes

ASSETS = [*scrapes.ASSETS, *quotes.ASSETS]
