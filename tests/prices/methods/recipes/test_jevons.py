"""The chained and the fixed-base Jevons: examples by hand, an independent loop, and the axioms."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes.jevons import chained_jevons, first_complete_week, fixed_base_jevons
from ons_bigdata.prices.schemas import AcceptedQuote, ElementaryIndex

MONDAY = date(2016, 7, 25)
WEEK = (MONDAY, date(2016, 7, 31))

quickly = settings(max_examples=40, deadline=None)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def quotes(
    prices: dict[str, dict[int, float]], *, retailer: str = "tesco", item: int = 210111, origin: str = "real"
) -> pl.DataFrame:
    """Quotes from product → {day number: price}; day 0 is Monday, 25 July 2016."""
    rows = [
        (origin, retailer, item, product, day(n), float(price))
        for product, by_day in prices.items()
        for n, price in by_day.items()
    ]
    return pl.DataFrame(rows, schema=AcceptedQuote.create_empty().schema, orient="row")


def chained(prices: dict[str, dict[int, float]], window: int = 14) -> pl.DataFrame:
    return chained_jevons(quotes(prices), link_window_days=window, base_week=WEEK)


def fixed(prices: dict[str, dict[int, float]]) -> pl.DataFrame:
    return fixed_base_jevons(quotes(prices), base_week=WEEK)


# --- examples by hand ---


def test_three_days_by_hand():
    # Day 1: one of two products doubles, √2. Day 2: milk halves, eggs ×8: √4. Levels 1, √2, 2√2.
    table = chained({"milk": {0: 1.0, 1: 2.0, 2: 1.0}, "eggs": {0: 3.0, 1: 3.0, 2: 24.0}})
    assert table["level"].to_list() == pytest.approx([1.0, 2**0.5, 2**1.5], rel=1e-14)
    # Geometric mean of the levels: 2^((0 + 0.5 + 1.5)/3).
    assert table["index"].to_list() == pytest.approx([100 * 2 ** (x - 2 / 3) for x in (0.0, 0.5, 1.5)], rel=1e-14)
    assert table["products"].to_list() == [2, 2, 2]
    assert table["segment"].to_list() == [0, 0, 0]
    assert table["reason"].to_list() == [None, None, None]
    assert table["method"].unique().to_list() == ["jevons_chained"]
    assert table["period"].to_list() == [day(0), day(1), day(2)]


def test_a_day_without_quotes_is_bridged_by_each_products_own_last_price():
    table = chained({"milk": {0: 1.0, 2: 1.1}, "eggs": {0: 2.0, 2: 2.0}})
    assert table["period"].to_list() == [day(0), day(2)]
    assert table["level"].to_list() == pytest.approx([1.0, 1.1**0.5], rel=1e-14)


def test_a_price_between_counts_as_carried_forward():
    # Milk is away on day 1; on day 2 its whole change since day 0 counts, eggs' change since day 1.
    table = chained({"milk": {0: 1.0, 2: 4.0}, "eggs": {0: 1.0, 1: 3.0, 2: 3.0}})
    assert table["level"].to_list() == pytest.approx([1.0, 3.0, 6.0], rel=1e-14)
    assert table["products"].to_list() == [2, 1, 2]


@pytest.mark.parametrize(("away", "links"), [(5, True), (14, True), (15, False)])
def test_a_product_links_if_its_own_last_price_is_at_most_14_days_old(away, links):
    eggs = dict.fromkeys(range(away + 1), 1.0)
    table = chained({"milk": {0: 1.0, away: 4.0}, "eggs": eggs})
    assert table["level"][-1] == pytest.approx(2.0 if links else 1.0, rel=1e-14)
    assert table["products"][-1] == (2 if links else 1)


def test_the_chain_ends_where_no_product_links_and_begins_anew():
    table = chained({"milk": {0: 1.0, 1: 2.0}, "eggs": {2: 5.0, 3: 10.0, 30: 1.0}, "tea": {30: 1.0, 31: 1.5}})
    assert table["segment"].to_list() == [0, 0, 1, 1, 2, 2]
    assert table["level"].to_list() == pytest.approx([1.0, 2.0, 1.0, 2.0, 1.0, 1.5], rel=1e-14)
    assert table["products"].to_list() == [1, 1, 1, 1, 2, 1]
    restarted = "no product priced within 14 days before; chain restarted"
    no_base = "no accepted day in the base week 2016-07-25..2016-07-31"
    assert table["reason"].to_list() == [None, None, restarted, None, f"{restarted}; {no_base}", no_base]
    # Each of the first two segments has mean 100 over its own days of the base week.
    half, double = 100 / 2**0.5, 100 * 2**0.5
    assert table["index"].to_list()[:4] == pytest.approx([half, double, half, double], rel=1e-14)
    assert table["index"].to_list()[4:] == [None, None]


def test_fixed_base_by_hand():
    # p_0 of milk = √(1·4) = 2, of eggs 3. Tea is not of the base week and never counts.
    table = fixed({"milk": {0: 1.0, 6: 4.0, 7: 6.0}, "eggs": {0: 3.0, 7: 4.0}, "tea": {7: 9.0, 8: 1.0}})
    assert table["level"].to_list()[:3] == pytest.approx([0.5**0.5, 2.0, (3 * 4 / 3) ** 0.5], rel=1e-14)
    # Geometric mean of the base-week levels: √(2^-0.5 · 2) = 2^0.25.
    assert table["index"].to_list()[:3] == pytest.approx([100 * 2 ** (x - 0.25) for x in (-0.5, 1, 1)], rel=1e-14)
    assert table["products"].to_list() == [2, 1, 2, 0]
    assert table.row(3, named=True)["level"] is None
    assert table.row(3, named=True)["index"] is None
    assert table["reason"].to_list() == [
        None, None, None, "no product of the base week 2016-07-25..2016-07-31 has a price",
    ]  # fmt: skip


def test_fixed_base_without_a_day_in_the_base_week_is_null_with_a_reason():
    table = fixed({"milk": {8: 1.0, 9: 2.0}})
    assert table["level"].to_list() == [None, None]
    assert table["index"].to_list() == [None, None]
    assert table["reason"].unique().to_list() == ["no accepted day in the base week 2016-07-25..2016-07-31"]


def test_without_a_base_week_there_is_no_index():
    frame = quotes({"milk": {0: 1.0, 1: 2.0}})
    chain = chained_jevons(frame, link_window_days=14, base_week=None)
    assert chain["level"].to_list() == pytest.approx([1.0, 2.0])
    for table in (chain, fixed_base_jevons(frame, base_week=None)):
        assert table["index"].to_list() == [None, None]
        assert all("no base week" in reason for reason in table["reason"])


def test_strata_do_not_touch_each_other():
    a = quotes({"milk": {0: 1.0, 1: 2.0}})
    others = [
        quotes({"milk": {0: 9.0, 1: 9.0}}, retailer="waitrose"),
        quotes({"milk": {0: 9.0, 1: 3.0}}, item=210113),
        quotes({"milk": {0: 5.0, 1: 1.0}}, origin="simulated"),
    ]
    together = chained_jevons(pl.concat([a, *others]), link_window_days=14, base_week=WEEK)
    alone = [chained_jevons(one, link_window_days=14, base_week=WEEK) for one in (a, *others)]
    keys = ["data_origin", "retailer", "item_number", "period"]
    assert_frame_equal(together.sort(keys), pl.concat(alone).sort(keys))


def test_an_empty_frame_gives_an_empty_frame():
    empty = AcceptedQuote.create_empty()
    for table in (
        chained_jevons(empty, link_window_days=14, base_week=WEEK),
        fixed_base_jevons(empty, base_week=None),
    ):
        assert table.is_empty()
        assert ElementaryIndex.is_valid(table)


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf, None])
def test_a_price_no_index_can_take_is_refused_by_name(price):
    frame = quotes({"milk": {0: 1.0}, "eggs": {0: 1.0, 3: 1.0}})
    frame = frame.with_columns(
        price_gbp=pl.when((pl.col("product") == "eggs") & (pl.col("collected_on") == day(3)))
        .then(pl.lit(price, pl.Float64))
        .otherwise("price_gbp")
    )
    for method in (
        lambda q: chained_jevons(q, link_window_days=14, base_week=WEEK),
        lambda q: fixed_base_jevons(q, base_week=WEEK),
    ):
        with pytest.raises(ValueError, match=r"tesco.*210111.*eggs.*2016-07-28.*price_gbp") as error:
            method(frame)
        assert str(price) in str(error.value)


def test_two_quotes_of_a_product_on_a_day_are_refused_by_name():
    twice = pl.concat([quotes({"milk": {0: 1.0, 1: 1.0}, "eggs": {1: 2.0}}), quotes({"milk": {1: 1.5}})])
    with pytest.raises(ValueError, match=r"earlier row of the day.*tesco.*210111.*milk.*2016-07-26"):
        chained_jevons(twice, link_window_days=14, base_week=WEEK)


def test_wrong_columns_are_refused():
    frame = quotes({"milk": {0: 1.0}})
    with pytest.raises(ValueError, match="column price_gbp is missing"):
        fixed_base_jevons(frame.drop("price_gbp"), base_week=WEEK)
    with pytest.raises(ValueError, match=r"column collected_on is Datetime.*expected Date"):
        fixed_base_jevons(frame.with_columns(pl.col("collected_on").cast(pl.Datetime)), base_week=WEEK)
    with pytest.raises(ValueError, match="found 0, expected at least 1"):
        chained_jevons(frame, link_window_days=0, base_week=WEEK)
    with pytest.raises(ValueError, match="is before first day"):
        fixed_base_jevons(frame, base_week=(WEEK[1], WEEK[0]))


def test_first_complete_week():
    days = [day(n) for n in range(-3, 12) if n != 2]
    assert first_complete_week(pl.Series(days, dtype=pl.Date)) is None
    days += [day(n) for n in (2, 2, 12, 13)]
    assert first_complete_week(pl.Series(days)) == WEEK
    assert first_complete_week(pl.Series([day(n) for n in range(1, 14)])) == (day(7), day(13))
    assert first_complete_week(pl.Series([], dtype=pl.Date)) is None
    with pytest.raises(ValueError, match="expected Date"):
        first_complete_week(pl.Series(["2016-07-25"]))
    with pytest.raises(ValueError, match="1 nulls"):
        first_complete_week(pl.Series([day(0), None]))


# --- an independent loop ---


def naive_chain(prices: dict[str, dict[int, float]], window: int) -> dict[int, tuple[int, float]]:
    """Segment and level per day, written from the definition, with exactly rounded sums."""
    last: dict[str, tuple[int, float]] = {}
    logs: list[float] = []
    segment, out = -1, {}
    for n in sorted({n for by_day in prices.values() for n in by_day}):
        today = {product: by_day[n] for product, by_day in prices.items() if n in by_day}
        moves = [
            math.log(price / last[product][1])
            for product, price in today.items()
            if product in last and n - last[product][0] <= window
        ]
        if moves:
            logs.append(math.fsum(moves) / len(moves))
        else:
            segment, logs = segment + 1, []
        last |= {product: (n, price) for product, price in today.items()}
        out[n] = (segment, math.exp(math.fsum(logs)))
    return out


def naive_fixed(prices: dict[str, dict[int, float]]) -> dict[int, float | None]:
    base = {
        product: math.fsum(logs) / len(logs)
        for product, by_day in prices.items()
        if (logs := [math.log(p) for n, p in by_day.items() if 0 <= n <= 6])
    }
    by_day: dict[int, list[float]] = defaultdict(list)
    for product, series in prices.items():
        for n, price in series.items():
            by_day[n] += [math.log(price) - base[product]] if product in base else []
    return {n: math.exp(math.fsum(logs) / len(logs)) if logs else None for n, logs in by_day.items()}


PENCE = st.integers(1, 5_000).map(lambda pence: pence / 100)
SPARSE = st.integers(0, 2**60 - 1).flatmap(lambda a: st.integers(0, 2**60 - 1).map(lambda b: a & b))


def priced(days_of: list[list[int]], seed: int) -> dict[str, dict[int, float]]:
    """Give each product a price of 0.01 to 50.00 on each of its days."""
    generator = np.random.default_rng(seed)
    panel = {f"p{k}": {n: float(generator.integers(1, 5_001)) / 100 for n in days} for k, days in enumerate(days_of)}
    return {name: by_day for name, by_day in panel.items() if by_day} or {"p0": {0: 1.0}}


@st.composite
def panels(draw) -> dict[str, dict[int, float]]:
    """Up to six products over 60 days that come, go and return; bit n of a mask is day n."""
    open_days = draw(st.sampled_from([2**60 - 1, 2**60 - 1 - (2**25 - 2**9)]))
    masks = draw(st.lists(SPARSE | st.integers(1, 2**60 - 1), min_size=1, max_size=6))
    return priced([[n for n in range(60) if mask & open_days & 1 << n] for mask in masks], draw(st.integers(0, 9_999)))


@st.composite
def panels_without_returns(draw) -> dict[str, dict[int, float]]:
    """Products with a price on every day of the stratum from their first to their last; the stratum has gaps."""
    mask = draw(SPARSE | st.integers(1, 2**60 - 1))
    open_days = [n for n in range(60) if mask & 1 << n]
    spans = draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), min_size=1, max_size=6))
    return priced(
        [[n for n in open_days if min(span) <= n <= max(span)] for span in spans], draw(st.integers(0, 9_999))
    )


@quickly
@given(panels(), st.integers(1, 20))
def test_agrees_with_the_loop(panel, window):
    expected = naive_chain(panel, window)
    table = chained(panel, window)
    assert table["period"].to_list() == [day(n) for n in expected]
    assert table["segment"].to_list() == [segment for segment, _ in expected.values()]
    assert table["level"].to_list() == pytest.approx([level for _, level in expected.values()], rel=1e-12)
    flat = naive_fixed(panel)
    levels = fixed(panel)["level"].to_list()
    if any(0 <= n <= 6 for n in flat):
        assert levels == [pytest.approx(flat[n], rel=1e-12) if flat[n] is not None else None for n in sorted(flat)]
    else:
        assert levels == [None] * len(flat)


def test_agrees_with_the_loop_on_a_wide_panel():
    # 300 products over 60 days, prices that wander, one in seven quotes missing.
    panel = {
        f"p{k}": {
            n: 1.0 + (k * 7919 % 997) / 100 + ((k + 3) * (n + 5) * 104729 % 101) / 50 for n in range(60) if (k + n) % 7
        }
        for k in range(300)
    }
    expected = [level for _, level in naive_chain(panel, 14).values()]
    assert chained(panel)["level"].to_list() == pytest.approx(expected, rel=1e-12, abs=0)


# --- axioms ---


@quickly
@given(panels())
def test_identity_and_reasons(panel):
    still = {product: dict.fromkeys(by_day, 2.37) for product, by_day in panel.items()}
    for table in (chained(still), fixed(still)):
        assert table["level"].drop_nulls().to_list() == pytest.approx([1.0] * table["level"].count(), rel=1e-14)
        assert table.filter(pl.col("index").is_null() & pl.col("reason").is_null()).is_empty()
        assert ElementaryIndex.is_valid(table)


def times_from(panel: dict[str, dict[int, float]], turn: int, k: float) -> dict[str, dict[int, float]]:
    return {name: {n: p * k if n >= turn else p for n, p in by_day.items()} for name, by_day in panel.items()}


@quickly
@given(panels(), st.integers(7, 59), st.floats(0.2, 5.0))
def test_direction_of_the_fixed_base_all_prices_times_k_is_index_times_k(panel, turn, k):
    factor = pl.when(pl.col("period") >= day(turn)).then(k).otherwise(1.0)
    expected = fixed(panel).with_columns(pl.col("level", "index") * factor)
    assert_frame_equal(fixed(times_from(panel, turn, k)), expected, rel_tol=1e-11, abs_tol=0)


@quickly
@given(panels_without_returns(), st.integers(7, 59), st.floats(0.2, 5.0))
def test_direction_of_the_chain_all_prices_times_k_is_index_times_k(panel, turn, k):
    # A segment that begins after the turn cannot know of it.
    knows = (pl.col("period") >= day(turn)) & (pl.col("period").min().over("segment") < day(turn))
    expected = chained(panel).with_columns(pl.col("level", "index") * pl.when(knows).then(k).otherwise(1.0))
    assert_frame_equal(chained(times_from(panel, turn, k)), expected, rel_tol=1e-11, abs_tol=0)


def test_known_bias_a_return_counts_a_change_that_the_others_have_shown_already():
    # All prices double on day 1. Eggs show it at once; milk, away that day, shows it again on its return.
    table = chained({"milk": {0: 1.0, 2: 2.0}, "eggs": {0: 1.0, 1: 2.0, 2: 2.0}})
    assert table["level"].to_list() == pytest.approx([1.0, 2.0, 2.0 * 2**0.5], rel=1e-14)


@quickly
@given(panels(), st.sampled_from([0.01, 0.5, 3.0, 100.0]))
def test_commensurability_the_unit_of_one_product_does_not_matter(panel, unit):
    first = min(panel)
    rescaled = {**panel, first: {n: price * unit for n, price in panel[first].items()}}
    assert_frame_equal(chained(rescaled), chained(panel), rel_tol=1e-11, abs_tol=0)
    assert_frame_equal(fixed(rescaled), fixed(panel), rel_tol=1e-11, abs_tol=0)


@quickly
@given(st.lists(st.tuples(PENCE, PENCE), min_size=1, max_size=20))
def test_time_reversal_of_a_step(pairs):
    there = chained({f"p{n}": {0: a, 1: b} for n, (a, b) in enumerate(pairs)})
    back = chained({f"p{n}": {0: b, 1: a} for n, (a, b) in enumerate(pairs)})
    assert there["level"][1] * back["level"][1] == pytest.approx(1.0, rel=1e-12)


@quickly
@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(panel, random):
    frame = quotes(panel)
    order = list(range(frame.height))
    random.shuffle(order)
    assert_frame_equal(
        chained_jevons(frame[order], link_window_days=14, base_week=WEEK), chained(panel), check_exact=True
    )
    assert_frame_equal(fixed_base_jevons(frame[order], base_week=WEEK), fixed(panel), check_exact=True)


@quickly
@given(panels())
def test_index_is_100_over_the_base_week(panel):
    for table in (chained(panel), fixed(panel)):
        week = table.filter(pl.col("period").is_between(*WEEK) & pl.col("index").is_not_null())
        means = week.group_by("segment").agg(pl.col("index").log().mean().exp())["index"].to_list()
        assert means == pytest.approx([100.0] * len(means), rel=1e-12)
