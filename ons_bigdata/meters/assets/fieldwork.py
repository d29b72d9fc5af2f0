"""Calendar of contact for fieldwork: by area, weekday and period of the day, never by dwelling."""

from __future__ import annotations

import polars as pl

from ons_bigdata.meters.assets.aggregates import read_rules
from ons_bigdata.meters.assets.homes import HOMES
from ons_bigdata.meters.assets.quality import CONTACT_DAYS, METERS
from ons_bigdata.meters.methods.fieldwork.calendar import calendar_of_days
from ons_bigdata.meters.schemas.fieldwork import ContactCalendar
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset

CALENDAR = "analysis.contact_calendar_controlled"
RECIPE = "above_night_base"


@table_asset(
    table=CALENDAR,
    inputs={"days": CONTACT_DAYS, "meters": METERS, "homes": HOMES, "rules": "seeds.meter_publication_rules"},
    frame=ContactCalendar,
    description="One row per area, weekday and period: chance of somebody at home, of ten homes at least.",
)
def contact_calendar_controlled(inputs: Inputs, _run: AssetRun) -> Output:
    """Chance by area of ten homes at least; small businesses are left out, and so are fewer homes altogether."""
    rules = read_rules(inputs)
    attributes = inputs.read("homes", ["meter_key", "customer", "area"])
    meters = inputs.read("meters", ["meter_key", "data_origin", "format"])
    days = inputs.read("days").rename({"meter_key": "meter"})
    homes = meters.join(attributes, on="meter_key", how="left").rename({"meter_key": "meter"})
    homes = homes.filter(pl.col("customer").is_null() | (pl.col("customer") == "residential")).sort("meter")
    homes = homes.join(days, on="meter", how="semi").with_columns(pl.col("area").fill_null("unknown"))
    parts: list[pl.DataFrame] = [ContactCalendar.create_empty()]
    for (origin, form), of_format in homes.partition_by("data_origin", "format", as_dict=True).items():
        if of_format.height < rules["threshold"]:
            continue
        calendar = controlled_calendar(
            days.join(of_format, on="meter", how="semi"),
            of_format,
            threshold=int(rules["threshold"]),
            base=int(rules["rounding_base"]),
        )
        calendar = calendar.with_columns(data_origin=pl.lit(origin), format=pl.lit(form))
        parts.append(calendar.select(ContactCalendar.column_names()))
    table = pl.concat(parts)
    return Output(table, {"areas": table["area"].n_unique()})


def controlled_calendar(days: pl.DataFrame, homes: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Calendar of areas of `threshold` homes and more, the number of homes rounded.

    Rows of all areas are left out where a single area is hidden, whose chances could be computed from them.
    """
    calendar = calendar_of_days(days, homes, least_meters=threshold)
    hidden = homes["area"].n_unique() - calendar["area"].drop_nulls().n_unique()
    if hidden == 1:
        calendar = calendar.filter(pl.col("area").is_not_null())
    meters = pl.col("meters").cast(pl.Int64)
    return calendar.with_columns(
        pl.col("area").fill_null("all"),
        (meters * 2 + base) // (2 * base) * base,
        pl.col("chance").round(2),
        no_interval_reason=pl.lit("lower_bound"),
        recipe=pl.lit(RECIPE),
    )


ASSETS = [contact_calendar_controlled]
