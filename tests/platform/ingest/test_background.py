"""Hashing and reading in a thread beside the caller."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from ons_bigdata.platform.ingest.background import INLINE_BYTES, BackgroundHash, read_ahead


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 3 * INLINE_BYTES])
def test_the_hash_is_that_of_all_chunks(size: int) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    with closing(BackgroundHash()) as digest:
        for start in range(0, size, 100_003):
            digest.update(content[start : start + 100_003])
        assert digest.hexdigest() == hashlib.sha256(content).hexdigest()


def test_items_come_in_order_and_one_ahead() -> None:
    taken: list[int] = []

    def count() -> Iterator[int]:
        for number in range(5):
            taken.append(number)
            yield number

    seen = []
    for number in read_ahead(count()):
        seen.append(number)
        assert len(taken) <= number + 2
    assert seen == taken == [0, 1, 2, 3, 4]


def test_an_exception_of_the_iterator_is_raised_after_the_items_before_it() -> None:
    def break_off() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    ahead = read_ahead(break_off())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_after_close_no_thread_uses_the_iterator() -> None:
    before = threading.active_count()
    with closing(read_ahead(iter(range(100)))) as ahead:
        assert next(ahead) == 0
    assert threading.active_count() == before
