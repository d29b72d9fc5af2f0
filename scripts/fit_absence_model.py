"""Fit the models of absent days and of vacant quarters on the tuning generator, and write them as JSON.

Usage: python scripts/fit_absence_model.py [--homes 600] [--write] [--vacancy-only]

No real home and nothing of the adversarial generator enters. The trees learn from two kinds of days: those of simulated
homes with their true absences, and those of simulated homes into which absences are injected by the protocol of
docs/meters/evaluation/protocol.md. Loads that vary the homes are added to a part of them: a higher base that drifts,
use by night, storage heating, another scale. `--write` replaces the shipped model.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ons_bigdata.meters.methods.absence.chain import (
    DayChain,
    absence_probabilities,
    day_observations,
    fit_day_chain,
)
from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics
from ons_bigdata.meters.methods.absence.features import day_features
from ons_bigdata.meters.methods.absence.model import (
    AbsenceModel,
    context_of,
    default_model,
    model_from_json,
    model_to_json,
)
from ons_bigdata.meters.methods.absence.rule import PEER_FLOOR_KWH
from ons_bigdata.meters.methods.absence.trees import BoostedTrees, trees_of
from ons_bigdata.meters.methods.evaluation.injection import InjectionProtocol, inject_absence
from ons_bigdata.meters.methods.evaluation.scores import bound_at_false_alarms
from ons_bigdata.meters.methods.vacancy.model import CalibratedTrees, VacancyModel
from ons_bigdata.meters.methods.vacancy.model import model_from_json as vacancy_from_json
from ons_bigdata.meters.methods.vacancy.model import model_to_json as vacancy_to_json
from ons_bigdata.meters.methods.vacancy.quarter_features import quarter_features
from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import HomeShares, draw_homes
from ons_bigdata.simulation.meters.simulated import SimulatedMeters
from ons_bigdata.simulation.meters.simulated_days import simulated_days

METHODS = Path(__file__).resolve().parent.parent / "ons_bigdata" / "meters" / "methods"
MODEL, VACANCY_MODEL = METHODS / "absence" / "absence_model.json", METHODS / "vacancy" / "vacancy_model.json"
FIRST_DAY, DAYS = date(2009, 7, 14), 536
GENERATOR = "chain"
MORE_EMPTY = HomeShares(vacant_urban=0.06, vacant_rural=0.1, become_vacant_per_quarter=0.012, second_homes=0.12)
"""More homes that are empty than in the world, so that there are enough of them to learn absent days from."""
MANY_EMPTY = HomeShares(vacant_urban=0.12, vacant_rural=0.15, become_vacant_per_quarter=0.02, second_homes=0.3)
"""Still more of them, to learn vacant quarters from."""
PROTOCOLS = (
    InjectionProtocol(block=1),
    InjectionProtocol(block=6, spike_day_share=0.3, most_spikes=4),
    InjectionProtocol(block=1, spike_day_share=0.3, prevalence=0.08, most_spikes=3),
)
TREES = {"max_iter": 100, "learning_rate": 0.18, "max_leaf_nodes": 14, "l2_regularization": 5.0, "max_features": 0.3}
SMOOTHER = {"max_iter": 80, "learning_rate": 0.13, "max_leaf_nodes": 12, "l2_regularization": 5.0, "max_features": 0.5}
LEAST_IN_LEAF = 60
TRUE_SETS = 2
"""Sets with true absences, before the injected ones."""
INJECTED_WEIGHT = 1.5
PRESENT_SHARE = 0.5
"""Share of the present days that enter: the trees gain nothing from more, and take longer."""
FIRST_HOMES = 0.55
"""Share of the homes that the first trees learn from; the smoother learns from the scores of the others."""
FALSE_DAYS = 0.003
"""Share of false days at which the bounds of the flags are set, on simulated homes that the fit has not seen."""
QUARTER_TREES = {
    "max_iter": 60,
    "learning_rate": 0.08,
    "max_leaf_nodes": 6,
    "l2_regularization": 5.0,
    "max_features": 0.4,
}
FALSE_QUARTERS = 0.004
"""Share of false quarters at which the bound of vacancy is set."""
VACANT_SHARE = 0.045
"""Share of vacant homes to which the probabilities of vacancy are calibrated: that of the national indicator."""


@dataclass(frozen=True)
class LabelledDays:
    """Features of days with their truth: meter, day, absent, weight; and the first row of each meter, and the end."""

    features: np.ndarray
    truth: pl.DataFrame
    first_row: np.ndarray


def share(flags: pl.Series) -> float:
    """Share of true values among those that are known; NaN where none is."""
    known = flags.drop_nulls()
    return float(known.sum()) / known.len() if known.len() else float("nan")


def simulated(homes: int, seed: int, shares: HomeShares | None) -> SimulatedMeters:
    """Homes of the tuning generator."""
    drawn = draw_homes(np.random.default_rng(seed), homes, first_day=FIRST_DAY, days=DAYS, shares=shares)
    return simulate_meters(drawn, seed=seed, first_day=FIRST_DAY, days=DAYS, generator=GENERATOR)


def varied(meters: SimulatedMeters, share: float, seed: int) -> SimulatedMeters:
    """Homes of which a share has further loads: base, night use, storage heating; and all another scale."""
    clock = HalfHours(meters.first_day, meters.days, meters.timezone)
    kwh = meters.kwh.copy()
    slot = np.minimum(np.arange(clock.count) - clock.starts[clock.day], 47)
    winter = 0.5 + 0.5 * np.cos(2 * np.pi * (clock.day_of_year - 15) / 365)
    empty = (meters.homes["occupancy"] == "vacant").to_numpy()
    for row in range(len(kwh)):
        random = np.random.default_rng([seed, row])
        if random.random() >= share or empty[row]:
            continue
        mean = float(kwh[row].mean()) + 0.02
        if random.random() < 0.6:
            kwh[row] = _other_activity(random, clock, kwh[row])
        if random.random() < 0.5:
            kwh[row] += _use_in_absence(random, clock, mean) * (meters.people_at_home[row] == 0)
        drift = np.exp(_walk(random, clock.days, 0.9, random.uniform(0.02, 0.15)))
        if random.random() < 0.5:
            kwh[row] += (mean * random.uniform(0, 1.2) * drift)[clock.day] * random.normal(1, 0.05, clock.count)
        if random.random() < 0.4:
            kwh[row] += _night_use(random, clock, mean) * (meters.people_at_home[row] > 0)
        if random.random() < 0.15:
            heat = random.uniform(0.3, 2.5) * (0.1 + winter * drift)[clock.day]
            hours = (slot >= random.integers(0, 3)) & (slot < random.integers(8, 16))
            kwh[row] += heat * hours * random.normal(1, 0.1, clock.count)
            kwh[row] += 0.2 * heat * (random.random() < 0.5)
        kwh[row] *= random.lognormal(0, 0.5)
    return replace(meters, kwh=np.round(np.maximum(kwh, 0), 3).astype(np.float32))


def _walk(random: np.random.Generator, days: int, memory: float, sd: float) -> np.ndarray:
    steps = random.normal(0, sd, days)
    walk = np.empty(days)
    level = 0.0
    for day in range(days):
        level = memory * level + steps[day]
        walk[day] = level
    return walk


def _other_activity(random: np.random.Generator, clock: HalfHours, kwh: np.ndarray) -> np.ndarray:
    """Load above the day's low decile scaled by a factor of the home and, in some homes, another of each day."""
    low = np.array([np.quantile(part, 0.1) for part in np.split(kwh, clock.starts[1:-1])])[clock.day]
    factor = np.clip(random.lognormal(-0.2, 0.6), 0.15, 2.5)
    spread = random.uniform(0.1, 0.8) * (random.random() < 0.5)
    return low + (kwh - low) * (factor * np.exp(random.normal(0, spread, clock.days)))[clock.day]


