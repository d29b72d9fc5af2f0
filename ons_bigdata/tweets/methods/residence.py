"""Residence of users by month, with weights for the chance of being observed, and changes of residence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.tweets.methods.observation import ObservationModel, collection_days, fit_observation_model
from ons_bigdata.tweets.methods.residence_spells import (
    RESIDENTIAL,
    checked_clusters,
    checked_events,
    residence_spells,
)
from ons_bigdata.tweets.methods.term_time import is_vacation_stay, term_areas
from ons_bigdata.tweets.schemas.residence import DetectedMove, MonthlyResidence, TimeAtRisk

if TYPE_CHECKING:
    from datetime import date

    from ons_bigdata.tweets.methods.residence_chain import ResidenceChain

NIGHT_FROM, NIGHT_TO = 22, 6
DAYS_PER_MONTH = 30.4375
_PLACE = ("cluster", "output_area", "authority")


def monthly_residence(  # noqa: PLR0913
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    outages: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    min_events: int = 3,
    max_gap_months: int = 1,
    least_chance: float = 0.1,
    max_weight: float = 20.0,
    model: ObservationModel | None = None,
) -> pl.DataFrame:
    """Residence of each user and month, and the weight of each observed one.

    `events` (of one recipe, from `first_date` to `last_date`, both included): user_key, cluster, local_date, hour
    (0–23, Europe/London). `clusters`: one row per user and valid cluster with user_key, cluster, class_group, output_area,
    authority. `outages`: started_at, ended_at (UTC), authority (null: all).

    A user is resident at a residential cluster (class group residential or hall) with at least `min_events` events of
    the month; of several at that with most events, then most days, then the larger share of 22–6 h, then the smaller
    number. A gap of at most `max_gap_months` months between observed months of one authority is `carried`: cluster and
    output area where those before and after agree, else null. Other months between observed ones are `missing`; there
    are no rows before the first and after the last observed month, and none for users without one.

    Weights: `probability_observed` is the chance that the month's largest residential cluster has `min_events` events,
    given the events of the user's other months and the days of collection (`ObservationModel`, fitted to these events
    unless `model` is given). `weight` is its inverse, at most `max_weight`, for users whose chance without outages is
    at least `least_chance`: the sum estimates how many such users live in an area, whether they were observed or not.
    `outage_weight` removes the outages alone: the sum estimates what would have been observed without them.

    Returns the frame MonthlyResidence, sorted by user and month. Raises ValueError on missing columns or values, a
    date outside the period, repeated clusters and options out of range.

    Source: ONS pilot of 2014 (GSS Methodology Series 41) for the minimum of events; inverse probability weights:
    Horvitz, Thompson, JASA 47 (1952) 663–685. Model and assumptions: docs/tweets/residence/monthly_residence.md.
    """
    _refuse_options(min_events, max_gap_months, least_chance, max_weight)
    checked = checked_events(events, ("user_key", "cluster", "local_date", "hour"))
    outside = checked.filter(~pl.col("local_date").is_between(first_date, last_date))
    if not outside.is_empty():
        message = (
            f"events: {outside.height} of {checked.height} rows outside {first_date} to {last_date}; the first on "
            f"{outside['local_date'][0]}"
        )
        raise ValueError(message)
    places = checked_clusters(clusters).filter(pl.col("class_group").is_in(RESIDENTIAL)).drop("class_group")
    largest = _largest_clusters(checked, places)
    days = collection_days(largest["authority"].fill_null(""), outages, first_date=first_date, last_date=last_date)
    table = _user_months(largest, days, min_events)
    if model is None:
        model = fit_observation_model(table, min_events=min_events)
    chances = _with_chances(table, model, min_events)
    rows = _carried(chances, max_gap_months).with_columns(
        weight=pl.when(pl.col("is_observed") & (pl.col("probability_without_outages") >= least_chance)).then(
            (1 / pl.col("probability_observed")).clip(1.0, max_weight)
        ),
        outage_weight=pl.when("is_observed").then(
            (pl.col("probability_without_outages") / pl.col("probability_observed")).clip(1.0, max_weight)
        ),
    )
    return MonthlyResidence.validate(rows.select(MonthlyResidence.column_names()).sort("user_key", "month"), cast=True)


def _refuse_options(min_events: int, max_gap_months: int, least_chance: float, max_weight: float) -> None:
    faults = {
        f"min_events is {min_events}; expected at least 1": min_events < 1,
        f"max_gap_months is {max_gap_months}; expected 0 or more": max_gap_months < 0,
        f"least_chance is {least_chance}; expected more than 0 and less than 1": not 0 < least_chance < 1,
        f"max_weight is {max_weight}; expected at least 1": not max_weight >= 1,
    }
    for message, is_fault in faults.items():
        if is_fault:
            raise ValueError(message)


def _largest_clusters(events: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Largest residential cluster of each user and month with events at one."""
    night = (pl.col("hour") >= NIGHT_FROM) | (pl.col("hour") < NIGHT_TO)
    return (
        events.join(places, on=["user_key", "cluster"])
        .group_by("user_key", pl.col("local_date").dt.month_start().alias("month"), *_PLACE)
        .agg(
            events=pl.len().cast(pl.Int64),
            active_days=pl.col("local_date").n_unique(),
            night_share=night.mean(),
        )
        .sort(
            *("user_key", "month", "events", "active_days", "night_share", "cluster"),
            descending=[False, False, True, True, True, False],
        )
        .unique(["user_key", "month"], keep="first", maintain_order=True)
        .drop("active_days", "night_share")
    )


