"""Checks of indices: elementary indices follow prices, figures their children, settled ones stay, none is empty."""

from ons_bigdata.prices.checks.indices import elementary, movements, outputs, revisions

CHECKS = [*elementary.CHECKS, *movements.CHECKS, *outputs.CHECKS, *revisions.CHECKS]
