"""Workplaces of a person together: how many workplaces people have changes the probability of each place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELLS_PER_BATCH = 50_000
"""Users times places that are computed at once."""


@dataclass(frozen=True)
class _Batch:
    """Some users: `rows` of a frame, their `user` and `position` in `work` (users, places), probabilities of work.

    A user with fewer places than the batch has others at the end that are surely no workplace.
    """

    rows: NDArray[np.int64]
    user: NDArray[np.int64]
    position: NDArray[np.int64]
    work: Floats


def joint_probabilities(probabilities: pl.DataFrame, work_counts: Sequence[float]) -> pl.DataFrame:
    """Probabilities of places, given how many workplaces people have.

    `probabilities`: user, place, other, home, work (0 to 1, together 1), all places of each user; those of a model that
    judges each place without the labels of the others. `work_counts`: weight of no workplace, of one, and so on; the
    last one is of that many and more. The probability of labels of all places of a user is proportional to the
    product of their probabilities and the weight of the number of workplaces; the result has the sum of it over the
    labels of all other places. With equal weights nothing changes. What a place loses or gains as a workplace, it
    gains or loses as a home and as another place, in the proportion of the two.

    Returns the rows in their order. Raises ValueError if there are fewer than two weights or one is not above 0.

    Source: Gupta, Diwan, Sarawagi, *Efficient inference with cardinality-based clique potentials*, ICML 2007. Here the
    sums are exact: numbers of workplaces among the places before and after each place, by recursion.
    """
    weights = checked_weights(work_counts)
    alone = probabilities["work"].to_numpy()
    work = np.zeros(len(alone))
    for batch in _batches(probabilities):
        work[batch.rows] = _joint(batch.work, weights)[batch.user, batch.position]
    rest = np.divide(1 - work, 1 - alone, out=np.zeros(len(alone)), where=alone < 1)
    return probabilities.with_columns(pl.col("other", "home") * pl.lit(pl.Series(rest)), work=pl.Series(work))


def count_distribution(probabilities: pl.DataFrame, most: int) -> Floats:
    """Probability of each number of workplaces of each user, if places do not depend on each other.

    `probabilities` as for `joint_probabilities`; the last number stands for `most` and more. Returns one row of
    `most` + 1 numbers for each user, in the order of the users.
    """
    users = _user_numbers(probabilities)
    result = np.zeros((probabilities["user"].n_unique(), most + 1))
    for batch in _batches(probabilities):
        result[users[batch.rows[batch.position == 0]]] = _counts_before(batch.work, most)[-1]
    return result


def checked_weights(work_counts: Sequence[float]) -> Floats:
    """Weights of numbers of workplaces as an array; ValueError if there are fewer than two or one is not above 0."""
    if len(work_counts) < 2 or not all(0 < weight < np.inf for weight in work_counts):
        message = f"work_counts is {tuple(work_counts)}; expected at least two weights above 0"
        raise ValueError(message)
    return np.array(work_counts, dtype=np.float64)


def _user_numbers(probabilities: pl.DataFrame) -> NDArray[np.int64]:
    return probabilities["user"].rank("dense").to_numpy().astype(np.int64) - 1


def _batches(probabilities: pl.DataFrame) -> Iterator[_Batch]:
    """Users with about as many places, so that little of the tables is empty."""
    users = _user_numbers(probabilities)
    work = probabilities["work"].to_numpy()
    places = np.bincount(users)
    by_size = np.argsort(places, kind="stable")
    sizes = places[by_size]
    by_user = np.argsort(users, kind="stable")
    first_row = np.cumsum(places) - places
    begin = 0
    while begin < len(sizes):
        alike = int(np.searchsorted(sizes, 2 * sizes[begin], side="right"))
        end = min(alike, begin + max(1, CELLS_PER_BATCH // int(sizes[begin])))
        chosen = by_size[begin:end]
        user = np.repeat(np.arange(len(chosen)), places[chosen])
        position = np.arange(len(user)) - np.repeat(np.cumsum(places[chosen]) - places[chosen], places[chosen])
        rows = by_user[first_row[chosen][user] + position]
        table = np.zeros((len(chosen), int(sizes[end - 1])))
        table[user, position] = work[rows]
        yield _Batch(rows, user, position, table)
        begin = end


def _counts_before(work: Floats, most: int) -> Floats:
    """Distribution of the number of workplaces among the places before each place and, last, among all of them.

    `work`: users, places. Returns places + 1, users, numbers; the last number stands for `most` and more.
    """
    users, places = work.shape
    counts = np.zeros((places + 1, users, most + 1))
    counts[0, :, 0] = 1
    for place in range(places):
        is_work = work[:, place, None]
        counts[place + 1] = counts[place] * (1 - is_work)
        counts[place + 1, :, 1:] += counts[place, :, :-1] * is_work
        counts[place + 1, :, -1] += counts[place, :, -1] * work[:, place]
    return counts


def _joint(work: Floats, weights: Floats) -> Floats:
    """Probability of work of each place of each user, given the weights of the numbers of workplaces.

    `value` is the expected weight for each number of workplaces among the places up to one, over the labels of those
    after it; `with_one_more` is that at the next number.
    """
    before = _counts_before(work, len(weights) - 1)
    value = np.broadcast_to(weights, before.shape[1:])
    joint = np.empty_like(work)
    for place in reversed(range(work.shape[1])):
        is_work = work[:, place, None]
        with_one_more = np.concatenate([value[:, 1:], value[:, -1:]], axis=1)
        as_work, as_other = with_one_more * is_work, value * (1 - is_work)
        joint[:, place] = (before[place] * as_work).sum(axis=1)
        joint[:, place] /= joint[:, place] + (before[place] * as_other).sum(axis=1)
        value = as_work + as_other
    return joint
