"""The command that shows the daily report: choice of the day, and the error without a report."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from starlette.routing import Route

from ons_bigdata import rendering
from ons_bigdata.commands import pages, report
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.schemas.quality import PriceQualityReport
from ons_bigdata.settings import Settings


@pytest.fixture
def opened(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Point the command at the test's database."""
    monkeypatch.setattr(report, "open_warehouse", lambda _: warehouse)
    monkeypatch.setattr(report, "require_database", lambda _: None)
    return warehouse


def write_reports(warehouse: Warehouse, *reports: tuple[str, int]) -> None:
    rows = [
        (origin, date(2016, 8, day), 1, 1, 0, 0, 0, 0, f"<p>{origin} {day}", f"{origin} {day}", "hash", "{}")
        for origin, day in reports
    ]
    frame = pl.DataFrame(rows, schema=list(PriceQualityReport.columns()), orient="row")
    counts = ["retailers", "quotes", "errors", "warnings", "notes", "decisions_waiting"]
    warehouse.replace("analysis.price_quality_report", frame.with_columns(pl.col(counts).cast(pl.Int32)))


def test_the_last_day_of_real_data_is_the_default(opened: Warehouse, settings: Settings, tmp_path: Path) -> None:
    write_reports(opened, ("real", 1), ("real", 2), ("simulated", 3))
    assert report.read_price_report(settings).text == "real 2"
    assert report.read_price_report(settings, day="2016-08-01").text == "real 1"
    simulated = report.read_price_report(settings, origin="simulated")
    assert (simulated.data_origin, simulated.collected_on) == ("simulated", date(2016, 8, 3))
    assert report.write_html(settings, simulated, tmp_path / "report.html") == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text() == "<p>simulated 3"
    with pytest.raises(InputError, match="cannot be written"):
        report.write_html(settings, simulated, tmp_path / "nowhere" / "report.html")


def test_a_folder_takes_the_pages_of_all_days(opened: Warehouse, settings: Settings, tmp_path: Path) -> None:
    write_reports(opened, ("real", 1), ("real", 2), ("simulated", 3))
    latest = report.read_price_report(settings, origin="real")
    assert report.write_html(settings, latest, tmp_path) == tmp_path / "2016-08-02.html"
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["2016-08-01.html", "2016-08-02.html"]


def test_the_list_of_pages_links_the_report_of_each_day(
    opened: Warehouse, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(opened, ("real", 1), ("simulated", 3), ("real", 2))
    monkeypatch.setattr(pages, "get_settings", lambda: settings)
    endpoints = {route.path: route.endpoint for route in pages.routes() if isinstance(route, Route)}
    listed = endpoints["/"](None).body.decode()
    assert re.findall(r'href="(reports/[^"]+)"', listed) == [
        "reports/prices/real/2016-08-02.html",
        "reports/prices/real/2016-08-01.html",
        "reports/prices/simulated/2016-08-03.html",
    ]
    assert endpoints["/reports/"](None).headers["location"] == "../"
    write_reports(opened)
    assert "None yet" in endpoints["/"](None).body.decode()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"day": "yesterday"}, "--day: found 'yesterday', expected a day YYYY-MM-DD"),
        ({"origin": "reel"}, "origin: found 'reel', expected one of real, simulated"),
        (
            {"day": "2016-08-09"},
            "no report on simulated data of 2016-08-09; there are those of 2016-08-01 to 2016-08-03",
        ),
        ({"origin": "real"}, "no report on real data; there are simulated 2016-08-01 to 2016-08-03"),
    ],
)
def test_a_missing_report_is_an_error(opened: Warehouse, settings: Settings, asked: dict, message: str) -> None:
    write_reports(opened, ("simulated", 1), ("simulated", 3))
    with pytest.raises(InputError) as error:
        report.read_price_report(settings, **asked)
    assert str(error.value) == message


def test_before_the_first_run_there_is_none(opened: Warehouse, settings: Settings) -> None:
    with pytest.raises(InputError, match="no report yet"):
        report.read_price_report(settings)


def test_the_file_of_the_page_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daily = report.PriceReport("real", date(2016, 8, 1), "all is well", "<p>all is well")
    page = tmp_path / "a page.html"
    rendering.report(daily, html=page, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["all is well", f"Page written to {page}"]
    rendering.report(daily, html=page, as_json=True)
    assert json.loads(capsys.readouterr().out)["html"] == str(page)
