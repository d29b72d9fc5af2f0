"""Source `device_events`: files of events of devices in any of the known formats, into the lake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.calendar import DAYS
from ons_bigdata.phones.schemas.device_events import FORMATS, DeviceEvent
from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources.devices import event_formats as formats
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

    from ons_bigdata.phones.sources.devices.event_formats import ReadRows
    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.pseudonyms import PseudonymKey

COMMAND = "phone-events"
NAME = "device_events"
LANDING = LandingFolder(
    NAME, "Files about single devices and cell plans. Written by `ons-bigdata ingest phone-events`."
)

DEVICE_EVENTS = LakeTable(
    name=NAME,
    columns={name: column.dtype for name, column in DeviceEvent.columns().items()},
    entity_column="device_key",
    order=("device_key", "at_utc"),
    buckets=8,
)

EXPECTED = (
    "expected device_events_<provider>[_<YYYY-MM-DD>].csv or .parquet with device, at_utc, cell; AntennaInfo_MNO_<name>"
    ".csv of the simulator of the ESSnet; events of multimno (Parquet); a register devices_, a cell_plan_ or simulated_"
    "true_devices_<provider>.csv. `ons-bigdata phones cell-plan` makes a plan of a simulator's network"
)
_OWN_NAME = re.compile(r"device_events_([a-z0-9-]{1,32})(?:_[0-9]{4}-[0-9]{2}-[0-9]{2})?\.(csv|parquet)")
_SIMULATOR_NAME = re.compile(r"AntennaInfo_MNO_([A-Za-z0-9-]{1,32})\.csv")
_READERS: dict[str, ReadRows] = {
    "csv": formats.read_csv_rows,
    "parquet": formats.read_parquet_rows,
    "essnet": formats.read_simulator_rows,
    "multimno": formats.read_pipeline_rows,
}


@dataclass(frozen=True)
class EventFile:
    """Format, provider and origin of a file, by its name and beginning."""

    format: str
    provider: str
    data_origin: DataOrigin


def event_file(name: str, head: bytes) -> EventFile | None:
    """Format, provider and origin of a file; None for a file of no known form.

    Events of the simulator of the ESSnet are simulated, whatever their name; of all others the beginning of the name
    says it, those of multimno among them, which have the same form whether real or generated.
    """
    own = _OWN_NAME.fullmatch(name.removeprefix(SIMULATED))
    origin: DataOrigin = "simulated" if name.startswith(SIMULATED) else "real"
    is_parquet = head.startswith(formats.PARQUET_MAGIC)
    if own is not None:
        fits = is_parquet if own[2] == "parquet" else formats.is_event_csv(formats.names_of(head))
        return EventFile(own[2], own[1], origin) if fits else None
    simulator = _SIMULATOR_NAME.fullmatch(name.removeprefix(SIMULATED))
    if simulator is not None and set(formats.ANTENNA_COLUMNS) <= set(formats.names_of(head)):
        return EventFile("essnet", simulator[1].lower(), "simulated")
    if is_parquet and re.search(r"mno_events.*\.parquet$", name):
        return EventFile("multimno", "multimno", origin)
    return None


def recognise(name: str, head: bytes) -> Recognised | Refused:
    """Recognise a file by its name and beginning; its delivery is named like its format."""
    if not head.strip():
        return Refused("no bytes")
    file = event_file(name, head)
    return Refused(EXPECTED) if file is None else Recognised(file.format, file.data_origin, None)


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey) -> Iterator[Batch]:
    """Batches of a file. Raises InputError for a file of no known form."""
    replayed = _Replayed(stream)
    file = event_file(name, replayed.head)
    if file is None:
        raise InputError(EXPECTED)
    for rows in _READERS[file.format](replayed):  # type: ignore[arg-type]
        yield _batch(rows, file, key)


def id_space(provider: str, origin: DataOrigin) -> str:
    """Name under which the pseudonyms of the devices of a provider are made; that of simulated ones is another."""
    return f"{provider} device" if origin == "real" else f"{origin} {provider} device"


class _Replayed:
    """A stream of which the beginning was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.head = stream.read(HEAD_BYTES)
        self._left = self.head

    def read(self, size: int = -1, /) -> bytes:
        """Next bytes, at most `size`; those of the beginning first."""
        if not self._left:
            return self._stream.read(size)
        if size < 0:
            data, self._left = self._left + self._stream.read(), b""
            return data
        data, self._left = self._left[:size], self._left[size:]
        return data


def _batch(rows: pl.DataFrame, file: EventFile, key: PseudonymKey) -> Batch:
    good = rows.filter(pl.col("reason").is_null())
    keys = pseudonyms(good["device"], source=id_space(file.provider, file.data_origin), key=key)
    accepted = good.select(
        "line",
        pl.col("at_utc").dt.date().alias("event_day"),
        pl.lit(file.format).alias("format"),
        pl.lit(file.data_origin).alias("data_origin"),
        pl.lit(file.provider).alias("provider"),
        keys.alias("device_key"),
        "at_utc",
        "cell",
        "home_mcc",
        "visited_mcc",
    )
    return Batch(rows.height, accepted, rows.filter(pl.col("reason").is_not_null()).select("line", "reason"))


SOURCES = (
    BulkSource(
        command=COMMAND,
        reader=Reader(NAME, "device_event_files", "1"),
        area="devices",
        adapter=pseudonymising_adapter(recognise, read_batches),
        table=DEVICE_EVENTS,
        description="One row per event of a file with the pseudonym of its device.",
        columns={name: column.description or "" for name, column in DeviceEvent.columns().items()},
        partition_column="event_day",
        landing=LANDING,
        calendar=DAYS,
        max_file_bytes=200 * 1024**3,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        formats=FORMATS,
    ),
)
