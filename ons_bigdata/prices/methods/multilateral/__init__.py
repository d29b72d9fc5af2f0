"""Multilateral index numbers over windows of periods, their splices, decompositions and drift."""

from ons_bigdata.prices.methods.multilateral.decomposition import bilateral_decomposition, geks_decomposition
from ons_bigdata.prices.methods.multilateral.drift import splice_drift, window_revision
from ons_bigdata.prices.methods.multilateral.index import fews_index, multilateral_index
from ons_bigdata.prices.methods.multilateral.registry import METHODS
from ons_bigdata.prices.methods.multilateral.splicing import SPLICES

__all__ = [
    "METHODS",
    "SPLICES",
    "bilateral_decomposition",
    "fews_index",
    "geks_decomposition",
    "multilateral_index",
    "splice_drift",
    "window_revision",
]
