"""Shops whose pages embed their state as JSON, or answer in JSON: products by JMESPaths of the retailer file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.prices.sources.scraping.html_lists import LOADED
from ons_bigdata.prices.sources.scraping.listings import (
    ListingLoader,
    Page,
    PageContent,
    UnreadableError,
    collected,
    state_of,
)

if TYPE_CHECKING:
    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

SCRIPT = "script#__NEXT_DATA__"
"""Where the state of a page is, unless the page itself is JSON."""

_LOADED = {**LOADED, "unit_price": "unit_price_gbp", "unit": "unit", "in_stock": "in_stock"}


def extract(file: RetailerFile, page: Page, *, is_more: bool) -> PageContent:
    """Return the products of a category's first page, or with `is_more` of an answer that carries the rest.

    Raises UnreadableError where the page has no such state or the state no such list.
    """
    state = state_of(page, SCRIPT)
    more = file.load_more
    products, cursor = file.selectors["products"], more.first_cursor if more else None
    if is_more and more is not None:
        products, cursor = more.products, more.next_cursor
    if state.jmespath(f"type({products})").get() != "array":
        raise UnreadableError(f"the state has no list {products!r}")
    nodes = state.jmespath(f"{products}[]")
    found = state.jmespath(cursor).get() if cursor else None
    is_over = found is None or found is False or found == ""
    return collected(
        [_loader(file, node) for node in nodes], cursor=None if is_over else str(found), is_empty=not nodes
    )


def _loader(file: RetailerFile, node: Selector) -> ListingLoader:
    loader = ListingLoader(selector=node)
    for key, name in _LOADED.items():
        if key in file.selectors:
            loader.add_jmes(name, file.selectors[key], re=file.patterns.get(key))
    if "unit_price" in file.selectors and not loader.get_collected_values("unit"):
        loader.add_jmes("unit_price", file.selectors["unit_price"])  # one text says both
    return loader
