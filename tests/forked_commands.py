"""Calls of the command line as forks of a process that has imported everything: real processes without their start.

Imports and the definitions of the raw assets take seconds of processor time, which every process of a test would
spend anew; the server of this module spends it once. It opens no database, and what it has read are the files of the
checkout. Settings, environment, working directory and streams of a call are those of the request.

`python -m tests.forked_commands FD` serves the socket FD until the other side closes it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from ons_bigdata import cli
from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.dagster import runs
from ons_bigdata.settings import get_settings

COMMANDS = ("compliance", "demo", "doctor", "ingest", "materialize", "query", "serve", "status")
PARTS = ("assets", "automation", "checks", "schemas.tables", "sources")
"""Packages of a pilot that the definitions import."""
LARGEST_REQUEST = 1 << 17
"""Bytes of the words and the environment of a call."""


class ForkServer:
    """Client of a server; it starts the server and takes one call at a time."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                words, env=dict(environment), cwd=directory, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )

    def run(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, module: str = cli.__name__
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; like `subprocess.run`, wait for every process that holds its output open.

        The fork calls `main()` of the module, which reads the arguments from `sys.argv`.
        """
        request = json.dumps([module, list(arguments), dict(environment), str(directory)]).encode()
        assert len(request) <= LARGEST_REQUEST, f"a call of {len(request)} bytes"
        with self._lock, Path(os.devnull).open("rb") as nothing:
            (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
            try:
                socket.send_fds(self._socket, [request], [nothing.fileno(), to_stdout, to_stderr])
            finally:
                os.close(to_stdout)
                os.close(to_stderr)
            with os.fdopen(stdout, "rb") as output, os.fdopen(stderr, "rb") as errors:
                printed = _read_to_end(output, errors)
            reply = self._socket.recv(64)
        assert reply, f"the server of commands has ended with exit code {self._process.wait(timeout=10)}"
        return subprocess.CompletedProcess(list(arguments), int(reply), *(text.decode() for text in printed))


def _read_to_end(*streams: IO[bytes]) -> list[bytes]:
    read: dict[int, list[bytes]] = {stream.fileno(): [] for stream in streams}
    with selectors.DefaultSelector() as selector:
        for number in read:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                part = os.read(key.fd, 1 << 16)
                if part:
                    read[key.fd].append(part)
                else:
                    selector.unregister(key.fd)
    return [b"".join(parts) for parts in read.values()]


@cache
def fork_server(directory: Path) -> ForkServer:
    """Return the server of this process; its environment has no settings of the project."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("ONS_BIGDATA_", "DAGSTER_"))}
    return ForkServer({**clean, "COLUMNS": "160"}, directory)


def serve(number: int) -> None:
    """Fork for each request of a socket; reply with the exit code of the fork (-N: ended by signal N)."""
    gc.set_threshold(*cli.GARBAGE_THRESHOLDS)
    _import_everything()
    gc.freeze()  # a fork that looks through what was imported copies it
    with socket.socket(fileno=number) as requests:
        while True:
            text, streams, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 3)
            if not text:
                os._exit(0)  # without the second that it takes to free what was imported
            child = os.fork()
            if child == 0:
                requests.close()
                _become_command(*json.loads(text), streams)
                return
            for stream in streams:
                os.close(stream)
            _, status = os.waitpid(child, 0)
            requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _import_everything() -> None:
    names = [f"ons_bigdata.commands.{name}" for name in COMMANDS]
    names += [f"ons_bigdata.{pilot.name}.{part}" for pilot in PILOTS for part in PARTS]
    for name in ("ons_bigdata.platform.dagster.dbt", *names):
        importlib.import_module(name)
    for pilot in PILOTS:
        runs.load_definitions(raw_only=True, pilots=(pilot.name,))
    threads = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    assert not any(re.fullmatch(r"polars-\d+", name) for name in threads), (
        f"an import computes with polars, whose threads a fork lacks: {sorted(threads)}"
    )


def _become_command(
    module: str, arguments: list[str], environment: Mapping[str, str], directory: str, streams: Sequence[int]
) -> None:
    """Run the command line, or another module's `main`, in this process, which ends with it."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    get_settings.cache_clear()
    os.chdir(directory)
    sys.argv = ["ons-bigdata", *arguments]
    importlib.import_module(module).main()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
