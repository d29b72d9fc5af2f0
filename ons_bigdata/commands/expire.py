"""`expire`: delete landed bytes of loaded files after the days of their source; the ledger records it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import known_sources
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import bulk_sources
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ons_bigdata.platform.ingest.sources import BulkSource
    from ons_bigdata.settings import Settings


@dataclass(frozen=True)
class ExpiredSource:
    """Files of a source of which the landed bytes were deleted."""

    source: str
    days: int
    """Days for which the source keeps landed bytes."""
    files: int
    size_bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the counts as `--json` prints them."""
        return asdict(self)


def expire(
    settings: Settings, *, now: datetime | None = None, sources: Sequence[BulkSource] | None = None
) -> list[ExpiredSource]:
    """Delete the landed bytes of loaded files of each source that has an expiry (None: of all pilots).

    Files that wait for their load stay. `now` is the present time if it is not given.
    """
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    expired = []
    for source in bulk_sources(known_sources()) if sources is None else sources:
        if source.expires_after_days is None:
            continue
        before = (now or datetime.now(UTC)) - timedelta(days=source.expires_after_days)
        files = landing.expire(source.reader, before=before)
        size = sum(file.size_bytes or 0 for file in files)
        expired.append(ExpiredSource(source.name, source.expires_after_days, len(files), size))
    return expired
