"""Rates of change over a month, a quarter, a year or a number of periods, and the contributions to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.aggregation.contributions import contributions
from ons_bigdata.prices.methods.aggregation.linking import checked_series, period_series
from ons_bigdata.prices.methods.panels.input_checks import whole_number
from ons_bigdata.prices.methods.panels.period_calendar import Calendar, given_calendar, read_calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

SPANS = ("month", "quarter", "year")
SPAN_ALIASES = {
    "monthly": "month",
    "mom": "month",
    "quarterly": "quarter",
    "annual": "year",
    "yearly": "year",
    "yoy": "year",
    "annually": "year",
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_YEAR_DAYS = 364
"""A year of weeks is 52 weeks."""


def rates(
    table: pl.DataFrame | pl.LazyFrame,
    over: str | int = "year",
    *,
    node: str | None = "node",
    column: str = "index",
    calendar: Sequence[Any] | pl.Series | None = None,
) -> pl.DataFrame:
    """Compute rates of change in per cent: 100·(I_t/I_s − 1), s = t less a month, a quarter, a year or `over` periods.

    `table`: period, `column` (> 0), and `node` where there are several series (None: a single series). `over`: "month",
    "quarter", "year", or a number of periods of the calendar. The step of the calendar is read from the periods as in
    `period_calendar`: a year is 12 months, 4 quarters or 52 weeks; a period that is absent is a gap. `calendar`: all
    periods in order, where the caller knows them; `over` is then a number.

    Returns node (if there is one), period, against (the period s), rate_percent, reason (null unless the rate is):
    one row per node and period that has an s, sorted.

    Raises ValueError on a span that is no whole number of the calendar's steps, and as `rebased` on the table.
    Source: ONS, Consumer Prices Indices Technical Manual (2019) (1-month and 12-month rates).
    """
    series = checked_series(
        table, node, column, "table", calendar=calendar, taken=("against", "rate_percent", "reason")
    )
    keys = [node] if node is not None else []
    pairs = _pairs(series, over, calendar)
    now = series.select(*keys, "period", pl.col(column).cast(pl.Float64).alias("__now"))
    then = series.select(*keys, against="period", __then=pl.col(column).cast(pl.Float64))
    rows = now.join(pairs, on="period").join(then, on=[*keys, "against"], how="left", nulls_equal=True)
    rate = 100 * (pl.col("__now") / pl.col("__then") - 1)
    reason = (
        pl.when(pl.col("__now").is_null())
        .then(pl.format("no index in {}", pl.col("period")))
        .when(pl.col("__then").is_null())
        .then(pl.format("no index in {}", pl.col("against")))
    )
    return rows.sort(*keys, "_place").select(*keys, "period", "against", rate_percent=rate, reason=reason)


def rate_contributions(
    aggregated: pl.DataFrame | pl.LazyFrame,
    of: str | int,
    over: str | int = "year",
    *,
    calendar: Sequence[Any] | pl.Series | None = None,
) -> pl.DataFrame:
    """Split the rate of change of a node into percentage points of the nodes below it, across links.

    With c_i(t) the contribution to date of node i (`contributions`) and P the index of `of`: the contribution to the
    rate from s to t is 100·(c_i(t) − c_i(s))/P_s. The children of one parent add up to the parent's, those of `of` to
    its rate, exactly. `aggregated`, `of`: as `contributions`; `over`, `calendar`: as `rates`.

    Returns one row per period that has an s and per node below `of`: period, against, node, parent,
    contribution_points (percentage points), rate_percent (of `of`), sorted. Raises ValueError as both.
    Source: ONS, Consumer Prices Indices Technical Manual (2019), contributions to the 1-month and the 12-month rate;
    Balk (2008), Price and Quantity Index Numbers, chapter 4.
    """
    table = eager_frame(aggregated, "aggregated")
    to_date = contributions(table, of)
    whole = table.filter(pl.col("node").cast(pl.String) == str(of)).select("period", level="index")
    pairs = _pairs(whole, over, calendar)
    if not pairs["period"].is_sorted():
        message = (
            "calendar: contributions follow the order of the periods; expected periods in it, or a pl.Enum of them"
        )
        raise ValueError(message)
    levels = pairs.join(whole, on="period").join(
        whole.select(against="period", level_before="level"), on="against"
    )  # fmt: skip
    before = to_date.select("node", "parent", against="period", before="contribution_to_date")
    rows = to_date.join(levels, on="period").join(before, on=["node", "parent", "against"], how="left")
    change = pl.col("contribution_to_date") - pl.col("before").fill_null(0.0)
    return rows.select(
        "period",
        "against",
        "node",
        "parent",
        contribution_points=100 * change / pl.col("level_before"),
        rate_percent=100 * (pl.col("level") / pl.col("level_before") - 1),
    ).sort("period", "node", "parent")


def _pairs(series: pl.DataFrame, over: str | int, calendar: Sequence[Any] | pl.Series | None) -> pl.DataFrame:
    """Period and the period that `over` leads back to, for all periods of the calendar that have one, in order.

    Columns: period, against, _place.
    """
    dtype = series.schema["period"]
    observed = series["period"].unique().sort().to_list()
    if calendar is not None:
        steps = Calendar(given_calendar(observed, calendar, dtype=dtype, name="table"), "number", 1)
    elif len(observed) == 0:
        refuse_unknown_span(over)
        if isinstance(over, str):
            message = f"table: no rows, so that the step of its periods, and the periods of a {over}, are not known"
            raise ValueError(message)
        steps = Calendar([], "number", 1)
    else:
        steps = read_calendar(observed, dtype=dtype)
    lag = _lag(steps, over)
    periods = period_series("calendar", steps.periods, dtype)
    pairs = pl.DataFrame({"period": periods[lag:], "against": periods[: max(len(periods) - lag, 0)]})
    return pairs.with_row_index("_place")


def refuse_unknown_span(over: object) -> None:
    """Raise ValueError if a span is neither one of `SPANS` nor a number of periods."""
    if isinstance(over, str):
        refuse_unknown("over", over, SPANS, aliases=SPAN_ALIASES)
    else:
        whole_number("over", over, least=1, otherwise=f", or one of {', '.join(SPANS)}")


def _lag(calendar: Calendar, over: str | int) -> int:
    """Count the steps of the calendar in a span."""
    refuse_unknown_span(over)
    if not isinstance(over, str):
        return int(over)
    length, step = _MONTHS[over], calendar.step
    if calendar.unit == "day" and over == "year" and step % 7 == 0:
        length = _YEAR_DAYS
    elif calendar.unit != "month":
        length = 0
    if length == 0 or length % step:
        unit = "whole numbers" if calendar.unit == "number" else f"{step} {calendar.unit}s apart"
        message = f"over: a {over} is no whole number of periods, which are {unit}; give a number of periods"
        raise ValueError(message)
    return length // step
