"""`up` and `down`: the database, Dagster's code server, webserver and daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform import progress
from ons_bigdata.platform.dagster import dbt_calls, instance, runs
from ons_bigdata.platform.dagster.dbt_calls import docs_page, project_files
from ons_bigdata.platform.dagster.serving import processes
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.settings import Settings

PAGES = "ons_bigdata.commands.pages:routes"
"""Function that returns the routes which the web interface has besides Dagster's."""


def up(settings: Settings, *, host: str, port: int, has_proxy: bool, read_only: bool) -> list[processes.Running]:
    """Start database, code server, webserver and daemon where they do not run; return the processes.

    The dbt docs, which the web interface serves, are built where there are none or the dbt project is newer.
    """
    processes.require_host(host, has_proxy=has_proxy)
    warehouse = open_warehouse(settings)
    with instance.open_instance(settings, warehouse.address) as dagster:
        runs.end_dead_runs(dagster)
    if _docs_are_stale(settings):
        build_docs(settings)
    return processes.up(settings, host=host, port=port, has_proxy=has_proxy, read_only=read_only, pages=PAGES)


def build_docs(settings: Settings) -> Path:
    """Build the dbt docs; return the page."""
    progress.report("dbt docs", 0, 1)
    page = dbt_calls.write_docs(settings)
    progress.report("dbt docs", 1, 1)
    return page


def _docs_are_stale(settings: Settings) -> bool:
    """True if there are no dbt docs, or a file of the dbt project is newer than they are."""
    page = docs_page(settings)
    if not page.is_file():
        return True
    built = page.stat().st_mtime
    return any(path.stat().st_mtime > built for path in project_files(settings.dbt_project_dir))


def down(settings: Settings) -> list[str]:
    """Stop webserver, daemon, code server and the embedded database; return the names of those that ran."""
    stopped = processes.down(settings)
    if settings.database_url is None and embedded.stop(settings.data_dir):
        stopped.append("database")
    return stopped


def require_free_port(settings: Settings, *, host: str, port: int) -> None:
    """Raise InputError if the port is in use by anything but the web interface of this installation."""
    if not processes.find(settings, processes.WEBSERVER):
        processes.require_free(host, port)
