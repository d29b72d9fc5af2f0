"""`reparse prices`: extract the kept pages of runs again, then build the days that changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import failed_checks_of, load_waiting
from ons_bigdata.platform import progress
from ons_bigdata.platform.calendar import require_order
from ons_bigdata.platform.errors import InputError, ReportedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import open_warehouse, require_database
from ons_bigdata.prices.calendar import DAYS
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.retailer_files import read_retailer_file, retailer_file_path
from ons_bigdata.prices.sources.scraping.landed import PAGES_SOURCE
from ons_bigdata.prices.sources.scraping.reparsing import Reparsed, reparse_run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import LandedFile
    from ons_bigdata.prices.sources.retailer_files import RetailerFile
    from ons_bigdata.settings import Settings


@dataclass(frozen=True)
class ReparseSummary:
    """Runs whose kept pages were extracted again, with what changed."""

    runs: list[Reparsed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Why other runs were not extracted again: a faulty retailer file, or pages that cannot be read."""
    failed_checks: list[str] = field(default_factory=list)
    """Checks of the loaded days that failed, `schema/table check`."""

    @property
    def rows_changed(self) -> int:
        """Number of rows that are new, gone or changed."""
        return sum(run.rows_changed for run in self.runs)

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        return {**asdict(self), "rows_changed": self.rows_changed}


def reparse_prices(
    settings: Settings, *, retailer: str | None = None, first_day: str | None = None, last_day: str | None = None
) -> ReparseSummary:
    """Extract the kept pages of runs again; a quote file that differs supersedes the earlier file of the same name.

    A retailer with a faulty file, and a run that cannot be extracted, do not stop the rest: they are `failures`.
    Raises InputError where there are no kept pages of that retailer and those days, and where no run can be extracted,
    and for a range that ends before it begins.
    """
    first = None if first_day is None else DAYS.require_day(first_day, what="--from")
    last = None if last_day is None else DAYS.require_day(last_day, what="--to")
    require_order(first, last)
    first_day, last_day = (None if day is None else day.isoformat() for day in (first, last))
    require_database(settings)
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    kept = _runs_kept(landing, retailer, first_day, last_day)
    if not kept:
        wanted = f"of {retailer or 'any retailer'} from {first_day or 'the first day'} to {last_day or 'the last'}"
        raise InputError(f"no kept pages {wanted}")
    summary = ReparseSummary()
    files = _read_files(settings.retailers_dir, {pages.delivery for pages in kept}, summary.failures)
    try:
        for pages in progress.track("reading kept pages", [pages for pages in kept if pages.delivery in files]):
            try:
                summary.runs.append(reparse_run(landing, files[pages.delivery], pages))
            except InputError as error:
                summary.failures.append(str(error))
    except ReportedError:
        load_waiting(settings, landing, [PRICE_FILES])
        raise
    summary.failed_checks.extend(failed_checks_of(load_waiting(settings, landing, [PRICE_FILES])))
    if not summary.runs:
        raise InputError("; ".join(summary.failures))
    return summary


def _read_files(folder: Path, retailers: Collection[str], failures: list[str]) -> dict[str, RetailerFile]:
    """Read the retailer files; add the reason against a faulty one to `failures`."""
    files = {}
    for retailer in sorted(retailers):
        try:
            files[retailer] = read_retailer_file(retailer_file_path(folder, retailer))
        except InputError as error:
            failures.append(f"{retailer}: {error}")
    return files


def _runs_kept(landing: Landing, retailer: str | None, first_day: str | None, last_day: str | None) -> list[LandedFile]:
    current = {
        file_id
        for (file_id,) in landing.warehouse.rows(
            "select file_id from ops.files where source = $1 and superseded_by is null and data_origin is not null",
            [PAGES_SOURCE],
        )
    }
    return sorted(
        (
            one
            for one in landing.files()
            if one.file_id in current
            and (retailer is None or one.delivery == retailer)
            and (first_day is None or max(one.partitions or ()) >= first_day)
            and (last_day is None or min(one.partitions or ()) <= last_day)
        ),
        key=lambda one: one.name,
    )
