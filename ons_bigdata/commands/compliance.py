"""`compliance PATH…`: record compliance events, remove what they are about, mark what was computed from it as stale."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import Bounds, input_files, require_paths
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import adapter_context
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.tweets.compliance.application import apply_tombstones, finish_application, is_due, one_at_a_time
from ons_bigdata.tweets.compliance.recording import MAX_RATIO, FileCounts, UnreadableError, record_file
from ons_bigdata.tweets.sources import archives
from ons_bigdata.tweets.sources.compliance.tombstones import TOMBSTONES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ons_bigdata.platform.pseudonyms import PseudonymKey
    from ons_bigdata.settings import Settings
    from ons_bigdata.tweets.compliance.application import Application
    from ons_bigdata.tweets.sources.compliance.events import Job

MAX_FILE_BYTES = 20 * 1024**3
"""Bound on an unpacked file of compliance events: a year of deletions of an archive has less."""


_KINDS = f"select kind, count(*)::int from {TOMBSTONES} group by kind order by kind"  # noqa: S608  (our own name)


@dataclass(frozen=True)
class ComplianceSummary:
    """Files of compliance events and what was removed for them."""

    files: int
    known_files: int
    """Files whose bytes were recorded before."""
    rows_in: int
    accepted: int
    quarantined: int
    new_tombstones: int
    kinds: dict[str, int] = field(default_factory=dict)
    """Events by kind."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Quarantined lines by reason."""
    refusals: list[str] = field(default_factory=list)
    is_dry_run: bool = False
    applied: Application | None = None
    """Numbers of what was removed; None where nothing waited, and for a dry run."""

    @property
    def is_all_refused(self) -> bool:
        """True if there were files and every one was refused."""
        return self.files > 0 and len(self.refusals) == self.files

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        return asdict(self)


def run_compliance(
    settings: Settings, paths: Sequence[Path], *, dry_run: bool = False, job: Job | None = None
) -> ComplianceSummary:
    """Record the events of the files below the paths and apply all that wait; without paths, apply those.

    With `dry_run` nothing is changed. Raises InputError for a path that does not exist, without the pseudonym key or
    with another one than that of the rows, and for landed bytes that are missing or changed; UnavailableError where
    another process applies events.
    """
    require_paths(paths)
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    lake = Lake(settings.lake_dir, landing.warehouse)
    (source,) = archives.SOURCES
    key = adapter_context(settings, [source]).pseudonym_key
    if key is None or source.read_rules is None:
        raise ValueError(f"{source.name} has no pseudonym key or no rules")
    with one_at_a_time(landing.warehouse):
        files = _record(landing, lake, paths, key, dry_run=dry_run, job=job)
        applied = None
        if not dry_run and is_due(landing.warehouse):
            rules = source.read_rules(landing, key)
            applied = apply_tombstones(landing, lake, rules, spool=settings.home / "spool")
            _report_to_dagster(settings, lake, applied)
            finish_application(landing.warehouse)
    return _summarise(files, applied, dry_run=dry_run)


def _record(
    landing: Landing, lake: Lake, paths: Sequence[Path], key: PseudonymKey, *, dry_run: bool, job: Job | None
) -> list[FileCounts]:
    """Record the files below the paths; one that cannot be read is refused whole."""
    files = []
    bounds = Bounds(MAX_FILE_BYTES, MAX_RATIO)
    for file in progress.track("reading compliance events", input_files(paths, bounds)):
        counts = FileCounts(file.name, refusal=file.refusal)
        if file.stream is not None:
            try:
                counts = record_file(
                    landing, lake, file.stream, file.name,
                    key=key, job=job, max_bytes=MAX_FILE_BYTES, dry_run=dry_run,
                )  # fmt: skip
            except UnreadableError as error:
                counts.refusal = str(error)
        files.append(counts)
    if paths and not files:
        raise InputError(f"no file below {', '.join(map(str, paths))}")
    return files


def _summarise(files: Sequence[FileCounts], applied: Application | None, *, dry_run: bool) -> ComplianceSummary:
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for file in files:
        kinds.update(file.kinds)
        reasons.update(file.reasons)
    return ComplianceSummary(
        files=len(files),
        known_files=sum(file.is_known for file in files),
        rows_in=sum(file.rows_in for file in files),
        accepted=sum(file.accepted for file in files),
        quarantined=sum(file.quarantined for file in files),
        new_tombstones=sum(file.new_tombstones for file in files),
        kinds=dict(sorted(kinds.items())),
        reasons=dict(sorted(reasons.items())),
        refusals=[f"{file.name}: {file.refusal}" for file in files if file.refusal is not None],
        is_dry_run=dry_run,
        applied=applied,
    )


def _report_to_dagster(settings: Settings, lake: Lake, applied: Application) -> None:
    """Record days that lost rows as written anew, tables that lost rows of users as observed, and a check as failed.

    The tombstones are observed with their numbers. The check compares the users with the lake: it fails where a user is
    left in the lake alone, until the tables are materialised. Dagster itself follows no more than a hundred partitions
    upstream of a table without any.
    """
    import dagster as dg  # noqa: PLC0415  (Dagster takes seconds to import)

    from ons_bigdata.platform.dagster.instance import open_instance  # noqa: PLC0415
    from ons_bigdata.tweets.checks.places import EVERY_EVENT, ROWS_IN_LAKE  # noqa: PLC0415

    rows: Counter[str] = Counter(dict.fromkeys(applied.partitions, 0))
    for live in lake.files(archives.GEO_EVENTS, partitions=applied.partitions):
        rows[live.partition] += live.rows
    why = {"compliance application": applied.application_id}
    kinds = dict(lake.warehouse.rows(_KINDS))
    with open_instance(settings, lake.warehouse.address) as instance:
        instance.report_runless_asset_event(
            dg.AssetObservation(
                dg.AssetKey(TOMBSTONES.split(".")),
                description="Tombstones were applied.",
                metadata={"dagster/row_count": sum(kinds.values()), "applied": applied.tombstones, **kinds, **why},
            )
        )
        for partition, count in sorted(rows.items()):
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    dg.AssetKey(["lake", archives.GEO_EVENTS.name]),
                    partition=partition,
                    description="Rows were removed by compliance.",
                    metadata={"dagster/row_count": count, "dagster/partition_row_count": count, **why},
                )
            )
        for table in applied.derived_tables:
            instance.report_runless_asset_event(
                dg.AssetObservation(
                    dg.AssetKey(table.split(".")),
                    description="Stale: rows of users were removed by compliance; materialise it to compute the users "
                    "anew from what is left of them.",
                    metadata={"stale": True, **why},
                )
            )
        if "restricted.tweet_users" in applied.derived_tables:
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(["restricted", "tweet_users"]),
                    check_name=EVERY_EVENT,
                    passed=lake.warehouse.frame(ROWS_IN_LAKE).is_empty(),
                    metadata=why,
                    severity=dg.AssetCheckSeverity.ERROR,
                    blocking=True,
                )
            )
