"""Secondary suppression: cells that would uncover a hidden one by subtraction from a total are hidden, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLISHED, SECONDARY = "published", "secondary"


def hide_secondary(cells: pl.DataFrame, margins: Sequence[tuple[Sequence[str], pl.Expr]]) -> pl.DataFrame:
    """Cells with a second one hidden in each group of parts that has a single hidden one; status "secondary".

    `cells`: devices (null where hidden) and status. `margins`: the columns of each kind of group whose total is known,
    and which of its cells are parts (true) and no totals. The part with fewest devices is hidden;
    of equal ones the first. Repeated until no group has a single hidden part, or nothing is left to hide in it. Other
    columns than status stay: see `without_numbers`.

    Source: Hundepool et al., Statistical Disclosure Control (2012), section 4.4 (hypercube method in one direction at a
    time, the smallest cell first).
    """
    while True:
        before = cells["status"]
        for margin, is_part in margins:
            numbered = cells.with_row_index("row")
            is_shown = pl.col("status") == PUBLISHED
            parts = numbered.filter(is_part)
            single = parts.group_by(margin).agg(hidden=(~is_shown).sum()).filter(pl.col("hidden") == 1)
            chosen = (
                parts.join(single, on=list(margin), how="semi", nulls_equal=True)
                .filter(is_shown)
                .sort("devices", "row")
                .unique(list(margin), keep="first", maintain_order=True)["row"]
            )
            hide = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(chosen.implode())
            cells = cells.with_columns(status=pl.when(hide).then(pl.lit(SECONDARY)).otherwise("status"))
        if cells["status"].equals(before):
            return cells


def hide_uncovering_totals(cells: pl.DataFrame, by: Sequence[str], is_total: pl.Expr, is_part: pl.Expr) -> pl.DataFrame:
    """Cells with a total hidden (status "secondary") where a single part of its group `by` is hidden."""
    is_hidden = pl.col("status") != PUBLISHED
    uncovers = (is_hidden & is_part).sum().over(by) == 1
    return cells.with_columns(
        status=pl.when(is_total & uncovers & ~is_hidden).then(pl.lit(SECONDARY)).otherwise("status")
    )


def without_numbers(cells: pl.DataFrame, numbers: Sequence[str]) -> pl.DataFrame:
    """Cells of which the hidden ones have null in the columns `numbers`."""
    is_shown = pl.col("status") == PUBLISHED
    return cells.with_columns(pl.when(is_shown).then(pl.col(name)).alias(name) for name in numbers)
