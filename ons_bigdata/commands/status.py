"""`status`: collectors, failed checks and runs, loads, days loaded, materialisations. Reads tables; starts no run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import has_database, open_warehouse
from ons_bigdata.tweets.sources.stream.health import read_collectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ons_bigdata.settings import Settings
    from ons_bigdata.tweets.sources.stream.health import CollectorStatus

_LOADS = """
    select files.source, files.delivery, loads.data_origin, count(*)::int as files,
        sum((loads.outcome = 'outage')::int)::int as outages, sum((loads.outcome = 'refused')::int)::int as refused,
        sum(loads.rows_in)::bigint as rows_in, sum(loads.accepted)::bigint as accepted,
        sum(loads.quarantined)::bigint as quarantined, max(loads.finished_at) as last_load
    from (select distinct on (file_id) * from ops.loads order by file_id, started_at desc, load_id) as loads
    join ops.files using (file_id)
    where files.superseded_by is null
    group by files.source, files.delivery, loads.data_origin
    order by files.source, files.delivery
"""
_PARTITIONS = """
    select files.source, files.delivery, min(built.partition) as first_day, max(built.partition) as last_day,
        count(distinct built.partition)::int as days
    from ops.load_partitions as built join ops.loads using (load_id) join ops.files using (file_id)
    where files.superseded_by is null
    group by files.source, files.delivery
    order by files.source, files.delivery
"""
# Dagster's own tables: reading them takes milliseconds, a query through Dagster imports the whole graph.
_ASSETS = """
    select replace(trim(both '[]"' from asset_key), '", "', '/') as asset,
        last_materialization_timestamp as last_materialised
    from dagster.asset_keys
    where last_materialization_timestamp is not null and asset_key not like '["ops"%'
    order by asset
"""
_CHECKS = """
    select asset, check_name, status, evaluated from (
        select distinct on (asset_key, check_name) replace(trim(both '[]"' from asset_key), '", "', '/') as asset,
            check_name, execution_status as status,
            coalesce(evaluation_event_timestamp, create_timestamp) as evaluated
        from dagster.asset_check_executions
        where execution_status <> 'PLANNED'
        order by asset_key, check_name, id desc
    ) as latest
    order by asset, check_name
"""
_FAILED_PARTITIONS = """
    select asset, check_name, severity, min(partition) as first_partition, max(partition) as last_partition,
        count(*)::int as partitions, max(evaluated_at) as evaluated_at
    from ops.check_partitions
    where not passed and partition is not null
    group by asset, check_name, severity
    order by severity, asset, check_name
"""

_RUN_PARTITIONS = """
    select run_id,
        min(value) filter (where key <> 'dagster/asset_partition_range_end') as first_partition,
        max(value) filter (where key <> 'dagster/asset_partition_range_start') as last_partition
    from dagster.run_tags
    where key in ('dagster/partition', 'dagster/asset_partition_range_start', 'dagster/asset_partition_range_end')
    group by run_id
