"""Simulated archives of geo-located events in every format, with their truth.

Files of the truth: true_users.csv (user, kind, town, home_lat, home_lon), true_events.csv (event_id, user, at, lat,
lon, client, place, town) and files.json (rows in, accepted and quarantined rows by reason, of each archive).
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from ons_bigdata.simulation.events.formats import activity_line, check_in_line, pilot_csv_line, v1_line, v2_line
from ons_bigdata.simulation.events.world import DAYS, EventWorld, TrueEvent, build_event_world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GAP_SHARE = 5
"""One of so many events of the v1.1 archive is in the activity stream, too, which was bought to close gaps."""

NO_COORDINATES = "no coordinates"

_PERSONS = ("v2", "v1", "v1", "csv")
"""Formats in which persons are delivered, by turns."""

_FORMATS = {"volume": "check_ins", "constant_interval": "v2", "fixed_position": "csv", "client": "v1"}
"""Kind of robot and its format; one that is known by its client needs a format that has it."""


@dataclass(frozen=True)
class SimulatedEvents:
    """Folders of the archives and of their truth."""

    archives: Path
    truth: Path
    world: EventWorld


def simulate_event_archives(
    folder: Path, *, persons: int = 160, days: int = DAYS, seed: int = 2014, volume_events: int = 30_500
) -> SimulatedEvents:
    """Write archives of one world in every format, and the truth. The same arguments give the same bytes.

    Each user's events are in one format, apart from those that two archives hold. Lines that are no events are among
    them: posts without coordinates, keep-alive lines, control lines, a line cut short.
    """
    world = build_event_world(persons=persons, days=days, seed=seed, volume_events=volume_events)
    archives, truth = folder / "archives", folder / "truth"
    for path in (archives, truth):
        path.mkdir(parents=True, exist_ok=True)
    by_format: dict[str, list[TrueEvent]] = {name: [] for name in ("v2", "v1", "csv", "check_ins")}
    formats = {user.user: _FORMATS.get(user.kind, _PERSONS[user.user % len(_PERSONS)]) for user in world.users}
    for event in sorted(world.events, key=lambda event: (event.at, event.event_id)):
        by_format[formats[event.user]].append(event)
    counts = {
        "simulated_posts_v2.jsonl.gz": _write(archives / "simulated_posts_v2.jsonl.gz", by_format["v2"], v2_line),
        "simulated_stream_v1.jsonl": _write_stream(archives / "simulated_stream_v1.jsonl", by_format["v1"]),
        "simulated_gaps_gnip.json": _write(
            archives / "simulated_gaps_gnip.json",
            by_format["v1"][::GAP_SHARE],
            activity_line,
            {json.dumps({"info": {"message": "Replay Request Completed"}}): "control line: info"},
        ),
        "simulated_pilot.csv": _write(archives / "simulated_pilot.csv", by_format["csv"], pilot_csv_line),
        "simulated_sketchkite_checkins.txt": _write(
            archives / "simulated_sketchkite_checkins.txt", by_format["check_ins"], check_in_line
        ),
    }
    _write_csv(truth / "true_users.csv", ["user", "kind", "town", "home_lat", "home_lon"], [
        [user.user, user.kind, user.town, *user.home] for user in world.users
    ])  # fmt: skip
    _write_csv(
        truth / "true_events.csv",
        [field.name for field in fields(TrueEvent)],
        [list(astuple(event)) for event in world.events],
    )
    (truth / "files.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return SimulatedEvents(archives, truth, world)


def _write(
    path: Path,
    events: list[TrueEvent],
    line_of: Callable[[TrueEvent], str],
    others: dict[str, str] | None = None,
) -> dict[str, object]:
    """Write events, then other lines (line → reason of its quarantine); return the counts of the file."""
    reasons = others or {}
    content = "".join(f"{line}\n" for line in [*map(line_of, events), *reasons]).encode()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    path.write_bytes(content)
    return _counts(len(events), list(reasons.values()))


def _write_stream(path: Path, events: list[TrueEvent]) -> dict[str, object]:
    """Write a stream as it was collected: with keep-alive lines, control lines and posts without coordinates."""
    lines, reasons = [], []
    for place, event in enumerate(events):
        lines.append(v1_line(event))
        if place % 50 == 10:
            lines.append("\r")
            reasons.append("control line: keep-alive")
        if place % 20 == 5:
            lines.append(v1_line(event, has_coordinates=False))
            reasons.append(NO_COORDINATES)
        if place % 200 == 20:
            lines.append(json.dumps({"delete": {"status": {"id": event.event_id, "user_id": event.user}}}))
            reasons.append("control line: delete")
    lines.append(v1_line(events[0])[:60])
    reasons.append("no JSON, or a line that was cut short")
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return _counts(len(events), reasons)


def _counts(accepted: int, reasons: list[str]) -> dict[str, object]:
    return {
        "rows_in": accepted + len(reasons),
        "accepted": accepted,
        "quarantined": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
    }


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
