"""Frames of places of devices by hour, population present, movements between areas, and visitors."""

from __future__ import annotations

from typing import Final

import dataframely as dy

from ons_bigdata.phones.schemas import devices
from ons_bigdata.phones.schemas import vocabulary as v
from ons_bigdata.phones.schemas.device_events import CELL, ORIGIN

HEX = r"^[0-9a-f]{16}$"
DAYTIME, NIGHT_TIME, ALL_DAY = "daytime", "night_time", "all_day"
PERIOD = rf"^([01][0-9]|2[0-3]|{DAYTIME}|{NIGHT_TIME}|{ALL_DAY})$"
"""Hour of the day from 00 to 23, or a stretch of hours."""
ESTIMATE_STATUS = "^(published|below_threshold|secondary)$"
NO_RESIDENTS: Final = "residents of no home area are known"
ONE_DEVICE: Final = "a home area has a single device: its variation is unknown"
NO_FOOTPRINTS: Final = "the cell plan has no shares of zones: an interval would not hold cells that cross borders"

_DAY_TYPE = "^(" + "|".join(v.DAY_TYPES) + ")$"
_PURPOSE = "^(" + "|".join(v.PURPOSES) + ")$"
_DIRECTION = "^(" + "|".join(v.DIRECTIONS) + ")$"
_HIDDEN = "null unless published"
_REASON = "why estimate or interval are missing; null where both exist"


class DeviceMonth(dy.Schema):
    """Columns that say whose device and which month; part of the frames below."""

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    provider = dy.String(regex=v.KEY, description="operator whose network saw the device")
    month = dy.Date(description="first day of the month")
    spec_id = dy.String(regex=v.SPEC_ID, description="specification of the rules")
    device_key = dy.Int64(description="pseudonym of the device")


class PhoneAnchor(DeviceMonth):
    """One row per device and month: home and work by the rules of a specification (`restricted.phone_anchors`)."""

    home = dy.String(nullable=True, regex=CELL, description="cell of the home; null with home_reason")
    work = dy.String(nullable=True, regex=CELL, description="cell of the workplace; null with work_reason")
    workplaces = dy.String(nullable=True, description="cells of all workplaces, work first, by blanks; null without")
    home_zone = dy.String(nullable=True, regex=v.ZONE_CODE, description="zone of the home's cell")
    work_zone = dy.String(nullable=True, regex=v.ZONE_CODE, description="zone of the workplace's cell")
    events = dy.Int64(min=1, description="events that count")
    active_days = dy.Int64(min=1, description="distinct local dates with an event")
    weekdays_seen = dy.Int64(min=0, description="working days with a known zone")
    free_days_seen = dy.Int64(min=0, description="other days with a known zone")
    nights = dy.Int64(min=0, description="nights in which any cell counts")
    home_nights = dy.Int64(min=0, description="nights that count at the cell with most of them")
    home_confidence = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="probability that no other cell has more nights; null without home"
    )
    home_reason = dy.String(
        nullable=True,
        regex="^(" + "|".join(devices.HOME_REASONS) + ")$",
        description="reason why there is no home; null with one",
    )
    work_days = dy.Int64(min=0, description="working days at the workplace")
    work_hours = dy.Float64(min=0.0, description="hours there within working hours")
    days_per_week = dy.Float64(min=0.0, max=7.0, description="working days at the workplace in a week of observed days")
    work_reason = dy.String(
        nullable=True,
        regex="^(" + "|".join(devices.WORK_REASONS) + ")$",
        description="reason why there is no workplace; null with one",
    )
    worker_status = dy.String(
        regex="^(" + "|".join(devices.WORKER_STATUSES) + ")$", description="worker, …, unknown without evidence"
    )
    is_part_time = dy.Bool(description="fewer working days a week than full-time")
    swapped_nights = dy.Int64(min=0, description="nights away from the place of free time, followed by a day at it")
    shift_candidate = dy.Bool(description="enough swapped nights: home and work may be exchanged")


class PhoneDuplicate(DeviceMonth):
    """One row per device with a home and month: likeliest companion (`restricted.phone_duplicates`)."""

    companion_key = dy.Int64(nullable=True, description="pseudonym of that device; null without a candidate")
    steps = dy.Int64(min=0, description="steps of time with an event")
    probability = dy.Float64(min=0.0, max=1.0, description="posterior probability that another device has its carrier")
    log_ratio = dy.Float64(nullable=True, description="log likelihood ratio of the companion; null without")
    is_duplicate = dy.Bool(description="true if the probability exceeds that of the specification")


