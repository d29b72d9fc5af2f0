"""Outlying price changes of products, by a fixed rule and by rules on the price changes of their item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    MOST_DAYS,
    instance_of,
    positive_number,
    valid_rows,
    whole_number,
)
from ons_bigdata.prices.methods.quality.outliers import hidiroglou_berthelot, outlier_bounds
from ons_bigdata.prices.schemas.quality import EnteringQuote, PriceChange, QuoteOutlier

_PRODUCT = ["data_origin", "retailer", "item_number", "product"]
_ITEM = ["data_origin", "item_number"]

SAMPLE_DAYS_BEFORE = 182
"""Days before the month of a price change from which the changes are that it is judged by."""

SAMPLE_DAYS_AFTER = 56
"""Days after its month: then the judgement is settled."""


@dataclass(frozen=True)
class PriceOutlierParameters:
    """Cut-offs of the rules.

    `fixed_cutoff`: a price more than this many times the last one, or less than its reciprocal, is an outlier whatever
    its item. `tukey_cutoff`, `hb_cutoff`: of the rules within an item. `least_changes`: an item with fewer price
    changes is judged by the fixed rule alone. `link_window_days`: the greatest age of the last price compared.

    Raises ValueError on other than numbers above 0.
    """

    fixed_cutoff: float = 3.0
    tukey_cutoff: float = 2.5
    hb_cutoff: float = 4.0
    least_changes: int = 20
    link_window_days: int = 14

    def __post_init__(self) -> None:
        for name in ("fixed_cutoff", "tukey_cutoff", "hb_cutoff"):
            positive_number(name, getattr(self, name))
        whole_number("least_changes", self.least_changes, least=1)
        whole_number("link_window_days", self.link_window_days, least=1, most=MOST_DAYS)


def price_outliers(quotes: pl.DataFrame | pl.LazyFrame, parameters: PriceOutlierParameters) -> pl.DataFrame:
    """Outlying price changes, with the bounds that they break.

    Takes `EnteringQuote` rows in any order (prices in GBP, one per product and day); gives `QuoteOutlier` rows of the
    rules `fixed`, `tukey` and `hb`: those of `price_changes` by `judge_price_changes`.

    Raises ValueError where a product has two prices on a day.
    """
    instance_of("parameters", parameters, PriceOutlierParameters)
    return judge_price_changes(price_changes(quotes, parameters.link_window_days), parameters)


def price_changes(quotes: pl.DataFrame | pl.LazyFrame, link_window_days: int) -> pl.DataFrame:
    """List the prices that differ from the product's last one, where that is at most `link_window_days` old.

    Takes `EnteringQuote` rows in any order (prices in GBP, one per product and day). A change depends on no day before
    the window. Returns `PriceChange` rows, in the order of products and days.

    Raises ValueError where a product has two prices on a day.
    """
    valid = valid_rows(EnteringQuote, quotes, "quotes")
    ordered = valid.sort([*_PRODUCT, "collected_on"]).with_columns(
        pl.col("collected_on").shift().over(_PRODUCT).alias("compared_on"),
        pl.col("price_gbp").shift().over(_PRODUCT).alias("compared_price_gbp"),
    )
    twice = ordered.filter(pl.col("collected_on") == pl.col("compared_on"))
    if not twice.is_empty():
        row = twice.row(0, named=True)
        message = (
            f"quotes: found two prices of {row['product']!r} ({row['retailer']}, item {row['item_number']}) on"
            f" {row['collected_on']}, expected one per product and day"
        )
        raise ValueError(message)
    window = timedelta(days=link_window_days)
    changes = ordered.filter(
        (pl.col("collected_on") - pl.col("compared_on") <= window)
        & (pl.col("price_gbp") != pl.col("compared_price_gbp"))
    )
    return PriceChange.validate(changes.select(PriceChange.column_names()))


def judge_price_changes(
    changes: pl.DataFrame | pl.LazyFrame, parameters: PriceOutlierParameters, month: date | None = None
) -> pl.DataFrame:
    """Outlying price changes, with the bounds that they break.

    Takes `PriceChange` rows; gives `QuoteOutlier` rows of the rules `fixed`, `tukey` and `hb`. The sample that a change
    is judged by is the changes of its item at all retailers of the origin, without the outliers by the fixed rule, from
    `SAMPLE_DAYS_BEFORE` days before its month to `SAMPLE_DAYS_AFTER` days after. `month`: first day of the only month
    whose changes are judged; None for all. Raises ValueError where it is no first day of a month.
    """
    instance_of("parameters", parameters, PriceOutlierParameters)
    valid = valid_rows(PriceChange, changes, "changes").sort([*_PRODUCT, "collected_on"])
    if month is not None:
        first, last = days_of_sample(month)
        valid = valid.filter(pl.col("collected_on").is_between(first, last))
    relatives = valid.with_columns((pl.col("price_gbp") / pl.col("compared_price_gbp")).alias("relative"))
    alone = _apply_fixed_rule(relatives, parameters.fixed_cutoff)
    judged = relatives.join(
        alone.select(*_PRODUCT, "collected_on"), on=[*_PRODUCT, "collected_on"], how="anti", maintain_order="left"
    )
    outliers = [alone if month is None else alone.filter(pl.col("collected_on").dt.month_start() == month)]
    for _, of_item in judged.group_by(_ITEM, maintain_order=True):
        months = of_item["collected_on"].dt.month_start().unique().sort()
        for judged_month in months if month is None else months.filter(months == month):
            outliers += _outliers_of_month(of_item, judged_month, parameters)
    columns = list(QuoteOutlier.columns())
    frame = pl.concat([frame.select(columns) for frame in outliers])
    return QuoteOutlier.validate(
        frame.sort("data_origin", "collected_on", "retailer", "item_number", "product", "rule")
    )


def days_of_sample(month: date) -> tuple[date, date]:
    """First and last day of the sample that the price changes of a month are judged by.

    Raises ValueError where `month` is no first day of a month.
    """
    if not isinstance(month, date) or month.day != 1:
        message = f"month: found {month!r}, expected the first day of a month"
        raise ValueError(message)
    next_month = (month + timedelta(days=31)).replace(day=1)
    return month - timedelta(days=SAMPLE_DAYS_BEFORE), next_month + timedelta(days=SAMPLE_DAYS_AFTER - 1)


def _outliers_of_month(of_item: pl.DataFrame, month: date, parameters: PriceOutlierParameters) -> list[pl.DataFrame]:
    """Outliers among the changes of an item in a month, where its sample is large enough."""
    first, last = days_of_sample(month)
    sample = of_item.filter(pl.col("collected_on").is_between(first, last))
    if sample.height < parameters.least_changes:
        return []
    of_month = pl.col("collected_on").dt.month_start() == month
    return [rule(sample, parameters).filter(of_month) for rule in (_apply_tukey_rule, _apply_hb_rule)]


def _apply_fixed_rule(changes: pl.DataFrame, cutoff: float) -> pl.DataFrame:
    return _outside(changes.with_columns(pl.col("relative").alias("observed")), "fixed", 1 / cutoff, cutoff)


def _apply_tukey_rule(changes: pl.DataFrame, parameters: PriceOutlierParameters) -> pl.DataFrame:
    # without tails, which flag a tenth of the changes of an item whatever their size
    lower, upper = outlier_bounds(changes["relative"], "tukey", cutoff=parameters.tukey_cutoff, tails=0.0)
    return _outside(changes.with_columns(pl.col("relative").alias("observed")), "tukey", lower, upper)


def _apply_hb_rule(changes: pl.DataFrame, parameters: PriceOutlierParameters) -> pl.DataFrame:
    relatives = changes["relative"].to_numpy()
    lower, upper = outlier_bounds(relatives, "hb", cutoff=parameters.hb_cutoff)
    transformed = pl.Series("observed", hidiroglou_berthelot(relatives))
    return _outside(changes.with_columns(transformed), "hb", lower, upper)


def _outside(judged: pl.DataFrame, rule: str, lower: float, upper: float) -> pl.DataFrame:
    return (
        judged.filter((pl.col("observed") < lower) | (pl.col("observed") > upper))
        .with_columns(
            pl.lit(rule).alias("rule"),
            pl.lit(lower, dtype=pl.Float64).alias("lower"),
            pl.lit(upper, dtype=pl.Float64).alias("upper"),
        )
        .with_columns(
            pl.format(
                "{} where the last price was {} ({}): × {}",
                pounds("price_gbp"),
                pounds("compared_price_gbp"),
                pl.col("compared_on").dt.to_string("%Y-%m-%d"),
                pl.col("relative").round(3),
            ).alias("evidence")
        )
    )


def pounds(column: str) -> pl.Expr:
    """Format a column of GBP as text with two decimals, `£1.50`."""
    pence = (pl.col(column) * 100).round(0).cast(pl.Int64)
    return pl.format("£{}.{}", pence // 100, (pence % 100).cast(pl.String).str.zfill(2))
