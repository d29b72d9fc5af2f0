"""Frames of every public method: lazy ones are computed, those of other libraries are refused by one message."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods import aggregation, bilateral, multilateral, panels, quality

QUOTES = pl.DataFrame(
    [(t, n, 1.0 + t * k, 1.0 + t + k) for t in range(4) for k, n in enumerate("abc")],
    schema=["period", "product", "price", "quantity"], orient="row",
)  # fmt: skip
SERIES = QUOTES.select("period", node="product", index="price")
WEIGHTS = pl.DataFrame({"node": list("abc"), "weight": [1.0, 2.0, 3.0]})
TREE = pl.DataFrame({"node": ["top", *"abc"], "parent": [None, "top", "top", "top"]})
LINKS = SERIES.with_columns(link=0)
AGGREGATED = aggregation.aggregate(SERIES, WEIGHTS, TREE)
FILTERED = quality.relative_filter(QUOTES)
Q: dict[str, Any] = {"quantity": "quantity"}

METHODS: dict[str, tuple[Any, pl.DataFrame, str]] = {
    "bilateral_index": (lambda f: bilateral.bilateral_index(f, "fisher", **Q), QUOTES, "quotes"),
    "bilateral_contributions": (lambda f: bilateral.bilateral_contributions(f, "fisher", 0, 3, **Q), QUOTES, "quotes"),
    "bilateral_decomposition": (lambda f: bilateral.bilateral_decomposition(f, "fisher", 0, 3, **Q), QUOTES, "quotes"),
    "bilateral_indicator": (lambda f: bilateral.bilateral_indicator(f, "bennet"), QUOTES, "quotes"),
    "indicator_contributions": (lambda f: bilateral.indicator_contributions(f, "bennet", 0, 3), QUOTES, "quotes"),
    "retrospective_index": (bilateral.retrospective_index, QUOTES, "quotes"),
    "axioms_violated": (
        lambda f: bilateral.axioms_violated(lambda q: bilateral.bilateral_index(q, "jevons"), f), QUOTES, "quotes",
    ),
    "multilateral_index": (lambda f: multilateral.multilateral_index(f, "geks_fisher", **Q), QUOTES, "quotes"),
    "fews_index": (lambda f: multilateral.fews_index(f, window=3), QUOTES, "quotes"),
    "geks_decomposition": (lambda f: multilateral.geks_decomposition(f, "fisher", 0, 3, **Q), QUOTES, "quotes"),
    "window_revision": (
        lambda f: multilateral.window_revision(f, "geks_jevons", window=3, splice="movement"), QUOTES, "quotes",
    ),
    "splice_drift": (lambda f: multilateral.splice_drift(f, "geks_jevons", [(3, "mean")]), QUOTES, "quotes"),
    "price_panel": (lambda f: pl.DataFrame(panels.price_panel(f).prices), QUOTES, "quotes"),
    "impute_prices": (lambda f: panels.impute_prices(f, "carry_forward"), QUOTES, "quotes"),
    "product_definition_scores": (
        lambda f: panels.product_definition_scores(f, ["product"], 0, 3), QUOTES, "quotes",
    ),
    "dump_filter": (lambda f: quality.dump_filter(f, price_limit=0.5, expenditure_limit=0.5), QUOTES, "quotes"),
    "low_sales_filter": (quality.low_sales_filter, QUOTES, "quotes"),
    "relative_filter": (quality.relative_filter, QUOTES, "quotes"),
    "combined": (lambda f: quality.combined([f, FILTERED]), FILTERED, "filtered"),
    "aggregate, indices": (lambda f: aggregation.aggregate(f, WEIGHTS, TREE), SERIES, "indices"),
    "aggregate, weights": (lambda f: aggregation.aggregate(SERIES, f, TREE), WEIGHTS, "weights"),
    "aggregate, tree": (lambda f: aggregation.aggregate(SERIES, WEIGHTS, f), TREE, "tree"),
    "contributions": (lambda f: aggregation.contributions(f, "top"), AGGREGATED, "aggregated"),
    "rate_contributions": (lambda f: aggregation.rate_contributions(f, "top", 2), AGGREGATED, "aggregated"),
    "rates": (lambda f: aggregation.rates(f, 2), SERIES, "table"),
    "rebased": (lambda f: aggregation.rebased(f, [0]), SERIES, "table"),
    "link_series": (lambda f: aggregation.link_series(f, SERIES, node="node"), SERIES, "earlier"),
    "unchain": (lambda f: aggregation.unchain(f, [2]), SERIES, "chained"),
    "chain": (aggregation.chain, LINKS, "unchained"),
}  # fmt: skip
every_method = pytest.mark.parametrize(("compute", "frame", "name"), METHODS.values(), ids=METHODS)


@every_method
def test_a_lazy_frame_gives_what_an_eager_one_gives(compute, frame, name):
    assert_frame_equal(compute(frame.lazy()), compute(frame))


@every_method
def test_other_frames_are_refused_by_one_message(compute, frame, name):
    pandas = pd.DataFrame(frame.to_dict(as_series=False))
    with pytest.raises(ValueError, match=rf"{name}: found pandas DataFrame, expected a polars .*; convert it by pl\."):
        compute(pandas)
    for other, kind in ((frame.to_arrow(), "pyarrow Table"), (frame.to_dict(), "dict"), (None, "NoneType")):
        with pytest.raises(ValueError, match=f"{name}: found {kind}, expected a polars DataFrame or LazyFrame"):
            compute(other)


@every_method
def test_a_lazy_frame_that_cannot_be_computed_is_a_value_error(compute, frame, name):
    with pytest.raises(ValueError, match=f"{name}: the LazyFrame cannot be computed: "):
        compute(frame.lazy().with_columns(pl.col("absent")))


@every_method
def test_a_missing_column_is_a_value_error_that_lists_the_columns(compute, frame, name):
    with pytest.raises(ValueError, match=f"{name}: column .* is missing|column .* is missing; found"):
        compute(pl.DataFrame({"other": [1]}))


def columns_of_other_types(frame: pl.DataFrame, column: str) -> list[pl.Series]:
    n = frame.height
    return [
        pl.Series(column, values, dtype=dtype)
        for values, dtype in (
            (["x"] * n, pl.String), (["x"] * n, pl.Categorical), ([True] * n, pl.Boolean), ([b"x"] * n, pl.Binary),
            ([date(2020, 1, 1)] * n, pl.Date), ([timedelta(1)] * n, pl.Duration), ([None] * n, pl.Null),
            ([[1]] * n, pl.List(pl.Int64)), ([{"a": 1}] * n, pl.Struct({"a": pl.Int64})), ([object()] * n, pl.Object),
            ([float("nan")] * n, pl.Float64), ([-1.0] * n, pl.Float64), ([Decimal("1.5")] * n, pl.Decimal(10, 2)),
        )
    ]  # fmt: skip


@every_method
def test_columns_of_other_types_give_an_outcome_or_a_value_error(compute, frame, name):
    for column in frame.columns:
        for other in columns_of_other_types(frame, column):
            with suppress(ValueError):
                compute(frame.with_columns(other))


@every_method
def test_empty_and_one_row_frames_give_an_outcome_or_a_value_error(compute, frame, name):
    for few in (frame.head(0), frame.head(1)):
        with suppress(ValueError):
            compute(few)


# --- numpy scalars, text periods and whole-number nodes ---


def test_numpy_scalars_are_numbers():
    quotes, q = QUOTES, Q
    for number in (np.float32(2.0), np.float64(2.0), np.int64(2), np.int8(2)):
        expected = bilateral.bilateral_index(quotes, "lloyd_moulton", sigma=2, **q)
        assert_frame_equal(bilateral.bilateral_index(quotes, "lloyd_moulton", sigma=number, **q), expected)
    tpd = {"formula": "time_product_dummy", **q}
    adjusted = bilateral.bilateral_index(quotes, adjust_bias=np.bool_(1), **tpd)
    assert_frame_equal(adjusted, bilateral.bilateral_index(quotes, adjust_bias=True, **tpd))
    spliced = {"method": "geks_jevons", "splice": "movement"}
    assert_frame_equal(
        multilateral.multilateral_index(quotes, window=np.int16(3), **spliced),
        multilateral.multilateral_index(quotes, window=3, **spliced),
    )
    for limit in (np.int32(1), 1):
        assert panels.impute_prices(quotes, "carry_forward", max_periods=limit).height == quotes.height
    assert quality.relative_filter(quotes, factor=np.float32(2))["kept"].to_list().count(False) == 1
    assert bilateral.bilateral_index(quotes, "jevons", base_period=np.int64(1))["index"][1] == 1.0
    assert aggregation.rates(SERIES, np.int64(2)).height == 6
    for bad in ("2", None, float("nan"), True, 1j):
        with pytest.raises(ValueError, match=r"sigma is .*, expected a finite number|option sigma is missing"):
            bilateral.bilateral_index(quotes, "lloyd_moulton", sigma=bad, **q)
        with pytest.raises(ValueError, match=r"factor is .*, expected a finite number"):
            quality.relative_filter(quotes, factor=bad)
    for bad in (1.5, "3", True):
        with pytest.raises(ValueError, match=r"max_periods: found .*, expected a whole number of at least 1, or None"):
            panels.impute_prices(quotes, "carry_forward", max_periods=bad)


def test_whole_numbers_and_categories_are_nodes():
    numbers = {"top": 0, "a": 1, "b": 2, "c": 3}
    for dtype in (pl.Int64, pl.UInt8):
        indices, weights = (
            frame.with_columns(pl.col("node").replace_strict(numbers, return_dtype=dtype))
            for frame in (SERIES, WEIGHTS)
        )
        tree = TREE.with_columns(pl.col("node", "parent").replace_strict(numbers, return_dtype=dtype))
        table = aggregation.aggregate(indices, weights, tree)
        assert table["index"].to_list() == AGGREGATED.sort("period", pl.col("node").replace(numbers))["index"].to_list()
        computed = aggregation.contributions(table, 0)
        assert computed.height == aggregation.contributions(AGGREGATED, "top").height
        assert aggregation.rate_contributions(table, 0, 2).height == 6
    categories = [frame.with_columns(pl.col("node").cast(pl.Categorical)) for frame in (SERIES, WEIGHTS)]
    tree = TREE.with_columns(pl.col("node", "parent").cast(pl.Categorical))
    assert_frame_equal(aggregation.aggregate(*categories, tree), AGGREGATED)


LIMITS = ("price_limit", "expenditure_limit")
SMALL_NUMBERS = (np.float16(0.5), np.float32(0.5), np.float64(0.5), 0.5)


@pytest.mark.parametrize("half", SMALL_NUMBERS, ids=[type(half).__name__ for half in SMALL_NUMBERS])
def test_all_numpy_scalars_are_limits_of_filters(half):
    for name, options, plain in (
        (
            "dump_filter",
            {"price_limit": half, "expenditure_limit": half},
            {"price_limit": 0.5, "expenditure_limit": 0.5},
        ),
        ("low_sales_filter", {"share_factor": half}, {"share_factor": 0.5}),
        ("relative_filter", {"factor": type(half)(2.0)}, {"factor": 2.0}),
    ):
        compute = getattr(quality, name)
        assert_frame_equal(compute(QUOTES, **options), compute(QUOTES, **plain))


def test_truth_values_are_true_or_false():
    for wrong in ("no", "False", 0, 1, None, [], 1.0):
        with pytest.raises(ValueError, match=r"self_correcting is .*, expected True or False"):
            panels.impute_prices(QUOTES, "carry_forward", self_correcting=wrong)
        with pytest.raises(ValueError, match=r"adjust_bias is .*, expected True or False"):
            bilateral.bilateral_index(QUOTES, "time_product_dummy", adjust_bias=wrong, **Q)
    assert panels.impute_prices(QUOTES, "carry_forward", self_correcting=np.bool_(0)).height == QUOTES.height


def test_two_options_do_not_name_one_column():
    for call in (
        lambda: quality.relative_filter(QUOTES, kept="z", reason="z"),
        lambda: quality.combined([FILTERED, FILTERED], kept="kept", reason="kept"),
        lambda: quality.relative_filter(QUOTES, product="period"),
        lambda: bilateral.bilateral_index(QUOTES, "fisher", quantity="price"),
        lambda: multilateral.multilateral_index(QUOTES, "geks_jevons", product="period"),
        lambda: panels.price_panel(QUOTES, price="period"),
        lambda: panels.product_definition_scores(QUOTES, ["product"], 0, 3, price="quantity"),
        lambda: panels.product_definition_scores(QUOTES, ["product", "product"], 0, 3),
    ):
        with pytest.raises(ValueError, match=r"which is .* already; expected two different columns"):
            call()


def test_windows_and_variants_are_named_in_messages():
    for window in (None, "3", 2.5, True, [3], 1):
        with pytest.raises(ValueError, match=r"window: found .*, expected a whole number of at least 2"):
            multilateral.window_revision(QUOTES, "geks_jevons", window=window, splice="movement")
    for splice in (None, 3, [], "wisp"):
        with pytest.raises(ValueError, match="unknown splice"):
            multilateral.window_revision(QUOTES, "geks_jevons", window=3, splice=splice)
    for variants in ([3], [None], ["ab"], [(3,)], [(3, "mean", 1)], 3, None, "mean", {3: "mean"}):
        with pytest.raises(ValueError, match=r"variants: found .*, expected .*pairs of window and splice"):
            multilateral.splice_drift(QUOTES, "geks_jevons", variants)
    assert multilateral.splice_drift(QUOTES, "geks_jevons", [(np.int8(3), "mean")])["window"].to_list() == [3]


# --- names of options ---


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("ccdi", "geks_tornqvist"), ("CCDI", "geks_tornqvist"), ("gk", "geary_khamis"), ("tpd", "time_product_dummy"),
        ("geks", "geks_fisher"), ("geks_toernqvist", "geks_tornqvist"), ("geks-fisher", "geks_fisher"),
        ("geks_fischer", "geks_fisher"), ("Geary-Khamis", "geary_khamis"), ("geks_tpd", "geks_time_product_dummy"),
        ("GEKS_Jevons", "geks_jevons"), ("time_produkt_dummy", "time_product_dummy"),
    ],
)  # fmt: skip
def test_an_unknown_method_suggests_the_known_one(name, suggested):
    with pytest.raises(
        ValueError, match=rf"unknown method '{name}'; known: geks_fisher.*; did you mean {suggested}\?$"
    ):
        multilateral.multilateral_index(QUOTES, name, **Q)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("wisp", "window_published"), ("HASP", "half_published"), ("mean_pub", "mean_published"),
        ("fbmw", "fixed_base_moving"), ("fbew", "fixed_base_expanding with the option expanding"),
        ("mvement", "movement"), ("geomean", "mean"), ("window_publish", "window_published"),
    ],
)  # fmt: skip
def test_an_unknown_splice_suggests_the_known_one(name, suggested):
    with pytest.raises(ValueError, match=rf"unknown splice '{name}'; known: movement.*; did you mean {suggested}\?$"):
        multilateral.multilateral_index(QUOTES, "geks_jevons", window=3, splice=name)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("toernqvist", "tornqvist"), ("törnqvist", "tornqvist"), ("Fisher", "fisher"), ("pasche", "paasche"),
        ("drobish", "drobisch"), ("geomLaspeyres", "geometric_laspeyres"), ("satovartia", "sato_vartia"),
        ("ces", "lloyd_moulton"), ("gk", "geary_khamis"), ("marshall-edgeworth", "marshall_edgeworth"),
    ],
)  # fmt: skip
def test_an_unknown_formula_suggests_the_known_one(name, suggested):
    with pytest.raises(ValueError, match=rf"unknown formula '{name}'; known: carli.*; did you mean {suggested}\?$"):
        bilateral.bilateral_index(QUOTES, name, **Q)


def test_what_resembles_nothing_gets_no_suggestion():
    for name in ("xyz", "", 7, None):
        with pytest.raises(ValueError, match=r"known: [a-z_, ]*young$"):
            bilateral.bilateral_index(QUOTES, name, **Q)  # type: ignore[arg-type]


# --- filters and imputation leave what the caller has ---


def test_filters_do_not_overwrite_columns_of_the_caller():
    for column in ("kept", "reason"):
        quotes = QUOTES.with_columns(pl.lit("mine").alias(column))
        for name in ("dump_filter", "low_sales_filter", "relative_filter"):
            with pytest.raises(ValueError, match=f"quotes: column {column} exists already and would be overwritten"):
                METHODS[name][0](quotes)
        table = quality.relative_filter(quotes, kept="passes", reason="why")
        assert table[column].to_list() == ["mine"] * quotes.height
        assert table.columns[-2:] == ["passes", "why"]
        both = [table, quality.low_sales_filter(quotes, kept="passes", reason="why")]
        assert quality.combined(both, kept="passes", reason="why")[column].to_list() == ["mine"] * quotes.height
    other = quality.relative_filter(QUOTES.reverse())
    with pytest.raises(ValueError, match="the frames are not of the same quotes in the same order"):
        quality.combined([quality.relative_filter(QUOTES), other])


def test_messages_have_the_names_of_the_caller():
    quotes = QUOTES.rename({"period": "month", "product": "prodID", "price": "prices", "quantity": "sold"})
    names = {"period": "month", "product": "prodID", "price": "prices"}
    bad = quotes.with_columns(prices=-1.0)
    with pytest.raises(ValueError, match=r"the first: month 0, prodID a, prices -1\.0$"):
        quality.relative_filter(bad, **names)
    with pytest.raises(ValueError, match=r"the first: month 0, prodID a, prices -1\.0, sold 1\.0$"):
        quality.low_sales_filter(bad, quantity="sold", **names)
    with pytest.raises(ValueError, match=r"the first: month 0, prodID a, prices -1\.0, sold 1\.0$"):
        bilateral.bilateral_index(bad, "fisher", quantity="sold", **names)
    with pytest.raises(ValueError, match=r"the first: prodID a, month 0, prices -1\.0, sold 1\.0$"):
        panels.product_definition_scores(bad, ["prodID"], 0, 3, period="month", price="prices", quantity="sold")
    with pytest.raises(ValueError, match="a null in month; the first: prodID a, month None"):
        panels.product_definition_scores(
            quotes.with_columns(month=pl.lit(None, pl.Int64)), ["prodID"], 0, 3, period="month", price="prices",
            quantity="sold",
        )  # fmt: skip
