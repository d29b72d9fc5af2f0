"""State of a crawl, shared by the spider and the middlewares: record, budget, clock and hours, robots, kept pages."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.sources.scraping import PARSER_VERSION

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from scrapy.robotstxt import RobotParser

    from ons_bigdata.prices.sources.retailer_files import RetailerFile
    from ons_bigdata.prices.sources.scraping.pages import PageKeeper


class RefusedError(Exception):
    """The run must not start: another day, or outside the allowed hours."""


class StoppedError(Exception):
    """The run ends here; `finish_reason` is the reason in a word, the message in a sentence."""

    def __init__(self, finish_reason: str, message: str) -> None:
        super().__init__(message)
        self.finish_reason = finish_reason


@dataclass
class RunRecord:
    """The record of a run: a row of raw.scrape_runs."""

    retailer: str
    user_agent: str
    robots_obeyed: bool
    delay_s: float
    budget_requests: int
    parser_version: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    finish_reason: str = "killed"
    robots_sha256: str | None = None
    requests: int = 0
    retries: int = 0
    responses_by_status: dict[str, int] = field(default_factory=dict)
    within_allowed_hours: bool = True
    site_dated_at: datetime | None = None

    @property
    def run_id(self) -> str:
        """`<retailer>-<YYYYMMDDHHMMSS>`, London time of the start."""
        return f"{self.retailer}-{self.started_at:%Y%m%d%H%M%S}"

    def to_dict(self) -> dict[str, Any]:
        """Record as JSON values."""
        return {**asdict(self), "run_id": self.run_id}


class CrawlState:
    """Record and limits of a crawl: user agent, allowed hours, number and rate of requests."""

    def __init__(
        self,
        file: RetailerFile,
        keeper: PageKeeper,
        *,
        agent: str,
        day: date,
        after: datetime | None,
        journal: Path | None = None,
    ) -> None:
        """Prepare a run for a day, with a start later than `after`; its record is written to `journal` as it grows."""
        self.file, self.keeper, self.day, self.after, self.journal = file, keeper, day, after, journal
        self.obeys_robots = not file.contact_reason.strip()
        self.robots: RobotParser | None = None
        self.is_budget_spent = False
        self.now: datetime | None = None
        """Time of the latest response, by the clock in force."""
        self.record = RunRecord(
            retailer=file.retailer,
            user_agent=agent,
            robots_obeyed=self.obeys_robots,
            delay_s=file.delay_s,
            budget_requests=file.request_budget,
            parser_version=PARSER_VERSION,
        )

    def begin(self, now: datetime | None) -> None:
        """Set the start of the run. Raises RefusedError on another day and outside the allowed hours."""
        if self.record.started_at is not None or now is None:
            return
        if now.date() != self.day:
            raise RefusedError(
                f"partition {self.day}: the site's present day is {now.date()}; only the present day can be collected"
            )
        first, last = self.file.allowed_hours
        if not first <= now.time() < last:
            raise RefusedError(
                f"it is {now:%H:%M} at {self.file.site}; allowed hours are {first:%H:%M} to {last:%H:%M} (London)"
            )
        started = now.replace(microsecond=0)
        if self.after is not None and started <= self.after:
            started = self.after + timedelta(seconds=1)
        self.record.started_at = started
        self.write_journal()

    def record_time(self, site_time: datetime | None) -> datetime:
        """Record and return the time of a response: by the site's clock if the file requires it, else by ours."""
        real = datetime.now(ZoneInfo(LONDON))
        self.now = site_time or self.now or real if self.file.clock == "site" else real
        self.record.within_allowed_hours &= self.is_within_hours()
        return self.now

    def note_site_date(self, site_time: datetime | None) -> None:
        """Record the latest date that the site gave a page of products: of a cached page that of the copy."""
        known = [time for time in (self.record.site_dated_at, site_time) if time is not None]
        self.record.site_dated_at = max(known, default=None)

    def is_within_hours(self) -> bool:
        """True if requests are allowed now. `begin` decides whether the run may start."""
        self._update_clock()
        first, last = self.file.allowed_hours
        return self.record.started_at is None or self.now is None or first <= self.now.time() < last

    def can_wait(self, wait_s: float) -> bool:
        """True if a wait ends within the allowed hours."""
        return wait_s < self.remaining_s()

    def remaining_s(self) -> float:
        """Return the seconds until the allowed hours end; infinite before the first response."""
        self._update_clock()
        if self.now is None:
            return float("inf")
        last = self.file.allowed_hours[1]
        end = self.now.replace(hour=last.hour, minute=last.minute, second=last.second, microsecond=last.microsecond)
        return (end - self.now).total_seconds()

    def require_allowed(self) -> None:
        """Raise StoppedError where the hours are over, or would be after the delay that every request waits."""
        end = f"allowed hours end at {self.file.allowed_hours[1]:%H:%M}"
        if not self.is_within_hours():
            raise StoppedError("hours", end)
        if self.record.started_at is not None and not self.can_wait(self.record.delay_s):
            raise StoppedError("hours", f"{end}, before the delay of {self.record.delay_s:g} s is over")

    def write_journal(self) -> None:
        """Write the record, so that the requests of a killed crawl are known."""
        if self.journal is None or self.record.started_at is None:
            return
        counted = {"bytes_received": self.keeper.bytes_received, "pages_kept": self.keeper.pages, "rows": 0}
        finished = self.now or self.record.started_at
        content = json.dumps({**self.record.to_dict(), **counted, "finished_at": finished}, default=str)
        temporary = self.journal.with_name(f"{self.journal.name}.tmp")
        temporary.write_text(content, encoding="utf-8")
        os.replace(temporary, self.journal)  # noqa: PTH105  (atomic, whatever exists there)

    def _update_clock(self) -> None:
        if self.file.clock == "real":
            self.now = datetime.now(ZoneInfo(LONDON))
