"""Nodes of schema.org data: their terms and values, references between them, and the products among them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ons_bigdata.prices.sources.scraping.extraction.json_values import scalars
from ons_bigdata.prices.sources.scraping.extraction.page import address

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]

_PRODUCTS = {"product", "individualproduct", "productmodel", "someproducts", "productgroup", "dietarysupplement"} | {
    "book",
    "drug",
    "vehicle",
    "car",
}
_OTHERS_WITH_OFFERS = {
    "aggregateoffer", "offer", "service", "foodservice", "financialproduct", "trip", "creativework", "course", "movie",
    "webpage", "website", "softwareapplication", "mobileapplication", "webapplication", "videogame",
}  # fmt: skip
"""Types with offers that are no goods of a shop; so are events."""
_REFERENCE = {"@id", "@type"}
"""Properties that a reference to another node may have."""


def as_list(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    """Values of a property, which JSON-LD writes alone or as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def plain_values(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    """Return the texts and numbers of a property; of value objects their `@value`, English first."""
    found = []
    for one in as_list(value):
        if isinstance(one, dict) and "@value" in one:
            language = str(one.get("@language", "")).casefold()
            rank = 0 if language.startswith("en") else 1 if not language else 2
            found += [(rank, inner) for inner in scalars(one["@value"])]
        elif not isinstance(one, dict):
            found += [(1, inner) for inner in scalars(one)]
    return [inner for _, inner in sorted(found, key=lambda pair: pair[0])]


def term(value: object) -> str:
    """Return a type or a term of schema.org without its vocabulary, in lower case."""
    return re.split(r"[/#:]", str(value)[:200].rstrip("/"))[-1].casefold()


def types_of(node: Node) -> set[str]:
    """Types of a node without their vocabulary, in lower case."""
    return {term(one) for one in as_list(node.get("@type", node.get("type")))}


def terms_of(value: Any) -> set[str]:  # noqa: ANN401  (JSON)
    """Return the terms of a property, given as text or as a node with `@id`."""
    return {term(one.get("@id", one.get("name", "")) if isinstance(one, dict) else one) for one in as_list(value)}


def _is_product(node: Node) -> bool:
    return bool(types_of(node) & _PRODUCTS)


def nodes_of(value: Any) -> Iterator[Node]:  # noqa: ANN401  (JSON)
    """Yield every node in page order; of a product only its variants, not products like it or its brand."""
    waiting = [(value, False)]
    while waiting:
        one, is_reviewed = waiting.pop()
        if isinstance(one, list):
            waiting += [(inner, is_reviewed) for inner in reversed(one)]
        elif isinstance(one, dict):
            if not (is_reviewed and _is_product(one) and "offers" not in one):
                yield one
            if _is_product(one):
                inner = [(one[key], False) for key in ("isVariantOf", "hasVariant") if key in one]
            else:
                inner = [(part, key == "itemReviewed") for key, part in one.items()]
            waiting += reversed(inner)


@dataclass(frozen=True)
class Graph:
    """The nodes of a page by their `@id`, as absolute addresses."""

    by_id: dict[str, Node]
    base_url: str
    groups: dict[int, Node] = field(default_factory=dict)
    """Group of a variant, by the variant's identity."""
    offers: dict[int, list[Node]] = field(default_factory=dict)
    """Offers that name a product as `itemOffered`, by the product's identity."""

    def is_reference(self, node: Node) -> bool:
        """True if a node only refers to another node of the page."""
        return "@id" in node and not node.keys() - _REFERENCE and len(self.node(node)) > len(node)

    def node(self, node: Node) -> Node:
        """Return the node that is referred to; the node itself where it is none or nothing else has its `@id`."""
        return self.by_id.get(address(self.base_url, str(node["@id"])), node) if "@id" in node else node

    def nodes(self, value: Any) -> list[Node]:  # noqa: ANN401  (JSON)
        """Return the nodes of a property, references followed; texts and numbers are none."""
        found = [one for one in as_list(value) if isinstance(one, dict)]
        return [self.node(one) if self.is_reference(one) else one for one in found]


def build_graph(blocks: list[Any], base_url: str) -> Graph:
    """Collect every node with an `@id`; of several with the same id that with most properties."""
    by_id: dict[str, Node] = {}
    waiting = list(reversed(blocks))
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "@id" in one:
                place = address(base_url, str(one["@id"]))
                by_id[place] = max(by_id.get(place, one), one, key=len)
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
    return Graph(by_id, base_url)


def products_of(nodes: list[Node], graph: Graph) -> list[Node]:
    """Return the products to list: each once, variants in place of their group."""
    products: dict[int, Node] = {}
    for node in nodes:
        if not _is_product(node) or graph.is_reference(node):
            continue
        variants = [one for one in graph.nodes(node.get("hasVariant")) if one is not node]
        priced = [one for one in variants if "offers" in one]
        for variant in variants:
            graph.groups.setdefault(id(variant), node)
        if priced and not (node.get("offers") and "productgroup" not in types_of(node)):
            products |= {id(one): one for one in priced}
        elif not (id(node) in graph.groups and "offers" not in node) and not _is_named_only(node, graph):
            products[id(node)] = node
    return list(products.values())


def describe_untyped_products(nodes: list[Node]) -> list[str]:
    """Return a fault for each node with name and offers whose type is neither a product nor another known one."""
    faults = []
    for node in nodes:
        types = types_of(node)
        is_other = bool(types & _OTHERS_WITH_OFFERS) or any(one.endswith("event") for one in types)
        if "name" in node and node.get("offers") and not _is_product(node) and not is_other:
            found = ", ".join(sorted(types)) or "no type"
            name = "".join(map(str, plain_values(node["name"])[:1]))[:100]
            faults.append(f"found {found[:100]} with offers, expected a Product: {name}")
    return faults


def _is_named_only(node: Node, graph: Graph) -> bool:
    """True if a group without variants and offers only names the family of another product."""
    return types_of(node) == {"productgroup"} and "offers" not in node and not graph.nodes(node.get("hasVariant"))
