"""Adapters to the outside world of prices: files and pages to typed frames. `SOURCES` lists the kinds of files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.sources import Catchall, Source

    SOURCES: tuple[Source | Catchall, ...]


def __getattr__(name: str) -> object:
    """Collect `SOURCES` from the modules of this package when it is first asked for.

    A crawl is a separate process that imports from this package and must not load the libraries that tables need.
    """
    if name != "SOURCES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ons_bigdata.platform.ingest.sources import discover_sources  # noqa: PLC0415

    package = sys.modules[__name__]
    package.__dict__["SOURCES"] = discover_sources(package)
    return package.__dict__["SOURCES"]
