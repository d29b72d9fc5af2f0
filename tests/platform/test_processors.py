"""Number of processors, also on systems without processor affinity."""

from __future__ import annotations

import os

import pytest

from ons_bigdata.platform.processors import usable_processors


def test_processors_are_counted_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_processors() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_processors() == 1
