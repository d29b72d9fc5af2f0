"""Short runs: losses that come and go together over items, by hand and on simulated runs of two sizes."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.quality import short_runs
from ons_bigdata.prices.methods.quality.short_runs import ABSENCE_DAYS, VIEW_DAYS, days_in_view

FIRST = date(2016, 8, 1)
Shelves = dict[int, int]
"""Number of products by item."""

SCHEMA = {
    "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
    "collected_on": pl.Date, "category": pl.String, "place": pl.Int32,
}  # fmt: skip


def _runs(days: list[dict[int, list[int]]], *, step: int = 1) -> pl.DataFrame:
    """Listings of a retailer: per day, the numbers of the products of each item in the order of the shelf."""
    rows = [
        ("real", "tesco", item, f"P{number}", FIRST + timedelta(days=step * n), f"Shelf {item}", place)
        for n, day in enumerate(days)
        for item, numbers in day.items()
        for place, number in enumerate(numbers, start=1)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _whole(sizes: Shelves) -> dict[int, list[int]]:
    return {item: list(range(1, size + 1)) for item, size in sizes.items()}


def _days_short(frame: pl.DataFrame) -> list[int]:
    days = short_runs(frame)["collected_on"].unique().sort()
    return [(day - FIRST).days for day in days]


def test_pages_that_end_early_on_every_other_run_by_hand() -> None:
    sizes = {1: 26, 2: 12, 3: 52, 4: 10, 5: 10}
    whole = _whole(sizes)
    # pages of 26 end after 20, the small shelf after 7; items 4 and 5 are whole
    short = whole | {1: whole[1][:20], 2: whole[2][:7], 3: [*whole[3][:20], *whole[3][26:46]]}
    rows = short_runs(_runs([whole, short, whole, short, whole, whole])).drop("data_origin", "retailer")
    days = [FIRST + timedelta(days=n) for n in (1, 3)]
    assert rows["collected_on"].unique().sort().to_list() == days
    assert rows.filter(pl.col("collected_on") == days[1]).rows() == [
        # item, day, items, short, listed, absent, share, usual, compared on, places, state, lost on
        (1, days[1], 5, 3, 20, 6, 6 / 26, 0.0, days[1] - timedelta(days=1), "Shelf 1 21–26", "comes_back", days[1]),
        (2, days[1], 5, 3, 7, 5, 5 / 12, 0.0, days[1] - timedelta(days=1), "Shelf 2 8–12", "comes_back", days[1]),
        (
            3,
            days[1],
            5,
            3,
            40,
            12,
            12 / 52,
            0.0,
            days[1] - timedelta(days=1),
            "Shelf 3 21–26, 47–52",
            "comes_back",
            days[1],
        ),
    ]


def _simulated(*, days: int, short_on: set[int], lost: dict[int, float], seed: int) -> pl.DataFrame:
    """31 items of about 90 products, of which each is absent by chance on 2 % of the days; short runs lose tails."""
    generator = np.random.default_rng(seed)
    sizes = {item: int(generator.integers(12, 170)) for item in range(1, 32)} | {1: 100, 2: 13}
    listed = []
    for n in range(days):
        day = {}
        for item, size in sizes.items():
            kept = size - round(lost.get(item, 0.0) * size) if n in short_on else size
            day[item] = [p for p in range(1, kept + 1) if generator.random() > 0.02]
        listed.append(day)
    return _runs(listed)


LOST = {1: 0.20, 2: 0.46, 3: 0.15, 4: 0.25, 5: 0.2, 6: 0.3, 7: 0.2, 8: 0.18}


@pytest.mark.parametrize("seed", range(3))
def test_runs_of_two_sizes_are_found_on_their_days_and_no_others(seed: int) -> None:
    generator = np.random.default_rng(100 + seed)
    short_on = {int(n) for n in generator.choice(np.arange(1, 37), 15, replace=False)}
    rows = short_runs(_simulated(days=37, short_on=short_on, lost=LOST, seed=seed))
    assert {(day - FIRST).days for day in rows["collected_on"]} == short_on
    days = dict(rows["item_number"].value_counts().iter_rows())
    assert set(rows["item_number"]) >= {1, 2, 4, 6}
    # another item lacks three products by chance now and then
    assert {item for item, count in days.items() if count > 2} <= set(LOST)


@pytest.mark.parametrize("step", [3, 7, 14, 30])
def test_runs_of_two_sizes_are_found_whatever_the_rhythm(step: int) -> None:
    whole = _whole(dict.fromkeys(range(1, 9), 20))
    short = whole | {item: whole[item][:14] for item in range(1, 5)}
    frame = _runs([short if n % 2 else whole for n in range(12)], step=step)
    assert _days_short(frame) == [step * n for n in range(1, 12, 2)]
    states = short_runs(frame).filter(pl.col("collected_on") < frame["collected_on"].max())["state"]
    assert set(states) == {"comes_back"}


def test_runs_of_which_two_in_three_are_short_are_found() -> None:
    short_on = {n for n in range(1, 36) if n % 3}
    assert set(_days_short(_simulated(days=37, short_on=short_on, lost=LOST, seed=7))) == short_on


def test_independent_losses_are_no_finding() -> None:
    assert short_runs(_simulated(days=37, short_on=set(), lost={}, seed=3)).is_empty()
    whole = _whole(dict.fromkeys(range(1, 21), 20))
    # each item loses half of its products every tenth day, two items at a time
    days = [{i: p[:10] if (i + n) % 10 == 0 else p for i, p in whole.items()} for n in range(30)]
    assert short_runs(_runs(days)).is_empty()


def _states(days: list[dict[int, list[int]]], *, step: int = 1) -> dict[int, set[tuple[str, int]]]:
    """State and first day of the loss by day."""
    rows = short_runs(_runs(days, step=step))
    states: dict[int, set[tuple[str, int]]] = {}
    for day, state, lost_on in rows.select("collected_on", "state", "lost_on").iter_rows():
        states.setdefault((day - FIRST).days, set()).add((state, (lost_on - FIRST).days))
    return states


FIVE = _whole(dict.fromkeys(range(1, 6), 20))
FEWER = {item: numbers[:12] for item, numbers in FIVE.items()}


@pytest.mark.parametrize("short_days", [1, 2, 3, 4, 5, 8, 13, 14])
def test_a_loss_that_stays_is_open_on_each_of_its_days(short_days: int) -> None:
    assert _states([*[FIVE] * 10, *[FEWER] * short_days]) == {10 + n: {("open", 10)} for n in range(short_days)}


@pytest.mark.parametrize("short_days", [15, 16, 30])
@pytest.mark.parametrize("back", [0, 5])
def test_a_loss_of_more_than_two_weeks_is_a_level_shift_from_its_first_day_on(short_days: int, back: int) -> None:
    expected = {10 + n: {("level_shift", 10)} for n in range(ABSENCE_DAYS)}
    assert _states([*[FIVE] * 10, *[FEWER] * short_days, *[FIVE] * back]) == expected


def test_a_loss_that_ends_comes_back() -> None:
    assert _states([*[FIVE] * 10, *[FEWER] * 3, *[FIVE] * 10]) == {n: {("comes_back", 10)} for n in (10, 11, 12)}


def test_weekly_runs_keep_a_loss_for_two_weeks() -> None:
    assert _states([*[FIVE] * 10, FEWER], step=7) == {70: {("open", 70)}}
    assert _states([*[FIVE] * 10, FEWER, FEWER], step=7) == {70: {("open", 70)}, 77: {("open", 70)}}
    assert _states([*[FIVE] * 10, *[FEWER] * 3], step=7) == {70: {("level_shift", 70)}, 77: {("level_shift", 70)}}


@pytest.mark.parametrize("step", [2, 7, 14, 30])
def test_runs_that_alternate_slowly_are_findings_of_the_first_two_weeks_of_each_loss(step: int) -> None:
    days = [FIVE if (n // step) % 2 == 0 else FEWER for n in range(8 * step)]
    expected = [n for n in range(8 * step) if (n // step) % 2 and n % step < ABSENCE_DAYS]
    assert _days_short(_runs(days)) == expected


def test_products_that_leave_one_by_one_are_no_finding() -> None:
    # each item loses half of its products for good, one every third day
    days = [{item: numbers[: 20 - min(n // 3, 10)] for item, numbers in FIVE.items()} for n in range(60)]
    assert _days_short(_runs(days)) == []
    # two of five items lose theirs at once: a matter of the shop
    two = FIVE | {item: FEWER[item] for item in (1, 2)}
    assert _days_short(_runs([*[FIVE] * 10, *[two] * 20])) == []


def test_losses_in_few_large_items_are_found() -> None:
    whole = _whole({item: 100 if item <= 7 else 20 for item in range(1, 61)})
    fewer = whole | {item: whole[item][:65] for item in range(1, 8)}
    assert _days_short(_runs([*[whole] * 10, fewer, fewer, *[whole] * 5])) == [10, 11]
    # of small items 7 of 60 are not enough
    small = whole | {item: whole[item][:12] for item in range(11, 18)}
    assert _days_short(_runs([*[whole] * 10, small, small, *[whole] * 5])) == []


def test_a_shop_of_two_items_is_judged_by_both() -> None:
    whole = _whole({1: 20, 2: 30})
    both = {1: whole[1][:12], 2: whole[2][:20]}
    assert _days_short(_runs([*[whole] * 10, both, *[whole] * 5])) == [10]
    assert _days_short(_runs([*[whole] * 10, whole | {1: both[1]}, *[whole] * 5])) == []
    assert _days_short(_runs([*[{1: whole[1]}] * 10, {1: both[1]}, *[{1: whole[1]}] * 5])) == []


@pytest.mark.parametrize(
    ("items_short", "items", "is_short"), [(2, 5, False), (3, 5, True), (3, 20, True), (3, 21, False)]
)
def test_three_items_and_15_per_cent_of_them_or_4_per_cent_of_the_products_are_needed(
    items_short: int, items: int, is_short: bool
) -> None:
    whole = _whole(dict.fromkeys(range(1, items + 1), 20))
    fewer = whole | {item: whole[item][:15] for item in range(1, items_short + 1)}
    assert bool(_days_short(_runs([*[whole] * 5, fewer, *[whole] * 5]))) == is_short


@pytest.mark.parametrize(("kept", "is_short"), [(17, True), (18, False)])  # 3 of 20 absent; 2 are too few
def test_three_products_are_needed(kept: int, is_short: bool) -> None:
    whole = _whole(dict.fromkeys(range(1, 6), 20))
    fewer = {item: numbers[:kept] for item, numbers in whole.items()}
    assert bool(_days_short(_runs([*[whole] * 5, fewer, *[whole] * 5]))) == is_short


def test_a_short_history_is_not_judged() -> None:
    whole = _whole(dict.fromkeys(range(1, 6), 20))
    fewer = {item: numbers[:12] for item, numbers in whole.items()}
    assert _days_short(_runs([whole, fewer, whole, whole])) == []
    assert _days_short(_runs([whole, fewer, whole, whole, whole])) == [1]
    assert short_runs(_runs([])).is_empty()


@settings(max_examples=10)
@given(order=st.permutations(range(5)), factor=st.integers(1, 3))
def test_the_order_of_rows_does_not_matter_and_retailers_are_apart(order: list[int], factor: int) -> None:
    whole = _whole({1: 12 * factor, 2: 20, 3: 30, 4: 8})
    fewer = {item: numbers[: len(numbers) * 2 // 3] for item, numbers in whole.items()}
    frame = _runs([whole, whole, fewer, whole, whole, whole])
    other = frame.with_columns(retailer=pl.lit("waitrose"))
    shuffled = pl.concat([frame, other]).with_columns(k=pl.col("place") % 5).sort("k").drop("k")
    parts = [shuffled.filter(pl.int_range(pl.len()) % 5 == n) for n in order]
    expected = short_runs(frame)
    rows = short_runs(pl.concat(parts))
    assert rows.filter(pl.col("retailer") == "tesco").equals(expected)
    assert rows.height == 2 * expected.height > 0


def _losses(days: int, *, step: int, seed: int) -> pl.DataFrame:
    """Eight items of 20 products: short runs, losses that stay, products by chance, and days without the retailer."""
    generator = np.random.default_rng(seed)
    lost: dict[int, int] = {}
    listed = []
    for _ in range(days):
        is_short = generator.random() < 0.2
        if generator.random() < 0.08:
            lost |= {item: int(generator.integers(0, 8)) for item in range(1, 6)}
        shelves = {
            item: [
                p for p in range(1, 21 - lost.get(item, 0) - 6 * (is_short and item < 5)) if generator.random() > 0.03
            ]
            for item in range(1, 9)
            if generator.random() > 0.05
        }
        listed.append(shelves if generator.random() > 0.1 else {})
    return _runs(listed, step=step)


@pytest.mark.parametrize(("step", "days"), [(1, 160), (3, 70), (7, 60), (14, 60), (30, 60)])
def test_a_day_is_judged_by_its_view_as_by_the_whole_series(step: int, days: int) -> None:
    frame = _losses(days, step=step, seed=step)
    whole = short_runs(frame)
    assert whole.height > 10
    views = days_in_view(frame)
    assert views["collected_on"].to_list() == sorted(set(frame["collected_on"]))
    for day, first, last in views.iter_rows():
        seen = short_runs(frame.filter(pl.col("collected_on").is_between(first, last)))
        assert seen.filter(pl.col("collected_on") == day).equals(whole.filter(pl.col("collected_on") == day)), day


def test_a_view_is_of_days_and_of_runs_where_these_are_few() -> None:
    daily = _runs([{1: [1]}] * 100)
    views = {day: (first, last) for day, first, last in days_in_view(daily).iter_rows()}
    middle = FIRST + timedelta(days=50)
    assert views[middle] == (middle - timedelta(days=VIEW_DAYS), middle + timedelta(days=VIEW_DAYS))
    # item 2 is collected every four weeks, seven times before and after
    both = pl.concat([daily, _runs([{2: [1]}] * 20, step=28)])
    views = {day: (first, last) for day, first, last in days_in_view(both).iter_rows()}
    assert views[FIRST + timedelta(days=28 * 10)] == (FIRST + timedelta(days=28 * 3), FIRST + timedelta(days=28 * 17))
