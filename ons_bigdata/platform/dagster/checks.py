"""Factories of asset checks for every pilot."""

from collections.abc import Sequence

import dagster as dg
import dataframely as dy
import polars as pl

from ons_bigdata.platform.calendar import Calendar
from ons_bigdata.platform.dagster.frames import table_mismatches
from ons_bigdata.platform.dagster.partitions import partitions_of, partitions_of_run
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.landing import PENDING_PARTITIONS, Reader
from ons_bigdata.platform.ingest.ledger_comparison import ledger_differences
from ons_bigdata.platform.ingest.redaction import REDACTED
from ons_bigdata.platform.ingest.sources import AnySource, BulkSource, RawTable
from ons_bigdata.platform.postgres.warehouse import Warehouse

LISTED = 40
"""Most rows that a check lists; the tables have all of them."""

FAILED_PARTITIONS = "failed_partitions"
"""Metadata of a check's result: keys of the partitions for which it failed; the rest of the table passed."""

CHECKED_PARTITIONS = "ons_bigdata/checked_partitions"
"""Metadata of a check: which partitions an evaluation is about; without it, the whole table."""

OF_RUN = {CHECKED_PARTITIONS: "those of the run"}
"""Metadata of a check that examines the partitions of the run alone."""

_QUARANTINED = """
select files.name, quarantine.line, quarantine.reason,
    case when cardinality(files.partitions) = 1 then files.partitions[1] end as partition
from ops.quarantine
join ops.loads using (load_id)
join ops.files using (file_id)
where files.source = $1 and files.superseded_by is null and loads.reader_version = $2
order by files.name, quarantine.line
"""

_WAITING = f"with waiting as ({PENDING_PARTITIONS})"

_COUNT_WAITING = f"{_WAITING} select count(*) from waiting"  # noqa: S608

_LINES_QUARANTINED = f"""
select files.name, quarantine_reasons.reason, quarantine_reasons.rows,
    case quarantine_reasons.rows when 1 then 'line' else 'lines' end as lines
from ops.quarantine_reasons
join ops.loads using (load_id)
join ops.files using (file_id)
where files.source = $1 and files.superseded_by is null and loads.reader_version = $2
    and quarantine_reasons.reason <> '{REDACTED}' and quarantine_reasons.rows > 0
order by files.name, quarantine_reasons.rows desc, quarantine_reasons.reason
"""  # noqa: S608  (our own text)

_LAKE_AND_LEDGER = f"""{_WAITING},
live as (
    select partition, sum(rows)::bigint as rows from ops.lake_files where table_name = $4 group by partition
),
latest as (
    select distinct on (loads.file_id) loads.load_id
    from ops.loads
    join ops.files using (file_id)
    where files.source = $1 and loads.reader = $2 and loads.state = 'committed' and files.superseded_by is null
    order by loads.file_id, loads.finished_at desc
),
ledger as (
    select partition, sum(accepted)::bigint as accepted
    from ops.load_partitions join latest using (load_id) group by partition
)
select partition, coalesce(ledger.accepted, 0) as accepted, coalesce(live.rows, 0) as rows
from live full join ledger using (partition)
where coalesce(ledger.accepted, 0) <> coalesce(live.rows, 0)
    and partition not in (select waiting.partition from waiting)
order by partition
"""  # noqa: S608  (our own text)


def table_key(table: str) -> dg.AssetKey:
    """Return the asset key of `schema.table`."""
    return dg.AssetKey(table.split("."))


def expect_no_rows(  # noqa: PLR0913  (all but three by name)
    table: str,
    name: str,
    *,
    description: str,
    query: str,
    line: str,
    parameters: Sequence[object] = (),
    by: tuple[str, pl.Expr] | None = None,
    partition: str | None = None,
    blocking: bool = False,
) -> dg.AssetChecksDefinition:
    """Check that a query returns no rows; list the rows it returns, in its order, each as `line`.

    `line` is a format with columns of the query in braces. `by` is a column and an aggregate (an integer): the
    metadata has the aggregate for each value of the column. `partition` is the column whose text is the key of the
    partition that a row belongs to, such as a day: the check then fails for these partitions alone. Rows are a warning;
    with `blocking` they are an error that stops the assets downstream.
    """

    @dg.asset_check(asset=table_key(table), name=name, blocking=blocking, description=description)
    def expect_no_rows_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        rows = warehouse.open().frame(query, list(parameters))
        counts = {} if by is None else dict(rows.group_by(by[0]).agg(by[1].cast(pl.Int64)).sort(by[0]).iter_rows())
        lines = [f"* {line.format(**row)}" for row in rows.head(LISTED).iter_rows(named=True)]
        return dg.AssetCheckResult(
            passed=rows.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            metadata={
                "found": rows.height,
                **counts,
                "which": dg.MetadataValue.md("\n".join(lines) or "none"),
                **_failed_partitions(rows, partition),
            },
        )

    return expect_no_rows_check


def _failed_partitions(rows: pl.DataFrame, column: str | None) -> dict[str, list[str]]:
    """Partitions of failing rows as metadata; none where any row belongs to no single partition."""
    if column is None or rows.is_empty() or rows[column].null_count():
        return {}
    return {FAILED_PARTITIONS: rows[column].cast(pl.String).unique().sort().to_list()}


