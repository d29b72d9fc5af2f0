"""The Dagster instance of this installation: `DAGSTER_HOME` with its `dagster.yaml`, storage in Postgres."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import dagster as dg
import yaml

from ons_bigdata.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from ons_bigdata.platform.postgres.database import DatabaseAddress

TEMPLATE = PROJECT_ROOT / "deploy" / "dagster.yaml"
URL_VARIABLE = "ONS_BIGDATA_DAGSTER_URL"
"""Holds the storage URL where it has a password, so that no file does."""

SCHEMA = "dagster"


def ensure_home(settings: Settings, address: DatabaseAddress) -> Path:
    """Write `dagster.yaml` for this database if it is missing or another; return `DAGSTER_HOME`.

    A URL with a password goes into the environment of this process and its children only.
    """
    url = address.sqlalchemy(search_path=SCHEMA)
    if address.password is not None:
        os.environ[URL_VARIABLE] = url
        storage_url = yaml.safe_dump({"env": URL_VARIABLE}, default_flow_style=True).strip()
    else:
        storage_url = f"'{url}'"
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(postgres_url=storage_url)
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return home


def open_instance(settings: Settings, address: DatabaseAddress) -> dg.DagsterInstance:
    """Return the instance; use it as a context manager."""
    return dg.DagsterInstance.from_config(str(ensure_home(settings, address)))


def run_log(settings: Settings) -> Path:
    """Return the file that takes what the steps of in-process runs print."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "runs.log"
