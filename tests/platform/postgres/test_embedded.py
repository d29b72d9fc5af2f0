"""Tests of the embedded server with real processes: attach, crash, stale files, unusual paths, concurrent starts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psutil
import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.embedded import ServerAddress
from ons_bigdata.platform.postgres.server_processes import server_processes
from ons_bigdata.platform.postgres.system_user import run_as_owner

START_AND_PRINT = """
import sys
from pathlib import Path
from ons_bigdata.platform.postgres import embedded
address = embedded.start(Path(sys.argv[1]))
print(ascii(address))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Create a folder with a short path (pytest's may be too long for a socket); stop its servers afterwards."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="ob-")).resolve()
    try:
        yield folder
    finally:
        for data_dir in folder.glob("**/PG_VERSION"):
            if data_dir.parent.parent.name != "base":
                embedded.stop(data_dir.parent)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served() -> Iterator[Path]:
    """Start a server and return its data folder, shared by the tests that leave it running and undamaged."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="ob-")).resolve()
    data_dir = folder / "pg"
    try:
        embedded.start(data_dir)
        yield data_dir
    finally:
        embedded.stop(data_dir)
        shutil.rmtree(folder)


def query(data_dir: Path, statement: str) -> list[tuple]:
    connection = psycopg2.connect(embedded.start(data_dir).url("postgres"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def pid_in_file(data_dir: Path) -> int:
    return int((data_dir / "postmaster.pid").read_text().splitlines()[0])


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.05)


def starter(data_dir: Path) -> subprocess.Popen:
    # A minimal environment: no locale, no search path, and a foreign port.
    environment = {"LANG": "C", "PGPORT": "9999", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", START_AND_PRINT, data_dir],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        umask=0o077,
    )


def test_start_attach_and_stop(home):
    data_dir = home / "pg"
    assert embedded.find(data_dir) is None
    assert embedded.stop(data_dir) is False
    assert not data_dir.exists(), "find and stop must create nothing"

    started = embedded.start(data_dir)
    assert started == ServerAddress(host=str(data_dir), port=5432, user="postgres")
    first = pid_in_file(data_dir)
    assert embedded.start(data_dir) == started
    assert embedded.find(data_dir) == started
    assert pid_in_file(data_dir) == first, "the second start must attach"

    assert embedded.stop(data_dir) is True
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
    assert embedded.find(data_dir) is None
    assert embedded.stop(data_dir) is False

    assert embedded.start(data_dir) == started
    assert pid_in_file(data_dir) != first, "after a stop the server must start again"


def test_server_outlives_its_starter_and_is_stopped_by_another_process(home):
    data_dir = home / "pg"
    child = starter(data_dir)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.strip() == ascii(embedded.find(data_dir))
    session = psycopg2.connect(embedded.start(data_dir).url("postgres"))
    began = time.monotonic()
    assert embedded.stop(data_dir) is True, "an open session must not delay a fast stop"
    assert time.monotonic() - began < 10
    session.close()


def test_second_process_attaches_to_the_same_server(served):
    before = pid_in_file(served)
    child = starter(served)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.strip() == ascii(embedded.find(served))
    assert pid_in_file(served) == before


def test_concurrent_starts_give_one_server_in_a_path_with_blank_umlaut_and_shell_characters(home):
    data_dir = home / "a b ü '$HOME \"" / "pg"
    children = [starter(data_dir), starter(data_dir)]
    results = [(*child.communicate(timeout=90), child.returncode) for child in children]
    assert [code for _, _, code in results] == [0, 0], results
    assert {out.strip() for out, _, _ in results} == {ascii(embedded.find(data_dir))}
    assert query(data_dir, "SHOW data_directory") == [(str(data_dir),)]
    assert len([p for p in server_processes(data_dir) if p.pid == pid_in_file(data_dir)]) == 1
    assert sorted(path.name for path in data_dir.parent.iterdir()) == ["pg", "pg.lock"]


def test_concurrent_threads_start_one_server(served):
    embedded.stop(served)
    with ThreadPoolExecutor(4) as pool:
        addresses = set(pool.map(embedded.start, [served] * 4))
    assert addresses == {embedded.find(served)}


def test_data_survive_sigkill_of_the_server_and_the_busy_session_is_ended(served):
    query(served, "CREATE TABLE kept AS SELECT 42 AS answer")
    busy = psycopg2.connect(embedded.start(served).url("postgres"), async_=True)
    wait_until(lambda: busy.poll() == psycopg2.extensions.POLL_OK)
    backend = busy.info.backend_pid
    # Counts for days without a check for interrupts: such a session outlives its server and blocks the next one.
    busy.cursor().execute("SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b")
    killed = pid_in_file(served)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: embedded.find(served) is None)

    embedded.start(served)
    assert pid_in_file(served) != killed
    assert query(served, "SELECT answer FROM kept") == [(42,)]
    assert backend not in {process.pid for process in server_processes(served)}
    query(served, "DROP TABLE kept")
    busy.close()


@pytest.mark.parametrize("name", ["sleep", "postgres"])
def test_a_stale_pid_file_may_name_a_foreign_process(served, name):
    """Process ids are reused: the file of a crashed server may name any process, even a foreign postgres."""
    query(served, "CREATE TABLE kept AS SELECT 42 AS answer")
    lines = (served / "postmaster.pid").read_text().splitlines()
    embedded.stop(served)
    elsewhere = Path(tempfile.mkdtemp(dir="/tmp", prefix="ob-"))
    elsewhere.chmod(0o755)
    program = shutil.copy(shutil.which("sleep"), elsewhere / name)
    # Of the server's user: Postgres itself recognises that another user's process is no server of this folder.
    foreign = subprocess.Popen([program, "600"], cwd=elsewhere, **run_as_owner(served))
    try:
        (served / "postmaster.pid").write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
        (served / ".s.PGSQL.5432.lock").write_text("\n".join([str(foreign.pid), *lines[1:5]]) + "\n")
        assert embedded.find(served) is None
        assert embedded.stop(served) is False
        embedded.start(served)
        assert query(served, "SELECT answer FROM kept") == [(42,)]
        assert foreign.poll() is None, "the foreign process must not be killed"
    finally:
        foreign.kill()
        foreign.wait()
        shutil.rmtree(elsewhere)
        query(served, "DROP TABLE kept")


def test_a_folder_deleted_under_its_server_gets_a_new_server(home):
    data_dir = home / "pg"
    embedded.start(data_dir)
    orphan = pid_in_file(data_dir)
    shutil.rmtree(data_dir)
    embedded.start(data_dir)
    assert pid_in_file(data_dir) != orphan
    assert query(data_dir, "SELECT 1") == [(1,)]
    assert orphan not in {process.pid for process in server_processes(data_dir)}


def test_an_unfinished_initdb_is_repeated(home):
    half_made = home / "pg.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    embedded.start(home / "pg")
    assert not half_made.exists()


def test_a_too_long_path_is_refused_before_anything_is_created(home):
    room = embedded.MAX_DATA_PATH_BYTES - len(os.fsencode(home)) - 1
    too_long = home / ("ü" * (room // 2 + 1))
    size = len(os.fsencode(too_long))
    assert len(str(too_long)) < embedded.MAX_DATA_PATH_BYTES < size, "bytes are counted, not characters"
    with pytest.raises(InputError, match=rf"has {size} bytes.*at most 90.*ONS_BIGDATA_HOME"):
        embedded.start(too_long)
    assert list(home.iterdir()) == []


def test_the_longest_allowed_path_works(home):
    data_dir = home / ("x" * (embedded.MAX_DATA_PATH_BYTES - len(str(home)) - 1))
    assert len(str(data_dir)) == embedded.MAX_DATA_PATH_BYTES
    embedded.start(data_dir)
    assert query(data_dir, "SELECT 1") == [(1,)]


def test_a_folder_with_other_files_is_refused_and_not_changed(home):
    data_dir = home / "pg"
    data_dir.mkdir()
    (data_dir / "thesis.txt").write_text("mine")
    with pytest.raises(UnavailableError, match=r"pg: holds files, but no database .*ONS_BIGDATA_HOME"):
        embedded.start(data_dir)
    assert (data_dir / "thesis.txt").read_text() == "mine"
    assert embedded.stop(data_dir) is False


def test_a_database_of_another_version_is_refused(home):
    data_dir = home / "pg"
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("16\n")
    with pytest.raises(UnavailableError, match="Postgres 16, expected 18"):
        embedded.start(data_dir)


def test_a_failed_start_reports_the_reason(served):
    embedded.stop(served)
    configuration = served / "postgresql.conf"
    whole = configuration.read_text()
    try:
        configuration.write_text(whole + "work_mem = 'a lot'\n")
        with pytest.raises(UnavailableError, match='invalid value for parameter "work_mem": "a lot"'):
            embedded.start(served)
    finally:
        configuration.write_text(whole)
        embedded.start(served)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("server_version_num", "18"),
        ("shared_buffers", "256MB"),
        ("work_mem", "64MB"),
        ("maintenance_work_mem", "256MB"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
        ("synchronous_commit", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("jit", "off"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
    ],
)
def test_settings(served, setting, expected):
    [(found,)] = query(served, f"SHOW {setting}")
    assert found[:2] == expected if setting == "server_version_num" else found == expected


def test_only_the_owner_reaches_the_socket(served):
    assert served.stat().st_mode & 0o077 == 0
    assert (served / ".s.PGSQL.5432").is_socket()


def test_text_functions_do_not_depend_on_the_locale_of_the_machine(served):
    statement = "SELECT lower('ÄÉ'), array(SELECT unnest(array['b', 'Z', 'ä', 'a']) ORDER BY 1)"
    assert query(served, statement) == [("äé", ["Z", "a", "b", "ä"])]


def test_url_by_hand():
    address = ServerAddress(host="/srv/a b/pg", port=5432, user="postgres")
    assert address.url("ons_bigdata") == "postgresql://postgres@/ons_bigdata?host=/srv/a%20b/pg&port=5432"
    assert (
        address.url("ons", user="rita", options="-c search_path=dagster")
        == "postgresql://rita@/ons?host=/srv/a%20b/pg&port=5432&options=-c%20search_path%3Ddagster"
    )


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(folder=names, database=names, user=names, options=names)
def test_urls_are_parsed_to_their_parts_by_every_library(folder, database, user, options):
    url = ServerAddress(host=f"/{folder}", port=5432, user="postgres").url(database, user=user, options=options)
    expected = {"user": user, "dbname": database, "host": f"/{folder}", "port": "5432", "options": options}
    assert parse_dsn(url) == expected
    alchemy = make_url(url)
    assert (alchemy.username, alchemy.database) == (user, database)
    assert dict(alchemy.query) == {"host": f"/{folder}", "port": "5432", "options": options}
    split = urlsplit(url)
    assert unquote(split.path) == f"/{database}"
    assert parse_qs(split.query)["options"] == [options]
