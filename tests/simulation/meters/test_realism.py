"""Statistics by which simulated and real homes are compared."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.meters.realism import kolmogorov_smirnov, measure_homes, measure_weeks, membership_auc

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "meters" / "simulated_meters_realism.py"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulated_meters_realism", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = load_script()


def test_statistics_of_a_real_home_are_the_published_ones() -> None:
    """The table of real homes has them as of another program; the evening is the only one that it cuts otherwise."""
    try:
        kwh = script.read_real_homes(Settings().shared)["MAC000060"]
        published = script.read_real_statistics(Settings().shared).filter(pl.col("mean_day").is_between(10.7, 10.75))
    except FileNotFoundError as error:
        pytest.skip(f"no real homes: {error} (set ONS_BIGDATA_SHARED)")
    ours = measure_homes(kwh[None].astype(np.float32)).row(0, named=True)
    theirs = published.row(0, named=True)
    for name in ("mean_day", "cv_day", "q05_over_median", "q95_over_median", "hh_p95", "hh_max", "night_level"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.01), name
    assert ours["evening_share"] == pytest.approx(theirs["evening_share"], rel=0.02)
    assert [ours[name] for name in ("ac1", "ac48", "ac336")] == pytest.approx(
        [theirs[name] for name in ("ac1", "ac48", "ac336")], abs=0.005
    )
    assert ours["lowdays"] == pytest.approx(theirs["lowdays"], abs=0.002)


def test_statistics_of_a_home_by_hand() -> None:
    """Ten days of 48 half hours of 0.1 kWh, but 0.2 kWh from 17:00 to 23:00; one day reads zero throughout."""
    kwh = np.full((1, 10, 48), 0.1, dtype=np.float32)
    kwh[0, :, 34:46] = 0.2
    kwh[0, 4] = 0.0
    row = measure_homes(kwh).row(0, named=True)
    assert row["mean_day"] == pytest.approx(5.4, abs=1e-5)
    assert row["night_level"] == pytest.approx(0.8, abs=1e-6)
    assert row["evening_share"] == pytest.approx(0.2 / 0.125, abs=1e-6)
    assert (row["zero"], row["lowdays"], row["spike_on_low"]) == (0.1, 0.1, 0.0)


def test_missing_half_hours_are_no_zeros() -> None:
    kwh = np.full((1, 60, 48), 0.1, dtype=np.float32)
    kwh[0, 3, :10] = np.nan
    row = measure_homes(kwh).row(0, named=True)
    assert (row["zero"], row["lowdays"]) == (0.0, 0.0)
    assert row["cv_day"] == pytest.approx(0.0, abs=1e-6)


def test_distance_of_samples_by_hand() -> None:
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert kolmogorov_smirnov(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0])) == 0.5
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0


def test_weeks_without_gaps_have_features_that_do_not_depend_on_the_level() -> None:
    kwh = np.random.default_rng(1).gamma(1.0, 0.2, (21, 48))
    kwh[8, 3] = np.nan
    weeks, tenfold = measure_weeks(kwh), measure_weeks(kwh * 10)
    assert weeks.shape == (2, 25)
    assert weeks[:, 1:] == pytest.approx(tenfold[:, 1:])
    assert tenfold[:, 0] - weeks[:, 0] == pytest.approx(np.log(10))


def test_membership_is_seen_where_weeks_are_copied_and_not_where_they_are_drawn_anew() -> None:
    random = np.random.default_rng(1)
    members, others, fresh = (random.normal(size=(400, 6)) for _ in range(3))
    copies = members + random.normal(0, 0.01, members.shape)
    assert membership_auc(members, others, copies) > 0.95
    assert membership_auc(members, others, fresh) == pytest.approx(0.5, abs=0.05)
    assert membership_auc(members, members, fresh) == 0.5


def test_weeks_of_the_same_kind_cannot_be_told_apart_and_others_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Homes of one distribution of half hours and of another, whose nights are quiet."""
    monkeypatch.setattr(script, "SPLITS", 1)
    random = np.random.default_rng(3)
    homes = random.gamma(2.0, 0.1, (24, 70, 48))
    real = {str(number): home for number, home in enumerate(homes[:8])}
    assert script.tell_weeks_apart(real, homes[8:], 1) == pytest.approx(0.5, abs=0.15)
    quiet = homes[8:].copy()
    quiet[:, :, :12] *= 0.2
    assert script.tell_weeks_apart(real, quiet, 1) > 0.95


def test_bounds_of_the_rule_hold_for_the_mean_of_draws_and_not_for_each() -> None:
    """Recall 0.60 of real homes; three draws of 0.66, 0.62 and 0.58 have the mean 0.62 and a deviation of 0.04."""
    scores = np.array([(0.66, 0.020, 0.6, 0.03), (0.62, 0.022, 0.7, 0.03), (0.58, 0.024, 0.8, 0.03)])
    recall, false_days, true_recall, true_false_days = script.rule_measures((0.60, 0.024), scores)
    assert recall.name == "rule, injected absences: recall (mean of 3 draws, SD 0.040)"
    assert recall.simulated == pytest.approx(0.62)
    assert (recall.holds, false_days.holds) == (True, True)
    assert (true_recall.holds, true_false_days.holds) == (False, False)


@pytest.mark.nightly
@pytest.mark.parametrize("generator", ["chain", "bouts"])
def test_measures_of_each_generator_are_within_their_bounds(generator: str) -> None:
    try:
        measures = script.measure_generator(generator, 300, 21, Settings().shared)
    except FileNotFoundError as error:
        pytest.skip(f"no real homes: {error} (set ONS_BIGDATA_SHARED)")
    assert [one.name for one in measures if not one.holds] == []
