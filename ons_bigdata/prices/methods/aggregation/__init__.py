"""Aggregation of elementary indices up a hierarchy: links, price updating, contributions, rates, means of indices."""

from ons_bigdata.prices.methods.aggregation.contributions import contributions
from ons_bigdata.prices.methods.aggregation.index import FORMULAS, aggregate
from ons_bigdata.prices.methods.aggregation.linking import (
    chain,
    december_january_links,
    link_series,
    rebased,
    unchain,
)
from ons_bigdata.prices.methods.aggregation.mean_indices import mean_index
from ons_bigdata.prices.methods.aggregation.price_updating import price_updated
from ons_bigdata.prices.methods.aggregation.rates import rate_contributions, rates

__all__ = [
    "FORMULAS",
    "aggregate",
    "chain",
    "contributions",
    "december_january_links",
    "link_series",
    "mean_index",
    "price_updated",
    "rate_contributions",
    "rates",
    "rebased",
    "unchain",
]
