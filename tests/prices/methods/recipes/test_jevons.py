"""The daily indices: examples to follow by hand, the plain oracle, the axioms, and the trend with gaps."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.recipes import first_complete_week
from ons_bigdata.prices.methods.recipes.catalogue import recipe_named, with_link_window
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, stratum_form
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Periods, Stratum
from tests.prices.methods.recipes.jevons_oracle import Level, chained_jevons, fixed_base_jevons

MONDAY = date(2016, 7, 25)
WEEK = (MONDAY, date(2016, 7, 31))
Prices = dict[str, dict[int, float]]

quickly = settings(max_examples=40, deadline=None)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def by_engine(prices: Prices, method: str, window: int = 14) -> dict[int, Level]:
    """Index per day number with quotes, from the recipe's own code; day 0 is Monday, 25 July 2016."""
    days = sorted({n for by_day in prices.values() for n in by_day})
    first, size = days[0], days[-1] - days[0] + 1
    names = sorted(prices)
    matrix = np.zeros((size, len(names)))
    for column, name in enumerate(names):
        for n, price in prices[name].items():
            matrix[n - first, column] = price
    starts = [day(first + n) for n in range(size)]
    base = np.array([WEEK[0] <= start <= WEEK[1] for start in starts])
    periods = Periods("daily", starts, np.arange(size), base, "base week")
    stratum = Stratum("tesco", 1, names, matrix, np.full(matrix.shape, UNDECIDED), np.full(len(names), np.nan))
    recipe = with_link_window(recipe_named("web_daily"), window)
    output = next(output for output in recipe.outputs if output.method == method)
    index = elementary_index(stratum_form(stratum, matrix, output, periods))
    products = index.used.sum(axis=1).tolist()
    return {
        n: Level(int(index.segments[n - first]), float(index.indices[n - first]), products[n - first])
        if np.isfinite(index.indices[n - first])
        else Level(None, None, products[n - first])
        for n in days
    }


def chained(prices: Prices, window: int = 14) -> dict[int, Level]:
    return by_engine(prices, "jevons_chained", window)


def fixed(prices: Prices) -> dict[int, Level]:
    return by_engine(prices, "jevons_fixed_base")


def dated(prices: Prices) -> dict[str, dict[date, float]]:
    return {name: {day(n): price for n, price in by_day.items()} for name, by_day in prices.items()}


def levels(index: dict[int, Level]) -> list[float | None]:
    return [level.level for level in index.values()]


# --- examples by hand ---


def test_three_days_by_hand():
    # Day 1: one of two products doubles, √2. Day 2: milk halves, eggs ×8: √4. Levels 1, √2, 2√2.
    index = chained({"milk": {0: 1.0, 1: 2.0, 2: 1.0}, "eggs": {0: 3.0, 1: 3.0, 2: 24.0}})
    assert levels(index) == pytest.approx([1.0, 2**0.5, 2**1.5], rel=1e-14)
    assert [level.products for level in index.values()] == [2, 2, 2]
    assert [level.segment for level in index.values()] == [0, 0, 0]


def test_a_product_that_returns_is_compared_with_the_index_of_its_last_day():
    # The example of docs/prices/indices/jevons.md. Day 1: eggs ×3, the index is 3. Day 2: milk is back at 4 times its
    # price of day 0, when the index was 1: 1 · 4 = 4. Eggs stand since day 1: 3 · 1 = 3. Index √(4 · 3).
    index = chained({"milk": {0: 1.0, 2: 4.0}, "eggs": {0: 1.0, 1: 3.0, 2: 3.0}})
    assert levels(index) == pytest.approx([1.0, 3.0, 12**0.5], rel=1e-14)
    assert [level.products for level in index.values()] == [2, 1, 2]


def test_a_change_that_all_products_share_is_counted_once():
    # All prices double on day 1. Milk is away that day and shows the doubling on its return: the index stays at 2.
    index = chained({"milk": {0: 1.0, 2: 2.0}, "eggs": {0: 1.0, 1: 2.0, 2: 2.0}})
    assert levels(index) == pytest.approx([1.0, 2.0, 2.0], rel=1e-14)


def test_a_day_without_quotes_is_bridged():
    index = chained({"milk": {0: 1.0, 2: 1.1}, "eggs": {0: 2.0, 2: 2.0}})
    assert list(index) == [0, 2]
    assert levels(index) == pytest.approx([1.0, 1.1**0.5], rel=1e-14)


