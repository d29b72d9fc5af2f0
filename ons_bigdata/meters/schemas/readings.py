"""Frames of half-hourly readings: as read, as assessed, and in the lake."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, HEX_ID, ORIGIN, STATES

_STARTED_AT = "start of the interval, UTC"
_KWH = "energy of the interval in kWh as delivered; null where there is none, or an error code in its place"


class LakeReading(dy.Schema):
    """One row per reading of a file with its meter's pseudonym (`lake.meter_readings`).

    A reading that several files hold is several rows; duplicates are judged where the quality is assessed.
    """

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the unpacked file")
    month = dy.Date(description="first day of the month of started_at, UTC; the partition")
    format = dy.String(regex=f"^({'|'.join(FORMATS)})$", description="format of the file")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    meter_key = dy.Int64(description="pseudonym of the meter, or of its channel where a meter has several")
    started_at = dy.Datetime(time_unit="us", time_zone="UTC", description=_STARTED_AT)
    minutes = dy.Int16(min=1, max=60, description="length of the interval in minutes")
    kwh = dy.Float64(nullable=True, description=_KWH)
    code = dy.String(
        nullable=True,
        regex=r"^[!-~]{1,32}$",
        description="token or error code delivered in place of a reading, such as Null or 4294967.295",
    )
    flag = dy.String(
        nullable=True, regex=r"^[A-Z]$", description="quality flag of the file (A, E, S, F, N); null without any"
    )
    is_export = dy.Bool(description="true for energy that flows from the home into the grid")


class MeterReading(dy.Schema):
    """One row per reading of a meter: input of the methods on readings. Row order does not matter."""

    meter = dy.String(description="meter; methods take whole numbers, too, and keep the type")
    started_at = dy.Datetime(time_unit="us", time_zone="UTC", description=_STARTED_AT)
    kwh = dy.Float64(nullable=True, description=_KWH)
    code = dy.String(nullable=True, description="token or error code delivered in place of a reading (optional)")
    flag = dy.String(nullable=True, description="quality flag of the file (optional)")


class AssessedReading(MeterReading):
    """One row per reading, and per expected half hour without any, with its state."""

    state = dy.Enum(STATES, description="state of the half hour")


class ImputedReading(dy.Schema):
    """One row per half hour of a meter's grid: its reading, or how it was imputed."""

    meter = dy.String(primary_key=True, description="meter; methods take whole numbers, too, and keep the type")
    started_at = dy.Datetime(primary_key=True, time_unit="us", time_zone="UTC", description=_STARTED_AT)
    kwh = dy.Float64(nullable=True, description="reading that counts, in kWh; null where there is none")
    kwh_imputed = dy.Float64(
        nullable=True, description="imputed kWh; null where a reading counts, or nothing was imputed"
    )
    imputation = dy.String(
        nullable=True,
        regex="^(linear|weekday_median|left_missing)$",
        description="how the half hour was treated; null where a reading counts",
    )
