"""Schedules of calendars, late deliveries, propagation of new data, freshness."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster.automation import (
    INPUTS_UPDATED,
    SETTLED,
    add_conditions,
    calendar_schedule,
    late_delivery_sensors,
    propagation_sensor,
    rolled_files_sensor,
)
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.raw_assets import ONLY_WAITING, raw_asset
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.dagster.runs.jobs import pilot_jobs
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import Source
from tests.platform.ingest.conftest import Land, land
from tests.platform.ingest.number_files import SOURCE

__all__ = ["land"]  # a fixture

ZONE = "Europe/London"


@pytest.mark.parametrize(
    ("cadence", "key"), [(Cadence.day, "2016-06-12"), (Cadence.month, "2016-06-01"), (Cadence.quarter, "2016-04-01")]
)
def test_a_tick_requests_the_period_of_its_day_in_the_zone_of_the_calendar(cadence: Cadence, key: str) -> None:
    calendar = Calendar(cadence, date(2014, 6, 1), ZONE)

    @dg.asset(partitions_def=partitions_of(calendar), tags={"pilot": "meters"})
    def readings() -> None:
        """Build nothing."""

    schedule = calendar_schedule("meters", calendar=calendar, cron="35 0 * * *")
    assert schedule.execution_timezone == ZONE
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    jobs = pilot_jobs([readings], ["meters"])
    repository = dg.Definitions([readings], schedules=[schedule], jobs=jobs).get_repository_def()
    night = datetime(2016, 6, 11, 23, 35, tzinfo=ZoneInfo("UTC"))  # past midnight in London
    context = dg.build_schedule_context(scheduled_execution_time=night, repository_def=repository)
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == (key, "2016-06-12")


DAYS = Calendar(Cadence.day, date(2016, 7, 1), ZONE)
NUMBERS = replace(SOURCE, calendar=DAYS)
TAGS = {"pilot": "meters"}


def graph(source: Source = NUMBERS) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return a raw table by day, a daily table and a mart that read it, and a seed that a mart reads."""

    @dg.asset(key=["staging", "stg_numbers"], deps=[["raw", "numbers"]], partitions_def=partitions_of(DAYS), tags=TAGS)
    def staged() -> None:
        """Build nothing."""

    @dg.asset(key=["seeds", "codes"], tags=TAGS)
    def codes() -> None:
        """Build nothing."""

    @dg.asset(key=["marts", "sums"], deps=[staged, codes], tags=TAGS)
    def sums() -> None:
        """Build nothing."""

    raw = raw_asset(source).map_asset_specs(lambda spec: spec.replace_attributes(tags=TAGS))
    return [raw, staged, codes, sums]


def requests_of(landing: Landing, source: Source, monkeypatch: pytest.MonkeyPatch) -> list[dg.RunRequest]:
    """Runs that the sensor of late deliveries of a source requests."""
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)
    (sensor,) = late_delivery_sensors("meters", [source])
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assets, resources = graph(source), {"warehouse": WarehouseResource()}
    jobs = pilot_jobs(assets, ["meters"])
    repository = dg.Definitions(assets, sensors=[sensor], jobs=jobs, resources=resources).get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, repository_def=repository, resources=resources)
        return list(sensor.evaluate_tick(context).run_requests or [])


def settle(landing: Landing) -> None:
    """Move the landing of all files back by the time from which they count as late."""
    with landing.warehouse.transaction() as transaction:
        transaction.execute("update ops.files set landed_at = landed_at - $1::text::interval", [str(SETTLED)])


def days_of(request: dg.RunRequest) -> tuple[str | None, str | None]:
    """First and last day of a request."""
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return request.tags.get(ends[0]), request.tags.get(ends[1])


def names_of(request: dg.RunRequest) -> list[str]:
    """Assets of a request."""
    return sorted(key.to_user_string() for key in request.asset_selection or [])


