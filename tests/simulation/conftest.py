"""Simulated worlds that the tests share, created once per session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.prices.sources.scrape_files import ScrapeReading, read_scrape
from ons_bigdata.simulation.scrape_archive import SimulatedArchive, simulate_scrapes
from ons_bigdata.simulation.shop_shelves import RETAILERS
from ons_bigdata.simulation.shop_world import ShopWorld, build_world
from ons_bigdata.simulation.shops_over_http import SimulatedShop, SimulatedShops, serve_shops
from tests.simulation.visitors import ALL_RETAILERS

OnDay = Callable[[int], SimulatedShops]
ShopOn = Callable[[int, str], SimulatedShop]

QUARTER = 0.25
"""Size of the shelves where the number of products does not matter."""


@pytest.fixture(scope="session")
def world() -> ShopWorld:
    """The world of the demo, with sim-damson in it."""
    return build_world(retailers=ALL_RETAILERS)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> SimulatedArchive:
    """Four weeks of small shelves, all days as files."""
    return simulate_scrapes(tmp_path_factory.mktemp("simulated"), shelf_size=QUARTER)


@pytest.fixture(scope="session")
def readings(archive: SimulatedArchive) -> dict[str, ScrapeReading]:
    """Reading of each file of the archive by the pilot's reader."""
    return {
        path.name: read_scrape(path.read_bytes(), path.name, load_id="0" * 16, retailers=list(RETAILERS))
        for path in sorted(archive.scrapes_dir.iterdir())
    }


@pytest.fixture(scope="session")
def quotes(readings: dict[str, ScrapeReading]) -> pl.DataFrame:
    """Quotes of all files of the archive."""
    return pl.concat([reading.quotes for reading in readings.values()])


@pytest.fixture(scope="session")
def truth(archive: SimulatedArchive) -> pl.DataFrame:
    """True prices of the archive."""
    return read_truth(archive.truth_dir)


def read_truth(folder: Path) -> pl.DataFrame:
    """Read true_prices.csv with the types of the quotes."""
    return pl.read_csv(folder / "true_prices.csv", try_parse_dates=True, schema_overrides={"item_number": pl.Int32})


@pytest.fixture(scope="session")
def shops(world: ShopWorld) -> Iterator[SimulatedShops]:
    """Open the four shops."""
    with serve_shops(world, retailers=ALL_RETAILERS) as open_shops:
        yield open_shops


@pytest.fixture
def shop_on(shops: SimulatedShops) -> ShopOn:
    """`shop_on(day, retailer)`: a shop on that day, without visits."""

    def move(day: int, retailer: str) -> SimulatedShop:
        shop = shops[retailer]
        shop.day = day
        shop.visits.clear()
        return shop

    return move


@pytest.fixture
def on_day(shops: SimulatedShops, shop_on: ShopOn) -> OnDay:
    """`on_day(day)`: all shops on that day, without visits."""

    def move(day: int) -> SimulatedShops:
        for retailer in ALL_RETAILERS:
            shop_on(day, retailer)
        return shops

    return move