@pytest.mark.parametrize(("away", "links"), [(5, True), (14, True), (15, False)])
def test_a_product_links_if_its_last_price_is_at_most_14_days_old(away, links):
    eggs = dict.fromkeys(range(away + 1), 1.0)
    last = list(chained({"milk": {0: 1.0, away: 4.0}, "eggs": eggs}).values())[-1]
    assert last.level == pytest.approx(2.0 if links else 1.0, rel=1e-14)
    assert last.products == (2 if links else 1)


def test_the_chain_ends_where_no_product_links_and_begins_anew():
    index = chained({"milk": {0: 1.0, 1: 2.0}, "eggs": {2: 5.0, 3: 10.0, 30: 1.0}, "tea": {30: 1.0, 31: 1.5}})
    assert [level.segment for level in index.values()] == [0, 0, 1, 1, 2, 2]
    assert levels(index) == pytest.approx([1.0, 2.0, 1.0, 2.0, 1.0, 1.5], rel=1e-14)
    assert [level.products for level in index.values()] == [1, 1, 1, 1, 2, 1]


def test_a_segment_resumes_where_its_products_are_the_latest_to_link():
    # Eggs begin segment 1 on day 2. Day 3: only milk is priced, of segment 0, at twice its price of day 1: segment 0 at
    # 4. Day 4: milk links to day 3 (segment 0), eggs to day 2 (segment 1), which has no common scale: only milk counts.
    index = chained({"milk": {0: 1.0, 1: 2.0, 3: 4.0, 4: 4.0}, "eggs": {2: 5.0, 4: 50.0, 5: 50.0}})
    assert [level.segment for level in index.values()] == [0, 0, 1, 0, 0, 0]
    assert levels(index) == pytest.approx([1.0, 2.0, 1.0, 4.0, 4.0, 4.0], rel=1e-14)
    assert [level.products for level in index.values()] == [1, 1, 1, 1, 1, 1]


def test_fixed_base_by_hand():
    # p_0 of milk = √(1·4) = 2, of eggs 3. Tea is not of the base week and never counts.
    index = fixed({"milk": {0: 1.0, 6: 4.0, 7: 6.0}, "eggs": {0: 3.0, 7: 4.0}, "tea": {7: 9.0, 8: 1.0}})
    assert levels(index)[:3] == pytest.approx([0.5**0.5, 2.0, (3 * 4 / 3) ** 0.5], rel=1e-14)
    assert [level.products for level in index.values()] == [2, 1, 2, 0]
    assert index[8].level is None


def test_fixed_base_without_a_day_in_the_base_week_has_no_level():
    assert levels(fixed({"milk": {8: 1.0, 9: 2.0}})) == [None, None]


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


# --- the trend with quotes missing at random ---


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_the_trend_does_not_depend_on_the_share_of_missing_quotes(missing):
    """400 products with the same steady trend over 57 days, the table of docs/prices/indices/jevons.md."""
    there = np.random.default_rng(7).random((57, 400)) >= missing
    panel = {f"p{k}": {int(n): math.exp(0.002 * n + k / 100) for n in np.flatnonzero(there[:, k])} for k in range(400)}
    # A fixed base compares with a mean over the base week, whose days differ by product.
    for method, tolerance in ((chained, 1e-10), (fixed, 5e-3)):
        first, *_, last = levels(method(panel))
        assert math.log(last / first) / (0.002 * 56) == pytest.approx(1.0, rel=tolerance)


def test_a_trend_with_noise_is_kept_on_average_with_a_fifth_of_the_quotes_missing():
    generator = np.random.default_rng(8)
    noise = generator.normal(0.0, 0.02, (57, 400))
    there = generator.random((57, 400)) >= 0.2
    panel = {
        f"p{k}": {int(n): math.exp(0.002 * n + noise[n, k]) for n in np.flatnonzero(there[:, k])} for k in range(400)
    }
    first, *_, last = levels(chained(panel))
    assert math.log(last / first) / (0.002 * 56) == pytest.approx(1.0, abs=0.05)  # it was 1.25


# --- the oracle, on random panels ---

PENCE = st.integers(1, 5_000).map(lambda pence: pence / 100)
SPARSE = st.integers(0, 2**60 - 1).flatmap(lambda a: st.integers(0, 2**60 - 1).map(lambda b: a & b))


@st.composite
def panels(draw) -> Prices:
    """Up to six products over 60 days that come, go and return; bit n of a mask is day n."""
    open_days = draw(st.sampled_from([2**60 - 1, 2**60 - 1 - (2**25 - 2**9)]))
    masks = draw(st.lists(SPARSE | st.integers(1, 2**60 - 1), min_size=1, max_size=6))
    generator = np.random.default_rng(draw(st.integers(0, 9_999)))
    panel = {
        f"p{k}": {n: float(generator.integers(1, 5_001)) / 100 for n in range(60) if mask & open_days & 1 << n}
        for k, mask in enumerate(masks)
    }
    return {name: by_day for name, by_day in panel.items() if by_day} or {"p0": {0: 1.0}}


