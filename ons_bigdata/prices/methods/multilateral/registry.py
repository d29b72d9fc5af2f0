"""The register of multilateral methods: one entry each, and one GEKS for every windowed bilateral formula."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ons_bigdata.prices.methods.bilateral import registry as bilateral
from ons_bigdata.prices.methods.bilateral.index import pair_options
from ons_bigdata.prices.methods.multilateral.geary_khamis import geary_khamis_windows
from ons_bigdata.prices.methods.multilateral.geks import MATRIX_FORMULAS, geks_windows
from ons_bigdata.prices.methods.multilateral.time_product_dummy import WEIGHTS, time_product_dummy_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ons_bigdata.prices.methods.multilateral.windows import WindowOf


AXIOMS = (
    "identity",
    "common change",
    "direction",
    "commensurability",
    "time reversal",
    "transitivity",
    "mean value",
    "monotonicity",
)
"""Axioms of a method over one window that holds all periods (`docs/prices/indices/axioms.md`)."""


@dataclass(frozen=True)
class Method:
    """A multilateral method.

    `windows`: a panel and the `options` by name → the log levels of any window. `choices`: options that are one of a
    list, whose first is the default. `fails`: value of the option `weights` ("" where there is none) → which of
    `AXIOMS` the method fails; without an entry they were not examined. `takes_rows`: several rows of a product in a
    period may enter. `aliases`: names in the literature and in other packages, suggested where one is given instead
    of the name.
    """

    name: str
    windows: Callable[..., WindowOf]
    options: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fails: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    takes_rows: bool = False
    aliases: tuple[str, ...] = ()


def _geks(formula: str) -> Method:
    fails = bilateral.REGISTER[formula].geks_fails
    return Method(
        f"geks_{formula}", partial(geks_windows, formula=formula), options=("incomplete", *pair_options(formula)),
        fails={} if fails is None else {"": fails},
        aliases=tuple(f"geks_{alias}" for alias in bilateral.REGISTER[formula].aliases),
    )  # fmt: skip


_FORMULAS = sorted(
    bilateral.WINDOWED,
    key=lambda name: (name not in MATRIX_FORMULAS, name in MATRIX_FORMULAS and name in bilateral.UNWEIGHTED),
)
ENTRIES = (
    *(_geks(formula) for formula in _FORMULAS),
    Method(
        "geary_khamis", geary_khamis_windows, fails={"": ("mean value",)},
        aliases=("gk", "qu_gk"),
    ),
    Method(
        "time_product_dummy", time_product_dummy_windows, options=("weights",), choices={"weights": WEIGHTS},
        fails={
            "shares": ("mean value", "monotonicity"),
            "levels": ("direction", "mean value", "monotonicity"),
            "none": (),
        },
        takes_rows=True, aliases=("tpd", "wtpd", "tpdm", "time_dummy", "fixed_effects", "fe", "fews", "cpd"),
    ),
)  # fmt: skip

REGISTER = {entry.name: entry for entry in ENTRIES}
METHODS = tuple(REGISTER)
_OF_FORMULAS = {
    name: f"geks_{entry.name}" for entry in bilateral.ENTRIES if entry.windowed for name in (entry.name, *entry.aliases)
}
ALIASES = (
    _OF_FORMULAS
    | {alias: entry.name for entry in ENTRIES for alias in entry.aliases}
    | {
        "geks": "geks_fisher",
        "eks": "geks_fisher",
        "ccdi": "geks_tornqvist",
        "geks_t": "geks_tornqvist",
        "geks_f": "geks_fisher",
        "geks_j": "geks_jevons",
        "geks_w": "geks_walsh",
        "geks_l": "geks_laspeyres",
        "geks_gl": "geks_geometric_laspeyres",
        "geks_lm": "geks_lloyd_moulton",
        "geks_qm": "geks_quadratic_mean",
        "utpd": "time_product_dummy with the option weights 'none'",
    }
)
"""Names in the literature and in other packages, and those of bilateral formulas → method. Weighted GEKS (wgeks) and
those of asynchronous quantities (geks_aqu, geks_aqi, geks_gaqi) are none of ours: nothing is suggested for them."""