"""
_OPEN_RUNS = f"""
    with run_partitions as ({_RUN_PARTITIONS}),
    open_runs as (
        select runs.run_id, pipeline_name as job, status, create_timestamp as created, first_partition, last_partition
        from dagster.runs left join run_partitions using (run_id)
        where status <> 'SUCCESS'
    ),
    planned as (
        select distinct on (run_id, asset_key) run_id, asset_key, event_logs.id, first_partition, last_partition
        from open_runs join dagster.event_logs using (run_id)
        where dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED'
    ),
    not_built as (
        select run_id, count(*)::int as assets from planned
        where not exists (
            select from dagster.event_logs as done left join run_partitions as built on built.run_id = done.run_id
            where done.asset_key = planned.asset_key and done.dagster_event_type = 'ASSET_MATERIALIZATION'
                and (
                    done.run_id = planned.run_id
                    or (done.id > planned.id and (
                        done.partition is null or planned.first_partition is null
                        or (built.first_partition <= planned.first_partition
                            and built.last_partition >= planned.last_partition)
                    ))
                )
        )
        group by run_id
    ),
    not_evaluated as (
        select run_id, count(*)::int as checks
        from open_runs join dagster.asset_check_executions as planned using (run_id)
        where execution_status = 'PLANNED' and not exists (
            select from dagster.asset_check_executions as done
            where done.asset_key = planned.asset_key and done.check_name = planned.check_name and done.id > planned.id
                and done.execution_status <> 'PLANNED'
        )
        group by run_id
    )
    select left(run_id, 8) as run, job, status, first_partition, last_partition,
        coalesce(assets, 0) as assets_not_built, coalesce(checks, 0) as checks_not_evaluated, created
    from open_runs left join not_built using (run_id) left join not_evaluated using (run_id)
    where assets is not null or checks is not null or run_id not in (select planned.run_id from planned)
    order by created desc
"""  # noqa: S608  (our own text)
"""Runs that failed, were cancelled, were killed or go on, with what no later run has done in their place."""


@dataclass(frozen=True)
class Status:
    """Tables of the status, one frame each. Without a database there are none, and all are empty."""

    home: str
    database: str | None
    loads: pl.DataFrame
    partitions: pl.DataFrame
    assets: pl.DataFrame
    failed_checks: pl.DataFrame
    open_runs: pl.DataFrame
    """Runs that did not succeed and whose assets and checks no later run has completed."""
    failed_partitions: pl.DataFrame
    """Failed checks with the first, the last and the number of partitions for which they failed."""
    checks: int
    """Number of checks that were ever evaluated; of each, the latest evaluation counts."""
    collectors: Sequence[CollectorStatus] = ()
    """Health of the collectors of streams that have ever run."""

    def to_dict(self) -> dict[str, Any]:
        """Return the status as `--json` prints it."""
        return {
            "home": self.home,
            "database": self.database,
            "loads": self.loads.to_dicts(),
            "partitions": self.partitions.to_dicts(),
            "assets": self.assets.to_dicts(),
            "failed_checks": self.failed_checks.to_dicts(),
            "open_runs": self.open_runs.to_dicts(),
            "failed_partitions": self.failed_partitions.to_dicts(),
            "checks": self.checks,
            "collectors": [msgspec.structs.asdict(collector) for collector in self.collectors],
        }


def read_status(settings: Settings) -> Status:
    """Return the status. Where no state is yet, nothing is created; before the first run there are no checks.

    Raises InputError where the state folder is a file, or would be inside of one.
    """
    none = pl.DataFrame()
    present = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    if not present.is_dir():
        where = "is" if present == settings.home else f"cannot be made: {present} is"
        raise InputError(f"state folder {settings.home} {where} no folder; set ONS_BIGDATA_HOME to another")
    collectors = read_collectors(settings.spool_dir / "tweets")
    if not has_database(settings):
        return Status(str(settings.home), None, none, none, none, none, none, none, 0, collectors)
    warehouse = open_warehouse(settings)
    has_runs = warehouse.rows(
        "select to_regclass('dagster.asset_check_executions') is not null"
        " and to_regclass('dagster.asset_keys') is not null"
    )[0][0]
    checks = warehouse.frame(_CHECKS) if has_runs else none
    return Status(
        home=str(settings.home),
        database=str(warehouse.address),
        loads=warehouse.frame(_LOADS),
        partitions=warehouse.frame(_PARTITIONS),
        assets=warehouse.frame(_ASSETS) if has_runs else none,
        failed_checks=checks.filter(pl.col("status") != "SUCCEEDED") if has_runs else none,
        open_runs=warehouse.frame(_OPEN_RUNS) if has_runs else none,
        failed_partitions=warehouse.frame(_FAILED_PARTITIONS),
        checks=checks.height,
        collectors=collectors,
    )
