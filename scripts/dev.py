"""Makes the virtual environment from the lock files and runs what the Makefile names in it.

Standard library only, so that it runs before anything is installed: `python3 scripts/dev.py test`.
No statistics and no settings of the project here.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"

SUPPORTED = ((3, 11), (3, 12), (3, 13))
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3", "python")
"""In order of preference: the project is run on 3.11."""

LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
"""The second holds all of the first, so `dev` can be put on top of `run`."""

LOCK_FORM = (
    *("--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url"),
    *("--no-annotate", "--quiet", "--custom-compile-command=make lock"),
)

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("lint-imports",),
    ("mypy", "ons_bigdata", "scripts"),
    ("codespell",),
    ("sqlfluff", "lint", "--processes", "2", "dbt_project/models", "dbt_project/tests/prices"),
)
PYTEST = ("pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""A file's tests share a server or a demo, so they stay together; tests/conftest.py says which files come first."""
NO_NIGHTLY = ("-m", "not nightly")

TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
OTHER_PYTHON = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
"""Variables that would mix another installation into ours."""
OTHER_PACKAGES = ("UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL")
"""Variables that would bring packages of this machine into the lock files."""
SOURCE_ONLY = ("jstyleson",)
"""Pure Python packages (extruct wants this one) of which there is no wheel."""

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
POSTGRES = Path("/usr/lib/postgresql")
CLUSTER_SETTINGS = Path("/etc/postgresql-common/createcluster.d")


class SetUpError(Exception):
    """The environment cannot be made; the message says what is missing."""


def say(text: str) -> None:
    """Print one line at once, so that it stands before the output of what it announces."""
    print(text, flush=True)


