"""Mean prices by product and period: from the daily quotes of a block to a frame, and back to arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_repeated, refuse_rows, refuse_unknown
from ons_bigdata.prices.methods.panels.input_checks import valid_rows
from ons_bigdata.prices.schemas.indices import ProductPeriodPrices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

PRICE_SCOPES = ("shelf", "target")


def product_period_prices(
    stratum: Stratum, periods: Periods, out_of_season: Mapping[str, Booleans] | None = None
) -> pl.DataFrame:
    """Sum the daily prices of one retailer and item by product and period, for both scopes.

    `stratum`: daily quotes of the block. `periods`: those of the same days; days that do not count are left out.
    `out_of_season`: scope → mask of the days that enter no index of a recipe with a seasonal rule. A period that is not
    whole in the days has the sums of its days here: a block holds whole periods.

    Returns `ProductPeriodPrices` rows, one per product and period with a quote in either scope, in order.
    """
    columns: dict[str, NDArray] = {}
    for scope in PRICE_SCOPES:
        prices = stratum.of_scope(scope)
        if out_of_season is not None:
            prices = np.where(out_of_season[scope][:, None], 0.0, prices)
        columns[f"{scope}_price_sum_gbp"], columns[f"{scope}_quotes"] = periods.sums(prices)
    there = (columns["shelf_quotes"] > 0) | (columns["target_quotes"] > 0)
    rows, products = np.nonzero(there)
    frame = pl.DataFrame(
        {
            "product": pl.Series([stratum.products[n] for n in products], dtype=pl.String),
            "period": pl.Series([periods.starts[row] for row in rows], dtype=pl.Date),
            **{name: values[there] for name, values in columns.items()},
        }
    ).with_columns(retailer=pl.lit(stratum.retailer), item_number=pl.lit(stratum.item_number))
    names = ProductPeriodPrices.column_names()
    return ProductPeriodPrices.validate(frame.select(names).sort("period", "product"), cast=True)


def mean_price_panel(
    prices: pl.DataFrame, products: Sequence[str], starts: Sequence[date], scope: str
) -> tuple[Floats, Integers]:
    """Mean price of each product and period (0 where there is none), and its number of quotes: periods x products.

    `prices`: `ProductPeriodPrices` rows of one retailer and item. `products`, `starts`: of the panel. Raises ValueError
    on an unknown scope, on a row of another product or period, and on several rows of a product and period.
    """
    refuse_unknown("scope", scope, PRICE_SCOPES)
    rows = valid_rows(ProductPeriodPrices, prices, "prices")
    refuse_repeated(rows, ["product", "period"], "prices")
    place = {product: n for n, product in enumerate(products)}
    row_of = {start: n for n, start in enumerate(starts)}
    faults = {
        "a product that is not of the panel": ~pl.col("product").is_in(list(place)),
        "a period that is not of the panel": ~pl.col("period").is_in(list(row_of)),
    }
    refuse_rows(rows, faults, "prices")
    at = (
        np.array([row_of[start] for start in rows["period"]], dtype=np.int64),
        np.array([place[product] for product in rows["product"]], dtype=np.int64),
    )
    means, quotes = np.zeros((len(starts), len(products))), np.zeros((len(starts), len(products)), dtype=np.int64)
    count = rows[f"{scope}_quotes"].to_numpy()
    total = rows[f"{scope}_price_sum_gbp"].to_numpy()
    quotes[at] = count
    means[at] = np.divide(total, count, where=count > 0, out=np.zeros(len(total)))
    return means, quotes
