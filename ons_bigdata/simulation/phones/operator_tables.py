"""Tables that the operator makes from its events under the specification, by a plain implementation of its rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.specification import TOTAL
from ons_bigdata.simulation.phones.agreement import SUPPRESSED

if TYPE_CHECKING:
    from ons_bigdata.phones.schemas.specification import Specification


def anchor_devices(events: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Home and work of devices by counts of nights and days: device, home, work (cells, null without), active_days.

    Simpler than the rules: no share of nights or working days is needed.
    """
    local = pl.col("at_utc").dt.convert_time_zone(spec.period.time_zone)
    timed = events.with_columns(hour=local.dt.hour(), day=local.dt.date(), weekday=local.dt.weekday())
    active = timed.group_by("device").agg(active_days=pl.col("day").n_unique())
    night = timed.filter((pl.col("hour") >= spec.home.from_hour) | (pl.col("hour") < spec.home.to_hour)).with_columns(
        night=pl.when(pl.col("hour") < spec.home.to_hour)
        .then(pl.col("day") - timedelta(days=1))
        .otherwise(pl.col("day"))
    )
    nights = _most(night.group_by("device", "cell").agg(days=pl.col("night").n_unique(), events=pl.len()))
    works = timed.filter(pl.col("weekday").is_in(spec.work.weekdays) & ~pl.col("day").is_in(spec.period.excluded_days))
    stays = _working_time(timed, spec).join(works.select("day").unique(), on="day", how="semi")
    days = stays.filter(pl.col("seconds") >= spec.work.min_dwell_hours * 3_600)
    by_cell = days.group_by("device", "cell").agg(days=pl.len(), events=pl.col("seconds").sum())
    homes = nights.filter(pl.col("days") >= spec.home.min_nights).select("device", home="cell")
    usual = night.group_by("device", "cell").agg(nights=pl.col("night").n_unique())
    near = (
        usual.join(nights.select("device", most="days"), on="device")
        .filter(pl.col("nights") >= spec.home.surroundings_share * pl.col("most"))
        .select("device", "cell")
    )
    away = by_cell.join(near, on=["device", "cell"], how="anti")
    least = spec.work.min_days_per_week / len(spec.work.weekdays) * pl.col("observed")
    observed = works.group_by("device").agg(observed=pl.col("day").n_unique())
    work = _most(away).join(observed, on="device").filter(pl.col("days") >= least).select("device", work="cell")
    return active.join(homes, on="device", how="left").join(work, on="device", how="left").sort("device")


