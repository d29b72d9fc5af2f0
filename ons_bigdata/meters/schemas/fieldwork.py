"""Frames of the calendar of contact: days of meters by weekday and period, and the calendar of areas."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN

_PERIOD = r"^\d\d-\d\d$"


class MeterContactDays(dy.Schema):
    """One row per meter, weekday and period of the day (`restricted.meter_contact_days`)."""

    meter_key = dy.Int64(primary_key=True, description="pseudonym of the meter")
    weekday = dy.Int16(primary_key=True, min=1, max=7, description="1 = Monday")
    period = dy.String(primary_key=True, regex=_PERIOD, description="hours of the local day, such as 17-19")
    days = dy.Int32(min=1, description="days with readings enough")
    days_at_home = dy.Int32(min=0, description="of these, days with use in the period")


class ContactCalendar(dy.Schema):
    """One row per area, weekday and period of the day (`analysis.contact_calendar_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    format = dy.String(
        primary_key=True, regex=f"^({'|'.join(FORMATS)})$", description="format of the files of readings"
    )
    area = dy.String(primary_key=True, description="area; all: of all areas; unknown without attributes of the homes")
    weekday = dy.Int16(primary_key=True, min=1, max=7, description="1 = Monday")
    period = dy.String(primary_key=True, regex=_PERIOD, description="hours of the local day, such as 17-19")
    meters = dy.Int64(min=10, description="homes, rounded")
    chance = dy.Float64(min=0.0, max=1.0, description="share of days of homes with use in the period, to a hundredth")
    no_interval_reason = dy.String(
        regex="^lower_bound$", description="lower_bound: use shows people at home, the lack of it shows nothing"
    )
    recipe = dy.String(regex="^[a-z0-9_]{1,64}$", description="rule by which use is told from the night base")
