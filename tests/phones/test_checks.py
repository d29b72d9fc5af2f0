"""Checks of deliveries and of weights on a few rows: each finds its fault and passes without it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ons_bigdata.phones.checks import deliveries, weighting
from ons_bigdata.platform.postgres.warehouse import Warehouse

FLOWS = """create table staging.stg_phones__flows (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01',
    spec_id text default 's', vintage text default 'MSOA11', cell_kind text default 'pair', origin_code text,
    dest_code text, segment text default 'all', day_type text default 'all', devices float8, persons float8,
    status text default 'observed', lower float8, upper float8
)"""
MARGINS = """create table staging.stg_phones__zone_margins (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01', zone text,
    segment text default 'all', active_on date, devices float8, penetration float8
)"""
COVERAGE = """create table staging.stg_phones__coverage (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01', zone text,
    mean_cell_radius_m float8
)"""
DELIVERIES = """create table marts.phone_deliveries (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01',
    segment text default 'all', day_type text default 'all', least float8, most float8, hidden_mass float8
)"""
WEIGHTS = """create table marts.phone_weights (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01',
    geography text default 'msoa', area text, segment text default 'all', devices float8, residents float8,
    start_weight float8
)"""
RAKED = """create table marts.phone_weight_margins (
    data_origin text default 'real', provider text default 'alpha', month date default '2021-03-01',
    margin text default 'area', category text default 'A', total float8, reached float8, relative_difference float8,
    capped_share float8
)"""
FIGURES = """create table staging.stg_phones__population_figures (
    data_origin text default 'real', geography text default 'msoa', figure text default 'payg_share',
    area text default 'all', category text default 'all', value float8, year int default 2020
)"""


@dataclass(frozen=True)
class Case:
    """Tables, rows with a fault, what mends it, and the check's query."""

    name: str
    tables: tuple[str, ...]
    faulty: tuple[str, ...]
    mended: str
    query: str
    parameters: tuple[float, ...] = ()


