"""Bounds under both margins at once, against every table that the margins allow."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from ons_bigdata.estimation.flow_bounds import KnownTotals, joint_bounds, metric_bounds
from ons_bigdata.estimation.flow_bounds.transport import convex_hull, least_sum, linear_functions, transport
from ons_bigdata.estimation.flow_metrics import metric_values
from ons_bigdata.estimation.flow_pairs import FlowPairs
from ons_bigdata.estimation.flows import compare_flows

SIZE = 3


def every_table(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """All tables of whole numbers within bounds with the margins of the truth; one row each."""
    axes = [np.arange(a, b + 1) for a, b in zip(low.ravel(), high.ravel(), strict=True)]
    tables = np.array(list(product(*axes))).reshape(-1, SIZE, SIZE)
    fits = (tables.sum(2) == truth.sum(1)).all(1) & (tables.sum(1) == truth.sum(0)).all(1)
    return tables[fits].reshape(-1, SIZE * SIZE)


class Square(NamedTuple):
    """A square of which cells are hidden: the pairs, their known totals, and every table that these allow."""

    pairs: FlowPairs
    totals: tuple[KnownTotals, ...]
    tables: np.ndarray


@cache
def square_of(seed: int, most: int = 3) -> Square:
    random = np.random.default_rng(seed)
    truth = random.integers(0, most + 1, (SIZE, SIZE))
    is_hidden = random.random((SIZE, SIZE)) < 0.8
    low, high = np.where(is_hidden, 0, truth), np.where(is_hidden, most, truth)
    places = pl.Series(range(SIZE))
    codes = [codes.ravel().astype(np.int64) for codes in np.indices((SIZE, SIZE))]
    pairs = FlowPairs(
        *(codes[0].astype(np.int32), codes[1].astype(np.int32), truth.ravel() * 1.0),
        reference=random.choice([random.uniform(0, 9, SIZE * SIZE), random.integers(0, 60, SIZE * SIZE) * 1.0]),
        lower=low.ravel() * 1.0,
        upper=high.ravel() * 1.0,
        distance_km=random.uniform(0, 7, SIZE * SIZE),
        origins=SIZE,
        destinations=SIZE,
        zero_pairs=random.integers(0, 2, SIZE),
        origin_keys=places,
        destination_keys=places,
        is_reference_bounded=False,
        left_out={},
    )
    totals = tuple(
        KnownTotals(codes[axis], truth.sum(1 - axis) * 1.0, f"{side}_totals")
        for axis, side in enumerate(("origin", "destination"))
    )
    return Square(pairs, totals, every_table(truth, low, high))


EDGES = (2.0, 5.0)
REACHED_AT_LEAST = ("slope", "trip_length_ratio", "log_bias_2-5_km", "rmse", "nrmse", "mape", "jensen_shannon")
"""Convex or linear in the cells: on whole numbers the bound is a table's."""
REACHED_AT_MOST = ("slope", "trip_length_ratio", "log_bias_2-5_km", "cpc", "r_squared")


