"""Mean prices by product and week or month: from the daily quotes of some months to rows, and back to panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_unknown
from ons_bigdata.prices.methods.recipes.figures import OriginPanels
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Stratum, products_in_order, recipe_periods
from ons_bigdata.prices.schemas.indices import ProductPeriodPrice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.catalogue import Recipe
    from ons_bigdata.prices.methods.recipes.panels import Products, SeasonalRule

CALENDARS = {"weeks": ("weekly", "all"), "months": ("monthly", "all"), "second_tuesdays": ("monthly", "second_tuesday")}
"""Calendars of weekly and monthly outputs: frequency, and days of a period that count."""

_PRODUCT = ["data_origin", "retailer", "item_number", "product"]


def seasonal_rule(recipes: Iterable[Recipe]) -> SeasonalRule | None:
    """Rule of seasonal items of all weekly and monthly recipes, which share the means.

    Raises ValueError where they differ.
    """
    rules = {
        recipe.seasonal
        for recipe in recipes
        if any(output.frequency in ("weekly", "monthly") for output in recipe.outputs)
    }
    if len(rules) > 1:
        message = f"found {len(rules)} seasonal rules of weekly and monthly recipes, expected one"
        raise ValueError(message)
    return next(iter(rules), None)


def product_period_prices(quotes: pl.DataFrame, history: OriginHistory, rule: SeasonalRule | None) -> pl.DataFrame:
    """Sum the daily prices of one data origin by product and period, in each of `CALENDARS`.

    `quotes`: data_origin, retailer, item_number, product, collected_on, price_gbp; of whole periods. Days out of season
    by the rule do not count. Returns `ProductPeriodPrice` rows; `month` is that of the start of the period.
    """
    rows = eager_frame(quotes, "quotes")
    refuse_missing_columns(rows, (*_PRODUCT, "collected_on", "price_gbp"), "quotes")
    days = rows["collected_on"].unique().sort().to_list()
    seasonal = _days_out_of_season(history, rule)
    inside = rows.select(*(pl.col(name).cast(pl.String) for name in ("data_origin", "retailer", "product")),
                         "item_number", "collected_on", "price_gbp")  # fmt: skip
    inside = inside.join(seasonal, on=["retailer", "item_number", "collected_on"], how="anti").sort(
        [*_PRODUCT, "collected_on"]
    )
    parts = [ProductPeriodPrice.create_empty()]
    for name, (frequency, days_that_count) in CALENDARS.items():
        periods = recipe_periods(days, frequency, days_that_count, None)
        start_of = {
            day: periods.starts[row] for day, row in zip(days, periods.of_day.tolist(), strict=True) if row >= 0
        }
        starts = pl.DataFrame(
            {"collected_on": list(start_of), "period": list(start_of.values())},
            schema={"collected_on": pl.Date, "period": pl.Date},
        )
        summed = (
            inside.join(starts, on="collected_on", how="inner", maintain_order="left")
            .group_by([*_PRODUCT, "period"], maintain_order=True)
            .agg(price_sum_gbp=pl.col("price_gbp").sum(), quotes=pl.len())
            .with_columns(calendar=pl.lit(name), month=pl.col("period").dt.truncate("1mo"))
        )
        parts.append(ProductPeriodPrice.validate(summed.select(ProductPeriodPrice.column_names()), cast=True))
    return pl.concat(parts)


def panels_of_periods(
    history: OriginHistory,
    prices: pl.DataFrame,
    pack_sizes: pl.DataFrame,
    calendar: str,
    rows: slice = slice(None),
) -> OriginPanels:
    """Panels of mean prices of one data origin, one row per period of a calendar.

    `prices`: `ProductPeriodPrice` rows and in_scope (null = undecided) of their products. `pack_sizes`: see
    `panels.strata`. `rows`: consecutive periods of the calendar; prices of others are left aside. Raises ValueError on
    an unknown calendar; lists the known ones.
    """
    refuse_unknown("calendar", calendar, list(CALENDARS))
    starts = recipe_periods(history.days, *CALENDARS[calendar], history.week).starts
    first, _, _ = rows.indices(len(starts))
    starts = starts[rows]
    texts = pl.col("retailer", "product").cast(pl.String)
    places = pl.DataFrame({"period": starts}, schema={"period": pl.Date}).with_row_index("row")
    inside = (
        prices.filter(pl.col("calendar") == calendar)
        .join(places, on="period", how="inner")
        .with_columns(
            texts,
            price=pl.col("price_sum_gbp") / pl.col("quotes"),
            judged=pl.col("in_scope").cast(pl.Int8).fill_null(UNDECIDED),
        )
    )
    placed, products = products_in_order(inside, pack_sizes.with_columns(texts))
    columns = ["retailer", "item_number", "row", "place", "price", "quotes", "judged"]
    of_strata = placed.select(columns).partition_by("retailer", "item_number", as_dict=True)
    panels = [_stratum(key, of_strata.get(key), products.get(key), len(starts)) for key in history.strata]
    return OriginPanels(history, panels, first, CALENDARS[calendar])


def _stratum(key: tuple[str, int], rows: pl.DataFrame | None, products: Products | None, periods: int) -> Stratum:
    names, pack_sizes = products or ([], np.zeros(0))
    prices, quotes = np.zeros((periods, len(names))), np.zeros((periods, len(names)), dtype=np.int64)
    judged = np.full(prices.shape, UNDECIDED, dtype=np.int8)
    if rows is not None:
        at = rows["row"].to_numpy(), rows["place"].to_numpy()
        for array, name in ((prices, "price"), (quotes, "quotes"), (judged, "judged")):
            array[at] = rows[name].to_numpy()
    return Stratum(*key, names, prices, judged, pack_sizes, quotes)


def _days_out_of_season(history: OriginHistory, rule: SeasonalRule | None) -> pl.DataFrame:
    mask = history.out_of_season(rule)
    found = [(*history.strata[stratum], history.days[day]) for stratum, day in np.argwhere(mask)]
    schema = {"retailer": pl.String, "item_number": pl.Int32, "collected_on": pl.Date}
    return pl.DataFrame(found, schema=schema, orient="row")
