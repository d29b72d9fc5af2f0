"""The other tables of the contract: margins of zones, coverage of the network, the operator's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.deliveries import Coverage, ProviderReport, ZoneMargin
from ons_bigdata.phones.schemas.vocabulary import SEGMENT, ZONE_CODE
from ons_bigdata.phones.sources.deliveries import contract
from ons_bigdata.phones.sources.deliveries.counts import read_counts
from ons_bigdata.phones.sources.deliveries.flow_files import read_whole_table
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ons_bigdata.phones.schemas.specification import Specification
    from ons_bigdata.phones.sources.specification_files import Registered

READER_VERSION = "1"
MARGINS, COVERAGE, REPORT = "zone_margins", "coverage", "provider_report"
COLUMNS = {
    MARGINS: ("PROVIDER", "SPEC_ID", "ZONE", "SEGMENT", "ACTIVE_ON", "DEVICES", "PENETRATION"),
    COVERAGE: ("PROVIDER", "SPEC_ID", "ZONE", "TECHNOLOGY", "CELLS", "MEAN_CELL_RADIUS_M", "SHARE_OVER_2KM"),
    REPORT: ("PROVIDER", "SPEC_ID", "ITEM", "SUBJECT", "VALUE"),
}
"""Columns of each table, in capitals."""

_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def read_side_table(
    content: bytes, *, table: str, name: str, load_id: str, register: Mapping[str, Registered]
) -> Reading:
    """Read a file of a side table, or refuse it whole with the reason. Never raises for any content."""
    file = contract.parse_name(name, table)
    if not content:
        return refused_reading("no bytes", "outage")
    if file is None:
        return refused_reading(f"file name {name!r}; expected {table}_<provider>_<YYYY-MM>.csv or .parquet")
    read, fault = read_whole_table(content, COLUMNS[table], name=name)
    if fault is not None:
        return refused_reading(fault)
    spec, reason = contract.find_specification(read.rows["SPEC_ID"].to_list(), file, register)
    if spec is None:
        return refused_reading(str(reason))
    rows = read.rows.select("line", *(pl.col(column).alias(column.lower()) for column in COLUMNS[table])).with_columns(
        pl.lit(load_id).alias("load_id"), pl.lit(file.month).alias("month")
    )
    provider = pl.when(pl.col("provider") != file.provider).then(
        pl.format("provider '{}', expected {}", "provider", pl.lit(file.provider))
    )
    return _READERS[table](rows, provider, spec, file)


def _number(column: str) -> pl.Expr:
    return tables.number_column(column)


def _no_number(column: str, *, optional: bool = False) -> pl.Expr:
    wrong = _number(column).is_null() & ((pl.col(column) != "") if optional else pl.lit(value=True))
    return pl.when(wrong).then(pl.format("{} '{}', expected a number", pl.lit(column), column))


def _unknown_zone(spec: Specification) -> pl.Expr:
    return pl.when(~pl.col("zone").is_in(spec.zones.codes)).then(
        pl.format("zone '{}', not a code of {} in the specification", "zone", pl.lit(spec.zones.vintage))
    )


def _repeated(*columns: str) -> pl.Expr:
    return pl.when(~pl.struct(columns).is_first_distinct()).then(
        pl.format("{} came before", pl.concat_str([pl.col(column) for column in columns], separator=", "))
    )


def _margins(rows: pl.DataFrame, provider: pl.Expr, spec: Specification, file: contract.FileName) -> Reading:
    value, meaning, fault = read_counts("devices", spec.disclosure, is_whole=True)
    numbered = "rounded" if spec.disclosure.rounding_base > 1 else "observed"
    day = pl.when(pl.col("active_on").str.contains(_DAY)).then(pl.col("active_on").str.to_date(strict=False))
    parsed = rows.with_columns(
        day.alias("day"),
        value.alias("value"),
        fault.alias("count_fault"),
        pl.when(value.is_not_null()).then(pl.lit(numbered)).otherwise(meaning).alias("status"),
        _number("penetration").alias("penetration_value"),
    )
    faults = parsed.select(
        pl.coalesce(
            provider,
            _unknown_zone(spec),
            pl.when(~pl.col("segment").str.contains(SEGMENT)).then(pl.format("segment '{}'", "segment")),
            pl.when(
                (pl.col("active_on") != "")
                & ~pl.col("day").is_between(file.month, file.last_day).fill_null(value=False)
            ).then(pl.format("active_on '{}', expected a day of {}", "active_on", pl.lit(f"{file.month:%Y-%m}"))),
            pl.col("count_fault"),
            _no_number("penetration", optional=True),
            _repeated("zone", "segment", "active_on"),
        )
    ).to_series()
    final = parsed.select(
        *("load_id", "line", "month", "provider", "spec_id", "zone", "segment"),
        pl.col("day").alias("active_on"),
        pl.col("value").alias("devices"),
        "status",
        pl.col("penetration_value").alias("penetration"),
    )
    return contract.accept_whole(final, faults, ZoneMargin)


def _coverage(rows: pl.DataFrame, provider: pl.Expr, spec: Specification, _file: contract.FileName) -> Reading:
    cells = tables.whole_column("cells")
    faults = rows.select(
        pl.coalesce(
            provider,
            _unknown_zone(spec),
            pl.when(cells.is_null()).then(pl.format("cells '{}', expected a whole number", "cells")),
            _no_number("mean_cell_radius_m", optional=True),
            _no_number("share_over_2km"),
            _repeated("zone", "technology"),
        )
    ).to_series()
    final = rows.with_columns(
        pl.col("technology").str.to_lowercase(),
        cells.alias("cells"),
        _number("mean_cell_radius_m").alias("mean_cell_radius_m"),
        _number("share_over_2km").alias("share_over_2km"),
    )
    return contract.accept_whole(final, faults, Coverage)


def _report(rows: pl.DataFrame, provider: pl.Expr, _spec: Specification, _file: contract.FileName) -> Reading:
    is_share = pl.col("item").is_in(["market_share", "suppressed_mass", "payg_share"])
    faults = rows.select(
        pl.coalesce(
            provider,
            pl.when(~pl.col("subject").str.contains(ZONE_CODE)).then(
                pl.format("subject '{}', expected a key", "subject")
            ),
            _no_number("value"),
            pl.when(is_share & (_number("value") > 1)).then(pl.format("{} '{}', expected 0 to 1", "item", "value")),
            _repeated("item", "subject"),
        )
    ).to_series()
    return contract.accept_whole(rows.with_columns(_number("value").alias("value")), faults, ProviderReport)


_READERS: Mapping[str, Callable[[pl.DataFrame, pl.Expr, Specification, contract.FileName], Reading]] = {
    MARGINS: _margins,
    COVERAGE: _coverage,
    REPORT: _report,
}
