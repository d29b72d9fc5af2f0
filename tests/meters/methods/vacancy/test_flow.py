"""Stock and flow: an example by hand, and the balance of any panel, with gaps and homes that come and go."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.meters.methods.vacancy import stock_and_flow

QUARTERS = [date(2010 + number // 4, 1 + 3 * (number % 4), 1) for number in range(6)]


def panel(states: dict[str, str]) -> pl.DataFrame:
    """Quarters of meters: v vacant, o occupied, ? not judged, blank: no row."""
    rows = [
        {"meter": meter, "quarter": quarter, "vacant": {"v": True, "o": False, "?": None}[letter],
         "onset": quarter if letter == "v" else None}
        for meter, letters in states.items()
        for quarter, letter in zip(QUARTERS, letters, strict=False)
        if letter != " "
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={"meter": pl.String, "quarter": pl.Date, "vacant": pl.Boolean, "onset": pl.Date})


def test_flows_by_hand():
    table = stock_and_flow(panel({"a": "oovvoo", "b": "vvvv  ", "c": " ?v?vo", "d": "oooooo"}))
    assert table["stock"].to_list() == [1, 1, 3, 3, 1, 0]
    assert table["into"].to_list() == [0, 0, 1, 0, 0, 0]
    assert table["out"].to_list() == [0, 0, 0, 0, 1, 1]
    assert table["appeared"].to_list() == [1, 0, 1, 0, 0, 0]
    assert table["disappeared"].to_list() == [0, 0, 0, 0, 1, 0]
    assert table["carried"].to_list() == [0, 0, 0, 1, 0, 0]
    assert table["new_days"][2] == 92


def test_a_home_that_was_missed_in_the_quarter_before_is_no_flow():
    missed = panel({"a": "oovv", "b": "oovv"}).with_columns(
        onset=pl.when((pl.col("meter") == "a") & pl.col("vacant")).then(QUARTERS[1]).otherwise("onset")
    )
    table = stock_and_flow(missed)
    assert table["stock"].to_list() == [0, 0, 2, 2]
    assert table["into"].to_list() == [0, 0, 1, 0]
    assert table["appeared"].to_list() == [0, 0, 1, 0]


@settings(max_examples=60)
@given(st.lists(st.text("vo? ", min_size=6, max_size=6), min_size=1, max_size=6), st.booleans())
def test_the_stock_always_balances(states: list[str], by_area: bool):
    frame = panel({f"m{number}": letters for number, letters in enumerate(states)})
    areas = pl.DataFrame(
        {"meter": [f"m{n}" for n in range(len(states))], "area": [f"a{n % 2}" for n in range(len(states))]}
    )
    table = stock_and_flow(frame, areas if by_area else None)
    known = [quarter for quarter in QUARTERS if table.height and quarter <= table["quarter"].max()]
    for _, part in table.group_by("area"):
        whole = pl.DataFrame({"quarter": known}).join(part, on="quarter", how="left").fill_null(0)
        before = whole["stock"].shift(fill_value=0)
        assert (
            whole["stock"] == before + whole["into"] - whole["out"] + whole["appeared"] - whole["disappeared"]
        ).all()


def test_a_meter_without_area_is_refused():
    with pytest.raises(ValueError, match="meter a has no area"):
        stock_and_flow(panel({"a": "ov"}), pl.DataFrame({"meter": ["b"], "area": ["x"]}))
