"""Dagster's partitions of a calendar, and back."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context  # the present of the definitions

from ons_bigdata.platform.calendar import Cadence, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
"""Tags of a run: its partition, or the first and the last of its range."""

_CRON = {Cadence.day: "0 0 * * *", Cadence.month: "0 0 1 * *", Cadence.quarter: "0 0 1 1,4,7,10 *"}
_CADENCE = {cron: cadence for cadence, cron in _CRON.items()}


class _Days(dg.DailyPartitionsDefinition):
    """Days of which the list is made once a day.

    Dagster makes it for each step that reads an asset with days and for each check of one, and thousands of days take a
    twentieth of a second.
    """

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: object = None
    ) -> Sequence[str]:
        with partition_loading_context(current_time, dynamic_partitions_store):  # type: ignore[arg-type]
            return list(self._keys_until(self.get_last_partition_key()))

    @lru_cache(maxsize=16)  # noqa: B019  (definitions live as long as the process)
    def _keys_until(self, _last: str | None) -> Sequence[str]:
        return tuple(super().get_partition_keys())


@cache
def partitions_of(calendar: Calendar) -> dg.TimeWindowPartitionsDefinition:
    """Partitions of a calendar, the present period included; keys are the ISO dates of the periods' first days."""
    start = calendar.period_start(calendar.first_day).isoformat()
    if calendar.cadence is Cadence.day:
        return _Days(start_date=start, timezone=calendar.zone, end_offset=1)
    if calendar.cadence is Cadence.month:
        return dg.MonthlyPartitionsDefinition(start_date=start, timezone=calendar.zone, end_offset=1)
    return dg.TimeWindowPartitionsDefinition(
        start=start,
        fmt="%Y-%m-%d",
        cron_schedule=_CRON[Cadence.quarter],
        timezone=calendar.zone,
        end_offset=1,
    )


def partitions_of_run(tags: Mapping[str, str], partitions: dg.PartitionsDefinition | None) -> list[str] | None:
    """Keys of an asset's partitions that a run with these tags is about; None where it is about the whole table."""
    if partitions is None:
        return None
    if PARTITION in tags:
        return [tags[PARTITION]]
    if RANGE_START not in tags:
        return None
    return list(partitions.get_partition_keys_in_range(dg.PartitionKeyRange(tags[RANGE_START], tags[RANGE_END])))


def calendar_of(partitions: dg.PartitionsDefinition | None) -> Calendar | None:
    """Calendar of an asset's partitions; None for an asset without partitions.

    Raises ValueError for partitions that no calendar makes.
    """
    if partitions is None:
        return None
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        raise ValueError(f"partitions {type(partitions).__name__}: expected those of a calendar (partitions_of)")
    cadence = _CADENCE.get(partitions.cron_schedule)
    if cadence is None:
        raise ValueError(f"partitions with cron {partitions.cron_schedule!r}: expected one of {', '.join(_CADENCE)}")
    return Calendar(cadence, partitions.start.date(), partitions.timezone)
