"""The register of the elementary formulas of recipes: one entry each, from which all lists of formulas are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.recipes.forms import ClusterJevons, LinkedChain, RatioOfSums
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.window_forms import (
    GeksJevonsForm,
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


COMPARES = ("links", "carried_links", "same_products", "all_products", "any_products")
"""Price changes that move an index between two periods.

Links to each product's last price (or to its carried one); changes of its products where they are the same in both,
those with a price in one period alone left aside or not; changes of whichever products there are.
"""


class BuiltForm(NamedTuple):
    """Form of one retailer and item, its first row in the recipe's periods, and the reason where there is none."""

    form: Form | None
    offset: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class ElementaryFormula:
    """An elementary formula of recipes.

    `build`: stratum, prices that enter (periods x products, 0 where there is none), output, periods and the clusters of
    the products → its form. `needs`: option of `RecipeOutput` without which it is not defined. `windowed`: computed
    over windows of periods, which a splice extends. `chained`: each period is linked to earlier ones.
    `keeps_with_gaps`: satisfies `axioms.ALWAYS` with products that enter and leave, too. `per_pack_size`: products
    without a pack size do not count. `compares`: what moves the index from one period to the next, see `COMPARES`.
    """

    name: str
    build: Callable[[Stratum, Floats, RecipeOutput, Periods, Integers | None], BuiltForm]
    needs: str | None = None
    windowed: bool = False
    chained: bool = False
    keeps_with_gaps: bool = True
    per_pack_size: bool = False
    compares: str = "same_products"


def _chained_jevons(
    _stratum: Stratum, prices: Floats, output: RecipeOutput, _periods: Periods, _cluster_of: Integers | None
) -> BuiltForm:
    assert output.link_window_days is not None  # noqa: S101 (see `needs`)
    return BuiltForm(linked_chain(_logs(prices), prices > 0, output.link_window_days))


def _carried_jevons(
    _stratum: Stratum, prices: Floats, output: RecipeOutput, _periods: Periods, _cluster_of: Integers | None
) -> BuiltForm:
    assert output.carry_days is not None  # noqa: S101 (see `needs`)
    return BuiltForm(carried_chain(_logs(prices), prices > 0, output.carry_days))


def _unit_price(
    stratum: Stratum, prices: Floats, _output: RecipeOutput, _periods: Periods, _cluster_of: Integers | None
) -> BuiltForm:
    known = (prices > 0) & np.isfinite(stratum.pack_sizes)
    if not known.any():
        return BuiltForm(None, fault="no product has a pack size")
    unit_prices = np.where(known, prices / np.where(known, stratum.pack_sizes, 1.0), 0.0)
    return BuiltForm(RatioOfSums(unit_prices, known.astype(np.float64), known))


def _base_week_jevons(
    _stratum: Stratum, prices: Floats, _output: RecipeOutput, periods: Periods, _cluster_of: Integers | None
) -> BuiltForm:
    if not (prices[periods.base] > 0).any():
        return BuiltForm(None, fault=NO_BASE)
    return BuiltForm(fixed_base("jevons", prices, periods.base))


def _fixed_base(
    stratum: Stratum, prices: Floats, output: RecipeOutput, periods: Periods, _cluster_of: Integers | None
) -> BuiltForm:
    base = base_rows(prices > 0, periods.base)
    if not (prices[base] > 0).any():
        return BuiltForm(None, fault=NO_BASE)
    known = dict(output.item_formulas)
    formula = known.get(stratum.item_number, known.get(0))
    if formula is None:
        return BuiltForm(None, fault=f"the recipe has no formula for item {stratum.item_number}")
    return BuiltForm(fixed_base(formula, prices, base))


def _clusters(
    _stratum: Stratum, prices: Floats, output: RecipeOutput, periods: Periods, cluster_of: Integers | None
) -> BuiltForm:
    base = base_rows(prices > 0, periods.base)
    if not (prices[base] > 0).any():
        return BuiltForm(None, fault=NO_BASE)
    if cluster_of is None:
        message = f"{output.method}: clusters are missing"
        raise ValueError(message)
    return BuiltForm(ClusterJevons(_logs(prices), prices > 0, cluster_of[:, None] == np.unique(cluster_of), base))


def _windows(
    _stratum: Stratum,
    prices: Floats,
    output: RecipeOutput,
    periods: Periods,
    _cluster_of: Integers | None,
    *,
    kind: type[WindowForm],
) -> BuiltForm:
    return BuiltForm(*window_form(kind, prices, periods, window=output.window, splice=output.splice))


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
    ElementaryFormula("base_week_jevons", _base_week_jevons),
    ElementaryFormula("fixed_base", _fixed_base, needs="item_formulas"),
    ElementaryFormula("unit_price", _unit_price, keeps_with_gaps=False, per_pack_size=True, compares="all_products"),
    ElementaryFormula("geks_jevons", partial(_windows, kind=GeksJevonsForm), windowed=True),
    ElementaryFormula("time_product_dummy", partial(_windows, kind=TimeProductDummyForm), windowed=True),
    ElementaryFormula("clusters", _clusters, needs="clip", keeps_with_gaps=False, compares="any_products"),
)
FORMULAS = {entry.name: entry for entry in ENTRIES}


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
    continuing = linked & (last_row == previous_rows(np.any(present, axis=1))[:, None])
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
    before = previous_rows(open_days)
    s = np.maximum(before, 0)
    linked = there & there[s] & (before >= 0)[:, None]
    relatives = np.where(linked, filled - filled[s], 0.0)
    return LinkedChain(relatives, np.where(linked, before[:, None], ABSENT), there, linked & present & present[s])


def window_form(
    kind: type[WindowForm], prices: Floats, periods: Periods, *, window: int | None, splice: str
) -> tuple[WindowStretches | None, int]:
    """Form over windows from the stratum's first period with a price to its last, and its first row.

    A stretch of its own begins where no product from a period on has its last price before that period, unless it is
    `window` periods old or older: no window compares the two sides.
    """
    present = prices > 0
    open_rows = np.flatnonzero(present.any(axis=1))
    if len(open_rows) == 0:
        return None, 0
    starts = _stretch_starts(present, window)
    forms = []
    for start, stop in zip(starts, [*starts[1:], len(present)], strict=True):
        rows = slice(start, int(open_rows[open_rows < stop][-1]) + 1)
        forms.append(kind(periods.starts[rows], _logs(prices[rows]), present[rows], window, splice))
    whole = periods.starts[starts[0] : int(open_rows[-1]) + 1]
    return WindowStretches(whole, forms, [start - starts[0] for start in starts]), starts[0]


def _stretch_starts(present: Booleans, window: int | None) -> list[int]:
    """First rows of the stretches that windows connect."""
    last_row, _ = _last_before(np.zeros(present.shape), present)
    rows = np.arange(len(present))
    linked = present & (last_row >= 0) & (rows[:, None] - last_row < (window or len(present)))
    earliest = np.where(linked, last_row, rows[:, None]).min(axis=1)
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
