"""A delivery that is sent back changes nothing that is stored; a corrected one supersedes."""

from __future__ import annotations

import gzip
from pathlib import Path

import jinja2
import pytest

from ons_bigdata.phones.sources import COMMAND, FLOWS
from ons_bigdata.phones.sources import SOURCES as ALL_SOURCES
from ons_bigdata.phones.sources.specification_files import COLUMNS, REGISTER, register_specification
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.settings import Settings
from tests.phones.sources.delivered_lines import line, long_file
from tests.phones.specifications import CODES, SPEC, changed

SOURCES = [source for source in ALL_SOURCES if source.command == COMMAND]
A, B, C, _ = CODES
GOOD = long_file(line(A, B, "20"), line(A, C, "30"), line(A, "TOTAL", "50"))
ROWS = "select origin_code, dest_code, devices from raw.phone_flows order by line"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Folder of a dbt project whose register has the specification."""
    (tmp_path / REGISTER).parent.mkdir(parents=True)
    (tmp_path / REGISTER).write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    register_specification(tmp_path, "alpha", SPEC)
    return tmp_path


def deliver(landing: Landing, project: Path, content: bytes, name: str = "od_flows_alpha_2021-03.csv") -> str | None:
    """Ingest a file; return the reason of its refusal, if it was."""
    path = project / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    landed = list(land_files([path], landing, SOURCES, dbt_project_dir=project, max_file_bytes=10**6))
    load_waiting(landing, FLOWS, FLOWS.adapter(project).read)
    reasons = landing.warehouse.rows(
        "select reason from ops.loads where file_id = $1 and outcome = 'refused'", [landed[0].file.file_id]
    )
    return reasons[0][0] if reasons else None


def test_what_is_sent_back_leaves_the_stored_rows_as_they_are(landing: Landing, project: Path) -> None:
    assert deliver(landing, project, GOOD) is None
    stored = landing.warehouse.rows(ROWS)
    assert stored == [(A, B, 20.0), (A, C, 30.0), (A, "TOTAL", 50.0)]
    other = changed("home", min_share=0.5).spec_id
    refused = {
        "wrong codes": (long_file(line("E02009999", B, "20")), "not a code of MSOA11"),
        "mixed vintages": (long_file(line(A, B, "20"), line(A, C, "30", geography="MSOA21")), "expected MSOA11"),
        "negative flows": (long_file(line(A, B, "-20")), "expected a whole number"),
        "totals that disagree": (GOOD.replace(b",50,", b",500,"), "totals disagree"),
        "a changed specification": (long_file(line(A, B, "20", spec_id=other)), "not in the register"),
        "another month": (long_file(line(A, B, "20", period_start="2021-04-01")), "expected 2021-03-01"),
    }
    for what, (content, reason) in refused.items():
        assert reason in str(deliver(landing, project, content)), what
        assert landing.warehouse.rows(ROWS) == stored, what
    assert deliver(landing, project, GOOD, "od_flows_alpha_2021-06.csv") is not None
    assert landing.warehouse.rows(ROWS) == stored
    live = (
        "select name from ops.files join ops.loads using (file_id) where outcome = 'loaded' and superseded_by is null"
    )
    assert landing.warehouse.rows(live) == [("od_flows_alpha_2021-03.csv",)]


def test_a_delivery_that_came_before_its_specification_is_read_when_it_comes_again(
    landing: Landing, project: Path
) -> None:
    later = changed("home", min_share=0.5)
    early = long_file(line(A, B, "70", spec_id=later.spec_id))
    assert deliver(landing, project, GOOD) is None
    assert "ingest the file again" in str(deliver(landing, project, early))
    assert "not in the register" in str(deliver(landing, project, early))  # again, and still unknown
    assert landing.warehouse.rows(ROWS) == [(A, B, 20.0), (A, C, 30.0), (A, "TOTAL", 50.0)]
    register_specification(project, "alpha", later)
    assert deliver(landing, project, early) is None
    assert landing.warehouse.rows(ROWS) == [(A, B, 70.0)]
    assert deliver(landing, project, early) is None
    assert landing.warehouse.rows(ROWS) == [(A, B, 70.0)]


def test_a_refused_version_does_not_come_back_over_a_later_one(landing: Landing, project: Path) -> None:
    later = changed("home", min_share=0.5)
    early = long_file(line(A, B, "70", spec_id=later.spec_id))
    assert deliver(landing, project, early) is not None
    assert deliver(landing, project, GOOD) is None
    register_specification(project, "alpha", later)
    deliver(landing, project, early)
    assert landing.warehouse.rows(ROWS) == [(A, B, 20.0), (A, C, 30.0), (A, "TOTAL", 50.0)]


def test_new_bytes_of_the_same_name_supersede_and_the_same_bytes_change_nothing(
    landing: Landing, project: Path
) -> None:
    assert deliver(landing, project, GOOD) is None
    assert deliver(landing, project, GOOD) is None
    assert landing.warehouse.rows("select count(*) from raw.phone_flows") == [(3,)]
    assert deliver(landing, project, long_file(line(A, B, "25"))) is None
    assert landing.warehouse.rows(ROWS) == [(A, B, 25.0)]
    assert landing.warehouse.rows("select count(*) from ops.files where superseded_by is not null") == [(1,)]


def test_files_of_every_published_kind_are_stored(landing: Landing, project: Path) -> None:
    """Keys of partitions are lower case: a source whose rows have other keys would refuse its files."""
    header = "O,D,all,from_home,light_rail,train,bus,taxi,motorbike,car_driver,car_passenger,bicycle,foot,other"
    files = {
        "figures.csv": (
            "figure,provider,year,geography,area,category,value,standard_error,source\n"
            "payg_share,all,2020,lad,all,all,0.3,0.01,Regulator\n"
        ),
        "zones.csv": "code,name\nE06000001,Hartlepool\n",
        "census.csv": f"{header}\nE02000001,E02000002,3,0,0,0,0,0,0,3,0,0,0,0\n",
        "users_2021-11.csv": "MSOA21CD_home,county_home,MSOA21CD_work,county_work,count\nE02000001,A,E02000002,B,4\n",
        "gold.csv": "zone_id,population,timestamp\nz1,-1,2023-01-08T00:00:00\n",
        "trips.csv": (
            "fecha,periodo,origen,destino,distancia,actividad_origen,actividad_destino,estudio_origen_posible,"
            "estudio_destino_posible,residencia,renta,edad,sexo,viajes,viajes_km\n"
            "20230110,7,01001,01002,10-50,casa,frecuente,no,no,01,10-15,NA,NA,12.5,310.2\n"
        ),
        "zone_margins_alpha_2021-03.csv": (
            f"provider,spec_id,zone,segment,active_on,devices,penetration\nalpha,{SPEC.spec_id},{A},all,,120,0.2\n"
        ),
    }
    for name, text in files.items():
        path = project / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    list(land_files([project / "in"], landing, SOURCES, dbt_project_dir=project, max_file_bytes=10**6))
    for source in loadable(SOURCES):
        load_waiting(landing, source, source.adapter(project).read)
    outcomes = landing.warehouse.rows("select outcome, reason, accepted from ops.loads")
    assert outcomes == [("loaded", None, 1)] * len(files)


def test_a_file_that_comes_packed_and_unpacked_counts_once(landing: Landing, project: Path) -> None:
    """The version that landed last and was taken in counts; one that is sent back does not."""
    text = (Settings().dbt_project_dir / "macros" / "deliveries.sql").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=False).from_string(text)  # noqa: S701  (SQL)
    macros = template.make_module({"source": lambda schema, table: f"{schema}.{table}"})
    counted = (
        "select files.name from ops.files join ops.loads using (file_id)"
        f" where outcome = 'loaded' and {macros.is_delivered_last()} order by name"  # type: ignore[attr-defined]
    )
    name = "od_flows_alpha_2021-03.csv"
    assert deliver(landing, project, GOOD, name) is None
    assert deliver(landing, project, gzip.compress(GOOD.replace(b",50,", b",500,")), f"{name}.gz") is not None
    assert landing.warehouse.rows(counted) == [(name,)]
    assert deliver(landing, project, gzip.compress(GOOD), f"{name}.gz") is None
    assert landing.warehouse.rows(counted) == [(f"{name}.gz",)]
    assert deliver(landing, project, GOOD, "od_flows_alpha_2021-03_b.csv") is None
    assert len(landing.warehouse.rows(counted)) == 2
