"""`simulate shops`: simulated shops over HTTP, with the retailer files by which they are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster.serving import processes
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.shop_retailer_files import write_retailer_files
from ons_bigdata.simulation.shop_shelves import LATER_RETAILERS, RETAILERS
from ons_bigdata.simulation.shop_world import build_world
from ons_bigdata.simulation.shops_over_http import SimulatedShops, keep_shops_open

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from ons_bigdata.settings import Settings

LOOPBACK = "127.0.0.1"


def open_shops(
    settings: Settings,
    *,
    day: int,
    retailers: Sequence[str],
    port: int | None,
    stop: threading.Event,
    opened: Callable[[SimulatedShops], None],
) -> None:
    """Serve shops (none given: the three of the demo) on a simulated day until `stop` is set.

    The first shop listens on `port` and each further one on the next port; on free ports where it is None. Retailer
    files of the demo's shops are written first; for later shops the user writes them. `opened` is called with the
    shops once they respond. Raises InputError for an unknown shop and for a port in use.
    """
    known = (*RETAILERS, *LATER_RETAILERS)
    unknown = sorted(set(retailers) - set(known))
    if unknown:
        raise InputError(f"unknown shop {', '.join(unknown)}; known: {', '.join(known)}")
    wanted = tuple(dict.fromkeys(retailers)) or tuple(RETAILERS)
    ports = {} if port is None else {retailer: port + place for place, retailer in enumerate(wanted)}
    for taken in ports.values():
        processes.require_free(LOOPBACK, taken)

    def announce(shops: SimulatedShops) -> None:
        of_demo = {shop.retailer: shop for shop in shops if shop.retailer in RETAILERS}
        write_retailer_files(settings.retailers_dir, SimulatedShops(of_demo))
        opened(shops)

    world = build_world(retailers=wanted)
    keep_shops_open(world, day=day, stop=stop, opened=announce, retailers=wanted, ports=ports)