def environment(outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for everything run here: telemetry off, no other Python installation.

    The folder `.venv/bin` is not put on PATH: what needs it there would fail for a user who calls
    `.venv/bin/ons-bigdata`.
    """
    return {name: value for name, value in outer.items() if name not in OTHER_PYTHON} | TELEMETRY_OFF


def run(command: Sequence[str | Path], variables: Mapping[str, str]) -> int:
    """Run a command in the root of the project, without stdin; return its exit code (128 + signal)."""
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the command got the signal too: let it end in its own way
            code = process.wait()
    return code if code >= 0 else 128 - code


def must(command: Sequence[str | Path], variables: Mapping[str, str]) -> None:
    """Run a command. Raises SetUpError if it fails."""
    code = run(command, variables)
    if code != 0:
        raise SetUpError(f"exit code {code}: {' '.join(map(str, command))}")


def answer(command: Sequence[str | Path], variables: Mapping[str, str], seconds: float = 60) -> str | None:
    """Return what a command prints, or None if it cannot be run, fails or takes too long."""
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
    """Give every Python of the search path by preference, then the one that runs this file.

    All of one name, not only the first: a shim in front may fail when it is run.
    """
    for name in PYTHONS:
        for folder in search_path.split(os.pathsep):
            found = shutil.which(name, path=folder) if folder else None
            if found:
                yield found
    yield sys.executable


def find_python(search_path: str, variables: Mapping[str, str]) -> str:
    """Return the executable of the first Python of a supported version that runs and can make a venv.

    Raises SetUpError, which names each candidate with what is wrong with it.
    """
    refused: dict[str, str] = {}
    for candidate in candidates(search_path):
        said = answer([candidate, "-I", "-c", PROBE], variables)
        parts = said.split(" ", 3) if said else []
        if len(parts) != 4:
            refused[candidate] = "does not run"
        elif (int(parts[0]), int(parts[1])) not in SUPPORTED:
            refused[candidate] = f"is Python {parts[0]}.{parts[1]}"
        elif parts[2] != "1":
            refused[candidate] = f"cannot make a venv (Debian's package for that: python{parts[0]}-venv)"
        else:
            return parts[3]
    versions = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    found = "".join(f"\n  {candidate} {reason}" for candidate, reason in refused.items())
    raise SetUpError(f"a Python {versions} with venv is needed; found:{found}")


# The environment and its stamps


def stamp(root: Path, level: str) -> str:
    """Return the hash of everything that decides what an environment of this level holds, and where."""
    digest = hashlib.sha256(str(root).encode())  # scripts in the environment hold its path
    for name in ("pyproject.toml", LOCKS["run"], *([LOCKS["dev"]] if level == "dev" else [])):
        digest.update(b"\0" + (root / name).read_bytes())
    return digest.hexdigest()


def is_current(root: Path, level: str) -> bool:
    """Say whether the stamp of this level fits the files as they are now."""
    file = root / ".venv" / f"{level}.stamp"
    return file.is_file() and file.read_text() == stamp(root, level)


def requirement(lock: str, name: str) -> str:
    """Return the lines of one package (pin and hashes) of a lock file's text. Raises SetUpError if absent."""
    found = re.search(rf"^{re.escape(name)}==.*\n(?:[ \t]+.*\n)*", lock, flags=re.MULTILINE)
    if found is None:
        raise SetUpError(f"{LOCKS['run']} has no {name}; restore the file from version control")
    return found[0]


def create_environment(variables: Mapping[str, str]) -> None:
    """Make an empty `.venv`; whatever was there is removed."""
    python = find_python(variables.get("PATH", os.defpath), variables)
    say(f"Making .venv with {python}")
    must([python, "-I", "-m", "venv", "--clear", VENV], variables)


def install_uv(variables: Mapping[str, str]) -> Path | None:
    """Return the locked uv of the environment, put there by pip with its hash; None if it does not run."""
    uv = BIN / "uv"
    if answer([uv, "--version"], variables) is None:
        install_one("uv", variables)
    return uv if answer([uv, "--version"], variables) is not None else None


def install_one(name: str, variables: Mapping[str, str]) -> int:
    """Let pip install one locked package by its hash, before the others are; return pip's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / f"{name}.lock"
        lock.write_text(requirement((ROOT / LOCKS["run"]).read_text(), name))
        return run(pip("--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", lock), variables)


def pip(*arguments: str | Path) -> list[str | Path]:
    """Return the command that lets the environment's pip install something."""
    return [BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", *arguments]


def install_locked(level: str, variables: Mapping[str, str]) -> None:
    """Install the lock file of a level, every file checked against its hash.

    Wheels only, but for SOURCE_ONLY: those are built with the locked setuptools, which comes first, and nothing is
    fetched for it.
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
        "--quiet",
        "--python",
        BIN / "python",
        *options,
        "--compile-bytecode",
        lock,
    ]
    if uv is None or run([uv, *sync], variables) != 0:
        say("uv cannot be used here: pip installs the same files, with the same hashes")
        must(pip("--no-deps", *options, "-r", lock), variables)


def set_up(level: str, variables: Mapping[str, str]) -> None:
    """Bring `.venv` to what the lock file of this level says; nothing is done if it is there already.

    Raises SetUpError if a step fails; the stamp is written last, so the next call begins anew.
    """
    if is_current(ROOT, level):
        return
    begun = time.monotonic()
    if not is_current(ROOT, "run"):
        create_environment(variables)
    say(f"Installing {LOCKS[level]}")
    install_locked(level, variables)
    must(pip("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "-e", ROOT), variables)
    for reached in LOCKS if level == "dev" else ("run",):
        (VENV / f"{reached}.stamp").write_text(stamp(ROOT, reached))
    say(f"Set up in {time.monotonic() - begun:.0f} s")


def write_locks(upgrade: bool, variables: Mapping[str, str]) -> None:
    """Write both lock files from pyproject.toml: every platform, hashes, no address of any index."""
    if answer([BIN / "python", "--version"], variables) is None:
        create_environment(variables)
    uv = install_uv(variables)
    if uv is None:
        raise SetUpError("uv does not run here, and only uv writes the lock files")
    clean = {name: value for name, value in variables.items() if name not in OTHER_PACKAGES}
    clean |= {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    compile_: list[str | Path] = [uv, "pip", "compile", "pyproject.toml", "--group=setup", *LOCK_FORM]
    compile_ += ["--upgrade"] if upgrade else []
    must([*compile_, "-o", LOCKS["run"]], clean)
    must([*compile_, "--extra=dev", "-c", LOCKS["run"], "-o", LOCKS["dev"]], clean)


# What tests need of the machine


def can_apt_install() -> bool:
    """Say whether this is Debian (or a child of it) and we are root."""
    return Path("/etc/debian_version").exists() and bool(shutil.which("apt-get")) and os.geteuid() == 0


def apt_install(package: str, variables: Mapping[str, str]) -> None:
    """Try to install a Debian package; what it printed says why where it fails."""
    say(f"Installing {package} with apt-get")
    quiet = dict(variables) | {"DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-qq", "-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=120"]
    if run(["apt-get", "update", *patience], quiet) == 0:
        run(["apt-get", "install", "-y", "--no-install-recommends", *patience, package], quiet)


def chromium_on_path(variables: Mapping[str, str]) -> str | None:
    """Return the first Chromium of the search path that runs; a stub that asks to be installed does not."""
    found = (shutil.which(name, path=variables.get("PATH")) for name in CHROMIUMS)
    return next((file for file in found if file and answer([file, "--version"], variables) is not None), None)


def playwright_chromium(variables: Mapping[str, str]) -> str | None:
    """Return playwright's own Chromium, downloaded where it is not there yet."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    file = answer([BIN / "python", "-c", script], variables)
    if file and not Path(file).exists():
        run([BIN / "playwright", "install", "chromium"], variables)
    return file if file and answer([file, "--version"], variables) is not None else None


def find_chromium(variables: Mapping[str, str]) -> str | None:
    """Return a Chromium that runs, or None: $CHROMIUM, PATH, a package of the system, playwright's.

    Raises SetUpError if $CHROMIUM names one that does not run.
    """
    named = variables.get("CHROMIUM")
    if named:
        if answer([named, "--version"], variables) is None:
            raise SetUpError(f"CHROMIUM={named} does not run; unset it to let another be found")
        return named
    found = chromium_on_path(variables)
    if found is None and can_apt_install():
        apt_install("chromium", variables)
        found = chromium_on_path(variables)
    return found or playwright_chromium(variables)


def apt_install_postgres(variables: Mapping[str, str]) -> None:
    """Try to install Debian's Postgres, without the server that its package makes and starts by itself."""
    switch = CLUSTER_SETTINGS / "ons_bigdata.conf"
    CLUSTER_SETTINGS.mkdir(parents=True, exist_ok=True)
    switch.write_text("create_main_cluster = false\n")
    try:
        apt_install("postgresql", variables)
    finally:
        switch.unlink()


def postgres_programs(root: Path) -> Path | None:
    """Return the folder with the programs of the highest version of a Debian server, if there is one."""
    found = [file.parent for file in root.glob("*/bin/initdb") if file.parent.parent.name.isdecimal()]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def variables_for_tests(variables: Mapping[str, str]) -> dict[str, str]:
    """Add CHROMIUM and POSTGRES_BIN (a folder) where the machine has them, or lets them be installed.

    Without them the tests that need them are skipped; with CI=true, those of the browser fail instead.
    """
    if postgres_programs(POSTGRES) is None and can_apt_install():
        apt_install_postgres(variables)
    found = {"CHROMIUM": find_chromium(variables), "POSTGRES_BIN": postgres_programs(POSTGRES)}
    for name, what in {"CHROMIUM": "Chromium", "POSTGRES_BIN": "Postgres server of the system"}.items():
        if found[name] is None:
            say(f"No {what} here: the tests that need one are skipped (or fail, where CI=true asks for it)")
    in_ci = {"ONS_BIGDATA_REQUIRE_CHROMIUM": "1"} if variables.get("CI") in {"1", "true"} else {}
    return {**variables, **in_ci, **{name: str(file) for name, file in found.items() if file}}


# Commands


def run_steps(steps: Sequence[Sequence[str]], variables: Mapping[str, str]) -> int:
    """Run tools of the environment one after the other, up to the first that fails; return its exit code.

    Each line of progress begins with the seconds since the first. Nothing is printed after the last.
    """
    begun = time.monotonic()
    for step in steps:
        say(f"[{time.monotonic() - begun:4.0f} s] {' '.join(step)}")
        code = run([BIN / step[0], *step[1:]], variables)
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
    """Become the demo: what is sent to this process (Ctrl-C, SIGTERM) reaches it."""
    command = demo_command(variables)
    set_up("run", variables)
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execve(command[0], command, dict(variables))  # noqa: S606  (our own executable, no shell)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code, 3 where the environment cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["setup", "demo", "test", "test-all", "lint", "lock"])
    parser.add_argument("--upgrade", action="store_true", help="lock: take the newest versions")
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
