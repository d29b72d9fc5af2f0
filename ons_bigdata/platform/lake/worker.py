"""Worker of the engine: reads jobs as lines of JSON, runs each, writes its result and replies with a line of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform.lake.engine import LakeResult, call, write_lake_result

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    """Run jobs until standard input ends."""
    replies = sys.stdout
    sys.stdout = sys.stderr  # what a method prints must not be taken for a reply
    for line in sys.stdin:
        job = json.loads(line)
        try:
            reply = {"failure": None, **_run(job)}
        except Exception as error:  # the engine raises it
            reply = {"failure": {"function": job["function"], "kind": type(error).__name__, "text": str(error)}}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job; return the names of the frames that it wrote, and the files of the lake by name."""
    paths = [Path(path) for path in job["paths"]]
    frames = dict(call(job["function"], job["parameters"], paths, job["columns"], job["sort_columns"]))
    load_ids = {int(bucket): of_bucket for bucket, of_bucket in job["load_ids"].items()}
    files: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, values in job["lake_results"].items():
        result, folder = LakeResult.of_json(values), Path(job["writing"]) / f"{job['bucket']}-{values['name']}"
        folder.mkdir(mode=0o700)
        written = write_lake_result(result, frames.pop(name), load_ids, folder)
        files[name] = [(str(path), asdict(file)) for path, file in written]
    for place, frame in enumerate(frames.values()):
        frame.write_parquet(f"{job['result']}.{place}.parquet", compression="lz4")
    return {"names": list(frames), "files": files}


if __name__ == "__main__":
    main()
