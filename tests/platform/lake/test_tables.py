"""Buckets of entities and the declaration of tables."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.lake import LakeTable
from ons_bigdata.platform.lake.tables import bucket_of
from tests.platform.lake.spread import COLUMNS

ENTITIES = st.integers(-(2**63), 2**63 - 1)


def buckets_of(entities: list[int], buckets: int) -> list[int]:
    return (
        pl.DataFrame({"user": pl.Series(entities, dtype=pl.Int64)})
        .select(bucket_of(pl.col("user"), buckets))["user"]
        .to_list()
    )


def test_buckets_are_equal_ranges_of_all_numbers() -> None:
    edges = [-(2**63), -(2**62) - 1, -(2**62), -1, 0, 2**62 - 1, 2**62, 2**63 - 1]
    assert buckets_of(edges, 4) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert buckets_of(edges, 1) == [0] * 8


@given(entities=st.lists(ENTITIES, min_size=1), bits=st.integers(0, 10))
def test_buckets_are_sorted_as_entities_are_and_nest(entities: list[int], bits: int) -> None:
    coarse, fine = buckets_of(sorted(entities), 2**bits), buckets_of(sorted(entities), 2 ** min(bits + 1, 10))
    assert coarse == sorted(coarse)
    assert all(0 <= bucket < 2**bits for bucket in coarse)
    assert bits == 10 or [bucket // 2 for bucket in fine] == coarse


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"buckets": 6}, "6 buckets; expected a power of two up to 1024"),
        ({"buckets": 2048}, "2048 buckets"),
        ({"entity_column": "value"}, "column value is Float64; expected Int64"),
        ({"order": ["second"]}, "expected known columns, the entity first"),
        ({"order": ["user", "when"]}, "expected known columns, the entity first"),
        ({"columns": {"user": pl.Int64()}}, "column load_id is None; expected String"),
    ],
)
def test_a_faulty_declaration_is_refused(change: dict[str, object], message: str) -> None:
    declaration = {"columns": COLUMNS, "entity_column": "user", "order": ["user", "second"], "buckets": 8} | change
    with pytest.raises(ValueError, match=message):
        LakeTable("events", **declaration)  # type: ignore[arg-type]
