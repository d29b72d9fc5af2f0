"""Bilateral price indices: each period compared with one other, over the products of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.bilateral.registry import ALIASES, ENTRIES, FORMULAS, REGISTER, UNWEIGHTED, WINDOWED
from ons_bigdata.prices.methods.panels.input_checks import finite_number, true_or_false
from ons_bigdata.prices.methods.panels.price_panel import Duplicates, Missing, PricePanel, price_panel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

COMPARISONS = ("fixed_base", "chained", "previous_period")
COMPARISON_ALIASES = {
    "fixedbase": "fixed_base",
    "direct": "fixed_base",
    "pop": "previous_period",
    "period_on_period": "previous_period",
    "chain": "chained",
}
SAMPLES = ("matched", "unmatched")
OBJECTS = ("price", "quantity")
DUPLICATES = ("error", "unit_value")
DUMMY_WEIGHTS = ("shares", "average", "none")
"""Weights of the observations in a time product dummy of two periods."""


class _Step(NamedTuple):
    """An index between two periods, or None and the reason why there is none."""

    value: float | None
    reason: str | None


@dataclass(frozen=True)
class _Comparer:
    """A formula with its options on a panel; compares two periods given by their rows."""

    panel: PricePanel
    name: str
    sample: str
    options: dict[str, Any]

    def step(self, base: int, current: int) -> _Step:
        formula = REGISTER[self.name]
        products, reason = self._products(base, current)
        if reason is not None:
            return _Step(None, reason)
        options = {name: value for name, value in self.options.items() if name != "weights_period"}
        with np.errstate(all="ignore"):  # a value that is not finite becomes a null with a reason below
            index = formula.compute(*self._vectors(base, current, *products), **options)
        if not (np.isfinite(index) and index > 0):
            periods = self.panel.periods
            counts = f"{np.count_nonzero(products[0])} and {np.count_nonzero(products[1])} products"
            return _Step(
                None, f"{self.name} has no positive, finite value for {periods[base]} and {periods[current]} ({counts})"
            )
        return _Step(1.0 if base == current else index, None)

    def _products(self, base: int, current: int) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], str | None]:
        """Masks of the products compared in either period, or the reason why there are none."""
        presence, periods = self.panel.presence, self.panel.periods
        if self.sample == "unmatched":
            products = (presence[base], presence[current])
            empty = [periods[t] for t in (base, current) if not presence[t].any()]
            return products, f"no product is present in {empty[0]}" if empty else None
        rows = [base] if base == current else [base, current]
        if "weights_period" in self.options:
            rows.append(self.options["weights_period"])
        matched = np.logical_and.reduce(presence[rows])
        where = " and ".join(str(periods[t]) for t in dict.fromkeys(rows))
        return (matched, matched), None if matched.any() else f"no product is present in {where}"

    def _vectors(
        self, base: int, current: int, base_products: NDArray[np.bool_], current_products: NDArray[np.bool_]
    ) -> list[NDArray[np.float64]]:
        takes, p, q = REGISTER[self.name].takes, self.panel.prices, self.panel.quantities
        vectors = [p[base, base_products], p[current, current_products]]
        if takes == "quantities" and q is not None:
            return [*vectors, q[base, base_products], q[current, current_products]]
        if takes == "quantities":  # its options make the formula unweighted
            return [*vectors, *map(np.ones_like, vectors)]
        if takes == "weights_period" and q is not None:
            weights = self.options["weights_period"]
            return [*vectors, p[weights, base_products], q[weights, base_products]]
        return vectors


def pair_log(panel: PricePanel, formula: str, base: int, current: int, options: dict[str, Any]) -> float:
    """Log index ln P(base→current) over the products of both periods; nan where there is none.

    `base`, `current`: rows of the panel. `formula`: one of `WINDOWED`. `options`: as `checked_pair_options` returns.
    """
    value = _Comparer(panel, formula, "matched", options).step(base, current).value
    return float("nan") if value is None else float(np.log(value))


def pair_options(formula: str) -> tuple[str, ...]:
    """Names of the options of a formula."""
    return (*REGISTER[formula].required, *REGISTER[formula].optional)


def checked_pair_options(formula: str, options: dict[str, object]) -> dict[str, Any]:
    """Check the options of a formula between two periods. Raises ValueError that lists the known ones."""
    refuse_unknown("formula", formula, WINDOWED, aliases=ALIASES)
    return _checked_options(formula, options, None)


def needs_quantities(formula: str, options: dict[str, Any]) -> bool:
    """True if a price index by a formula with these options needs quantities."""
    unweighted_dummy = formula == "time_product_dummy" and options.get("weights") == "none"
    return REGISTER[formula].takes != "prices" and not unweighted_dummy


def bilateral_index(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    comparison: str = "fixed_base",
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    base_period: object = None,
    calendar: Sequence[Any] | pl.Series | None = None,
    sample: str = "matched",
    of: str = "price",
    duplicates: Duplicates = "error",
    missing: Missing = "error",
    **options: object,
) -> pl.DataFrame:
    """Compute a bilateral index over the periods of the quotes, over matched products.

    `quotes`: one row per period and product (`price_panel`, also for `duplicates` and `missing`). `quantity`: the
    column of quantities; formulas with weights need it (not time_product_dummy with weights "none"). Where it is
    given, a product is present only with both.
    Returns one row per period, sorted: `period`; `index`, 1 in the base period; `reason`, null unless `index` is null.

    `formula`: one of `FORMULAS`. `comparison`, with P(s→t) the formula between two periods:
    "fixed_base": index_t = P(base→t), before the base too. "chained": index_t = index_(t−1)·P(t−1→t), divided by its
    value in the base; null from a missing link on. "previous_period": index_t = P(t−1→t), 1 in the first period.
    `base_period`: the first period unless given. `calendar`: all periods in order; t−1 is the period before t in it,
    and a period without products is null and ends a chain. Without it a fixed base has the periods that occur; the
    others have those between, too, by their step, see `period_calendar`.
    `sample`: "matched", the products present in both periods of a pair; "unmatched", all of either period, for dutot
    and unit_value only. `of`: "quantity" swaps prices and quantities.
    Options: lloyd_moulton needs `sigma`, quadratic_mean `order`, numbers; lowe and young need `weights_period`, whose
    quantities or expenditure shares they use, over the products present in it too; time_product_dummy takes `weights`
    ("shares", "average", "none") and `adjust_bias` (False).

    Raises ValueError on bad quotes, on an unknown formula, comparison, sample, period or option and on a missing one;
    shows the value found and lists the known ones; on periods without a known step where t−1 matters.
    Sources: of the formulas, there. Of the comparisons, ILO et al., Consumer Price Index Manual: Theory and Practice
    (2004), chapter 15, section F.
    """
    refuse_unknown("formula", formula, FORMULAS, aliases=ALIASES)
    refuse_unknown("comparison", comparison, COMPARISONS, aliases=COMPARISON_ALIASES)
    refuse_unknown("sample", sample, SAMPLES)
    refuse_unknown("of", of, OBJECTS)
    refuse_unknown("duplicates", duplicates, DUPLICATES)
    _refuse_unfit(formula, options, quantity=quantity, sample=sample, of=of)
    quotes = eager_frame(quotes, "quotes")
    if comparison == "previous_period" and base_period is not None:
        message = f"base_period is {base_period!r}, expected None: comparison previous_period has no base"
        raise ValueError(message)
    panel = price_panel(
        quotes,
        period=period,
        product=product,
        price=price,
        quantity=quantity,
        duplicates=duplicates,
        missing=missing,
        calendar=calendar,
        with_gaps=comparison != "fixed_base",
    )
    if of == "quantity" and panel.quantities is not None:
        panel = replace(panel, prices=panel.quantities, quantities=panel.prices)
    comparer = _Comparer(panel, formula, sample, _checked_options(formula, options, panel))
    base = 0 if base_period is None else panel.position("base_period", base_period)
    steps = _COMPARED[comparison](comparer, base) if panel.periods else []
    return pl.DataFrame(
        {
            "period": pl.Series(panel.periods, dtype=quotes.schema[period]),
            "index": pl.Series([step.value for step in steps], dtype=pl.Float64),
            "reason": pl.Series([step.reason for step in steps], dtype=pl.String),
        }
    )


def _fixed_base(comparer: _Comparer, base: int) -> list[_Step]:
    return [comparer.step(base, t) for t in range(len(comparer.panel.periods))]


def _previous_period(comparer: _Comparer, base: int) -> list[_Step]:
    return [comparer.step(max(t - 1, base), t) for t in range(len(comparer.panel.periods))]


def _chained(comparer: _Comparer, base: int) -> list[_Step]:
    """Multiply the links forwards from the base and divide by them backwards; a missing link ends the chain."""
    last = len(comparer.panel.periods) - 1
    forwards = [comparer.step(base, base)]
    for t in range(base + 1, last + 1):
        forwards.append(_linked(forwards[-1], comparer.step(t - 1, t), forwards=True))
    backwards = [forwards[0]]
    for t in range(base - 1, -1, -1):
        backwards.append(_linked(backwards[-1], comparer.step(t, t + 1), forwards=False))
    return [*reversed(backwards[1:]), *forwards]


def _linked(level: _Step, link: _Step, *, forwards: bool) -> _Step:
    if level.value is None:
        return level
    if link.value is None:
        return _Step(None, f"the chain is broken: {link.reason}")
    return _Step(level.value * link.value if forwards else level.value / link.value, None)


_COMPARED: dict[str, Callable[[_Comparer, int], list[_Step]]] = {
    "fixed_base": _fixed_base,
    "chained": _chained,
    "previous_period": _previous_period,
}


def _refuse_unfit(formula: str, options: dict[str, Any], *, quantity: str | None, sample: str, of: str) -> None:
    """Raise ValueError where the formula lacks quantities or is not defined for the sample or the object."""
    if quantity is None and (needs_quantities(formula, options) or of == "quantity"):
        message = f"{formula} of {of} needs a column of quantities; of price without: {', '.join(UNWEIGHTED)}"
        raise ValueError(message)
    if sample == "unmatched" and not REGISTER[formula].unmatched:
        defined = [entry.name for entry in ENTRIES if entry.unmatched]
        message = f"{formula} is not defined for sample 'unmatched'; defined: {', '.join(defined)}"
        raise ValueError(message)
    if formula == "unit_value" and of == "quantity":
        message = "unit_value is not defined of quantity; defined of: price"
        raise ValueError(message)


def _checked_options(formula: str, options: dict[str, object], panel: PricePanel | None) -> dict[str, Any]:
    """Check names and values of the formula's options; the weights period becomes its row of the panel."""
    required, optional = REGISTER[formula].required, REGISTER[formula].optional
    for name in options:
        refuse_unknown(f"option of {formula}", name, (*required, *optional))
    for name in required:
        if name not in options or options[name] is None:
            message = f"{formula}: option {name} is missing"
            raise ValueError(message)
    checked: dict[str, Any] = dict(options)
    for name in {"sigma", "order"} & checked.keys():
        checked[name] = finite_number(f"{formula}: {name}", checked[name])
    refuse_unknown("weights", checked.get("weights", DUMMY_WEIGHTS[0]), DUMMY_WEIGHTS)
    if "adjust_bias" in checked:
        checked["adjust_bias"] = true_or_false(f"{formula}: adjust_bias", checked["adjust_bias"])
    if "weights_period" in checked and panel is not None:
        checked["weights_period"] = panel.position("weights_period", checked["weights_period"])
    return checked
