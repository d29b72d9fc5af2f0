"""Listings: what a page says of a product, the same for every page family. Pages are `extraction`'s to take apart."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from itemloaders import ItemLoader
from itemloaders.processors import Join, MapCompose, TakeFirst
from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.html import remove_tags, replace_entities

from ons_bigdata.prices.sources.quote_writer import Listing
from ons_bigdata.prices.sources.scraping import price_texts


@dataclass(frozen=True)
class Page:
    """One page as it came."""

    url: str
    status: int
    content_type: str | None
    body: bytes
    collected_at: datetime

    @property
    def text(self) -> str:
        """The body as text, by the header, the page's own word or its bytes."""
        return html_to_unicode(self.content_type, self.body)[1]

    def selector(self) -> Selector:
        """Return the page as a tree of elements."""
        return Selector(text=self.text or " ", base_url=self.url)


@dataclass(frozen=True)
class PageContent:
    """What a page lists. Each product listed is a listing or a failure."""

    listings: list[Listing] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Why each other product could not be read."""
    next_url: str | None = None
    """The page that follows, as an absolute address."""
    cursor: str | None = None
    """Where the rest begins, for shops that load more."""
    is_empty: bool = False
    """The page says itself that nothing is listed."""

    @property
    def listed(self) -> int:
        """Products listed."""
        return len(self.listings) + len(self.failures)


class UnreadableError(ValueError):
    """A product or a page cannot be read; the message says what was found and expected."""


def words(value: object) -> str | None:
    """Return a text without tags, entities and superfluous blanks; None for nothing."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value)
    if "<" in text:
        text = remove_tags(text)
    if "&" in text:
        text = replace_entities(text)
    return " ".join(printable(text).split()) or None


def printable(text: str) -> str:
    """Return a text with U+FFFD for what neither a file nor the database takes: NUL, and halves of a character."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def address(page_url: str, found: str) -> str:
    """Return where a link of a page leads; the link as it stands where that is no address, which nobody can visit."""
    try:
        return urljoin(page_url, found.strip())
    except ValueError:
        return found


def is_in_stock(value: object) -> bool | None:
    """Return what a page says of stock: true/false, or schema.org's ItemAvailability; None where it says nothing."""
    if value is None or isinstance(value, bool):
        return value
    name = str(value).rstrip("/").rsplit("/", 1)[-1].casefold()
    if name in {"instock", "limitedavailability", "onlineonly", "instoreonly", "true"}:
        return True
    return False if name in {"outofstock", "soldout", "discontinued", "backorder", "preorder", "false"} else None


class ListingLoader(ItemLoader):
    """Collects the texts of one product and turns them into numbers and words."""

    default_item_class = dict
    default_input_processor = MapCompose(words)
    default_output_processor = TakeFirst()
    price_gbp_in = MapCompose(words, price_texts.price_gbp)
    unit_price_in = MapCompose(words, price_texts.unit_price)
    unit_price_gbp_in = MapCompose(words, price_texts.price_gbp)
    unit_in = MapCompose(words, price_texts.unit)
    was_price_gbp_in = MapCompose(words, price_texts.price_gbp)
    loyalty_price_gbp_in = MapCompose(words, price_texts.price_gbp)
    in_stock_in = MapCompose(is_in_stock)
    promotion_out = Join("; ")

    def listing(self) -> Listing:
        """Return the product. Raises UnreadableError where name or price are not there."""
        item: dict[str, Any] = self.load_item()
        name, price, promotion = item.get("product_name"), item.get("price_gbp"), item.get("promotion") or None
        if name is None:
            raise UnreadableError("no name")
        if price is None:
            raise UnreadableError(f"no price: {name}")
        if price <= 0:
            raise UnreadableError(f"price {price:g}, expected above 0: {name}")
        said_at_once = item.get("unit_price")
        amount, per = item.get("unit_price_gbp"), item.get("unit")
        if said_at_once is not None:
            amount, per = said_at_once.price_gbp, said_at_once.unit
        if amount is None or per is None:  # one without the other says nothing
            amount, per = None, None
        said = item.get("multibuy")
        return Listing(
            product_id=item.get("product_id"),
            product_name=name,
            price_gbp=price,
            unit_price_gbp=amount,
            unit=per,
            promotion=promotion or said,
            was_price_gbp=item.get("was_price_gbp") or price_texts.was_price_gbp(promotion),
            loyalty_price_gbp=item.get("loyalty_price_gbp"),
            multibuy=price_texts.multibuy(said) or price_texts.multibuy(promotion),
            in_stock=item.get("in_stock"),
            url=item.get("url"),
        )


def collected(loaders: list[ListingLoader], **rest: Any) -> PageContent:  # noqa: ANN401  (PageContent's fields)
    """Return the content of a page from the loaders of its products."""
    listings, failures = [], list(rest.pop("failures", []))
    for loader in loaders:
        try:
            listings.append(loader.listing())
        except UnreadableError as error:
            failures.append(str(error))
    return PageContent(listings, failures, **rest)


def state_of(page: Page, script: str) -> Selector:
    """Return the JSON state that a page embeds in a script (CSS selector), or that the page is.

    `window.state = {…};` is read from its first brace. Raises UnreadableError where there is none or it is no JSON.
    """
    text = page.text
    if text.lstrip()[:1] not in {"{", "["}:
        found = page.selector().css(script).xpath("string()").get()
        if found is None:
            raise UnreadableError(f"no state: nothing matches {script!r}")
        text = found
    start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    try:
        state, _ = json.JSONDecoder(strict=False).raw_decode(text, start) if start >= 0 else (None, 0)
    except ValueError as error:
        raise UnreadableError(f"state is not JSON: {error}") from error
    if state is None:
        raise UnreadableError("state holds no JSON object")
    return Selector(text=json.dumps(state), type="json")
