"""Elementary price indices of one retailer and item: the chained and the fixed-base Jevons.

Daily accepted quotes in, one index row per retailer, item and day out. What may enter is decided
before (`int_prices__quotes_accepted`); how retailers become items is in `aggregation`.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import checked_columns, not_positive, refuse_rows
from ons_bigdata.prices.schemas import AcceptedQuote, ElementaryIndex

Week = tuple[date, date]
"""The first and the last day of a base week, both included."""

NO_BASE_WEEK = "no base week: no calendar week has accepted quotes on each of its days"

_STRATUM = ["data_origin", "retailer", "item_number"]
_PRODUCT = [*_STRATUM, "product"]


def week_text(week: Week) -> str:
    """Write a week as `2016-07-25..2016-07-31`. Raises ValueError where it ends before it begins."""
    first, last = week
    if last < first:
        message = f"base week: last day {last} is before first day {first}"
        raise ValueError(message)
    return f"{first}..{last}"


def first_complete_week(days: pl.Series) -> Week | None:
    """Find the first Monday to Sunday all of whose days occur in `days` (dates, any order, repeats allowed).

    None where there is no such week. Raises ValueError if `days` holds no dates or a null.
    """
    if days.dtype != pl.Date or days.null_count() > 0:
        message = f"days: found {days.dtype} with {days.null_count()} nulls, expected Date without nulls"
        raise ValueError(message)
    present = set(days.unique().to_list())
    mondays = sorted(day for day in present if day.weekday() == 0)
    complete = (day for day in mondays if all(day + timedelta(days=n) in present for n in range(7)))
    monday = next(complete, None)
    return None if monday is None else (monday, monday + timedelta(days=6))


def chained_jevons(quotes: pl.DataFrame, *, link_window_days: int, base_week: Week | None) -> pl.DataFrame:
    """Chain daily Jevons movements of matched products, per data origin, retailer and item.

    Takes `AcceptedQuote` rows (prices in GBP) in any order, at most one per product and day. Gives
    `ElementaryIndex` rows of method `jevons_chained`, one per stratum and day with quotes:
    I_t = I_s · exp(mean ln(p_t/p_last)) over the products whose own last accepted price is at most
    `link_window_days` days old; s is the stratum's last day with quotes. Where no product links, a new
    `segment` begins. `level` is 1 on the first day of a segment. `index` is 100 · level / geometric mean
    of the segment's levels over the base week, null with a reason where it has no day in it.
    `products` counts the linked products, on the first day of a segment the priced ones. A product's return
    counts its whole change since it left, which exaggerates trends where quotes are missing: see
    `docs/prices/jevons.md`, known biases.

    One base week serves all rows: call once per data origin. An empty frame gives an empty frame.
    Raises ValueError on duplicates and on prices that are not positive and finite; names the quote.
    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9.
    """
    if link_window_days < 1:
        message = f"link_window_days: found {link_window_days}, expected at least 1"
        raise ValueError(message)
    series, price, on = pl.col("series"), pl.col("price_gbp"), pl.col("collected_on")
    fresh = (series == series.shift(1)) & (on - on.shift(1) <= timedelta(days=link_window_days))
    relative = pl.when(fresh).then((price / price.shift(1)).log())
    days = _by_day(_checked_quotes(quotes).with_columns(relative=relative))
    starts = pl.col("matched") == 0
    levels = days.with_columns(segment=starts.cum_sum().over(_STRATUM).cast(pl.Int32) - 1).with_columns(
        # A sum of logarithms loses less over the years than a product of ratios.
        log_level=pl.col("movement").fill_null(0.0).cum_sum().over([*_STRATUM, "segment"]),
        products=pl.when(starts).then("priced").otherwise("matched"),
        note=pl.when(starts & (pl.col("segment") > 0)).then(
            pl.lit(f"no product priced within {link_window_days} days before; chain restarted")
        ),
    )
    return _indexed(levels, "jevons_chained", base_week)


def fixed_base_jevons(quotes: pl.DataFrame, *, base_week: Week | None) -> pl.DataFrame:
    """Compare each day's prices directly with the same products' prices of the base week.

    Takes `AcceptedQuote` rows and gives `ElementaryIndex` rows of method `jevons_fixed_base`, one per
    stratum and day with quotes: level = exp(mean ln(p_t/p_0)), p_0 the geometric mean of the product's
    accepted prices (GBP) over the base week; `index` is 100 · level / geometric mean of the levels over
    the base week; `products` counts the products matched with the base week; `segment` is 0. `level` and
    `index` are null with a reason on a day without such a product.

    One base week serves all rows: call once per data origin. Empty input and errors as in `chained_jevons`.
    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9.
    """
    checked = _checked_quotes(quotes)
    in_week = _in_week(base_week, "collected_on")
    base_log = pl.col("price_gbp").log().filter(in_week).mean().over("series")
    days = _by_day(checked.with_columns(relative=pl.col("price_gbp").log() - base_log))
    unmatched = "" if base_week is None else f"no product of the base week {week_text(base_week)} has a price"
    levels = days.with_columns(
        segment=pl.lit(0, pl.Int32),
        log_level=pl.col("movement"),
        products=pl.col("matched"),
        # Without any base day the reason for the index says it all.
        note=pl.when((pl.col("matched") == 0) & (pl.col("matched").max().over(_STRATUM) > 0)).then(pl.lit(unmatched)),
    )
    return _indexed(levels, "jevons_fixed_base", base_week)


def _checked_quotes(quotes: pl.DataFrame) -> pl.DataFrame:
    """Sort the quotes by stratum, product and day and number the products as `series`; raise on bad quotes."""
    keys = [*_PRODUCT, "collected_on"]
    checked = checked_columns(quotes, AcceptedQuote.create_empty().schema, "quotes").sort(keys)
    follows = pl.all_horizontal(pl.col(key) == pl.col(key).shift(1) for key in reversed(_PRODUCT))
    repeats = follows & (pl.col("collected_on") == pl.col("collected_on").shift(1))
    faults = {
        "a null in the key": pl.any_horizontal(pl.col(keys).is_null()),
        "a price that is not positive and finite": not_positive("price_gbp"),
        "a product that has an earlier row of the day": repeats,
    }
    refuse_rows("quotes", checked, faults)
    return checked.with_columns(series=(~follows.fill_null(value=False)).cum_sum())


def _by_day(quotes: pl.DataFrame) -> pl.DataFrame:
    """Give the products priced and matched and the mean log relative per stratum and day, sorted."""
    keys = [*_STRATUM, "collected_on"]
    counts_and_mean = quotes.group_by(keys).agg(
        priced=pl.len(), matched=pl.col("relative").count(), movement=pl.col("relative").mean()
    )
    return counts_and_mean.sort(keys).rename({"collected_on": "period"})


def _in_week(week: Week | None, column: str) -> pl.Expr:
    return pl.lit(value=False) if week is None else pl.col(column).is_between(*week)


def _indexed(levels: pl.DataFrame, method: str, base_week: Week | None) -> pl.DataFrame:
    """Shape log levels into `ElementaryIndex` rows: 100 = the segment's geometric mean over the base week."""
    base_log = pl.col("log_level").filter(_in_week(base_week, "period")).mean().over([*_STRATUM, "segment"])
    no_base = NO_BASE_WEEK if base_week is None else f"no accepted day in the base week {week_text(base_week)}"
    rows = levels.with_columns(base_log=base_log).with_columns(
        method=pl.lit(method),
        level=pl.col("log_level").exp(),
        index=100.0 * (pl.col("log_level") - pl.col("base_log")).exp(),
        no_base=pl.when(pl.col("base_log").is_null()).then(pl.lit(no_base)),
    )
    reason = pl.concat_str("note", "no_base", separator="; ", ignore_nulls=True)
    rows = rows.with_columns(reason=pl.when(reason != "").then(reason))
    return ElementaryIndex.validate(rows.select(ElementaryIndex.column_names()), cast=True)
