"""Term time: which areas of a user are term-time addresses, from clusters and from stays in the vacations."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

TERM_CLASS_GROUPS = ("hall",)
"""Groups of address classes that make a cluster a term-time home."""
TERM_CLUSTER_TYPES = ("study", "term_home")
"""Types of clusters that students have."""


@dataclass(frozen=True)
class Vacation:
    """Days of the year, as (month, day), in which students leave their term-time area, and by which they are back."""

    first_leave: tuple[int, int]
    last_leave: tuple[int, int]
    last_back: tuple[int, int]


VACATIONS = (
    Vacation((5, 15), (7, 15), (10, 20)),
    Vacation((11, 25), (12, 25), (1, 31)),
    Vacation((3, 1), (4, 20), (5, 5)),
)
"""Summer, Christmas and Easter vacations of universities in the United Kingdom, with room for early and late ones."""


def is_vacation_stay(begin: pl.Expr, end: pl.Expr, vacations: tuple[Vacation, ...] = VACATIONS) -> pl.Expr:
    """Whether a stay from one date to another begins when a vacation does and ends with it."""
    holds = []
    for vacation in vacations:
        years_on = int(vacation.last_back < vacation.first_leave)
        first, last = (pl.date(begin.dt.year(), *day) for day in (vacation.first_leave, vacation.last_leave))
        holds.append(begin.is_between(first, last) & (end <= pl.date(begin.dt.year() + years_on, *vacation.last_back)))
    return pl.any_horizontal(holds)


def term_areas(
    spells: pl.DataFrame, clusters: pl.DataFrame, *, level: str, vacations: tuple[Vacation, ...] = VACATIONS
) -> pl.DataFrame:
    """Areas that are term-time addresses of users: user_key, area; one row each.

    Areas with a hall of residence or a cluster for study of the user, and those that the user left for another area and
    returned to within one vacation. `spells`: user_key, area, first_date, last_date, in order of time.
    """
    is_term = pl.col("class_group").is_in(TERM_CLASS_GROUPS)
    if "cluster_type" in clusters.columns:
        is_term = is_term | pl.col("cluster_type").is_in(TERM_CLUSTER_TYPES).fill_null(value=False)
    of_clusters = clusters.filter(is_term, pl.col(level).is_not_null()).select("user_key", area=level)
    around = spells.with_columns(
        before=pl.col("area").shift(1).over("user_key"), after=pl.col("area").shift(-1).over("user_key")
    )
    returned = around.filter(
        pl.col("before") == pl.col("after"), is_vacation_stay(pl.col("first_date"), pl.col("last_date"), vacations)
    ).select("user_key", area="before")
    return pl.concat([of_clusters, returned.cast(of_clusters.schema)]).unique().sort("user_key", "area")
