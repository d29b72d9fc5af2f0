"""Comparison of indices with official figures, of collection frequencies, and of sources product by product."""

from ons_bigdata.prices.methods.comparison.collection_frequency import collection_frequencies
from ons_bigdata.prices.methods.comparison.official_items import (
    chained_official,
    combined_official,
    formula_item_indices,
    office_item_indices,
    scraped_as_collected,
    with_published,
)
from ons_bigdata.prices.methods.comparison.series import (
    at_frequency,
    compare_methods,
    compare_with_official,
    compared_indices,
)
from ons_bigdata.prices.methods.comparison.source_agreement import source_agreement
from ons_bigdata.prices.methods.comparison.source_matching import match_products

__all__ = [
    "at_frequency",
    "chained_official",
    "collection_frequencies",
    "combined_official",
    "compare_methods",
    "compare_with_official",
    "compared_indices",
    "formula_item_indices",
    "match_products",
    "office_item_indices",
    "scraped_as_collected",
    "source_agreement",
    "with_published",
]
