"""Features beside the principal place: an example by hand, a plain count as oracle, places without nights."""

from __future__ import annotations

from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation.principal_place import PRINCIPAL_FEATURES, principal_place_features


def days_frame(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    schema = {"user": pl.String, "place": pl.String, "day": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def nights_frame(rows: list[tuple[str, str, int, float]]) -> pl.DataFrame:
    schema = {"user": pl.String, "place": pl.String, "night": pl.Int64, "hours": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def features_of(days: pl.DataFrame, nights: pl.DataFrame, place: str) -> dict[str, float]:
    row = principal_place_features(days, nights).filter(pl.col("place") == place)
    return {name: float(row[name].item()) for name in PRINCIPAL_FEATURES}


def test_a_place_visited_in_turn_with_the_principal_place() -> None:
    """Home h on days 0 to 4 and 8 to 9; p on days 2, 3, 6 and 12, with the main nights of 3 and 6."""
    days = days_frame([("u", "h", day) for day in (0, 1, 2, 3, 4, 8, 9)] + [("u", "p", day) for day in (2, 3, 6, 12)])
    nights = nights_frame(
        [("u", "h", night, 8.0) for night in (0, 1, 2, 8)]
        + [("u", "h", 3, 2.0), ("u", "p", 3, 6.0), ("u", "p", 6, 8.0), ("u", "p", 0, 1.0)]
    )
    place = features_of(days, nights, "p")
    expected = {
        "is_principal": 0,
        "principal_same_day": log(2.5 / 2.5),  # days 2 and 3 of four
        "principal_within_a_day": log(2.5 / 2.5),  # none within a day of 6 and 12
        "principal_beside_night": log(1.5 / 1.5),  # the night of 3, not that of 6
        "principal_around_night": log(1.5 / 1.5),  # home on days 3 and 4
        "days_per_run": log(4 / 3),  # 2 to 3, 6, 12
        "nights_per_run": log(2.5 / 2.5),
        "days_of_span": log(4.5 / 7.5),  # four of the eleven days from 2 to 12
        "median_gap_days": log(1 + 3),  # 1, 3, 6
        "long_gap_days": log(1 + 6),
        "record_share_before": 2 / 13,
        "record_share_after": 0,
    }
    assert {name: place[name] for name in expected} == pytest.approx(expected)
    assert all(place[f"{name}_elsewhere"] == place[name] for name in expected if name != "is_principal")
    home = features_of(days, nights, "h")
    assert home["is_principal"] == 1
    assert home["principal_same_day"] == pytest.approx(log(7.5 / 0.5))
    assert all(value == 0 for name, value in home.items() if name.endswith("_elsewhere"))


def test_the_smaller_place_is_principal_among_equals() -> None:
    days = days_frame([("u", "b", 0), ("u", "a", 1)])
    nights = nights_frame(
        [("u", "b", 0, 3.0), ("u", "a", 1, 3.0), ("u", "a", 2, 1.0 / 3), ("u", "b", 2, 1 / 3 + 1e-12)]
    )
    assert features_of(days, nights, "a")["is_principal"] == 1
    assert features_of(days, nights, "b")["is_principal"] == 0


def test_a_user_without_nights_has_no_principal_place() -> None:
    features = features_of(days_frame([("u", "p", 5)]), nights_frame([]), "p")
    assert features["is_principal"] == 0
    assert features["principal_same_day"] == pytest.approx(log(0.5 / 1.5))
    assert features["principal_beside_night"] == 0
    assert features["median_gap_days"] == features["long_gap_days"] == pytest.approx(log(61))


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_counts_of_places_agree_with_sets_of_days(seed: int) -> None:
    random = np.random.default_rng(seed)
    visits = {(str(user), str(place), int(day)) for user, place, day in random.integers(0, [2, 4, 25], (60, 3))}
    days = days_frame(sorted(visits)).sample(fraction=1, shuffle=True, seed=seed)
    nights = days.select("user", "place", night="day", hours=pl.col("place").cast(pl.Float64) + 1)
    nights = nights.filter(pl.col("night") % 3 > 0)
    features = principal_place_features(days, nights)
    assert features.select("user", "place").is_unique().all()
    assert np.isfinite(features.select(PRINCIPAL_FEATURES).to_numpy()).all()
    assert features.height == len({visit[:2] for visit in visits})
    for (user,), rows in features.group_by("user"):
        at = {place: {day for u, p, day in visits if (u, p) == (user, place)} for place in rows["place"]}
        slept = {
            day: max(place for place in at if day in at[place]) for day in set().union(*at.values()) if day % 3 > 0
        }
        main = {place: {night for night, where in slept.items() if where == place} for place in at}
        principal = min(at, key=lambda place: (-len(main[place]), place))
        home = at[principal] if main[principal] else set()
        for row in rows.iter_rows(named=True):
            days_at, nights_at = at[row["place"]], main[row["place"]]
            near = sum(bool({day - 1, day, day + 1} & home) for day in days_at)
            around = sum({night, night + 1} <= home for night in nights_at)
            runs = sum(day - 1 not in days_at for day in days_at)
            assert row["is_principal"] == (bool(nights_at) and row["place"] == principal)
            assert row["principal_within_a_day"] == pytest.approx(log((near + 0.5) / (len(days_at) - near + 0.5)))
            assert row["principal_around_night"] == pytest.approx(log((around + 0.5) / (len(nights_at) - around + 0.5)))
            assert row["days_per_run"] == pytest.approx(log(len(days_at) / runs))
