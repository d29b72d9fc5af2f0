"""The dbt project as assets: seeds, models of a window of days, models rebuilt whole.

Windowed assets rebuild the days of a run (one call for a range); whole assets rebuild their whole series. SQL is in
`dbt_project/`, how dbt is called in `dbt_calls`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.dagster.assets import AREA, group_name
from ons_bigdata.platform.dagster.partitions import DAILY
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings, get_settings

LOCK = "dbt"
"""dbt builds run one at a time: they share a target folder and the tables they rebuild.

A lock of the database, not a pool of Dagster's: a killed process gives the lock back, while its slot in a pool is
taken for good.
"""

LOCK_TIMEOUT = "15min"

WINDOWED = "tag:windowed_daily"
SEEDS = "resource_type:seed"
WHOLE = "tag:whole,resource_type:model"


class Translator(DagsterDbtTranslator):
    """Asset key = [schema, table]; pilot and area are the two folders above the node's file, the group is both."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Return the spec of a dbt node with our key, group, owner, area, kinds and description."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        key = dg.AssetKey([node["schema"], node["alias"]])
        pilot, area = pilot_and_area(node)
        return spec.replace_attributes(
            key=key,
            group_name=group_name(pilot, area),
            owners=[f"team:{pilot}"],
            tags={**spec.tags, AREA: area},
            kinds={"dbt", "postgres", "seed" if node["resource_type"] == "seed" else "sql"},
            description=(node.get("description") or "").strip(),
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Return the spec of a dbt test, told in words.

        Other tables that it compares with are no dependencies of the check: Dagster would run it in a step of its
        own, before they are built; dbt knows the order itself.
        """
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        node = self.get_resource_props(manifest, unique_id)
        test = node.get("test_metadata") or {"name": "query"}
        column = f" of column {node['column_name']}" if node.get("column_name") else ""
        return dg.AssetCheckSpec(
            name=spec.name,
            asset=spec.asset_key,
            description=node.get("description") or f"dbt test {test['name']}{column}.",
            metadata=spec.metadata,
            blocking=spec.blocking,
        )


def pilot_and_area(node: Mapping[str, Any]) -> tuple[str, str]:
    """Pilot and area of a model or seed: the folders `…/<pilot>/<area>/` that its file lies in.

    Raises InputError for a node whose file is not in such folders.
    """
    folders = Path(node["original_file_path"]).parent.parts
    layers = {"seeds": 1, "models": 2}
    depth = layers.get(folders[0], 0) if folders else 0
    if not depth or len(folders) != depth + 2:
        raise InputError(
            f"{node['original_file_path']}: expected the folders models/<layer>/<pilot>/<area> or seeds/<pilot>/<area>"
        )
    return folders[-2], folders[-1]


def project(settings: Settings) -> DbtProject:
    """Return the dbt project with its profile and target under the state folder."""
    return DbtProject(
        project_dir=settings.dbt_project_dir,
        profiles_dir=settings.dbt_dir,
        target_path=settings.dbt_dir / "target",
        profile=dbt_calls.PROFILE,
        target=dbt_calls.TARGET,
    )


def seed_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the reference data as assets: they change with the project, not with the data."""

    @dbt_assets(
        manifest=dbt_calls.ensure_manifest(settings),
        select=SEEDS,
        name="dbt_seeds",
        project=project(settings),
        dagster_dbt_translator=Translator(),
    )
    def dbt_seeds(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _build(context, [])

    return dbt_seeds


def windowed_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the daily windowed models as assets: one dbt call for the days of a run."""

    @dbt_assets(
        manifest=dbt_calls.ensure_manifest(settings),
        select=WINDOWED,
        name="dbt_windowed_daily",
        project=project(settings),
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=Translator(),
    )
    def dbt_windowed_daily(context: dg.AssetExecutionContext) -> Iterator[Any]:
        days = context.partition_key_range
        window = json.dumps({"window_start": days.start, "window_end": days.end})
        yield from _build(context, ["--vars", window])

    return dbt_windowed_daily


def whole_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the models that are rebuilt whole as assets."""

    @dbt_assets(
        manifest=dbt_calls.ensure_manifest(settings),
        select=WHOLE,
        name="dbt_whole",
        project=project(settings),
        dagster_dbt_translator=Translator(),
    )
    def dbt_whole(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _build(context, [])

    return dbt_whole


def _build(context: dg.AssetExecutionContext, arguments: list[str]) -> Iterator[Any]:
    settings = get_settings()
    with open_warehouse(settings).transaction() as transaction:
        transaction.lock(LOCK, timeout=LOCK_TIMEOUT)
        try:
            yield from dbt_calls.build(context, settings, arguments)
        except dg.Failure:
            transaction.rows("select 1")  # raises UnavailableError where dbt failed because the server was lost
            raise
