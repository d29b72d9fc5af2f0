"""Specification files and their register."""

from __future__ import annotations

from pathlib import Path

import pytest

from ons_bigdata.phones.sources.specification_files import (
    COLUMNS,
    REGISTER,
    parse_specification,
    read_register,
    read_specification,
    register_specification,
    write_specification,
)
from ons_bigdata.platform.errors import InputError
from tests.command_line import ROOT
from tests.phones.specifications import SPEC


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Folder of a dbt project with an empty register."""
    (tmp_path / REGISTER).parent.mkdir(parents=True)
    (tmp_path / REGISTER).write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    return tmp_path


def test_a_written_file_reads_as_the_same_specification(tmp_path: Path) -> None:
    write_specification(tmp_path / "spec.yaml", SPEC)
    assert read_specification(tmp_path / "spec.yaml") == SPEC


def test_a_fault_names_file_key_and_value(tmp_path: Path) -> None:
    write_specification(tmp_path / "spec.yaml", SPEC)
    text = (tmp_path / "spec.yaml").read_text("utf-8").replace("min_share: 0.4\n", "min_share: 4\n", 1)
    (tmp_path / "spec.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"spec\.yaml: home\.min_share: .*less than or equal to 1 \(found 4\)"):
        read_specification(tmp_path / "spec.yaml")


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [", "{" * 200, "a: 2021-13-45"], ids=["empty", "list", "cut", "deep", "date"]
)
def test_a_text_that_is_no_specification_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="specification here: "):
        parse_specification(text, where="here")


def test_the_register_of_the_project_is_whole() -> None:
    for spec_id, registered in read_register(ROOT / "dbt_project").items():
        assert registered.specification.spec_id == spec_id


def test_a_registered_specification_is_known_once(project: Path) -> None:
    assert register_specification(project, "alpha", SPEC)
    assert not register_specification(project, "alpha", SPEC)
    register = read_register(project)
    assert {spec_id: one.provider for spec_id, one in register.items()} == {SPEC.spec_id: "alpha"}
    with pytest.raises(InputError, match="is that of alpha; found beta"):
        register_specification(project, "beta", SPEC)
    with pytest.raises(InputError, match="provider 'A B'"):
        register_specification(project, "A B", SPEC)


def test_a_document_that_was_changed_in_the_register_is_refused(project: Path) -> None:
    register_specification(project, "alpha", SPEC)
    path = project / REGISTER
    path.write_text(path.read_text("utf-8").replace('""min_nights"":4', '""min_nights"":5'), "utf-8")
    with pytest.raises(InputError, match="changed after it was agreed"):
        read_register(project)
