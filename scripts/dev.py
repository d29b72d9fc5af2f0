"""Commands of the Makefile: create the virtual environment from the lock files, and run demo, tests and checks in it.

Uses the standard library only, since it runs before anything is installed: `python3 scripts/dev.py test`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"

SUPPORTED = ((3, 11), (3, 12), (3, 13))
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3", "python")
"""In order of preference: the project is developed on 3.11."""

SILENT_S = 3.0
"""Seconds without a sign of life that a person in front of a terminal should bear."""
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
"""The second contains the first, so `dev` can be installed on top of `run`."""

LOCK_FORM = (
    *("--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url"),
    *("--no-annotate", "--quiet", "--custom-compile-command=make lock"),
)


class Together(NamedTuple):
    """Commands that run at the same time, each with one processor."""

    commands: tuple[tuple[str, ...], ...]


CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("lint-imports",),
    ("codespell",),
    Together(
        (
            ("mypy", "ons_bigdata", "scripts"),
            ("sqlfluff", "lint", "--processes", "1", "dbt_project/models", "dbt_project/tests/prices"),
        )
    ),
)
PYTEST = ("pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""Tests of a file share a server or a demo, so one worker runs them; tests/conftest.py orders the files.

Three workers keep two processors busy: a test that waits for a server, a page or a process uses none.
"""
NO_NIGHTLY = ("-m", "not nightly")

TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
OTHER_PYTHON = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
"""Variables that would mix another installation into this one."""
OTHER_PACKAGES = ("UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL")
"""Variables that would put packages of this machine into the lock files."""
SOURCE_ONLY = ("jstyleson",)
"""Pure Python packages without a wheel (this one reads JSON-LD with comments)."""

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
POSTGRES = Path("/usr/lib/postgresql")
CLUSTER_SETTINGS = Path("/etc/postgresql-common/createcluster.d")


class SetUpError(Exception):
    """The environment cannot be created; the message names what is missing."""


def announce(text: str) -> None:
    """Print one line unbuffered, before the output of the command that it announces."""
    print(text, flush=True)


