"""Term time: which areas of a user are term-time addresses, from clusters and from stays in the vacations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

TERM_CLASS_GROUPS = ("hall",)
"""Groups of address classes that make a cluster a term-time home."""
TERM_CLUSTER_TYPES = ("study", "term_home")
"""Types of clusters that students have."""


@dataclass(frozen=True)
class Vacation:
    """Days of the year, as (month, day), in which students leave their term-time area and return to it."""

    first_leave: tuple[int, int]
    last_leave: tuple[int, int]
    first_back: tuple[int, int]
    last_back: tuple[int, int]

    def dates(self, day: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]:
        """The four days, of the vacation that begins in the year of a date."""
        year = day.dt.year()
        leave = (pl.date(year, *self.first_leave), pl.date(year, *self.last_leave))
        year = year + int(self.last_back < self.first_leave)
        return *leave, pl.date(year, *self.first_back), pl.date(year, *self.last_back)


VACATIONS = (
    Vacation((5, 15), (7, 15), (8, 25), (10, 5)),
    Vacation((11, 25), (12, 25), (1, 1), (1, 31)),
    Vacation((3, 1), (4, 20), (4, 5), (5, 5)),
)
"""Summer, Christmas and Easter vacations of universities in the United Kingdom, with room for early and late ones."""


TERMS = (((2, 1), (3, 10)), ((5, 6), (6, 9)), ((10, 6), (12, 10)))
"""Days of the year in which most students are at their term-time address."""


def is_in_term(day: pl.Expr) -> pl.Expr:
    """Condition that a date lies in one of `TERMS`."""
    year = day.dt.year()
    return pl.any_horizontal(day.is_between(pl.date(year, *first), pl.date(year, *last)) for first, last in TERMS)


def is_vacation_stay(begin: pl.Expr, end: pl.Expr, vacations: tuple[Vacation, ...] = VACATIONS) -> pl.Expr:
    """Condition that a stay from one date to another begins when a vacation does and ends with it."""
    holds = []
    for vacation in vacations:
        first_leave, last_leave, _, last_back = vacation.dates(begin)
        holds.append(begin.is_between(first_leave, last_leave) & (end <= last_back))
    return pl.any_horizontal(holds)


def window_bounds(first: date, last: date, vacations: tuple[Vacation, ...] = VACATIONS) -> list[date]:
    """Days between two dates on which students begin to leave or to return, and the days after they have done so."""
    days = [
        date(year, *day) + timedelta(days=after)
        for year in range(first.year, last.year + 1)
        for vacation in vacations
        for day, after in (
            (vacation.first_leave, 0),
            (vacation.last_leave, 1),
            (vacation.first_back, 0),
            (vacation.last_back, 1),
        )
    ]
    return sorted({day for day in days if first < day < last})


def may_be_departure(
    before: pl.Expr, after: pl.Expr, last_in_term: pl.Expr, vacations: tuple[Vacation, ...] = VACATIONS
) -> pl.Expr:
    """Condition that a change between two dates may be a departure for a vacation, the return lying beyond the data.

    `last_in_term`: last day in term (`is_in_term`) on which the user was seen at home; null if none.
    """
    return pl.any_horizontal(
        (before <= last_leave) & (after >= first_leave) & (last_in_term <= last_back).fill_null(value=True)
        for vacation in vacations
        for year in (before, after)
        for first_leave, last_leave, _, last_back in (vacation.dates(year),)
    )


def may_be_return(
    before: pl.Expr, after: pl.Expr, first_in_term: pl.Expr, vacations: tuple[Vacation, ...] = VACATIONS
) -> pl.Expr:
    """Condition that a change between two dates may be a return from a vacation, the term before lying before the data.

    `first_in_term`: first day in term (`is_in_term`) on which the user was seen at home; null if none.
    """
    return pl.any_horizontal(
        (before <= last_back) & (after >= first_back) & (first_in_term >= first_back).fill_null(value=True)
        for vacation in vacations
        for year in (before.dt.offset_by("-1y"), before, after)
        for _, _, first_back, last_back in (vacation.dates(year),)
    )


def term_areas(
    spells: pl.DataFrame, clusters: pl.DataFrame, *, level: str, vacations: tuple[Vacation, ...] = VACATIONS
) -> pl.DataFrame:
    """Areas that are term-time addresses of users: user_key, area; one row each.

    Areas with a hall of residence or a cluster for study of the user, and those that the user left for another area and
    returned to within one vacation. `spells`: user_key, area, first_date, last_date, in order of time.
    """
    of_clusters = areas_of_term_clusters(clusters, level=level)
    around = spells.with_columns(
        before=pl.col("area").shift(1).over("user_key"), after=pl.col("area").shift(-1).over("user_key")
    )
    returned = around.filter(
        pl.col("before") == pl.col("after"), is_vacation_stay(pl.col("first_date"), pl.col("last_date"), vacations)
    ).select("user_key", area="before")
    return pl.concat([of_clusters, returned.cast(of_clusters.schema)]).unique().sort("user_key", "area")


def areas_of_term_clusters(clusters: pl.DataFrame, *, level: str) -> pl.DataFrame:
    """Areas with a hall of residence or a cluster for study of a user: user_key, area; one row each, in any order.

    `clusters`: user_key, class_group, the column `level`, and perhaps cluster_type.
    """
    is_term = pl.col("class_group").is_in(TERM_CLASS_GROUPS)
    if "cluster_type" in clusters.columns:
        is_term = is_term | pl.col("cluster_type").is_in(TERM_CLUSTER_TYPES).fill_null(value=False)
    return clusters.filter(is_term, pl.col(level).is_not_null()).select("user_key", area=level).unique()
