"""Sorting by one number for all columns: the order is that of a stable sort by polars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.platform.lake.sorting import sort_by_number, sort_rows

_EXTREMES = st.sampled_from([-(2**63), -1, 0, 1, 2**31, 2**62, 2**63 - 1])
_BEGIN = datetime(2009, 7, 14, tzinfo=UTC)


@given(
    stretches=st.lists(st.tuples(_EXTREMES, st.integers(1, 6)), max_size=12),
    seconds=st.sampled_from([1800.0, 0.25, 1e9]),
    seed=st.integers(1, 50),
    has_null=st.booleans(),
)
def test_rows_are_in_the_order_of_a_stable_sort(
    stretches: list[tuple[int, int]], seconds: float, seed: int, has_null: bool
) -> None:
    entities = [entity for entity, length in stretches for _ in range(length)]
    times = [_BEGIN + timedelta(seconds=seconds * (seed * place % 7)) for place in range(len(entities))]
    frame = pl.DataFrame(
        {"entity": entities, "at": times, "place": range(len(entities))},
        schema={"entity": pl.Int64, "at": pl.Datetime("us", "UTC"), "place": pl.Int64},
    )
    if has_null and frame.height:
        frame = frame.with_columns(at=pl.when(pl.col("place") > 0).then("at"))
    for columns in (["entity", "at"], ["at", "entity"], ["at"], ["entity", "at", "place"]):
        assert_frame_equal(sort_rows(frame, columns), frame.sort(columns, maintain_order=True))


@pytest.mark.parametrize(
    ("values", "is_one_number"),
    [
        ([5, 5, 5, 5, 5, 3, 3, 3, 3, 3], True),
        ([2**62, -(2**62)] * 5, False),  # as many stretches as rows
        ([2**62] * 5 + [-(2**63)] * 5, True),
        ([1, None] * 5, False),
        (["a", "b"] * 5, False),
    ],
)
def test_nulls_texts_and_scattered_wide_numbers_have_no_number(values: list[object], is_one_number: bool) -> None:
    found = sort_by_number(pl.DataFrame({"value": values}), ["value"])
    assert (found is not None) == is_one_number
    if found is not None:
        assert found["value"].is_sorted()
