"""Clock of files: that of the real homes, and of the same homes by another clock."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.meters.methods.clock import infer_clock_convention
from tests.meters.methods.half_hours import australian_homes, london_homes, readings, varied


def by_a_changing_clock(frame: pl.DataFrame, zone: str, *, hours_from_utc: int) -> pl.DataFrame:
    """The same readings with the times that a clock of the zone shows, taken as if in UTC."""
    at = (pl.col("started_at") - pl.duration(hours=hours_from_utc)).dt.convert_time_zone(zone)
    return frame.with_columns(started_at=at.dt.replace_time_zone(None).dt.replace_time_zone("UTC"))


def test_london_homes_are_in_gmt() -> None:
    found = infer_clock_convention(london_homes(), "Europe/London")
    assert found.convention == "utc"
    # correlations of MAC000060 in the notes on the trial: .854 against .721 in 2012, .891 against .708 in 2013
    springs = found.votes.filter((pl.col("meter") == "MAC000060") & (pl.col("expected_shift") == 2))
    assert springs.select("correlation_moved", "correlation_unmoved").rows() == [
        (pytest.approx(0.854, abs=0.001), pytest.approx(0.721, abs=0.001)),
        (pytest.approx(0.891, abs=0.001), pytest.approx(0.708, abs=0.001)),
    ]
    assert found.votes["has_skipped_hour"].drop_nulls().all()


def test_australian_homes_are_in_local_time_that_does_not_change() -> None:
    found = infer_clock_convention(australian_homes(), "Australia/Sydney")
    assert found.convention == "local_standard"
    assert found.votes["has_skipped_hour"].drop_nulls().all()
    early = australian_homes().with_columns(pl.col("started_at") - pl.duration(hours=10))
    assert infer_clock_convention(early, "Australia/Sydney").convention == "utc"


def test_a_clock_that_changes_is_local() -> None:
    london = by_a_changing_clock(london_homes(), "Europe/London", hours_from_utc=0)
    assert infer_clock_convention(london, "Europe/London").convention == "local"
    sydney = infer_clock_convention(
        by_a_changing_clock(australian_homes(), "Australia/Sydney", hours_from_utc=10), "Australia/Sydney"
    )
    assert sydney.convention == "local"
    assert not sydney.votes["has_skipped_hour"].drop_nulls().any()


def test_without_a_change_the_clock_is_undecided() -> None:
    found = infer_clock_convention(readings(varied(40 * 48)), "Europe/London")
    assert (found.convention, found.votes.height) == ("undecided", 0)
