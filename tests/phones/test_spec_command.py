"""`phones spec`: the annex, the check of a delivery, the register."""

from __future__ import annotations

from pathlib import Path

import pytest

from ons_bigdata.commands.phones import read_spec
from ons_bigdata.phones.sources.specification_files import COLUMNS, REGISTER, read_register, write_specification
from ons_bigdata.platform.errors import InputError
from ons_bigdata.settings import Settings
from tests.phones.sources.delivered_lines import line, long_file
from tests.phones.specifications import CODES, SPEC


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """Settings with a dbt project whose register is empty."""
    (tmp_path / REGISTER).parent.mkdir(parents=True)
    (tmp_path / REGISTER).write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    write_specification(tmp_path / "spec.yaml", SPEC)
    return Settings(home=tmp_path / "home", dbt_project_dir=tmp_path)


def test_a_delivery_is_checked_before_it_is_ingested(project: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "od_flows_alpha_2021-03.csv").write_bytes(long_file(line(CODES[0], CODES[1], "20")))
    good = read_spec(tmp_path / "spec.yaml", project, delivery=[folder])
    assert [(file.rows, file.reason) for file in good.checked] == [(1, None)]
    assert not good.is_refused
    (folder / "od_flows_alpha_2021-04.csv").write_bytes(long_file(line(CODES[0], CODES[1], "20")))
    wrong = read_spec(tmp_path / "spec.yaml", project, delivery=[folder])
    assert wrong.is_refused
    assert "period_start '2021-03-01', expected 2021-04-01" in str(wrong.checked[1].reason)
    assert wrong.to_dict()["spec_id"] == SPEC.spec_id


def test_a_specification_is_registered_for_a_provider(project: Settings, tmp_path: Path) -> None:
    assert read_spec(tmp_path / "spec.yaml", project, provider="alpha").registered is True
    assert read_spec(tmp_path / "spec.yaml", project, provider="alpha").registered is False
    assert list(read_register(tmp_path)) == [SPEC.spec_id]


def test_a_file_of_no_table_is_an_error(project: Settings, tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_text("a\n")
    with pytest.raises(InputError, match=r"flows\.csv: expected <table>_<provider>_<YYYY-MM>"):
        read_spec(tmp_path / "spec.yaml", project, delivery=[tmp_path / "flows.csv"])
