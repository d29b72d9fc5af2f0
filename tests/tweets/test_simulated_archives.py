"""Simulated archives through readers and methods: counts of the truth, its robots, its places."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter

import polars as pl
import pytest

from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.simulation.events.archives import SimulatedEvents, simulate_event_archives
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.tweets.methods.places import place_events
from ons_bigdata.tweets.sources.archives import GEO_EVENTS, read_batches
from tests.tweets.methods.geo_events import PARAMETERS
from tests.tweets.sources.written_events import KEY

TOWNS = ("E08000035", "E06000023", "W06000015", "S12000036")
ROBOTS = {
    **PARAMETERS["robot_rules"],
    "volume_max_events": 2_100.0,
    "constant_interval_min_events": 50.0,
    "fixed_position_min_events": 500.0,
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulatedEvents:
    """Write archives of a small world."""
    world = build_world(seed=2014, persons=800, addresses=1_500, authorities=TOWNS)
    return simulate_event_archives(tmp_path_factory.mktemp("events"), world, users=110, volume_events=2_200)


@pytest.fixture(scope="module")
def accepted(simulated: SimulatedEvents) -> pl.DataFrame:
    """Read all archives, comparing the rows of each with the truth."""
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    frames = []
    for path in sorted(simulated.archives.iterdir()):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        batches = list(read_batches(io.BytesIO(content), path.name.removesuffix(".gz"), key=KEY))
        reasons = Counter(reason for batch in batches for reason in batch.quarantined["reason"])
        rows = pl.concat([batch.accepted for batch in batches])
        assert {
            "rows_in": sum(batch.rows_in for batch in batches),
            "accepted": rows.height,
            "quarantined": reasons,
        } == (counts[path.name])
        frames.append(rows.with_columns(load_id=pl.lit("0" * 16)))
    return pl.concat(frames).sort(GEO_EVENTS.sort_columns)


@pytest.fixture(scope="module")
def placed(simulated: SimulatedEvents, accepted: pl.DataFrame) -> pl.DataFrame:
    """Place the events, with the truth of each by the pseudonym of its user and its second."""
    parameters = {**PARAMETERS, "robot_rules": ROBOTS, "robot_clients": ["simulated weather station"]}
    drawn = simulated.drawn
    truth = drawn.events.join(drawn.users.select("user", "kind"), on="user").select(
        pl.col("user").cast(pl.String), "place", "uprn", "kind", ts_utc="at"
    )
    spaces = {"volume": "simulated sketchkite"}
    keyed = pl.concat(
        part.with_columns(
            pseudonyms(part["user"], source=spaces.get(kind, "simulated twitter"), key=KEY).alias("user_key")
        )
        for (kind,), part in truth.partition_by("kind", as_dict=True).items()
    )
    found = place_events(accepted, parameters).with_columns(pl.col("ts_utc").dt.truncate("1s"))
    return found.join(keyed.drop("user"), on=["user_key", "ts_utc"], how="left")


def test_every_event_of_the_truth_is_there_and_those_of_two_archives_are_duplicates(
    simulated: SimulatedEvents, placed: pl.DataFrame
) -> None:
    assert placed["kind"].null_count() == 0
    duplicates = placed.filter(pl.col("fate") == "duplicate").height
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    assert duplicates == counts["simulated_gaps_gnip.json"]["accepted"]
    assert placed.height - duplicates == simulated.drawn.events.height


def test_robots_are_found_by_their_rules_and_no_person_is_one(placed: pl.DataFrame) -> None:
    distinct = placed.filter(pl.col("fate") != "duplicate")
    assert (distinct["robot_rule"].fill_null("person") == distinct["kind"]).all()


def test_events_abroad_are_outside_and_only_those(placed: pl.DataFrame) -> None:
    persons = placed.filter((pl.col("fate") != "duplicate") & (pl.col("kind") == "person"))
    assert ((persons["place"] == "abroad") == (persons["fate"] == "outside")).all()


def test_places_with_five_events_are_one_cluster_each(placed: pl.DataFrame) -> None:
    kept = placed.filter(pl.col("cluster").is_not_null())
    places = (
        kept.filter(pl.col("uprn").is_not_null())
        .group_by("user_key", "uprn")
        .agg(pl.len(), pl.col("cluster").mode().first().alias("largest"), pl.col("cluster"))
        .filter(pl.col("len") >= 5)
    )
    assert places.height > 50
    agreeing = places.explode("cluster").select(pl.col("cluster") == pl.col("largest")).to_series()
    assert agreeing.mean() > 0.995
    assert places.select("user_key", "largest").is_unique().mean() > 0.85  # two places may be neighbours
    travel = kept.filter(pl.col("place") == "travel")
    assert (travel["fate"] == "noise").mean() > 0.9