def _use_in_absence(random: np.random.Generator, clock: HalfHours, mean: float) -> np.ndarray:
    """Timers at the same hours and single spikes on some days, which run whether anybody is there or not."""
    load = np.zeros(clock.count)
    days = np.flatnonzero(random.random(clock.days) < random.uniform(0.05, 0.6))
    for day in days:
        slots = random.integers(12, 44, random.integers(1, 4))
        load[np.minimum(clock.starts[day] + slots, clock.count - 1)] += mean * random.uniform(0.5, 8)
    if random.random() < 0.3:
        begin, length = int(random.integers(12, 42)), int(random.integers(1, 8))
        for number in range(length):
            load[np.minimum(clock.starts[:-1] + begin + number, clock.count - 1)] += mean * random.uniform(0.2, 1.5)
    return load


def _night_use(random: np.random.Generator, clock: HalfHours, mean: float) -> np.ndarray:
    """Use of some half hours between 22:00 and 07:00 in some nights."""
    load = np.zeros(clock.count)
    nights = np.flatnonzero(random.random(clock.days) < random.uniform(0.05, 0.9))
    begins = clock.starts[nights] + random.integers(-4, 12, len(nights))
    lengths = random.integers(1, 9, len(nights))
    sizes = mean * random.uniform(0.5, 6) * random.lognormal(0, 0.5, len(nights))
    for begin, length, size in zip(begins, lengths, sizes, strict=True):
        load[max(begin, 0) : max(begin + length, 0)] += size
    return load


