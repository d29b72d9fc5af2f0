"""Settled figures and their revisions: what may change a figure once the days of the policy are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.dagster.by_period import code_hash
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.figures import AGGREGATES, METHOD_PACKAGES
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.recipes import parameters_hash
from ons_bigdata.prices.methods.revisions import settle_figures
from ons_bigdata.prices.schemas.indices import Figure, FigureRevision, RevisionEvent, SettledFigure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

SETTLED = Table(
    "analysis.settled_figures",
    SettledFigure,
    "One row per settled figure: the value that stands, whether it was revised since, and in which vintage.",
)
REVISIONS = Table(
    "analysis.figure_revisions",
    FigureRevision,
    "One row per revision of a settled figure: old value, new value and the events that are the reason.",
)
EVENTS = Table(
    "analysis.revision_events",
    RevisionEvent,
    "One row per event by which settled figures may change that has been taken into account. Internal: new events are "
    "found by comparing with it.",
)
CODE_OF_FIGURES = (*METHOD_PACKAGES, "ons_bigdata.prices.methods.scope", "ons_bigdata.estimation.input_checks")
"""Code that makes the figures and decides on scope: what judges quality or compares may change without an event."""

_GROUP = ["data_origin", "recipe", "method", "scope", "period"]


@tables_asset(
    name="settled_figures",
    tables=[SETTLED, REVISIONS, EVENTS],
    inputs={
        "figures": AGGREGATES.name,
        "policy": "seeds.revision_policy",
        "events": "intermediate.int_prices__revision_events",
        "item_days": "intermediate.int_prices__item_days_accepted",
    },
    can_subset=True,
)
def settled_figures(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Settle the figures whose days are over; change settled ones by events since the last run alone."""
    events = _events(inputs)
    new = events.join(run.read_own(EVENTS.name, ["event_id"]), on="event_id", how="anti")
    before = run.read_own(SETTLED.name, SettledFigure.column_names())
    days = inputs.read("item_days", ["data_origin", "collected_on"])
    last_days = dict(days.group_by("data_origin").agg(pl.col("collected_on").max()).iter_rows())
    after = settle_figures(
        inputs.read("figures", [*Figure.column_names(), "frequency", "index"]),
        before,
        inputs.read("policy", ["recipe", "frequency", "revisable_days"]),
        new,
        last_days,
    )
    stays = after.settled.join(before, on=after.settled.columns, how="anti", nulls_equal=True).select(_GROUP).unique()
    kept = before.select(_GROUP).unique().join(stays, on=_GROUP, how="anti")
    revisions = run.read_own(REVISIONS.name, FigureRevision.column_names())
    return {
        SETTLED.name: Output(
            after.settled.join(kept, on=_GROUP, how="anti"),
            {
                "settled_since": after.settled.height - before.height,
                "revised": after.revisions.height,
                "held": after.settled.filter("is_held").height,
            },
            kept=kept,
        ),
        REVISIONS.name: Output(pl.concat([revisions.cast(after.revisions.schema), after.revisions])),
        EVENTS.name: Output(events, {"new_events": new.height}),
    }


def _events(inputs: Inputs) -> pl.DataFrame:
    """Events of the database, and the state of the methods: of the code, and of each recipe's parameters."""
    code = " ".join(map(code_hash, CODE_OF_FIGURES))
    methods: list[tuple[str, str | None, str]] = [("code " + code, None, "new version of the code of the methods")]
    methods += [
        (f"recipe {recipe.name} {parameters_hash(recipe)}", recipe.name, f"new parameters of {recipe.name}")
        for recipe in current_recipes()
    ]
    columns = ["event_id", "recipe", "description"]
    rows = pl.DataFrame(methods, schema=dict.fromkeys(columns, pl.String), orient="row")
    of_methods = rows.with_columns(kind=pl.lit("new_method"))
    return pl.concat([inputs.read("events"), of_methods], how="diagonal").select(RevisionEvent.column_names())


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [settled_figures]
