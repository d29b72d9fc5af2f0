"""Files about single devices and their network: cell plans, registers, simulated truth, events. `SOURCES` lists them.

All come by `ons-bigdata ingest phone-events PATH…`.
"""

from ons_bigdata.phones.sources.devices import cell_plans, event_files, register_files

SOURCES = (*cell_plans.SOURCES, *register_files.SOURCES, *event_files.SOURCES)
"""In the order in which they are tried; the last one refuses what none knows."""

__all__ = ["SOURCES"]
