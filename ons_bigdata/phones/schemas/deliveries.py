"""Tables of the contract with an operator, and published flows that no contract covers."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

_LOAD = "load of the file: 16 hex digits"
_LINE = "line of the file; the header is 1"
_MONTH = "first day of the month of the delivery; the partition"
_PROVIDER = "operator that delivered it"
_SPEC = "specification under which it was made"


class ProviderFlow(dy.Schema):
    """One row per cell of a delivered table of flows (`raw.phone_flows`).

    The number is null unless the status is `observed` or `rounded`: a blank is never a zero.
    """

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description=_MONTH)
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    spec_id = dy.String(regex=v.SPEC_ID, description=_SPEC)
    period_start = dy.Date(description="first day of the period that the flow is of")
    period_end = dy.Date(description="last day of it")
    geography = dy.String(regex=v.KEY, description="kind of area")
    vintage = dy.String(regex=v.VINTAGE, description="version of the codes of areas")
    cell_kind = dy.String(regex=v.CELL_KIND, description="pair, origin_total, destination_total or total")
    origin_code = dy.String(regex=v.ZONE_CODE, description="zone of residence, or TOTAL")
    dest_code = dy.String(regex=v.ZONE_CODE, description="zone of work, or TOTAL")
    segment = dy.String(regex=v.SEGMENT, description="group of devices; all for every device")
    day_type = dy.String(regex=v.DAY_TYPE, description="days that are counted: all, weekday, …")
    devices = dy.Float64(nullable=True, min=0.0, max=v.MOST_PERSONS, description="devices; null without a number")
    persons = dy.Float64(nullable=True, min=0.0, max=v.MOST_PERSONS, description="persons; null without a number")
    status = dy.String(regex=v.STATUS, description="what the number is, or why there is none")
    lower = dy.Float64(
        min=0.0, max=v.MOST_PERSONS, description="least count that the cell may have, in the unit of the specification"
    )
    upper = dy.Float64(
        nullable=True,
        min=0.0,
        max=v.MOST_PERSONS,
        description="greatest count that it may have; null where nothing bounds it",
    )
    avg_days_observed = dy.Float64(nullable=True, min=0.0, max=366.0, description="mean days that a device was seen")
    method_version = dy.String(regex=v.KEY, description="version of the operator's method")


class ZoneMargin(dy.Schema):
    """One row per zone, segment and day of a delivered table of margins (`raw.phone_zone_margins`)."""

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description=_MONTH)
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    spec_id = dy.String(regex=v.SPEC_ID, description=_SPEC)
    zone = dy.String(regex=v.ZONE_CODE, description="zone")
    segment = dy.String(regex=v.SEGMENT, description="group of devices; all for every device")
    active_on = dy.Date(nullable=True, description="day of the active devices; null for the resident ones")
    devices = dy.Float64(
        nullable=True,
        min=0.0,
        max=v.MOST_PERSONS,
        description="devices resident in the zone, or active in it on the day; null without a number",
    )
    status = dy.String(regex=v.STATUS, description="what the number is, or why there is none")
    penetration = dy.Float64(
        nullable=True,
        min=0.0,
        max=10.0,
        description="devices resident in the zone for each resident, as delivered; null where not given",
    )


class Coverage(dy.Schema):
    """One row per zone of a delivered table of the network (`raw.phone_coverage`)."""

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description=_MONTH)
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    spec_id = dy.String(regex=v.SPEC_ID, description=_SPEC)
    zone = dy.String(regex=v.ZONE_CODE, description="zone")
    technology = dy.String(regex="^(2g|3g|4g|5g|all)$", description="2g, 3g, 4g, 5g or all")
    cells = dy.Int32(min=0, max=10_000_000, description="cells in the zone")
    mean_cell_radius_m = dy.Float64(
        nullable=True, min=0.0, max=200_000.0, description="mean radius of its cells in m; null without a cell"
    )
    share_over_2km = dy.Float64(min=0.0, max=1.0, description="share of its area more than 2 km from a site")


class ProviderReport(dy.Schema):
    """One row per figure of an operator's report on a delivery (`raw.phone_provider_reports`)."""

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description=_MONTH)
    provider = dy.String(regex=v.KEY, description=_PROVIDER)
    spec_id = dy.String(regex=v.SPEC_ID, description=_SPEC)
    item = dy.String(
        regex="^(market_share|suppressed_cells|suppressed_mass|dropped_devices|payg_share)$",
        description="market_share, suppressed_cells, suppressed_mass, dropped_devices or payg_share",
    )
    subject = dy.String(regex=v.ZONE_CODE, description="area, or rule of the specification, that it is of")
    value = dy.Float64(min=0.0, max=v.MOST_PERSONS, description="share from 0 to 1, cells, or devices")


