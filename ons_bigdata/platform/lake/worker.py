"""Worker of the engine: reads jobs as lines of JSON, runs each, writes its result and replies with a line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ons_bigdata.platform.lake.engine import call


def main() -> None:
    """Run jobs until standard input ends."""
    replies = sys.stdout
    sys.stdout = sys.stderr  # what a method prints must not be taken for a reply
    for line in sys.stdin:
        job = json.loads(line)
        error = None
        try:
            frame = call(job["function"], job["parameters"], [Path(path) for path in job["paths"]], job["sort_columns"])
            frame.write_parquet(job["result"])
        except Exception as failure:  # the engine raises it
            error = f"{job['function']}: {type(failure).__name__}: {failure}"
        replies.write(json.dumps({"error": error}) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
