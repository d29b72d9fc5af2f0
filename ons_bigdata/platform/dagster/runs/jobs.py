"""Jobs under which runs stand on the timeline: for each pilot one per calendar, and one of the assets without days.

A run of a part of a job's assets is a run of that job. The web interface calls a run of no job "jobless".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition  # no public name

from ons_bigdata.platform.dagster.assets import PILOT
from ons_bigdata.platform.dagster.partitions import calendar_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ons_bigdata.platform.calendar import Calendar

WHOLE = "whole"
"""Suffix of the job of assets without partitions."""

ALL_PILOTS = "all_pilots"
"""Prefix of the jobs of several pilots together."""


def job_name(pilot: str, calendar: Calendar | None) -> str:
    """Name of the job of a pilot's assets of a calendar; None is the job of the assets without partitions."""
    return f"{pilot}_{WHOLE if calendar is None else calendar.cadence.adverb}"


def pilot_jobs(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec], pilots: Sequence[str]
) -> list[UnresolvedAssetJobDefinition]:
    """Jobs of the pilots' assets: `<pilot>_daily` (monthly, quarterly) and `<pilot>_whole`.

    The job of a calendar has the assets without partitions, too: they are rebuilt in the same run. Where there are
    several pilots, `all_pilots_daily` and so on have the assets of all: a selection may span pilots. Where calendars of
    a cadence differ, each has its job with what is whole of all pilots: `all_pilots_<pilots>_daily`. Assets with
    partitions of two dimensions, of which a run makes one, have a job for each definition: `<pilot>_<name of its op>`.
    """
    by_pilot: dict[str, dict[Calendar | None, set[dg.AssetKey]]] = {pilot: {} for pilot in pilots}
    jobs = []
    for asset in assets:
        if isinstance(asset, dg.AssetSpec):
            continue
        pilot = next(iter(asset.specs)).tags.get(PILOT)
        if pilot not in by_pilot:
            continue
        if isinstance(asset.partitions_def, dg.MultiPartitionsDefinition):
            name, text = f"{pilot}_{asset.op.name}", "One partition of " + ", ".join(_names(asset.keys)) + "."
            selection = dg.AssetSelection.assets(*asset.keys)
            jobs.append(dg.define_asset_job(name, selection=selection, tags={PILOT: pilot}, description=text))
        else:
            by_pilot[pilot].setdefault(calendar_of(asset.partitions_def), set()).update(asset.keys)
    jobs += [job for pilot, calendars in by_pilot.items() for job in _jobs(pilot, calendars)]
    if len(pilots) > 1:
        jobs += _jobs_together(by_pilot)
    return jobs


def _jobs_together(
    by_pilot: dict[str, dict[Calendar | None, set[dg.AssetKey]]],
) -> list[UnresolvedAssetJobDefinition]:
    """Jobs of all pilots: a run has one calendar, and daily ones may differ in zone or first day."""
    together: dict[Calendar | None, set[dg.AssetKey]] = {}
    for calendars in by_pilot.values():
        for calendar, keys in calendars.items():
            together.setdefault(calendar, set()).update(keys)
    cadences = [calendar.cadence for calendar in together if calendar is not None]
    whole = together.get(None, set())
    jobs = []
    for calendar, keys in together.items():
        prefix = ALL_PILOTS
        if calendar is not None and cadences.count(calendar.cadence) > 1:
            prefix = "_".join([ALL_PILOTS, *(pilot for pilot, calendars in by_pilot.items() if calendar in calendars)])
        jobs.append(_job(prefix, calendar, keys | whole, tags={}))
    return jobs


def _jobs(pilot: str, calendars: dict[Calendar | None, set[dg.AssetKey]]) -> list[UnresolvedAssetJobDefinition]:
    whole = calendars.get(None, set())
    return [_job(pilot, calendar, keys | whole, tags={PILOT: pilot}) for calendar, keys in calendars.items()]


def _job(
    prefix: str, calendar: Calendar | None, keys: set[dg.AssetKey], *, tags: dict[str, str]
) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        job_name(prefix, calendar),
        selection=dg.AssetSelection.assets(*sorted(keys, key=lambda key: key.to_user_string())),
        tags=tags,
        description="Assets without days." if calendar is None else f"Assets by {calendar.cadence}, and what is whole.",
    )


def _names(keys: Iterable[dg.AssetKey]) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def job_of(definitions: dg.Definitions, keys: Collection[dg.AssetKey]) -> dg.JobDefinition:
    """Smallest job that holds all the assets, of several a pilot's; the implicit job of all assets where none does."""
    graph, wanted = definitions.resolve_asset_graph(), set(keys)
    sizes = {
        job.name: len(held)
        for job in definitions.jobs or ()
        # resolved is its selection alone: to resolve a job of hundreds of assets takes a tenth of a second
        if isinstance(job, UnresolvedAssetJobDefinition) and (held := job.selection.resolve(graph)) >= wanted
    }
    if not sizes:
        return definitions.resolve_implicit_global_asset_job_def()
    name = min(sizes, key=lambda name: (sizes[name], name.startswith(ALL_PILOTS), name))
    return definitions.resolve_job_def(name)
