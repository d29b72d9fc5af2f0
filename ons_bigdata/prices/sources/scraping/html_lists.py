"""Category lists in plain HTML: products by CSS selectors of the retailer file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.prices.sources.scraping.listings import ListingLoader, Page, PageContent, address, collected

if TYPE_CHECKING:
    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

LOADED = {
    "id": "product_id",
    "name": "product_name",
    "price": "price_gbp",
    "unit_price": "unit_price",
    "promotion": "promotion",
    "was_price": "was_price_gbp",
    "loyalty_price": "loyalty_price_gbp",
    "multibuy": "multibuy",
    "url": "url",
}
"""Selector of the retailer file → field of a listing."""


def extract(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that match `selectors.product`, each read by the other selectors, and the next page."""
    tree = page.selector()
    loaders = [_loader(file, node, page) for node in tree.css(file.selectors["product"])]
    return collected(loaders, next_url=next_page(file, page, tree), is_empty=says_empty(file, tree))


def next_page(file: RetailerFile, page: Page, tree: Selector) -> str | None:
    """Return the address of the following page, if the page links one."""
    wanted = file.selectors.get("next_page")
    if wanted is None:
        return None
    found = tree.css(wanted if "::" in wanted else f"{wanted}::attr(href)").get()
    return address(page.url, found) if found else None


def says_empty(file: RetailerFile, tree: Selector) -> bool:
    """Tell whether the page says itself that its shelf is empty."""
    wanted = file.selectors.get("empty")
    return wanted is not None and bool(tree.css(wanted))


def _loader(file: RetailerFile, node: Selector, page: Page) -> ListingLoader:
    loader = ListingLoader(selector=node)
    for key, name in LOADED.items():
        if key in file.selectors:
            css = file.selectors[key]
            if key == "url" and "::" not in css:
                css = f"{css}::attr(href)"
            loader.add_css(name, css, re=file.patterns.get(key))
    if url := loader.get_collected_values("url"):
        loader.replace_value("url", address(page.url, url[0]))
    if "out_of_stock" in file.selectors:
        loader.add_value("in_stock", not node.css(file.selectors["out_of_stock"]))
    return loader
