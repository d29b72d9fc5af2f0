"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.phones.schemas import comparison
from ons_bigdata.phones.sources import SOURCES
from ons_bigdata.platform.ingest.sources import loadable

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    **{source.table.name: source.table.frame for source in loadable(SOURCES)},
    "analysis.phone_flow_comparisons": comparison.PhoneFlowComparison,
    "analysis.phone_flow_bias": comparison.PhoneFlowBias,
    "analysis.phone_flow_pairs": comparison.PhoneFlowPair,
}
"""Frame by `schema.table`."""
