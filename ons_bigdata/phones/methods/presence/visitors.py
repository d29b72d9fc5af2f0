"""Nights of visitors from abroad, of own devices abroad, and of own devices away from their usual environment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from scipy.special import ndtri

from ons_bigdata.phones.schemas.presence import PhoneVisitorStay
from ons_bigdata.phones.schemas.visitor_specification import VisitorSpecification

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("device_key", "at_utc", "cell", "data_origin", "provider", "home_mcc", "visited_mcc")
"""Columns of the lake that are read."""
DEVICE = "device_key"
NO_FACTOR = "no factor of expansion is agreed for the country"
MIXED = "countries without a factor are not in the total"
ALL, ABROAD = "all", "abroad"
_POSITION = ("easting_m", "northing_m")


def visitor_stays(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Nights of the devices of a bucket by direction, country and area, under each specification.

    `bucket`: COLUMNS, all rows of its devices. `parameters` (JSON values): `months`, a list of data_origin, provider,
    visitor_spec_id, specification (the document) and cells (cell → zone, null for none, easting_m, northing_m).
    Returns the columns of `PhoneVisitorStay`, sorted by device.
    """
    parts: list[pl.DataFrame] = [PhoneVisitorStay.create_empty()]
    for month in parameters["months"]:
        spec = VisitorSpecification.model_validate(month["specification"])
        events = bucket.filter(
            (pl.col("data_origin") == month["data_origin"]) & (pl.col("provider") == month["provider"])
        )
        cells = pl.DataFrame(
            [(cell, *place) for cell, place in month["cells"].items()],
            schema={"cell": pl.String, "zone": pl.String, "easting_m": pl.Float64, "northing_m": pl.Float64},
            orient="row",
        )
        stays = nights_of_devices(events, cells, spec).with_columns(
            **{name: pl.lit(month[name]) for name in ("data_origin", "provider", "visitor_spec_id")},
            month=pl.lit(spec.period.first_day.replace(day=1)),
        )
        parts.append(stays.select(PhoneVisitorStay.column_names()))
    return pl.concat(parts, how="vertical_relaxed").sort(DEVICE, maintain_order=True)


def nights_of_devices(events: pl.DataFrame, cells: pl.DataFrame, spec: VisitorSpecification) -> pl.DataFrame:
    """Nights of visitors: device_key, direction, country_code, area (null abroad), nights, bridged_nights; sorted.

    `events`: device_key, at_utc, cell, home_mcc, visited_mcc. `cells`: cell, zone, easting_m, northing_m; events at
    cells without zone do not count. The place of a night is the area, or the country abroad, with most of its events at
    night, then the smaller code; nights without an event between two at the same place are bridged. A device with a
    foreign card is inbound unless it has more nights than the usual environment allows; an own device is outbound
    abroad, and domestic in areas that are not of its usual environment, at masts far enough from its home: the median
    of the masts of its nights in the area where it has most. Devices without a country of the card count as own.

    Rules after Eurostat, Feasibility Study on the Use of Mobile Positioning Data for Tourism Statistics, Consolidated
    report (2014), and the usual environment of the International Recommendations for Tourism Statistics (2008), 2.21.
    """
    nightly = _nights(events, cells, spec)
    is_own = pl.col("home_mcc").is_in(spec.own_country_codes).fill_null(value=True)
    is_abroad = pl.col("abroad").is_not_null()
    foreign = nightly.filter(~is_own & ~is_abroad)
    total = pl.len().over(DEVICE)
    inbound = foreign.filter(total <= spec.usual_environment.max_inbound_nights).select(
        DEVICE, "is_bridged", direction=pl.lit("inbound"), country_code="home_mcc", area="zone"
    )
    own = nightly.filter(is_own)
    outbound = own.filter(is_abroad).select(
        DEVICE,
        "is_bridged",
        direction=pl.lit("outbound"),
        country_code="abroad",
        area=pl.lit(None, dtype=pl.String),
    )
    at_home = own.filter(~is_abroad)
    usual = spec.usual_environment
    there = pl.len().over(DEVICE, "zone")
    with_home = at_home.with_columns(there=there, total=pl.len().over(DEVICE)).join(
        _homes(at_home), on=DEVICE, how="left", maintain_order="left"
    )
    distance_m = (
        (pl.col("easting_m") - pl.col("home_easting_m")) ** 2 + (pl.col("northing_m") - pl.col("home_northing_m")) ** 2
    ).sqrt()
    domestic = with_home.filter(
        (pl.col("total") >= usual.min_home_nights)
        & (pl.col("there") < usual.min_home_share * pl.col("total"))
        & (distance_m >= 1_000.0 * usual.min_domestic_km)
    ).select(
        DEVICE,
        "is_bridged",
        direction=pl.lit("domestic"),
        country_code=pl.lit(spec.own_country_codes[0], dtype=pl.Int16),
        area="zone",
    )
    key = [DEVICE, "direction", "country_code", "area"]
    return (
        pl.concat([inbound, outbound, domestic])
        .group_by(key)
        .agg(nights=pl.len().cast(pl.Int16), bridged_nights=pl.col("is_bridged").sum().cast(pl.Int16))
        .sort(key)
    )


