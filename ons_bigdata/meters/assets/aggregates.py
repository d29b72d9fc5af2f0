"""Aggregates of meters, controlled for disclosure: consumption of groups of homes, and states of half hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.schemas.aggregates import ControlledConsumption, ControlledStates, PublicationRule
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSUMPTION = "analysis.meter_consumption_controlled"
STATES = "analysis.meter_states_controlled"

SECONDARY = "secondary"
"""Status of a share that is hidden, since a hidden one could be computed from it."""

_RULES = ("threshold", "rounding_base", "missing_half_hours", "least_coverage")
_MEASURES = ("kwh_per_day", "kwh_per_day_se", "kwh_per_day_median", "reading_share", "zero_day_share", "imputed_share")


@tables_asset(
    name="meter_aggregates_controlled",
    tables=[
        Table(CONSUMPTION, ControlledConsumption, "One row per group of homes and period: consumption of its meters."),
        Table(STATES, ControlledStates, "One row per format, month and state of half hours: their share."),
    ],
    inputs={
        "consumption": "restricted.meter_consumption_cells",
        "states": "restricted.meter_state_cells",
        "rules": "seeds.meter_publication_rules",
    },
)
def meter_aggregates_controlled(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Threshold and rounding of the numbers of meters, and no figure where they are below the threshold."""
    rules = read_rules(inputs)
    threshold, base = int(rules["threshold"]), int(rules["rounding_base"])
    outputs = {
        CONSUMPTION: controlled_consumption(inputs.read("consumption"), threshold=threshold, base=base),
        STATES: controlled_states(inputs.read("states"), threshold=threshold, base=base),
    }
    return {
        table: Output(frame, {"published": int((frame["status"] == PUBLISHED).sum())})
        for table, frame in outputs.items()
    }


def read_rules(inputs: Inputs) -> dict[str, float]:
    """Parameters of the aggregates. Raises InputError where one is missing or unknown."""
    values = dict(PublicationRule.validate(inputs.read("rules", PublicationRule.column_names())).iter_rows())
    if set(values) != set(_RULES):
        raise InputError(
            f"seeds.meter_publication_rules has {', '.join(sorted(values))}; expected {', '.join(sorted(_RULES))}"
        )
    return values


def controlled_consumption(cells: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Cells of which the meters may be counted; the median, which is one home's or near it, to a tenth."""
    controlled = control_counts(cells, "meters", threshold=threshold, base=base)
    shown = pl.col("status") == PUBLISHED
    rounded = controlled.with_columns(pl.col("kwh_per_day_median").round(1))
    return rounded.with_columns(pl.when(shown).then(pl.col(name)).alias(name) for name in _MEASURES).select(
        ControlledConsumption.column_names()
    )


def controlled_states(cells: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Shares of states that enough meters have; of fewer, the number of meters of the month alone.

    The shares of a month add up to 1: where one is hidden, that of the most frequent state is, too (`secondary`),
    so that it cannot be computed.
    """
    months = control_counts(cells, "meters", threshold=threshold, base=base).drop("status")
    controlled = control_counts(months, "affected_meters", threshold=threshold, base=base)
    month = ["data_origin", "format", "month"]
    has_hidden = (pl.col("status") != PUBLISHED).any().over(month)
    is_most_frequent = pl.col("share").rank("ordinal", descending=True).over(month) == 1
    is_secondary = has_hidden & is_most_frequent & (pl.col("status") == PUBLISHED)
    controlled = controlled.sort(*month, "state").with_columns(
        pl.when(is_secondary).then(pl.lit(SECONDARY)).otherwise("status").alias("status")
    )
    shown = pl.col("status") == PUBLISHED
    return controlled.with_columns(pl.when(shown).then(pl.col("share").round(3)).alias("share")).select(
        ControlledStates.column_names()
    )


ASSETS = [meter_aggregates_controlled]
