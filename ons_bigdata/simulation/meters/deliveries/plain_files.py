"""Files of the Irish trial's text with readings that follow a plain daily profile: a first input of the whole path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

FIRST_METER = 1000


def write_plain_cer_file(path: Path, *, meters: int, first_day: int = 195, days: int = 31, seed: int = 1) -> int:
    """Write `meter code kWh` of a number of meters and days without clock change; return the number of rows.

    `first_day` is the day of the code: 195 is 14 July 2009. kWh have three decimals and no trailing zeros.
    """
    draws = np.random.default_rng(seed)
    hours = np.arange(48) / 2
    profile = 0.1 + 0.15 * np.exp(-((hours - 8) ** 2) / 4) + 0.35 * np.exp(-((hours - 19) ** 2) / 8)
    codes = np.add.outer(np.arange(first_day, first_day + days) * 100, np.arange(1, 49)).ravel()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii", newline="\n") as file:
        for meter in range(FIRST_METER, FIRST_METER + meters):
            kwh = draws.lognormal(0.0, 0.5, (days, 48)) * profile
            file.writelines(
                f"{meter} {code} {value:g}\n" for code, value in zip(codes, kwh.ravel().round(3), strict=True)
            )
    return meters * days * 48
