"""The register of the elementary formulas of recipes: one entry each, from which all lists of formulas are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.multilateral.splicing import ON_PUBLISHED
from ons_bigdata.prices.methods.recipes.blocks.base_means import BaseMeans, base_means
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.forms import ClusterJevons, LinkedChain, RatioOfSums
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.window_forms import (
    GeksJevonsForm,
    Stretch,
    TimeProductDummyForm,
    WindowForm,
    WindowStretches,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.forms import Form
    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

NO_BASE = "no product with a price in the base period"
NO_PACK_SIZE = "no product has a pack size"

COMPARES = ("links", "carried_links", "same_products", "all_products", "any_products")
"""Price changes that move an index between two periods.

Links to each product's last price (or to its carried one); changes of its products where they are the same in both,
those with a price in one period alone left aside or not; changes of whichever products there are.
"""


@dataclass(frozen=True, eq=False)
class FormInputs:
    """Prices of one retailer and item from which the form of an output is built.

    `prices`: those that enter, periods of the view x products, 0 where there is none. `periods`: of the view.
    `cluster_of`: clusters of the products, for the formula `clusters`. `base`: prices of the base periods; None where
    these are among `prices`. `block`, `past`: periods to compute, and the published index before them.
    """

    stratum: Stratum
    prices: Floats
    output: RecipeOutput
    periods: Periods
    block: Block
    past: Past
    cluster_of: Integers | None = None
    base: BaseMeans | None = None

    def base_of(self, rows: Booleans) -> BaseMeans | None:
        """Prices of the base periods, of some rows where they are not given; None where no product has one."""
        base = base_means(self.prices, rows) if self.base is None else self.base
        return base if base.has_prices else None


class BuiltForm(NamedTuple):
    """Form of one retailer and item; the reason where there is none, or where no product counts in a period."""

    form: Form | None
    fault: str | None = None


@dataclass(frozen=True)
class ElementaryFormula:
    """An elementary formula of recipes.

    `build`: the prices of a retailer and item → its form. `needs`: option of `RecipeOutput` without which it is not
    defined. `windowed`: computed over windows of periods, which a splice extends. `chained`: each period is linked to
    earlier ones. `keeps_with_gaps`: satisfies `axioms.ALWAYS` with products that enter and leave, too. `per_pack_size`:
    products without a pack size do not count. `from_base`: compares with prices of the base periods. `compares`: what
    moves the index from one period to the next, see `COMPARES`.
    """

    name: str
    build: Callable[[FormInputs], BuiltForm]
    needs: str | None = None
    windowed: bool = False
    chained: bool = False
    keeps_with_gaps: bool = True
    per_pack_size: bool = False
    from_base: bool = False
    compares: str = "same_products"


def _chained_jevons(of: FormInputs) -> BuiltForm:
    assert of.output.link_window_days is not None  # noqa: S101 (see `needs`)
    return BuiltForm(linked_chain(_logs(of.prices), of.prices > 0, of.output.link_window_days))


def _carried_jevons(of: FormInputs) -> BuiltForm:
    assert of.output.carry_days is not None  # noqa: S101 (see `needs`)
    return BuiltForm(carried_chain(_logs(of.prices), of.prices > 0, of.output.carry_days))


def _unit_price(of: FormInputs) -> BuiltForm:
    sizes = of.stratum.pack_sizes
    known = (of.prices > 0) & np.isfinite(sizes)
    unit_prices = np.where(known, of.prices / np.where(np.isfinite(sizes), sizes, 1.0), 0.0)
    return BuiltForm(RatioOfSums(unit_prices, known.astype(np.float64), known), NO_PACK_SIZE)


def _base_week_jevons(of: FormInputs) -> BuiltForm:
    base = of.base_of(of.periods.base)
    return BuiltForm(None, NO_BASE) if base is None else BuiltForm(fixed_base("jevons", of.prices, base))


def _fixed_base(of: FormInputs) -> BuiltForm:
    base = of.base_of(base_rows(of.prices > 0, of.periods.base))
    if base is None:
        return BuiltForm(None, NO_BASE)
    known = dict(of.output.item_formulas)
    formula = known.get(of.stratum.item_number, known.get(0))
    if formula is None:
        return BuiltForm(None, f"the recipe has no formula for item {of.stratum.item_number}")
    return BuiltForm(fixed_base(formula, of.prices, base))


def _clusters(of: FormInputs) -> BuiltForm:
    base = of.base_of(base_rows(of.prices > 0, of.periods.base))
    if base is None:
        return BuiltForm(None, NO_BASE)
    if of.cluster_of is None:
        message = f"{of.output.method}: clusters are missing"
        raise ValueError(message)
    members = of.cluster_of[:, None] == np.unique(of.cluster_of)
    return BuiltForm(ClusterJevons(_logs(of.prices), of.prices > 0, members, base))


def _windows(of: FormInputs, *, kind: type[WindowForm]) -> BuiltForm:
    window, splice = of.output.window, of.output.splice
    return BuiltForm(
        window_form(kind, of.prices, of.periods, window=window, splice=splice, block=of.block, past=of.past)
    )


ENTRIES = (
    ElementaryFormula("chained_jevons", _chained_jevons, needs="link_window_days", chained=True, compares="links"),
    ElementaryFormula(
        "carried_jevons",
        _carried_jevons,
        needs="carry_days",
        chained=True,
        keeps_with_gaps=False,
        compares="carried_links",
    ),
    ElementaryFormula("base_week_jevons", _base_week_jevons, from_base=True),
    ElementaryFormula("fixed_base", _fixed_base, needs="item_formulas", from_base=True),
    ElementaryFormula("unit_price", _unit_price, keeps_with_gaps=False, per_pack_size=True, compares="all_products"),
    ElementaryFormula("geks_jevons", partial(_windows, kind=GeksJevonsForm), windowed=True),
    ElementaryFormula("time_product_dummy", partial(_windows, kind=TimeProductDummyForm), windowed=True),
    ElementaryFormula(
        "clusters", _clusters, needs="clip", keeps_with_gaps=False, from_base=True, compares="any_products"
    ),
)
FORMULAS = {entry.name: entry for entry in ENTRIES}


def fixed_base(formula: str, prices: Floats, base: Booleans | BaseMeans) -> RatioOfSums:
    """Compare with the products' mean price over the base periods: jevons (geometric mean), dutot or carli.

    `base`: mask of the base periods, or what was kept of them. Raises ValueError on another formula; lists the known
    ones. Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 20.
    """
    means = base if isinstance(base, BaseMeans) else base_means(prices, base)
    present = prices > 0
    matched = present & (means.quotes > 0)
    if formula == "jevons":
        logs = np.log(np.where(present, prices, 1.0))
        in_logs = np.where(matched, logs - means.mean_logs, 0.0)
        return RatioOfSums(in_logs, matched.astype(np.float64), present, in_logs=True)
    if formula == "dutot":
        return RatioOfSums(np.where(matched, prices, 0.0), np.where(matched, means.mean_prices, 0.0), present)
    if formula == "carli":
        relatives = np.where(matched, prices / np.where(means.quotes > 0, means.mean_prices, 1.0), 0.0)
        return RatioOfSums(relatives, matched.astype(np.float64), present)
    message = f"fixed base: unknown formula {formula!r}; known: jevons, dutot, carli"
    raise ValueError(message)


def linked_chain(logs: Floats, present: Booleans, link_window_days: int) -> LinkedChain:
    """Link each product's price to its last one, at most `link_window_days` rows (days) before."""
    last_row, last_log = _last_before(logs, present)
    rows = np.arange(len(logs))[:, None]
    linked = present & (last_row >= 0) & (rows - last_row <= link_window_days)
    continuing = linked & (last_row == previous_rows(np.any(present, axis=1))[:, None])
    relatives = np.where(linked, logs - last_log, 0.0)
    return LinkedChain(relatives, np.where(linked, last_row, ABSENT), present, continuing, reach=link_window_days)


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
    before = previous_rows(open_days)
    s = np.maximum(before, 0)
    linked = there & there[s] & (before >= 0)[:, None]
    relatives = np.where(linked, filled - filled[s], 0.0)
    link_rows = np.where(linked, before[:, None], ABSENT)
    return LinkedChain(relatives, link_rows, there, linked & present & present[s], reach=0)


