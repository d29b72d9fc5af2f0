"""Direction of elementary indices: by hand, on the market whose clusters move against its only continuing product."""

from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl
import pytest

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    TreeWeights,
    index_directions,
    index_figures,
    origin_panels,
    recipe_named,
)

STRAWBERRIES = 212717
KEY = {"data_origin": "real", "retailer": "tesco", "item_number": STRAWBERRIES}


def _quotes(rows: list[tuple[str, date, float]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["product", "collected_on", "price_gbp"], orient="row")
    return frame.with_columns(
        pl.lit(KEY["data_origin"]).alias("data_origin"),
        pl.lit(KEY["retailer"]).alias("retailer"),
        pl.lit(STRAWBERRIES, pl.Int32).alias("item_number"),
        pl.lit(None, pl.Boolean).alias("in_scope"),
    ).select("data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp", "in_scope")


def _dearer_pack_enters() -> pl.DataFrame:
    """400 g at 2.00 in October and 1.50 in November, and a pack of 1 kg at 4.00 from November: 27 quotes."""
    october = [date(2016, 10, 20) + timedelta(days=n) for n in range(9)]
    november = [date(2016, 11, 1) + timedelta(days=n) for n in range(9)]
    return _quotes(
        [("STRAWBERRIES 400G", day, 2.0) for day in october]
        + [("STRAWBERRIES 400G", day, 1.5) for day in november]
        + [("STRAWBERRIES 1KG", day, 4.0) for day in november]
    )


def _sizes(quotes: pl.DataFrame) -> pl.DataFrame:
    size = pl.when(pl.col("product").str.contains("1KG")).then(1.0).otherwise(0.4)
    return quotes.select("data_origin", "retailer", "item_number", "product").unique().with_columns(pack_size=size)


def _directions(quotes: pl.DataFrame) -> pl.DataFrame:
    weights = TreeWeights(
        pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}),
        pl.DataFrame({"item_number": [STRAWBERRIES], "class_code": ["01.1.6"], "weight": [1.0]}),
        pl.DataFrame({"class_code": ["01.1.6"], "division_code": ["01"], "weight": [1.0]}),
    )
    panels = origin_panels(
        quotes,
        data_origin="real",
        pack_sizes=_sizes(quotes),
        rejected=quotes.clear().select("retailer", "item_number", "collected_on"),
        weights=weights,
        week=None,
    )
    return index_directions(index_figures(panels, RECIPES).elementary, quotes, _sizes(quotes), RECIPES)


def test_a_dearer_pack_that_enters_marks_the_clusters_and_no_other_series() -> None:
    quotes = _dearer_pack_enters()
    assert quotes.height == 27
    directions = _directions(quotes)
    # the one cluster: from 2.00 to the geometric mean of 1.50 and 4.00; the only product in both months: 2.00 to 1.50
    marked = directions.filter(pl.col("status") == "against")
    assert marked.select("recipe", "method", "movements").rows() == [("clip", "cluster_jevons", 1)]
    assert marked["slope"].item() == pytest.approx(math.log(6**0.5 / 2) / math.log(0.75))
    assert "slope -0.7 ± 0.0 over 1 movements" in marked["reason"].item()
    assert set(directions.filter(pl.col("status") != "against")["status"]) == {"along"}


def _elementary(levels: list[float], segments: list[int]) -> pl.DataFrame:
    days = [date(2016, 8, 1) + timedelta(days=n) for n in range(len(levels))]
    return pl.DataFrame({"period": days, "segment_index": levels, "segment": segments}).with_columns(
        **{name: pl.lit(value) for name, value in KEY.items()},
        recipe=pl.lit("web_daily"), method=pl.lit("jevons_chained"), scope=pl.lit("shelf"),
    )  # fmt: skip


def _prices(prices: list[float]) -> pl.DataFrame:
    return _quotes([("A", date(2016, 8, 1) + timedelta(days=n), price) for n, price in enumerate(prices)])


def test_slope_and_error_by_hand() -> None:
    # changes of prices ln 2, −ln 2; movements of the index ln 2, −ln 4: slope 3/2, residual ½ (ln 2)² over 1 degree
    prices = _prices([1.0, 2.0, 1.0])
    row = index_directions(
        _elementary([1.0, 2.0, 0.5], [0, 0, 0]), prices, _sizes(prices), [recipe_named("web_daily")]
    ).to_dicts()
    assert len(row) == 1
    assert (row[0]["movements"], row[0]["status"], row[0]["reason"]) == (2, "along", None)
    assert row[0]["slope"] == pytest.approx(1.5)
    assert row[0]["slope_error"] == pytest.approx(0.5)


def test_levels_of_two_segments_are_not_a_movement() -> None:
    prices = _prices([1.0, 2.0])
    recipes = [recipe_named("web_daily")]
    assert index_directions(_elementary([1.0, 0.5], [0, 1]), prices, _sizes(prices), recipes).is_empty()
    against = index_directions(_elementary([1.0, 0.5], [0, 0]), prices, _sizes(prices), recipes)
    assert against["status"].to_list() == ["against"]


def test_a_movement_without_a_change_of_prices_is_untested() -> None:
    prices = _prices([1.0, 1.0])
    directions = index_directions(_elementary([1.0, 2.0], [0, 0]), prices, _sizes(prices), [recipe_named("web_daily")])
    assert directions.select("status", "slope", "slope_error").rows() == [("untested", None, None)]


@pytest.mark.parametrize(("later", "status"), [(1.0195, "untested"), (1.021, "against")])
def test_prices_that_hardly_moved_have_no_direction(later: float, status: str) -> None:
    prices = _prices([1.0, later])
    directions = index_directions(_elementary([1.0, 0.9], [0, 0]), prices, _sizes(prices), [recipe_named("web_daily")])
    assert directions["status"].to_list() == [status]
    assert directions["slope"].item() == pytest.approx(math.log(0.9) / math.log(later))


def test_nothing_gives_nothing() -> None:
    prices = _prices([1.0, 2.0])
    nothing = index_directions(_elementary([1.0], [0]).clear(), prices.clear(), _sizes(prices.clear()), RECIPES)
    assert nothing.is_empty()
    assert index_directions(_elementary([1.0, 2.0], [0, 0]), prices, _sizes(prices), []).is_empty()
