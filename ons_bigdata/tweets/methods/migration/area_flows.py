"""Internal migration: flows between areas estimated from the moves of users, and net and gross moves of areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy.stats import chi2

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.tweets.methods.residence.moves import DAYS_PER_MONTH
from ons_bigdata.tweets.schemas.migration import AreaMigration, MigrationFlow

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

LEVELS = ("authority", "region")
PERIODS = ("month", "quarter", "whole")
WEIGHTINGS = ("penetration", "none")
_EVERY = {"month": "1mo", "quarter": "1q"}


def penetration_weights(users: pl.DataFrame, residents: pl.DataFrame) -> pl.DataFrame:
    """Residents of an area for each user: the weight of its users.

    `users`: area, further key columns (such as period), users (≥ 0, may be a fraction). `residents`: area, residents
    (≥ 0), one row per area. Returns the rows of `users` with residents, penetration (users / residents) and weight
    (residents / users), each null where the divisor is 0 or the area has no number of residents.

    Source: inverse penetration weights, as in the adjustment of flows of phone users.
    """
    refuse_missing_columns(users, ("area", "users"), "users")
    refuse_missing_columns(residents, ("area", "residents"), "residents")
    refuse_repeated(residents, ["area"], "residents")
    for frame, column in ((users, "users"), (residents, "residents")):
        refuse_rows(frame, {f"{column} below 0": pl.col(column) < 0}, column)

    def ratio(part: str, whole: str) -> pl.Expr:
        return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))

    return users.join(residents.select("area", "residents"), on="area", how="left", maintain_order="left").with_columns(
        penetration=ratio("users", "residents"), weight=ratio("residents", "users")
    )


def flows(  # noqa: PLR0913
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    level: str = "authority",
    period: str = "quarter",
    weighting: str = "penetration",
    user_weights: pl.DataFrame | None = None,
    population: str = "residents",
    least_users: float = 5.0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Flows between areas by period, estimated for the residents of the areas, with intervals.

    `moves` (as `detect_moves` at the level of authorities): user_key, from_area, to_area, moved_on, is_migration. Rows
    that are no migration do not count, nor those of users without time at risk. `areas`: authority, region and the
    column `population` (persons; rows of an authority, as of its output areas, are added up). `at_risk` (as
    `time_at_risk` by month): user_key, area, period, months. `first_date`, `last_date`: days of collection, both
    included. `period`: month, quarter or whole.

    With `weighting` "penetration" a move counts residents of the origin × months of the period / months at risk of its
    users in the period: a rate of moves per resident and month, carried to all residents and to the part of the period
    with collection. With "none" each counts 1. `user_weights` (user_key, weight), as from activity, weigh moves and
    months of a user alike. Moves at the level `region` are those between authorities of different regions.

    Returns the frame MigrationFlow, sorted. Flow and interval are null with a reason where fewer than `least_users`
    users (months at risk / months of the period) were at risk, or residents are not known.

    Interval: gamma interval of a weighted sum of Poisson counts (Fay & Feuer, Statistics in Medicine 16 (1997)
    791–801), with time at risk taken as known; exact for equal weights (Garwood 1936).

    Raises ValueError on missing columns, unknown options (with the nearest known one), areas that `areas` does not
    list, and weights below 0.
    """
    weighted = weighted_moves(
        moves,
        areas,
        at_risk,
        first_date=first_date,
        last_date=last_date,
        level=level,
        period=period,
        weighting=weighting,
        user_weights=user_weights,
        population=population,
        least_users=least_users,
    )
    rows = (
        weighted.moves.group_by("origin", "destination", "period")
        .agg(
            moves=pl.len().cast(pl.Int64),
            total=pl.col("weight").sum(),
            squares=(pl.col("weight") ** 2).sum(),
            largest=pl.col("weight").max(),
            reason=pl.col("reason").first(),
        )
        .sort("origin", "destination", "period")
    )
    estimate = _interval_of(rows, confidence)
    has_value = pl.col("reason").is_null()
    result = rows.with_columns(
        flow=pl.when(has_value).then("total"),
        lower=pl.when(has_value).then(pl.Series(estimate.lower)),
        upper=pl.when(has_value).then(pl.Series(estimate.upper)),
    )
    return MigrationFlow.validate(result.select(MigrationFlow.column_names()), cast=True)


