"""Fixtures of the dbt project's tests: dbt in this process, with state under a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.settings import Settings

RunDbt = Callable[..., dbtRunnerResult]


@pytest.fixture(scope="session")
def project_dir() -> Path:
    """Folder of the dbt project."""
    return Settings().dbt_project_dir


@pytest.fixture(scope="session")
def dbt_against(project_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], RunDbt]:
    """Factory of `run_dbt(*arguments)` against a database (host, port, user, dbname, password)."""

    def make(target: dict[str, Any]) -> RunDbt:
        home = tmp_path_factory.mktemp("dbt")
        output = {"type": "postgres", "schema": "staging", "threads": 2, "password": "", **target}
        profile = {"ons_bigdata": {"target": "test", "outputs": {"test": output}}}
        (home / "profiles.yml").write_text(yaml.safe_dump(profile))

        def run(command: str, *arguments: str) -> dbtRunnerResult:
            folders = ["--project-dir", str(project_dir), "--profiles-dir", str(home)]
            state = ["--target-path", str(home / "target"), "--log-path", str(home / "logs")]
            return dbtRunner().invoke(["--quiet", "--no-use-colors", command, *folders, *state, *arguments])

        return run

    return make


@pytest.fixture(scope="session")
def offline_dbt(dbt_against: Callable[[dict[str, Any]], RunDbt]) -> RunDbt:
    """Runner of dbt without a database, enough to parse."""
    return dbt_against({"host": "nowhere.invalid", "port": 1, "user": "nobody", "dbname": "none"})


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The parsed project, begun with the parse of set-up."""
    return dbt_calls.parsed_project(Settings(home=tmp_path_factory.mktemp("parse"), database_url=None))
