"""The command `compliance`: tables about users, Dagster's records, doctor, dry run, kill, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.commands import compliance as command
from ons_bigdata.commands.compliance import ComplianceSummary, run_compliance
from ons_bigdata.commands.doctor import _deletions
from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.lake.engine import removal_guard
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets import places
from ons_bigdata.tweets.compliance import application
from ons_bigdata.tweets.sources.archives import GEO_EVENTS
from ons_bigdata.tweets.sources.compliance.tombstones import TOMBSTONES
from tests.tweets.compliance_cases import (
    Installation,
    Post,
    event_keys,
    keys_of,
    text,
    traces_in_files,
    traces_in_tables,
    v2_post,
    v2_user,
)
from tests.tweets.sources.written_events import KEY

GONE, PART, STAYS = 777000777, 666000666, 555000555
POSTS = [Post(user, minute) for user in (GONE, PART, STAYS) for minute in range(4)]
DERIVED = [f"restricted.tweet_{name}" for name in ("users", "clusters", "events", "cluster_hours", "cluster_months")]
"""Tables that are made of the lake in these tests."""
Materialise = Callable[[], None]


@pytest.fixture
def template(dagster_template_database: str) -> str:
    return dagster_template_database


@pytest.fixture
def installed(settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Open the test's database and key with a loaded archive."""
    monkeypatch.setattr(command, "open_warehouse", lambda _settings: warehouse)
    settings.home.mkdir(mode=0o700)
    settings.pseudonym_key_path.write_text(KEY.secret.hex())
    settings.pseudonym_key_path.chmod(0o600)
    lake = Lake(settings.lake_dir, warehouse)
    installation = Installation(Landing(settings.landing_dir, warehouse), lake, settings.home)
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    for path in sorted((settings.dbt_project_dir / "seeds" / "tweets" / "places").glob("*.csv")):
        frame = pl.read_csv(path, schema_overrides={"eps_m": pl.Float64, "value": pl.Float64, "min_points": pl.Int32})
        types = {pl.String: "text", pl.Boolean: "boolean", pl.Int32: "integer", pl.Float64: "double precision"}
        with warehouse.transaction() as transaction:
            columns = ", ".join(f"{name} {types[type(kind)]}" for name, kind in frame.schema.items())
            transaction.execute(f"create table seeds.{path.stem} ({columns})")
            transaction.insert(f"seeds.{path.stem}", frame)
    for name, value in (("open", warehouse), ("lake", lake)):
        monkeypatch.setattr(WarehouseResource, name, lambda _, value=value: value)
    yield installation


def materialise_places() -> None:
    assert dg.materialize([places.tweet_places], resources={"warehouse": WarehouseResource()}).success


def events_file(settings: Settings, *lines: str, name: str = "events.jsonl") -> Path:
    path = settings.home.parent / name
    path.write_bytes(text(lines))
    return path


def users_of_tables(warehouse: Warehouse) -> dict[str, set[int]]:
    return {table: {user for (user,) in warehouse.rows(f"select distinct user_key from {table}")} for table in DERIVED}


def test_users_go_from_tables_at_once_and_are_computed_anew(installed: Installation, settings: Settings) -> None:
    warehouse = installed.landing.warehouse
    materialise_places()
    everybody = set(keys_of([GONE, PART, STAYS]))
    assert users_of_tables(warehouse) == dict.fromkeys(DERIVED, everybody)
    of_part = [post for post in POSTS if post.user == PART]
    path = events_file(settings, v2_user("user_delete", GONE), v2_post("delete", of_part[0]))
    summary = run_compliance(settings, [path])
    assert summary.applied is not None
    assert (summary.applied.lake_rows, summary.applied.partitions) == (5, ("2014-04-01",))
    assert sorted(summary.applied.derived_tables) == sorted(DERIVED)
    assert users_of_tables(warehouse) == {table: set(keys_of([STAYS])) for table in DERIVED}
    materialise_places()
    assert users_of_tables(warehouse) == {table: set(keys_of([PART, STAYS])) for table in DERIVED}
    counts = warehouse.rows(
        "select user_key, events::int from restricted.tweet_users where recipe = 'dbscan_20m' order by events"
    )
    assert counts == [(keys_of([PART])[0], 3), (keys_of([STAYS])[0], 4)]
    traces = [str(GONE), str(keys_of([GONE])[0]), *map(str, event_keys([*POSTS[:4], of_part[0]])), of_part[0].id]
    path.unlink()
    assert traces_in_files(settings.home, traces) == []
    assert traces_in_tables(warehouse, traces, apart=[TOMBSTONES]) == []


