"""Figures of docs/meters/quality/figures.md, drawn of simulated meters (generator `chain`, fixed seed).

    python scripts/meters/draw_meter_figures.py [--meters N]

writes docs/images/meters_*.svg anew. No file of readings is read.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.meters.methods.grid import HALF_HOUR_US
from ons_bigdata.meters.reports import figures
from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import draw_homes

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
FIRST_DAY, DAYS, SEED = date(2009, 7, 14), 536, 2015


def main() -> None:
    """Simulate meters, draw the three figures and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=400)
    days = simulated_days(parser.parse_args().meters)
    weeks = figures.low_weeks(days)
    chosen = figures.choose_low_week(days, weeks)
    if chosen is None:
        raise SystemExit(f"none of {weeks.height} low weeks has a single spike; expected more --meters")
    drawings = draw(days, chosen)
    for name, drawing in drawings.items():
        (IMAGES / f"meters_{name}.svg").write_text(drawing + "\n", encoding="utf-8")


def draw(days: pl.DataFrame, chosen: tuple[object, date]) -> dict[str, str]:
    """Figures by name."""
    year_round = days.filter(pl.col("meter") == figures.choose_year_round(days))
    low = days.filter(pl.col("meter") == chosen[0])
    quarter = figures.quarter_consumption(days)
    return {
        "year_round": figures.draw_year_round(year_round, title="Daily consumption of a simulated meter"),
        "low_week": figures.draw_low_week(
            low, chosen[1], title="A low week of a simulated meter, with one spike in the morning"
        ),
        "quarter": figures.draw_quarter(
            quarter,
            title=f"{quarter.height} simulated meters by consumption, last quarter of 2010; the line is 180 kWh",
        ),
    }


def simulated_days(meters: int) -> pl.DataFrame:
    """Meter-days of simulated homes."""
    homes = draw_homes(np.random.default_rng(SEED), meters, first_day=FIRST_DAY, days=DAYS)
    simulated = simulate_meters(homes, seed=SEED, first_day=FIRST_DAY, days=DAYS)
    count = simulated.kwh.shape[1]
    midnight = pl.Series([FIRST_DAY]).cast(pl.Datetime("us")).dt.replace_time_zone(simulated.timezone)
    first = int(midnight.dt.convert_time_zone("UTC").to_physical()[0]) // HALF_HOUR_US
    readings = pl.DataFrame(
        {
            "meter": homes["meter"].gather(np.repeat(np.arange(meters), count)),
            "started_at": pl.Series(np.tile((first + np.arange(count)) * HALF_HOUR_US, meters)).cast(
                pl.Datetime("us", "UTC")
            ),
            "kwh": simulated.kwh.ravel().astype(np.float64),
        }
    )
    return meter_days(readings, simulated.timezone)


if __name__ == "__main__":
    main()
