"""Every Python asset of the pilot has group, owner, area and columns, and can be selected by its area."""

from __future__ import annotations

import dagster as dg
import pytest

from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.areas import AREAS
from ons_bigdata.prices.assets import ASSETS
from ons_bigdata.prices.schemas.tables import TABLES
from tests.command_line import ROOT

SPECS = {
    ".".join(spec.key.path): spec
    for asset in ASSETS
    for spec in (asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset])
}


@pytest.mark.parametrize("table", SPECS)
def test_every_asset_has_group_owner_area_and_described_columns(table: str) -> None:
    spec = SPECS[table]
    area = spec.tags["area"]
    assert area in AREAS
    assert (spec.group_name, spec.owners) == (f"prices_{area}", ["team:prices"])
    columns = spec.metadata["dagster/column_schema"].columns if table in TABLES else []
    assert [column.name for column in columns] == (TABLES[table].column_names() if table in TABLES else [])


def test_every_table_that_python_writes_is_an_asset() -> None:
    assert set(TABLES) <= set(SPECS)


def test_an_area_can_be_chosen() -> None:
    definitions = dg.Definitions(assets=ASSETS, resources={"warehouse": WarehouseResource()})
    chosen = runs.select(definitions, "tag:area=quality")
    assert [key.to_user_string() for key in chosen] == [
        "analysis/price_changes",
        "analysis/price_quality_report",
        "analysis/product_renames",
        "analysis/quote_outliers",
        "analysis/replaced_packs",
        "analysis/short_run_items",
        "analysis/shrinking_packs",
    ]


def test_the_areas_are_those_of_the_documentation() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = [f"| `{area}` | {holds} |" for area, holds in AREAS.items()]
    assert "\n".join(["| area | holds |", "|---|---|", *rows, ""]) in page
