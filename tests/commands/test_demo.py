"""The demo over several pilots: a failing pilot does not stop the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from ons_bigdata.commands import demo
from ons_bigdata.commands.demo import Delivered, PilotOutcome, choose_pilots, run_demo
from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform.dagster.runs import RunOutcome
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.forked_jobs import Ended, Job, JobError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings


class BrokenDemo:
    """Demo without data."""

    expected_s = 1.0

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


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_pilot_that_fails_does_not_stop_the_rest(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(demo, "can_fork", lambda: True)
    monkeypatch.setattr(demo.runs, "load_definitions", lambda pilots: None)
    monkeypatch.setattr(demo, "open_warehouse", lambda _: warehouse)
    pilots = [BrokenPilot("prices", StepFailedError("no price")), BrokenPilot("tweets", InputError("no tweet"))]
    outcomes = run_demo(pilots, None, settings, ExitStack(), at_once=at_once)
    assert [(outcome.pilot, outcome.error, outcome.run) for outcome in outcomes] == [
        ("prices", "no price", None),
        ("tweets", "no tweet", None),
    ]


def test_an_error_of_the_program_is_no_outcome(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "open_warehouse", lambda _: warehouse)
    monkeypatch.setattr(demo, "can_fork", lambda: True)
    monkeypatch.setattr(demo.runs, "load_definitions", lambda pilots: None)
    with pytest.raises(ZeroDivisionError):
        run_demo([BrokenPilot("prices", ZeroDivisionError())], None, settings, ExitStack())
    pilots = [BrokenPilot("prices", ZeroDivisionError()), BrokenPilot("tweets", InputError("no tweet"))]
    with pytest.raises(JobError, match="ZeroDivisionError"):
        run_demo(pilots, None, settings, ExitStack(), at_once=2)


def test_of_several_pilots_the_longest_begins_first_and_the_outcomes_keep_their_order(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def run_forked(jobs: Sequence[Job], **_: object) -> list[Ended]:
        begun.extend(job.name for job in jobs)
        return [Ended(job.name, 2.0, None, "its process was killed (signal 9, SIGKILL)") for job in jobs]

    monkeypatch.setattr(demo, "open_warehouse", lambda _: warehouse)
    monkeypatch.setattr(demo, "can_fork", lambda: True)
    monkeypatch.setattr(demo, "run_forked", run_forked)
    monkeypatch.setattr(demo.runs, "load_definitions", lambda pilots: None)
    outcomes = run_demo(list(reversed(PILOTS)), None, settings, ExitStack(), at_once=2)
    assert begun[0] == "prices"
    assert [outcome.pilot for outcome in outcomes] == [pilot.name for pilot in reversed(PILOTS)]
    assert {outcome.error for outcome in outcomes} == {
        f"its process was killed (signal 9, SIGKILL); output: {settings.home}/logs/runs.log"
    }


def test_the_outcome_of_a_fork_has_the_checks_of_its_runs() -> None:
    """Also those of several runs; values of checks are no JSON."""
    run = RunOutcome(["1", "2"], completed=True, assets=["raw/a"], checks=[], failures=["none"])
    sent = json.loads(json.dumps(demo._as_json(PilotOutcome("prices", 3.0, run, ["a line"]))))
    assert sent == {
        "pilot": "prices",
        "seconds": 3.0,
        "lines": ["a line"],
        "error": None,
        "run": {
            **{"run_ids": ["1", "2"], "completed": True, "assets": ["raw/a"], "checks": [], "failures": ["none"]},
            **{"unavailable": False, "interrupted": False},
        },
    }


@pytest.mark.parametrize(
    ("processors", "gigabytes", "expected"), [(1, 64, 1), (2, 16, 3), (2, 3.5, 2), (2, 1.2, 1), (8, 64, 9), (8, 4, 2)]
)
def test_processors_and_free_memory_say_how_many_pilots_run_at_once(
    monkeypatch: pytest.MonkeyPatch, processors: int, gigabytes: float, expected: int
) -> None:
    monkeypatch.setattr(demo, "usable_processors", lambda: processors)
    monkeypatch.setattr(demo.psutil, "virtual_memory", lambda: SimpleNamespace(available=int(gigabytes * 1e9)))
    assert demo.pilots_at_once() == expected


def test_pilots_are_chosen_by_name(tmp_path: Path) -> None:
    assert choose_pilots(None, archive=None) == list(PILOTS)
    assert choose_pilots("prices, prices", archive=tmp_path) == [Pilot("prices")]
    with pytest.raises(InputError, match="found lorries; known: prices"):
        choose_pilots("prices,lorries", archive=None)
