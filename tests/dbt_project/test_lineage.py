"""The rules of lineage: raw → staging → intermediate → marts, and what Python assets may read and write."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode

from ons_bigdata.pilots import PILOTS, tables
from tests.command_line import ROOT

LEAF_READERS = ("published",)
"""Schemas whose models may read marts. Exposures may, too."""

ORDER_ONLY = {
    # whole models that compare the ledger or scrapes with the quotes of the same run
    "int_prices__collection_days_classified": {"stg_prices__quotes"},
    # quality runs after the figures, so that a fault of it stops no index
    "int_prices__item_days_profiled": {"analysis.aggregate_price_indices"},
    "int_prices__price_changes_counted": {"analysis.aggregate_price_indices"},
    "int_prices__price_findings_raised": {"analysis.aggregate_price_indices"},
    "int_prices__products_entered": {"analysis.aggregate_price_indices"},
    "int_prices__products_placed": {"analysis.aggregate_price_indices"},
    "int_prices__scrape_findings_raised": {"analysis.aggregate_price_indices"},
    "int_prices__shelf_days_counted": {"analysis.aggregate_price_indices"},
    "int_prices__odd_sizes_found": {"analysis.aggregate_price_indices"},
    # a test that compares two tables runs with the later of them
    "phone_deliveries": {"stg_phones__zone_margins"},
    "stg_prices__other_quotes": {"price_sources"},
}
"""Models that must come after a relation that they do not read."""

TABLES = tables()
SPECS = [
    spec
    for pilot in PILOTS
    for asset in pilot.assets
    for spec in (asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset])
]


def models(manifest: Manifest, schema: str | None = None) -> list[ModelNode]:
    nodes = [node for node in manifest.nodes.values() if isinstance(node, ModelNode)]
    return [node for node in nodes if schema in (None, node.schema)]


def relation(manifest: Manifest, unique_id: str) -> str:
    node = manifest.sources.get(unique_id) or manifest.nodes[unique_id]
    return f"{node.schema}.{node.name}"


def relations_read(manifest: Manifest, model: ModelNode) -> set[str]:
    return {relation(manifest, unique_id) for unique_id in model.depends_on.nodes}


def test_marts_are_read_by_published_models_and_exposures_alone(manifest: Manifest) -> None:
    readers = {
        model.name: sorted(name for name in relations_read(manifest, model) if name.startswith("marts."))
        for model in models(manifest)
        if model.schema not in LEAF_READERS
    }
    assert {name: marts for name, marts in readers.items() if marts} == {}


def test_no_python_asset_reads_a_mart() -> None:
    assert [spec.key.path for spec in SPECS for dep in spec.deps if dep.asset_key.path[0] == "marts"] == []


def test_raw_tables_are_read_by_staging_models_alone(manifest: Manifest) -> None:
    readers = {
        f"{model.schema}.{model.name}"
        for model in models(manifest)
        for name in relations_read(manifest, model)
        if name.startswith("raw.")
    }
    assert {name for name in readers if not name.startswith("staging.stg_")} == set()
    python = {
        ".".join(spec.key.path)
        for spec in SPECS
        for dep in spec.deps
        if dep.asset_key.path[0] == "raw" and spec.key.path[0] not in {"raw", "landing"}
    }
    assert python == set()


def test_every_raw_table_has_one_staging_model(manifest: Manifest) -> None:
    staged = [name for model in models(manifest, "staging") for name in relations_read(manifest, model)]
    raw = [table for table in TABLES if table.startswith("raw.")]
    assert {table: staged.count(table) for table in raw} == dict.fromkeys(raw, 1)


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.key.path[0] == "analysis"], ids=lambda spec: spec.key.path[-1]
)
def test_every_analysis_table_reaches_a_mart_or_is_internal(manifest: Manifest, spec: dg.AssetSpec) -> None:
    reaches_a_mart = ".".join(spec.key.path) in _ancestors_of_marts(manifest)
    is_internal = "Internal: " in (spec.description or "")
    assert reaches_a_mart != is_internal


def test_order_only_dependencies_are_the_documented_ones(manifest: Manifest) -> None:
    found: dict[str, set[str]] = {}
    for model in models(manifest):
        lines = [line for line in model.raw_code.splitlines() if line.lstrip().startswith("-- depends_on:")]
        for line in lines:
            arguments = [part.strip(" '") for part in line.split("(", 1)[1].split(")", 1)[0].split(",")]
            found.setdefault(model.name, set()).add(".".join(arguments))
    assert found == ORDER_ONLY


@pytest.mark.parametrize("path", sorted((ROOT / "ons_bigdata").glob("*/assets/**/*.py")), ids=lambda path: path.stem)
def test_only_modules_of_raw_assets_open_the_database(path: Path) -> None:
    """All others get their frames from `Inputs`."""
    relative = path.relative_to(ROOT).with_suffix("")
    if not _opens_the_database(path) or relative.as_posix() in UNCONVERTED:
        return
    module = __import__(".".join(relative.parts), fromlist=["ASSETS"])
    keys = [key.path[0] for asset in module.ASSETS for key in _keys(asset)]
    assert set(keys) <= {"landing", "raw", "lake"}


UNCONVERTED = {
    "ons_bigdata/prices/assets/indices/daily",
    "ons_bigdata/prices/assets/indices/recipes",
    "ons_bigdata/prices/assets/scope/impact",
}
"""Modules of assets that do not declare their inputs yet."""


def _keys(asset: dg.AssetsDefinition | dg.AssetSpec) -> Iterator[dg.AssetKey]:
    yield from asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key]


def _opens_the_database(path: Path) -> bool:
    imported = {
        f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return any("WarehouseResource" in name or "platform.postgres" in name for name in imported)


def _ancestors_of_marts(manifest: Manifest) -> set[str]:
    """Return the relations that marts are made of, through SQL and Python."""
    parents = {f"{model.schema}.{model.name}": relations_read(manifest, model) for model in models(manifest)}
    for spec in SPECS:
        parents[".".join(spec.key.path)] = {".".join(dep.asset_key.path) for dep in spec.deps}
    waiting = [name for name in parents if name.startswith("marts.")]
    ancestors: set[str] = set()
    while waiting:
        new = parents.get(waiting.pop(), set()) - ancestors
        ancestors |= new
        waiting.extend(new)
    return ancestors