def test_dagster_shows_days_that_lost_rows_and_stale_tables(installed: Installation, settings: Settings) -> None:
    materialise_places()
    of_part = v2_post("delete", POSTS[4])
    run_compliance(settings, [events_file(settings, v2_user("user_suspend", GONE), of_part)])
    with open_instance(settings, installed.landing.warehouse.address) as instance:
        lake = instance.get_latest_materialization_event(dg.AssetKey(["lake", "geo_events"]))
        assert lake is not None and lake.asset_materialization is not None
        materialization = lake.asset_materialization
        assert materialization.partition == "2014-04-01"
        assert materialization.metadata["dagster/partition_row_count"].value == 7
        for table in DERIVED:
            records = instance.fetch_observations(dg.AssetKey(table.split(".")), limit=10).records
            assert [record.asset_observation.metadata["stale"].value for record in records] == [True]  # type: ignore[union-attr]
        check = dg.AssetCheckKey(dg.AssetKey(["restricted", "tweet_users"]), "every_event_of_the_lake_has_a_fate")
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
        assert latest.status.value == "FAILED"  # the other user is left in the lake alone
        logged = json.dumps([event.to_json() for event in instance.all_logs("")])
    assert str(GONE) not in logged and str(keys_of([GONE])[0]) not in logged


def test_a_run_over_rows_that_were_removed_meanwhile_writes_nothing(
    installed: Installation, settings: Settings
) -> None:
    guard = removal_guard(installed.lake, GEO_EVENTS)
    with installed.landing.warehouse.transaction() as transaction:
        guard(transaction)
    run_compliance(settings, [events_file(settings, v2_user("user_suspend", GONE))])
    with (
        pytest.raises(StepFailedError, match="rows were removed from lake/geo_events meanwhile"),
        installed.landing.warehouse.transaction() as transaction,
    ):
        guard(transaction)


def test_a_kill_before_dagster_is_told_is_noticed_and_completed(
    installed: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = installed.landing.warehouse
    path = events_file(settings, v2_user("user_suspend", GONE))

    def kill(*_: object) -> None:
        raise RuntimeError("killed")

    assert [finding.state for finding in _deletions(settings, warehouse)] == ["ok"]
    with monkeypatch.context() as patch:
        patch.setattr(command, "_report_to_dagster", kill)
        with pytest.raises(RuntimeError):
            run_compliance(settings, [path])
    (finding,) = _deletions(settings, warehouse)
    assert finding.state == "warning"
    assert finding.detail.startswith("1 tombstones wait")
    summary = run_compliance(settings, [])
    assert summary.applied is not None
    assert (summary.applied.tombstones, summary.applied.lake_rows, summary.applied.landed_lines) == (1, 4, 4)
    assert [finding.state for finding in _deletions(settings, warehouse)] == ["ok"]
    assert run_compliance(settings, [path]).applied is None


def test_a_dry_run_changes_nothing(installed: Installation, settings: Settings) -> None:
    before = installed.rows(), installed.ledger()
    path = events_file(settings, v2_user("user_suspend", GONE), "{}", v2_post("delete", POSTS[-1]))
    summary = run_compliance(settings, [path], dry_run=True)
    assert summary == ComplianceSummary(
        files=1, known_files=0, rows_in=3, accepted=2, quarantined=1, new_tombstones=3,
        kinds={"delete": 1, "user_suspend": 1}, reasons={"no compliance event": 1}, is_dry_run=True,
    )  # fmt: skip
    assert (installed.rows(), installed.ledger()) == before
    assert installed.landing.warehouse.rows(f"select from {TOMBSTONES}") == []
    assert not application.is_due(installed.landing.warehouse)
    assert run_compliance(settings, [path]).known_files == 0


def test_files_of_events_are_in_the_ledger_and_not_in_landing(installed: Installation, settings: Settings) -> None:
    paths = [
        events_file(settings, v2_user("user_suspend", GONE), "odd", "", name="a.jsonl"),
        events_file(settings, name="empty.jsonl"),
        events_file(settings, "no gzip", name="broken.jsonl.gz"),
    ]
    summary = run_compliance(settings, paths)
    assert (summary.files, len(summary.refusals)) == (3, 1)
    assert "damaged" in summary.refusals[0]
    warehouse = installed.landing.warehouse
    assert warehouse.rows(
        "select name, outcome, rows_in::int, accepted::int, quarantined::int, expired_at is not null"
        " from ops.files join ops.loads using (file_id) where source = 'tweet_compliance' order by name"
    ) == [("a.jsonl", "loaded", 3, 1, 2, True), ("empty.jsonl", "outage", 0, 0, 0, True)]
    assert not (settings.landing_dir / "tweet_compliance").exists()
    assert warehouse.rows(
        "select line::int, quarantine.reason, content from ops.quarantine join ops.loads using (load_id)"
        " join ops.files using (file_id) where source = 'tweet_compliance' order by line"
    ) == [(2, "no JSON, or a line that was cut short", None), (3, "control line: keep-alive", None)]


def test_paths_that_are_missing_or_empty_are_errors(installed: Installation, settings: Settings) -> None:
    with pytest.raises(InputError, match="no such file"):
        run_compliance(settings, [settings.home / "missing.jsonl"])
    (settings.home / "none").mkdir()
    with pytest.raises(InputError, match="no file below"):
        run_compliance(settings, [settings.home / "none"])
