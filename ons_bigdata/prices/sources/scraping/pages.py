"""Kept pages: every response of a crawl in a compressed WARC file, which another extraction reads.

A record carries category, kind and time of the page in the header CONTEXT; the bytes are as received, and decoded by
`decoded_page` in the crawl and in `reparse` alike.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.scraping.extraction.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_PAGE = 16 * 1024 * 1024
"""Greatest size (bytes) of a decoded page; a larger one is a failure."""

MOST_ENCODINGS = 4
"""Greatest number of encodings of a body, one within the other."""

CONTEXT = "Ons-Context"
"""WARC header, JSON: kind (robots, start, list, more, sample), requested_url, category, items, collected_at."""


@dataclass(frozen=True)
class KeptPage:
    """A response with its context in the crawl."""

    page: Page
    context: dict[str, Any]


class PageKeeper:
    """Writer of responses as they arrive; the file gets its name only when it is complete and on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pages = 0
        self.bytes_received = 0
        self._temporary = path.with_name(f"{path.name}.tmp")
        self._file = self._temporary.open("wb")
        self._writer = WARCWriter(self._file, gzip=True)

    def describe(self, facts: dict[str, str]) -> None:
        """Write the facts of the run: software, robots, retailer file."""
        self._writer.write_record(self._writer.create_warcinfo_record(self.path.name, facts))

    def keep(self, page: Page, headers: list[tuple[str, str]], context: dict[str, Any]) -> None:
        """Write a response."""
        known = {**context, "collected_at": page.collected_at.isoformat()}
        record = self._writer.create_warc_record(
            page.url,
            "response",
            payload=io.BytesIO(page.body),
            http_headers=StatusAndHeaders(f"{page.status} ", headers, protocol="HTTP/1.1"),
            warc_headers_dict={CONTEXT: json.dumps(known)},
        )
        self._writer.write_record(record)
        self._file.flush()  # a killed crawl leaves all earlier responses
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
    """Yield the responses of a WARC file in the order they came. Raises InputError for what is no such file."""
    try:
        for record in ArchiveIterator(io.BytesIO(content)):
            if record.rec_type != "response":
                continue
            context = json.loads(record.rec_headers.get_header(CONTEXT) or "{}")
            headers = record.http_headers
            page = decoded_page(
                url=record.rec_headers.get_header("WARC-Target-URI"),
                status=int(headers.get_statuscode()),
                content_type=headers.get_header("Content-Type"),
                encodings=[value for key, value in headers.headers if key.lower() == "content-encoding"],
                body=record.raw_stream.read(),
                collected_at=datetime.fromisoformat(context["collected_at"]),
                requested_url=context.get("requested_url"),
            )
            yield KeptPage(page, context)
    except (ArchiveLoadFailed, AttributeError, KeyError, TypeError, ValueError, EOFError, zlib.error) as error:
        raise InputError(f"kept pages {name}: not a WARC file of ours: {error}") from error


def decoded_page(
    *,
    url: str,
    status: int,
    content_type: str | None,
    encodings: list[str],
    body: bytes,
    collected_at: datetime,
    requested_url: str | None = None,
) -> Page:
    """Decode a response to a page; where that fails, the fault is the page's only content.

    Compression that no header declares is recognised by its first bytes.
    """
    names = [name.strip().lower() for line in encodings for name in line.split(",") if name.strip()]
    waiting, applied = list(names), list[str]()
    try:
        while (name := waiting.pop() if waiting else _undeclared(body)) is not None:
            applied.append(name)
            if len(applied) > MOST_ENCODINGS:
                raise _NotDecodedError(f"more than {MOST_ENCODINGS} encodings")
            body = _decoded(name, body)
        if len(body) > LARGEST_PAGE:
            raise _NotDecodedError(f"{len(body)} bytes, expected at most {LARGEST_PAGE}")
    except _NotDecodedError as error:
        known = ", ".join(names[:MOST_ENCODINGS]) or (f"none, found {applied[0]}" if applied else "none")
        fault = f"Content-Encoding {known}: {error}"
        return Page(url, status, content_type, b"", collected_at, fault=fault, requested_url=requested_url)
    return Page(url, status, content_type, body, collected_at, requested_url=requested_url)


class _NotDecodedError(ValueError):
    """A body is not in its Content-Encoding, is cut off, or too large."""


_FIRST_BYTES = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}


def _undeclared(body: bytes) -> str | None:
    """Return the encoding that the first bytes of a body are those of; None for one that is not compressed."""
    return next((name for first, name in _FIRST_BYTES.items() if body.startswith(first)), None)


def _decoded(name: str, body: bytes) -> bytes:
    if name == "identity" or not body:
        return body
    if name in {"gzip", "x-gzip"}:
        return _inflated(body, 16 + zlib.MAX_WBITS)
    if name == "deflate":
        try:
            return _inflated(body, zlib.MAX_WBITS)
        except _NotDecodedError:
            return _inflated(body, -zlib.MAX_WBITS)  # raw deflate, as some servers send it
    raise _NotDecodedError(f"{name[:40]} was not asked for and cannot be decoded; expected gzip")


def _inflated(body: bytes, window_bits: int) -> bytes:
    """Decompress a body; of gzip all members. Raises _NotDecodedError where it is cut off."""
    parts: list[bytes] = []
    size, waiting = 0, body
    while waiting:
        decompressor = zlib.decompressobj(window_bits)
        try:
            while not decompressor.eof:
                part = decompressor.decompress(waiting, LARGEST_PAGE - size + 1)
                parts.append(part)
                size += len(part)
                if size > LARGEST_PAGE:
                    raise _NotDecodedError(f"more than {LARGEST_PAGE} bytes")
                waiting = decompressor.unconsumed_tail
                if not waiting and not decompressor.eof:
                    raise _NotDecodedError("the body is cut off")
        except zlib.error as error:
            raise _NotDecodedError(str(error)) from error
        waiting = decompressor.unused_data.lstrip(b"\0")
    return b"".join(parts)
