"""The daily report of a day with faults, a day without, and of names with markup."""

from __future__ import annotations

import os
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.prices.reports import quality_report
from ons_bigdata.prices.reports.quality_report import Evidence
from ons_bigdata.prices.schemas.quality import PriceQualityReport

MONDAY, TUESDAY = date(2016, 8, 1), date(2016, 8, 2)
KINDS = Path(__file__).resolve().parents[3] / "dbt_project/seeds/prices/quality/price_finding_kinds.csv"
KEYS = {"data_origin": "real", "collected_on": TUESDAY}


def finding(**values: object) -> dict[str, object]:
    """A finding on Tuesday."""
    nothing = dict.fromkeys(("item_number", "item_name", "category", "product", "suggested_value"))
    return {**KEYS, **nothing, "severity": "error", "evidence": "so it is", "suggestion": "Look.", **values}


FINDINGS = [
    finding(retailer="tesco", kind="outage", evidence="no row in any of 1 files"),
    finding(retailer="tesco", kind="outage", item_number=212717, evidence="no row in any file of the day"),
    finding(retailer="tesco", kind="outage", item_number=310401, evidence="no row in any file of the day"),
    finding(
        retailer="waitrose", kind="category_renamed", severity="warn", item_number=212717, category="Apples",
        evidence="the shop has none", suggested_value="Apples & <b>Pears</b>",
    ),
    finding(retailer="waitrose", kind="category_unknown", severity="note", category="Pet Food"),
    finding(retailer="waitrose", kind="price_change", severity="note", item_number=310401, product="RUM"),
]  # fmt: skip

FIGURES = pl.DataFrame(
    [
        ("real", level, code, name, day, index, "no quotes" if index is None else None, error, unsampled,
         None if error is None else error / 2, unsampled, None, "no index in the period to compare with", "2016-08-01")
        for level, code, name, error, unsampled, indices in [
            ("division", "01", "Food <and> drink", 0.5, None, (100.0, 102.0)),
            ("division", "02", "Alcohol", None, "one product", (100.0, None)),
            ("item", "212717", "Dessert apples", 1.0, None, (100.0, 90.0)),
            ("item", "310401", "Whisky", 1.0, None, (100.0, 100.0)),
        ]
        for day, index in zip((MONDAY, TUESDAY), indices, strict=True)
    ],
    schema={
        "data_origin": pl.String, "level": pl.String, "code": pl.String, "name": pl.String, "period": pl.Date,
        "index": pl.Float64, "reason": pl.String, "standard_error": pl.Float64, "standard_error_reason": pl.String,
        "change_error_percent": pl.Float64, "change_error_reason": pl.String, "week_change_error_percent": pl.Float64,
        "week_change_error_reason": pl.String, "base_period": pl.String,
    },
    orient="row",
)  # fmt: skip


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """A Monday without faults, and a Tuesday on which one shop was out and another renamed a shelf."""
    days = [
        ("real", day, retailer, item, products, 10.0, status, status == "accepted")
        for day, retailer, item, products, status in [
            (MONDAY, "tesco", 212717, 10, "accepted"),
            (MONDAY, "tesco", 310401, 11, "accepted"),
            (MONDAY, "waitrose", 212717, 9, "accepted"),
            (TUESDAY, "tesco", 212717, 0, "outage"),
            (TUESDAY, "tesco", 310401, 0, "outage"),
            (TUESDAY, "waitrose", 212717, 8, "accepted"),
        ]
    ]
    runs = [
        ("real", day, retailer, 1, rows, rows, 0, "collected" if rows else "outage")
        for day, retailer, rows in [
            (MONDAY, "tesco", 21),
            (MONDAY, "waitrose", 9),
            (TUESDAY, "tesco", 0),
            (TUESDAY, "waitrose", 8),
        ]
    ]
    decisions = [
        ("real", "D-1", 1, "tesco", 310401, None, "RUM", "drop", MONDAY, None, "analyst-1", "a gift box", "waiting"),
        (
            "real",
            "D-2",
            1,
            "tesco",
            310401,
            None,
            "ALE",
            "drop",
            date(2016, 8, 3),
            None,
            "analyst-1",
            "later",
            "waiting",
        ),
        ("simulated", "D-3", 1, "sim-alder", None, None, None, "drop", MONDAY, None, "analyst-1", "other", "waiting"),
        ("real", "D-4", 1, "tesco", None, None, "TEA", "keep", MONDAY, TUESDAY, "analyst-1", "fine", "effective"),
    ]
    return Evidence(
        days=_frame(days, "data_origin collected_on retailer item_number products usual_products status enters"),
        runs=_frame(runs, "data_origin collected_on retailer runs rows_in accepted quarantined status"),
        findings=pl.DataFrame(FINDINGS, infer_schema_length=None),
        decisions=_frame(
            decisions,
            "data_origin decision_id version retailer item_number category product_name decision valid_from valid_to"
            " decided_by reason state",
        ),
        decided=_frame([("real", TUESDAY, "D-4", "keep", 3)], "data_origin collected_on decision_id decision quotes"),
        figures=FIGURES,
        items=_frame(
            [(212717, "Dessert apples", "01.1.6"), (310401, "Whisky", "02.1.1")], "item_number item_name class_code"
        ),
        retailers=_frame([("tesco", "Tesco"), ("waitrose", "Waitrose")], "retailer name"),
        kinds=pl.read_csv(KINDS).select("kind", "title"),
    )


