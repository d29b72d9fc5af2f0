"""Frames of the comparison of delivered flows with the census: agreement, signed bias by class, pairs."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

_ESTIMATE = r"^[a-z0-9_]{1,64}$"
_HEX = r"^[0-9a-f]{16}$"
_ORIGIN = "^(real|simulated)$"
_STATUS = "^(complete|no_interval|no_value)$"
_REASON = "why value or interval are missing, or what the interval lacks; null where both exist"
_FLOWS = (
    "phone_flows or phone_flows_raked; weighted: devices times the weight of their zone; inverse_penetration of both "
    "ends; gravity_doubly, radiation, previous_census, previous_census_employment, previous_census_raked, "
    "previous_census_smoothed: models without an operator; "
    "perfect_sample: as many persons drawn from the census; held_out_…: between zones that the correction of distance "
    "has not seen"
)


class FlowsCompared(dy.Schema):
    """Columns that say which flows were compared with which census; part of the frames below."""

    recipe = dy.String(primary_key=True, regex=v.KEY, description="recipe of the comparison")
    data_origin = dy.String(primary_key=True, regex=_ORIGIN, description="real or simulated, of both sides")
    provider = dy.String(primary_key=True, regex=v.KEY, description="operator, or users for published flows of users")
    month = dy.Date(primary_key=True, description="first day of the month of the delivery")
    geography = dy.String(primary_key=True, regex=v.KEY, description="kind of the zones: msoa, lad or zone")
    day_type = dy.String(primary_key=True, regex=v.DAY_TYPE, description="days that are counted")
    census_year = dy.Int16(min=1961, max=2100, description="year of the census")
    parameters_hash = dy.String(regex=_HEX, description="hash of the recipe's parameters")


class PhoneFlowComparison(FlowsCompared):
    """One row per delivery, estimate and metric of agreement with the census (`analysis.phone_flow_comparisons`).

    Flows between different zones that the delivery, the census and the file of places have in common.
    """

    estimate = dy.String(primary_key=True, regex=_ESTIMATE, description=_FLOWS)
    metric = dy.String(primary_key=True, regex="^[a-z0-9_+-]+$", description="name of the metric")
    zones = dy.Int32(min=0, description="zones of the study area")
    value = dy.Float64(nullable=True, description="its value; null where it is not defined, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval, suppression included")
    upper = dy.Float64(nullable=True, description="upper end of the interval, suppression included")
    least = dy.Float64(nullable=True, description="least value within the bounds of suppressed and rounded cells alone")
    most = dy.Float64(nullable=True, description="greatest value within these bounds alone")
    reason = dy.String(nullable=True, description=_REASON)
    status = dy.String(regex=_STATUS, description="complete, no_interval or no_value")


class PhoneFlowBias(FlowsCompared):
    """One row per delivery, estimate, classification and class: signed bias (`analysis.phone_flow_bias`)."""

    estimate = dy.String(primary_key=True, regex=_ESTIMATE, description=_FLOWS)
    classification = dy.String(
        primary_key=True,
        regex="^(kind|distance_band|mast_reach|suppressed_share|rurality|district)$",
        description=(
            "kind (within or between zones), distance_band; mast_reach, suppressed_share, rurality or district of the "
            "origin"
        ),
    )
    category = dy.String(primary_key=True, max_length=200, description="class of the pairs; sorts in order")
    place_in_order = dy.Int32(min=0, description="place of the class in its classification, from 0")
    pairs = dy.Int64(min=0, description="compared pairs of the class")
    origins = dy.Int64(min=0, description="origins with a flow of the class in a table")
    estimated_flow = dy.Float64(min=0.0, description="sum of the estimate, scaled to the total of the census")
    census_flow = dy.Float64(min=0.0, description="persons of the census")
    log_bias = dy.Float64(nullable=True, description="log(estimate / census); null where a sum is 0, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval, suppression included")
    upper = dy.Float64(nullable=True, description="upper end of the interval, suppression included")
    reason = dy.String(nullable=True, description=_REASON)
    status = dy.String(regex=_STATUS, description="complete, no_interval or no_value")


class PhoneFlowPair(FlowsCompared):
    """One row per delivery and pair of different zones with a flow in a table (`analysis.phone_flow_pairs`)."""

    origin = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of residence")
    destination = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of work")
    distance_km = dy.Float64(min=0.0, description="distance between their centres in km")
    flow = dy.Float64(
        nullable=True, min=0.0, description="delivered flow, the middle of its bounds if hidden; null if not supplied"
    )
    flow_status = dy.String(
        regex=v.STATUS[:-2] + "|not_listed)$", description="status of the cell; not_listed where it has no row"
    )
    scaled_flow = dy.Float64(
        nullable=True, min=0.0, description="flow scaled to the census over the compared pairs; null if not supplied"
    )
    scaled_least = dy.Float64(nullable=True, min=0.0, description="least flow within its bounds, scaled alike")
    scaled_most = dy.Float64(nullable=True, min=0.0, description="greatest flow within its bounds, scaled alike")
    census_flow = dy.Float64(min=0.0, description="persons of the census")
    origin_x_km = dy.Float64(description="centre of the zone of residence, km to the east on a plane")
    origin_y_km = dy.Float64(description="the same to the north")
    destination_x_km = dy.Float64(description="centre of the zone of work, km to the east on a plane")
    destination_y_km = dy.Float64(description="the same to the north")


class PhoneFlowLevel(FlowsCompared):
    """One row per delivery, estimate, level and metric (`analysis.phone_flow_levels`).

    Levels of validation besides that of pairs, which is `analysis.phone_flow_comparisons`.
    """

    estimate = dy.String(primary_key=True, regex=_ESTIMATE, description=_FLOWS)
    level = dy.String(
        primary_key=True,
        regex="^(totals|margins|residuals|distribution)$",
        description="totals, margins, residuals or distribution",
    )
    metric = dy.String(primary_key=True, regex="^[a-z0-9_+-]+$", description="name of the metric")
    value = dy.Float64(nullable=True, description="its value; null where it is not defined, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval; null with a reason")
    upper = dy.Float64(nullable=True, description="upper end of the interval; null with a reason")
    floor = dy.Float64(nullable=True, description="value of a perfect sample of the same size; null where it has none")
    reason = dy.String(nullable=True, description=_REASON)
    status = dy.String(regex=_STATUS, description="complete, no_interval or no_value")


class PhoneZoneResidual(FlowsCompared):
    """One row per delivery, estimate, side and zone: residual (`analysis.phone_zone_residuals`)."""

    estimate = dy.String(primary_key=True, regex=_ESTIMATE, description=_FLOWS)
    side = dy.String(primary_key=True, regex="^(origin|destination)$", description="origin (departures) or destination")
    zone = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone")
    residual = dy.Float64(description="log((estimate + 0.5) / (census + 0.5)) of the zone's total, scaled")
    local_moran = dy.Float64(nullable=True, description="local Moran's I; null where residuals do not vary")
    x_km = dy.Float64(description="centre of the zone, km to the east on a plane")
    y_km = dy.Float64(description="the same to the north")


class PhoneCensusPart(FlowsCompared):
    """One row per delivery and part of the census table that it is compared with (`analysis.phone_census_parts`)."""

    part = dy.String(
        primary_key=True,
        regex="^(commuters|at_home|offshore|no_fixed_place|outside_uk|scotland|northern_ireland|outside_zones)$",
        description="commuters between the zones of the delivery, or the reason for which rows are left out",
    )
    rows = dy.Int64(min=0, description="rows of the table")
    persons = dy.Float64(min=0.0, description="persons of these rows")
