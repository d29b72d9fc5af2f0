"""The closed vocabulary of retailers, from the same seed file that dbt loads."""

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
    """Return retailer id → data origin.

    Raises InputError for a row whose data origin is neither real nor simulated, with file and line.
    """
    path = dbt_project_dir / SEED
    retailers: dict[str, DataOrigin] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            origin = row["data_origin"]
            if origin == "real":
                retailers[row["retailer"]] = "real"
            elif origin == "simulated":
                retailers[row["retailer"]] = "simulated"
            else:
                raise InputError(
                    f"{path}, line {reader.line_num}, column data_origin: expected real or simulated, found {origin!r}"
                )
    return retailers
