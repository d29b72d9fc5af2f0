"""Outlying price changes of products, by a fixed rule and by rules on the price changes of their item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    MOST_DAYS,
    instance_of,
    positive_number,
    valid_rows,
    whole_number,
)
from ons_bigdata.prices.methods.quality.outliers import hidiroglou_berthelot, outlier_bounds
from ons_bigdata.prices.schemas.quality import EnteringQuote, QuoteOutlier

_PRODUCT = ["data_origin", "retailer", "item_number", "product"]
_ITEM = ["data_origin", "item_number"]


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
    rules `fixed`, `tukey` and `hb`. A price is compared with the product's last one where that is at most
    `link_window_days` old; an unchanged price is never an outlier. The sample of an item is its price changes over the
    series, at all retailers of the origin, without the outliers by the fixed rule.

    Raises ValueError where a product has two prices on a day.
    """
    instance_of("parameters", parameters, PriceOutlierParameters)
    changes = _price_changes(valid_rows(EnteringQuote, quotes, "quotes"), parameters.link_window_days)
    alone = _apply_fixed_rule(changes, parameters.fixed_cutoff)
    sample = changes.join(alone.select(*_PRODUCT, "collected_on"), on=[*_PRODUCT, "collected_on"], how="anti")
    outliers = [alone]
    for _, of_item in sample.group_by(_ITEM, maintain_order=True):
        if of_item.height >= parameters.least_changes:
            outliers += [_apply_tukey_rule(of_item, parameters), _apply_hb_rule(of_item, parameters)]
    columns = list(QuoteOutlier.columns())
    frame = pl.concat([frame.select(columns) for frame in outliers])
    return QuoteOutlier.validate(
        frame.sort("data_origin", "collected_on", "retailer", "item_number", "product", "rule")
    )


def _price_changes(quotes: pl.DataFrame, link_window_days: int) -> pl.DataFrame:
    ordered = quotes.sort([*_PRODUCT, "collected_on"]).with_columns(
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
    return ordered.filter(
        (pl.col("collected_on") - pl.col("compared_on") <= window)
        & (pl.col("price_gbp") != pl.col("compared_price_gbp"))
    ).with_columns((pl.col("price_gbp") / pl.col("compared_price_gbp")).alias("relative"))


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
