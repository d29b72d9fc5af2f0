"""Elementary index of one retailer and item for one output of a recipe, and the inputs of its diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED
from ons_bigdata.prices.methods.recipes.clip import clusters
from ons_bigdata.prices.methods.recipes.forms import ABSENT, ClusterJevons, LinkedChain, RatioOfSums
from ons_bigdata.prices.methods.recipes.panels import without_large_relatives
from ons_bigdata.prices.methods.recipes.window_forms import METHODS as WINDOW_METHODS
from ons_bigdata.prices.methods.recipes.window_forms import WindowForm

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

    @property
    def sampled_products(self) -> int:
        """Number of products that a resample draws from and that can count in any period."""
        return 0 if self.form is None else int(np.any(self.form.used, axis=0).sum())

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Compute indices and segments of each replicate on the recipe's periods."""
        shape = (len(self.prices), len(weights))
        levels, segments = np.full(shape, np.nan), np.full(shape, ABSENT)
        if self.form is not None:
            levels[self.rows], segments[self.rows] = self.form.replicates(weights)
        return levels, segments


@dataclass(frozen=True, eq=False)
class Elementary:
    """Index of one retailer and item: one row per period of the recipe.

    `levels`: index on any scale within a segment, nan where there is none; `segments`, -1 there. `reasons`: why there
    is no index though products are on sale. `used`: mask of the products compared, periods x products. `revisions`: log
    change that the newest window makes of the movement before, less that of the window before it.
    """

    levels: Floats
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
    form, offset, fault = _form(stratum, kept, output, periods, cluster_of)
    return StratumForm(form, offset, kept, left_out, fault)


def elementary_index(of: StratumForm) -> Elementary:
    """Index of one retailer and item with all products weighted alike."""
    present, form, rows = of.priced, of.form, of.rows
    on_sale = np.any(present, axis=1)
    levels, revisions = np.full(len(present), np.nan), np.full(len(present), np.nan)
    segments = np.full(len(present), ABSENT)
    used = np.zeros_like(present)
    reasons = [
        of.fault if there else ALL_LEFT_OUT if out else None
        for there, out in zip(on_sale.tolist(), (of.left_out > 0).tolist(), strict=True)
    ]
    if isinstance(form, WindowForm):
        levels[rows], reasons[rows] = form.levels()
        segments[rows] = np.where(np.isfinite(levels[rows]), 0, ABSENT)
        revisions[rows] = form.revisions()
        used[rows] = form.matched
    elif form is not None:
        replicate = form.replicates(np.ones((1, present.shape[1])))
        levels[rows], segments[rows] = replicate[0][:, 0], replicate[1][:, 0]
        lost = on_sale & ~np.isfinite(levels)
        reasons = [of.fault or NO_PRODUCT if gone else why for gone, why in zip(lost, reasons, strict=True)]
        used[rows] = form.compared(segments[rows]) if isinstance(form, LinkedChain) else form.used
    return Elementary(levels, segments, reasons, used & present, revisions)


def movement_parts(of: StratumForm, levels: Floats, segments: Integers) -> Floats:
    """Log movement of an index from the period before that has one: prices, churn, gaps, splice; periods x 4.

    `levels`, `segments`: of `elementary_index`. nan where a movement has no start in the same segment. The splice is
    the difference between the published movement and the newest window's.
    """
    parts = np.full((len(levels), 4), np.nan)
    previous = _previous(segments)
    known = (previous >= 0) & (segments == segments[np.maximum(previous, 0)])
    if of.form is None:
        return parts
    rows = of.rows
    parts[rows, :3] = of.form.parts(_previous(segments[rows]), levels[rows], segments[rows])
    parts[:, 3] = 0.0
    if isinstance(of.form, WindowForm) and of.form.is_spliced and of.form.splice != "movement":
        with np.errstate(divide="ignore", invalid="ignore"):
            movement = np.log(levels) - np.log(levels[np.maximum(previous, 0)])
        parts[:, 3] = movement - parts[:, :3].sum(axis=1)
    return np.where(known[:, None], parts, np.nan)


