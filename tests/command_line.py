"""The command line in processes of its own, each with a state folder, an exit code and output."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ons_bigdata import rendering
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings
from tests.forked_commands import fork_server

DBT_PROJECT = "ONS_BIGDATA_DBT_PROJECT_DIR"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class CommandLine:
    """The `ons-bigdata` command of one state folder."""

    home: Path
    variables: tuple[tuple[str, str], ...] = ()

    def environment(self) -> dict[str, str]:
        """Return the environment that the command runs in."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONS_BIGDATA_", "DAGSTER_"))},
            "ONS_BIGDATA_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DO_NOT_TRACK": "1",
            "COLUMNS": "160",
            **dict(self.variables),
        }

    def command(self, *arguments: str | Path) -> list[str]:
        """Return the words of a call."""
        return [sys.executable, "-m", "ons_bigdata.cli", *map(str, arguments)]

    def run(
        self, *arguments: str | Path, code: int | None = 0, is_new: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run the command; fail with all it printed where the exit code is another than `code`.

        The process is a fork of one that has imported the project with the dbt project of the checkout; `is_new`, or
        with another dbt project, it starts as a user's does.
        """
        if is_new or DBT_PROJECT in dict(self.variables):
            finished = subprocess.run(
                self.command(*arguments),
                env=self.environment(),
                cwd=ROOT,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        else:
            finished = fork_server(ROOT).run([*map(str, arguments)], environment=self.environment(), directory=ROOT)
        if code is not None:
            assert finished.returncode == code, (
                f"exit code {finished.returncode}, expected {code}\n{finished.stdout}\n{finished.stderr}"
            )
        return finished

    def json(self, *arguments: str | Path) -> Any:
        """Run the command and read its whole standard output as one JSON value."""
        return json.loads(self.run(*arguments).stdout)

    def settings(self) -> Settings:
        """Return the settings that the command reads from its environment."""
        own = {name.removeprefix("ONS_BIGDATA_").lower(): value for name, value in self.variables}
        return Settings(home=self.home, **own)  # type: ignore[arg-type]

    def query(self, text: str) -> list[dict[str, Any]]:
        """Return the rows that `query TEXT --format json` prints, without starting a process."""
        found = open_warehouse(self.settings()).query(text)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            rendering.rows(found, "json")
        return json.loads(printed.getvalue())
