"""Net migration of a register in which some register late, with and without moves of users as a covariate.

An estimator learns on areas of which the true net moves are known (a census year, or a simulation) and is judged on
areas that it did not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.tweets.schemas.migration_comparison import RegisterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = ("residents", "truth", "register", "events", "events_error")


class AreaRates(NamedTuple):
    """Net moves per 1,000 residents of the age group, by area."""

    residents: NDArray[np.float64]
    truth: NDArray[np.float64]
    register: NDArray[np.float64]
    events: NDArray[np.float64]
    events_variance: NDArray[np.float64]

    def part(self, rows: NDArray[np.intp]) -> AreaRates:
        """The areas of these rows."""
        return AreaRates(*(values[rows] for values in self))


class RegisterModel(NamedTuple):
    """Coefficients of the correction of a register: constant, register rate, shrunk difference of the events."""

    constant: float
    register: float
    events: float
    difference_variance: float
    """Variance of the difference of true event rates and register rates (moves per 1,000)²; 0: events say nothing."""


def fit_register_model(rates: AreaRates, *, with_events: bool) -> RegisterModel:
    """Weighted least squares of truth - register on the register, and with events on their shrunk difference.

    truth - register = constant + b register + c s (events - register) + error, weighted by residents. The shrinkage
    s = t / (t + v) of an area goes to 0 where the sampling variance v of its event rate is large against t, the
    variance of the differences beyond sampling, estimated by moments (0 at least). Without events c is 0.

    Source: shrinkage towards a synthetic value: Efron & Morris, Journal of the American Statistical Association 70
    (1975) 311–319; moments of Fay & Herriot, the same journal 74 (1979) 269–277.
    """
    variance = 0.0
    columns = [np.ones(len(rates.truth)), rates.register]
    if with_events:
        weights = rates.residents / rates.residents.sum()
        difference = rates.events - rates.register
        centred = difference - weights @ difference
        variance = max(float(weights @ (centred**2 - rates.events_variance)), 0.0)
        columns.append(_shrunk(rates, variance))
    root = np.sqrt(rates.residents)
    design = np.column_stack(columns) * root[:, None]
    coefficients, *_ = np.linalg.lstsq(design, (rates.truth - rates.register) * root, rcond=None)
    return RegisterModel(
        float(coefficients[0]), float(coefficients[1]), float(coefficients[2]) if with_events else 0.0, variance
    )


def corrected_rates(rates: AreaRates, model: RegisterModel) -> NDArray[np.float64]:
    """Net rates of the register after the correction of a model; the truth is not used."""
    correction = model.constant + model.register * rates.register
    if model.difference_variance > 0:
        correction = correction + model.events * _shrunk(rates, model.difference_variance)
    return rates.register + correction


def register_improvement(
    areas: pl.DataFrame,
    *,
    folds: int = 10,
    repeats: int = 20,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Error of net migration from a register, with and without event-based moves, on areas not used to fit.

    `areas`: area, residents (persons of the age group, > 0), truth, register and events (net moves of persons in the
    same period: true, as registered, as estimated from events), events_error (standard error of events, ≥ 0). Three
    estimators: `register` as it is; `recalibrated`, corrected by its own rate; `with_events`, corrected by its own rate
    and by the events (`fit_register_model`). The last two are fitted on the other folds of areas; the division into
    `folds` is repeated `repeats` times and the errors averaged.

    Returns `RegisterError` rows: rmse, mae and bias of the net rate, moves per 1,000 residents, each area counting
    once; `gain` is the error of `recalibrated` minus that of `with_events`, positive if the events help. Intervals:
    percentiles of `draws` resamples of areas, the same areas for all estimators (none if 0). They are those of a new
    set of areas for models as fitted here.

    Raises ValueError on missing columns, repeated areas, missing or infinite numbers, residents that are not positive,
    a negative standard error, fewer than 2 folds, and fewer than 5 areas per fold.
    """
    rates = _area_rates(areas)
    count = len(rates.truth)
    if folds < 2 or repeats < 1 or count < 5 * folds:
        message = (
            f"{count} areas, {folds} folds, {repeats} repeats; expected 2 folds or more, 5 areas in each, 1 repeat"
        )
        raise ValueError(message)
    if draws < 0 or 0 < draws < 20 or not 0 < confidence < 1:
        message = f"draws is {draws}, confidence {confidence}; expected 0 or at least 20, and between 0 and 1"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    errors = {
        "register": (rates.register - rates.truth)[:, None],
        **_held_out_errors(rates, folds=folds, repeats=repeats, random=random),
    }
    shares = random.multinomial(count, np.full(count, 1 / count), draws) / count
    measured = {
        (name, measure): (_measure(measure, error, np.full((1, count), 1 / count)), _measure(measure, error, shares))
        for name, error in errors.items()
        for measure in ("rmse", "mae", "bias")
    }
    for measure in ("rmse", "mae"):
        without, with_events = measured["recalibrated", measure], measured["with_events", measure]
        measured["gain", measure] = (without[0] - with_events[0], without[1] - with_events[1])
    tail = (1 - confidence) / 2
    rows = []
    for (name, measure), (value, sample) in measured.items():
        ends = np.quantile(sample, [tail, 1 - tail]).tolist() if draws else [None, None]
        rows.append((name, measure, float(value[0]), *ends, None if draws else "no interval: draws is 0"))
    schema = {"estimator": pl.String, "measure": pl.String} | dict.fromkeys(("value", "lower", "upper"), pl.Float64)
    return RegisterError.validate(pl.DataFrame(rows, schema=schema | {"reason": pl.String}, orient="row"), cast=True)


