"""`--strict`: a failed check that only warns is exit code 1, whatever command started the run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from ons_bigdata import cli, pilot_commands
from ons_bigdata.commands import demo, ingest, materialize, reparse, scrape, serve, status
from ons_bigdata.commands.build_dependents import BuildSummary
from ons_bigdata.commands.ingest import IngestSummary
from ons_bigdata.commands.reparse import ReparseSummary
from ons_bigdata.commands.scrape import ScrapeSummary
from ons_bigdata.commands.status import Status
from ons_bigdata.platform.dagster import instance, runs
from ons_bigdata.platform.dagster.runs import CheckOutcome, RunOutcome
from ons_bigdata.platform.ingest.landing import Landing
from tests.platform.ingest.number_files import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.settings import Settings

LATE = CheckOutcome("raw/a", "late", passed=False, severity="WARN", blocking=False, metadata={}, evaluated_at=0.0)
NAME = "raw/a late"
FILES = IngestSummary(1, 2, 2, 0, 0, 0, 0, 1, "2016-07-21", "2016-07-21")
BUILT = BuildSummary("2016-07-21", "2016-07-21", ["marts/b"], [], [], success=True, unavailable=False)
NO_ROWS = pl.DataFrame()
STATE = Status("home", "database", NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS, 1)
FAILED = pl.DataFrame({"asset": ["raw/a"], "check_name": ["late"], "status": ["FAILED"]})

RESULTS = {
    "materialize": (
        ["materialize", "--select", "raw/a"],
        [(materialize, "materialise", RunOutcome(["run"], True, [], [LATE]))],
        [(materialize, "materialise", RunOutcome(["run"], True, [], []))],
    ),
    "ingest": (
        ["ingest", "prices", "folder"],
        [(ingest, "ingest", replace(FILES, failed_checks=[NAME]))],
        [(ingest, "ingest", FILES)],
    ),
    "ingest --build": (
        ["ingest", "prices", "folder", "--build"],
        [(ingest, "ingest", replace(FILES, built=replace(BUILT, failed_checks=[NAME])))],
        [(ingest, "ingest", replace(FILES, built=BUILT))],
    ),
    "scrape": (
        ["scrape", "prices"],
        [(scrape, "scrape_prices", ScrapeSummary("2016-07-21", failed_checks=[NAME]))],
        [(scrape, "scrape_prices", ScrapeSummary("2016-07-21"))],
    ),
    "reparse": (
        ["reparse", "prices"],
        [(reparse, "reparse_prices", ReparseSummary(failed_checks=[NAME]))],
        [(reparse, "reparse_prices", ReparseSummary())],
    ),
    "demo": (
        ["demo", "--no-serve"],
        [(status, "read_status", replace(STATE, failed_checks=FAILED))],
        [(status, "read_status", STATE)],
    ),
}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> CliRunner:
    """The command line over commands that do nothing."""
    for module in (cli, pilot_commands):
        monkeypatch.setattr(module, "get_settings", lambda: settings)
        monkeypatch.setattr(module, "progress_bars", nullcontext)
    monkeypatch.setattr(demo, "run_demo", lambda *_: [])
    monkeypatch.setattr(serve, "build_docs", lambda _: tmp_path)
    return CliRunner()


@pytest.mark.parametrize("name", RESULTS)
def test_any_failed_check_is_exit_code_1_with_strict_and_is_always_printed(
    command: CliRunner, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    arguments, failed, passed = RESULTS[name]
    for results, lenient_code, strict_code in ((failed, 0, 1), (passed, 0, 0)):
        for module, function, result in results:
            monkeypatch.setattr(module, function, lambda *_, result=result, **__: result)
        lenient, strict = command.invoke(cli.app, arguments), command.invoke(cli.app, [*arguments, "--strict"])
        assert (lenient.exit_code, strict.exit_code) == (lenient_code, strict_code), (lenient.output, strict.output)


def test_checks_that_fail_when_files_are_loaded_are_in_the_summary(
    settings: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = replace(SOURCE, table=replace(SOURCE.table, name="raw.price_quotes"))
    landing.land(b"1", source=source.name, delivery="a", name="1.txt", data_origin="simulated", partitions=("x",))
    monkeypatch.setattr(ingest, "open_warehouse", lambda _: landing.warehouse)
    monkeypatch.setattr(instance, "open_instance", lambda *_: nullcontext())
    monkeypatch.setattr(runs, "materialise", lambda *_, **__: RunOutcome(["run"], True, [], [LATE]))
    (written,) = ingest.load_waiting(settings, landing, [source])
    assert written.failed_checks == (NAME,)
    assert ingest.failed_checks_of([written, written]) == [NAME]
