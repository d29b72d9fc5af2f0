"""Agreement of another source's prices with the scraped prices, and whether its files could replace the scraper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.schemas import SourceAgreement

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LAG_DAYS = 7
"""Longest lag that is tried, in days."""

STALE_DAYS = 28
"""Greatest age in days of an older price of the same product that a stale price is compared with."""

SAME_PRICE_GBP = 0.005
"""Prices that differ by less than this are equal to the penny."""

BOUNDS = {
    "quotes_covered": 0.95,
    "share_equal_at_lag": 0.98,
    "days_delivered": 0.95,
}
"""Least shares for a replacement of the scraper: scraped quotes in the file, equal prices, days with a file."""

LONGEST_DELAY_DAYS = 1.0
"""Longest delay (price lag and delivery together, in days) for a replacement of a daily scraper."""

_QUOTES = {
    "data_origin": pl.String(), "retailer": pl.String(), "item_number": pl.Int64(), "product": pl.String(),
    "collected_on": pl.Date(), "price_gbp": pl.Float64(),
}  # fmt: skip
_OTHER = {**_QUOTES, "source": pl.String(), "delivered_on": pl.Date()}
_MATCHES = {
    "data_origin": pl.String(), "source": pl.String(), "retailer": pl.String(), "item_number": pl.Int64(),
    "product": pl.String(), "other_product": pl.String(),
}  # fmt: skip


def source_agreement(quotes: pl.DataFrame, other: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Compare the quotes of other sources with the scraped quotes by retailer; gives `SourceAgreement` rows.

    `quotes`: `AcceptedQuote` rows. `other`: the same columns, and source and delivered_on (day of the file). `matches`:
    data_origin, source, retailer, item_number, product, other_product; rows with a null are ignored. The days from the
    first to the last quote of the source are compared.

    `days_behind` is the lag k from 0 to 7 days with the highest share of prices of the source on day t that equal the
    scraped prices on t - k (the smallest lag of equal shares). `share_stale` is the share of the prices compared at
    that lag that differ there and equal an older price of up to 28 days before. `could_replace` is true where 95 % of
    the scraped quotes are covered, 98 % of the prices are equal at the lag, 95 % of the days have a file, and prices
    are at most one day late (lag and delivery together); `reason` lists the bounds that are not met.

    Raises ValueError on a missing column, a null key or a product twice on a day.
    """
    ours = _checked(quotes, _QUOTES, "quotes", [])
    theirs = _checked(other, _OTHER, "other quotes", ["source"])
    pairs = checked_columns(matches, _MATCHES, "matches").drop_nulls()
    rows = [
        {"data_origin": origin, "source": source, "retailer": retailer, **_agreement(ours, of_source, pairs)}
        for (origin, source, retailer), of_source in theirs.group_by(
            "data_origin", "source", "retailer", maintain_order=True
        )
    ]
    schema = SourceAgreement.create_empty().schema
    return SourceAgreement.validate(pl.DataFrame(rows, schema=schema, orient="row"))