def full_window_levels(of: StratumForm, levels: Floats, periods: Periods) -> Floats:
    """Index over one window of all periods, to measure drift against; nan where the index has no chain and no splice.

    Of a spliced index the same method, of a chain the time-product dummy.
    """
    full = np.full(len(levels), np.nan)
    if isinstance(of.form, WindowForm):
        full[of.rows] = of.form.levels(full=True)[0] if of.form.is_spliced else levels[of.rows]
    elif isinstance(of.form, LinkedChain):
        form, offset = _window_form(of.prices, periods, "time_product_dummy", None, NOT_SPLICED)
        if form is not None:
            full[offset : offset + len(form.periods)] = form.levels()[0]
    return full


def shelf_clusters(stratum: Stratum, periods: Periods, output: RecipeOutput) -> Integers | None:
    """Clusters of the products of the whole shelf, whatever the scope; None for formulas without clusters."""
    if output.clip is None:
        return None
    prices, _ = periods.means(stratum.prices)
    base = _base_rows(prices > 0, periods.base)
    there = prices > 0
    first = there.argmax(axis=0)
    logs = np.log(np.where(there, prices, 1.0))
    in_base = np.any(there[base], axis=0) if base.any() else np.zeros(prices.shape[1], dtype=np.bool_)
    seen = logs[first, np.arange(len(first))]
    return clusters(stratum.products, seen, stratum.pack_sizes, in_base, output.clip)


def _form(
    stratum: Stratum, prices: Floats, output: RecipeOutput, periods: Periods, cluster_of: Integers | None
) -> tuple[Form | None, int, str | None]:
    """Form of an output, its first row, and the reason where there is none."""
    present = prices > 0
    logs = np.log(np.where(present, prices, 1.0))
    if output.formula in WINDOW_METHODS:
        return *_window_form(prices, periods, output.formula, output.window, output.splice), None
    if output.formula == "chained_jevons":
        return linked_chain(logs, present, output.link_window_days or 0), 0, None
    if output.formula == "carried_jevons":
        return carried_chain(logs, present, output.carry_days or 0), 0, None
    if output.formula == "unit_price":
        known = present & np.isfinite(stratum.pack_sizes)
        unit_prices = np.where(known, prices / np.where(known, stratum.pack_sizes, 1.0), 0.0)
        form = RatioOfSums(unit_prices, known.astype(np.float64), known)
    else:
        return _based_form(stratum, prices, output, periods, cluster_of)
    return (form, 0, None) if known.any() else (None, 0, "no product has a pack size")


def _based_form(
    stratum: Stratum, prices: Floats, output: RecipeOutput, periods: Periods, cluster_of: Integers | None
) -> tuple[Form | None, int, str | None]:
    """Form that compares with the base."""
    present = prices > 0
    base = periods.base if output.formula == "base_week_jevons" else _base_rows(present, periods.base)
    if not (base.any() and present[base].any()):
        return None, 0, "no product with a price in the base period"
    if output.formula == "clusters":
        if cluster_of is None:
            message = f"{output.method}: clusters are missing"
            raise ValueError(message)
        members = cluster_of[:, None] == np.unique(cluster_of)
        logs = np.where(present, np.log(np.where(present, prices, 1.0)), 0.0)
        return ClusterJevons(logs, present, members, base), 0, None
    formula = "jevons" if output.formula == "base_week_jevons" else _formula_of(stratum.item_number, output)
    if formula is None:
        return None, 0, f"the recipe has no formula for item {stratum.item_number}"
    return fixed_base(formula, prices, base), 0, None


def _formula_of(item: int, output: RecipeOutput) -> str | None:
    known = dict(output.item_formulas)
    return known.get(item, known.get(0))