def window_form(
    kind: type[WindowForm],
    prices: Floats,
    periods: Periods,
    *,
    window: int | None,
    splice: str,
    block: Block | None = None,
    past: Past | None = None,
) -> WindowStretches:
    """Form over windows: stretches of periods, each from its first period with a price to its last.

    A stretch of its own begins where no product from a period on has its last price before that period, unless it is
    `window` periods old or older: no window compares the two sides. `block`, `past`: the periods to compute and the
    index before them, where the prices are of a view; without, all. Raises ValueError where the view of a stretch that
    began before it is too short.
    """
    present = prices > 0
    block, past = block or Block.whole(len(prices)), past or Past.none(1)
    newest, begins = int(past.newest[0]), block.rows.start
    starts = [start for start in _stretch_starts(present, window) if start >= begins]
    in_block = [start for start in starts if start < block.rows.stop]
    first_number = newest + 1
    if past.began != ABSENT:
        refuse_short_view(block, past.began, window, splice)
        starts, first_number = [max(past.began - block.view, 0), *starts], newest
    stretches = []
    for number, (start, stop) in enumerate(pairwise([*starts, len(present)]), first_number):
        opened = start + np.flatnonzero(present[start:stop].any(axis=1))
        if len(opened) and opened[-1] >= begins:
            rows = slice(start, int(opened[-1]) + 1)
            end = max(block.rows.stop - start, 0)
            form = kind(periods.starts[rows], _logs(prices[rows]), present[rows], window, splice, end)
            stretches.append(Stretch(number, start, form))
    began = block.view + in_block[-1] if in_block else past.began
    return WindowStretches(kind, periods.starts, present, block, stretches, newest + len(in_block), began, window)


