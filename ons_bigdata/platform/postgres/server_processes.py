"""Processes of a Postgres server, recognised by their name and working folder, never by a process id in a file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

PID_FILE = "postmaster.pid"

_PROGRAMS = ("postgres", "initdb")

_TERMINATE_SECONDS = 5


def server_processes(data_dir: Path) -> list[psutil.Process]:
    """List the processes of Postgres whose working folder is `data_dir`: a server, initdb, or what a kill left."""
    processes = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in _PROGRAMS:
            with suppress(psutil.Error):  # ended meanwhile, or another user's and therefore not of this folder
                if process.cwd() == str(data_dir):
                    processes.append(process)
    return processes


def find_postmaster(data_dir: Path) -> psutil.Process | None:
    """Find the server's first process: that named by the pid file or, if that is wrong, the parent."""
    processes = server_processes(data_dir)
    candidates = {_pid_in_file(data_dir)}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            candidates.add(process.ppid())
    return next((process for process in processes if process.pid in candidates), None)


def is_alive(process: psutil.Process) -> bool:
    """Return True while a process has not ended. One that is ending has its files, but no working folder any more.

    A process that ended and whose parent has not asked for its exit code counts as ended.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_processes(processes: list[psutil.Process]) -> None:
    """Terminate processes; kill those that are still alive after five seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    alive = psutil.wait_procs(processes, timeout=_TERMINATE_SECONDS)[1]
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=_TERMINATE_SECONDS)


def _pid_in_file(data_dir: Path) -> int | None:
    """Return the process id in the first line of the pid file; None where there is no file or no number yet."""
    try:
        lines = (data_dir / PID_FILE).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None
