"""Settled figures: a figure moves for the days that the policy gives it, and then only by a named event.

Rules and meaning: docs/prices/indices/revisions.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.schemas.indices import Figure, FigureRevision, RevisionEvent, SettledFigure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

SAME = 1e-9
"""Relative difference up to which two values are the same figure: sums in another order differ by less."""

_KEY = list(Figure.column_names())
_FIGURES = {name: column.dtype for name, column in Figure.columns().items()} | {
    "frequency": pl.String(),
    "index": pl.Float64(),
}
_POLICY = {"recipe": pl.String(), "frequency": pl.String(), "revisable_days": pl.Int32()}
_VARIANT = re.compile(r"_link_\d+_days$")
"""End of the name of a recipe with a link window of its own: it has the policy of the recipe that it varies."""

MOST_EVENTS_NAMED = 5


@dataclass(frozen=True, eq=False)
class SettledFigures:
    """Settled figures after a computation and the changes that it made: `SettledFigure` and `FigureRevision` rows."""

    settled: pl.DataFrame
    revisions: pl.DataFrame


def settle_figures(
    figures: pl.DataFrame,
    before: pl.DataFrame,
    policy: pl.DataFrame,
    events: pl.DataFrame,
    last_days: Mapping[str, date],
) -> SettledFigures:
    """Settle the figures whose days are over, and let settled ones change by named events alone.

    `figures`: key, frequency and index (null where there is none) as computed now. `before`: `SettledFigure` rows of
    the computation before. `policy`: recipe, frequency and revisable_days, the days after the end of its period for
    which a figure may move. `events`: `RevisionEvent` rows since the computation before. `last_days`: last day with
    quotes of each data origin; a figure is settled where its days end by then.

    A settled figure whose value is another one now, by more than rounding, takes it where an event bears on it: one of
    its data origin (or of any), of its recipe (or of any), from a day on that is not after its period. It then is
    `revised`, and the change is a row. Without an event it keeps its value, and `held_index` is the one computed now.
    A settled figure that is no longer computed stays, and `is_computed` is false.

    Raises ValueError for a figure without a policy, a policy that is given twice or negative, and a figure of a data
    origin without a last day.
    """
    ends = _with_settling_days(figures, policy, last_days)
    known = before.select(SettledFigure.column_names())
    compared = known.join(ends, on=_KEY, how="left", suffix="_now", nulls_equal=False).with_columns(
        is_computed=pl.col("settles_on_now").is_not_null()
    )
    differs = pl.col("is_computed") & ~_is_same(pl.col("index"), pl.col("index_now"))
    revisions = _revisions(compared.filter(differs), events)
    revised = revisions.select(*_KEY, "new_index", "revision", revised_in="vintage")
    merged = compared.join(revised, on=_KEY, how="left")
    is_revised = pl.col("revised_in").is_not_null()
    kept = merged.with_columns(
        held_index=pl.when(differs & ~is_revised).then("index_now"),
        is_held=differs & ~is_revised,
        index=pl.when(is_revised).then("new_index").otherwise("index"),
        revision_status=pl.when(is_revised).then(pl.lit("revised")).otherwise("revision_status"),
        revisions=pl.coalesce("revision", "revisions"),
        vintage=pl.when(is_revised).then("revised_in").otherwise("vintage"),
    )
    new = (
        ends.filter(pl.col("settles_on") <= pl.col("last_day"))
        .join(known.select(_KEY), on=_KEY, how="anti")
        .with_columns(
            revision_status=pl.lit("settled"),
            revisions=pl.lit(0, pl.Int32),
            vintage="last_day",
            held_index=pl.lit(None, pl.Float64),
            is_held=pl.lit(value=False),
            is_computed=pl.lit(value=True),
        )
    )
    columns = SettledFigure.column_names()
    settled = pl.concat([kept.select(columns), new.select(columns)]).sort(_KEY)
    return SettledFigures(SettledFigure.validate(settled, cast=True), FigureRevision.validate(revisions, cast=True))


def last_days_of_periods(period: pl.Expr, frequency: pl.Expr) -> pl.Expr:
    """Last day of each period: the day itself, the Sunday of the week, the last of the month."""
    return (
        pl.when(frequency == "daily")
        .then(period)
        .when(frequency == "weekly")
        .then(period + pl.duration(days=6))
        .when(frequency == "monthly")
        .then(period.dt.month_end())
    )


def _is_same(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    close = (one - other).abs() <= SAME * pl.max_horizontal(one.abs(), other.abs())
    return (one.is_null() & other.is_null()) | close.fill_null(value=False)


def _with_settling_days(figures: pl.DataFrame, policy: pl.DataFrame, last_days: Mapping[str, date]) -> pl.DataFrame:
    """Add the last day of each figure's period, the day on which it settles, and the last day of its data origin."""
    rows = checked_columns(figures, _FIGURES, "figures")
    days = checked_columns(policy, _POLICY, "revision policy")
    faults = {
        "a recipe and frequency twice": pl.struct("recipe", "frequency").is_duplicated(),
        "revisable_days that are null or below 0": (pl.col("revisable_days") < 0).fill_null(value=True),
    }
    refuse_rows(days, faults, "revision policy")
    last = pl.DataFrame(
        {"data_origin": list(last_days), "last_day": list(last_days.values())},
        schema={"data_origin": pl.String, "last_day": pl.Date},
    )
    joined = (
        rows.with_columns(policy_recipe=pl.col("recipe").str.replace(_VARIANT.pattern, ""))
        .join(days.rename({"recipe": "policy_recipe"}), on=["policy_recipe", "frequency"], how="left")
        .join(last, on="data_origin", how="left")
    )
    missing = {
        "no revision policy for its recipe and frequency": pl.col("revisable_days").is_null(),
        "no last day with quotes of its data origin": pl.col("last_day").is_null(),
    }
    refuse_rows(joined, missing, "figures")
    return joined.with_columns(
        last_day_of_period=last_days_of_periods(pl.col("period"), pl.col("frequency"))
    ).with_columns(settles_on=pl.col("last_day_of_period") + pl.duration(days="revisable_days"))


def _revisions(changed: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """One row per changed settled figure on which an event bears, with the events."""
    known = checked_columns(events, RevisionEvent.create_empty().schema, "events")
    if changed.is_empty() or known.is_empty():
        return FigureRevision.create_empty()
    names = known.select(
        "event_id", "kind", "description", "first_day", event_origin="data_origin", event_recipe="recipe"
    )
    pairs = changed.join(names, how="cross").filter(
        pl.col("event_origin").is_null() | (pl.col("event_origin") == pl.col("data_origin")),
        pl.col("event_recipe").is_null() | (pl.col("event_recipe") == pl.col("recipe")),
        pl.col("first_day").is_null() | (pl.col("first_day") <= pl.col("last_day_of_period")),
    )
    listed = pl.col("description").sort_by("event_id")
    more = pl.len().cast(pl.Int64) - MOST_EVENTS_NAMED
    return (
        pairs.group_by(*_KEY, maintain_order=True)
        .agg(
            revision=pl.col("revisions").first() + 1,
            vintage=pl.col("last_day").first(),
            frequency=pl.col("frequency_now").first(),
            old_index=pl.col("index").first(),
            new_index=pl.col("index_now").first(),
            kinds=pl.col("kind").unique().sort().str.join(", "),
            reason=listed.head(MOST_EVENTS_NAMED).str.join("; ")
            + pl.when(more > 0).then(pl.format("; and {} more", more)).otherwise(pl.lit("")),
        )
        .select(FigureRevision.column_names())
    )
