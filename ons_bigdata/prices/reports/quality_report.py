"""Daily report on prices as HTML and text: figures, runs, findings with advice, products by item."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any, NamedTuple

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ons_bigdata.platform.printable import escape_unprintable
from ons_bigdata.prices.reports.charts import draw_changes, draw_course, draw_levels
from ons_bigdata.prices.reports.daily_figures import Change, DayFigures, Figures
from ons_bigdata.prices.schemas.quality import PriceQualityReport

SEVERITIES = ("error", "warn", "note")
MARKS = {"ok": "✓", "warn": "!", "error": "✗", "none": "·"}
"""Marks of the states of a cell, so that the table can be read without colours."""
SETTLED_AFTER = timedelta(days=7)
"""Age from which a report keeps the intervals that it was written with, where a late file changes them alone. Its
figures, findings and decisions never settle: the report is written again where one of them changes."""
LISTED = 6
"""Most findings of one kind and retailer that are listed; the table `marts.price_quality_findings` has all."""


@dataclass(frozen=True)
class Evidence:
    """Content of the reports, one frame each.

    `days`: data_origin, collected_on, retailer, item_number, products, usual_products, status, enters.
    `runs`: data_origin, collected_on, retailer, runs, rows_in, accepted, quarantined, status.
    `findings`: the columns of `marts.price_quality_findings` except finding_id, observed and expected.
    `decisions`: data_origin and the columns of `int_prices__decisions_judged`; valid_to null while in force.
    `decided`: data_origin, collected_on, decision_id, decision, quotes (how many quotes it affects).
    `figures`: daily figures as `daily_figures.Figures` takes them.
    `items`: item_number, item_name, class_code. `retailers`: retailer, name. `kinds`: kind, title.
    """

    days: pl.DataFrame
    runs: pl.DataFrame
    findings: pl.DataFrame
    decisions: pl.DataFrame
    decided: pl.DataFrame
    figures: pl.DataFrame
    items: pl.DataFrame
    retailers: pl.DataFrame
    kinds: pl.DataFrame


Row = dict[str, Any]
Key = tuple[str, date]


@dataclass(frozen=True)
class Reports:
    """Reports as `PriceQualityReport` rows: those that were written, and those that stay as they were."""

    rendered: pl.DataFrame
    kept: pl.DataFrame


class EvidenceHashes(NamedTuple):
    """Hashes of what a report shows and how it is drawn: all, without the intervals, and its figures alone."""

    shown: str
    without_intervals: str
    figures: str


def render_reports(evidence: Evidence) -> pl.DataFrame:
    """Reports of all origins and days of `evidence.runs`: `PriceQualityReport` rows in the order of origin and day."""
    return render_changed_reports(evidence, PriceQualityReport.create_empty()).rendered


def render_changed_reports(evidence: Evidence, written: pl.DataFrame, days: Collection[date] | None = None) -> Reports:
    """Reports of the days whose evidence changed since they were written.

    `written`: the reports that are there, `PriceQualityReport` rows. Their drawings are taken over where the figures of
    the day are the same. `days`: days of which there are reports to write or to keep, all by default; evidence other
    than `runs` may lack the rest, figures with the days before that a report shows (`SHOWN_DAYS`).
    """
    of_day, runs, findings, decided = (
        _by_day(frame) for frame in (evidence.days, evidence.runs, evidence.findings, evidence.decided)
    )
    names = Names(
        items={row["item_number"]: row["item_name"] for row in evidence.items.iter_rows(named=True)},
        retailers=dict(evidence.retailers.select("retailer", "name").iter_rows()),
        kinds=dict(evidence.kinds.select("kind", "title").iter_rows()),
    )
    decisions, figures = evidence.decisions.to_dicts(), Figures(evidence.figures)
    there = {(row["data_origin"], row["collected_on"]): row for row in written.iter_rows(named=True)}
    last_days: dict[str, date] = dict(sorted(runs))  # of each origin, the last of its days in their order
    rows, kept = [], []
    earlier: dict[str, date] = {}
    for (origin, day), day_runs in sorted(runs.items()):
        previous, earlier[origin] = earlier.get(origin), day
        if days is not None and day not in days:
            continue
        content = {
            **_quality(origin, day, names, of_day[origin, day], day_runs, findings[origin, day]),
            **_decisions(origin, day, names, decided[origin, day], decisions),
            "previous": previous,
        }
        before, day_figures = there.get((origin, day)), figures.of(origin, day)
        hashes, before_hashes = _hash_evidence(content, day_figures), _hashes_of(before)
        is_settled = day <= last_days[origin] - SETTLED_AFTER
        which = EvidenceHashes._fields.index("without_intervals" if is_settled else "shown")
        if before is not None and before_hashes[which] == hashes[which]:
            kept.append(before)
            continue
        # to draw takes longer than all else of a page
        is_drawn = before is not None and before_hashes.figures == hashes.figures
        drawings = json.loads(before["drawings"]) if before and is_drawn else _draw(day_figures)
        shown = {**content, **_figures(day_figures, drawings)}
        rows.append({**_render(shown), "evidence_hash": " ".join(hashes), "drawings": json.dumps(drawings)})
    schema = PriceQualityReport.create_empty().schema
    return Reports(pl.DataFrame(rows, schema=schema), pl.DataFrame(kept, schema=schema))


def _hashes_of(report: Row | None) -> EvidenceHashes:
    """Hashes with which a report was written; empty ones of none."""
    found = [] if report is None else report["evidence_hash"].split()
    return EvidenceHashes(*(found if len(found) == len(EvidenceHashes._fields) else [""] * 3))


def _hash_evidence(content: Row, figures: DayFigures) -> EvidenceHashes:
    drawn = _rounded({**asdict(figures), "course": figures.course.to_dicts()})
    shown = {**_rounded(content), **drawn}
    texts = (json.dumps(each, default=str, sort_keys=True) for each in (shown, _without_intervals(shown), drawn))
    return EvidenceHashes(*(hashlib.sha256((code_of_reports() + text).encode()).hexdigest()[:16] for text in texts))


def _rounded(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    """Round numbers to ten digits: the last ones depend on the order of sums."""
    if isinstance(value, dict):
        return {str(key): _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return f"{value:.10g}" if isinstance(value, float) else value


def _without_intervals(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    if isinstance(value, dict):
        return {key: _without_intervals(each) for key, each in value.items() if key not in _INTERVAL}
    return [_without_intervals(each) for each in value] if isinstance(value, list) else value


_INTERVAL = {"low", "high", "interval_reason"}


@lru_cache(maxsize=1)
def code_of_reports() -> str:
    """Hash of the templates and modules that make a report, and the versions of what draws it."""
    digest = hashlib.sha256(f"{version('altair')} {version('vl-convert-python')}".encode())
    for path in sorted(resources.files("ons_bigdata.prices.reports").iterdir(), key=lambda path: path.name):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Names:
    """Names of items, retailers and kinds of findings; without a name the code is shown."""

    items: Mapping[int, str]
    retailers: Mapping[str, str]
    kinds: Mapping[str, str]

    def item(self, number: int | None) -> str:
        """Name of an item; `whole run` without a number."""
        return "whole run" if number is None else self.items.get(number, f"item {number} (not in the seeds)")

    def retailer(self, code: str) -> str:
        """Name of a retailer."""
        return self.retailers.get(code, code)

    def kind(self, code: str) -> str:
        """Plain words for a kind of finding."""
        return self.kinds.get(code, code.replace("_", " "))


def _quality(
    origin: str, day: date, names: Names, days: Sequence[Row], runs: Sequence[Row], findings: Sequence[Row]
) -> Row:
    """Parts of the report on what was collected: runs, table of items, findings."""
    by_severity = {severity: [row for row in findings if row["severity"] == severity] for severity in SEVERITIES}
    return {
        "origin": origin,
        "day": day,
        "retailers": [_run(row, names) for row in sorted(runs, key=lambda row: row["retailer"])],
        "rows": _table(days, findings, sorted(row["retailer"] for row in runs), names),
        "quotes": sum(row["products"] for row in days),
        "entering": sum(row["products"] for row in days if row["enters"]),
        "counts": {severity: len(rows) for severity, rows in by_severity.items()},
        "problems": _group_findings([*by_severity["error"], *by_severity["warn"]], names),
        "notes": _group_findings(by_severity["note"], names),
    }


def _decisions(origin: str, day: date, names: Names, decided: Sequence[Row], decisions: Sequence[Row]) -> Row:
    """Parts of the report on analysts' decisions."""
    return {
        "waiting": [_decision(row, names) for row in decisions if _is_waiting(row, origin, day)],
        "applied": sorted(decided, key=lambda row: row["decision_id"]),
    }


