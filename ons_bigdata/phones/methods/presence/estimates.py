"""Estimates for residents from devices: means of home areas, each expanded to its residents, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from scipy.special import ndtri

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_rows
from ons_bigdata.phones.schemas.presence import NO_RESIDENTS, ONE_DEVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "device_key"


def expand_by_home(
    amounts: pl.DataFrame, devices: pl.DataFrame, residents: pl.DataFrame, by: Sequence[str], *, confidence: float
) -> pl.DataFrame:
    """Totals over residents of an amount of each device, by cell: columns `by`, devices, value, lower, upper, reason.

    `amounts`: device_key, columns `by`, amount (from 0; one row for each device and cell; no row is 0). `devices`:
    device_key, home_zone of all devices that count. `residents`: zone, residents.

    Stratified by home area h with N_h residents and n_h devices: value = Σ N_h ȳ_h, its variance
    Σ N_h² (1 − n_h/N_h) s_h²/n_h, and a normal interval that does not go below 0. Home areas without a device or
    without residents take no part. `reason`: an interval needs two devices in each home area that has an amount in the
    cell; without residents there is no value. `devices` counts those with an amount. Sorted by `by`.

    Raises ValueError for missing columns, negative amounts, a device and cell that come twice, and a confidence outside
    of 0 to 1. Source: Cochran, Sampling Techniques (1977), sections 5.3 and 5.4.
    """
    if not 0.0 < confidence < 1.0:
        message = f"confidence is {confidence}; expected more than 0 and less than 1"
        raise ValueError(message)
    refuse_missing_columns(amounts, (DEVICE, *by, "amount"), "amounts")
    refuse_missing_columns(devices, (DEVICE, "home_zone"), "devices")
    refuse_missing_columns(residents, ("zone", "residents"), "residents")
    refuse_rows(
        amounts,
        {
            "a negative amount": pl.col("amount") < 0,
            "a device and cell that came before": ~pl.struct(DEVICE, *by).is_first_distinct(),
        },
        "amounts",
    )
    strata = (
        devices.group_by(zone="home_zone")
        .agg(sample=pl.len())
        .join(residents.filter(pl.col("residents") > 0).select("zone", "residents"), on="zone", how="left")
    )
    within = (
        amounts.join(devices.select(DEVICE, zone="home_zone"), on=DEVICE, how="inner")
        .group_by(*by, "zone")
        .agg(devices=pl.len(), total=pl.col("amount").sum(), squares=(pl.col("amount") ** 2).sum())
        .join(strata, on="zone", how="left")
    )
    size, count = pl.col("residents").cast(pl.Float64), pl.col("sample").cast(pl.Float64)
    mean = pl.col("total") / count
    variation = ((pl.col("squares") - count * mean**2) / (count - 1.0)).clip(lower_bound=0.0)
    spread = size**2 * (1.0 - pl.min_horizontal(count / size, pl.lit(1.0))) * variation / count
    cells = within.group_by(by).agg(
        devices=pl.col("devices").sum().cast(pl.Int64),
        value=pl.when(pl.col("residents").is_not_null().any()).then((size * mean).sum()),
        variance=pl.when(pl.col("sample") > 1).then(spread).sum(),
        has_single=((pl.col("sample") == 1) & pl.col("residents").is_not_null()).any(),
    )
    reach = float(ndtri(0.5 + confidence / 2.0)) * pl.col("variance").sqrt()
    has_interval = pl.col("value").is_not_null() & ~pl.col("has_single")
    return cells.select(
        *by,
        "devices",
        "value",
        lower=pl.when(has_interval).then((pl.col("value") - reach).clip(lower_bound=0.0)),
        upper=pl.when(has_interval).then(pl.col("value") + reach),
        reason=pl.when(pl.col("value").is_null())
        .then(pl.lit(NO_RESIDENTS))
        .when(pl.col("has_single"))
        .then(pl.lit(ONE_DEVICE)),
    ).sort(by)


def movement_amounts(movements: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """Movements of each device on a mean day, by kind of day, period, purpose and pair of areas.

    `movements`: device_key, day_type, hour, origin, destination, purpose, trips. `anchors`: device_key, weekdays_seen,
    free_days_seen. `period` is the hour of arrival, and all_day. Columns: device_key, day_type, period, purpose,
    origin, destination, amount.
    """
    days = pl.when(pl.col("day_type") == "weekday").then("weekdays_seen").otherwise("free_days_seen")
    daily = movements.join(
        anchors.select(DEVICE, "weekdays_seen", "free_days_seen"), on=DEVICE, how="inner"
    ).with_columns(amount=pl.col("trips") / days)
    key = [DEVICE, "day_type", "purpose", "origin", "destination"]
    hourly = daily.select(*key, "amount", period=pl.col("hour").cast(pl.String).str.zfill(2))
    whole = daily.group_by(key).agg(pl.col("amount").sum()).with_columns(period=pl.lit("all_day"))
    return pl.concat([hourly, whole.select(hourly.columns)])
