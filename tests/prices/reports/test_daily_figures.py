"""Figures of the daily report: comparisons, movers, course; and the drawings of them."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree

import polars as pl
import pytest

from ons_bigdata.prices.reports.charts import draw_changes, draw_course, draw_levels
from ons_bigdata.prices.reports.daily_figures import MOVERS, SHOWN_DAYS, Change, Figures

FIRST = date(2016, 6, 1)
COLUMNS = {
    "data_origin": pl.String, "level": pl.String, "code": pl.String, "name": pl.String, "period": pl.Date,
    "index": pl.Float64, "reason": pl.String, "standard_error": pl.Float64, "standard_error_reason": pl.String,
    "change_error_percent": pl.Float64, "change_error_reason": pl.String, "week_change_error_percent": pl.Float64,
    "week_change_error_reason": pl.String, "base_period": pl.String,
}  # fmt: skip


def series(level: str, code: str, indices: list[float | None], error: float | None = 1.0, base: str = "first week"):
    """Daily indices from `FIRST` on."""
    rows = [
        (
            "real",
            level,
            code,
            f"name of {code}",
            FIRST + timedelta(days=day),
            index,
            None,
            error,
            None,
            0.25,
            None,
            None,
            "few resamples",
            base,
        )
        for day, index in enumerate(indices)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def test_changes_are_against_yesterday_and_the_same_weekday_of_the_week_before() -> None:
    figures = Figures(series("division", "01", [100, 101, 102, 103, 104, 105, 106, 110]))
    (division,) = figures.of("real", FIRST + timedelta(days=7)).divisions
    assert division.change_yesterday.percent == pytest.approx(100 * (110 / 106 - 1))
    assert division.change_week.percent == pytest.approx(10)
    assert (division.low, division.high) == pytest.approx((110 - 1.959964, 110 + 1.959964))


def test_a_missing_day_is_no_change() -> None:
    figures = Figures(series("division", "01", [100, None, 102]))
    missing, last = (figures.of("real", FIRST + timedelta(days=day)).divisions[0] for day in (1, 2))
    assert (missing.index, missing.change_yesterday.percent) == (None, None)
    assert (last.change_yesterday, last.change_week) == (Change(None, None, None, None),) * 2
    assert figures.of("real", FIRST + timedelta(days=9)).divisions == []
    assert figures.of("simulated", FIRST).divisions == []


def test_a_change_has_the_interval_of_its_own_error_or_a_reason() -> None:
    figures = Figures(series("division", "01", [100, 100, 100, 100, 100, 100, 100, 110], error=5.0))
    (division,) = figures.of("real", FIRST + timedelta(days=7)).divisions
    assert division.change_yesterday.interval == pytest.approx((10 - 0.25 * 1.959964, 10 + 0.25 * 1.959964))
    assert (division.change_week.interval, division.change_week.interval_reason) == (None, "few resamples")


def test_figures_of_another_base_period_are_not_compared() -> None:
    first, second = (series("division", "01", [100, 120], base=base) for base in ("first week", "second week"))
    figures = Figures(pl.concat([first.head(1), second.tail(1)]))
    (division,) = figures.of("real", FIRST + timedelta(days=1)).divisions
    assert (division.index, division.yesterday, division.change_yesterday.percent) == (120, None, None)


def test_movers_are_the_items_with_the_largest_changes_each_once() -> None:
    falls = [series("item", str(number), [100, 100 - number]) for number in range(1, 8)]
    figures = Figures(pl.concat([*falls, series("item", "99", [100, 150])]))
    movers = figures.of("real", FIRST + timedelta(days=1)).movers
    assert [figure.code for figure in movers] == ["99", "7", "6", "5"]
    assert len(movers) == MOVERS


def test_the_course_reaches_four_weeks_back() -> None:
    figures = Figures(series("division", "01", [100.0] * 40))
    course = figures.of("real", FIRST + timedelta(days=35)).course
    assert course.height == SHOWN_DAYS
    assert course["period"].max() == FIRST + timedelta(days=35)


def test_drawings_are_well_formed_show_every_mark_and_take_colours_from_the_page() -> None:
    figures = Figures(
        pl.concat(
            [series("division", "01", [100.0 + day for day in range(9)]), series("item", "7&<", [100.0] * 8 + [90])]
        )
    )
    day = figures.of("real", FIRST + timedelta(days=8))
    levels, course = draw_levels([*day.divisions, *day.movers]), draw_course(day.course)
    changes = draw_changes([*day.divisions, *day.movers])
    for drawing in (levels, changes, course):
        assert drawing is not None
        root = ElementTree.fromstring(drawing)  # noqa: S314  (drawn here)
        assert "var(--ink)" in drawing
        assert root.get("viewBox")
    assert "name of 7&amp;&lt;" in (levels or "")
    assert (levels or "").count('aria-roledescription="point"') == 4  # today and yesterday of two figures
    assert (levels or "").count('aria-roledescription="tick"') == 2
    assert (changes or "").count('aria-roledescription="point"') == 4  # since yesterday and the week before


def test_nothing_is_drawn_of_nothing() -> None:
    empty = Figures(series("division", "01", [None])).of("real", FIRST)
    assert draw_levels(empty.divisions) is None
    assert draw_changes(empty.divisions) is None
    assert draw_course(empty.course) is None
