"""The long-running processes of `up`: Dagster's code server, webserver and daemon. Start, find and stop them.

A process is found by its command line, which names a file in the state folder: no record of it can be lost or damaged.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
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
from ons_bigdata.platform.state_folder import make_private_folder, touch_private_file, write_private_file
from ons_bigdata.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ons_bigdata.settings import Settings

START_SECONDS = 180
STOP_SECONDS = 20

CODE_SERVER, WEBSERVER, DAEMON = "code-server", "webserver", "daemon"
DEFINITIONS = "ons_bigdata.definitions"
"""Module that Dagster loads, as in workspace.yaml; also the name of its code location."""

_WEBSERVER_MODULE = "ons_bigdata.platform.dagster.serving.webserver"
_DAEMON_MODULE = "ons_bigdata.platform.dagster.serving.daemon"


@dataclass(frozen=True)
class Running:
    """A process that `up` started; `address` is the web interface's URL."""

    name: str
    pid: int
    address: str | None


def require_host(host: str, *, has_proxy: bool) -> None:
    """Raise InputError for a host that is not loopback where no proxy with sign-on is said to be before it."""
    if not _is_loopback(host) and not has_proxy:
        raise InputError(
            f"host {host} is not loopback, and the web interface has no sign-on: "
            "add --i-have-a-proxy if a proxy with sign-on stands before it"
        )


def up(
    settings: Settings, *, host: str, port: int, has_proxy: bool, read_only: bool, pages: str | None = None
) -> list[Running]:
    """Start code server, webserver and daemon unless they run; return them once the webserver responds.

    `pages` is the name `module:function` of a function that returns the routes that the webserver has below /pages.
    Webserver and daemon share one code server: each would otherwise load the graph itself, the daemon every minute.

    The webserver has no sign-on: a host that is not loopback is refused unless `has_proxy` asserts that a proxy with
    sign-on is in front of it. Raises InputError for that and for a port in use, UnavailableError where a server does
    not respond in time.
    """
    require_host(host, has_proxy=has_proxy)
    webserver, address = find(settings, WEBSERVER), _shown_address(host, port, read_only=read_only)
    if webserver is not None and webserver.address != address:
        raise InputError(f"the web interface runs already, at {webserver.address}; stop it first with `down`")
    if webserver is None:
        require_free(host, port)
    code_server = _ensure_code_server(settings)
    if webserver is None:
        flags = ["--read-only"] if read_only else []
        names = [f"--accept-host={name.strip()}" for name in settings.web_hosts.split(",") if name.strip()]
        own = [] if pages is None else ["--pages", pages]
        webserver = _start(settings, WEBSERVER, ["--host", host, "--port", str(port), *flags, *names, *own])
    daemon = find(settings, DAEMON) or _start(settings, DAEMON)
    _await(settings, WEBSERVER, lambda: _responds(f"http://{_in_url(host)}:{port}"))
    return [webserver, daemon, code_server]


def down(settings: Settings) -> list[str]:
    """Stop the processes that `up` started; return their names."""
    running = [process for name in (WEBSERVER, DAEMON, CODE_SERVER) if (process := find(settings, name)) is not None]
    _stop([process.pid for process in running])
    return [process.name for process in running]


def find(settings: Settings, name: str) -> Running | None:
    """Return the named process of this installation if it runs."""
    command = _command(settings, name)
    for process in psutil.process_iter(["cmdline", "status"]):
        words = (process.info["cmdline"] or [])[1:]
        if words[: len(command)] == command and process.info["status"] != psutil.STATUS_ZOMBIE:
            return _running(name, process.pid, words)
    return None


def _command(settings: Settings, name: str) -> list[str]:
    """Arguments after the interpreter by which a process is started and recognised: they name the state folder."""
    folder = settings.home / "run"
    socket_path, workspace = str(folder / "code.sock"), str(folder / "workspace.yaml")
    return {
        CODE_SERVER: ["-m", "dagster", "code-server", "start", "--socket", socket_path],
        WEBSERVER: ["-m", _WEBSERVER_MODULE, "--workspace", workspace],
        DAEMON: ["-m", _DAEMON_MODULE, "run", "-w", workspace],
    }[name]


def _running(name: str, pid: int, words: Sequence[str]) -> Running:
    if name != WEBSERVER:
        return Running(name, pid, None)
    host, port = words[words.index("--host") + 1], int(words[words.index("--port") + 1])
    return Running(name, pid, _shown_address(host, port, read_only="--read-only" in words))


def _ensure_code_server(settings: Settings) -> Running:
    """Start the code server where it does not run, and write the workspace file that points to its socket."""
    folder = make_private_folder(settings.home / "run")
    address = folder / "code.sock"
    server = {"socket": str(address), "location_name": DEFINITIONS}
    write_private_file(folder / "workspace.yaml", yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    running = find(settings, CODE_SERVER)
    if running is None:
        address.unlink(missing_ok=True)
        running = _start(settings, CODE_SERVER, ["-m", DEFINITIONS, "--location-name", DEFINITIONS])
        _await(settings, CODE_SERVER, address.is_socket)
    return running


def _start(settings: Settings, name: str, options: Sequence[str] = ()) -> Running:
    words = [*_command(settings, name), *options]
    with touch_private_file(_log(settings, name)).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  (our own interpreter and modules, no shell)
            [sys.executable, *words],
            cwd=PROJECT_ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    return _running(name, process.pid, words)


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


def _await(settings: Settings, name: str, responds: Callable[[], bool]) -> None:
    """Wait until a started process responds. Raises UnavailableError that names its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if find(settings, name) is None:
            raise UnavailableError(f"the {name} ended right after its start; its log is {_log(settings, name)}")
        if responds():
            return
        time.sleep(0.5)
    raise UnavailableError(f"the {name} did not respond within {START_SECONDS} s; its log is {_log(settings, name)}")


def _responds(address: str) -> bool:
    try:
        with urlopen(f"{address}/server_info", timeout=5):  # noqa: S310  (our own http address)
            return True
    except (URLError, TimeoutError, ConnectionError):
        return False


def _stop(pids: Sequence[int]) -> None:
    """Terminate processes and their children; kill those that are still alive after `STOP_SECONDS`."""
    family: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            family += [parent, *parent.children(recursive=True)]
            parent.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _log(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.log"


def _shown_address(host: str, port: int, *, read_only: bool) -> str:
    return f"http://{_in_url(host)}:{port}{' (read-only)' if read_only else ''}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_free(host: str, port: int) -> None:
    """Raise InputError if this process cannot listen on the port: it is in use, not permitted, or no such host."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        reason = "is in use" if getattr(error, "errno", None) == errno.EADDRINUSE else f"cannot be used ({error})"
        raise InputError(f"port {port} of {host} {reason}; choose another with --port") from error
