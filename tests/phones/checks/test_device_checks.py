"""Checks of devices and presence on a few rows: each finds its fault and passes without it."""

from __future__ import annotations

import pytest

from ons_bigdata.phones.checks import devices, presence
from ons_bigdata.platform.postgres.warehouse import Warehouse

MONTH = "'real', 'alpha', '2021-03-01'::date"


@pytest.fixture
def tables(warehouse: Warehouse) -> Warehouse:
    """Open a database with the relations that the checks read."""
    with warehouse.transaction() as transaction:
        for name, columns in (
            (
                "marts.phone_flow_reproduction",
                "segment text, rule_devices bigint, rule_status text, delivered_devices float8,"
                " delivered_status text, difference float8",
            ),
            ("marts.phone_anchor_accuracy", "measure text, area_class text, value float8"),
            ("published.population_present", "geography text, day_type text, period text, persons float8, status text"),
            ("published.visitor_nights", "direction text, country text, area text, status text"),
        ):
            transaction.execute(f"create table {name} (data_origin text, provider text, month date, {columns})")
        transaction.execute(
            "create table staging.stg_phones__zones (data_origin text, geography text, code text, residents bigint,"
            " load_id text, line int)"
        )
    return warehouse


def insert(warehouse: Warehouse, table: str, *rows: str) -> None:
    with warehouse.transaction() as transaction:
        for row in rows:
            transaction.execute(f"insert into {table} values ({row})")


def test_rules_that_do_not_reproduce_the_delivery(tables: Warehouse) -> None:
    same = f"{MONTH}, 'all', 20, 'observed', 20, 'observed', 0"
    hidden = f"{MONTH}, 'all', null, 'suppressed', null, 'suppressed', null"
    insert(tables, "marts.phone_flow_reproduction", *[same] * 19, *[hidden] * 20)
    parameters = [devices.MOST_DIFFERENT_SHARE, devices.MOST_OTHER_TOTAL]
    assert tables.rows(devices._REPRODUCED, parameters) == []
    insert(tables, "marts.phone_flow_reproduction", f"{MONTH}, 'all', 21, 'observed', 20, 'observed', 1")
    assert tables.rows(devices._REPRODUCED, parameters) == []  # 1 of 40
    insert(tables, "marts.phone_flow_reproduction", *[f"{MONTH}, 'all', null, 'suppressed', 5, 'observed', null"] * 2)
    assert [row[-2:] for row in tables.rows(devices._REPRODUCED, parameters)] == [(42, 3)]
    with tables.transaction() as transaction:  # a sixth of the devices is lost
        transaction.execute(
            "update marts.phone_flow_reproduction set delivered_devices = 18, difference = 2"
            " where rule_devices = 20 and delivered_devices is not null"
        )
        transaction.execute(
            "update marts.phone_flow_reproduction set delivered_devices = 6, difference = 14"
            " where ctid in (select ctid from marts.phone_flow_reproduction where delivered_devices = 18 limit 2)"
        )
    assert [row[-2:] for row in tables.rows(devices._REPRODUCED, parameters)] == [(42, 22)]
    with tables.transaction() as transaction:  # the events are those of a quarter of the devices
        transaction.execute(
            "update marts.phone_flow_reproduction set delivered_devices = 4 * rule_devices,"
            " difference = -3 * rule_devices where rule_devices is not null"
        )
    assert tables.rows(devices._REPRODUCED, parameters) == []


def test_anchors_worse_than_the_nearest_mast(tables: Warehouse) -> None:
    insert(
        tables,
        "marts.phone_anchor_accuracy",
        f"{MONTH}, 'home_right', 'rural', 0.869",
        f"{MONTH}, 'home_oracle', 'rural', 0.89",
        f"{MONTH}, 'home_right', 'urban', 0.871",
        f"{MONTH}, 'home_oracle', 'urban', 0.89",
    )
    rows = tables.rows(devices._ORACLE, [devices.WORSE_THAN_ORACLE])
    assert [row[2:] for row in rows] == [("home_right", "rural", "0.869", "0.890")]


def test_more_persons_than_residents(tables: Warehouse) -> None:
    insert(tables, "staging.stg_phones__zones", "'real', 'zone', 'A', 100, 'x', 2", "'real', 'zone', 'B', 50, 'x', 3")
    day = f"{MONTH}, 'zone', 'weekday'"
    insert(
        tables, "published.population_present", f"{day}, '08', 100, 'published'", f"{day}, '08', 60, 'published'",
        f"{day}, '09', 101, 'published'", f"{day}, '09', 60, 'published'",
    )  # fmt: skip
    assert [row[4:] for row in tables.rows(presence._MORE)] == [("09", 161, 150)]


def test_an_area_that_is_hidden_alone(tables: Warehouse) -> None:
    day = f"{MONTH}, 'zone', 'weekday'"
    insert(
        tables, "published.population_present",
        f"{day}, '08', 10, 'published'", f"{day}, '08', null, 'below_threshold'",
        f"{day}, '09', null, 'secondary'", f"{day}, '09', null, 'below_threshold'",
        f"{day}, '10', null, 'below_threshold'",
    )  # fmt: skip
    assert [row[4:] for row in tables.rows(presence._ALONE)] == [("08", 2)]
    french = f"{MONTH}, 'inbound', '208'"
    insert(
        tables, "published.visitor_nights",
        f"{french}, 'all', 'published'", f"{french}, 'A', 'published'", f"{french}, 'B', 'below_threshold'",
    )  # fmt: skip
    assert [row[4:] for row in tables.rows(presence._VISITORS)] == [("208", 2)]
    with tables.transaction() as transaction:
        transaction.execute("update published.visitor_nights set status = 'secondary' where area = 'A'")
    assert tables.rows(presence._VISITORS) == []
