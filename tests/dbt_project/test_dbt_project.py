"""The parsed dbt project: layers, descriptions, contracts of marts, windows, seeds and weights."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import GenericTestNode, ModelNode, SeedNode

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.dagster import dbt
from ons_bigdata.platform.errors import InputError

TESTS_OF_ALL_DAYS = {
    # a change of the seed makes no day stale
    ("int_prices__quote_counts", "combination_exists"),
    ("int_prices__quote_counts", "relationships"),
    # a product enters once, on whatever day
    ("int_prices__products_entered", "unique_combination"),
}
"""Tests of tables by day that read all of their rows, which are short."""
LAYERS = ("staging", "intermediate", "restricted", "marts", "published")
WEIGHTS_YEAR = "2016"
MOST_REPEATS = 4
"""Columns that may share a text without a doc block."""
MARTS = {
    *("price_collection_days", "price_indices", "price_quote_counts"),
    *("price_comparisons", "price_collection_costs", "price_item_coverage", "price_collection_frequencies"),
    *("price_source_agreement", "price_index_diagnostics", "price_index_movements"),
    *("price_quality_days", "price_quality_findings", "price_revisions"),
}


def test_every_model_is_in_the_folder_of_its_layer_and_has_a_yaml_file(manifest: Manifest) -> None:
    models = [node for node in manifest.nodes.values() if isinstance(node, ModelNode)]
    assert models
    for model in models:
        assert model.config.schema in LAYERS, model.name
        assert model.original_file_path.startswith(f"models/{model.config.schema}/"), model.name
        own = str(Path(model.original_file_path).with_suffix(".yml"))
        assert model.patch_path == f"ons_bigdata://{own}", model.name


def test_a_model_is_in_restricted_if_and_only_if_it_is_tagged_personal(manifest: Manifest) -> None:
    models = [node for node in manifest.nodes.values() if isinstance(node, ModelNode)]
    assert _untied(models) == []
    for schema, tags, is_untied in (
        ("restricted", ["personal", "whole"], False),
        ("restricted", ["whole"], True),
        ("marts", ["personal"], True),
        ("marts", ["whole"], False),
    ):
        node = SimpleNamespace(name="one", schema=schema, tags=tags)
        assert _untied([node]) == ["one"] * is_untied, (schema, tags)


def _untied(models: Sequence[ModelNode | SimpleNamespace]) -> list[str]:
    """Names of the models of which schema and tag say different things about single people."""
    return [model.name for model in models if (model.schema == "restricted") != ("personal" in model.tags)]


def test_every_seed_is_in_schema_seeds_and_has_a_yaml_file_and_types(manifest: Manifest) -> None:
    seeds = [node for node in manifest.nodes.values() if isinstance(node, SeedNode)]
    assert seeds
    for seed in seeds:
        assert seed.config.schema == "seeds", seed.name
        own = str(Path(seed.original_file_path).with_suffix(".yml"))
        assert seed.patch_path == f"ons_bigdata://{own}", seed.name
        assert set(seed.config.column_types) == set(seed.columns), seed.name


def test_every_table_and_column_is_described(manifest: Manifest) -> None:
    tables = [node for node in manifest.nodes.values() if isinstance(node, ModelNode | SeedNode)]
    for table in [*tables, *manifest.sources.values()]:
        assert table.description.startswith("One row per "), f"{table.name}: {table.description!r}"
        assert table.columns, table.name
        silent = [name for name, column in table.columns.items() if not column.description.strip()]
        assert not silent, f"{table.name}: columns without description {silent}"


def test_seed_columns_are_those_of_the_file(manifest: Manifest, project_dir: Path) -> None:
    for seed in (node for node in manifest.nodes.values() if isinstance(node, SeedNode)):
        with (project_dir / seed.original_file_path).open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == list(seed.columns), seed.name


def test_marts_have_contracts_and_types(manifest: Manifest) -> None:
    models = [node for node in manifest.nodes.values() if isinstance(node, ModelNode)]
    outputs = [node for node in models if {"marts", "published"} & set(node.fqn)]
    assert {mart.name for mart in outputs if "prices" in mart.fqn} == MARTS
    for mart in outputs:
        assert mart.contract.enforced, mart.name
        assert all(column.data_type for column in mart.columns.values()), mart.name


def test_sources_are_the_assets_of_their_tables(manifest: Manifest) -> None:
    for source in manifest.sources.values():
        assert source.config.meta["dagster"]["asset_key"] == [source.schema, source.name]


def test_days_missing_in_staging_do_not_block(manifest: Manifest) -> None:
    name = "int_prices__quote_counts_judged_listings_are_the_ledgers_accepted_rows"
    (test,) = [node for node in manifest.nodes.values() if node.name == name]
    assert test.config["severity"].lower() == "warn"


def test_tests_of_tables_by_day_read_days_that_no_run_has_passed(manifest: Manifest) -> None:
    by_day = {name for name, node in manifest.nodes.items() if node.config.materialized == "by_day"}
    generic = [node for node in manifest.nodes.values() if isinstance(node, GenericTestNode)]
    tests = [node for node in generic if node.attached_node in by_day]
    of_all_days = [node for node in tests if not _reads_unchecked_days(node)]
    assert len(tests) > len(of_all_days)
    assert {
        (manifest.nodes[node.attached_node].name, node.test_metadata.name) for node in of_all_days
    } == TESTS_OF_ALL_DAYS


def _reads_unchecked_days(test: GenericTestNode) -> bool:
    where = test.config.where or ""
    return "in_unchecked_days(" in where or "of_unchecked_days" in test.test_metadata.kwargs


def test_every_model_is_windowed_or_whole(manifest: Manifest) -> None:
    for node in manifest.nodes.values():
        if isinstance(node, ModelNode | SeedNode):
            assert len({"windowed_daily", "whole"} & set(node.tags)) == 1, node.name


def test_every_model_and_seed_is_in_a_known_area(manifest: Manifest) -> None:
    nodes = [node for node in manifest.nodes.values() if isinstance(node, ModelNode | SeedNode)]
    found = {dbt.pilot_and_area(node.to_dict()) for node in nodes}
    assert found <= {(pilot.name, area) for pilot in PILOTS for area in pilot.areas}
    assert {area for pilot, area in found if pilot == "prices"} == set(PILOTS[0].areas)


@pytest.mark.parametrize("path", ["models/marts/prices/x.sql", "models/x.sql", "x.sql", "seeds/prices/x.csv"])
def test_a_node_outside_the_folders_of_pilot_and_area_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=f"{re.escape(path)}: expected the folders models/"):
        dbt.pilot_and_area({"original_file_path": path})


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("{window_start: yesterday}", "var window_start: found 'yesterday', expected a date YYYY-MM-DD"),
        ("{window_end: '2016-13-01'}", "var window_end: found '2016-13-01', expected a date YYYY-MM-DD"),
        ('{window_start: "2016-08-01\' or true --"}', "expected a date YYYY-MM-DD"),
        ("{window_start: 2016-08-02, window_end: 2016-08-01}", "found 2016-08-02 after 2016-08-01"),
    ],
)
def test_a_window_other_than_two_dates_in_order_is_refused(offline_dbt: Any, window: str, message: str) -> None:
    refused = offline_dbt("parse", "--vars", window)
    assert not refused.success
    assert message in str(refused.exception)


def test_items_of_bread_weigh_39_parts(project_dir: Path) -> None:
    weights = {row["item_number"]: int(row["weight"]) for row in _seed(project_dir, "item_weights")}
    bread = ["210111", "210113", "210204", "210213", "210214", "210302"]
    assert [weights[item] for item in bread] == [6, 5, 1, 7, 12, 8]
    assert weights["212017"] == weights["212361"] == 0


def test_items_and_their_weights_name_the_same_items(project_dir: Path) -> None:
    items = {(row["item_number"], row["class_code"]) for row in _seed(project_dir, "items")}
    weighted = {(row["item_number"], row["class_code"]) for row in _seed(project_dir, "item_weights")}
    assert items == weighted
    assert len(items) == 35


def test_weights_are_the_published_fractions(project_dir: Path, shared_prices: Path) -> None:
    with (shared_prices / "item_weights_2012_2016.csv").open(encoding="utf-8", newline="") as file:
        published = {row["item_number"]: row for row in csv.DictReader(file)}
    items = _seed(project_dir, "items")
    within_class = _shares(_seed(project_dir, "item_weights"), "item_number", within="class_code")
    within_division = _shares(_seed(project_dir, "class_weights"), "class_code", within="division_code")
    assert set(published) == {item["item_number"] for item in items}
    for item in items:
        row = published[item["item_number"]]
        assert within_class[item["item_number"]] == pytest.approx(float(row["item_weight_2016"]), rel=0, abs=1e-12)
        class_weight = float(row["class_weight_2016"])
        if class_weight > 0:  # items without weight are given a class weight of 0 too
            assert within_division[item["class_code"]] == pytest.approx(class_weight, rel=0, abs=1e-12)
        else:
            assert within_class[item["item_number"]] == 0


def _seed(project_dir: Path, name: str) -> list[dict[str, str]]:
    with (project_dir / "seeds" / "prices" / "indices" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _shares(rows: list[dict[str, str]], key: str, *, within: str) -> dict[str, float]:
    totals: dict[str, int] = defaultdict(int)
    for row in rows:
        assert row["weights_year"] == WEIGHTS_YEAR, row
        totals[row[within]] += int(row["weight"])
    return {row[key]: int(row["weight"]) / totals[row[within]] for row in rows}


def test_no_node_of_a_pilot_reads_one_of_another(manifest: Manifest) -> None:
    """Builds of two pilots run at the same time, each under the lock of its pilot."""
    nodes = {name: node for name, node in manifest.nodes.items() if isinstance(node, ModelNode | SeedNode)}
    pilots = {name: dbt.pilot_and_area(node.to_dict())[0] for name, node in nodes.items()}
    read = {
        (pilots[name], pilots[other])
        for name, node in nodes.items()
        for other in node.depends_on_nodes
        if other in pilots
    }
    assert read == {(pilot.name, pilot.name) for pilot in PILOTS}


def test_texts_of_columns_that_repeat_are_doc_blocks(project_dir: Path) -> None:
    tables: dict[str, list[str]] = defaultdict(list)
    for path in sorted(project_dir.glob("*/**/*.yml")):
        described = yaml.safe_load(path.read_text("utf-8"))
        for table in [*described.get("models", []), *described.get("seeds", [])]:
            for column in table["columns"]:
                if "doc(" not in column["description"]:
                    tables[column["description"]].append(f"{table['name']}.{column['name']}")
    repeated = {text: columns for text, columns in tables.items() if len(columns) > MOST_REPEATS}
    assert repeated == {}, "write them once in models/prices_columns.md"