def _homes(nightly: pl.DataFrame) -> pl.DataFrame:
    """Median position of the nights of each device in the area where it has most, then the smaller code."""
    return (
        nightly.group_by(DEVICE, "zone")
        .agg(
            nights=pl.len(), home_easting_m=pl.col("easting_m").median(), home_northing_m=pl.col("northing_m").median()
        )
        .sort(DEVICE, "nights", "zone", descending=[False, True, False])
        .unique(DEVICE, keep="first", maintain_order=True)
        .select(DEVICE, "home_easting_m", "home_northing_m")
    )


def _nights(events: pl.DataFrame, cells: pl.DataFrame, spec: VisitorSpecification) -> pl.DataFrame:
    """Nights of devices: device_key, home_mcc, night (date), zone or abroad (country), mean position, is_bridged."""
    rule, period = spec.nights, spec.period
    local = pl.col("at_utc").dt.convert_time_zone(period.time_zone)
    hour, day = local.dt.hour(), local.dt.date()
    timed = events.join(cells.select("cell", "zone", *_POSITION), on="cell", how="left").with_columns(
        night=pl.when(hour < rule.to_hour).then(day - timedelta(days=1)).otherwise(day),
        is_night=(hour >= rule.from_hour) | (hour < rule.to_hour),
        abroad=pl.when(~pl.col("visited_mcc").is_in(spec.own_country_codes)).then(pl.col("visited_mcc")),
    )
    at_night = timed.filter(
        pl.col("is_night")
        & pl.col("night").is_between(period.first_day, period.last_day)
        & (pl.col("zone").is_not_null() | pl.col("abroad").is_not_null())
    )
    place = pl.coalesce(pl.format("abroad {}", "abroad"), pl.format("zone {}", "zone"))
    counted = (
        at_night.with_columns(place=place)
        .group_by(DEVICE, "night", "place")
        .agg(
            pl.col("zone", "abroad").first(),
            pl.col("home_mcc").max(),
            pl.col(_POSITION).mean(),
            events=pl.len(),
        )
        .filter(pl.col("events") >= rule.min_events)
        .sort(DEVICE, "night", "events", "place", descending=[False, False, True, False])
        .unique([DEVICE, "night"], keep="first", maintain_order=True)
        .with_columns(
            zone=pl.when(pl.col("abroad").is_null()).then("zone"), home_mcc=pl.col("home_mcc").max().over(DEVICE)
        )
    )
    return _bridged(counted, rule.max_gap_nights)


