"""Scores by a truth of the form meter, half hour, present, on simulated homes; every fault of such a file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ons_bigdata.meters.reports.truth_scores import read_presence, score_by_truth
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import draw_homes

HEADER = "meter,started_at,present\n"
FIRST_DAY, DAYS = date(2010, 1, 1), 60


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Readings of three simulated homes and who was at home, as files; nobody from the 20th to the 29th day."""
    folder = tmp_path_factory.mktemp("truth")
    homes = draw_homes(np.random.default_rng(3), 3, first_day=FIRST_DAY, days=DAYS)
    meters = simulate_meters(homes, seed=3, first_day=FIRST_DAY, days=DAYS, generator="chain")
    begin = datetime(2010, 1, 1, tzinfo=UTC)
    readings, truth = ["meter,started_at,kwh"], [HEADER.strip()]
    for home, kwh in enumerate(meters.kwh):
        for number, value in enumerate(kwh[: DAYS * 48]):
            is_empty = 20 * 48 <= number < 29 * 48
            at = f"{begin + timedelta(minutes=30 * number):%Y-%m-%dT%H:%M}Z"
            readings.append(f"h{home},{at},{min(value, 0.03) if is_empty else value + 0.1 * (number % 48 > 30):.3f}")
            truth.append(f"h{home},{at},{'' if number < 48 else int(not is_empty)}")
    for name, lines in (("readings.csv", readings), ("truth.csv", truth)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder / "readings.csv", folder / "truth.csv"


def test_methods_and_naive_judgements_are_scored_on_the_same_days(delivery: tuple[Path, Path]) -> None:
    readings, truth = delivery
    scores = score_by_truth([readings], truth, timezone="Europe/London", draws=5)
    by_name = {row["judgement"]: row for row in scores.days.to_dicts()}
    assert {"boosted", "hmm", "rule", "always occupied"} <= set(by_name)
    assert {row["days"] for row in by_name.values()} == {by_name["boosted"]["days"]}
    assert by_name["boosted"]["homes"] == 3
    assert by_name["boosted"]["recall"] > 0.8 > by_name["always occupied"]["recall"]
    half_hours = scores.half_hours
    assert half_hours["half_hours"] == 3 * 59 * 48
    assert half_hours["prevalence"] == pytest.approx(50 / 59)
    assert half_hours["accuracy"] > half_hours["accuracy_always_occupied"] == pytest.approx(50 / 59)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2010-01-01T00:00,1", r"line 3, column started_at: found '2010-01-01T00:00'; expected a time with offset"),
        ("1,2010-01-01T00:10Z,1", "line 3, column started_at.*the start of a half hour"),
        ("1,2010-01-01T00:30Z,0", "line 2, column started_at.*each half hour once"),
        ("1,2010-01-01T01:00Z,yes", "line 3, column present: found 'yes'; expected 1, 0"),
        (",2010-01-01T01:00Z,1", "line 3, column meter"),
    ],
)
def test_a_fault_of_the_truth_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(HEADER + "1,2010-01-01T00:30:00Z,1\n" + line + "\n")
    with pytest.raises(InputError, match=message):
        read_presence(path)


def test_a_truth_without_a_column_or_of_other_meters_is_refused(delivery: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("meter,at,present\n")
    with pytest.raises(InputError, match="no column started_at; found meter, at, present"):
        read_presence(path)
    path.write_text(HEADER + "9,2010-01-01T00:30:00+01:00,TRUE\n")
    assert read_presence(path).row(0) == ("9", datetime(2009, 12, 31, 23, 30, tzinfo=UTC), True)
    with pytest.raises(InputError, match="none of its 1 meters has readings"):
        score_by_truth([delivery[0]], path, timezone="Europe/London")
    with pytest.raises(InputError, match="found 'Dublin'; expected a zone"):
        score_by_truth([delivery[0]], path, timezone="Dublin")