_S = "insert into staging.stg_phones__"
_W = "insert into marts.phone_weights "
CASES = (
    Case(
        "flows_do_not_exceed_residents",
        (FLOWS, MARGINS),
        (
            f"{_S}flows (cell_kind, origin_code, dest_code, lower, upper)"
            " values ('origin_total', 'A', 'TOTAL', 50, 50)",
            f"{_S}zone_margins (zone, devices) values ('A', 40)",
        ),
        "update staging.stg_phones__zone_margins set devices = 50",
        deliveries._EXCEEDING,
    ),
    Case(
        "one_vintage_and_specification_a_month",
        (FLOWS,),
        (f"{_S}flows (origin_code, vintage) values ('A', 'MSOA11'), ('B', 'MSOA21')",),
        "update staging.stg_phones__flows set vintage = 'MSOA11'",
        deliveries._VINTAGES,
    ),
    Case(
        "little_is_suppressed",
        (DELIVERIES,),
        ("insert into marts.phone_deliveries (least, most, hidden_mass) values (60, 100, 40)",),
        "update marts.phone_deliveries set hidden_mass = 30",
        deliveries._SUPPRESSED,
        (deliveries.MOST_SUPPRESSED_SHARE,),
    ),
    Case(
        "totals_are_near_those_before",
        (DELIVERIES,),
        (
            "insert into marts.phone_deliveries (month, least, most) values ('2021-01-01', 100, 100),"
            " ('2021-02-01', 100, 100), ('2021-03-01', 125, 125)",
        ),
        "update marts.phone_deliveries set least = 115, most = 115 where month = '2021-03-01'",
        deliveries._LOOKBACK,
        (deliveries.MOST_CHANGE,),
    ),
    Case(
        "flows_go_both_ways",
        (FLOWS,),
        (f"{_S}flows (origin_code, dest_code, devices) values ('A', 'B', 95), ('B', 'A', 5)",),
        "update staging.stg_phones__flows set devices = 20 where origin_code = 'B'",
        deliveries._ASYMMETRY,
        (deliveries.MOST_ASYMMETRY,),
    ),
    Case(
        "no_segment_follows_by_difference",
        (FLOWS,),
        (
            f"{_S}flows (origin_code, dest_code, segment, status, devices) values ('A', 'B', 'all', 'observed', 30),"
            " ('A', 'B', 'contract', 'observed', 27), ('A', 'B', 'payg', 'suppressed', null)",
        ),
        "update staging.stg_phones__flows set status = 'suppressed', devices = null where segment = 'contract'",
        deliveries._DIFFERENCING,
    ),
    Case(
        "penetration_is_plausible",
        (MARGINS,),
        (f"{_S}zone_margins (zone, devices, penetration) values ('A', 3, 0.03)",),
        "update staging.stg_phones__zone_margins set penetration = 0.3",
        deliveries._PENETRATION,
        (deliveries.LEAST_PENETRATION, deliveries.MOST_PENETRATION),
    ),
    Case(
        "days_are_alike",
        (MARGINS,),
        (
            f"{_S}zone_margins (zone, active_on, devices) select 'A', '2021-03-01'::date + day,"
            " case when day < 3 then 10 else 100 end from generate_series(0, 6) as day",
        ),
        "update staging.stg_phones__zone_margins set devices = 90 where devices = 10",
        deliveries._DAYS,
        (deliveries.MOST_DAY_CV,),
    ),
    Case(
        "cells_are_small",
        (COVERAGE,),
        (f"{_S}coverage (zone, mean_cell_radius_m) values ('A', 2500)",),
        "update staging.stg_phones__coverage set mean_cell_radius_m = 900",
        deliveries._RURAL,
        (deliveries.FAR_M,),
    ),
    Case(
        "start_weights_give_the_residents",
        (WEIGHTS,),
        (f"{_W}(area, devices, residents, start_weight) values ('A', 100, 1000, 14), ('B', 100, 1000, 12)",),
        "update marts.phone_weights set start_weight = 11",
        weighting._TOTALS,
        (weighting.MOST_TOTAL_DIFFERENCE,),
    ),
    Case(
        "homes_follow_residents",
        (WEIGHTS,),
        (
            f"{_W}(area, devices, residents) select zone::text, 100 + zone % 2, 1000 * zone"
            " from generate_series(1, 12) as zone",
        ),
        "update marts.phone_weights set devices = residents / 7",
        weighting._FIT,
        (weighting.LEAST_FIT, weighting.LEAST_ZONES),
    ),
    Case(
        "payg_share_is_near_the_regulators",
        (WEIGHTS, FIGURES),
        (
            f"{_W}(area, segment, devices) values ('A', 'contract+age_18_34', 90), ('A', 'payg+age_18_34', 10)",
            f"{_S}population_figures (value) values (0.35)",
        ),
        "update staging.stg_phones__population_figures set value = 0.15",
        weighting._PAYG,
        (weighting.MOST_PAYG_DIFFERENCE,),
    ),
    Case(
        "raking_reaches_the_margins",
        (RAKED,),
        (
            "insert into marts.phone_weight_margins (total, reached, relative_difference, capped_share)"
            " values (100, 80, -0.2, 0)",
        ),
        "update marts.phone_weight_margins set relative_difference = 0.001",
        weighting._MARGINS,
        (weighting.MOST_MARGIN_DIFFERENCE,),
    ),
    Case(
        "rake_factors_are_within_their_range",
        (RAKED,),
        (
            "insert into marts.phone_weight_margins (total, reached, relative_difference, capped_share)"
            " values (100, 100, 0, 0.2)",
        ),
        "update marts.phone_weight_margins set capped_share = 0.02",
        weighting._CAPPED,
        (weighting.MOST_CAPPED_SHARE,),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_check_finds_its_fault_and_passes_without_it(warehouse: Warehouse, case: Case) -> None:
    with warehouse.transaction() as transaction:
        for statement in (*case.tables, *case.faulty):
            transaction.execute(statement)
    assert len(warehouse.rows(case.query, list(case.parameters))) == 1
    with warehouse.transaction() as transaction:
        transaction.execute(case.mended)
    assert warehouse.rows(case.query, list(case.parameters)) == []


def test_every_check_of_rows_has_a_case() -> None:
    names = {spec.name for check in (*deliveries.CHECKS, *weighting.CHECKS) for spec in check.check_specs}
    assert names == {case.name for case in CASES}
