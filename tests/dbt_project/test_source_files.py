"""Files that scripts/source_files.py writes for a new source: its table, staging model and description."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import dataframely as dy
import pytest
import yaml

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import LandingFolder, RawTable, Source
from ons_bigdata.platform.postgres.warehouse import Warehouse

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"


class Reading(dy.Schema):
    """One row per reading of a gauge (`raw.gauge_readings`)."""

    load_id = dy.String(regex="^[0-9a-f]{16}$", description="load of the file")
    line = dy.Int32(min=2, description="line of the file")
    read_on = dy.Date(description="day of the reading; the partition")
    gauge = dy.String(regex="^[a-z']+$", description="gauge id")
    rain_mm = dy.Float64(nullable=True, min=0.0, description="rainfall in mm; null where the gauge was closed")
    drift = dy.Float64(description="drift of the gauge")
    is_heated = dy.Bool(description="whether the gauge is heated")


class Undated(dy.Schema):
    """One row per thing."""

    thing = dy.String(description="thing")


class Timed(dy.Schema):
    """One row per duration."""

    load_id = dy.String(description="load of the file")
    line = dy.Int32(description="line of the file")
    lasted = dy.Duration(description="duration")


@pytest.fixture(scope="module")
def source_files() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("source_files", SCRIPTS / "source_files.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


def source_of(frame: type[dy.Schema], table: str = "raw.gauge_readings") -> Source:
    return Source(
        command="gauge-readings",
        reader=Reader("gauge_readings", "gauge_csv", "1"),
        area="rain",
        adapter=lambda _folder: pytest.fail("not read"),
        table=RawTable(table, frame, "One row per reading of a gauge.", "read_on"),
        landing=LandingFolder("gauge_readings", "Files of gauges."),
    )


def test_no_source_lacks_a_file(source_files: ModuleType) -> None:
    missing = [str(path) for pilot in PILOTS for path in source_files.files_of(pilot)]
    assert missing == [], "run scripts/source_files.py"


def test_the_table_has_the_bounds_of_the_frame(source_files: ModuleType, warehouse: Warehouse) -> None:
    sql = source_files.migration(source_of(Reading))
    assert sql.splitlines()[2:11] == [
        "create table raw.gauge_readings (",
        "    load_id text not null references ops.loads (load_id),",
        "    line integer not null check (line >= 2),",
        "    read_on date not null,",
        "    gauge text not null check (gauge ~ '^[a-z'']+$'),",
        "    rain_mm double precision check (rain_mm >= 0 and rain_mm < 'Infinity'),",
        "    drift double precision not null check (drift > '-Infinity' and drift < 'Infinity'),",
        "    is_heated boolean not null,",
        "    primary key (load_id, line)",
    ]
    with warehouse.transaction() as transaction:
        for statement in filter(str.strip, sql.split(";")):
            transaction.execute(statement)
    columns = warehouse.rows(
        "select column_name from information_schema.columns"
        " where table_name = 'gauge_readings' order by ordinal_position"
    )
    assert [name for (name,) in columns] == Reading.column_names()


def test_the_staging_model_describes_every_column(source_files: ModuleType) -> None:
    source = source_of(Reading)
    sql = source_files.staging_model(source)
    (model,) = yaml.safe_load(source_files.staging_description(source, "stg_rain__gauge_readings", "rain"))["models"]
    assert model["description"] == "One row per reading of a gauge, in the current files."
    described = [column["name"] for column in model["columns"]]
    selected = [line.strip(" ,").split(".")[1] for line in sql.split("from")[0].splitlines() if "." in line]
    assert described == selected
    assert described[-2:] == ["load_id", "line"]
    assert model["columns"][3]["description"] == "Rainfall in mm; null where the gauge was closed."


def test_a_frame_without_the_key_of_loads_is_refused(source_files: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"Undated has no column load_id"):
        source_files.migration(source_of(Undated))


def test_a_type_that_no_raw_table_has_is_refused(source_files: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"column lasted is Duration; expected one of Bool, Date"):
        source_files.migration(source_of(Timed))
