"""Bounds under both margins at once, against every table that the margins allow."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.transport_bounds import linear_range, shared_range, transport

SIZE = 3


def every_table(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """All tables of whole numbers within bounds with the margins of the truth; one row each."""
    axes = [np.arange(a, b + 1) for a, b in zip(low.ravel(), high.ravel(), strict=True)]
    tables = np.array(list(product(*axes))).reshape(-1, SIZE, SIZE)
    fits = (tables.sum(2) == truth.sum(1)).all(1) & (tables.sum(1) == truth.sum(0)).all(1)
    return tables[fits].reshape(-1, SIZE * SIZE)


@pytest.mark.parametrize("seed", range(12))
def test_bounds_are_those_of_all_whole_tables(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, (SIZE, SIZE))
    is_hidden = random.random((SIZE, SIZE)) < 0.8
    low, high = np.where(is_hidden, 0, truth), np.where(is_hidden, 3, truth)
    reference = random.uniform(0, 9, SIZE * SIZE)
    factor = random.uniform(0.7, 3.5)
    groups = (np.repeat(np.arange(SIZE), SIZE), np.tile(np.arange(SIZE), SIZE))
    made = transport(
        low.ravel().astype(float), high.ravel().astype(float), groups, (truth.sum(1) * 1.0, truth.sum(0) * 1.0)
    )
    assert made is not None
    problem, free = made
    if not len(free):
        pytest.skip("no hidden cell")
    tables = every_table(truth, low, high)[:, free]
    shared = np.minimum(factor * tables, reference[free]).sum(1)
    least, most = shared_range(problem, reference[free], factor, is_whole=True)
    assert most == pytest.approx(shared.max())
    assert least <= shared.min() + 1e-9
    loose = shared_range(problem, reference[free], factor, is_whole=False)
    assert loose[1] >= most - 1e-9
    assert loose[0] == pytest.approx(least)
    slope = random.normal(size=len(free))
    assert linear_range(problem, slope) == pytest.approx(((tables @ slope).min(), (tables @ slope).max()))


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
        linear_range(made[0], np.ones(4))
    assert transport(low, high, groups, (np.array([3.0, np.nan]), np.array([1.0, 1.0]))) is None
