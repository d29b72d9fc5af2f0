"""One level of the aggregation: each rule of an absent, late or broken child by hand, then properties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes.levels import BasePart, LevelBases, Members, level_figures
from ons_bigdata.prices.methods.recipes.tree import TreeLevel

MONDAY = date(2016, 7, 25)
WEEK = (MONDAY, date(2016, 7, 31))
Levels = Mapping[str, Mapping[int, float | None]]

STILL = dict.fromkeys(range(7), 1.0)
"""A level of 1 on each day of the base week, so that later levels are already relative to it."""

quickly = settings(max_examples=40, deadline=None)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def children(levels: Levels, breaks: dict[str, list[int]] | None = None) -> pl.DataFrame:
    """Levels from child → {day number: level}; a new segment of a child begins on each day of `breaks`."""
    rows = [
        ("all", child, day(n), level, sum(n >= start for start in (breaks or {}).get(child, [])), 1)
        for child, by_day in levels.items()
        for n, level in by_day.items()
    ]
    schema = {
        "parent": pl.String, "child": pl.String, "period": pl.Date, "level": pl.Float64, "segment": pl.Int32,
        "products": pl.Int32,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def aggregate(indices: pl.DataFrame, weights: pl.DataFrame, *, base_week: tuple[date, date] | None) -> pl.DataFrame:
    """Aggregate rows of children into one parent, "all", on the calendar days from the first to the last row."""
    first, last = indices["period"].min(), indices["period"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    below = indices["child"].unique().sort().to_list()
    known = {child: weight for _, child, weight in weights.sort("child").iter_rows() if weight}
    shape = (len(days), len(below))
    levels, segments, shares = np.full(shape, np.nan), np.full(shape, -1), np.zeros(shape)
    products = np.zeros(shape, dtype=np.int64)
    for row in indices.iter_rows(named=True):
        at = ((row["period"] - first).days, below.index(row["child"]))
        if row["level"] is not None:
            levels[at], segments[at], products[at] = row["level"], row["segment"], row["products"]
            shares[at] = row.get("imputed_share") or 0.0
    names = list(known)
    place = [below.index(name) if name in below else -1 for name in names]
    width = max(1, len(names))
    tree = TreeLevel(
        "item", "child", ["all"], [names],
        np.array([[*known.values()] or [0.0]]), np.array([place or [-1]]).reshape(1, width), frozenset(),
    )  # fmt: skip
    base = np.array([base_week is not None and base_week[0] <= day <= base_week[1] for day in days])
    text = None if base_week is None else f"{base_week[0]}..{base_week[1]}"
    members = Members(levels, segments, shares, products, np.isfinite(levels)[:, None])
    every = np.ones(len(days), dtype=np.bool_)
    of_it = np.ones(width, dtype=np.bool_)
    part = BasePart(of_it[:0], of_it, of_it, every, len(days), base, text, ())
    bases = LevelBases([[part]], np.zeros((len(days), 1), dtype=np.int64), every[:, None])
    figures, _ = level_figures(tree, members, bases)
    index = figures.members.indices[:, 0]
    absent = figures.children_absent[:, 0]
    return pl.DataFrame(
        {
            "parent": ["all"] * len(days),
            "period": days,
            "index": pl.Series(index, nan_to_null=True),
            "products": figures.members.products[:, 0],
            "children": figures.children[:, 0],
            "children_absent": absent,
            "imputed_share": pl.Series(figures.members.imputed_share[:, 0], nan_to_null=True),
            "status": np.where(np.isnan(index), "none", np.where(absent == 0, "complete", "partial")).tolist(),
            "reason": pl.Series([row[0] for row in figures.reasons], dtype=pl.String),
        }
    )


def weighing(weights: Mapping[str, float | None], parent: str = "all") -> pl.DataFrame:
    schema = {"parent": pl.String, "child": pl.String, "weight": pl.Float64}
    return pl.DataFrame([(parent, child, weight) for child, weight in weights.items()], schema=schema, orient="row")


def on(table: pl.DataFrame, n: int) -> dict[str, Any]:
    return table.row(by_predicate=pl.col("period") == day(n), named=True)


def equally(levels: Levels, breaks: dict[str, list[int]] | None = None) -> pl.DataFrame:
    return aggregate(children(levels, breaks), weighing(dict.fromkeys(levels, 1.0)), base_week=WEEK)


def path(table: pl.DataFrame, *days: int) -> list[Any]:
    return [pytest.approx(on(table, n)["index"], rel=1e-13) for n in days]


# --- the rules, by hand ---


def test_arithmetic_mean_with_weights():
    table = aggregate(
        children({"x": STILL | {7: 1.2}, "y": STILL | {7: 2.0}}), weighing({"x": 3.0, "y": 1.0}), base_week=WEEK
    )
    assert path(table, 0, 6, 7) == [100.0, 100.0, 140.0]
    assert on(table, 7) == {
        "parent": "all", "period": day(7), "index": pytest.approx(140.0), "products": 2, "children": 2,
        "children_absent": 0, "imputed_share": 0.0, "status": "complete", "reason": None,
    }  # fmt: skip


def test_the_scale_of_a_child_does_not_matter_only_its_change_since_the_base_week():
    table = equally({"x": dict.fromkeys(range(7), 8.0) | {7: 16.0}, "y": STILL | {7: 1.0}})
    assert path(table, 6, 7) == [100.0, 150.0]


def test_index_is_100_over_the_base_week_as_a_whole():
    table = equally({"x": {0: 1.0, 1: 2.0, 2: 1.0, 3: 2.0, 4: 1.0, 5: 2.0, 7: 3.0}})
    root = 2**0.5
    assert path(table, 0, 1, 7) == [100 / root, 100 * root, 300 / root]


def test_an_absent_child_moves_with_the_others_and_corrects_itself_on_its_return():
    # Day 8: y rises by a tenth, so x is taken to stand at 1.32. Day 9: x is back at 1.2: (1.2 + 1.1) / 2.
    table = equally({"x": STILL | {7: 1.2, 9: 1.2}, "y": STILL | {7: 1.0, 8: 1.1, 9: 1.1}})
    assert path(table, 7, 8, 9) == [110.0, 121.0, 115.0]
    assert on(table, 8)["imputed_share"] == pytest.approx(1.32 / 2.42)
    assert (on(table, 8)["status"], on(table, 8)["reason"]) == ("partial", "absent: x")
    assert (on(table, 8)["children_absent"], on(table, 8)["products"]) == (1, 1)
    assert (on(table, 9)["status"], on(table, 9)["imputed_share"]) == ("complete", 0.0)


def test_a_missing_child_at_another_level_does_not_move_the_aggregate():
    table = equally({"x": STILL | {7: 3.0, 9: 3.0}, "y": STILL | {7: 1.0, 8: 1.0, 9: 1.0}})
    assert path(table, 7, 8, 9) == [200.0, 200.0, 200.0]


def test_a_late_child_enters_without_a_jump_at_the_level_of_the_others():
    # Day 8: z begins, at 2 with x and y. Day 9: z doubles to 4, x and y stand: (3 + 1 + 4) / 6 of day 8.
    flat = STILL | {7: 3.0, 8: 3.0, 9: 3.0}, STILL | {7: 1.0, 8: 1.0, 9: 1.0}
    table = equally({"x": flat[0], "y": flat[1], "z": {8: 50.0, 9: 100.0}})
    assert path(table, 7, 8, 9) == [200.0, 200.0, 800 / 3]
    assert [on(table, n)["imputed_share"] for n in (7, 8)] == [0.0, 0.0]
    assert (on(table, 7)["status"], on(table, 7)["reason"]) == ("partial", "absent: z")


def test_a_broken_chain_enters_again_at_the_level_of_the_others():
    # x stood at 4 and y at 1 (mean 2.5); x begins anew on day 8 and stands with y at 1. On day 9 it doubles.
    levels = {"x": STILL | {7: 4.0, 8: 1.0, 9: 2.0}, "y": STILL | {7: 1.0, 8: 1.0, 9: 1.0}}
    table = equally(levels, breaks={"x": [8]})
    assert path(table, 7, 8, 9) == [250.0, 250.0, 375.0]
    assert (on(table, 8)["status"], on(table, 8)["reason"]) == ("complete", "chain restarted: x")
    assert on(table, 9)["reason"] is None


def test_a_day_without_any_child_is_null_and_the_next_links_over_it():
    table = equally({"x": STILL | {8: 1.5}, "y": STILL | {8: 2.5}})
    assert table["period"].to_list() == [day(n) for n in range(9)]
    assert on(table, 7) == {
        "parent": "all", "period": day(7), "index": None, "products": 0, "children": 2, "children_absent": 2,
        "imputed_share": None, "status": "none", "reason": "no child has a value in this period; absent: x, y",
    }  # fmt: skip
    assert path(table, 8) == [200.0]


def test_where_every_chain_broke_there_is_no_index_until_an_old_one_returns():
    # Days 8 and 9: only x, begun anew. Day 10: y is back on its chain and shows a doubling since day 7.
    levels = {"x": STILL | {7: 1.0, 8: 1.0, 9: 1.0, 10: 1.0, 11: 2.0}, "y": STILL | {7: 1.0, 10: 2.0, 11: 2.0}}
    table = equally(levels, breaks={"x": [8]})
    assert [on(table, n)["index"] for n in (8, 9)] == [None, None]
    assert on(table, 8)["reason"] == "no child links this period to the base period; absent: y; chain restarted: x"
    assert on(table, 9)["status"] == "none"
    assert path(table, 7, 10, 11) == [100.0, 200.0, 300.0]
    alone = equally({"x": levels["x"]}, breaks={"x": [8]})
    assert alone.filter(pl.col("period") > day(7))["index"].to_list() == [None] * 4


def test_before_the_base_week_an_absent_child_moves_with_the_others_backwards():
    table = equally({"x": STILL | {-3: 3.0, -2: 1.0, -1: 2.0}, "y": STILL | {-3: 1.0, -1: 1.0}})
    # Day -1: (2 + 1)/2. Day -2: x halves, y is taken to have stood at 0.5. Day -3: (3 + 1)/2, y's own again.
    assert path(table, -3, -2, -1, 0) == [200.0, 75.0, 150.0, 100.0]
    assert on(table, -2)["imputed_share"] == pytest.approx(1 / 3)
    first = equally({"x": STILL | {-1: 0.5}, "y": STILL})
    assert path(first, -1, 0) == [50.0, 100.0]


def test_a_segment_before_the_base_week_equals_its_siblings_on_its_last_day():
    # x on day -2 stands with y at 1, so on day -3 it stood at 0.5: (0.5 + 1) / 2.
    table = equally({"x": STILL | {-3: 1.0, -2: 2.0}, "y": STILL | {-3: 1.0, -2: 1.0, -1: 1.0}}, breaks={"x": [0]})
    assert path(table, -3, -2, -1, 0) == [75.0, 100.0, 100.0, 100.0]


def test_a_segment_on_both_sides_of_the_base_week_keeps_its_change_across():
    table = equally({"z": {-1: 1.0, 7: 3.0}, "y": STILL | {-1: 1.0, 7: 1.0}})
    assert path(table, -1, 0, 7) == [100.0, 100.0, 200.0]


def test_children_that_never_meet_are_linked_by_the_base_week():
    # x stands at 1/√2 and √2 on Monday and Tuesday, z at 1 from Wednesday on: each 1 over its base week.
    table = equally({"x": {0: 1.0, 1: 2.0}, "z": {2: 7.0, 3: 7.0, 4: 7.0}})
    root = 2**0.5
    assert path(table, 0, 1, 2, 4) == [100 / root, 100 * root, 100.0, 100.0]


def test_a_child_of_the_base_week_that_begins_in_it_makes_no_jump():
    # y counts from Wednesday on; its normalised level is 1 when x stands at 0.8: it is not a fall or a rise.
    table = equally({"x": {0: 0.8, 1: 0.8, 2: 0.8, 3: 1.6}, "y": {2: 5.0, 3: 5.0}})
    index = table["index"].to_list()
    assert index[0] == pytest.approx(index[2], rel=1e-13)
    assert table["imputed_share"].to_list()[0] > 0


def test_children_of_weight_zero_take_no_part():
    levels = {"x": STILL | {7: 2.0}, "zero": STILL | {7: 9.0}, "also": {7: 9.0}}
    table = aggregate(children(levels), weighing({"x": 1.0, "zero": 0.0, "also": 0.0}), base_week=WEEK)
    assert path(table, 7) == [200.0]
    assert (on(table, 7)["children"], on(table, 7)["products"], on(table, 7)["status"]) == (1, 1, "complete")


def test_a_child_that_has_weight_and_never_a_value_is_named():
    names = {f"c{n}": 1.0 for n in range(7, 0, -1)}
    table = aggregate(children({"x": STILL}), weighing({"x": 1.0} | names), base_week=WEEK)
    assert on(table, 0)["reason"] == "absent: c1, c2, c3, c4, c5 and 2 more"
    assert (on(table, 0)["children"], on(table, 0)["children_absent"]) == (8, 7)
    assert on(table, 0)["imputed_share"] == 0.0


@pytest.mark.parametrize(
    ("weights", "week", "reason"),
    [
        ({"x": 0.0, "y": 0.0}, WEEK, "all weights are zero or missing"),
        ({}, WEEK, "all weights are zero or missing"),
        ({"x": 1.0, "y": 1.0}, None, "no base period"),
        ({"x": 1.0, "y": 0.0}, WEEK, "no child has a value in the base period 2016-07-25..2016-07-31"),
    ],
)
def test_a_parent_without_an_index_has_a_reason(weights, week, reason):
    table = aggregate(children({"x": {8: 1.0}, "y": STILL}), weighing(weights), base_week=week)
    assert table["index"].to_list() == [None] * 9
    assert table["imputed_share"].to_list() == [None] * 9
    assert set(table["status"]) == {"none"}
    assert all(computed.startswith(reason) for computed in table["reason"])


def test_a_null_level_is_an_absence():
    gone = equally({"x": STILL | {7: 2.0}, "y": STILL})
    null = equally({"x": STILL | {7: 2.0}, "y": STILL | {7: None}})
    assert_frame_equal(gone, null)


def test_what_a_child_has_imputed_itself_counts_in_the_share():
    frame = children({"x": STILL, "y": STILL}).with_columns(
        imputed_share=pl.when(pl.col("child") == "x").then(0.5).otherwise(0.0)
    )
    table = aggregate(frame, weighing({"x": 1.0, "y": 3.0}), base_week=WEEK)
    assert table["imputed_share"].to_list() == pytest.approx([0.125] * 7)
    assert table["status"].unique().to_list() == ["complete"]


# --- properties ---

DAYS = range(-12, 20)


@st.composite
def absences(draw) -> tuple[dict[str, list[int]], dict[str, list[int]], dict[str, float]]:
    """Days, chain breaks and weights of one to four children; the first has a day in the base week."""
    names = [f"c{k}" for k in range(draw(st.integers(1, 4)))]
    days = {name: sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1, max_size=len(DAYS)))) for name in names}
    days["c0"] = sorted({*days["c0"], draw(st.integers(0, 6))})
    breaks = {name: sorted(draw(st.sets(st.sampled_from(DAYS), max_size=3))) for name in names}
    weights = {name: draw(st.sampled_from([0.25, 1.0, 7.0])) for name in names}
    return days, breaks, weights


def random_levels(days: dict[str, list[int]], seed: int) -> dict[str, dict[int, float]]:
    generator = np.random.default_rng(seed)
    return {child: {n: float(np.exp(generator.normal(0, 0.5))) for n in own} for child, own in days.items()}


@quickly
@given(absences(), st.integers(0, 9_999))
def test_children_that_move_alike_give_their_movement_whoever_is_absent(panel, seed):
    days, breaks, weights = panel
    generator = np.random.default_rng(seed)
    common = {n: 1.0 if 0 <= n <= 6 else float(np.exp(generator.normal(0, 0.5))) for n in DAYS}
    # Each segment of each child has a scale of its own.
    scale = {child: np.exp(generator.normal(0, 2, 4)) for child in days}
    levels = {
        child: {n: common[n] * scale[child][sum(n >= b for b in breaks[child])] for n in own}
        for child, own in days.items()
    }
    table = aggregate(children(levels, breaks), weighing(weights), base_week=WEEK)
    expected = [100 * common[(period - MONDAY).days] for period in table.drop_nulls("index")["period"]]
    assert table["index"].drop_nulls().to_list() == pytest.approx(expected, rel=1e-11)
    assert table["index"].count() > 0
    assert table.filter(pl.col("index").is_null() & pl.col("reason").is_null()).is_empty()


@quickly
@given(absences(), st.integers(0, 9_999))
def test_the_aggregate_moves_between_its_children(panel, seed):
    days, breaks, weights = panel
    frame = children(random_levels(days, seed), breaks)
    table = aggregate(frame, weighing(weights), base_week=WEEK)
    index = dict(table.drop_nulls("index").select("period", "index").rows())
    at = {n: {(c, s): v for c, s, v in rows.select("child", "segment", "level").rows()}
          for (n,), rows in frame.partition_by("period", as_dict=True).items()}  # fmt: skip
    for today, value in index.items():
        before = today - timedelta(days=1)
        if before in index and at[before].keys() == at[today].keys():
            moves = [at[today][key] / at[before][key] for key in at[today]]
            assert min(moves) * (1 - 1e-9) <= value / index[before] <= max(moves) * (1 + 1e-9)


@quickly
@given(absences(), st.integers(0, 9_999), st.integers(7, 19), st.floats(0.2, 5.0))
def test_direction_all_levels_times_k_is_index_times_k(panel, seed, turn, k):
    days, breaks, weights = panel
    levels = random_levels(days, seed)
    raised = {child: {n: v * k if n >= turn else v for n, v in own.items()} for child, own in levels.items()}
    before = aggregate(children(levels, breaks), weighing(weights), base_week=WEEK)
    after = aggregate(children(raised, breaks), weighing(weights), base_week=WEEK)
    factor = pl.when(pl.col("period") >= day(turn)).then(k).otherwise(1.0)
    assert_frame_equal(after, before.with_columns(index=pl.col("index") * factor), rel_tol=1e-10)


@quickly
@given(absences(), st.integers(0, 9_999), st.randoms(use_true_random=False))
def test_order_of_rows_and_scale_of_weights_do_not_matter(panel, seed, random):
    days, breaks, weights = panel
    frame = children(random_levels(days, seed), breaks)
    order = list(range(frame.height))
    random.shuffle(order)
    table = aggregate(frame, weighing(weights), base_week=WEEK)
    assert_frame_equal(aggregate(frame[order], weighing(weights), base_week=WEEK), table, check_exact=True)
    thousandfold = weighing({child: 1_000 * weight for child, weight in weights.items()})
    assert_frame_equal(aggregate(frame, thousandfold, base_week=WEEK), table, rel_tol=1e-11)


@quickly
@given(st.integers(1, 5), st.integers(0, 9_999))
def test_identical_children_give_the_child(count, seed):
    own = random_levels({"c0": list(DAYS)}, seed)["c0"]
    weights = {f"c{k}": float(k + 1) for k in range(count)}
    table = aggregate(children(dict.fromkeys(weights, own)), weighing(weights), base_week=WEEK)
    base = np.exp(np.mean([np.log(own[n]) for n in range(7)]))
    assert table["index"].to_list() == pytest.approx([100 * own[n] / base for n in DAYS], rel=1e-12)
    assert set(table["status"]) == {"complete"}


@quickly
@given(absences(), st.integers(0, 9_999))
def test_complete_panels_give_the_weighted_mean(panel, seed):
    _, _, weights = panel
    levels = random_levels({name: list(DAYS) for name in weights}, seed)
    table = aggregate(children(levels), weighing(weights), base_week=WEEK)
    relative = {c: {n: v / np.exp(np.mean([np.log(own[m]) for m in range(7)])) for n, v in own.items()}
                for c, own in levels.items()}  # fmt: skip
    mean = np.array([sum(weights[c] * relative[c][n] for c in weights) for n in DAYS]) / sum(weights.values())
    week = slice(-DAYS.start, -DAYS.start + 7)
    assert table["index"].to_numpy() == pytest.approx(100 * mean / np.exp(np.log(mean[week]).mean()), rel=1e-12)
