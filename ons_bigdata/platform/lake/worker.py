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
        failed, names = None, []
        try:
            paths = [Path(path) for path in job["paths"]]
            frames = call(job["function"], job["parameters"], paths, job["columns"], job["sort_columns"])
            for place, (name, frame) in enumerate(frames.items()):
                frame.write_parquet(f"{job['result']}.{place}.parquet", compression="lz4")
                names.append(name)
        except Exception as error:  # the engine raises it
            failed = {"function": job["function"], "kind": type(error).__name__, "text": str(error)}
        replies.write(json.dumps({"failure": failed, "names": names}) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
