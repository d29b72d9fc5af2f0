"""Source `meter_accumulations`: NEM13 files of accumulated reads, into the lake."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.calendar import MONTHS
from ons_bigdata.meters.schemas.accumulations import LakeAccumulation
from ons_bigdata.meters.sources.formats.nem13 import is_nem13, read_nem13
from ons_bigdata.meters.sources.reading_files import data_origin, id_space
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import BulkSource, LandingFolder, Recognised, pseudonymising_adapter
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.pseudonyms import PseudonymKey

NAME = "meter_accumulations"
FORMAT = "nem13"

METER_ACCUMULATIONS = LakeTable(
    name=NAME,
    columns={name: column.dtype for name, column in LakeAccumulation.columns().items()},
    entity_column="meter_key",
    order=("meter_key", "started_at", "ended_at"),
    buckets=64,
)


def recognise(name: str, head: bytes) -> Recognised | None:
    """Recognise a file by its first record; None for any other, which may hold intervals."""
    return Recognised(FORMAT, data_origin(name), None) if is_nem13(head) else None


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey) -> Iterator[Batch]:
    """Batches of a file; a register of NEM12 and NEM13 has one pseudonym."""
    origin = data_origin(name)
    for readings in read_nem13(stream):
        rows = readings.accepted
        accepted = rows.select(
            "line",
            pl.col("ended_at").dt.date().dt.truncate("1mo").alias("month"),
            pl.lit(origin).alias("data_origin"),
            pseudonyms(rows["meter"], source=id_space("nem12", origin), key=key).alias("meter_key"),
            pl.exclude("line", "meter"),
        )
        yield Batch(readings.rows_in, accepted, readings.quarantined)


SOURCES = (
    BulkSource(
        command="meters",
        reader=Reader(NAME, "nem13_files", "1"),
        area="collection",
        adapter=pseudonymising_adapter(recognise, read_batches),
        table=METER_ACCUMULATIONS,
        description="One row per pair of reads of a register, with the pseudonym of the register.",
        columns={name: column.description or "" for name, column in LakeAccumulation.columns().items()},
        partition_column="month",
        landing=LandingFolder(NAME, "Files of accumulated reads. Written by `ons-bigdata ingest meters`."),
        calendar=MONTHS,
        max_file_bytes=200 * 1024**3,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        opens_archives=True,
        formats=(FORMAT,),
    ),
)
