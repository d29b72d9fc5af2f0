"""Process of a collector that lands for real, and that may kill itself at a step of its work on files.

Arguments: folder of the spool, address of the stream, folder of landing, database, and the number of the step at which
the process kills itself (0: never). A step is a call of the operating system by which a file below the two folders is
opened for writing, renamed or deleted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.database import DatabaseAddress
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.tweets.sources.stream.collector import Collector
from ons_bigdata.tweets.sources.stream.timing import StreamTiming
from tests.conftest import ROLE_PREFIX
from tests.tweets.sources.stream.streamed import access, landing_of
from tests.tweets.sources.written_events import KEY

TIMING = StreamTiming(flush_s=0.05, roll_s=0.1)


def main(spool: str, url: str, landed: str, database: str, step: str) -> None:
    """Collect until a request to end."""
    _kill_at(int(step), (spool, landed))
    warehouse = Warehouse(address=DatabaseAddress(url=make_url(database), is_embedded=True), role_prefix=ROLE_PREFIX)
    collector = Collector(
        Path(spool), access(url), land=landing_of(Landing(Path(landed), warehouse)), key=KEY, timing=TIMING
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: threading.Thread(target=collector.stop).start())
    collector.run()


def _kill_at(step: int, folders: tuple[str, ...]) -> None:
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        is_written = event in ("os.rename", "os.remove", "os.mkdir") or (
            event == "open" and arguments[2] & os.O_ACCMODE
        )
        if is_written and str(arguments[0]).startswith(folders):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if step:
        sys.addaudithook(count)


if __name__ == "__main__":
    main(*sys.argv[1:])
