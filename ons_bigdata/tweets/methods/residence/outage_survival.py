"""Share of the residences of a month that outages leave observed, from users and months without an outage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONDON = "Europe/London"
HOURS = 31 * 24
FEWEST_DONORS = 200
"""User-months without outage below which those of all months are used, not of the same month alone."""
MOST_DONORS = 20_000
CLASS_BOUNDS = (0.0, 1.0, 3.0, 10.0)
"""Upper bounds of the classes of activity: events a month at residential clusters in other months; the last is open."""
PRIOR_DONORS = 20.0
"""User-months with the survival of all classes that count towards that of a class."""


def activity_class(other_events: pl.Expr, other_days: pl.Expr) -> pl.Expr:
    """Class of activity in the other months: 0 for none, then 1, 2, …, as `CLASS_BOUNDS` divide them."""
    rate = pl.when(other_days > 0).then(other_events / other_days * 30).otherwise(0.0)
    return pl.sum_horizontal([(rate > bound).cast(pl.Int32) for bound in CLASS_BOUNDS])


def lost_hours(outages: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """Hours of each month in which the events of an area are lost, local time: authority, month, hours.

    `outages`: authority, started_at, ended_at (UTC), without overlaps; `months`: month. `hours` lists the hours from
    the beginning of the month (0, 1, …) of which at least half is lost, sorted. Areas and months without one have no
    row.
    """
    local = outages.with_columns(
        pl.col("started_at", "ended_at").dt.convert_time_zone(LONDON).dt.replace_time_zone(None)
    )
    begin = pl.col("month").cast(pl.Datetime("us"))

    def hours_from(column: str) -> pl.Expr:
        return ((pl.col(column) - begin).dt.total_seconds() / 3600).round(0).cast(pl.Int64)

    return (
        local.join(months.select("month").unique(), how="cross")
        .with_columns(first=hours_from("started_at").clip(0, HOURS), last=hours_from("ended_at").clip(0, HOURS))
        .filter(pl.col("first") < pl.col("last"))
        .with_columns(hour=pl.int_ranges("first", "last"))
        .explode("hour", empty_as_null=False)
        .filter(begin.dt.offset_by("1mo") > begin + pl.duration(hours="hour"))
        .group_by("authority", "month")
        .agg(hours=pl.col("hour").unique().sort())
    )


def outage_survival(table: pl.DataFrame, events: pl.DataFrame, lost: pl.DataFrame, *, min_events: int) -> pl.DataFrame:
    """Share of the residences of each area, month and class of activity that the area's outages leave observed.

    `table`: user_key, month, exposed (authority), is_observed, activity (class), one row per user and month. `events`:
    those at the largest residential cluster of each user and month, with user_key, month and hour_of_month. `lost` as
    `lost_hours` returns it. Residences of months and areas without an outage (donors) lose the events of the outages'
    hours: the share that keeps `min_events` is the survival of their class. Donors are of the same month if there are
    `FEWEST_DONORS`, else of all months; where every area has outages in every month, all residences are donors.

    Returns exposed, month, activity, survival; 1 where there is no outage.
    """
    observed = table.filter("is_observed").join(
        lost.select(exposed="authority", month="month", has_outage=pl.lit(value=True)),
        on=["exposed", "month"],
        how="left",
    )
    donors = observed.filter(pl.col("has_outage").is_null())
    if donors.height < FEWEST_DONORS:
        donors = observed
    cells = []
    for (month, hours), areas in lost.group_by("month", "hours", maintain_order=True):
        same = donors.filter(pl.col("month") == month)
        chosen = _spread(same if same.height >= FEWEST_DONORS else donors)
        kept = _kept(chosen, events, np.asarray(hours), min_events)
        by_class = _by_class(chosen["activity"].to_numpy(), kept)
        cells.append(areas.select(exposed="authority").join(by_class.with_columns(month=pl.lit(month)), how="cross"))
    schema = {"exposed": pl.String, "activity": pl.Int32, "survival": pl.Float64, "month": pl.Date}
    return pl.concat([pl.DataFrame(schema=schema), *(cell.cast(schema) for cell in cells)])  # type: ignore[arg-type]


def _spread(donors: pl.DataFrame) -> pl.DataFrame:
    """At most `MOST_DONORS` rows, evenly spread over the rows sorted by user and month."""
    rows = donors.sort("user_key", "month")
    if rows.height <= MOST_DONORS:
        return rows
    return rows[np.linspace(0, rows.height - 1, MOST_DONORS).astype(np.int64)]


def _kept(donors: pl.DataFrame, events: pl.DataFrame, hours: NDArray[np.int64], min_events: int) -> NDArray[np.bool_]:
    """Mask of the donors that keep enough events outside some hours of the month."""
    rows = donors.select("user_key", "month").with_row_index("donor")
    theirs = rows.join(events, on=["user_key", "month"])
    is_lost = np.zeros(HOURS + 24, dtype=np.bool_)
    is_lost[hours] = True
    remaining = theirs["donor"].to_numpy()[~is_lost[theirs["hour_of_month"].to_numpy()]]
    return np.asarray(np.bincount(remaining, minlength=donors.height) >= min_events)


def _by_class(activity: NDArray[np.int32], kept: NDArray[np.bool_]) -> pl.DataFrame:
    """Survival of each class, drawn towards that of all where it has few donors."""
    classes = np.arange(len(CLASS_BOUNDS) + 1)
    overall = (kept.sum() + 0.5) / (len(kept) + 1)
    donors = np.bincount(activity, minlength=len(classes))
    survivors = np.bincount(activity, weights=kept, minlength=len(classes))
    share = (survivors + PRIOR_DONORS * overall) / (donors + PRIOR_DONORS)
    return pl.DataFrame({"activity": classes.astype(np.int32), "survival": share})
