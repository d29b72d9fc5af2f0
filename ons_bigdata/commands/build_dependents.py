"""Materialisation of what depends on raw tables, for the partitions that an ingest has written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.ingest.sources import with_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg

    from ons_bigdata.pilots import Pilot
    from ons_bigdata.platform.dagster.runs import RunOutcome
    from ons_bigdata.platform.ingest.landing import Landing
    from ons_bigdata.platform.ingest.sources import AnySource
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings


@dataclass(frozen=True)
class WrittenTable:
    """A raw table that was loaded, the partitions of its files, and the checks that failed, `schema/table check`."""

    source: AnySource
    partitions: tuple[str, ...]
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildSummary:
    """Outcome of the build that followed an ingest."""

    first_day: str | None
    """First day that was built; None where nothing built has partitions."""
    last_day: str | None
    assets: list[str]
    failed_checks: list[str]
    failures: list[str]
    success: bool
    unavailable: bool


def build_dependents(settings: Settings, landing: Landing, written: Sequence[WrittenTable]) -> BuildSummary:
    """Materialise what depends on the written tables, from the first day that was written to the last."""
    if not written:
        return BuildSummary(None, None, [], [], [], success=True, unavailable=False)
    from ons_bigdata.platform.dagster import runs  # noqa: PLC0415  (Dagster takes seconds to import)
    from ons_bigdata.platform.dagster.instance import open_instance, run_log  # noqa: PLC0415

    definitions = runs.load_definitions()
    keys = dependents(definitions, [table.source.table_name for table in written])
    keys += missing_models(definitions, keys, landing.warehouse)
    keys += missing_seeds(definitions, keys, landing.warehouse)
    days = days_to_build(landing, written)
    if days is None:  # no partition holds a file yet: only what has no partitions can be built
        graph = definitions.resolve_asset_graph()
        keys = [key for key in keys if graph.get(key).partitions_def is None]
    if not keys:
        return BuildSummary(None, None, [], [], [], success=True, unavailable=False)
    with open_instance(settings, landing.warehouse.address) as instance:
        outcome = runs.materialise(definitions, keys, instance=instance, days=days, log=run_log(settings))
    return _summarise(outcome, days)


def dependents(definitions: dg.Definitions, tables: Sequence[str]) -> list[dg.AssetKey]:
    """Return what is computed from tables, directly or by way of others; seeds and what files fill are left out."""
    import dagster as dg  # noqa: PLC0415

    graph = definitions.resolve_asset_graph()
    loaded = {source.table_name for pilot in PILOTS for source in with_tables(pilot.sources)}
    chosen = dg.AssetSelection.assets(*(table.split(".") for table in tables)).downstream().resolve(graph)
    return sorted(
        (
            key
            for key in chosen & graph.materializable_asset_keys
            if key.path[0] != "raw" and ".".join(key.path) not in loaded and "seed" not in graph.get(key).kinds
        ),
        key=lambda key: key.to_user_string(),
    )


def missing_seeds(definitions: dg.Definitions, keys: Sequence[dg.AssetKey], warehouse: Warehouse) -> list[dg.AssetKey]:
    """Return the seeds from which these assets are computed and that are not in the database, as in an empty one."""
    return _missing(definitions, keys, warehouse, are_seeds=True)


def missing_models(definitions: dg.Definitions, keys: Sequence[dg.AssetKey], warehouse: Warehouse) -> list[dg.AssetKey]:
    """Return the dbt models from which these assets are computed and that were never built.

    A model of sources that have no file yet is built empty: others read it.
    """
    chosen = set(keys)
    return [key for key in _missing(definitions, keys, warehouse, are_seeds=False) if key not in chosen]


def _missing(
    definitions: dg.Definitions, keys: Sequence[dg.AssetKey], warehouse: Warehouse, *, are_seeds: bool
) -> list[dg.AssetKey]:
    import dagster as dg  # noqa: PLC0415

    graph = definitions.resolve_asset_graph()
    upstream = dg.AssetSelection.assets(*keys).upstream().resolve(graph) if keys else set()
    of_dbt = [key for key in sorted(upstream) if graph.has(key) and {"dbt", "seed"} & graph.get(key).kinds]
    wanted = [key for key in of_dbt if ("seed" in graph.get(key).kinds) == are_seeds]
    built = {
        f"{schema}.{table}"
        for schema, table in warehouse.rows(
            "select schemaname::text, tablename::text from pg_tables"
            " union all select schemaname::text, viewname::text from pg_views"
        )
    }
    return [key for key in wanted if ".".join(key.path) not in built]


def days_to_build(
    landing: Landing, written: Sequence[WrittenTable], pilots: Sequence[Pilot] = PILOTS
) -> tuple[str, str] | None:
    """Return the first and the last day to build (YYYY-MM-DD); None where no partition is known.

    A table without partitions, such as one of labels, bears on every day that its pilot has loaded.
    """
    days: list[date] = []
    for table in written:
        if table.source.calendar is not None:
            days += _days(table.source, table.partitions)
            continue
        pilot = next((pilot for pilot in pilots if table.source in pilot.sources), None)
        for source in () if pilot is None else with_tables(pilot.sources):
            if source.calendar is not None:
                days += _days(source, landing.partitions(source.name))
    return (min(days).isoformat(), max(days).isoformat()) if days else None


def _days(source: AnySource, partitions: Sequence[str]) -> list[date]:
    """Return the first and the last day of the first and the last partition; no day is in the future."""
    if source.calendar is None or not partitions:
        return []
    first, last = source.calendar.days(min(partitions), max(partitions))
    return [first, max(first, min(last, source.calendar.today()))]


def _summarise(outcome: RunOutcome, days: tuple[str, str] | None) -> BuildSummary:
    first, last = days or (None, None)
    return BuildSummary(
        first_day=first,
        last_day=last,
        assets=outcome.assets,
        failed_checks=outcome.names_of_failed_checks,
        failures=[] if outcome.success else outcome.failures or [outcome.reason],
        success=outcome.success,
        unavailable=outcome.unavailable,
    )