def labelled(days: pl.DataFrame, truth: pl.DataFrame) -> LabelledDays:
    """Features of days that can be judged, with their truth."""
    statistics = day_statistics(day_matrix(days))
    features = day_features(statistics, PEER_FLOOR_KWH)[statistics.matrix.input_row >= 0].astype(np.float32)
    ordered = truth.sort("meter", "day")
    changes = ordered["meter"].rle_id().diff().fill_null(1).to_numpy()
    return LabelledDays(features, ordered, np.append(np.flatnonzero(changes), ordered.height))


def true_days(meters: SimulatedMeters) -> LabelledDays:
    """Days of simulated homes with their true absences; homes that stay vacant throughout weigh less."""
    vacant = meters.homes.filter(pl.col("occupancy") == "vacant")["meter"].implode()
    weight = pl.when(pl.col("meter").is_in(vacant)).then(0.4).otherwise(1.0)
    return labelled(simulated_days(meters), meters.absent_days.with_columns(weight=weight))


def injected_days(meters: SimulatedMeters, seed: int, protocol: InjectionProtocol) -> LabelledDays:
    """Days of simulated homes that are lived in, with absences injected beside the true ones."""
    lived_in = meters.homes.filter(pl.col("occupancy") == "occupied")["meter"].implode()
    days, truth = inject_absence(simulated_days(meters).filter(pl.col("meter").is_in(lived_in)), seed, protocol)
    both = truth.join(meters.absent_days.rename({"absent": "truly"}), on=["meter", "day"], how="left")
    return labelled(days, both.select("meter", "day", absent=pl.col("absent") | pl.col("truly"), weight=pl.lit(1.0)))


