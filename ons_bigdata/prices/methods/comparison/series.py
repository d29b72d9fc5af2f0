"""Comparison of series of price indices: differences, rates of change, correlation, turning points.

A disagreement of two series is a result, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows, refuse_unknown
from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.schemas import ComparedPriceIndex, PriceComparison
from ons_bigdata.prices.schemas.comparison import FREQUENCIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

A_YEAR = {"daily": 365, "weekly": 52, "monthly": 12}
"""Periods of a year."""

LEAST_SHARE = 0.5
"""Least share of the days of a month or week with a figure, for an average of it."""

_DAYS = {"daily": 1, "weekly": 7}
_KEY = ["data_origin", "level", "code", "scope"]
_SERIES = {
    "data_origin": pl.String(), "level": pl.String(), "code": pl.String(), "scope": pl.String(),
    "series": pl.String(), "frequency": pl.String(), "period": pl.Date(), "index": pl.Float64(),
}  # fmt: skip


def at_frequency(series: pl.DataFrame, frequency: str) -> pl.DataFrame:
    """Average series to a coarser frequency: the geometric mean of their figures within each week or month.

    Takes and gives data_origin, level, code, scope, series, frequency, period (first day: Monday, or the first of the
    month), index (null where there is none). Series of a coarser frequency are left out. A week or month of which
    less than half of the days (for weekly figures: of the days of its weeks) has a figure is left out; a week counts
    in the month of its Thursday. Raises ValueError on an unknown frequency.
    """
    rank = _rank(frequency)
    series = checked_columns(series, _SERIES, "series")
    finer = series.filter(
        pl.col("frequency").is_in(FREQUENCIES[: rank + 1]) & pl.col("index").is_not_null() & (pl.col("index") > 0)
    )
    same = finer.filter(pl.col("frequency") == frequency)
    rest = finer.filter(pl.col("frequency") != frequency)
    day = pl.when(pl.col("frequency") == "weekly").then(pl.col("period").dt.offset_by("3d")).otherwise("period")
    start = day.dt.truncate("1w") if frequency == "weekly" else day.dt.month_start()
    days = pl.lit(7) if frequency == "weekly" else pl.col("period").dt.days_in_month()
    covered = pl.col("frequency").replace_strict(_DAYS, return_dtype=pl.Int32, default=None)
    averaged = (
        rest.with_columns(covered=covered, period=start)
        .group_by(*_KEY, "series", "period")
        .agg(index=pl.col("index").log().mean().exp(), covered=pl.col("covered").sum())
        .filter(pl.col("covered") >= LEAST_SHARE * days)
        .with_columns(frequency=pl.lit(frequency))
    )
    return pl.concat([same.select(*_SERIES), averaged.select(*_SERIES)]).sort(*_KEY, "series", "period")


def compare_methods(series: pl.DataFrame) -> pl.DataFrame:
    """Compare all pairs of series of the same origin, level, code and scope; gives `PriceComparison` rows.

    Takes the columns of `at_frequency`, frequency as each series has it. Two series are compared at the coarser of
    their frequencies. Definitions: docs/prices/comparison/comparison.md. Raises ValueError on bad series.
    """
    return _compared(_checked(series, "series"), None)


def compare_with_official(series: pl.DataFrame, official: pl.DataFrame) -> pl.DataFrame:
    """Compare every series with every official series of the same origin, level and code; gives `PriceComparison` rows.

    Both take the columns of `at_frequency`; the scope of an official series is ignored (it is compared with all
    scopes). Official series are monthly; series are averaged to months. Raises ValueError on bad series.
    """
    return _compared(_checked(series, "series"), _checked(official, "official series"))


def compared_indices(series: pl.DataFrame, official: pl.DataFrame) -> pl.DataFrame:
    """Series and official series side by side over their common months, as `ComparedPriceIndex` rows.

    Arguments as in `compare_with_official`. Both are 100 in their first common month. Rates are in per cent, null with
    a reason where the month before, or the same month a year before, is not common.
    """
    groups = _grouped(_checked(series, "series"), _checked(official, "official series"), "monthly")
    rows: list[dict[str, Any]] = []
    for group, left, right in ((group, *pair) for group, pairs in groups for pair in pairs):
        both = _common(group.values[left], group.values[right])
        if not both.any():
            continue
        indices = [100.0 * group.values[k][both] / group.values[k][both][0] for k in (left, right)]
        ordinals = group.ordinals[both]
        rates = [[_rates_at(ordinals, index, lag) for index in indices] for lag in (1, 12)]
        for t, period in enumerate(np.array(group.periods, dtype=object)[both]):
            short, long = rates[0][0][t], rates[1][0][t]
            reasons = ["the month before is not common"] * (short is None) + [
                "the same month a year before is not common"
            ] * (long is None)
            rows.append(
                dict(zip(_KEY, group.key, strict=True))
                | {"left_series": group.names[left], "right_series": group.names[right], "period": period}
                | {"left_index": indices[0][t], "right_index": indices[1][t]}
                | {"left_monthly_rate": short, "right_monthly_rate": rates[0][1][t]}
                | {"left_annual_rate": long, "right_annual_rate": rates[1][1][t]}
                | {"reason": "; ".join(reasons) or None}
            )
    return ComparedPriceIndex.validate(pl.DataFrame(rows, schema=ComparedPriceIndex.create_empty().schema))


def turning_points(values: Floats) -> list[tuple[int, int]]:
    """Find the turning points of a series: position and direction (1: a peak, -1: a trough).

    Changes of 0 are ignored; a turning point is the last position before a change whose sign differs from that of the
    last change other than 0. Changes below 1e-9 count as 0: they are rounding.
    """
    (directions,) = _turns(np.atleast_2d(values))
    return [(int(t), int(directions[t])) for t in np.flatnonzero(directions)]


def pair_statistics(left: Floats, right: Floats, ordinals: NDArray[np.int64], *, a_year: int) -> dict[str, Any]:
    """Compute the statistics of one pair over its common periods; the keys are columns of `PriceComparison`.

    `left`, `right`: indices (NaN where there is none); `ordinals`: the number of each period, 1 apart for neighbours;
    `a_year`: the periods of a year. Statistics that cannot be computed are None, with a reason.
    """
    both = _common(left, right)
    (statistics,) = _statistics(left[None, both], right[None, both], ordinals[both], a_year)
    return statistics


def _statistics(left: Floats, right: Floats, ordinals: NDArray[np.int64], a_year: int) -> list[dict[str, Any]]:
    """Statistics of pairs with the same common periods, one row of `left` and of `right` each (`pair_statistics`)."""
    pairs, count = left.shape
    if count < 2:
        return [{"periods": count, "reason": f"{count} common periods; at least 2 are needed"}] * pairs
    a, b = (100.0 * values / values[:, :1] for values in (left, right))
    difference = (a - b)[:, 1:]
    rates, annual = ([_rates(ordinals, values, lag) for values in (a, b)] for lag in (1, a_year))
    turns = [_turns(values) for values in (a, b)]
    is_moving = np.ptp(a, axis=1).astype(bool) & np.ptp(b, axis=1).astype(bool)
    columns: dict[str, Sequence[Any]] = {
        "left_last_index": a[:, -1].tolist(),
        "right_last_index": b[:, -1].tolist(),
        "mean_difference": difference.mean(axis=1).tolist(),
        "root_mean_square_difference": np.sqrt(np.mean(difference**2, axis=1)).tolist(),
        "largest_difference": np.abs(difference).max(axis=1).tolist(),
        "correlation": _correlations(a, b),
        "correlation_of_rates": _correlations(*rates),
        "mean_rate_difference": _mean_differences(*rates),
        "annual_rate_difference": _mean_differences(*annual),
        "left_turning_points": np.count_nonzero(turns[0], axis=1).tolist(),
        "right_turning_points": np.count_nonzero(turns[1], axis=1).tolist(),
        "shared_turning_points": np.count_nonzero((turns[0] == turns[1]) & (turns[0] != 0), axis=1).tolist(),
    }
    if count == 2:
        columns |= {name: [None] * pairs for name in columns if name.endswith("turning_points")}
    rows = zip(*columns.values(), strict=True)
    reasons = _reasons(count, rates[0].shape[1], annual[0].shape[1])
    still = "a series does not move: no correlation"
    return [
        {
            "periods": count,
            **dict(zip(columns, row, strict=True)),
            "reason": "; ".join([*reasons[0], *([still] if count > 2 and not moves else []), *reasons[1]]) or None,
        }
        for row, moves in zip(rows, is_moving, strict=True)
    ]


def _reasons(count: int, rates: int, annual_rates: int) -> tuple[list[str], list[str]]:
    """Reasons of missing statistics by the number of common periods, and of rates between them."""
    few = [] if count > 2 else ["2 common periods: no correlation and no turning points"]
    no_rates = [f"{rates} common rates; correlation needs 3"] if rates < 3 else []
    return few, no_rates + ([] if annual_rates else ["annual rates need common periods a year apart"])


def _turns(values: Floats) -> NDArray[np.int8]:
    """Direction of the turning point at each position of each series (rows), 0 where there is none."""
    changes = np.sign(np.round(np.diff(values, axis=1), 9)).astype(np.int8)
    positions = np.where(changes != 0, np.arange(changes.shape[1]), -1)
    last = np.maximum.accumulate(positions, axis=1)
    turns = np.zeros(values.shape, np.int8)
    if changes.shape[1] > 1:
        before = last[:, :-1]
        direction = np.where(before >= 0, np.take_along_axis(changes, np.maximum(before, 0), axis=1), 0)
        is_turn = (changes[:, 1:] != 0) & (direction != 0) & (changes[:, 1:] != direction)
        turns[:, 1:-1] = np.where(is_turn, direction, 0)
    return turns


# --- pairs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """The series of one origin, level, code and scope at one frequency, as vectors over the same periods."""

    key: tuple[str, ...]
    names: list[str]
    native: list[str]
    official: list[bool]
    periods: list[Any]
    ordinals: NDArray[np.int64]
    values: Floats


def _compared(series: pl.DataFrame, official: pl.DataFrame | None) -> pl.DataFrame:
    kind = "methods" if official is None else "official"
    frequencies: Sequence[str] = FREQUENCIES if official is None else ("monthly",)
    rows = []
    for frequency in frequencies:
        for group, pairs in _grouped(series, official, frequency):
            for (left, right), both, statistics in _pair_statistics(group, pairs, A_YEAR[frequency]):
                rows.append(
                    dict(zip(_KEY, group.key, strict=True))
                    | {"kind": kind, "left_series": group.names[left], "right_series": group.names[right]}
                    | {"frequency": frequency}
                    | {"first_period": group.periods[both[0]] if len(both) else None}
                    | {"last_period": group.periods[both[-1]] if len(both) else None}
                    | statistics
                )
    schema = PriceComparison.create_empty().schema
    return PriceComparison.validate(pl.DataFrame(rows, schema=schema, orient="row").sort(PriceComparison.primary_key()))


def _pair_statistics(
    group: _Group, pairs: Sequence[tuple[int, int]], a_year: int
) -> Iterator[tuple[tuple[int, int], NDArray[np.int64], dict[str, Any]]]:
    """Pairs of a group with the positions of their common periods and their statistics.

    Pairs with the same common periods are computed together: there are thousands of pairs, and few such sets.
    """
    is_there = np.isfinite(group.values)
    alike: dict[bytes, list[tuple[int, int]]] = {}
    for left, right in pairs:
        alike.setdefault((is_there[left] & is_there[right]).tobytes(), []).append((left, right))
    for mask, members in alike.items():
        both = np.flatnonzero(np.frombuffer(mask, dtype=np.bool_))
        left_values, right_values = (group.values[np.ix_(side, both)] for side in zip(*members, strict=True))
        statistics = _statistics(left_values, right_values, group.ordinals[both], a_year)
        yield from ((pair, both, found) for pair, found in zip(members, statistics, strict=True))


def _grouped(
    series: pl.DataFrame, official: pl.DataFrame | None, frequency: str
) -> Iterator[tuple[_Group, list[tuple[int, int]]]]:
    """Yield the groups at a frequency with the pairs (positions of the series) that are compared at it."""
    if official is not None and official.is_empty():
        return
    native = dict(series.select("series", "frequency").unique().iter_rows())
    ours = at_frequency(series, frequency).with_columns(official=pl.lit(value=False))
    if official is not None:
        scopes = series.select(_KEY).unique()
        theirs = at_frequency(official, frequency).drop("scope").join(scopes, on=_KEY[:-1])
        ours = pl.concat([ours, theirs.select(*ours.columns[:-1], official=pl.lit(value=True))])
    for key, rows in ours.sort(*_KEY, "official", "series").group_by(_KEY, maintain_order=True):
        group = _group(tuple(str(part) for part in key), rows, native, frequency)
        ranks = [_rank(name) for name in group.native]
        yield (
            group,
            [
                (left, right)
                for left, right in combinations(range(len(group.names)), 2)
                if (
                    FREQUENCIES[max(ranks[left], ranks[right])] == frequency
                    if official is None
                    else group.official[left] != group.official[right]
                )
            ],
        )


def _group(key: tuple[str, ...], rows: pl.DataFrame, native: dict[str, str], frequency: str) -> _Group:
    names = rows.select("series", "official").unique(maintain_order=True)
    periods = rows["period"].unique().sort().to_list()
    values = np.full((names.height, len(periods)), np.nan)
    row_of = {name: position for position, name in enumerate(names["series"])}
    column_of = {period: position for position, period in enumerate(periods)}
    series = [row_of[name] for name in rows["series"]]
    values[series, [column_of[period] for period in rows["period"]]] = rows["index"].to_numpy()
    return _Group(
        key,
        names["series"].to_list(),
        [native.get(name, frequency) for name in names["series"]],
        names["official"].to_list(),
        periods,
        np.array([_ordinal(period, frequency) for period in periods], dtype=np.int64),
        values,
    )


def _ordinal(period: Any, frequency: str) -> int:  # noqa: ANN401  (a date; the vectors hold them as objects)
    if frequency == "monthly":
        return period.year * 12 + period.month
    return period.toordinal() // _DAYS[frequency]


def _checked(series: pl.DataFrame, name: str) -> pl.DataFrame:
    rows = checked_columns(series, _SERIES, name)
    faults = {
        "a null in the key": pl.any_horizontal(pl.exclude("index").is_null()),
        f"a frequency other than {', '.join(FREQUENCIES)}": ~pl.col("frequency").is_in(FREQUENCIES),
        "an index that is not positive and finite": (pl.col("index") <= 0) | ~pl.col("index").is_finite(),
        "a period twice": pl.struct(pl.exclude("index")).is_duplicated(),
        "a series at several frequencies": pl.col("frequency").n_unique().over("series") > 1,
    }
    refuse_rows(rows, faults, name)
    return rows


def _common(left: Floats, right: Floats) -> NDArray[np.bool_]:
    return np.isfinite(left) & np.isfinite(right)


def _rates(ordinals: NDArray[np.int64], values: Floats, lag: int) -> Floats:
    """Rates of series (rows) in per cent over `lag` periods, between periods that are both present."""
    before = np.searchsorted(ordinals, ordinals - lag)  # below the length: ordinals rise, and lag is above 0
    present = np.flatnonzero(ordinals[before] == ordinals - lag)
    return 100.0 * (values[:, present] / values[:, before[present]] - 1.0)


def _rates_at(ordinals: NDArray[np.int64], values: Floats, lag: int) -> list[float | None]:
    """Return for each period the rate in per cent on `lag` periods before; None where that period is absent."""
    before = np.searchsorted(ordinals, ordinals - lag)  # below the length: ordinals rise, and lag is above 0
    present = ordinals[before] == ordinals - lag
    rates = 100.0 * (values / values[before] - 1.0)
    return [float(rate) if is_present else None for rate, is_present in zip(rates, present, strict=True)]


def _correlations(a: Floats, b: Floats) -> Sequence[float | None]:
    """Correlation of the series in each row; None of fewer than three values, or where one does not move."""
    if a.shape[1] < 3:
        return [None] * len(a)
    is_moving = np.ptp(a, axis=1).astype(bool) & np.ptp(b, axis=1).astype(bool)
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1)) / np.sqrt((b**2).sum(axis=1))
    return [float(np.clip(value, -1.0, 1.0)) if moves else None for value, moves in zip(found, is_moving, strict=True)]


def _mean_differences(a: Floats, b: Floats) -> Sequence[float | None]:
    return [None] * len(a) if not a.shape[1] else np.mean(a - b, axis=1).tolist()


def _rank(frequency: str) -> int:
    refuse_unknown("frequency", frequency, FREQUENCIES)
    return FREQUENCIES.index(frequency)
