"""Scripted breakages of the simulated shops: each is detected on its days, and no other day is flagged.

Collected by test_demo.py, whose run of the demo these tests look at.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.command_line import ROOT, CommandLine

KINDS = {
    "outage": {"outage"},
    "category_renamed": {"no_products"},
    "changed_markup": {"no_products"},
    "empty_page": {"no_products"},
    "bot_wall": {"no_products"},
    "whole_shop": {"too_many"},
    "duplicated_listings": {"repeated_listings"},
    "wrong_unit": {"wrong_unit"},
    "price_error": {"price_in_pence"},
    "stale_copy": {"stale_copy"},
    "file_cut_off": {"rows_quarantined"},
    "page_failed_once": set(),
    "malformed_json": set(),
}
"""Kinds of findings that each kind of event must bring."""

ALSO = {
    "category_renamed": {"category_missing", "category_renamed"},
    "changed_markup": {"category_failed"},
    "empty_page": {"category_empty", "category_failed"},
    "bot_wall": {"category_failed"},
    "malformed_json": {"category_failed", "parse_failures"},
}
"""Kinds that it may bring besides, where the shop was scraped over HTTP."""

Where = tuple[str, int | None, str]
"""Retailer, item (None: the whole run) and day."""


@pytest.fixture(scope="module")
def script(demo: tuple[CommandLine, str]) -> dict:
    """Read the simulated world's own account of what went wrong."""
    return json.loads(next((demo[0].home / "demo").rglob("events.json")).read_text())


def test_each_breakage_is_detected_on_its_days(demo: tuple[CommandLine, str], script: dict) -> None:
    found = findings(demo[0])
    missed = [
        (event["kind"], event["retailer"], event["item_number"], day, sorted(kinds - found[where]))
        for event, day, where, kinds in expected(script)
        if kinds - found[where]
    ]
    assert not missed


def test_no_other_day_is_flagged(demo: tuple[CommandLine, str], script: dict) -> None:
    explained: dict[Where, set[str]] = defaultdict(set)
    outages = set()
    days = days_of_collection(demo[0])
    for event in script["events"]:
        kinds = KINDS[event["kind"]] | ALSO.get(event["kind"], set())
        for day in (day for day in days if event["first_date"] <= day <= event["last_date"]):
            explained[event["retailer"], event["item_number"], day] |= kinds
            if event["kind"] == "outage":
                outages.add((event["retailer"], day))
    unexplained = [
        (*where, sorted(kinds - explained[where]))
        for where, kinds in findings(demo[0]).items()
        if kinds - explained[where] and not ((where[0], where[2]) in outages and kinds == {"outage"})
    ]
    assert not unexplained


def test_a_shelf_that_was_renamed_over_http_brings_a_suggestion(demo: tuple[CommandLine, str], script: dict) -> None:
    archive_days = script["archive_days"]
    renamed = [e for e in script["events"] if e["kind"] == "category_renamed" and e["first_day"] >= archive_days]
    assert renamed
    for event in renamed:
        rows = demo[0].query(
            "select distinct category, suggested_value, severity, suggestion from marts.price_quality_findings"
            f" where kind = 'category_renamed' and retailer = '{event['retailer']}'"
            f" and item_number = {event['item_number']} and collected_on = '{event['first_date']}'"
        )
        (row,) = rows
        assert (row["category"], row["suggested_value"]) == (event["category"], event["category_after"])
        assert row["severity"] == "warn"
        assert "Nothing is changed until then." in row["suggestion"]


def test_the_report_of_the_day_lists_the_breakage(demo: tuple[CommandLine, str], script: dict) -> None:
    reports = {
        row["collected_on"]: row["text"]
        for row in demo[0].query(
            "select collected_on, text from analysis.price_quality_report where data_origin = 'simulated'"
        )
    }
    assert len(reports) == script["days"]
    with (ROOT / "dbt_project/seeds/prices/quality/price_finding_kinds.csv").open(encoding="utf-8", newline="") as seed:
        titles = {row["kind"]: row["title"] for row in csv.DictReader(seed)}
    for _, day, _, kinds in expected(script):
        for kind in kinds:
            assert titles[kind] in reports[day], f"{day}: {kind}"


def expected(script: dict) -> Iterator[tuple[dict, str, Where, set[str]]]:
    """Simulated events, each with the days on which a finding must report it, where, and the kind of the finding."""
    for event in script["events"]:
        for day in event["found_on"]:
            yield event, day, (event["retailer"], event["item_number"], day), KINDS[event["kind"]]


def findings(command: CommandLine) -> dict[Where, set[str]]:
    """Kinds of all findings of severity error and warn on simulated data."""
    found: dict[Where, set[str]] = defaultdict(set)
    for row in command.query(
        "select distinct retailer, item_number, collected_on, kind from marts.price_quality_findings"
        " where severity in ('error', 'warn') and data_origin = 'simulated'"
    ):
        found[row["retailer"], row["item_number"], row["collected_on"]].add(row["kind"])
    return found


def days_of_collection(command: CommandLine) -> list[str]:
    """Days of collection."""
    rows = command.query(
        "select distinct collected_on from marts.price_collection_days where data_origin = 'simulated'"
    )
    return [row["collected_on"] for row in rows]