def test_files_that_wait_are_requested_once_with_all_that_is_computed_from_them(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert requests_of(landing, NUMBERS, monkeypatch) == []
    for day in ("2016-07-21", "2016-07-22", "2016-07-25"):
        land(f"{day}-a.txt", f"{day} 1\n", (day,))
    assert requests_of(landing, NUMBERS, monkeypatch) == []  # just landed: an ingest may be at work
    settle(landing)
    found = requests_of(landing, NUMBERS, monkeypatch)
    assert [days_of(one) for one in found] == [("2016-07-21", "2016-07-22"), ("2016-07-25", "2016-07-25")]
    assert [names_of(one) for one in found] == [["marts/sums", "raw/numbers", "staging/stg_numbers"]] * 2
    assert [one.run_key for one in requests_of(landing, NUMBERS, monkeypatch)] == [one.run_key for one in found]
    assert len({one.run_key for one in found}) == 2


def test_rolled_files_are_loaded_at_once_over_their_days(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)

    def first_day(name: str) -> date | None:
        return date.fromisoformat(name[7:17]) if name.startswith("rolled-") else None

    sensor = rolled_files_sensor("meters", [NUMBERS], calendar=DAYS, first_day=first_day)
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assets, resources = graph(), {"warehouse": WarehouseResource()}
    jobs = pilot_jobs(assets, ["meters"])
    repository = dg.Definitions(assets, sensors=[sensor], jobs=jobs, resources=resources).get_repository_def()

    def tick() -> list[dg.RunRequest]:
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance, repository_def=repository, resources=resources)
            return list(sensor.evaluate_tick(context).run_requests or [])

    land("2016-07-21-a.txt", "2016-07-21 1\n", ("2016-07-21",))
    assert tick() == []  # no rolled file
    today = landing.files()[0].landed_at.astimezone(ZoneInfo(ZONE)).date().isoformat()
    for day in ("2016-07-25", "2016-07-22"):
        land(f"rolled-{day}.txt", f"{day} 1\n", None)
    (request,) = tick()
    assert (days_of(request), names_of(request)) == (("2016-07-22", today), ["raw/numbers"])
    assert request.tags[ONLY_WAITING] == "true"
    assert [one.run_key for one in tick()] == [request.run_key]


def test_files_of_a_source_without_days_are_requested_with_what_has_no_days(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("a.txt", "2016-07-21 1\n")
    settle(landing)
    (request,) = requests_of(landing, SOURCE, monkeypatch)
    assert (names_of(request), days_of(request)) == (["marts/sums", "raw/numbers"], (None, None))
    assert request.tags[ONLY_WAITING] == "true"


@pytest.mark.parametrize("refused", [False, True])
def test_files_whose_days_are_unknown_until_they_are_read_are_loaded_by_a_run_of_today(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    land("after-a.txt", "2016-07-21 1\n", () if refused else None)
    settle(landing)
    requests = requests_of(landing, NUMBERS, monkeypatch)
    today = DAYS.today().isoformat()
    wanted = [] if refused else [(["marts/sums", "raw/numbers"], (today, today))]
    assert [(names_of(request), days_of(request)) for request in requests] == wanted


def test_each_calendar_of_the_sources_has_a_sensor_and_so_has_each_source_without_days() -> None:
    months = replace(SOURCE, calendar=Calendar(Cadence.month, date(2016, 7, 1), ZONE))
    sensors = late_delivery_sensors("meters", [NUMBERS, SOURCE, months, NUMBERS])
    names = [sensor.name for sensor in sensors]
    assert names == [f"meters_{cadence}_late_deliveries" for cadence in ("daily", "whole", "monthly")]


def test_new_data_of_any_day_are_propagated_from_raw_to_mart() -> None:
    definitions = dg.Definitions(
        add_conditions(graph()),
        sensors=[propagation_sensor("meters")],
        resources={"warehouse": WarehouseResource()},
    )
    assert propagation_sensor("meters").default_status == dg.DefaultSensorStatus.STOPPED
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.evaluate_automation_conditions(definitions, instance)
        assert result.total_requested == 0
        instance.report_runless_asset_event(dg.AssetMaterialization(["raw", "numbers"], partition="2016-07-21"))
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=result.cursor)
        assert result.get_requested_partitions(dg.AssetKey(["staging", "stg_numbers"])) == {"2016-07-21"}
        assert result.total_requested == 1  # a mart is whole: it needs another run
        instance.report_runless_asset_event(dg.AssetMaterialization(["staging", "stg_numbers"], partition="2016-07-21"))
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=result.cursor)
        assert result.get_num_requested(dg.AssetKey(["marts", "sums"])) == result.total_requested == 1
        instance.report_runless_asset_event(dg.AssetMaterialization(["marts", "sums"]))
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=result.cursor)
        assert result.total_requested == 0


def test_what_a_live_source_feeds_has_its_freshness() -> None:
    policy = dg.FreshnessPolicy.cron("0 12 * * *", lower_bound_delta=timedelta(hours=4), timezone=ZONE)
    raw, *others = graph()
    assert isinstance(raw, dg.AssetsDefinition)
    live = raw.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))
    specs = [spec for asset in add_conditions([live, *others]) for spec in asset.specs]  # type: ignore[union-attr]
    assert {spec.key.path[0]: spec.freshness_policy for spec in specs} == {
        "raw": policy,
        "staging": policy,
        "marts": policy,
        "seeds": None,
    }
    assert {spec.key.path[0]: spec.automation_condition for spec in specs} == {
        "raw": None,
        "staging": INPUTS_UPDATED,
        "marts": INPUTS_UPDATED,
        "seeds": None,
    }
