"""Kept pages: every answer of a crawl as one WARC file, compressed, and read back for another extraction.

A record carries what the crawl knew of the page (category, kind, time) in the header CONTEXT; the bytes are as they
came.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.scraping.listings import Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTEXT = "Ons-Context"
"""WARC header, JSON: kind (robots, start, list, more, sample), category, items, collected_at."""


@dataclass(frozen=True)
class KeptPage:
    """One answer and what the crawl knew of it."""

    page: Page
    context: dict[str, Any]


class PageKeeper:
    """Writes answers as they come; the file gets its name only when it is whole and on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pages = 0
        self.bytes_received = 0
        self._temporary = path.with_name(f"{path.name}.tmp")
        self._file = self._temporary.open("wb")
        self._writer = WARCWriter(self._file, gzip=True)

    def describe(self, facts: dict[str, str]) -> None:
        """Write who crawled what, and the retailer file that said how."""
        self._writer.write_record(self._writer.create_warcinfo_record(self.path.name, facts))

    def keep(self, page: Page, headers: list[tuple[str, str]], context: dict[str, Any]) -> None:
        """Write one answer."""
        known = {**context, "collected_at": page.collected_at.isoformat()}
        record = self._writer.create_warc_record(
            page.url,
            "response",
            payload=io.BytesIO(page.body),
            http_headers=StatusAndHeaders(f"{page.status} ", headers, protocol="HTTP/1.1"),
            warc_headers_dict={CONTEXT: json.dumps(known)},
        )
        self._writer.write_record(record)
        self.pages += 1
        self.bytes_received += len(page.body)

    def finish(self) -> Path:
        """Bring the file to disk under its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.rename(self.path)
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


def read_pages(content: bytes, *, name: str) -> Iterator[KeptPage]:
    """Yield the answers of a WARC file in the order they came. Raises InputError for what is no such file."""
    try:
        for record in ArchiveIterator(io.BytesIO(content)):
            if record.rec_type != "response":
                continue
            context = json.loads(record.rec_headers.get_header(CONTEXT) or "{}")
            page = Page(
                url=record.rec_headers.get_header("WARC-Target-URI"),
                status=int(record.http_headers.get_statuscode()),
                content_type=record.http_headers.get_header("Content-Type"),
                body=record.content_stream().read(),
                collected_at=datetime.fromisoformat(context["collected_at"]),
            )
            yield KeptPage(page, context)
    except (ArchiveLoadFailed, AttributeError, KeyError, TypeError, ValueError, EOFError) as error:
        raise InputError(f"kept pages {name}: not a WARC file of ours: {error}") from error
