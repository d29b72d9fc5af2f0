"""Processes of `up`: identified by their command line, independently of files in the state folder."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ons_bigdata.platform.dagster.serving import processes
from ons_bigdata.platform.errors import InputError
from ons_bigdata.settings import Settings


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    """Settings of a folder with the process records of an earlier version, cut short."""
    (tmp_path / "home" / "run").mkdir(parents=True)
    (tmp_path / "home" / "run" / "webserver.json").write_text('{"pid": 1, "star')
    (tmp_path / "home" / "run" / "daemon.json").write_text("")
    return Settings(home=tmp_path / "home")


@pytest.fixture
def webserver(installation: Settings, tmp_path: Path) -> Iterator[subprocess.Popen]:
    """Start a process with the command line of the installation's webserver, which only sleeps."""
    module = tmp_path / "fake" / "ons_bigdata" / "platform" / "dagster" / "serving" / "webserver.py"
    module.parent.mkdir(parents=True)
    module.write_text("import time; time.sleep(600)")
    words = [*processes._command(installation, processes.WEBSERVER), "--host", "::1", "--port", "3000", "--read-only"]
    process = subprocess.Popen([sys.executable, *words], cwd=tmp_path / "fake")
    yield process
    process.kill()
    process.wait()


def test_cut_records_of_an_earlier_version_are_ignored(installation: Settings) -> None:
    assert processes.find(installation, processes.WEBSERVER) is None
    assert processes.down(installation) == []


def test_a_process_is_found_by_its_state_folder_and_stopped(
    installation: Settings, webserver: subprocess.Popen, tmp_path: Path
) -> None:
    other = Settings(home=tmp_path / "other")
    deadline = time.monotonic() + 20
    while processes.find(installation, processes.WEBSERVER) is None and time.monotonic() < deadline:
        time.sleep(0.05)  # between fork and exec the process has our command line
    expected = processes.Running(processes.WEBSERVER, webserver.pid, "http://[::1]:3000 (read-only)")
    assert processes.find(installation, processes.WEBSERVER) == expected
    assert processes.find(other, processes.WEBSERVER) is None
    with pytest.raises(InputError, match=r"runs already, at http://\[::1\]:3000"):
        processes.up(installation, host="127.0.0.1", port=3001, has_proxy=False, read_only=False)
    assert processes.down(other) == []
    assert processes.down(installation) == [processes.WEBSERVER]
    webserver.wait(timeout=10)  # it has ended; a process that this one started is listed until it is waited for
    assert processes.find(installation, processes.WEBSERVER) is None


def test_hosts_that_cannot_be_listened_on_are_refused(installation: Settings) -> None:
    with pytest.raises(InputError, match=r"port 3000 of nowhere\.invalid cannot be used"):
        processes.require_free("nowhere.invalid", 3000)
    with pytest.raises(InputError, match="has no sign-on"):
        processes.up(installation, host="10.0.0.5", port=3000, has_proxy=False, read_only=False)
