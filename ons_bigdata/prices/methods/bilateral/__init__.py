"""Bilateral index numbers: elementary and weighted formulas between two periods, and the axioms they keep."""

from ons_bigdata.prices.methods.bilateral.axioms import AXIOMS, axioms_violated
from ons_bigdata.prices.methods.bilateral.index import COMPARISONS, FORMULAS, bilateral_index
from ons_bigdata.prices.methods.bilateral.retrospective import retrospective_index

__all__ = [
    "AXIOMS",
    "COMPARISONS",
    "FORMULAS",
    "axioms_violated",
    "bilateral_index",
    "retrospective_index",
]
