"""Tables of the census with which flows are compared, and the areas of both."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

_MODES = ("light_rail", "train", "bus", "taxi", "motorbike", "car_driver", "car_passenger", "bicycle", "foot", "other")


def _count(what: str) -> dy.Int64:
    return dy.Int64(nullable=True, min=0, max=10**9, description=f"{what}; null in a table without modes")


class CensusCommute(dy.Schema):
    """One row per pair of a table of travel to work of a census (`raw.phone_census_flows`), all codes kept."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is 1")
    census_table = dy.String(
        regex="^(wu03ew|district_series)$",
        description="wu03ew (by mode) or district_series (totals by year); the partition",
    )
    census_year = dy.Int16(min=1961, max=2100, description="year of the census")
    geography = dy.String(regex=v.KEY, description="msoa, lad or zone (of the simulated world)")
    origin = dy.String(regex=v.ZONE_CODE, description="area of residence")
    destination = dy.String(regex=v.ZONE_CODE, description="area of work, or a code without area")
    destination_kind = dy.String(regex=v.DESTINATION_KIND, description="zone, or what the code without area means")
    persons = dy.Int64(min=0, max=10**9, description="persons of all modes")
    from_home = _count("persons who work mainly at or from home; 0 for every pair of areas in 2011")
    light_rail = _count("persons by underground, light rail or tram")
    train = _count("persons by train")
    bus = _count("persons by bus or coach")
    taxi = _count("persons by taxi")
    motorbike = _count("persons by motorcycle or scooter")
    car_driver = _count("persons who drive a car or van")
    car_passenger = _count("persons who are passengers in a car or van")
    bicycle = _count("persons by bicycle")
    foot = _count("persons on foot")
    other = _count("persons by another mode")


MODES = ("from_home", *_MODES)
"""Columns of modes, whose sum is `persons`."""


class PhoneZone(dy.Schema):
    """One row per area of a file of names, residents or positions (`raw.phone_zones`)."""

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is 1")
    vintage = dy.String(regex=v.VINTAGE, description="version of the codes")
    geography = dy.String(regex=v.KEY, description="msoa, lad or zone (of the simulated world); the partition")
    code = dy.String(regex=v.ZONE_CODE, description="code of the area")
    name = dy.String(max_length=200, description="name of the area")
    district_name = dy.String(
        nullable=True,
        max_length=200,
        description="name of its district: of a middle-layer area its name without the number; null for a district",
    )
    residents = dy.Int64(nullable=True, min=0, max=10**9, description="usual residents; null where not given")
    longitude = dy.Float64(
        nullable=True, min=-180.0, max=180.0, description="longitude of its centre; null if not given"
    )
    latitude = dy.Float64(nullable=True, min=-90.0, max=90.0, description="latitude of its centre; null if not given")
    rurality = dy.String(
        nullable=True, max_length=64, description="class of the rural-urban classification; null where not given"
    )
