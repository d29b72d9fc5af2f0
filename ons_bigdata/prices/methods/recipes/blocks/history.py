"""History of a data origin: days with quotes by retailer and item, the tree, the base week.

It is short. Quotes are needed of the view of a block alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.panels.input_checks import instance_of, refuse_no_text
from ons_bigdata.prices.methods.recipes.base_periods import checked_rhythms
from ons_bigdata.prices.methods.recipes.panels import in_season
from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights, index_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import SeasonalRule, Week

    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

Found = TypeVar("Found")

_KEY = ["retailer", "item_number"]


@dataclass(frozen=True, eq=False)
class OriginHistory:
    """Days of one data origin on which its retailers have quotes of items, the tree above these, and the base week.

    `days`: calendar, first to last. `strata`: retailers and items. `counts`: quotes of each day, strata x days, 0 where
    there is none. `rejected`: mask of the days whose counts were judged faulty. `week`: base week of all retailers
    together, which is that of the first connected part of each figure. `rhythms`: rhythm of collection of retailers;
    those not in it are collected daily. `has_quotes_out_of_scope`: True if any quote was judged out of its item, so
    that the scopes differ.
    """

    data_origin: str
    days: list[date]
    strata: list[tuple[str, int]]
    counts: Integers
    rejected: Booleans
    tree: list[TreeLevel]
    week: Week | None
    rhythms: Mapping[str, str]
    has_quotes_out_of_scope: bool
    _found: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what `find` found in this history at the first call with a key, which is kept."""
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found

    @cached_property
    def present(self) -> Booleans:
        """Mask of the days with quotes."""
        mask: Booleans = self.counts > 0
        return mask

    @property
    def retailers(self) -> list[str]:
        """Retailers with quotes, in order."""
        return sorted({retailer for retailer, _ in self.strata})

    def out_of_season(self, rule: SeasonalRule | None) -> Booleans:
        """Mask of the days on which a seasonal item has quotes but is out of season, strata x days.

        Season is a matter of the whole shelf, whatever the scope. Computed once for each rule.
        """
        return self.once(("out of season", rule), lambda: self._find_out_of_season(rule))

    def _find_out_of_season(self, rule: SeasonalRule | None) -> Booleans:
        mask = np.zeros(self.counts.shape, dtype=np.bool_)
        for row, (_, item) in enumerate(self.strata):
            if rule is not None and item in rule.items:
                mask[row] = self.present[row] & ~in_season(self.counts[row], rule)
        return mask


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

    `item_days`: retailer, item_number, collected_on, quotes. `rejected`: retailer, item_number, collected_on of the
    days whose counts were judged faulty. One row per retailer, item and day. `weights`: see `tree.TreeWeights`. `week`,
    `rhythms`: see `base_periods.base_weeks`.
    Raises ValueError as `index_tree` does, and on an unknown rhythm.
    """
    refuse_no_text("data_origin", data_origin)
    instance_of("weights", weights, TreeWeights)
    refuse_no_week(week)
    counted = _keyed(item_days, "item_days", ("quotes",))
    faulty = _keyed(rejected, "rejected")
    strata = sorted({(str(retailer), int(item)) for retailer, item in counted.select(_KEY).unique().iter_rows()})
    calendar: list[date] = []
    if not counted.is_empty():
        first, last = counted.select(first=pl.col("collected_on").min(), last=pl.col("collected_on").max()).row(0)
        calendar = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    counts = np.zeros((len(strata), len(calendar)), dtype=np.int64)
    counts[_places(counted, strata, calendar)] = counted["quotes"].to_numpy()
    mask = np.zeros(counts.shape, dtype=np.bool_)
    mask[_places(faulty, strata, calendar)] = True
    return OriginHistory(
        data_origin,
        calendar,
        strata,
        counts,
        mask,
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


def _keyed(rows: pl.DataFrame, name: str, columns: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = eager_frame(rows, name)
    refuse_missing_columns(rows, (*_KEY, "collected_on", *columns), name)
    return rows.select(pl.col("retailer").cast(pl.String), "item_number", "collected_on", *columns)


def _places(rows: pl.DataFrame, strata: list[tuple[str, int]], days: list[date]) -> tuple[Integers, Integers]:
    """Stratum and day of each row; of those that are in neither list none."""
    known = pl.DataFrame(
        {"retailer": [retailer for retailer, _ in strata], "item_number": [item for _, item in strata]},
        schema={"retailer": pl.String, "item_number": rows.schema["item_number"]},
    ).with_row_index("stratum")
    calendar = pl.DataFrame({"collected_on": days}, schema={"collected_on": pl.Date}).with_row_index("day")
    placed = rows.join(known, on=_KEY, how="left", maintain_order="left")
    placed = placed.join(calendar, on="collected_on", how="left", maintain_order="left").drop_nulls(["stratum", "day"])
    return placed["stratum"].cast(pl.Int64).to_numpy(), placed["day"].cast(pl.Int64).to_numpy()
