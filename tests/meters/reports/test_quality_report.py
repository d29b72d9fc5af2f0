"""The report on the quality of a delivery: figures with their meaning, a picture, hidden figures as words."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from ons_bigdata.meters.reports.quality_report import MEANINGS, Delivery, deliveries, draw_shares, render_report
from ons_bigdata.meters.schemas.aggregates import ControlledStates
from ons_bigdata.meters.schemas.reports import MeterQualityReport
from ons_bigdata.meters.schemas.vocabulary import STATES


def test_the_report_has_each_state_with_its_share_and_a_picture() -> None:
    rows = [
        ("simulated", "cer", date(2010, month, 1), state, 120, affected, share, status)
        for month in (1, 2)
        for state, affected, share, status in (
            ("ok", 120, None, "secondary"),
            ("missing_row", 60, 0.01 * month, "published"),
            ("duplicate_identical", 60, 0.0003, "published"),
            ("zero_run", None, None, "below_threshold"),
        )
    ]
    states = ControlledStates.validate(pl.DataFrame(rows, schema=ControlledStates.create_empty().schema, orient="row"))
    suspicions = pl.DataFrame(
        {
            "data_origin": "simulated",
            "format": "cer",
            "suspicion": ["bad_day", "unit_error"],
            "meters": [25, None],
            "status": ["published", "below_threshold"],
        }
    )
    (delivery,) = deliveries(states, suspicions)
    report = render_report(delivery)
    assert MeterQualityReport.validate(pl.DataFrame([report])).height == 1
    assert "missing_row" in report["text"]
    assert "1.5 %" in report["text"]
    assert "worst month    2.0 %" in report["text"]
    assert "duplicate_identical     < 0.1 %" in report["text"]
    assert "unit error: fewer meters than may be shown" in report["text"]
    assert "<svg" in report["html"]
    assert "Simulated data: no figure on this page is about real homes." in report["html"]
    assert "January 2010 to February 2010" in report["html"]


def test_the_axis_of_shares_begins_at_zero() -> None:
    """Shares of 3 and 4 per cent: an axis from 3 on would show the smaller one as nothing."""
    states = pl.DataFrame(
        {"month": [date(2010, 1, 1), date(2010, 2, 1)], "state": ["missing_row"] * 2, "share": [0.03, 0.04]}
    )
    drawing = draw_shares(Delivery("simulated", "cer", states, pl.DataFrame()))
    assert drawing is not None
    labels = [float(label) for label in re.findall(r">(\d+(?:\.\d+)?)</text>", drawing)]
    assert min(labels) == 0.0
    assert max(labels) == 4.0


def test_every_state_has_a_meaning() -> None:
    assert tuple(MEANINGS) == STATES
