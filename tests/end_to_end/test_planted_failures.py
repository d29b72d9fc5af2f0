"""Planted failures of all kinds: none reads as success in the exit code, the run, the status or the table of checks."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl
import pytest
from typer.testing import CliRunner

from ons_bigdata import cli
from ons_bigdata.commands import materialize
from ons_bigdata.commands.status import Status, read_status
from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.checks import (
    expect_no_rows,
    expected_period_present,
    load_checks,
    table_matches_frame,
)
from ons_bigdata.platform.dagster.inputs import table_asset
from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.raw_assets import raw_asset
from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.dagster.runs.check_records import FAILED_CHECKS, recording_executor
from ons_bigdata.platform.errors import InputError, ReportedError, UnavailableError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from tests.platform.ingest import number_files

DAYS = Calendar(Cadence.day, date(2016, 7, 1), "Europe/London")
FIRST, LAST = "2016-07-21", "2016-07-23"
NUMBERS = replace(number_files.SOURCE, calendar=DAYS)


class Sums(dy.Schema):
    """Sums of numbers."""

    total = dy.Int64(nullable=False, description="sum")


@dataclass(frozen=True)
class Planted:
    """A failure: where it lies, and what has to be seen of it."""

    asset: str
    check: str | None = None
    """Check that fails; None where the step does."""
    code: int = 1
    """Exit code of the command."""
    status: str = "FAILURE"
    """Status of the run."""
    days: tuple[str, ...] = ()
    """Days for which the check failed; none: the whole table."""


def asset_that(name: str, act: Callable[[], Any], **options: Any) -> dg.AssetsDefinition:
    """Return an asset that acts."""

    @dg.asset(key=["staging", name], **options)
    def act_() -> Any:
        return act()

    return act_


def raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def nothing() -> None:
    """Do nothing."""


def check_that(name: str, *, blocking: bool = False, **result: Any) -> list[Any]:
    """Return an asset and a check of it with a result."""
    asset = asset_that(name, nothing)

    @dg.asset_check(asset=asset, name="holds", blocking=blocking)
    def holds() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(**result)

    return [asset, holds]


def graph(warehouse: Warehouse) -> dg.Definitions:
    """Return assets and checks with all failures, each of which is met by the run of its asset."""
    in_days: dict[str, Any] = {
        "partitions_def": partitions_of(DAYS),
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }

    def lose_server() -> None:
        warehouse.rows("select pg_terminate_backend(pg_backend_pid())")

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()

    broken = asset_that("upstream_broken", raises(ValueError("broken")))
    checked = asset_that("check_raises", nothing)

    @dg.asset_check(asset=checked, name="holds")
    def check_raises() -> dg.AssetCheckResult:
        raise ValueError("the check itself is broken")

    @table_asset(table="analysis.wrong_frame", inputs={}, frame=Sums, description="One row.")
    def wrong_frame(_inputs: Any, _run: Any) -> pl.DataFrame:
        return pl.DataFrame({"total": ["three"]})

    @table_asset(table="analysis.no_input", inputs={"n": "staging.absent"}, frame=Sums, description="One row.")
    def no_input(inputs: Any, _run: Any) -> pl.DataFrame:
        return inputs.read("n")

    @table_asset(table="analysis.no_table", inputs={}, frame=Sums, description="One row.")
    def no_table(_inputs: Any, _run: Any) -> pl.DataFrame:
        return pl.DataFrame({"total": [3]})

    planted = [
        *check_that("check_blocks", passed=False, blocking=True),
        *check_that("check_is_an_error", passed=False),
        *check_that("check_warns", passed=False, severity=dg.AssetCheckSeverity.WARN),
        checked,
        check_raises,
        asset_that("exception", raises(ValueError("broken"))),
        asset_that("bad_input", raises(InputError("not a number"))),
        asset_that("locked", raises(UnavailableError("locked"))),
        asset_that("lost_server", lose_server),
        asset_that("out_of_memory", raises(MemoryError())),
        asset_that("interrupted", interrupt),
        asset_that("killed", kill),
        asset_that("returns_a_value", lambda: 3),
        broken,
        asset_that("downstream", nothing, deps=[broken]),
        wrong_frame,
        no_input,
        no_table,
        asset_that("other_columns", nothing),
        table_matches_frame("staging.other_columns", Sums),
        asset_that("one_day_fails", nothing, **in_days),
        expect_no_rows(
            "staging.one_day_fails",
            "no_zero",
            description="None.",
            query="select date '2016-07-22' as day",
            line="{day}",
            partition="day",
        ),
        asset_that("late", nothing, **in_days),
        expected_period_present("staging.late", column="day", expected="select date '2016-07-23'"),
        asset_that("one_day_raises", raises(ValueError("broken")), **in_days),
        raw_asset(NUMBERS),
        *load_checks(NUMBERS),
    ]
    checks = [one for one in planted if isinstance(one, dg.AssetChecksDefinition)]
    return dg.Definitions(
        [one for one in planted if not isinstance(one, dg.AssetChecksDefinition)],
        asset_checks=checks,
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
        executor=recording_executor(lambda: warehouse),
    )


PLANTED = [
    Planted("staging/check_blocks", "holds"),
    Planted("staging/check_is_an_error", "holds", status="SUCCESS"),
    Planted("staging/check_warns", "holds", code=0, status="SUCCESS"),
    Planted("staging/check_raises"),
    Planted("staging/exception"),
    Planted("staging/bad_input"),
    Planted("staging/locked", code=3),
    Planted("staging/lost_server", code=3),
    Planted("staging/out_of_memory"),
    Planted("staging/interrupted", status="CANCELED"),
    Planted("staging/returns_a_value"),
    Planted("staging/upstream_broken+"),
    Planted("analysis/wrong_frame"),
    Planted("analysis/no_input"),
    Planted("analysis/no_table"),
    Planted("staging/other_columns", "table_matches_frame"),
    Planted("staging/one_day_fails", "no_zero", code=0, status="SUCCESS", days=("2016-07-22",)),
    Planted("staging/late", "expected_period_present", code=0, status="SUCCESS"),
    Planted("staging/one_day_raises"),
]


@pytest.fixture
def template(dagster_template_database: str) -> str:
    """Database with the tables of Dagster, which every run here writes."""
    return dagster_template_database


@pytest.fixture
def planted(settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with which the command line runs the graph of failures."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: Landing(settings.landing_dir, warehouse))
    definitions = graph(warehouse)
    monkeypatch.setattr(runs, "load_definitions", lambda **_: definitions)
    monkeypatch.setattr(materialize, "open_warehouse", lambda _: warehouse)
    monkeypatch.setattr(cli, "get_settings", lambda: settings)
    with warehouse.transaction() as transaction:
        transaction.execute("create table staging.late (day date)")
        transaction.execute("create table staging.other_columns (other text)")
        transaction.execute(number_files.CREATE)
    yield settings


def call(*arguments: str) -> tuple[int, str]:
    """Return exit code and output of a command."""
    result = CliRunner().invoke(cli.app, arguments)
    if isinstance(result.exception, ReportedError):
        return result.exception.exit_code, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def materialise(asset: str, *options: str) -> tuple[int, str]:
    days = ["--from", FIRST, "--to", LAST] if "day" in asset or asset in {"staging/late", "raw/numbers"} else []
    return call("materialize", "--select", asset, *days, *options)


def last_run(settings: Settings, warehouse: Warehouse) -> dg.DagsterRun:
    with open_instance(settings, warehouse.address) as instance:
        return instance.get_runs(limit=1)[0]


def open_runs(status: Status) -> list[str]:
    return status.open_runs["status"].to_list() if status.open_runs.height else []


def failing(warehouse: Warehouse) -> set[tuple[str, str, str | None]]:
    """Return check and partition of each failure in the table of checks."""
    return set(warehouse.rows("select asset, check_name, partition from ops.check_partitions where passed is not true"))


@pytest.mark.parametrize("failure", PLANTED, ids=lambda failure: failure.asset.strip("+").split("/")[1])
def test_a_planted_failure_reads_as_success_nowhere(planted: Settings, warehouse: Warehouse, failure: Planted) -> None:
    code, output = materialise(failure.asset)
    assert code == failure.code, output
    assert "succeeded" not in output
    run = last_run(planted, warehouse)
    assert run.status.value == failure.status
    status = read_status(planted)
    if failure.check is None:
        assert open_runs(status) == [failure.status]
        assert not [tag for tag in run.tags if tag.startswith(FAILED_CHECKS)]
        (row,) = status.open_runs.iter_rows(named=True)
        assert row["assets_not_built"] + row["checks_not_evaluated"] > 0
    else:
        assert run.tags[FAILED_CHECKS] == "1"
        name = (failure.asset, failure.check)
        assert failing(warehouse) == {(*name, day) for day in failure.days or (None,)}
        assert [(row["asset"], row["check_name"]) for row in status.failed_checks.iter_rows(named=True)] == [name]
        assert failure.check in output
    strict_code, printed = materialise(failure.asset, "--strict", "--json")
    assert strict_code == (1 if failure.check else failure.code), printed
    report = json.loads(printed.splitlines()[-1])
    assert (report["success"], bool(report["failed_checks"] or report["failures"])) == (failure.code == 0, True)


def test_a_failure_is_over_once_a_later_run_has_done_its_work(
    planted: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asset in ("staging/exception", "staging/one_day_raises", "staging/check_raises"):
        materialise(asset)
    assert sorted(read_status(planted).open_runs["assets_not_built"]) == [0, 1, 1]
    mended = {"exception": {}, "one_day_raises": {"partitions_def": partitions_of(DAYS)}, "check_raises": {}}
    assets = [
        asset_that(name, nothing, backfill_policy=dg.BackfillPolicy.single_run(), **options)
        for name, options in mended.items()
    ]

    @dg.asset_check(asset=assets[2], name="holds")
    def holds() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    good = dg.Definitions(
        assets,
        asset_checks=[holds],
        resources={"io_manager": NoIOManager()},
        executor=recording_executor(lambda: warehouse),
    )
    monkeypatch.setattr(runs, "load_definitions", lambda **_: good)
    code, output = call("materialize", "--select", "*", "--from", FIRST, "--to", "2016-07-22")
    assert (code, "succeeded" in output) == (0, True), output
    (left,) = read_status(planted).open_runs.iter_rows(named=True)  # the 23rd is not done
    assert (left["first_partition"], left["last_partition"], left["assets_not_built"]) == (FIRST, LAST, 1)
    call("materialize", "--select", "*", "--from", FIRST, "--to", LAST)
    assert open_runs(read_status(planted)) == []


def test_a_killed_run_reads_as_success_nowhere(planted: Settings, warehouse: Warehouse) -> None:
    child = os.fork()
    if child == 0:  # the child is killed within; were it not, it ends without the test's clean-up
        with suppress(BaseException):
            materialise("staging/killed")
        os._exit(0)
    _, ended = os.waitpid(child, 0)
    assert os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
    assert open_runs(read_status(planted)) == ["STARTED"]
    with open_instance(planted, warehouse.address) as instance:
        runs.end_dead_runs(instance)
    assert open_runs(read_status(planted)) == ["FAILURE"]


LOSE_SEVENS = (
    "create function raw.lose_sevens() returns trigger language plpgsql as"
    " $$ begin if new.number = 7 then return null; end if; return new; end $$",
    "create trigger lose_sevens before insert on raw.numbers for each row execute function raw.lose_sevens()",
)


def test_quarantined_rows_lost_rows_and_refused_files_read_as_success_nowhere(
    planted: Settings, warehouse: Warehouse
) -> None:
    landing = Landing(planted.landing_dir, warehouse)
    texts = {"2016-07-21": "2016-07-21 7\n", "2016-07-22": "2016-07-22 1\nnone\n", "2016-07-23": "refuse me"}
    for day, text in texts.items():
        landing.land(
            text.encode(),
            source="numbers",
            delivery="one",
            name=f"{day}-a.txt",
            data_origin="simulated",
            partitions=(day,),
        )
    code, output = materialise("raw/numbers")
    assert code == 0 and "no_rows_quarantined" in output and "finished with 1 failed check" in output
    assert failing(warehouse) == {("raw/numbers", "no_rows_quarantined", "2016-07-22")}
    loads = read_status(planted).loads.row(0, named=True)
    assert (loads["quarantined"], loads["refused"]) == (1, 1)
    with warehouse.transaction() as transaction:
        for statement in LOSE_SEVENS:
            transaction.execute(statement)
    code, output = materialise("raw/numbers")
    assert code == 1 and "rows_match_ledger" in output
    assert ("raw/numbers", "rows_match_ledger", "2016-07-21") in failing(warehouse)
    assert open_runs(read_status(planted)) == []  # all was done; the check failed