def refuse_short_view(block: Block, began: int, window: int | None, splice: str) -> None:
    """Raise ValueError where the view of a block lacks a period of its windows, or of the windows before it."""
    before = block.start if window is None else window_periods_before(window, splice)
    needed = max(began, block.start - before)
    if block.view > needed:
        message = f"block: found a view from period {block.view}, expected from {needed} for windows of {window}"
        raise ValueError(message)


def window_periods_before(window: int, splice: str) -> int:
    """How many periods before a block its windows need: one window; spliced on the window before, also that one."""
    return window if splice in ON_PUBLISHED else max(window, 2 * (window - 1))


def _stretch_starts(present: Booleans, window: int | None) -> list[int]:
    """First rows of the stretches that windows connect."""
    last_row, _ = _last_before(np.zeros(present.shape), present)
    rows = np.arange(len(present))
    linked = present & (last_row >= 0) & (rows[:, None] - last_row < (window or len(present)))
    earliest = np.where(linked, last_row, rows[:, None]).min(axis=1, initial=len(present))
    reached = np.minimum.accumulate(earliest[::-1])[::-1]
    starts: list[int] = rows[present.any(axis=1) & (reached >= rows)].tolist()
    return starts


def base_rows(present: Booleans, base: Booleans) -> Booleans:
    """Mask of the base periods, or the stratum's first period where it has no product in the base."""
    if present[base].any() or not present.any():
        return base
    return np.arange(len(present)) == present.any(axis=1).argmax()


def _last_before(logs: Floats, present: Booleans) -> tuple[Integers, Floats]:
    """Row and log of each product's last price before each row; row -1 where there is none."""
    rows = np.where(present, np.arange(len(present))[:, None], -1)
    last = np.vstack([np.full((1, present.shape[1]), -1), np.maximum.accumulate(rows, axis=0)[:-1]])
    return last, np.take_along_axis(logs, np.maximum(last, 0), axis=0)


def _logs(prices: Floats) -> Floats:
    """Log prices, 0 where there is none."""
    return np.log(prices, where=prices > 0, out=np.zeros(prices.shape))
