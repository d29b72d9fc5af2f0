"""Aggregation of elementary indices up a hierarchy: links, price updating, contributions, means of indices."""

from ons_bigdata.prices.methods.aggregation.contributions import contributions
from ons_bigdata.prices.methods.aggregation.index import FORMULAS, aggregate, december_january_links, rebased
from ons_bigdata.prices.methods.aggregation.mean_indices import mean_index
from ons_bigdata.prices.methods.aggregation.price_updating import price_updated

__all__ = [
    "FORMULAS",
    "aggregate",
    "contributions",
    "december_january_links",
    "mean_index",
    "price_updated",
    "rebased",
]
