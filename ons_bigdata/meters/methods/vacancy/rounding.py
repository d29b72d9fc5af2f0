"""Rounding of stocks and flows to multiples of a number so that they still balance exactly."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns

SIGNS = {"into": 1, "out": -1, "appeared": 1, "disappeared": -1}
"""Flows, and whether they add to the stock."""
_MILLION = 1_000_000


def round_balanced(flows: pl.DataFrame, base: int) -> pl.DataFrame:
    """Round the stock to the nearest multiple of `base`, and each flow to one of the two next to it, in balance.

    `flows`: rows of one group in the order of quarters with stock, into, out, appeared, disappeared, in balance:
    stock = stock before + into - out + appeared - disappeared, the stock before the first row being 0. Of the
    roundings that balance, the flows get those that change them least. Such a rounding always exists: a rounded change
    of the stock is one of the two multiples next to the true change, and the flows can reach both.

    Source: Hundepool et al., Statistical Disclosure Control (2012), section 5.4 (controlled rounding).

    Returns the frame with rounded columns. Raises ValueError on a missing column, a base below 1, and rows that are not
    in balance.
    """
    refuse_missing_columns(flows, ["stock", *SIGNS], "flows")
    if base < 1:
        message = f"base is {base}, expected 1 or more"
        raise ValueError(message)
    stocks = [0, *flows["stock"].to_list()]
    rows = flows.select(*SIGNS).to_dicts()
    rounded: list[dict[str, int]] = []
    for number, ((before, after), row) in enumerate(zip(pairwise(stocks), rows, strict=True)):
        if before + sum(sign * row[name] for name, sign in SIGNS.items()) != after:
            message = f"flows, row {number}: stock {after} is not the stock before, {before}, with its flows {row}"
            raise ValueError(message)
        rounded.append(_round_flows(row, _nearest(after, base) - _nearest(before, base), base))
    columns = {name: pl.Series([row[name] for row in rounded], dtype=pl.Int64) for name in SIGNS}
    stock = pl.Series([_nearest(value, base) for value in stocks[1:]], dtype=pl.Int64)
    return flows.with_columns(stock=stock, **columns)


def round_expected(flows: pl.DataFrame, base: int) -> pl.DataFrame:
    """Round expected numbers of homes as `round_balanced` rounds counts; the stock is taken from the flows.

    `flows`: rows of one group in the order of quarters with expected_into, expected_out, expected_appeared and
    expected_disappeared. Returns the frame with rounded columns and the expected_stock that balances with them.
    """
    names = {name: f"expected_{name}" for name in SIGNS}
    parts = flows.select(
        (pl.col(column).fill_null(0) * _MILLION).round().cast(pl.Int64).alias(name) for name, column in names.items()
    )
    change = pl.sum_horizontal(sign * pl.col(name) for name, sign in SIGNS.items())
    rounded = round_balanced(parts.with_columns(stock=change.cum_sum()), base * _MILLION)
    return flows.with_columns((rounded[name] // _MILLION).alias(f"expected_{name}") for name in ("stock", *SIGNS))


def _nearest(value: int, base: int) -> int:
    return (2 * value + base) // (2 * base) * base


def _round_flows(row: dict[str, int], change: int, base: int) -> dict[str, int]:
    """Flows rounded down, and then up where the change of the stock needs it, those with the largest rest first."""
    down = {name: value // base * base for name, value in row.items()}
    rest = {name: value - down[name] for name, value in row.items()}
    best: dict[str, int] = {}
    least = None
    open_names = [name for name in SIGNS if rest[name]]
    for choice in range(2 ** len(open_names)):
        raised = {name for place, name in enumerate(open_names) if choice >> place & 1}
        tried = {name: value + (base if name in raised else 0) for name, value in down.items()}
        if sum(sign * tried[name] for name, sign in SIGNS.items()) != change:
            continue
        changed = sum(abs(tried[name] - row[name]) for name in SIGNS)
        if least is None or changed < least:
            best, least = tried, changed
    return best
