"""Peak memory of a process that takes in a file: landing, or landing and loading. Prints it in megabytes.

Arguments: `land` or `load`, URL of the database, role prefix, folder, size of the file in megabytes.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import IO

import polars as pl

from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch
from ons_bigdata.platform.ingest.bulk_loading import BulkLoader
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.database import parse_url
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.platform.ingest.reading_files import SOURCE

_LINE = b"x" * 99 + b"\n"
_READ_BYTES = 4_000_000


def read_batches(stream: IO[bytes], _name: str) -> Iterator[Batch]:
    """Read lines of 100 bytes into rows of many entities and days."""
    line = 0
    while block := stream.read(_READ_BYTES):
        count = len(block) // len(_LINE)
        numbers = pl.int_range(line + 1, line + count + 1, dtype=pl.Int64, eager=True)
        accepted = pl.DataFrame(
            {
                "entity": numbers * 6_364_136_223_846_793_005,
                "day": pl.select(pl.lit(date(2016, 7, 1)) + pl.duration(days=numbers % 30)).to_series().cast(pl.Date),
                "value": numbers.cast(pl.Float64),
                "line": numbers,
            }
        )
        yield Batch(count, accepted, pl.DataFrame(schema=BULK_QUARANTINE_SCHEMA))
        line += count


def main(what: str, url: str, role_prefix: str, folder: str, megabytes: str) -> None:
    """Write the file, take it in, print the peak."""
    path = Path(folder) / "delivered.txt"
    with path.open("wb") as file:
        for _ in range(int(megabytes)):
            file.write(_LINE * 10_000)
    warehouse = Warehouse(parse_url(url, variable="URL"), role_prefix)
    landing = Landing(Path(folder) / "landing", warehouse)
    with path.open("rb") as stream:
        staged = landing.stage(stream)
    landing.land_staged(
        staged, source="readings", delivery="meter", name="r.txt", data_origin="simulated", partitions=None
    )
    if what == "load":
        lake = Lake(Path(folder) / "lake", warehouse)
        totals = BulkLoader(landing, lake, SOURCE, read_batches, None).load_waiting()
        assert totals.accepted == int(megabytes) * 10_000
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


if __name__ == "__main__":
    main(*sys.argv[1:])
