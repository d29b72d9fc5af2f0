"""Checks of indices: elementary indices follow their prices, figures their children."""

from ons_bigdata.prices.checks.indices import elementary, movements

CHECKS = [*elementary.CHECKS, *movements.CHECKS]
