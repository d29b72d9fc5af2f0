"""Hashing and reading in a thread beside the caller."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from ons_bigdata.platform.ingest.background import INLINE_BYTES, BackgroundHash, EarlySync, read_ahead


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


def test_bytes_go_to_the_disk_once_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with closing(EarlySync(7, every_bytes=10)) as early:
        early.wrote(9)
        early.finish()
        assert synced == []
        early.wrote(1)
        early.finish()
        assert synced == [7]


def test_a_disk_that_refuses_bytes_early_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system reports such an error once, and not to the last sync."""

    def refuse(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    with closing(EarlySync(7, every_bytes=1)) as early:
        early.wrote(1)
        with pytest.raises(OSError, match="Input/output"):
            early.finish()
    with closing(EarlySync(7, every_bytes=1)) as early:
        early.wrote(1)
        with pytest.raises(OSError, match="Input/output"):
            while True:  # a later write
                early.wrote(1)
