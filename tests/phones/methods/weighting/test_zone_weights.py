"""Weights of zones: start weights by hand, raking, what happens without figures, areas without devices."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.phones.methods.weighting.zone_weights import (
    CAPPED,
    NO_DEVICES,
    NO_RATES,
    NO_RESIDENTS,
    zone_weights,
)

RESIDENTS = pl.DataFrame({"area": ["A", "B"], "residents": [1000.0, 500.0], "residents_error": [10.0, 0.0]})
DEVICES = pl.DataFrame({"area": ["A", "B"], "segment": ["all", "all"], "devices": [200.0, 50.0]})
_FIGURE = ["figure", "area", "category", "value", "standard_error"]
FIGURES = pl.DataFrame(
    [
        ("ownership", "all", "all", 0.8, 0.08),
        ("devices_per_owner", "all", "all", 1.25, 0.0),
        ("market_share", "A", "all", 0.2, 0.0),
        ("market_share", "all", "all", 0.1, 0.01),
    ],
    schema=_FIGURE,
    orient="row",
)
SPLIT = pl.DataFrame(
    [
        ("A", "all", 200.0),
        ("A", "contract+age_18_34", 90.0),
        ("A", "contract+age_35_plus", 60.0),
        ("A", "payg+age_18_34", 20.0),
        ("A", "payg+age_35_plus", 30.0),
        ("B", "all", 50.0),
        ("B", "contract+age_18_34", 10.0),
        ("B", "contract+age_35_plus", 20.0),
        ("B", "payg+age_18_34", 5.0),
        ("B", "payg+age_35_plus", 15.0),
    ],
    schema=["area", "segment", "devices"],
    orient="row",
)
GROUPS = pl.DataFrame(
    [
        *(("residents", area, "age_18_34", value, 0.0) for area, value in (("A", 400.0), ("B", 200.0))),
        *(("residents", area, "age_35_plus", value, 0.0) for area, value in (("A", 600.0), ("B", 300.0))),
        ("payg_share", "all", "all", 0.4, 0.0),
    ],
    schema=_FIGURE,
    orient="row",
)


def of(table: pl.DataFrame, area: str, segment: str = "all") -> dict[str, object]:
    return table.row(by_predicate=(pl.col("area") == area) & (pl.col("segment") == segment), named=True)


def test_start_weights_take_the_most_particular_figure() -> None:
    made = zone_weights(DEVICES, RESIDENTS, FIGURES, CAPPED).weights
    a, b = of(made, "A"), of(made, "B")
    assert a["start_weight"] == pytest.approx(1 / (0.8 * 1.25 * 0.2))  # the share of the area
    assert b["start_weight"] == pytest.approx(1 / (0.8 * 1.25 * 0.1))  # the share of everywhere
    assert b["start_error"] == pytest.approx((0.1**2 + 0.1**2) ** 0.5)
    assert (a["weight"], b["weight"]) == pytest.approx((5.0, 10.0))  # residents / devices: raked to the areas alone
    assert a["weight_error"] == pytest.approx((1 / 200 + 0.01**2) ** 0.5)
    assert a["penetration"] == 0.2
    assert a["reason"] is None


def test_raking_gives_areas_ages_and_tariffs() -> None:
    made = zone_weights(SPLIT, RESIDENTS, pl.concat([FIGURES, GROUPS]), CAPPED)
    assert set(made.margins["margin"]) == {"area", "age", "tariff"}
    assert made.margins["relative_difference"].abs().max() < 1e-5  # type: ignore[operator]
    payg = made.margins.row(by_predicate=pl.col("category") == "payg", named=True)
    assert payg["total"] == pytest.approx(600)
    assert payg["start"] == pytest.approx(50 * 5 + 20 * 10)
    cells = made.weights.filter(pl.col("segment") != "all")
    assert cells.height == 8
    persons = cells.group_by("area").agg((pl.col("weight") * pl.col("devices")).sum()).sort("area")
    assert persons["weight"].to_list() == pytest.approx([1000, 500], rel=1e-5)
    assert of(made.weights, "A")["weight"] == pytest.approx(5.0, rel=1e-5)


def test_without_figures_it_is_the_inverse_penetration_and_says_so() -> None:
    made = zone_weights(DEVICES, RESIDENTS, FIGURES.clear(), CAPPED)
    a = of(made.weights, "A")
    assert (a["weight"], a["start_weight"], a["reason"]) == (5.0, None, NO_RATES)
    assert made.margins.is_empty()


def test_without_residents_it_is_the_start_weight_and_says_so() -> None:
    a = of(zone_weights(DEVICES, RESIDENTS.clear(), FIGURES, CAPPED).weights, "A")
    assert a["weight"] == pytest.approx(5.0)
    assert (a["factor"], a["reason"]) == (1.0, NO_RESIDENTS)


def test_an_area_without_devices_has_no_weight() -> None:
    empty = DEVICES.with_columns(devices=pl.Series([200.0, 0.0]))
    for figures in (FIGURES, FIGURES.clear()):
        b = of(zone_weights(empty, RESIDENTS, figures, CAPPED).weights, "B")
        assert (b["weight"], b["reason"]) == (None, NO_DEVICES)
