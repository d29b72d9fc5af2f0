"""Mean prices by product and week or month, which weekly and monthly indices read in the place of daily quotes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform.dagster.by_period import ByPeriod, Period
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.assets.indices.origin_months import PRODUCT, last_day, read_origins
from ons_bigdata.prices.assets.indices.origins import INPUTS, MONTH_INPUTS, current_recipes
from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfPeriods
from ons_bigdata.prices.methods.recipes.blocks.period_means import (
    panels_of_periods,
    product_period_prices,
    seasonal_rule,
)
from ons_bigdata.prices.schemas.indices import ProductPeriodPrice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import dagster as dg

    from ons_bigdata.prices.assets.indices.origin_months import OriginMonths
    from ons_bigdata.prices.methods.recipes import OriginPanels
    from ons_bigdata.prices.methods.recipes.panels import SeasonalRule

TABLE = "analysis.product_period_prices"
QUOTE_COLUMNS = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]
DAYS_OF_A_WEEK_AHEAD = 6
"""Days of the next month that a week of a month may have."""
MONTHS_AT_ONCE = 6
"""Months of mean prices that are read at a time."""
MONTHLY = ["months", "second_tuesdays"]
"""Calendars of monthly outputs."""


@table_asset(
    table=TABLE,
    inputs={
        name: relation
        for name, relation in (INPUTS | MONTH_INPUTS).items()
        if name not in ("quotes", "product_months")  # sums do not depend on scopes
    },
    frame=ProductPeriodPrice,
    description=(
        "One row per product and week, month, or month of days near the second Tuesday: the sum of its daily prices "
        "and their number. Weekly and monthly indices read it in the place of the quotes."
    ),
    by_period=ByPeriod(
        "month",
        {"accepted": "collected_on"},
        packages=(
            "ons_bigdata.prices.methods.recipes.blocks.period_means",
            "ons_bigdata.prices.methods.recipes.panels",
        ),
    ),
)
def product_period_prices_by_month(inputs: Inputs, run: AssetRun) -> Output:
    """Sum the prices of the months whose quotes, or those of the week after them, changed."""
    recipes = current_recipes()
    origins, rule = read_origins(inputs, recipes), seasonal_rule(recipes)
    build = run.periods_to_build(TABLE, _periods(origins, rule))
    parts: list[pl.DataFrame] = [ProductPeriodPrice.create_empty()]
    for period in build.stale:
        quotes = inputs.read_days("accepted", "collected_on", (period.first_day, period.last_day), QUOTE_COLUMNS)
        for origin in origins:
            of_origin = quotes.filter(pl.col("data_origin") == origin.history.data_origin)
            summed = product_period_prices(of_origin, origin.history, rule)
            parts.append(summed.filter(pl.col("month") == period.start))
    return Output(pl.concat(parts), build=build)


def monthly_panels(inputs: Inputs, origins: Sequence[OriginMonths]) -> Iterator[OriginPanels]:
    """Mean prices of each data origin and calendar of months, from the input `period_prices`."""
    prices = _monthly_prices(inputs)
    scopes = inputs.read("scoped", [*PRODUCT, "in_scope"])
    texts = [pl.col(name).cast(pl.Categorical) for name in ("data_origin", "retailer", "product")]
    judged = prices.join(scopes.with_columns(texts), on=PRODUCT, how="left")
    for origin in origins:
        of_origin = judged.filter(pl.col("data_origin") == origin.history.data_origin)
        for calendar in MONTHLY:
            yield panels_of_periods(origin.history, of_origin, origin.pack_sizes, calendar)


def _monthly_prices(inputs: Inputs) -> pl.DataFrame:
    """Rows of the calendars of months, some months at a time, with texts as categories."""
    months = inputs.read("product_months", ["month"])["month"].unique().sort().to_list()
    texts = pl.col("data_origin", "retailer", "product", "calendar").cast(pl.Categorical)
    columns = ProductPeriodPrice.column_names()
    chosen = [months[n : n + MONTHS_AT_ONCE] for n in range(0, len(months), MONTHS_AT_ONCE)]
    parts = [
        inputs.read_rows("period_prices", {"calendar": MONTHLY}, ("month", of[0], of[-1]), columns).with_columns(texts)
        for of in chosen
    ]
    return pl.concat(parts) if parts else ProductPeriodPrice.create_empty().with_columns(texts)


def _periods(origins: Sequence[OriginMonths], rule: SeasonalRule | None) -> list[Period]:
    """Months of all data origins, and which of their days are out of season."""
    seasons: dict[date, list[str]] = {}
    for origin in origins:
        out = origin.history.out_of_season(rule)
        for month in _months_of_weeks(origin):
            days = out[:, month.start : month.stop + DAYS_OF_A_WEEK_AHEAD]
            found = hashlib.sha256(np.argwhere(days).tobytes()).hexdigest()[:16] if days.any() else "all in season"
            seasons.setdefault(month.month, []).append(found)
    return [
        Period(month, month, last_day(month) + timedelta(days=DAYS_OF_A_WEEK_AHEAD), " ".join(found))
        for month, found in sorted(seasons.items())
    ]


def _months_of_weeks(origin: OriginMonths) -> list[MonthOfPeriods]:
    """Months of the days of a data origin, and the month before in which the first week begins, if it does."""
    if not origin.months:
        return []
    first = origin.history.days[0]
    monday = first - timedelta(days=first.weekday())
    earlier = [MonthOfPeriods(monday.replace(day=1), 0, 0)] if monday.month != first.month else []
    return [*earlier, *origin.months]


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [product_period_prices_by_month]