def _shrunk(rates: AreaRates, variance: float) -> NDArray[np.float64]:
    """Difference of event and register rates, towards 0 where the event rate is uncertain."""
    if variance <= 0:
        return np.zeros(len(rates.register))
    return variance / (variance + rates.events_variance) * (rates.events - rates.register)


def _held_out_errors(
    rates: AreaRates, *, folds: int, repeats: int, random: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Errors by area and repeat of the two fitted estimators, each area predicted from the other folds."""
    count = len(rates.truth)
    errors = {name: np.empty((count, repeats)) for name in ("recalibrated", "with_events")}
    for repeat in range(repeats):
        fold = random.permutation(count) % folds
        for k in range(folds):
            seen, held_out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            for name, error in errors.items():
                model = fit_register_model(rates.part(seen), with_events=name == "with_events")
                error[held_out, repeat] = corrected_rates(rates.part(held_out), model) - rates.truth[held_out]
    return errors


def _measure(measure: str, errors: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure of errors (areas × repeats) for each row of shares of areas."""
    if measure == "rmse":
        return np.sqrt(shares @ (errors**2).mean(axis=1))
    if measure == "mae":
        return shares @ np.abs(errors).mean(axis=1)
    return shares @ errors.mean(axis=1)


def _area_rates(areas: pl.DataFrame) -> AreaRates:
    refuse_missing_columns(areas, ("area", *COLUMNS), "areas")
    refuse_no_numbers(areas, COLUMNS, "areas")
    refuse_repeated(areas, ("area",), "areas")
    numbers = areas.select("area", pl.col(COLUMNS).cast(pl.Float64))
    faults = {f"no finite {column}": ~pl.col(column).fill_null(float("nan")).is_finite() for column in COLUMNS} | {
        "no positive residents": pl.col("residents") <= 0,
        "a negative events_error": pl.col("events_error") < 0,
    }
    refuse_rows(numbers, faults, "areas")
    per_1000 = 1000 / numbers["residents"].to_numpy()
    truth, register, events, error = (numbers[column].to_numpy() * per_1000 for column in COLUMNS[1:])
    return AreaRates(numbers["residents"].to_numpy(), truth, register, events, error**2)
