"""The daily report on the quality of price quotes: counts by item, what failed, and what to do, as HTML and text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ons_bigdata.platform.printable import escape_unprintable
from ons_bigdata.prices.schemas.quality import PriceQualityReport

SEVERITIES = ("error", "warn", "note")
MARKS = {"ok": "✓", "warn": "!", "error": "✗", "none": "·"}
"""Beside the colour, so that no one has to see colours to read the table."""
LISTED = 6
"""Findings of one kind and retailer that are told one by one; the table `marts.price_quality_findings` has all."""

_KIND_WORDS = {"outage": "outage (files without rows)", "gap": "no file", "no_products": "no products"}


@dataclass(frozen=True)
class Evidence:
    """What the reports tell, one frame each.

    `days`: data_origin, collected_on, retailer, item_number, products, usual_products, status, enters.
    `runs`: data_origin, collected_on, retailer, runs, rows_in, accepted, quarantined, status.
    `findings`: the columns of `marts.price_quality_findings`, less its numbers.
    `decisions`: data_origin and the columns of `int_prices__decisions_judged`; valid_to null while in force.
    `decided`: data_origin, collected_on, decision_id, decision, quotes: on how many quotes each bore.
    `items`: item_number, item_name, class_code. `retailers`: retailer, name.
    """

    days: pl.DataFrame
    runs: pl.DataFrame
    findings: pl.DataFrame
    decisions: pl.DataFrame
    decided: pl.DataFrame
    items: pl.DataFrame
    retailers: pl.DataFrame


Row = dict[str, Any]
Key = tuple[str, date]


def reports(evidence: Evidence) -> pl.DataFrame:
    """Write the report of every origin and day of `evidence.runs`; gives `PriceQualityReport` rows in order of day."""
    days, runs, findings, decided = (
        _by_day(frame) for frame in (evidence.days, evidence.runs, evidence.findings, evidence.decided)
    )
    names = Names(
        items={row["item_number"]: row["item_name"] for row in evidence.items.iter_rows(named=True)},
        retailers=dict(evidence.retailers.select("retailer", "name").iter_rows()),
    )
    decisions = evidence.decisions.to_dicts()
    rows = [
        report(origin, day, names, days[origin, day], of_day, findings[origin, day], decided[origin, day], decisions)
        for (origin, day), of_day in sorted(runs.items())
    ]
    return pl.DataFrame(rows, schema=PriceQualityReport.create_empty().schema)


@dataclass(frozen=True)
class Names:
    """Names of items and retailers by their codes; what is not there is called by its code."""

    items: Mapping[int, str]
    retailers: Mapping[str, str]

    def item(self, number: int | None) -> str:
        """Return the item's name; the whole run where there is no number."""
        return "whole run" if number is None else self.items.get(number, f"item {number} (not in the seeds)")

    def retailer(self, code: str) -> str:
        """Return the retailer's name."""
        return self.retailers.get(code, code)


def report(
    origin: str,
    day: date,
    names: Names,
    days: Sequence[Row],
    runs: Sequence[Row],
    findings: Sequence[Row],
    decided: Sequence[Row],
    decisions: Sequence[Row],
) -> Row:
    """Return one row of `PriceQualityReport`."""
    retailers = sorted(row["retailer"] for row in runs)
    waiting = [_decision(row, names) for row in decisions if _waits(row, origin, day)]
    by_severity = {severity: [row for row in findings if row["severity"] == severity] for severity in SEVERITIES}
    told = {
        "origin": origin,
        "day": day,
        "retailers": [_run(row, names) for row in sorted(runs, key=lambda row: row["retailer"])],
        "rows": _table(days, findings, retailers, names),
        "quotes": sum(row["products"] for row in days),
        "entering": sum(row["products"] for row in days if row["enters"]),
        "counts": {severity: len(rows) for severity, rows in by_severity.items()},
        "problems": _grouped([*by_severity["error"], *by_severity["warn"]], names),
        "notes": _grouped(by_severity["note"], names),
        "waiting": waiting,
        "applied": sorted(decided, key=lambda row: row["decision_id"]),
        "marks": MARKS,
    }
    return {
        "data_origin": origin,
        "collected_on": day,
        "retailers": len(retailers),
        "quotes": told["quotes"],
        "errors": told["counts"]["error"],
        "warnings": told["counts"]["warn"],
        "notes": told["counts"]["note"],
        "decisions_waiting": len(waiting),
        "html": _templates().get_template("quality_report.html.j2").render(told),
        "text": _templates().get_template("quality_report.txt.j2").render(told),
    }


