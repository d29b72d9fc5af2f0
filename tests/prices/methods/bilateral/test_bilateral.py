"""Bilateral indices: examples by hand, refused input, an independent loop, chains.

Published values are in `test_bilateral_published`, the axioms in `test_axioms`.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.bilateral.index import COMPARISONS, FORMULAS, UNWEIGHTED, bilateral_index

quickly = settings(max_examples=30, deadline=None)

# --- examples by hand ---


def quotes_of(cells: dict[tuple[int, str], tuple[float, float]]) -> pl.DataFrame:
    """Quotes from (period, product) → (price, quantity)."""
    schema = {"period": pl.Int64, "product": pl.String, "price": pl.Float64, "quantity": pl.Float64}
    return pl.DataFrame([(*key, *values) for key, values in cells.items()], schema=schema, orient="row")


# Tea doubles from 1 to 2, bread stays at 4. Expenditures: 3 + 12 = 15, then 2 + 20 = 22.
TWO = quotes_of({(1, "tea"): (1, 3), (1, "bread"): (4, 3), (2, "tea"): (2, 1), (2, "bread"): (4, 5)})
L, PA, LQ, V = 18 / 15, 22 / 21, 21 / 15, 22 / 15
S0, S1 = 3 / 15, 2 / 22  # the shares of tea
BY_HAND = {
    "carli": 1.5,
    "dutot": 6 / 5,
    "jevons": 2**0.5,
    "harmonic": 1 / 0.75,
    "cswd": 2**0.5,
    "laspeyres": L,
    "paasche": PA,
    "fisher": (L * PA) ** 0.5,
    "tornqvist": 2 ** ((S0 + S1) / 2),
    "walsh": (2 * 3**0.5 + 4 * 15**0.5) / (3**0.5 + 4 * 15**0.5),
    "geometric_laspeyres": 2**S0,
    "geometric_paasche": 2**S1,
    "lloyd_moulton": 1 / (S0 / 2 + 1 - S0),
    "quadratic_mean": ((S0 * 2**1.5 + 1 - S0) / (S1 * 2**-1.5 + 1 - S1)) ** (1 / 3),
    "marshall_edgeworth": (2 * 4 + 4 * 8) / (4 + 4 * 8),
    "palgrave": S1 * 2 + 1 - S1,
    "drobisch": (L + PA) / 2,
    "geary_khamis": (2 * 3 / 4 + 4 * 15 / 8) / (3 / 4 + 4 * 15 / 8),
    "stuvel": (L - LQ) / 2 + (((L - LQ) / 2) ** 2 + V) ** 0.5,
    "unit_value": (22 / 6) / (15 / 6),
    "lowe": 22 / 21,
    "young": S1 * 2 + 1 - S1,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "lloyd_moulton": {"sigma": 2},
    "quadratic_mean": {"order": 3},
    "lowe": {"weights_period": 2},
    "young": {"weights_period": 2},
}


def index_of(quotes: pl.DataFrame, formula: str, comparison: str = "fixed_base", **choices: Any) -> pl.DataFrame:
    return bilateral_index(quotes, formula, comparison, quantity="quantity", **OPTIONS.get(formula, {}), **choices)


@pytest.mark.parametrize("formula", BY_HAND)
def test_two_products_by_hand(formula):
    assert index_of(TWO, formula).rows() == [(1, 1.0, None), (2, pytest.approx(BY_HAND[formula], rel=1e-14), None)]


def test_means_with_logarithms_by_hand():
    # Sato–Vartia: the logarithmic means of the shares of tea and of bread.
    tea, bread = (S1 - S0) / math.log(S1 / S0), (S0 - S1) / math.log((1 - S1) / (1 - S0))
    assert index_of(TWO, "sato_vartia")["index"][1] == pytest.approx(2 ** (tea / (tea + bread)), rel=1e-14)
    # Time product dummy: harmonic means of the shares; its adjustment: n − 1 = 1 degree of freedom.
    tea, bread = S0 * S1 / (S0 + S1), (1 - S0) * (1 - S1) / (2 - S0 - S1)
    effect = math.log(2) * tea / (tea + bread)
    assert index_of(TWO, "time_product_dummy")["index"][1] == pytest.approx(math.exp(effect), rel=1e-14)
    variance = (tea * (math.log(2) - effect) ** 2 + bread * effect**2) / (tea + bread)
    adjusted = index_of(TWO, "time_product_dummy", adjust_bias=True)["index"][1]
    assert adjusted == pytest.approx(math.exp(effect - variance / 2), rel=1e-14)


def test_the_laspeyres_does_not_reverse():
    # Tea 1 → 2, three bought, then one: L(1→2) = 18/15, but back at the basket of 2: L(2→1) = 21/22.
    back = index_of(TWO, "laspeyres", base_period=2)["index"][0]
    assert back == pytest.approx(21 / 22, rel=1e-14)
    assert back * L == pytest.approx(1.1454545454545455, rel=1e-14)


def test_limits_of_the_lloyd_moulton():
    def at(sigma: float) -> float:
        return bilateral_index(TWO, "lloyd_moulton", quantity="quantity", sigma=sigma)["index"][1]

    assert at(0) == pytest.approx(L, rel=1e-14)
    assert at(1) == pytest.approx(2**S0, rel=1e-14)
    assert at(1 + 1e-9) == pytest.approx(2**S0, rel=1e-8)
    assert at(1 - 1e-14) == pytest.approx(2**S0, rel=1e-13)


def test_the_quadratic_mean_of_order_2_is_the_fisher_and_of_order_0_the_tornqvist():
    def at(order: float) -> float:
        return bilateral_index(TWO, "quadratic_mean", quantity="quantity", order=order)["index"][1]

    assert at(2) == pytest.approx((L * PA) ** 0.5, rel=1e-14)
    assert at(0) == pytest.approx(2 ** ((S0 + S1) / 2), rel=1e-14)
    assert at(1e-9) == pytest.approx(2 ** ((S0 + S1) / 2), rel=1e-8)


def test_the_time_product_dummy_of_mean_shares_is_the_tornqvist_and_of_equal_weights_the_jevons():
    assert index_of(TWO, "time_product_dummy", weights="average")["index"][1] == pytest.approx(2 ** ((S0 + S1) / 2))
    assert index_of(TWO, "time_product_dummy", weights="none")["index"][1] == pytest.approx(2**0.5)


def test_a_price_without_a_sale_counts_with_quantity_0_where_that_is_asked_for():
    # Bread is there in 2, unsold: Laspeyres (2·3 + 4·3)/15, Paasche 2/1.
    unsold = TWO.with_columns(quantity=pl.Series([3.0, 3.0, 1.0, None]))
    assert index_of(unsold, "laspeyres", missing="unsold")["index"][1] == pytest.approx(18 / 15)
    assert index_of(unsold, "paasche", missing="unsold")["index"][1] == pytest.approx(2.0)
    assert index_of(unsold, "laspeyres", missing="absent")["index"][1] == pytest.approx(2.0)


@pytest.mark.parametrize("formula", [name for name in FORMULAS if name not in UNWEIGHTED])
def test_a_product_that_is_never_sold_has_no_influence_where_unsold_products_count(formula):
    never = quotes_of({(1, "salt"): (1, 0), (2, "salt"): (5, 0)})
    computed = index_of(pl.concat([TWO, never]), formula, missing="unsold")["index"].to_list()
    assert computed == pytest.approx(index_of(TWO, formula)["index"].to_list(), rel=1e-14)


def test_a_product_without_weight_is_no_degree_of_freedom_of_the_time_product_dummy():
    never = quotes_of({(1, "salt"): (1, 0), (2, "salt"): (5, 3)})
    computed = index_of(pl.concat([TWO, never]), "time_product_dummy", missing="unsold", adjust_bias=True)["index"][1]
    # Salt counts in the shares of 2 alone: tea 2 and bread 20 of 37.
    tea, bread = S0 * (2 / 37) / (S0 + 2 / 37), (1 - S0) * (20 / 37) / (1 - S0 + 20 / 37)
    effect = math.log(2) * tea / (tea + bread)
    variance = (tea * (math.log(2) - effect) ** 2 + bread * effect**2) / (tea + bread)
    assert computed == pytest.approx(math.exp(effect - variance / 2), rel=1e-14)


def test_equal_shares_are_no_trouble_to_sato_vartia():
    frame = quotes_of({(1, "tea"): (1, 2), (1, "bread"): (1, 2), (2, "tea"): (2, 1), (2, "bread"): (1, 2)})
    assert index_of(frame, "sato_vartia")["index"][1] == pytest.approx(2**0.5, rel=1e-14)


# Milk is away in 2 and returns in 3; nothing of 1 to 3 is there in 4.
GAPS = quotes_of(
    {(1, "tea"): (1, 1), (1, "milk"): (1, 1), (2, "tea"): (2, 1), (3, "tea"): (2, 1), (3, "milk"): (8, 1),
     (4, "salt"): (5, 1), (5, "salt"): (10, 1)}
)  # fmt: skip


def test_a_product_that_returns_counts_again_and_no_overlap_is_a_null_with_a_reason():
    none = "no product is present in"
    assert index_of(GAPS, "jevons").rows() == [
        (1, 1.0, None),
        (2, 2.0, None),
        (3, pytest.approx(4.0, rel=1e-15), None),
        (4, None, f"{none} 1 and 4"),
        (5, None, f"{none} 1 and 5"),
    ]
    broken = f"the chain is broken: {none} 3 and 4"
    levels = [(1, 1.0, None), (2, 2.0, None), (3, 2.0, None), (4, None, broken), (5, None, broken)]
    assert index_of(GAPS, "jevons", "chained").rows() == levels
    steps = index_of(GAPS, "jevons", "previous_period")
    assert steps["index"].to_list() == [1.0, 2.0, 1.0, None, 2.0]
    assert steps["reason"].to_list() == [None, None, None, f"{none} 3 and 4", None]


def test_a_base_in_the_middle_looks_both_ways():
    assert index_of(GAPS, "jevons", base_period=3)["index"].to_list()[:3] == pytest.approx([0.25, 1.0, 1.0])
    assert index_of(GAPS, "jevons", "chained", base_period=3)["index"].to_list() == [0.5, 1.0, 1.0, None, None]
    late = index_of(GAPS, "jevons", "chained", base_period=5)
    assert late["index"].to_list() == [None, None, None, 0.5, 1.0]
    assert late["reason"][0] == "the chain is broken: no product is present in 3 and 4"


def test_the_weights_period_is_matched_too():
    assert index_of(GAPS, "lowe")["index"].to_list() == [1.0, 2.0, 2.0, None, None]
    assert index_of(GAPS, "young")["reason"][3] == "no product is present in 1 and 4 and 2"


def test_an_empty_base_and_an_empty_period():
    absent = pl.concat([GAPS, quotes_of({(0, "tea"): (1, 0)})])
    table = index_of(absent, "fisher", missing="absent")
    assert table["period"].to_list() == [0, 1, 2, 3, 4, 5]
    assert table["index"].to_list() == [None] * 6
    assert table["reason"].to_list()[:2] == ["no product is present in 0", "no product is present in 0 and 1"]


def test_unmatched_takes_every_product_of_either_period():
    assert index_of(GAPS, "dutot", sample="unmatched")["index"].to_list() == [1.0, 2.0, 5.0, 5.0, 10.0]
    assert index_of(GAPS, "unit_value", sample="unmatched")["index"].to_list() == [1.0, 2.0, 5.0, 5.0, 10.0]
    absent = pl.concat([GAPS, quotes_of({(6, "tea"): (1, 0)})])
    last = index_of(absent, "dutot", sample="unmatched", missing="absent").row(-1)
    assert last == (6, None, "no product is present in 6")


def test_a_non_finite_index_is_null_with_a_reason():
    one = TWO.filter(pl.col("product") == "tea")
    table = bilateral_index(one, "time_product_dummy", quantity="quantity", adjust_bias=True)
    assert table["index"].to_list() == [None, None]
    assert table["reason"][1] == "time_product_dummy has no positive, finite value for 1 and 2 (1 and 1 products)"
    huge = bilateral_index(one.with_columns(price=pl.Series([1e-200, 1e200])), "carli")
    assert huge["index"].to_list() == [1.0, None]


def test_no_quotes_give_no_rows():
    assert index_of(TWO.clear(), "fisher").schema == {"period": pl.Int64, "index": pl.Float64, "reason": pl.String}


def test_an_unweighted_time_product_dummy_needs_no_quantities():
    computed = bilateral_index(TWO, "time_product_dummy", weights="none")["index"].to_list()
    assert computed == pytest.approx(bilateral_index(TWO, "jevons")["index"].to_list(), rel=1e-14)
    with_bias = {"weights": "none", "adjust_bias": True}
    assert bilateral_index(TWO, "time_product_dummy", **with_bias).equals(
        bilateral_index(TWO, "time_product_dummy", quantity="quantity", **with_bias)
    )


def test_a_lazy_frame_is_computed():
    assert bilateral_index(TWO.lazy(), "jevons").equals(bilateral_index(TWO, "jevons"))


# --- what is refused ---


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"formula": "passche"}, "unknown formula 'passche'; known: carli, .*paasche"),
        ({"comparison": "pop"}, "unknown comparison 'pop'; known: fixed_base, chained, previous_period"),
        ({"sample": "all"}, "unknown sample 'all'; known: matched, unmatched"),
        ({"sample": "unmatched"}, "fisher is not defined for sample 'unmatched'; defined: dutot, unit_value"),
        ({"of": "value"}, "unknown of 'value'; known: price, quantity"),
        ({"formula": "unit_value", "of": "quantity"}, "unit_value is not defined of quantity"),
        ({"quantity": None}, "fisher of price needs a column of quantities; of price without: carli, dutot, jevons"),
        ({"quantity": None, "formula": "jevons", "of": "quantity"}, "jevons of quantity needs a column of quantities"),
        (
            {"quantity": None, "formula": "time_product_dummy", "weights": "average"},
            "time_product_dummy of price needs a column of quantities",
        ),
        (
            {"quantity": None, "formula": "time_product_dummy", "weights": "none", "of": "quantity"},
            "time_product_dummy of quantity needs a column of quantities",
        ),
        ({"duplicates": "rows"}, "unknown duplicates 'rows'; known: error, unit_value"),
        ({"sigma": 2}, "unknown option of fisher 'sigma'; known: none"),
        ({"formula": "lloyd_moulton"}, "lloyd_moulton: option sigma is missing"),
        ({"formula": "lloyd_moulton", "sgima": 1}, "unknown option of lloyd_moulton 'sgima'; known: sigma"),
        ({"formula": "lloyd_moulton", "sigma": math.nan}, "sigma is nan, expected a finite number"),
        ({"formula": "lloyd_moulton", "sigma": "2"}, "sigma is '2', expected a finite number"),
        ({"formula": "quadratic_mean", "order": "3"}, "quadratic_mean: order is '3', expected a finite number"),
        (
            {"formula": "time_product_dummy", "weights": "share"},
            "unknown weights 'share'; known: shares, average, none",
        ),
        ({"formula": "lowe"}, "lowe: option weights_period is missing"),
        (
            {"formula": "young", "weights_period": 9},
            "weights_period: found 9, expected a period .*one of 2 from 1 to 2",
        ),
        ({"formula": "time_product_dummy", "adjust_bias": 1}, "adjust_bias is 1, expected True or False"),
        ({"base_period": 0}, "base_period: found 0, expected a period .*one of 2 from 1 to 2"),
        ({"base_period": 1, "comparison": "previous_period"}, "base_period is 1, expected None"),
    ],
)
def test_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        bilateral_index(TWO, **({"formula": "fisher", "quantity": "quantity"} | choices))


# --- properties on random panels with gaps ---

MONEY = st.integers(20, 500).map(lambda pence: pence / 100)
PANELS = st.dictionaries(
    st.tuples(st.integers(1, 5), st.sampled_from("abcd")), st.tuples(MONEY, MONEY), min_size=2, max_size=20
).filter(lambda cells: {1, 2} <= {t for t, _ in cells})  # 2 is the weights period of OPTIONS


@quickly
@given(PANELS)
def test_agrees_with_a_loop_in_exact_sums(cells):
    quotes = quotes_of(cells)
    fisher, tornqvist = index_of(quotes, "fisher"), index_of(quotes, "tornqvist")
    for t, *computed in zip(fisher["period"], fisher["index"], tornqvist["index"], strict=True):
        both = [(cells[1, i], cells[t, i]) for i in "abcd" if (1, i) in cells and (t, i) in cells]
        if not both:
            assert computed == [None, None]
            continue
        (e00, e10, e01, e11) = (math.fsum(b[n][0] * b[m][1] for b in both) for m in (0, 1) for n in (0, 1))
        log = math.fsum((a[0] * a[1] / e00 + b[0] * b[1] / e11) / 2 * math.log(b[0] / a[0]) for a, b in both)
        assert computed == pytest.approx([math.sqrt(e10 / e00 * e11 / e01), math.exp(log)], rel=1e-12)


@quickly
@given(PANELS, st.sampled_from(FORMULAS), st.randoms(use_true_random=False))
def test_rows_in_any_order_chains_of_steps_and_a_change_of_base(cells, formula, random):
    options = {"lloyd_moulton": {"sigma": 0.7}}.get(formula, OPTIONS.get(formula, {}))
    order = list(range(len(cells)))
    random.shuffle(order)
    results = {}
    for comparison in COMPARISONS:
        results[comparison] = bilateral_index(quotes_of(cells), formula, comparison, quantity="quantity", **options)
        shuffled = bilateral_index(quotes_of(cells)[order], formula, comparison, quantity="quantity", **options)
        assert_frame_equal(shuffled, results[comparison], check_exact=True)
        assert (results[comparison]["index"].is_null() == results[comparison]["reason"].is_not_null()).all()
    chain, steps = results["chained"]["index"].to_list(), results["previous_period"]["index"].to_list()
    level: float | None = chain[0]
    for t in range(1, len(chain)):
        level = None if level is None or steps[t] is None else level * steps[t]
        assert chain[t] == (None if level is None else pytest.approx(level, rel=1e-12))
    moved = bilateral_index(quotes_of(cells), formula, "chained", quantity="quantity", base_period=2, **options)
    if chain[1] is not None:
        assert moved["index"].to_list() == [
            None if x is None else pytest.approx(x / chain[1], rel=1e-12) for x in chain
        ]


@quickly
@given(PANELS)
def test_price_times_quantity_index_is_the_value_ratio(cells):
    quotes = quotes_of(cells).filter(pl.col("period") <= 2)
    matched = quotes.filter(pl.len().over("product") == 2)
    value = matched.group_by("period").agg((pl.col("price") * pl.col("quantity")).sum()).sort("period")["price"]
    for of_price, of_quantity in (
        ("fisher", "fisher"), ("sato_vartia", "sato_vartia"), ("stuvel", "stuvel"), ("laspeyres", "paasche")
    ):  # fmt: skip
        p = index_of(quotes, of_price)["index"][-1]
        q = index_of(quotes, of_quantity, of="quantity")["index"][-1]
        assert (p, q) == (None, None) if matched.is_empty() else p * q == pytest.approx(value[1] / value[0], rel=1e-12)


# --- calendar ---


def test_a_calendar_ends_a_chain_at_a_missing_period():
    quotes = pl.DataFrame({"period": [1, 2, 4, 5], "product": "a", "price": [1.0, 2.0, 3.0, 6.0]})
    bridged = bilateral_index(quotes, "jevons", "chained", calendar=[1, 2, 4, 5])
    assert bridged["index"].to_list() == pytest.approx([1.0, 2.0, 3.0, 6.0])
    table = bilateral_index(quotes, "jevons", "chained", calendar=range(1, 6))
    assert table.equals(bilateral_index(quotes, "jevons", "chained"))
    assert table["period"].to_list() == [1, 2, 3, 4, 5]
    assert table["index"].to_list() == pytest.approx([1.0, 2.0, None, None, None])
    assert table["reason"].to_list()[2:] == ["the chain is broken: no product is present in 2 and 3"] * 3
    steps = bilateral_index(quotes, "jevons", "previous_period", calendar=[1, 2, 3, 4, 5])["index"].to_list()
    assert steps == pytest.approx([1.0, 2.0, None, None, 2.0])
    fixed = bilateral_index(quotes, "jevons", calendar=pl.Series([0, 1, 2, 3, 4, 5]), base_period=1)["index"].to_list()
    assert fixed == pytest.approx([None, 1.0, 2.0, None, 3.0, 6.0])
    with pytest.raises(ValueError, match="calendar: period 4 of the quotes is missing; found 3 periods"):
        bilateral_index(quotes, "jevons", calendar=[1, 2, 3])
    with pytest.raises(ValueError, match="calendar: periods do not ascend"):
        bilateral_index(quotes, "jevons", calendar=[1, 2, 5, 4])
    with pytest.raises(ValueError, match="calendar: period 1 of the quotes is missing"):
        bilateral_index(quotes, "jevons", calendar=["1", "2"])
