"""Tests of scripts/dev.py: lock files, stamp of the environment, search for a Python and for programs.

Nothing is installed here; a build server that runs these tests was just set up by the same code.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")


def load_dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev", ROOT / "scripts" / "dev.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dev = load_dev()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def blocks(lock: str) -> dict[str, str]:
    """Lines of each requirement of a lock file by its pin, the text before the first hash."""
    text = "\n".join(line for line in lock.splitlines() if not line.startswith("#"))
    found = re.split(r"\n(?=\S)", text.strip())
    return {block.split(" \\")[0]: block for block in found}


def executable(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


# Lock files


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_hold_no_address(name: str):
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_a_version_and_a_hash(name: str):
    found = blocks((ROOT / name).read_text())
    assert len(found) > 100
    line = re.compile(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+( ; .+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [pin for pin, block in found.items() if not line.fullmatch(block)] == []


def test_the_dev_lock_contains_the_run_lock():
    run, with_dev = (set(blocks((ROOT / name).read_text())) for name in LOCKS)
    assert run - with_dev == set()
    assert {"pytest", "ruff", "mypy"} <= {pin.split("==")[0] for pin in with_dev - run}


def test_lock_files_contain_all_declared_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["setup"]]
    expected = {LOCKS[0]: declared, LOCKS[1]: declared + project["project"]["optional-dependencies"]["dev"]}
    for name, requirements in expected.items():
        locked = {normal(pin.split("==")[0]) for pin in set(blocks((ROOT / name).read_text()))}
        assert {normal(re.split(r"[<>=~\[; ]", text)[0]) for text in requirements} - locked == set(), name


def test_dbt_core_is_older_than_the_version_whose_parser_downloads():
    version = re.search(r"^dbt-core==(\d+)\.(\d+)", (ROOT / LOCKS[0]).read_text(), re.MULTILINE)
    assert version is not None
    assert (int(version[1]), int(version[2])) < (1, 12)


def test_every_imported_library_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {normal(re.split(r"[<>=~\[; ]", text)[0]) for text in project["dependencies"]}
    known = packages_distributions()
    missing = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / "ons_bigdata").rglob("*.py")
        for name in imported_roots(file.read_text(encoding="utf-8"))
        if not {normal(distribution) for distribution in known.get(name, [name])} & declared
    }
    assert missing == set()


def imported_roots(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    roots = {name.split(".", maxsplit=1)[0] for name in names}
    return roots - set(sys.stdlib_module_names) - {"ons_bigdata"}


# Content that no tracked file may have

FOLDERS_OF_ONE_MACHINE = r"(?<![\w.}])/(work|root|home|Users|opt|tmp)/[\w.]{2}"
INDEX_OPTIONS = r"--(extra-)?index-url|--find[-]links|--trusted[-]host|\[\[?tool\.uv\.index"
FORBIDDEN = re.compile(f"{FOLDERS_OF_ONE_MACHINE}|{INDEX_OPTIONS}")


# In two parts each, so that this file does not match its own pattern.
SAMPLES = [
    *("run /" + "home/ann/x", "'/" + "root/.cache'", "a\n/" + "work/xy", "[[tool.uv" + ".index]]"),
    *("--index" + "-url x", "--extra-index" + "-url=x", "--find" + "-links wheels"),
]


@pytest.mark.parametrize("text", SAMPLES)
def test_paths_of_one_machine_and_indexes_match(text: str):
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize(
    "text", ["/usr/lib/postgresql", "landing/home/x", "--no-emit-index-url", "../shared", "a/root/bc", "/srv/a b/pg"]
)
def test_paths_of_every_machine_do_not_match(text: str):
    assert not FORBIDDEN.search(text)


def test_no_tracked_file_matches():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so no file is tracked")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in files
        if file.is_file()
        for match in FORBIDDEN.finditer(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


# The stamp


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", *LOCKS):
        (tmp_path / name).write_text(f"{name} before")
    (tmp_path / ".venv").mkdir()
    for level in ("run", "dev"):
        (tmp_path / ".venv" / f"{level}.stamp").write_text(dev.stamp(tmp_path, level))
    return tmp_path


def test_an_unchanged_environment_is_current(project: Path):
    assert dev.is_current(project, "run") and dev.is_current(project, "dev")


@pytest.mark.parametrize(
    ("changed", "run_is_current", "dev_is_current"),
    [
        ("pyproject.toml", False, False),
        ("requirements.lock", False, False),
        ("requirements-dev.lock", True, False),
    ],
)
def test_a_changed_file_outdates_the_levels_that_depend_on_it(
    project: Path, changed: str, run_is_current: bool, dev_is_current: bool
):
    (project / changed).write_text("changed")
    assert (dev.is_current(project, "run"), dev.is_current(project, "dev")) == (run_is_current, dev_is_current)


def test_a_moved_or_missing_environment_is_not_current(project: Path, tmp_path: Path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("pyproject.toml", *LOCKS, ".venv"):
        (project / name).rename(moved / name)
    assert not dev.is_current(moved, "run")
    (moved / ".venv" / "run.stamp").unlink()
    assert not dev.is_current(moved, "run")


def test_a_failed_set_up_is_not_current(project: Path, monkeypatch: pytest.MonkeyPatch):
    (project / "requirements.lock").write_text("numpy==2.0.0\n")
    monkeypatch.setattr(dev, "ROOT", project)
    monkeypatch.setattr(dev, "VENV", project / ".venv")
    monkeypatch.setattr(dev, "BIN", project / ".venv" / "bin")
    monkeypatch.setattr(dev, "create_environment", lambda _: None)
    with pytest.raises(dev.SetUpError, match=r"requirements\.lock has no uv"):
        dev.set_up("dev", dict(os.environ))
    assert not dev.is_current(project, "run") and not dev.is_current(project, "dev")


# A package of a lock file

LOCK = "a==1 \\\n    --hash=sha256:aa\nuv==0.13.8 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\nuvloop==1\n"


def test_the_lines_of_a_package_are_extracted():
    assert dev.requirement(LOCK, "uv") == "uv==0.13.8 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    assert dev.requirement(LOCK, "uvloop") == "uvloop==1\n"


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.lists(st.from_regex(r"[0-9a-f]{2}", fullmatch=True))
    )
)
def test_the_lines_of_all_packages_make_up_the_lock_file(packages: dict[str, list[str]]):
    lines = {
        name: f"{name}==1" + "".join(f" \\\n    --hash=sha256:{digits}" for digits in hashes) + "\n"
        for name, hashes in packages.items()
    }
    lock = "".join(lines.values())
    assert {name: dev.requirement(lock, name) for name in packages} == lines


# Search for a Python


def fake_python(folder: Path, name: str, version: str, complete: int = 1) -> Path:
    return executable(folder, name, f"echo {version.replace('.', ' ')} {complete} {folder}/real-{name}")


def path_of(*folders: Path) -> str:
    return os.pathsep.join(str(folder) for folder in folders)


def test_a_python_that_does_not_run_is_skipped(tmp_path: Path):
    shims, system = tmp_path / "shims", tmp_path / "system"
    executable(shims, "python3.11", "echo 'python3.11: command not found' >&2; exit 127")
    fake_python(system, "python3.11", "3.11")
    assert dev.find_python(path_of(shims, system), {}) == f"{system}/real-python3.11"


def test_3_11_is_preferred_and_its_version_is_checked(tmp_path: Path):
    fake_python(tmp_path, "python3", "3.13")
    fake_python(tmp_path, "python3.12", "3.12")
    assert dev.find_python(str(tmp_path), {}) == f"{tmp_path}/real-python3.12"
    fake_python(tmp_path, "python3.11", "3.10")
    assert dev.find_python(str(tmp_path), {}) == f"{tmp_path}/real-python3.12"
    fake_python(tmp_path, "python3.11", "3.11")
    assert dev.find_python(str(tmp_path), {}) == f"{tmp_path}/real-python3.11"


def test_the_error_lists_each_refused_python_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    executable(tmp_path, "python3.11", "exit 1")
    fake_python(tmp_path, "python3.12", "3.12", complete=0)
    fake_python(tmp_path, "python3.13", "3.14")
    monkeypatch.setattr(dev.sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(dev.SetUpError) as error:
        dev.find_python(str(tmp_path), {})
    message = str(error.value)
    assert "3.11, 3.12, 3.13" in message
    assert f"{tmp_path}/python3.11 does not run" in message
    assert f"{tmp_path}/python3.13 is Python 3.14" in message
    assert "python3.12 cannot create a venv" in message and "python3-venv" in message


def test_the_python_of_this_test_is_usable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dev, "PYTHONS", ())
    assert Path(dev.find_python("", dict(os.environ))).exists()


# Commands and their environment


def test_the_environment_has_no_telemetry_and_no_other_python():
    variables = dev.environment({"PYTHONPATH": "x", "VIRTUAL_ENV": "y", "DO_NOT_TRACK": "0", "KEPT": "z"})
    assert variables == {
        "KEPT": "z",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(dev, "BIN", tmp_path)
    executable(tmp_path, "good", 'echo good $1 >> ../done; read line; echo "$line" >> ../done')
    executable(tmp_path, "bad", "exit 4")
    executable(tmp_path, "killed", "kill -9 $$")
    monkeypatch.setattr(dev, "ROOT", tmp_path / "inside")
    (tmp_path / "inside").mkdir()
    return tmp_path


def test_steps_stop_at_the_first_failure_with_its_exit_code(tools: Path, capfd: pytest.CaptureFixture[str]):
    assert dev.run_steps([("good", "1"), ("bad",), ("good", "2")], {}) == 4
    assert (tools / "done").read_text() == "good 1\n\n"  # stdin is empty
    assert re.fullmatch(r"\[ +0 s\] good 1\n\[ +\d s\] bad\n", capfd.readouterr().out)


def test_commands_of_a_step_run_together_and_print_in_their_order(tools: Path, capfd: pytest.CaptureFixture[str]):
    executable(tools, "first", "while [ ! -e begun ]; do sleep 0.01; done; echo of the first; exit 5")
    executable(tools, "second", "touch begun; echo of the second; exit 6")
    assert dev.run_steps([dev.Together((("first",), ("second",))), ("good",)], {"PATH": os.defpath}) == 5
    assert re.fullmatch(r"\[ +0 s\] first; second\nof the first\nof the second\n", capfd.readouterr().out)


@pytest.mark.parametrize(("last", "code"), [("good", 0), ("killed", 128 + 9)])
def test_the_exit_code_is_0_only_if_all_steps_pass(tools: Path, last: str, code: int):
    assert tools.exists() and dev.run_steps([("good",), (last,)], {}) == code


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ({}, []),
        ({"ARCHIVE": "", "SERVE": ""}, []),
        ({"ARCHIVE": "two words.tar", "SERVE": "0"}, ["--archive", "two words.tar", "--no-serve"]),
        ({"SERVE": "1"}, ["--serve"]),
        ({"PILOTS": "prices,meters"}, ["--pilots", "prices,meters"]),
    ],
)
def test_the_demo_gets_pilots_archive_and_serve(variables: dict[str, str], arguments: list[str]):
    command, *rest = dev.demo_command(variables)
    assert Path(command).name == "ons-bigdata" and rest == ["demo", *arguments]


def test_an_unknown_serve_is_refused_with_the_known_values():
    with pytest.raises(dev.SetUpError, match="SERVE=no is unknown; known: 0"):
        dev.demo_command({"SERVE": "no"})


def test_make_passes_archive_and_serve_on(tmp_path: Path):
    fake = executable(tmp_path, "python", 'echo "$2 [$ARCHIVE] [$SERVE]"')
    command = ["make", "demo", f"PYTHON={fake}", "ARCHIVE=two words.tar", "SERVE=0"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "demo [two words.tar] [0]\n" in result.stdout


@pytest.mark.parametrize("target", [[], ["help"]])
def test_bare_make_lists_every_target(target: list[str]):
    result = subprocess.run(
        ["make", "--no-print-directory", *target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    targets = re.findall(r"^([a-z-]+): ##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"setup", "demo", "test"} < set(targets)
    assert [line.split()[1] for line in result.stdout.splitlines()] == targets


def test_the_build_server_runs_what_a_person_runs():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test" and "set -euo pipefail" in script.read_text()


# Programs of the machine


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(dev, "can_apt_install", lambda: False)
    monkeypatch.setattr(dev, "playwright_chromium", lambda _: None)
    monkeypatch.setattr(dev, "POSTGRES", tmp_path / "postgresql")
    return tmp_path


def test_the_first_chromium_that_runs_is_used(bare_machine: Path):
    executable(bare_machine, "chromium", "echo 'install the snap' >&2; exit 10")
    chrome = executable(bare_machine, "google-chrome", "echo Chrome 1")
    assert dev.find_chromium({"PATH": str(bare_machine)}) == str(chrome)


def test_a_named_chromium_has_priority_and_must_run(bare_machine: Path):
    executable(bare_machine, "chromium", "echo Chromium 1")
    mine = executable(bare_machine, "mine", "echo Chromium 2")
    assert dev.find_chromium({"PATH": str(bare_machine), "CHROMIUM": str(mine)}) == str(mine)
    with pytest.raises(dev.SetUpError, match="CHROMIUM=absent does not run"):
        dev.find_chromium({"PATH": str(bare_machine), "CHROMIUM": "absent"})


def test_a_missing_browser_is_reported_and_required_in_ci(bare_machine: Path, capfd: pytest.CaptureFixture[str]):
    nothing = {"PATH": str(bare_machine)}
    assert dev.variables_for_tests(nothing) == nothing
    assert "No Chromium here" in capfd.readouterr().out
    assert dev.variables_for_tests(nothing | {"CI": "true"})["ONS_BIGDATA_REQUIRE_CHROMIUM"] == "1"


def test_the_newest_postgres_is_used(bare_machine: Path):
    for version in ("9", "15", "16"):
        (bare_machine / "postgresql" / version / "bin").mkdir(parents=True)
    for version in ("9", "15"):
        executable(bare_machine / "postgresql" / version / "bin", "initdb", "")
    programs = bare_machine / "postgresql" / "15" / "bin"
    assert dev.postgres_programs(bare_machine / "postgresql") == programs
    assert dev.variables_for_tests({"PATH": ""})["POSTGRES_BIN"] == str(programs)


def test_debian_installs_postgres_without_starting_a_server(bare_machine: Path, monkeypatch: pytest.MonkeyPatch):
    settings = bare_machine / "createcluster.d"
    seen = []

    def install(package: str, _: object) -> None:
        seen.append((package, [file.read_text() for file in settings.glob("*")]))

    monkeypatch.setattr(dev, "CLUSTER_SETTINGS", settings)
    monkeypatch.setattr(dev, "can_apt_install", lambda: True)
    monkeypatch.setattr(dev, "apt_install", install)
    dev.variables_for_tests({"PATH": ""})
    assert seen == [("postgresql", ["create_main_cluster = false\n"]), ("chromium", [])]
    assert list(settings.iterdir()) == []
