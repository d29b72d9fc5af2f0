"""From a page to its categories, its listings and the page that follows: bytes and a retailer file in, no I/O.

The same functions run in the crawl and on kept pages (`reparse`). Raise `scraping.PARSER_VERSION` with every change of
what is read from a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping.extraction import schema_org, selected_products
from ons_bigdata.prices.sources.scraping.extraction.json_values import state_of
from ons_bigdata.prices.sources.scraping.extraction.page import (
    Page,
    PageContent,
    UnreadableError,
    address,
    printable,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

_BOT_WALL = re.compile(
    r"are you (?:a )?(?:human|robot)|captcha|access denied|unusual traffic|verify you are|not a robot", re.IGNORECASE
)
_LEAST_TEXT = 20
"""Characters of text below which a page counts as empty."""


@dataclass(frozen=True)
class FoundCategory:
    """A category as the shop's navigation lists it."""

    name: str
    url: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the state's list, from which addresses are composed."""


@dataclass(frozen=True)
class NavigationContent:
    """The navigation of a start page: each entry is a category or a failure."""

    categories: list[FoundCategory]
    failures: list[str]
    """Faults of the entries that could not be read."""


def extract(file: RetailerFile, page: Page, *, is_more: bool = False) -> PageContent:
    """Return the products of a category page; `is_more`: an answer to "load more".

    Raises UnreadableError where the page is not of the file's page kind.
    """
    if page.fault is not None:
        raise UnreadableError(page.fault)
    if file.page_kind == "html_list":
        return selected_products.extract_html(file, page)
    if file.page_kind == "json_ld":
        return schema_org.extract_json_ld(file, page)
    if file.page_kind == "microdata":
        return schema_org.extract_microdata(file, page)
    if file.page_kind == "rdfa":
        return schema_org.extract_rdfa(file, page)
    return selected_products.extract_state(file, page, is_more=is_more)


def fault_of(page: Page, content: PageContent | None, error: str | None) -> str | None:
    """Reason for which a page with status 200 has no product; None where it has some, or states that it is empty.

    `content` is None where the page could not be read; `error` is the reason then.
    """
    if (content is not None and (content.listings or (content.is_empty and not content.failures))) or page.fault:
        return page.fault
    if not page.body.strip():
        return "empty page: status 200 without content"
    if _BOT_WALL.search(page.text):
        return "bot wall: the page asks whether a person is there"
    length = _length_of_text(page)
    if length < _LEAST_TEXT:
        return f"empty page: status 200, {len(page.body)} bytes, {length} characters of text"
    if content is not None and content.failures:
        return f"none of {content.listed} products could be read: {content.failures[0]}"
    return f"changed markup: no product found on a page of {len(page.body)} bytes{f' ({error})' if error else ''}"


def _length_of_text(page: Page) -> int:
    if not page.text.lstrip().startswith("<"):
        return len(page.text)
    texts = page.selector().xpath("//body//text()").getall()
    return len(" ".join("".join(texts).split()))


def read_navigation(file: RetailerFile, page: Page) -> NavigationContent:
    """Return the categories that the start page lists, each name once, in the page's order, and what is unreadable.

    Raises UnreadableError where the page lists no category that can be read.
    """
    if page.fault is not None:
        raise UnreadableError(page.fault)
    by_name: dict[str, FoundCategory] = {}
    failures: list[str] = []
    for number, entry in enumerate(_in_state(file, page) if file.navigation.state else _links(file, page), start=1):
        try:
            category = entry()
        except UnreadableError as error:
            failures.append(printable(f"navigation entry {number}: {error}"))
        except Exception as error:  # a faulty entry costs that entry alone
            failures.append(printable(f"navigation entry {number}: {type(error).__name__}: {str(error)[:200]}"))
        else:
            if category is not None:
                by_name.setdefault(normal_name(category.name), category)
    if not by_name:
        raise UnreadableError(f"no category found at {page.url}{f': {failures[0]}' if failures else ''}")
    return NavigationContent(list(by_name.values()), failures)


def categories(file: RetailerFile, page: Page) -> list[FoundCategory]:
    """Return the categories of the start page. Raises UnreadableError as `read_navigation` does."""
    return read_navigation(file, page).categories


def more_url(file: RetailerFile, category: FoundCategory, cursor: str, page_url: str) -> str | None:
    """Return the address of the rest of a category; None where the shop does not load more."""
    if file.load_more is None:
        return None
    return address(page_url, _filled(file.load_more.path, {**category.fields, "cursor": cursor}))


def _links(file: RetailerFile, page: Page) -> Iterator[Callable[[], FoundCategory | None]]:
    for link in page.selector().css(file.navigation.links or "a"):

        def entry(link: Any = link) -> FoundCategory | None:  # noqa: ANN401  (Selector)
            name, target = words("".join(link.root.itertext())), link.root.get(file.navigation.attribute)
            return FoundCategory(name, address(page.base_url, target)) if name and target else None

        yield entry


def _in_state(file: RetailerFile, page: Page) -> Iterator[Callable[[], FoundCategory | None]]:
    nodes = selected_products.search(file.navigation.state or "@", state_of(page, selected_products.SCRIPT))
    for node in nodes if isinstance(nodes, list) else []:

        def entry(node: Any = node) -> FoundCategory | None:  # noqa: ANN401  (JSON)
            if not isinstance(node, dict):
                raise UnreadableError(f"found {str(node)[:40]!r}, expected an object")
            name = words(selected_products.search(file.navigation.name, node))
            if not name:
                raise UnreadableError(f"no {file.navigation.name!r}; known: {', '.join(sorted(node))[:200]}")
            return FoundCategory(name, address(page.url, _filled(file.navigation.path or "", node)), node)

        yield entry


def _filled(template: str, fields: dict[str, Any]) -> str:
    """Fill the braces of an address. Raises UnreadableError for a field that the state has not, or has no text for."""

    def fill(found: re.Match[str]) -> str:
        value = fields.get(found[1])
        if value is None:
            raise UnreadableError(
                f"address {template!r}: no field {found[1]!r}; known: {', '.join(sorted(fields))[:200]}"
            )
        if not isinstance(value, str | int | float) or len(str(value)) > 500 or printable(str(value)) != str(value):
            shown = printable(str(value))[:40]
            raise UnreadableError(f"address {template!r}: field {found[1]!r} is {shown!r}, expected a short text")
        return quote(str(value), safe="")

    return re.sub(r"\{(\w+)\}", fill, template)
