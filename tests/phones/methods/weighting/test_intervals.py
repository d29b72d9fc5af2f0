"""Intervals of weighted flows: quantiles by drawing, coverage, bounds, totals, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import gamma

from ons_bigdata.phones.methods.weighting import flow_intervals, total_intervals


def cells(counts: list[float | None], weight: float = 5.0, error: float = 0.1) -> pl.DataFrame:
    return pl.DataFrame(
        {"origin": 0, "destination": range(len(counts)), "flow": counts, "weight": weight, "weight_error": error},
        schema_overrides={"flow": pl.Float64},
    )


def test_quantiles_equal_those_of_draws_and_of_the_gamma_distribution() -> None:
    exact = flow_intervals(cells([0, 3, 40], error=0.0), dispersion=1.0)
    for count, lower, upper in exact.select("flow", "lower", "upper").iter_rows():
        assert lower == pytest.approx(5 * gamma.ppf(0.025, count + 0.5), rel=1e-9, abs=1e-9)
        assert upper == pytest.approx(5 * gamma.ppf(0.975, count + 0.5), rel=1e-9)
    random = np.random.default_rng(1)
    drawn = 5 * 2 * random.gamma(40.5 / 2, 1, 400_000) * np.exp(0.3 * random.standard_normal(400_000))
    row = flow_intervals(cells([40], error=0.3), dispersion=2.0).row(0, named=True)
    assert row["lower"] == pytest.approx(np.quantile(drawn, 0.025), rel=0.01)
    assert row["upper"] == pytest.approx(np.quantile(drawn, 0.975), rel=0.01)


def test_intervals_cover_the_flow() -> None:
    """True flows, counts at a rate of a fifth, and a weight that is wrong by 10 %: for each flow by itself."""
    random = np.random.default_rng(3)
    truth = random.gamma(1.5, 60, 4000) + 5
    counts = random.poisson(truth / 5).astype(float)
    weight = 5 * np.exp(0.1 * random.standard_normal(4000))
    table = cells(counts.tolist()).with_columns(weight=pl.Series(weight))
    held = flow_intervals(table, dispersion=1.0).select("lower", "upper").with_columns(truth=pl.Series(truth))
    covered = held.select((pl.col("truth").is_between("lower", "upper")).mean()).item()
    assert 0.935 <= covered <= 0.965


def test_suppressed_counts_take_their_bounds() -> None:
    table = cells([None, None, 4]).with_columns(
        flow_lower=pl.Series([1.0, None, None]), flow_upper=pl.Series([4.0, None, None])
    )
    rows = flow_intervals(table, dispersion=1.0)
    ends = flow_intervals(cells([1, 4]), dispersion=1.0)
    assert rows["lower"].to_list() == [pytest.approx(ends["lower"][0]), None, pytest.approx(ends["lower"][1])]
    assert rows["upper"].to_list() == [pytest.approx(ends["upper"][1]), None, pytest.approx(ends["upper"][1])]
    assert rows["reason"].to_list() == ["includes the bounds of a suppressed count", "suppressed without bounds", None]


def zones(n: int, seed: int, error: float) -> tuple[pl.DataFrame, float]:
    """Weighted flows of n zones with errors of their weights, drawn; and the mean of their total."""
    random = np.random.default_rng(seed)
    persons = random.gamma(50, 20, n)
    counts = random.poisson(np.repeat(persons / 20, 4)) * 5.0
    moved = np.repeat(np.exp(error * random.standard_normal(n) - error**2 / 2), 4)
    table = pl.DataFrame(
        {
            "origin": np.repeat(np.arange(n), 4), "destination": np.tile(np.arange(4), n),
            "flow_adjusted": counts * moved, "weight_error": error, "band": np.tile(["near", "near", "far", "far"], n),
        }
    )  # fmt: skip
    return table, 50 * 20 * n


def test_intervals_of_totals_cover() -> None:
    held = 0
    for seed in range(60):
        table, truth = zones(30, seed, 0.1)
        row = total_intervals(table, draws=200, seed=seed).row(0, named=True)
        held += row["lower"] <= truth <= row["upper"]
    assert held >= 54  # 90 % of 60: of a true 95 %, in all but 1 of 30 such tests


def test_totals_by_group_add_up_and_are_seeded() -> None:
    table, _ = zones(20, 1, 0.2)
    groups = total_intervals(table, ["band"], draws=100)
    whole = total_intervals(table, draws=100)
    assert groups["band"].to_list() == ["far", "near"]
    assert groups["flow_adjusted"].sum() == pytest.approx(whole["flow_adjusted"][0])
    assert (groups["lower"] < groups["flow_adjusted"]).all()
    assert groups.equals(total_intervals(table.sample(fraction=1, shuffle=True, seed=4), ["band"], draws=100))
    wider = total_intervals(table.with_columns(weight_error=pl.lit(0.8)), draws=100)
    assert wider["upper"][0] - wider["lower"][0] > 1.5 * (whole["upper"][0] - whole["lower"][0])
    few = total_intervals(table.filter(pl.col("origin") < 3), draws=100)
    assert few["lower"][0] is None
    assert "fewer than 5 effective origins" in few["reason"][0]


def test_bad_input_is_refused() -> None:
    for table, options, message in (
        (cells([1]), {"dispersion": 0.5}, "dispersion is 0.5; expected a number of at least 1"),
        (cells([-1]), {"dispersion": 1.0}, "flows: 1 with a negative flow or bound"),
        (cells([1], weight=0.0), {"dispersion": 1.0}, "flows: 1 with no positive weight"),
        (cells([1], error=-0.1), {"dispersion": 1.0}, "no weight_error, or a negative one"),
        (cells([1]), {"dispersion": 1.0, "confidence": 95}, "confidence is 95"),
    ):
        with pytest.raises(ValueError, match=message):
            flow_intervals(table, **options)  # type: ignore[arg-type]
    table, _ = zones(6, 1, 0.1)
    with pytest.raises(ValueError, match="flows: 24 with no flow_adjusted"):
        total_intervals(table.with_columns(flow_adjusted=pl.lit(None, pl.Float64)))
    with pytest.raises(ValueError, match="flows: 6 with different errors of one origin"):
        total_intervals(table.with_columns(weight_error=pl.int_range(pl.len()) / 100))
    with pytest.raises(ValueError, match="draws is 5"):
        total_intervals(table, draws=5)