@cache
def values_of(seed: int, *, is_scaled: bool) -> dict[str, np.ndarray]:
    """Every metric of every table of a square."""
    square, rows = square_of(seed), []
    for table in square.tables:
        factor = square.pairs.reference.sum() / table.sum() if is_scaled else 1.0
        rows.append(metric_values(replace(square.pairs, estimate=table * 1.0), factor, EDGES))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize(
    ("seed", "is_scaled", "is_whole", "most_pieces"),
    [*product(range(3), [True, False], [True, False], [10_000]), (0, True, True, 0), (1, False, False, 0)],
)
def test_bounds_hold_every_whole_table(
    seed: int, is_scaled: bool, is_whole: bool, most_pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ons_bigdata.estimation.flow_bounds.transport.MOST_PIECES", most_pieces)
    monkeypatch.setattr("ons_bigdata.estimation.flow_bounds.transport.SOFTNESS", (1.0, 0.1, 0.01))
    square = square_of(seed)
    found = joint_bounds(square.pairs, square.totals, is_scaled=is_scaled, edges_km=EDGES, is_whole=is_whole)
    values = values_of(seed, is_scaled=is_scaled)
    assert {"cpc", "r_squared", "rmse", "slope", "cpc_distance", "trip_length_ratio"} <= set(found)
    assert ("log_rmse" in found) == is_whole
    for name, (low, high, at_low, at_high) in found.items():
        assert low <= values[name].min() + 1e-7, name
        assert high >= values[name].max() - 1e-7, name
        if is_whole and most_pieces and name in REACHED_AT_LEAST:
            assert low == pytest.approx(values[name].min(), abs=1e-7), name
        if is_whole and most_pieces and name in REACHED_AT_MOST:
            assert high == pytest.approx(values[name].max(), abs=1e-7), name
        for table in (at_low, at_high):
            assert table is None or not is_whole or (square.tables == table).all(1).any(), name


def test_multipliers_come_near_to_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    square = square_of(3)
    exact = joint_bounds(square.pairs, square.totals, is_scaled=True, edges_km=EDGES, is_whole=True)
    monkeypatch.setattr("ons_bigdata.estimation.flow_bounds.transport.MOST_PIECES", 0)
    names = ("slope", "rmse", "cpc")
    near = joint_bounds(square.pairs, square.totals, is_scaled=True, edges_km=EDGES, is_whole=True, only=names)
    assert {*names} <= set(near) <= {*names, "nrmse", "r_squared"}
    for name in names:
        wider = (near[name].high - near[name].low) - (exact[name].high - exact[name].low)
        assert -1e-9 <= wider <= 0.02 * max(exact[name].high - exact[name].low, 1e-3), name


def test_separate_bounds_are_never_narrower_than_joint_ones() -> None:
    for seed in range(3):
        square = square_of(seed)
        apart = metric_bounds(square.pairs, square.totals, is_scaled=True, edges_km=EDGES)
        joint = metric_bounds(square.pairs, square.totals, is_scaled=True, edges_km=EDGES, margins="whole")
        assert set(apart) == set(joint)
        for name, (low, high) in apart.items():
            assert low - 1e-12 <= joint[name][0] <= joint[name][1] <= high + 1e-12, name


def test_the_hull_is_the_largest_convex_function_below_the_points() -> None:
    points = np.array([[0.0, 1, 2, 3], [0, 1, 2, 2]])
    values = np.array([[0.0, 5, 1, 9], [4, 1, 2, 2]])
    np.testing.assert_allclose(convex_hull(points, values), [[0, 0.5, 1, 9], [4, 1, 2, 2]])


def flows(values: np.ndarray) -> pl.DataFrame:
    """Table of flows of a square of values; nulls for -1."""
    rows = [
        (a, b, None if values[a, b] < 0 else float(values[a, b]))
        for a in range(len(values))
        for b in range(len(values))
    ]
    return pl.DataFrame(rows, schema=["origin", "destination", "flow"], orient="row")


def test_joint_margins_narrow_the_bounds_and_hold_the_metric() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(1, 9, (6, 6))
    reference = flows(random.integers(1, 40, (6, 6)))
    whole = flows(truth)
    small = pl.col("flow") < 5
    cut = whole.with_columns(
        status=pl.when(small).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(small).then(0.0),
        upper=pl.when(small).then(4.0),
        flow=pl.when(~small).then("flow"),
    )
    totals = {
        f"{side}_totals": whole.group_by(side).agg(total=pl.col("flow").sum()) for side in ("origin", "destination")
    }
    apart = whole.select("origin", "destination", distance_km=(pl.col("origin") - pl.col("destination")).abs() * 3.0)
    widths = []
    for margins in ("each", "joint", "whole"):
        made = compare_flows(cut, reference, distances=apart, draws=0, margins=margins, **totals)  # type: ignore[arg-type]
        value = compare_flows(whole, reference, distances=apart, draws=0).select("metric", truth="value")
        both = made.join(value, on="metric").filter(pl.col("metric").is_in(["cpc", "slope", "trip_length_ratio"]))
        assert both.height == 3
        assert both.select(pl.col("truth").is_between(pl.col("lower") - 1e-9, pl.col("upper") + 1e-9).all()).item()
        widths.append(both.sort("metric").select(pl.col("upper") - pl.col("lower")).to_series().to_numpy())
    assert (widths[1] <= widths[0] + 1e-9).all() and (widths[1] < widths[0] - 1e-6).any()
    assert (widths[2] <= widths[1] + 1e-9).all() and widths[2][0] < widths[1][0] - 1e-6


def test_whole_margins_refuse_numbers_that_are_not_whole() -> None:
    table = flows(np.array([[1.5, 2], [3, 4]])).with_columns(
        status=pl.lit("observed"), lower=pl.lit(None, pl.Float64), upper=pl.lit(None, pl.Float64)
    )
    hidden = pl.concat(
        [
            table.head(3),
            table.tail(1).with_columns(
                flow=pl.lit(None, pl.Float64), status=pl.lit("suppressed"), lower=pl.lit(0.0), upper=pl.lit(4.0)
            ),
        ]
    )
    totals = {
        "origin_totals": pl.DataFrame({"origin": [0, 1], "total": [3.5, 7.0]}),
        "destination_totals": pl.DataFrame({"destination": [0, 1], "total": [4.5, 6.0]}),
    }
    with pytest.raises(ValueError, match=r"1\.5 is no whole number"):
        compare_flows(hidden, flows(np.array([[1, 2], [3, 4]])), draws=0, margins="whole", **totals)


def test_margins_that_no_table_has_are_refused() -> None:
    low, high = np.zeros(4), np.full(4, 3.0)
    groups = (np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    made = transport(low, high, groups, (np.array([3.0, 3.0]), np.array([1.0, 1.0])))
    assert made is not None
    with pytest.raises(ValueError, match="no table has both"):
        least_sum(made[0], linear_functions(made[0], np.ones(4)))
    assert transport(low, high, groups, (np.array([3.0, np.nan]), np.array([1.0, 1.0]))) is None
