"""Elementary index of one retailer and item for one output of a recipe, and the inputs of its diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.bilateral.clip import clusters
from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED
from ons_bigdata.prices.methods.recipes.blocks.base_means import base_means
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Continued, Past
from ons_bigdata.prices.methods.recipes.blocks.views import RETURN_PERIODS
from ons_bigdata.prices.methods.recipes.forms import LinkedChain
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, FormInputs, base_rows, window_form
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.panels import without_large_relatives
from ons_bigdata.prices.methods.recipes.window_forms import TimeProductDummyForm, WindowStretches

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.base_means import BaseMeans
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
    """An output's index of one retailer and item in a block of periods, as a function of product weights.

    `form`: None where there is none, with the reason in `fault`, which is also that of periods in which no product
    counts. `prices`: those that enter, periods of the view x products, 0 where there is none. `left_out`: prices that a
    filter left out, by period of the block. `block`: the periods that are computed; `past`: the published index before
    them. `returns_within`: periods in which a product that is away must come back to count as one that returns.
    """

    form: Form | None
    prices: Floats
    left_out: Integers
    fault: str | None
    block: Block
    past: Past
    returns_within: int

    @property
    def priced(self) -> Booleans:
        """Mask of the products with a price: periods of the block x products."""
        return self.prices[self.rows] > 0

    @property
    def rows(self) -> slice:
        """Rows of the block in the view."""
        return self.block.rows

    @property
    def sampled_products(self) -> int:
        """Number of products that a resample draws from and that can count in a period of the block."""
        return 0 if self.form is None else int(np.any(self.form.used[self.rows], axis=0).sum())

    @property
    def segments(self) -> Integers:
        """Number of the unbroken stretch of each of the block's periods, -1 where there is none."""
        if self.form is None or (isinstance(self.form, LinkedChain) and self.block.start > 0):
            return self.continued(np.ones((1, self.prices.shape[1])), self.past).segments[:, 0]
        return self.form.segments[self.rows]

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Compute indices and segments of each replicate in a block without a past."""
        computed = self.continued(weights, Past.none(len(weights)))
        return computed.indices, computed.segments

    def continued(self, weights: Floats, past: Past) -> Continued:
        """Compute indices and segments of each replicate in the block. `past`: of the replicates."""
        if self.form is not None:
            return self.form.continued(weights, self.block, past)
        shape = (self.block.stop - self.block.start, len(weights))
        return Continued(np.full(shape, np.nan), np.full(shape, ABSENT), past)


@dataclass(frozen=True, eq=False)
class Elementary:
    """Index of one retailer and item: one row per period of the block.

    `indices`: index on any scale within a segment, nan where there is none; `segments`, -1 there. `reasons`: why there
    is no index though products are on sale. `used`: mask of the products compared, periods x products. `revisions`: log
    change that the newest window makes of the movement before, less that of the window before it. `past`: of the next
    block.
    """

    indices: Floats
    segments: Integers
    reasons: list[str | None]
    used: Booleans
    revisions: Floats
    past: Past


def stratum_form(
    stratum: Stratum, daily_prices: Floats, output: RecipeOutput, periods: Periods, cluster_of: Integers | None = None
) -> StratumForm:
    """Form of an output for one retailer and item over all periods.

    `daily_prices`: those of the stratum that enter, calendar days x products. `cluster_of`: clusters of the products
    for the formula `clusters`, made by `shelf_clusters`.
    """
    means, _ = periods.means(daily_prices)
    return block_form(stratum, means, output, periods, cluster_of=cluster_of)


def block_form(
    stratum: Stratum,
    means: Floats,
    output: RecipeOutput,
    periods: Periods,
    *,
    block: Block | None = None,
    past: Past | None = None,
    cluster_of: Integers | None = None,
    base: BaseMeans | None = None,
) -> StratumForm:
    """Form of an output for one retailer and item in a block of periods.

    `means`: mean prices that enter, periods of the view x products, 0 where there is none; how far the view reaches:
    `blocks.views`. `periods`: of the view. `block`, `past`: the periods to compute and the published index before them;
    without, all periods and none. `base`: prices of the base periods after the filter of large relatives; None where
    these are in the view. For the formula `clusters` the products of the base are among those of the stratum.
    """
    block, past = block or Block.whole(len(means)), past or Past.none(1)
    kept = means if output.relative_limit is None else without_large_relatives(means, output.relative_limit)
    left_out = (means[block.rows] > 0).sum(axis=1) - (kept[block.rows] > 0).sum(axis=1)
    inputs = FormInputs(stratum, kept, output, periods, block, past, cluster_of, base)
    form, fault = FORMULAS[output.formula].build(inputs)
    return StratumForm(form, kept, left_out, fault, block, past, RETURN_PERIODS[output.frequency])


def elementary_index(of: StratumForm) -> Elementary:
    """Index of one retailer and item with all products weighted alike."""
    present, form = of.priced, of.form
    on_sale, left_out = np.any(present, axis=1), of.left_out > 0
    used, revisions = np.zeros_like(present), np.full(len(present), np.nan)
    if isinstance(form, WindowStretches):
        indices, faults = form.indices(of.past)
        segments = np.where(np.isfinite(indices), form.segments[of.rows], ABSENT)
        past = form.followed_by(of.past, indices[:, None], segments[:, None])
        used, revisions = form.matched[of.rows], form.revisions()[of.rows]
    else:
        computed = of.continued(np.ones((1, present.shape[1])), of.past)
        indices, segments, past = computed.indices[:, 0], computed.segments[:, 0], computed.past
        lost = on_sale & ~np.isfinite(indices)
        faults = [of.fault or NO_PRODUCT if gone else None for gone in lost.tolist()]
    if isinstance(form, LinkedChain):
        used = form.compared(_on_view(of, segments, of.past.onto(of.block, len(of.prices))[1]))[of.rows]
    elif form is not None and not isinstance(form, WindowStretches):
        used = form.used[of.rows]
    all_left_out = (left_out & ~on_sale).tolist()
    reasons = [fault or (ALL_LEFT_OUT if out else None) for fault, out in zip(faults, all_left_out, strict=True)]
    return Elementary(indices, segments, reasons, used & present, revisions, past)


def movement_parts(of: StratumForm, indices: Floats, segments: Integers) -> Floats:
    """Log movement of an index from the period before that has one: prices, churn, gaps, splice; periods x 4.

    `indices`, `segments`: of `elementary_index`. nan where a movement has no start in the same segment. The splice is
    the difference between the published movement and the newest window's. Raises ValueError where the view lacks the
    period before, or for parts by products the periods in which one of them may have left.
    """
    parts = np.full((len(indices), 4), np.nan)
    if of.form is None:
        return parts
    rows = of.rows
    levels, numbers = of.past.onto(of.block, len(of.prices))
    indices, segments = _on_view(of, indices, levels), _on_view(of, segments, numbers)
    previous = previous_rows(segments >= 0)
    _refuse_short_view(of, previous[rows], segments[rows])
    known = (previous >= 0) & (segments == segments[np.maximum(previous, 0)])
    parts[:, :3] = of.form.parts(previous, indices, segments, rows, of.returns_within)
    parts[:, 3] = 0.0
    if isinstance(of.form, WindowStretches):
        with np.errstate(divide="ignore", invalid="ignore"):
            movement = np.log(indices[rows]) - np.log(indices[np.maximum(previous[rows], 0)])
        parts[:, 3] = np.where(of.form.keeps_newest_movement[rows], 0.0, movement - parts[:, :3].sum(axis=1))
    return np.where(known[rows, None], parts, np.nan)


def _on_view(of: StratumForm, values: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    """Values of the block after those of the past, on the rows of the view. `before`: periods of the view x 1."""
    whole: NDArray[Any] = before[:, 0].copy()
    whole[of.rows] = values
    return whole


def _refuse_short_view(of: StratumForm, previous: Integers, segments: Integers) -> None:
    """Raise ValueError where the parts of a movement need periods before the view. `previous`: rows of the view."""
    if of.block.view == 0 or not (segments >= 0).any():
        return
    first = int((segments >= 0).argmax())
    needed = of.block.view + int(previous[first])
    if previous[first] < 0:
        continues = of.past.last != ABSENT and of.past.segments[-1, 0] == segments[first]
        needed = of.past.last if continues else of.block.start
    if not isinstance(of.form, LinkedChain):
        needed -= of.returns_within
    if needed < of.block.view:
        message = (
            f"block: found a view from period {of.block.view}, expected from {max(needed, 0)} for parts of movements"
        )
        raise ValueError(message)


def full_window_indices(of: StratumForm, indices: Floats, periods: Periods) -> Floats:
    """Index over one window of all periods, to measure drift against; nan where the index has no chain and no splice.

    Of a spliced index the same method, of a chain the time-product dummy.
    """
    if isinstance(of.form, WindowStretches):
        return of.form.full_window_indices(indices)
    if isinstance(of.form, LinkedChain):
        form = window_form(TimeProductDummyForm, of.prices, periods, window=None, splice=NOT_SPLICED)
        return form.indices(Past.none(1))[0]
    return np.full(len(indices), np.nan)


def shelf_clusters(stratum: Stratum, periods: Periods, output: RecipeOutput) -> Integers | None:
    """Clusters of the products of the whole shelf, whatever the scope; None for formulas without clusters."""
    if output.clip is None:
        return None
    prices, _ = periods.means(stratum.prices)
    there = prices > 0
    base = base_means(prices, base_rows(there, periods.base))
    first_prices = prices[there.argmax(axis=0), np.arange(prices.shape[1])]
    return cluster_numbers(stratum, first_prices, base.quotes > 0, output)


def cluster_numbers(stratum: Stratum, first_prices: Floats, in_base: Booleans, output: RecipeOutput) -> Integers | None:
    """Clusters of some products of a shelf, all of the base among them; None for formulas without clusters.

    `stratum`: names and pack sizes of the products. `first_prices`: mean price of each in the first period in which it
    is on the shelf, GBP; 0 for one that never is. `in_base`: those with a price in the base periods of the shelf. The
    number of a product does not depend on products that are not of the base.
    """
    if output.clip is None:
        return None
    logs = np.log(np.where(first_prices > 0, first_prices, 1.0))
    return clusters(stratum.products, logs, stratum.pack_sizes, in_base, output.clip)
