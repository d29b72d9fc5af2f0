"""Automation, off until it is switched on: schedules, arrivals of files, propagation of new data; freshness policies.

Pilots choose which of them they have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from ons_bigdata.platform.dagster.assets import PILOT
from ons_bigdata.platform.dagster.partitions import RANGE_END, RANGE_START
from ons_bigdata.platform.dagster.raw_assets import ONLY_WAITING
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.dagster.runs.jobs import job_name

if TYPE_CHECKING:
    from ons_bigdata.platform.calendar import Calendar
    from ons_bigdata.platform.ingest.landing import LandedFile, Landing
    from ons_bigdata.platform.ingest.sources import AnySource

SETTLED = timedelta(minutes=15)
"""Time after its landing from which a file counts as late: an ingest loads its files at once."""

NOT_DERIVED = ("landing", "ops", "raw", "seeds")
"""Schemas of assets that are not computed from other tables."""

INPUTS_UPDATED = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("inputs updated")
"""Condition of a derived asset: an input has new data and passed its blocking checks, whatever the age of its day.

Dagster's `eager` would not do: it looks at the latest day alone, and waits until no input lacks any of its days.
"""


def calendar_schedule(pilot: str, *, calendar: Calendar, cron: str) -> dg.ScheduleDefinition:
    """Schedule of a pilot's job of `calendar` for the period that contains the day of the tick.

    `cron` is in the calendar's time zone. The schedule is off until somebody switches it on.
    """
    name = job_name(pilot, calendar)

    @dg.schedule(
        job_name=name,
        name=f"{name}_schedule",
        cron_schedule=cron,
        execution_timezone=calendar.zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Runs {name} for the present {calendar.cadence.value}. Off until it is switched on.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(calendar.zone)).date()
        # a month's run is repeated as its days come in: the tick's day names the run, the calendar its partition
        return dg.RunRequest(run_key=day.isoformat(), partition_key=calendar.key(day))

    return schedule


def late_delivery_sensors(pilot: str, sources: Sequence[AnySource]) -> list[dg.SensorDefinition]:
    """Sensors of late deliveries: one for each calendar of the sources, and one for the sources without days.

    Each builds the periods of files that landed and wait, and what is computed from them. Files wait where a collector
    has landed them after the schedule's run, or where an ingest was killed. Each set of waiting files is requested
    once. Off until they are switched on.
    """
    calendars = list(dict.fromkeys(source.calendar for source in sources))
    return [
        _late_delivery_sensor(pilot, [source for source in sources if source.calendar == calendar], calendar)
        for calendar in calendars
    ]


def _late_delivery_sensor(pilot: str, sources: Sequence[AnySource], calendar: Calendar | None) -> dg.SensorDefinition:
    name = job_name(pilot, calendar)
    what = "Builds what is computed from files" if calendar is None else f"Builds the {calendar.cadence}s of files"

    @dg.sensor(
        job_name=name,
        name=f"{name}_late_deliveries",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"{what} that wait since {SETTLED}. Off until it is switched on.",
    )
    def late_deliveries(
        context: dg.SensorEvaluationContext, warehouse: WarehouseResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        landing = warehouse.landing()
        late = {source.name: _late_files(landing, source) for source in sources}
        if not any(late.values()) or context.repository_def is None:
            yield dg.SkipReason("no file waits")
            return
        graph = context.repository_def.asset_graph
        in_job = set(context.repository_def.get_job(name).asset_layer.executable_asset_keys)
        for source in sources:
            if not late[source.name]:
                continue
            raw = dg.AssetKey(source.table_name.split("."))
            downstream = dg.AssetSelection.assets(raw).downstream().resolve(graph) & in_job
            dependents = {key for key in downstream if key.path[0] != "seeds"}
            files = _short_hash(late[source.name])
            ranges: list[tuple[str, str] | None] = []
            if calendar is not None:
                stretches = calendar.stretches(landing.pending_partitions(source.reader))
                ranges += [_range_keys(calendar, *stretch) for stretch in stretches]
            chosen = dependents
            if not ranges and calendar is not None:
                # days unknown until the files are read, which a run of any day does; what is computed by day is left
                # to the propagation, which sees the days that are written
                today = calendar.key(calendar.today())
                ranges = [(today, today)]
                chosen = {key for key in dependents if key == raw or graph.get(key).partitions_def is None}
            for keys in ranges or [None]:
                yield dg.RunRequest(
                    run_key=" ".join([source.name, *(keys or ()), files]),
                    asset_selection=sorted(chosen, key=lambda key: key.to_user_string()),
                    tags={ONLY_WAITING: "true", **({} if keys is None else {RANGE_START: keys[0], RANGE_END: keys[1]})},
                )

    return late_deliveries


def rolled_files_sensor(
    pilot: str, sources: Sequence[AnySource], *, calendar: Calendar, first_day: Callable[[str], date | None]
) -> dg.SensorDefinition:
    """Sensor of the files that a live collector has rolled into landing: loads those that wait, once a minute.

    `first_day` gives the first day that a file may have rows of, by its name; None for a file that no collector has
    rolled. One run for each source, over the days up to that of the latest file. What is computed from them is left to
    schedules and propagation. Off until it is switched on.
    """

    @dg.sensor(
        job_name=job_name(pilot, calendar),
        name=f"{pilot}_rolled_files",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Loads the files that the collector of a stream has rolled. Off until it is switched on.",
    )
    def rolled_files(
        _context: dg.SensorEvaluationContext, warehouse: WarehouseResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        landing = warehouse.landing()
        is_idle = True
        for source in sources:
            files = [file for file in landing.waiting_files(source.reader) if first_day(file.name) is not None]
            days = [day for file in files if (day := first_day(file.name)) is not None]
            if not days:
                continue
            is_idle = False
            last = max(file.landed_at.astimezone(ZoneInfo(calendar.zone)).date() for file in files)
            keys = calendar.key(min(days)), calendar.key(max(last, *days))
            yield dg.RunRequest(
                run_key=f"{source.name} {_short_hash(files)}",
                asset_selection=[dg.AssetKey(source.table_name.split("."))],
                tags={ONLY_WAITING: "true", RANGE_START: keys[0], RANGE_END: keys[1]},
            )
        if is_idle:
            yield dg.SkipReason("no rolled file waits")

    return rolled_files


def _short_hash(files: Sequence[LandedFile]) -> str:
    return hashlib.sha256(" ".join(file.file_id for file in files).encode()).hexdigest()[:16]


def _range_keys(calendar: Calendar, first: str, last: str) -> tuple[str, str]:
    """Keys of the periods of the first and the last day of a stretch."""
    return calendar.key(datetime.fromisoformat(first).date()), calendar.key(datetime.fromisoformat(last).date())


def _late_files(landing: Landing, source: AnySource) -> list[LandedFile]:
    """Waiting files of a source, once none of them has just landed."""
    waiting = landing.waiting_files(source.reader)
    settled = datetime.now(UTC) - SETTLED
    return waiting if all(file.landed_at <= settled for file in waiting) else []


def propagation_sensor(pilot: str) -> dg.AutomationConditionSensorDefinition:
    """Sensor that materialises a pilot's derived assets when their inputs have new data, from raw tables to marts.

    For use in place of a schedule. Off until it is switched on.
    """
    return dg.AutomationConditionSensorDefinition(
        f"{pilot}_propagation",
        target=dg.AssetSelection.tag(PILOT, pilot),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Materialises assets when what they are computed from has new data. Off until it is switched on.",
    )


def add_conditions(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec],
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Set the condition of `propagation_sensor` on derived assets, and freshness on all that a live source feeds.

    An asset without a freshness policy gets the policy of the live asset that it is computed from, directly or by way
    of others; of several, that of the first by its key. External assets have neither.
    """
    assets = list(assets)
    specs = {
        spec.key: spec for asset in assets for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)
    }
    inherited = _inherited_policies(specs)

    def extend(spec: dg.AssetSpec) -> dg.AssetSpec:
        is_derived = spec.key.path[0] not in NOT_DERIVED
        return spec.replace_attributes(
            freshness_policy=inherited.get(spec.key, spec.freshness_policy),
            automation_condition=INPUTS_UPDATED if is_derived else spec.automation_condition,
        )

    return [asset if isinstance(asset, dg.AssetSpec) else asset.map_asset_specs(extend) for asset in assets]


def _inherited_policies(specs: dict[dg.AssetKey, dg.AssetSpec]) -> dict[dg.AssetKey, dg.FreshnessPolicy]:
    children: dict[dg.AssetKey, list[dg.AssetKey]] = {}
    for key, spec in specs.items():
        for dep in spec.deps:
            children.setdefault(dep.asset_key, []).append(key)
    inherited: dict[dg.AssetKey, dg.FreshnessPolicy] = {}
    live = sorted(
        (key for key, spec in specs.items() if spec.freshness_policy is not None), key=lambda key: key.to_user_string()
    )
    for origin in live:
        policy = specs[origin].freshness_policy
        waiting = [origin]
        while waiting and policy is not None:
            for child in children.get(waiting.pop(), ()):
                if child not in inherited and specs[child].freshness_policy is None:
                    inherited[child] = policy
                    waiting.append(child)
    return inherited
