"""Health of a collector: a small file that it renews every second, and what others conclude from it."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
import psutil

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.state_folder import write_private_file

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["connected", "waiting", "ended"]

ORIGINS: tuple[Literal["real", "simulated"], ...] = ("real", "simulated")
"""Origins of the posts of a stream; each has a spool of its own."""


class Health(msgspec.Struct):
    """State of a collector at a time. Times are in UTC; none is about a single person."""

    url: str
    legal_basis: str
    pid: int
    process_started: float
    """Start of the process, in seconds since 1970: a later process may have the same number."""
    state: State
    since: datetime
    """Since when the state lasts."""
    at: datetime
    """When this was written."""
    reason: str | None = None
    """Why there is no connection."""
    next_attempt_at: datetime | None = None
    last_byte_at: datetime | None = None
    """Last sign of life of the platform, keep-alives included."""
    last_post_at: datetime | None = None
    posts: int = 0
    """Posts received since the start, repeated ones included."""
    connections: int = 0


class CollectorStatus(msgspec.Struct, frozen=True):
    """Health of a collector as `status` shows it."""

    data_origin: str
    is_running: bool
    state: str
    """connected, waiting (for the next attempt), ended, or killed."""
    since: datetime
    reason: str | None
    next_attempt_at: datetime | None
    last_byte_at: datetime | None
    last_post_at: datetime | None
    posts: int
    connections: int
    url: str
    legal_basis: str
    spool_bytes: int
    """Bytes that have not been rolled into landing."""


def present_process() -> tuple[int, float]:
    """Return number and start of this process."""
    return os.getpid(), psutil.Process().create_time()


def write_health(path: Path, health: Health) -> None:
    """Renew the file of a collector's health: as a whole or not at all."""
    write_private_file(path, msgspec.json.encode(health).decode())


def read_health(path: Path) -> Health | None:
    """Return a collector's health; None where there was none. Raises InputError for a damaged file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Health)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is damaged: {error}; delete it") from error


def read_collectors(folder: Path) -> list[CollectorStatus]:
    """Return the collectors of a spool folder with their state; empty where none has ever run."""
    found = []
    for origin in ORIGINS:
        health = read_health(folder / origin / "health.json")
        if health is None:
            continue
        is_running = _is_running(health)
        found.append(
            CollectorStatus(
                data_origin=origin,
                is_running=is_running,
                state=health.state if is_running or health.state == "ended" else "killed",
                since=health.since if is_running or health.state == "ended" else health.at,
                reason=health.reason,
                next_attempt_at=health.next_attempt_at if is_running else None,
                last_byte_at=health.last_byte_at,
                last_post_at=health.last_post_at,
                posts=health.posts,
                connections=health.connections,
                url=health.url,
                legal_basis=health.legal_basis,
                spool_bytes=_spool_bytes(folder / origin / "segments"),
            )
        )
    return found


def _is_running(health: Health) -> bool:
    if health.state == "ended":
        return False
    try:
        process = psutil.Process(health.pid)
        return abs(process.create_time() - health.process_started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _spool_bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # rolled meanwhile
            continue
    return total
