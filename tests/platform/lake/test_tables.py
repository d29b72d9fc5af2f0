"""Buckets of entities and the declaration of tables."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.lake import LakeTable
from ons_bigdata.platform.lake.tables import bucket_of, spread_numbers
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


@given(first=st.integers(0, 10**12), step=st.integers(1, 1000))
def test_spread_numbers_are_distinct_and_even(first: int, step: int) -> None:
    numbers = pl.Series([first + step * place for place in range(800)])
    spread = spread_numbers(numbers)
    assert spread.n_unique() == 800
    counts = pl.Series(buckets_of(spread.to_list(), 8)).value_counts()["count"]
    assert (counts.min(), counts.max()) != (0, 800)
    if step == 1:  # multiples of the golden ratio: each eighth has its share, give or take a few
        assert counts.len() == 8 and counts.is_between(95, 105).all()


def test_a_number_that_is_null_has_no_entity() -> None:
    with pytest.raises(ValueError, match="1 numbers of uprn are null; expected a number in every row"):
        spread_numbers(pl.Series("uprn", [1, None]))
