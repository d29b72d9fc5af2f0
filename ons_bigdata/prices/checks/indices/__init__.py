"""Checks of indices: elementary indices follow their prices, figures their children, no output is empty."""

from ons_bigdata.prices.checks.indices import elementary, movements, outputs

CHECKS = [*elementary.CHECKS, *movements.CHECKS, *outputs.CHECKS]