def environment(outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of all commands run here: telemetry off, no other Python installation.

    The folder `.venv/bin` is not added to PATH: code that relies on it would fail for a user who calls
    `.venv/bin/ons-bigdata`.
    """
    return {name: value for name, value in outer.items() if name not in OTHER_PYTHON} | TELEMETRY_OFF


def run(command: Sequence[str | Path], variables: Mapping[str, str], *, silent_work: str | None = None) -> int:
    """Run a command in the root of the project, without stdin; return its exit code (128 + signal).

    `silent_work`: what a command does that prints nothing for long; a terminal then shows it with the time, every
    `SILENT_S` seconds.
    """
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL) as process:
        try:
            code = _wait(process, silent_work if sys.stderr.isatty() else None)
        except KeyboardInterrupt:  # the command received the signal too and ends itself
            code = process.wait()
    return code if code >= 0 else 128 - code


def _wait(process: subprocess.Popen[bytes], silent_work: str | None) -> int:
    started = time.monotonic()
    while True:
        try:
            return process.wait(None if silent_work is None else SILENT_S)
        except subprocess.TimeoutExpired:
            announce(f"{silent_work}, {time.monotonic() - started:.0f} s")


def run_together(commands: Sequence[Sequence[str | Path]], variables: Mapping[str, str]) -> int:
    """Run commands at the same time; print what each has printed in their order; return the first exit code but 0."""
    codes = []
    with ExitStack() as stack:
        begun = []
        for command in commands:
            printed = stack.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
            )
            begun.append((stack.enter_context(process), printed))
        for process, printed in begun:
            try:
                code = process.wait()
            except KeyboardInterrupt:  # the commands received the signal too and end themselves
                code = process.wait()
            codes.append(code if code >= 0 else 128 - code)
            printed.seek(0)
            announce(printed.read().decode(errors="replace").rstrip())
    return next((code for code in codes if code != 0), 0)


def run_checked(command: Sequence[str | Path], variables: Mapping[str, str]) -> None:
    """Run a command. Raises SetUpError if it fails."""
    code = run(command, variables)
    if code != 0:
        raise SetUpError(f"exit code {code}: {' '.join(map(str, command))}")


def read_output(command: Sequence[str | Path], variables: Mapping[str, str], seconds: float = 60) -> str | None:
    """Return the output of a command, or None if it cannot be run, fails or takes too long."""
    try:
        return subprocess.check_output(
            command, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, timeout=seconds
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return None


# Which Python

PROBE = """
import importlib.util as u, sys
complete = all(u.find_spec(name) for name in ("venv", "ensurepip"))
print(*sys.version_info[:2], int(complete), getattr(sys, "_base_executable", sys.executable))
"""


def candidates(search_path: str) -> Iterator[str]:
    """Yield every Python of the search path by preference, then the one that runs this file.

    All of a name, not only the first: that may be a shim that fails when it is run.
    """
    for name in PYTHONS:
        for folder in search_path.split(os.pathsep):
            program = shutil.which(name, path=folder) if folder else None
            if program:
                yield program
    yield sys.executable


def find_python(search_path: str, variables: Mapping[str, str]) -> str:
    """Return the first Python of a supported version that runs and can create a venv.

    Raises SetUpError that lists the candidates, each with the reason for which it was refused.
    """
    refused: dict[str, str] = {}
    for candidate in candidates(search_path):
        output = read_output([candidate, "-I", "-c", PROBE], variables)
        parts = output.split(" ", 3) if output else []
        if len(parts) != 4:
            refused[candidate] = "does not run"
        elif (int(parts[0]), int(parts[1])) not in SUPPORTED:
            refused[candidate] = f"is Python {parts[0]}.{parts[1]}"
        elif parts[2] != "1":
            refused[candidate] = f"cannot create a venv (Debian package: python{parts[0]}-venv)"
        else:
            return parts[3]
    versions = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    reasons = "".join(f"\n  {candidate} {reason}" for candidate, reason in refused.items())
    raise SetUpError(f"a Python {versions} with venv is needed; found:{reasons}")


# The environment and its stamps


def stamp(root: Path, level: str) -> str:
    """Return the hash of all inputs of an environment of this level: its folder, pyproject.toml and lock files."""
    digest = hashlib.sha256(str(root).encode())  # scripts in the environment contain its path
    for name in ("pyproject.toml", LOCKS["run"], *([LOCKS["dev"]] if level == "dev" else [])):
        digest.update(b"\0" + (root / name).read_bytes())
    return digest.hexdigest()


def is_current(root: Path, level: str) -> bool:
    """True if the environment of this level was made from the present files."""
    file = root / ".venv" / f"{level}.stamp"
    return file.is_file() and file.read_text() == stamp(root, level)


def requirement(lock: str, name: str) -> str:
    """Return the lines of a package (pin and hashes) in the text of a lock file. Raises SetUpError if absent."""
    match = re.search(rf"^{re.escape(name)}==.*\n(?:[ \t]+.*\n)*", lock, flags=re.MULTILINE)
    if match is None:
        raise SetUpError(f"{LOCKS['run']} has no {name}; restore the file from version control")
    return match[0]


def create_environment(variables: Mapping[str, str]) -> None:
    """Create an empty `.venv` in the place of any other."""
    python = find_python(variables.get("PATH", os.defpath), variables)
    announce(f"Creating .venv with {python}")
    run_checked([python, "-I", "-m", "venv", "--clear", VENV], variables)


def install_uv(variables: Mapping[str, str]) -> Path | None:
    """Install the locked uv with pip, checked by its hash; return it, or None if it does not run."""
    uv = BIN / "uv"
    if read_output([uv, "--version"], variables) is None:
        install_one("uv", variables)
    return uv if read_output([uv, "--version"], variables) is not None else None


def install_one(name: str, variables: Mapping[str, str]) -> int:
    """Install one locked package with pip, checked by its hash; return pip's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / f"{name}.lock"
        lock.write_text(requirement((ROOT / LOCKS["run"]).read_text(), name))
        return run(pip("--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", lock), variables)


def pip(*arguments: str | Path) -> list[str | Path]:
    """Return an install command of the environment's pip."""
    return [BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", *arguments]


def install_locked(level: str, variables: Mapping[str, str]) -> None:
    """Install the lock file of a level, every file checked by its hash.

    Wheels only, except for SOURCE_ONLY: those are built with the locked setuptools, which is installed first, and
    without any download.
    """
    lock = ROOT / LOCKS[level]
    uv = install_uv(variables)
    if install_one("setuptools", variables) != 0:
        raise SetUpError("the locked setuptools could not be installed")
    options = ["--require-hashes", "--only-binary=:all:", *(f"--no-binary={name}" for name in SOURCE_ONLY)]
    options += ["--no-build-isolation"]
    sync: list[str | Path] = [
        "pip",
        "sync",
        *([] if sys.stderr.isatty() else ["--quiet"]),  # minutes of downloads: a terminal shows uv's progress
        "--python",
        BIN / "python",
        *options,
        lock,
    ]
    if uv is None or run([uv, *sync], variables) != 0:
        announce("uv cannot be used here: pip installs the same files with the same hashes")
        run_checked(pip("--no-deps", *options, "-r", lock), variables)
        return
    run([uv, *sync, "--compile-bytecode"], variables, silent_work="Compiling the packages")


PARSE = """
from ons_bigdata.platform.dagster.dbt_calls import parse_ahead
from ons_bigdata.settings import Settings
parse_ahead(Settings())
"""


def parse_dbt_project(variables: Mapping[str, str]) -> None:
    """Parse the dbt project once for all states. A project that does not parse is reported by commands that need it."""
    announce("Parsing the dbt project")
    with tempfile.TemporaryDirectory() as home:
        run([BIN / "python", "-c", PARSE], {**variables, "ONS_BIGDATA_HOME": home})


def set_up(level: str, variables: Mapping[str, str]) -> None:
    """Create `.venv` with the packages of the lock file of this level, unless it is current.

    Raises SetUpError if a step fails; the stamp is written last, so that the next call starts again.
    """
    if is_current(ROOT, level):
        return
    started = time.monotonic()
    if not is_current(ROOT, "run"):
        create_environment(variables)
    announce(f"Installing {LOCKS[level]}")
    install_locked(level, variables)
    run_checked(pip("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "-e", ROOT), variables)
    # as the packages: where Python may write no byte code, every command would compile our modules
    run([BIN / "python", "-m", "compileall", "-q", ROOT / "ons_bigdata"], variables)
    parse_dbt_project(variables)
    for installed in LOCKS if level == "dev" else ("run",):
        (VENV / f"{installed}.stamp").write_text(stamp(ROOT, installed))
    announce(f"Set up in {time.monotonic() - started:.0f} s")


def write_locks(upgrade: bool, variables: Mapping[str, str]) -> None:
    """Write both lock files from pyproject.toml: for every platform, with hashes, without addresses of indexes."""
    if read_output([BIN / "python", "--version"], variables) is None:
        create_environment(variables)
    uv = install_uv(variables)
    if uv is None:
        raise SetUpError("uv does not run here, and only uv writes the lock files")
    clean = {name: value for name, value in variables.items() if name not in OTHER_PACKAGES}
    clean |= {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    compile_: list[str | Path] = [uv, "pip", "compile", "pyproject.toml", "--group=setup", *LOCK_FORM]
    compile_ += ["--upgrade"] if upgrade else []
    run_checked([*compile_, "-o", LOCKS["run"]], clean)
    run_checked([*compile_, "--extra=dev", "-c", LOCKS["run"], "-o", LOCKS["dev"]], clean)


# Programs that tests need on the machine


def can_apt_install() -> bool:
    """True if this is Debian or a derivative, and the user is root."""
    return Path("/etc/debian_version").exists() and bool(shutil.which("apt-get")) and os.geteuid() == 0


def apt_install(package: str, variables: Mapping[str, str]) -> None:
    """Try to install a Debian package; the output of apt-get gives the reason of a failure."""
    announce(f"Installing {package} with apt-get")
    quiet = dict(variables) | {"DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-qq", "-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=120"]
    if run(["apt-get", "update", *patience], quiet) == 0:
        run(["apt-get", "install", "-y", "--no-install-recommends", *patience, package], quiet)


def chromium_on_path(variables: Mapping[str, str]) -> str | None:
    """Return the first Chromium of the search path that runs, which a stub of a snap does not."""
    programs = (shutil.which(name, path=variables.get("PATH")) for name in CHROMIUMS)
    return next((file for file in programs if file and read_output([file, "--version"], variables) is not None), None)


def playwright_chromium(variables: Mapping[str, str]) -> str | None:
    """Return playwright's Chromium, downloaded if it is missing; None if it does not run."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    file = read_output([BIN / "python", "-c", script], variables)
    if file and not Path(file).exists():
        run([BIN / "playwright", "install", "chromium"], variables)
    return file if file and read_output([file, "--version"], variables) is not None else None


def find_chromium(variables: Mapping[str, str]) -> str | None:
    """Return a Chromium that runs, or None: $CHROMIUM, from PATH, a Debian package, or playwright's.

    Raises SetUpError if $CHROMIUM does not run.
    """
    named = variables.get("CHROMIUM")
    if named:
        if read_output([named, "--version"], variables) is None:
            raise SetUpError(f"CHROMIUM={named} does not run; unset it to search for another")
        return named
    program = chromium_on_path(variables)
    if program is None and can_apt_install():
        apt_install("chromium", variables)
        program = chromium_on_path(variables)
    return program or playwright_chromium(variables)


def apt_install_postgres(variables: Mapping[str, str]) -> None:
    """Try to install Debian's Postgres without the server that its package creates and starts."""
    switch = CLUSTER_SETTINGS / "ons_bigdata.conf"
    CLUSTER_SETTINGS.mkdir(parents=True, exist_ok=True)
    switch.write_text("create_main_cluster = false\n")
    try:
        apt_install("postgresql", variables)
    finally:
        switch.unlink()


def postgres_programs(root: Path) -> Path | None:
    """Return the program folder of the newest Postgres server of Debian, or None."""
    folders = [file.parent for file in root.glob("*/bin/initdb") if file.parent.parent.name.isdecimal()]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def variables_for_tests(variables: Mapping[str, str]) -> dict[str, str]:
    """Add CHROMIUM and POSTGRES_BIN (a folder) where the machine has them or they can be installed.

    Tests that need a missing program are skipped; with CI=true, those of the browser fail instead.
    """
    if postgres_programs(POSTGRES) is None and can_apt_install():
        apt_install_postgres(variables)
    programs = {"CHROMIUM": find_chromium(variables), "POSTGRES_BIN": postgres_programs(POSTGRES)}
    for name, what in {"CHROMIUM": "Chromium", "POSTGRES_BIN": "Postgres server of the system"}.items():
        if programs[name] is None:
            announce(f"No {what} here: the tests that need one are skipped (browser tests fail with CI=true)")
    in_ci = {"ONS_BIGDATA_REQUIRE_CHROMIUM": "1"} if variables.get("CI") in {"1", "true"} else {}
    return {**variables, **in_ci, **{name: str(file) for name, file in programs.items() if file}}


# Commands


def run_steps(steps: Sequence[Sequence[str] | Together], variables: Mapping[str, str]) -> int:
    """Run tools of the environment in order, up to the first that fails; return its exit code, or 0.

    A line with the seconds since the start is printed before each, and before those that run together.
    """
    started = time.monotonic()
    for step in steps:
        commands = step.commands if isinstance(step, Together) else (step,)
        announce(f"[{time.monotonic() - started:4.0f} s] {'; '.join(' '.join(command) for command in commands)}")
        programs: list[list[str | Path]] = [[BIN / command[0], *command[1:]] for command in commands]
        code = run(programs[0], variables) if len(programs) == 1 else run_together(programs, variables)
        if code != 0:
            return code
    return 0


def demo_command(variables: Mapping[str, str]) -> list[str]:
    """Return the demo's command for PILOTS, ARCHIVE and SERVE. Raises SetUpError for another SERVE than 0 or 1."""
    serve = {"": [], "1": ["--serve"], "0": ["--no-serve"]}
    chosen = variables.get("SERVE", "")
    if chosen not in serve:
        raise SetUpError(f"SERVE={chosen} is unknown; known: 0 (do not serve), 1 (serve)")
    named = {"--pilots": variables.get("PILOTS", ""), "--archive": variables.get("ARCHIVE", "")}
    options = [word for option, value in named.items() if value for word in (option, value)]
    return [str(BIN / "ons-bigdata"), "demo", *options, *serve[chosen]]


def demo(variables: Mapping[str, str]) -> int:
    """Replace this process by the demo, so that signals (Ctrl-C, SIGTERM) reach it."""
    command = demo_command(variables)
    set_up("run", variables)
    os.chdir(ROOT)
    print("Starting the demo")  # the libraries take seconds to load
    sys.stdout.flush()
    os.execve(command[0], command, dict(variables))  # noqa: S606  (our own executable, no shell)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code, or 3 where the environment cannot be created."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["setup", "demo", "test", "test-all", "lint", "lock"])
    parser.add_argument("--upgrade", action="store_true", help="lock: use the newest versions")
    chosen = parser.parse_args(arguments)
    variables = environment(os.environ)
    try:
        if chosen.command == "lock":
            write_locks(chosen.upgrade, variables)
            return 0
        if chosen.command == "demo":
            return demo(variables)
        set_up("dev", variables)
        if chosen.command == "setup":
            return 0
        if chosen.command == "lint":
            return run_steps(CHECKS, variables)
        nightly = () if chosen.command == "test-all" else NO_NIGHTLY
        return run_steps([*CHECKS, (*PYTEST, *nightly)], variables_for_tests(variables))
    except SetUpError as error:
        print(f"scripts/dev.py: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
