"""An invented bulk source: files with lines `day,entity,value`, read in batches of a few lines into the lake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import IO

import polars as pl

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch, LineReader
from ons_bigdata.platform.ingest.bulk_loading import BulkLoader
from ons_bigdata.platform.ingest.landing import Landing, Reader
from ons_bigdata.platform.ingest.sources import BulkAdapter, BulkSource, LandingFolder, Recognised, Refused
from ons_bigdata.platform.lake import Lake, LakeTable

COLUMNS: dict[str, pl.DataType] = {
    "entity": pl.Int64(),
    "day": pl.Date(),
    "value": pl.Float64(),
    "load_id": pl.String(),
    "line": pl.Int64(),
}
TABLE = LakeTable("readings", COLUMNS, "entity", ["entity", "day"], buckets=4)
DAYS = Calendar(Cadence.day, date(2016, 7, 1), "Europe/London")
READER = Reader("readings", "reading_lines", "1")
BATCH_LINES = 3

_ACCEPTED = {name: dtype for name, dtype in COLUMNS.items() if name != "load_id"}


def read_batches(stream: IO[bytes], name: str, head: bytes | None = None) -> Iterator[Batch]:
    """Read one reading a line below `#` lines; `refuse` refuses the file, `fail` fails, other lines are quarantined.

    `end the process` is for processes that read a part. With `head`, lines after the first are numbered from 2.
    """
    assert not name.endswith((".gz", ".zst"))
    assert head is None or head.startswith((b"#", b"2016", b"bad"))
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(_lines_of(stream), start=1 if head is None else 2):
        text = line.decode().rstrip("\n")
        if text.startswith("#"):
            continue
        if text == "refuse":
            raise InputError("asked to refuse it")
        if text == "end the process":
            os._exit(9)
        if text.startswith("fail"):
            raise RuntimeError(f"fell over {text}")
        lines.append((number, text))
        if len(lines) == BATCH_LINES:
            yield _batch(lines)
            lines = []
    yield _batch(lines)


def _lines_of(stream: IO[bytes]) -> list[bytes]:
    return b"".join(iter(lambda: stream.read(1000), b"")).splitlines(keepends=True)


LINES = LineReader(read_batches, None, lambda _name, head: b"not by line" not in head, stretch_bytes=20)
"""Reader of stretches of one or two lines."""


def _batch(lines: list[tuple[int, str]]) -> Batch:
    good, bad = [], []
    for number, text in lines:
        parts = text.split(",")
        if len(parts) == 3 and parts[1].lstrip("-").isdigit():
            good.append((int(parts[1]), date.fromisoformat(parts[0]), float(parts[2]), number))
        else:
            bad.append((number, "expected day,entity,value"))
    accepted = pl.DataFrame(good, schema=_ACCEPTED, orient="row")
    return Batch(len(lines), accepted, pl.DataFrame(bad, schema=BULK_QUARANTINE_SCHEMA, orient="row"))


def recognise(name: str, head: bytes) -> Recognised | Refused | None:
    """Recognise files whose names begin with `r`; `refused…` is refused."""
    if name.startswith("refused"):
        return Refused("asked to refuse it at once")
    return Recognised("meter", "simulated", None) if name.startswith("r") and b"{" not in head else None


SOURCE = BulkSource(
    command="readings",
    reader=READER,
    area="collection",
    adapter=lambda _context: BulkAdapter(recognise, read_batches),
    table=TABLE,
    description="One row per reading.",
    columns={name: f"{name} of the reading" for name in TABLE.columns},
    partition_column="day",
    landing=LandingFolder("readings", "Files of readings."),
    calendar=DAYS,
    max_file_bytes=400_000_000,
    max_ratio=1000,
    is_personal=False,
    expires_after_days=30,
)


def version(number: str) -> BulkSource:
    """Return the source with another version of its reader."""
    return replace(SOURCE, reader=replace(READER, version=number))


def loader(landing: Landing, lake: Lake, source: BulkSource = SOURCE) -> BulkLoader:
    """Return the loader of the source."""
    return BulkLoader(landing, lake, source, read_batches, None)


def land(landing: Landing, name: str, content: bytes) -> None:
    """Land a file of readings."""
    landing.land(content, source="readings", delivery="meter", name=name, data_origin="simulated", partitions=None)


def rows(lake: Lake) -> list[tuple]:
    """Return all rows of the table, sorted."""
    return sorted(lake.scan(TABLE).select("load_id", "line", "day", "entity", "value").collect().rows())


def live_files(lake: Lake) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return names, rows and loads of the live files."""
    return [(file.name, file.rows, file.load_ids) for file in lake.files(TABLE)]


def ledger(landing: Landing) -> list[tuple]:
    """Return the current files with their latest loads, partitions and quarantined lines."""
    return landing.warehouse.rows(
        """
        select name, sha256, files.partitions, state, outcome, rows_in::int, accepted::int, quarantined::int,
            reader_version,
            (select array_agg(partition || ':' || written.accepted order by partition)
                from ops.load_partitions as written where written.load_id = loads.load_id),
            (select array_agg(line || ':' || coalesce(content, '') order by line) from ops.quarantine as bad
                where bad.load_id = loads.load_id)
        from ops.files left join ops.loads using (file_id)
        where superseded_by is null order by name, reader_version
        """
    )
