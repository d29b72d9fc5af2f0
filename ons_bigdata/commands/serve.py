"""`up` and `down`: the database, Dagster's webserver and its daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform import embedded, instance, processes
from ons_bigdata.platform.warehouse import open_warehouse

if TYPE_CHECKING:
    from ons_bigdata.settings import Settings


def up(settings: Settings, *, host: str, port: int, has_proxy: bool, read_only: bool) -> list[processes.Running]:
    """Start what does not run yet: server, database, `DAGSTER_HOME`, webserver, daemon."""
    warehouse = open_warehouse(settings)
    instance.ensure_home(settings, warehouse.address)
    return processes.up(settings, host=host, port=port, has_proxy=has_proxy, read_only=read_only)


def down(settings: Settings) -> list[str]:
    """Stop webserver, daemon and the embedded server; return what ran."""
    stopped = processes.down(settings)
    if settings.database_url is None and embedded.stop(settings.data_dir):
        stopped.append("database")
    return stopped