def training_days(homes: int, seed: int) -> list[LabelledDays]:
    """True and injected days."""
    world = varied(simulated(homes // 3, seed, None), 0.5, seed + 1)
    empty = varied(simulated(homes // 3, seed + 1, MORE_EMPTY), 0.7, seed)
    sets = [true_days(world), true_days(empty)]
    for number, protocol in enumerate(PROTOCOLS):
        some = varied(simulated(homes // 4, seed + 2 + number, None), 0.85, seed + number)
        sets.append(injected_days(some, seed + number, protocol))
    return sets


def fit_trees(sets: list[LabelledDays], seed: int) -> tuple[BoostedTrees, BoostedTrees]:
    """First trees and smoother of labelled days, of different homes; the last sets are injected."""
    random = np.random.default_rng(seed)
    features = np.concatenate([part.features for part in sets])
    absent = np.concatenate([part.truth["absent"].to_numpy() for part in sets])
    injected = np.repeat([number >= TRUE_SETS for number in range(len(sets))], [len(part.features) for part in sets])
    weight = np.concatenate([part.truth["weight"].to_numpy() for part in sets]) * np.where(injected, INJECTED_WEIGHT, 1)
    kept = ~np.isnan(features[:, 0]) & (absent | (random.random(len(absent)) < PRESENT_SHARE))
    first_row = _joined_rows(sets)
    homes = len(first_row) - 1
    is_first = np.repeat(random.random(homes) < FIRST_HOMES, np.diff(first_row))
    trees = _boosted(TREES, features, absent, weight, kept & is_first, seed)
    return trees, _boosted(SMOOTHER, context_of(trees, features, first_row), absent, weight, kept & ~is_first, seed)


def _joined_rows(sets: list[LabelledDays]) -> np.ndarray:
    """First row of each meter of sets one after another, and at the end the number of rows."""
    lengths = np.concatenate([np.diff(part.first_row) for part in sets])
    return np.concatenate([[0], np.cumsum(lengths)])


def _boosted(
    options: dict[str, float], columns: np.ndarray, truth: np.ndarray, weight: np.ndarray, kept: np.ndarray, seed: int
) -> BoostedTrees:
    model = HistGradientBoostingClassifier(
        **options, min_samples_leaf=LEAST_IN_LEAF, early_stopping=False, random_state=seed
    )
    return trees_of(model.fit(columns[kept], truth[kept], weight[kept]))


def platt(scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope and intercept that turn scores into log odds."""
    fitted = LogisticRegression(C=1e6).fit(scores[:, None], truth, sample_weight=weight)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def fit_chain(meters: SimulatedMeters) -> DayChain:
    """Chain of days of simulated homes."""
    statistics = day_statistics(day_matrix(simulated_days(meters)))
    truth = meters.absent_days.sort("meter", "day")
    spell = truth.with_columns(spell=pl.struct("meter", "absent").rle_id())
    long = spell.with_columns(days=pl.len().over("spell")).select(pl.col("absent") & (pl.col("days") > 60))
    observations = day_observations(statistics, PEER_FLOOR_KWH)
    return fit_day_chain(
        observations, truth["absent"].to_numpy(), long.to_series().to_numpy(), statistics.matrix.first_row
    )


def fit_absence(homes: int, seed: int) -> AbsenceModel:
    """Model of absent days; calibration and bounds on other homes than the trees."""
    trees, smoother = fit_trees(training_days(homes, seed), seed)
    chain = fit_chain(varied(simulated(max(homes // 4, 40), seed + 50, None), 0.3, seed))
    held = varied(simulated(max(homes // 4, 40), seed + 60, None), 0.3, seed + 60)
    days = true_days(held)
    absent = days.truth["absent"].to_numpy()
    known = ~np.isnan(days.features[:, 0])
    scores = smoother.scores(context_of(trees, days.features, days.first_row))
    slope, intercept = platt(scores[known], absent[known], np.ones(int(known.sum())))
    model = AbsenceModel(
        trees=trees,
        smoother=smoother,
        slope=slope,
        intercept=intercept,
        chain=chain,
        boosted_bound=0.5,
        chain_bound=0.5,
        peer_floor_kwh=PEER_FLOOR_KWH,
        fitted_on=f"tuning generator, {homes} homes, seed {seed}",
    )
    probability = model.probabilities(days.features, days.first_row)
    statistics = day_statistics(day_matrix(simulated_days(held)))
    observations = day_observations(statistics, PEER_FLOOR_KWH)
    chained = absence_probabilities(chain, observations, statistics.matrix.first_row)
    return replace(
        model,
        boosted_bound=bound_for(absent[known], probability[known]),
        chain_bound=bound_for(absent[known], chained[known]),
    )


def bound_for(absent: np.ndarray, probability: np.ndarray) -> float:
    """Bound at the share of false days that is aimed at, between 0.3 and 0.98."""
    return float(np.clip(bound_at_false_alarms(absent, probability, FALSE_DAYS), 0.3, 0.98))


def vacancy_sets(homes: int, seed: int, absence: AbsenceModel) -> tuple[np.ndarray, pl.DataFrame]:
    """Features of quarters of simulated homes with truth: is_vacant (null where for a part of it), is_second_home."""
    meters = varied(simulated(homes, seed, MANY_EMPTY), 0.5, seed)
    statistics = day_statistics(day_matrix(simulated_days(meters)))
    features = day_features(statistics, absence.peer_floor_kwh)
    quarters = quarter_features(statistics, absence.probabilities(features, statistics.matrix.first_row))
    truth = quarters.keys.join(
        meters.homes.select("meter", "occupancy", "vacant_from", "vacant_until"), on="meter", maintain_order="left"
    ).select("meter", "quarter", "coverage", is_vacant=vacant_throughout(), is_second_home=occupancy_is("second_home"))
    return quarters.values, truth


def occupancy_is(kind: str) -> pl.Expr:
    """True if a home is of a kind."""
    return pl.col("occupancy") == kind


def vacant_throughout() -> pl.Expr:
    """True for a quarter vacant on all days, false on none, null on some."""
    end = pl.col("quarter").dt.offset_by("1q")
    until = pl.col("vacant_until").fill_null(date(9999, 1, 1))
    whole = (pl.col("vacant_from") <= pl.col("quarter")) & (until >= end)
    none = pl.col("vacant_from").is_null() | (pl.col("vacant_from") >= end) | (until <= pl.col("quarter"))
    return pl.when(whole).then(statement=True).when(none).then(statement=False)


def fit_vacancy(homes: int, seed: int, absence: AbsenceModel) -> VacancyModel:
    """Model of vacant quarters; calibration and bounds on other homes than the trees."""
    fitted, held = vacancy_sets(homes, seed, absence), vacancy_sets(homes, seed + 1, absence)
    parts = {}
    for name, share in (("is_vacant", VACANT_SHARE), ("is_second_home", None)):
        rows, checks = (
            (table[name].is_not_null() & (table["coverage"] >= 0.5)).to_numpy() for _, table in (fitted, held)
        )
        truth, true_held = (table[name].fill_null(value=False).to_numpy() for _, table in (fitted, held))
        model = HistGradientBoostingClassifier(
            **QUARTER_TREES, min_samples_leaf=40, early_stopping=False, random_state=seed
        ).fit(fitted[0][rows], truth[rows])
        trees = trees_of(model)
        scores, labels = trees.scores(held[0][checks]), true_held[checks]
        weight = np.ones(len(labels))
        if share is not None:
            weight[labels] = share / (1 - share) * (~labels).sum() / labels.sum()
        slope, intercept = platt(scores, labels, weight)
        bound = 0.5
        if share is not None:
            chance = CalibratedTrees(trees, slope, intercept, bound).probabilities(held[0][checks])
            bound = float(np.clip(bound_at_false_alarms(labels, chance, FALSE_QUARTERS), 0.01, 0.6))
        parts[name] = CalibratedTrees(trees, slope, intercept, bound)
    return VacancyModel(parts["is_vacant"], parts["is_second_home"], absence.fitted_on)


def main() -> None:
    """Fit, and write the models if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--homes", type=int, default=600)
    arguments.add_argument("--quarter-homes", type=int, default=640, help="homes for the model of vacant quarters")
    arguments.add_argument("--seed", type=int, default=7001)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--vacancy-only", action="store_true", help="keep the model of absent days as it is")
    chosen = arguments.parse_args()
    absence = default_model() if chosen.vacancy_only else fit_absence(chosen.homes, chosen.seed)
    print(
        f"bounds: boosted {absence.boosted_bound:.3f}, chain {absence.chain_bound:.3f}; {absence.fitted_on}", flush=True
    )
    if chosen.write and not chosen.vacancy_only:
        MODEL.write_text(model_to_json(absence) + "\n", encoding="utf-8")
        model_from_json(MODEL.read_text("utf-8"))
    vacancy = fit_vacancy(chosen.quarter_homes, chosen.seed + 100, absence)
    print(f"vacant: slope {vacancy.vacant.slope:.2f}, bound {vacancy.vacant.bound:.3f}")
    print(f"second home: slope {vacancy.second_home.slope:.2f}")
    if chosen.write:
        VACANCY_MODEL.write_text(vacancy_to_json(vacancy) + "\n", encoding="utf-8")
        vacancy_from_json(VACANCY_MODEL.read_text("utf-8"))


if __name__ == "__main__":
    main()
