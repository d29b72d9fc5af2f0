"""Multilateral price indices: quotes in, one index per calendar period out, by method, window and splice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.multilateral.geks import INCOMPLETE
from ons_bigdata.prices.methods.multilateral.matched_windows import MATCHING, matched_windows
from ons_bigdata.prices.methods.multilateral.registry import ALIASES, METHODS, REGISTER
from ons_bigdata.prices.methods.multilateral.splicing import (
    EXPANDING,
    FIRST_VALUES,
    HALF_POSITIONS,
    NOT_SPLICED,
    SPLICE_ALIASES,
    SPLICES,
    Extension,
    extended_levels,
)
from ons_bigdata.prices.methods.panels.input_checks import whole_number
from ons_bigdata.prices.methods.panels.period_calendar import listed_periods, months_of
from ons_bigdata.prices.methods.panels.price_panel import Duplicates, price_panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.prices.methods.multilateral.registry import Method
    from ons_bigdata.prices.methods.multilateral.windows import WindowOf
    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

CHOICES = {
    "half_position": HALF_POSITIONS,
    "first_value": FIRST_VALUES,
    "expanding": EXPANDING,
    "incomplete": INCOMPLETE,
    "matching": MATCHING,
}
"""Options that are one of a list, whose first is the default (`expanding` has none)."""
OPTION_ALIASES: dict[str, dict[str, str]] = {
    "expanding": {
        "fbew": "fbew_december",
        "december": "fbew_december",
        "window": "fbew_window",
        "fbmw": "the splice fixed_base_moving",
    },
    "half_position": {"new": "new_window", "old": "old_window"},
    "first_value": {"start": "window_start", "end": "window_end"},
    "incomplete": {"lsq": "least_squares", "ols": "least_squares"},
}
"""Option → other names of its values."""


def multilateral_index(
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    *,
    window: int | None = None,
    splice: str | None = None,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    **options: object,
) -> pl.DataFrame:
    """Compute a multilateral index over all periods, or over windows of W periods that a splice extends.

    `quotes`: one row per period and product, any order; columns as named. `method`: one of `METHODS`: "geary_khamis",
    "time_product_dummy", and "geks_" with any bilateral formula of two periods. All need `quantity`, but GEKS of
    formulas without weights and both time product dummies with weights "none". `window`: W in calendar periods; None
    = all. `splice`: one of `SPLICES`, with formulas at `splicing.extended_levels`; None where the window holds all
    periods.

    Options, where they apply, defaults first: `weights` of time_product_dummy ("shares", "levels", "none");
    `incomplete` of GEKS ("null", "least_squares"); of a GEKS what its formula takes in `bilateral_index` (`sigma`,
    `order`; of geks_time_product_dummy `weights` "shares", "average" or "none", and `adjust_bias`);
    `half_position` of the half splices ("new_window", "old_window");
    `first_value` ("window_start": 1 in the first period; "window_end": 1 in the last period of the first window);
    `expanding` of fixed_base_expanding, no default ("fbew_december", which takes no window; "fbew_window");
    `base_periods` of fbew_december and fixed_base_moving (the Decembers); `calendar`: all periods in order;
    without it, those that occur, and with a window or splice those between as well, as `period_calendar` reads them;
    `duplicates` and `missing`: as in `price_panel`, duplicates "rows" of time_product_dummy only;
    `matching` ("pair": a product counts in all periods in which it is there; "window": only the products that are there
    in every period of the window that has any).

    Returns one row per calendar period, in order: `period` (its own type), `index` (1 as `first_value` says), `reason`
    (null unless `index` is). `index` is null in a period without products, without a chain of shared products to its
    base or link period, and where a system is singular. An empty frame gives an empty frame.

    Raises ValueError on an unknown method, splice or option: it lists the known ones and suggests one, also for names
    in the literature (ccdi, gk, tpd, wisp, hasp, fbew, fbmw); on a window that does not fit; on a window over periods
    without a known step; on quotes as `price_panel` does. Source: ILO et al., Consumer Price Index Manual: Concepts
    and Methods (2020), chapter 10; Eurostat (2022), Guide on Multilateral Methods in the HICP.
    """
    quotes = eager_frame(quotes, "quotes")
    refuse_unknown("method", method, METHODS, aliases=ALIASES)
    window = _checked_window(window)
    if splice is not None:
        refuse_unknown("splice", splice, SPLICES, aliases=SPLICE_ALIASES)
    chosen = _chosen(options, method, splice)
    keys = {"calendar", "duplicates", "missing"} & chosen.keys()
    panel = price_panel(
        quotes, period=period, product=product, price=price, quantity=quantity,
        with_gaps=window is not None or splice is not None, **{key: chosen[key] for key in keys},
    )  # fmt: skip
    calendar = panel.periods
    extension = _extension(calendar, window, splice, chosen)
    windows = _windows(panel, REGISTER[method], chosen)
    levels, reasons = extended_levels(windows, calendar, extension)
    frame = {
        "period": pl.Series(calendar, dtype=quotes.schema[period]),
        "index": pl.Series(levels.reshape(-1), dtype=pl.Float64, nan_to_null=True).exp(),
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    return pl.DataFrame(frame)


def fews_index(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    window: int,
    splice: str = "window",
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    **options: object,
) -> pl.DataFrame:
    """Compute the fixed-effects index with a window splice (FEWS): a time-product dummy by product identifier.

    It is `multilateral_index` with the conventions of the FEWS: weights are expenditure levels (none without
    quantities), the half position is counted in the old window, the last period of the first window has index 1, and
    several rows of a product in a period are all rows of the regression (`duplicates` "rows").

    Columns, options and errors as there. Source: Krsinich (2016), The FEWS index: Fixed effects with a window splice,
    Journal of Official Statistics 32(2).
    """
    refuse_unknown("splice", splice, SPLICES, aliases=SPLICE_ALIASES)
    conventions: dict[str, object] = {
        "weights": "none" if quantity is None else "levels", "first_value": "window_end", "duplicates": "rows"
    }  # fmt: skip
    if splice in ("half", "half_published"):
        conventions["half_position"] = "old_window"
    return multilateral_index(
        quotes, "time_product_dummy", window=window, splice=splice, period=period, product=product, price=price,
        quantity=quantity, **(conventions | options),
    )  # fmt: skip


def _checked_window(window: object) -> int | None:
    if window is None:
        return None
    try:
        return whole_number("window", window, least=-(2**31))
    except ValueError:
        message = f"window: found {window!r}, expected a whole number of periods; None = all"
        raise ValueError(message) from None


def _chosen(options: Mapping[str, object], method: str, splice: str | None) -> dict[str, Any]:
    """Options of a method and splice with their defaults. Raises ValueError on those that do not apply."""
    entry = REGISTER[method]
    known = ["calendar", "duplicates", "first_value", "matching", "missing", *entry.options]
    known += ["half_position"] if splice in ("half", "half_published") else []
    known += ["expanding"] if splice == "fixed_base_expanding" else []
    expanding = options.get("expanding")
    if splice == "fixed_base_moving" or (isinstance(expanding, str) and expanding == "fbew_december"):
        known += ["base_periods"]
    for option in options:
        refuse_unknown(f"option of {method} with splice {splice}", option, sorted(known))
    chosen = dict(options)
    if "expanding" in known and "expanding" not in chosen:
        message = f"splice {splice}: option expanding is missing; known: {', '.join(EXPANDING)}"
        raise ValueError(message)
    choices = CHOICES | dict(entry.choices)
    for option in sorted(set(known) & set(choices)):
        value = chosen.setdefault(option, choices[option][0])
        refuse_unknown(option, value, choices[option], aliases=OPTION_ALIASES.get(option))
    refuse_unknown("duplicates", chosen.get("duplicates", "error"), get_args(Duplicates))
    if chosen.get("duplicates") == "rows" and not entry.takes_rows:
        message = f"{method}: duplicates is 'rows', which only time_product_dummy takes; known: error, unit_value"
        raise ValueError(message)
    return chosen


def _windows(panel: PricePanel, method: Method, chosen: Mapping[str, Any]) -> WindowOf:
    options = {option: chosen[option] for option in method.options if option in chosen}
    if chosen["matching"] == "window":
        return matched_windows(panel, lambda part: method.windows(part, **options))
    return method.windows(panel, **options)


def _extension(calendar: Sequence[Any], window: int | None, splice: str | None, chosen: Mapping[str, Any]) -> Extension:
    """Check splice and window against each other and the calendar."""
    expanding = chosen.get("expanding")
    needs_window = splice is not None and expanding != "fbew_december"
    if needs_window and window is None:
        message = f"splice {splice}: window is missing; expected a number of periods"
        raise ValueError(message)
    if window is not None and expanding == "fbew_december":
        message = f"window: found {window}; fbew_december expands from each base and takes none"
        raise ValueError(message)
    # The half position in the old window of two periods is outside of the new one.
    least = 3 if chosen.get("half_position") == "old_window" else 2
    if window is not None and calendar and not least <= window <= len(calendar):
        fits = f"{least} to {len(calendar)}" if len(calendar) >= least else "None"
        message = f"window: found {window}, expected {fits}; there are {len(calendar)} periods; None = all"
        raise ValueError(message)
    if window is not None and splice is None and window < len(calendar):
        message = (
            f"splice is missing: window {window} is shorter than {len(calendar)} periods; known: {', '.join(SPLICES)}"
        )
        raise ValueError(message)
    needs_bases = splice == "fixed_base_moving" or expanding == "fbew_december"
    return Extension(
        splice=splice or NOT_SPLICED,
        window=window,
        half_position=chosen.get("half_position", HALF_POSITIONS[0]),
        first_value=chosen["first_value"],
        expanding=expanding,
        bases=_base_positions(calendar, chosen.get("base_periods")) if needs_bases else (),
    )


def _base_positions(calendar: Sequence[Any], base_periods: Sequence[Any] | None) -> tuple[int, ...]:
    """Rows of the fixed bases in the calendar: those given, or else the Decembers of months."""
    if base_periods is not None and calendar:
        base_periods = listed_periods(base_periods, name="base_periods")
        unknown = [base for base in base_periods if base not in calendar]
        if unknown:
            message = f"base_periods: {unknown[0]} is not a period; expected some of {calendar[0]} to {calendar[-1]}"
            raise ValueError(message)
        return tuple(sorted(calendar.index(base) for base in set(base_periods)))
    if not calendar:
        return ()
    if (months := months_of(calendar)) is None:
        message = (
            f"base_periods is missing: periods are {type(calendar[0]).__name__}, only dates have Decembers, one period"
            f" per month; {calendar[0]} to {calendar[-1]} are no months; give base_periods"
        )
        raise ValueError(message)
    return tuple(t for t, month in enumerate(months) if month == 12)
