"""Source `phone_cells`: cell plans of operators, `cell_plan_<provider>.csv`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.device_events import AREA_CLASSES, CELL, ZONE_SHARES, PhoneCell
from ons_bigdata.phones.schemas.vocabulary import SIMULATED, ZONE_CODE
from ons_bigdata.phones.sources.devices.event_files import COMMAND
from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Source
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import reason

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("CELL", "EASTING_M", "NORTHING_M", "AREA_CLASS", "RADIUS_M", "ZONE")
"""Columns of a cell plan, in capitals."""
_SHARES = ("EDUCATION_SHARE", "SHARE_AGED_16_24")
_OPTIONAL = ("ZONE_SHARES", *_SHARES)
"""Columns that a cell plan may have besides, each with or without a text."""
_SUM_ERROR = 0.001
"""Rounding that the shares of the zones of a cell may have in all."""

_NUMBERS = ("EASTING_M", "NORTHING_M", "RADIUS_M")


def provider_of(name: str) -> str | None:
    """Provider in the name of a cell plan; None for another name."""
    found = re.fullmatch(r"cell_plan_([a-z0-9-]{1,32})\.csv", name.removeprefix(SIMULATED))
    return None if found is None else found[1]


def recognise(name: str, _content: bytes) -> Recognised | None:
    """Recognise a cell plan by its name; its partition is the provider."""
    provider = provider_of(name)
    if provider is None:
        return None
    return Recognised(provider, "simulated" if name.startswith(SIMULATED) else "real", (provider,))


def read_cell_plan(content: bytes, *, name: str, load_id: str) -> Reading:
    """Read a cell plan into PhoneCell rows and quarantined ones. Never raises for any content."""
    provider = provider_of(name)
    if not content:
        return refused_reading("no bytes", "outage")
    if provider is None:
        return refused_reading(f"file name {name!r}; expected cell_plan_<provider>.csv")
    table = tables.read_table(content, required=COLUMNS)
    if table.refusal:
        return refused_reading(table.refusal)
    zone = rf"^(?:|{ZONE_CODE[1:-1]})$"
    absent = [pl.lit("").alias(name) for name in _OPTIONAL if name not in table.rows.columns]
    table = replace(table, rows=table.rows.with_columns(absent))
    return tables.reading(
        table,
        parsed=[
            *(tables.number_column(column).alias(f"_{column}") for column in _NUMBERS),
            *(tables.number_column(column).alias(f"_{column}") for column in _SHARES),
            _sum_of_shares().alias("_sum"),
            (~pl.col("CELL").is_first_distinct()).alias("_is_repeated"),
        ],
        faults=[
            (~pl.col("CELL").str.contains(CELL), reason("cell {}; expected 1 to 64 printable characters", "CELL")),
            *(tables.unless(f"_{column}", column, "a number") for column in _NUMBERS),
            (
                ~pl.col("AREA_CLASS").is_in(AREA_CLASSES),
                reason(f"area_class {{}}; expected {', '.join(AREA_CLASSES)}", "AREA_CLASS"),
            ),
            (~pl.col("ZONE").str.contains(zone), reason("zone {}; expected a code or nothing", "ZONE")),
            *(
                (
                    (pl.col(column) != "") & ~pl.col(f"_{column}").is_between(0, 1).fill_null(value=False),
                    reason(f"{column.lower()} {{}}; expected a number from 0 to 1, or nothing", column),
                )
                for column in _SHARES
            ),
            (
                (pl.col("ZONE_SHARES") != "") & ~((pl.col("_sum") - 1).abs() <= _SUM_ERROR).fill_null(value=False),
                reason("zone_shares {}; expected <zone>=<share> by blanks, which add to 1, or nothing", "ZONE_SHARES"),
            ),
            (pl.col("_is_repeated"), reason("cell {} came before", "CELL")),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(provider).alias("provider"),
            pl.col("CELL").alias("cell"),
            *(pl.col(f"_{column}").alias(column.lower()) for column in ("EASTING_M", "NORTHING_M")),
            pl.col("AREA_CLASS").alias("area_class"),
            pl.col("_RADIUS_M").alias("radius_m"),
            pl.when(pl.col("ZONE") != "").then(pl.col("ZONE")).alias("zone"),
            pl.when(pl.col("ZONE_SHARES") != "").then(pl.col("ZONE_SHARES")).alias("zone_shares"),
            *(pl.col(f"_{column}").alias(column.lower()) for column in _SHARES),
        ],
        schema=PhoneCell,
    )


def _sum_of_shares() -> pl.Expr:
    """Sum of the shares of the zones of a cell; null for a text of another form."""
    shares = pl.col("ZONE_SHARES").str.extract_all(r"=[0-9.]+").list.eval(pl.element().str.slice(1).cast(pl.Float64))
    return pl.when(pl.col("ZONE_SHARES").str.contains(ZONE_SHARES)).then(shares.list.sum())


def _read(file: LandedFile, content: bytes, load_id: str) -> Reading:
    return read_cell_plan(content, name=file.name, load_id=load_id)


def _adapter(_dbt_project_dir: Path) -> Adapter:
    return Adapter(recognise, _read)


CELL_PLANS = Source(
    command=COMMAND,
    reader=Reader("phone_cells", "phone_cell_plans", "2"),
    area="devices",
    adapter=_adapter,
    table=RawTable(
        name="raw.phone_cells",
        frame=PhoneCell,
        description="One row per cell of an operator's cell plan.",
        partition_column="provider",
        partition_type="text",
    ),
    landing=LandingFolder("phone_cells", "Cell plans of operators. Written by `ons-bigdata ingest phone-events`."),
)
SOURCES = (CELL_PLANS,)
