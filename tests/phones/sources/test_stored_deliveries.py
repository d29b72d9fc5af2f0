"""A delivery that is sent back changes nothing that is stored; a corrected one supersedes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ons_bigdata.phones.sources import FLOWS, SOURCES
from ons_bigdata.phones.sources.specification_files import COLUMNS, REGISTER, register_specification
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from tests.phones.sources.delivered_lines import line, long_file
from tests.phones.specifications import CODES, SPEC, changed

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


def test_new_bytes_of_the_same_name_supersede_and_the_same_bytes_change_nothing(
    landing: Landing, project: Path
) -> None:
    assert deliver(landing, project, GOOD) is None
    assert deliver(landing, project, GOOD) is None
    assert landing.warehouse.rows("select count(*) from raw.phone_flows") == [(3,)]
    assert deliver(landing, project, long_file(line(A, B, "25"))) is None
    assert landing.warehouse.rows(ROWS) == [(A, B, 25.0)]
    assert landing.warehouse.rows("select count(*) from ops.files where superseded_by is not null") == [(1,)]
