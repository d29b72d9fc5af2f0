"""The figures of the pilot, drawn of simulated meters: daily consumption, a low week, and a quarter of all meters.

Each is about simulated homes alone, and its title says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WIDTH, HEIGHT = 620, 260
LOW_QUARTER_KWH = 180
"""Below it in four quarters one after another, the Irish statistics office takes a dwelling for vacant."""
WEEK = 7
SIX_O_CLOCK = 12
"""Half hour of 06:00."""

SPIKE = " (spike)"
"""End of the name of the day with a spike."""

_LOW_SHARE = 0.6
_MISSING_SLOTS = 4
_COVERAGE = 0.8


def choose_year_round(days: pl.DataFrame) -> object | None:
    """Meter for the figure of the whole period; None where none fits.

    `days` has the columns meter, day, kwh and readings; several meters. Of those with readings on nine days in ten that
    use 1.2 to 2.5 times as much in winter as in summer, vary little from day to day and have a low week: the meter with
    the highest Christmas Day against the other days of December.
    """
    is_winter = pl.col("day").dt.month().is_in([12, 1, 2])
    is_summer = pl.col("day").dt.month().is_in([6, 7, 8])
    is_december = pl.col("day").dt.month() == 12
    seasons = days.group_by("meter").agg(
        (pl.col("readings") >= 48 - _MISSING_SLOTS).mean().alias("complete"),
        (pl.col("kwh").filter(is_winter).mean() / pl.col("kwh").filter(is_summer).mean()).alias("ratio"),
        (pl.col("kwh").std() / pl.col("kwh").mean()).alias("variation"),
        (
            pl.col("kwh").filter(is_december & (pl.col("day").dt.day() == 25)).mean()
            / pl.col("kwh").filter(is_december).median()
        ).alias("christmas"),
    )
    usual = seasons.filter(
        (pl.col("complete") >= 0.9) & pl.col("ratio").is_between(1.2, 2.5) & (pl.col("variation") < 0.5)
    )
    with_holidays = usual.join(low_weeks(days), on="meter", how="semi")
    best = with_holidays.sort("christmas", "meter", descending=[True, False], nulls_last=True)
    return None if best.is_empty() else best["meter"][0]


def low_weeks(days: pl.DataFrame) -> pl.DataFrame:
    """Weeks in which each day is below 0.6 of the meter's median: meter, first_day, sorted by their share of it.

    `days` has the columns meter, day, kwh and readings, sorted by meter and day.
    """
    return (
        days.with_columns((pl.col("kwh") / pl.col("kwh").median().over("meter")).alias("share"))
        .with_columns(
            pl.col("share").rolling_max(WEEK).over("meter").alias("highest"),
            pl.col("share").rolling_mean(WEEK).over("meter").alias("mean"),
            pl.col("readings").rolling_min(WEEK).over("meter").alias("fewest"),
            (pl.col("day") - pl.duration(days=WEEK - 1)).alias("first_day"),
            pl.col("day").shift(WEEK - 1).over("meter").alias("first_row"),
        )
        .filter(
            (pl.col("highest") < _LOW_SHARE)
            & (pl.col("fewest") >= 48 - _MISSING_SLOTS)
            & (pl.col("first_row") == pl.col("first_day"))
        )
        .sort("mean", "meter", "first_day")
        .select("meter", "first_day")
    )


def choose_low_week(days: pl.DataFrame, weeks: pl.DataFrame) -> tuple[object, date] | None:
    """Week of `weeks` with a single spike nearest to 06:00, of these the one that stands out most; None where none has.

    `days` are the meter-days with kwh_halfhours of the meters of `weeks`. A spike is a half hour that begins from 05:00
    to 07:30, is above 0.1 kWh and four times the median of the week, and twice as high as any other. Weeks in which the
    clocks change are left out: one of their days has no 48 half hours.
    """
    cells = (
        weeks.join(days.select("meter", "day", "kwh_halfhours"), on="meter")
        .filter(pl.col("day").is_between(pl.col("first_day"), pl.col("first_day") + pl.duration(days=WEEK - 1)))
        .with_columns(pl.int_ranges(0, pl.col("kwh_halfhours").list.len()).alias("slot"))
        .explode("kwh_halfhours", "slot")
    )
    kwh = pl.col("kwh_halfhours")
    spikes = (
        cells.group_by("meter", "first_day")
        .agg(
            pl.col("slot").sort_by(kwh, descending=True, nulls_last=True).first(),
            kwh.max().alias("height"),
            (pl.len() == WEEK * 48).alias("is_whole"),
            kwh.median().alias("median"),
            kwh.drop_nulls().top_k(2).min().alias("second"),
        )
        .filter(
            pl.col("is_whole")
            & (pl.col("slot") - SIX_O_CLOCK).is_between(-2, 3)
            & (pl.col("height") > 4 * pl.col("median") + 0.1)
            & (pl.col("height") >= 2 * pl.col("second"))
        )
        .with_columns(
            (pl.col("height") / pl.col("second")).alias("ratio"),
            (pl.col("slot").cast(pl.Int64) - SIX_O_CLOCK).abs().alias("apart"),
        )
        .sort("apart", "ratio", "meter", "first_day", descending=[False, True, False, False])
    )
    return None if spikes.is_empty() else (spikes["meter"][0], spikes["first_day"][0])


def quarter_consumption(days: pl.DataFrame) -> pl.DataFrame:
    """Consumption of each meter in the last quarter that is whole: meter, quarter, kwh (per 90 days).

    `days` has the columns meter, day, kwh and readings. Quarters of a meter with readings on less than 80 % of the days
    are left out; the others are brought to 90 days.
    """
    quarters = (
        days.with_columns(pl.col("day").dt.truncate("1q").alias("quarter"))
        .group_by("meter", "quarter")
        .agg(pl.col("kwh").sum(), (pl.col("readings") >= 48 - _MISSING_SLOTS).sum().alias("days"))
        .filter(pl.col("days") >= _COVERAGE * 90)
    )
    last = quarters["quarter"].max()
    return (
        quarters.filter(pl.col("quarter") == last)
        .select("meter", "quarter", pl.col("kwh") * 90 / pl.col("days"))
        .sort("meter")
    )


def draw_year_round(days: pl.DataFrame, *, title: str) -> str:
    """SVG of the daily consumption of one meter: columns day and kwh; days without reading are gaps."""
    import altair as alt  # noqa: PLC0415  (half a second)

    rows = days.sort("day").select(pl.col("day").dt.to_string("%Y-%m-%d"), "kwh").to_dicts()
    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=1)
        .encode(
            x=alt.X("day:T", title=None).axis(format="%b %Y", labelOverlap=True, tickCount=8),
            y=alt.Y("kwh:Q", title="kWh a day"),
        )
    )
    return draw_svg(chart, rows, title)


def draw_low_week(days: pl.DataFrame, first_day: date, *, title: str) -> str:
    """SVG of the half hours of the seven days from `first_day` on, with the mean profile of all days of the meter.

    The day with the highest half hour is black and named as that of the spike.

    `days` are the meter-days of one meter: day and kwh_halfhours.
    """
    import altair as alt  # noqa: PLC0415

    whole = days.filter(pl.col("kwh_halfhours").list.len() == 48).select("day", "kwh_halfhours")
    cells = whole.with_columns(slot=pl.int_ranges(0, 48))
    cells = cells.explode("kwh_halfhours", "slot").rename({"kwh_halfhours": "kwh"})
    in_week = pl.col("day").is_between(first_day, first_day + pl.duration(days=WEEK - 1))
    mean = cells.group_by("slot").agg(pl.col("kwh").mean()).sort("slot").with_columns(series=pl.lit("mean of all days"))
    week = cells.filter(in_week).sort("day", "slot")
    is_spiked = pl.col("day") == pl.col("day").sort_by("kwh", nulls_last=False).last()
    label = pl.col("day").dt.to_string("%a %-d %b")
    week = week.select("slot", "kwh", pl.when(is_spiked).then(label + pl.lit(SPIKE)).otherwise(label).alias("series"))
    names = [*week["series"].unique(maintain_order=True), "mean of all days"]
    rows = pl.concat([week, mean.select("slot", "kwh", "series").cast({"kwh": week.schema["kwh"]})])
    rows = rows.with_columns(pl.col("slot") / 2)
    shades = ["#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#7b9fb8", "#456b85"]
    colours = ["#000000" if name.endswith(SPIKE) else shade for name, shade in zip(names, shades, strict=False)]
    colours = [*colours[: len(names) - 1], "#a3360f"]
    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("slot:Q", title="hour of the day", scale=alt.Scale(domain=[0, 24])).axis(
                values=list(range(0, 25, 3))
            ),
            y=alt.Y("kwh:Q", title="kWh in half an hour"),
            color=alt.Color("series:N", title=None, scale=alt.Scale(domain=names, range=colours)),
            strokeWidth=alt.condition("datum.series == 'mean of all days'", alt.value(2.5), alt.value(1)),
        )
    )
    return draw_svg(chart, rows.to_dicts(), title)


def draw_quarter(quarter: pl.DataFrame, *, title: str) -> str:
    """SVG of the number of meters by their consumption in a quarter (column kwh), with the line of 180 kWh."""
    import altair as alt  # noqa: PLC0415

    step = 60
    most = 3000
    counts = (
        quarter.select((pl.col("kwh").clip(0, most - 1) // step * step).alias("low"))
        .group_by("low")
        .agg(pl.len().alias("meters"))
        .sort("low")
        .with_columns((pl.col("low") + step).alias("high"))
    )
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(color="#1d4f7c")
        .encode(
            x=alt.X("low:Q", title=f"kWh in 90 days ({most} and more in the last bar)", bin="binned"),
            x2="high:Q",
            y=alt.Y("meters:Q", title="meters"),
        )
    )
    line = (
        alt.Chart(alt.NamedData("rows")).mark_rule(color="#a3360f", strokeWidth=2).encode(x=alt.datum(LOW_QUARTER_KWH))
    )
    return draw_svg(alt.layer(bars, line), counts.to_dicts(), title)


def draw_svg(chart: Any, rows: Sequence[dict[str, Any]], title: str) -> str:  # noqa: ANN401  (altair is imported late)
    """SVG of a chart of the data set `rows`, in the size and style of all figures."""
    import vl_convert  # noqa: PLC0415

    drawn = chart.properties(width=WIDTH, height=HEIGHT, title=title).configure(aria=False, background="white")
    spec = drawn.to_dict()
    spec["datasets"] = {"rows": list(rows)}
    return vl_convert.vegalite_to_svg(spec)