def _working_time(timed: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Time that the events of a day stand for within its working hours: device, cell, day, seconds.

    An event stands for half of the gap to each neighbour, at most half of the longest time of day or night; what falls
    into another day than that of the event is left out.
    """
    is_night = (pl.col("hour") >= spec.home.from_hour) | (pl.col("hour") < spec.home.to_hour)
    longest = pl.when(is_night).then(spec.dwell.max_night_minutes * 60).otherwise(spec.dwell.max_day_minutes * 60)
    gap = pl.col("at_utc").diff().over("device").dt.total_seconds()
    local = pl.col("at_utc").dt.convert_time_zone(spec.period.time_zone)
    of_day = (local - local.dt.truncate("1d")).dt.total_seconds()
    events = timed.sort("device", "at_utc", "cell").with_columns(gap=gap, of_day=of_day, longest=longest)
    before, after = (
        pl.min_horizontal(one.fill_null(0), "longest") / 2
        for one in (pl.col("gap"), pl.col("gap").shift(-1).over("device"))
    )
    span = pl.min_horizontal(pl.col("of_day") + after, spec.work.to_hour * 3_600) - pl.max_horizontal(
        pl.col("of_day") - before, spec.work.from_hour * 3_600
    )
    stays = events.with_columns(seconds=span.clip(lower_bound=0))
    return stays.group_by("device", "cell", "day").agg(pl.col("seconds").sum())


def _most(counts: pl.DataFrame) -> pl.DataFrame:
    ordered = counts.sort("device", "days", "events", "cell", descending=[False, True, True, False])
    return ordered.unique("device", keep="first", maintain_order=True)


def count_flows(anchored: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Devices by home and work zone and segment, before suppression: origin, destination, segment, devices.

    `anchored`: home_zone, work_zone, tariff of the devices that count. Who has no other daytime place than home is not
    in the table. Every pair of zones has a row.
    """
    zones = pl.DataFrame({"origin": spec.zones.codes}).join(
        pl.DataFrame({"destination": spec.zones.codes}), how="cross"
    )
    pairs = zones.join(pl.DataFrame({"segment": ["all", "contract", "payg"]}), how="cross")
    workers = anchored.drop_nulls(["home_zone", "work_zone"]).select(
        origin="home_zone", destination="work_zone", segment="tariff"
    )
    whole = pl.concat([workers, workers.with_columns(segment=pl.lit("all"))])
    counts = whole.group_by("origin", "destination", "segment").agg(devices=pl.len())
    key = ["origin", "destination", "segment"]
    return pairs.join(counts, on=key, how="left").with_columns(pl.col("devices").fill_null(0)).sort(key)


def protect(counts: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Flows as delivered: counts suppressed and rounded as text, and rounded totals of rows and columns."""
    rule = spec.disclosure
    totals = pl.concat(
        [
            counts.group_by("origin", "segment").agg(pl.col("devices").sum()).with_columns(destination=pl.lit(TOTAL)),
            counts.group_by("destination", "segment").agg(pl.col("devices").sum()).with_columns(origin=pl.lit(TOTAL)),
        ],
        how="diagonal",
    ).select(counts.columns)
    hidden = pl.col("devices").is_between(1, rule.largest_hidden) if rule.threshold > 1 else pl.lit(value=False)
    text = pl.when(hidden).then(pl.lit(SUPPRESSED)).otherwise(_rounded(rule.rounding_base))
    return pl.concat(
        [counts.with_columns(devices=text), totals.with_columns(devices=_rounded(rule.rounding_base))]
    ).sort("segment", "origin", "destination")


def _rounded(base: int) -> pl.Expr:
    return ((pl.col("devices") / base + 0.5).floor() * base).cast(pl.Int64).cast(pl.String)


def flow_table(protected: pl.DataFrame, spec: Specification, provider: str) -> pl.DataFrame:
    """Table `od_flows` of the contract, all text."""
    period = spec.period
    return protected.select(
        provider=pl.lit(provider),
        spec_id=pl.lit(spec.spec_id),
        period_start=pl.lit(period.first_day.isoformat()),
        period_end=pl.lit(period.last_day.isoformat()),
        origin_code="origin",
        dest_code="destination",
        geography=pl.lit(spec.zones.vintage),
        segment="segment",
        day_type=pl.lit("all"),
        devices="devices",
        persons=pl.lit(""),
        method_version=pl.lit(spec.method_version),
    )


def margin_table(
    anchored: pl.DataFrame, events: pl.DataFrame, residents: pl.DataFrame, spec: Specification, provider: str
) -> pl.DataFrame:
    """Table `zone_margins`: devices resident in each zone, also by tariff and age, and active in it on each day.

    `events`: device, at_utc, zone. `residents`: zone, residents.
    """
    base = spec.disclosure.rounding_base
    resident = anchored.drop_nulls("home_zone").group_by(zone="home_zone").agg(devices=pl.len())
    zones = residents.join(resident, on="zone", how="left").with_columns(pl.col("devices").fill_null(0))
    share = pl.when(pl.col("residents") > 0).then(pl.col("devices") / pl.col("residents"))
    still = zones.select(
        "zone",
        segment=pl.lit("all"),
        active_on=pl.lit(""),
        devices=_rounded(base),
        penetration=share.round(4).cast(pl.String).fill_null(""),
    )
    rule = spec.disclosure
    hidden = pl.col("devices").is_between(1, rule.largest_hidden) if rule.threshold > 1 else pl.lit(value=False)
    groups = _by_tariff_and_age(anchored, zones["zone"]).with_columns(
        devices=pl.when(hidden).then(pl.lit(SUPPRESSED)).otherwise(_rounded(base))
    )
    day = pl.col("at_utc").dt.convert_time_zone(spec.period.time_zone).dt.date()
    active = (
        events.group_by("zone", active_on=day.cast(pl.String))
        .agg(devices=pl.col("device").n_unique())
        .select("zone", pl.lit("all").alias("segment"), "active_on", devices=_rounded(base), penetration=pl.lit(""))
    )
    return pl.concat([still, groups, active.sort("zone", "active_on")]).select(
        provider=pl.lit(provider),
        spec_id=pl.lit(spec.spec_id),
        zone="zone",
        segment="segment",
        active_on="active_on",
        devices="devices",
        penetration="penetration",
    )


def _by_tariff_and_age(anchored: pl.DataFrame, zones: pl.Series) -> pl.DataFrame:
    """Resident devices of each zone by tariff and by age of the holder, 0 where there is none."""
    age = pl.col("holder_age")
    name = pl.when(age < 35).then(pl.lit("age_18_34")).when(age < 55).then(pl.lit("age_35_54"))
    segment = pl.concat_str("tariff", name.otherwise(pl.lit("age_55_plus")), separator="+")
    counted = anchored.drop_nulls("home_zone").group_by(zone="home_zone", segment=segment).agg(devices=pl.len())
    every = pl.DataFrame({"zone": zones}).join(counted.select("segment").unique(), how="cross")
    return (
        every.join(counted, on=["zone", "segment"], how="left")
        .with_columns(pl.col("devices").fill_null(0))
        .sort("zone", "segment")
        .select("zone", "segment", pl.lit("").alias("active_on"), "devices", pl.lit("").alias("penetration"))
    )
