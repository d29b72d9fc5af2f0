"""`simulate shops`: the simulated shops over HTTP, with the retailer files that say how to scrape them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster import processes
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
    """Serve the shops (none given: the three of the demo) as they are on a simulated day until `stop` is set.

    The first answers on `port`, the others on the next ones; on free ones where it is None. The retailer files of the
    demo's shops are written first; that of a later shop is for its user to write. `opened` is told the shops once they
    answer. Raises InputError for a shop that is not known and for a port in use.
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
        own = {shop.retailer: shop for shop in shops if shop.retailer in RETAILERS}
        write_retailer_files(settings.retailers_dir, SimulatedShops(own))
        opened(shops)

    world = build_world(retailers=wanted)
    keep_shops_open(world, day=day, stop=stop, opened=announce, retailers=wanted, ports=ports)