def test_counts_of_the_days(evidence: Evidence) -> None:
    frame = quality_report.render_reports(evidence)
    PriceQualityReport.validate(frame)
    counts = frame.select("collected_on", "retailers", "quotes", "errors", "warnings", "notes", "decisions_waiting")
    assert counts.rows() == [(MONDAY, 2, 30, 0, 0, 0, 1), (TUESDAY, 2, 8, 3, 1, 2, 1)]


def test_only_days_whose_evidence_changed_are_written_again(evidence: Evidence) -> None:
    written = quality_report.render_reports(evidence)
    same = quality_report.render_changed_reports(evidence, written)
    assert same.rendered.is_empty()
    assert same.kept.equals(written)
    no_findings = Evidence(**{**vars(evidence), "findings": evidence.findings.clear()})
    changed = quality_report.render_changed_reports(no_findings, written)
    assert changed.rendered["collected_on"].to_list() == [TUESDAY]
    assert changed.kept.equals(written.head(1))


def test_drawings_are_taken_over_where_the_figures_are_the_same(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = quality_report.render_reports(evidence)
    other = Evidence(**{**vars(evidence), "findings": evidence.findings.clear()})
    anew = quality_report.render_reports(other)
    assert anew["html"][1] != written["html"][1]
    for name in ("draw_levels", "draw_changes", "draw_course"):
        monkeypatch.setattr(quality_report, name, lambda _: pytest.fail("drawn again"))
    assert quality_report.render_changed_reports(other, written).rendered.equals(anew.tail(1))
    moved = Evidence(**{**vars(evidence), "figures": FIGURES.with_columns(pl.col("index") * 1.01)})
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        quality_report.render_changed_reports(moved, written)


def test_reports_of_some_days_are_those_of_all_days(evidence: Evidence) -> None:
    written = quality_report.render_reports(evidence)
    tuesday = {name: frame.filter(pl.col("collected_on") == TUESDAY) for name, frame in vars(evidence).items()
               if name in ("days", "findings", "decided")}  # fmt: skip
    some = quality_report.render_changed_reports(Evidence(**{**vars(evidence), **tuesday}), written.clear(), {TUESDAY})
    assert some.rendered.equals(written.tail(1))


def test_new_intervals_change_no_report_older_than_a_week(evidence: Evidence) -> None:
    later = evidence.runs.filter(pl.col("collected_on") == TUESDAY).with_columns(collected_on=date(2016, 8, 8))
    week = Evidence(**{**vars(evidence), "runs": pl.concat([evidence.runs, later])})
    written = quality_report.render_reports(week)
    for column, of_days in [("standard_error", [TUESDAY]), ("index", [MONDAY, TUESDAY])]:
        moved = week.figures.with_columns(pl.col(column) * 1.01)
        changed = quality_report.render_changed_reports(Evidence(**{**vars(week), "figures": moved}), written)
        assert changed.rendered["collected_on"].to_list()[: len(of_days)] == of_days, column


def test_the_text_lists_findings_with_advice(evidence: Evidence) -> None:
    text = quality_report.render_reports(evidence).row(1, named=True)["text"]
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "PRICES, real data, 2016-08-02" in lines
    assert "3 errors, 1 warning, 2 notes, 1 decision waiting" in lines
    assert "ERROR Tesco: outage (files without rows) (2 items)" in lines
    assert "whole run: no row in any of 1 files" in lines
    assert "Dessert apples: no row in any file of the day" not in lines  # the whole run is struck
    assert "Dessert apples, shelf Apples: the shop has none [suggested: Apples & <b>Pears</b>]" in lines
    assert "> Look." in lines
    assert "D-1 (version 1): drop Tesco, Whisky, RUM, from 2016-08-01 on; by analyst-1: a gift box" in lines
    assert "D-4: keep, 3 quotes" in lines
    assert "212717 Dessert apples 0/10 x 8/10 !" in lines
    assert "310401 Whisky 0/10 x -" in lines
    assert "WARN Waitrose: shelf renamed" in lines
    assert "D-2" not in text
    assert "D-3" not in text


def test_figures_with_interval_and_changes(evidence: Evidence) -> None:
    monday, tuesday = quality_report.render_reports(evidence).rows(named=True)
    lines = [" ".join(line.split()) for line in tuesday["text"].splitlines()]
    assert "Food <and> drink 102.0 101.0 to 103.0 +2.0 % (+1.5 to +2.5) –" in lines
    assert "Alcohol no figure: no quotes" in lines
    assert "Dessert apples 90.0 88.0 to 92.0 −10.0 % (−11.0 to −9.0) –" in lines
    assert not any(line.startswith("Whisky 100.0") for line in lines)  # it did not move
    page = tuesday["html"]
    assert "Food &lt;and&gt; drink" in page
    assert page.count("<svg") == 3
    assert "−10.0 % <small>−11.0 to −9.0</small>" in page
    assert 'Alcohol</th>\n<td colspan="3">no figure: no quotes' in page
    assert "Items that moved most" in page
    assert "No item moved" in monday["html"]
    assert "2016-07-31" not in monday["html"]  # no link to a day without a report


def test_notes_are_in_the_text(evidence: Evidence) -> None:
    text = quality_report.render_reports(evidence).row(1, named=True)["text"]
    assert "NOTES\n  Waitrose: shelf of no item: shelf Pet Food: so it is" in text


def test_a_day_without_figures_says_so(evidence: Evidence) -> None:
    row = quality_report.render_reports(Evidence(**{**vars(evidence), "figures": FIGURES.clear()})).row(1, named=True)
    assert "No figures of this day" in row["html"]
    assert "<svg" not in row["html"]


def test_a_day_without_findings(evidence: Evidence) -> None:
    row = quality_report.render_reports(evidence).row(0, named=True)
    assert "Nothing failed." in row["html"]
    assert "WHAT FAILED, AND WHAT TO DO\n  nothing" in row["text"]


def test_the_page_is_well_formed_escaped_and_readable_without_colours(evidence: Evidence) -> None:
    page = quality_report.render_reports(evidence).row(1, named=True)["html"]
    assert "Apples &amp; &lt;b&gt;Pears&lt;/b&gt;" in page
    seen = Seen()
    seen.feed(page)
    assert seen.unclosed == []
    assert seen.links == ["2016-08-01.html"]  # the day before; nothing is loaded from elsewhere
    assert seen.attributes["html"] == {"lang": "en-GB"}
    assert all("scope" in attributes for attributes in seen.headers)
    assert "<li>shelf Pet Food: so it is</li>" in page  # of no item: not the whole run
    assert "0/10 ✗" in page
    assert "8/10 !" in page
    assert "not collected" in page


HOSTILE = {
    "script": "<script>document.title = 'taken'; alert(1)</script>",
    "attribute": '" onmouseover="alert(2)" style="position:fixed;inset:0" x=\'',
    "image": "<img src=x onerror=alert(3)><svg onload=alert(4)>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "comment": "--><!-- </style></title></table><iframe srcdoc='<script>alert(5)</script>'>",
    "terminal": "\x1b]0;taken\x07\x1b[31mred\x1b[0m",
    "bidi": "LOAF \u202egpj.exe\u202c",
    "long": "X" * 20_000,
    "link": "javascript:alert(6)",
}


@pytest.mark.browser
def test_hostile_names_are_shown_as_text_in_a_browser(evidence: Evidence, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM")
    if not chromium:
        assert not os.environ.get("ONS_BIGDATA_REQUIRE_CHROMIUM"), "no Chromium, and it is required"
        pytest.skip("no Chromium: set CHROMIUM to its path")
    findings = [
        finding(retailer="tesco", kind="price_change", item_number=212717, **{column: name})
        for name in HOSTILE.values()
        for column in ("product", "category", "suggested_value", "evidence", "suggestion")
    ]
    hostile = Evidence(
        **{
            **vars(evidence),
            "findings": pl.DataFrame(findings, infer_schema_length=None),
            "retailers": _frame([("tesco", "".join(HOSTILE.values()))], "retailer name"),
            "items": _frame([(212717, HOSTILE["script"], "01.1.6")], "item_number item_name class_code"),
        }
    )
    path = tmp_path / "report.html"
    path.write_text(quality_report.render_reports(hostile).row(1, named=True)["html"], encoding="utf-8")
    dialogs: list[str] = []
    requests: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri(), wait_until="load")
        page.mouse.move(300, 300)
        text = page.inner_text("main")
        made = page.eval_on_selector_all(
            "script, img, iframe, main :not(nav) > a, [onmouseover]", "found => found.length"
        )
        title, width = page.title(), page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert (dialogs, requests, made) == ([], [path.as_uri()], 0)
    assert title == "Prices, real data, 2016-08-02"
    assert width <= 1400  # a long name does not push the page out of its window
    for kind in ("script", "attribute", "image", "template", "comment", "link"):
        assert HOSTILE[kind] in text, kind
    assert "\\x1b[31mred" in text and "\\u202egpj.exe" in text
    assert not set("\x1b\x07\u202e\u202c") & set(text)


def test_simulated_figures_are_marked(evidence: Evidence) -> None:
    simulated = Evidence(
        **{
            name: frame.with_columns(pl.lit("simulated").alias("data_origin"))
            if "data_origin" in frame.columns
            else frame
            for name, frame in vars(evidence).items()
        }
    )
    row = quality_report.render_reports(simulated).row(1, named=True)
    assert row["data_origin"] == "simulated"
    assert "Simulated data: no figure on this page is about real shops." in row["html"]
    assert "Real data" not in row["html"]


def test_codes_without_a_name_are_shown(evidence: Evidence) -> None:
    codes = {name: getattr(evidence, name).clear() for name in ("items", "retailers", "kinds")}
    nameless = Evidence(**{**vars(evidence), **codes})
    text = quality_report.render_reports(nameless).row(1, named=True)["text"]
    assert "ERROR  tesco: outage" in text
    assert "item 212717 (not in the seeds)" in text
    assert "waitrose: category renamed" in text


class Seen(HTMLParser):
    """Collects open tags, addresses and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.unclosed: list[str] = []
        self.links: list[str] = []
        self.headers: list[dict] = []
        self.attributes: dict[str, dict] = {}

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        self.attributes.setdefault(tag, given)
        self.links += [value for name, value in given.items() if name in {"src", "href"}]
        if tag == "th":
            self.headers.append(given)
        if tag != "meta":
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


def _frame(rows: list[tuple], columns: str) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=columns.split(), orient="row", infer_schema_length=None)
    return frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))
