"""What is known of all history of a data origin: days with quotes by retailer and item, the tree, the base week.

It is short. Quotes are needed of the view of a block alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.panels.input_checks import instance_of, refuse_no_text
from ons_bigdata.prices.methods.recipes.base_periods import checked_rhythms
from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights, index_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import Week

    Booleans = NDArray[np.bool_]

_KEY = ("retailer", "item_number")


@dataclass(frozen=True, eq=False)
class OriginHistory:
    """Days of one data origin on which its retailers have quotes of items, the tree above these, and the base week.

    `days`: calendar, first to last. `strata`: retailers and items. `present`, `rejected`: strata x days, masks of the
    days with quotes and of those whose counts were judged faulty. `week`: base week of all retailers together, which is
    that of the first connected part of each figure. `rhythms`: rhythm of collection of retailers; those not in it are
    collected daily. `has_quotes_out_of_scope`: True if any quote was judged out of its item, so that the scopes differ.
    """

    data_origin: str
    days: list[date]
    strata: list[tuple[str, int]]
    present: Booleans
    rejected: Booleans
    tree: list[TreeLevel]
    week: Week | None
    rhythms: Mapping[str, str]
    has_quotes_out_of_scope: bool

    @property
    def retailers(self) -> list[str]:
        """Retailers with quotes, in order."""
        return sorted({retailer for retailer, _ in self.strata})


def origin_history(
    item_days: pl.DataFrame,
    *,
    data_origin: str,
    rejected: pl.DataFrame,
    weights: TreeWeights,
    week: Week | None,
    rhythms: Mapping[str, str] | None = None,
    has_quotes_out_of_scope: bool,
) -> OriginHistory:
    """Arrange the days with quotes of each retailer and item, and build the tree above them.

    `item_days`, `rejected`: retailer, item_number, collected_on of the days with quotes and of those whose counts were
    judged faulty; rows may repeat. `weights`: see `tree.TreeWeights`. `week`, `rhythms`: see `base_periods.base_weeks`.
    Raises ValueError as `index_tree` does, and on an unknown rhythm.
    """
    refuse_no_text("data_origin", data_origin)
    instance_of("weights", weights, TreeWeights)
    refuse_no_week(week)
    known = _item_days(item_days, "item_days")
    strata = sorted(known)
    first = min((min(days) for days in known.values()), default=None)
    last = max((max(days) for days in known.values()), default=None)
    calendar: list[date] = []
    if first is not None and last is not None:
        calendar = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    faulty = _item_days(rejected, "rejected")
    return OriginHistory(
        data_origin,
        calendar,
        strata,
        _mask(strata, known, calendar),
        _mask(strata, faulty, calendar),
        index_tree(strata, weights) if strata else [],
        week,
        checked_rhythms(rhythms),
        has_quotes_out_of_scope,
    )


def refuse_no_week(week: object) -> None:
    """Raise ValueError if a base week is neither None nor a pair of days, first and last."""
    is_pair = isinstance(week, tuple) and len(week) == 2 and all(isinstance(day, date) for day in week)
    if week is not None and not is_pair:
        message = f"week: found {type(week).__name__}, expected the first and the last day, or None"
        raise ValueError(message)


def _item_days(rows: pl.DataFrame, name: str) -> dict[tuple[str, int], set[date]]:
    rows = eager_frame(rows, name)
    refuse_missing_columns(rows, (*_KEY, "collected_on"), name)
    grouped = rows.group_by(pl.col("retailer").cast(pl.String), "item_number").agg("collected_on")
    return {(retailer, item): set(days) for retailer, item, days in grouped.iter_rows()}


def _mask(strata: list[tuple[str, int]], days_of: Mapping[tuple[str, int], set[date]], days: list[date]) -> Booleans:
    place = {day: n for n, day in enumerate(days)}
    mask = np.zeros((len(strata), len(days)), dtype=np.bool_)
    for row, stratum in enumerate(strata):
        mask[row, [place[day] for day in days_of.get(stratum, ()) if day in place]] = True
    return mask
