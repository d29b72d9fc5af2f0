"""Relations that Python assets read over the demo, recorded at run time; part of `test_demo`, whose demo it uses."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.inputs import RELATIONS_READ
from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.assets import ASSETS
from tests.command_line import CommandLine


def test_each_python_asset_reads_the_relations_that_are_its_deps(demo: tuple[CommandLine, str]) -> None:
    specs = [spec for asset in ASSETS if isinstance(asset, dg.AssetsDefinition) for spec in asset.specs]
    deps = {
        spec.key: sorted(".".join(dep.asset_key.path) for dep in spec.deps)
        for spec in specs
        if spec.key.path[0] == "analysis"
    }
    assert len(deps) >= 16
    settings = demo[0].settings()
    with open_instance(settings, open_warehouse(settings).address) as instance:
        read = {key: relations_read(instance, key) for key in deps}
    assert read == deps


def relations_read(instance: dg.DagsterInstance, key: dg.AssetKey) -> object:
    """Return the relations that the latest run of an asset read; None where it has no record."""
    event = instance.get_latest_materialization_event(key)
    materialization = None if event is None else event.asset_materialization
    return None if materialization is None else materialization.metadata[RELATIONS_READ].value