def _table(days: Sequence[Row], findings: Sequence[Row], retailers: Sequence[str], names: Names) -> list[Row]:
    """Return one row per item with one cell per retailer: products, what is usual, and the worst that was found."""
    cells = {(row["item_number"], row["retailer"]): row for row in days}
    kinds: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in findings:
        if row["item_number"] is not None and row["severity"] != "note":
            kinds[row["item_number"], row["retailer"]].append(row)
    items = sorted({row["item_number"] for row in days} | {item for item, _ in kinds})
    return [
        {
            "number": item,
            "name": names.item(item),
            "cells": [_cell(cells.get((item, retailer)), kinds[item, retailer]) for retailer in retailers],
        }
        for item in items
    ]


def _cell(day: Row | None, found: Sequence[Row]) -> Row:
    if day is None and not found:
        return {"state": "none", "products": None, "usual": None, "kinds": []}
    worst = "error" if any(row["severity"] == "error" for row in found) else "warn" if found else "ok"
    usual = None if day is None or day["usual_products"] is None else round(day["usual_products"])
    return {
        "state": worst,
        "products": 0 if day is None else day["products"],
        "usual": usual,
        "kinds": sorted({words(row["kind"]) for row in found}),
    }


def _grouped(findings: Sequence[Row], names: Names) -> list[Row]:
    """Bring findings of one severity, retailer and kind together: an outage of 31 items is one problem."""
    groups: dict[tuple[int, str, str], list[Row]] = defaultdict(list)
    for row in findings:
        groups[SEVERITIES.index(row["severity"]), row["retailer"], row["kind"]].append(row)
    return [
        _group(SEVERITIES[severity], names.retailer(retailer), kind, rows, names)
        for (severity, retailer, kind), rows in sorted(groups.items())
    ]


def _group(severity: str, retailer: str, kind: str, rows: Sequence[Row], names: Names) -> Row:
    # where the whole run is struck, its items are not told one by one: they are red in the table
    whole = [row for row in rows if row["item_number"] is None]
    listed = whole or rows
    items = len({row["item_number"] for row in rows} - {None})
    return {
        "severity": severity,
        "retailer": retailer,
        "kind": words(kind),
        "extent": f" ({items} items)" if items > 1 else "",
        "findings": [_finding(row, names) for row in listed[:LISTED]],
        "more": max(0, len(listed) - LISTED),
        "suggestions": sorted({row["suggestion"] for row in listed})[:LISTED],
    }


def _finding(row: Row, names: Names) -> Row:
    shelf = [f"shelf {row['category']}"] if row["category"] is not None else []
    where = shelf if shelf and row["item_number"] is None else [names.item(row["item_number"]), *shelf]
    return {"where": ", ".join(where), "evidence": row["evidence"], "suggested_value": row["suggested_value"]}


def _run(row: Row, names: Names) -> Row:
    return {**row, "name": names.retailer(row["retailer"])}


def _decision(row: Row, names: Names) -> Row:
    about = [names.retailer(row["retailer"])]
    if row["item_number"] is not None:
        about.append(names.item(row["item_number"]))
    about += [text for text in (row["category"], row["product_name"]) if text is not None]
    until = f" to {row['valid_to']}" if row["valid_to"] is not None else " on"
    return {**row, "about": ", ".join(about), "days": f"from {row['valid_from']}{until}"}


def _waits(row: Row, origin: str, day: date) -> bool:
    return row["state"] == "waiting" and row["data_origin"] == origin and row["valid_from"] <= day


def words(kind: str) -> str:
    """Return a kind of finding in words."""
    return _KIND_WORDS.get(kind, kind.replace("_", " "))


def _by_day(frame: pl.DataFrame) -> dict[Key, list[Row]]:
    grouped: dict[Key, list[Row]] = defaultdict(list)
    order = [name for name in ("retailer", "item_number", "kind", "category", "product") if name in frame.columns]
    for row in frame.sort(order, nulls_last=False).iter_rows(named=True):
        grouped[row["data_origin"], row["collected_on"]].append(row)
    return grouped


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("ons_bigdata.prices", "reports"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: object) -> object:
    """Escape unprintable characters of every text of the data; a macro's output is made of escaped ones."""
    return escape_unprintable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
