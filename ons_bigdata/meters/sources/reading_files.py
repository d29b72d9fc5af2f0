"""Source `meter_readings`: files of meter readings in any of the known formats, into the lake."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.calendar import MONTHS
from ons_bigdata.meters.schemas.readings import LakeReading
from ons_bigdata.meters.schemas.vocabulary import SIMULATED
from ons_bigdata.meters.sources.formats import BY_NAME, open_format, unknown_content
from ons_bigdata.meters.sources.formats.rows import ReplayedStream
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import (
    HEAD_BYTES,
    BulkSource,
    LandingFolder,
    Recognised,
    Refused,
    pseudonymising_adapter,
)
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.meters.sources.formats.rows import Readings
    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.pseudonyms import PseudonymKey

NAME = "meter_readings"

METER_READINGS = LakeTable(
    name=NAME,
    columns={name: column.dtype for name, column in LakeReading.columns().items()},
    entity_column="meter_key",
    order=("meter_key", "started_at"),
    buckets=64,
)


def recognise(name: str, head: bytes) -> Recognised | Refused:
    """Recognise a file by its name and beginning; its delivery is named like its format."""
    found = open_format(name, head)
    if found is None:
        return Refused(unknown_content(head))
    return Recognised(found[0].name, data_origin(name), None)


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey) -> Iterator[Batch]:
    """Batches of a file. Raises InputError for a file of no known format."""
    replayed = ReplayedStream(stream, HEAD_BYTES)
    found = open_format(name, replayed.head)
    if found is None:
        raise InputError(unknown_content(replayed.head))
    form, read = found
    for readings in read(replayed):
        yield _batch(readings, form.name, data_origin(name), key)


def id_space(form: str, origin: DataOrigin) -> str:
    """Name under which the pseudonyms of the meters of a format are made; that of simulated meters is another."""
    return f"{form} meter" if origin == "real" else f"{origin} {form} meter"


def _batch(readings: Readings, form: str, origin: DataOrigin, key: PseudonymKey) -> Batch:
    rows = readings.accepted
    accepted = rows.select(
        "line",
        pl.col("started_at").dt.date().dt.truncate("1mo").alias("month"),
        pl.lit(form).alias("format"),
        pl.lit(origin).alias("data_origin"),
        pseudonyms(rows["meter"], source=id_space(form, origin), key=key).alias("meter_key"),
        "started_at",
        "minutes",
        "kwh",
        "code",
        "flag",
        "is_export",
    )
    return Batch(readings.rows_in, accepted, readings.quarantined)


def data_origin(name: str) -> DataOrigin:
    """Origin of a file by its name."""
    return "simulated" if name.startswith(SIMULATED) else "real"


SOURCES = (
    BulkSource(
        command="meters",
        reader=Reader(NAME, "meter_reading_files", "4"),
        area="collection",
        adapter=pseudonymising_adapter(recognise, read_batches),
        table=METER_READINGS,
        description="One row per reading of a file with the pseudonym of its meter.",
        columns={name: column.description or "" for name, column in LakeReading.columns().items()},
        partition_column="month",
        landing=LandingFolder(NAME, "Files of meter readings. Written by `ons-bigdata ingest meters`."),
        calendar=MONTHS,
        max_file_bytes=200 * 1024**3,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        opens_archives=True,
        formats=tuple(BY_NAME),
    ),
)
