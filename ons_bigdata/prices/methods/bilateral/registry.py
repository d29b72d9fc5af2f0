"""The register of bilateral formulas: one entry each, from which all lists of formulas are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ons_bigdata.prices.methods.bilateral import elementary, pair_sums, product_weights, weighted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ons_bigdata.prices.methods.bilateral.pair_sums import PairSums
    from ons_bigdata.prices.methods.bilateral.product_weights import ProductWeights

Takes = Literal["prices", "quantities", "weights_period"]

AXIOMS = (
    "identity",
    "proportionality",
    "commensurability",
    "time reversal",
    "circularity",
    "mean value",
    "monotonicity",
)
"""Axioms of a formula between two periods, over one set of products (`docs/prices/indices/axioms.md`)."""


@dataclass(frozen=True)
class Formula:
    """A bilateral formula.

    `compute`: (p0, p1), (p0, p1, q0, q1), or (p0, p1, pb, qb) with b the weights period, as `takes` states, and the
    options `required` and `optional` by name. `fails`: which of `AXIOMS` it fails; `geks_fails`: which of the axioms of
    multilateral methods its GEKS fails, None where that was not examined. `unmatched`: defined for different
    products in the two periods. `aliases`: names in the literature and in other packages, suggested where one is given
    instead of the name. `pair_sums`: log indices of all pairs of periods by matrix products, where there is such a
    form. `arithmetic`, `geometric`: weights of the products with which the index is the arithmetic or the geometric
    mean of their price relatives; where one is given, the other follows from it (`product_weights`).
    """

    name: str
    compute: Callable[..., float]
    takes: Takes
    fails: tuple[str, ...]
    geks_fails: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    unmatched: bool = False
    aliases: tuple[str, ...] = ()
    pair_sums: PairSums | None = None
    arithmetic: ProductWeights | None = None
    geometric: ProductWeights | None = None

    @property
    def windowed(self) -> bool:
        """True if a GEKS can be made of it: its weights are those of the two periods alone."""
        return self.takes != "weights_period"

    @property
    def decomposes(self) -> bool:
        """True if products have weights of which the index is the mean."""
        return self.arithmetic is not None or self.geometric is not None


ENTRIES = (
    Formula(
        "carli", elementary.carli, "prices", fails=("time reversal", "circularity"),
        arithmetic=product_weights.equal,
    ),
    Formula(
        "dutot", elementary.dutot, "prices", fails=("commensurability",), unmatched=True,
        arithmetic=product_weights.base_prices,
    ),
    Formula(
        "jevons", elementary.jevons, "prices", fails=(), aliases=("geomean", "geometric_mean"),
        geks_fails=(), pair_sums=pair_sums.JEVONS, geometric=product_weights.equal,
    ),
    Formula(
        "harmonic", elementary.harmonic, "prices", fails=("time reversal", "circularity"), aliases=("coggeshall",),
        arithmetic=product_weights.inverse_relatives,
    ),
    Formula(
        "cswd", elementary.cswd, "prices", fails=("circularity",),
        aliases=("carruthers_sellwood_ward_dalen", "dalen"),
    ),
    Formula(
        "laspeyres", weighted.laspeyres, "quantities", fails=("time reversal", "circularity"), geks_fails=(),
        arithmetic=product_weights.base_basket,
    ),
    Formula(
        "paasche", weighted.paasche, "quantities", fails=("time reversal", "circularity"),
        arithmetic=product_weights.current_basket,
    ),
    Formula(
        "fisher", weighted.fisher, "quantities", fails=("circularity",), geks_fails=("mean value",),
        pair_sums=pair_sums.FISHER, arithmetic=product_weights.fisher_arithmetic,
        geometric=product_weights.fisher_geometric,
    ),
    Formula(
        "tornqvist", weighted.tornqvist, "quantities", fails=("circularity", "monotonicity"),
        aliases=("toernqvist", "törnqvist", "tornquist", "tornqvist_theil", "translog"),
        geks_fails=("mean value", "monotonicity"), pair_sums=pair_sums.TORNQVIST, geometric=product_weights.mean_shares,
    ),
    Formula(
        "walsh", weighted.walsh, "quantities", fails=("circularity",), aliases=("walsh1",),
        geks_fails=("mean value",), pair_sums=pair_sums.WALSH, arithmetic=product_weights.walsh_basket,
    ),
    Formula(
        "geometric_laspeyres", weighted.geometric_laspeyres, "quantities", fails=("time reversal", "circularity"),
        aliases=("geolaspeyres", "geomlaspeyres", "geo_laspeyres", "logarithmic_laspeyres"),
        geometric=product_weights.base_shares,
    ),
    Formula(
        "geometric_paasche", weighted.geometric_paasche, "quantities",
        fails=("time reversal", "circularity", "monotonicity"),
        aliases=("geopaasche", "geompaasche", "geo_paasche", "logarithmic_paasche"),
        geometric=product_weights.current_shares,
    ),
    Formula(
        "lloyd_moulton", weighted.lloyd_moulton, "quantities", fails=("time reversal", "circularity"),
        required=("sigma",), aliases=("ces", "lm"),
    ),
    Formula(
        "marshall_edgeworth", weighted.marshall_edgeworth, "quantities", fails=("circularity",),
        aliases=("marshalledgeworth", "edgeworth"), arithmetic=product_weights.summed_basket,
    ),
    Formula(
        "palgrave", weighted.palgrave, "quantities", fails=("time reversal", "circularity", "monotonicity"),
        arithmetic=product_weights.current_shares,
    ),
    Formula(
        "drobisch", weighted.drobisch, "quantities", fails=("time reversal", "circularity"),
        aliases=("drobish", "sidgwick", "bowley"), arithmetic=product_weights.mean_baskets,
    ),
    Formula(
        "sato_vartia", weighted.sato_vartia, "quantities", fails=("circularity", "monotonicity"),
        geks_fails=("mean value", "monotonicity"), aliases=("satovartia", "vartia2", "vartia_2", "sato"),
        geometric=product_weights.logarithmic_mean_shares,
    ),
    Formula(
        "montgomery_vartia", weighted.montgomery_vartia, "quantities",
        fails=("proportionality", "circularity", "mean value", "monotonicity"),
        aliases=("montgomery", "vartia", "vartia1", "vartia_1"),
    ),
    Formula(
        "geary_khamis", weighted.geary_khamis, "quantities", fails=("circularity",), aliases=("gk", "gearykhamis"),
        arithmetic=product_weights.harmonic_basket,
    ),
    Formula(
        "quadratic_mean", weighted.quadratic_mean, "quantities", fails=("circularity",), required=("order",),
        aliases=("qmp", "quadratic_mean_of_order_r"),
    ),
    Formula("stuvel", weighted.stuvel, "quantities", fails=("proportionality", "circularity")),
    Formula(
        "unit_value", weighted.unit_value, "quantities", fails=("identity", "commensurability", "mean value"),
        unmatched=True, aliases=("uv", "unitvalue", "drobisch_unit_value"),
    ),
    Formula(
        "time_product_dummy", weighted.time_product_dummy, "quantities", fails=("circularity", "monotonicity"),
        geks_fails=("mean value", "monotonicity"), optional=("adjust_bias", "weights"),
        aliases=("tpd", "wtpd", "time_dummy"),
        geometric=product_weights.harmonic_mean_shares,
    ),
    Formula("lowe", weighted.lowe_of_period, "weights_period", fails=(), required=("weights_period",)),
    Formula(
        "young", weighted.young_of_period, "weights_period", fails=("time reversal", "circularity"),
        required=("weights_period",),
    ),
)  # fmt: skip

REGISTER = {entry.name: entry for entry in ENTRIES}
FORMULAS = tuple(REGISTER)
UNWEIGHTED = tuple(entry.name for entry in ENTRIES if entry.takes == "prices")
WINDOWED = tuple(entry.name for entry in ENTRIES if entry.windowed)
DECOMPOSABLE = tuple(entry.name for entry in ENTRIES if entry.decomposes)
ALIASES = {alias: entry.name for entry in ENTRIES for alias in entry.aliases}
GEKS_ALIASES = {
    **{f"geks_{name}": entry.name for entry in ENTRIES if entry.decomposes for name in (entry.name, *entry.aliases)},
    "ccdi": "tornqvist",
    "geks_t": "tornqvist",
    "geks": "fisher",
    "eks": "fisher",
    "geks_f": "fisher",
    "geks_j": "jevons",
    "geks_w": "walsh",
    "geks_l": "laspeyres",
    "geks_gl": "geometric_laspeyres",
}
"""Names of GEKS indices → the formula of which they are made."""
