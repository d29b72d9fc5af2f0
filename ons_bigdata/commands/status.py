"""`status`: failed checks, loads, days loaded, last materialisations. Reads tables; starts no run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from ons_bigdata.settings import Settings

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
    from dagster.asset_keys where last_materialization_timestamp is not null
    order by asset
"""
_CHECKS = """
    select asset, check_name, status, evaluated from (
        select distinct on (asset_key, check_name) replace(trim(both '[]"' from asset_key), '", "', '/') as asset,
            check_name, execution_status as status, create_timestamp as evaluated
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


@dataclass(frozen=True)
class Status:
    """Tables of the status, one frame each. Without a database there are none, and all are empty."""

    home: str
    database: str | None
    loads: pl.DataFrame
    partitions: pl.DataFrame
    assets: pl.DataFrame
    failed_checks: pl.DataFrame
    failed_partitions: pl.DataFrame
    """Failed checks with the first, the last and the number of partitions for which they failed."""
    checks: int
    """Number of checks that were ever evaluated; of each, the latest evaluation counts."""

    def to_dict(self) -> dict[str, Any]:
        """Return the status as `--json` prints it."""
        return {
            "home": self.home,
            "database": self.database,
            "loads": self.loads.to_dicts(),
            "partitions": self.partitions.to_dicts(),
            "assets": self.assets.to_dicts(),
            "failed_checks": self.failed_checks.to_dicts(),
            "failed_partitions": self.failed_partitions.to_dicts(),
            "checks": self.checks,
        }


def read_status(settings: Settings) -> Status:
    """Return the status. Where no state is yet, nothing is created; before the first run there are no checks.

    Raises InputError where the state folder is a file.
    """
    none = pl.DataFrame()
    if settings.home.exists() and not settings.home.is_dir():
        raise InputError(f"state folder {settings.home} is no folder; set ONS_BIGDATA_HOME to another")
    if settings.database_url is None and not (settings.data_dir / "PG_VERSION").exists():
        return Status(str(settings.home), None, none, none, none, none, none, 0)
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
        failed_partitions=warehouse.frame(_FAILED_PARTITIONS),
        checks=checks.height,
    )
