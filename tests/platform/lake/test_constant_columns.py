"""Columns of one value: found as such, and written as any other column is."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from ons_bigdata.platform.lake.constant_columns import is_constant
from ons_bigdata.platform.lake.files import _arrow


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([], True),
        (["a"], True),
        (["a", "a", "a"], True),
        ([None, None], True),
        (["a", "b", "a"], False),
        (["a", None, "a"], False),
        ([None, "a", "a"], False),
    ],
)
def test_a_column_is_constant_where_no_value_differs(values: list[str | None], constant: bool) -> None:
    assert is_constant(pl.Series(values, dtype=pl.String)) is constant


def test_texts_that_are_repeated_are_those_of_the_frame() -> None:
    frame = pl.DataFrame(
        {"same": ["é"] * 3, "number": [1, 2, 3], "none": [None] * 3, "other": ["a", None, "c"]},
        schema_overrides={"none": pl.String},
    )
    expected = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    found = _arrow(frame, expected.schema)
    assert isinstance(found, pa.Table)
    assert found.equals(expected)
    assert found.schema.equals(expected.schema)
