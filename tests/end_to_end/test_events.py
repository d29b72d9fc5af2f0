"""Archives of events from ingest to published figures: counts of the truth, no trace of a person outside `restricted`.

Every role is tried on every table of the pilot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_manager
import polars as pl
import psycopg2
import pytest
from psycopg2 import sql

from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import make_key, pseudonyms, read_key
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.events.archives import SimulatedEvents, simulate_event_archives
from ons_bigdata.simulation.world.address_files import write_address_files
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.tweets.assets import ASSETS
from tests.command_line import CommandLine
from tests.tweets.sources.written_events import V1, changed

USER, POST = "777000777000777", "888000888000888123"
LAT, LON = 51.4321987, -0.9876123
TRACES = (USER, POST, "51.4321987", "0.9876123")
"""Texts by which a person of the archive could be known."""


@pytest.fixture(scope="module")
def simulated(short_tmp: Path) -> SimulatedEvents:
    """Write simulated archives, and a real one with the person of the traces."""
    world = build_world(seed=2014, persons=300, addresses=600, authorities=["E08000035", "W06000015"], days=20)
    simulated = simulate_event_archives(short_tmp / "events", world, users=45, volume_events=300)
    point = {"coordinates": {"coordinates": [LON, LAT]}, "geo": {"coordinates": [LAT, LON]}}
    lines = [
        changed(
            V1,
            user={"id_str": USER}, id_str=f"{POST[:-1]}{place}", timestamp_ms=str(1_396_360_000_000 + place * 10**6),
            **point,
        )
        for place in range(6)
    ]  # fmt: skip
    broken = [
        f'{{"user": {{"id_str": "{USER}"}}, "id_str": "{POST}", "coordinates": {{"coordinates": [{LON}, {LAT}',
        json.dumps(changed(V1, user={"id_str": USER}, id_str=POST, coordinates={"coordinates": [LON, str(LAT)]})),
        json.dumps({"delete": {"status": {"id_str": POST, "user_id_str": USER}}}),
        json.dumps(changed(V1, user={"id_str": f"u{USER}"}, **point)),
    ]
    text = "".join(f"{line}\n" for line in [*map(json.dumps, lines), *broken])
    (simulated.archives / "stream.jsonl").write_text(text, encoding="utf-8")
    return simulated


@pytest.fixture(scope="module")
def built(short_tmp: Path, simulated: SimulatedEvents) -> Iterator[CommandLine]:
    """Ingest the archives, addresses and populations, and build the whole pilot."""
    command = CommandLine(short_tmp / "he")
    make_key(Settings(home=command.home).pseudonym_key_path)
    try:
        files = write_address_files(short_tmp / "addresses", simulated.world)
        command.run("ingest", "addresses", files.plus, files.postcodes)
        command.run("ingest", "populations", files.areas)
        command.run("ingest", "tweets", "--build", simulated.archives)
        yield command
    finally:
        command.run("down", code=None)


def test_every_event_of_the_archives_has_a_fate(built: CommandLine, simulated: SimulatedEvents) -> None:
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    warehouse = open_warehouse(Settings(home=built.home))
    found = warehouse.frame(
        "select sum(events)::bigint as events, sum(duplicates)::bigint as duplicates, count(*) as users,"
        " sum(outside_events)::bigint as outside from restricted.tweet_users"
        " where data_origin = 'simulated' and recipe = 'dbscan_20m'"
    ).row(0, named=True)
    assert found == {
        "events": sum(one["accepted"] for one in counts.values()),
        "duplicates": counts["simulated_gaps_gnip.json"]["accepted"],
        "users": simulated.drawn.events["user"].n_unique(),
        "outside": (simulated.drawn.events["place"] == "abroad").sum(),
    }
    events = warehouse.frame("select user_key from restricted.tweet_events")["user_key"]
    assert events.is_sorted()


def test_the_person_of_the_traces_has_a_place(built: CommandLine) -> None:
    warehouse = open_warehouse(Settings(home=built.home))
    clusters = warehouse.frame(
        "select clusters.events, users.noise_events from restricted.tweet_clusters as clusters"
        " join restricted.tweet_users as users using (recipe, user_key) where users.data_origin = 'real'"
    )
    assert clusters.rows() == [(6, 0)] * 2  # of each recipe


def test_no_trace_of_a_person_is_outside_restricted(built: CommandLine, simulated: SimulatedEvents) -> None:
    settings = Settings(home=built.home)
    warehouse = open_warehouse(settings)
    key = bytes.fromhex(settings.pseudonym_key_path.read_text(encoding="ascii"))
    user_key = warehouse.rows("select user_key from restricted.tweet_users where data_origin = 'real'")[0][0]
    traces = [*TRACES, str(user_key), key.hex()]
    assert _tables_with(warehouse.address.libpq(), traces, restricted=False) == []
    assert _tables_with(warehouse.address.libpq(), list(TRACES), restricted=True) == []
    folders = ("dagster", "logs", "run", "dbt")
    files = [path for folder in folders for path in (built.home / folder).rglob("*") if path.is_file()]
    assert any("dbt" in path.parts for path in files)
    wanted = [trace.encode() for trace in traces]
    assert [path for path in files if any(trace in path.read_bytes() for trace in wanted)] == []
    lake = [path.read_bytes() for path in (built.home / "lake").rglob("*.parquet")]
    assert lake and not any(trace.encode() in content for content in lake for trace in (USER, POST))


READERS = {
    "restricted": {"custodian"},
    "analysis": {"analyst", "custodian", "reader"},
    "marts": {"analyst", "custodian", "reader"},
    "published": {"analyst", "custodian", "publisher", "reader"},
}
"""Roles that may read the tables of a schema."""


@pytest.mark.parametrize("role", ["ingest", "analyst", "publisher", "reader", "custodian"])
def test_each_role_reads_the_tables_of_its_schemas_and_no_others(built: CommandLine, role: str) -> None:
    warehouse = open_warehouse(Settings(home=built.home))
    tables = warehouse.rows(
        "select table_schema::text, table_name::text from information_schema.tables"
        " where table_schema = any ($1::text[]) order by 1, 2",
        [list(READERS)],
    )
    of_pilot = {".".join(spec.key.path) for asset in ASSETS for spec in getattr(asset, "specs", [asset])}
    made = {f"{schema}.{table}" for schema, table in tables}
    assert {table for table in of_pilot if table.split(".")[0] in READERS} <= made
    assert {"marts.migration_area_bias", "published.internal_migration", "restricted.tweet_commutes"} <= made
    for schema, table in tables:
        with warehouse.transaction() as transaction:
            transaction.set_role(f"{warehouse.role_prefix}_{role}")
            try:
                transaction.rows(f'select 1 from {schema}."{table}" limit 1')
                may_read = True
            except adbc_driver_manager.Error as error:
                assert error.sqlstate == "42501", error
                may_read = False
                transaction.connection.rollback()
        assert may_read == (role in READERS[schema]), f"{role} on {schema}.{table}"


def test_the_pseudonym_of_a_user_is_that_of_the_key(built: CommandLine) -> None:

    settings = Settings(home=built.home)
    expected = pseudonyms(pl.Series([USER]), source="twitter", key=read_key(None, settings.pseudonym_key_path))
    found = open_warehouse(settings).rows(
        "select distinct user_key from restricted.tweet_users where data_origin = 'real'"
    )
    assert found == [(expected[0],)]


def _tables_with(url: str, traces: list[str], *, restricted: bool) -> list[tuple[str, str]]:
    """Return tables and traces that any of their rows holds, of the schema `restricted` or of all others."""
    found = []
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
            " and (table_schema = 'restricted') = %s",
            [restricted],
        )
        tables = cursor.fetchall()
        assert tables
        for schema, table in tables:
            for trace in traces:
                query = sql.SQL("select 1 from {} as row where row::text like %s limit 1").format(
                    sql.Identifier(schema, table)
                )
                cursor.execute(query, [f"%{trace}%"])
                if cursor.fetchone():
                    found.append((f"{schema}.{table}", trace))
    connection.close()
    return found
