"""The price panel: quotes as dense matrices, periods × products, on which index methods compute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    is_single_value,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.panels.input_checks import refuse_repeated_names, refuse_unsortable, true_or_false
from ons_bigdata.prices.methods.panels.key_codes import code_keys
from ons_bigdata.prices.methods.panels.period_calendar import period_calendar, refuse_unsorted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Duplicates = Literal["error", "unit_value", "rows"]
Missing = Literal["error", "absent", "unsold"]


class RowMeans(NamedTuple):
    """Summaries of the rows of each cell for a regression on all rows. Each T×N, 0 where absent.

    `counts`: number of rows. `logs`: mean of their log prices. `value_logs`: mean weighted by pq (as `logs` where
    there are no quantities or nothing was sold).
    """

    counts: NDArray[np.float64]
    logs: NDArray[np.float64]
    value_logs: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PricePanel:
    """Prices and quantities of N products in T periods. The arrays are read-only.

    `periods`, `products`: sorted, as they occur in the quotes; of a calendar all its periods, in its order. `prices`,
    `quantities`: T×N, float64, 0 where absent; `quantities` is None where the quotes have none. `presence`: T×N, true
    where the product counts as present: its price is above 0 and, unless unsold products count, its quantity too.
    `rows`: summaries of the rows behind the cells, only where duplicates are "rows".
    """

    periods: list[Any]
    products: list[Any]
    prices: NDArray[np.float64]
    quantities: NDArray[np.float64] | None
    presence: NDArray[np.bool_]
    rows: RowMeans | None = None

    def on_calendar(self, calendar: list[Any]) -> PricePanel:
        """Spread the panel over a calendar that contains its periods; the other periods have no product."""
        if self.periods == calendar:
            return self
        place = {period: t for t, period in enumerate(calendar)}
        rows = [place[period] for period in self.periods]

        def spread(matrix: NDArray[Any]) -> NDArray[Any]:
            wider = np.zeros((len(calendar), matrix.shape[1]), dtype=matrix.dtype)
            wider[rows] = matrix
            wider.setflags(write=False)
            return wider

        return replace(
            self,
            periods=calendar,
            prices=spread(self.prices),
            quantities=None if self.quantities is None else spread(self.quantities),
            presence=spread(self.presence),
            rows=self.rows and RowMeans(*map(spread, self.rows)),
        )

    def position(self, option: str, period: object) -> int:
        """Row of a period. Raises ValueError that names the option and the range of periods if there is none."""
        is_truth = isinstance(period, bool) and not any(isinstance(known, bool) for known in self.periods)
        if not is_single_value(period) or is_truth or period not in self.periods:
            known = (
                f"one of {len(self.periods)} from {self.periods[0]} to {self.periods[-1]}"
                if self.periods
                else "none, for there are no quotes"
            )
            shown = repr(period) if is_single_value(period) else type(period).__name__
            message = f"{option}: found {shown}, expected a period of the quotes ({known})"
            raise ValueError(message)
        return self.periods.index(period)


def price_panel(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
    duplicates: Duplicates = "error",
    missing: Missing = "error",
    calendar: Sequence[Any] | pl.Series | None = None,
    with_gaps: bool = False,
    in_order: bool = True,
) -> PricePanel:
    """Pivot quotes (one row per period and product, any order) into matrices.

    The named columns: `period` and `product` of any type that sorts, without nulls (floats: finite); `price` and
    `quantity` numbers. Other columns are ignored.

    `duplicates`: how several rows of a product in a period count. "error": a fault. "unit_value": one observation at
    the unit value Σpq/Σq and the quantity Σq; without quantities at the mean price. "rows": the same, and `rows` holds
    the summaries for a regression on the single rows (the FEWS); only the time-product dummy reads them.
    `missing`: how a null price, a null quantity or a quantity of 0 counts. "error": a fault. "absent": the product was
    not on sale; its row is left out, its period and product stay, if need be without any product. "unsold": a product
    with a price was on sale, and a null quantity is a quantity of 0 (prices carried forward without a sale).
    `calendar`: all periods in order, see `given_calendar`. `with_gaps`: without a calendar, the periods between those
    of the quotes are periods of the panel, too, see `period_calendar`. `in_order`: whether the order of the periods
    matters; if not, they may be any text.
    A price or a quantity that is negative, infinite or not a number, and a price of 0, is always a fault.

    Raises ValueError that names the column and its type, or counts the faulty rows and shows the first; on text
    periods that do not sort in time (`2020-8`, `Jan`), unless a calendar is given; on a calendar as `given_calendar`;
    `with_gaps` on periods without a known step.
    Source of the unit value: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 20.
    """
    refuse_unknown("duplicates", duplicates, get_args(Duplicates))
    refuse_unknown("missing", missing, get_args(Missing))
    refuse_repeated_names({"period": period, "product": product, "price": price, "quantity": quantity})
    with_gaps, in_order = true_or_false("with_gaps", with_gaps), true_or_false("in_order", in_order)
    quotes = eager_frame(quotes, "quotes")
    numbers = {"price": price} if quantity is None else {"price": price, "quantity": quantity}
    keys = {"period": period, "product": product}
    rows = _checked_types(quotes, keys, numbers)
    refuse_rows(rows, _faults(rows, keys, numbers, missing), "quotes", shown_as=keys | numbers)
    periods, row = code_keys(rows["period"])
    products, column = code_keys(rows["product"])
    if calendar is None and in_order:
        refuse_unsorted(pl.Series(periods, dtype=rows.schema["period"]))
    cell = row * len(products) + column
    if missing != "error":
        observed = _observed(rows, missing).to_numpy()
        rows, cell = rows.filter(observed), cell[observed]
        rows = rows.with_columns(pl.col(name).fill_null(0.0) for name in numbers)
    shape = (len(periods), len(products))
    dense = {name: _dense(rows[name].to_numpy(), cell, shape) for name in numbers}
    present = dense["price"] > 0
    if (repeated := np.count_nonzero(present) < len(cell)) and duplicates == "error":
        _refuse_repeats(rows, cell, keys, keys | numbers)
    if repeated:
        _put_unit_values(dense, {name: rows[name].to_numpy() for name in numbers}, cell)
    means = None
    if duplicates == "rows":
        means = _row_means({name: rows[name].to_numpy() for name in numbers}, cell, shape)
    for matrix in (*dense.values(), present, *(means or ())):
        matrix.setflags(write=False)
    panel = PricePanel(periods, products, dense["price"], dense.get("quantity"), present, means)
    return panel.on_calendar(period_calendar(periods, calendar, windowed=with_gaps, dtype=rows.schema["period"]))


def _checked_types(quotes: pl.DataFrame, keys: dict[str, str], numbers: dict[str, str]) -> pl.DataFrame:
    """Select the columns as period, product, price and quantity, numbers as float64."""
    refuse_missing_columns(quotes, (*keys.values(), *numbers.values()), "quotes")
    refuse_unsortable(quotes, keys.values(), "quotes")
    refuse_no_numbers(quotes, numbers.values(), "quotes")
    as_floats = {name: pl.col(column).cast(pl.Float64) for name, column in numbers.items()}
    return quotes.select(**{name: pl.col(column) for name, column in keys.items()}, **as_floats)


def _observed(rows: pl.DataFrame, missing: Missing) -> pl.Series:
    """Mask of the rows of products that were on sale."""
    priced = rows["price"].is_not_null()
    if "quantity" not in rows.columns or missing == "unsold":
        return priced
    return priced & (rows["quantity"] != 0).fill_null(value=False)


def _faults(rows: pl.DataFrame, keys: dict[str, str], numbers: dict[str, str], missing: Missing) -> dict[str, pl.Expr]:
    faults = {f"a null in {column}": pl.col(name).is_null() for name, column in keys.items()}
    for name, column in keys.items():
        if rows.schema[name].is_float():
            faults[f"a {column} that is not finite"] = ~pl.col(name).is_finite()
    for name, column in numbers.items():
        value = pl.col(name)
        if missing == "error":
            faults[f"a null in {column} (missing: 'error'; 'absent' leaves such rows out)"] = value.is_null()
        # A quantity of 0 means that nothing was sold; no index can use a price of 0.
        may_be_zero = name == "quantity" and missing != "error"
        positive = value >= 0 if may_be_zero else value > 0
        expected = "no less than 0" if may_be_zero else "positive"
        faults[f"a {column} that is not finite and {expected}"] = ~(value.is_finite() & positive)
    return faults


def _refuse_repeats(
    rows: pl.DataFrame, cell: NDArray[np.int64], keys: dict[str, str], shown_as: dict[str, str]
) -> None:
    repeats = rows.filter(~pl.Series(cell).is_first_distinct())
    fault = f"a {keys['product']} that has an earlier row in the {keys['period']}"
    refuse_rows(repeats, {fault: pl.lit(value=True)}, "quotes", shown_as=shown_as)


def _dense(values: NDArray[np.float64], cell: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    matrix = np.zeros(shape)
    matrix.reshape(-1)[cell] = values
    return matrix


def _put_unit_values(
    dense: dict[str, NDArray[np.float64]], values: dict[str, NDArray[np.float64]], cell: NDArray[np.int64]
) -> None:
    """Overwrite the cells of several rows by their unit values; other cells keep their price to the last digit."""
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
    """Average the log prices of the rows of each cell; in a regression they weigh like one row of their sum."""
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
