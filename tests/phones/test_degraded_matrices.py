"""Degraded real matrices: intervals, weights and bounds against the known truth; whole sizes nightly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from benchmarks.degraded_matrices import KEY, bound_widths, districts, held_bands, leeds, mean_rate, removed_shares
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.operators.degradation import Ages, DegradationPlan, degrade, wrong_rates

Matrix = Callable[[], tuple[pl.DataFrame, DegradationPlan]]


def read(matrix: Matrix) -> tuple[pl.DataFrame, DegradationPlan]:
    folder = Settings().shared / "data" / "phones"
    if not (folder / "leeds_msoa_od_2011.csv").is_file():
        pytest.skip(f"no matrices of the census in {folder} (set ONS_BIGDATA_SHARED)")
    return matrix()


# The degradation itself


def square(n: int = 12) -> pl.DataFrame:
    """Commuters between n zones on a line."""
    zone = np.arange(n)
    keys = {"origin": np.repeat(zone, n), "destination": np.tile(zone, n)}
    apart = np.abs(keys["origin"] - keys["destination"]) * 3.0 + 1
    return pl.DataFrame(keys | {"flow": np.round(4000 / apart), "distance_km": apart})


def test_without_any_fault_the_delivery_is_a_plain_sample() -> None:
    ages = Ages(names=("all",), parts=(1.0,), mixing=1.0, relative_shares=(1.0,), reach=(0.0,))
    plan = DegradationPlan(
        ownership=1, devices_per_owner=1, market_share=0.5, share_spread=0, ages=ages, band_log_bias=(0.0,) * 5
    )
    drawn = degrade(np.random.default_rng(1), square(), plan)
    both = square().join(drawn.delivery, on=KEY, how="left", suffix="_delivered").fill_null(0)
    deviation = (both["flow_delivered"] - both["flow"] / 2) / (both["flow"] / 2).sqrt()
    assert abs(deviation.mean()) < 3 / 12  # type: ignore[operator, arg-type]
    assert 0.8 < deviation.std() < 1.2  # type: ignore[operator]
    np.testing.assert_allclose(drawn.bands["log_bias"].drop_nulls(), 0, atol=1e-12)
    assert drawn.rates["market_share"].to_list() == pytest.approx([0.5] * 12)


def test_parts_of_the_truth_fit_together() -> None:
    plan = DegradationPlan(threshold=5)
    drawn = degrade(np.random.default_rng(2), square(), plan)
    assert drawn.commuters["persons"].sum() == pytest.approx(square()["flow"].sum())
    assert drawn.margins["users"].sum() == drawn.uncut["flow"].sum()
    both = drawn.delivery.join(drawn.uncut, on=[*KEY, "age"], suffix="_uncut")
    assert both.height == drawn.uncut.height
    hidden = both.filter(pl.col("status") == "suppressed")
    assert hidden.height > 0
    assert hidden["flow"].null_count() == hidden.height
    assert hidden.select(pl.col("flow_uncut").is_between("lower", "upper").all()).item()
    assert both.filter(pl.col("status") == "observed").select((pl.col("flow") == pl.col("flow_uncut")).all()).item()
    again = degrade(np.random.default_rng(2), square().sample(fraction=1, shuffle=True, seed=1), plan)
    assert again.uncut.equals(drawn.uncut)
    assert wrong_rates(np.random.default_rng(1), drawn.rates, 0.0).equals(drawn.rates)


def test_the_known_bias_is_the_mean_of_many_deliveries() -> None:
    plan = DegradationPlan(band_ends_km=(5.0, 15.0), band_log_bias=(0.4, 0.0, -0.3))
    band = np.searchsorted(plan.band_ends_km, square()["distance_km"].to_numpy(), side="right")
    flows = square().with_columns(band=pl.Series(band))
    sums = np.zeros(3)
    for seed in range(150):
        drawn = degrade(np.random.default_rng(seed), square(), plan)
        sums += flows.join(drawn.uncut, on=KEY, suffix="_d").group_by("band").agg(pl.col("flow_d").sum()).sort("band")[
            "flow_d"
        ].to_numpy()  # fmt: skip
    due = flows.group_by("band").agg(pl.col("flow").sum()).sort("band")["flow"].to_numpy() * mean_rate(plan) * 150
    np.testing.assert_allclose(np.log(sums / due), drawn.bands["log_bias"], atol=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"band_log_bias": (0.1,)}, "band_log_bias has 1 values; expected 5"),
        ({"market_share": 0.0}, "market_share 0.0"),
        ({"share_spread": -1.0}, "share_spread -1.0"),
        ({"ages": Ages(parts=(0.5, 0.5, 0.5))}, "parts that add up to 1"),
    ],
)
def test_a_faulty_plan_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DegradationPlan(**options)  # type: ignore[arg-type]


# Against the truth


def test_intervals_hold_the_known_bias_in_most_bands() -> None:
    flows, plan = read(leeds)
    held = held_bands(flows, plan, 8, "none")
    assert np.isfinite(held).all()
    assert held.mean() >= 0.8


def test_weights_remove_the_bias_of_market_shares() -> None:
    flows, plan = read(leeds)
    shares = removed_shares(flows, plan, 3)
    assert shares["weights"].to_list() == ["start weights", "raked to areas and ages"]
    assert (shares["by_fifth"] >= 0.8).all()
    assert (shares["squared"] >= 0.8).all()
    assert shares["absolute"][1] >= 0.8


@pytest.mark.parametrize("scale", ["none", "total"])
def test_bounds_under_suppression_hold_the_metric_and_are_nearly_as_narrow_as_can_be(scale: str) -> None:
    flows, plan = read(leeds)
    zones = flows["origin"].unique().sort()[:30].implode()
    some = flows.filter(pl.col("origin").is_in(zones), pl.col("destination").is_in(zones))
    widths = bound_widths(some, plan, 5, scale)
    assert widths.height == 10
    assert widths["holds"].all()
    assert (widths["zeros"] <= widths["margins"] + 1e-9).all() and (widths["margins"] <= widths["plain"] + 1e-9).all()
    assert (widths["floor"] <= widths["margins"] + 1e-9).all()
    assert (widths["zeros_floor"] <= widths["zeros"] + 1e-9).all()
    near = widths.filter(pl.col("metric") != "cpc_distance")
    assert (near["margins"] <= 1.1 * near["floor"] + 1e-9).all()


@pytest.mark.nightly
@pytest.mark.parametrize("scale", ["none", "total"])
def test_bounds_with_delivered_zeros_are_half_as_wide_but_for_two_bands(scale: str) -> None:
    widths = bound_widths(*read(leeds), 5, scale)
    assert widths["holds"].all()
    wide = set(widths.filter(pl.col("zeros") > 0.5 * pl.col("plain"))["metric"])
    assert wide == ({"log_bias_0-2_km", "log_bias_2-5_km"} if scale == "none" else set())


@pytest.mark.nightly
@pytest.mark.parametrize("matrix", [leeds, districts], ids=["leeds", "districts"])
@pytest.mark.parametrize("scale", ["none", "total"])
@pytest.mark.parametrize("spread", [0.0, 0.38])
def test_intervals_hold_the_known_bias_over_200_replicates(matrix: Matrix, scale: str, spread: float) -> None:
    flows, plan = read(matrix)
    varied = DegradationPlan(share_spread=spread, band_ends_km=plan.band_ends_km)
    assert 0.93 <= np.nanmean(held_bands(flows, varied, 200, scale)) <= 0.97


@pytest.mark.nightly
@pytest.mark.parametrize("matrix", [leeds, districts], ids=["leeds", "districts"])
def test_weights_remove_the_bias_over_200_replicates(matrix: Matrix) -> None:
    shares = removed_shares(*read(matrix), 200)
    assert (shares["by_fifth"] >= 0.8).all()
    assert (shares["squared"] >= 0.8).all()
    assert shares["absolute"][1] >= 0.8
