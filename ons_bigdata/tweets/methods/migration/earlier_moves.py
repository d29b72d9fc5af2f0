"""Official moves of the last year before a period, on the codes of the authorities for which migration is estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.tweets.methods.authority_codes import successor_among

if TYPE_CHECKING:
    from datetime import date

_COLUMNS = ("year_ending", "authority", "is_student_age", "moves_in", "moves_out")


def last_year(official: pl.DataFrame, before: date) -> date | None:
    """End of the last official year (column year_ending) that ended before a day; None if there is no such year."""
    return official.filter(pl.col("year_ending") < before)["year_ending"].max()  # type: ignore[return-value]


def earlier_moves(
    official: pl.DataFrame, authorities: pl.Series, changes: pl.DataFrame, *, before: date
) -> pl.DataFrame | None:
    """Moves out of and into areas in the last official year that ended before a day; None if there is no such year.

    `official`: year_ending (Date), authority, is_student_age, moves_in, moves_out (persons ≥ 0), one row per year,
    authority and kind of ages; `authorities`: codes for which moves are wanted; `changes` as in `code_successors`. A
    code that is not among `authorities` becomes the first of its successors that is; of authorities that have merged,
    the moves are added up, with those between them.

    Returns area, is_student_age, moves_out, moves_in, sorted. Codes that are not wanted stay: a region may be among
    them, of which the authorities have no rows. Raises ValueError for missing columns and as `code_successors`.
    """
    refuse_missing_columns(official, _COLUMNS, "official")
    year = last_year(official, before)
    if year is None:
        return None
    last = official.filter(pl.col("year_ending") == year)
    successor = successor_among(set(last["authority"]), set(authorities), changes)
    return (
        last.group_by("is_student_age", area=pl.col("authority").replace(successor))
        .agg(pl.col("moves_out", "moves_in").sum())
        .sort("area", "is_student_age")
        .select("area", "is_student_age", "moves_out", "moves_in")
    )
