"""Files of meters by the command line: every format, forced formats, restricted rows, no trace of a meter elsewhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.meters.sources.reading_files import METER_READINGS
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import make_key, pseudonyms, read_key
from ons_bigdata.settings import Settings
from tests.command_line import CommandLine
from tests.meters.sources import written_readings as written
from tests.meters.sources.written_readings import at

METER = "777123777"
R30 = f"200,NMI{METER},E1,1,E1,N1,SERIAL,kWh,30,"


@pytest.fixture(scope="module")
def deliveries(short_tmp: Path) -> Path:
    """Write a folder with files of three formats, an archive, homes, and two files that are refused."""
    folder = short_tmp / "m"
    folder.mkdir()
    (folder / "File1.txt").write_bytes(f"{METER} 45204 0.14\n{METER} 45202 0.2\n{METER} x 0.2\n".encode())
    (folder / "simulated_File1.txt").write_bytes(f"{METER} 45204 0.5\n".encode())
    with zipfile.ZipFile(folder / "nem.zip", "w") as archive:
        archive.writestr("nem12.csv", written.nem12(R30, f"300,20240101,{written.values(48)},A,,,,"))
        archive.writestr("broken.csv", f"200,NMI{METER}\n")
    (folder / "allocations.csv").write_bytes(
        b"ID,Code,Residential - Tariff allocation,Residential - stimulus allocation,SME allocation\n"
        + f"{METER},1,E,E,\n".encode()
    )
    (folder / "notes.txt").write_text(f"The meter {METER} is at home.\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ingested(short_tmp: Path, deliveries: Path) -> Iterator[CommandLine]:
    """Ingest the folder and make the restricted table of homes."""
    command = CommandLine(short_tmp / "hm")
    make_key(Settings(home=command.home).pseudonym_key_path)
    try:
        printed = command.run("ingest", "meters", deliveries, "--json").stdout
        (command.home / "summary.json").write_text(printed, encoding="utf-8")
        command.run("materialize", "--select", "restricted/meter_homes")
        yield command
    finally:
        command.run("down", code=None)


def test_every_row_of_a_delivery_is_accepted_or_quarantined(ingested: CommandLine) -> None:
    summary = json.loads((ingested.home / "summary.json").read_text(encoding="utf-8"))
    counts = {name: summary[name] for name in ("files", "rows_in", "accepted", "quarantined", "refused")}
    assert counts == {"files": 6, "rows_in": 53, "accepted": 51, "quarantined": 2, "refused": 2}
    assert all(METER not in text for text in summary["refusals"])
    reasons = open_warehouse(Settings(home=ingested.home)).rows(
        "select reason, content from ops.quarantine order by reason"
    )
    assert [content for _, content in reasons] == [None, None]


def test_readings_are_in_the_lake_by_pseudonym_and_utc(ingested: CommandLine) -> None:
    settings = Settings(home=ingested.home)
    lake = Lake(settings.home / "lake", open_warehouse(settings))
    rows = lake.scan(METER_READINGS).collect()
    assert rows.height == 50
    key = read_key(None, settings.pseudonym_key_path)
    expected = int(pseudonyms(pl.Series([METER]), source="cer meter", key=key)[0])
    found = rows.filter(format="cer", data_origin="real").select("meter_key", "started_at", "kwh").rows()
    assert found == [(expected, at("2010-03-28T00:30"), 0.14)]
    assert rows["meter_key"].n_unique() == 3


def test_no_trace_of_a_meter_is_outside_landing(ingested: CommandLine) -> None:
    settings = Settings(home=ingested.home)
    key = read_key(None, settings.pseudonym_key_path)
    pseudonym = str(int(pseudonyms(pl.Series([METER]), source="cer meter", key=key)[0]))
    homes = open_warehouse(settings).rows("select customer, tariff, meter_key::text from restricted.meter_homes")
    assert homes == [("residential", "E", pseudonym)]
    traces = [METER.encode(), pseudonym.encode()]
    folders = ("dagster", "logs", "run", "dbt")
    files = [path for folder in folders for path in (ingested.home / folder).rglob("*") if path.is_file()]
    assert [path for path in files if any(trace in path.read_bytes() for trace in traces)] == []
    assert not any(METER.encode() in path.read_bytes() for path in (ingested.home / "lake").rglob("*.parquet"))
