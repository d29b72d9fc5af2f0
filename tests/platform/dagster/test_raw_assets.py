"""Raw tables as assets: metadata of each materialised partition."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster.checks import load_checks
from ons_bigdata.platform.dagster.raw_assets import ONLY_WAITING, lake_asset, raw_asset
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import Source
from ons_bigdata.platform.lake import Lake
from tests.platform.ingest import reading_files
from tests.platform.ingest.conftest import Land, land
from tests.platform.ingest.number_files import SOURCE

__all__ = ["land"]  # a fixture

DAILY = replace(SOURCE, calendar=Calendar(Cadence.day, date(2016, 7, 1), "Europe/London"))
RANGE = {
    "dagster/asset_partition_range_start": "2016-07-21",
    "dagster/asset_partition_range_end": "2016-07-24",
}


def counts(landing: Landing, source: Source, tags: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict:
    """Return rows, files and outages of each materialised partition."""
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)
    result = dg.materialize([raw_asset(source)], resources={"warehouse": WarehouseResource()}, tags=tags)
    shown = {}
    for event in result.get_asset_materialization_events():
        metadata = event.materialization.metadata
        names = ("dagster/row_count", "files", "outages")
        assert event.partition not in shown
        shown[event.partition] = tuple(metadata[name].value for name in names)
    return shown


def test_each_partition_of_a_range_shows_its_own_rows_and_files(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("2016-07-21-a.txt", "2016-07-21 1\n2016-07-21 2\nno number\n", ("2016-07-21",))
    land("2016-07-21-b.txt", "2016-07-21 3\n", ("2016-07-21",))
    land("2016-07-22-a.txt", "", ("2016-07-22",))
    land("after-a.txt", "2016-07-24 4\n2016-08-01 5\n2016-08-01 6\n", None)
    expected = {
        "2016-07-21": (3, 2, 0),
        "2016-07-22": (0, 1, 1),
        "2016-07-23": (0, 0, 0),
        "2016-07-24": (1, 1, 0),
        "2016-08-01": (2, 1, 0),  # outside the range: the file that touches it was written whole
    }
    assert counts(landing, DAILY, RANGE, monkeypatch) == expected
    # a rebuild shows the same counts, and a load of one more file all the rows of its partition
    del expected["2016-08-01"]
    assert counts(landing, DAILY, RANGE, monkeypatch) == expected
    land("2016-07-22-b.txt", "2016-07-22 7\n", ("2016-07-22",))
    expected["2016-07-22"] = (1, 2, 1)
    assert counts(landing, DAILY, {**RANGE, ONLY_WAITING: "true"}, monkeypatch) == expected


def test_a_table_of_the_lake_shows_its_partitions_and_agrees_with_the_ledger(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: landing.warehouse)

    def run(tags: dict[str, str]) -> tuple[dict, dict]:
        result = dg.materialize(
            [lake_asset(reading_files.SOURCE), *load_checks(reading_files.SOURCE)],
            resources={"warehouse": WarehouseResource()},
            tags=tags,
            raise_on_error=False,
        )
        shown = {
            event.partition: (
                event.materialization.metadata["dagster/row_count"].value,
                event.materialization.metadata["files"].value,
            )
            for event in result.get_asset_materialization_events()
        }
        return shown, {check.check_name: check.passed for check in result.get_asset_check_evaluations()}

    reading_files.land(landing, "r1.txt", b"2016-07-21,1,1\n2016-07-21,2,2\n2016-08-01,1,3\n")
    reading_files.land(landing, "r2.txt", b"2016-07-21,3,1\n2016-07-22,1,1\nodd\n")
    shown, checks = run({**RANGE, ONLY_WAITING: "true"})
    expected = {"2016-07-21": (3, 2), "2016-07-22": (1, 1), "2016-07-23": (0, 0), "2016-07-24": (0, 0)}
    assert shown == {**expected, "2016-08-01": (1, 1)}  # outside the range: the file that touches it was loaded whole
    assert checks == {"lake_matches_ledger": True, "no_lines_quarantined": False}
    shown, _ = run(RANGE)
    assert shown == expected
    # a fragment that is lost from the catalog is noticed
    with landing.warehouse.transaction() as transaction:
        transaction.execute("delete from ops.lake_files where partition = '2016-07-22'")
    assert run(RANGE)[1]["lake_matches_ledger"] is False


def test_a_table_without_partitions_shows_all_its_rows(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("2016-07-21-a.txt", "2016-07-21 1\n2016-07-21 2\n", ("2016-07-21",))
    assert counts(landing, SOURCE, {}, monkeypatch) == {None: (2, 1, 0)}
    land("2016-07-22-a.txt", "2016-07-22 3\n", ("2016-07-22",))
    assert counts(landing, SOURCE, {}, monkeypatch) == {None: (3, 1, 0)}


def test_a_table_of_the_lake_without_calendar_shows_all_its_rows(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: landing.warehouse)
    keys = frozenset({"2016-07-21", "2016-07-22"})
    source = replace(reading_files.SOURCE, calendar=None, partition_keys=keys)
    asset = lake_asset(source)
    assert asset.partitions_def is None

    def run(tags: dict[str, str]) -> tuple[int, int]:
        result = dg.materialize([asset], resources={"warehouse": WarehouseResource()}, tags=tags)
        (event,) = result.get_asset_materialization_events()
        metadata = event.materialization.metadata
        return metadata["dagster/row_count"].value, metadata["files_refused"].value

    reading_files.land(landing, "r1.txt", b"2016-07-21,1,1\n2016-07-22,2,2\n")
    assert run({ONLY_WAITING: "true"}) == (2, 0)
    reading_files.land(landing, "r2.txt", b"2016-07-23,1,1\n")  # none of the keys
    assert run({ONLY_WAITING: "true"}) == (2, 1)
    (reason,) = landing.warehouse.rows("select reason from ops.loads where outcome = 'refused'")[0]
    assert reason == "partition '2016-07-23' is none of lake.readings; known: 2016-07-21, 2016-07-22"
    for file in lake.files(reading_files.TABLE):
        (lake.folder / file.name).unlink()
    assert run({}) == (2, 0)  # any other run reads the files of damaged fragments again
    assert lake.faults(reading_files.TABLE) == []
