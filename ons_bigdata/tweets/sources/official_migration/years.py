"""The year of a file of official migration that has no year in its rows: from its name."""

from __future__ import annotations

import re
from datetime import date

FIRST_YEAR = 1975
"""First year of which moves are taken in: the patient registers' estimates begin in 1975."""

_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")
_ON_BOUNDARIES = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[ _-]?on[ _-]?(?:19|20)[0-9]{2}(?![0-9])", re.IGNORECASE)

EXPECTED = "one year in the file name, such as 2015 (or '2020 on 2021', moves of 2020 on the boundaries of 2021)"


def year_in_name(name: str) -> date | None:
    """Last day of the year of moves that a file name states, 30 June; None where it states none or several.

    `2020_on_2021` is the year 2020 in the boundaries of 2021, as in the names of the detailed files.
    """
    on_boundaries = {int(year) for year in _ON_BOUNDARIES.findall(name)}
    years = on_boundaries or {int(year) for year in _YEAR.findall(name)}
    if len(years) != 1:
        return None
    year = years.pop()
    return date(year, 6, 30) if year >= FIRST_YEAR else None


def year_fault(name: str, landed_on: date) -> str | None:
    """Fault of a file name that gives no year of moves; None where it gives one."""
    ending = year_in_name(name)
    if ending is None:
        return f"file name {name!r} has no single year from {FIRST_YEAR} on; expected {EXPECTED}"
    if ending > landed_on:
        return f"file name {name!r}: the year to {ending} had not ended when the file arrived on {landed_on}"
    return None
