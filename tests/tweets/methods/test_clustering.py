"""Clusters of each user's events: scikit-learn's labels, brute force for components, the options, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal
from sklearn.cluster import DBSCAN

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods import clustering
from ons_bigdata.tweets.methods.clustering import cluster_events

METRES_PER_DEGREE = 111_195.0


def events_of(users: object, points: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame({"user": users, "easting_m": points[:, 0], "northing_m": points[:, 1]})


def labels_of(events: pl.DataFrame, **options: object) -> list[int | None]:
    """Labels by either implementation, which are the same."""
    found = []
    for most in (clustering.MOST_PAIRS, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clustering, "MOST_PAIRS", most)
            found.append(cluster_events(events, **options)["cluster"].to_list())  # type: ignore[arg-type]
    assert found[0] == found[1]
    return found[0]


def sklearn_labels(events: pl.DataFrame, eps_m: float, min_points: int) -> list[int | None]:
    """Labels by a fit of scikit-learn for each user, with its tree.

    Of less than a dozen points it compares all pairs by |x|² + |y|² - 2xy, which loses digits: 400 km from the origin
    two points some picometres less than 20 m apart are no neighbours then.
    """
    labels = np.empty(events.height, dtype=np.int64)
    users = events["user"].to_numpy()
    points = events.select("easting_m", "northing_m").to_numpy()
    for user in np.unique(users):
        rows = users == user
        model = DBSCAN(eps=eps_m, min_samples=min_points, algorithm="kd_tree")
        labels[rows] = model.fit(points[rows]).labels_
    return [None if label < 0 else int(label) for label in labels]


def components(points: NDArray[np.float64], eps_m: float, smallest: int, *, strict: bool) -> list[int | None]:
    """Search through all pairs for the connected components of one user's points."""
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    near = squared < eps_m**2 if strict else squared <= eps_m**2
    component = [-1] * len(points)
    for start in range(len(points)):
        stack = [start]
        while stack:
            row = stack.pop()
            if component[row] == -1:
                component[row] = start
                stack.extend(np.flatnonzero(near[row]).tolist())
    sizes = {start: component.count(start) for start in component}
    kept = sorted(start for start, size in sizes.items() if size >= smallest)
    return [kept.index(start) if start in kept else None for start in component]


def test_an_example_to_follow_by_hand() -> None:
    # A chain of 15 m steps, a pair, and a lone point; the second user stands where the first one does.
    points = np.array([[0.0, 0], [500, 0], [15, 0], [30, 0], [505, 0], [900, 0], [0, 0], [15, 0]])
    events = events_of([1, 1, 1, 1, 1, 1, 2, 2], points)
    assert labels_of(events) == [0, None, 0, 0, None, None, None, None]
    assert labels_of(events, min_points=2) == [0, 1, 0, 0, 1, None, 0, 0]


def test_a_border_point_takes_the_lower_of_two_labels() -> None:
    # The point at 0 has one neighbour on either side, each core of a cluster of its own.
    points = np.array([[38.0, 0], [19, 0], [38, 1], [0, 0], [-19, 0], [-38, 0], [-38, 1], [38, 2], [-38, 2]])
    events = events_of([7] * 9, points)
    assert labels_of(events, min_points=5) == sklearn_labels(events, 20.0, 5)


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=160),
    step_m=st.sampled_from([2.0, 5.0, 10.0, 20.0, 14.142135623730951]),
    eps_m=st.sampled_from([5.0, 20.0, 20.000001]),
    min_points=st.sampled_from([1, 2, 3, 5, 10]),
)
def test_labels_on_grids_are_those_of_scikit_learn(
    points: list[tuple[int, int, int]], step_m: float, eps_m: float, min_points: int
) -> None:
    array = np.array(points, dtype=float)
    events = events_of(array[:, 2].astype(int) * 10**12 - 5, array[:, :2] * step_m + 400_000)
    assert labels_of(events, eps_m=eps_m, min_points=min_points) == sklearn_labels(events, eps_m, min_points)


def random_events(seed: int, users: int, points: int) -> pl.DataFrame:
    """Places of users with scatter, repeated points and points anywhere, in no order."""
    random = np.random.default_rng(seed)
    user = random.integers(0, users, points)
    places = random.uniform(0, 4_000, (users, 8, 2))
    near = places[user, random.integers(0, 8, points) ** 2 // 8] + random.normal(0, 12, (points, 2))
    anywhere = random.uniform(0, 4_000, (points, 2))
    xy = np.where(random.random((points, 1)) < 0.7, near, anywhere) + np.array([400_000.0, 200_000.0])
    xy[random.integers(0, points, points // 10)] = xy[random.integers(0, points, points // 10)]
    return events_of(user, np.where(random.random((points, 1)) < 0.3, np.round(xy / 5) * 5, xy))


def test_labels_of_100_000_points_are_those_of_scikit_learn() -> None:
    events = random_events(1, 60, 100_000)
    for min_points in (2, 3, 10):
        assert labels_of(events, min_points=min_points) == sklearn_labels(events, 20.0, min_points)


@pytest.mark.nightly
def test_labels_of_a_million_points_are_those_of_scikit_learn() -> None:
    events = random_events(2, 3_000, 1_000_000)
    assert labels_of(events) == sklearn_labels(events, 20.0, 3)


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=70),
    smallest=st.integers(1, 6),
    strict=st.booleans(),
    step_m=st.sampled_from([10.0, 20.0, 7.0]),
)
def test_components_are_those_of_a_search_through_all_pairs(
    points: list[tuple[int, int]], smallest: int, strict: bool, step_m: float
) -> None:
    array = np.array(points, dtype=float) * step_m
    found = labels_of(events_of([1] * len(points), array), variant="components", min_points=smallest, strict=strict)
    assert found == components(array, 20.0, smallest, strict=strict)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=120))
