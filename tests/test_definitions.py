"""Definitions that Dagster loads: those of all pilots, and the raw assets alone."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest

from ons_bigdata import definitions
from ons_bigdata.commands import materialize
from ons_bigdata.pilots import PILOTS, Pilot, tables
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.assets import PERSONAL
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.dagster.runs.jobs import job_name, job_of
from ons_bigdata.platform.ingest.sources import bulk_sources, with_tables

RESOURCES = {"warehouse": WarehouseResource()}


@pytest.mark.parametrize("pilot", PILOTS, ids=lambda pilot: pilot.name)
def test_a_pilot_has_every_room(pilot: Pilot) -> None:
    assert pilot.assets and pilot.checks and pilot.schedules and pilot.tables and pilot.areas
    assert len({calendar.cadence for calendar in pilot.calendars}) == len(pilot.calendars) > 0
    assert callable(pilot.demo.deliver) and callable(pilot.demo.summarise)
    specs = [spec for asset in pilot.assets for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)]
    assert {spec.group_name for spec in specs} == set(pilot.groups)
    assert pilot.tables.items() <= tables().items()


@pytest.mark.parametrize("pilot", PILOTS, ids=lambda pilot: pilot.name)
def test_late_files_of_every_source_have_a_sensor(pilot: Pilot) -> None:
    jobs = {job_name(pilot.name, source.calendar) for source in with_tables(pilot.sources)}
    assert jobs
    assert {f"{job}_late_deliveries" for job in jobs} <= {sensor.name for sensor in pilot.sensors}


def test_an_asset_is_tagged_personal_if_and_only_if_its_rows_are_about_single_people() -> None:
    specs = [
        spec
        for pilot in PILOTS
        for asset in pilot.assets
        for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)
    ]
    personal = {
        tuple(source.table_name.split("."))
        for pilot in PILOTS
        for source in bulk_sources(pilot.sources)
        if source.is_personal
    }
    assert personal
    for spec in specs:
        of_readings = {tuple(dep.asset_key.path) for dep in spec.deps} & personal
        is_derived = spec.key.path[0] == "lake" and bool(of_readings)
        is_personal = spec.key.path[0] == "restricted" or tuple(spec.key.path) in personal or is_derived
        assert (PERSONAL in spec.tags) == is_personal, spec.key


def test_the_raw_assets_alone_have_the_checks_that_they_have_in_the_whole() -> None:
    assets = [asset for pilot in PILOTS for asset in pilot.assets]
    checks = [check for pilot in PILOTS for check in pilot.checks]
    whole = dg.Definitions(assets, asset_checks=checks, resources=RESOURCES).resolve_asset_graph()
    raw = definitions.raw_definitions_of(PILOTS).resolve_asset_graph()
    specs = [spec for asset in assets if isinstance(asset, dg.AssetsDefinition) for spec in asset.specs]
    derived = {
        spec.key
        for spec in specs
        if spec.key.path[0] == "lake" and any(dep.asset_key.path[0] == "lake" for dep in spec.deps)
    }
    names = ("assessed_readings", "device_movements", "device_presence")
    assert derived == {dg.AssetKey(["lake", name]) for name in names}
    wanted = {key for key in whole.materializable_asset_keys if key.path[0] in {"raw", "lake"}} - derived
    assert len(wanted) >= 8
    assert wanted == raw.materializable_asset_keys
    assert {key for key in whole.asset_check_keys if key.asset_key in wanted} == raw.asset_check_keys


def test_raw_assets_of_a_pilot_alone_run_under_the_job_that_they_have_in_the_whole() -> None:
    whole = definitions.raw_definitions_of(PILOTS)
    found = set()
    for pilot in PILOTS:
        alone = definitions.raw_definitions_of([pilot])
        for key in alone.resolve_asset_graph().materializable_asset_keys:
            assert job_of(alone, [key]).name == job_of(whole, [key]).name
            found.add(key)
    assert found == whole.resolve_asset_graph().materializable_asset_keys


@pytest.mark.parametrize("pilot", PILOTS, ids=lambda pilot: pilot.name)
def test_a_pilot_alone_has_the_assets_and_the_job_that_it_has_in_the_whole(pilot: Pilot) -> None:
    """A selection of groups of a pilot loads its definitions alone: no asset of it reads or is read by another's."""
    whole = runs.load_definitions()
    selection = " or ".join(f'group:"{group}"' for group in pilot.groups)
    alone, keys = materialize._selected(selection)
    assert keys == runs.select(whole, selection)
    graph, of_whole = alone.resolve_asset_graph(), whole.resolve_asset_graph()
    assert {key.asset_key for key in graph.asset_check_keys} < {key.asset_key for key in of_whole.asset_check_keys}
    for key in keys:
        assert graph.get(key).parent_keys == of_whole.get(key).parent_keys
        assert {*graph.get(key).child_keys} == {*of_whole.get(key).child_keys}
        assert graph.get(key).check_keys == of_whole.get(key).check_keys
        assert job_of(alone, [key]).name == job_of(whole, [key]).name


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        ("from ons_bigdata.definitions import PILOTS, raw_definitions_of; raw_definitions_of(PILOTS)", "dbt"),
        ("from ons_bigdata.pilots import tables; tables()", "dagster"),
        ("import ons_bigdata.cli", "dagster"),
        ("from ons_bigdata.pilots import PILOTS; PILOTS[0].assets, PILOTS[0].checks", "numba"),
    ],
)
def test_what_is_not_needed_is_not_loaded(words: str, absent: str) -> None:
    program = f"import sys; {words}; print({absent!r} in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"


def test_the_module_of_definitions_is_short() -> None:
    assert len(definitions.__loader__.get_source(definitions.__name__).splitlines()) < 80  # type: ignore[union-attr]
