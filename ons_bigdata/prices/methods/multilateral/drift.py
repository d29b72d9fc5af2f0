"""Revision and drift of spliced indices: published movements against later windows and against one window of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.prices.methods.multilateral.splicing import SPLICE_ALIASES, SPLICES
from ons_bigdata.prices.methods.panels.input_checks import listed_values, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

SPLICE_OPTIONS = ("half_position", "first_value", "expanding", "base_periods")
"""Options of splices: a single window takes none of them."""


def window_revision(
    quotes: pl.DataFrame | pl.LazyFrame, method: str, *, window: int, splice: str, **options: object
) -> pl.DataFrame:
    """Compare each published movement with that of every later window that holds both periods.

    Columns and options as `multilateral_index`. Returns one row per period t but the first: period, movement
    (published, t−1 to t), windows (that hold both), least, greatest (of their movements), last (that of the last
    window that holds both), revision (last/movement − 1). Null where the published movement is.

    Splices never revise; this measures the revisions that they do not publish. Raises ValueError as
    `multilateral_index`.
    """
    quotes = eager_frame(quotes, "quotes")
    window = whole_number("window", window, least=2)
    refuse_unknown("splice", splice, SPLICES, aliases=SPLICE_ALIASES)
    published = multilateral_index(quotes, method, window=window, splice=splice, **options)  # type: ignore[arg-type]
    period = str(options.get("period", "period"))
    calendar = published["period"].to_list()
    inner = {name: value for name, value in options.items() if name not in ("calendar", *SPLICE_OPTIONS)}
    movements: dict[int, list[float]] = {}
    for first in range(len(calendar) - window + 1):
        periods = calendar[first : first + window]
        rows = quotes.filter(pl.col(period).is_in(pl.Series(periods, dtype=quotes.schema[period]).implode()))
        if rows.is_empty():
            continue
        table = multilateral_index(rows, method, calendar=periods, **inner)  # type: ignore[arg-type]
        levels = table["index"].to_list()
        for n in range(1, window):
            if levels[n] is not None and levels[n - 1] is not None:
                movements.setdefault(first + n, []).append(levels[n] / levels[n - 1])
    rows = published.with_columns(movement=pl.col("index") / pl.col("index").shift(1))[1:]
    later = [movements.get(t, []) for t in range(1, len(calendar))]
    return rows.select(
        "period",
        "movement",
        windows=pl.Series([len(of_windows) for of_windows in later], dtype=pl.Int32),
        least=pl.Series([min(of_windows, default=None) for of_windows in later], dtype=pl.Float64),
        greatest=pl.Series([max(of_windows, default=None) for of_windows in later], dtype=pl.Float64),
        last=pl.Series([of_windows[-1] if of_windows else None for of_windows in later], dtype=pl.Float64),
    ).with_columns(revision=pl.col("last") / pl.col("movement") - 1)


def splice_drift(
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    variants: Sequence[tuple[int | None, str | None]],
    **options: object,
) -> pl.DataFrame:
    """Compare the last index of spliced series with that of the one window that holds all periods.

    `variants`: window and splice of each. Columns and options as `multilateral_index`; those of splices must fit every
    variant. Returns one row per variant: window, splice, index (100 in the first period), drift (index/index of the
    whole window − 1), reason (null unless drift is). Raises ValueError as `multilateral_index`. Source: ILO et al.,
    Consumer Price Index Manual: Concepts and Methods (2020), chapter 10 (chain drift: prices that return to where
    they were, and an index that does not).
    """
    quotes = eager_frame(quotes, "quotes")
    pairs = [_variant(variant) for variant in listed_values("variants", variants, "pairs of window and splice")]
    options = {name: list(value) if isinstance(value, Iterator) else value for name, value in options.items()}
    of_window = {name: value for name, value in options.items() if name not in SPLICE_OPTIONS}
    whole, no_whole = _change(multilateral_index(quotes, method, **of_window))  # type: ignore[arg-type]
    rows = []
    for window, splice in pairs:
        table = multilateral_index(quotes, method, window=window, splice=splice, **options)  # type: ignore[arg-type]
        change, reason = _change(table)
        drift = None if change is None or whole is None else change / whole - 1
        rows.append((window, splice, None if change is None else 100 * change, drift, reason or no_whole))
    schema = {"window": pl.Int32, "splice": pl.String, "index": pl.Float64, "drift": pl.Float64, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _variant(variant: object) -> tuple[int | None, str | None]:
    if not isinstance(variant, tuple) or len(variant) != 2:
        message = f"variants: found {variant!r}, expected pairs of window and splice, as (13, 'movement')"
        raise ValueError(message)
    window, splice = variant
    return None if window is None else whole_number("variants: window", window, least=2), splice


def _change(table: pl.DataFrame) -> tuple[float | None, str | None]:
    """Index of the last period over that of the first, or the reason why one of them is missing."""
    if table.is_empty():
        return None, "there are no quotes"
    first, last = table["index"][0], table["index"][-1]
    missing = table["reason"][-1] or table["reason"][0]
    return None if first is None or last is None else last / first, missing
