"""`simulate` on the command line: files of a world, refused arguments."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from ons_bigdata.commands.simulate.shops import LOOPBACK
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


def test_a_world_is_written_into_a_new_folder(command: CommandLine, tmp_path: Path) -> None:
    sizes = ["--users", "60", "--persons", "700", "--addresses", "6200", "--days", "20", "--live-days", "1"]
    folder = tmp_path / "world"
    finished = command.run("simulate", "world", folder, *sizes, "--json")
    written = json.loads(finished.stdout)
    assert (written["users"], written["persons"]) == (60, 700)
    assert {path.name for path in folder.iterdir()} == {"archives", "addresses", "truth", "live"}
    assert (folder / "addresses" / "simulated_addressbase_plus.csv").read_text("utf-8").count("\n") == 6_200
    again = command.run("simulate", "world", folder, *sizes, code=2)
    assert "is no empty folder; expected a new or an empty one" in " ".join(again.stderr.split())
    assert not command.home.exists()


def test_sizes_that_do_not_fit_are_bad_usage(command: CommandLine, tmp_path: Path) -> None:
    finished = command.run("simulate", "world", tmp_path / "new", "--addresses", "100", code=2)
    assert "addresses is 100; expected at least 6120, 40 for each authority" in " ".join(finished.stderr.split())
    finished = command.run("simulate", "world", tmp_path / "new", "--student-flows", "nowhere.csv", code=2)
    assert "no such file: nowhere.csv" in " ".join(finished.stderr.split())
    finished = command.run("simulate", "world", tmp_path / "new", "--generator", "poisson", code=2)
    assert "unknown generator 'poisson'; known: zipf, bursty" in " ".join(finished.stderr.split())
