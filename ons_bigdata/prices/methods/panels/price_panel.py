"""The price panel: quotes as dense matrices, periods × products, that index methods compute on.

Checks the quotes and codes periods and products once. What is computed from a panel is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    collected,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.panels.key_codes import coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

Duplicates = Literal["error", "unit_value", "rows"]
Missing = Literal["error", "absent", "unsold"]


class RowMeans(NamedTuple):
    """What a regression on all rows needs of the rows of a cell. Each T×N, 0 where absent.

    `counts`: how many rows. `logs`: the mean of their log prices. `value_logs`: the mean weighted by pq, where there
    are quantities (and something was sold; else as `logs`).
    """

    counts: NDArray[np.float64]
    logs: NDArray[np.float64]
    value_logs: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PricePanel:
    """Prices and quantities of N products in T periods. The arrays are read-only.

    `periods`, `products`: sorted, as they occur in the quotes. `prices`, `quantities`: T×N, float64, 0 where absent;
    `quantities` is None where there are none. `presence`: T×N, true where the product counts as there: its price is
    above 0 and, unless products may be there unsold, its quantity. `rows`: what the rows behind the cells are, where
    duplicates are "rows".
    """

    periods: list[Any]
    products: list[Any]
    prices: NDArray[np.float64]
    quantities: NDArray[np.float64] | None
    presence: NDArray[np.bool_]
    rows: RowMeans | None = None


def price_panel(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    duplicates: Duplicates = "error",
    missing: Missing = "error",
) -> PricePanel:
    """Pivot quotes (one row per period and product, any order) into matrices.

    The named columns: `period` and `product` of any type that sorts, without nulls (floats: finite); `price` and
    `quantity` numbers. Other columns are ignored.

    `duplicates`: what several rows of a product in a period are. "error": a fault. "unit_value": one observation at
    the unit value Σpq/Σq and the quantity Σq; without quantities at the mean price. "rows": the same, and `rows` tells
    what a regression on the single rows needs (the FEWS): only the time-product dummy reads it.
    `missing`: what a null price, a null quantity or a quantity of 0 is. "error": a fault. "absent": the product was not
    there; its row is left out, its period and product stay, if need be with no product present. "unsold": a product
    with a price was there, and a null quantity is a quantity of 0 (prices carried forward without a sale).
    A price or a quantity that is negative, infinite or not a number, and a price of 0, is a fault always.

    Raises ValueError that names the column and its type, or counts the faulty rows and shows the first.
    Source of the unit value: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 20.
    """
    refuse_unknown("duplicates", duplicates, get_args(Duplicates))
    refuse_unknown("missing", missing, get_args(Missing))
    quotes = collected(quotes)
    numbers = {"price": price} if quantity is None else {"price": price, "quantity": quantity}
    rows = _checked_types(quotes, {"period": period, "product": product}, numbers)
    refuse_rows("quotes", rows, _faults(rows, {"period": period, "product": product}, numbers, missing))
    periods, row = coded(rows["period"])
    products, column = coded(rows["product"])
    cell = row * len(products) + column
    if missing != "error":
        observed = _observed(rows, missing).to_numpy()
        rows, cell = rows.filter(observed), cell[observed]
        rows = rows.with_columns(pl.col(name).fill_null(0.0) for name in numbers)
    shape = (len(periods), len(products))
    dense = {name: _dense(rows[name].to_numpy(), cell, shape) for name in numbers}
    present = dense["price"] > 0
    if (repeated := np.count_nonzero(present) < len(cell)) and duplicates == "error":
        _refuse_repeats(rows, cell, {"period": period, "product": product})
    if repeated:
        _put_unit_values(dense, {name: rows[name].to_numpy() for name in numbers}, cell)
    means = None
    if duplicates == "rows":
        means = _row_means({name: rows[name].to_numpy() for name in numbers}, cell, shape)
    for matrix in (*dense.values(), present, *(means or ())):
        matrix.setflags(write=False)
    return PricePanel(periods, products, dense["price"], dense.get("quantity"), present, means)


def _checked_types(quotes: pl.DataFrame, keys: dict[str, str], numbers: dict[str, str]) -> pl.DataFrame:
    """Take the columns under the names period, product, price and quantity, numbers as float64."""
    refuse_missing_columns(quotes, (*keys.values(), *numbers.values()), "quotes")
    for column in keys.values():
        if (found := quotes.schema[column]).is_nested() or found == pl.Object:
            message = f"quotes: column {column} is {found}, expected numbers, text, dates or another type that sorts"
            raise ValueError(message)
    refuse_no_numbers(quotes, numbers.values(), "quotes")
    as_floats = {name: pl.col(column).cast(pl.Float64) for name, column in numbers.items()}
    return quotes.select(**{name: pl.col(column) for name, column in keys.items()}, **as_floats)


def _observed(rows: pl.DataFrame, missing: Missing) -> pl.Series:
    """Tell the rows that stand for a product that was there, from those of an absent one."""
    has_price = rows["price"].is_not_null()
    if "quantity" not in rows.columns or missing == "unsold":
        return has_price
    return has_price & (rows["quantity"] != 0).fill_null(value=False)


def _faults(rows: pl.DataFrame, keys: dict[str, str], numbers: dict[str, str], missing: Missing) -> dict[str, pl.Expr]:
    faults = {f"a null in {column}": pl.col(name).is_null() for name, column in keys.items()}
    for name, column in keys.items():
        if rows.schema[name].is_float():
            faults[f"a {column} that is not finite"] = ~pl.col(name).is_finite()
    for name, column in numbers.items():
        value = pl.col(name)
        if missing == "error":
            faults[f"a null in {column} (missing: 'error'; 'absent' leaves such rows out)"] = value.is_null()
        # A quantity of 0 says that nothing was sold; a price of 0 says nothing that an index can use.
        zero_is_fine = name == "quantity" and missing != "error"
        positive = value >= 0 if zero_is_fine else value > 0
        expected = "no less than 0" if zero_is_fine else "positive"
        faults[f"a {column} that is not finite and {expected}"] = ~(value.is_finite() & positive)
    return faults


def _refuse_repeats(rows: pl.DataFrame, cell: NDArray[np.int64], keys: dict[str, str]) -> None:
    repeats = rows.filter(~pl.Series(cell).is_first_distinct())
    fault = f"a {keys['product']} that has an earlier row in the {keys['period']}"
    refuse_rows("quotes", repeats, {fault: pl.lit(value=True)})


def _dense(values: NDArray[np.float64], cell: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    matrix = np.zeros(shape)
    matrix.reshape(-1)[cell] = values
    return matrix


def _put_unit_values(
    dense: dict[str, NDArray[np.float64]], values: dict[str, NDArray[np.float64]], cell: NDArray[np.int64]
) -> None:
    """Overwrite the cells of several rows; a cell of one row keeps its price to the last digit."""
    size = dense["price"].size
    rows = np.bincount(cell, minlength=size)
    several = np.flatnonzero(rows > 1)
    weights = values.get("quantity", np.ones(len(cell)))
    total = np.bincount(cell, weights=weights, minlength=size)[several]
    value = np.bincount(cell, weights=values["price"] * weights, minlength=size)[several]
    unweighted = np.bincount(cell, weights=values["price"], minlength=size)[several] / rows[several]
    with np.errstate(invalid="ignore"):
        dense["price"].reshape(-1)[several] = np.where(total > 0, value / total, unweighted)  # 0: none was sold
    if "quantity" in dense:
        dense["quantity"].reshape(-1)[several] = total


def _row_means(values: dict[str, NDArray[np.float64]], cell: NDArray[np.int64], shape: tuple[int, int]) -> RowMeans:
    """Average the log prices of the rows of each cell; rows of one cell weigh in a regression as their sum does."""
    size = shape[0] * shape[1]
    logs = np.log(values["price"])
    expenditure = values["price"] * values.get("quantity", np.ones(len(cell)))
    counts = np.bincount(cell, minlength=size).astype(np.float64)
    total = np.bincount(cell, weights=expenditure, minlength=size)
    sums = np.bincount(cell, weights=logs, minlength=size)
    value_sums = np.bincount(cell, weights=expenditure * logs, minlength=size)
    mean = np.divide(sums, counts, where=counts > 0, out=np.zeros(size))
    value_mean = np.divide(value_sums, total, where=total > 0, out=mean.copy())
    return RowMeans(*(column.reshape(shape) for column in (counts, mean, value_mean)))
