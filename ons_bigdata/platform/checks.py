"""Factories of asset checks that any pilot can use. What must hold of one pilot's assets is in its `checks`."""

from __future__ import annotations

import dagster as dg
import dataframely as dy

from ons_bigdata.platform.frames import table_mismatches
from ons_bigdata.platform.landing import Reader
from ons_bigdata.platform.resources import WarehouseResource


def table_key(table: str) -> dg.AssetKey:
    """Return the asset key of `schema.table`."""
    return dg.AssetKey(table.split("."))


def rows_match_ledger(table: str, reader: Reader) -> dg.AssetChecksDefinition:
    """Check that a raw table holds what the ledger accepted: load by load, for the current files and reader version."""

    @dg.asset_check(
        asset=table_key(table),
        name="rows_match_ledger",
        blocking=True,
        description="Rows of the table = rows that the ledger says were accepted, load by load.",
    )
    def rows_match_ledger_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        differing = warehouse.open().frame(
            f"""
            select coalesce(stored.load_id, ledger.load_id) as load_id, ledger.name,
                coalesce(ledger.accepted, 0) as accepted, coalesce(stored.rows, 0) as rows
            from (select load_id, count(*) as rows from {table} group by load_id) as stored
            full join (
                select loads.load_id, files.name, sum(built.accepted)::bigint as accepted
                from ops.loads
                join ops.files using (file_id)
                join ops.load_partitions as built using (load_id)
                where files.source = $1 and loads.reader = $2 and loads.reader_version = $3
                    and files.superseded_by is null
                group by loads.load_id, files.name
            ) as ledger using (load_id)
            where coalesce(ledger.accepted, 0) <> coalesce(stored.rows, 0)
            """,  # noqa: S608  (our own table name)
            [reader.source, reader.name, reader.version],
        )
        return dg.AssetCheckResult(
            passed=differing.is_empty(),
            metadata={"loads_that_differ": differing.height, "examples": str(differing.head(5).to_dicts())},
        )

    return rows_match_ledger_check


def table_matches_frame(table: str, schema: type[dy.Schema]) -> dg.AssetChecksDefinition:
    """Check that columns, types and nullability of a table are those of the frame that fills it."""

    @dg.asset_check(
        asset=table_key(table),
        name="table_matches_frame",
        blocking=True,
        description=f"Columns, types and nullability are those of the frame {schema.__name__}.",
    )
    def table_matches_frame_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        problems = table_mismatches(warehouse.open(), table, schema)
        return dg.AssetCheckResult(passed=not problems, metadata={"problems": "; ".join(problems) or "none"})

    return table_matches_frame_check


def expected_period_present(table: str, *, column: str, expected: str) -> dg.AssetChecksDefinition:
    """Check that the latest period of a table is the latest that its sources have.

    `expected` is a query of one row: the period that must be there, or null where there is none yet. It stands in
    for a freshness policy, which on data of past years would judge the clock and not the data.
    """

    @dg.asset_check(
        asset=table_key(table),
        name="expected_period_present",
        description="The latest period is the latest that the sources have.",
    )
    def expected_period_present_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        latest, wanted = (
            warehouse.open()
            .frame(
                f"select (select max({column}) from {table})::text as latest, ({expected})::text as wanted"  # noqa: S608
            )
            .row(0)
        )
        return dg.AssetCheckResult(
            passed=latest == wanted,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"latest": latest or "none", "expected": wanted or "none"},
        )

    return expected_period_present_check
