"""Simulated archives of geo-located events in every format, with their truth.

Files of the truth: true_users.csv (user, kind, person, client), true_persons.csv, true_spells.csv, true_moves.csv (the
persons of the world with the columns of `World`), true_events.csv (columns of `DrawnEvents.events`), and files.json
(rows in, accepted and quarantined rows by reason, of each archive).
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.simulation.events.drawing import DrawnEvents, draw_events
from ons_bigdata.simulation.events.formats import (
    activity_lines,
    check_in_lines,
    pilot_csv_lines,
    v1_lines,
    v2_lines,
)
from ons_bigdata.simulation.events.robots import LEAST_DAYS, end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ons_bigdata.simulation.events.visits import VisitGenerator
    from ons_bigdata.simulation.world.building import World

GAP_SHARE = 5
"""One of so many events of the v1.1 archive is in the activity stream, too, which was bought to close gaps."""

NO_COORDINATES = "no coordinates"

_PERSONS = ("v2", "v1", "v1", "csv")
"""Formats in which persons are delivered, by turns."""

_DELIVERIES = ("v1", "csv", "v2")
"""Formats in which all persons are delivered one after another, as to the pilot of 2015: a stream, files, an API."""

_FORMATS = {"volume": "check_ins", "constant_interval": "v2", "fixed_position": "csv", "client": "v1"}
"""Kind of robot and its format; one that is known by its client needs a format that has it."""

_ROWS = 200_000
"""Rows that are turned into text at a time."""


@dataclass(frozen=True)
class SimulatedEvents:
    """Files of the archives and of their truth, and the events themselves."""

    archives: Path
    truth: Path
    live: Path | None
    """Posts of the v2 API of the last days, which are in no archive; None if there are no such days."""
    world: World
    drawn: DrawnEvents


def simulate_event_archives(
    folder: Path,
    world: World,
    *,
    users: int,
    seed: int = 2014,
    generator: str | VisitGenerator = "zipf",
    volume_events: int = 30_500,
    live_days: int = 0,
    one_after_another: bool = False,
) -> SimulatedEvents:
    """Write archives of some persons of a world in every format, and the truth. Equal arguments give equal bytes.

    Each user's events are in one format, apart from those that two archives hold; with `one_after_another`, each
    format of persons has a part of the time instead, so that a day is in few archives. Lines that are no events are
    among them: posts without coordinates, keep-alive lines, control lines, a line cut short. Events of the last
    `live_days` (UTC) are in no archive but in `live/simulated_posts.jsonl`, in the order of time.

    Raises ValueError as `draw_events` does, and for as many live days as the world has.
    """
    if not 0 <= live_days < world.days or world.days < LEAST_DAYS:
        raise ValueError(
            f"{live_days} live days of {world.days}; expected fewer than there are, and at least {LEAST_DAYS} in all"
        )
    progress.report("simulating events", 0, 1)
    drawn = draw_events(world, users=users, seed=seed, generator=generator, volume_events=volume_events)
    progress.report("simulating events", 1, 1)
    archives, truth = folder / "archives", folder / "truth"
    for path in (archives, truth):
        path.mkdir(parents=True, exist_ok=True)
    is_archived = pl.col("at") < end_of(world) - timedelta(days=live_days)
    archived, later = drawn.events.filter(is_archived), drawn.events.filter(~is_archived)
    live = None
    if live_days:
        live = folder / "live" / "simulated_posts.jsonl"
        live.parent.mkdir(exist_ok=True)
        _write(live, later, v2_lines)
    counts = _write_archives(archives, _by_format(archived, drawn.users, world if one_after_another else None))
    _write_truth(truth, world, drawn)
    (truth / "files.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return SimulatedEvents(archives, truth, live, world, drawn)


def _by_format(events: pl.DataFrame, users: pl.DataFrame, world: World | None) -> dict[str, pl.DataFrame]:
    """Events of each format, in the order of time. With a world, the formats of persons divide its days."""
    by_turns = pl.DataFrame({"turn": range(len(_PERSONS)), "format": _PERSONS}, schema_overrides={"turn": pl.Int64})
    formats = users.with_columns(turn=pl.col("user") % len(_PERSONS)).join(by_turns, on="turn", how="left")
    formats = formats.select("user", format=pl.col("kind").replace_strict(_FORMATS, default=pl.col("format")))
    placed = events.join(formats, on="user", how="left", maintain_order="left")
    if world is not None:
        left = (end_of(world) - pl.col("at")).dt.total_seconds() / (world.days * 86_400)
        number = ((1 - left) * len(_DELIVERIES)).floor().clip(0, len(_DELIVERIES) - 1).cast(pl.Int64)
        delivery = number.replace_strict(dict(enumerate(_DELIVERIES)), return_dtype=pl.String)
        persons = users.filter(pl.col("kind") == "person")["user"].implode()
        placed = placed.with_columns(format=pl.when(pl.col("user").is_in(persons)).then(delivery).otherwise("format"))
    return {name: placed.filter(pl.col("format") == name) for name in ("v2", "v1", "csv", "check_ins")}


def _write_archives(folder: Path, events: dict[str, pl.DataFrame]) -> dict[str, dict[str, object]]:
    """Write an archive of each format; return the counts of each file."""
    replayed = {json.dumps({"info": {"message": "Replay Request Completed"}}): "control line: info"}
    return {
        (name := "simulated_posts_v2.jsonl.gz"): _write(folder / name, events["v2"], v2_lines),
        (name := "simulated_stream_v1.jsonl"): _write_stream(folder / name, events["v1"]),
        (name := "simulated_gaps_gnip.json"): _write(
            folder / name, events["v1"].gather_every(GAP_SHARE), activity_lines, replayed
        ),
        (name := "simulated_pilot.csv"): _write(folder / name, events["csv"], pilot_csv_lines),
        (name := "simulated_sketchkite_checkins.txt"): _write(folder / name, events["check_ins"], check_in_lines),
    }


def _write(
    path: Path,
    events: pl.DataFrame,
    lines_of: Callable[[pl.DataFrame], pl.Series],
    others: dict[str, str] | None = None,
) -> dict[str, object]:
    """Write events, then other lines (line → reason of its quarantine); return the counts of the file."""
    reasons = others or {}
    with _opened(path) as file:
        for part in _slices(path.name, events):
            file.write(_joined(lines_of(part)))
        file.write("".join(f"{line}\n" for line in reasons).encode())
    return _counts(events.height, Counter(reasons.values()))


def _write_stream(path: Path, events: pl.DataFrame) -> dict[str, object]:
    """Write a stream as it was collected: with keep-alive lines, control lines and posts without coordinates."""
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    numbered = events.with_columns(is_kept_alive=row % 50 == 10, is_repeated=row % 20 == 5, is_deleted=row % 200 == 20)
    with _opened(path) as file:
        for part in _slices(path.name, numbered):
            file.write(_joined(_stream_lines(part)))
        file.write(f"{v1_lines(events.head(1))[0][:60]}\n".encode() if events.height else b"")
    reasons = Counter(
        {
            "control line: keep-alive": int(numbered["is_kept_alive"].sum()),
            NO_COORDINATES: int(numbered["is_repeated"].sum()),
            "control line: delete": int(numbered["is_deleted"].sum()),
            "no JSON, or a line that was cut short": min(events.height, 1),
        }
    )
    return _counts(events.height, reasons)


def _stream_lines(events: pl.DataFrame) -> pl.Series:
    """Posts, each followed by the lines that are no events."""
    nothing = pl.lit("")
    delete = pl.concat_str(
        pl.lit('\n{"delete":{"status":{"id":'),
        pl.col("event_id").cast(pl.String),
        pl.lit(',"user_id":'),
        pl.col("user").cast(pl.String),
        pl.lit("}}}"),
    )
    lines = events.with_columns(post=v1_lines(events), without=v1_lines(events, has_coordinates=False))
    return lines.select(
        pl.concat_str(
            "post",
            pl.when("is_kept_alive").then(pl.lit("\n\r")).otherwise(nothing),
            pl.when("is_repeated").then(pl.lit("\n") + pl.col("without")).otherwise(nothing),
            pl.when("is_deleted").then(delete).otherwise(nothing),
        )
    ).to_series()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """File to write, compressed if its name ends in .gz, with the same bytes for the same content."""
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0) as packed:
            yield packed  # type: ignore[misc]


def _slices(name: str, events: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of the events, with progress."""
    for start in range(0, events.height, _ROWS):
        yield events.slice(start, _ROWS)
        progress.report(f"writing {name}, events", min(start + _ROWS, events.height), events.height)


def _joined(lines: pl.Series) -> bytes:
    return ("\n".join(lines.to_list()) + "\n").encode()


def _counts(accepted: int, reasons: Counter[str]) -> dict[str, object]:
    quarantined = {reason: reasons[reason] for reason in sorted(reasons) if reasons[reason]}
    return {"rows_in": accepted + sum(quarantined.values()), "accepted": accepted, "quarantined": quarantined}


def _write_truth(folder: Path, world: World, drawn: DrawnEvents) -> None:
    """Write the tables of the truth."""
    tables = {
        "true_users": drawn.users,
        "true_persons": world.persons.drop("address"),
        "true_spells": world.spells.drop("address"),
        "true_moves": world.moves,
        "true_events": drawn.events.with_columns(pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")),
    }
    for name, table in tables.items():
        progress.report("writing the truth, rows", 0, table.height)
        table.write_csv(folder / f"{name}.csv")
        progress.report("writing the truth, rows", table.height, table.height)
