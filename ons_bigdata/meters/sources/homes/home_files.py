"""Source `meter_homes`: attributes of homes, by the Irish trial, the London trial, or the documented CSV of homes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.schemas.homes import LakeHome
from ons_bigdata.meters.schemas.vocabulary import CUSTOMERS, FORMATS
from ons_bigdata.meters.sources.homes.tables import MAX_FILE_BYTES, first_names, read_rows
from ons_bigdata.meters.sources.reading_files import data_origin, id_space
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import BulkSource, LandingFolder, Recognised, pseudonymising_adapter
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.platform.pseudonyms import PseudonymKey

NAME = "meter_homes"

METER_HOMES = LakeTable(
    name=NAME,
    columns={name: column.dtype for name, column in LakeHome.columns().items()},
    entity_column="meter_key",
    order=("meter_key",),
    buckets=8,
)

ALLOCATION_COLUMNS = (
    *("ID", "Code", "Residential - Tariff allocation", "Residential - stimulus allocation", "SME allocation"),
)
LONDON_COLUMNS = ("LCLid", "stdorToU", "Acorn", "Acorn_grouped")
ATTRIBUTES = ("area", "dwelling_type", "tariff", "segment", "has_electric_heating", "has_solar")
"""Columns that the CSV of homes may have besides `meter` and `format`."""

NO_METER = "meter that is missing or of another form than the format's"
NO_FORMAT = "format that is none of the formats of readings"
NO_CODE = "code of the customer other than 1, 2 or 3"
NO_TARIFF = "tariff other than A to E and W, or Std and ToU in London"
NO_STIMULUS = "stimulus other than 1 to 4 and E"
NO_TEXT = "attribute of more than 64 characters, or of others than printable ASCII"
NO_TRUTH = "true or false of another form than true, false, or nothing"
FEW_FIELDS = "fewer fields than the header"
TWICE = "meter that the file has twice"

_TEXT = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")
_TRUTHS = {"": None, "true": True, "false": False}
_ALLOCATION_NAME = re.compile(r"allocation", re.IGNORECASE)

Row = dict[str, object]
ReadRow = Callable[[Mapping[str, str]], "Row | str"]
"""Fields by column -> attributes with `meter` and `format`, or the reason against the row."""


def recognise(name: str, head: bytes) -> Recognised | None:
    """Recognise a file by its header, or a workbook by the word allocation in its name; None for another file."""
    if is_workbook(head):
        is_homes = name.lower().endswith(".xlsx") and _ALLOCATION_NAME.search(name) is not None
    else:
        is_homes = _reader_of(first_names(head)) is not None
    return Recognised("homes", data_origin(name), None) if is_homes else None


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey) -> Iterator[Batch]:
    """Rows of a file as one batch. Raises InputError for a file of no known form."""
    table = read_rows(stream.read())
    found = _reader_of(table.header)
    if found is None:
        raise InputError(f"header of no known file of homes; expected {_expected()}")
    columns, read_row = found
    rows: list[Row] = []
    faults: list[tuple[int, str]] = []
    seen: set[tuple[object, object]] = set()
    for line, fields in table.rows:
        if len(fields) < len(columns):
            faults.append((line, FEW_FIELDS))
            continue
        row = read_row(dict(zip(columns, fields, strict=False)))
        if not isinstance(row, str) and (row["format"], row["meter"]) in seen:
            row = TWICE
        if isinstance(row, str):
            faults.append((line, row))
        else:
            seen.add((row["format"], row["meter"]))
            rows.append({"line": line, **row})
    quarantined = pl.DataFrame(faults, schema=BULK_QUARANTINE_SCHEMA, orient="row")
    yield Batch(len(rows) + len(faults), _accepted(rows, name, key), quarantined)


def _accepted(rows: Sequence[Row], name: str, key: PseudonymKey) -> pl.DataFrame:
    origin = data_origin(name)
    columns = {column: dtype for column, dtype in METER_HOMES.columns.items() if column not in ("load_id", "meter_key")}
    frame = pl.DataFrame(rows, schema={**columns, "meter": pl.String}).with_columns(data_origin=pl.lit(origin))
    parts = [pl.DataFrame(schema={**columns, "meter_key": pl.Int64})]
    for form in FORMATS:
        of_format = frame.filter(pl.col("format") == form)
        keys = pseudonyms(of_format["meter"], source=id_space(form, origin), key=key).alias("meter_key")
        parts.append(of_format.with_columns(keys).drop("meter"))
    return pl.concat(parts).sort("line")


def _reader_of(header: Sequence[str]) -> tuple[list[str], ReadRow] | None:
    """Columns that are read, and the reader of a row, by a header; None for an unknown one."""
    lower = [name.lower() for name in header]
    if lower[: len(ALLOCATION_COLUMNS)] == [name.lower() for name in ALLOCATION_COLUMNS]:
        return list(ALLOCATION_COLUMNS), _allocation  # exports have stray columns behind them
    if list(header[: len(LONDON_COLUMNS)]) == list(LONDON_COLUMNS):
        return list(LONDON_COLUMNS), _london
    known = {"meter", "format", *ATTRIBUTES}
    if {"meter", "format"} < set(header) <= known and len(set(header)) == len(header):
        return list(header), _home
    return None


def _expected() -> str:
    trials = f"{','.join(ALLOCATION_COLUMNS)}; {','.join(LONDON_COLUMNS)}"
    return f"{trials}; or meter,format and some of {','.join(ATTRIBUTES)}"


def _allocation(fields: Mapping[str, str]) -> Row | str:
    """Row of the Irish trial; its numbers may be written as 1.0 by a workbook."""
    meter, code, tariff, stimulus, sme = (re.sub(r"\.0+$", "", fields[name]) for name in ALLOCATION_COLUMNS)
    if not re.fullmatch("[0-9]{1,9}", meter):
        return NO_METER
    if code not in ("1", "2", "3"):
        return NO_CODE
    if tariff.upper() not in ("", *"ABCDEW"):
        return NO_TARIFF
    if stimulus.upper() not in ("", *"1234E"):
        return NO_STIMULUS
    if sme and not _TEXT.fullmatch(sme):
        return NO_TEXT
    return {
        "meter": str(int(meter)),
        "format": "cer",
        "customer": CUSTOMERS[int(code) - 1],
        "tariff": tariff.upper() or None,
        "stimulus": stimulus.upper() or None,
        "sme_allocation": sme or None,
    }


def _london(fields: Mapping[str, str]) -> Row | str:
    """Row of the London trial; the segment is the group of the neighbourhood."""
    if not re.fullmatch("MAC[0-9]{6}", fields["LCLid"]):
        return NO_METER
    if fields["stdorToU"] not in ("Std", "ToU"):
        return NO_TARIFF
    if fields["Acorn_grouped"] and not _TEXT.fullmatch(fields["Acorn_grouped"]):
        return NO_TEXT
    return {
        "meter": fields["LCLid"],
        "format": "lcl",
        "customer": "residential",
        "tariff": fields["stdorToU"],
        "segment": fields["Acorn_grouped"] or None,
    }


def _home(fields: Mapping[str, str]) -> Row | str:
    """Row of the documented CSV of homes."""
    if not re.fullmatch("[!-~]{1,64}", fields["meter"]):
        return NO_METER
    if fields["format"] not in FORMATS:
        return NO_FORMAT
    texts = {name: fields[name] for name in ("area", "dwelling_type", "tariff", "segment") if name in fields}
    truths = {name: fields[name].lower() for name in ("has_electric_heating", "has_solar") if name in fields}
    if any(text and not _TEXT.fullmatch(text) for text in texts.values()):
        return NO_TEXT
    if any(text not in _TRUTHS for text in truths.values()):
        return NO_TRUTH
    return {
        "meter": fields["meter"],
        "format": fields["format"],
        **{name: text or None for name, text in texts.items()},
        **{name: _TRUTHS[text] for name, text in truths.items()},
    }


SOURCES = (
    BulkSource(
        command="meters",
        reader=Reader(NAME, "meter_home_files", "1"),
        area="collection",
        adapter=pseudonymising_adapter(recognise, read_batches),
        table=METER_HOMES,
        description="One row per home and file of attributes, with the pseudonym of its meter.",
        columns={name: column.description or "" for name, column in LakeHome.columns().items()},
        partition_column="data_origin",
        landing=LandingFolder(NAME, "Files about homes. Written by `ons-bigdata ingest meters`."),
        calendar=None,
        max_file_bytes=MAX_FILE_BYTES,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        partition_keys=frozenset({"real", "simulated"}),
        opens_archives=True,
        formats=("homes",),
    ),
)
