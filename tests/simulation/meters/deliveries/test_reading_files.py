"""Files of readings and of their truth."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.deliveries.archives import absence_spells, write_meter_archive
from ons_bigdata.simulation.meters.deliveries.faults import CLEAN, Delivery
from ons_bigdata.simulation.meters.deliveries.reading_files import cer_codes, kwh_text, write_cer_rows, write_lcl_rows
from ons_bigdata.simulation.meters.generators import Simulation, simulate_meters
from ons_bigdata.simulation.meters.homes import draw_homes

FIRST_DAY, DAYS = date(2010, 3, 27), 3
HOMES = draw_homes(np.random.default_rng(2), 9, first_day=FIRST_DAY, days=DAYS)


def tiny_delivery() -> Delivery:
    """Two meters on the day of the spring change: a reading each, and a row without a reading off the grid."""
    row, at, offset = (np.array(values, dtype=np.int32) for values in ([0, 0, 1], [1, 2, 2], [0, 150, 0]))
    return Delivery(row, at, np.array([0.14, np.nan, 1.0]), offset, pl.DataFrame())


def test_rows_of_the_irish_format_to_the_byte() -> None:
    clock, stream = HalfHours(date(2010, 3, 28), 1, "Europe/Dublin"), io.BytesIO()
    rows = write_cer_rows(stream, pl.Series(["1392", "1393"]), tiny_delivery(), clock, np.random.default_rng(1))
    assert rows == 2
    assert stream.getvalue() == b"1392 45204 0.14\n1393 45205 1\n".replace(b"45204", b"45204")


def test_rows_of_the_london_format_to_the_byte() -> None:
    clock, stream = HalfHours(date(2012, 12, 19), 1, "Europe/London"), io.BytesIO()
    assert write_lcl_rows(stream, pl.Series(["60", "61"]), tiny_delivery(), clock) == 3
    assert stream.getvalue().decode() == (
        "MAC000060,Std,2012-12-19 00:30:00.0000000, 0.14 \r\n"
        "MAC000060,Std,2012-12-19 01:02:30.0000000,Null\r\n"
        "MAC000061,Std,2012-12-19 01:00:00.0000000, 1 \r\n"
    )


def test_readings_have_as_few_digits_as_they_need() -> None:
    values = np.array([0.0, 0.1, 0.123, 12.0, 19.999, 4294967.295, -0.5, np.nan, 0.0004, 140.0])
    expected = ["0", "0.1", "0.123", "12", "19.999", "4294967.295", "-0.5", "", "0.0004", "140"]
    assert kwh_text(values).to_list() == expected


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_meter_archive(tmp_path / name, HOMES, Simulation(3, FIRST_DAY, DAYS, "bouts"))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 15
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_a_delivery_without_faults_has_every_half_hour_once_and_not_in_order(tmp_path: Path) -> None:
    written = write_meter_archive(tmp_path, HOMES, Simulation(3, FIRST_DAY, DAYS), rates=CLEAN)
    text = b"".join(path.read_bytes() for path in written.readings)
    rows = pl.read_csv(text, separator=" ", has_header=False, new_columns=["meter", "code", "kwh"])
    meters = simulate_meters(HOMES, seed=3, first_day=FIRST_DAY, days=DAYS)
    codes = cer_codes(HalfHours(FIRST_DAY, DAYS, "Europe/Dublin"))
    clean = pl.DataFrame(
        {
            "meter": np.repeat(HOMES["meter"].cast(pl.Int64).to_numpy(), codes.size),
            "code": np.tile(codes.astype(np.int64), HOMES.height),
            "kwh": np.round(meters.kwh.ravel().astype(float), 3),
        }
    )
    assert written.rows == rows.height == HOMES.height * 142
    assert_frame_equal(rows.sort("meter", "code"), clean)
    assert not rows["code"].is_sorted()


def test_counts_of_the_truth_are_those_of_the_files(tmp_path: Path) -> None:
    written = write_meter_archive(tmp_path, HOMES, Simulation(3, FIRST_DAY, DAYS), file_format="lcl")
    truth = json.loads((written.truth / "files.json").read_text())
    lines = {path.name: len(path.read_text().splitlines()) - 1 for path in written.readings}
    assert truth["rows"] == lines
    faults = pl.read_csv(written.truth / "true_faults.csv")
    assert truth["faults"] == dict(faults.group_by("fault").len().iter_rows())
    assert set(faults["meter"].cast(pl.String)) <= set(HOMES["meter"])


def test_presence_of_the_truth_has_the_half_hours_of_each_day(tmp_path: Path) -> None:
    written = write_meter_archive(tmp_path, HOMES, Simulation(3, FIRST_DAY, DAYS), rates=CLEAN)
    presence = pl.read_parquet(written.truth / "true_presence.parquet")
    meters = simulate_meters(HOMES, seed=3, first_day=FIRST_DAY, days=DAYS)
    assert presence["people_at_home"].list.len().unique().sort().to_list() == [46, 48]
    assert presence["people_at_home"].explode().to_list() == meters.people_at_home.ravel().tolist()
    spells = pl.read_csv(written.truth / "true_absences.csv", try_parse_dates=True)
    days = (spells["end_date"] - spells["first_date"]).dt.total_days().sum()
    assert days == meters.absent_days["absent"].sum()


def test_spells_of_absent_days_by_hand() -> None:
    days = pl.DataFrame(
        {
            "meter": ["a"] * 4 + ["b"] * 2,
            "day": [date(2010, 1, day) for day in (1, 2, 3, 4, 1, 2)],
            "absent": [True, True, False, True, True, False],
        }
    )
    assert absence_spells(days).rows() == [
        ("a", date(2010, 1, 1), date(2010, 1, 3)),
        ("a", date(2010, 1, 4), date(2010, 1, 5)),
        ("b", date(2010, 1, 1), date(2010, 1, 2)),
    ]


def test_unknown_formats_and_days_outside_the_trial_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format 'x' is unknown; expected cer or lcl"):
        write_meter_archive(tmp_path, HOMES, Simulation(3, FIRST_DAY, DAYS), file_format="x")
    with pytest.raises(ValueError, match="2010-12-30 to 2011-01-01 are not all days of the Irish trial"):
        write_meter_archive(tmp_path, HOMES, Simulation(3, date(2010, 12, 30), 3))
