"""Homes and workplaces: labelled stays of real people, an example, properties, errors."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation.anchor_features import FEATURES, place_features
from ons_bigdata.estimation.anchor_model import AnchorModel, default_model, model_from_json, model_to_json
from ons_bigdata.estimation.anchors import label_places
from ons_bigdata.settings import Settings

MONDAY = datetime(2014, 6, 2)  # noqa: DTZ001  (local time)


def stay(place: str, day: int, begin: float, end: float, user: str = "u") -> tuple[str, str, datetime, datetime]:
    midnight = MONDAY + timedelta(days=day)
    return user, place, midnight + timedelta(hours=begin), midnight + timedelta(hours=end)


def frame(rows: list[tuple[str, str, datetime, datetime]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["user", "place", "started_at", "ended_at"], orient="row")


def worker(weeks: int = 8, user: str = "u", *, works: bool = True) -> list[tuple[str, str, datetime, datetime]]:
    """Stays of a person who sleeps at h, works at w on weekdays and goes to s on Saturdays."""
    rows = []
    for day in range(7 * weeks):
        rows.append(stay("h", day, 19, 31.5, user))
        if day % 7 < 5 and works:
            rows.append(stay("w", day, 9, 17, user))
        elif day % 7 == 5:
            rows.append(stay("s", day, 11, 12, user))
    return rows


def labels_of(rows: list[tuple[str, str, datetime, datetime]]) -> dict[str, str]:
    labelled = label_places(frame(rows))
    return dict(zip(labelled["place"], labelled["label"], strict=True))


def test_home_and_workplace_of_a_regular_week() -> None:
    assert labels_of(worker()) == {"h": "home", "w": "work"}


def test_who_does_not_work_has_no_workplace() -> None:
    assert labels_of(worker(works=False)) == {"h": "home"}


def test_a_person_seen_once_has_no_row() -> None:
    assert label_places(frame([stay("p", 3, 12, 12)])).is_empty()
    assert label_places(frame([]).cast({"started_at": pl.Datetime, "ended_at": pl.Datetime, "user": pl.String, "place": pl.String})).is_empty()  # fmt: skip  # noqa: E501


def test_a_second_home_after_a_move() -> None:
    moved = [
        (user, "h2" if place == "h" and start >= MONDAY + timedelta(days=56) else place, start, end)
        for user, place, start, end in worker(16)
    ]
    assert labels_of(moved) == {"h": "home", "h2": "home", "w": "work"}


def test_single_events_count() -> None:
    random = np.random.default_rng(3)
    events = []
    for user, place, start, end in worker(12):
        at = start + random.uniform() * (end - start)
        events.append((user, place, at, at))
    assert labels_of(events) == {"h": "home", "w": "work"}


# Real people: half of the source; the rest is kept for acceptance


@cache
def people() -> pl.DataFrame:
    path = Settings().shared / "golden" / "tweets" / "labelled_stays_240_people.parquet"
    if not path.is_file():
        pytest.skip(f"no labelled stays at {path} (set ONS_BIGDATA_SHARED)")
    return pl.read_parquet(path).select(
        "user",
        place="loc",
        started_at=pl.from_epoch("start"),
        ended_at=pl.from_epoch("end"),
        letter="true_location_type",
    )


def one_a_day(stays: pl.DataFrame) -> pl.DataFrame:
    draw = pl.Series("draw", np.random.default_rng(7).random(stays.height))
    marked = stays.with_columns(draw, day=pl.col("started_at").dt.date())
    return marked.filter(pl.col("draw") == pl.col("draw").min().over("user", "day"))


@pytest.mark.parametrize(("is_thinned", "least"), [(False, 0.99), (True, 0.95)])
def test_main_home_of_labelled_people(is_thinned: bool, least: float) -> None:
    """The likeliest home is one that the person labelled so."""
    stays = one_a_day(people()) if is_thinned else people()
    labelled = label_places(stays).join(
        stays.select("user", "place", "letter").unique(), on=["user", "place"], maintain_order="left"
    )
    main = labelled.filter(pl.col("label") == "home").group_by("user", maintain_order=True).first()
    assert (main["letter"] == "H").sum() / stays["user"].n_unique() >= least


def test_labels_of_real_people() -> None:
    """F1 over places, and people without a workplace who are given one. In-sample: docs have the values of folds."""
    truth = people().select("user", "place", "letter").unique()
    labelled = label_places(people()).join(truth, on=["user", "place"])
    for label, letter, least in [("home", "H", 0.93), ("work", "W", 0.82)]:
        given_label = labelled.filter(pl.col("label") == label)
        right = (given_label["letter"] == letter).sum()
        assert 2 * right / (given_label.height + (truth["letter"] == letter).sum()) >= least, label
    workers = truth.filter(pl.col("letter") == "W").select("user").unique()
    others = truth.select("user").unique().join(workers, on="user", how="anti")
    false = labelled.filter(pl.col("label") == "work").select("user").unique().join(others, on="user")
    assert false.height / others.height <= 0.20


# Properties


def random_stays(seed: int, users: int = 3) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    n = 60 * users
    start = random.integers(0, 40 * 86_400, n)
    return pl.DataFrame(
        {
            "user": random.integers(0, users, n),
            "place": random.geometric(0.4, n),
            "start": start,
            "end": start + random.integers(0, 40_000, n),
        }
    ).select(
        "user",
        "place",
        started_at=pl.lit(MONDAY) + pl.duration(seconds="start"),
        ended_at=pl.lit(MONDAY) + pl.duration(seconds="end"),
    )


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_order_of_rows_other_users_units_and_whole_weeks_do_not_matter(seed: int) -> None:
    stays = random_stays(seed)
    labelled = label_places(stays)
    shuffled = stays.sample(fraction=1, shuffle=True, seed=seed).with_columns(
        pl.col("started_at", "ended_at").cast(pl.Datetime("ms")) + timedelta(days=21), note=pl.lit("x")
    )
    again = label_places(shuffled)
    assert labelled.drop("probability").equals(again.drop("probability"))
    np.testing.assert_allclose(labelled["probability"], again["probability"], rtol=1e-9)
    alone = label_places(stays.filter(pl.col("user") == 1))
    np.testing.assert_allclose(alone["probability"], labelled.filter(pl.col("user") == 1)["probability"], rtol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_features_are_finite_and_labels_unique(seed: int) -> None:
    stays = random_stays(seed)
    features = place_features(
        stays.select(
            "user", "place", start_s=pl.col("started_at").dt.epoch("s"), end_s=pl.col("ended_at").dt.epoch("s")
        )
    )
    assert np.isfinite(features.select(FEATURES).to_numpy()).all()
    labelled = label_places(stays)
    assert labelled.select("user", "place").is_unique().all()
    assert labelled["probability"].is_between(0, 1).all()
    assert labelled.columns == ["user", "place", "label", "probability"]


def test_a_higher_bound_gives_fewer_labels() -> None:
    default = default_model()
    strict = AnchorModel(default.coefficients, default.intercepts, default.work_counts, 0.9, 0.9, 0.9, 0.9)
    stays = random_stays(5, users=8)
    assert label_places(stays, model=strict).height <= label_places(stays).height


def test_a_model_survives_json() -> None:
    model = default_model()
    assert model_from_json(model_to_json(model)) == model


# Errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": [1.5]}, "stays: column user is Float64, expected text or whole numbers"),
        ({"started_at": [3]}, "stays: column started_at is Int64; expected Datetime without time zone"),
        ({"user": [None]}, "stays: 1 with no user"),
        ({"ended_at": [MONDAY - timedelta(hours=1)]}, "stays: 1 with an end before the start; the first: user u"),
        ({"ended_at": [MONDAY + timedelta(days=400)]}, " with more than 366 days"),
    ],
)  # fmt: skip
def test_bad_stays_are_refused(change: dict[str, object], message: str) -> None:
    good = {"user": ["u"], "place": ["p"], "started_at": [MONDAY], "ended_at": [MONDAY]}
    with pytest.raises(ValueError, match=message):
        label_places(pl.DataFrame(good | change))


def test_times_in_utc_and_missing_values_are_refused() -> None:
    stays = frame(worker(1))
    with pytest.raises(ValueError, match=r"started_at is Datetime.*UTC.*; expected Datetime without time zone"):
        label_places(stays.with_columns(pl.col("started_at", "ended_at").dt.replace_time_zone("UTC")))
    with pytest.raises(ValueError, match="stays: 13 with no place"):
        label_places(stays.with_columns(place=pl.lit(None, pl.String)))
    with pytest.raises(ValueError, match="stays: column ended_at is missing"):
        label_places(stays.drop("ended_at"))
    with pytest.raises(ValueError, match="min_days is 0"):
        label_places(stays, min_days=0)
    with pytest.raises(ValueError, match=r"expected a polars DataFrame or LazyFrame"):
        label_places(stays.to_dicts())  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["{}", "[]", '{"coefficients": {}, "intercepts": [0, 0, 0]}'])
def test_other_json_is_no_model(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the JSON of a model|features are not those"):
        model_from_json(text)
