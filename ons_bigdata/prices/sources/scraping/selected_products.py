"""Products by selectors of the retailer file: CSS in HTML lists, JMESPath in embedded state and JSON answers."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import jmespath

from ons_bigdata.prices.sources.scraping.listings import (
    LONGEST_TEXT,
    Page,
    PageContent,
    ProductTexts,
    UnreadableError,
    address,
    following_address,
    page_content,
    scalars,
    state_of,
    text_of,
    text_within,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

SCRIPT = "script#__NEXT_DATA__"
"""Selector of the state of a page, unless the page itself is JSON."""

FIELDS = ("id", "name", "price", "unit_price", "promotion", "was_price", "loyalty_price", "multibuy", "url")
"""Selectors of both families; the id becomes `product_id`."""

_PRICES = {"price", "was_price", "loyalty_price"}


def extract_html(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that match `selectors.product`, each read by the other selectors, and the next page."""
    tree = page.selector()
    products = [partial(_html_product, file, node, page) for node in tree.css(file.selectors["product"])]
    return page_content(file, products, next_url=next_page(file, page, tree), is_empty=states_empty(file, tree))


def extract_state(file: RetailerFile, page: Page, *, is_more: bool) -> PageContent:
    """Return the products of a category's first page, or with `is_more` of an answer that carries the rest.

    Raises UnreadableError where the page has no such state or the state no such list.
    """
    state = state_of(page, SCRIPT)
    more = file.load_more
    products, cursor = file.selectors["products"], more.first_cursor if more else None
    if is_more and more is not None:
        products, cursor = more.products, more.next_cursor
    nodes = search(products, state)
    if not isinstance(nodes, list):
        raise UnreadableError(f"the state has no list {products!r}")
    rest = search(cursor, state) if cursor else None
    is_over = rest is None or rest is False or rest == ""
    return page_content(
        file,
        [partial(_state_product, file, node) for node in nodes],
        cursor=None if is_over else str(rest),
        is_empty=not nodes,
    )


def search(expression: str, value: Any) -> Any:  # noqa: ANN401  (JSON)
    """Return what a JMESPath finds. Raises UnreadableError where it meets a value of another type."""
    try:
        return jmespath.search(expression, value)
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableError(f"{expression!r}: {error}") from error


def next_page(file: RetailerFile, page: Page, tree: Selector) -> str | None:
    """Address of the following page, if the page links to it."""
    selector = file.selectors.get("next_page")
    if selector is None:
        return None
    return following_address(page, tree.css(selector if "::" in selector else f"{selector}::attr(href)").getall())


def states_empty(file: RetailerFile, tree: Selector) -> bool:
    """True if the page states that its shelf is empty."""
    selector = file.selectors.get("empty")
    return selector is not None and bool(tree.css(selector))


def _html_product(file: RetailerFile, node: Selector, page: Page) -> ProductTexts:
    texts = ProductTexts()
    for key in FIELDS:
        if key in file.selectors:
            css = file.selectors[key]
            if key == "url" and "::" not in css:
                css = f"{css}::attr(href)"
            values = _cut(file.patterns.get(key), _html_values(node, css, is_price=key in _PRICES))
            setattr(texts, "product_id" if key == "id" else key, values)
    texts.url = [address(page.base_url, one) for one in texts.url[:1]]
    if "out_of_stock" in file.selectors:
        texts.in_stock = [not node.css(file.selectors["out_of_stock"])]
    return texts


def _html_values(node: Selector, css: str, *, is_price: bool) -> list[str]:
    values = []
    for found in node.css(css):
        root = found.root
        if isinstance(root, str):
            parent = root.getparent() if is_price and hasattr(root, "getparent") else None
            values.append(str(root) if parent is None else text_within(str(root), parent, node.root))
        elif is_price:
            values.append(text_of(root, within=node.root))
        else:
            values.append(words("".join(root.itertext())) or "")
    return [one for one in values if one.strip()]


def _cut(pattern: str | None, values: list[Any]) -> list[Any]:
    """First group of a pattern in each value, else the whole match; values without a match are left out."""
    if pattern is None:
        return values
    found = (re.search(pattern, str(one)[:LONGEST_TEXT]) for one in values)
    return [one[1] if one.re.groups else one[0] for one in found if one is not None and one[0]]


def _state_product(file: RetailerFile, node: Any) -> ProductTexts:  # noqa: ANN401  (JSON)
    def values(key: str) -> Iterator[Any]:
        return scalars(search(file.selectors[key], node)) if key in file.selectors else iter(())

    texts = ProductTexts()
    for key in (*FIELDS, "unit"):
        setattr(texts, "product_id" if key == "id" else key, _cut(file.patterns.get(key), list(values(key))))
    texts.in_stock = _cut(file.patterns.get("in_stock"), list(values("in_stock")))
    if texts.unit:
        texts.unit_amount, texts.unit_price = texts.unit_price, []
    return texts
