"""Frames of scrape runs: one row per run, and one row per run, category and item."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import IDENTIFIER, ORIGIN

_SHA256 = r"^[0-9a-f]{64}$"


class ScrapeRun(dy.Schema):
    """One row per run of the scraper (`raw.scrape_runs`): its limits, its requests and their responses, its rows."""

    run_id = dy.String(primary_key=True, description="run: retailer and start (YYYYMMDDHHMMSS, London)")
    retailer = dy.String(regex=IDENTIFIER, description="retailer id")
    collected_on = dy.Date(description="day of the run (London)")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    started_at = dy.Datetime(time_zone="UTC", time_unit="us", description="start, UTC")
    finished_at = dy.Datetime(time_zone="UTC", time_unit="us", description="time of the last response, UTC")
    finish_reason = dy.String(
        regex="^(finished|budget|outage|no_start|no_categories|hours|killed)$",
        description=(
            "finished; budget or hours (spent); outage (the site gave no page); no_start (the start page is not "
            "there or forbidden); no_categories (the start page lists none that can be read); "
            "killed (the process ended: "
            "requests and pages up to then)"
        ),
    )
    user_agent = dy.String(description="user agent, with a contact")
    robots_obeyed = dy.Bool(
        description="true if robots.txt was obeyed; the retailer file has the reason where it was not"
    )
    robots_sha256 = dy.String(
        nullable=True, regex=_SHA256, description="hash of robots.txt; null where there is none or it did not come"
    )
    delay_s = dy.Float64(min=0.0, description="least seconds between two requests")
    budget_requests = dy.Int32(min=1, description="requests that the run might make")
    requests = dy.Int32(min=0, description="requests made, with retries and redirects")
    retries = dy.Int32(min=0, description="repeated requests among them")
    responses_by_status = dy.String(description="JSON: number of responses by HTTP status")
    bytes_received = dy.Int64(min=0, description="bytes of all responses, as sent")
    pages_kept = dy.Int32(min=0, description="responses in the kept pages")
    pages_file = dy.String(description="name of the kept pages in landing, source price_pages")
    pages_sha256 = dy.String(regex=_SHA256, description="hash of the kept pages")
    rows = dy.Int32(min=0, description="rows of the quote file")
    parse_failures = dy.Int32(min=0, description="products listed that could not be read; in ops.quarantine")
    categories_found = dy.Int32(min=0, description="categories of the retailer file that the shop has")
    categories_missing = dy.Int32(min=0, description="categories of the retailer file that the shop has not")
    within_allowed_hours = dy.Bool(description="true if every response came within the allowed hours")
    parser_version = dy.String(description="version of the extraction that read the pages last")
    site_dated_at = dy.Datetime(
        nullable=True,
        time_zone="UTC",
        time_unit="us",
        description="latest Date of the site's responses with products, UTC; null where they have none",
    )


class ScrapeCategory(dy.Schema):
    """One row per run, category and item (`raw.scrape_categories`)."""

    run_id = dy.String(description="run")
    retailer = dy.String(regex=IDENTIFIER, description="retailer id")
    collected_on = dy.Date(description="day of the run (London)")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    category = dy.String(description="the shop's name of the category")
    item_number = dy.Int32(
        nullable=True, description="CPI item number; null where the retailer file has no such category"
    )
    state = dy.String(
        regex="^(collected|empty|missing|unknown|failed)$",
        description=(
            "collected; empty (stated by the shop); missing (in the retailer file, not in the shop); unknown (in the "
            "shop, not in the retailer file); failed (incomplete, with `reason`)"
        ),
    )
    url = dy.String(nullable=True, description="address of its first page; null where the shop has none")
    pages = dy.Int32(min=0, description="pages asked for")
    products_listed = dy.Int32(min=0, description="products on these pages = parsed + failures")
    products_parsed = dy.Int32(min=0, description="products read")
    parse_failures = dy.Int32(min=0, description="products that could not be read")
    duplicates = dy.Int32(min=0, description="products read that the category had listed before")
    product_names = dy.List(
        dy.String(),
        description="names on the first page, of an unknown category that resembles a missing one; else empty",
    )
    reason = dy.String(nullable=True, description="why it is not complete, or a remark")