def _agreement(ours: pl.DataFrame, other: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, Any]:
    key = other.select("data_origin", "retailer").unique()
    first, last = other["collected_on"].min(), other["collected_on"].max()
    scraped = ours.join(key, on=["data_origin", "retailer"], how="semi")
    within = scraped.filter(pl.col("collected_on").is_between(first, last))
    known = pairs.join(
        other.select("data_origin", "source", "retailer").unique(), on=["data_origin", "source", "retailer"]
    )
    product = ["item_number", "product"]
    theirs = other.rename({"product": "other_product", "price_gbp": "other_price_gbp"}).join(
        known.select("item_number", "product", "other_product"), on=["item_number", "other_product"]
    )
    products = within.select(product).unique()
    others = other.select(product).unique()
    matched = theirs.select(product).unique().join(products, on=product, how="semi")
    compared = {lag: _lagged(scraped, theirs, lag) for lag in range(LONGEST_LAG_DAYS + 1)}
    lag = _best_lag(compared)
    delay = (other["delivered_on"] - other["collected_on"]).dt.total_days().median()
    days, delivered = within["collected_on"].n_unique(), other["collected_on"].n_unique()
    result: dict[str, Any] = {
        "days": days,
        "days_delivered": within.join(other, on="collected_on", how="semi")["collected_on"].n_unique(),
        "products": products.height,
        "other_products": others.height,
        "matched_products": matched.height,
        "coverage": _share(matched.height, products.height),
        "other_coverage": _share(matched.height, others.height),
        "quotes_covered": _share(compared[0].height, within.height),
        "compared_quotes": compared[0].height,
        "share_equal": _share(int(compared[0]["equal"].sum()), compared[0].height),
        "median_relative_difference": compared[0]["relative"].median(),
        "delivery_delay_days": delay,
        "days_behind": lag,
    }
    if not days or not delivered or lag is None:
        return result | {"reason": "no quote of a matched product on the same day in both sources"}
    result["share_equal_at_lag"] = _share(int(compared[lag]["equal"].sum()), compared[lag].height)
    result["share_stale"] = _share(_stale(scraped, compared[lag], lag), compared[lag].height)
    faults = list(_faults(result))
    return result | {"could_replace": not faults, "reason": "; ".join(faults) or None}


def _lagged(scraped: pl.DataFrame, theirs: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Join the quotes of the source with the scraped quotes of `lag` days before; add `equal` and `relative`."""
    shifted = scraped.select(
        "item_number", "product", "price_gbp", collected_on=pl.col("collected_on").dt.offset_by(f"{lag}d")
    )
    difference = pl.col("other_price_gbp") - pl.col("price_gbp")
    return theirs.join(shifted, on=["item_number", "product", "collected_on"]).with_columns(
        equal=difference.abs() < SAME_PRICE_GBP, relative=(difference / pl.col("price_gbp")).abs()
    )


def _best_lag(compared: dict[int, pl.DataFrame]) -> int | None:
    if compared[0].is_empty():
        return None
    shares = {lag: frame["equal"].sum() / frame.height for lag, frame in compared.items() if frame.height}
    return max(shares, key=lambda lag: (shares[lag], -lag))


def _stale(scraped: pl.DataFrame, compared: pl.DataFrame, lag: int) -> int:
    """Count the prices that differ at the lag and equal an older price of the product."""
    older = scraped.select("item_number", "product", older_on="collected_on", older_price="price_gbp")
    wrong = compared.filter(~pl.col("equal")).with_row_index("quote")
    age = (pl.col("collected_on") - pl.col("older_on")).dt.total_days()
    return (
        wrong.join(older, on=["item_number", "product"])
        .filter(
            age.is_between(lag + 1, STALE_DAYS)
            & ((pl.col("older_price") - pl.col("other_price_gbp")).abs() < SAME_PRICE_GBP)
        )["quote"]
        .n_unique()
    )


def _faults(result: dict[str, Any]) -> Iterator[str]:
    shares = {
        "quotes_covered": (result["quotes_covered"], "of scraped quotes covered"),
        "share_equal_at_lag": (result["share_equal_at_lag"], "of prices equal"),
        "days_delivered": (result["days_delivered"] / result["days"], "of days delivered"),
    }
    for name, (share, what) in shares.items():
        if share < BOUNDS[name]:
            yield f"{100 * share:.1f} % {what}, {100 * BOUNDS[name]:.0f} % needed"
    delay = result["days_behind"] + result["delivery_delay_days"]
    if delay > LONGEST_DELAY_DAYS:
        yield f"{delay:g} days late, at most {LONGEST_DELAY_DAYS:g} allowed"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _checked(quotes: pl.DataFrame, columns: dict[str, pl.DataType], name: str, more: list[str]) -> pl.DataFrame:
    rows = checked_columns(quotes, columns, name)
    key = ["data_origin", *more, "retailer", "item_number", "product", "collected_on"]
    faults = {
        "a null": pl.any_horizontal(pl.all().is_null()),
        "a product twice on a day": pl.struct(key).is_duplicated(),
    }
    refuse_rows(rows, faults, name)
    return rows.sort(key)
