"""The dbt project as assets: for each pilot its seeds, its windowed models by cadence, and its whole models by level.

A windowed model rebuilds the periods of a run (one dbt call for a range), a whole model its whole series or, if it is
built by day, the days whose inputs changed. SQL is in `dbt_project/`, how dbt is called in `dbt_calls`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.dbt_manifest import validate_manifest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.dagster.assets import AREA, PILOT, group_name
from ons_bigdata.platform.dagster.checks import OF_RUN
from ons_bigdata.platform.dagster.dbt_runtime.call_levels import call_levels
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.table_metadata.dbt_tables import Window, mark_as_checked, table_metadata
from ons_bigdata.platform.dagster.unchanged.seeds import Seeds, outcomes_of_last_build
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings, get_settings

LOCK = "dbt"
"""First name of the lock of a dbt build; the second is the pilot. The builds of a pilot run one at a time: they rebuild
the same tables. No model of a pilot reads one of another.

A lock of the database and not a Dagster pool: the lock of a killed process is released, while its slot in a pool stays
taken.
"""

LOCK_TIMEOUT = "15min"

WINDOWED = {f"windowed_{cadence.adverb}": cadence for cadence in Cadence}
"""Tag of a windowed model and its cadence. A model without such a tag is whole."""


class Translator(DagsterDbtTranslator):
    """Asset key = [schema, table]; pilot and area are the two folders above the node's file, the group is both."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Return the spec of a dbt node with our key, group, owner, area, kinds and description."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        key = _key(node)
        pilot, area = pilot_and_area(node)
        return spec.replace_attributes(
            key=key,
            group_name=group_name(pilot, area),
            owners=[f"team:{pilot}"],
            tags={**spec.tags, PILOT: pilot, AREA: area},
            kinds={"dbt", "postgres", _kind(node)},
            description=(node.get("description") or "").strip(),
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Return the spec of a dbt test with a description.

        Other tables that the test reads are not dependencies of the check: Dagster would run it in a separate step
        before they are built, while dbt orders its nodes itself.
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
            metadata={**spec.metadata, **(OF_RUN if "in_window(" in (node["config"].get("where") or "") else {})},
            blocking=spec.blocking,
        )


TRANSLATOR = Translator(DagsterDbtTranslatorSettings(enable_code_references=True))


def _kind(node: Mapping[str, Any]) -> str:
    """Kind of a node beside dbt and Postgres: seed, view (which has no row count) or sql."""
    if node["resource_type"] == "seed":
        return "seed"
    return "view" if node["config"]["materialized"] == "view" else "sql"


def pilot_and_area(node: Mapping[str, Any]) -> tuple[str, str]:
    """Pilot and area of a model or seed: the folders `…/<pilot>/<area>/…` that its file lies in.

    Raises InputError for a node whose file is not in such folders.
    """
    folders = Path(node["original_file_path"]).parent.parts
    layers = {"seeds": 1, "models": 2}
    depth = layers.get(folders[0], 0) if folders else 0
    if not depth or len(folders) < depth + 2:
        raise InputError(
            f"{node['original_file_path']}: expected the folders models/<layer>/<pilot>/<area> or seeds/<pilot>/<area>"
        )
    return folders[depth], folders[depth + 1]


def project(settings: Settings) -> DbtProject:
    """Return the dbt project with its profile and target under the state folder."""
    return DbtProject(
        project_dir=settings.dbt_project_dir,
        profiles_dir=settings.dbt_dir,
        target_path=settings.dbt_dir / "target",
        profile=dbt_calls.PROFILE,
        target=dbt_calls.TARGET,
    )


def pilot_assets(
    settings: Settings,
    pilot: str,
    calendars: Sequence[Calendar],
    python_assets: Iterable[dg.AssetsDefinition | dg.AssetSpec] = (),
) -> list[dg.AssetsDefinition]:
    """Seeds and models of a pilot as assets: `<pilot>_seeds`, `<pilot>_<cadence>_models`, `<pilot>_whole_models_<n>`.

    `calendars`: those of the pilot, at most one per cadence; the windowed models of a cadence are partitioned by it.
    `python_assets`: those of the pilot that Python writes. Whole models before and after one of them are built by
    different calls: `n` counts these levels from 1.
    Definitions without any node are left out. Raises InputError for a windowed model whose cadence no calendar has.
    """
    manifest = validate_manifest(dbt_calls.ensure_manifest(settings))
    seeds, windowed, whole = _folders(manifest, pilot)
    by_cadence = {calendar.cadence: calendar for calendar in calendars}
    definitions = []
    if seeds:
        definitions.append(_seeds(settings, manifest, pilot, f"{pilot}_seeds", _select(seeds, "resource_type:seed")))
    for tag, cadence in WINDOWED.items():
        if tag not in windowed:
            continue
        if cadence not in by_cadence:
            known = ", ".join(by_cadence) or "none"
            raise InputError(f"models of {pilot} are tagged {tag}, but its calendars are by {known}")
        select = _select(windowed[tag], f"tag:{tag}")
        name = f"{pilot}_{cadence.adverb}_models"
        definitions.append(_windowed(settings, manifest, pilot, name, select, by_cadence[cadence]))
    for level, models in sorted(_by_level(manifest, whole, python_assets).items()):
        select = " ".join(f"fqn:{'.'.join(manifest['nodes'][model]['fqn'])}" for model in models)
        definitions.append(_whole(settings, manifest, pilot, f"{pilot}_whole_models_{level}", select))
    return definitions


