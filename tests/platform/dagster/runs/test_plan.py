"""Runs of assets with different calendars: their keys and order."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.runs.plan import plan_runs
from ons_bigdata.platform.errors import InputError

DAYS = Calendar(Cadence.day, date(2014, 6, 1), "Europe/London")
MONTHS = Calendar(Cadence.month, date(2015, 1, 1), "Europe/London")
RANGE = (date(2016, 1, 3), date(2016, 2, 10))


def _asset(
    name: str, calendar: Calendar | None, deps: Sequence[str], built: dict[str, list[str]]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", name],
        deps=[["raw", dep] for dep in deps],
        partitions_def=None if calendar is None else partitions_of(calendar),
        backfill_policy=None if calendar is None else dg.BackfillPolicy.single_run(),
    )
    def build(context: dg.AssetExecutionContext) -> None:
        built.setdefault(name, []).extend([] if calendar is None else context.partition_keys)

    return build


def _definitions(
    assets: dict[str, tuple[Calendar | None, list[str]]], built: dict[str, list[str]] | None = None
) -> dg.Definitions:
    seen: dict[str, list[str]] = {} if built is None else built
    return dg.Definitions(
        [_asset(name, calendar, deps, seen) for name, (calendar, deps) in assets.items()],
        executor=dg.in_process_executor,
    )


def _planned(assets: dict[str, tuple[Calendar | None, list[str]]]) -> list[tuple[list[str], tuple[str, str] | None]]:
    graph = _definitions(assets).resolve_asset_graph()
    return [
        ([key.path[-1] for key in run.keys], run.key_range)
        for run in plan_runs(graph, graph.materializable_asset_keys, RANGE)
    ]


BOTH_RANGES = (("2016-01-03", "2016-02-10"), ("2016-01-01", "2016-02-01"))


def test_a_daily_and_a_monthly_asset_have_the_right_39_days_and_two_months(tmp_path: Path) -> None:
    built: dict[str, list[str]] = {}
    definitions = _definitions(
        {"readings": (DAYS, []), "bills": (MONTHS, ["readings"]), "summary": (None, ["readings", "bills"])}, built
    )
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = runs.materialise(
            definitions,
            runs.select(definitions, "*"),
            instance=instance,
            days=("2016-01-03", "2016-02-10"),
            log=tmp_path / "log",
        )
    assert outcome.success
    assert len(outcome.run_ids) == 2
    assert outcome.assets == ["raw/bills", "raw/readings", "raw/summary"]
    assert built == {"readings": DAYS.keys(*RANGE), "bills": ["2016-01-01", "2016-02-01"], "summary": []}
    assert len(built["readings"]) == 39


def test_a_single_calendar_is_one_run_with_the_unpartitioned_assets() -> None:
    assert _planned(
        {"seed": (None, []), "day": (DAYS, ["seed"]), "whole": (None, ["day"]), "late": (DAYS, ["whole"])}
    ) == [(["day", "late", "seed", "whole"], BOTH_RANGES[0])]


def test_what_reads_two_calendars_runs_once_after_the_last() -> None:
    assert (
        _planned({"day": (DAYS, []), "month": (MONTHS, []), "both": (None, ["day", "month"])})[-1][0].count("both") == 1
    )
    planned = _planned({"day": (DAYS, []), "month": (MONTHS, ["day"]), "both": (None, ["day", "month"])})
    assert planned == [(["day"], BOTH_RANGES[0]), (["both", "month"], BOTH_RANGES[1])]


def test_a_calendar_waits_for_the_other_where_its_assets_read_it() -> None:
    planned = _planned({"day": (DAYS, ["month"]), "month": (MONTHS, ["calm"]), "calm": (None, [])})
    assert planned == [(["calm", "month"], BOTH_RANGES[1]), (["day"], BOTH_RANGES[0])]


def test_a_calendar_runs_twice_only_where_another_lies_between_its_assets() -> None:
    planned = _planned({"day": (DAYS, []), "month": (MONTHS, ["day"]), "later": (DAYS, ["month"])})
    assert [names for names, _ in planned] == [["day"], ["month"], ["later"]]


def test_no_days_for_partitioned_assets_and_days_outside_a_calendar_are_refused() -> None:
    graph = _definitions({"day": (DAYS, []), "month": (MONTHS, []), "whole": (None, [])}).resolve_asset_graph()
    keys = graph.materializable_asset_keys
    with pytest.raises(InputError, match=r"raw/day, raw/month: partitioned by day and month; say which with --from"):
        plan_runs(graph, keys, None)
    with pytest.raises(InputError, match=r"day 2014-07-01 is outside the calendar, which runs from 2015-01-01"):
        plan_runs(graph, keys, (date(2014, 7, 1), date(2015, 7, 1)))
    assert [run.key_range for run in plan_runs(graph, {dg.AssetKey(["raw", "whole"])}, None)] == [None]


def test_a_failed_run_ends_the_sequence_and_what_did_not_start_is_named(tmp_path: Path) -> None:
    @dg.asset(key=["raw", "day"], partitions_def=partitions_of(DAYS), backfill_policy=dg.BackfillPolicy.single_run())
    def day() -> None:
        raise InputError("no meter")

    built: dict[str, list[str]] = {}
    definitions = dg.Definitions([day, _asset("month", MONTHS, ["day"], built)], executor=dg.in_process_executor)
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = runs.materialise(
            definitions,
            runs.select(definitions, "*"),
            instance=instance,
            days=("2016-01-03", "2016-01-04"),
            log=tmp_path / "log",
        )
    assert not outcome.success
    assert built == {}
    assert "no meter" in outcome.failures[0]
    assert outcome.failures[1] == "not started: 1 assets by month, 2016-01-01"
