"""Checks of collection on a few rows: volumes against the weeks before, time without collection, classes."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.simulation.events.bursty import BurstyGenerator
from ons_bigdata.simulation.events.visits import Population
from ons_bigdata.simulation.events.zipf import ZipfGenerator
from ons_bigdata.tweets.checks import addresses, collection, residence

DAY = date(2014, 5, 1)
VOLUMES = [
    *(collection.HISTORY_DAYS, collection.LEAST_DAYS, collection.LEAST_EVENTS),
    *(collection.LEAST_RATIO, collection.MOST_RATIO),
]


def load(warehouse: Warehouse, volumes: list[int], *, name: str = "a", superseded: bool = False) -> None:
    """Enter a loaded archive with so many accepted rows on each day from DAY on."""
    number = f"{len(warehouse.rows('select from ops.files')):016x}"
    with warehouse.transaction() as transaction:
        transaction.execute(
            "insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions)"
            " values ($1, 'geo_events', 'twitter', $2, repeat($3, 64), 1, 'real', null)",
            [number, name, number[-1]],
        )
        transaction.execute(
            "insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, rows_in, accepted,"
            " quarantined, data_origin, code_version, finished_at) values ($1, $1, 'geo_event_archive', '1',"
            " 'committed', 'loaded', $2, $2, 0, 'real', 'x', now())",
            [number, sum(volumes)],
        )
        for place, events in enumerate(volumes):
            transaction.execute(
                "insert into ops.load_partitions (load_id, partition, accepted) values ($1, $2, $3)",
                [number, (DAY + timedelta(days=place)).isoformat(), events],
            )
        if superseded:
            transaction.execute("update ops.files set superseded_by = file_id where file_id = $1", [number])


def test_a_day_is_compared_with_the_weeks_before(warehouse: Warehouse) -> None:
    load(warehouse, [400, 410, 390, 400, 400, 405, 395, 150, 420, 1100, 700])
    load(warehouse, [9999] * 11, name="old", superseded=True)
    found = warehouse.rows(collection._ODD_VOLUMES, VOLUMES)
    days = [(row[2], row[3], row[4]) for row in found]
    assert days == [(DAY + timedelta(days=9), 1100, 400), (DAY + timedelta(days=7), 150, 400)]


def test_few_events_and_short_histories_say_nothing(warehouse: Warehouse) -> None:
    load(warehouse, [90, 91, 92, 93, 94, 95, 96, 1])
    load(warehouse, [0] * 20 + [900, 1], name="b")  # days without rows are no history
    assert warehouse.rows(collection._ODD_VOLUMES, VOLUMES) == []


def test_the_volume_of_a_day_is_that_of_all_archives_of_a_provider(warehouse: Warehouse) -> None:
    load(warehouse, [200] * 9)
    load(warehouse, [200] * 8, name="b")
    assert warehouse.rows(collection._ODD_VOLUMES, VOLUMES) == []
    load(warehouse, [], name="c")
    with warehouse.transaction() as transaction:
        transaction.execute("update ops.load_partitions set accepted = 190 where partition = '2014-05-09'")
    assert [row[3] for row in warehouse.rows(collection._ODD_VOLUMES, VOLUMES)] == [190]


def test_a_steady_simulated_archive_is_usual_to_its_last_day_and_a_drop_in_it_is_not(warehouse: Warehouse) -> None:
    """Volumes of both generators have no jump; with seven of ten events of the last two days lost, these are odd."""
    days = 200
    is_weekend = np.array([(DAY + timedelta(days=place)).weekday() > 4 for place in range(days)])
    for generator in (ZipfGenerator(), BurstyGenerator()):
        rng = np.random.default_rng(5)
        population = Population(8_000, np.ones(8_000, dtype=bool), days, is_weekend)
        visits, _ = generator.draw(rng, population)
        volumes = [int(events) for events in np.bincount(visits.day, minlength=days)]
        load(warehouse, volumes, name=type(generator).__name__)
        assert warehouse.rows(collection._ODD_VOLUMES, VOLUMES) == []
        with warehouse.transaction() as transaction:
            transaction.execute(
                "update ops.load_partitions set accepted = accepted * 3 / 10 where partition >= $1",
                [(DAY + timedelta(days=days - 2)).isoformat()],
            )
        found = [row[2] for row in warehouse.rows(collection._ODD_VOLUMES, VOLUMES)]
        assert found == [DAY + timedelta(days=days - 1), DAY + timedelta(days=days - 2)]
        with warehouse.transaction() as transaction:
            transaction.execute("update ops.files set superseded_by = file_id")


USER = (
    "insert into restricted.tweet_users values ('dbscan_20m', '0123456789abcdef', 1, 'real', 'twitter', null,"
    " '2014-05-01', '2014-05-10', 1, 0, 0, 0, 0, 1, 0, 1)"
)
GAPS = """
    create table intermediate.int_tweets__collection_gaps_united as
    select 'real'::text as data_origin, source, from_utc::timestamptz, to_utc::timestamptz
    from (values
        ('twitter', '2014-05-02 00:00+00', '2014-05-02 12:00+00'),
        ('twitter', '2014-05-02 06:00+00', '2014-05-02 18:00+00'),
        ('twitter', '2014-06-01 00:00+00', '2014-07-01 00:00+00'),
        ('other', '2014-05-03 00:00+00', '2014-05-09 00:00+00')
    ) as gap (source, from_utc, to_utc)
"""


def test_overlapping_outages_count_once_and_those_of_the_time_of_collection_alone(warehouse: Warehouse) -> None:
    """18 hours of ten days: 7.5 %; with six more hours 10 %, with a minute beyond that too much."""
    with warehouse.transaction() as transaction:
        transaction.execute(USER)
        transaction.execute(GAPS)
    assert warehouse.rows(residence._OUTAGE_SHARE, [0.07]) == [("real", "twitter", 7.5)]
    assert warehouse.rows(residence._OUTAGE_SHARE, [residence.MOST_OUTAGE_SHARE]) == []
    with warehouse.transaction() as transaction:
        transaction.execute(
            "insert into intermediate.int_tweets__collection_gaps_united"
            " values ('real', 'twitter', '2014-05-05 00:00+00', '2014-05-05 06:15+00')"
        )
    assert len(warehouse.rows(residence._OUTAGE_SHARE, [residence.MOST_OUTAGE_SHARE])) == 1


def test_the_class_mix_is_compared_with_the_pilots(warehouse: Warehouse) -> None:
    """A hundred clusters, all residential: 36 points above the pilot's share, and commercial ones missing."""
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table seeds.tweet_class_mix as select primary_class, share::float8, tolerance::float8 from"
            " (values ('R', 0.639, 0.1), ('C', 0.288, 0.1), ('none', 0.034, 0.1)) as mix"
            " (primary_class, share, tolerance)"
        )
        transaction.execute(
            "insert into restricted.tweet_cluster_addresses (recipe, user_key, data_origin, cluster, address_class,"
            " address_distance_m) select 'dbscan_20m', number, 'real', 0, 'RD04', 5 from generate_series(1, 100)"
            " as number"
        )
    found = warehouse.rows(addresses._CLASS_MIX)
    assert [(row[2], row[3], row[4]) for row in found] == [("C", 0.0, 28.8), ("R", 100.0, 63.9)]
    with warehouse.transaction() as transaction:
        transaction.execute("update restricted.tweet_cluster_addresses set address_class = 'CR08' where user_key > 66")
    assert warehouse.rows(addresses._CLASS_MIX) == []
