"""Closed vocabularies with a data origin (retailers, price sources), from the seed files that dbt loads.

Of retailers also the rhythm of collection.
"""

from __future__ import annotations

import csv
from datetime import date
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.schemas.rhythms import DAILY, WEEKDAYS, expected_weekdays

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

_FIRST_FORTNIGHT = date(2001, 1, 1)
"""A Monday."""

SEED = "seeds/prices/collection/retailers.csv"
"""Path of the seed within the dbt project: columns retailer, name, data_origin, rhythm."""


def read_retailers(dbt_project_dir: Path) -> dict[str, DataOrigin]:
    """Return retailer id → data origin. Raises InputError as `read_data_origins` and `read_rhythms`."""
    read_rhythms(dbt_project_dir)
    return read_data_origins(dbt_project_dir / SEED, key="retailer")


def read_rhythms(dbt_project_dir: Path) -> dict[str, str]:
    """Return retailer id → rhythm of collection (`schemas.rhythms`); where the row has none: daily.

    Raises InputError for a row with an unknown rhythm, with file, line, the known ones and the nearest.
    """
    seed = dbt_project_dir / SEED
    rhythms: dict[str, str] = {}
    with seed.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            rhythm = row.get("rhythm") or DAILY
            try:
                expected_weekdays(rhythm)
            except ValueError as error:
                message = f"{seed}, line {reader.line_num}, column rhythm: {error}"
                raise InputError(message) from error
            rhythms[row["retailer"]] = rhythm
    return rhythms


def is_scrape_day(rhythm: str, day: date) -> bool:
    """True if a scrape is due on a day: of a period without a weekday its first day, so that time is left.

    Two weeks begin on every other Monday from `_FIRST_FORTNIGHT` on.
    """
    if (weekdays := expected_weekdays(rhythm)) is not None:
        return day.weekday() in weekdays
    if rhythm == "monthly":
        return day.day == 1
    if rhythm == "fortnightly":
        return (day - _FIRST_FORTNIGHT).days % 14 == 0
    weekday = rhythm.removeprefix("weekly").removeprefix("_") or WEEKDAYS[0]
    return WEEKDAYS[day.weekday()] == weekday


def read_data_origins(seed: Path, *, key: str) -> dict[str, DataOrigin]:
    """Return the column `key` → data origin of a seed.

    Raises InputError for a row whose data origin is neither real nor simulated, with file and line.
    """
    origins: dict[str, DataOrigin] = {}
    with seed.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            origin = row["data_origin"]
            if origin == "real":
                origins[row[key]] = "real"
            elif origin == "simulated":
                origins[row[key]] = "simulated"
            else:
                raise InputError(
                    f"{seed}, line {reader.line_num}, column data_origin: expected real or simulated, found {origin!r}"
                )
    return origins