def _user_months(largest: pl.DataFrame, days: pl.DataFrame, min_events: int) -> pl.DataFrame:
    """All months of the period for each user, with events and days of collection of this and the other months.

    In a month without events at a residential cluster the days are those of the authority of the last such month
    before, or else of the first one after.
    """
    grid = largest.select("user_key").unique().join(days.select("month").unique(), how="cross")
    rows = (
        grid.join(largest, on=["user_key", "month"], how="left")
        .sort("user_key", "month")
        .with_columns(
            pl.col("events").fill_null(0),
            exposed=pl.when(pl.col("events").is_not_null()).then(pl.col("authority").fill_null("")),
        )
        .with_columns(exposed=pl.col("exposed").forward_fill().backward_fill().over("user_key"))
        .join(days.rename({"authority": "exposed"}), on=["exposed", "month"], how="left", maintain_order="left")
    )
    return rows.with_columns(
        is_observed=pl.col("events") >= min_events,
        other_events=pl.col("events").sum().over("user_key") - pl.col("events"),
        other_days=(pl.col("days").sum().over("user_key") - pl.col("days")).clip(0.0),
    )


def _with_chances(table: pl.DataFrame, model: ObservationModel, min_events: int) -> pl.DataFrame:
    other_events, other_days = (table[name].cast(pl.Float64).to_numpy() for name in ("other_events", "other_days"))
    return table.with_columns(
        pl.Series(name, model.chance(other_events, other_days, table[column].to_numpy(), min_events))
        for name, column in (("probability_observed", "days"), ("probability_without_outages", "period_days"))
    )


def _carried(table: pl.DataFrame, max_gap_months: int) -> pl.DataFrame:
    """Rows from the first to the last observed month of each user, with status and the place that is known.

    `table` is sorted by user and month and has every month of the period.
    """
    observed = pl.when("is_observed").then("row")
    sides = (
        table.with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .with_columns(
            before=observed.forward_fill().over("user_key"),
            after=observed.backward_fill().over("user_key"),
        )
        .filter(pl.col("before").is_not_null(), pl.col("after").is_not_null())
    )
    places = table.select(*_PLACE)
    before, after = places[sides["before"]], places[sides["after"]]
    is_gap = sides["after"] - sides["before"] - 1 <= max_gap_months
    is_same = (before["authority"] == after["authority"]).fill_null(value=False)
    status = (
        pl.when("is_observed")
        .then(pl.lit("observed"))
        .when(is_gap & is_same)
        .then(pl.lit("carried"))
        .otherwise(pl.lit("missing"))
    )
    agreed = {
        name: pl.select(pl.when((before[name] == after[name]) & is_gap & is_same).then(before[name])).to_series()
        for name in _PLACE
    }
    return sides.with_columns(
        *(pl.when("is_observed").then(pl.col(name)).otherwise(agreed[name]).alias(name) for name in _PLACE),
        status=status,
    )


