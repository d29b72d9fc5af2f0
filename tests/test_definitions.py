"""What Dagster loads: the raw assets alone are those of the whole."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg

from ons_bigdata import definitions
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.assets import ASSETS
from ons_bigdata.prices.checks import CHECKS


def test_the_raw_assets_alone_have_the_checks_that_they_have_in_the_whole() -> None:
    resources = {"warehouse": WarehouseResource()}
    whole = dg.Definitions(ASSETS, asset_checks=CHECKS, resources=resources).resolve_asset_graph()
    raw = definitions.raw_defs().resolve_asset_graph()
    wanted = {key for key in whole.materializable_asset_keys if key.path[0] == "raw"}
    assert len(wanted) >= 8
    assert wanted == raw.materializable_asset_keys
    assert {key for key in whole.asset_check_keys if key.asset_key in wanted} == raw.asset_check_keys


def test_an_ingest_does_not_read_the_sql_project() -> None:
    words = "import sys; from ons_bigdata.definitions import raw_defs; raw_defs(); print('dbt' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"
