"""Bilateral index numbers between two periods: formulas, their decomposition by product, indicators, axioms."""

from ons_bigdata.prices.methods.bilateral.axioms import AXIOMS, axioms_violated
from ons_bigdata.prices.methods.bilateral.decomposition import bilateral_contributions, bilateral_decomposition
from ons_bigdata.prices.methods.bilateral.index import COMPARISONS, bilateral_index
from ons_bigdata.prices.methods.bilateral.indicators import INDICATORS, bilateral_indicator, indicator_contributions
from ons_bigdata.prices.methods.bilateral.registry import FORMULAS
from ons_bigdata.prices.methods.bilateral.retrospective import retrospective_index

__all__ = [
    "AXIOMS",
    "COMPARISONS",
    "FORMULAS",
    "INDICATORS",
    "axioms_violated",
    "bilateral_contributions",
    "bilateral_decomposition",
    "bilateral_index",
    "bilateral_indicator",
    "indicator_contributions",
    "retrospective_index",
]
