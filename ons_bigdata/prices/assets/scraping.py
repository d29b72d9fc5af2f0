"""Scrape runs over HTTP: one run per retailer and day, its pages kept."""

import dagster as dg

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = []
