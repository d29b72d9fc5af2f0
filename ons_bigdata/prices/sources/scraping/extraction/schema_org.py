"""Products described by schema.org, as JSON-LD, microdata or RDFa.

Nodes elsewhere on a page are followed by their `@id`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ons_bigdata.prices.sources.scraping.extraction.json_ld import json_ld_blocks
from ons_bigdata.prices.sources.scraping.extraction.listings import ProductTexts, page_content
from ons_bigdata.prices.sources.scraping.extraction.microdata import microdata_items
from ons_bigdata.prices.sources.scraping.extraction.offers import add_offer, offers_of
from ons_bigdata.prices.sources.scraping.extraction.page import Page, PageContent, address, words
from ons_bigdata.prices.sources.scraping.extraction.rdfa import rdfa_items
from ons_bigdata.prices.sources.scraping.extraction.schema_graph import (
    Graph,
    Node,
    build_graph,
    describe_untyped_products,
    nodes_of,
    plain_values,
    products_of,
    types_of,
)
from ons_bigdata.prices.sources.scraping.extraction.selected_products import next_page, states_empty

if TYPE_CHECKING:
    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile


def extract_json_ld(file: RetailerFile, page: Page) -> PageContent:
    """Products of the page's JSON-LD.

    Comments, CDATA, a trailing `;` and trailing commas are skipped; a block that is not JSON even then is one failure,
    and the other blocks of the page are read.
    """
    tree = page.selector()
    blocks, failures = json_ld_blocks(tree)
    return _content(file, page, tree, blocks, failures)


def extract_microdata(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that the page's elements carry as `itemscope`."""
    tree = page.selector()
    return _content(file, page, tree, microdata_items(tree.root, page.base_url), [])


def extract_rdfa(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that the page's elements carry as `typeof`."""
    tree = page.selector()
    return _content(file, page, tree, rdfa_items(tree.root, page.base_url), [])


def _content(file: RetailerFile, page: Page, tree: Selector, blocks: list[Any], failures: list[str]) -> PageContent:
    graph = build_graph(blocks, page.base_url)
    nodes = list(nodes_of(blocks))
    for offer in nodes:
        for product in graph.nodes(offer.get("itemOffered")):
            graph.offers.setdefault(id(product), []).append(offer)
    products = [partial(_product, product, page, graph) for product in products_of(nodes, graph)]
    lists = [node for node in nodes if "itemlist" in types_of(node)]
    is_empty = bool(lists) and not any(node.get("itemListElement") for node in lists)
    return page_content(
        file,
        products,
        [*failures, *describe_untyped_products(nodes)],
        next_url=next_page(file, page, tree),
        is_empty=is_empty or states_empty(file, tree),
    )


def _product(product: Node, page: Page, graph: Graph) -> ProductTexts:
    group = graph.groups.get(id(product), {})
    texts = ProductTexts(
        product_id=[
            *plain_values(product.get("sku")),
            *plain_values(product.get("productID")),
            *plain_values(product.get("gtin13")),
        ],
        name=plain_values(product.get("name")) or plain_values(group.get("name")),
        url=[address(page.base_url, str(one)) for one in plain_values(product.get("url"))[:1]],
    )
    for extra in graph.nodes(product.get("additionalProperty")):
        name = "".join(map(str, plain_values(extra.get("name"))[:1])).casefold()
        if name in {"multibuy", "promotion"}:
            getattr(texts, name).extend(plain_values(extra.get("value")))
    add_offer(texts, offers_of(product, page, graph), words(next(iter(texts.name), None)))
    return texts
