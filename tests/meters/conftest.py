"""Fixtures of the meters pilot's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_meters() -> Path:
    """Folder of the shared files of meters; tests that need them are skipped without it."""
    folder = Path(os.environ.get("ONS_BIGDATA_SHARED", "../shared")) / "data" / "meters"
    if not folder.is_dir():
        pytest.skip(f"no shared data of meters at {folder} (set ONS_BIGDATA_SHARED)")
    return folder
