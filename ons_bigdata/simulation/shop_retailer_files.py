"""Retailer files of the simulated shops: configuration of a scraper for each, as plain YAML.

The keys are described in docs/prices/collection/scraping.md; this module does not import the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from ons_bigdata.simulation.shop_products import ITEMS
from ons_bigdata.simulation.shop_shelves import shelf_name

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.simulation.shops_over_http import SimulatedShop, SimulatedShops

REQUEST_BUDGET = 2_000

_PAGES: dict[str, dict[str, object]] = {
    "sim-alder": {
        "page_kind": "html_list",
        "navigation": {"start": "/", "links": "nav#departments a", "attribute": "href"},
        "selectors": {
            "product": "div.productLists > ul.products > li",
            "id": "::attr(id)",
            "name": "div.desc h3.inBasketInfoContainer > a::text",
            "price": "p.price > span.linePrice::text",
            "unit_price": "p.price > span.linePriceAbbr::text",
            "promotion": "div.promo a.promoFlyout::attr(title)",
            "loyalty_price": "span.clubPrice::text",
            "out_of_stock": "p.unavailable",
            "url": "h3.inBasketInfoContainer > a",
            "next_page": "a.next",
        },
        "patterns": {"id": "^p-(.+)$"},
    },
    "sim-birch": {
        "page_kind": "json_ld",
        "navigation": {"start": "/", "links": "ul.category-menu a", "attribute": "href"},
        "selectors": {"next_page": "link[rel=next]"},
    },
    "sim-cedar": {
        "page_kind": "next_data",
        "navigation": {
            "start": "/",
            "state": "props.pageProps.categories",
            "name": "name",
            "path": "/browse/{slug}",
        },
        "selectors": {
            "products": "props.pageProps.products",
            "id": "id",
            "name": "name",
            "price": "price.amount",
            "unit_price": "price.unitAmount",
            "unit": "price.unitMeasure",
            "promotion": "promotion.text",
            "was_price": "promotion.was",
            "loyalty_price": "memberPrice",
            "in_stock": "available",
        },
        "load_more": {
            "path": "/api/products?category={id}&cursor={cursor}&size=40",
            "products": "products",
            "first_cursor": "props.pageProps.nextCursor",
            "next_cursor": "nextCursor",
        },
    },
    "sim-damson": {
        "page_kind": "microdata",
        "navigation": {"start": "/", "links": "nav.aisles a", "attribute": "href"},
        "selectors": {"next_page": "link[rel=next]"},
    },
}


def retailer_file(shop: SimulatedShop) -> dict[str, object]:
    """Return the content of a shop's retailer file, with its real address and its shelves before any renaming."""
    return {
        "retailer": shop.retailer,
        "name": f"Simulated {shop.retailer.removeprefix('sim-').capitalize()}",
        "site": shop.address,
        "contact": "operator@localhost",  # no contact is needed for a simulated site
        "contact_reason": "",
        "clock": "site",
        "delay_s": 0,
        "allowed_hours": ["05:00", "12:00"],
        "request_budget": REQUEST_BUDGET,
        **_PAGES[shop.retailer],
        "categories": [
            {"item_number": item.number, "item_name": item.name, "category": _category(shop, item.number)}
            for item in ITEMS
        ],
    }


def _category(shop: SimulatedShop, item_number: int) -> str:
    """Name of a shelf in the retailer file on the shop's day.

    The operator has corrected the names of shelves that were renamed on earlier days, but not on this day.
    """
    item = next(item for item in ITEMS if item.number == item_number)
    for event in shop.world.events:
        is_mended = event.kind == "category_renamed" and event.last_day < shop.day
        if is_mended and (event.retailer, event.item_number) == (shop.retailer, item_number):
            return str(event.category_after)
    return shelf_name(shop.retailer, item)


def write_retailer_files(folder: Path, shops: SimulatedShops) -> list[Path]:
    """Write `<folder>/<retailer>.yaml` for each open shop; return the paths. The same name is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for shop in shops:
        path = folder / f"{shop.retailer}.yaml"
        path.write_text(yaml.safe_dump(retailer_file(shop), sort_keys=False, allow_unicode=True), encoding="utf-8")
        paths.append(path)
    return paths
