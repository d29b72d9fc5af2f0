"""Filters of quotes before an index: dumped products, low sales, extreme relatives.

A filter marks rows, with the reason; it removes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_no_numbers, refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import (
    finite_number,
    listed_values,
    not_positive,
    refuse_no_text,
    refuse_repeated_names,
    refuse_unsortable,
)
from ons_bigdata.prices.methods.panels.period_calendar import period_calendar, refuse_unsorted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DUMPED = "dumped"
LOW_SALES = "low_sales"
EXTREME_RELATIVE = "extreme_relative"


def dump_filter(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    price_limit: float,
    expenditure_limit: float,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
    calendar: Sequence[Any] | pl.Series | None = None,
    kept: str = "kept",
    reason: str = "reason",
) -> pl.DataFrame:
    """Mark products that are sold off before they end: price and expenditure both fell below limits.

    A row is out where p_t/p_s < `price_limit` and p_t q_t/(p_s q_s) < `expenditure_limit`, s the period before t.
    `quotes`: one row per period and product, price > 0, quantity ≥ 0. Returns the quotes in their order with two more
    columns, `kept` and `reason` ("dumped", or null), under these names unless others are given. A row whose product
    was absent in the period before is kept. `calendar`: as `relative_filter`.

    Raises ValueError on limits outside of 0 to 1 and on quotes as `relative_filter`. Source: Eurostat (2017), Practical
    guide for processing supermarket scanner data; van Loon and Roels (2018), Integrating big data in the Belgian CPI.
    """
    price_limit = _checked_limit("price_limit", price_limit)
    expenditure_limit = _checked_limit("expenditure_limit", expenditure_limit)
    quotes = _without_columns(quotes, kept, reason)
    refuse_no_text("quantity", quantity)
    rows = _with_period_before(quotes, period, product, price, quantity, calendar)
    value, value_before = pl.col("_price") * pl.col("_quantity"), pl.col("_price_before") * pl.col("_quantity_before")
    dumped = (pl.col("_price") < price_limit * pl.col("_price_before")) & (value < expenditure_limit * value_before)
    return _with_outcome(quotes, rows, dumped, DUMPED, (kept, reason))


def low_sales_filter(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    share_factor: float = 1.25,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
    calendar: Sequence[Any] | pl.Series | None = None,
    kept: str = "kept",
    reason: str = "reason",
) -> pl.DataFrame:
    """Mark products of little weight: out unless (s_(t−1) + s_t)/2 > 1/(N·λ), over the N products of both periods.

    s: expenditure shares among the products of both periods; λ = `share_factor`. Returns the quotes with `kept` and
    `reason` ("low_sales", or null), as `dump_filter`; a row whose product was absent in the period before is kept.
    `calendar`: as `relative_filter`.

    Raises ValueError on a factor that is not above 0 and on quotes as `relative_filter`. Source: van der Grient and de
    Haan (2010), The use of supermarket scanner data in the Dutch CPI; λ as there.
    """
    if not (number := finite_number("share_factor", share_factor)) > 0:
        message = f"share_factor: found {share_factor}, expected above 0"
        raise ValueError(message)
    share_factor = number
    quotes = _without_columns(quotes, kept, reason)
    refuse_no_text("quantity", quantity)
    rows = _with_period_before(quotes, period, product, price, quantity, calendar)
    matched = pl.col("_price_before").is_not_null()
    value = pl.when(matched).then(pl.col("_price") * pl.col("_quantity"))
    value_before = pl.when(matched).then(pl.col("_price_before") * pl.col("_quantity_before"))
    shares = [one / one.sum().over("_period") for one in (value, value_before)]
    low = ~((shares[0] + shares[1]) / 2 > 1 / (value.count().over("_period") * share_factor))
    return _with_outcome(quotes, rows, low & matched, LOW_SALES, (kept, reason))


def relative_filter(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    factor: float = 3.0,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    calendar: Sequence[Any] | pl.Series | None = None,
    kept: str = "kept",
    reason: str = "reason",
) -> pl.DataFrame:
    """Mark prices that are more than `factor` times, or less than 1/`factor` of, the product's price one period before.

    Returns the quotes with `kept` and `reason` ("extreme_relative", or null), as `dump_filter`; a row whose product was
    absent in the period before is kept. `calendar`: all periods in order; without it the period before follows from the
    step of the periods, see `period_calendar`. Raises ValueError on a factor that is not above 1, on a repeated period
    and product, on prices that are not positive and finite, on periods without a known step, and on quotes that have a
    column of the name of `kept` or `reason`.
    Source: ONS (2023), Rail fares and second-hand cars in consumer price statistics (relatives beyond ×3).
    """
    if not (number := finite_number("factor", factor)) > 1:
        message = f"factor: found {factor}, expected above 1"
        raise ValueError(message)
    factor = number
    quotes = _without_columns(quotes, kept, reason)
    rows = _with_period_before(quotes, period, product, price, None, calendar)
    relative = pl.col("_price") / pl.col("_price_before")
    extreme = (relative > factor) | (relative < 1 / factor)
    return _with_outcome(quotes, rows, extreme, EXTREME_RELATIVE, (kept, reason))


def combined(
    filtered: Iterable[pl.DataFrame | pl.LazyFrame], *, kept: str = "kept", reason: str = "reason"
) -> pl.DataFrame:
    """Combine the outcomes of independent filters of the same quotes: `kept` by all, `reason` lists all reasons.

    Each frame: the same quotes in the same order, with `kept` and `reason`. Raises ValueError where there is none, a
    frame lacks one of the two columns, or its other columns differ from those of the first.
    """
    _refuse_bad_outcome(kept, reason)
    given = filtered if isinstance(filtered, list | tuple) else listed_values("filtered", filtered, "frames")
    frames = [eager_frame(frame, "filtered") for frame in given]
    if not frames:
        message = "no filters given"
        raise ValueError(message)
    for frame in frames:
        refuse_missing_columns(frame, (kept, reason), "filtered")
        for column, expected in ((kept, pl.Boolean), (reason, pl.String)):
            if frame.schema[column] not in (expected, pl.Null):
                message = f"filtered: column {column} is {frame.schema[column]}, expected {expected}"
                raise ValueError(message)
        if not frame.drop(kept, reason).equals(frames[0].drop(kept, reason)):
            message = "filtered: the frames are not of the same quotes in the same order"
            raise ValueError(message)
    all_kept = pl.DataFrame([frame[kept].alias(str(n)) for n, frame in enumerate(frames)])
    reasons = pl.DataFrame([frame[reason].alias(str(n)) for n, frame in enumerate(frames)])
    text = reasons.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).alias("text"))["text"]
    return frames[0].with_columns(
        all_kept.select(pl.all_horizontal(pl.all()).alias(kept))[kept],
        pl.when(text != "").then(text).alias(reason),
    )


def _checked_limit(name: str, limit: float) -> float:
    if not 0 < (number := finite_number(name, limit)) <= 1:
        message = f"{name}: found {limit}, expected above 0, at most 1"
        raise ValueError(message)
    return number


def _refuse_bad_outcome(kept: object, reason: object) -> None:
    refuse_no_text("kept", kept)
    refuse_no_text("reason", reason)
    refuse_repeated_names({"kept": kept, "reason": reason})


def _without_columns(quotes: pl.DataFrame | pl.LazyFrame, kept: str, reason: str) -> pl.DataFrame:
    """Quotes as a frame. Raises ValueError where it has a column that the outcome of the filter would overwrite."""
    _refuse_bad_outcome(kept, reason)
    frame = eager_frame(quotes, "quotes")
    for option, column in (("kept", kept), ("reason", reason)):
        if column in frame.columns:
            message = (
                f"quotes: column {column} exists already and would be overwritten; give the option {option} another"
                " name, or combine filters of the same quotes by `combined`"
            )
            raise ValueError(message)
    return frame


def _with_period_before(
    quotes: pl.DataFrame,
    period: str,
    product: str,
    price: str,
    quantity: str | None,
    calendar: Sequence[Any] | pl.Series | None,
) -> pl.DataFrame:
    """Add the product's price and quantity of the period before to each row, null where it was absent."""
    refuse_repeated_names({"period": period, "product": product, "price": price, "quantity": quantity})
    refuse_missing_columns(quotes, (period, product, price, *([quantity] if quantity is not None else [])), "quotes")
    refuse_unsortable(quotes, (period, product), "quotes")
    refuse_no_numbers(quotes, [price, *([quantity] if quantity is not None else [])], "quotes")
    amount = pl.lit(1.0) if quantity is None else pl.col(quantity).cast(pl.Float64)
    rows = quotes.select(
        _period=pl.col(period), _product=pl.col(product), _price=pl.col(price).cast(pl.Float64), _quantity=amount
    )
    bounded = pl.col("_quantity").is_finite() & (pl.col("_quantity") >= 0)
    faults = {
        "a null in its key": pl.any_horizontal(pl.col("_period", "_product").is_null()),
        "a product that occurs before in the period": pl.struct("_period", "_product").is_duplicated(),
        "a price that is not positive and finite": not_positive("_price"),
        "a quantity that is null, not finite or below 0": ~bounded.fill_null(value=False),
    }
    names = {"_period": period, "_product": product, "_price": price}
    shown = rows if quantity is not None else rows.drop("_quantity")
    if quantity is None:
        faults.pop("a quantity that is null, not finite or below 0")
    refuse_rows(shown, faults, "quotes", shown_as=names | {"_quantity": quantity or ""})
    if calendar is None:
        refuse_unsorted(rows["_period"])
    dtype = rows.schema["_period"]
    periods = period_calendar(rows["_period"].unique().sort().to_list(), calendar, windowed=True, dtype=dtype)
    before = pl.DataFrame({"_period": periods[1:], "_of": periods[:-1]}, schema={"_period": dtype, "_of": dtype})
    earlier = rows.select("_product", _of="_period", _price_before="_price", _quantity_before="_quantity")
    joined = rows.join(before, on="_period", how="left", maintain_order="left")
    return joined.join(earlier, on=["_of", "_product"], how="left", maintain_order="left")


def _with_outcome(
    quotes: pl.DataFrame, rows: pl.DataFrame, out: pl.Expr, reason: str, names: tuple[str, str]
) -> pl.DataFrame:
    flags = rows.select(out.fill_null(value=False).alias("out"))["out"]
    return quotes.with_columns((~flags).alias(names[0]), pl.when(flags).then(pl.lit(reason)).alias(names[1]))
