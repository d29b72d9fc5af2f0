"""`ingest prices`: land files, then build the days that wait for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster import progress
from ons_bigdata.platform.dagster.partitions import contiguous_ranges
from ons_bigdata.platform.errors import InputError, ReportedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.sources import delivery
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

RAW_ASSET = "raw/price_quotes"


@dataclass(frozen=True)
class IngestSummary:
    """What the delivered files hold, by the ledger, and what was new."""

    files: int
    rows_in: int
    accepted: int
    quarantined: int
    outages: int
    refused: int
    superseded: int
    new_files: int
    first_day: str | None
    last_day: str | None
    refusals: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        return asdict(self)


def ingest_prices(paths: Sequence[Path], settings: Settings) -> IngestSummary:
    """Land every scrape file of the paths and build the days that are not built yet, one run per stretch of days.

    Raises InputError for a path that is not there, StepFailedError where the raw asset fails.
    """
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    try:
        delivered = land_prices(paths, settings, landing)
    except ReportedError:
        build_pending(settings, landing)  # what came before the damage is landed, and good
        raise
    build_pending(settings, landing)
    return summarise(landing.warehouse, delivered)


def land_prices(paths: Sequence[Path], settings: Settings, landing: Landing) -> list[delivery.Delivered]:
    """Land every scrape file of the paths; rows are not read yet. Raises InputError for a path that is not there."""
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or directory: {path}")
    files = delivery.land(
        paths,
        landing,
        retailers=read_retailers(settings.dbt_project_dir),
        max_file_bytes=settings.max_file_bytes,
    )
    return list(progress.track("landing files", files))


def build_pending(settings: Settings, landing: Landing) -> None:
    """Run the raw asset over the partitions that wait: of this call, or of an earlier one that was cut off."""
    pending = landing.pending_partitions(delivery.READER)
    if not pending:
        return
    from ons_bigdata.platform.dagster import runs  # noqa: PLC0415  (Dagster takes seconds to import)
    from ons_bigdata.platform.dagster.instance import open_instance, run_log  # noqa: PLC0415

    definitions = runs.load_definitions(raw_only=True)
    keys = runs.select(definitions, RAW_ASSET)
    with open_instance(settings, landing.warehouse.address) as instance:
        for days in contiguous_ranges(pending):
            outcome = runs.materialise(definitions, keys, instance=instance, days=days, log=run_log(settings))
            outcome.raise_failure()


def summarise(warehouse: Warehouse, delivered: Sequence[delivery.Delivered]) -> IngestSummary:
    """Return what the ledger says of the delivered files; rows are those of current versions."""
    ids = sorted({one.file.file_id for one in delivered})
    loads = warehouse.frame(
        """
        select count(*)::int as files, coalesce(sum(rows_in), 0)::bigint as rows_in,
            coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(quarantined), 0)::bigint as quarantined,
            coalesce(sum((outcome = 'outage')::int), 0)::int as outages,
            coalesce(sum((outcome = 'refused')::int), 0)::int as refused
        from ops.loads join ops.files using (file_id)
        where file_id = any ($1) and reader_version = $2 and (superseded_by is null or outcome = 'refused')
        """,
        [ids or "{}", delivery.READER.version],
    ).row(0, named=True)
    superseded = warehouse.rows(
        "select count(*)::int from ops.files where file_id = any ($1) and superseded_by is not null"
        " and cardinality(partitions) > 0",
        [ids or "{}"],
    )[0][0]
    refusals = warehouse.rows(
        "select files.name, loads.reason from ops.loads join ops.files using (file_id)"
        " where file_id = any ($1) and outcome = 'refused' order by files.name",
        [ids or "{}"],
    )
    days = sorted({day for one in delivered for day in one.file.partitions})
    return IngestSummary(
        **loads,
        superseded=superseded,
        new_files=sum(one.is_new for one in delivered),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        refusals=[f"{name}: {reason}" for name, reason in refusals],
    )
