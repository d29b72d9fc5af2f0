"""An invented source for tests of landing and loading: files with lines `day number`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import dataframely as dy
import polars as pl

from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA, LoadTotals
from ons_bigdata.platform.ingest.loading import Reading, load_waiting
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source

READER = Reader("numbers", "number_lines", "1")
DAY = "2016-07-21"

CREATE = """
    create table raw.numbers (
        load_id text references ops.loads, line integer, day date, number integer check (number <> 13),
        primary key (load_id, line)
    )
"""

_SCHEMA = {"load_id": pl.String, "line": pl.Int32, "day": pl.String, "number": pl.Int32}


def read(_file: LandedFile, content: bytes, load_id: str) -> Reading:
    """Read one whole number a line below `#` lines; `refuse me` refuses the file, other lines are quarantined."""
    if content == b"refuse me":
        return Reading("refused", "asked for it", 0, pl.DataFrame(), pl.DataFrame(schema=QUARANTINE_SCHEMA))
    good, bad = [], []
    for line, text in enumerate(content.decode().splitlines(), start=1):
        if text.startswith("#"):
            continue
        day, _, number = text.partition(" ")
        if number.lstrip("-").isdigit():
            good.append((load_id, line, day, int(number)))
        else:
            bad.append((line, f"expected a whole number, found {number!r}", text))
    accepted = pl.DataFrame(good, schema=_SCHEMA, orient="row").with_columns(pl.col("day").str.to_date())
    quarantined = pl.DataFrame(bad, schema=QUARANTINE_SCHEMA, orient="row")
    return Reading("loaded" if content else "outage", None, len(good) + len(bad), accepted, quarantined)


class CountingReader:
    """The reader, counting how often it reads each file; stops at a file name, or after it, as a kill would."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()

    def __call__(self, file: LandedFile, content: bytes, load_id: str) -> Reading:
        self.reads[file.name] += 1
        return read(file, content, load_id)


def recognise(name: str, content: bytes) -> Recognised | Refused | None:
    """Recognise `<day>-….txt` by its name, `after-….txt` by nothing but its rows, and fail on `broken….txt`."""
    if name.startswith("broken"):
        raise RuntimeError("recogniser fell over")
    if name.startswith("after"):
        return Recognised("one", "simulated", None)
    if name[:2] == "20":
        return Recognised("one", "simulated", (name[:10],))
    return Refused("no day") if name.endswith(".txt") else None


class Number(dy.Schema):
    """One row per number."""

    load_id = dy.String()
    line = dy.Int32()
    day = dy.Date()
    number = dy.Int32()


TABLE = RawTable("raw.numbers", Number, "One row per number.", partition_column="day")
SOURCE = Source(
    command="numbers",
    reader=READER,
    area="collection",
    adapter=lambda _project: Adapter(recognise, read),
    table=TABLE,
    landing=LandingFolder("numbers", "Files of numbers."),
)


def version(number: str) -> Source:
    """Return the source with another version of its reader."""
    return replace(SOURCE, reader=replace(READER, version=number))


def load(landing: Landing, source: Source = SOURCE) -> LoadTotals:
    """Load all files that wait."""
    return load_waiting(landing, source, read)


def stored(landing: Landing) -> list[tuple]:
    """Return all rows of the raw table."""
    return landing.warehouse.rows("select load_id, line, day::text, number from raw.numbers order by load_id, line")


def numbers(landing: Landing) -> list[int]:
    """Return all numbers of the raw table, sorted."""
    return sorted(row[3] for row in stored(landing))


def ledger(landing: Landing) -> list[tuple]:
    """Return files and loads."""
    return landing.warehouse.rows(
        "select name, sha256, partitions, superseded_by, state, outcome, rows_in, accepted, quarantined"
        " from ops.files left join ops.loads using (file_id) order by name, sha256, reader_version"
    )


def load_partitions(landing: Landing) -> list[tuple]:
    """Return the rows of `ops.load_partitions` by file name."""
    return landing.warehouse.rows(
        "select name, partition, load_partitions.accepted::int from ops.load_partitions"
        " join ops.loads using (load_id) join ops.files using (file_id) order by name, partition"
    )
