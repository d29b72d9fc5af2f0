"""A process that loads a large file is killed by the system: nothing of it is live, and the next load completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from ons_bigdata.platform.ingest.bulk_loading import BulkLoader
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.lake.files import WRITING
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.conftest import ROLE_PREFIX
from tests.platform.ingest import memory_probe
from tests.platform.ingest.reading_files import SOURCE, TABLE

MEGABYTES = 200


def test_a_load_that_is_killed_while_it_spills_is_completed(warehouse: Warehouse, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", warehouse)
    command = [sys.executable, "-m", "tests.platform.ingest.memory_probe", "load", warehouse.address.libpq()]
    with subprocess.Popen([*command, ROLE_PREFIX, str(tmp_path), str(MEGABYTES)]) as process:
        while not list((lake.folder / WRITING).glob("*/*.run")):
            assert process.poll() is None
            time.sleep(0.01)
        assert lake.remove_orphans(age_s=0) == []  # its writer runs
        process.send_signal(signal.SIGKILL)
    assert lake.files(TABLE) == []
    assert warehouse.rows("select state from ops.loads") == []
    assert len(lake.remove_orphans(age_s=0)) == 1
    loader = BulkLoader(Landing(tmp_path / "landing", warehouse), lake, SOURCE, memory_probe.read_batches, None)
    assert loader.load_waiting().accepted == MEGABYTES * 10_000
    assert sum(file.rows for file in lake.files(TABLE)) == MEGABYTES * 10_000
    assert lake.faults(TABLE) == []
