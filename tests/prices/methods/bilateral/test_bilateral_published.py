"""Bilateral indices against published values."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.bilateral.retrospective import retrospective_index
from ons_bigdata.prices.methods.panels.imputation import impute_prices
from tests.prices.methods.published import (
    CES,
    GOLDEN,
    INDEXNUMR,
    MILK,
    OTHER,
    Key,
    assert_as_printed,
    by_period,
    ces,
    coffee_rows,
    golden,
    milk,
    series_of,
)

FORMULAS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in ("laspeyres", "paasche", "fisher", "tornqvist", "walsh", "palgrave", "stuvel")},
    **{name: (name, {}) for name in ("carli", "dutot", "jevons", "harmonic", "cswd")},
    "satovartia": ("sato_vartia", {}),
    "ces": ("lloyd_moulton", {"sigma": 2}),
    "geomLaspeyres": ("geometric_laspeyres", {}),
    "geomPaasche": ("geometric_paasche", {}),
    "tpd": ("time_product_dummy", {"adjust_bias": True}),
    "gk": ("geary_khamis", {}),
    "drobish": ("drobisch", {}),
    "marshalledgeworth": ("marshall_edgeworth", {}),
    "lowe": ("lowe", {"weights_period": 1}),
    "young": ("young", {"weights_period": 1}),
}
# The older tables were made from quantities of seven decimals; the published data carry fifteen digits.
FULL_QUANTITIES = {"tpd", "palgrave", "drobish", "stuvel", "marshalledgeworth", "lowe", "young"}
OUTPUTS = {"pop": "previous_period", "chained": "chained", "fixedbase": "fixed_base"}


def indexnumr_key(method: str, kind: str, output: str) -> Key:
    more = ";sigma=2" if method == "ces" else ""
    more += ";weights=shares;biasAdjust=default" if (method, kind) == ("tpd", "price") else ""
    return "indexnumr_CES_sigma_2", method, f"kind={kind};sample=matched;output={output}{more}"


CASES = [(method, kind, output) for method in FORMULAS for kind in ("price", "quantity") for output in OUTPUTS]
CARRIED: Key = ("indexnumr_CES_sigma_2[rows 2,3 removed]", "fisher", "output=chained;imputePrices=carry")
MILK_CASES = [
    ("jevons", "direct;base=2018-12", "jevons", {}),
    ("jevons", "start=2019-12;end=2020-01", "jevons", {"base_period": "2019-12"}),
    ("fisher", "direct;base=2018-12", "fisher", {}),
    ("fisher", "start=2018-12;direct", "fisher", {}),
    ("fisher", "start=2019-12;end=2020-01", "fisher", {"base_period": "2019-12"}),
    ("fisher", "chained;base=2018-12", "fisher", {"comparison": "chained"}),
    ("chfisher", "start=2019-12;end=2020-02", "fisher", {"comparison": "chained", "base_period": "2019-12"}),
    ("lloyd_moulton", "direct;base=2018-12;sigma=0.9", "lloyd_moulton", {"sigma": 0.9}),
    ("lowe", "start=2019-12;quantity base=2018-12", "lowe", {"base_period": "2019-12", "weights_period": "2018-12"}),
    ("young", "start=2018-12;base=2019-03", "young", {"weights_period": "2019-03"}),
    ("QMp", "start=2018-12;r=3", "quadratic_mean", {"order": 3}),
]
RETROSPECTIVE: Key = ("priceindices_milk", "retro_dhkh", "base=2018-12")
GPINDEX_CASES = [
    ("gpindex_geks_dat", "geks_fisher", "window=2 (=chained fisher)", "fisher"),
    ("gpindex_geks_dat2", "geks_walsh1_balanced", "window=2;na.rm=TRUE", "walsh"),
]

COFFEE: list[Key] = [
    ("priceindices_coffee", formula, "direct;base=2018-12") for formula in ("laspeyres", "paasche", "fisher")
]

REPRODUCED: dict[str, set[Key]] = {
    INDEXNUMR: {*(indexnumr_key(*case) for case in CASES), CARRIED},
    OTHER: {("priceindices_milk", *case[:2]) for case in MILK_CASES}
    | {RETROSPECTIVE, *COFFEE}
    | {(dataset, method, params) for dataset, method, params, _ in GPINDEX_CASES},
}
"""Golden values that this module tests, for `test_golden_ledger`."""


@golden
@pytest.mark.parametrize(("method", "kind", "output"), CASES)
def test_indexnumr(method, kind, output):
    formula, options = FORMULAS[method]
    quotes = ces()
    if method not in FULL_QUANTITIES and (method, kind) != ("gk", "quantity"):
        quotes = quotes.with_columns(pl.col("quantities").round(7))
    computed = bilateral_index(quotes, formula, OUTPUTS[output], of=kind, **CES, **options)
    printed = series_of(INDEXNUMR)[indexnumr_key(method, kind, output)]
    assert len(printed) == 12
    assert_as_printed(by_period(computed), printed)


@golden
def test_indexnumr_fisher_of_prices_carried_forward():
    # Product 1 is away in periods 2 and 3: its price is carried there, at quantity 0.
    carried = impute_prices(ces(two_rows_removed=True), "carry_forward", **CES)
    assert carried.filter("imputed").select("product", "period", "age").rows() == [(1, 2, 1), (1, 3, 2)]
    computed = bilateral_index(carried, "fisher", "chained", quantity="quantity", missing="unsold")
    assert_as_printed(by_period(computed), series_of(INDEXNUMR)[CARRIED])


@golden
@pytest.mark.parametrize(("method", "params", "formula", "choices"), MILK_CASES)
def test_priceindices_of_real_milk_prices(method, params, formula, choices):
    quotes = milk().with_columns(pl.col("month").dt.strftime("%Y-%m"))
    computed = bilateral_index(quotes, formula, **MILK, **choices)
    assert_as_printed(by_period(computed), series_of(OTHER)["priceindices_milk", method, params])


@golden
def test_priceindices_retrospective_index_of_milk():
    computed = by_period(retrospective_index(milk("2018-12", "2019-12"), **MILK))
    assert_as_printed({period[:7]: index for period, index in computed.items()}, series_of(OTHER)[RETROSPECTIVE])


@golden
@pytest.mark.parametrize(("dataset", "method", "params", "formula"), GPINDEX_CASES)
def test_gpindex_chains_over_gaps(dataset, method, params, formula):
    quotes = pl.read_csv(GOLDEN / f"{dataset}.csv", null_values="NA")
    computed = bilateral_index(quotes, formula, "chained", quantity="quantity", missing="absent")
    assert_as_printed(by_period(computed), series_of(OTHER)[dataset, method, params])


@golden
@pytest.mark.parametrize("key", COFFEE, ids=" ".join)
def test_priceindices_of_real_coffee_prices(key):
    # Products over all outlets: a product's unit value and quantity of the month.
    computed = by_period(bilateral_index(coffee_rows(), key[1], duplicates="unit_value", **MILK))
    assert_as_printed(computed, series_of(OTHER)[key])
