"""dbt models as assets: definitions of a pilot, and the window that a monthly model rebuilds."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import dbt, runs
from ons_bigdata.platform.dagster.runs.check_records import recording_executor
from ons_bigdata.platform.dagster.table_metadata.dbt_tables import table_metadata
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from tests.command_line import ROOT

MONTHS = Calendar(Cadence.month, date(2015, 1, 1), "Europe/London")
DAYS = Calendar(Cadence.day, date(2015, 1, 1), "Europe/London")

PROJECT = """\
name: small
config-version: 2
version: "1.0"
profile: ons_bigdata
model-paths: [models]
seed-paths: [seeds]
macro-paths: [macros]
vars: {window_start: "1900-01-01", window_end: "2999-12-31"}
models: {small: {+schema: staging}}
seeds: {small: {+schema: seeds}}
"""
BILLS = """\
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['windowed_monthly'],
    pre_hook="{{ delete_window('month') }}"
) }}
select
    month, sum(amount) as amount, '{{ var("window_start") }}' as window_start, '{{ var("window_end") }}' as window_end
from raw.bills where {{ in_window('month') }} group by month
"""
TOTALS = "{{ config(materialized='table') }} select sum(amount) as amount from {{ ref('bills') }}"
TESTS = """\
models:
  - name: bills
    columns:
      - name: amount
        data_tests: [{not_null: {config: {where: in_window(month)}}}]
"""


@pytest.fixture
def small(settings: Settings, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a dbt project: meters has a monthly and a whole model and a seed, phones a whole model."""
    files = {
        "dbt_project.yml": PROJECT,
        "models/staging/meters/bills/bills.sql": BILLS,
        "models/staging/meters/bills/bills.yml": TESTS,
        "models/staging/meters/bills/totals.sql": TOTALS,
        "models/staging/phones/areas/areas.sql": "select 1 as area",
        "seeds/meters/bills/tariffs.csv": "code\n1\n",
    }
    folder = tmp_path / "small"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "macros").mkdir()
    for name in ("window.sql", "generate_schema_name.sql"):
        shutil.copy(ROOT / "dbt_project" / "macros" / name, folder / "macros")
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.bills (month date, amount integer)")
        transaction.execute(
            "insert into raw.bills"
            " select month, 1 from generate_series('2015-12-01', '2016-03-01', interval '1 month') as m (month)"
        )
    changed = settings.model_copy(update={"dbt_project_dir": folder})
    monkeypatch.setattr(dbt, "get_settings", lambda: changed)
    return changed


def test_a_pilot_has_definitions_of_its_own_nodes_by_cadence(small: Settings) -> None:
    definitions = {asset.op.name: asset for asset in dbt.pilot_assets(small, "meters", [MONTHS])}
    assert {name: {key.path[-1] for key in asset.keys} for name, asset in definitions.items()} == {
        "meters_seeds": {"tariffs"},
        "meters_monthly_models": {"bills"},
        "meters_whole_models_1": {"totals"},
    }
    assert definitions["meters_monthly_models"].partitions_def is not None
    assert [asset.op.name for asset in dbt.pilot_assets(small, "phones", [])] == ["phones_whole_models_1"]
    assert dbt.pilot_assets(small, "tweets", [DAYS]) == []


def test_a_windowed_model_without_a_calendar_of_its_cadence_is_refused(small: Settings) -> None:
    with pytest.raises(InputError, match="models of meters are tagged windowed_monthly, but its calendars are by day"):
        dbt.pilot_assets(small, "meters", [DAYS])


