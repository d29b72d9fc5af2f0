"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine

# their tests are collected with those of the demo
pytest.register_assert_rewrite("tests.end_to_end.quality_events", "tests.end_to_end.lineage_records")


@pytest.fixture(scope="session")
def demo(short_tmp: Path) -> Iterator[tuple[CommandLine, str]]:
    """Run the demo without serving, once for all tests that look at it; give its command line and what it printed."""
    command = CommandLine(short_tmp / "demo home ü")  # blanks and umlauts are names too
    try:
        yield command, command.run("demo", "--no-serve", "--pilots", "prices", is_new=True).stdout
    finally:
        command.run("down", code=None)