def _bridged(nightly: pl.DataFrame, most: int) -> pl.DataFrame:
    """Nights, and those missing between two at the same place, up to a number."""
    gap = (pl.col("night") - pl.col("night").shift().over(DEVICE)).dt.total_days() - 1
    same = pl.col("place") == pl.col("place").shift().over(DEVICE)
    steps = nightly.with_columns(missing=pl.when(same & gap.is_between(1, most)).then(gap).otherwise(0))
    between = (
        steps.filter(pl.col("missing") > 0)
        .with_columns(back=pl.int_ranges(1, pl.col("missing") + 1))
        .explode("back")
        .with_columns(night=pl.col("night") - pl.duration(days=pl.col("back")), is_bridged=pl.lit(value=True))
    )
    columns = [DEVICE, "home_mcc", "night", "zone", "abroad", *_POSITION, "is_bridged"]
    return pl.concat(
        [steps.with_columns(is_bridged=pl.lit(value=False)).select(columns), between.select(columns)]
    ).sort(DEVICE, "night")


def estimate_visitors(stays: pl.DataFrame, spec: VisitorSpecification, *, confidence: float) -> pl.DataFrame:
    """Visitors and nights by direction, country and area: the columns of `VisitorNights` without labels and control.

    `stays`: device_key, direction, country_code, area, nights. Rows for each country and for all, each area and all
    (abroad for outbound). A device stands for the persons f of its card's country; the variance of the nights is
    Σ f (f − 1) n² over the devices (each in the operator's network with probability 1/f), plus (r T)² of each country
    for the error r of its factor, T being its nights. Where a country has no factor there are devices, no persons.
    """
    own = spec.own_country_codes
    is_own = pl.col("direction") != "inbound"
    factors = pl.DataFrame(
        [(one.country_code, one.persons_per_device, one.relative_standard_error) for one in spec.factors],
        schema={"card": pl.Int16, "factor": pl.Float64, "error": pl.Float64},
        orient="row",
    )
    rows = stays.with_columns(
        card=pl.when(is_own).then(pl.lit(own[0], dtype=pl.Int16)).otherwise(pl.col("country_code").cast(pl.Int16)),
        country=pl.col("country_code").cast(pl.String),
        area=pl.when(pl.col("direction") == "outbound").then(pl.lit(ABROAD)).otherwise("area"),
    ).join(factors, on="card", how="left")
    whole_area = rows.filter(pl.col("direction") != "outbound").with_columns(area=pl.lit(ALL))
    detailed = pl.concat([rows, whole_area])
    both = pl.concat([detailed, detailed.with_columns(country=pl.lit(ALL))])
    key = ["direction", "country", "area"]
    per_device = both.group_by(*key, DEVICE).agg(
        pl.col("nights").cast(pl.Float64).sum(), pl.col("card", "factor", "error").first()
    )
    factor = pl.col("factor")
    by_card = per_device.group_by(*key, "card").agg(
        devices=pl.len(),
        device_nights=pl.col("nights").sum(),
        visitors=factor.sum(),
        nights=(factor * pl.col("nights")).sum(),
        variance=((factor * (factor - 1.0)).clip(lower_bound=0.0) * pl.col("nights") ** 2).sum(),
        error=pl.col("error").first(),
        known=factor.is_not_null().all(),
    )
    z = float(ndtri(0.5 + confidence / 2.0))
    known = pl.col("known")
    cells = by_card.group_by(key).agg(
        devices=pl.col("devices").sum().cast(pl.Int64),
        device_nights=pl.col("device_nights").sum(),
        visitors=pl.when(known.any()).then(pl.col("visitors").filter(known).sum()),
        nights=pl.when(known.any()).then(pl.col("nights").filter(known).sum()),
        reach=z * (pl.col("variance") + (pl.col("error") * pl.col("nights")) ** 2).filter(known).sum().sqrt(),
        reason=pl.when(~known.any()).then(pl.lit(NO_FACTOR)).when(~known.all()).then(pl.lit(MIXED)),
    )
    return cells.select(
        *key,
        "devices",
        "visitors",
        "nights",
        nights_lower=(pl.col("nights") - pl.col("reach")).clip(lower_bound=0.0),
        nights_upper=pl.col("nights") + pl.col("reach"),
        nights_per_device=pl.col("device_nights") / pl.col("devices"),
        reason="reason",
    ).sort(key)
