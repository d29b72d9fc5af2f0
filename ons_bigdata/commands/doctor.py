"""`doctor`: inspects this installation. Removes left-over temporary files and files of the lake that are not live."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ons_bigdata.pilots import PILOTS, tables
from ons_bigdata.platform.dagster.frames import table_mismatches
from ons_bigdata.platform.dagster.storage.tables import check_dagster_tables
from ons_bigdata.platform.errors import ReportedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.ledger_comparison import ledger_differences
from ons_bigdata.platform.ingest.redaction import unsearched_files
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres import migrate
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from ons_bigdata.settings import Settings

SMALLEST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """Result of an inspection."""

    what: str
    state: Literal["ok", "warning", "fault"]
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Inspect machine, folders, server, tables, ledger and landing; return a finding for each."""
    findings = [_python(), _disk(settings), _root_under_home(settings), _rights(settings)]
    try:
        warehouse = open_warehouse(settings)
    except ReportedError as error:
        return [*findings, Finding("database", "fault", str(error))]
    findings.append(Finding("database", "ok", str(warehouse.address)))
    findings.append(Finding("migrations", "ok", f"{len(migrate.migrations())} applied"))
    for inspect in _INSPECTIONS:
        findings.extend(inspect(settings, warehouse))
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", "ok" if good else "fault", f"{version} (3.11 to 3.13 are supported)")


def _disk(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "fault"] = "ok" if free >= SMALLEST_FREE_BYTES else "fault"
    wanted = SMALLEST_FREE_BYTES / 1024**3
    return Finding("disk", state, f"{free / 1024**3:.1f} GiB free under {folder}; {wanted:.0f} wanted")


def _root_under_home(settings: Settings) -> Finding:
    """Warn of root with state under a home folder, to which the server's system user needs access."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    under_home = settings.home.is_relative_to(Path.home()) and Path.home() != Path("/")
    if is_root and under_home and settings.database_url is None:
        return Finding(
            "state folder",
            "warning",
            f"root keeps {settings.home} under a home folder, to which the server's system user (pgserver) needs "
            "access; set ONS_BIGDATA_HOME to a folder elsewhere",
        )
    return Finding("state folder", "ok", str(settings.home))


def _rights(settings: Settings) -> Finding:
    """Warn of a state folder that other users can list; its parts are closed to them."""
    mode = settings.home.stat().st_mode if settings.home.exists() else 0
    if mode & 0o067:  # the server's own user may pass through (0710)
        return Finding("rights", "warning", f"others may list or change {settings.home}; chmod 700 it if it is yours")
    return Finding("rights", "ok", "the state folder is closed to other users")


def _tables(_settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    schemas = tables()
    problems = {
        table: found for table, schema in schemas.items() if (found := table_mismatches(warehouse, table, schema))
    }
    for table, found in problems.items():
        yield Finding(f"table {table}", "fault", "; ".join(found))
    detail = f"{len(schemas) - len(problems)} of {len(schemas)} have the columns and types that the code expects"
    yield Finding("tables", "fault" if problems else "ok", detail)


def _dagster_tables(_settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    state, detail = check_dagster_tables(warehouse.address)
    yield Finding("Dagster's tables", state, detail)


def _ledger(_settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    unfinished = warehouse.rows("select count(*)::int from ops.loads where state <> 'committed'")[0][0]
    waiting = warehouse.rows(
        "select count(*)::int from ops.files where superseded_by is null and not exists"
        " (select from ops.loads where loads.file_id = files.file_id and state = 'committed')"
        " and data_origin is not null"
    )[0][0]
    detail = f"{unfinished} loads unfinished, {waiting} files landed and not loaded"
    yield Finding("ledger", "warning" if unfinished or waiting else "ok", detail)


def _raw_tables(_settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    """Count each row of the raw tables: a run compares its own partitions alone."""
    for source in (source for pilot in PILOTS for source in loadable(pilot.sources)):
        differing = ledger_differences(warehouse, source.table, source.reader)
        keys = differing["partition"].unique().sort().to_list()
        detail = f"other rows than in the ledger: {', '.join(keys[:5])}" if keys else "the rows of the ledger"
        yield Finding(f"rows of {source.table.name}", "fault" if keys else "ok", detail)


def _landed_files(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    landing = Landing(settings.landing_dir, warehouse)
    kept = [file for file in landing.files() if file.sha256 is not None and file.expired_at is None]
    missing = [file.name for file in kept if not landing.path(file).exists()]
    detail = f"missing: {', '.join(missing[:5])}" if missing else "every file of the ledger is there"
    yield Finding("landing", "fault" if missing else "ok", detail)


def _lake(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    lake = Lake(settings.lake_dir, warehouse)
    faults = lake.all_faults()
    orphans = lake.remove_orphans()
    detail = f"{'; '.join(faults[:5])}" if faults else "every live file has the rows of the catalog"
    yield Finding("lake", "fault" if faults else "ok", f"{detail}; {len(orphans)} files that are not live removed")


def _temporary_files(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    stale = Landing(settings.landing_dir, warehouse).remove_abandoned()
    yield Finding("temporary files", "ok", f"{len(stale)} of killed processes removed")


def _deletions(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    """Report tombstones and redactions that wait, and landed files that were not searched by the present rules."""
    pending, is_open, unfinished = warehouse.rows(
        "select (select count(*) from restricted.tweet_tombstones where applied_at is null)::int,"
        " exists (select from ops.compliance_applications where finished_at is null),"
        " (select count(*) from ops.redactions where finished_at is null)::int"
    )[0]
    landing = Landing(settings.landing_dir, warehouse)
    rules = warehouse.rows("select source, version from ops.redaction_rules")
    unsearched = sum(len(unsearched_files(landing, source, version)) for source, version in rules)
    waits = pending or is_open or unfinished or unsearched
    detail = f"{pending} tombstones wait, {unfinished} redactions are unfinished, {unsearched} files are not searched"
    hint = "; `ons-bigdata compliance` applies them" if waits else ""
    yield Finding("deletions", "warning" if waits else "ok", detail + hint)


_INSPECTIONS: list[Callable[[Settings, Warehouse], Iterator[Finding]]] = [
    _tables,
    _dagster_tables,
    _ledger,
    _raw_tables,
    _landed_files,
    _lake,
    _temporary_files,
    _deletions,
]