def detect_moves(
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    *,
    level: str = "authority",
    min_months_before: float = 0.5,
    min_months_after: float = 0.5,
    min_probability: float = 0.5,
    max_trip_months: float = 4.5,
    chain: ResidenceChain | None = None,
) -> pl.DataFrame:
    """Changes of residence of users between areas of one level, apart from trips and term-time returns.

    `events`, `clusters`, `level` and `chain` as for `residence_spells`; `clusters` may have cluster_type (study and
    term_home mark term-time areas, as halls do).

    Of the user's spells of residence those shorter than `min_months_before` or `min_months_after` (the smaller one;
    months of 30.4375 days from the first to the last day seen) are passed over; a move is a change of area from one of
    the rest to the next. Its `probability` is the product of the two largest probabilities of the chain that the user lived
    in the one and in the other. Kinds:

    * `term_start`, `term_end`: to or from a term-time area of the user (`term_areas`), the other being none. The first
      arrival and the last departure are migrations; those between are term-time returns.
    * `trip`: to another area and back within `max_trip_months`, both ways. No migration.
    * `move`: all others. A migration.

    A change is no migration either where it may be a term-time return and is not settled: where all that is seen of the
    user before or after lies within one vacation (`is_vacation_stay`).

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
    min_months_before: float = 0.5,
    min_months_after: float = 0.5,
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
        .agg(pl.col("first_date").min(), pl.col("last_date").max(), pl.col("days").sum(), pl.col("probability").max())
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
        is_vacation=is_vacation_stay(pl.col("first_date"), pl.col("last_date")),
        is_first=pl.col("spell") == 0,
        is_last=pl.col("spell") == pl.col("spell").max().over("user_key"),
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
        is_settled=~(before("is_first") & before("is_vacation") & (pl.col("months") < max_trip_months))
        & ~(pl.col("is_last") & pl.col("is_vacation")),
        both=pl.col("probability") * before("probability"),
        is_trip=is_trip.fill_null(value=False),
    ).filter(pl.col("from_area").is_not_null())
    kind = (
        pl.when(pl.col("is_term") & ~pl.col("from_term")).then(pl.lit("term_start"))
        .when(pl.col("from_term") & ~pl.col("is_term")).then(pl.lit("term_end"))
        .when("is_trip").then(pl.lit("trip"))
        .otherwise(pl.lit("move"))
    )  # fmt: skip
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
        is_migration=pl.col("is_settled")
        & pl.when(kind == "term_start").then(pl.col("arrival"))
        .when(kind == "term_end").then(pl.col("left_for_good"))
        .otherwise(kind == "move"),
    )  # fmt: skip


def time_at_risk(
    spells: pl.DataFrame,
    *,
    min_months_before: float = 0.5,
    min_months_after: float = 0.5,
    min_days_per_month: float = 4.0,
    every: str = "1mo",
) -> pl.DataFrame:
    """Time in which a move of a user would have been detected, by area of residence and period.

    `spells`: result of `settled_spells` with the same windows. A user is at risk from `min_months_before` months after
    the first day seen to `min_months_after` months before the last one, in the area of the spell of the day. Users
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
        spells.filter(is_active)
        .select("user_key", "area", begin=begin, end=end)
        .filter(pl.col("begin") < pl.col("end"))
    )
    parts = intervals.with_columns(
        period=pl.date_ranges(pl.col("begin").dt.truncate(every), pl.col("end"), every)
    ).explode("period", empty_as_null=False)
    overlap = pl.min_horizontal("end", pl.col("period").dt.offset_by(every)) - pl.max_horizontal("begin", "period")
    result = (
        parts.with_columns(months=overlap.dt.total_days() / DAYS_PER_MONTH)
        .filter(pl.col("months") > 0)
        .group_by("user_key", "area", "period")
        .agg(pl.col("months").sum())
        .sort("user_key", "area", "period")
    )
    return TimeAtRisk.validate(result, cast=True)
