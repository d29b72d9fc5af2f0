"""Estimates by home area: an example by hand, coverage of the intervals, and suppression."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.presence.control import hide_secondary, hide_uncovering_totals, without_numbers
from ons_bigdata.phones.methods.presence.estimates import expand_by_home, movement_amounts
from ons_bigdata.phones.schemas.presence import NO_RESIDENTS, ONE_DEVICE

RESIDENTS = pl.DataFrame({"zone": ["A", "B"], "residents": [100, 30]})


def devices(**homes: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(device, zone) for zone, of_zone in homes.items() for device in of_zone],
        schema=["device_key", "home_zone"],
        orient="row",
    )


def test_an_estimate_to_follow_by_hand() -> None:
    amounts = pl.DataFrame({"device_key": [1, 2, 5], "area": ["A", "A", "A"], "amount": [1.0, 0.5, 1.0]})
    made = expand_by_home(amounts, devices(A=[1, 2, 3, 4], B=[5, 6]), RESIDENTS, ["area"], confidence=0.95)
    # A: mean 1.5 / 4, B: mean 1 / 2
    value = 100 * 1.5 / 4 + 30 * 0.5
    of_a = np.var([1.0, 0.5, 0.0, 0.0], ddof=1)
    of_b = np.var([1.0, 0.0], ddof=1)
    variance = 100**2 * (1 - 4 / 100) * of_a / 4 + 30**2 * (1 - 2 / 30) * of_b / 2
    row = made.row(0, named=True)
    assert (row["area"], row["devices"], row["reason"]) == ("A", 3, None)
    assert row["value"] == pytest.approx(value)
    assert row["upper"] == pytest.approx(value + 1.959964 * np.sqrt(variance))
    assert row["lower"] == pytest.approx(max(0.0, value - 1.959964 * np.sqrt(variance)))


def test_reasons_of_missing_numbers() -> None:
    amounts = pl.DataFrame({"device_key": [1, 2], "area": ["A", "C"], "amount": [1.0, 1.0]})
    made = expand_by_home(amounts, devices(A=[1], C=[2]), RESIDENTS, ["area"], confidence=0.9)
    assert made.select("area", "value", "lower", "reason").rows() == [
        ("A", 100.0, None, ONE_DEVICE),
        ("C", None, None, NO_RESIDENTS),
    ]
    with pytest.raises(ValueError, match="a device and cell that came before"):
        expand_by_home(pl.concat([amounts, amounts]), devices(A=[1]), RESIDENTS, ["area"], confidence=0.9)
    with pytest.raises(ValueError, match="confidence is 1"):
        expand_by_home(amounts, devices(A=[1]), RESIDENTS, ["area"], confidence=1.0)


def test_intervals_cover_the_truth() -> None:
    """95 % intervals of persons in an area, of 300 samples from a population whose sum is known."""
    rng = np.random.default_rng(3)
    home = np.repeat(["A", "B"], [600, 400])
    amount = np.where(home == "A", rng.random(1_000), (rng.random(1_000) < 0.4) * 1.0)
    residents = pl.DataFrame({"zone": ["A", "B"], "residents": [600, 400]})
    covered = 0
    for _ in range(300):
        drawn = np.sort(rng.choice(1_000, size=120, replace=False))
        amounts = pl.DataFrame({"device_key": drawn, "area": "A", "amount": amount[drawn]})
        owners = pl.DataFrame({"device_key": drawn, "home_zone": home[drawn]})
        row = expand_by_home(amounts, owners, residents, ["area"], confidence=0.95).row(0, named=True)
        covered += row["lower"] <= amount.sum() <= row["upper"]
    assert 0.92 <= covered / 300 <= 0.98


def test_movements_of_a_mean_day() -> None:
    moved = pl.DataFrame(
        {
            "device_key": [1, 1],
            "day_type": ["weekday", "weekday"],
            "hour": [8, 9],
            "origin": ["A", "A"],
            "destination": ["B", "B"],
            "purpose": ["to_work", "to_work"],
            "trips": [10, 5],
        }
    )
    anchors = pl.DataFrame({"device_key": [1], "weekdays_seen": [20], "free_days_seen": [8]})
    made = movement_amounts(moved, anchors).sort("period")
    assert made.select("period", "amount").rows() == [("08", 0.5), ("09", 0.25), ("all_day", 0.75)]


def cells(*hidden: str) -> pl.DataFrame:
    names = ["A", "B", "C", "D"]
    return pl.DataFrame(
        {
            "period": ["08"] * 4,
            "area": names,
            "devices": [None if name in hidden else 10 * (place + 1) for place, name in enumerate(names)],
            "status": ["below_threshold" if name in hidden else "published" for name in names],
            "persons": [1.0, 2.0, 3.0, 4.0],
        }
    )


@pytest.mark.parametrize(("hidden", "secondary"), [((), []), (("C",), ["A"]), (("A", "B"), [])])
def test_no_part_of_a_known_total_is_hidden_alone(hidden: tuple[str, ...], secondary: list[str]) -> None:
    made = hide_secondary(cells(*hidden), [(["period"], pl.lit(value=True))])
    assert made.filter(pl.col("status") == "secondary")["area"].to_list() == secondary
    shown = without_numbers(made, ["persons"])
    assert set(shown.filter(pl.col("persons").is_null())["area"]) == {*hidden, *secondary}


def test_suppression_in_two_directions_leaves_no_single_cell() -> None:
    table = pl.DataFrame(
        {
            "line": [line for line in "abc" for _ in "123"],
            "column": list("123") * 3,
            "devices": [None, 20, 30, 40, 50, 60, 70, 80, 90],
            "status": ["below_threshold", *["published"] * 8],
        }
    )
    every = pl.lit(value=True)
    made = hide_secondary(table, [(["line"], every), (["column"], every)])
    for side in ("line", "column"):
        counts = made.group_by(side).agg(hidden=(pl.col("status") != "published").sum())["hidden"]
        assert 1 not in counts.to_list()


def test_a_total_beside_a_single_hidden_part_is_hidden() -> None:
    table = cells("B").vstack(cells("B").filter(pl.col("area") == "D").with_columns(area=pl.lit("total")))
    made = hide_uncovering_totals(table, ["period"], pl.col("area") == "total", pl.col("area") != "total")
    assert made.filter(pl.col("status") == "secondary")["area"].to_list() == ["total"]
    two = cells("A", "B").vstack(table.tail(1))
    kept = hide_uncovering_totals(two, ["period"], pl.col("area") == "total", pl.col("area") != "total")
    assert kept.filter(pl.col("status") == "secondary").is_empty()
