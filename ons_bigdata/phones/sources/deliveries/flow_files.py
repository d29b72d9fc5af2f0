"""Files of flows of the contract: a long table (CSV or Parquet), one row per cell, and a wide matrix (CSV)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.specification import TOTAL
from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources.deliveries import contract
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.parquet_tables import read_parquet_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ons_bigdata.phones.sources.specification_files import Registered

READER_VERSION = "1"
LONG, WIDE = "od_flows", "od_matrix"
REQUIRED = (
    *("PROVIDER", "SPEC_ID", "PERIOD_START", "PERIOD_END", "ORIGIN_CODE", "DEST_CODE", "GEOGRAPHY", "SEGMENT"),
    *("DAY_TYPE", "DEVICES", "PERSONS", "METHOD_VERSION"),
)
OPTIONAL = ("STATUS", "AVG_DAYS_OBSERVED")
_WIDE_NAME = re.compile(
    rf"{WIDE}_[a-z0-9-]{{1,32}}_[0-9]{{4}}-[0-9]{{2}}_([a-z0-9+-]{{1,64}})_([a-z]{{1,16}})_([0-9a-f]{{16}})\.csv"
)
WIDE_FORM = f"{WIDE}_<provider>_<YYYY-MM>_<segment>_<day type>_<spec_id>.csv"
"""Name of a wide file; it has what a long file has in columns."""


def read_long(content: bytes, *, name: str, load_id: str, register: Mapping[str, Registered]) -> Reading:
    """Read a long file into ProviderFlow rows, or refuse it with the reason. Never raises for any content."""
    file = contract.parse_name(name, LONG)
    if not content:
        return refused_reading("no bytes", "outage")
    if file is None:
        return refused_reading(f"file name {name!r}; expected {LONG}_<provider>_<YYYY-MM>.csv or .parquet")
    table, fault = read_whole_table(content, REQUIRED, name=name)
    if fault is not None:
        return refused_reading(fault)
    spec, reason = contract.find_specification(table.rows["SPEC_ID"].to_list(), file, register)
    if spec is None:
        return refused_reading(str(reason))
    rows = table.rows.select("line", *(_text(name) for name in (*REQUIRED, *OPTIONAL) if name in table.rows.columns))
    absent = [pl.lit("").alias(column.lower()) for column in OPTIONAL if column.lower() not in rows.columns]
    return contract.read_flow_rows(rows.with_columns(absent), file, spec, load_id)


def read_wide(content: bytes, *, name: str, load_id: str, register: Mapping[str, Registered]) -> Reading:
    """Read a wide matrix into ProviderFlow rows, or refuse it with the reason. Never raises for any content.

    All cells of a row have its line. The last row and column may be TOTAL.
    """
    file = contract.parse_name(name, WIDE)
    parts = _WIDE_NAME.fullmatch(name.removeprefix(SIMULATED))
    if not content:
        return refused_reading("no bytes", "outage")
    if file is None or parts is None:
        return refused_reading(f"file name {name!r}; expected {WIDE_FORM}")
    spec, reason = contract.find_specification([parts[3]], file, register)
    if spec is None:
        return refused_reading(str(reason))
    table, fault = read_whole_table(content, (), name=name)
    if fault is not None:
        return refused_reading(fault)
    corner, *destinations = [column for column in table.rows.columns if column != "line"]
    codes = {code.upper(): code for code in (*spec.zones.codes, TOTAL)}
    unknown = [column for column in destinations if column not in codes]
    if not destinations or unknown or len(codes) - 1 > len(spec.zones.codes):
        listed = f"columns {', '.join(unknown[: contract.MOST_FAULTS])}: not codes of {spec.zones.vintage}"
        alone = f"a single column {corner[:60]!r}; expected the origin and a column for each destination"
        return refused_reading(f"{listed} in the specification" if destinations else alone)
    cells = table.rows.rename({name: codes[name] for name in destinations}).unpivot(
        on=[codes[name] for name in destinations], index=["line", corner], variable_name="dest_code", value_name="count"
    )
    unit = spec.expansion.unit
    rows = cells.select(
        "line",
        pl.lit(file.provider).alias("provider"),
        pl.lit(spec.spec_id).alias("spec_id"),
        pl.lit(file.month.isoformat()).alias("period_start"),
        pl.lit(file.last_day.isoformat()).alias("period_end"),
        pl.col(corner).alias("origin_code"),
        "dest_code",
        pl.lit(spec.zones.vintage).alias("geography"),
        pl.lit(parts[1]).alias("segment"),
        pl.lit(parts[2]).alias("day_type"),
        pl.col("count").alias(unit),
        pl.lit("").alias("persons" if unit == "devices" else "devices"),
        pl.lit("").alias("status"),
        pl.lit("").alias("avg_days_observed"),
        pl.lit(spec.method_version).alias("method_version"),
    )
    return contract.read_flow_rows(rows, file, spec, load_id)


def read_whole_table(content: bytes, required: Iterable[str], *, name: str) -> tuple[tables.TextTable, str | None]:
    """Read a CSV or Parquet, as its name says, that is a whole delivery; or the reason why it is none.

    The reason is its form, its header, a broken line, or that it has no row.
    """
    read = read_parquet_table if name.endswith(".parquet") else tables.read_table
    table = read(content, required=required)
    return table, fault_of(table)


def fault_of(table: tables.TextTable) -> str | None:
    """Return why a table cannot be a whole delivery: no header, a broken line, no row; None where it can."""
    if table.refusal is not None:
        return table.refusal
    if table.broken:
        listed = [f"line {line}: {fault}" for line, fault in sorted(table.broken.items())[: contract.MOST_FAULTS]]
        return f"{len(table.broken)} lines are no rows, the delivery is sent back: {'; '.join(listed)}"
    return "no row below the header" if table.rows.is_empty() else None


def _text(column: str) -> pl.Expr:
    return pl.col(column).alias(column.lower())
