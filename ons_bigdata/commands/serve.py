"""`up` and `down`: the database, Dagster's code server, webserver and daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster import instance, runs
from ons_bigdata.platform.dagster.serving import processes
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ons_bigdata.settings import Settings


def up(settings: Settings, *, host: str, port: int, has_proxy: bool, read_only: bool) -> list[processes.Running]:
    """Start database, code server, webserver and daemon where they do not run; return the processes."""
    warehouse = open_warehouse(settings)
    with instance.open_instance(settings, warehouse.address) as dagster:
        runs.end_dead_runs(dagster)
    return processes.up(settings, host=host, port=port, has_proxy=has_proxy, read_only=read_only)


def down(settings: Settings) -> list[str]:
    """Stop webserver, daemon, code server and the embedded database; return the names of those that ran."""
    stopped = processes.down(settings)
    if settings.database_url is None and embedded.stop(settings.data_dir):
        stopped.append("database")
    return stopped


def require_free_ports(settings: Settings, *, host: str, ports: Sequence[int]) -> None:
    """Raise InputError if a port is in use, unless the first is used by the web interface of this installation."""
    for port in ports:
        if not (port == ports[0] and processes.find(settings, processes.WEBSERVER)):
            processes.require_free(host, port)
