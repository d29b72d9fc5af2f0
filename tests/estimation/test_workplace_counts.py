"""Workplaces of a person together: against the sum over all labels of all places, an example, properties, errors."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation import workplace_counts
from ons_bigdata.estimation.workplace_counts import count_distribution, joint_probabilities

CLASSES = ("other", "home", "work")


def table(shares: np.ndarray, users: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"user": users, "place": np.arange(len(users))}
        | {name: shares[:, number] for number, name in enumerate(CLASSES)}
    )


def random_table(seed: int, most_places: int = 5, users: int = 6) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), random.integers(1, most_places + 1, users))
    return table(random.dirichlet([0.6, 0.4, 0.4], len(user)), random.permutation(user).tolist())


def enumerated(shares: np.ndarray, weights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Joint probabilities and the distribution of the number of workplaces of one user, by all labels of all places."""
    joint, counts = np.zeros_like(shares), np.zeros(len(weights))
    for labels in product(range(3), repeat=len(shares)):
        probability = np.prod([shares[place, label] for place, label in enumerate(labels)])
        number = min(labels.count(2), len(weights) - 1)
        counts[number] += probability
        for place, label in enumerate(labels):
            joint[place, label] += probability * weights[number]
    return joint / joint.sum(axis=1, keepdims=True), counts


@given(st.integers(0, 10_000), st.lists(st.floats(0.05, 20), min_size=2, max_size=5))
@settings(max_examples=25, deadline=None)
def test_sums_over_all_labels(seed: int, weights: list[float]) -> None:
    separate = random_table(seed)
    joint = joint_probabilities(separate, weights)
    distribution = count_distribution(separate, len(weights) - 1)
    for number, user in enumerate(separate["user"].unique().sort()):
        of_user = pl.col("user") == user
        expected, counts = enumerated(separate.filter(of_user).select(CLASSES).to_numpy(), weights)
        np.testing.assert_allclose(joint.filter(of_user).select(CLASSES).to_numpy(), expected, atol=1e-12)
        np.testing.assert_allclose(distribution[number], counts, atol=1e-12)


def test_people_with_one_workplace_are_preferred() -> None:
    """Two places of user 1 are as likely work as not; user 2 has one such place and one that is surely work."""
    separate = table(np.array([[0.5, 0, 0.5], [0.5, 0, 0.5], [0.25, 0.25, 0.5], [0, 0, 1.0]]), [1, 1, 2, 2])
    joint = joint_probabilities(separate, [1.0, 2.0, 1.0])
    # user 1: no workplace 1/4, one of them 2 * 1/4 each, both 1/4; user 2: one workplace 2 * 1/2, both 1/2
    np.testing.assert_allclose(joint["work"], [0.5, 0.5, 1 / 3, 1])
    np.testing.assert_allclose(joint["home"], [0, 0, 1 / 3, 0])
    assert joint.select("user", "place").equals(separate.select("user", "place"))


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_equal_weights_change_nothing(seed: int) -> None:
    separate = random_table(seed)
    joint = joint_probabilities(separate, [3.0, 3.0, 3.0])
    np.testing.assert_allclose(joint.select(CLASSES).to_numpy(), separate.select(CLASSES).to_numpy(), atol=1e-12)


def test_other_users_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    separate = random_table(3, most_places=40, users=60)
    whole = joint_probabilities(separate, [1.0, 1.5, 0.7])
    alone = [joint_probabilities(part, [1.0, 1.5, 0.7]) for part in separate.partition_by("user")]
    assert pl.concat(alone).sort("place").equals(whole)
    monkeypatch.setattr(workplace_counts, "CELLS_PER_BATCH", 50)
    assert joint_probabilities(separate, [1.0, 1.5, 0.7]).equals(whole)


def test_no_places() -> None:
    assert joint_probabilities(random_table(1).clear(), [1.0, 2.0]).is_empty()
    assert count_distribution(random_table(1).clear(), 2).shape == (0, 3)


@pytest.mark.parametrize("weights", [[], [1.0], [1.0, 0.0], [1.0, -2.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_weights_that_are_none(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="expected at least two weights above 0"):
        joint_probabilities(random_table(1), weights)
