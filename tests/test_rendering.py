"""Tables of the command line in wide and narrow terminals, and what an ingest and an expiry print."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from ons_bigdata import rendering
from ons_bigdata.commands.expire import ExpiredSource
from ons_bigdata.commands.ingest import IngestSummary
from ons_bigdata.commands.status import Status

LOADS = pl.DataFrame(
    {
        "source": ["prices", "device_events"],
        "delivery": ["sim-alder", None],
        "data_origin": ["simulated", "real"],
        "files": [26, 1],
        "rows_in": [123_456_789, 2],
        "accepted": [123_456_700, 2],
        "quarantined": [89, 0],
        "last_load": [datetime(2016, 6, 12, 8, 30, tzinfo=UTC)] * 2,
    }
)
NONE = pl.DataFrame()
STATUS = Status("/state", "postgresql://", LOADS, NONE, NONE, NONE, NONE, NONE, 3)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Call a function with a terminal of so many columns and return what it prints."""

    def of(width: int, call, *arguments: object, **options: object) -> str:
        monkeypatch.setattr(rendering._out, "width", width)
        call(*arguments, **options)
        return capsys.readouterr().out

    return of


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_value_of_the_status_is_cut_off(printed, width: int) -> None:
    shown = printed(width, rendering.status, STATUS, show_assets=False, as_json=False)
    values = [str(value) for row in LOADS.drop("last_load").iter_rows() for value in row if value is not None]
    assert [value for value in [*values, *LOADS.columns] if value not in shown] == []
    assert "…" not in shown
    assert "delivery: sim-alder, data_origin: simulated" in " ".join(shown.split()) or width == 160
    assert "null" not in shown or width == 160


def test_a_row_of_a_query_is_a_list_where_a_table_is_too_wide(printed) -> None:
    assert "┃ data_origin ┃" in printed(160, rendering.rows, LOADS, "table")
    narrow = printed(60, rendering.rows, LOADS, "table")
    assert "row 2\n  source       device_events\n  delivery     null\n" in narrow
    assert narrow.endswith("2 rows\n")


def test_a_long_name_in_a_table_that_fits_is_folded_not_cut_off(printed) -> None:
    frame = pl.DataFrame({"name": ["a" * 50], "text": ["few words " * 12], "also": ["b" * 40]})
    shown = printed(120, rendering.rows, frame, "table")
    assert (shown.count("a") - shown.count("name") - shown.count("also"), "…" in shown) == (50, False)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(100.25, "100.25"), (1234567.8, "1234568"), (-2e6, "-2000000"), (1e-7, "1e-07"), (1e20, "1e+20")],
)
def test_large_numbers_have_no_exponent(printed, number: float, shown: str) -> None:
    assert f" {shown} " in printed(80, rendering.rows, pl.DataFrame({"x": [number]}), "table")


def test_an_ingest_says_why_rows_were_quarantined(printed) -> None:
    summary = IngestSummary(1, 20, 7, 13, 0, 0, 0, 1, "2026-01-05", "2026-01-05")
    clean = printed(80, rendering.ingest_summary, summary, as_json=False)
    assert clean == "1 file (1 new): 20 rows in, 7 accepted, 13 quarantined\nDay 2026-01-05\n"
    reasons = [f"{rows} rows, such as q.csv, line {rows}: reason" for rows in range(8, 1, -1)]
    faulty = replace(summary, outages=1, refused=2, quarantine_reasons=reasons)
    shown = printed(80, rendering.ingest_summary, faulty, as_json=False)
    assert "13 quarantined, 1 outage (empty files), 2 files refused\n" in shown
    assert shown.count("such as") == rendering.LISTED_REASONS
    assert "for 2 more reasons" in shown


def test_an_expiry_names_the_sources_with_deleted_files_alone(printed) -> None:
    sources = [ExpiredSource("geo_events", 30, 1, 2_000_000), ExpiredSource("meters", 30, 0, 0)]
    shown = printed(80, rendering.expired, sources, as_json=False)
    assert shown == "geo_events: 1 file (2.0 MB) older than 30 days deleted\n"
    assert printed(80, rendering.expired, sources[1:], as_json=False).startswith("Nothing deleted")
