"""Drawings of the evaluation: intervals are drawn with their estimates, shares as per cent, money with its unit."""

from __future__ import annotations

import re

import polars as pl

from ons_bigdata.meters.reports.evaluation_charts import draw_case, draw_vacancy


def test_each_share_of_vacant_homes_has_its_interval_and_the_row_of_all_quarters_is_left_out() -> None:
    """Two judgements of one and two quarters: four points, four bars; the bar of 0.5 to 1.0 has half of the height."""
    rows = pl.DataFrame(
        [
            (judgement, quarters, 10, 0.75, 0.5, 1.0)
            for judgement in ("shipped flag", "180 kWh rule")
            for quarters in (0, 1, 2)
        ],
        schema=("judgement", "quarters_vacant", "homes", "recall", "recall_lower", "recall_upper"),
        orient="row",
    )
    drawing = draw_vacancy(rows, title="Injected vacancies found")
    (bars,) = re.findall(r'<g class="mark-rule role-mark layer_0_marks".*?</g>', drawing)
    heights = [abs(float(height)) for height in re.findall(r'y2="(-?[\d.]+)"', bars)]
    assert heights == [130.0] * 4
    (points,) = re.findall(r'<g class="mark-symbol role-mark layer_1_marks".*?</g>', drawing)
    assert points.count("<path") == 4
    assert "100%" in drawing


def test_the_case_for_use_names_its_currency_and_the_share_of_vacant_homes() -> None:
    rows = pl.DataFrame(
        {"threshold": [0.3, 0.5], "prevalence": [0.045, 0.045], "net_saving": [27_321.0, 25_714.0], "homes": [1, 1]}
    )
    drawing = draw_case(rows, title="Net saving by threshold")
    assert "net saving of 10,000 homes, pounds" in drawing
    assert ">4.5%<" in drawing
