"""`ingest scope-labels`, `ingest official`, `ingest other-prices`: land files that are not scrapes, build what waits.

Scrapes, which come by the hundred and are summed up by the day, are `ingest`'s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster import progress
from ons_bigdata.platform.dagster.partitions import contiguous_ranges
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import stale_partitions
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.sources import official_delivery, other_delivery, scope_labels
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ons_bigdata.prices.sources.delivery import Delivered
    from ons_bigdata.settings import Settings


@dataclass(frozen=True)
class FilesSummary:
    """What the delivered files hold, by the ledger, and what was new."""

    files: int
    new_files: int
    rows_in: int
    accepted: int
    quarantined: int
    refused: int
    superseded: int
    refusals: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        return asdict(self)


def ingest_scope_labels(paths: Sequence[Path], settings: Settings) -> FilesSummary:
    """Land label files and rebuild the table of labels where any waits.

    Raises InputError for a path that is not there, StepFailedError where the raw asset fails.
    """
    landing = _landing(paths, settings)
    retailers = read_retailers(settings.dbt_project_dir)
    files = scope_labels.land(paths, landing, retailers=retailers, max_file_bytes=settings.max_file_bytes)
    delivered = _landed(files)
    if landing.pending_partitions(scope_labels.READER):
        _build(settings, landing, "raw/scope_labels", None)
    return _summary(landing, delivered)


def ingest_official(paths: Sequence[Path], settings: Settings) -> FilesSummary:
    """Land official files (item indices, price quotes, series) and build the months and series that wait.

    Raises InputError for a path that is not there, StepFailedError where a raw asset fails.
    """
    landing = _landing(paths, settings)
    delivered = _landed(official_delivery.land(paths, landing, max_file_bytes=settings.max_file_bytes))
    for kind in official_delivery.KINDS:
        if landing.pending_partitions(kind.reader) or stale_partitions(landing, kind.table):
            _build(settings, landing, kind.table.name.replace(".", "/"), None)
    return _summary(landing, delivered)


def ingest_other_prices(paths: Sequence[Path], settings: Settings) -> FilesSummary:
    """Land quote files of other sources and build the days that wait.

    Raises InputError for a path that is not there, StepFailedError where the raw asset fails.
    """
    landing = _landing(paths, settings)
    retailers = read_retailers(settings.dbt_project_dir)
    files = other_delivery.land(
        paths,
        landing,
        sources=other_delivery.read_sources(settings.dbt_project_dir),
        retailers=retailers,
        max_file_bytes=settings.max_file_bytes,
    )
    delivered = _landed(files)
    table = other_delivery.raw_other_quotes(retailers)
    waiting = sorted({*landing.pending_partitions(other_delivery.READER), *stale_partitions(landing, table)})
    for days in contiguous_ranges(waiting):
        _build(settings, landing, "raw/other_price_quotes", days)
    return _summary(landing, delivered)


def _landing(paths: Sequence[Path], settings: Settings) -> Landing:
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or directory: {path}")
    return Landing(settings.landing_dir, open_warehouse(settings))


def _landed(files: Iterable[Delivered]) -> list[Delivered]:
    return list(progress.track("landing files", files))


def _build(settings: Settings, landing: Landing, asset: str, days: tuple[str, str] | None) -> None:
    from ons_bigdata.platform.dagster import runs  # noqa: PLC0415  (Dagster takes seconds to import)
    from ons_bigdata.platform.dagster.instance import open_instance, run_log  # noqa: PLC0415

    definitions = runs.load_definitions(raw_only=True)
    with open_instance(settings, landing.warehouse.address) as instance:
        keys = runs.select(definitions, asset)
        outcome = runs.materialise(definitions, keys, instance=instance, days=days, log=run_log(settings))
        outcome.raise_failure()


def _summary(landing: Landing, delivered: Sequence[Delivered]) -> FilesSummary:
    ids = sorted({one.file.file_id for one in delivered}) or "{}"
    rows = landing.warehouse.rows(
        """
        select files.name, files.superseded_by is not null, loads.outcome, loads.reason, loads.rows_in, loads.accepted,
            loads.quarantined
        from ops.files left join ops.loads using (file_id)
        where files.file_id = any ($1) order by files.name
        """,
        [ids],
    )
    return FilesSummary(
        files=len(delivered),
        new_files=sum(one.is_new for one in delivered),
        rows_in=sum(row[4] or 0 for row in rows),
        accepted=sum(row[5] or 0 for row in rows),
        quarantined=sum(row[6] or 0 for row in rows),
        refused=sum(row[2] == "refused" for row in rows),
        superseded=sum(row[1] for row in rows),
        refusals=[f"{row[0]}: {row[3]}" for row in rows if row[2] == "refused"],
    )
