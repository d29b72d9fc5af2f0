"""Every table that Python writes has a frame, and a check that compares the two."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from ons_bigdata import pilots
from ons_bigdata.platform.dagster.frames import table_mismatches
from ons_bigdata.platform.postgres import migrate
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks import CHECKS
from ons_bigdata.prices.schemas.tables import TABLES


def test_every_table_of_the_migrations_has_a_frame() -> None:
    made: set[str] = set()
    change = re.compile(r"^(create|drop|alter) table ((raw|analysis)\.\w+)(?: rename to (\w+);)?", flags=re.MULTILINE)
    for migration in migrate.migrations():
        for verb, table, schema, renamed in change.findall(migration.text):
            if verb == "create":
                made.add(table)
            elif verb == "drop" or renamed:
                made.remove(table)
                made |= {f"{schema}.{renamed}"} if renamed else set()
    assert made == {table for table in pilots.tables() if not table.startswith("restricted.")}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_matches_its_frame_and_has_a_check(table: str, warehouse: Warehouse) -> None:
    keys = {key for check in CHECKS for key in check.check_keys}
    assert dg.AssetCheckKey(dg.AssetKey(table.split(".")), "table_matches_frame") in keys
    assert table_mismatches(warehouse, table, TABLES[table]) == []