def _figures(figures: DayFigures, drawings: Mapping[str, str | None]) -> Row:
    """Parts of the report on the figures of the day, with their drawings by name."""
    return {
        "divisions": figures.divisions,
        "movers": figures.movers,
        # the drawings escape the names of items themselves
        **{name: None if drawing is None else Markup(drawing) for name, drawing in drawings.items()},  # noqa: S704
    }


def _draw(figures: DayFigures) -> dict[str, str | None]:
    """Draw the figures of a day; None where there is nothing to draw."""
    listed = [*figures.divisions, *figures.movers]
    return {"levels": draw_levels(listed), "changes": draw_changes(listed), "course": draw_course(figures.course)}


def _render(content: Row) -> Row:
    """Counts of a report, and its content as a page and as text: columns of `PriceQualityReport`."""
    content = {**content, "marks": MARKS}
    return {
        "data_origin": content["origin"],
        "collected_on": content["day"],
        "retailers": len(content["retailers"]),
        "quotes": content["quotes"],
        "errors": content["counts"]["error"],
        "warnings": content["counts"]["warn"],
        "notes": content["counts"]["note"],
        "decisions_waiting": len(content["waiting"]),
        "html": _templates().get_template("quality_report.html.j2").render(content),
        "text": _templates().get_template("quality_report.txt.j2").render(content),
    }