class GammaInterval(NamedTuple):
    """Ends of intervals."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def gamma_interval(
    total: NDArray[np.float64], squares: NDArray[np.float64], largest: NDArray[np.float64], confidence: float
) -> GammaInterval:
    """Interval of a weighted sum of Poisson counts, from the sums of weights and of their squares, and the largest.

    Source: Fay & Feuer, Statistics in Medicine 16 (1997) 791–801. A sum of 0 has lower end 0; its upper end is that of
    one event of the largest weight less, − log of half the error times it.
    """
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a share between 0 and 1"
        raise ValueError(message)
    total, squares, largest = (np.nan_to_num(np.asarray(part, dtype=float)) for part in (total, squares, largest))
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = squares / (2 * total) * chi2.ppf(tail, 2 * total**2 / squares)
        above, wider = total + largest, squares + largest**2
        upper = wider / (2 * above) * chi2.ppf(1 - tail, 2 * above**2 / wider)
    return GammaInterval(np.nan_to_num(lower), np.nan_to_num(upper))


def _interval_of(rows: pl.DataFrame, confidence: float) -> GammaInterval:
    return gamma_interval(rows["total"].to_numpy(), rows["squares"].to_numpy(), rows["largest"].to_numpy(), confidence)


def area_migration(  # noqa: PLR0913
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    level: str = "authority",
    period: str = "quarter",
    weighting: str = "penetration",
    user_weights: pl.DataFrame | None = None,
    population: str = "residents",
    least_users: float = 5.0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Moves into and out of areas by period, and the net, with intervals: the frame AreaMigration, sorted.

    Arguments, weights and errors as for `flows`. A row for each area and period with time at risk; without a move
    in or out, the upper end is that of no event of the weight of the area. An inflow is null if one of its origins has
    too few users. The interval of the net is that of a difference of two estimates with
    intervals of their own (MOVER: Donner & Zou, Statistical Methods in Medical Research 21 (2012) 347–359).
    """
    weighted = weighted_moves(
        moves,
        areas,
        at_risk,
        first_date=first_date,
        last_date=last_date,
        level=level,
        period=period,
        weighting=weighting,
        user_weights=user_weights,
        population=population,
        least_users=least_users,
    )
    grid = weighted.origins.select("period", "weight", "reason", area="origin")
    for column, count, flow in (("destination", "moves_in", "inflow"), ("origin", "moves_out", "outflow")):
        side = _side(weighted.moves, column, count, flow, confidence)
        grid = grid.join(side, on=["area", "period"], how="full" if column == "destination" else "left", coalesce=True)
    none_seen = gamma_interval(np.zeros(1), np.zeros(1), np.ones(1), confidence).upper[0]
    result = grid.with_columns(
        expression
        for count, flow in (("moves_in", "inflow"), ("moves_out", "outflow"))
        for expression in (
            pl.coalesce(f"{flow}_reason", "reason").alias(f"{flow}_reason"),
            *_zero_if_none(count, flow, none_seen),
        )
    ).with_columns(
        pl.col("moves_in", "moves_out").fill_null(0),
        reason=pl.coalesce("inflow_reason", "outflow_reason"),
        net=pl.col("inflow") - pl.col("outflow"),
    )

    def reach(one: str, end: str, other: str, other_end: str) -> pl.Expr:
        return (
            (pl.col(one) - pl.col(f"{one}_{end}")) ** 2 + (pl.col(other) - pl.col(f"{other}_{other_end}")) ** 2
        ).sqrt()

    result = result.with_columns(
        net_lower=pl.col("net") - reach("inflow", "lower", "outflow", "upper"),
        net_upper=pl.col("net") + reach("inflow", "upper", "outflow", "lower"),
    )
    return AreaMigration.validate(result.select(AreaMigration.column_names()).sort("area", "period"), cast=True)


def _zero_if_none(count: str, flow: str, none_seen: float) -> list[pl.Expr]:
    """Estimate and ends where no move was seen: 0, and the upper end of no event of the weight of the area itself."""
    none = pl.col(count).is_null() & pl.col("reason").is_null()
    values = {"": pl.lit(0.0), "_lower": pl.lit(0.0), "_upper": none_seen * pl.col("weight")}
    return [
        pl.when(none).then(value).otherwise(pl.col(f"{flow}{end}")).alias(f"{flow}{end}")
        for end, value in values.items()
    ]


def _side(weighted: pl.DataFrame, column: str, count: str, flow: str, confidence: float) -> pl.DataFrame:
    """Moves in or out of each area and period: count, estimate, interval, reason."""
    rows = weighted.group_by("period", area=column).agg(
        pl.len().cast(pl.Int64).alias(count),
        total=pl.col("weight").sum(),
        squares=(pl.col("weight") ** 2).sum(),
        largest=pl.col("weight").max(),
        reason=pl.col("reason").drop_nulls().first(),
    )
    ends = _interval_of(rows, confidence)
    has_value = pl.col("reason").is_null()
    return rows.select(
        "area",
        "period",
        count,
        pl.when(has_value).then("total").alias(flow),
        pl.when(has_value).then(pl.Series(ends.lower)).alias(f"{flow}_lower"),
        pl.when(has_value).then(pl.Series(ends.upper)).alias(f"{flow}_upper"),
        pl.col("reason").alias(f"{flow}_reason"),
    )


class WeightedMoves(NamedTuple):
    """Migrations with their weights, and the weights of the areas that they may leave."""

    moves: pl.DataFrame
    """user_key, origin, destination, period, weight (null with a reason), reason."""
    origins: pl.DataFrame
    """origin, period, users (at risk on average), weight (null with a reason), reason."""


