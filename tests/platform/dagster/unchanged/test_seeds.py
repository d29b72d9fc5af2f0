"""Seeds that are not built again, and what leads to a new build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata.platform.dagster import dbt, runs
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

_FILES = {
    "dbt_project.yml": """\
name: small
config-version: 2
version: "1.0"
profile: ons_bigdata
seed-paths: [seeds]
macro-paths: [macros]
seeds: {small: {+schema: seeds}}
""",
    "macros/names.sql": "{% macro generate_schema_name(custom, node) %}{{ custom }}{% endmacro %}",
    "seeds/meters/bills/tariffs.csv": "code\n1\n2\n",
    "seeds/meters/bills/units.csv": "name\nkwh\n",
    "seeds/meters/bills/tariffs.yml": """\
seeds:
  - name: tariffs
    columns:
      - name: code
        data_tests: [unique, {accepted_values: {arguments: {values: [1, 2]}, config: {severity: warn}}}]
""",
}

Run = Callable[[], tuple[runs.RunOutcome, dict[str, dict[str, object]]]]


@pytest.fixture
def small(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a dbt project of two seeds; one has a test of errors and one that warns."""
    for name, text in _FILES.items():
        (tmp_path / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "small" / name).write_text(text)
    changed = settings.model_copy(update={"dbt_project_dir": tmp_path / "small"})
    monkeypatch.setattr(dbt, "get_settings", lambda: changed)
    return changed


@pytest.fixture
def run(small: Settings, tmp_path: Path) -> Run:
    """Function that materialises the seeds; it returns the outcome and the metadata of each asset."""

    def materialise() -> tuple[runs.RunOutcome, dict[str, dict[str, object]]]:
        definitions = dg.Definitions(dbt.pilot_assets(small, "meters", []), executor=dg.in_process_executor)
        keys = runs.select(definitions, "*")
        with dg.DagsterInstance.ephemeral() as instance:
            outcome = runs.materialise(definitions, keys, instance=instance, days=None, log=tmp_path / "log")
            events = {key: instance.get_latest_materialization_event(key) for key in keys}
        metadata = {
            key.path[-1]: {name: value.value for name, value in event.asset_materialization.metadata.items()}
            for key, event in events.items()
            if event is not None and event.asset_materialization is not None
        }
        return outcome, metadata

    return materialise


def _is_built(metadata: dict[str, dict[str, object]]) -> bool:
    assert {"unchanged_since" in of_seed for of_seed in metadata.values()} in ({True}, {False})
    return "unchanged_since" not in metadata["tariffs"]


def test_seeds_are_built_once_and_anew_when_a_file_or_a_row_changes(
    run: Run, small: Settings, warehouse: Warehouse
) -> None:
    first, metadata = run()
    assert first.success and _is_built(metadata)
    again, unchanged = run()
    assert again.success and not _is_built(unchanged)
    assert [(check.asset, check.check, check.passed) for check in sorted(again.checks, key=lambda c: c.check)] == [
        (check.asset, check.check, check.passed) for check in sorted(first.checks, key=lambda c: c.check)
    ]
    assert len(again.checks) == 2
    assert again.assets == first.assets == ["seeds/tariffs", "seeds/units"]
    rows = {name: of_seed["dagster/row_count"] for name, of_seed in metadata.items()}
    assert (
        rows
        == {name: of_seed["dagster/row_count"] for name, of_seed in unchanged.items()}
        == {"tariffs": 2, "units": 1}
    )

    with warehouse.transaction() as transaction:  # by hand: the same number of rows
        transaction.execute("update seeds.units set name = 'gallon'")
    assert _is_built(run()[1])
    assert warehouse.rows("select name from seeds.units") == [("kwh",)]
    with warehouse.transaction() as transaction:
        transaction.execute("drop table seeds.units")
    assert _is_built(run()[1])
    assert not _is_built(run()[1])
    (small.dbt_project_dir / "seeds/meters/bills/units.csv").write_text("name\nkwh\nmwh\n")
    _, changed = run()
    assert _is_built(changed) and changed["units"]["dagster/row_count"] == 2


@pytest.mark.parametrize("rows", ["code\n1\n3\n", "code\n1\n1\n"], ids=["a test that warns", "a test that fails"])
def test_seeds_are_built_and_tested_again_until_all_tests_pass(run: Run, small: Settings, rows: str) -> None:
    assert run()[0].success
    tariffs = small.dbt_project_dir / "seeds/meters/bills/tariffs.csv"
    tariffs.write_text(rows)
    for _ in range(2):
        outcome, metadata = run()
        assert len(outcome.failed_checks) == 1
        assert _is_built(metadata)
    tariffs.write_text("code\n1\n2\n")
    assert not run()[0].failed_checks