def _table(days: Sequence[Row], findings: Sequence[Row], retailers: Sequence[str], names: Names) -> list[Row]:
    """One row per item with one cell per retailer: products, usual products, severest finding."""
    cells = {(row["item_number"], row["retailer"]): row for row in days}
    by_cell: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in findings:
        if row["item_number"] is not None and row["severity"] != "note":
            by_cell[row["item_number"], row["retailer"]].append(row)
    items = sorted({row["item_number"] for row in days} | {item for item, _ in by_cell})
    return [
        {
            "number": item,
            "name": names.item(item),
            "cells": [_cell(cells.get((item, retailer)), by_cell[item, retailer], names) for retailer in retailers],
        }
        for item in items
    ]


def _cell(day: Row | None, findings: Sequence[Row], names: Names) -> Row:
    if day is None and not findings:
        return {"state": "none", "products": None, "usual": None, "kinds": []}
    severities = {row["severity"] for row in findings}
    state = "error" if "error" in severities else "warn" if findings else "ok"
    usual = None if day is None or day["usual_products"] is None else round(day["usual_products"])
    return {
        "state": state,
        "products": 0 if day is None else day["products"],
        "usual": usual,
        "kinds": sorted({names.kind(row["kind"]) for row in findings}),
    }


def _group_findings(findings: Sequence[Row], names: Names) -> list[Row]:
    """Findings grouped by severity, retailer and kind: an outage of 31 items is one problem."""
    groups: dict[tuple[int, str, str], list[Row]] = defaultdict(list)
    for row in findings:
        groups[SEVERITIES.index(row["severity"]), row["retailer"], row["kind"]].append(row)
    return [
        _group(SEVERITIES[severity], names.retailer(retailer), kind, rows, names)
        for (severity, retailer, kind), rows in sorted(groups.items())
    ]


def _group(severity: str, retailer: str, kind: str, rows: Sequence[Row], names: Names) -> Row:
    # findings of the whole run replace those of its items, which are red in the table
    whole = [row for row in rows if row["item_number"] is None]
    listed = whole or rows
    items = len({row["item_number"] for row in rows} - {None})
    return {
        "severity": severity,
        "retailer": retailer,
        "kind": names.kind(kind),
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


def _is_waiting(row: Row, origin: str, day: date) -> bool:
    return row["state"] == "waiting" and row["data_origin"] == origin and row["valid_from"] <= day


def _by_day(frame: pl.DataFrame) -> dict[Key, list[Row]]:
    grouped: dict[Key, list[Row]] = defaultdict(list)
    order = [name for name in ("retailer", "item_number", "kind", "category", "product") if name in frame.columns]
    for row in frame.sort(order, nulls_last=False).iter_rows(named=True):
        grouped[row["data_origin"], row["collected_on"]].append(row)
    return grouped


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ons_bigdata.prices", "reports"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["change"] = lambda change: _format_percent(change.percent)
    environment.filters["interval"] = _format_interval
    return environment


def _format_percent(per_cent: float | None) -> str:
    """Change in per cent with its sign, to a tenth; a dash without one."""
    return "–" if per_cent is None else f"{_format_tenths(per_cent)} %"


def _format_interval(change: Change) -> str:
    """Interval of a change in per cent, or why there is none; nothing without a change."""
    if change.interval is None:
        return change.interval_reason or ""
    return " to ".join(map(_format_tenths, change.interval))


def _format_tenths(number: float) -> str:
    rounded = round(number, 1)
    return "0.0" if rounded == 0 else f"{rounded:+.1f}".replace("-", "−")


def _printable(value: object) -> object:
    """Escape unprintable characters of every text of the data; a macro's output is made of escaped ones."""
    return escape_unprintable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
