"""Frames of meter-days: half hours of a local day, absent days, quarters of vacancy."""

from __future__ import annotations

import dataframely as dy

_METER = "meter; methods take whole numbers, too, and keep the type"


class MeterDay(dy.Schema):
    """One row per meter and local day with its half hours; the unit of all methods on absence and vacancy."""

    meter = dy.String(primary_key=True, description=_METER)
    day = dy.Date(primary_key=True, description="local day")
    kwh_halfhours = dy.List(
        dy.Float32(nullable=True),
        min_length=46,
        max_length=50,
        description="kWh of each half hour from local midnight: 46, 48 or 50; null = missing",
    )
    kwh = dy.Float64(nullable=True, description="sum of the readings present; null where there is none")
    readings = dy.Int16(min=0, max=50, description="half hours with a reading")


class AbsentDay(dy.Schema):
    """One row per meter and day: the judgement whether nobody was at home."""

    meter = dy.String(primary_key=True, description=_METER)
    day = dy.Date(primary_key=True, description="local day")
    probability_absent = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="probability of absence; null with too few readings to judge"
    )
    absent = dy.Bool(nullable=True, description="true for an absent day; null with too few readings to judge")


class VacantQuarter(dy.Schema):
    """One row per meter and quarter: the judgement whether the home was vacant."""

    meter = dy.String(primary_key=True, description=_METER)
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
    reads_zero = dy.Bool(description="readings, and all of them zero: an empty home or a dead channel")
    coverage = dy.Float64(min=0.0, max=1.0, description="share of the quarter's days with readings enough")