def test_dbscan_and_components_agree_for_three_points(points: list[tuple[int, int]]) -> None:
    events = events_of([1] * len(points), np.array(points, dtype=float) * 9)
    dbscan, linked = (labels_of(events, variant=variant) for variant in ("dbscan", "components"))
    pairs = set(zip(dbscan, linked, strict=True))
    assert len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs})


def test_strict_distance_leaves_out_points_at_eps() -> None:
    events = events_of([1, 1, 1], np.array([[0.0, 0], [20, 0], [40, 0]]))
    assert labels_of(events) == [0, 0, 0]
    assert labels_of(events, strict=True) == [None, None, None]


def test_coordinates_are_truncated_to_whole_metres() -> None:
    events = events_of([1, 1, 1], np.array([[0.9, 0], [20.95, 0], [40.99, 0]]))
    assert labels_of(events) == [None, None, None]
    assert labels_of(events, integer_metres=True) == [0, 0, 0]


def test_labels_do_not_depend_on_the_users_beside() -> None:
    events = random_events(3, 5, 3_000)
    alone = cluster_events(events.filter(pl.col("user") == 2))
    assert_frame_equal(cluster_events(events).filter(pl.col("user") == 2), alone)


def test_text_and_integer_users_give_the_same_labels_and_columns_pass_through() -> None:
    events = random_events(4, 5, 2_000).with_row_index("event")
    as_text = events.with_columns(pl.col("user").cast(pl.String) + "x")
    clustered = cluster_events(as_text)
    assert clustered["cluster"].to_list() == labels_of(events)
    assert_frame_equal(clustered.drop("cluster"), as_text)


def test_an_empty_frame_and_far_coordinates() -> None:
    empty = events_of([], np.empty((0, 2))).cast({"user": pl.Int64})
    assert cluster_events(empty).schema["cluster"] == pl.Int32
    far = np.array([[1e9, -1e9], [1e9 + 3, -1e9], [1e9, -1e9 + 3], *([[0.0, 0.0]] * 60)])
    assert labels_of(events_of([1] * 63, far)) == [0, 0, 0, *[1] * 60]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"easting_m": [0.0, None]}, "column easting_m, row 1: None; expected a finite number of metres"),
        ({"northing_m": [float("nan"), 0.0]}, "column northing_m, row 0: nan"),
        ({"northing_m": ["1", "2"]}, "column northing_m is String; expected numbers"),
        ({"user": [None, 1]}, "column user, row 0: null"),
        ({"user": [1.5, 2.5]}, "column user is Float64; expected an integer or text"),
        ({"cluster": [0, 0]}, "events has a column cluster already"),
    ],
)
def test_bad_events_are_refused(change: dict[str, list[object]], message: str) -> None:
    events = pl.DataFrame({"user": [1, 1], "easting_m": [0.0, 1.0], "northing_m": [0.0, 1.0]} | change)
    with pytest.raises(ValueError, match=message):
        cluster_events(events)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps_m": 0.0}, "eps_m is 0.0; expected a positive number"),
        ({"eps_m": float("nan")}, "eps_m is nan"),
        ({"min_points": 0}, "min_points is 0; expected at least 1"),
        ({"variant": "optics"}, "unknown variant 'optics'; known: dbscan, components"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cluster_events(events_of([1], np.zeros((1, 2))), **options)  # type: ignore[arg-type]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="events: column northing_m is missing; found user, easting_m"):
        cluster_events(pl.DataFrame({"user": [1], "easting_m": [0.0]}))


def golden_folder() -> Path:
    folder = Settings().shared / "golden" / "tweets"
    if not folder.is_dir():
        pytest.skip(f"no golden values of the tweets pilot at {folder} (set ONS_BIGDATA_SHARED)")
    return folder


@pytest.mark.parametrize(("expected", "by_user"), [("expected_user", True), ("expected_dataset", False)])
def test_published_groups_of_staypoints(expected: str, by_user: bool) -> None:
    golden = json.loads((golden_folder() / "trackintel_generate_locations.json").read_text(encoding="utf-8"))
    ids, users, longitudes, latitudes = (np.array(column) for column in zip(*golden["staypoints"], strict=True))
    points = np.column_stack([longitudes * np.cos(np.radians(47.5)), latitudes]) * METRES_PER_DEGREE
    labels = labels_of(
        events_of(users if by_user else np.zeros_like(users), points),
        eps_m=golden["params"]["epsilon"],
        min_points=golden["params"]["num_samples"],
    )
    groups: dict[tuple[int, int], list[int]] = {}
    for point, user, label in zip(ids.tolist(), users.tolist(), labels, strict=True):
        if label is not None:
            groups.setdefault((user if by_user else 0, label), []).append(point)
    assert sorted(sorted(group) for group in groups.values()) == sorted(map(sorted, golden[expected]["groups"]))
    assert [point for point, label in zip(ids.tolist(), labels, strict=True) if label is None] == golden[expected][
        "noise"
    ]
