"""Nights of visitors: rules by hand, the specification, and the truth of the simulated operator."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from ons_bigdata.phones.methods.presence.visitors import (
    MIXED,
    NO_FACTOR,
    estimate_visitors,
    nights_of_devices,
    visitor_stays,
)
from ons_bigdata.phones.schemas.visitor_specification import VisitorSpecification
from ons_bigdata.simulation.phones.operator_files import simulate_operator
from ons_bigdata.simulation.phones.roamers import OWN_MCC
from ons_bigdata.simulation.phones.visitor_agreement import agree_visitors
from tests.phones.methods.device_days import at

DOCUMENT = {
    "title": "Visitors",
    "method_version": "v1",
    "own_country_codes": [235, 234],
    "period": {"first_day": "2021-03-01", "last_day": "2021-03-28", "time_zone": "Europe/London"},
    "nights": {"from_hour": 20, "to_hour": 9, "min_events": 1, "max_gap_nights": 2},
    "usual_environment": {"max_inbound_nights": 10, "min_home_share": 0.3, "min_home_nights": 5, "min_domestic_km": 10},
    "zone_vintage": "SIM1",
    "factors": [
        {"country_code": 208, "persons_per_device": 4, "relative_standard_error": 0.1},
        {"country_code": 234, "persons_per_device": 10, "relative_standard_error": 0},
    ],
    "disclosure": {"threshold": 10, "rounding_base": 5},
}
SPEC = VisitorSpecification.model_validate(DOCUMENT)
CELLS = pl.DataFrame(
    {
        "cell": ["h", "w", "near"],
        "zone": ["Z1", "Z2", "Z3"],
        "easting_m": [0.0, 30_000.0, 6_000.0],
        "northing_m": [0.0, 40_000.0, 6_000.0],
    }
)
SCHEMA = {
    "device_key": pl.Int64,
    "at_utc": pl.Datetime("us", "UTC"),
    "cell": pl.String,
    "home_mcc": pl.Int16,
    "visited_mcc": pl.Int16,
}
Row = tuple[int, object, str | None, int | None, int | None]


def night(device: int, day: int, cell: str | None, home: int | None = 208, visited: int | None = None) -> Row:
    return (device, at(day, 22), cell, home, visited)


def stays(rows: list[Row]) -> list[tuple[object, ...]]:
    events = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    columns = ["device_key", "direction", "country_code", "area", "nights", "bridged_nights"]
    return nights_of_devices(events, CELLS, SPEC).select(columns).rows()


def test_inbound_nights_with_a_bridged_gap() -> None:
    assert stays([night(1, day, "h") for day in (2, 3, 6)]) == [(1, "inbound", 208, "Z1", 5, 2)]
    assert stays([night(1, day, "h") for day in (2, 3, 7)]) == [(1, "inbound", 208, "Z1", 3, 0)]
    assert stays([night(1, 2, "h"), night(1, 5, "w")]) == [
        (1, "inbound", 208, "Z1", 1, 0),
        (1, "inbound", 208, "Z2", 1, 0),
    ]


def test_the_night_has_the_date_on_which_it_begins_and_the_place_of_most_events() -> None:
    rows = [
        night(1, 2, "h"),
        (1, at(3, 1), "w", 208, None),
        (1, at(3, 8), "w", 208, None),
        (1, at(3, 12), "h", 208, None),
    ]
    assert stays(rows) == [(1, "inbound", 208, "Z2", 1, 0)]


def test_who_lives_here_with_a_foreign_card_is_no_visitor() -> None:
    assert stays([night(1, day, "h") for day in range(10)]) == [(1, "inbound", 208, "Z1", 10, 0)]
    assert stays([night(1, day, "h") for day in range(11)]) == []


def test_own_devices_abroad_and_away_from_their_usual_environment() -> None:
    home = [night(1, day, "h", 234) for day in range(10)]
    abroad = [night(1, day, None, 234, 214) for day in (12, 13)]
    away = [night(1, day, "w", 234) for day in (15, 16)]
    assert stays([*home, *abroad, *away]) == [(1, "domestic", 234, "Z2", 2, 0), (1, "outbound", 214, None, 2, 0)]
    assert stays([*home, night(1, 20, "near", 234)]) == []  # 8.5 km away: may be a cell that serves the home
    assert stays([*home[:2], *away]) == []  # too few nights to know the usual environment
    assert stays([night(1, 3, "h", None)]) == []  # a card without a country is an own one


def test_estimates_to_follow_by_hand() -> None:
    table = pl.DataFrame(
        {
            "device_key": [1, 2, 3],
            "direction": ["inbound"] * 3,
            "country_code": pl.Series([208, 208, 310], dtype=pl.Int16),
            "area": ["Z1", "Z1", "Z1"],
            "nights": [2, 4, 5],
        }
    )
    made = estimate_visitors(table, SPEC, confidence=0.95)
    rows = {(row["country"], row["area"]): row for row in made.iter_rows(named=True)}
    french = rows["208", "Z1"]
    assert (french["devices"], french["visitors"], french["nights"], french["reason"]) == (2, 8.0, 24.0, None)
    reach = 1.959964 * (4 * 3 * (2**2 + 4**2) + (0.1 * 24) ** 2) ** 0.5
    assert french["nights_upper"] == pytest.approx(24 + reach)
    assert french["nights_lower"] == max(0.0, 24 - reach)
    american = rows["310", "all"]
    assert (american["visitors"], american["nights"], american["reason"]) == (None, None, NO_FACTOR)
    assert american["nights_per_device"] == 5.0
    assert (rows["all", "all"]["nights"], rows["all", "all"]["reason"]) == (24.0, MIXED)


def test_equal_documents_have_equal_ids_and_faults_are_named() -> None:
    other = VisitorSpecification.model_validate({**DOCUMENT, "own_country_codes": [234, 235]})
    assert other.spec_id == SPEC.spec_id
    changed = {**DOCUMENT, "nights": {**DOCUMENT["nights"], "min_events": 2}}  # type: ignore[dict-item]
    assert VisitorSpecification.model_validate(changed).spec_id != SPEC.spec_id
    with pytest.raises(ValidationError, match="cross midnight"):
        VisitorSpecification.model_validate({**DOCUMENT, "nights": {**DOCUMENT["nights"], "to_hour": 23}})  # type: ignore[dict-item]
    with pytest.raises(ValidationError, match="two factors"):
        VisitorSpecification.model_validate({**DOCUMENT, "factors": [DOCUMENT["factors"][0]] * 2})  # type: ignore[index]


def test_nights_are_those_of_the_simulated_truth() -> None:
    operator = simulate_operator(persons=2_000, devices=200, zones=8, seed=4)
    own = operator.events.with_columns(
        home_mcc=pl.lit(OWN_MCC, dtype=pl.Int16), visited_mcc=pl.lit(None, dtype=pl.Int16)
    )
    columns = ["device", "at_utc", "cell", "home_mcc", "visited_mcc"]
    events = pl.concat([own.select(columns), operator.roaming_events.select(columns)], how="vertical_relaxed")
    bucket = events.rename({"device": "device_key"}).with_columns(
        data_origin=pl.lit("simulated"), provider=pl.lit("sim-opal")
    )
    spec = agree_visitors(date(2014, 5, 1))
    month = {
        "data_origin": "simulated",
        "provider": "sim-opal",
        "visitor_spec_id": spec.spec_id,
        "specification": spec.model_dump(mode="json"),
        "cells": {
            cell: place for cell, *place in operator.cells.select("cell", "zone", "easting_m", "northing_m").iter_rows()
        },
    }
    found = visitor_stays(bucket, {"months": [month]})
    truth = operator.stays
    for direction in ("inbound", "outbound"):
        true_nights = truth.filter(pl.col("direction") == direction)["nights"].sum()
        nights = found.filter(pl.col("direction") == direction)["nights"].sum()
        assert nights == pytest.approx(true_nights, rel=0.02)
    living_here = truth.filter(pl.col("direction") == "resident")["device"]
    assert living_here.len() and not found["device_key"].is_in(living_here.implode()).any()
