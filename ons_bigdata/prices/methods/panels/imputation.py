"""Imputation of missing prices: carried forward or backward, interpolated, by means of a class or of all products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_rows, refuse_unknown
from ons_bigdata.prices.methods.panels.input_checks import refuse_no_text, true_or_false, whole_number
from ons_bigdata.prices.methods.panels.price_panel import price_panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

CLASS_METHODS = ("class_mean", "targeted_mean")
MEAN_METHODS = ("overall_mean", *CLASS_METHODS)
METHODS = ("carry_forward", *MEAN_METHODS, "carry_backward", "interpolate")
METHOD_ALIASES = {
    "carry": "carry_forward",
    "locf": "carry_forward",
    "ffill": "carry_forward",
    "forward": "carry_forward",
    "nocb": "carry_backward",
    "backward": "carry_backward",
    "bfill": "carry_backward",
    "carry_backwards": "carry_backward",
    "interpolation": "interpolate",
    "linear": "interpolate",
    "linear_interpolation": "interpolate",
    "shadow_price": "class_mean",
}
MEANS = ("geometric", "arithmetic")


@dataclass(frozen=True)
class _Gaps:
    """Prices of a panel, periods × products: `observed`, and `earlier`, imputed by an earlier call; nan = none."""

    observed: Floats
    earlier: Floats
    earlier_methods: NDArray[np.object_]


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
    """Fill the gaps in the price series of products.

    `quotes`: one row per period and product, price > 0 (a null price is a missing one). `calendar`: all periods in
    order; without it, those of the quotes and, by their step, those between (`period_calendar`). With p̂ the price,
    observed or imputed:

    "carry_forward": p̂_t = p̂_(t−1). It biases movements towards 1.
    "overall_mean": p̂_t = p̂_(t−1) · the mean relative of all products. "class_mean": of the products of the same
    `group` (column). "targeted_mean": of those of the same `group` whose column `target` is true.
    "carry_backward": p̂_t = the next observed price, also before a product's first price.
    "interpolate": between two observed prices, by equal ratios per period, or with `mean` "arithmetic" equal
    differences. The latter two know a later price: they are for past periods, not for the current one.
    `mean`: of relatives (and of the interpolation), "geometric" or "arithmetic". `self_correcting`: relatives
    p_t/p̂_(t−1) of all products observed in t count, so that a return brings in the whole change since a product
    left; otherwise only of those observed in t−1 as well. Where no product has a relative, nothing is imputed and the
    gap remains. `max_periods`: the greatest distance from the observed price carried (the longest gap to
    interpolate); None = any.

    Prices that an earlier call imputed (a Boolean column `imputed`, and `method`, as below) stay imputed, with their
    method: they are carried on, but never count as observed.

    Returns one row per product and period from its first price ("carry_backward": from the first period) to the end of
    the calendar, sorted: period, product, price, quantity (if given; 0 where imputed, for nothing was sold), group (if
    given), imputed, method (null unless imputed), age (periods since the last observed price; "carry_backward": until
    the next, null where there is none), reason (null unless price is).

    Raises ValueError on unknown options, lists the known ones; on a column that a method needs and lacks; on quotes
    as `price_panel` does; on periods without a known step; on a product in two groups, or that is a target in some rows
    only. Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 7 (overall, class and
    targeted mean imputation) and 9 (missing prices, self-correction).
    """
    refuse_unknown("method", method, METHODS, aliases=METHOD_ALIASES)
    refuse_unknown("mean", mean, MEANS)
    self_correcting = true_or_false("self_correcting", self_correcting)
    for option, name in (("group", group), ("target", target)):
        if name is not None:
            refuse_no_text(option, name)
    most = _checked_options(method, group=group, target=target, max_periods=max_periods)
    quotes = eager_frame(quotes, "quotes")
    _check_columns(quotes, group=group, target=target)
    panel = price_panel(
        quotes, period=period, product=product, price=price, quantity=quantity,
        missing="absent" if quantity is None else "unsold", calendar=calendar, with_gaps=True,
    )  # fmt: skip
    periods = panel.periods
    gaps = _gaps(quotes, panel.prices, panel.presence, (periods, panel.products), (period, product))
    groups = _groups(quotes, product, group)
    if method not in CLASS_METHODS:
        groups = np.zeros_like(groups) if group else np.zeros(len(panel.products), dtype=np.int64)
    chosen = _targets(quotes, panel.products, product, target)
    if method == "carry_backward":
        prices, age = _carried_backward(gaps, most)
    elif method == "interpolate":
        prices, age = _interpolated(gaps, most, mean)
    else:
        prices, age = _carried_forward(gaps, method, groups, chosen, most, self_correcting, mean)
    table = _laid_out(gaps, prices, age, method, most, (periods, panel.products), quotes.schema, (period, product))
    return _with_columns(table, quotes, {"period": period, "product": product}, quantity, group)


def _checked_options(method: str, *, group: str | None, target: str | None, max_periods: int | None) -> int | None:
    if method in CLASS_METHODS and group is None:
        message = f"{method}: option group is missing; expected the column of the class"
        raise ValueError(message)
    if (method == "targeted_mean") != (target is not None):
        message = (
            f"{method}: target is {target!r}; targeted_mean needs a column of true and false, other methods take none"
        )
        raise ValueError(message)
    if max_periods is None:
        return None
    return whole_number("max_periods", max_periods, least=1, otherwise=", or None for any number")


def _check_columns(quotes: pl.DataFrame, *, group: str | None, target: str | None) -> None:
    for column, use in ((target, "the target"), ("imputed", "the mark of imputed prices")):
        if column is not None and (found := quotes.schema.get(column, pl.Boolean)) != pl.Boolean:
            message = f"quotes: column {column} is {found}, expected Boolean, as {use}"
            raise ValueError(message)
    refuse_missing_columns(quotes, [column for column in (group, target) if column is not None], "quotes")


def _gaps(
    quotes: pl.DataFrame, prices: Floats, presence: Booleans, axes: tuple[list[Any], list[Any]], keys: tuple[str, str]
) -> _Gaps:
    """Split prices into those observed and those that an earlier call imputed."""
    known = np.where(presence, prices, np.nan)
    earlier, methods = np.full(known.shape, np.nan), np.full(known.shape, None, dtype=object)
    if "imputed" in quotes.columns:
        rows = quotes.filter(pl.col("imputed").fill_null(value=False))
        row, column = ({key: n for n, key in enumerate(axis)} for axis in axes)
        t = [row[key] for key in rows[keys[0]]]
        n = [column[key] for key in rows[keys[1]]]
        earlier[t, n] = known[t, n]
        known[t, n] = np.nan
        named = rows["method"].to_list() if "method" in rows.columns else [None] * rows.height
        methods[t, n] = ["imputed before" if name is None else str(name) for name in named]
    return _Gaps(known, earlier, methods)


def _groups(quotes: pl.DataFrame, product: str, group: str | None) -> Integers:
    if group is None:
        return np.zeros(0, dtype=np.int64)
    pairs = quotes.select(pl.col(product).alias("product"), pl.col(group).alias("group")).unique()
    refuse_rows(pairs, {"a product of two groups": pl.col("product").is_duplicated()}, "quotes")
    codes = pairs.sort("product")["group"].rank("dense") - 1
    return codes.fill_null(-1).to_numpy().astype(np.int64)


def _targets(quotes: pl.DataFrame, products: list[Any], product: str, target: str | None) -> Booleans:
    if target is None:
        return np.ones(len(products), dtype=np.bool_)
    pairs = quotes.select(pl.col(product).alias("product"), pl.col(target).alias("target")).unique()
    faults = {
        f"a null in {target}": pl.col("target").is_null(),
        "a product that is a target in some rows and in others not": pl.col("product").is_duplicated(),
    }
    refuse_rows(pairs, faults, "quotes")
    return pairs.sort("product")["target"].to_numpy()


def _carried_forward(
    gaps: _Gaps,
    method: str,
    groups: Integers,
    chosen: Booleans,
    most: int | None,
    self_correcting: bool,
    mean: str,
) -> tuple[Floats, Integers]:
    """Fill period by period; returns prices (nan: none) and periods since the last observed price."""
    observed = gaps.observed
    prices = np.where(np.isnan(observed), gaps.earlier, observed)
    age = np.zeros(observed.shape, dtype=np.int64)
    size = int(groups.max(initial=0)) + 1
    for t in range(1, len(prices)):
        gap = np.isnan(observed[t])
        age[t] = np.where(gap, age[t - 1] + 1, 0)
        before = prices[t - 1] if self_correcting else observed[t - 1]
        change = np.ones(size)
        if method in MEAN_METHODS:
            counts = chosen & ~gap & ~np.isnan(before) & (groups >= 0)
            relative = observed[t, counts] / before[counts]
            total = np.bincount(groups[counts], minlength=size)
            value = np.log(relative) if mean == "geometric" else relative
            with np.errstate(invalid="ignore"):
                change = np.bincount(groups[counts], weights=value, minlength=size) / total
            change = np.exp(change) if mean == "geometric" else change
        fills = np.isnan(prices[t]) & ~np.isnan(prices[t - 1]) & (groups >= 0)
        fills &= age[t] <= (len(prices) if most is None else most)
        prices[t, fills] = prices[t - 1, fills] * change[groups[fills]]
    return prices, age


def _carried_backward(gaps: _Gaps, most: int | None) -> tuple[Floats, Integers]:
    """Carry each observed price back to the one before; returns prices and periods until the next observed price."""
    turned = _Gaps(gaps.observed[::-1], gaps.earlier[::-1], gaps.earlier_methods[::-1])
    products = gaps.observed.shape[1]
    prices, age = _carried_forward(
        turned,
        "carry_forward",
        np.zeros(products, dtype=np.int64),
        np.ones(products, dtype=np.bool_),
        most,
        True,
        MEANS[0],
    )
    return prices[::-1], age[::-1]


def _interpolated(gaps: _Gaps, most: int | None, mean: str) -> tuple[Floats, Integers]:
    """Interpolate each product between its observed prices; returns prices and periods since the last observed one."""
    observed = gaps.observed
    prices = np.where(np.isnan(observed), gaps.earlier, observed)
    rows = np.arange(len(observed))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(observed), -1, rows), axis=0)
    following = np.where(np.isnan(observed), len(observed), rows)
    following = np.minimum.accumulate(following[::-1], axis=0)[::-1]
    longest = len(observed) if most is None else most
    fills = np.isnan(prices) & (last >= 0) & (following < len(observed)) & (following - last - 1 <= longest)
    t, n = np.nonzero(fills)
    start, end = last[fills], following[fills]
    share = (t - start) / (end - start)
    first, second = observed[start, n], observed[end, n]
    prices[fills] = first * (second / first) ** share if mean == "geometric" else first + share * (second - first)
    return prices, np.where(last >= 0, rows - last, 0)


def _laid_out(
    gaps: _Gaps,
    prices: Floats,
    age: Integers,
    method: str,
    most: int | None,
    axes: tuple[list[Any], list[Any]],
    schema: pl.Schema,
    keys: tuple[str, str],
) -> pl.DataFrame:
    """Rows of every product from its first price on, sorted; the method of imputed prices and the reason of gaps."""
    known: Booleans = ~np.isnan(gaps.observed) | ~np.isnan(gaps.earlier)
    shown: Booleans = np.maximum.accumulate(known, axis=0).T
    if method == "carry_backward":
        shown = np.broadcast_to(known.any(axis=0).reshape(-1, 1), shown.shape)
    n, t = np.nonzero(shown)
    filled: Booleans = np.isnan(gaps.observed) & ~np.isnan(prices)
    methods = np.asarray(np.where(np.isnan(gaps.earlier), method, gaps.earlier_methods), dtype=object).T[shown]
    old = pl.lit(False) if most is None else pl.col("age") > most
    ahead: Booleans = np.maximum.accumulate(known[::-1], axis=0)[::-1].T[shown]
    if method == "interpolate":
        reason = pl.lit("no observed price on both sides" + ("" if most is None else f" of at most {most} periods"))
    elif method == "carry_backward":
        late = pl.lit(f"the next price is more than {most} periods ahead")
        reason = pl.when(pl.Series(ahead)).then(late).otherwise(pl.lit("no later price"))
    else:
        reason = (
            pl.when(old)
            .then(pl.lit(f"the last price is older than {most} periods"))
            .otherwise(pl.lit("no product has a relative to impute from"))
        )
    table = pl.DataFrame(
        {
            "period": pl.Series(axes[0], dtype=schema[keys[0]]).gather(t),
            "product": pl.Series(axes[1], dtype=schema[keys[1]]).gather(n),
            "price": pl.Series(prices.T[shown], nan_to_null=True),
            "imputed": pl.Series(filled.T[shown]),
            "method": pl.Series(methods.tolist(), dtype=pl.String),
            "age": pl.Series(age.T[shown], dtype=pl.Int32),
        }
    )
    if method == "carry_backward":
        table = table.with_columns(age=pl.when(pl.Series(ahead)).then("age"))
    return table.with_columns(
        method=pl.when("imputed").then("method"), reason=pl.when(pl.col("price").is_null()).then(reason)
    )


def _with_columns(
    table: pl.DataFrame, quotes: pl.DataFrame, keys: dict[str, str], quantity: str | None, group: str | None
) -> pl.DataFrame:
    """Add quantity and group, and order the columns."""
    names = {name: pl.col(column) for name, column in keys.items()}
    if quantity is not None:
        sold = quotes.select(**names, quantity=pl.col(quantity).cast(pl.Float64))
        table = table.join(sold, on=["period", "product"], how="left", maintain_order="left")
        table = table.with_columns(quantity=pl.when("imputed").then(0.0).otherwise("quantity"))
    if group is not None:
        groups = quotes.select(product=names["product"], group=pl.col(group)).unique()
        table = table.join(groups, on="product", how="left", maintain_order="left")
    order = [c for c in ("period", "product", "price", "quantity", "group") if c in table.columns]
    return table.select(*order, "imputed", "method", "age", "reason")
