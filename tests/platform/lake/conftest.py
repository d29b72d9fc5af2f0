"""Fixture of an empty lake."""

from __future__ import annotations

from pathlib import Path

import pytest

from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse


@pytest.fixture
def lake(warehouse: Warehouse, tmp_path: Path) -> Lake:
    """Empty lake with its ledger in the test's database."""
    return Lake(tmp_path / "lake", warehouse)
