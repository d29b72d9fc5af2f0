"""Format `csv`, one reading a line: the documented generic CSV, and the harmonised files (HDF) of ESB Networks.

The generic CSV has the columns `meter`, `kwh` and `started_at` or `ended_at`, and may have `minutes` (30), `flag`
and others, which are not read. Its times have an offset from UTC, such as Z or +01:00, or the option `clock` says what
they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.sources.formats.delimited import OFFSET_FORMS, Layout, header_names

if TYPE_CHECKING:
    from collections.abc import Mapping

HDF_HEADER = ("MPRN", "Meter Serial Number", "Read Value", "Read Type", "Read Date and End Time")
HDF_ZONE = "Europe/Dublin"
HDF_TYPES = {
    "Active Import Interval (kWh)": (False, 1.0),
    "Active Import Interval (kW)": (False, 0.5),
    "Active Export Interval (kWh)": (True, 1.0),
    "Active Export Interval (kW)": (True, 0.5),
}
"""Kind of reading -> whether it is export, and the factor that makes kWh of half an hour."""

COLUMNS = ("meter", "started_at", "ended_at", "kwh", "minutes", "flag")
"""Columns of the generic CSV that are read."""


def hdf_layout(head: bytes) -> Layout | None:
    """Layout of a file of ESB Networks, where it is one."""
    names = header_names(head)
    if sorted(names) != sorted(HDF_HEADER):
        return None
    place = {name: names.index(name) for name in HDF_HEADER}
    return Layout(
        fields=len(names),
        meter=place["MPRN"],
        time=place["Read Date and End Time"],
        kwh=place["Read Value"],
        direction=place["Read Type"],
        directions=HDF_TYPES,
        meter_pattern=r"^[0-9]{11}$",
        time_forms=("%d-%m-%Y %H:%M",),
        is_end=True,
    )


def generic_layout(head: bytes, columns: Mapping[str, str] | None = None) -> Layout | None:
    """Layout of a generic CSV, where it is one. `columns` are names of the file for those of COLUMNS."""
    wanted = {column: (columns or {}).get(column, column) for column in COLUMNS}
    names = header_names(head)
    place = {column: names.index(name) for column, name in wanted.items() if names.count(name) == 1}
    times = [column for column in ("started_at", "ended_at") if column in place]
    if not {"meter", "kwh"} <= place.keys() or len(times) != 1:
        return None
    return Layout(
        fields=len(names),
        meter=place["meter"],
        time=place[times[0]],
        kwh=place["kwh"],
        minutes=place.get("minutes"),
        flag=place.get("flag"),
        offset_forms=OFFSET_FORMS,
        is_end=times == ["ended_at"],
    )