def _folders(manifest: Mapping[str, Any], pilot: str) -> tuple[set[str], dict[str, set[str]], list[str]]:
    """Folders (in dbt's dotted form) with the seeds and windowed models by tag of a pilot, and ids of whole models."""
    seeds: set[str] = set()
    windowed: dict[str, set[str]] = {}
    whole: list[str] = []
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("seed", "model") or pilot_and_area(node)[0] != pilot:
            continue
        folder = ".".join(node["fqn"][:-2])
        tags = [tag for tag in WINDOWED if tag in node["tags"]]
        if node["resource_type"] == "seed":
            seeds.add(folder)
        elif tags:
            for tag in tags:
                windowed.setdefault(tag, set()).add(folder)
        else:
            whole.append(node["unique_id"])
    return seeds, windowed, whole


def _by_level(
    manifest: Mapping[str, Any], models: Sequence[str], python_assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]
) -> dict[int, list[str]]:
    """Ids of models by the number of the call that builds them."""
    keys = {name: _key(node) for name, node in {**manifest["nodes"], **manifest["sources"]}.items()}
    parents = {
        keys[name]: [keys[parent] for parent in node["depends_on"]["nodes"]]
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    for asset in python_assets:
        for spec in [asset] if isinstance(asset, dg.AssetSpec) else asset.specs:
            parents[spec.key] = [dep.asset_key for dep in spec.deps]
    levels = call_levels(parents, [keys[model] for model in models])
    by_level: dict[int, list[str]] = {}
    for model in sorted(models):
        by_level.setdefault(levels[keys[model]], []).append(model)
    return by_level


def _key(node: Mapping[str, Any]) -> dg.AssetKey:
    """Asset key of a seed, model or source: its schema and table."""
    return dg.AssetKey([node["schema"], node.get("identifier") or node["alias"]])


def _select(folders: set[str], criterion: str) -> str:
    """Dbt's selection of the nodes in any of the folders that meet a criterion."""
    return " ".join(f"{criterion},fqn:{folder}" for folder in sorted(folders))


def _windowed(
    settings: Settings, manifest: Mapping[str, Any], pilot: str, name: str, select: str, calendar: Calendar
) -> dg.AssetsDefinition:
    """Windowed models of one cadence: one dbt call for all periods of a run."""

    @dbt_assets(
        manifest=manifest,
        select=select,
        name=name,
        project=project(settings),
        partitions_def=partitions_of(calendar),
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=TRANSLATOR,
    )
    def windowed_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        periods = context.partition_key_range
        yield from _build(context, pilot, Window(calendar, periods.start, periods.end))

    return windowed_models


def _seeds(settings: Settings, manifest: Mapping[str, Any], pilot: str, name: str, select: str) -> dg.AssetsDefinition:
    """Seeds of a pilot, which are built where they are not as when they last passed all their tests."""

    @dbt_assets(
        manifest=manifest, select=select, name=name, project=project(settings), dagster_dbt_translator=TRANSLATOR
    )
    def seed_nodes(context: dg.AssetExecutionContext) -> Iterator[Any]:
        current = get_settings()
        tables = [".".join(key.path) for key in context.assets_def.node_keys_by_output_name.values()]
        seeds = Seeds(pilot, tables, dbt_calls.project_hash(current))
        with open_warehouse(current).transaction() as transaction:
            passed_at = seeds.passed_at(transaction)
            if passed_at is not None:
                yield from outcomes_of_last_build(context, passed_at, seeds.rows(transaction))
                return
        passed = 0
        for event in _build(context, pilot):
            passed += isinstance(event, dg.Output) or (isinstance(event, dg.AssetCheckResult) and event.passed)
            yield event
        if passed == len(tables) + len(context.assets_def.node_check_specs_by_output_name):
            with open_warehouse(current).transaction() as transaction:
                seeds.record(transaction)

    return seed_nodes


def _whole(settings: Settings, manifest: Mapping[str, Any], pilot: str, name: str, select: str) -> dg.AssetsDefinition:
    """Models of one level that are rebuilt whole, or by day."""

    @dbt_assets(
        manifest=manifest, select=select, name=name, project=project(settings), dagster_dbt_translator=TRANSLATOR
    )
    def whole_nodes(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _build(context, pilot)

    return whole_nodes


def _build(context: dg.AssetExecutionContext, pilot: str, window: Window | None = None) -> Iterator[Any]:
    settings = get_settings()
    variables = {"macros_hash": dbt_calls.macros_hash(settings)}
    if window is not None:
        first, last = window.calendar.days(window.first_key, window.last_key)
        variables |= {"window_start": first.isoformat(), "window_end": last.isoformat()}
    with open_warehouse(settings).transaction() as transaction:
        transaction.lock(LOCK, pilot, timeout=LOCK_TIMEOUT)
        try:
            yield from dbt_calls.build(
                context,
                settings,
                ["--vars", json.dumps(variables)],
                lambda manifest, built: table_metadata(transaction, manifest, built, window),
                lambda tables: mark_as_checked(transaction, tables),
            )
        except dg.Failure:
            transaction.rows("select 1")  # raises UnavailableError where dbt failed because the server was lost
            raise
