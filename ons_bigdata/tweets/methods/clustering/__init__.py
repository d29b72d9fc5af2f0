"""Clusters of places: density clustering of each user's events, all users in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_unknown
from ons_bigdata.tweets.methods.clustering.kernel import NOISE, cluster_labels, user_codes, without_small
from ons_bigdata.tweets.methods.clustering.pairs import pairs_of, pairwise_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

Variant = Literal["dbscan", "components"]
VARIANTS = get_args(Variant)

MOST_PAIRS = 3_000_000
"""Pairs of points of a user up to which all are compared, without compiled code: a hundred megabytes."""

_COORDINATES = ("easting_m", "northing_m")


def cluster_events(
    events: pl.DataFrame,
    *,
    eps_m: float = 20.0,
    min_points: int = 3,
    strict: bool = False,
    integer_metres: bool = False,
    variant: Variant = "dbscan",
) -> pl.DataFrame:
    """Events with the cluster of each among the events of its user.

    `events` has the columns `user` (integer or text), `easting_m` and `northing_m` (metres, finite); other columns
    pass through, and so does the order of rows. The result has one column more, `cluster` (Int32), null for noise.
    Clusters are numbered 0, 1, … per user in the order in which scikit-learn numbers them.

    `variant`: "dbscan" takes core points, which have `min_points` neighbours within `eps_m`, themselves included,
    with what is in reach of them; "components" takes the connected components of at least `min_points` points in the
    graph of points within `eps_m`, numbered by their first rows. Both agree for `min_points` up to 3. `strict`: a
    neighbour is closer than `eps_m`, otherwise at most `eps_m` away. `integer_metres`: coordinates are truncated to
    whole metres first.

    Raises ValueError for missing columns, coordinates that are null or not finite (with the first such row), a column
    `cluster` in the input, an `eps_m` that is not positive, `min_points` below 1 and unknown variants.

    Source: Ester et al., A density-based algorithm for discovering clusters in large spatial databases with noise
    (KDD 1996); variant "components" with `strict` and `integer_metres`: ONS, GSS Methodology Series 41 (2015).
    """
    refuse_unknown("variant", variant, VARIANTS)
    if not (np.isfinite(eps_m) and eps_m > 0):
        raise ValueError(f"eps_m is {eps_m}; expected a positive number of metres")
    if min_points < 1:
        raise ValueError(f"min_points is {min_points}; expected at least 1")
    _require_columns(events)
    x, y = (_metres(events[column], truncate=integer_metres) for column in _COORDINATES)
    core_size = min_points if variant == "dbscan" else 1
    smallest = min_points if variant == "components" else 1
    few = _few_codes(events["user"]) if events.height <= MOST_PAIRS else None
    if few is not None and pairs_of(few) <= MOST_PAIRS:
        labels = pairwise_labels(few, x, y, eps=float(eps_m), core_size=core_size, strict=strict, smallest=smallest)
    else:
        codes, users = _codes(events["user"])
        labels = cluster_labels(codes, users, x, y, float(eps_m), core_size, strict)
        if variant == "components":
            labels = without_small(codes, users, labels, min_points)
    clusters = pl.Series("cluster", labels)
    return events.with_columns(pl.when(clusters != NOISE).then(clusters).alias("cluster"))


def _require_columns(events: pl.DataFrame) -> None:
    if not isinstance(events, pl.DataFrame):
        raise ValueError(f"events is a {type(events).__name__}; expected a polars DataFrame")
    refuse_missing_columns(events, ("user", *_COORDINATES), "events")
    if "cluster" in events.columns:
        raise ValueError("events has a column cluster already; expected events that are not clustered")
    if not (events.schema["user"].is_integer() or events.schema["user"] in (pl.String, pl.Categorical)):
        raise ValueError(f"column user is {events.schema['user']}; expected an integer or text")
    if events["user"].null_count():
        row = events["user"].is_null().arg_max()
        raise ValueError(f"column user, row {row}: null; expected the user of every event")


def _metres(column: pl.Series, *, truncate: bool) -> NDArray[np.float64]:
    if not column.dtype.is_numeric():
        raise ValueError(f"column {column.name} is {column.dtype}; expected numbers (metres)")
    values = column.cast(pl.Float64).to_numpy()  # nulls become NaN
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"column {column.name}, row {row}: {column[row]}; expected a finite number of metres")
    return np.trunc(values) if truncate else np.ascontiguousarray(values)


def _few_codes(users: pl.Series) -> NDArray[np.int64]:
    """Codes 0, 1, … of the users, without compiled code."""
    return (users.rank("dense").cast(pl.Int64) - 1).to_numpy()


def _codes(users: pl.Series) -> tuple[NDArray[np.int32], int]:
    """Codes 0, 1, … of the users, and their number."""
    if users.dtype.is_integer():
        return user_codes(users.cast(pl.Int64, wrap_numerical=True).to_numpy())
    codes = users.rank("dense").cast(pl.Int32).to_numpy() - 1
    return np.ascontiguousarray(codes, dtype=np.int32), users.n_unique()
