"""Start of a crawl in a separate process, and its outcome, read from the spool folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.prices.sources.quote_writer import file_name

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

PAGES, QUOTES, OUTCOME = "pages.warc.gz", "quotes.csv", "outcome.json"
"""Names within the spool folder."""

JOURNAL = "journal.json"
"""File of the record of an unfinished run, rewritten as it grows."""

PART_SIZE = 1024 * 1024
"""Bytes that are decompressed at a time."""

LAST_LINES = 6
"""Lines at the end of a failed crawl's output that its error quotes."""

GRACE_S = 10
"""Seconds between the request to end and the kill of a crawl."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a crawl: record of the run, of its categories, failures, kept pages, quote file."""

    run: dict[str, Any]
    categories: list[dict[str, Any]]
    failures: list[dict[str, str]]
    pages: bytes
    quotes: bytes | None
    """None for a crawl that was killed: no quote file, which differs from an empty one."""

    @property
    def started_at(self) -> datetime:
        """Start of the run, London time."""
        return datetime.fromisoformat(self.run["started_at"])

    @property
    def pages_file(self) -> str:
        """Name of the kept pages in landing."""
        return pages_name(self.run["retailer"], self.started_at)

    @property
    def quote_file(self) -> str:
        """Name of the quote file in landing."""
        return file_name(self.run["retailer"], self.started_at)


def pages_name(retailer: str, started_at: datetime) -> str:
    """Return the name of a run's kept pages."""
    return f"{retailer}_pages_{started_at:%Y%m%d%H%M%S}.warc.gz"


def crawl(file: Path, spool: Path, *, day: date, agent: str, after: datetime | None) -> Outcome:
    """Crawl by a retailer file into a new spool folder, as `agent` (`manners.user_agent`); return its outcome.

    Raises InputError where the run is refused (another day, outside the allowed hours), StepFailedError with the
    last lines of its output where its process fails. A run that met an outage is an outcome, not an error.
    """
    spool.mkdir(parents=True)
    arguments = ["--file", str(file), "--spool", str(spool), "--day", day.isoformat(), "--agent", agent]
    arguments += ["--parent", str(os.getpid()), *(["--after", after.isoformat()] if after is not None else [])]
    command = [sys.executable, "-m", "ons_bigdata.prices.sources.scraping.crawl", *arguments]
    process = subprocess.Popen(  # noqa: S603  (our own module, a list of arguments, no shell)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, output = process.communicate()
    except BaseException:
        _end(process)
        raise
    if (refusal := _content(spool).get("refused")) is not None:
        shutil.rmtree(spool)
        raise InputError(refusal)
    outcome = read_outcome(spool)
    if process.returncode != 0 or outcome is None:
        last = " / ".join(output.strip().splitlines()[-LAST_LINES:]) or "no output"
        raise StepFailedError(f"the crawl of {file.stem} ended with code {process.returncode}: {last}")
    return outcome


def read_outcome(spool: Path) -> Outcome | None:
    """Return the outcome in a crawl's folder; None where it was refused or never came to an end."""
    content = _content(spool)
    if "run" not in content:
        return None
    return Outcome(**content, pages=(spool / PAGES).read_bytes(), quotes=(spool / QUOTES).read_bytes())


def read_killed(spool: Path) -> Outcome | None:
    """Record a crawl that was killed and complete its kept pages; None where it had sent no request."""
    path, pages = spool / JOURNAL, spool / f"{PAGES}.tmp"
    if not path.exists():
        return None
    pages = spool / PAGES if (spool / PAGES).exists() else pages
    content = _whole_records(pages.read_bytes()) if pages.exists() else b""
    run = {**json.loads(path.read_text(encoding="utf-8")), "finish_reason": "killed"}
    return Outcome(run, [], [], pages=content, quotes=None)


def _whole_records(content: bytes) -> bytes:
    """Return the beginning of a WARC file up to its last whole record: each is compressed by itself."""
    end, waiting = 0, content
    while waiting:
        decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            while waiting and not decompressor.eof:
                decompressor.decompress(waiting, PART_SIZE)
                waiting = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
        except zlib.error:
            break
        if not decompressor.eof:
            break
        end = len(content) - len(waiting)
    return content[:end]


def _content(spool: Path) -> dict[str, Any]:
    path = spool / OUTCOME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _end(process: subprocess.Popen[str]) -> None:
    """End a crawl: by a request, then by a kill."""
    process.terminate()
    try:
        process.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