def fixed_base(formula: str, prices: Floats, base: Booleans) -> RatioOfSums:
    """Compare with the products' mean price over the base periods: jevons (geometric mean), dutot or carli.

    Raises ValueError on another formula; lists the known ones. Source: ILO et al., Consumer Price Index Manual: Theory
    and Practice (2004), chapter 20.
    """
    present = prices > 0
    count = present[base].sum(axis=0)
    matched = present & (count > 0)
    at_base = prices[base].sum(axis=0) / np.maximum(count, 1)
    if formula == "jevons":
        logs = np.log(np.where(present, prices, 1.0))
        mean = logs[base].sum(axis=0) / np.maximum(count, 1)
        return RatioOfSums(np.where(matched, logs - mean, 0.0), matched.astype(np.float64), present, in_logs=True)
    if formula == "dutot":
        return RatioOfSums(np.where(matched, prices, 0.0), np.where(matched, at_base, 0.0), present)
    if formula == "carli":
        relatives = np.where(matched, prices / np.where(count > 0, at_base, 1.0), 0.0)
        return RatioOfSums(relatives, matched.astype(np.float64), present)
    message = f"fixed base: unknown formula {formula!r}; known: jevons, dutot, carli"
    raise ValueError(message)


def linked_chain(logs: Floats, present: Booleans, link_window_days: int) -> LinkedChain:
    """Link each product's price to its last one, at most `link_window_days` rows (days) before."""
    last_row, last_log = _last_before(logs, present)
    rows = np.arange(len(logs))[:, None]
    linked = present & (last_row >= 0) & (rows - last_row <= link_window_days)
    continuing = linked & (last_row == _previous_row(np.any(present, axis=1))[:, None])
    return LinkedChain(np.where(linked, logs - last_log, 0.0), np.where(linked, last_row, ABSENT), present, continuing)


def carried_chain(logs: Floats, present: Booleans, carry_days: int) -> LinkedChain:
    """Carry a missing price forward for at most `carry_days` rows (days), then link each day to the stratum's last.

    Nothing is carried onto days without any quote of the stratum. A carried price counts as unchanged: it pulls the
    movement towards 0, and the return of the product adds its whole change.
    """
    last_row, last_log = _last_before(logs, present)
    rows = np.arange(len(logs))[:, None]
    open_days = np.any(present, axis=1)
    carried = ~present & (last_row >= 0) & (rows - last_row <= carry_days) & open_days[:, None]
    filled = np.where(carried, last_log, logs)
    there = present | carried
    before = _previous_row(open_days)
    s = np.maximum(before, 0)
    linked = there & there[s] & (before >= 0)[:, None]
    relatives = np.where(linked, filled - filled[s], 0.0)
    return LinkedChain(relatives, np.where(linked, before[:, None], ABSENT), there, linked & present & present[s])


def _last_before(logs: Floats, present: Booleans) -> tuple[Integers, Floats]:
    """Row and log of each product's last price before each row; row -1 where there is none."""
    rows = np.where(present, np.arange(len(present))[:, None], -1)
    last = np.vstack([np.full((1, present.shape[1]), -1), np.maximum.accumulate(rows, axis=0)[:-1]])
    return last, np.take_along_axis(logs, np.maximum(last, 0), axis=0)


def _previous_row(open_rows: Booleans) -> Integers:
    """Last open row before each row, -1 where there is none."""
    rows = np.where(open_rows, np.arange(len(open_rows)), -1)
    return np.concatenate([[-1], np.maximum.accumulate(rows)[:-1]]) if len(rows) else rows


def _previous(segments: Integers) -> Integers:
    return np.where(segments >= 0, _previous_row(segments >= 0), -1)


def _base_rows(present: Booleans, base: Booleans) -> Booleans:
    """Mask of the base periods, or the stratum's first period where it has no product in the base."""
    if present[base].any() or not present.any():
        return base
    return np.arange(len(present)) == present.any(axis=1).argmax()


def _window_form(
    prices: Floats, periods: Periods, formula: str, window: int | None, splice: str
) -> tuple[WindowForm | None, int]:
    """Form over windows from the stratum's first period with a price to its last, and its first row."""
    present = prices > 0
    open_rows = np.flatnonzero(present.any(axis=1))
    if len(open_rows) == 0:
        return None, 0
    rows = slice(int(open_rows[0]), int(open_rows[-1]) + 1)
    logs = np.log(np.where(present, prices, 1.0))[rows]
    return WindowForm(formula, periods.starts[rows], logs, present[rows], window, splice), rows.start
