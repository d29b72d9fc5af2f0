"""Elementary index of one retailer and item for one output of a recipe, and the inputs of its diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.bilateral.clip import clusters
from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Continued, Past
from ons_bigdata.prices.methods.recipes.forms import LinkedChain
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, base_rows, window_form
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.panels import without_large_relatives
from ons_bigdata.prices.methods.recipes.window_forms import TimeProductDummyForm, WindowStretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.forms import Form
    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

NO_PRODUCT = "no product with a price in both periods"
ALL_LEFT_OUT = "every price left out by the filter of large relatives"


@dataclass(frozen=True, eq=False)
class StratumForm:
    """An output's index of one retailer and item as a function of product weights, and the prices behind it.

    `form`: None where there is none, with the reason in `fault`. `offset`: the form's first row in the recipe's
    periods. `prices`: those that enter, periods x products, 0 where there is none. `left_out`: prices that a filter
    left out, by period.
    """

    form: Form | None
    offset: int
    prices: Floats
    left_out: Integers
    fault: str | None

    @property
    def priced(self) -> Booleans:
        """Mask of the products with a price: periods x products."""
        return self.prices > 0

    @property
    def rows(self) -> slice:
        """Rows of the recipe's periods that the form covers."""
        return slice(self.offset, self.offset + (0 if self.form is None else len(self.form.used)))

    def sampled_products(self, periods: slice) -> int:
        """Count the products that a resample draws from and that can count in any of some periods."""
        if self.form is None:
            return 0
        used = np.zeros(self.prices.shape, dtype=np.bool_)
        used[self.rows] = self.form.used
        return int(np.any(used[periods], axis=0).sum())

    @property
    def segments(self) -> Integers:
        """Number of the unbroken stretch of each of the recipe's periods, -1 where there is none."""
        segments = np.full(len(self.prices), ABSENT)
        if self.form is not None:
            segments[self.rows] = self.form.segments
        return segments

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued:
        """Compute indices and segments of each replicate in a block of the recipe's periods, and what is kept of them.

        Windows are computed in one block of all periods.
        """
        shape = (block.stop - block.start, len(weights))
        if self.form is None:
            return Continued(np.full(shape, np.nan), np.full(shape, ABSENT), past)
        if not isinstance(self.form, WindowStretches):
            return self.form.continued(weights, block, past)
        indices, segments = np.full(shape, np.nan), np.full(shape, ABSENT)
        indices[self.rows], segments[self.rows] = self.form.replicates(weights)
        return Continued(indices, segments, past)


@dataclass(frozen=True, eq=False)
class Elementary:
    """Index of one retailer and item: one row per period of the recipe.

    `indices`: index on any scale within a segment, nan where there is none; `segments`, -1 there. `reasons`: why there
    is no index though products are on sale. `used`: mask of the products compared, periods x products. `revisions`: log
    change that the newest window makes of the movement before, less that of the window before it.
    """

    indices: Floats
    segments: Integers
    reasons: list[str | None]
    used: Booleans
    revisions: Floats


def stratum_form(
    stratum: Stratum, daily_prices: Floats, output: RecipeOutput, periods: Periods, cluster_of: Integers | None = None
) -> StratumForm:
    """Form of an output for one retailer and item.

    `daily_prices`: those of the stratum that enter, calendar days x products. `cluster_of`: clusters of the products
    for the formula `clusters`, made by `shelf_clusters`.
    """
    prices, _ = periods.means(daily_prices)
    kept = prices if output.relative_limit is None else without_large_relatives(prices, output.relative_limit)
    left_out = (prices > 0).sum(axis=1) - (kept > 0).sum(axis=1)
    form, offset, fault = FORMULAS[output.formula].build(stratum, kept, output, periods, cluster_of)
    return StratumForm(form, offset, kept, left_out, fault)


def elementary_index(of: StratumForm) -> Elementary:
    """Index of one retailer and item with all products weighted alike."""
    return elementary_block(of, Block.whole(len(of.prices)), Past.none(1))[0]


