"""Meter-days of the openly licensed trial homes of the shared folder, on which detectors of absence are judged.

Three homes of Low Carbon London (CC BY, UK Power Networks), in GMT, and five of Smart Grid Smart City (CC BY,
Commonwealth of Australia), in local time. Nothing of them is fitted but where a page says so.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ons_bigdata.meters.methods.days import meter_days

LONDON, SYDNEY = "Europe/London", "Australia/Sydney"


def trial_homes(folder: Path) -> pl.DataFrame:
    """Meter-days (meter, day, kwh_halfhours, kwh, readings) of the eight homes in `data/meters`."""
    london = [
        pl.read_csv(folder / "lcl_MAC000060_halfhourly.csv").select(meter=pl.lit("MAC000060"), time="ts", kwh="kwh"),
        *(
            pl.read_csv(folder / f"lcl_{name}_halfhourly.csv.gz").select(meter="mac", time="datetime", kwh="kwhh")
            for name in ("MAC000584", "MAC000985")
        ),
    ]
    sydney = pl.read_csv(folder / "sgsc_5_households_2013_halfhourly.csv.gz").select(
        meter=pl.col("customer_id").cast(pl.String), time="ts", kwh="kwh"
    )
    return pl.concat([_days(pl.concat(london), "UTC", LONDON), _days(sydney, SYDNEY, SYDNEY)])


def _days(readings: pl.DataFrame, clock: str, zone: str) -> pl.DataFrame:
    """Meter-days of readings on a clock; of the hour that comes twice in autumn the first is taken."""
    started_at = (
        pl.col("time")
        .str.to_datetime(time_unit="us")
        .dt.replace_time_zone(clock, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    known = readings.with_columns(started_at=started_at, kwh=pl.col("kwh").cast(pl.Float64))
    rows = known.filter(pl.col("started_at").is_not_null() & (pl.col("started_at").dt.minute() % 30 == 0))
    return meter_days(rows.select("meter", "started_at", "kwh").unique(maintain_order=True), zone)
