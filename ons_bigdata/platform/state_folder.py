"""The state folder and the files in it, readable by their owner only: folders 0700, files 0600, whatever the umask."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("landing", "spool", "lake", "dagster", "dbt", "logs", "run")
"""Parts of the state folder that are made private even where an earlier version created them with wider rights."""

_OWNER_ONLY_UMASK = 0o077
_users: list[int] = []
"""Umasks that `private_umask` replaced, the innermost last."""
_OWNER_FILE = stat.S_IRUSR | stat.S_IWUSR
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare_state_folder(home: Path) -> None:
    """Create the state folder and its parts; remove the rights of group and others from the parts.

    An existing state folder keeps its rights unless it is empty: it may be shared, and its parts are private anyway.
    Raises InputError where it cannot be written.
    """
    try:
        if not home.exists() or not any(home.iterdir()):
            make_private_folder(home)
        for name in FOLDERS:
            make_private_folder(home / name)
    except OSError as error:
        raise InputError(
            f"state folder {home} cannot be used ({error.strerror}: {error.filename}); "
            "make it writable or set ONS_BIGDATA_HOME to another folder"
        ) from error


def make_private_folder(path: Path) -> Path:
    """Create a folder with its parents, or remove the rights of others from an existing one of this user."""
    path.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
    return path


def write_private_file(path: Path, text: str) -> None:
    """Write a whole file or nothing: a temporary file is renamed. Its mode is 0600. An unchanged file is kept."""
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
        _close(path)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", opener=open_private) as file:
            file.write(text)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def touch_private_file(path: Path) -> Path:
    """Create an empty file or keep an existing one, with mode 0600; return it."""
    os.close(open_private(str(path), os.O_WRONLY | os.O_CREAT))
    _close(path)
    return path


@contextmanager
def private_umask() -> Iterator[None]:
    """Create files for their owner only, in this process and its children, within the block."""
    _users.append(os.umask(_OWNER_ONLY_UMASK))
    try:
        yield
    finally:
        os.umask(_users.pop())


@contextmanager
def umask_of_user() -> Iterator[None]:
    """Create files with the rights that the user asks for, within a block inside of `private_umask`."""
    before = os.umask(_users[-1]) if _users else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)


def open_private(path: str, flags: int) -> int:
    """Open a file, with mode 0600 where it is created: an opener for `open`."""
    return os.open(path, flags, _OWNER_FILE)


def _close(path: Path) -> None:
    """Remove the rights of others from a file of this user."""
    status = path.stat()
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid():
        path.chmod(_OWNER_FILE)