class DevicePresence(DeviceMonth):
    """One row per device, month, kind of day, hour and cell: days there (`lake.device_presence`)."""

    day_type = dy.String(regex=_DAY_TYPE, description="weekday (a working day of the specification) or free_day")
    hour = dy.Int16(min=0, max=23, description="hour of the local day")
    cell = dy.String(regex=CELL, description="cell with most time of the hour")
    is_home = dy.Bool(description="true for the cell of its home, and others that serve it by night")
    days = dy.Int16(min=1, description="days on which the device was there at this hour")
    observed_days = dy.Int16(min=1, description="days on which its cell is known at this hour")


class DeviceMovement(DeviceMonth):
    """One row per device, month, kind of day, hour, pair of zones and purpose (`lake.device_movements`)."""

    day_type = dy.String(regex=_DAY_TYPE, description="weekday (a working day of the specification) or free_day")
    hour = dy.Int16(min=0, max=23, description="local hour of arrival")
    origin = dy.String(regex=v.ZONE_CODE, description="zone of the hour before")
    destination = dy.String(regex=v.ZONE_CODE, description="zone of the hour")
    purpose = dy.String(regex=_PURPOSE, description="to_work, to_home, from_home or other, by the device's anchors")
    trips = dy.Int16(min=1, description="movements in the month")


class StoredDevice(dy.Schema):
    """One row per device of an operator's register (`restricted.phone_devices`)."""

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    provider = dy.String(regex=v.KEY, description="operator whose network saw the device")
    device_key = dy.Int64(description="pseudonym of the device")
    tariff = dy.String(regex="^(contract|payg)$", description="contract or payg (pay-as-you-go)")
    account = dy.String(regex="^(consumer|business)$", description="consumer or business")
    holder_age = dy.Int16(nullable=True, min=0, max=130, description="age of the holder in years; null if unknown")
    is_machine = dy.Bool(description="true for a device without a person")


class StoredTrueDevice(dy.Schema):
    """One row per simulated device: its carrier and true places (`restricted.phone_true_devices`)."""

    data_origin = dy.String(regex=ORIGIN, description="simulated")
    provider = dy.String(regex=v.KEY, description="operator whose network saw the device")
    device_key = dy.Int64(description="pseudonym of the device")
    kind = dy.String(description="way of living of the carrier")
    is_second = dy.Bool(description="true for the second phone of its carrier")
    has_companion = dy.Bool(description="true if another phone of the carrier is the operator's, too")
    home_class = dy.String(description="class of the ground at home")
    work_class = dy.String(nullable=True, description="class of the ground at work; null without a place")
    home_cell = dy.String(nullable=True, description="cell that serves the home best")
    work_cell = dy.String(nullable=True, description="cell that serves the place of work best; null without")
    nearest_home_cell = dy.String(nullable=True, description="cell of the mast nearest to the home")
    nearest_work_cell = dy.String(nullable=True, description="cell of the mast nearest to the place; null without")
    home_zone = dy.String(nullable=True, description="zone of the home")
    work_zone = dy.String(nullable=True, description="zone of the place; null without a place")


