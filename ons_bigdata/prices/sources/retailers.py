"""Closed vocabularies with a data origin (retailers, price sources), from the seed files that dbt loads."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

SEED = "seeds/prices/collection/retailers.csv"
"""Path of the seed within the dbt project: columns retailer, name, data_origin."""


def read_retailers(dbt_project_dir: Path) -> dict[str, DataOrigin]:
    """Return retailer id → data origin. Raises InputError as `read_data_origins`."""
    return read_data_origins(dbt_project_dir / SEED, key="retailer")


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
