"""The demo over several pilots: a failing pilot does not stop the rest."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from ons_bigdata.commands import demo
from ons_bigdata.commands.demo import Delivered, choose_pilots, run_demo
from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings


class BrokenDemo:
    """Demo without data."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        raise self.error

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        return []


@dataclass(frozen=True)
class BrokenPilot(Pilot):
    """A pilot whose demo fails."""

    error: Exception

    @property
    def demo(self) -> BrokenDemo:
        return BrokenDemo(self.error)


def test_a_pilot_that_fails_does_not_stop_the_rest(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "open_warehouse", lambda _: warehouse)
    pilots = [BrokenPilot("prices", StepFailedError("no price")), BrokenPilot("tweets", InputError("no tweet"))]
    outcomes = run_demo(pilots, None, settings, ExitStack())
    assert [(outcome.pilot, outcome.error, outcome.run) for outcome in outcomes] == [
        ("prices", "no price", None),
        ("tweets", "no tweet", None),
    ]


def test_an_error_of_the_program_is_no_outcome(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "open_warehouse", lambda _: warehouse)
    with pytest.raises(ZeroDivisionError):
        run_demo([BrokenPilot("prices", ZeroDivisionError())], None, settings, ExitStack())


def test_pilots_are_chosen_by_name(tmp_path: Path) -> None:
    assert choose_pilots(None, archive=None) == list(PILOTS)
    assert choose_pilots("prices, prices", archive=tmp_path) == [Pilot("prices")]
    with pytest.raises(InputError, match="found lorries; known: prices"):
        choose_pilots("prices,lorries", archive=None)
