"""Peak memory of landing and loading does not grow with the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.conftest import ROLE_PREFIX

SMALL_MB, LARGE_MB = 20, 300


@pytest.mark.parametrize(("what", "growth_mb"), [("land", 40), ("load", 200)])
def test_peak_memory_does_not_grow_with_the_file(
    warehouse: Warehouse, tmp_path: Path, what: str, growth_mb: int
) -> None:
    """The spill holds 64 MB of rows, and as much again while it sorts them."""
    peaks = []
    for megabytes in (SMALL_MB, LARGE_MB):
        folder = tmp_path / str(megabytes)
        folder.mkdir()
        with warehouse.transaction() as transaction:
            transaction.execute("truncate ops.files, ops.lake_files, ops.lake_tables cascade")
        command = [sys.executable, "-m", "tests.platform.ingest.memory_probe", what, str(warehouse.address.libpq())]
        run = subprocess.run(
            [*command, ROLE_PREFIX, str(folder), str(megabytes)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < growth_mb, peaks
