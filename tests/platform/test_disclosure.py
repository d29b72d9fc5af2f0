"""Disclosure control: an example by hand, and properties of the threshold, rounding and margins."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.disclosure import control_counts, controlled_margins

CELLS = pl.DataFrame({"origin": ["a", "a", "b", "b"], "destination": ["b", "c", "a", "c"], "users": [0, 12, 9, 13]})


def test_an_example_to_follow_by_hand() -> None:
    controlled = control_counts(CELLS, "users")
    assert controlled["users"].to_list() == [None, 10, None, 15]
    assert controlled["status"].to_list() == ["below_threshold", "published", "below_threshold", "published"]
    margins = controlled_margins(controlled, "users", ["origin"])
    assert margins.rows() == [("a", 10, "published", 1), ("b", 15, "published", 1)]
    by_destination = controlled_margins(controlled, "users", ["destination"])
    assert by_destination.rows() == [
        ("a", None, "below_threshold", 1),
        ("b", None, "below_threshold", 1),
        ("c", 25, "published", 0),
    ]


@given(
    counts=st.lists(st.integers(0, 200), min_size=1, max_size=40),
    threshold=st.integers(3, 30),
    base=st.integers(1, 20),
)
def test_no_small_count_is_published_and_rounding_is_to_the_nearest(
    counts: list[int], threshold: int, base: int
) -> None:
    controlled = control_counts(pl.DataFrame({"n": counts}), "n", threshold=threshold, base=base)
    for count, published, status in zip(counts, controlled["n"], controlled["status"], strict=True):
        assert (published is None) == (status == "below_threshold") == (count < threshold)
        assert published is None or (published % base == 0 and 2 * abs(published - count) <= base)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), min_size=1, max_size=30))
def test_a_margin_is_the_sum_of_its_published_cells(rows: list[tuple[str, int]]) -> None:
    cells = pl.DataFrame(rows, schema={"area": pl.String, "n": pl.Int32}, orient="row")
    controlled = control_counts(cells, "n")
    margins = {area: total for area, total, *_ in controlled_margins(controlled, "n", ["area"]).rows()}
    for area, total in margins.items():
        published = controlled.filter(pl.col("area") == area)["n"].drop_nulls()
        assert total == (published.sum() if len(published) else None)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threshold": 2}, "threshold is 2; expected at least 3"), ({"base": 0}, "base is 0; expected at least 1")],
)
def test_bad_options_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        control_counts(CELLS, "users", **options)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, None], "column n, row 1: None; expected a count ≥ 0"),
        ([3, -1], "column n, row 1: -1"),
        ([1.5, 2.5], "column n is Float64; expected integers"),
    ],
)
def test_bad_counts_are_refused(counts: list[float | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        control_counts(pl.DataFrame({"n": counts}), "n")


def test_controlled_cells_are_not_controlled_again() -> None:
    with pytest.raises(ValueError, match="cells has a column status already"):
        control_counts(control_counts(CELLS, "users"), "users")
    with pytest.raises(ValueError, match="controlled cells have no column status"):
        controlled_margins(CELLS, "users", ["origin"])
