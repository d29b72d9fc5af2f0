"""Frames of what comes about single devices: events, the operator's register, simulated truth; and the cell plan."""

from __future__ import annotations

from typing import Final

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

FORMATS: Final = ("csv", "parquet", "essnet", "multimno")
"""Formats of files of events: documented CSV, the same columns as Parquet, simulator of the ESSnet, multimno."""
AREA_CLASSES: Final = ("urban", "suburban", "rural")
"""Classes of the ground around a mast or an address."""
KINDS: Final = (
    *("regular", "part_time", "night_shift", "rotating_shift", "home_worker", "student", "pupil", "non_worker"),
)
"""Ways of living of simulated persons."""

ORIGIN = "^(real|simulated)$"
CELL = r"^[!-~]{1,64}$"
"""Identifier of a cell: printable ASCII without blanks."""
ZONE_SHARES = r"^[A-Za-z0-9_]{1,32}=(?:1|0(?:\.[0-9]{1,6})?)(?: [A-Za-z0-9_]{1,32}=(?:1|0(?:\.[0-9]{1,6})?))*$"
"""Shares of zones in the place of a device at a cell, such as `Z001=0.7 Z002=0.3`."""
_CLASS = "^(" + "|".join(AREA_CLASSES) + ")$"
_LINE = "line of the unpacked file; of Parquet the row, from 1"
_KEY = "pseudonym of the device"
_PROVIDER = "operator whose network saw the device"


def _cell(description: str) -> dy.String:
    return dy.String(nullable=True, regex=CELL, description=description)


class DeviceEvent(dy.Schema):
    """One row per event of a file with the pseudonym of its device (`lake.device_events`)."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description=_LINE)
    event_day = dy.Date(description="day of at_utc, UTC; the partition")
    format = dy.String(regex="^(" + "|".join(FORMATS) + ")$", description="format of the file")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by name or format of the file")
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    device_key = dy.Int64(description=_KEY)
    at_utc = dy.Datetime(time_unit="us", time_zone="UTC", description="time of the event")
    cell = _cell("cell that served it; null while the device was in a network abroad")
    home_mcc = dy.Int16(
        nullable=True, min=1, max=999, description="mobile country code of the card; null where not given"
    )
    visited_mcc = dy.Int16(
        nullable=True, min=1, max=999, description="mobile country code of the network abroad; null at home"
    )


class RegisteredDevice(dy.Schema):
    """One row per device and file of an operator's register (`lake.phone_devices`)."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description=_LINE)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated; the partition")
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    device_key = dy.Int64(description=_KEY)
    tariff = dy.String(regex="^(contract|payg)$", description="contract or payg (pay-as-you-go)")
    account = dy.String(regex="^(consumer|business)$", description="consumer or business")
    holder_age = dy.Int16(nullable=True, min=0, max=130, description="age of the holder in years; null if unknown")
    is_machine = dy.Bool(description="true for a device without a person, such as a meter or a car")


class TrueDevice(dy.Schema):
    """One row per simulated device: its carrier and the cells of the true places (`lake.phone_true_devices`)."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description=_LINE)
    data_origin = dy.String(regex="^simulated$", description="simulated; the partition")
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    device_key = dy.Int64(description=_KEY)
    kind = dy.String(regex="^(" + "|".join(KINDS) + ")$", description="way of living of the carrier")
    is_second = dy.Bool(description="true for the second phone of its carrier")
    has_companion = dy.Bool(description="true if another phone of the carrier is the operator's, too")
    home_class = dy.String(regex=_CLASS, description="class of the ground at home")
    work_class = dy.String(nullable=True, regex=_CLASS, description="class of the ground at work; null without a place")
    home_cell = _cell("cell that serves the home best")
    work_cell = _cell("cell that serves the place of work, study or school best; null without a place")
    nearest_home_cell = _cell("cell of the mast nearest to the home")
    nearest_work_cell = _cell("cell of the mast nearest to the place; null without a place")
    home_zone = dy.String(nullable=True, regex=v.ZONE_CODE, description="zone of the home")
    work_zone = dy.String(nullable=True, regex=v.ZONE_CODE, description="zone of the place; null without a place")


class PhoneCell(dy.Schema):
    """One row per cell of an operator's cell plan (`raw.phone_cells`)."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is 1")
    provider = dy.String(regex=v.KEY, description="operator of the network; the partition")
    cell = dy.String(regex=CELL, description="identifier of the cell")
    easting_m = dy.Float64(
        min=-1e6, max=2e6, description="easting of the mast: British National Grid, or grid of a simulated network"
    )
    northing_m = dy.Float64(
        min=-1e6, max=3e6, description="northing of the mast: British National Grid, or grid of a simulated network"
    )
    area_class = dy.String(regex=_CLASS, description="class of the ground around the mast: urban, suburban, rural")
    radius_m = dy.Float64(min=0.0, max=200_000.0, description="radius of the cell")
    zone = dy.String(
        nullable=True, regex=v.ZONE_CODE, description="zone that it serves best; null for a cell that serves none"
    )
    zone_shares = dy.String(
        nullable=True,
        regex=ZONE_SHARES,
        description="probability that a device at it is in each zone, <zone>=<share> by blanks; null if not given",
    )
    education_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of education ground in the footprint; null where not given"
    )
    share_aged_16_24 = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of its daytime users aged 16 to 24; null where not given"
    )