class PhoneAnchorEvaluation(dy.Schema):
    """One row per operator, month, measure and class of the ground (`analysis.phone_anchor_evaluation`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="simulated: truth is of simulated devices")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator")
    month = dy.Date(primary_key=True, description="first day of the month")
    spec_id = dy.String(regex=v.SPEC_ID, description="specification of the rules")
    measure = dy.String(
        primary_key=True,
        regex=r"^(home|work)_(right|oracle)$|^(shift|duplicate|student)_(f1|precision|recall)$",
        description="home_right, work_right: share of regular workers with the cell that serves the place best; "
        "…_oracle: the same of the mast nearest to the place; shift_…: of shift workers flagged; duplicate_…: of "
        "devices with a companion; student_…: of students with that status",
    )
    area_class = dy.String(primary_key=True, description="class of the ground at the place: urban, …; all")
    devices = dy.Int64(min=0, description="devices that are judged")
    value = dy.Float64(nullable=True, min=0.0, max=1.0, description="the measure; null without devices")
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description="lower end of the 95 % interval")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description="upper end of the 95 % interval")
    reason = dy.String(nullable=True, description="why there is no value; null with one")


class PhoneRuleFlow(dy.Schema):
    """One row per operator, month, segment and pair of zones: flows by the rules (`analysis.phone_rule_flows`).

    Under the specification's own rule of suppression and rounding.
    """

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator")
    month = dy.Date(primary_key=True, description="first day of the month")
    spec_id = dy.String(regex=v.SPEC_ID, description="specification of the rules")
    segment = dy.String(primary_key=True, regex="^(all|contract|payg)$", description="all devices, or a tariff")
    origin = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of residence")
    destination = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of work")
    devices = dy.Int64(nullable=True, min=0, description="devices; null where suppressed")
    status = dy.String(regex="^(observed|rounded|suppressed)$", description="what the number is, or why there is none")


class _Estimate(dy.Schema):
    devices = dy.Int64(nullable=True, min=0, description=f"devices behind the cell, rounded; {_HIDDEN}")
    status = dy.String(
        regex=ESTIMATE_STATUS,
        description="published; below_threshold: fewer devices than may be shown; secondary: would uncover such a cell",
    )
    reason = dy.String(nullable=True, description=_REASON)
    recipe = dy.String(regex=v.KEY, description="recipe of the estimate")
    parameters_hash = dy.String(regex=HEX, description="hash of the parameters and the specification")


class PopulationPresent(_Estimate):
    """One row per operator, month, kind of day, period and area (`analysis.phone_population_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator")
    month = dy.Date(primary_key=True, description="first day of the month")
    geography = dy.String(regex=v.KEY, description="kind of area")
    day_type = dy.String(primary_key=True, regex=_DAY_TYPE, description="weekday or free_day")
    period = dy.String(primary_key=True, regex=PERIOD, description="hour 00 to 23, daytime or night_time")
    area = dy.String(primary_key=True, regex=v.ZONE_CODE, description="area")
    persons = dy.Float64(
        nullable=True,
        min=0.0,
        description=f"mean number of residents of the ages that count present on such a day; {_HIDDEN}",
    )
    lower = dy.Float64(nullable=True, min=0.0, description="lower end of the interval")
    upper = dy.Float64(nullable=True, min=0.0, description="upper end of the interval")


class AreaMovement(_Estimate):
    """One row per operator, month, kind of day, period, areas and purpose (`analysis.phone_movements_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator")
    month = dy.Date(primary_key=True, description="first day of the month")
    geography = dy.String(regex=v.KEY, description="kind of area")
    day_type = dy.String(primary_key=True, regex=_DAY_TYPE, description="weekday or free_day")
    period = dy.String(primary_key=True, regex=PERIOD, description="hour of arrival 00 to 23, or all_day")
    purpose = dy.String(primary_key=True, regex=_PURPOSE, description="to_work, to_home, from_home or other")
    origin = dy.String(primary_key=True, regex=v.ZONE_CODE, description="area of the hour before")
    destination = dy.String(primary_key=True, regex=v.ZONE_CODE, description="area of the hour")
    trips = dy.Float64(nullable=True, min=0.0, description=f"movements of residents on a mean day; {_HIDDEN}")
    lower = dy.Float64(nullable=True, min=0.0, description="lower end of the interval")
    upper = dy.Float64(nullable=True, min=0.0, description="upper end of the interval")


class PhoneVisitorStay(dy.Schema):
    """One row per device, month, direction and place: nights (`restricted.phone_visitor_stays`)."""

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    provider = dy.String(regex=v.KEY, description="operator whose network or card it is")
    month = dy.Date(description="first day of the month")
    visitor_spec_id = dy.String(regex=v.SPEC_ID, description="specification of the rules on visitors")
    device_key = dy.Int64(description="pseudonym of the device")
    direction = dy.String(regex=_DIRECTION, description="inbound, outbound or domestic")
    country_code = dy.Int16(min=1, max=999, description="country of the card (inbound), or where it was")
    area = dy.String(nullable=True, regex=v.ZONE_CODE, description="area of the nights; null abroad")
    nights = dy.Int16(min=1, description="nights, those bridged included")
    bridged_nights = dy.Int16(min=0, description="nights without an event between two others at the place")


class VisitorNights(_Estimate):
    """One row per operator, month, direction, country and area (`analysis.phone_visitor_nights_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator")
    month = dy.Date(primary_key=True, description="first day of the month")
    direction = dy.String(primary_key=True, regex=_DIRECTION, description="inbound, outbound or domestic")
    country = dy.String(primary_key=True, description="mobile country code of origin or destination; all")
    area = dy.String(primary_key=True, description="area of the nights; all, or abroad")
    visitors = dy.Float64(nullable=True, min=0.0, description=f"persons; {_HIDDEN}, or without a factor")
    nights = dy.Float64(nullable=True, min=0.0, description=f"nights of these persons; {_HIDDEN}, or without a factor")
    nights_lower = dy.Float64(nullable=True, min=0.0, description="lower end of the interval of the nights")
    nights_upper = dy.Float64(nullable=True, min=0.0, description="upper end of the interval of the nights")
    nights_per_device = dy.Float64(nullable=True, min=0.0, description=f"mean nights of a device; {_HIDDEN}")


class PresenceRule(dy.Schema):
    """One row per parameter of the population present (`seeds.phone_presence_rules`)."""

    parameter = dy.String(primary_key=True, description="parameter")
    value = dy.Float64(description="value")
