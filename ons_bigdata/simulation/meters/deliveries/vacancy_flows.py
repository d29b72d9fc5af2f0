"""True stock and flow of vacant homes by quarter and area."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl


def quarters_of(first_day: date, days: int) -> list[tuple[date, date]]:
    """First day of each quarter that the range touches, and of the next; cut to the range."""
    end = first_day + timedelta(days=days)
    begins = [first_day]
    while True:
        last = begins[-1]
        month = (last.month - 1) // 3 * 3 + 4
        following = date(last.year + month // 13, month - 12 * (month // 13), 1)
        if following >= end:
            break
        begins.append(following)
    return list(zip(begins, [*begins[1:], end], strict=True))


def vacancy_flows(homes: pl.DataFrame, *, first_day: date, days: int) -> pl.DataFrame:
    """Vacant homes by area and quarter: stock at both ends, and what became vacant and was occupied again between.

    `homes`: meter, area, vacant_from, vacant_until (first day on which it is occupied again). Returns area, quarter
    (first day of the calendar quarter), first_date, end_date (half-open; cut to the range), homes, stock_before,
    became_vacant, occupied_again, stock_after: stock_before + became_vacant − occupied_again = stock_after. Stocks are
    those of the days before first_date and before end_date.
    """
    begin, end_of = pl.col("vacant_from"), pl.col("vacant_until")
    parts = [
        homes.group_by("area")
        .agg(
            homes=pl.len(),
            stock_before=_is_vacant_before(first).sum(),
            became_vacant=begin.is_between(first, end, closed="left").fill_null(value=False).sum(),
            occupied_again=end_of.is_between(first, end, closed="left").fill_null(value=False).sum(),
            stock_after=_is_vacant_before(end).sum(),
        )
        .with_columns(
            quarter=pl.lit(date(first.year, (first.month - 1) // 3 * 3 + 1, 1)),
            first_date=pl.lit(first),
            end_date=pl.lit(end),
        )
        for first, end in quarters_of(first_day, days)
    ]
    flows = ["homes", "stock_before", "became_vacant", "occupied_again", "stock_after"]
    return pl.concat(parts).select("area", "quarter", "first_date", "end_date", *flows).sort("area", "quarter")


def _is_vacant_before(day: date) -> pl.Expr:
    """True if a home is vacant on the day before a date."""
    lasts = pl.col("vacant_until").is_null() | (pl.col("vacant_until") >= day)
    return ((pl.col("vacant_from") < day) & lasts).fill_null(value=False)
