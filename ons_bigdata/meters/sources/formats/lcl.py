"""Format `lcl`: files of the Low Carbon London trial, as published and in the forms in which they are passed on.

The publisher does not say which clock the times have; the evidence is for GMT all year, which is taken unless the
option `clock` says otherwise.
"""

from __future__ import annotations

import re

from ons_bigdata.meters.sources.formats.delimited import Layout, header_names

ZONE = "Europe/London"
CLOCKS = {"gmt": "UTC", "local": ZONE}
"""Clock of the times -> zone."""

_HEADERS: dict[tuple[str, ...], tuple[int | None, int, int]] = {
    ("LCLid", "stdorToU", "DateTime", "KWH/hh (per half hour)"): (0, 2, 3),
    ("LCLid", "stdorToU", "DateTime", "KWH/hh (per half hour)", "Acorn", "Acorn_grouped"): (0, 2, 3),
    ("LCLid", "tstp", "energy(kWh/hh)"): (0, 1, 2),
    ("", "mac", "datetime", "kwhh"): (1, 2, 3),
    ("ts", "kwh"): (None, 0, 1),
}
"""Header without outer blanks -> positions of meter, time and kWh; without meter it is that of the file's name."""

_NAMED_METER = re.compile(r"(?<![A-Z0-9])(MAC[0-9]{6})(?![0-9])")


def lcl_layout(name: str, head: bytes) -> Layout | None:
    """Layout of a file by its name and header; None for a file of another format."""
    names = tuple(header_names(head))
    positions = _HEADERS.get(names)
    if positions is None:
        return None
    meter, time, kwh = positions
    named = _NAMED_METER.search(name)
    if meter is None and named is None:
        return None
    return Layout(
        fields=len(names),
        meter=meter,
        fixed_meter=None if named is None else named[1],
        time=time,
        kwh=kwh,
        meter_pattern=r"^MAC[0-9]{6}$",
        tokens=("Null",),
    )
