"""The simulated shops over real HTTP: every product of the truth is on a page; manners, clock, retailer files."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import polars as pl
import pytest
import yaml

from ons_bigdata.simulation.shop_days import UNKNOWN_SHELVES, slug_of
from ons_bigdata.simulation.shop_products import ITEMS
from ons_bigdata.simulation.shop_retailer_files import write_retailer_files
from ons_bigdata.simulation.shop_shelves import RETAILERS
from ons_bigdata.simulation.shops_over_http import SimulatedShops, keep_shops_open, serve_shops
from tests.simulation.visitors import ALL_RETAILERS, alder_page, get, navigation, true_shelves, visit

QUIET, LAST_BUT_ONE, LAST = 25, 26, 27


@pytest.mark.parametrize("retailer", ALL_RETAILERS)
def test_every_product_of_the_truth_is_on_a_page_and_nothing_else(shop_on, retailer):
    shop = shop_on(QUIET, retailer)
    shelves = navigation(shop)
    names = {item.number: item.category for item in ITEMS}
    if retailer == "sim-birch":
        names |= {210302: "Biscuits and Crackers", 210111: "Bread rolls and wraps"}
    assert set(shelves) == set(names.values()) | set(UNKNOWN_SHELVES)
    truth = true_shelves(shop, QUIET)
    for item_number, name in names.items():
        assert Counter(visit(shop, shelves[name])) == Counter(truth[item_number]), name


def test_each_family_of_pages_shows_offers_and_unit_prices(on_day):
    shops = on_day(QUIET)
    shelf = get(shops["sim-alder"], "/shelf/everyday-tea")
    assert "/100g)</span>" in shelf.text
    assert "/l)</span>" in get(shops["sim-alder"], "/shelf/cola").text
    whole = "".join(get(shops["sim-alder"], f"/shelf/{slug_of(item.category)}").text for item in ITEMS)
    for text in ("Was £", "3 for £", "Any 2 for £", "Club price £", 'class="limitedLife"', 'class="unavailable"'):
        assert text in whole, text
    birch = "".join(get(shops["sim-birch"], f"/c/{slug_of(item.category)}").text for item in ITEMS[2:])
    for text in ('"StrikethroughPrice', "AggregateOffer", '"multibuy"', '"GRM"', "/OutOfStock"):
        assert text.strip('"') in birch, text
    cedar = "".join(get(shops["sim-cedar"], f"/browse/{slug_of(item.category)}").text for item in ITEMS[2:])
    for text in ('"memberPrice": 1', '"unitMeasure": "100g"', "% Off", '"available": false', '"id": null'):
        assert text in cedar, text


@pytest.mark.parametrize("category", ["Lager", "Dried Pasta", "Apples and Pears"])
def test_a_page_and_a_file_of_the_same_day_agree(archive, quotes, category):
    """Name, price and unit price: so that a series goes on from the last file to the first page."""
    filed = quotes.filter(retailer="sim-cedar", category=category, collected_on=date(2016, 5, 27))
    with serve_shops(archive.world, retailers=["sim-cedar"], day=QUIET) as shops:
        response = get(shops["sim-cedar"], f"/browse/{slug_of(category)}")
    state = json.loads(response.tree.cssselect("script#__NEXT_DATA__")[0].text)["props"]["pageProps"]
    assert state["nextCursor"] is None  # a small shelf is one page
    shown = [
        (one["name"], one["price"]["amount"], one["price"]["unitAmount"], one["price"]["unitMeasure"])
        for one in state["products"]
        if one["available"]
    ]
    units = {"100 g": "100g", "1 l": "l", "1 each": "each"}
    told = filed.select("product_name", "price_gbp", "unit_price", pl.col("unit").replace_strict(units))
    assert filed.height > 15
    assert sorted(shown) == sorted(told.rows())


@pytest.mark.parametrize(
    ("retailer", "path"), [("sim-alder", "/product/{}"), ("sim-birch", "/p/{}"), ("sim-damson", "/p/{}")]
)
def test_products_have_pages_of_their_own(shop_on, retailer, path):
    shop = shop_on(QUIET, retailer)
    product_id, name, _, _ = true_shelves(shop, QUIET)[310421][0]
    response = get(shop, path.format(product_id))
    assert name in response.tree.text_content()
    assert get(shop, path.format("none")).status == 404


@pytest.mark.parametrize(
    ("retailer", "path"),
    [
        ("sim-alder", "/shelf/nothing"),
        ("sim-alder", "/shelf/cola?page=9"),
        ("sim-alder", "/shelf/cola?page=0"),
        ("sim-alder", "/nothing"),
        ("sim-birch", "/c/cola?page=x"),
        ("sim-birch", "/browse/cola"),
        ("sim-cedar", "/api/products?category=cat-nothing&cursor=40"),
        ("sim-cedar", "/api/products?category=cat-cola"),
        ("sim-cedar", "/api/products?category=cat-cola&cursor=40&size=999"),
        ("sim-damson", "/aisle/"),
    ],
)
def test_an_unknown_address_is_404(shop_on, retailer, path):
    assert get(shop_on(QUIET, retailer), path).status == 404


# --- manners and clock ----------------------------------------------------------------------------------


@pytest.mark.parametrize("retailer", ALL_RETAILERS)
def test_robots_are_asked_to_keep_away_from_baskets_and_to_wait(shop_on, retailer):
    shop = shop_on(QUIET, retailer)
    robots = RobotFileParser()
    robots.parse(get(shop, "/robots.txt").text.splitlines())
    assert robots.crawl_delay("anyone") == 1
    assert not robots.can_fetch("anyone", "/basket")
    assert not robots.can_fetch("anyone", "/account")
    assert robots.can_fetch("anyone", "/shelf/cola")


def test_the_crawl_delay_can_be_left_out(world):
    with serve_shops(world, retailers=["sim-alder"], crawl_delay_s=0) as shops:
        assert "Crawl-delay" not in get(shops["sim-alder"], "/robots.txt").text


def test_the_date_header_is_the_shops_time_and_goes_on(shop_on):
    shop = shop_on(LAST, "sim-birch")
    times = [parsedate_to_datetime(get(shop, "/").headers["date"]) for _ in range(3)]
    assert times[0] == datetime(2016, 5, 29, 7, 0, 1, tzinfo=UTC)  # 08:00 in London
    assert times == sorted(set(times))
    shop._responses = 1_000_000
    assert parsedate_to_datetime(get(shop, "/").headers["date"]) < datetime(2016, 5, 29, 8, tzinfo=UTC)


def test_visits_are_kept(shop_on):
    shop = shop_on(QUIET, "sim-alder")
    get(shop, "/shelf/cola?page=2", agent="ons_bigdata/0 (+me@example.org)")
    get(shop, "/nowhere")
    assert [(one.path, one.status) for one in shop.visits] == [("/shelf/cola?page=2", 200), ("/nowhere", 404)]
    assert shop.visits[0].user_agent == "ons_bigdata/0 (+me@example.org)"
    assert shop.visits[0].at <= shop.visits[1].at


def test_many_visitors_at_once_are_served(shop_on):
    shop = shop_on(QUIET, "sim-alder")
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(len(alder_page(get(shop, "/shelf/cola"))[0]))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [48] * 8


def test_sim_damson_is_served_only_when_it_is_asked_for(world):
    with serve_shops(world) as shops:
        assert set(shops.addresses) == set(RETAILERS)
        assert shops.day == 0


def test_unknown_retailers_and_days_are_errors(world, shops):
    with (
        pytest.raises(ValueError, match="retailer 'sim-elm' is not in this world"),
        serve_shops(world, retailers=["sim-elm"]),
    ):
        pass
    with pytest.raises(ValueError, match="day is 28; expected 0 to 27"):
        shops.day = 28


def test_a_shop_that_cannot_open_closes_the_open_shops(world):
    with serve_shops(world, retailers=["sim-birch"]) as taken:
        port = urlsplit(taken["sim-birch"].address).port
        with (
            pytest.raises(OSError, match="in use"),
            serve_shops(world, retailers=["sim-alder", "sim-birch"], ports={"sim-birch": port}),
        ):
            pass
    assert not [thread for thread in threading.enumerate() if thread.name == "sim-alder" and not thread.is_alive()]


def test_shops_stay_open_until_they_are_closed(world):
    stop, opened, addresses = threading.Event(), threading.Event(), []

    def tell(shops: SimulatedShops) -> None:
        addresses.extend(shops.addresses.values())
        opened.set()

    keeper = threading.Thread(
        target=keep_shops_open,
        args=(world,),
        kwargs={"day": LAST, "stop": stop, "opened": tell, "retailers": ["sim-alder"]},
    )
    keeper.start()
    assert opened.wait(10)
    port = urlsplit(addresses[0]).port
    assert http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect() is None
    stop.set()
    keeper.join(10)
    assert not keeper.is_alive()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()


# --- retailer files -------------------------------------------------------------------------------------


def test_a_retailer_file_names_address_pages_and_every_item(on_day, tmp_path):
    shops = on_day(QUIET)
    paths = write_retailer_files(tmp_path / "retailers", shops)
    assert [path.name for path in paths] == [f"{retailer}.yaml" for retailer in ALL_RETAILERS]
    for path in paths:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        shop = shops[told["retailer"]]
        assert told["site"] == shop.address
        assert (told["clock"], told["delay_s"], told["contact_reason"]) == ("site", 0, "")
        shelves = navigation(shop)
        assert len(told["categories"]) == 35
        assert {one["category"] for one in told["categories"]} == set(shelves) - set(UNKNOWN_SHELVES)


def test_a_retailer_file_knows_what_was_renamed_before_but_not_what_is_renamed_now(on_day, tmp_path):
    def categories(day: int, folder: Path) -> dict[int, str]:
        write_retailer_files(folder, on_day(day))
        told = yaml.safe_load((folder / "sim-birch.yaml").read_text(encoding="utf-8"))
        return {one["item_number"]: one["category"] for one in told["categories"]}

    before, after = categories(10, tmp_path), categories(LAST_BUT_ONE, tmp_path)
    assert (before[210302], before[210111]) == ("Everyday Biscuits", "Bread rolls and wraps")
    assert (after[210302], after[210111]) == ("Biscuits and Crackers", "Bread rolls and wraps")
