"""The long-running processes of `up`: Dagster's code server, webserver and daemon. Start, find, stop. Loopback only."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import yaml

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ons_bigdata.settings import Settings

START_SECONDS = 180
STOP_SECONDS = 20

CODE_SERVER, WEBSERVER, DAEMON = "code-server", "webserver", "daemon"
DEFINITIONS = "ons_bigdata.definitions"
"""Module that Dagster loads, found by name as in workspace.yaml; the name of its location, too."""


@dataclass(frozen=True)
class Running:
    """A process that `up` started."""

    name: str
    pid: int
    address: str | None


def up(settings: Settings, *, host: str, port: int, has_proxy: bool, read_only: bool) -> list[Running]:
    """Start code server, webserver and daemon where they do not run; return them once the webserver answers.

    One code server for both: each would else load the graph for itself, and the daemon again every minute.

    The webserver has no sign-on: a host that is not loopback is refused unless `has_proxy` says that
    one with sign-on stands before it. Raises InputError for that and for a port in use, UnavailableError where
    a server does not answer in time.
    """
    if not _is_loopback(host) and not has_proxy:
        raise InputError(
            f"host {host} is not loopback, and the web interface has no sign-on: "
            "say --i-have-a-proxy if a proxy with sign-on stands before it"
        )
    webserver, address = find(settings, WEBSERVER), f"http://{host}:{port}{' (read-only)' if read_only else ''}"
    if webserver is not None and webserver.address != address:
        raise InputError(f"the web interface runs already, at {webserver.address}; stop it first with `down`")
    if webserver is None:
        require_free(host, port)
    code_server, workspace = _code_server(settings)
    if webserver is None:
        flags = ["--read-only"] if read_only else []
        command = ["dagster-webserver", "--host", host, "--port", str(port), *flags, "-w", workspace]
        webserver = _start(settings, WEBSERVER, command, address=address)
    daemon = find(settings, DAEMON) or _start(settings, DAEMON, ["dagster-daemon", "run", "-w", workspace])
    _await(settings, WEBSERVER, lambda: _answers(address.split(maxsplit=1)[0]))
    return [webserver, daemon, code_server]


def _code_server(settings: Settings) -> tuple[Running, str]:
    """Start the code server where it does not run; give it with the workspace file that leads to it."""
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    address, workspace = folder / "code.sock", folder / "workspace.yaml"
    server = {"socket": str(address), "location_name": DEFINITIONS}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    running = find(settings, CODE_SERVER)
    if running is None:
        address.unlink(missing_ok=True)
        command = ["dagster", "code-server", "start", "--socket", str(address), "-m", DEFINITIONS]
        running = _start(settings, CODE_SERVER, [*command, "--location-name", DEFINITIONS])
        _await(settings, CODE_SERVER, address.is_socket)
    return running, str(workspace)


def down(settings: Settings) -> list[str]:
    """Stop what `up` started; return the names of what ran."""
    names = (WEBSERVER, DAEMON, CODE_SERVER)
    running = [found for name in names if (found := find(settings, name)) is not None]
    _stop([one.pid for one in running])
    for name in names:
        _record(settings, name).unlink(missing_ok=True)
    return [one.name for one in running]


def find(settings: Settings, name: str) -> Running | None:
    """Return the named process if it still runs (its start time must agree: process ids are reused)."""
    path = _record(settings, name)
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    try:
        process = psutil.Process(record["pid"])
        alive = process.create_time() == record["started"] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return Running(name, record["pid"], record["address"]) if alive else None


def _start(settings: Settings, name: str, command: Sequence[str], *, address: str | None = None) -> Running:
    folder = _record(settings, name).parent
    folder.mkdir(parents=True, exist_ok=True)
    executable = Path(sys.executable).with_name(command[0])
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  (our own executables, no shell)
            [str(executable), *command[1:]],
            cwd=PROJECT_ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = psutil.Process(process.pid).create_time()
    record = {"pid": process.pid, "started": started, "address": address}
    _record(settings, name).write_text(json.dumps(record))
    return Running(name, process.pid, address)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a Dagster process of this installation."""
    return {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home),
        "ONS_BIGDATA_HOME": str(settings.home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _await(settings: Settings, name: str, answers: Callable[[], bool]) -> None:
    """Wait until a process that was started answers. Raises UnavailableError that names its log."""
    log = _record(settings, name).with_suffix(".log")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if find(settings, name) is None:
            raise UnavailableError(f"the {name} ended at once; its log is {log}")
        if answers():
            return
        time.sleep(0.5)
    raise UnavailableError(f"the {name} did not answer within {START_SECONDS} s; its log is {log}")


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/server_info", timeout=5):  # noqa: S310  (our own http address)
            return True
    except (URLError, TimeoutError, ConnectionError):
        return False


def _stop(pids: Sequence[int]) -> None:
    """End processes and their children, at first politely, all at once."""
    family: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            family += [parent, *parent.children(recursive=True)]
            parent.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        process.kill()


def _record(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.json"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_free(host: str, port: int) -> None:
    """Raise InputError if something listens on the port."""
    if _in_use(host, port):
        raise InputError(f"port {port} of {host} is in use; choose another with --port")


def _in_use(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((host, port)) == 0
