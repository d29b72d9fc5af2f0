"""Visitors of the simulated shops: one for each family of pages, with plain lxml and json.

Not with the pilot's own extraction, which is judged by what stands here.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from lxml import html

from ons_bigdata.simulation.shop_shelves import LATER_RETAILERS, RETAILERS
from ons_bigdata.simulation.shops_over_http import SimulatedShop

ALL_RETAILERS = (*RETAILERS, *LATER_RETAILERS)


@dataclass(frozen=True)
class Response:
    """Response of a shop."""

    path: str
    status: int
    headers: dict[str, str]
    text: str

    @property
    def tree(self) -> html.HtmlElement:
        return html.fromstring(self.text)


def get(shop: SimulatedShop, path: str, agent: str = "a test (+test@example.org)") -> Response:
    connection = http.client.HTTPConnection(urlsplit(shop.address).netloc, timeout=10)
    connection.request("GET", path, headers={"User-Agent": agent})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return Response(path, response.status, {name.lower(): value for name, value in response.getheaders()}, text)


# --- a visitor per page family --------------------------------------------------------------------------

Row = tuple[str | None, str, int, bool]
"""Product id, name, price in pence, in stock."""


def pence(text: str) -> int:
    return int(text[:-1]) if text.endswith("p") else round(100 * float(text.removeprefix("£")))


def alder_page(response: Response) -> tuple[list[Row], str | None]:
    rows = []
    for item in response.tree.cssselect("div.productLists > ul.products.line > li"):
        link = item.cssselect("div.desc > h3.inBasketInfoContainer > a")[0]
        product_id = item.get("id").removeprefix("p-")
        assert link.get("id") == f"h-{product_id}"
        price = item.cssselect("p.price > span.linePrice")[0].text
        rows.append((product_id, link.text, pence(price), not item.cssselect("p.unavailable")))
    return rows, next((link.get("href") for link in response.tree.cssselect("a.next[href]")), None)


def birch_page(response: Response) -> tuple[list[Row], str | None]:
    [block] = response.tree.cssselect('script[type="application/ld+json"]')
    [products] = [node for node in json.loads(block.text)["@graph"] if node["@type"] == "ItemList"]
    rows = []
    for element in products["itemListElement"]:
        product, offer = element["item"], element["item"]["offers"]
        price = offer["lowPrice"] if offer["@type"] == "AggregateOffer" else offer["price"]
        rows.append((product["sku"], product["name"], pence(price), offer["availability"].endswith("/InStock")))
    return rows, next((link.get("href") for link in response.tree.cssselect("link[rel=next]")), None)


def cedar_page(response: Response) -> tuple[list[Row], str | None]:
    if response.text.startswith("{"):
        state, [category] = json.loads(response.text), parse_qs(urlsplit(response.path).query)["category"]
    else:
        [block] = response.tree.cssselect("script#__NEXT_DATA__")
        state = json.loads(block.text)["props"]["pageProps"]
        category = state["category"]["id"]
    rows = [
        (one["id"], one["name"], round(100 * one["price"]["amount"]), one["available"]) for one in state["products"]
    ]
    cursor = state["nextCursor"]
    following = f"/api/products?category={category}&cursor={cursor}&size=40" if cursor else None
    return rows, following


def damson_page(response: Response) -> tuple[list[Row], str | None]:
    rows = []
    for item in response.tree.xpath("//*[@itemtype='https://schema.org/Product']"):
        product_id, name = item.xpath("meta[@itemprop='sku']/@content")[0], item.xpath(".//h3[@itemprop='name']")[0]
        [offer] = item.xpath("*[@itemtype='https://schema.org/Offer']")
        price = offer.xpath("span[@itemprop='price']/@content")[0]
        stock = offer.xpath("link[@itemprop='availability']/@href")[0]
        rows.append((product_id, name.text, pence(price), stock.endswith("/InStock")))
    return rows, next((link.get("href") for link in response.tree.cssselect("link[rel=next]")), None)


PAGES = {
    "sim-alder": ("nav#departments a[href]", alder_page),
    "sim-birch": ("ul.category-menu a", birch_page),
    "sim-cedar": (None, cedar_page),
    "sim-damson": ("nav.aisles a", damson_page),
}


def navigation(shop: SimulatedShop) -> dict[str, str]:
    """Return the address of each category by its name."""
    home = get(shop, "/").tree
    links = PAGES[shop.retailer][0]
    if links is not None:
        return {link.text_content(): link.get("href") for link in home.cssselect(links)}
    state = json.loads(home.cssselect("script#__NEXT_DATA__")[0].text)
    return {one["name"]: f"/browse/{one['slug']}" for one in state["props"]["pageProps"]["categories"]}


def visit(shop: SimulatedShop, path: str) -> list[Row]:
    """Return every listing of a category."""
    rows: list[Row] = []
    following: str | None = path
    while following:
        response = get(shop, following)
        if response.status == 500:  # once
            response = get(shop, following)
        assert response.status == 200, following
        more, following = PAGES[shop.retailer][1](response)
        rows += more
    return rows


def true_shelves(shop: SimulatedShop, day: int) -> dict[int, list[Row]]:
    """Return every listing of the truth by item, as a visitor should find it."""
    on_day = shop.world.shelves.filter(retailer=shop.retailer, day=day)
    shows_ids = shop.retailer != "sim-cedar"
    rows: dict[int, list[Row]] = {}
    for item, number, *row in on_day.select(
        "item_number", "listings", "product_id", "product_name", "price_pence", "in_stock"
    ).iter_rows():
        rows.setdefault(item, []).extend([(row[0] if shows_ids else None, *row[1:])] * number)
    return rows
