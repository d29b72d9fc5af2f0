"""`simulate shops`: the simulated shops over HTTP, with the retailer files that say how to scrape them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.shop_retailer_files import write_retailer_files
from ons_bigdata.simulation.shop_shelves import LATER_RETAILERS, RETAILERS
from ons_bigdata.simulation.shop_world import build_world
from ons_bigdata.simulation.shops_over_http import SimulatedShops, keep_shops_open

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from ons_bigdata.settings import Settings


def open_shops(
    settings: Settings,
    *,
    day: int,
    retailers: Sequence[str],
    stop: threading.Event,
    opened: Callable[[SimulatedShops], None],
) -> None:
    """Serve the shops (none given: the three of the demo) as they are on a simulated day until `stop` is set.

    Their retailer files are written first; `opened` is told the shops once they answer. Raises InputError for a shop
    that is not known.
    """
    known = (*RETAILERS, *LATER_RETAILERS)
    unknown = sorted(set(retailers) - set(known))
    if unknown:
        raise InputError(f"unknown shop {', '.join(unknown)}; known: {', '.join(known)}")
    wanted = tuple(retailers) or tuple(RETAILERS)

    def announce(shops: SimulatedShops) -> None:
        write_retailer_files(settings.retailers_dir, shops)
        opened(shops)

    keep_shops_open(build_world(retailers=wanted), day=day, stop=stop, opened=announce, retailers=wanted)
