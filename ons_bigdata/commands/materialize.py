"""`materialize`: a selection of assets over a range of days, one run for each calendar."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.calendar import parse_day, require_order
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.instance import open_instance, run_log
from ons_bigdata.platform.dagster.runs.selection import groups_named, require_syntax
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    import dagster as dg

    from ons_bigdata.settings import Settings

_RAW = re.compile(r"raw/\w+")
"""A raw asset by its name, without its neighbours."""


def materialise(selection: str, settings: Settings, *, first_day: str | None, last_day: str | None) -> runs.RunOutcome:
    """Materialise the selected assets. A single day is a range of one day.

    Raises InputError for a malformed selection, an unknown asset, a text that is not a day, a day outside the calendar,
    and a range that ends before it starts.
    """
    require_syntax(selection)
    first_day, last_day = first_day or last_day, last_day or first_day
    days = None
    if first_day is not None and last_day is not None:
        first, last = parse_day(first_day, what="--from"), parse_day(last_day, what="--to")
        require_order(first, last)
        days = (first.isoformat(), last.isoformat())
    definitions, keys = _selected(selection)
    warehouse = open_warehouse(settings)
    with open_instance(settings, warehouse.address) as instance:
        return runs.materialise(definitions, keys, instance=instance, days=days, log=run_log(settings))


def _selected(selection: str) -> tuple[dg.Definitions, list[dg.AssetKey]]:
    """Definitions with the selected assets: those of the raw assets or of one pilot alone load in less time and memory.

    No pilot reads another one, and each has its jobs: the run is the same.
    """
    if all(_RAW.fullmatch(term.strip()) for term in selection.split(",")):
        raw = runs.load_definitions(raw_only=True)
        with suppress(InputError):  # an unknown name: the error lists the nearest of all assets
            return raw, runs.select(raw, selection)
    pilot = _only_pilot(selection)
    definitions = runs.load_definitions(pilots=pilot) if pilot else runs.load_definitions()
    return definitions, runs.select(definitions, selection)


def _only_pilot(selection: str) -> tuple[str, ...]:
    """Name of the pilot of all groups of a selection of groups; none where there are several, or other terms."""
    groups = groups_named(selection)
    return tuple(pilot.name for pilot in PILOTS if groups and groups <= set(pilot.groups))