def load_checks(source: AnySource) -> list[dg.AssetChecksDefinition]:
    """Return the checks of a source's table against the ledger: no row lost, none in quarantine."""
    if isinstance(source, BulkSource):
        return [lake_matches_ledger(source), no_lines_quarantined(source)]
    table = source.table
    return [
        rows_match_ledger(table, source.reader, source.calendar),
        no_rows_quarantined(table.name, source.reader),
    ]


def no_lines_quarantined(source: BulkSource) -> dg.AssetChecksDefinition:
    """Check that the present reader accepted every line of the current files; warn with file, reason and number."""
    return expect_no_rows(
        source.table_name,
        "no_lines_quarantined",
        description="No line of any current file is in quarantine; ops.quarantine_reasons counts them by reason.",
        query=_LINES_QUARANTINED,
        parameters=[source.reader.source, source.reader.version],
        line="{name}: {rows} {lines}: {reason}",
    )


def lake_matches_ledger(source: BulkSource) -> dg.AssetChecksDefinition:
    """Check that the live files of a table of the lake have the rows that the ledger accepted, by partition.

    Partitions with a waiting file are not compared: they have the rows of earlier loads until it is loaded.
    """
    reader = source.reader

    @dg.asset_check(
        asset=table_key(source.table_name),
        name="lake_matches_ledger",
        blocking=True,
        description="Rows of the live files = rows accepted by the ledger, by partition.",
    )
    def lake_matches_ledger_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        parameters = [reader.source, reader.name, reader.version]
        differing = warehouse.open().frame(_LAKE_AND_LEDGER, [*parameters, source.table.name])
        return dg.AssetCheckResult(
            passed=differing.is_empty(),
            metadata={"partitions_that_differ": differing.height, "examples": str(differing.head(5).to_dicts())},
        )

    return lake_matches_ledger_check


def no_rows_quarantined(table: str, reader: Reader) -> dg.AssetChecksDefinition:
    """Check that the present reader accepted every row of the current files; warn with file, line and reason."""
    return expect_no_rows(
        table,
        "no_rows_quarantined",
        description="No row of any current file is in quarantine; ops.quarantine has each with its reason.",
        query=_QUARANTINED,
        parameters=[reader.source, reader.version],
        line="{name}, line {line}: {reason}",
        partition="partition",
    )


def rows_match_ledger(table: RawTable, reader: Reader, calendar: Calendar | None) -> dg.AssetChecksDefinition:
    """Check that a raw table has the rows that the ledger accepted, of current files and this reader version.

    Rows are counted by load and partition: of a run of some partitions, in these and in all others of their files; of
    any other run in the whole table (`ledger_differences`).
    """

    @dg.asset_check(
        asset=table_key(table.name),
        name="rows_match_ledger",
        blocking=True,
        description=(
            "Rows of the table = rows accepted by the ledger, by load and partition, in the partitions of the run and"
            " all others of their files; those that wait to be built are not compared."
        ),
        metadata=None if calendar is None else OF_RUN,
    )
    def rows_match_ledger_check(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> dg.AssetCheckResult:
        store = warehouse.open()
        of_run = partitions_of_run(context.run.tags, None if calendar is None else partitions_of(calendar))
        differing = ledger_differences(store, table, reader, of_run)
        (waiting,) = store.frame(_COUNT_WAITING, [reader.source, reader.name, reader.version]).row(0)
        return dg.AssetCheckResult(
            passed=differing.is_empty(),
            metadata={
                "loads_that_differ": differing["load_id"].n_unique(),
                "examples": str(differing.head(5).to_dicts()),
                "partitions_not_compared": waiting,
                **_failed_partitions(differing, "partition"),
            },
        )

    return rows_match_ledger_check


def table_matches_frame(table: str, schema: type[dy.Schema]) -> dg.AssetChecksDefinition:
    """Check that a table has the columns, types and nullability of the frame that fills it."""

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


def expected_period_present(
    table: str, *, column: str, expected: str, by: str | None = None
) -> dg.AssetChecksDefinition:
    """Check that the latest period of a table is the latest that its sources have.

    `expected` is a query that returns one row: the latest period of the sources, or null where they have none. With
    `by`, a column of the table, the query returns rows (value of `by`, period), and each value is checked separately,
    so that an up-to-date value does not hide a late one. A freshness policy would compare data of past years with
    the clock.
    """
    # without `group by` an index of the column has the answer
    latest_of_table = (
        f"select {by}, max({column}) from {table} group by 1"  # noqa: S608  (our own names)
        if by
        else f"select 'all', max({column}) from {table}"  # noqa: S608
    )
    latest_expected = expected if by else f"select 'all', ({expected})"

    @dg.asset_check(
        asset=table_key(table),
        name="expected_period_present",
        description=f"The latest period is the latest that the sources have{f', by {by}' if by else ''}.",
    )
    def expected_period_present_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        store = warehouse.open()
        latest, wanted = _periods(store, latest_of_table), _periods(store, latest_expected)
        return dg.AssetCheckResult(
            passed=latest == wanted,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"latest": _as_text(latest), "expected": _as_text(wanted)},
        )

    return expected_period_present_check


def _periods(store: Warehouse, query: str) -> dict[str, str]:
    """Return the latest period of each group; groups without a period are left out."""
    frame = store.frame(f"select grouped.name, grouped.period::text from ({query}) as grouped (name, period)")  # noqa: S608
    return {name: period for name, period in frame.iter_rows() if period is not None}


def _as_text(periods: dict[str, str]) -> str:
    if set(periods) <= {"all"}:
        return periods.get("all", "none")
    return ", ".join(f"{name} {period}" for name, period in sorted(periods.items()))
