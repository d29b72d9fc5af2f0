"""Migrations: each applied once, by package; ledgers of the one list of numbers that came before packages."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres import migrate
from ons_bigdata.platform.postgres.warehouse import Warehouse

FIRST_LEDGER = """
create schema ops;
create table ops.schema_migrations (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
);
"""
ONE_LIST = [
    (1, "platform", "platform", "c663b3449b45cf0ebc001ed65101a60f68acf61fbabda0ac54875af395dd378e"),
    (2, "prices", "prices", "4194d0f291ca0c1706c35295be94c311cd04c95635c1e9c0442513ce3230abba"),
    (3, "platform", "roles", "58a88e5454a5eb174dd48b52f00d862758fb8301807057416285725ff1805ccb"),
    (4, "prices", "price_scraping", "8ac75cfb748a0d939b786b0fcb9d6096a7871f5fe72b39680db36d46961a5468"),
    (5, "prices", "price_quality", "fe50846d73340bebd95ccc7f145e18d7b15f13b286593a052811c430fc95ab29"),
    (6, "prices", "product_scope", "f1d2247d365710ca9b1e59b37da9f8eacd603c3df834260eaab0ff5be833bccd"),
    (7, "prices", "price_recipes", "0983b899b58dcb5645d8950265aa633298ab758b2699a21e0f79f705c03547ba"),
    (8, "prices", "price_comparison", "ab19b5df4fbfc5ebe9ccc93eef5b8d6f182adbede702e328bb230e052e6c0bc2"),
]
"""Number, package of today, name and hash of the migrations that the first versions applied as one list."""


@pytest.fixture
def one_list(empty_database: Warehouse) -> Warehouse:
    """Database set up by a version with one list of migrations, with a row in two of its tables."""
    texts = {one.sha256: one.text.replace("{prefix}", empty_database.role_prefix) for one in migrate.migrations()}
    connection = psycopg2.connect(empty_database.address.libpq())
    with connection, connection.cursor() as cursor:
        cursor.execute(FIRST_LEDGER)
        for number, _, name, sha256 in ONE_LIST:
            cursor.execute(texts[sha256])
            cursor.execute(
                "insert into ops.schema_migrations (number, name, sha256) values (%s, %s, %s)", (number, name, sha256)
            )
        cursor.execute(
            "insert into ops.files (file_id, source, delivery, name, partitions)"
            " values ('00000000000000aa', 'prices', 'tesco', 'a.csv', '{}')"
        )
    connection.close()
    return empty_database


def _applied(warehouse: Warehouse) -> list[tuple[int, str, str, str]]:
    return warehouse.rows("select number, package, name, sha256 from ops.schema_migrations order by number, package")


def _migrate(warehouse: Warehouse) -> list[migrate.Migration]:
    return migrate.migrate(warehouse.address, role_prefix=warehouse.role_prefix)


def test_a_ledger_of_one_list_gets_its_packages_and_nothing_is_applied_again(one_list: Warehouse) -> None:
    later = [one for one in migrate.migrations() if one.sha256 not in {row[3] for row in ONE_LIST}]
    assert _migrate(one_list) == later
    assert [row for row in _applied(one_list) if row[3] not in {one.sha256 for one in later}] == ONE_LIST
    assert one_list.rows("select name from ops.files") == [("a.csv",)]
    assert _migrate(one_list) == []


def test_a_ledger_of_one_list_with_an_edited_file_is_refused(one_list: Warehouse) -> None:
    with one_list.transaction() as transaction:
        transaction.execute("update ops.schema_migrations set sha256 = 'another' where number = 4")
    with pytest.raises(InputError, match=r"0004_price_scraping\.sql of the database differs"):
        _migrate(one_list)
    assert len(one_list.rows("select number, name from ops.schema_migrations")) == len(ONE_LIST)


def test_a_ledger_of_one_list_that_is_newer_is_refused(one_list: Warehouse) -> None:
    with one_list.transaction() as transaction:
        transaction.execute("insert into ops.schema_migrations (number, name, sha256) values (99, 'later', '')")
    with pytest.raises(InputError, match=r"0099_later\.sql of the database is unknown"):
        _migrate(one_list)


def test_the_platform_comes_first_and_each_pilot_has_its_package(warehouse: Warehouse) -> None:
    shipped = migrate.migrations()
    packages = list(dict.fromkeys(one.package for one in shipped))
    assert packages == [migrate.PLATFORM, *sorted(pilot.name for pilot in PILOTS)]
    for package in packages:
        numbers = [one.number for one in shipped if one.package == package]
        assert numbers == sorted(set(numbers))
    assert {(row[1], row[0]) for row in _applied(warehouse)} == {(one.package, one.number) for one in shipped}


def test_migrations_are_applied_once_even_by_two_at_once(empty_database: Warehouse) -> None:
    applied: list[list[migrate.Migration]] = []
    threads = [threading.Thread(target=lambda: applied.append(_migrate(empty_database))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(migrations) for migrations in applied) == [0, len(migrate.migrations())]


def test_an_edited_migration_is_refused(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("update ops.schema_migrations set sha256 = 'another' where name = 'platform'")
    with pytest.raises(InputError, match=r"platform/migrations/0001_platform\.sql differs"):
        _migrate(warehouse)


def test_a_newer_database_is_refused(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("insert into ops.schema_migrations values ('prices', 99, 'later', '')")
    with pytest.raises(InputError, match=r"migration 0099_later of prices, which this version does not know"):
        _migrate(warehouse)
