"""Products that schema.org describes, as JSON-LD or microdata; extruct reads them from the page.

Shapes met in shops: `@graph`, lists at the top, `ItemList`, one offer or several, `AggregateOffer`, prices in
`priceSpecification`, unit prices by `referenceQuantity`, nodes that stand elsewhere on the page and are referred to by
their `@id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extruct.jsonld import JsonLdExtractor
from extruct.w3cmicrodata import MicrodataExtractor

from ons_bigdata.prices.sources.scraping.html_lists import next_page, says_empty
from ons_bigdata.prices.sources.scraping.listings import (
    ListingLoader,
    Page,
    PageContent,
    UnreadableError,
    address,
    collected,
    words,
)
from ons_bigdata.prices.sources.scraping.price_texts import price_gbp, unit

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
    graph = _graph(blocks, page.url)
    for product in _products(blocks, graph):
        try:
            loaders.append(_loader(product, page, graph))
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


@dataclass(frozen=True)
class _Graph:
    """The nodes of a page by their `@id`, as absolute addresses."""

    by_id: dict[str, Node]
    page_url: str

    def is_reference(self, node: Node) -> bool:
        """Tell whether a node only names another one that stands elsewhere on the page."""
        return "@id" in node and not node.keys() - _REFERENCE and len(self.node(node)) > len(node)

    def node(self, node: Node) -> Node:
        """Return the node that is referred to, the node itself where it is none or nothing else has its `@id`."""
        return self.by_id.get(address(self.page_url, str(node["@id"])), node) if "@id" in node else node

    def nodes(self, value: Any) -> list[Node]:  # noqa: ANN401  (JSON)
        """Return the nodes of a property, references followed; texts and numbers are none."""
        found = [one for one in _listed(value) if isinstance(one, dict)]
        return [self.node(one) if self.is_reference(one) else one for one in found]


_REFERENCE = {"@id", "@type"}
"""All that a reference may say."""


def _graph(blocks: list[Any], page_url: str) -> _Graph:
    """Find every node with an `@id`; of several with one id the one that says most."""
    by_id: dict[str, Node] = {}
    waiting = list(reversed(blocks))
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "@id" in one:
                place = address(page_url, str(one["@id"]))
                by_id[place] = max(by_id.get(place, one), one, key=len)
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
    return _Graph(by_id, page_url)


def _products(blocks: list[Any], graph: _Graph) -> Iterator[Node]:
    return (node for node in _nodes(blocks) if "product" in _types(node) and not graph.is_reference(node))


def _loader(product: Node, page: Page, graph: _Graph) -> ListingLoader:
    loader = ListingLoader()
    loader.add_value("product_id", product.get("sku") or product.get("productID") or product.get("gtin13"))
    loader.add_value("product_name", product.get("name"))
    if isinstance(product.get("url"), str):
        loader.add_value("url", address(page.url, product["url"]))
    for extra in graph.nodes(product.get("additionalProperty")):
        name = str(extra.get("name", "")).casefold()
        if name in {"multibuy", "promotion"}:
            loader.add_value(name, extra.get("value"))
    offers = graph.nodes(product.get("offers"))
    _check_currency(offers, product, graph)
    for offer in offers:
        if priced := _priced(offer, product, graph):
            _add_offer(loader, priced[0], graph)
            break
    return loader


def _check_currency(nodes: list[Node], product: Node, graph: _Graph) -> None:
    """Raise UnreadableError for an offer, or a price within one, that is not in GBP."""
    for node in nodes:
        currency = node.get("priceCurrency")
        if currency not in (None, "", "GBP"):
            raise UnreadableError(f"price in {currency}, expected GBP: {product.get('name')}")
        if "priceSpecification" in node:
            _check_currency(graph.nodes(node["priceSpecification"]), product, graph)


def _priced(offer: Node, product: Node, graph: _Graph) -> tuple[Node, float] | None:
    """Return the offer with its price; of an AggregateOffer without one, its lowest offer. None where none has one."""
    price = _price_of(offer, graph)
    if price is not None or "aggregateoffer" not in _types(offer):
        return None if price is None else (offer, price)
    within = [one for one in graph.nodes(offer.get("offers")) if "aggregateoffer" not in _types(one)]
    _check_currency(within, product, graph)
    found = [(one, amount) for one in within if (amount := _price_of(one, graph)) is not None]
    return min(found, key=lambda one: one[1], default=None)


def _price_of(offer: Node, graph: _Graph) -> float | None:
    """Return the price asked now, in GBP: the offer's own, the lowest it names, or that of a specification."""
    said = [*_listed(offer.get("price")), *_listed(offer.get("lowPrice"))]
    for specification in graph.nodes(offer.get("priceSpecification")):
        if _field_of(specification) == "price_gbp":
            said += _listed(specification.get("price"))
    return next((amount for one in said if (amount := price_gbp(words(one))) is not None), None)


def _add_offer(loader: ListingLoader, offer: Node, graph: _Graph) -> None:
    """Take price, unit price, other prices and stock from one and the same offer."""
    loader.add_value("price_gbp", _price_of(offer, graph))
    loader.add_value("in_stock", offer.get("availability"))
    for specification in graph.nodes(offer.get("priceSpecification")):
        field = _field_of(specification)
        if field == "price_gbp":
            continue
        loader.add_value(field, specification.get("price"))
        if field == "unit_price_gbp":
            (per, *_) = graph.nodes(specification["referenceQuantity"])
            loader.add_value("unit", unit(per.get("unitCode") or per.get("unitText"), per.get("value")))


def _field_of(specification: Node) -> str:
    """Say of what a specification is the price: the unit, an earlier day, members, or the product."""
    kinds = {str(kind).rsplit("/", 1)[-1].casefold() for kind in _listed(specification.get("priceType"))}
    if any(isinstance(one, dict) for one in _listed(specification.get("referenceQuantity"))):
        return "unit_price_gbp"
    if kinds & _EARLIER:
        return "was_price_gbp"
    return "loyalty_price_gbp" if specification.get("validForMemberTier") else "price_gbp"
