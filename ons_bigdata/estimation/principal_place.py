"""Features of a place beside the user's principal place, that of most main nights: visits in turn, runs, gaps."""

from __future__ import annotations

import polars as pl

_PLACE = ["user", "place"]

UNKNOWN_GAP_DAYS = 60.0
"""Days between two days at a place that was visited on one day only."""

IS_PRINCIPAL = "is_principal"
_REGULARITY = (
    *("principal_same_day", "principal_within_a_day", "principal_beside_night", "principal_around_night"),
    *("days_per_run", "nights_per_run", "days_of_span", "median_gap_days", "long_gap_days"),
    *("record_share_before", "record_share_after"),
)
PRINCIPAL_FEATURES = (IS_PRINCIPAL, *_REGULARITY, *(f"{name}_elsewhere" for name in _REGULARITY))
"""1 for the principal place and 0 for another, eleven measures, and each again times "is not the principal place"."""


def principal_place_features(days: pl.DataFrame, nights: pl.DataFrame) -> pl.DataFrame:
    """Features `PRINCIPAL_FEATURES` of each place, one row per user and place, as a linear model takes them.

    `days`: user, place, day (whole number), one row for each day with time at the place. `nights`: user, place, night
    (day number of its beginning), hours, one row for each night with time there. A **main night** of a place is one of
    which it has most hours; the **principal place** is that of most main nights, of equals the smaller one.

    * `is_principal`: 1 for the principal place, 0 for another;
    * `principal_same_day`, `principal_within_a_day`: log odds of the share of its days on which the principal place
      was visited too, and of those with a visit there on the day or one beside it;
    * `principal_beside_night`, `principal_around_night`: log odds of the share of its main nights with a visit to the
      principal place on the date on which the night begins or ends, and on both;
    * `days_per_run`, `nights_per_run`: logarithm of the mean length of runs of consecutive days, and of main nights;
    * `days_of_span`: log odds of the share of the days from its first to its last on which it was visited;
    * `median_gap_days`, `long_gap_days`: log(1 + days) of the median and ninth decile of the steps between its days;
    * `record_share_before`, `record_share_after`: shares (0 to 1) of the user's days, from the first to the last, that
      lie before the first and after the last day at the place;
    * the same with `_elsewhere`: zero for the principal place.

    Log odds of k among n are log((k + ½) / (n − k + ½)). A user without nights has no principal place.
    """
    main = _main_nights(nights)
    principal = (
        main.group_by(_PLACE)
        .len()
        .sort("user", "len", "place", descending=[False, True, False])
        .unique("user", keep="first", maintain_order=True)
        .select(*_PLACE)
    )
    visits = days.join(principal, on=_PLACE, how="semi").select("user", "day")
    table = (
        _day_counts(days, visits)
        .join(_night_counts(main, visits), on=_PLACE, how="left")
        .join(principal.with_columns(pl.lit(1.0).alias(IS_PRINCIPAL)), on=_PLACE, how="left")
        .with_columns(pl.col(IS_PRINCIPAL, "main_nights", "beside", "around", "night_runs").fill_null(0))
    )
    return (
        table.select(*_PLACE, IS_PRINCIPAL, *_measures())
        .with_columns((pl.col(name) * (1 - pl.col(IS_PRINCIPAL))).alias(f"{name}_elsewhere") for name in _REGULARITY)
        .select(*_PLACE, *PRINCIPAL_FEATURES)
    )


def _main_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """The place of most hours of each user and night; hours are compared by the second, as sums of parts of hours."""
    return (
        nights.select(*_PLACE, "night", seconds=(pl.col("hours") * 3_600).round())
        .sort("user", "night", "seconds", "place", descending=[False, False, True, False])
        .unique(["user", "night"], keep="first", maintain_order=True)
        .select(*_PLACE, "night")
    )


def _with_visit(rows: pl.DataFrame, visits: pl.DataFrame, day: str, shift: int, name: str) -> pl.DataFrame:
    """Rows with a column that is true where there is a visit so many days (`shift`) after their day."""
    shifted = visits.select("user", (pl.col("day") - shift).alias(day), pl.lit(value=True).alias(name))
    return rows.join(shifted, on=["user", day], how="left").with_columns(pl.col(name).fill_null(value=False))


def _day_counts(days: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Days of each place: how many, with visits to the principal place, in how many runs, with which gaps."""
    marked = days.select(*_PLACE, "day")
    for shift, name in ((-1, "day_before"), (0, "same_day"), (1, "day_after")):
        marked = _with_visit(marked, visits, "day", shift, name)
    marked = marked.sort(*_PLACE, "day").with_columns(gap=pl.col("day").diff().over(_PLACE))
    record = days.group_by("user").agg(first=pl.col("day").min(), last=pl.col("day").max())
    return (
        marked.group_by(_PLACE)
        .agg(
            days=pl.len(),
            same_day=pl.col("same_day").sum(),
            within_a_day=pl.any_horizontal("day_before", "same_day", "day_after").sum(),
            day_runs=1 + (pl.col("gap") != 1).sum(),
            median_gap=pl.col("gap").median(),
            long_gap=pl.col("gap").quantile(0.9),
            from_day=pl.col("day").min(),
            to_day=pl.col("day").max(),
        )
        .join(record, on="user", how="left")
    )


def _night_counts(main: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Main nights of each place: how many, with visits to the principal place around them, in how many runs."""
    marked = _with_visit(main, visits, "night", 0, "date_begins")
    marked = _with_visit(marked, visits, "night", 1, "date_ends")
    marked = marked.sort(*_PLACE, "night").with_columns(gap=pl.col("night").diff().over(_PLACE))
    return marked.group_by(_PLACE).agg(
        main_nights=pl.len(),
        beside=(pl.col("date_begins") | pl.col("date_ends")).sum(),
        around=(pl.col("date_begins") & pl.col("date_ends")).sum(),
        night_runs=1 + (pl.col("gap") != 1).sum(),
    )


def _measures() -> list[pl.Expr]:
    """The measures `_REGULARITY` from the counts of a place."""

    def log_odds(part: str, whole: str | pl.Expr) -> pl.Expr:
        rest = (pl.col(whole) if isinstance(whole, str) else whole) - pl.col(part)
        return ((pl.col(part) + 0.5) / (rest + 0.5)).log()

    span = pl.col("to_day") - pl.col("from_day") + 1
    record = pl.col("last") - pl.col("first") + 1
    values = {
        "principal_same_day": log_odds("same_day", "days"),
        "principal_within_a_day": log_odds("within_a_day", "days"),
        "principal_beside_night": log_odds("beside", "main_nights"),
        "principal_around_night": log_odds("around", "main_nights"),
        "days_per_run": (pl.col("days") / pl.col("day_runs")).log(),
        "nights_per_run": ((pl.col("main_nights") + 0.5) / (pl.col("night_runs") + 0.5)).log(),
        "days_of_span": log_odds("days", span),
        "median_gap_days": pl.col("median_gap").fill_null(UNKNOWN_GAP_DAYS).log1p(),
        "long_gap_days": pl.col("long_gap").fill_null(UNKNOWN_GAP_DAYS).log1p(),
        "record_share_before": (pl.col("from_day") - pl.col("first")) / record,
        "record_share_after": (pl.col("last") - pl.col("to_day")) / record,
    }
    return [values[name].alias(name) for name in _REGULARITY]
