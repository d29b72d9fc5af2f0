"""Every table that Python writes has a frame, a table of the warehouse and a check that holds the two together."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg

from ons_bigdata.platform import migrate
from ons_bigdata.prices.checks import CHECKS
from ons_bigdata.prices.schemas.tables import TABLES


def test_every_table_of_the_migrations_has_a_frame() -> None:
    folder = Path(migrate.__file__).with_name("migrations")
    made = {
        name
        for path in sorted(folder.glob("*.sql"))
        for name in re.findall(r"^create table ((?:raw|analysis)\.\w+)", path.read_text(), flags=re.MULTILINE)
    }
    assert made == set(TABLES)


def test_every_table_is_checked_against_its_frame() -> None:
    checked = {
        ".".join(key.asset_key.path)
        for check in CHECKS
        if isinstance(check, dg.AssetChecksDefinition)
        for key in check.check_keys
        if "frame" in key.name
    }
    assert checked == set(TABLES)
