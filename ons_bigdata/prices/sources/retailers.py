"""Closed vocabularies with a data origin (retailers, price sources), from the seed files that dbt loads.

Of retailers also the rhythm of collection.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.schemas.vocabulary import DAILY, RHYTHMS

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

SEED = "seeds/prices/collection/retailers.csv"
"""Path of the seed within the dbt project: columns retailer, name, data_origin, rhythm."""


def read_retailers(dbt_project_dir: Path) -> dict[str, DataOrigin]:
    """Return retailer id → data origin. Raises InputError as `read_data_origins` and `read_rhythms`."""
    read_rhythms(dbt_project_dir)
    return read_data_origins(dbt_project_dir / SEED, key="retailer")


def read_rhythms(dbt_project_dir: Path) -> dict[str, str]:
    """Return retailer id → rhythm of collection, one of `RHYTHMS`; where the row has none: daily.

    Raises InputError for a row with an unknown rhythm, with file, line and the known ones.
    """
    seed = dbt_project_dir / SEED
    rhythms: dict[str, str] = {}
    with seed.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            rhythm = row.get("rhythm") or DAILY
            if rhythm not in RHYTHMS:
                raise InputError(
                    f"{seed}, line {reader.line_num}, column rhythm: expected {', '.join(RHYTHMS)}, found {rhythm!r}"
                )
            rhythms[row["retailer"]] = rhythm
    return rhythms


def is_scrape_day(rhythm: str, day: date) -> bool:
    """True if a scrape is due on a day: without a weekday, the first day of the week or month, so that time is left."""
    if rhythm == DAILY:
        return True
    if rhythm == "monthly":
        return day.day == 1
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
