"""Sources `phone_devices` and `phone_true_devices`: an operator's register of its devices, and simulated truth."""

from __future__ import annotations

import re
from functools import partial
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.device_events import AREA_CLASSES, CELL, KINDS, RegisteredDevice, TrueDevice
from ons_bigdata.phones.schemas.vocabulary import SIMULATED, ZONE_CODE
from ons_bigdata.phones.sources.devices.event_files import COMMAND, LANDING, id_space
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import BulkSource, Recognised, Refused, pseudonymising_adapter
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import dataframely as dy

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.pseudonyms import PseudonymKey

_MAX_FILE_BYTES = 4 * 1024**3
_NAME = r"{stem}_([a-z0-9-]{{1,32}})\.csv"
NO_DEVICE = "device of another form than 1 to 64 printable characters"
TWICE = "device that the file has twice"

_WORDS: dict[str, tuple[str, ...]] = {
    "tariff": ("contract", "payg"),
    "account": ("consumer", "business"),
    "is_machine": ("true", "false"),
    "is_second": ("true", "false"),
    "has_companion": ("true", "false"),
    "kind": KINDS,
    "home_class": AREA_CLASSES,
    "work_class": ("", *AREA_CLASSES),
}
_PATTERNS = {
    "holder_age": r"^(?:|[0-9]|[1-9][0-9]|1[0-2][0-9])$",
    **dict.fromkeys(("home_cell", "work_cell", "nearest_home_cell", "nearest_work_cell"), rf"^(?:|{CELL[1:-1]})$"),
    **dict.fromkeys(("home_zone", "work_zone"), rf"^(?:|{ZONE_CODE[1:-1]})$"),
}


def _lake_table(name: str, frame: type[dy.Schema]) -> LakeTable:
    columns = {column: definition.dtype for column, definition in frame.columns().items()}
    return LakeTable(name=name, columns=columns, entity_column="device_key", order=("device_key",), buckets=8)


PHONE_DEVICES = _lake_table("phone_devices", RegisteredDevice)
PHONE_TRUE_DEVICES = _lake_table("phone_true_devices", TrueDevice)
STEMS = {PHONE_DEVICES.name: "devices", PHONE_TRUE_DEVICES.name: "true_devices"}
"""Beginning of the names of the files of each table, which the provider follows."""


def _fields(table: LakeTable) -> list[str]:
    keys = ("load_id", "line", "data_origin", "provider", "device_key")
    return [name for name in table.columns if name not in keys]


def recognise(name: str, _head: bytes, *, table: LakeTable) -> Recognised | Refused | None:
    """Recognise a file by its name; truth is simulated."""
    stem = STEMS[table.name]
    if _provider(name, stem) is None:
        return None
    if table is PHONE_TRUE_DEVICES and not name.startswith(SIMULATED):
        return Refused(f"truth of real devices: expected a name that begins with {SIMULATED}")
    return Recognised(stem, "simulated" if name.startswith(SIMULATED) else "real", None)


def _provider(name: str, stem: str) -> str | None:
    found = re.fullmatch(_NAME.format(stem=stem), name.removeprefix(SIMULATED))
    return None if found is None else found[1]


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey, table: LakeTable) -> Iterator[Batch]:
    """Rows of a file as one batch. Raises InputError for another name or header, and what is no CSV."""
    provider = _provider(name, STEMS[table.name])
    if provider is None:
        raise InputError(f"expected {STEMS[table.name]}_<provider>.csv")
    columns = _fields(table)
    try:
        rows = pl.read_csv(stream.read(), infer_schema=False).with_columns(pl.all().fill_null(""))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"not a CSV that can be read: {type(error).__name__}") from error
    missing = [column for column in ("device", *columns) if column not in rows.columns]
    if missing:
        raise InputError(f"missing columns {', '.join(missing)}; expected device,{','.join(columns)}")
    origin: DataOrigin = "simulated" if name.startswith(SIMULATED) else "real"
    rows = rows.with_columns(line=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
    reason = pl.coalesce(
        pl.when(~pl.col("device").str.contains(CELL)).then(pl.lit(NO_DEVICE)),
        pl.when(~pl.col("device").is_first_distinct()).then(pl.lit(TWICE)),
        *(pl.when(_is_wrong(column)).then(pl.lit(f"{column} of another form than documented")) for column in columns),
    )
    judged = rows.with_columns(reason=reason)
    good = judged.filter(pl.col("reason").is_null())
    accepted = good.select(
        "line",
        pl.lit(origin).alias("data_origin"),
        pl.lit(provider).alias("provider"),
        pseudonyms(good["device"], source=id_space(provider, origin), key=key).alias("device_key"),
        *(_typed(column, table.columns) for column in columns),
    )
    faults = judged.filter(pl.col("reason").is_not_null()).select("line", "reason")
    yield Batch(rows.height, accepted, faults)


def _is_wrong(column: str) -> pl.Expr:
    if column in _WORDS:
        return ~pl.col(column).is_in(_WORDS[column])
    return ~pl.col(column).str.contains(_PATTERNS[column])


def _typed(column: str, columns: Mapping[str, pl.DataType]) -> pl.Expr:
    text = pl.when(pl.col(column) != "").then(pl.col(column))
    if columns[column] == pl.Boolean():
        return (text == "true").alias(column)
    return text.cast(columns[column]).alias(column)


def _source(table: LakeTable, frame: type[dy.Schema], description: str, keys: frozenset[str]) -> BulkSource:
    return BulkSource(
        command=COMMAND,
        reader=Reader(table.name, f"{table.name}_files", "2" if table is PHONE_TRUE_DEVICES else "1"),
        area="devices",
        adapter=pseudonymising_adapter(partial(recognise, table=table), partial(read_batches, table=table)),
        table=table,
        description=description,
        columns={name: column.description or "" for name, column in frame.columns().items()},
        partition_column="data_origin",
        landing=LANDING,
        calendar=None,
        max_file_bytes=_MAX_FILE_BYTES,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        partition_keys=keys,
        formats=(STEMS[table.name],),
    )


SOURCES = (
    _source(
        PHONE_TRUE_DEVICES,
        TrueDevice,
        "One row per simulated device: its carrier and the cells of the true places.",
        frozenset({"simulated"}),
    ),
    _source(
        PHONE_DEVICES,
        RegisteredDevice,
        "One row per device and file of an operator's register.",
        frozenset({"real", "simulated"}),
    ),
)
