"""Main homes of users by recipe and origin, from events in clusters and in groups of noise."""

from __future__ import annotations

from datetime import date

import polars as pl

from ons_bigdata.tweets.assets.residence import homes_of
from ons_bigdata.tweets.schemas.residence import TweetHome

KEY = {"recipe": "dbscan_20m", "data_origin": "simulated", "user_key": 7}
TOWN, ELSEWHERE = (430_000.0, 434_000.0), (380_000.0, 398_000.0)


def cluster(number: int, place: tuple[float, float], recipe: str = "dbscan_20m") -> dict[str, object]:
    return {**KEY, "recipe": recipe, "cluster": number, "easting_m": place[0] + number, "northing_m": place[1]}


def residential(number: int, recipe: str = "dbscan_20m") -> dict[str, object]:
    area = {"class_group": "residential", "output_area": f"E0000000{number}", "authority": "E08000035"}
    return {**KEY, "recipe": recipe, "cluster": number, **area}


def evenings(number: int, days: int, recipe: str = "dbscan_20m") -> list[dict[str, object]]:
    event = {**KEY, "recipe": recipe, "cluster": number, "hour": 21}
    return [{**event, "local_date": date(2014, 6, 1 + day)} for day in range(days)]


def homes(events: list[dict[str, object]], clusters: list[dict[str, object]], types: list[dict[str, object]]) -> object:
    found = homes_of(pl.DataFrame(events), pl.DataFrame(clusters), pl.DataFrame(types))
    TweetHome.validate(found)
    return found.select("recipe", "cluster", "output_area").sort("recipe").rows()


def test_places_visited_once_say_which_of_two_homes_is_the_main_one() -> None:
    """A friend's home has four evenings, the own one three; two places around the own home were visited once."""
    events = [*evenings(0, 4), *evenings(1, 3), *evenings(2, 1), *evenings(3, 1)]
    clusters = [cluster(0, ELSEWHERE), *(cluster(number, TOWN) for number in (1, 2, 3))]
    types = [residential(0), residential(1)]
    assert homes(events, clusters, types) == [("dbscan_20m", 1, "E00000001")]
    assert homes(events[:7], clusters[:2], types) == [("dbscan_20m", 0, "E00000000")]


def test_recipes_do_not_meet() -> None:
    events = [*evenings(0, 4), *evenings(1, 5, "other")]
    clusters = [cluster(0, TOWN), cluster(1, TOWN, "other")]
    types = [residential(0), residential(1, "other")]
    assert homes(events, clusters, types) == [("dbscan_20m", 0, "E00000000"), ("other", 1, "E00000001")]


def test_who_is_in_no_residential_cluster_has_no_home() -> None:
    shop = residential(0) | {"class_group": "commercial"}
    assert homes(evenings(0, 4), [cluster(0, TOWN)], [shop]) == []
