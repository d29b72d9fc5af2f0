"""Frames of weights, estimates of travel to work and their totals, as tables of the graph."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

_HEX = r"^[0-9a-f]{16}$"
_ORIGIN = "^(real|simulated)$"
_HIDDEN = "null where the count is hidden or there is a reason"
_METHOD = (
    "weights: devices times the raked weight of their zone; inverse_penetration: by the penetration of both ends; "
    "selection_rate: the same between penetration and an overall rate; distance_corrected: a model fitted to the census"
)
_PROVIDER = "operator; users for published flows of users; combined for several operators as one"


class OfDelivery(dy.Schema):
    """Columns that say what delivery a row is of; part of the frames below."""

    recipe = dy.String(primary_key=True, regex=v.KEY, description="recipe of the computation")
    data_origin = dy.String(primary_key=True, regex=_ORIGIN, description="real or simulated")
    provider = dy.String(primary_key=True, regex=v.KEY, description=_PROVIDER)
    month = dy.Date(primary_key=True, description="first day of the month of the delivery")
    geography = dy.String(primary_key=True, regex=v.KEY, description="kind of the zones: msoa, lad or zone")
    vintage = dy.String(primary_key=True, regex=v.VINTAGE, description="version of the codes of the zones")
    parameters_hash = dy.String(regex=_HEX, description="hash of the recipe's parameters")


def _rate(what: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0.0, description=f"{what}; null without a figure")


class PhoneWeight(OfDelivery):
    """One row per delivery, zone and segment: persons that a device stands for (`analysis.phone_weights`)."""

    area = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of residence")
    segment = dy.String(primary_key=True, regex=v.SEGMENT, description="group of devices; all has the mean of the zone")
    residents = _rate("residents of the zone, of the ages that count")
    devices = dy.Float64(nullable=True, min=0.0, description="resident devices; null without a number")
    penetration = _rate("devices for each resident")
    ownership = _rate("share of persons with a phone")
    devices_per_owner = _rate("devices of an owner")
    market_share = _rate("share of the operator")
    start_weight = dy.Float64(
        nullable=True, min=0.0, description="1 / (ownership · devices per owner · market share); null without figures"
    )
    start_error = dy.Float64(nullable=True, min=0.0, description="relative standard error of the start weight")
    factor = dy.Float64(nullable=True, min=0.0, description="weight / start weight; null where not raked")
    weight = dy.Float64(nullable=True, min=0.0, description="persons per device; null with a reason")
    weight_error = dy.Float64(nullable=True, min=0.0, description="relative standard error of the weight")
    is_capped = dy.Bool(description="true where a factor is at an end of its range")
    reason = dy.String(nullable=True, description="why there is no weight, or which step it lacks; null otherwise")
    status = dy.String(
        regex="^(raked|start|inverse_penetration|no_weight)$",
        description="raked, start (not raked), inverse_penetration (no figures of the market) or no_weight",
    )


class PhoneWeightMargin(OfDelivery):
    """One row per delivery, margin and category that weights were raked to (`analysis.phone_weight_margins`)."""

    margin = dy.String(primary_key=True, description="area, age, sex or tariff")
    category = dy.String(primary_key=True, description="zone or group")
    total = dy.Float64(min=0.0, description="persons asked for")
    start = dy.Float64(min=0.0, description="persons by the start weights")
    reached = dy.Float64(min=0.0, description="persons by the raked weights")
    relative_difference = dy.Float64(description="reached / total - 1; of a total of 0, the persons reached")
    capped_share = dy.Float64(min=0.0, max=1.0, description="share of the persons reached that capped cells hold")


class PhoneFlowEstimate(OfDelivery):
    """One row per delivery, method and pair of zones: travel to work (`analysis.phone_flow_estimates`).

    Controlled for disclosure: devices are rounded before anything is computed from them, and hidden below a threshold.
    """

    day_type = dy.String(primary_key=True, regex=v.DAY_TYPE, description="days that are counted")
    method = dy.String(
        primary_key=True,
        regex="^(weights|inverse_penetration|selection_rate|distance_corrected)$",
        description=_METHOD,
    )
    origin = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of residence")
    destination = dy.String(primary_key=True, regex=v.ZONE_CODE, description="zone of work")
    devices = dy.Int64(nullable=True, min=0, description="devices, rounded; null where hidden")
    persons = dy.Float64(nullable=True, min=0.0, description=f"persons who travel to work; {_HIDDEN}")
    lower = dy.Float64(nullable=True, min=0.0, description=f"lower end of the 95 % interval; {_HIDDEN}")
    upper = dy.Float64(nullable=True, min=0.0, description=f"upper end of the 95 % interval; {_HIDDEN}")
    quality = dy.String(
        regex="^(good|fair|poor|no_interval)$",
        description="half the interval over persons: good to 25 %, fair to 50 %, poor beyond; no_interval",
    )
    reason = dy.String(nullable=True, description="why a number is missing; null where there is one")
    status = dy.String(
        regex="^(published|below_threshold|not_supplied)$",
        description="published; below_threshold: too few devices, or hidden by the operator; not_supplied",
    )


class PhoneFlowTotal(OfDelivery):
    """One row per delivery and kind of pairs: persons of all pairs, with intervals (`analysis.phone_flow_totals`)."""

    day_type = dy.String(primary_key=True, regex=v.DAY_TYPE, description="days that are counted")
    kind = dy.String(primary_key=True, regex="^(all|between|within)$", description="all pairs, between, within zones")
    origins = dy.Int64(min=0, description="zones of residence that have a weight")
    devices = dy.Float64(min=0.0, description="devices, a hidden cell as the middle of its bounds")
    persons = dy.Float64(min=0.0, description="persons by the weights of the zones of residence")
    lower = dy.Float64(nullable=True, min=0.0, description="lower end of the 95 % interval; null with a reason")
    upper = dy.Float64(nullable=True, min=0.0, description="upper end of the 95 % interval; null with a reason")
    reason = dy.String(nullable=True, description="why there is no interval; null where there is one")
    status = dy.String(regex="^(complete|no_interval)$", description="complete or no_interval")


class PhoneStandInCost(OfDelivery):
    """One row per delivery and class of pairs: bias where contracts stand in (`analysis.phone_stand_in_costs`)."""

    day_type = dy.String(primary_key=True, regex=v.DAY_TYPE, description="days that are counted")
    classification = dy.String(primary_key=True, regex="^(kind|distance_band)$", description="kind or distance_band")
    category = dy.String(primary_key=True, max_length=64, description="class of the pairs; sorts in order")
    pairs = dy.Int64(min=0, description="pairs of the class with a flow")
    stand_in_flow = dy.Float64(min=0.0, description="persons if contract customers stand in for all")
    full_flow = dy.Float64(min=0.0, description="persons with each tariff weighted by itself")
    log_bias = dy.Float64(nullable=True, description="log(stand-in / full); null where a sum is 0")
    lower = dy.Float64(nullable=True, description="lower end of the 95 % interval; null with a reason")
    upper = dy.Float64(nullable=True, description="upper end of the 95 % interval; null with a reason")
    reason = dy.String(nullable=True, description="why value or interval are missing; null where both exist")
    status = dy.String(regex="^(complete|no_interval|no_value)$", description="complete, no_interval or no_value")


class PublicationRule(dy.Schema):
    """One row per parameter of the disclosure control of travel to work (`seeds.phone_publication_rules`)."""

    parameter = dy.String(primary_key=True, regex="^(threshold|rounding_base)$", description="threshold, rounding_base")
    value = dy.Float64(min=1.0, description="value of the parameter")
