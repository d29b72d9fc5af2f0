"""Multilateral indices against published and independently computed values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral.decomposition import geks_decomposition
from ons_bigdata.prices.methods.multilateral.index import fews_index, multilateral_index
from ons_bigdata.prices.methods.multilateral.registry import METHODS
from ons_bigdata.prices.methods.multilateral.splicing import Extension, extended_levels
from ons_bigdata.prices.methods.multilateral.windows import WindowLevels
from ons_bigdata.prices.methods.panels.imputation import impute_prices
from tests.prices.methods.published import (
    CES,
    FEWS,
    GOLDEN,
    INDEXNUMR,
    MILK,
    OTHER,
    Key,
    assert_as_printed,
    by_period,
    ces,
    golden,
    milk,
    milk_rows,
    parameters,
    series_of,
)

SPLICE_OF = {"half": "half", "hasp": "half_published", "wisp": "window_published", "mean_pub": "mean_published"}
METHOD_OF = {"gk": "geary_khamis", "wtpd": "time_product_dummy", "geks_tpd": "geks_time_product_dummy"}
REMOVED = "indexnumr_CES_sigma_2[rows 2,3 removed]"


def windowed() -> list[Key]:
    """List the series of IndexNumR that are of windows."""
    if not GOLDEN.is_dir():
        return []
    return [key for key in series_of(INDEXNUMR) if "window" in parameters(key[2])]


@golden
@pytest.mark.parametrize("key", windowed(), ids=" ".join)
def test_indexnumr_windows_and_splices(key):
    dataset, method, params = key
    chosen, name = parameters(params), METHOD_OF.get(method, method)
    assert name in METHODS
    splice = chosen.get("splice")
    options = {"weights": "average"} if method == "geks_tpd" else {}
    if dataset == REMOVED:
        # Product 1 is away in periods 2 and 3: its price is carried there, at quantity 0.
        quotes = impute_prices(ces(two_rows_removed=True), "carry_forward", **CES)
        table = multilateral_index(quotes, name, quantity="quantity", missing="unsold")
    else:
        table = multilateral_index(
            ces(), name, window=int(chosen["window"]), splice=SPLICE_OF.get(splice, splice), **CES, **options
        )
    printed = series_of(INDEXNUMR)[key]
    assert len(printed) == 12
    # The literals of fewer digits come from an iteration that its own package meets to 2.4e-8 only.
    iterated = method == "gk" and max(map(len, printed.values())) < 12
    assert_as_printed(by_period(table), printed, 3e-8 if iterated else 1e-12)


GPINDEX = [
    ("gpindex_geks_dat", "geks_tornqvist", "window=13", None),
    ("gpindex_geks_dat", "geks_jevons", "window=13", None),
    ("gpindex_geks_dat", "geks_fisher", "window=11;splice=movement", "movement"),
    ("gpindex_geks_dat", "geks_fisher", "window=13;n=11 (last 11 links, cumprod)", None),
    ("gpindex_geks_dat", "geks_fisher", "window=13;n=10 (last 10 links, cumprod)", None),
    ("gpindex_geks_dat", "geks_fisher", "window=2 (=chained fisher)", "movement"),
    ("gpindex_geks_dat", "geks_walsh1", "window=13;match=back-price", None),
    ("gpindex_geks_dat", "geks_walsh1", "window=10;n=3;movement links, see test", "movement"),
    ("gpindex_geks_dat", "geks_tornqvist", "window=7;splice=mean", "mean"),
    ("gpindex_geks_dat", "geks_fisher", "window=3;splice=window(periods=1)", "window"),
    ("gpindex_geks_dat", "geks_jevons", "window=6;splice=periods 3", "half"),
    ("gpindex_geks_dat2", "geks_tornqvist_balanced", "window=13;na.rm=TRUE", None),
    ("gpindex_geks_dat2", "geks_jevons", "window=13;na.rm=TRUE", None),
    ("gpindex_geks_dat2", "geks_walsh1_balanced", "window=2;na.rm=TRUE", "movement"),
]


FEWS_CASES = [(window, splice) for window in (13, 25) for splice in ("window", "half", "movement", "geomean")]
FEWS_CASES.remove((25, "half"))  # see the ledger


def fews_key(window: int, splice: str, weighted: str) -> Key:
    weights = "(weight = price*quantity, levels not shares)"
    return "fews_turvey", "fews_tpd", f"window={window};splice={splice};weighted={weighted} {weights}"


@golden
@pytest.mark.parametrize(("dataset", "method", "params", "splice"), GPINDEX)
def test_gpindex_geks_with_missing_prices(dataset, method, params, splice):
    printed = list(series_of(OTHER)[dataset, method, params].values())
    quotes = pl.read_csv(GOLDEN / f"{dataset}.csv")
    window = int(parameters(params.replace(" (", ";("))["window"])
    name = method.removesuffix("_balanced").replace("walsh1", "walsh")
    computed = multilateral_index(quotes, name, window=window, splice=splice, quantity="quantity")["index"].to_list()
    # The printed series begin at 1 in the period before their first.
    base = computed[-len(printed) - 1]
    assert [value / base for value in computed[-len(printed) :]] == pytest.approx(list(map(float, printed)), rel=1e-12)


LINKS = ["movement", "window", "window_published(wisp)", "mean", "mean_published"]


@golden
@pytest.mark.parametrize("params", LINKS)
def test_gpindex_splices_of_given_windows(params):
    # Three windows of four periods, whose movements from period to period are 1 2 3, then 3 4 5, then 5 6 7.
    steps = [[1, 2, 3], [3, 4, 5], [5, 6, 7]]

    def window_of(first: int, stop: int) -> WindowLevels:
        logs = np.concatenate([[0.0], np.log(steps[first]).cumsum()])
        return WindowLevels(range(6), first, logs[: stop - first, None], np.zeros((4, 1), dtype=np.int64), {})

    splice = params.partition("(")[0]
    levels = np.exp(extended_levels(window_of, range(6), Extension(splice=splice, window=4))[0][:, 0])
    printed = series_of(OTHER)["inline_links", "splice", params]
    computed = {str(t): float(level) for t, level in enumerate(levels)}
    assert_as_printed(computed, printed)


@golden
@pytest.mark.parametrize("weighted", ["TRUE", "FALSE"])
@pytest.mark.parametrize(("window", "splice"), FEWS_CASES)
def test_fews_on_the_turvey_data(window, splice, weighted):
    quotes = pl.read_csv(GOLDEN / "fews_turvey.csv", try_parse_dates=True)
    quantity = "quantity" if weighted == "TRUE" else None
    named = splice.replace("geomean", "mean")
    table = fews_index(quotes, window=window, splice=named, period="month", product="commodity", quantity=quantity)
    printed = series_of(FEWS)[fews_key(window, splice, weighted)]
    assert len(printed) == 49 - window
    assert_as_printed(by_period(table), printed)


MILK_CASES = [
    (("geks_fisher", "start=2018-12;window=13"), ("2018-12", "2019-12"), "geks_fisher", {}),
    (("ccdi(geks_tornqvist)", "start=2018-12;window=13"), ("2018-12", "2019-12"), "geks_tornqvist", {}),
    (
        ("tpd", "base=2018-12;window=10;splice=half"),
        ("2018-12", "2020-02"),
        "time_product_dummy",
        {"window": 10, "splice": "half"},
    ),
    (("geks_fisher", "base=2019-01;wstart=2019-01;window=10"), ("2019-01", "2019-10"), "geks_fisher", {}),
    (
        ("geks_fisher", "fbew;base=2018-12"),
        ("2018-12", "2020-03"),
        "geks_fisher",
        {"splice": "fixed_base_expanding", "expanding": "fbew_december"},
    ),
    (
        ("ccdi", "fbmw;base=2018-12"),
        ("2018-12", "2020-03"),
        "geks_tornqvist",
        {"splice": "fixed_base_moving", "window": 13},
    ),
    (("geks", "start=2019-12;end=2020-02;window=3"), ("2019-12", "2020-02"), "geks_fisher", {}),
    (("geksl", "wstart=2018-12;start=2019-03;window=13"), ("2018-12", "2019-12"), "geks_laspeyres", {}),
    (
        ("geksl", "fbew;start=2018-12"),
        ("2018-12", "2019-12"),
        "geks_laspeyres",
        {"splice": "fixed_base_expanding", "expanding": "fbew_december"},
    ),
]


@golden
@pytest.mark.parametrize(
    ("key", "months", "method", "options"), MILK_CASES, ids=[" ".join(row[0]) for row in MILK_CASES]
)
def test_priceindices_milk(key, months, method, options):
    computed = {p[:7]: i for p, i in by_period(multilateral_index(milk(*months), method, **MILK, **options)).items()}
    if "start=2019-03" in key[1]:  # the window begins before the index does
        computed = {month: index / computed["2019-03"] for month, index in computed.items()}
    assert_as_printed(computed, series_of(OTHER)["priceindices_milk", *key])


DECOMPOSITIONS = {"geks multiplicative decomposition": "fisher", "ccdi multiplicative decomposition": "tornqvist"}


def decompositions(method: str) -> list[Key]:
    return [key for key in series_of(OTHER) if key[1] == method] if GOLDEN.is_dir() else []


@golden
@pytest.mark.parametrize(("method", "formula"), DECOMPOSITIONS.items())
def test_priceindices_decompositions_by_description(method, formula):
    # Descriptions are the products: a description's unit value and quantity of the month, over products and outlets.
    value = pl.col("prices") * pl.col("quantities")
    quotes = milk_rows().group_by("month", "description").agg(
        prices=value.sum() / pl.col("quantities").sum(), quantities=pl.col("quantities").sum()
    )  # fmt: skip
    table = geks_decomposition(quotes, formula, "2018-12", "2019-12", **(MILK | {"product": "description"}))
    computed = dict(table.select("product", "factor").rows()) | {"index value (product)": table["factor"].product()}
    keys = decompositions(method)
    assert {parameters(key[2])["component"] for key in keys} == computed.keys()
    for key in keys:
        assert_as_printed({"2019-12": computed[parameters(key[2])["component"]]}, series_of(OTHER)[key])


REPRODUCED: dict[str, set[Key]] = {
    FEWS: {fews_key(*case, weighted) for case in FEWS_CASES for weighted in ("TRUE", "FALSE")},
    INDEXNUMR: set(windowed()),
    OTHER: {case[:3] for case in GPINDEX}
    | {("inline_links", "splice", params) for params in LINKS}
    | {("priceindices_milk", *case[0]) for case in MILK_CASES}
    | {key for method in DECOMPOSITIONS for key in decompositions(method)},
}
"""Golden values that this module tests, for `test_golden_ledger`."""
