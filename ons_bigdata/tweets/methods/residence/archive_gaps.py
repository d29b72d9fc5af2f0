"""Gaps of archives: times without any event, where the volume of the archives lets expect many."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated, refuse_rows

WINDOWS = (29, 5)
"""Lengths in days of the windows around a day whose medians are its level, the smaller of them: archives begin and end
slowly."""

COLUMNS = ("hour", "events", "first_utc", "last_utc")


def find_archive_gaps(hours: pl.DataFrame, *, least_events: float = 20.0) -> pl.DataFrame:
    """Times without any event of a platform in which at least `least_events` were to be expected.

    `hours`: one row per hour (UTC) with events: hour (its begin), events, first_utc and last_utc (times of its first
    and last event). Between the last event before one or more empty hours and the first one after, the expected number
    is

    Σ over hours of share(hour of the day) × level(day) × part of the hour.

    The level is the median of the events of those days that have any, of the 29 around the day, or of the 5 around it
    if that is smaller. The share is that of the hour in all events of days without an empty hour (of all days where
    there is no such day). Independent events, 20 of them expected, would all fail to come with probability 2·10⁻⁹;
    messages come in bursts, which makes it likelier. Gaps of less than a whole hour of the clock are not seen.

    Returns from_utc, to_utc and expected_events (Float64), in order; both times are rounded into the gap to whole
    minutes, so that neither is the time of an event. Raises ValueError on missing columns, repeated hours, an hour
    without events or with times outside of it, and a limit that is not positive.
    """
    refuse_missing_columns(hours, COLUMNS, "hours")
    refuse_repeated(hours, ["hour"], "hours")
    if not least_events > 0:
        message = f"least_events is {least_events}; expected a positive number"
        raise ValueError(message)
    of_hour = (pl.col("hour"), pl.col("hour") + pl.duration(hours=1))
    refuse_rows(
        hours.select(COLUMNS),
        {
            "no events": ~(pl.col("events").fill_null(0) > 0),
            "times outside of the hour": ~(
                pl.col("first_utc").is_between(*of_hour, closed="left").fill_null(value=False)
                & pl.col("last_utc").is_between(*of_hour, closed="left").fill_null(value=False)
            ),
        },
        "hours",
    )
    ordered = hours.select(COLUMNS).sort("hour")
    candidates = ordered.select(
        from_utc="last_utc",
        to_utc=pl.col("first_utc").shift(-1),
        first=pl.col("hour"),
        last=pl.col("hour").shift(-1),
    ).filter(pl.col("last") - pl.col("first") > pl.duration(hours=1))
    if candidates.is_empty():
        return _no_gaps(candidates)
    share, level = _shares_of_the_day(ordered), _levels(ordered)
    parts = (
        candidates.with_columns(hour=pl.datetime_ranges("first", "last", "1h"))
        .explode("hour")
        .with_columns(
            part=(
                pl.min_horizontal("to_utc", pl.col("hour") + pl.duration(hours=1))
                - pl.max_horizontal("from_utc", "hour")
            ).dt.total_microseconds()
            / 3.6e9,
            hour_of_day=pl.col("hour").dt.hour(),
            day=pl.col("hour").dt.date(),
        )
        .join(share, on="hour_of_day", how="left")
        .join(level, on="day", how="left")
    )
    gaps = parts.group_by("from_utc", "to_utc").agg(
        expected_events=(pl.col("part") * pl.col("share").fill_null(0.0) * pl.col("level").fill_null(0.0)).sum()
    )
    return (
        gaps.filter(pl.col("expected_events") >= least_events)
        .with_columns(from_utc=_next_minute("from_utc"), to_utc=pl.col("to_utc").dt.truncate("1m"))
        .sort("from_utc")
    )


def _shares_of_the_day(hours: pl.DataFrame) -> pl.DataFrame:
    """Part of each hour of the day in the events of whole days: hour_of_day, share."""
    dated = hours.with_columns(day=pl.col("hour").dt.date(), hour_of_day=pl.col("hour").dt.hour())
    whole = dated.filter(pl.len().over("day") == 24)
    counted = dated if whole.is_empty() else whole
    return (
        counted.group_by("hour_of_day")
        .agg(pl.col("events").sum())
        .select("hour_of_day", share=pl.col("events") / pl.col("events").sum())
    )


def _levels(hours: pl.DataFrame) -> pl.DataFrame:
    """Smaller median of the events of the days with any in the windows around each day of the range: day, level."""
    counted = hours.group_by(day=pl.col("hour").dt.date()).agg(pl.col("events").sum().cast(pl.Float64)).sort("day")
    days = pl.DataFrame({"day": pl.date_range(counted["day"].min(), counted["day"].max(), "1d", eager=True)})  # type: ignore[arg-type]
    return (
        days.join(counted, on="day", how="left", maintain_order="left")
        .with_columns(
            level=pl.min_horizontal(
                pl.col("events").rolling_median(days, min_samples=1, center=True) for days in WINDOWS
            ),
        )
        .select("day", pl.col("level").fill_null(strategy="forward"))
    )


def _next_minute(column: str) -> pl.Expr:
    return (pl.col(column) + pl.duration(microseconds=59_999_999)).dt.truncate("1m")


def _no_gaps(candidates: pl.DataFrame) -> pl.DataFrame:
    return candidates.select("from_utc", "to_utc", expected_events=pl.lit(None, dtype=pl.Float64))
