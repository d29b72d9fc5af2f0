"""Drift and revision of spliced series; the table of docs/prices/indices/drift.md is computed here."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral.drift import splice_drift, window_revision
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.settings import PROJECT_ROOT
from tests.prices.methods.random_panels import COLUMNS


def bouncing_quotes() -> pl.DataFrame:
    """Two brands in turn at half price, each every 14th month: ten times sold then, a tenth in the month after.

    57 months are four such cycles and one: prices and quantities of the last month are those of the first.
    """
    sold = {0: 1000.0, 1: 10.0}
    turns = [(t, brand, (t - offset) % 14) for t in range(57) for brand, offset in (("a", 2), ("b", 9))]
    rows = [(t, brand, 2.0 if turn else 1.0, sold.get(turn, 100.0)) for t, brand, turn in turns]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def table_of(page: str) -> list[tuple[int | None, str | None, str]]:
    """Window, splice and end of each row of the page's table."""
    lines = (PROJECT_ROOT / "docs" / "prices" / "indices" / page).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("|")]
    rows = [row for row in cells if len(row) == 4 and row[0] in ("all", "5", "13", "25")]
    return [(None if w == "all" else int(w), None if s == "none" else s.strip("`"), end) for w, s, end, _ in rows]


def test_drift_on_bouncing_prices_as_the_page_shows_it():
    rows = table_of("drift.md")
    assert len(rows) >= 8
    computed = splice_drift(bouncing_quotes(), "geks_tornqvist", [row[:2] for row in rows], quantity="quantity")
    assert [f"{index:.1f}" for index in computed["index"]] == [end for *_, end in rows]


def test_short_windows_drift_and_the_whole_window_does_not():
    variants = [(None, None), (5, "movement"), (25, "movement"), (25, "mean_published")]
    table = splice_drift(bouncing_quotes(), "geks_tornqvist", variants, quantity="quantity")
    drift = table["drift"].to_list()
    assert drift[0] == 0
    assert drift[1] < -0.15
    assert -0.05 < drift[2] < -0.01
    assert abs(drift[3]) < 0.005
    assert table["reason"].to_list() == [None] * 4
    # Without weights there is nothing that a sale could leave behind.
    unweighted = splice_drift(bouncing_quotes(), "geks_jevons", variants[1:])
    assert unweighted["drift"].to_list() == pytest.approx([0, 0, 0], abs=1e-12)


def test_drift_does_not_depend_on_where_the_index_is_1():
    variants = [(25, "half"), (13, "half")]
    drift, late = (
        splice_drift(bouncing_quotes(), "geks_tornqvist", variants, quantity="quantity", **options)
        for options in ({}, {"first_value": "window_end", "half_position": "new_window"})
    )
    assert drift["drift"][0] > 0.02
    assert late["drift"].to_list() == pytest.approx(drift["drift"].to_list(), abs=1e-12)
    assert late["index"].to_list() == pytest.approx(drift["index"].to_list(), rel=1e-12)


def test_window_revision_by_hand():
    # Windows of 3 over 4 periods hold the movement from 1 to 2 twice.
    random = np.random.default_rng(1)
    rows = [(t, n, *random.uniform(1, 2, 2).tolist()) for t in range(4) for n in "abc"]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    options = {"window": 3, "splice": "movement", "quantity": "quantity"}
    table = window_revision(quotes, "geks_fisher", **options)
    assert table["period"].to_list() == [1, 2, 3]
    assert table["windows"].to_list() == [1, 2, 1]
    published = multilateral_index(quotes, "geks_fisher", **options)["index"].to_list()
    late = multilateral_index(quotes.filter(pl.col("period") > 0), "geks_fisher", quantity="quantity")[
        "index"
    ].to_list()
    assert table["movement"].to_list() == pytest.approx([published[t] / published[t - 1] for t in (1, 2, 3)])
    assert table["last"][1] == pytest.approx(late[1] / late[0])
    assert table["revision"].to_list() == pytest.approx([0, late[1] / late[0] / (published[2] / published[1]) - 1, 0])
    assert (table["least"] <= table["greatest"]).all()


def test_periods_without_an_index_have_no_revision():
    rows = [(0, "a", 1.0, 1.0), (1, "a", 2.0, 1.0), (2, "b", 1.0, 1.0), (3, "b", 1.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = window_revision(quotes, "geks_fisher", window=2, splice="movement", quantity="quantity")
    assert table["movement"].to_list()[:2] == [2.0, None]
    assert table["windows"].to_list() == [1, 0, 1]
    drift = splice_drift(quotes, "geks_fisher", [(2, "movement")], quantity="quantity")
    assert drift.row(0)[2:4] == (None, None)
    assert drift["reason"][0] is not None
    # A window that holds one pair of periods at a time has an index where the whole has none, for it wants every pair.
    quotes = pl.DataFrame(
        [(0, "a", 1.0), (1, "a", 2.0), (1, "b", 1.0), (2, "b", 3.0)], schema=COLUMNS[:3], orient="row"
    )
    drift = splice_drift(quotes, "geks_jevons", [(2, "movement")])
    assert drift.row(0)[2:4] == (pytest.approx(600.0), None)
    assert "periods 0 and 2 have no bilateral index" in drift["reason"][0]


def test_a_calendar_is_read_for_every_variant():
    variants = [(3, "movement"), (4, "mean")]
    calendar = bouncing_quotes()["period"].unique().sort().to_list()
    computed = splice_drift(bouncing_quotes(), "geks_jevons", variants, calendar=iter(calendar))
    assert computed.equals(splice_drift(bouncing_quotes(), "geks_jevons", variants, calendar=calendar))
