"""Import of an archive of events, against only parsing its JSON.

Writes a file of v1.1 posts with their usual attributes (2.4 kB a line) and measures, in one run:

* parsing each line and forgetting it: orjson and msgspec into Python objects, polars into a frame of the wanted
  columns; and msgspec into the wanted fields alone, which skips the rest; orjson also from the file, line by line;
* reading: the reader of the source alone, with judging and pseudonyms;
* the import, in a process of its own: landing (copy, hash, fsync), reading, fragments, ledger.

CPU seconds of the import are those of the process and of those that it starts to read large files, the kernel's for
copying and allocating pages included; its memory is that of all of them. Everything is also measured by the clock on
the wall, for which the machine has to be free. In a virtual machine the CPU seconds of the kernel are several times as
many while its memory is used for the first time (`--warm-gib` uses it before).

Usage: python benchmarks/geo_events_import.py [--gib 5]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import orjson
import polars as pl
from meters_from_text_to_vacancy import MemoryWatch

from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import AdapterContext
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import PseudonymKey, make_key
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.sources.archives import SOURCES, read_batches
from ons_bigdata.tweets.sources.event_json import _lines

USERS, DAYS = 60_000, 7
PARSED_BYTES = 200 * 1024**2
"""Bytes of the file on which the parsers are measured."""

WANTED = {
    "id_str": pl.String,
    "timestamp_ms": pl.String,
    "created_at": pl.String,
    "user": pl.Struct({"id_str": pl.String}),
    "geo": pl.Struct({"coordinates": pl.List(pl.Float64)}),
    "coordinates": pl.Struct({"coordinates": pl.List(pl.Float64)}),
    "place": pl.Struct({"country_code": pl.String}),
    "source": pl.String,
    "lang": pl.String,
}


def template() -> dict[str, object]:
    """Return a v1.1 post with the attributes of 2014."""
    flags = ("contributors_enabled", "is_translator", "protected", "verified", "following", "notifications")
    colours = {f"profile_{part}_color": "C0DEED" for part in ("background", "link", "sidebar_border", "text")}
    images = {
        f"profile_{part}": f"https://abs.example.org/images/themes/theme1/{part}.png"
        for part in ("background_image_url", "background_image_url_https", "image_url", "image_url_https")
    }
    user = {
        "id": 0,
        "id_str": "",
        "name": "A Name",
        "screen_name": "a_name",
        "location": "London, UK",
        "description": "words about somebody " * 6,
        **{f"{what}_count": 123 for what in ("followers", "friends", "listed", "favourites", "statuses")},
        **dict.fromkeys(flags, False),
        **colours,
        **images,
    }
    box = [[[-0.213503, 51.512805], [-0.213503, 51.572068], [-0.105303, 51.572068], [-0.105303, 51.512805]]]
    return {
        "created_at": "",
        "id": 0,
        "id_str": "",
        "text": "some words of a post " * 5,
        "source": '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
        "truncated": False,
        **{f"in_reply_to_{what}": None for what in ("status_id", "status_id_str", "user_id", "screen_name")},
        "user": user,
        "geo": None,
        "coordinates": None,
        "place": {
            "id": "3eb2c704fe8a50cb",
            "url": "https://api.example.org/1.1/geo/id/3eb2c704fe8a50cb.json",
            "place_type": "city",
            "full_name": "Camden, London",
            "country_code": "GB",
            "bounding_box": {"type": "Polygon", "coordinates": box},
        },
        "entities": {what: [] for what in ("hashtags", "trends", "urls", "user_mentions", "symbols")},
        "extended": {"words": ["word"] * 40},
        "lang": "en",
        "timestamp_ms": "",
    }


def write_archive(path: Path, size: int) -> int:
    """Write lines up to a size in bytes; return their number."""
    rng = np.random.default_rng(3)
    post, written, lines = template(), 0, 0
    user: dict[str, object] = post["user"]  # type: ignore[assignment]
    with path.open("wb") as file:
        while written < size:
            number = int(9e8 + min(rng.pareto(0.6), 1.0) * USERS)
            ms = 1_396_310_400_000 + int(rng.integers(DAYS * 86_400_000))
            lat, lon = round(float(rng.uniform(50, 58)), 6), round(float(rng.uniform(-5, 1)), 6)
            user["id"], user["id_str"] = number, str(number)
            post["id"], post["id_str"] = lines + 10**17, str(lines + 10**17)
            post["created_at"] = time.strftime("%a %b %d %H:%M:%S +0000 %Y", time.gmtime(ms // 1000))
            post["timestamp_ms"] = str(ms)
            post["geo"] = {"type": "Point", "coordinates": [lat, lon]}
            post["coordinates"] = {"type": "Point", "coordinates": [lon, lat]}
            line = orjson.dumps(post) + b"\n"
            file.write(line)
            written += len(line)
            lines += 1
    return lines


class Seconds(NamedTuple):
    """Cost of some work."""

    cpu: float
    wall: float


def seconds(work: Callable[[], object]) -> Seconds:
    """CPU and wall seconds of this process in some work, the best of three each."""
    costs = []
    for _ in range(3):
        cpu, wall = time.process_time(), time.monotonic()
        work()
        costs.append(Seconds(time.process_time() - cpu, time.monotonic() - wall))
    return Seconds(min(cost.cpu for cost in costs), min(cost.wall for cost in costs))


def parsers(head: bytes, path: Path) -> Iterator[tuple[str, Seconds]]:
    """Microseconds a line of each parser, on lines in memory, and on a file with these lines."""
    lines = head.splitlines()
    path.write_bytes(head)

    def parse_file() -> None:
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)

    def each(parse: Callable[[bytes], object]) -> Callable[[], None]:
        def work() -> None:
            for line in lines:
                parse(line)

        return work

    works: dict[str, Callable[[], object]] = {
        "orjson, whole objects": each(orjson.loads),
        "msgspec, whole objects": each(msgspec.json.Decoder().decode),
        "orjson, from the file": parse_file,
        "polars, wanted columns": lambda: pl.read_ndjson(io.BytesIO(head), schema=WANTED),
        "msgspec, wanted fields alone": each(_lines.decode),
    }
    for name, work in works.items():
        cost = seconds(work)
        yield name, Seconds(cost.cpu / len(lines) * 1e6, cost.wall / len(lines) * 1e6)


def read_all(head: bytes) -> None:
    """Read lines by the reader of the source."""
    for _ in read_batches(io.BytesIO(head), "stream_v1.jsonl", key=PseudonymKey(bytes(32))):
        pass


def import_archive(path: Path, home: Path) -> dict[str, float]:
    """Land and load a file; return wall and CPU seconds of both steps."""
    settings = Settings(home=home)
    key = make_key(settings.pseudonym_key_path)
    warehouse = open_warehouse(settings)
    landing, lake = Landing(settings.landing_dir, warehouse), Lake(settings.lake_dir, warehouse)
    cost: dict[str, float] = {}
    for step in ("land", "load"):
        wall, (cpu, kernel) = time.monotonic(), cpu_seconds()
        if step == "land":
            bound = settings.max_file_bytes
            list(
                land_files(
                    [path], landing, SOURCES, dbt_project_dir=settings.dbt_project_dir, max_file_bytes=bound,
                    pseudonym_key=key,
                )
            )  # fmt: skip
        else:
            context = partial(AdapterContext, settings.dbt_project_dir, key)
            totals = bulk_loader(landing, lake, SOURCES[0], context).load_waiting()
            cost["accepted"] = totals.accepted
        cost[f"{step}_wall_s"] = time.monotonic() - wall
        now, now_kernel = cpu_seconds()
        cost[f"{step}_cpu_s"] = now - cpu
        cost[f"{step}_kernel_cpu_s"] = now_kernel - kernel
    warehouse.close()
    embedded.stop(settings.data_dir)
    return cost


def cpu_seconds() -> tuple[float, float]:
    """CPU seconds of this process and its ended children, and those of the kernel among them."""
    used = os.times()
    kernel = used.system + used.children_system
    return used.user + used.children_user + kernel, kernel


def use_memory(size: int) -> None:
    """Use memory once, in a process of its own, and release it."""
    program = f"import mmap\nm = mmap.mmap(-1, {size})\nfor i in range(0, {size}, mmap.PAGESIZE): m[i] = 1"
    if size:
        subprocess.run([sys.executable, "-c", program], check=True)


def import_in_a_process(path: Path, home: Path) -> dict[str, float]:
    """Import a file in a process of its own, whose memory is that of the import."""
    command = [sys.executable, __file__, "--archive", str(path), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = MemoryWatch(process.pid)
        output, _ = process.communicate()
    peak_mib = watch.end()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(output.splitlines()[-1]), "peak_mib": peak_mib}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--gib", type=float, default=5.0)
    arguments.add_argument("--warm-gib", type=float, default=0.0, help="memory to use and release before the import")
    arguments.add_argument("--archive", type=Path, help="import this file alone")
    arguments.add_argument("--home", type=Path, help="state folder of that import")
    chosen = arguments.parse_args()
    if chosen.archive is not None:
        print(json.dumps(import_archive(chosen.archive, chosen.home)))
        return
    size = int(chosen.gib * 1024**3)
    folder = Path(tempfile.mkdtemp(prefix="ge-"))
    try:
        archive = folder / "stream_v1.jsonl"
        lines = write_archive(archive, size)
        with archive.open("rb") as file:
            head = file.read(min(size, PARSED_BYTES)).rpartition(b"\n")[0]
        parse_us = dict(parsers(head, folder / "head.jsonl"))
        reading_us = seconds(partial(read_all, head)).cpu / head.count(b"\n") * 1e6
        del head
        use_memory(int(chosen.warm_gib * 1024**3))
        cost = import_in_a_process(archive, folder / "h")
        import_us = Seconds(*((cost[f"land_{of}_s"] + cost[f"load_{of}_s"]) / lines * 1e6 for of in ("cpu", "wall")))
        in_memory = [name for name in parse_us if "whole" in name or "columns" in name]
        fastest = min(in_memory, key=lambda name: parse_us[name].cpu)
        report = {
            "lines": lines,
            "bytes_per_line": archive.stat().st_size / lines,
            "parse_us_per_line": {name: parsed._asdict() for name, parsed in parse_us.items()},
            **cost,
            "reading_cpu_us_per_line": reading_us,
            "import_us_per_line": import_us._asdict(),
            "fastest_parser": fastest,
            "speed_of_reading_to_fastest_parser_by_cpu": parse_us[fastest].cpu / reading_us,
            **{
                f"speed_of_import_to_{what}_by_{of}": getattr(parse_us[name], of) / getattr(import_us, of)
                for what, name in (
                    ("fastest_parser", fastest),
                    ("parsing_the_file", "orjson, from the file"),
                    ("wanted_fields_alone", "msgspec, wanted fields alone"),
                )
                for of in Seconds._fields
            },
        }
        print(json.dumps(report, indent=1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
