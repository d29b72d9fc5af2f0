"""Fixtures of all tests: one real embedded Postgres for the session, a fresh database for each test that wants one."""

from __future__ import annotations

import gc
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg2
import pytest
from psycopg2 import sql
from sqlalchemy.engine import make_url

from ons_bigdata.cli import GARBAGE_THRESHOLDS
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres import embedded, migrate
from ons_bigdata.platform.postgres.database import DatabaseAddress
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from tests import cpu_seconds
from tests.cpu_seconds import (  # noqa: F401  (hooks of pytest)
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

ROLE_PREFIX = "test_ons"
TEMPLATE, DAGSTER_TEMPLATE = "template_ons", "template_ons_dagster"

LONGEST_FIRST = (
    *("test_archive.py", "test_demo.py", "test_ingest_faults.py", "test_events.py", "test_cli.py"),
    *("test_dbt_build.py", "test_days.py", "test_compliance_kills.py", "test_compliance_command.py"),
)
"""Files whose tests begin before all others, so that no worker ends alone."""

# docs/testing.md has the profiles; `--hypothesis-profile=nightly` takes the other.
hypothesis.settings.register_profile("ci", max_examples=100, deadline=None)
hypothesis.settings.register_profile("nightly", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("ci")

_numbers = itertools.count(1)

# Imported packages and tests are a million objects, which Python else looks through for garbage again and again.
gc.set_threshold(*GARBAGE_THRESHOLDS)


def pytest_collection_finish() -> None:
    """Leave what was imported out of the search for garbage, then begin to measure."""
    gc.freeze()
    cpu_seconds.pytest_collection_finish()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest."""
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))  # stable: the others keep their order


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """Folder with a short path: that of a socket is limited to about 100 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ons-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(short_tmp: Path) -> Iterator[embedded.ServerAddress]:
    """Start the session's Postgres server, without waiting for its disk: no test here pulls the plug."""
    address = embedded.start(short_tmp / "pg")
    cpu_seconds.watch(int((short_tmp / "pg" / "postmaster.pid").read_text().split()[0]))
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _execute(address, sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
    _execute(address, sql.SQL("select pg_reload_conf()"))
    yield address
    embedded.stop(short_tmp / "pg")


@pytest.fixture(scope="session")
def template_database(server: embedded.ServerAddress) -> str:
    """Make a migrated database that others are cloned from."""
    _create(server, TEMPLATE, template="template0")
    migrate.migrate(_address(server, TEMPLATE), role_prefix=ROLE_PREFIX)
    return TEMPLATE


@pytest.fixture(scope="session")
def dagster_template_database(server: embedded.ServerAddress, template_database: str) -> str:
    """Make a migrated database with the tables of Dagster, which takes a hundred statements."""
    from ons_bigdata.platform.dagster.storage.tables import ensure_dagster_tables  # noqa: PLC0415  (imports Dagster)

    _create(server, DAGSTER_TEMPLATE, template=template_database)
    ensure_dagster_tables(_address(server, DAGSTER_TEMPLATE))
    return DAGSTER_TEMPLATE


@pytest.fixture
def template(template_database: str) -> str:
    """Database that `warehouse` clones; a module may take another."""
    return template_database


@pytest.fixture
def warehouse(server: embedded.ServerAddress, template: str) -> Iterator[Warehouse]:
    """Clone a migrated, empty database of its own."""
    name = f"test_{next(_numbers)}"
    _create(server, name, template=template)
    yield Warehouse(address=_address(server, name), role_prefix=ROLE_PREFIX)
    _execute(server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def empty_database(server: embedded.ServerAddress) -> Iterator[Warehouse]:
    """Create a database without any table."""
    name = f"empty_{next(_numbers)}"
    _create(server, name, template="template0")
    yield Warehouse(address=_address(server, name), role_prefix=ROLE_PREFIX)
    _execute(server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def landing(warehouse: Warehouse, tmp_path: Path) -> Landing:
    """Landing folder with its ledger in the test's database."""
    return Landing(tmp_path / "landing", warehouse)


@pytest.fixture
def settings(warehouse: Warehouse, tmp_path: Path) -> Settings:
    """Settings with state under the test's folder and the test's database."""
    return Settings(
        home=tmp_path / "home",
        database_url=warehouse.address.libpq(),  # type: ignore[arg-type]
        role_prefix=ROLE_PREFIX,
    )


@pytest.fixture(scope="session")
def shared_prices() -> Path:
    """Folder of real price data; the test is skipped where it is missing."""
    folder = Settings().shared / "data" / "prices"
    if not folder.is_dir():
        pytest.skip(f"no shared price data at {folder} (set ONS_BIGDATA_SHARED)")
    return folder


def _address(server: embedded.ServerAddress, name: str) -> DatabaseAddress:
    return DatabaseAddress(url=make_url(server.url(name)), is_embedded=True)


def _create(server: embedded.ServerAddress, name: str, *, template: str) -> None:
    statement = sql.SQL("create database {} template {}")
    _execute(server, statement.format(sql.Identifier(name), sql.Identifier(template)))


def _execute(server: embedded.ServerAddress, statement: sql.Composable) -> None:
    connection = psycopg2.connect(server.url("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
