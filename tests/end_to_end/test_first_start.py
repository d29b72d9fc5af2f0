"""The very first command on an empty folder: killed or out of space at any point, then completed by a repetition.

Also the rights of the files that it makes, and its exit codes.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.server_processes import find_postmaster
from ons_bigdata.simulation.scrape_archive import simulate_scrapes
from tests.command_line import CommandLine

POINTS = 10

COUNT_AND_DIE = """
import os, signal, sys
import psycopg2
from psycopg2.extensions import cursor

count, last = 0, int(sys.argv[1])

def effect():
    global count
    count += 1
    if count == last:
        os.kill(os.getpid(), signal.SIGKILL)

def audit(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (writes and "pycache" not in str(arguments[0])) or event in (
        "os.mkdir", "os.rename", "os.remove", "os.chmod", "os.chown", "shutil.rmtree", "subprocess.Popen"
    ):
        effect()

class Counting(cursor):
    def execute(self, *arguments):
        effect()
        return super().execute(*arguments)

connect = psycopg2.connect
psycopg2.connect = lambda *a, **k: connect(*a, **{"cursor_factory": Counting, **k})
sys.addaudithook(audit)
sys.argv = ["ons-bigdata", *sys.argv[2:]]
from ons_bigdata import cli
try:
    cli.main()
finally:
    print(count, file=sys.stderr)
"""
"""Runs the command line; kills itself before the numbered write, process or statement of it."""

STRUCTURE = """
    select table_schema || '.' || table_name || '.' || column_name || ' ' || data_type as name
    from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')
    union all select indexdef from pg_indexes where schemaname not in ('pg_catalog', 'information_schema')
    union all select number || ' ' || sha256 from ops.schema_migrations
    union all select 'revision ' || version_num from dagster.alembic_version
    union all select 'migrated ' || name from dagster.secondary_indexes
    union all select 'role ' || rolname || coalesce(rolconfig::text, '') from pg_roles where rolname not like 'pg\\_%'
    union all select 'schema ' || nspname from pg_namespace where nspname not like 'pg\\_%'
    union all select 'quotes ' || count(*) || md5(string_agg(q::text, '' order by line)) from raw.price_quotes as q
    order by name
"""


@pytest.fixture(scope="module")
def scrape_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate one small scrape file."""
    world = simulate_scrapes(
        tmp_path_factory.mktemp("world"), days=7, archive_days=1, start=date(2016, 5, 4), shelf_size=0.05
    )
    return min(world.scrapes_dir.iterdir())


@pytest.fixture
def line() -> Iterator[CommandLine]:
    """Command line on an empty folder; its server is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ob-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield CommandLine(folder / "h")
    finally:
        embedded.stop(folder / "h" / "pg")
        shutil.rmtree(folder)


Outcome = tuple[list[str], list[str], list[str]]


@dataclass(frozen=True)
class Undisturbed:
    """A first command in peace: the number of its effects, the space it takes, and what it leaves."""

    effects: int
    bytes: int
    outcome: Outcome


def outcome(line: CommandLine) -> Outcome:
    """Return what a first command leaves: structure and rows, files, findings of the doctor."""
    address = embedded.start(line.home / "pg")
    with closing(psycopg2.connect(address.url("ons_bigdata"))) as connection, connection.cursor() as cursor:
        cursor.execute(STRUCTURE)
        rows = [row for (row,) in cursor.fetchall()]
    files = [
        str(path.relative_to(line.home))
        for path in line.home.rglob("*")
        if path.is_file() and (path.name == "dagster.yaml" or path.is_relative_to(line.home / "landing"))
    ]
    findings = line.run("doctor", code=None).stdout.splitlines()
    findings = [text for text in findings if not text.startswith("ok ") and " disk: " not in text]
    return rows, sorted(files), findings


@pytest.fixture(scope="module")
def undisturbed(scrape_file: Path) -> Iterator[Undisturbed]:
    """Run the command in peace."""
    folder = Path(tempfile.mkdtemp(prefix="ob-", dir="/tmp"))
    calm = CommandLine(folder / "h")
    try:
        finished = run_and_die(calm, 0, scrape_file)
        assert finished.returncode == 0, finished.stderr
        used = sum(path.lstat().st_blocks * 512 for path in calm.home.rglob("*"))
        yield Undisturbed(int(finished.stderr.split()[-1]), used, outcome(calm))
    finally:
        embedded.stop(folder / "h" / "pg")
        shutil.rmtree(folder)


def run_and_die(line: CommandLine, effect: int, scrape_file: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", COUNT_AND_DIE, str(effect), "ingest", "prices", str(scrape_file)]
    return subprocess.run(words, env=line.environment(), capture_output=True, text=True, check=False)


def points(tested: int) -> list:
    """Return the numbers of the points: one runs always, the others nightly."""
    others = [number for number in range(1, POINTS + 1) if number != tested]
    return [tested, *(pytest.param(number, marks=pytest.mark.nightly) for number in others)]


@pytest.mark.parametrize("point", points(6))
def test_the_next_command_recovers_from_a_killed_first_command(
    line: CommandLine, undisturbed: Undisturbed, scrape_file: Path, point: int
) -> None:
    killed = run_and_die(line, undisturbed.effects * point // (POINTS + 1), scrape_file)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    line.run("ingest", "prices", scrape_file)
    assert outcome(line) == undisturbed.outcome


@pytest.fixture
def small_disk(line: CommandLine) -> Iterator[Path]:
    """Mount an empty file system for the state folder, to be given its size."""
    folder = line.home.parent / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        os.geteuid() != 0
        or not mount
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("no right to mount a file system")
    yield folder
    embedded.stop(folder / "h" / "pg")
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("point", points(8))
def test_a_full_disk_is_reported_and_more_space_lets_the_start_succeed(
    small_disk: Path, undisturbed: Undisturbed, scrape_file: Path, point: int
) -> None:
    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", small_disk], check=True)

    line = CommandLine(small_disk / "h")
    resize(undisturbed.bytes * point // (POINTS + 1))
    finished = line.run("ingest", "prices", scrape_file, code=None)
    assert finished.returncode in (1, 2, 3), finished.stdout
    assert "error: " in finished.stderr
    assert "Traceback" not in finished.stderr
    resize(2 * undisturbed.bytes + 2**28)
    line.run("ingest", "prices", scrape_file)
    assert outcome(line) == undisturbed.outcome


@pytest.mark.parametrize("umask", [0o000])
def test_files_are_for_their_owner_whatever_the_umask(line: CommandLine, scrape_file: Path, umask: int) -> None:
    words = line.command("ingest", "prices", scrape_file)
    subprocess.run(words, env=line.environment(), umask=umask, check=True, capture_output=True)
    open_to_others = {
        str(path.relative_to(line.home)): oct(path.stat().st_mode)
        for path in line.home.rglob("*")
        if path.stat().st_mode & 0o077 and not path.is_socket()
    }
    assert open_to_others == {}
    # As root, the system user of the server passes through the state folder, and does nothing else in it.
    rights = stat.S_IMODE(line.home.stat().st_mode)
    assert rights == (0o710 if os.geteuid() == 0 else 0o700)
    assert embedded.find(line.home / "pg") is not None
    assert {path.name for path in line.home.iterdir()} >= {"dagster", "landing", "logs", "pg"}
    if os.geteuid() == 0:
        assert line.home.stat().st_gid == (line.home / "pg").stat().st_gid


def test_a_server_lost_in_the_middle_is_exit_code_3(line: CommandLine) -> None:
    line.run("query", "select 1")
    process = subprocess.Popen(
        line.command("query", "select pg_sleep(60)::text"), env=line.environment(), stderr=subprocess.PIPE, text=True
    )
    wait_for_session(line, "pg_sleep")
    postmaster = find_postmaster(line.home / "pg")
    assert postmaster is not None
    postmaster.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert "Traceback" not in errors


def wait_for_session(line: CommandLine, text: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = line.query(
            "select count(*)::int as n from pg_stat_activity"
            f" where query like '%{text}%' and pid <> pg_backend_pid() and state = 'active'"
        )
        if found[0]["n"]:
            return
        time.sleep(0.05)
    pytest.fail(f"no session runs {text}")


def test_a_read_only_state_folder_is_named_without_a_traceback(small_disk: Path, scrape_file: Path) -> None:
    def remount(option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size=500m,{option}", small_disk], check=True)

    fresh, used = CommandLine(small_disk / "fresh"), CommandLine(small_disk / "h")
    remount("rw")
    used.run("query", "select 1")
    used.run("down")
    remount("ro")
    assert "ONS_BIGDATA_HOME" in " ".join(fresh.run("query", "select 1", code=2).stderr.split())
    for words in (["status"], ["ingest", "prices", str(scrape_file)], ["down"], ["up", "--port", "3969"]):
        finished = used.run(*words, code=3)
        assert "Read-only file system" in finished.stderr
        assert "Traceback" not in finished.stderr
    remount("rw")


@pytest.mark.parametrize(
    ("variables", "words", "code", "reason"),
    [
        ({}, ["up", "--port", "0"], 2, "greater than or equal to 1"),
        ({}, ["up", "--host", "nowhere.invalid", "--i-have-a-proxy"], 2, "nowhere.invalid cannot be used"),
        ({"ONS_BIGDATA_DATABASE_URL": "postgresql://u@h:99999/d"}, ["status"], 2, "ports are 1 to 65535"),
        ({"ONS_BIGDATA_DATABASE_URL": "postgresql://u@h:x/d"}, ["status"], 2, "expected postgresql://user@host"),
        ({"ONS_BIGDATA_READER_URL": "reader:hunter2"}, ["query", "select 1"], 2, "ONS_BIGDATA_READER_URL: expected"),
    ],
)
def test_bad_ports_and_addresses_are_exit_code_2(
    line: CommandLine, variables: dict[str, str], words: list[str], code: int, reason: str
) -> None:
    finished = CommandLine(line.home, tuple(variables.items())).run(*words, code=code)
    printed = " ".join(finished.stderr.split())
    assert reason in printed
    assert "Traceback" not in printed
    assert "hunter2" not in printed
