"""The Dagster instance of this installation: `DAGSTER_HOME` with its `dagster.yaml`, storage in Postgres."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import dagster as dg
import yaml

from ons_bigdata.platform.dagster.storage.connections import keep_connections
from ons_bigdata.platform.dagster.storage.events import write_planned_events_together
from ons_bigdata.platform.dagster.storage.tables import SCHEMA, ensure_dagster_tables
from ons_bigdata.platform.state_folder import make_private_folder, touch_private_file, write_private_file
from ons_bigdata.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from ons_bigdata.platform.postgres.database import DatabaseAddress

TEMPLATE = PROJECT_ROOT / "deploy" / "dagster.yaml"
BATCH_VARIABLE, MOST_IN_BATCH = "DAGSTER_EVENT_BATCH_SIZE", "1000"
"""Environment variable of the events that Dagster writes at once: those of the partitions of a table in one run."""

URL_VARIABLE = "ONS_BIGDATA_DAGSTER_URL"
"""Environment variable of the storage URL if it has a secret, which is not written to a file."""


def ensure_home(settings: Settings, address: DatabaseAddress) -> Path:
    """Write `dagster.yaml` for this database unless it is there already; return `DAGSTER_HOME`.

    A URL with a secret, and how events are written, are set in the environment of this process and its children only.
    """
    os.environ.setdefault(BATCH_VARIABLE, MOST_IN_BATCH)
    url = address.sqlalchemy(search_path=SCHEMA)
    if address.has_secret:
        os.environ[URL_VARIABLE] = url
        storage_url = yaml.safe_dump({"env": URL_VARIABLE}, default_flow_style=True).strip()
    else:
        storage_url = f"'{url}'"
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(postgres_url=storage_url)
    home = make_private_folder(settings.dagster_home)
    write_private_file(home / "dagster.yaml", text)
    return home


def open_instance(settings: Settings, address: DatabaseAddress) -> dg.DagsterInstance:
    """Return the instance, with its tables created; use it as a context manager.

    Each of its storages keeps a connection open: by default Dagster opens several for each event of a run.
    """
    ensure_dagster_tables(address)
    instance = dg.DagsterInstance.from_config(str(ensure_home(settings, address)))
    keep_connections(instance)
    write_planned_events_together(instance)
    return instance


def run_log(settings: Settings) -> Path:
    """Return the file to which the output of the steps of in-process runs is appended."""
    return touch_private_file(make_private_folder(settings.home / "logs") / "runs.log")
