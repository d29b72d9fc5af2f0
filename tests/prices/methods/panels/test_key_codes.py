"""Codes of keys: by hand, and equal to sorting for every type, also where hashes collide."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.panels import key_codes
from ons_bigdata.prices.methods.panels.key_codes import code_keys

quickly = settings(max_examples=60, deadline=None)

KEYS = st.one_of(
    st.lists(st.text(max_size=3), min_size=1, max_size=60),
    st.lists(st.integers(-5, 20), min_size=1, max_size=60),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30),
    st.lists(st.dates(date(1970, 1, 1), date(2030, 1, 1)), min_size=1, max_size=30),
    st.lists(st.booleans(), min_size=1, max_size=9),
    st.lists(st.datetimes(), min_size=1, max_size=9),
)


def test_by_hand():
    names, codes = code_keys(pl.Series(["tea", "milk", "tea", "ale"]))
    assert (names, codes.tolist()) == (["ale", "milk", "tea"], [2, 1, 2, 0])
    assert code_keys(pl.Series([7, 5, 7]))[0] == [5, 7]
    assert code_keys(pl.Series([], dtype=pl.String))[0] == []


@quickly
@given(KEYS)
def test_codes_are_positions_in_the_sorted_distinct_keys(keys):
    names, codes = code_keys(pl.Series(keys))
    assert names == sorted(set(keys))
    assert [names[code] for code in codes] == keys


@pytest.mark.parametrize("bits", [1, 3])
def test_hashes_that_share_a_slot_get_different_codes(bits, monkeypatch):
    monkeypatch.setattr(key_codes, "SLOT_BITS", bits)
    names, codes = code_keys(pl.Series([str(n % 37) for n in range(500)]))
    assert [names[code] for code in codes] == [str(n % 37) for n in range(500)]
    assert names == sorted(names)


def test_texts_with_equal_hashes_get_different_codes(monkeypatch):
    monkeypatch.setattr(key_codes, "_hash_codes", lambda hashes: np.zeros(len(hashes), dtype=np.int64))
    names, codes = code_keys(pl.Series(["b", "a", "b"]))
    assert (names, codes.tolist()) == (["a", "b"], [1, 0, 1])
