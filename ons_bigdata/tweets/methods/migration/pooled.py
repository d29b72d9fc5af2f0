"""Flows and moves of areas pooled over areas, periods and kinds of moves: counts drawn towards a model of gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.tweets.methods.migration.area_flows import LEVELS, PERIODS
from ons_bigdata.tweets.methods.migration.effect_priors import (
    SHAPE_PRIOR,
    prior_shape,
    shape_error,
)
from ons_bigdata.tweets.methods.migration.gravity import KINDS, GravityModel, student_shares
from ons_bigdata.tweets.methods.migration.kind_mix import KindMix, fit_mix, official_mix
from ons_bigdata.tweets.methods.migration.taken_kinds import fit_kinds
from ons_bigdata.tweets.methods.residence.moves import DAYS_PER_MONTH
from ons_bigdata.tweets.schemas.migration import AreaMigration, MigrationFlow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 200
ADULTS = "residents_16_plus"
PAIR_PRIOR = (13.0, 0.7)
"""Shape of the cells of pairs of areas that is expected, and the standard deviation of its logarithm. Official flows
between the twelve regions in 2015 have a shape of 13 around a model of gravity with effects of all regions."""
OFFICIAL_CELL_PRIOR = (10.0, 1.0)
"""Shape of the cells of areas that is expected where effects follow official moves (the rates of a quarter differ by
32 %), and the standard deviation of its logarithm. Official margins say nothing of pairs of areas."""
_EVERY = {"month": "1mo", "quarter": "1q", "whole": "100y"}


def pooled_flows(  # noqa: PLR0913
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    level: str = "region",
    period: str = "quarter",
    students: pl.DataFrame | None = None,
    official: pl.DataFrame | None = None,
    population: str = "residents",
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """Flows between all pairs of areas by period, for the residents of the areas, pooled, with intervals.

    `moves`, `areas`, `at_risk`, `first_date`, `last_date`, `level`, `period` and `population` as for `flows`; `areas`
    has easting_m and northing_m, too (metres; of an authority their mean by residents), and all residents are known.
    Where it has `residents_16_plus`, moves to and from term-time addresses are carried to these alone, as nobody
    younger moves in that way; an authority of which they are not known (null) has the part of all others.
    `students`: area (authority), students and users (of them, and of all users with a residence there), for first
    arrivals in term-time areas and last departures from them (column `kind` of the moves); without it all moves are
    alike.

    `official`: official moves of a year before the period (as `earlier_moves`): area, is_student_age, moves_out,
    moves_in. With it, effects of areas are drawn towards that pattern as far as the moves of users follow it; without
    `students` the ages are added up. An authority without a row has its part, by residents, of the row of its region;
    one without either is drawn towards the mean. Never the figures of the period itself, which are what is estimated.
    With `students`, too, the ages say how many moves of residents are to and from term-time addresses for each other
    move (`fit_mix`): as many fewer or more of these are carried to residents, the other moves are those of users.

    Rates of moves between authorities are those of `fit_kinds`, by month: moves and time at risk have seasons of
    their own within a quarter. Added up over the pairs and months of a cell they expect m moves of the users at risk,
    and F of all residents. The n moves seen make the estimate F (n + k) / (m + k): the shape k of the gamma prior makes
    the counts of the cells most likely (`prior_shape`).

    Returns the frame MigrationFlow, sorted; `reason` is null. The interval is that of the number of persons who moved:
    it has percentiles of `DRAWS` draws (seeded) of levels, effects, decay with distance, cells and their shape, with
    `official` of the slopes on the official pattern and of the mix of kinds, and of a Poisson number at the rate drawn.
    Shapes of effects, last departures that are taken for moves of anybody, and the time at risk count as known.

    Raises ValueError as `flows`, on areas of which residents or position are not known or with more residents of 16 and
    over than residents, and without time at risk.

    Source: as `fit_gravity` and `fit_kinds`.
    """
    counted = _counted(moves, areas, at_risk, students, official, first_date, last_date, level, period, population)

    made = _estimated(counted, [counted.between], PAIR_PRIOR, confidence, seed)[0]
    chosen = np.nonzero(made.flow > 0)
    frame = pl.DataFrame(
        {
            "origin": counted.names.gather(chosen[1]),
            "destination": counted.names.gather(chosen[2]),
            "period": counted.periods.gather(chosen[0]),
            "moves": made.moves[chosen].astype(np.int64),
            **{name: getattr(made, name)[chosen] for name in ("flow", "lower", "upper")},
        }
    ).with_columns(period=pl.lit(first_date) if period == "whole" else "period", reason=pl.lit(None, pl.String))
    ordered = frame.select(MigrationFlow.column_names()).sort("origin", "destination", "period")
    return MigrationFlow.validate(ordered, cast=True)


def pooled_area_migration(  # noqa: PLR0913
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    level: str = "authority",
    period: str = "quarter",
    students: pl.DataFrame | None = None,
    official: pl.DataFrame | None = None,
    population: str = "residents",
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """Moves into and out of all areas by period, and the net, pooled, with intervals: the frame AreaMigration, sorted.

    Arguments, estimate, interval and errors as for `pooled_flows`, with the moves into an area in a period, and those
    out of it, as cells. The net is the difference of the two estimates; the draws give its interval, too.
    """
    counted = _counted(moves, areas, at_risk, students, official, first_date, last_date, level, period, population)

    sides: list[Callable[[Floats], Floats]] = [
        lambda table: counted.between(table).sum(axis=1),
        lambda table: counted.between(table).sum(axis=2),
    ]
    prior = OFFICIAL_CELL_PRIOR if counted.model.is_official else SHAPE_PRIOR
    into, out = _estimated(counted, sides, prior, confidence, seed)
    tail = (1 - confidence) / 2
    net = np.quantile(into.draws - out.draws, [tail, 1 - tail], axis=0)
    rows, columns = np.indices(into.flow.shape).reshape(2, -1)
    frame = pl.DataFrame(
        {
            "area": counted.names.gather(columns),
            "period": counted.periods.gather(rows),
            "moves_in": into.moves[rows, columns].astype(np.int64),
            "moves_out": out.moves[rows, columns].astype(np.int64),
            **{
                f"{name}{end}": getattr(side, attribute)[rows, columns]
                for name, side in (("inflow", into), ("outflow", out))
                for end, attribute in (("", "flow"), ("_lower", "lower"), ("_upper", "upper"))
            },
            "net": (into.flow - out.flow)[rows, columns],
            "net_lower": net[0][rows, columns],
            "net_upper": net[1][rows, columns],
        }
    ).with_columns(period=pl.lit(first_date) if period == "whole" else "period", reason=pl.lit(None, pl.String))
    return AreaMigration.validate(frame.select(AreaMigration.column_names()).sort("area", "period"), cast=True)


class _Counted(NamedTuple):
    """Arrays of the model, and the areas and periods of their axes."""

    counts: Floats
    """Moves of users: months of the year × kinds × origins × destinations (authorities)."""
    months: Floats
    """Months at risk, months of the year × authorities."""
    lived: Floats
    """Months lived by all residents, months of the year × authorities."""
    shares: Floats
    """Part of them by residents who may move in each way, kinds × authorities."""
    mix: KindMix | None
    """Mix of kinds of residents; null if it is that of users."""
    model: GravityModel
    periods: pl.Series
    names: pl.Series
    """Areas of the level."""
    groups: Floats | None
    """1 where an authority lies in an area of the level: areas × authorities; null if these are the same."""
    of_period: Floats
    """1 where a month lies in a period: periods × months."""

    def of_residents(self, model: GravityModel, random: Generator | None = None) -> Floats:
        """Moves that a model expects of all residents, by the mix of kinds or by one drawn from its uncertainty."""
        if self.mix is None:
            return model.expected(self.lived, self.shares)
        factor = self.mix.factor if random is None else self.mix.drawn(random)
        return model.expected(self.lived, self.shares * np.array([[1.0], [factor], [factor]]))

    def between(self, table: Floats) -> Floats:
        """Table of months and authorities added up to periods and areas of the level, without moves within these."""
        table = np.tensordot(self.of_period, table, axes=1)
        if self.groups is None:
            return table
        added: Floats = self.groups @ table @ self.groups.T
        result: Floats = added * ~np.eye(len(self.groups), dtype=np.bool_)
        return result


class _Estimated(NamedTuple):
    moves: Floats
    flow: Floats
    lower: Floats
    upper: Floats
    draws: Floats


def _estimated(
    counted: _Counted,
    sides: list[Callable[[Floats], Floats]],
    prior: tuple[float, float],
    confidence: float,
    seed: int,
) -> list[_Estimated]:
    """Estimates of the cells into which each side adds up a table of months × origins × destinations.

    `prior`: that of the shape of the cells, which is drawn, too.
    """
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a share between 0 and 1"
        raise ValueError(message)
    moves, seen, lived = (
        [side(table) for side in sides]
        for table in (
            counted.counts.sum(axis=1),
            counted.model.expected(counted.months),
            counted.of_residents(counted.model),
        )
    )
    shapes = [prior_shape(n, m, prior) for n, m in zip(moves, seen, strict=True)]
    errors = [shape_error(n, m, k, prior) for n, m, k in zip(moves, seen, shapes, strict=True)]
    random = np.random.default_rng(seed)
    drawn: list[list[Floats]] = [[] for _ in sides]
    for _ in range(DRAWS):
        model = counted.model.drawn(random)
        tables = model.expected(counted.months), counted.of_residents(model, random)
        for number, side in enumerate(sides):
            shape = shapes[number] * np.exp(random.normal(0.0, errors[number]))
            ratio = random.gamma(moves[number] + shape) / (side(tables[0]) + shape)
            drawn[number].append(random.poisson(side(tables[1]) * ratio).astype(float))
    result = []
    tail = (1 - confidence) / 2
    for n, m, f, k, draws in zip(moves, seen, lived, shapes, map(np.stack, drawn), strict=True):
        flow = f * (n + k) / (m + k)
        lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
        result.append(_Estimated(n, flow, np.minimum(lower, flow), np.maximum(upper, flow), draws))
    return result


def _counted(  # noqa: PLR0913, PLR0917
    moves: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    at_risk: pl.DataFrame | pl.LazyFrame,
    students: pl.DataFrame | None,
    official: pl.DataFrame | None,
    first_date: date,
    last_date: date,
    level: str,
    period: str,
    population: str,
) -> _Counted:
    refuse_unknown("level", level, LEVELS)
    refuse_unknown("period", period, PERIODS)
    moves, areas, at_risk = eager_frame(moves, "moves"), eager_frame(areas, "areas"), eager_frame(at_risk, "at_risk")
    refuse_missing_columns(moves, ("user_key", "from_area", "to_area", "moved_on", "is_migration"), "moves")
    refuse_missing_columns(at_risk, ("user_key", "area", "period", "months"), "at_risk")
    place = _places(areas, level, population)
    shares = _shares(students, place["authority"])
    margins = None if official is None else _official_margins(official, place, by_age=students is not None)
    risk = at_risk.with_columns(month=pl.col("period").dt.month_start())
    _refuse_unknown_areas(risk, "area", "at_risk", place["authority"])
    migrations = (
        moves.filter("is_migration", pl.col("from_area") != pl.col("to_area"))
        .join(at_risk.select("user_key").unique(), on="user_key", how="semi")
        .with_columns(month=pl.col("moved_on").dt.month_start())
    )
    for column in ("from_area", "to_area"):
        _refuse_unknown_areas(migrations, column, "moves", place["authority"])
    calendar = pl.date_range(first_date.replace(day=1), last_date, "1mo", eager=True, closed="both").alias("month")
    outside = migrations.filter(~pl.col("month").is_in(calendar.implode()))
    if not outside.is_empty():
        message = f"moves has a date {outside['moved_on'][0]}; expected {first_date} to {last_date}"
        raise ValueError(message)
    number = {name: row for row, name in enumerate(place["authority"])}
    size = len(number)
    months = np.zeros((len(calendar), size))
    at = risk.filter(pl.col("month").is_in(calendar.implode())).group_by("month", "area").agg(pl.col("months").sum())
    months[calendar.search_sorted(at["month"]).to_numpy(), [number[name] for name in at["area"]]] = at[
        "months"
    ].to_numpy()
    has_kinds = students is not None and "kind" in migrations.columns
    kind = (
        migrations["kind"].replace_strict(dict(zip(KINDS, range(len(KINDS)), strict=True)), default=0)
        if has_kinds
        else None
    )
    counts = np.zeros((len(calendar), len(KINDS), size, size))
    np.add.at(
        counts,
        (
            calendar.search_sorted(migrations["month"]).to_numpy(),
            np.zeros(migrations.height, dtype=np.int64) if kind is None else kind.cast(pl.Int64).to_numpy(),
            np.array([number[name] for name in migrations["from_area"]], dtype=np.int64),
            np.array([number[name] for name in migrations["to_area"]], dtype=np.int64),
        ),
        1.0,
    )
    east, north = (place[column].to_numpy() / 1000.0 for column in ("easting_m", "northing_m"))
    residents = place["residents"].cast(pl.Float64).to_numpy()
    apart = np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :])
    names = place["area"].unique().sort()
    starts = calendar if period == "month" else calendar.dt.truncate(_EVERY[period])
    periods = starts.unique().sort().alias("period")
    groups = (names.to_numpy()[:, None] == place["area"].to_numpy()[None, :]).astype(float)
    fit = fit_kinds(counts, months, residents, shares, apart, margins)
    lived = _lengths(calendar, first_date, last_date)[:, None] * residents[None, :]
    may_move = _shares_of_kinds(place)
    return _Counted(
        counts,
        months,
        lived,
        may_move,
        None
        if margins is None
        else _mix(fit.counts, fit.model, lived, may_move, _official_mix(margins, first_date, last_date)),
        fit.model,
        periods,
        names,
        None if level == "authority" else groups,
        (periods.to_numpy()[:, None] == starts.to_numpy()[None, :]).astype(float),
    )


def _places(areas: pl.DataFrame, level: str, population: str) -> pl.DataFrame:
    """Authorities: authority, area (of the level), residents, easting_m, northing_m; sorted."""
    refuse_missing_columns(areas, ("authority", "region", population, "easting_m", "northing_m"), "areas")
    refuse_repeated(areas.select("authority", "region").unique(), ["authority"], "areas: authority in two regions")
    weight = pl.col(population)
    adults = pl.col(ADULTS if ADULTS in areas.columns and population != ADULTS else population)
    place = (
        areas.group_by("authority")
        .agg(
            region=pl.col("region").first(),
            area=pl.col(level).first() if level != "authority" else pl.col("authority").first(),
            residents=pl.when(weight.null_count() == 0).then(weight.sum()),
            adults=pl.when(adults.null_count() == 0).then(adults.sum()),
            **{
                axis: pl.when(weight.sum() > 0)
                .then((pl.col(axis) * weight).sum() / weight.sum())
                .otherwise(pl.col(axis).mean())
                for axis in ("easting_m", "northing_m")
            },
        )
        .sort("authority")
    )
    refuse_rows(
        place,
        {
            f"no {population}": ~(pl.col("residents") >= 0).fill_null(value=False),
            f"more {ADULTS} than {population}": pl.col("adults") > pl.col("residents"),
            "no position": ~(pl.col("easting_m").is_finite() & pl.col("northing_m").is_finite()),
        },
        "areas",
    )
    return place


def _shares_of_kinds(place: pl.DataFrame) -> Floats:
    """Part of the residents who may move in each way, `KINDS` × authorities: terms are for those of 16 and over.

    An authority of which these are not known has the part of all others.
    """
    known = place.filter(pl.col("adults").is_not_null(), pl.col("residents") > 0)
    mean = known.select(pl.col("adults").sum() / pl.col("residents").sum()).item() if known.height else 1.0
    share = place.select(
        pl.when(pl.col("residents") > 0).then(pl.col("adults") / pl.col("residents")).fill_null(mean)
    ).to_series()
    adults = share.fill_null(mean).to_numpy()
    return np.stack([np.ones_like(adults), adults, adults])


def _mix(counts: Floats, model: GravityModel, lived: Floats, shares: Floats, official: float) -> KindMix | None:
    """Mix of kinds of residents by official moves; None if these or users have moves of one kind alone."""
    seen = np.add.reduceat(counts.sum(axis=(0, 2, 3)), [0, 1])  # of anybody, and of students
    if not (official > 0 and (seen > 0).all()):
        return None
    of_anybody, of_students = (
        model.expected(lived, shares * np.array(kinds)[:, None]).sum() for kinds in ((1, 0, 0), (0, 1, 1))
    )
    return fit_mix(float(of_students / of_anybody), float((1 / seen).sum()), official)


def _shares(students: pl.DataFrame | None, authorities: pl.Series) -> Floats:
    """Share of students of each authority; 1 everywhere without `students`."""
    if students is None:
        return np.ones(len(authorities))
    refuse_missing_columns(students, ("area", "students", "users"), "students")
    refuse_repeated(students, ["area"], "students")
    refuse_rows(students, {f"{column} below 0": ~(pl.col(column) >= 0) for column in ("students", "users")}, "students")
    rows = pl.DataFrame({"area": authorities}).join(students, on="area", how="left", maintain_order="left")
    counts = rows.select(pl.col("students", "users").cast(pl.Float64).fill_null(0.0))  # an area without users
    return student_shares(counts["students"].to_numpy(), counts["users"].to_numpy())


def _official_margins(official: pl.DataFrame, place: pl.DataFrame, *, by_age: bool) -> Floats:
    """Official moves out and in, of other ages and of those of students: `OFFICIAL` × authorities, NaN if not known.

    An authority without a row has the part of that of its region that it has of the residents. Without `by_age` other
    ages are all.
    """
    refuse_missing_columns(official, ("area", "is_student_age", "moves_out", "moves_in"), "official")
    refuse_repeated(official, ["area", "is_student_age"], "official")
    refuse_rows(
        official,
        {f"no {side} of 0 or more": ~(pl.col(side) >= 0).fill_null(value=False) for side in ("moves_out", "moves_in")},
        "official",
    )
    moved = official.select("area", "is_student_age", "moves_out", "moves_in")
    if not by_age:
        moved = moved.group_by("area").agg(
            pl.lit(value=False).alias("is_student_age"), pl.col("moves_out", "moves_in").sum()
        )
    share = pl.col("residents") / pl.col("residents").sum().over("region")
    rows = []
    for is_student_age in (False, True):
        of_age = moved.filter(pl.col("is_student_age") == is_student_age).drop("is_student_age")
        both = (
            place.select("authority", "region", share=share)
            .join(of_age, left_on="authority", right_on="area", how="left", maintain_order="left")
            .join(of_age, left_on="region", right_on="area", how="left", maintain_order="left", suffix="_region")
        )
        rows += [
            both.select(pl.coalesce(side, pl.col(f"{side}_region") * pl.col("share")).cast(pl.Float64)).to_series()
            for side in ("moves_out", "moves_in")
        ]
    return np.stack([row.fill_null(np.nan).to_numpy() for row in rows])


def _official_mix(margins: Floats, first_date: date, last_date: date) -> float:
    """Mix of kinds by the official moves of the areas of which all are known."""
    known = margins[:, np.isfinite(margins).all(axis=0)].sum(axis=1)
    return official_mix(float(known[2:].sum()), float(known[:2].sum()), first_date, last_date)


def _refuse_unknown_areas(frame: pl.DataFrame, column: str, name: str, authorities: pl.Series) -> None:
    unknown = frame.filter(~pl.col(column).is_in(authorities.implode()))
    if not unknown.is_empty():
        message = f"areas has no authority {unknown[column][0]}, in which {unknown.height} rows of {name} have {column}"
        raise ValueError(message)


def _lengths(calendar: pl.Series, first_date: date, last_date: date) -> Floats:
    """Months of collection in each month of the calendar."""
    end = pl.min_horizontal(pl.col("month").dt.offset_by("1mo"), pl.lit(last_date).dt.offset_by("1d"))
    days = pl.DataFrame(calendar).select(
        (end - pl.max_horizontal("month", pl.lit(first_date))).dt.total_days().cast(pl.Float64)
    )
    lengths: Floats = days.to_series().to_numpy() / DAYS_PER_MONTH
    return lengths
