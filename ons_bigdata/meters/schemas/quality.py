"""Frames of the restricted tables about meters and their days, and of the assessed readings of the lake."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN, STATES, SUSPICIONS

_METER_KEY = "pseudonym of the meter, or of its channel where a meter has several"


class Meter(dy.Schema):
    """One row per meter with readings in the lake."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    format = dy.String(regex=f"^({'|'.join(FORMATS)})$", description="format of its files")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the names of its files")
    timezone = dy.String(description="zone of its local days")
    first_day = dy.Date(nullable=True, description="local day of its first half hour; null without any")
    last_day = dy.Date(nullable=True, description="local day of its last half hour; null without any")
    rows = dy.Int64(min=1, description="rows in the lake, with those of several files")
    export_rows = dy.Int64(min=0, description="rows of exported energy, which are not judged")
    other_rows = dy.Int64(min=0, description="rows of intervals that no half hour can be made of, not judged")
    half_hours = dy.Int64(min=0, description="rows that were judged: of half hours, or summed to half hours")
    readings = dy.Int64(min=0, description="half hours of which the reading counts")
    kwh_per_day = dy.Float64(nullable=True, description="mean of its daily totals in kWh; null without any")


class MeterQuality(dy.Schema):
    """One row per meter, month and state of half hours."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    month = dy.Date(primary_key=True, description="first day of the month of the half hours' start, UTC")
    state = dy.String(primary_key=True, regex=f"^({'|'.join(STATES)})$", description="state of the half hours")
    readings = dy.Int64(min=1, description="half hours in the state, and rows beyond them")
    kwh = dy.Float64(nullable=True, description="sum of their readings as delivered; null without any")


class MeterSuspicion(dy.Schema):
    """One row per meter and stretch of days that look wrong as a whole."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    first_day = dy.Date(primary_key=True, description="first local day")
    last_day = dy.Date(description="last local day")
    suspicion = dy.String(
        primary_key=True, regex=f"^({'|'.join(SUSPICIONS)})$", description="what is suspected of the days"
    )
    ratio = dy.Float64(
        nullable=True, min=0.0, description="median reading in kWh of a unit error, or the factor; null for others"
    )


class StoredMeterDay(dy.Schema):
    """One row per meter and local day with its half hours (`restricted.meter_days`)."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    day = dy.Date(primary_key=True, description="local day")
    kwh_halfhours = dy.List(
        dy.Float32(nullable=True),
        min_length=46,
        max_length=50,
        description="kWh of each half hour from local midnight: 46, 48 or 50; null = no reading that counts",
    )
    kwh = dy.Float64(nullable=True, description="sum of the readings that count, in kWh; null where there is none")
    readings = dy.Int16(min=0, max=50, description="half hours of which the reading counts")


class StoredAssessedReading(dy.Schema):
    """One row per reading, and per expected half hour without any, with its state (`lake.assessed_readings`)."""

    meter_key = dy.Int64(description=_METER_KEY)
    started_at = dy.Datetime(time_unit="us", time_zone="UTC", description="start of the half hour, UTC")
    kwh = dy.Float64(nullable=True, description="reading in kWh as delivered; null where there is none")
    code = dy.String(nullable=True, description="token or error code delivered in place of a reading")
    flag = dy.String(nullable=True, description="quality flag of the file; null without any")
    state = dy.Enum(STATES, description="state of the half hour, or of the row beyond it")


class ImputedHalfHour(dy.Schema):
    """One row per half hour that is imputed for sums over homes (`restricted.meter_imputed_half_hours`)."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    started_at = dy.Datetime(
        primary_key=True, time_unit="us", time_zone="UTC", description="start of the half hour, UTC"
    )
    day = dy.Date(description="local day of the half hour")
    kwh_imputed = dy.Float64(description="kWh that is imputed; no reading")
    imputation = dy.String(
        regex="^(linear|weekday_median)$",
        description="linear: line between the readings about it; weekday_median: same weekday of the weeks about it",
    )


class StoredAbsentDay(dy.Schema):
    """One row per meter and local day: the judgement whether nobody was at home (`restricted.meter_absent_days`)."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    day = dy.Date(primary_key=True, description="local day")
    probability_absent = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="probability of absence; null with too few readings to judge"
    )
    absent = dy.Bool(nullable=True, description="true for an absent day; null with too few readings to judge")


class MeterQuarter(dy.Schema):
    """One row per meter and quarter: the judgement whether the home was vacant (`restricted.meter_quarters`)."""

    meter_key = dy.Int64(primary_key=True, description=_METER_KEY)
    quarter = dy.Date(primary_key=True, description="first day of the quarter")
    probability_vacant = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="probability of vacancy; null with too few days to judge"
    )
    vacant = dy.Bool(nullable=True, description="true for a vacant home; null with too few days to judge")
    onset = dy.Date(nullable=True, description="first day of the vacancy to which the quarter belongs; null if none")
    is_second_home = dy.Bool(nullable=True, description="true for a home used now and then, over up to four quarters")
    probability_second_home = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="probability of a second home; null with too few days to judge"
    )
    reads_zero = dy.Bool(description="true for readings that are all zero: an empty home or a dead channel")
    coverage = dy.Float64(min=0.0, max=1.0, description="share of the quarter's days with readings enough")
    kwh_scaled = dy.Float64(nullable=True, description="kWh of the quarter scaled to 90 days; null with too few days")
    is_low = dy.Bool(nullable=True, description="true below 180 kWh; null with too few days")
    vacant_by_rule = dy.Bool(
        nullable=True, description="true if low in this quarter and the three before it; null where that is not known"
    )
    models_hash = dy.String(regex="^[0-9a-f]{16}$", description="hash of the models that judged the quarter")
