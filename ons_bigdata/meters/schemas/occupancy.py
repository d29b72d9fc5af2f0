"""Frames of spells, of the rule on low consumption, of vacancy as stock and flow, and of the calendar of contact."""

from __future__ import annotations

import dataframely as dy

_METER = "meter; methods take whole numbers, too, and keep the type"


class AbsenceSpell(dy.Schema):
    """One row per spell of absent days of a meter."""

    meter = dy.String(primary_key=True, description=_METER)
    spell = dy.Int32(primary_key=True, min=1, description="number of the spell of the meter")
    first_day = dy.Date(description="first absent day")
    last_day = dy.Date(description="last absent day")
    days = dy.Int32(min=1, description="days from first to last")
    probability_absent = dy.Float64(nullable=True, min=0.0, max=1.0, description="mean probability of its days")
    left_slot = dy.Int16(
        nullable=True, min=1, max=49, description="half hour of the day before from which it is quiet; null if unknown"
    )
    back_slot = dy.Int16(
        nullable=True, min=1, max=49, description="half hour of the day after from which there is use; null if unknown"
    )


class LowQuarter(dy.Schema):
    """One row per meter and quarter with any reading: the rule of the national indicator."""

    meter = dy.String(primary_key=True, description=_METER)
    quarter = dy.Date(primary_key=True, description="first day of the quarter")
    days = dy.Int32(min=1, max=92, description="days with readings")
    coverage = dy.Float64(min=0.0, max=1.0, description="share of the quarter's days with readings")
    kwh_scaled = dy.Float64(nullable=True, description="kWh of the quarter scaled to 90 days")
    is_low = dy.Bool(nullable=True, description="true below the limit; null with too few days")
    vacant = dy.Bool(
        nullable=True, description="true if low in this quarter and in those before it; null if not judged"
    )
    reads_zero = dy.Bool(nullable=True, description="readings, and all of them zero")


class VacancyFlow(dy.Schema):
    """One row per area and quarter: stock of vacant homes and flows into and out of it."""

    area = dy.String(nullable=True, description="area; null where all homes are counted together")
    quarter = dy.Date(description="first day of the quarter")
    homes = dy.Int64(min=0, description="homes judged, or with the last judgement carried on")
    carried = dy.Int64(min=0, description="homes with the last judgement carried on")
    stock = dy.Int64(min=0, description="vacant homes")
    into = dy.Int64(min=0, description="homes that were not vacant in the quarter before, and are")
    out = dy.Int64(min=0, description="homes that were vacant in the quarter before, and are not")
    appeared = dy.Int64(min=0, description="homes that are vacant when they come into the panel")
    disappeared = dy.Int64(min=0, description="homes that were vacant in their last quarter, the one before")
    new_days = dy.Float64(nullable=True, description="median days since the onset, of homes that became vacant")
    median_days = dy.Float64(nullable=True, description="median days since the onset, of the stock")
    share_two_years = dy.Float64(nullable=True, min=0.0, max=1.0, description="share of the stock vacant for 730 days")


class ContactChance(dy.Schema):
    """One row per area, weekday and period of the day; never about a dwelling."""

    area = dy.String(nullable=True, description="area of ten meters at least; null for all meters")
    weekday = dy.Int8(min=1, max=7, description="1 = Monday")
    period = dy.String(regex=r"^\d\d-\d\d$", description="hours of the local day, such as 17-19")
    meters = dy.UInt32(min=10, description="meters of the area")
    chance = dy.Float64(min=0.0, max=1.0, description="share of meter-days with use in the period")
