"""`report`: the daily report of a pilot, read from its table; an asset writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ons_bigdata.platform.calendar import parse_day
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse, require_database
from ons_bigdata.settings import Settings

ORIGINS = ("real", "simulated")


@dataclass(frozen=True)
class PriceReport:
    """The daily report on price quotes of one origin and day."""

    data_origin: str
    collected_on: date
    text: str
    html: str
    failed_checks: list[str] = field(default_factory=list)
    """Checks that failed for the day, `schema/table check`, and those of whole tables that failed."""


def read_price_report(settings: Settings, *, day: str | None = None, origin: str | None = None) -> PriceReport:
    """Report of a day (YYYY-MM-DD; the last one if None) of real or simulated data.

    Without `origin`, real data come before simulated. Raises InputError where the day is no date, the origin is
    unknown, or there is no such report (the message has the range of days with one).
    """
    if origin is not None and origin not in ORIGINS:
        raise InputError(f"origin: found {origin!r}, expected one of {', '.join(ORIGINS)}")
    wanted = None if day is None else parse_day(day, what="--day")
    require_database(settings)
    store = open_warehouse(settings)
    days = _days(store)
    if not days:
        raise InputError("no report yet: `ons-bigdata materialize --select 'tag:pilot=prices'` writes them")
    chosen = origin if origin is not None else min(days)
    if chosen not in days:
        raise InputError(f"no report on {chosen} data; there are {_list_days(days)}")
    first, last = days[chosen]
    rows = store.rows(
        "select data_origin, collected_on, text, html from analysis.price_quality_report"
        " where data_origin = $1 and collected_on = $2::text::date",
        [chosen, str(wanted or last)],
    )
    if not rows:
        raise InputError(f"no report on {chosen} data of {wanted}; there are those of {first} to {last}")
    ((found, collected_on, text, html),) = rows
    return PriceReport(found, collected_on, text, html, failed_checks=_failed_checks(store, collected_on))


@dataclass(frozen=True)
class ReportedDay:
    """A day with a report, and how many findings it has."""

    data_origin: str
    collected_on: date
    errors: int
    warnings: int


def list_price_reports(settings: Settings) -> list[ReportedDay]:
    """Return the days with a report, real ones first, the latest first. Raises InputError where nothing is here yet."""
    require_database(settings)
    rows = open_warehouse(settings).rows(
        "select data_origin, collected_on, errors, warnings from analysis.price_quality_report"
        " order by data_origin, collected_on desc"
    )
    return [ReportedDay(*row) for row in rows]


def write_html(settings: Settings, report: PriceReport, path: Path) -> Path:
    """Write the report's page into a file, or the pages of all days of its origin into a folder, linked by day.

    Return the path of the report's page. Raises InputError where the folder is missing or cannot be written.
    """
    pages = {path: report.html}
    if path.is_dir():
        rows = open_warehouse(settings).rows(
            "select collected_on::text, html from analysis.price_quality_report where data_origin = $1",
            [report.data_origin],
        )
        pages = {path / f"{day}.html": html for day, html in rows}
    for file, html in pages.items():
        try:
            file.write_text(html, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror})") from error
    return path / f"{report.collected_on}.html" if path.is_dir() else path


def _failed_checks(store: Warehouse, day: date) -> list[str]:
    rows = store.rows(
        "select distinct asset || ' ' || check_name from ops.check_partitions"
        " where not passed and (partition is null or partition = $1) order by 1",
        [day.isoformat()],
    )
    return [name for (name,) in rows]


def _days(store: Warehouse) -> dict[str, tuple[date, date]]:
    return {
        origin: (first, last)
        for origin, first, last in store.rows(
            "select data_origin, min(collected_on), max(collected_on) from analysis.price_quality_report"
            " group by data_origin"
        )
    }


def _list_days(days: dict[str, tuple[date, date]]) -> str:
    return ", ".join(f"{origin} {first} to {last}" for origin, (first, last) in sorted(days.items()))
