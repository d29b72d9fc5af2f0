"""Events of dbt that a call passes on, and those that it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_common.events.base_types import EventMsg

_PROJECT = """\
name: events
config-version: 2
version: "1.0"
profile: ons_bigdata
model-paths: [models]
"""


def test_outcomes_warnings_and_errors_are_passed_on_and_debugging_is_not(settings: Settings, tmp_path: Path) -> None:
    """One model is built, one warns while it is compiled, and one has an error."""
    folder = tmp_path / "events"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "models" / "built.sql").write_text("select 1 as one")
    (folder / "models" / "warns.sql").write_text("{% do exceptions.warn('mind this') %} select 2 as two")
    (folder / "models" / "fails.sql").write_text("select 1 / 0 as impossible, * from {{ ref('built') }}, missing.table")
    small = settings.model_copy(update={"dbt_project_dir": folder})
    project = dbt_calls.parsed_project(small)
    events: list[EventMsg] = []
    result = dbt_calls.call(small, ["run"], target=small.dbt_dir / "target", project=project, on_event=events.append)
    assert not result.success
    levels = {event.info.level for event in events}
    assert levels == {"info", "warn", "error"}
    assert any("mind this" in event.info.msg for event in events if event.info.level == "warn")
    assert any("missing.table" in event.info.msg for event in events if event.info.level == "error")
    outcomes = [event.data.node_info.node_name for event in events if event.info.name == "LogModelResult"]
    assert sorted(outcomes) == ["built", "fails", "warns"]