def assert_alike(index: dict[int, Level], expected: dict[date, Level]) -> None:
    assert [day(n) for n in index] == list(expected)
    for computed, wanted in zip(index.values(), expected.values(), strict=True):
        assert (computed.segment, computed.products) == (wanted.segment, wanted.products)
        assert computed.level == (None if wanted.level is None else pytest.approx(wanted.level, rel=1e-12))


@quickly
@given(panels(), st.integers(1, 20))
def test_agrees_with_the_oracle(panel, window):
    assert_alike(chained(panel, window), chained_jevons(dated(panel), window))
    assert_alike(fixed(panel), fixed_base_jevons(dated(panel), WEEK))


def test_agrees_with_the_oracle_on_a_wide_panel():
    # 300 products over 60 days, prices that wander, one in seven quotes missing.
    panel = {
        f"p{k}": {
            n: 1.0 + (k * 7919 % 997) / 100 + ((k + 3) * (n + 5) * 104729 % 101) / 50 for n in range(60) if (k + n) % 7
        }
        for k in range(300)
    }
    assert_alike(chained(panel), chained_jevons(dated(panel), 14))


# --- axioms, all with gaps ---


@quickly
@given(panels())
def test_identity(panel):
    still = {product: dict.fromkeys(by_day, 2.37) for product, by_day in panel.items()}
    for index in (chained(still), fixed(still)):
        assert all(level is None or level == pytest.approx(1.0, rel=1e-14) for level in levels(index))


@quickly
@given(panels(), st.integers(7, 59), st.floats(0.2, 5.0))
def test_proportionality_all_prices_times_k_from_a_day_on_is_the_index_times_k(panel, turn, k):
    later = {name: {n: p * k if n >= turn else p for n, p in by_day.items()} for name, by_day in panel.items()}
    for method in (chained, fixed):
        before, after = method(panel), method(later)
        began: dict[int | None, int] = {}
        for n, level in before.items():
            began.setdefault(level.segment, n)
        for n, level in before.items():
            # A segment that begins after the turn cannot know of it.
            knows = n >= turn and (method is fixed or began[level.segment] < turn)
            expected = None if level.level is None else pytest.approx(level.level * (k if knows else 1.0), rel=1e-11)
            assert after[n].level == expected


@quickly
@given(panels(), st.sampled_from([0.01, 0.5, 3.0, 100.0]))
def test_commensurability_the_unit_of_one_product_does_not_matter(panel, unit):
    first = min(panel)
    rescaled = {**panel, first: {n: price * unit for n, price in panel[first].items()}}
    for method in (chained, fixed):
        for computed, expected in zip(levels(method(rescaled)), levels(method(panel)), strict=True):
            assert computed == (None if expected is None else pytest.approx(expected, rel=1e-11))


@quickly
@given(panels())
def test_the_index_moves_between_the_changes_of_its_products(panel):
    """Each level lies between the least and the largest of I(l) · p(t)/p(l), worked out from the published levels."""
    index = chained(panel)
    last: dict[str, int] = {}
    for n, level in index.items():
        today = [name for name in panel if n in panel[name]]
        said = [
            index[last[name]].level * panel[name][n] / panel[name][last[name]]
            for name in today
            if name in last and n - last[name] <= 14 and index[last[name]].segment == level.segment
        ]
        if said:
            assert min(said) * (1 - 1e-12) <= level.level <= max(said) * (1 + 1e-12)
        last |= dict.fromkeys(today, n)


@quickly
@given(st.lists(st.tuples(PENCE, PENCE), min_size=1, max_size=20))
def test_time_reversal_of_a_step(pairs):
    there = chained({f"p{n}": {0: a, 1: b} for n, (a, b) in enumerate(pairs)})
    back = chained({f"p{n}": {0: b, 1: a} for n, (a, b) in enumerate(pairs)})
    assert levels(there)[1] * levels(back)[1] == pytest.approx(1.0, rel=1e-12)


@quickly
@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_products_does_not_matter(panel, random):
    names = list(panel)
    random.shuffle(names)
    renamed = {f"q{place}": panel[name] for place, name in enumerate(names)}
    for method in (chained, fixed):
        for computed, expected in zip(levels(method(renamed)), levels(method(panel)), strict=True):
            assert computed == (None if expected is None else pytest.approx(expected, rel=1e-12))
