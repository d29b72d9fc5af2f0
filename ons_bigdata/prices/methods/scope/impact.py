"""Effect of the scope on indices: the target (less what was judged out of the item) compared with the shelf."""

from __future__ import annotations

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.schemas.scope import ScopeIndexImpact

_KEY = ["data_origin", "level", "code", "method"]
_INDEX: dict[str, pl.DataType] = {
    **{name: pl.String() for name in _KEY},
    "period": pl.Date(),
    "index": pl.Float64(),
}
_COUNTS: dict[str, pl.DataType] = {
    "data_origin": pl.String(),
    "level": pl.String(),
    "code": pl.String(),
    "quotes": pl.Int64(),
    "quotes_in": pl.Int64(),
    "quotes_undecided": pl.Int64(),
}

ALL_OUT = "every quote was judged out of the item"
NO_COMMON_DAY = "no day has both indices"


def index_impact(shelf: pl.DataFrame, target: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Compare each index of the whole shelf with that of the target, in which undecided quotes are.

    `shelf`, `target`: data_origin, level, code, method, period, index (100 = base week, null where there is none), one
    row per key and period. `quotes`: data_origin, level, code, and the accepted quotes, those in scope and those
    undecided. Returns `ScopeIndexImpact`, one row per series of the shelf: both on the last day that has both, their
    difference (target less shelf, index points), its mean absolute and largest value over the days, and the shares of
    the quotes that are in scope and that are undecided; null with a reason where all are out or no day has both.
    """
    left = checked_columns(shelf, _INDEX, "shelf").rename({"index": "index_shelf"})
    right = checked_columns(target, _INDEX, "target").rename({"index": "index_target"})
    both = (
        left.join(right, on=[*_KEY, "period"], how="inner")
        .drop_nulls(["index_shelf", "index_target"])
        .sort([*_KEY, "period"])
        .with_columns(difference=pl.col("index_target") - pl.col("index_shelf"))
    )
    compared = both.group_by(_KEY, maintain_order=True).agg(
        pl.col("period").last().alias("last_period"),
        pl.col("index_shelf", "index_target", "difference").last(),
        pl.col("difference").abs().mean().alias("mean_absolute_difference"),
        pl.col("difference").abs().max().alias("largest_difference"),
        pl.len().cast(pl.Int32).alias("days"),
    )
    counted = checked_columns(quotes, _COUNTS, "quotes")
    series = left.select(_KEY).unique().sort(_KEY).join(compared, on=_KEY, how="left", maintain_order="left")
    rows = series.join(counted, on=["data_origin", "level", "code"], how="left", maintain_order="left").with_columns(
        pl.col("quotes", "quotes_in", "quotes_undecided", "days").fill_null(0)
    )
    total = pl.when(pl.col("quotes") > 0).then(pl.col("quotes"))
    none = pl.col("quotes_in") + pl.col("quotes_undecided") == 0
    why = pl.when(none).then(pl.lit(ALL_OUT)).otherwise(pl.lit(NO_COMMON_DAY))
    shaped = rows.with_columns(
        quotes_in_scope_share=pl.col("quotes_in") / total,
        quotes_undecided_share=pl.col("quotes_undecided") / total,
        reason=pl.when(pl.col("difference").is_null()).then(why),
    )
    return ScopeIndexImpact.validate(shaped.select(ScopeIndexImpact.column_names()), cast=True)
