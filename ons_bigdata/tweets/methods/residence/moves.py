"""Changes of residence of users, apart from trips and term-time returns, and the time in which they would be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.tweets.methods.residence.spells import residence_spells
from ons_bigdata.tweets.methods.residence.term_time import (
    may_be_departure,
    may_be_return,
    term_areas,
    window_bounds,
)
from ons_bigdata.tweets.schemas.residence import DetectedMove, TimeAtRisk

if TYPE_CHECKING:
    from ons_bigdata.tweets.methods.residence.chain import ResidenceChain

DAYS_PER_MONTH = 30.4375
KNOWN_DAYS = 60
"""Days before an arrival in a term-time area by which a visit to it shows that it is a return."""


def detect_moves(
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    *,
    level: str = "authority",
    min_months_before: float = 0.3,
    min_months_after: float = 0.3,
    min_probability: float = 0.7,
    max_trip_months: float = 4.5,
    chain: ResidenceChain | None = None,
) -> pl.DataFrame:
    """Changes of residence of users between areas of one level, apart from trips and term-time returns.

    `events`, `clusters`, `level` and `chain` as for `residence_spells`; `clusters` may have cluster_type (study and
    term_home mark term-time areas, as halls do).

    Of the user's spells of residence those shorter than `min_months_before` or `min_months_after` (the smaller one;
    months of 30.4375 days from the first to the last day seen) are passed over; a move is a change of area from one of
    the rest to the next. Its `probability` is the product of the two largest probabilities of the chain that the user
    lived in the one and in the other. Kinds:

    * `term_start`, `term_end`: to or from a term-time area of the user (`term_areas`), the other being none. The first
      arrival and the last departure are migrations; those between are term-time returns.
    * `trip`: to another area and back within `max_trip_months`, both ways. No migration.
    * `move`: all others. A migration.

    A change is no migration either where it may be half of a term-time return and the other half lies beyond the data:
    in the days of leaving for a vacation, if the user was not seen in a term after it (`may_be_departure`); in the days
    of returning, if the user was not seen in a term before it (`may_be_return`). Nobody's term is longer than
    `max_trip_months`: a move from an area lived in for longer, or to one, is settled unless one of the two is a
    term-time area.

    Migrations need `min_months_before` months before and `min_months_after` months after, and all rows at least
    `min_probability`.

    Returns the frame DetectedMove, sorted by user and date. Raises ValueError as `residence_spells`, and on options out
    of range.

    Source: chain made for this project; moves as a question of windows: Fiorio, Zagheni, Abel, Hill, Pestre, Letouzé,
    Cai, Demography 58 (2021) 51–74. Formulas, results and limits: docs/tweets/residence/moves.md.
    """
    spells = settled_spells(
        events,
        clusters,
        level=level,
        min_months_before=min_months_before,
        min_months_after=min_months_after,
        chain=chain,
    )
    if not 0 <= min_probability <= 1:
        message = f"min_probability is {min_probability}; expected a probability"
        raise ValueError(message)
    terms = term_areas(spells, eager_frame(clusters, "clusters"), level=level)
    changes = _changes(spells, terms, max_trip_months)
    rows = changes.filter(
        pl.col("probability") >= min_probability,
        ~pl.col("is_migration")
        | ((pl.col("months_before") >= min_months_before) & (pl.col("months_after") >= min_months_after)),
    )
    return DetectedMove.validate(rows.select(DetectedMove.column_names()).sort("user_key", "moved_on"), cast=True)


def settled_spells(
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    *,
    level: str = "authority",
    min_months_before: float = 0.3,
    min_months_after: float = 0.3,
    chain: ResidenceChain | None = None,
) -> pl.DataFrame:
    """Spells of residence (`residence_spells`) long enough for a move, neighbours in one area united.

    Long enough: at least the smaller of the two windows. With the column `moved_on`: the date of the change from the
    spell before, null in the first.
    """
    for name, value in (("min_months_before", min_months_before), ("min_months_after", min_months_after)):
        if not 0 <= value < 120:
            message = f"{name} is {value}; expected 0 or more months, less than 120"
            raise ValueError(message)
    spells = residence_spells(events, clusters, level=level, chain=chain)
    long_enough = spells.filter(_months_of("first_date", "last_date") >= min(min_months_before, min_months_after))
    united = long_enough.with_columns(spell=pl.struct("user_key", "area").rle_id())
    between = (pl.col("first_date") - pl.col("last_date").shift(1).over("user_key")).dt.total_days()
    return (
        united.group_by("user_key", "spell", "area", maintain_order=True)
        .agg(
            pl.col("first_date", "first_in_term").min(),
            pl.col("last_date", "last_in_term").max(),
            pl.col("days").sum(),
            pl.col("probability").max(),
            pl.col("known_from").min(),
        )
        .with_columns(
            spell=pl.int_range(pl.len()).over("user_key"),
            moved_on=pl.col("first_date") - pl.duration(days=between // 2),
        )
    )


def _months_of(first: str, last: str) -> pl.Expr:
    return (pl.col(last) - pl.col(first)).dt.total_days() / DAYS_PER_MONTH


def _changes(spells: pl.DataFrame, terms: pl.DataFrame, max_trip_months: float) -> pl.DataFrame:
    """Each change from a settled spell to the next, with its kind."""
    marked = spells.join(
        terms.with_columns(is_term=pl.lit(value=True)), on=["user_key", "area"], how="left", maintain_order="left"
    ).with_columns(
        pl.col("is_term").fill_null(value=False),
        months=_months_of("first_date", "last_date"),
        arrival=pl.col("spell") == pl.col("spell").min().over("user_key", "area"),
        departure=pl.col("spell") == pl.col("spell").max().over("user_key", "area"),
        user_first_in_term=pl.col("first_in_term").min().over("user_key"),
        user_last_in_term=pl.col("last_in_term").max().over("user_key"),
        next_moved_on=pl.col("moved_on").shift(-1).over("user_key"),
        next_area=pl.col("area").shift(-1).over("user_key"),
        second_last_area=pl.col("area").shift(2).over("user_key"),
    )

    def before(name: str) -> pl.Expr:
        return pl.col(name).shift(1).over("user_key")

    stays = {
        "there": (pl.col("next_moved_on") - pl.col("moved_on")).dt.total_days() / DAYS_PER_MONTH,
        "back": (pl.col("moved_on") - before("moved_on")).dt.total_days() / DAYS_PER_MONTH,
    }
    is_trip = (pl.col("next_area") == before("area")) & (stays["there"] <= max_trip_months) | (
        pl.col("area") == pl.col("second_last_area")
    ) & (stays["back"] <= max_trip_months)
    rows = marked.with_columns(
        from_area=before("area"),
        from_term=before("is_term"),
        left_for_good=before("departure"),
        months_before=before("months"),
        last_seen_before=before("last_date"),
        is_known=pl.col("known_from") <= pl.col("moved_on") - pl.duration(days=KNOWN_DAYS),
        both=pl.col("probability") * before("probability"),
        is_trip=is_trip.fill_null(value=False),
    ).filter(pl.col("from_area").is_not_null())
    kind = (
        pl.when(pl.col("is_term") & ~pl.col("from_term")).then(pl.lit("term_start"))
        .when(pl.col("from_term") & ~pl.col("is_term")).then(pl.lit("term_end"))
        .when("is_trip").then(pl.lit("trip"))
        .otherwise(pl.lit("move"))
    )  # fmt: skip
    between = (pl.col("last_seen_before"), pl.col("first_date"))
    is_term = kind != "move"
    may_depart = may_be_departure(*between, pl.col("user_last_in_term")) & (
        is_term | (pl.col("months_before") < max_trip_months)
    )
    may_return = may_be_return(*between, pl.col("user_first_in_term")) & (
        is_term | (pl.col("months") < max_trip_months)
    )
    return rows.select(
        "user_key",
        "moved_on",
        "from_area",
        to_area="area",
        kind=kind,
        probability="both",
        months_before="months_before",
        months_after="months",
        last_seen_before="last_seen_before",
        first_seen_after="first_date",
        is_migration=~may_depart & ~may_return
        & pl.when(kind == "term_start").then(pl.col("arrival") & ~pl.col("is_known"))
        .when(kind == "term_end").then("left_for_good")
        .otherwise(kind == "move"),
    )  # fmt: skip


def time_at_risk(
    spells: pl.DataFrame,
    *,
    min_months_before: float = 0.3,
    min_months_after: float = 0.3,
    min_days_per_month: float = 4.0,
    max_trip_months: float = 4.5,
    every: str = "1mo",
) -> pl.DataFrame:
    """Time in which a move of a user would have been detected and settled, by area of residence and period.

    `spells`: result of `settled_spells` with the same windows. A user is at risk from `min_months_before` months after
    the first day seen to `min_months_after` months before the last one, in the area of the spell of the day. Days on
    which a change might be half of a term-time return, and so would be no migration for `detect_moves` (with the same
    `max_trip_months`), are left out. Users
    with fewer than `min_days_per_month` days with events at residential clusters a month, between these two days, have
    no time at risk: too many of their moves go unseen. `every`: length of the periods (1mo, 1q, 1y). Returns the frame
    TimeAtRisk, sorted. Raises ValueError on other lengths.
    """
    refuse_unknown("every", every, ("1mo", "1q", "1y"))
    margin = {
        "from": pl.duration(days=round(min_months_before * DAYS_PER_MONTH)),
        "to": pl.duration(days=round(min_months_after * DAYS_PER_MONTH)),
    }
    begin = pl.max_horizontal(
        pl.coalesce("moved_on", "first_date"), pl.col("first_date").min().over("user_key") + margin["from"]
    )
    end = pl.min_horizontal(
        pl.coalesce(pl.col("moved_on").shift(-1).over("user_key"), "last_date"),
        pl.col("last_date").max().over("user_key") - margin["to"],
    )
    seen_months = (pl.col("last_date").max() - pl.col("first_date").min()).dt.total_days() / DAYS_PER_MONTH
    is_active = pl.col("days").sum().over("user_key") >= min_days_per_month * seen_months.over("user_key")
    intervals = (
        spells.with_columns(
            *(pl.col(name).min().over("user_key").alias(f"user_{name}") for name in ("first_date", "first_in_term")),
            *(pl.col(name).max().over("user_key").alias(f"user_{name}") for name in ("last_date", "last_in_term")),
        )
        .filter(is_active)
        .select("user_key", "area", pl.col("^user_(first|last)_.*$"), begin=begin, end=end)
        .filter(pl.col("begin") < pl.col("end"))
    )
    parts = (
        _settled_parts(intervals, max_trip_months)
        .with_columns(period=pl.date_ranges(pl.col("begin").dt.truncate(every), pl.col("end"), every))
        .explode("period", empty_as_null=False)
    )
    overlap = pl.min_horizontal("end", pl.col("period").dt.offset_by(every)) - pl.max_horizontal("begin", "period")
    result = (
        parts.with_columns(months=overlap.dt.total_days() / DAYS_PER_MONTH)
        .filter(pl.col("months") > 0)
        .group_by("user_key", "area", "period")
        .agg(pl.col("months").sum())
        .sort("user_key", "area", "period")
    )
    return TimeAtRisk.validate(result, cast=True)


def _settled_parts(intervals: pl.DataFrame, max_trip_months: float) -> pl.DataFrame:
    """Parts of intervals (user_key, area, begin, end) on which a change could not be half of a term-time return."""
    longest = pl.duration(days=round(max_trip_months * DAYS_PER_MONTH))
    early, late = pl.col("user_first_date") + longest, pl.col("user_last_date") - longest
    if intervals.is_empty():
        return intervals
    fixed = [pl.lit(day) for day in window_bounds(intervals["begin"].min(), intervals["end"].max())]  # type: ignore[arg-type]
    cuts = pl.concat_list(day.clip("begin", "end") for day in (pl.col("begin"), pl.col("end"), early, late, *fixed))
    parts = (
        intervals.with_columns(cut=cuts.list.unique().list.sort())
        .with_columns(begin=pl.col("cut").list.slice(0, pl.col("cut").list.len() - 1), end=pl.col("cut").list.slice(1))
        .drop("cut")
        .explode("begin", "end", empty_as_null=False)
    )
    day = (pl.col("begin"), pl.col("begin"))
    may_depart = may_be_departure(*day, pl.col("user_last_in_term")) & (pl.col("begin") < early)
    may_return = may_be_return(*day, pl.col("user_first_in_term")) & (pl.col("begin") >= late)
    return parts.filter(~may_depart & ~may_return).select("user_key", "area", "begin", "end")