def elementary_block(of: StratumForm, block: Block, past: Past) -> tuple[Elementary, Past]:
    """Index of one retailer and item in a block, all products weighted alike, and what is kept of it for the next.

    `of`: form of the prices of the block's view. `past`: what was kept of the periods before. Windows are computed in
    one block of all periods.
    """
    present, form = of.priced, of.form
    on_sale = np.any(present, axis=1)
    indices, revisions = np.full(len(present), np.nan), np.full(len(present), np.nan)
    segments = np.full(len(present), ABSENT)
    used = np.zeros_like(present)
    reasons = [
        of.fault if there else ALL_LEFT_OUT if out else None
        for there, out in zip(on_sale.tolist(), (of.left_out > 0).tolist(), strict=True)
    ]
    rows = of.rows
    if isinstance(form, WindowStretches):
        indices[rows], reasons[rows] = form.indices()
        segments[rows] = np.where(np.isfinite(indices[rows]), form.segments, ABSENT)
        revisions[rows] = form.revisions()
        used[rows] = form.matched
    elif form is not None:
        segments = past.onto(block, len(present))[1][:, 0]
        computed = form.continued(np.ones((1, present.shape[1])), block, past)
        indices[block.rows], segments[block.rows] = computed.indices[:, 0], computed.segments[:, 0]
        past = computed.past
        lost = on_sale & ~np.isfinite(indices)
        reasons = [of.fault or NO_PRODUCT if gone else why for gone, why in zip(lost, reasons, strict=True)]
        used = form.compared(segments) if isinstance(form, LinkedChain) else form.used
    own = block.rows
    used = (used & present)[own]
    return Elementary(indices[own], segments[own], reasons[own], used, revisions[own]), past


def movement_parts(of: StratumForm, indices: Floats, segments: Integers) -> Floats:
    """Log movement of an index from the period before that has one: prices, churn, gaps, splice; periods x 4.

    `indices`, `segments`: of `elementary_index`. nan where a movement has no start in the same segment. The splice is
    the difference between the published movement and the newest window's.
    """
    parts = np.full((len(indices), 4), np.nan)
    previous = previous_rows(segments >= 0)
    known = (previous >= 0) & (segments == segments[np.maximum(previous, 0)])
    if of.form is None:
        return parts
    rows = of.rows
    parts[rows, :3] = of.form.parts(previous_rows(segments[rows] >= 0), indices[rows], segments[rows])
    parts[:, 3] = 0.0
    if isinstance(of.form, WindowStretches):
        with np.errstate(divide="ignore", invalid="ignore"):
            movement = np.log(indices) - np.log(indices[np.maximum(previous, 0)])
        spliced = movement - parts[:, :3].sum(axis=1)
        parts[rows, 3] = np.where(of.form.keeps_newest_movement, 0.0, spliced[rows])
    return np.where(known[:, None], parts, np.nan)


def full_window_indices(of: StratumForm, indices: Floats, periods: Periods) -> Floats:
    """Index over one window of all periods, to measure drift against; nan where the index has no chain and no splice.

    Of a spliced index the same method, of a chain the time-product dummy.
    """
    full = np.full(len(indices), np.nan)
    if isinstance(of.form, WindowStretches):
        full[of.rows] = of.form.full_window_indices(indices[of.rows])
    elif isinstance(of.form, LinkedChain):
        form, offset = window_form(TimeProductDummyForm, of.prices, periods, window=None, splice=NOT_SPLICED)
        if form is not None:
            full[offset : offset + len(form.periods)] = form.indices()[0]
    return full


def shelf_clusters(stratum: Stratum, periods: Periods, output: RecipeOutput) -> Integers | None:
    """Clusters of the products of the whole shelf, whatever the scope; None for formulas without clusters."""
    if output.clip is None:
        return None
    prices, _ = periods.means(stratum.prices)
    base = base_rows(prices > 0, periods.base)
    there = prices > 0
    first = there.argmax(axis=0)
    logs = np.log(np.where(there, prices, 1.0))
    in_base = np.any(there[base], axis=0) if base.any() else np.zeros(prices.shape[1], dtype=np.bool_)
    seen = logs[first, np.arange(len(first))]
    return clusters(stratum.products, seen, stratum.pack_sizes, in_base, output.clip)
