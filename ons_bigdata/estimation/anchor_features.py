"""Features of the places of a user, from the user's stays: how often, how long, and at which hours."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.principal_place import PRINCIPAL_FEATURES, principal_place_features

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
LEAST_STAY_S = 600
"""Seconds for which a shorter stay, as a single event, counts."""
NIGHT_FROM, NIGHT_TO = 22, 6
WORK_FROM, WORK_TO = 9, 17
LONG_WORK_HOURS = 3.0
"""Hours at a place between 9 and 17 that make a long working day."""

_PLACE = ["user", "place"]

SHARES = (
    *("hours_share", "nights_share", "main_nights_share", "days_share", "workdays_share", "main_workdays_share"),
    *("night_hours_share", "work_hours_share", "weekend_days_share", "nights_per_day", "long_workdays_share"),
    *("span_share", "small_hours_share", "nights_of_most", "hours_of_most"),
)
"""Features between 0 and 1, which enter the model by their log odds."""
COUNTS = (
    *("days", "nights", "main_nights", "workdays", "long_workdays", "weeks", "hours", "median_hours", "longest_hours"),
    *("median_workday_hours", "days_per_week", "stays_per_day", "user_days", "user_places"),
)
"""Features from 0, which enter by log(1 + x)."""
PLAIN = ("start_hour_sd", "arrival_hour_sd", "has_most_nights", "has_most_hours", "has_most_work_hours")
"""Features that enter as they are."""
FEATURES = (*SHARES, *COUNTS, *PLAIN, *PRINCIPAL_FEATURES)

UNKNOWN_SD_HOURS = 6.0
"""Standard deviation of hours where there are fewer than two."""


def place_features(stays: pl.DataFrame) -> pl.DataFrame:
    """Features of each place, one row per user and place.

    `stays`: user, place, start_s, end_s (whole seconds of local time, Monday 1970-01-05 00:00 being 345,600). Returns
    user, place and the columns `FEATURES`, transformed as a linear model takes them, sorted by user and place.

    A night is 22 to 6 h and has the date on which it begins; a working day is a weekday with time between 9 and 17 h.
    Shares are of what is observed of the user, so that a gap in the stays is no absence. `PRINCIPAL_FEATURES` compare
    the place with the user's place of most nights: `principal_place_features`.
    """
    whole = _with_hours(stays)
    parts = _days_of(whole)
    days, nights = _days_at_places(parts), _nights_of(parts)
    table = (
        whole.group_by(_PLACE)
        .agg(
            stays=pl.len(),
            hours=pl.col("hours").sum(),
            median_hours=pl.col("hours").median(),
            longest_hours=pl.col("hours").max(),
            start_hour_sd=pl.col("start_hour").std(),
            first_s=pl.col("start_s").min(),
            last_s=pl.col("start_s").max(),
        )
        .join(_place_days(days), on=_PLACE, how="left")
        .join(_place_nights(nights), on=_PLACE, how="left")
        .sort(_PLACE)
    )
    beside = principal_place_features(days, nights)
    return _transformed(_shares(table)).join(beside, on=_PLACE, how="left", maintain_order="left")


def _with_hours(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays of ten minutes at least, with their hours."""
    return stays.select(
        *_PLACE, "start_s", end_s=pl.max_horizontal("end_s", pl.col("start_s") + LEAST_STAY_S)
    ).with_columns(hours=(pl.col("end_s") - pl.col("start_s")) / HOUR_S, start_hour=pl.col("start_s") % DAY_S / HOUR_S)


def _days_of(stays: pl.DataFrame) -> pl.DataFrame:
    """Cut stays at midnight: hours of the day from and to, and hours within some windows."""
    first, last = pl.col("start_s") // DAY_S, (pl.col("end_s") - 1) // DAY_S
    within = stays.filter(first == last).with_columns(day=first)
    across = (
        stays.filter(first < last).with_columns(day=pl.int_ranges(first, last + 1)).explode("day", empty_as_null=False)
    )
    parts = pl.concat([within, across]).with_columns(
        begin=(pl.max_horizontal("start_s", pl.col("day") * DAY_S) - pl.col("day") * DAY_S) / HOUR_S,
        end=(pl.min_horizontal("end_s", (pl.col("day") + 1) * DAY_S) - pl.col("day") * DAY_S) / HOUR_S,
    )
    return parts.select(
        *_PLACE,
        "day",
        "begin",
        is_weekend=(pl.col("day") + 3) % 7 >= 5,  # day 0 is a Thursday
        part_hours=pl.col("end") - pl.col("begin"),
        early=_overlap(0, NIGHT_TO),
        late=_overlap(NIGHT_FROM, 24),
        work=_overlap(WORK_FROM, WORK_TO),
        small=_overlap(2, 4),
    )


def _overlap(begin: int, end: int) -> pl.Expr:
    return (pl.min_horizontal("end", pl.lit(float(end))) - pl.max_horizontal("begin", pl.lit(float(begin)))).clip(0)


def _days_at_places(parts: pl.DataFrame) -> pl.DataFrame:
    """Days of each place, with hours in the windows of work and of the small hours, and the hour of arrival."""
    days = parts.group_by(*_PLACE, "day").agg(
        is_weekend=pl.col("is_weekend").first(),
        work=pl.col("work").sum(),
        small=pl.col("small").sum(),
        arrival=pl.col("begin").min(),
    )
    weekday = ~pl.col("is_weekend")
    works = weekday & (pl.col("work") > 0)
    return days.with_columns(works=works, is_main=works & (pl.col("work") == pl.col("work").max().over("user", "day")))