class PublishedFlow(dy.Schema):
    """One row per pair of a published table of flows of phone users (`raw.phone_published_flows`).

    No specification covers it: what a pair without a row means is unknown.
    """

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description="first day of the month of the flows; the partition")
    vintage = dy.String(regex=v.VINTAGE, description="version of the codes, MSOA21")
    origin = dy.String(regex=v.ZONE_CODE, description="area of residence")
    destination = dy.String(regex=v.ZONE_CODE, description="area of work")
    origin_county = dy.String(max_length=100, description="county of residence, as published")
    destination_county = dy.String(max_length=100, description="county of work, as published")
    users = dy.Int64(min=1, max=10**9, description="phone users")


class MobilityTrip(dy.Schema):
    """One row per group of trips of the Spanish open mobility data (`raw.phone_trips`): trips, not persons."""

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    month = dy.Date(description="first day of the month; the partition")
    trip_day = dy.Date(description="day of the trips")
    hour = dy.Int16(min=0, max=23, description="hour in which the trips begin, local time")
    origin = dy.String(regex=r"^[A-Za-z0-9_]{1,32}$", description="zone of origin; externo outside of Spain")
    destination = dy.String(regex=r"^[A-Za-z0-9_]{1,32}$", description="zone of destination; externo outside of Spain")
    distance_km = dy.String(
        regex=r"^[0-9]+(\.[0-9]+)?-[0-9]+(\.[0-9]+)?$|^>[0-9]+$", description="band of distance in km"
    )
    activity_origin = dy.String(regex="^(casa|trabajo_estudio|frecuente|no_frecuente)$", description="activity before")
    activity_destination = dy.String(
        regex="^(casa|trabajo_estudio|frecuente|no_frecuente)$", description="activity after"
    )
    study_origin = dy.Bool(nullable=True, description="true if the origin may be a place of study; null if not given")
    study_destination = dy.Bool(nullable=True, description="true if the destination may be one; null if not given")
    residence = dy.String(nullable=True, max_length=32, description="province of residence; null for NA")
    income = dy.String(nullable=True, max_length=32, description="band of income in thousand euro; null for NA")
    age = dy.String(nullable=True, max_length=32, description="age group in years; null for NA")
    sex = dy.String(nullable=True, regex="^(hombre|mujer)$", description="hombre (man), mujer (woman); null for NA")
    trips = dy.Float64(min=0.0, max=v.MOST_PERSONS, description="trips")
    trips_km = dy.Float64(min=0.0, max=1e12, description="distance of the trips together in km")


class GridCount(dy.Schema):
    """One row per zone or pair of zones of an output of the pipeline multimno (`raw.phone_pipeline_counts`)."""

    load_id = dy.String(regex=v.LOAD_ID, description=_LOAD)
    line = dy.Int32(min=2, description="row of the file plus 1")
    month = dy.Date(description="first day of the month in which the period begins; the partition")
    product = dy.String(regex="^(internal_migration|usual_environment|present_population)$", description="output")
    dataset_id = dy.String(nullable=True, max_length=64, description="zoning of the pipeline; null where not given")
    level = dy.Int16(nullable=True, min=0, max=20, description="level of the zoning; null where not given")
    zone = dy.String(max_length=64, description="zone; of a migration that of the residence after")
    from_zone = dy.String(nullable=True, max_length=64, description="residence before; null for other outputs")
    label = dy.String(
        nullable=True, max_length=32, description="label of the usual environment; null for other outputs"
    )
    persons = dy.Float64(
        nullable=True, min=0.0, max=v.MOST_PERSONS, description="weighted devices; null where suppressed"
    )
    status = dy.String(regex=v.STATUS, description="observed, or suppressed (-1 in the file)")
