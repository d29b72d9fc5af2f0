"""From a page to its categories, its listings and the page that follows. Pure: bytes and a retailer file in.

The same functions run in the crawl and on kept pages (`reparse`). A change of what is read from a page raises the
package's PARSER_VERSION.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping import html_lists, page_state, schema_org
from ons_bigdata.prices.sources.scraping.listings import Page, PageContent, UnreadableError, address, state_of, words

if TYPE_CHECKING:
    from ons_bigdata.prices.sources.retailer_files import RetailerFile

_BOT_WALL = re.compile(
    r"are you (?:a )?(?:human|robot)|captcha|access denied|unusual traffic|verify you are|not a robot", re.IGNORECASE
)
_LEAST_TEXT = 20
"""Characters of text below which a page says nothing."""


@dataclass(frozen=True)
class FoundCategory:
    """A category as the shop's navigation lists it."""

    name: str
    url: str
    fields: dict[str, Any] = field(default_factory=dict)
    """The fields of the state's list, for addresses that are made of them."""


def extract(file: RetailerFile, page: Page, *, is_more: bool = False) -> PageContent:
    """Return what a category page lists; `is_more`: an answer to "load more".

    Raises UnreadableError where the page is not what its page kind has.
    """
    if file.page_kind == "html_list":
        return html_lists.extract(file, page)
    if file.page_kind == "json_ld":
        return schema_org.extract_json_ld(file, page)
    if file.page_kind == "microdata":
        return schema_org.extract_microdata(file, page)
    return page_state.extract(file, page, is_more=is_more)


def fault_of(page: Page, content: PageContent | None, error: str | None) -> str | None:
    """Say why a page with status 200 gave no product, in words to act on; None where it gave some or says it is empty.

    `content` is None where the page could not be read, and `error` then says why.
    """
    if content is not None and (content.listings or content.is_empty):
        return None
    if not page.body.strip():
        return "empty page: status 200 without content"
    if _BOT_WALL.search(page.text):
        return "bot wall: the page asks whether a person is there"
    text = words(page.selector().xpath("//body").get()) or "" if page.text.lstrip().startswith("<") else page.text
    if len(text) < _LEAST_TEXT:
        return f"empty page: status 200, {len(page.body)} bytes, {len(text)} characters of text"
    if content is not None and content.failures:
        return f"none of {content.listed} products could be read: {content.failures[0]}"
    return f"changed markup: no product found on a page of {len(page.body)} bytes{f' ({error})' if error else ''}"


def categories(file: RetailerFile, page: Page) -> list[FoundCategory]:
    """Return the categories that the start page lists, each name once, in the page's order.

    Raises UnreadableError where the page lists none.
    """
    by_name: dict[str, FoundCategory] = {}
    for one in _in_state(file, page) if file.navigation.state else _links(file, page):
        by_name.setdefault(normal_name(one.name), one)
    if not by_name:
        raise UnreadableError(f"no category found at {page.url}")
    return list(by_name.values())


def more_url(file: RetailerFile, category: FoundCategory, cursor: str, page_url: str) -> str | None:
    """Return the address of the rest of a category; None where the shop does not load more."""
    if file.load_more is None:
        return None
    return address(page_url, _filled(file.load_more.path, {**category.fields, "cursor": cursor}))


def _links(file: RetailerFile, page: Page) -> list[FoundCategory]:
    found = []
    for link in page.selector().css(file.navigation.links or "a"):
        name, target = words(link.xpath("string()").get()), link.attrib.get(file.navigation.attribute)
        if name and target:
            found.append(FoundCategory(name, address(page.url, target)))
    return found


def _in_state(file: RetailerFile, page: Page) -> list[FoundCategory]:
    state, found = state_of(page, page_state.SCRIPT), []
    for node in state.jmespath(f"{file.navigation.state}[]"):
        name, fields = words(node.jmespath(file.navigation.name).get()), node.get()
        if name and isinstance(fields, dict):
            found.append(FoundCategory(name, address(page.url, _filled(file.navigation.path or "", fields)), fields))
    return found


def _filled(template: str, fields: dict[str, Any]) -> str:
    """Fill the braces of an address. Raises UnreadableError for a field that the state has not."""

    def fill(found: re.Match[str]) -> str:
        if fields.get(found[1]) is None:
            raise UnreadableError(f"address {template!r}: no field {found[1]!r}; known: {', '.join(sorted(fields))}")
        return quote(str(fields[found[1]]), safe="")

    return re.sub(r"\{(\w+)\}", fill, template)
