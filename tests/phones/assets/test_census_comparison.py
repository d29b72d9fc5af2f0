"""Deliveries against a census: real flows of Leeds, perfect and suppressed deliveries, models that cannot be fitted."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

from benchmarks.phone_users_against_census import CENTRES, PHONES, read_districts, read_users
from ons_bigdata.phones.assets.census_comparison import (
    BIAS,
    COMPARISONS,
    LEVELS,
    PAIRS,
    PARTS,
    RESIDUALS,
    classes_of_areas,
    compare_delivery,
    mast_reach,
)
from ons_bigdata.phones.methods.census_comparison import BETWEEN_ZONES
from ons_bigdata.phones.methods.comparison.study_area import zone_distances
from ons_bigdata.settings import Settings

RECIPE = replace(BETWEEN_ZONES, draws=20, samples=20)
NO_MASTS = pl.DataFrame(schema={"area": pl.String, "mean_radius_km": pl.Float64})
CODES = ["Z001", "Z002", "Z003", "Z004"]
PLACES = pl.DataFrame(
    {"code": CODES, "easting_km": [0.0, 3.0, 0.0, 30.0], "northing_km": [0.0, 0.0, 7.0, 0.0]}
).with_columns(longitude=pl.lit(None, dtype=pl.Float64), latitude=pl.lit(None, dtype=pl.Float64))
COUNTS = {(a, b): 10 * (i + 1) + j for i, a in enumerate(CODES) for j, b in enumerate(CODES)}
CENSUS = pl.DataFrame(
    [(2011, *pair, count) for pair, count in COUNTS.items()],
    schema=["census_year", "origin", "destination", "persons"],
    orient="row",
)


def delivery(hidden: tuple[str, str] | None = None) -> pl.DataFrame:
    """Half of the census as devices, the cell `hidden` suppressed below 20."""
    rows = [
        (*pair, None, "suppressed", 1.0, 19.0)
        if pair == hidden
        else (*pair, count / 2, "observed", count / 2, count / 2)
        for pair, count in COUNTS.items()
    ]
    columns = ["origin", "destination", "flow", "status", "lower", "upper"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def values(table: pl.DataFrame, metric: str, column: str = "value") -> dict[str, float]:
    return dict(table.filter(pl.col("metric") == metric).select("estimate", column).iter_rows())


def test_real_flows_of_leeds() -> None:
    folder = Settings().shared / "data" / "phones"
    if not (folder / PHONES).is_file():
        pytest.skip(f"no flows of phone users in {folder} (set ONS_BIGDATA_SHARED)")
    flows = read_users(folder).with_columns(status=pl.lit("observed"), lower="flow", upper="flow")
    census = pl.read_csv(folder / "leeds_msoa_od_2011.csv").select(
        census_year=pl.lit(2011), origin="O", destination="D", persons="all"
    )
    places = pl.read_csv(folder / "leeds_msoa_zones.csv").select(
        code="geo_code", longitude="lon", latitude="lat", **dict.fromkeys(("easting_km", "northing_km"), pl.lit(None))
    )
    made = compare_delivery(flows, census, places.cast({pl.Null: pl.Float64}), NO_MASTS, RECIPE)
    cpc = values(made[COMPARISONS], "cpc")
    assert cpc["gravity_doubly"] == pytest.approx(0.8543, abs=1e-4)  # the table of the best power, fitted to 2011
    assert cpc["phone_flows"] < cpc["phone_flows_raked"] < cpc["perfect_sample"]
    assert made[COMPARISONS]["zones"].unique().to_list() == [107]
    short = made[BIAS].filter((pl.col("estimate") == "phone_flows") & (pl.col("category") == "a: 0-2 km"))
    assert short["log_bias"].item() == pytest.approx(0.4977, abs=1e-4)
    assert short["census_flow"].item() == 35_107
    assert made[PAIRS]["census_flow"].sum() == 216_089


@pytest.mark.nightly
def test_the_correction_of_distance_beats_inverse_penetration_between_held_out_districts() -> None:
    folder = Settings().shared / "data" / "phones"
    if not (folder / PHONES).is_file():
        pytest.skip(f"no flows of phone users in {folder} (set ONS_BIGDATA_SHARED)")
    data = read_districts(folder, country="")
    flows = data.users.with_columns(status=pl.lit("observed"), lower="flow", upper="flow")
    census = pl.concat(
        [
            table.select("origin", "destination", census_year=pl.lit(year), persons=pl.col("flow").cast(pl.Int64))
            for year, table in ((2011, data.census_2011), (2001, data.census_2001))
        ]
    )
    none = pl.lit(None, dtype=pl.Float64)
    places = pl.read_csv(CENTRES).select("code", "easting_km", "northing_km", longitude=none, latitude=none)
    weights = data.coverage.select(
        "area",
        weight=pl.col("population") / pl.col("users"),
        residents="population",
        devices="users",
        status=pl.lit("inverse_penetration"),
    )
    made = compare_delivery(flows, census, places, NO_MASTS, RECIPE, weights=weights)[COMPARISONS]
    cpc, error = values(made, "cpc"), values(made, "log_rmse")
    known = {
        "phone_flows": 0.7252,
        "phone_flows_raked": 0.7862,
        "previous_census": 0.9160,
        "inverse_penetration": 0.7496,
    }
    assert {name: round(cpc[name], 4) for name in known} == known
    assert cpc["held_out_distance_corrected"] > cpc["held_out_inverse_penetration"] + 0.05
    assert error["held_out_distance_corrected"] < error["held_out_inverse_penetration"]
    assert cpc["held_out_distance_corrected"] < cpc["held_out_previous_census"]
    assert 0.9 <= values(made, "interval_holds")["held_out_distance_corrected"] <= 0.97


def test_a_perfect_delivery_has_no_bias() -> None:
    made = compare_delivery(delivery(), CENSUS, PLACES, NO_MASTS, RECIPE)
    cpc = values(made[COMPARISONS], "cpc")
    assert cpc["phone_flows"] == pytest.approx(1) and cpc["phone_flows_raked"] == pytest.approx(1)
    assert cpc["gravity_doubly"] < 1 and cpc["perfect_sample"] < 1 and "previous_census" not in cpc
    bias = made[BIAS].filter(pl.col("estimate") == "phone_flows")
    assert set(bias["classification"]) == {"kind", "distance_band"}
    assert bias["log_bias"].abs().max() == pytest.approx(0, abs=1e-12)
    assert made[PAIRS]["scaled_flow"].to_list() == pytest.approx(made[PAIRS]["census_flow"].to_list())
    assert made[PAIRS].height == 12  # 4 x 3 pairs of different zones


def test_an_earlier_census_is_a_model_and_only_the_latest_is_the_reference() -> None:
    earlier = CENSUS.with_columns(pl.col("census_year") - 10, pl.col("persons") * 3)
    oldest = CENSUS.with_columns(pl.col("census_year") - 20, pl.lit(7).alias("persons"))
    whole = pl.concat([oldest, CENSUS, earlier], how="vertical_relaxed")
    made = compare_delivery(delivery(), whole, PLACES, NO_MASTS, RECIPE)
    assert values(made[COMPARISONS], "cpc")["previous_census"] == pytest.approx(1)
    assert made[COMPARISONS]["census_year"].unique().to_list() == [2011]


def test_bounds_of_a_suppressed_cell_hold_the_value_without_suppression() -> None:
    made = compare_delivery(delivery(hidden=("Z001", "Z002")), CENSUS, PLACES, NO_MASTS, RECIPE)
    table = made[COMPARISONS]
    least, most = values(table, "cpc", "least")["phone_flows"], values(table, "cpc", "most")["phone_flows"]
    assert least < 1 and most == pytest.approx(1)  # half of 11 lies within [1, 19]
    assert least <= values(table, "cpc")["phone_flows"] <= most
    assert values(table, "cpc", "least")["gravity_doubly"] is None
    hidden = made[PAIRS].row(by_predicate=pl.col("flow_status") == "suppressed", named=True)
    assert hidden["flow"] == 10 and hidden["scaled_least"] < hidden["scaled_flow"] < hidden["scaled_most"]
    assert "suppressed_share" in set(made[BIAS]["classification"])


def test_a_delivery_without_zones_of_the_census_is_not_compared() -> None:
    assert compare_delivery(delivery(), CENSUS.clear(), PLACES, NO_MASTS, RECIPE) == {}
    assert compare_delivery(delivery(), CENSUS, PLACES.head(1), NO_MASTS, RECIPE) == {}


def test_a_model_that_cannot_be_fitted_has_its_reason() -> None:
    small = replace(RECIPE, most_zones=3)
    table = compare_delivery(delivery(), CENSUS, PLACES, NO_MASTS, small)[COMPARISONS]
    row = table.row(by_predicate=pl.col("estimate") == "gravity_doubly", named=True)
    assert (row["value"], row["status"]) == (None, "no_value")
    assert row["reason"] == "4 zones; models over all pairs are fitted to at most 3"
    same = PLACES.with_columns(pl.lit(0.0).alias("easting_km"), pl.lit(0.0).alias("northing_km"))
    table = compare_delivery(delivery(), CENSUS, same, NO_MASTS, RECIPE)[COMPARISONS]
    assert "pairs of distance 0" in table.row(by_predicate=pl.col("estimate") == "gravity_doubly", named=True)["reason"]


def test_classes_of_masts_name_the_zones_without_a_cell() -> None:
    coverage = pl.DataFrame(
        {
            "zone": ["Z001", "Z001", "Z002"],
            "technology": ["2g", "4g", "all"],
            "cells": [1, 3, 0],
            "mean_cell_radius_m": [4000.0, 400.0, None],
        }
    )
    masts = mast_reach(coverage)
    assert masts.rows() == [("Z001", 1.3)]  # (1 x 4,000 + 3 x 400) / 4 m
    bias = compare_delivery(delivery(), CENSUS, PLACES, masts, RECIPE)[BIAS]
    reach = bias.filter((pl.col("classification") == "mast_reach") & (pl.col("estimate") == "phone_flows"))
    assert reach.sort("place_in_order")["category"].to_list() == ["c: 1-2 km", "no cell in the zone"]


def test_the_bias_is_known_by_rurality_and_district() -> None:
    classed = PLACES.with_columns(
        rurality=pl.Series(["rural", "urban", "urban", None]), district_name=pl.lit("Leeds", dtype=pl.String)
    )
    assert classes_of_areas(PLACES, classed["code"]) is None
    classes = classes_of_areas(classed, classed["code"])
    assert classes is not None and classes.columns == ["area", "rurality"]  # a single district is no classification
    doubled = delivery().with_columns(
        pl.when(pl.col("origin") == "Z001").then(pl.col(name) * 2).otherwise(pl.col(name)).alias(name)
        for name in ("flow", "lower", "upper")
    )
    bias = compare_delivery(doubled, CENSUS, classed, NO_MASTS, RECIPE)[BIAS]
    ours = bias.filter((pl.col("classification") == "rurality") & (pl.col("estimate") == "phone_flows"))
    known = dict(ours.select("category", "log_bias").iter_rows())
    assert set(known) == {"rural", "urban", "not known"}
    assert known["rural"] - known["urban"] == pytest.approx(math.log(2))
    assert known["not known"] == pytest.approx(known["urban"])


def test_destinations_without_area_are_counted_and_left_out() -> None:
    home = CENSUS.head(1).with_columns(destination=pl.lit("OD0000001"), persons=pl.lit(40, pl.Int64))
    far = CENSUS.head(1).with_columns(destination=pl.lit("Z009"), persons=pl.lit(7, pl.Int64))
    made = compare_delivery(delivery(), pl.concat([CENSUS, home, far]), PLACES, NO_MASTS, RECIPE)
    parts = dict(made[PARTS].select("part", "persons").iter_rows())
    assert (parts["at_home"], parts["outside_zones"]) == (40, 7)
    assert parts["commuters"] == sum(COUNTS.values())
    assert values(made[COMPARISONS], "cpc")["phone_flows"] == pytest.approx(1)


def test_weights_penetration_and_margins_are_used_where_they_are_known() -> None:
    weights = pl.DataFrame(
        {
            "area": CODES,
            "weight": [2.0] * 4,
            "residents": [400.0] * 4,
            "devices": [200.0] * 4,
            "status": ["raked"] * 4,
        }
    )
    hidden = delivery(hidden=("Z001", "Z002"))
    whole = delivery()
    totals = pl.concat(
        [
            whole.group_by(zone=side).agg(total=pl.col("flow").sum()).with_columns(side=pl.lit(side))
            for side in ("origin", "destination")
        ]
    ).select("side", "zone", "total")
    plain = compare_delivery(hidden, CENSUS, PLACES, NO_MASTS, RECIPE, weights=weights)
    known = compare_delivery(hidden, CENSUS, PLACES, NO_MASTS, RECIPE, weights=weights, totals=totals)
    both = [
        values(made[COMPARISONS], "cpc", end)["phone_flows"] for made in (plain, known) for end in ("least", "most")
    ]
    assert both[1] - both[0] > 0.01
    # A single hidden cell follows from the totals: the truth is one end, the value of its middle the other.
    assert both[3] == pytest.approx(1)
    assert both[2] == pytest.approx(values(known[COMPARISONS], "cpc")["phone_flows"])
    assert both[3] - both[2] < both[1] - both[0]
    cpc = values(known[COMPARISONS], "cpc")
    assert cpc["weighted"] == pytest.approx(cpc["inverse_penetration"])
    reason = known[COMPARISONS].row(by_predicate=pl.col("estimate") == "held_out_distance_corrected", named=True)[
        "reason"
    ]
    assert "need 480 pairs within groups" in reason
    levels = known[LEVELS].filter(pl.col("estimate") == "weighted")
    assert set(levels["level"]) == {"totals", "margins", "residuals", "distribution"}
    total = levels.row(by_predicate=pl.col("metric") == "log_ratio", named=True)
    assert total["value"] == pytest.approx(0, abs=0.05)  # half of the census, two persons a device
    assert known[RESIDUALS].filter(pl.col("estimate") == "weighted").height == 8


def test_distances_need_one_kind_of_position() -> None:
    assert zone_distances(PLACES)["distance_km"].to_list()[:3] == [3.0, 7.0, 30.0]
    mixed = PLACES.with_columns(easting_km=pl.when(pl.col("code") != "Z002").then("easting_km"))
    with pytest.raises(ValueError, match="4 zones without longitude and latitude"):
        zone_distances(mixed)
