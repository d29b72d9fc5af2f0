"""Checks of scrapes, and of files and rows as they came."""

from ons_bigdata.prices.checks.collection import quotes, scrapes

CHECKS = [*scrapes.CHECKS, *quotes.CHECKS]