def test_a_monthly_model_rebuilds_the_whole_months_that_a_range_of_days_touches(
    small: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    definitions = dg.Definitions(dbt.pilot_assets(small, "meters", [MONTHS]), executor=dg.in_process_executor)

    def build(first: str, last: str) -> list[tuple[str, int, str, str]]:
        with dg.DagsterInstance.ephemeral() as instance:
            keys = runs.select(definitions, "staging/bills")
            outcome = runs.materialise(definitions, keys, instance=instance, days=(first, last), log=tmp_path / "log")
        outcome.raise_failure()
        assert [check.passed for check in outcome.checks] == [True]
        return warehouse.rows(
            "select month::text, amount::int, window_start, window_end from staging.bills order by month"
        )

    window = ("2016-01-01", "2016-02-29")
    assert build("2016-01-03", "2016-02-10") == [("2016-01-01", 1, *window), ("2016-02-01", 1, *window)]
    with warehouse.transaction() as transaction:
        transaction.execute("update raw.bills set amount = 5")
    later = ("2016-02-01", "2016-03-31")
    assert build("2016-02-29", "2016-03-01") == [
        ("2016-01-01", 1, *window),
        ("2016-02-01", 5, *later),
        ("2016-03-01", 5, *later),
    ]


def test_tables_have_row_counts_of_their_own_and_of_each_partition_and_column_lineage(
    small: Settings, tmp_path: Path
) -> None:
    definitions = dg.Definitions(dbt.pilot_assets(small, "meters", [MONTHS]), executor=dg.in_process_executor)
    with dg.DagsterInstance.ephemeral() as instance:
        keys = runs.select(definitions, "*")
        outcome = runs.materialise(
            definitions, keys, instance=instance, days=("2016-01-01", "2016-04-30"), log=tmp_path / "log"
        )
        outcome.raise_failure()
        events = [
            entry.dagster_event.event_specific_data.materialization
            for entry in instance.all_logs(outcome.run_ids[0], of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        ]
    rows = {(event.asset_key.path[-1], event.partition): event.metadata["dagster/row_count"].value for event in events}
    assert rows == {
        ("bills", "2016-01-01"): 1,
        ("bills", "2016-02-01"): 1,
        ("bills", "2016-03-01"): 1,
        ("bills", "2016-04-01"): 0,
        ("totals", None): 1,
        ("tariffs", None): 1,
    }
    lineage = {event.asset_key.path[-1]: event.metadata.get("dagster/column_lineage") for event in events}
    assert lineage["totals"].value.deps_by_column == {
        "amount": [dg.TableColumnDep(dg.AssetKey(["staging", "bills"]), "amount")]
    }
    assert lineage["tariffs"] is None


def test_rows_of_a_table_that_records_its_days_are_those_recorded(warehouse: Warehouse) -> None:
    def node(name: str, materialized: str, hook: str) -> dict[str, Any]:
        config = {"materialized": materialized, "pre-hook": [], "post-hook": [{"sql": hook}]}
        return {
            "unique_id": name, "schema": "staging", "alias": name, "relation_name": f"staging.{name}", "columns": {},
            "config": {**config, "meta": {}}, "depends_on": {"nodes": []},
        }  # fmt: skip

    nodes = {
        "quotes": node("quotes", "incremental", "{{ record_window('day') }}"),
        "counts": node("counts", "by_day", ""),
        "names": node("names", "table", ""),
    }
    with warehouse.transaction() as transaction:
        transaction.execute("create table staging.names (name text)")  # of the other tables no row is read
        transaction.execute("insert into staging.names values ('GALA')")
        transaction.execute(
            "insert into ops.table_days (table_name, day, rows_of_day, content_hash) values"
            " ('staging.quotes', '2016-08-01', 2, 0), ('staging.quotes', '2016-08-02', 3, 0),"
            " ('staging.counts', '2016-08-01', 4, 0)"
        )
        described = table_metadata(transaction, {"nodes": nodes}, dict.fromkeys(nodes), None)
    assert {name: found.table["dagster/row_count"] for name, found in described.items()} == {
        "quotes": 5,
        "counts": 4,
        "names": 1,
    }


def test_a_dbt_node_has_a_link_to_its_file(small: Settings) -> None:
    specs = [spec for asset in dbt.pilot_assets(small, "meters", [MONTHS]) for spec in asset.specs]
    links = {
        spec.key.path[-1]: [Path(link.file_path) for link in spec.metadata["dagster/code_references"].code_references]
        for spec in specs
    }
    folder = small.dbt_project_dir
    assert links["bills"] == [folder / "models/staging/meters/bills/bills.sql"]
    assert links["tariffs"] == [folder / "seeds/meters/bills/tariffs.csv"]
    assert all(path.is_file() for paths in links.values() for path in paths)


ACCEPTED = """\
models:
  - name: bills
    columns:
      - name: amount
        data_tests:
          - accepted_values: {{arguments: {{values: [99]}}, config: {{severity: {severity}, where: in_window(month)}}}}
"""
BILLS_YML, TOTALS_SQL = "models/staging/meters/bills/bills.yml", "models/staging/meters/bills/totals.sql"


@pytest.mark.parametrize(
    ("file", "text", "success", "reason"),
    [
        (BILLS_YML, ACCEPTED.format(severity="warn"), True, None),
        (BILLS_YML, ACCEPTED.format(severity="error"), False, "accepted_values_bills_amount"),
        (TOTALS_SQL, "{{ config(materialized='table') }} select 1 / 0 as amount", False, "division by zero"),
    ],
    ids=["a test that warns", "a test that fails", "a query that fails"],
)
def test_a_failure_of_dbt_reads_as_success_nowhere(
    small: Settings, warehouse: Warehouse, tmp_path: Path, file: str, text: str, *, success: bool, reason: str | None
) -> None:
    (small.dbt_project_dir / file).write_text(text)
    definitions = dg.Definitions(
        dbt.pilot_assets(small, "meters", [MONTHS]), executor=recording_executor(lambda: warehouse)
    )
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = runs.materialise(
            definitions,
            runs.select(definitions, "*"),
            instance=instance,
            days=("2016-01-01", "2016-02-29"),
            log=tmp_path / "log",
        )
        tags = instance.get_run_by_id(outcome.run_ids[0]).tags
    assert outcome.success == success
    failed = warehouse.rows("select asset, partition, severity from ops.check_partitions where not passed order by 2")
    if file == BILLS_YML:
        severity = "WARN" if success else "ERROR"
        assert failed == [("staging/bills", f"2016-0{month}-01", severity) for month in (1, 2)]
        assert tags["ons_bigdata/failed_checks"] == "1"
    else:
        assert failed == []
    if reason is not None:
        assert reason in outcome.reason


def test_a_project_that_does_not_parse_is_reported(small: Settings) -> None:
    (small.dbt_project_dir / TOTALS_SQL).write_text("select * from {{ ref('nothing_of_this_name') }}")
    with pytest.raises(StepFailedError, match="nothing_of_this_name"):
        dbt.pilot_assets(small, "meters", [MONTHS])
