"""The dbt project as assets: its manifest, its profile, and the two kinds of dbt assets.

Windowed assets rebuild the days of a run (one call for a range); whole assets rebuild their whole series.
SQL is in `dbt_project/`.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, DbtProject, dbt_assets

from ons_bigdata.platform import database, progress
from ons_bigdata.platform.assets import AREA
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.partitions import DAILY
from ons_bigdata.platform.warehouse import open_warehouse
from ons_bigdata.settings import Settings, get_settings

LOCK = "dbt"
"""dbt calls run one at a time: they share a target folder and the tables they rebuild.

A lock of the database, not a pool of Dagster's: a killed process gives the lock back, while its slot in a pool is
taken for good.
"""

LOCK_TIMEOUT = "15min"

WINDOWED = "tag:windowed_daily"
SEEDS = "resource_type:seed"
WHOLE = "tag:whole,resource_type:model"

_SECRET = "DBT_ENV_SECRET_ONS_BIGDATA_PASSWORD"  # noqa: S105  (a variable's name; dbt hides its value in logs)
_PROFILE, _TARGET = "ons_bigdata", "warehouse"
_SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md"}


class Translator(DagsterDbtTranslator):
    """Asset key = [schema, table]; group = the folder above the model, which is the pilot; area = `meta.area`."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Return the spec of a dbt node with our key, group, owner, area, kinds and description."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        key = dg.AssetKey([node["schema"], node["alias"]])
        return spec.replace_attributes(
            key=key,
            group_name=node["fqn"][-2],
            owners=[f"team:{node['fqn'][-2]}"],
            tags={**spec.tags, AREA: area_of(node)},
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


def area_of(node: Mapping[str, Any]) -> str:
    """Return the part of its pilot that a dbt node belongs to. Raises InputError for a node that names none."""
    area = node["config"]["meta"].get(AREA)
    if not isinstance(area, str):
        raise InputError(f"{node['original_file_path']}: {node['name']}: found meta.{AREA} {area!r}, expected a name")
    return area


def project(settings: Settings) -> DbtProject:
    """Return the dbt project with its profile and target under the state folder."""
    return DbtProject(
        project_dir=settings.dbt_project_dir,
        profiles_dir=settings.dbt_dir,
        target_path=settings.dbt_dir / "target",
        profile=_PROFILE,
        target=_TARGET,
    )


def ensure_manifest(settings: Settings) -> Path:
    """Return dbt's manifest, parsed anew if any file of the project changed since.

    Needs no server. Raises StepFailedError with dbt's words where the project does not parse.
    """
    target = settings.dbt_dir / "target"
    manifest, stamp = target / "manifest.json", target / "manifest.sources"
    _write_profile(settings)
    digest = _digest(settings.dbt_project_dir)
    if manifest.exists() and stamp.exists() and stamp.read_text() == digest:
        return manifest
    finished = _run_dbt(settings, ["parse", "--target-path", str(target)])
    if finished.returncode != 0:
        raise StepFailedError(f"dbt parse failed:\n{finished.stdout}{finished.stderr}")
    stamp.write_text(digest)
    return manifest


def write_docs(settings: Settings) -> Path:
    """Build the dbt docs as one static page that needs no other file; return it."""
    target = settings.dbt_dir / "docs"
    finished = _run_dbt(settings, ["docs", "generate", "--static", "--target-path", str(target)])
    if finished.returncode != 0:
        raise StepFailedError(f"dbt docs failed:\n{finished.stdout}{finished.stderr}")
    page = target / "static_index.html"
    index = target / "index.html"
    page.replace(index)
    return index


def resource(settings: Settings) -> DbtCliResource:
    """Return the one dbt resource of this process (each new one asks dbt for its version)."""
    _write_profile(settings)
    return DbtCliResource(
        project_dir=project(settings),
        dbt_executable=str(_dbt_executable()),
        global_config_flags=["--no-use-colors", "--no-send-anonymous-usage-stats"],
    )


def seed_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the reference data as assets: they change with the project, not with the data."""

    @dbt_assets(
        manifest=ensure_manifest(settings),
        select=SEEDS,
        name="dbt_seeds",
        project=project(settings),
        dagster_dbt_translator=Translator(),
    )
    def dbt_seeds(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        yield from _build(dbt, context, settings.dbt_dir / "target", [])

    return dbt_seeds


def windowed_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the daily windowed models as assets: one dbt call for the days of a run."""

    @dbt_assets(
        manifest=ensure_manifest(settings),
        select=WINDOWED,
        name="dbt_windowed_daily",
        project=project(settings),
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=Translator(),
    )
    def dbt_windowed_daily(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        days = context.partition_key_range
        window = json.dumps({"window_start": days.start, "window_end": days.end})
        yield from _build(dbt, context, settings.dbt_dir / "target_windowed", ["--vars", window])

    return dbt_windowed_daily


def whole_assets(settings: Settings) -> dg.AssetsDefinition:
    """Return the models that are rebuilt whole as assets."""

    @dbt_assets(
        manifest=ensure_manifest(settings),
        select=WHOLE,
        name="dbt_whole",
        project=project(settings),
        dagster_dbt_translator=Translator(),
    )
    def dbt_whole(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        yield from _build(dbt, context, settings.dbt_dir / "target", [])

    return dbt_whole


def _build(dbt: DbtCliResource, context: dg.AssetExecutionContext, target: Path, arguments: list[str]) -> Iterator[Any]:
    """Build the models of the step and tell their outcomes as they come.

    Each kind has a target folder of its own: other variables make dbt parse the project anew. A test runs where
    the last of the tables it compares is built (`buildable`), not where the first is.
    """
    with open_warehouse(get_settings()).transaction() as transaction:
        transaction.lock(LOCK, timeout=LOCK_TIMEOUT)
        invocation: DbtCliInvocation = dbt.cli(
            ["build", "--indirect-selection", "buildable", "--exclude-resource-type", "unit_test", *arguments],
            context=context,
            target_path=target,
            raise_on_error=False,
        )
        yield from progress.track(f"dbt build ({context.op.name})", invocation.stream())
    if not invocation.is_successful():
        raise dg.Failure(f"dbt build failed: {'; '.join(_failures(invocation))}")


def _failures(invocation: DbtCliInvocation) -> list[str]:
    """Return what failed, each with the first lines of dbt's own words."""
    path = invocation.target_path / "run_results.json"
    if not path.exists():
        return [f"no results; dbt's log is {invocation.target_path / 'dbt.log'}"]
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [
        f"{result['unique_id']}: {' '.join((result['message'] or 'no message').split())[:300]}"
        for result in results
        if result["status"] in {"error", "fail", "runtime error"}
    ]


def _dbt_executable() -> Path:
    """Return the dbt beside this Python: another one on the PATH may be another version."""
    return Path(sys.executable).with_name("dbt")


def _digest(folder: Path) -> str:
    """Hash names and contents of the project's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix in _SOURCE_SUFFIXES and inside.parts[0] not in {"target", "logs"}:
            digest.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _write_profile(settings: Settings) -> None:
    """Write dbt's profile for the database of these settings. A password stays in the environment."""
    target = database.expected(settings)
    output: dict[str, object] = {
        "type": "postgres",
        "schema": "staging",
        "threads": 2,
        **target.dbt_target(),
        "password": f"{{{{ env_var('{_SECRET}', '') }}}}",
    }
    os.environ[_SECRET] = target.password or ""
    text = yaml.safe_dump({_PROFILE: {"target": _TARGET, "outputs": {_TARGET: output}}})
    path = settings.dbt_dir / "profiles.yml"
    if not path.exists() or path.read_text() != text:
        settings.dbt_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _run_dbt(settings: Settings, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (our own executable, no shell)
        [
            str(_dbt_executable()),
            "--no-use-colors",
            "--no-send-anonymous-usage-stats",
            *arguments,
            # the same names as the assets' calls give: others would make dbt parse the project anew
            "--profile",
            _PROFILE,
            "--target",
            _TARGET,
            "--project-dir",
            str(settings.dbt_project_dir),
            "--profiles-dir",
            str(settings.dbt_dir),
            "--log-path",
            str(settings.dbt_dir / "logs"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
