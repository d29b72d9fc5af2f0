"""The operating-system user that runs the server when the caller is root, whom Postgres refuses.

The data folder belongs to that user. On the folders above it has only the right to pass through.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any

USER = "pgserver"

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_logger = logging.getLogger(__name__)


def run_as_owner(data_dir: Path) -> dict[str, Any]:
    """Return the options of `subprocess` that make root run a program as the owner of the folder."""
    if os.geteuid() != 0:
        return {}
    owner = data_dir.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def give_folder_to_user(data_dir: Path) -> None:
    """As root: create the system user if it is missing, and make it the owner of a new data folder."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", USER]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (fixed words)
        user = pwd.getpwnam(USER)
    os.chown(data_dir, user.pw_uid, user.pw_gid)


def open_way_for_owner(data_dir: Path, programs: Path) -> None:
    """As root: let the owner of the data folder pass through the folders above it and run the server's programs.

    A folder that is closed to everybody else (the state folder, 0700) is opened to the owner's group only, which has
    no other member (0710); a folder that its group uses is opened to all, as its group cannot be changed.
    """
    if os.geteuid() != 0:
        return
    owner = data_dir.stat()
    if owner.st_uid == 0:
        return
    for folder in {*data_dir.parents, *programs.parents}:
        status = folder.stat()
        if status.st_mode & stat.S_IXOTH or (status.st_mode & stat.S_IXGRP and status.st_gid == owner.st_gid):
            continue
        if status.st_mode & _OTHERS or status.st_uid != 0:
            _add_rights(folder, stat.S_IXOTH)
        else:
            os.chown(folder, -1, owner.st_gid)
            _add_rights(folder, stat.S_IXGRP)
        if folder != data_dir.parent:
            _logger.warning("the server does not run as root: %s may now be passed through by its user", folder)
    for path in [programs, *programs.rglob("*")]:
        _add_rights(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _add_rights(path: Path, rights: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & rights != rights:
        path.chmod(mode | rights)
