"""Changes of home: one labelled home that takes the place of another for good."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.anchor_features import place_nights
from ons_bigdata.estimation.anchors import checked_stays
from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.estimation.schemas import HomeChange

_PAIR = ["user", "from_place", "to_place"]


def home_changes(
    stays: pl.DataFrame | pl.LazyFrame,
    labelled: pl.DataFrame | pl.LazyFrame,
    *,
    min_nights: int = 10,
    min_share: float = 0.9,
) -> pl.DataFrame:
    """Changes of home of users.

    `stays` as for `label_places`, `labelled` its result. Of the nights (22-6 h) of which one of the user's homes has
    most hours, those at two homes are compared: the change is the night from which on most nights before were at the
    first and most from then on at the second. It counts if each has at least `min_nights` nights on its side, and at
    least `min_share` of the nights of both on that side. Two homes in turn, a second home and a return are no change.
    Of a chain of changes each step is a row.

    Returns user, from_place, to_place, changed_on (date of the first night at the second home), nights_before and
    nights_after, sorted by user and date. Raises ValueError as `label_places` does, and on a share that is not above
    0.5 or a number of nights below 1.

    Source: made for this project; moves as a question of windows: Fiorio, Zagheni, Abel, Hill, Pestre, Letouzé, Cai,
    Demography 58 (2021) 51–74.
    """
    if not 0.5 < min_share <= 1:
        message = f"min_share is {min_share}; expected more than 0.5 and at most 1"
        raise ValueError(message)
    if min_nights < 1:
        message = f"min_nights is {min_nights}; expected at least 1"
        raise ValueError(message)
    labelled = eager_frame(labelled, "labelled")
    refuse_missing_columns(labelled, ("user", "place", "label"), "labelled")
    homes = labelled.filter(pl.col("label") == "home").select("user", "place")
    homes = homes.filter(pl.len().over("user") > 1)
    checked = checked_stays(stays).join(homes.select("user").unique(), on="user", how="semi")
    nights = (
        place_nights(checked)
        .join(homes, on=["user", "place"], how="semi")
        .sort("user", "night", "hours", "place", descending=[False, False, True, False])
        .unique(["user", "night"], keep="first", maintain_order=True)
    )
    best = _best_splits(nights, homes)
    share_before = pl.col("before") / (pl.col("before") + pl.col("second_before"))
    share_after = pl.col("after") / (pl.col("after") + pl.col("first_after"))
    changes = best.filter(
        pl.min_horizontal("before", "after") >= min_nights, pl.min_horizontal(share_before, share_after) >= min_share
    )
    steps = changes.filter(
        pl.col("night") == pl.col("night").min().over("user", "from_place"),
        pl.col("night") == pl.col("night").max().over("user", "to_place"),
    )
    result = steps.select(
        *_PAIR, changed_on=pl.col("night").cast(pl.Int32).cast(pl.Date), nights_before="before", nights_after="after"
    ).sort("user", "changed_on", "from_place")
    HomeChange.validate(result.select("changed_on", "nights_before", "nights_after"), cast=True)
    return result


def _best_splits(nights: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """Of each ordered pair of homes of a user, the night that splits their nights best, and the counts on its sides."""
    pairs = homes.rename({"place": "from_place"}).join(homes.rename({"place": "to_place"}), on="user")
    pairs = pairs.filter(pl.col("from_place") != pl.col("to_place"))
    rows = pairs.join(nights.select("user", "night", "place"), on="user").sort(*_PAIR, "night")
    first, second = pl.col("place") == pl.col("from_place"), pl.col("place") == pl.col("to_place")
    counted = rows.filter(first | second).with_columns(
        before=first.cast(pl.Int64).cum_sum().over(_PAIR),
        second_before=second.cast(pl.Int64).cum_sum().over(_PAIR) - second.cast(pl.Int64),
        first=first.cast(pl.Int64).sum().over(_PAIR),
        second=second.cast(pl.Int64).sum().over(_PAIR),
    )
    splits = counted.filter(second).with_columns(
        after=pl.col("second") - pl.col("second_before"), first_after=pl.col("first") - pl.col("before")
    )
    return splits.sort(pl.col("before") + pl.col("after"), descending=True, maintain_order=True).unique(
        _PAIR, keep="first", maintain_order=True
    )
