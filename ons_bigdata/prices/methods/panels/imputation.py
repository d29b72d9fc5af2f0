"""Imputation of missing prices: carry forward, means of a class or of all, targeted. Every imputed price says so.

Quotes in, quotes out, with a row for each period from a product's first price on. What an absent child does in an
aggregate is in `aggregation_steps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    collected,
    refuse_missing_columns,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.panels.price_panel import price_panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

METHODS = ("carry_forward", "overall_mean", "class_mean", "targeted_mean")
OF_A_GROUP = ("class_mean", "targeted_mean")
MEANS = ("geometric", "arithmetic")


def impute_prices(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    calendar: Sequence[Any] | pl.Series | None = None,
    max_periods: int | None = None,
    group: str | None = None,
    target: str | None = None,
    self_correcting: bool = True,
    mean: str = "geometric",
) -> pl.DataFrame:
    """Fill the gaps of products between and after their prices.

    `quotes`: one row per period and product, price > 0 (a null price is a missing one). `calendar`: all periods in
    order; else those of the quotes. With p̂ the price, observed or imputed:

    "carry_forward": p̂_t = p̂_(t−1). It biases movements towards 1.
    "overall_mean": p̂_t = p̂_(t−1) · the mean relative of all products. "class_mean": of the products of the same
    `group` (column). "targeted_mean": of those of the same `group` whose column `target` is true.
    `mean`: of relatives, "geometric" or "arithmetic". `self_correcting`: relatives p_t/p̂_(t−1) count for all products
    observed in t, so that a return brings in the whole change since a product left; otherwise only for those observed
    in t−1, too. Where no product has a relative, nothing is imputed and the gap remains, and what follows it.
    `max_periods`: how many periods after the last observed price may be imputed; None = any number.

    Gives one row per product and period from its first price to the end of the calendar, sorted: period, product,
    price, quantity (where there is one: 0 if imputed, nothing was sold), group (where there is one), imputed, method
    (null unless imputed), age (periods since the last observed price), reason (null unless price is).

    Raises ValueError on unknown options, listing the known ones; on a column that a method needs and lacks; on quotes
    as `price_panel` does; on a product in two groups. Source: ILO et al., Consumer Price Index Manual: Theory and
    Practice (2004), chapter 7 (overall, class and targeted mean imputation) and 9 (missing prices, self-correction).
    """
    for option, found, known in (("method", method, METHODS), ("mean", mean, MEANS)):
        refuse_unknown(option, found, known)
    _refuse_unfit(method, group=group, target=target, max_periods=max_periods)
    quotes = collected(quotes)
    if target is not None and quotes.schema.get(target, pl.Boolean) != pl.Boolean:
        message = f"quotes: column {target} is {quotes.schema[target]}, expected Boolean, as the target"
        raise ValueError(message)
    refuse_missing_columns(quotes, [column for column in (group, target) if column is not None], "quotes")
    panel = price_panel(
        quotes, period=period, product=product, price=price, quantity=quantity,
        missing="absent" if quantity is None else "unsold",
    )  # fmt: skip
    rows = _on_calendar(panel.periods, calendar)
    observed = np.full((len(rows), len(panel.products)), np.nan)
    observed[np.flatnonzero(rows >= 0)] = np.where(panel.presence, panel.prices, np.nan)[rows[rows >= 0]]
    periods = panel.periods if calendar is None else list(calendar)
    groups = _groups(quotes, panel.products, product, group)
    if method not in OF_A_GROUP:
        groups = np.zeros_like(groups)  # `group` is a passenger, and may be null
    chosen = _targets(quotes, panel.products, product, target)
    prices, age = _filled(observed, method, groups, chosen, max_periods, self_correcting, mean)
    there = np.maximum.accumulate(~np.isnan(observed), axis=0).T
    n, t = np.nonzero(there)
    imputed = (np.isnan(observed) & ~np.isnan(prices)).T[there]
    names = pl.Series(panel.products, dtype=quotes.schema[product])
    old = pl.lit(False) if max_periods is None else pl.col("age") > max_periods
    table = pl.DataFrame(
        {
            "period": pl.Series(periods, dtype=quotes.schema[period]).gather(t),
            "product": names.gather(n),
            "price": pl.Series(prices.T[there], nan_to_null=True),
            "imputed": pl.Series(imputed),
            "age": pl.Series(age.T[there], dtype=pl.Int32),
        }
    ).with_columns(
        method=pl.when("imputed").then(pl.lit(method)),
        reason=pl.when(pl.col("price").is_null()).then(
            pl.when(old).then(pl.lit(f"the last price is older than {max_periods} periods")).otherwise(
                pl.lit("no product has a relative to impute from")
            )
        ),
    )  # fmt: skip
    return _with_passengers(table, quotes, {"period": period, "product": product}, quantity, group)


def _refuse_unfit(method: str, *, group: str | None, target: str | None, max_periods: int | None) -> None:
    if method in OF_A_GROUP and group is None:
        message = f"{method}: option group is missing; expected the column of the class"
        raise ValueError(message)
    if (method == "targeted_mean") != (target is not None):
        message = (
            f"{method}: target is {target!r}; targeted_mean needs a column of true and false, the others take none"
        )
        raise ValueError(message)
    if max_periods is not None and max_periods < 1:
        message = f"max_periods: found {max_periods}, expected at least 1, or None for any number"
        raise ValueError(message)


def _on_calendar(observed: list[Any], calendar: Sequence[Any] | pl.Series | None) -> Integers:
    """Give, per period of the calendar, its row of the panel, -1 where it has none."""
    if calendar is None:
        return np.arange(len(observed))
    periods = list(calendar)
    lost = sorted(set(observed) - set(periods))
    if lost or sorted(set(periods)) != periods:
        fault = f"period {lost[0]} of the quotes is missing" if lost else "periods do not ascend"
        message = f"calendar: {fault}; expected all periods, each once, in order"
        raise ValueError(message)
    row = {one: n for n, one in enumerate(observed)}
    return np.array([row.get(one, -1) for one in periods], dtype=np.int64)


def _groups(quotes: pl.DataFrame, products: list[Any], product: str, group: str | None) -> Integers:
    if group is None:
        return np.zeros(len(products), dtype=np.int64)
    pairs = quotes.select(pl.col(product).alias("product"), pl.col(group).alias("group")).unique()
    refuse_rows("quotes", pairs, {"a product of two groups": pl.col("product").is_duplicated()})
    codes = pairs.sort("product")["group"].rank("dense") - 1
    return codes.fill_null(-1).to_numpy().astype(np.int64)


def _targets(quotes: pl.DataFrame, products: list[Any], product: str, target: str | None) -> Booleans:
    if target is None:
        return np.ones(len(products), dtype=np.bool_)
    return quotes.group_by(product).agg(pl.col(target).any()).sort(product)[target].to_numpy()


def _filled(
    observed: Floats,
    method: str,
    groups: Integers,
    chosen: Booleans,
    max_periods: int | None,
    self_correcting: bool,
    mean: str,
) -> tuple[Floats, Integers]:
    """Walk through the periods; give prices (nan: none) and periods since the last observed one."""
    prices, age = observed.copy(), np.zeros(observed.shape, dtype=np.int64)
    size = int(groups.max(initial=0)) + 1
    for t in range(1, len(prices)):
        gap = np.isnan(observed[t])
        age[t] = np.where(gap, age[t - 1] + 1, 0)
        before = prices[t - 1] if self_correcting else observed[t - 1]
        change = np.ones(size)
        if method != "carry_forward":
            counts = chosen & ~gap & ~np.isnan(before) & (groups >= 0)
            relative = observed[t, counts] / before[counts]
            total = np.bincount(groups[counts], minlength=size)
            value = np.log(relative) if mean == "geometric" else relative
            with np.errstate(invalid="ignore"):
                change = np.bincount(groups[counts], weights=value, minlength=size) / total
            change = np.exp(change) if mean == "geometric" else change
        fills = gap & ~np.isnan(prices[t - 1]) & (groups >= 0)
        fills &= age[t] <= (len(prices) if max_periods is None else max_periods)
        prices[t, fills] = prices[t - 1, fills] * change[groups[fills]]
    return prices, age


def _with_passengers(
    table: pl.DataFrame, quotes: pl.DataFrame, keys: dict[str, str], quantity: str | None, group: str | None
) -> pl.DataFrame:
    """Put quantity and group beside the prices, and give the columns their own names."""
    names = {name: pl.col(column) for name, column in keys.items()}
    if quantity is not None:
        sold = quotes.select(**names, quantity=pl.col(quantity).cast(pl.Float64))
        table = table.join(sold, on=["period", "product"], how="left", maintain_order="left")
        table = table.with_columns(quantity=pl.when("imputed").then(0.0).otherwise("quantity"))
    if group is not None:
        groups = quotes.select(product=names["product"], group=pl.col(group)).unique()
        table = table.join(groups, on="product", how="left", maintain_order="left")
    order = [c for c in ("period", "product", "price", "quantity", "group") if c in table.columns]
    return table.select(*order, "imputed", "method", "age", "reason").sort("product", "period")
