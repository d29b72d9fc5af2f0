"""Products that schema.org describes, as JSON-LD or microdata; extruct reads them from the page.

Shapes met in shops: `@graph`, lists at the top, `ItemList`, one offer or several, `AggregateOffer`, prices in
`priceSpecification`, unit prices by `referenceQuantity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from extruct.jsonld import JsonLdExtractor
from extruct.w3cmicrodata import MicrodataExtractor

from ons_bigdata.prices.sources.scraping.html_lists import next_page, says_empty
from ons_bigdata.prices.sources.scraping.listings import ListingLoader, Page, PageContent, UnreadableError, collected
from ons_bigdata.prices.sources.scraping.price_texts import unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

Node = dict[str, Any]

_EARLIER = {"strikethroughprice", "listprice", "msrp", "srp"}
"""Kinds of price (PriceTypeEnumeration) that are not the price asked now."""


def extract_json_ld(file: RetailerFile, page: Page) -> PageContent:
    """Return the products of the page's JSON-LD.

    extruct reads past comments and trailing commas; a block that even so is no JSON is one failure, and the other
    blocks of the page are read.
    """
    tree = page.selector()
    blocks, failures = _blocks(tree)
    return _content(file, page, tree, blocks, failures)


def extract_microdata(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that the page's elements carry as `itemscope`."""
    tree = page.selector()
    items = MicrodataExtractor().extract_items(tree.root, base_url=page.url)
    return _content(file, page, tree, [_plain(item) for item in items], [])


def _blocks(tree: Selector) -> tuple[list[Any], list[str]]:
    blocks: list[Any] = []
    failures = []
    for number, script in enumerate(tree.css('script[type="application/ld+json"]'), start=1):
        try:
            blocks += JsonLdExtractor().extract_items(script.root)
        except ValueError as error:
            failures.append(f"JSON-LD block {number} is not JSON: {error}")
    return blocks, failures


def _content(file: RetailerFile, page: Page, tree: Selector, blocks: list[Any], failures: list[str]) -> PageContent:
    loaders = []
    for product in _products(blocks):
        try:
            loaders.append(_loader(product, page))
        except UnreadableError as error:
            failures.append(str(error))
    lists = [node for node in _nodes(blocks) if "itemlist" in _types(node)]
    is_empty = bool(lists) and not any(node.get("itemListElement") for node in lists)
    return collected(
        loaders,
        failures=failures,
        next_url=next_page(file, page, tree),
        is_empty=is_empty or says_empty(file, tree),
    )


def _plain(item: Any) -> Any:  # noqa: ANN401  (microdata: an item, a list, a text)
    """Return a microdata item in the shape that JSON-LD has."""
    if isinstance(item, list):
        return [_plain(one) for one in item]
    if not isinstance(item, dict):
        return item
    properties = {name: _plain(value) for name, value in item.get("properties", {}).items()}
    return {"@type": item.get("type"), **properties, **({"@id": item["id"]} if "id" in item else {})}


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _types(node: Node) -> set[str]:
    """Return the types of a node without their vocabulary, in lower case."""
    return {str(one).rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].casefold() for one in _listed(node.get("@type"))}


def _nodes(value: Any) -> Iterator[Node]:  # noqa: ANN401  (JSON)
    """Yield every node; not what lies within a product (products like it, its brand)."""
    if isinstance(value, list):
        for one in value:
            yield from _nodes(one)
    elif isinstance(value, dict):
        yield value
        if "product" not in _types(value):
            for one in value.values():
                yield from _nodes(one)


def _products(blocks: list[Any]) -> Iterator[Node]:
    return (node for node in _nodes(blocks) if "product" in _types(node))


def _loader(product: Node, page: Page) -> ListingLoader:
    loader = ListingLoader()
    loader.add_value("product_id", product.get("sku") or product.get("productID") or product.get("gtin13"))
    loader.add_value("product_name", product.get("name"))
    if isinstance(product.get("url"), str):
        loader.add_value("url", urljoin(page.url, product["url"]))
    for extra in _listed(product.get("additionalProperty")):
        if isinstance(extra, dict) and str(extra.get("name", "")).casefold() in {"multibuy", "promotion"}:
            loader.add_value("multibuy" if extra["name"].casefold() == "multibuy" else "promotion", extra.get("value"))
    _add_offer(loader, [offer for offer in _listed(product.get("offers")) if isinstance(offer, dict)], product)
    return loader


def _add_offer(loader: ListingLoader, offers: list[Node], product: Node) -> None:
    """Take price, unit price and stock from the first offer that has a price; of an AggregateOffer the lowest."""
    for offer in offers:
        currency = offer.get("priceCurrency")
        if currency not in {None, "", "GBP"}:
            raise UnreadableError(f"price in {currency}, expected GBP: {product.get('name')}")
    for offer in offers:
        if "aggregateoffer" in _types(offer) and offer.get("lowPrice") is None:
            _add_offer(loader, [one for one in _listed(offer.get("offers")) if isinstance(one, dict)], product)
            continue
        loader.add_value("price_gbp", offer.get("price"))
        loader.add_value("price_gbp", offer.get("lowPrice"))
        loader.add_value("in_stock", offer.get("availability"))
        for specification in _listed(offer.get("priceSpecification")):
            if isinstance(specification, dict):
                _add_specification(loader, specification)


def _add_specification(loader: ListingLoader, specification: Node) -> None:
    price, quantity = specification.get("price"), specification.get("referenceQuantity")
    kinds = {str(kind).rsplit("/", 1)[-1].casefold() for kind in _listed(specification.get("priceType"))}
    if isinstance(quantity, dict):
        measure = quantity.get("unitCode") or quantity.get("unitText")
        loader.add_value("unit_price_gbp", price)
        loader.add_value("unit", unit(measure, quantity.get("value")))
    elif kinds & _EARLIER:
        loader.add_value("was_price_gbp", price)
    elif specification.get("validForMemberTier"):
        loader.add_value("loyalty_price_gbp", price)
    else:
        loader.add_value("price_gbp", price)
