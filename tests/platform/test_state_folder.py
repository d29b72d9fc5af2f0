"""Rights of the state folder, whatever the umask and whatever an earlier version left."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ons_bigdata.platform import state_folder
from ons_bigdata.platform.errors import InputError
from ons_bigdata.settings import Settings

FOLDERS = sorted(state_folder.FOLDERS)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_folders_are_for_their_owner(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "a" / "home"
    state_folder.prepare_state_folder(home)
    assert mode(home) == 0o700
    assert {path.name: mode(path) for path in home.iterdir()} == dict.fromkeys(FOLDERS, 0o700)


def test_folders_of_an_earlier_version_are_closed_and_a_shared_home_is_left_alone(tmp_path: Path) -> None:
    shared, empty = tmp_path / "shared", tmp_path / "empty"
    for folder in (shared, shared / "landing", shared / "mine", empty):
        folder.mkdir()
        folder.chmod(0o755)
    for home in (shared, empty):
        state_folder.prepare_state_folder(home)
    assert (mode(shared), mode(shared / "landing"), mode(shared / "mine"), mode(empty)) == (0o755, 0o700, 0o755, 0o700)


def test_folder_names_are_those_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    named = {settings.landing_dir, settings.dagster_home, settings.dbt_dir}
    assert {path.name for path in named} <= set(state_folder.FOLDERS)


def test_files_are_for_their_owner(tmp_path: Path, umask: int) -> None:
    written, touched = tmp_path / "written", tmp_path / "touched"
    state_folder.write_private_file(written, "a")
    touched.write_text("kept")
    touched.chmod(0o644)
    state_folder.touch_private_file(touched)
    assert (mode(written), mode(touched), touched.read_text()) == (0o600, 0o600, "kept")
    written.chmod(0o644)
    state_folder.write_private_file(written, "a")
    assert mode(written) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["touched", "written"]


def test_the_umask_of_the_user_holds_for_what_goes_to_the_user(tmp_path: Path, umask: int) -> None:
    with state_folder.private_umask():
        (tmp_path / "own").touch()
        with state_folder.umask_of_user():
            (tmp_path / "for_user").touch()
    assert (mode(tmp_path / "own"), mode(tmp_path / "for_user")) == (0o600, 0o666 & ~umask)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with pytest.raises(InputError, match=r"state folder .*/home cannot be used \(.*ONS_BIGDATA_HOME"):
        state_folder.prepare_state_folder(tmp_path / "home")
