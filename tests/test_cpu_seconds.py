"""The summary of CPU seconds at the end of a test run."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests import cpu_seconds
from tests.cpu_seconds import Measured, spent, summary, watch

ROOT = Path(__file__).resolve().parent.parent

BURN = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end:\n    pass\n"
IDLE = "def test_idle():\n    pass\n"


def test_folders_hold_those_below_them_and_the_rest_is_the_start() -> None:
    files = {
        "tests/prices/methods/index/test_a.py": 1.0,
        "tests/prices/methods/test_b.py": 2.0,
        "tests/prices/assets/test_c.py": 4.0,
        "tests/test_cli.py": 8.0,
    }
    assert list(summary(files, total=20.0)) == [
        "      8.0  tests",
        "      7.0  tests/prices",
        "      4.0    tests/prices/assets",
        "      3.0    tests/prices/methods",
        "      5.0  start, collection and what is outside of tests",
        "     20.0  all",
    ]


def test_what_a_watched_process_spent_stays_spent_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_seconds, "_measured", Measured())
    monkeypatch.setattr(cpu_seconds, "_tree_seconds", {os.getpid(): 1.0, 7: 5.0}.get)
    watch(7)
    assert spent() == 6.0
    monkeypatch.setattr(cpu_seconds, "_tree_seconds", {os.getpid(): 2.0, 7: 0.0}.get)
    assert spent() == 7.0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_ends_with_the_seconds_of_each_folder_and_of_its_processes(tmp_path: Path, workers: int) -> None:
    """A test that computes, one of which a process does, and one that does nothing, with and without workers."""
    tests = {
        "computes": "def test_computes():\n" + "".join(f"    {line}\n" for line in BURN.splitlines()),
        "starts": f"import subprocess, sys\ndef test_starts():\n    subprocess.run([sys.executable, '-c', {BURN!r}])\n",
        "idles": IDLE,
    }
    for folder, text in tests.items():
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / f"test_{folder}.py").write_text(text)
    (tmp_path / "conftest.py").write_text("from tests_of_project import *\n")
    (tmp_path / "tests_of_project.py").write_text((ROOT / "tests" / "cpu_seconds.py").read_text())
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    before = usage.ru_utime + usage.ru_stime
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers), "--import-mode=importlib"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    printed = run.stdout.partition("CPU seconds by folder")[2]
    found = {name: float(number) for number, name in re.findall(r"(?m)^ +([0-9.]+)  (\S+)", printed)}
    assert {"tests/computes", "tests/idles", "tests/starts", "all"} <= set(found)
    assert min(found["tests/computes"], found["tests/starts"]) >= 0.3
    assert found["tests/idles"] < 0.3
    assert found["all"] > found["tests/computes"] + found["tests/starts"]
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found["all"] <= spent.ru_utime + spent.ru_stime - before + 0.1  # nothing is counted twice