def weighted_moves(  # noqa: PLR0913
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    level: str,
    period: str,
    weighting: str,
    user_weights: pl.DataFrame | None,
    population: str,
    least_users: float,
) -> WeightedMoves:
    """Migrations between areas of a level, each with its weight. Arguments as for `flows`."""
    refuse_unknown("level", level, LEVELS)
    refuse_unknown("period", period, PERIODS)
    refuse_unknown("weighting", weighting, WEIGHTINGS)
    moves, areas, at_risk = eager_frame(moves, "moves"), eager_frame(areas, "areas"), eager_frame(at_risk, "at_risk")
    refuse_missing_columns(moves, ("user_key", "from_area", "to_area", "moved_on", "is_migration"), "moves")
    refuse_missing_columns(areas, ("authority", "region", population), "areas")
    refuse_missing_columns(at_risk, ("user_key", "area", "period", "months"), "at_risk")
    place = areas.select("authority", place=level).unique()
    refuse_repeated(place, ["authority"], "areas: authority in two regions")
    migrations = moves.filter("is_migration").select("user_key", "from_area", "to_area", "moved_on")
    for column in ("from_area", "to_area"):
        unknown = migrations.filter(~pl.col(column).is_in(place["authority"].implode()))
        if not unknown.is_empty():
            message = (
                f"areas has no authority {unknown[column][0]}, in which {unknown.height} rows of moves have {column}"
            )
            raise ValueError(message)
    start = {"whole": pl.lit(first_date)}.get(period, pl.col("moved_on").dt.truncate(_EVERY.get(period, "1mo")))
    between = (
        migrations.join(place.rename({"place": "origin"}), left_on="from_area", right_on="authority")
        .join(place.rename({"place": "destination"}), left_on="to_area", right_on="authority")
        .filter(pl.col("origin") != pl.col("destination"))
        .with_columns(period=start)
    )
    weights = _user_weights(user_weights)
    between = between.join(at_risk.select("user_key").unique(), on="user_key", how="semi")
    between = between.join(weights, on="user_key", how="left").with_columns(pl.col("user_weight").fill_null(1.0))
    residents = areas.group_by(area=level).agg(
        residents=pl.when(pl.col(population).null_count() == 0).then(pl.col(population).sum())
    )
    origins = _origin_weights(at_risk, place, weights, residents, period, first_date, last_date)
    reason = (
        pl.when(pl.col("users") < least_users)
        .then(pl.lit(f"fewer than {least_users:g} users of the area at risk"))
        .when(pl.col("weight").is_null())
        .then(pl.lit("residents of the area are not known"))
    )
    if weighting == "none":
        origins = origins.with_columns(weight=pl.lit(1.0), reason=pl.lit(None, pl.String))
    else:
        origins = origins.with_columns(reason=reason).with_columns(
            weight=pl.when(pl.col("reason").is_null()).then("weight")
        )
    between = between.join(origins, on=["origin", "period"], how="inner")
    return WeightedMoves(
        between.with_columns(weight=pl.col("user_weight") * pl.col("weight")).select(
            *("user_key", "origin", "destination", "period", "weight", "reason")
        ),
        origins.sort("origin", "period"),
    )


def _user_weights(user_weights: pl.DataFrame | None) -> pl.DataFrame:
    if user_weights is None:
        return pl.DataFrame(schema={"user_key": pl.Int64, "user_weight": pl.Float64})
    refuse_missing_columns(user_weights, ("user_key", "weight"), "user_weights")
    refuse_repeated(user_weights, ["user_key"], "user_weights")
    refuse_rows(
        user_weights, {"no weight of 0 or more": pl.col("weight").is_null() | ~(pl.col("weight") >= 0)}, "user_weights"
    )
    return user_weights.select(pl.col("user_key").cast(pl.Int64), user_weight=pl.col("weight").cast(pl.Float64))


def _origin_weights(
    at_risk: pl.DataFrame,
    place: pl.DataFrame,
    weights: pl.DataFrame,
    residents: pl.DataFrame,
    period: str,
    first_date: date,
    last_date: date,
) -> pl.DataFrame:
    """Weight of a move from each area and period: origin, period, users (at risk on average), weight."""
    start = pl.lit(first_date) if period == "whole" else pl.col("period").dt.truncate(_EVERY[period])
    months = (
        at_risk.join(place, left_on="area", right_on="authority")
        .join(weights, on="user_key", how="left")
        .group_by(period=start, area="place")
        .agg(months=(pl.col("months") * pl.col("user_weight").fill_null(1.0)).sum())
    )
    if period == "whole":
        end = pl.lit(last_date).dt.offset_by("1d")
    else:
        end = pl.min_horizontal(pl.col("period").dt.offset_by(_EVERY[period]), pl.lit(last_date).dt.offset_by("1d"))
    length = (end - pl.max_horizontal("period", pl.lit(first_date))).dt.total_days() / DAYS_PER_MONTH
    users = months.with_columns(users=pl.col("months") / length)
    return penetration_weights(users, residents).select("period", "users", "weight", origin="area")