def _place_days(days: pl.DataFrame) -> pl.DataFrame:
    """Counts of days of each place, and of the days of its user."""
    weekday = ~pl.col("is_weekend")
    of_user = days.group_by("user").agg(
        user_days=pl.col("day").n_unique(), user_workdays=pl.col("day").filter(pl.col("works")).n_unique()
    )
    return (
        days.group_by(_PLACE)
        .agg(
            days=pl.len(),
            weeks=((pl.col("day") + 3) // 7).n_unique(),
            weekend_days=pl.col("is_weekend").sum(),
            workdays=pl.col("works").sum(),
            main_workdays=pl.col("is_main").sum(),
            long_workdays=(weekday & (pl.col("work") >= LONG_WORK_HOURS)).sum(),
            small_hours_days=(pl.col("small") > 0).sum(),
            work_hours=pl.col("work").filter(weekday).sum(),
            median_workday_hours=pl.col("work").filter(weekday).median(),
            arrival_hour_sd=pl.col("arrival").filter(weekday).std(),
        )
        .join(of_user, on="user", how="left")
    )


def place_nights(stays: pl.DataFrame) -> pl.DataFrame:
    """Nights that users spend at places, one row per user, place and night.

    `stays` as for `place_features`. Returns user, place, night (day number of its beginning, 1970-01-01 being 0), hours
    and is_main: whether no other place of the user has more hours of that night.
    """
    return _nights_of(_days_of(_with_hours(stays)))


def _nights_of(parts: pl.DataFrame) -> pl.DataFrame:
    return (
        pl.concat(
            [
                parts.filter(pl.col("early") > 0).select(*_PLACE, night=pl.col("day") - 1, hours="early"),
                parts.filter(pl.col("late") > 0).select(*_PLACE, night=pl.col("day"), hours="late"),
            ]
        )
        .group_by(*_PLACE, "night")
        .agg(pl.col("hours").sum())
        .with_columns(is_main=pl.col("hours") == pl.col("hours").max().over("user", "night"))
    )


def _place_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """Nights of each place, those in which it is the place of most hours, and the nights of its user."""
    of_user = nights.group_by("user").agg(user_nights=pl.col("night").n_unique())
    return (
        nights.group_by(_PLACE)
        .agg(nights=pl.len(), main_nights=pl.col("is_main").sum(), night_hours=pl.col("hours").sum())
        .join(of_user, on="user", how="left")
    )


def _share(part: str, whole: str | pl.Expr) -> pl.Expr:
    divisor = pl.col(whole) if isinstance(whole, str) else whole
    return pl.when(divisor > 0).then(pl.col(part) / divisor).otherwise(0.0)


def _shares(table: pl.DataFrame) -> pl.DataFrame:
    table = table.with_columns(pl.col("nights", "main_nights", "night_hours", "user_nights").fill_null(0))
    user = {name: pl.col(name).sum().over("user") for name in ("hours", "night_hours", "work_hours")}
    most = {name: pl.col(name).max().over("user") for name in ("hours", "nights")}
    span = pl.col("last_s").max().over("user") - pl.col("first_s").min().over("user") + DAY_S
    return table.with_columns(
        hours_share=_share("hours", user["hours"]),
        nights_share=_share("nights", "user_nights"),
        main_nights_share=_share("main_nights", "user_nights"),
        days_share=_share("days", "user_days"),
        workdays_share=_share("workdays", "user_workdays"),
        main_workdays_share=_share("main_workdays", "user_workdays"),
        night_hours_share=_share("night_hours", "hours"),
        work_hours_share=_share("work_hours", "hours"),
        weekend_days_share=_share("weekend_days", "days"),
        nights_per_day=_share("nights", "days"),
        long_workdays_share=_share("long_workdays", "days"),
        small_hours_share=_share("small_hours_days", "days"),
        span_share=(pl.col("last_s") - pl.col("first_s") + DAY_S) / span,
        nights_of_most=_share("nights", most["nights"]),
        hours_of_most=_share("hours", most["hours"]),
        days_per_week=pl.col("days") / pl.col("weeks"),
        stays_per_day=pl.col("stays") / pl.col("days"),
        user_places=pl.len().over("user"),
        has_most_nights=(pl.col("nights") == most["nights"]) & (pl.col("nights") > 0),
        has_most_hours=pl.col("hours") == most["hours"],
        has_most_work_hours=(pl.col("work_hours").rank("min", descending=True).over("user") <= 2)
        & (pl.col("work_hours") > 0),
        start_hour_sd=pl.col("start_hour_sd").fill_null(UNKNOWN_SD_HOURS),
        arrival_hour_sd=pl.col("arrival_hour_sd").fill_null(UNKNOWN_SD_HOURS),
        median_workday_hours=pl.col("median_workday_hours").fill_null(0.0),
    )


def _transformed(table: pl.DataFrame) -> pl.DataFrame:
    def log_odds(name: str) -> pl.Expr:
        return (pl.col(name).clip(1e-3) / (1 - pl.col(name)).clip(1e-3)).log().alias(name)

    return table.select(
        *_PLACE,
        *(log_odds(name) for name in SHARES),
        *(pl.col(name).cast(pl.Float64).log1p() for name in COUNTS),
        *(pl.col(name).cast(pl.Float64) for name in PLAIN),
    )
