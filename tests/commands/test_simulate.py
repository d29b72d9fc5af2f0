"""`simulate shops` on the command line: refused arguments."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ons_bigdata.commands.simulate import LOOPBACK
from tests.command_line import CommandLine


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


def test_a_port_in_use_is_bad_usage_and_named(command: CommandLine) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        finished = command.run("simulate", "shops", "--port", str(port), code=2)
    assert f"port {port} of 127.0.0.1 is in use; choose another with --port" in " ".join(finished.stderr.split())
    assert not command.home.exists()  # nothing was written


def test_an_unknown_shop_is_bad_usage_and_known_shops_are_listed(command: CommandLine) -> None:
    finished = command.run("simulate", "shops", "--retailer", "sim-elm", code=2)
    assert "unknown shop sim-elm; known: sim-alder, sim-birch, sim-cedar, sim-damson" in " ".join(
        finished.stderr.split()
    )
