"""Simulated archives of events: equal bytes for equal seeds, and events that are what their truth describes."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.platform import progress
from ons_bigdata.simulation.events.archives import simulate_event_archives
from ons_bigdata.simulation.events.drawing import GENERATORS, PARIS, DrawnEvents, draw_events
from ons_bigdata.simulation.events.robots import ROBOT_CLIENT
from ons_bigdata.simulation.world.building import World, build_world
from ons_bigdata.simulation.world.outages import OutagePlan

TOWNS = ("E08000035", "E06000023", "W06000015", "S12000036")
KINDS = {"person", "volume", "constant_interval", "fixed_position", "client"}


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world of four towns."""
    return build_world(seed=2014, persons=900, addresses=1_500, authorities=TOWNS)


@pytest.fixture(scope="module", params=sorted(GENERATORS))
def drawn(world: World, request: pytest.FixtureRequest) -> DrawnEvents:
    """Draw events of some of its persons by each generator."""
    return draw_events(world, users=150, seed=2014, generator=request.param, volume_events=700)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def of_persons(drawn: DrawnEvents) -> pl.DataFrame:
    return drawn.events.join(drawn.users.filter(pl.col("kind") == "person").select("user", "person"), on="user")


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(world: World, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_event_archives(tmp_path / name, world, users=12, seed=seed, volume_events=50, live_days=30)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    of_world = {"files.json", "true_persons.csv", "true_spells.csv", "true_moves.csv"}
    assert all(first[name] != other[name] for name in first if name not in of_world)


def test_there_is_a_robot_of_each_kind_and_it_is_one(drawn: DrawnEvents) -> None:
    kinds = dict(drawn.users["kind"].value_counts().iter_rows())
    assert set(kinds) == KINDS
    assert all(count == 1 for kind, count in kinds.items() if kind != "person")
    events = {
        kind: drawn.events.join(drawn.users.filter(pl.col("kind") == kind), on="user", how="semi").sort("at")
        for kind in KINDS
    }
    assert set(events["constant_interval"]["at"].diff().drop_nulls().dt.total_seconds()) == {3600}
    assert events["fixed_position"].select("lon", "lat").n_unique() == 1
    assert events["volume"].height == 700
    assert set(events["client"]["client"]) == {ROBOT_CLIENT}


def test_no_user_has_two_events_in_a_second_and_ids_are_unique(drawn: DrawnEvents) -> None:
    assert drawn.events.select("user", "at").is_unique().all()
    assert drawn.events["event_id"].is_unique().all()
    assert drawn.events["at"].is_sorted()
    assert drawn.events["at"].is_between(datetime(2014, 4, 1, tzinfo=UTC), datetime(2014, 11, 1, tzinfo=UTC)).all()


def test_events_at_home_are_where_the_person_lives_on_that_day(world: World, drawn: DrawnEvents) -> None:
    living = ["home", "parental", "term", "holiday"]
    at_home = of_persons(drawn).filter(pl.col("place").is_in(living))
    assert at_home.height > 500
    day = at_home.with_columns(day=pl.col("at").dt.convert_time_zone("Europe/London").dt.date())
    spells = world.spells.select("person", "first_date", "last_date", spell="uprn", kind="kind")
    placed = day.join(spells, on="person").filter(pl.col("day").is_between("first_date", "last_date", closed="left"))
    assert placed.height == at_home.height
    assert (placed["uprn"] == placed["spell"]).all()
    assert (placed["place"] == placed["kind"]).all()


def test_events_at_a_place_are_within_its_error_and_those_abroad_are_not_here(world: World, drawn: DrawnEvents) -> None:
    at_address = drawn.events.join(world.addresses.select("uprn", "lon", "lat"), on="uprn", suffix="_address")
    north_m = (at_address["lat"] - at_address["lat_address"]).abs() * 111_250
    assert north_m.max() < 13
    assert north_m.mean() > 1
    abroad = drawn.events.filter(pl.col("place") == "abroad")
    assert abroad.height > 3
    assert ((abroad["lat"] - PARIS[0]).abs() < 0.1).all()


def test_work_is_on_weekdays_at_the_place_of_work(world: World, drawn: DrawnEvents) -> None:
    work = of_persons(drawn).filter(pl.col("place") == "work").join(world.persons, on="person")
    assert work.height > 50
    assert (work["uprn"] == work["work_uprn"]).all()
    local = work["at"].dt.convert_time_zone("Europe/London")
    assert (local.dt.weekday() < 6).all()
    assert local.dt.hour().is_between(7, 17).all()


def test_nobody_posts_in_an_outage_of_the_area() -> None:
    plan = OutagePlan(mean_hours=150.0, share_of_authorities=0.5)
    world = build_world(seed=1, persons=600, addresses=900, authorities=TOWNS, outages=plan)
    drawn = draw_events(world, users=200, seed=1, volume_events=50)
    events = of_persons(drawn).join(
        world.outages.join(world.authorities.select("authority", "name"), on="authority"),
        left_on="town",
        right_on="name",
    )
    during = pl.col("at").is_between("started_at", "ended_at", closed="left")
    assert events.height > 1_000
    assert events.filter(during).is_empty()
    everywhere = of_persons(drawn).join(world.outages.unique("outage").drop("authority"), how="cross").filter(during)
    assert everywhere.height > 100  # the other half of the areas goes on


def test_the_truth_is_written_beside_the_archives(world: World, tmp_path: Path) -> None:
    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        simulated = simulate_event_archives(tmp_path, world, users=40, volume_events=50)
    tables = {path.stem: pl.read_csv(path) for path in simulated.truth.glob("*.csv")}
    assert {name: table.height for name, table in tables.items()} == {
        "true_users": 44,
        "true_persons": world.persons.height,
        "true_spells": world.spells.height,
        "true_moves": world.moves.height,
        "true_events": simulated.drawn.events.height,
    }
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    assert set(counts) == {path.name for path in simulated.archives.iterdir()}
    of_gaps = counts["simulated_gaps_gnip.json"]["accepted"]
    assert sum(one["accepted"] for one in counts.values()) - of_gaps == simulated.drawn.events.height
    assert any("simulated_pilot.csv" in one.task for one in reports)


def test_live_days_are_in_no_archive(world: World, tmp_path: Path) -> None:
    simulated = simulate_event_archives(tmp_path, world, users=40, volume_events=50, live_days=2)
    assert simulated.live is not None
    posts = [json.loads(line)["data"] for line in simulated.live.read_text(encoding="utf-8").splitlines()]
    days = {post["created_at"][:10] for post in posts}
    assert days <= {"2014-10-30", "2014-10-31"}
    assert [post["created_at"] for post in posts] == sorted(post["created_at"] for post in posts)
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    archived = sum(one["accepted"] for one in counts.values()) - counts["simulated_gaps_gnip.json"]["accepted"]
    assert archived + len(posts) == simulated.drawn.events.height


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"users": 0}, "users is 0; expected 1 to"),
        ({"users": 901}, "users is 901; expected 1 to"),
        ({"generator": "zip"}, "unknown generator 'zip'; known: zipf, bursty"),
    ],
)
def test_events_that_cannot_be_drawn_are_an_error(world: World, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_events(world, **{"users": 5, "seed": 1, **arguments})  # type: ignore[arg-type]


def test_a_world_of_events_needs_fifteen_days(tmp_path: Path) -> None:
    world = build_world(seed=1, persons=30, addresses=200, authorities=TOWNS, first_day=date(2014, 4, 1), days=14)
    with pytest.raises(ValueError, match="0 live days of 14; expected fewer than there are, and at least 15 in all"):
        simulate_event_archives(tmp_path, world, users=5)


def test_formats_one_after_another_have_each_event_of_a_person_once_in_its_time(tmp_path: Path) -> None:
    world = build_world(seed=2014, persons=300, addresses=600, authorities=TOWNS, days=60)
    simulated = simulate_event_archives(
        tmp_path, world, users=40, seed=2014, volume_events=50, live_days=1, one_after_another=True
    )
    persons = of_persons(simulated.drawn)
    files = {path.name: path for path in simulated.archives.iterdir()}
    stream = [json.loads(line) for line in files["simulated_stream_v1.jsonl"].read_text().splitlines()[:-1] if line]
    posts = [line for line in stream if line.get("coordinates")]
    unpacked = gzip.decompress(files["simulated_posts_v2.jsonl.gz"].read_bytes())
    posts_api = [json.loads(line) for line in unpacked.splitlines()]
    rows = [line.split(",") for line in files["simulated_pilot.csv"].read_text().splitlines()]
    found = {
        "v1": [(int(post["user"]["id"]), int(post["timestamp_ms"]) // 1000) for post in posts],
        "csv": [(int(user), int(second)) for second, user, *_ in rows],
        "v2": [
            (int(post["data"]["author_id"]), int(datetime.fromisoformat(post["data"]["created_at"]).timestamp()))
            for post in posts_api
        ],
    }
    users = set(persons["user"])
    of_format = {name: [(user, second) for user, second in pairs if user in users] for name, pairs in found.items()}
    seconds = [[second for _, second in of_format[name]] for name in ("v1", "csv", "v2")]
    assert max(seconds[0]) < min(seconds[1]) <= max(seconds[1]) < min(seconds[2])
    archived = persons.filter(pl.col("at") < datetime(2014, 5, 30, tzinfo=UTC))
    expected = sorted(archived.select("user", pl.col("at").dt.epoch("s")).rows())
    assert sorted(pair for pairs in of_format.values() for pair in pairs) == expected
