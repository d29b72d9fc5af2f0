"""Counts of each category of a run: pages, products listed and read, failures; and the rows of the quote file.

The crawl and `reparse` count with the same code.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ons_bigdata.prices.sources.quote_writer import Listing, QuoteRow
from ons_bigdata.prices.sources.scraping.extraction import extract, fault_of
from ons_bigdata.prices.sources.scraping.extraction.page import (
    Page,
    PageContent,
    UnreadableError,
    one_spelling,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

State = Literal["collected", "empty", "missing", "unknown", "failed"]

NAMES_KEPT = 100
"""Product names that are recorded of an unknown category."""

NAVIGATION = "(navigation)"
"""Placeholder for the category of a navigation entry that could not be read."""

_CUT_OFF = "not whole: "
_IS_CUT_OFF = re.compile(rf"(?:page \d+: )?{_CUT_OFF}")
_NOT_READ = re.compile(r"; \d+ of \d+ not read: .*", re.DOTALL)


@dataclass(frozen=True)
class CategoryRecord:
    """A row of raw.scrape_categories, without the columns of the run."""

    category: str
    item_number: int | None
    state: State
    url: str | None = None
    pages: int = 0
    products_listed: int = 0
    products_parsed: int = 0
    parse_failures: int = 0
    duplicates: int = 0
    product_names: list[str] = field(default_factory=list)
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Record as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class ParseFailure:
    """A product, or block of a page, that could not be read."""

    category: str
    url: str
    reason: str


@dataclass
class CategoryTally:
    """Counts of a category of the retailer file while its pages are received."""

    category: str
    items: Sequence[tuple[int, str]]
    """(number, name) of each item that the category is collected for."""
    url: str | None = None
    pages: int = 0
    listings: list[tuple[Listing, datetime]] = field(default_factory=list)
    failures: list[ParseFailure] = field(default_factory=list)
    fault: str | None = None
    """Reason for which the category is incomplete."""
    _last_url: str | None = None

    def is_last_page(self, page: Page) -> bool:
        """True if a page is the one that was counted last, by its address."""
        return self._last_url is not None and one_spelling(page.url) == one_spelling(self._last_url)

    def read(self, file: RetailerFile, page: Page, *, is_more: bool = False) -> PageContent | None:
        """Count a page with status 200; return its content, None where it has no product and should have."""
        self.pages += 1
        self._last_url = page.url
        error = None
        try:
            content: PageContent | None = extract(file, page, is_more=is_more)
        except UnreadableError as unreadable:
            content, error = None, str(unreadable)
        except Exception as unexpected:  # a faulty page fails its category, not the run; it is kept
            content, error = None, f"{type(unexpected).__name__}: {unexpected}"
        if content is not None:
            self.listings += [(listing, page.collected_at) for listing in content.listings]
            self.failures += [ParseFailure(self.category, page.url, printable(reason)) for reason in content.failures]
        fault = fault_of(page, content, error)
        if fault is not None:
            self.fail(fault)
            return None
        return content

    def fail(self, reason: str) -> None:
        """Record that the category is incomplete; the first reason stays."""
        page = f"page {self.pages}: " if self.pages > 1 else ""
        self.fault = self.fault or printable(f"{page}{reason}")

    def cut_off(self, reason: str) -> None:
        """Record that pages of the category were not requested: reading the kept ones again cannot complete it."""
        self.fail(f"{_CUT_OFF}{reason}")

    def take_over(self, reason: str | None, *, pages: int) -> None:
        """Copy from the crawl why the category was cut off, and how many of its pages are missing.

        `reason` and `pages` as recorded; the pages that were kept have been read.
        """
        recorded = _NOT_READ.sub("", reason or "")
        if _IS_CUT_OFF.match(recorded):
            self.fault = recorded
        elif pages > self.pages:
            self.fault = recorded or self.fault or f"{pages - self.pages} of {pages} pages did not come"

    def records(self) -> list[CategoryRecord]:
        """Return the category's record for each of its items."""
        parsed = len(self.listings)
        state: State = "failed" if self.fault else "collected" if parsed else "empty"
        reasons = [self.fault] if self.fault else []
        if self.failures:
            reasons.append(f"{len(self.failures)} of {parsed + len(self.failures)} not read: {self.failures[0].reason}")
        return [
            CategoryRecord(
                category=self.category,
                item_number=number,
                state=state,
                url=self.url,
                pages=self.pages,
                products_listed=parsed + len(self.failures),
                products_parsed=parsed,
                parse_failures=len(self.failures),
                duplicates=parsed - len({(one["product_id"], one["product_name"]) for one, _ in self.listings}),
                reason="; ".join(reasons) or None,
            )
            for number, _ in self.items
        ]

    def rows(self, retailer: str, run_id: str) -> Iterator[QuoteRow]:
        """Yield the rows of the quote file: every listing once for each of the category's items."""
        for number, name in self.items:
            for listing, collected_at in self.listings:
                yield QuoteRow(
                    retailer=retailer,
                    run_id=run_id,
                    collected_at=collected_at,
                    item_number=number,
                    item_name=name,
                    category=self.category,
                    **listing,
                )
