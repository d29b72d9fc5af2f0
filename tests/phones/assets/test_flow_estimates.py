"""Estimates of travel to work from deliveries: by hand, hidden cells, several operators, what is not made."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.phones.assets import flow_estimates as asset
from ons_bigdata.phones.methods.weighting.flow_estimates import TRAVEL_TO_WORK
from ons_bigdata.phones.schemas.estimates import PhoneFlowEstimate, PhoneStandInCost

RULES = {"threshold": 10, "rounding_base": 5}
LABELS = {
    "data_origin": "simulated",
    "provider": "alpha",
    "month": date(2021, 3, 1),
    "geography": "zone",
    "vintage": "SIM1",
    "day_type": "all",
}
FLOWS = pl.DataFrame(
    [
        ("A", "A", 103.0, "observed", 103.0, 103.0),
        ("A", "B", 12.0, "observed", 12.0, 12.0),
        ("A", "C", None, "suppressed", 0.0, 4.0),
        ("B", "A", 9.0, "observed", 9.0, 9.0),
        ("B", "C", None, "not_supplied", 0.0, None),
    ],
    schema=["origin", "destination", "flow", "status", "lower", "upper"],
    orient="row",
)
WEIGHTS = pl.DataFrame(
    {
        "area": ["A", "B", "C"],
        "weight": [4.0, 2.0, 8.0],
        "weight_error": [0.1, 0.2, 0.1],
        "residents": [800.0, 400.0, 800.0],
        "devices": [200.0, 200.0, 100.0],
    }
)
NOTHING = asset.Ground(
    pl.DataFrame(schema={"area": pl.String, "covariate": pl.Float64}),
    None,
    pl.DataFrame(schema={"census_year": pl.Int16, "origin": pl.String, "destination": pl.String, "persons": pl.Int64}),
    pl.DataFrame(schema={"code": pl.String}),
)


def delivery(flows: pl.DataFrame = FLOWS) -> asset.Delivery:
    return asset.Delivery(LABELS, flows, WEIGHTS, 1.0)


def labelled(table: pl.DataFrame, **labels: object) -> pl.DataFrame:
    return table.with_columns(**{name: pl.lit(value) for name, value in {**LABELS, **labels}.items()})


def test_devices_are_rounded_and_hidden_before_anything_is_computed_from_them() -> None:
    made, why = asset.estimates_of(delivery(), NOTHING, RULES, TRAVEL_TO_WORK)
    rows = {(row["method"], row["origin"], row["destination"]): row for row in made.iter_rows(named=True)}
    within = rows["weights", "A", "A"]
    assert (within["devices"], within["persons"], within["status"]) == (105, 420.0, "published")  # 103 → 105, times 4
    assert within["lower"] < 420 < within["upper"] and within["quality"] == "fair"
    assert rows["inverse_penetration", "A", "B"]["persons"] == pytest.approx(10 * (4 * 2) ** 0.5)
    for end in ("C",):  # suppressed by the operator
        row = rows["weights", "A", end]
        assert (row["devices"], row["persons"], row["status"], row["reason"]) == (
            None,
            None,
            "below_threshold",
            "hidden",
        )
    assert rows["weights", "B", "A"]["status"] == "below_threshold"  # nine devices
    assert rows["weights", "B", "C"]["status"] == "not_supplied"
    assert why == ["distance_corrected: no census of these zones"]
    frame = labelled(made).with_columns(recipe=pl.lit("r"), parameters_hash=pl.lit("0" * 16))
    PhoneFlowEstimate.validate(frame.select(PhoneFlowEstimate.column_names()))


def test_two_deliveries_that_round_alike_publish_the_same() -> None:
    """Rounded devices decide all that is published of a pair."""
    other = FLOWS.with_columns(
        pl.when(pl.col("flow") == 103).then(107.0).otherwise(pl.col(name)).alias(name)
        for name in ("flow", "lower", "upper")
    )
    one, two = (asset.estimates_of(delivery(flows), NOTHING, RULES, TRAVEL_TO_WORK)[0] for flows in (FLOWS, other))
    assert one.equals(two)


def test_totals_hold_all_cells_with_the_middle_of_hidden_ones() -> None:
    totals = asset.totals_of(delivery(), TRAVEL_TO_WORK)
    persons = dict(totals.select("kind", "persons").iter_rows())
    assert persons == pytest.approx({"all": (103 + 12 + 2) * 4 + 9 * 2, "between": 14 * 4 + 18, "within": 412})
    assert set(totals["status"]) == {"no_interval"}  # two origins are too few


def test_operators_are_combined_where_two_delivered() -> None:
    flows = pl.concat([labelled(FLOWS), labelled(FLOWS, provider="beta")])
    weights = pl.concat(
        [
            labelled(WEIGHTS).with_columns(segment=pl.lit("all"), status=pl.lit("raked")),
            labelled(WEIGHTS, provider="beta").with_columns(
                pl.col("weight") * 3, segment=pl.lit("all"), status=pl.lit("raked")
            ),
        ]
    ).drop("day_type")
    (both,) = asset.combined_deliveries(flows, weights)
    assert both.labels["provider"] == "combined"
    cell = both.flows.row(by_predicate=(pl.col("origin") == "A") & (pl.col("destination") == "A"), named=True)
    assert cell["flow"] == 206
    a = both.weights.row(by_predicate=pl.col("area") == "A", named=True)
    assert a["weight"] == pytest.approx(1 / (1 / 4 + 1 / 12))
    assert a["weight_error"] == pytest.approx(((0.1 / 4) ** 2 + (0.1 / 12) ** 2) ** 0.5 / (1 / 4 + 1 / 12))
    assert both.dispersion > 5  # equal counts contradict weights that differ threefold
    assert both.flows.filter(pl.col("destination") == "C", pl.col("origin") == "B").is_empty()
    only = weights.with_columns(status=pl.when(pl.col("provider") == "beta").then(pl.lit("start")).otherwise("status"))
    assert asset.combined_deliveries(flows, only) == []


def test_stand_ins_cost_nothing_where_tariffs_move_alike() -> None:
    codes = [f"Z{number}" for number in range(8)]
    pairs = [(a, b) for a in codes for b in codes if a != b]
    places = pl.DataFrame(
        {
            "code": codes,
            "longitude": [None] * 8,
            "latitude": [None] * 8,
            "easting_km": [float(n % 3) * 4 for n in range(8)],
            "northing_km": [float(n // 3) * 4 for n in range(8)],
        }
    ).cast({"longitude": pl.Float64, "latitude": pl.Float64})
    segments = pl.DataFrame(
        [(*pair, tariff, scale * 20.0) for pair in pairs for tariff, scale in (("contract", 3), ("payg", 1))],
        schema=["origin", "destination", "segment", "flow"],
        orient="row",
    ).with_columns(lower="flow", upper="flow")
    weights = pl.DataFrame(
        [
            (code, f"{tariff}+age_18_34", devices, 1000.0)
            for code in codes
            for tariff, devices in (("contract", 300.0), ("payg", 100.0))
        ],
        schema=["area", "segment", "devices", "residents"],
        orient="row",
    )
    ground = NOTHING._replace(payg_share=0.25, places=places)
    cost = asset.costs_of(segments, weights, ground, TRAVEL_TO_WORK)
    assert cost["log_bias"].abs().max() == pytest.approx(0, abs=1e-12)
    dearer = asset.costs_of(segments, weights, ground._replace(payg_share=0.5), TRAVEL_TO_WORK)
    assert dearer["log_bias"].to_list() == pytest.approx([0.0] * dearer.height, abs=1e-12)  # alike whatever the share
    far = segments.with_columns(
        flow=pl.when((pl.col("segment") == "payg") & (pl.col("origin") == "Z0")).then(200.0).otherwise("flow")
    )
    assert asset.costs_of(far, weights, ground, TRAVEL_TO_WORK)["log_bias"].min() < -0.05  # type: ignore[operator]
    assert asset.costs_of(segments.filter(pl.col("segment") == "payg"), weights, ground, TRAVEL_TO_WORK).is_empty()
    columns = set(PhoneStandInCost.column_names()) - {*LABELS, "recipe", "parameters_hash"}
    assert columns | {"day_type"} >= columns and columns <= set(cost.columns)
