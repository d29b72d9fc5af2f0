"""Fit the models of absent days and of vacant quarters on the tuning generator, and write them as JSON.

Usage: python scripts/meters/fit_absence_model.py [--keep FOLDER] [--write] [--vacancy-only]

No real home and nothing of the adversarial generator enters. Two sets of trees score days: one learns from true
absences of simulated homes, the other from absences injected, by the protocol of docs/meters/evaluation/protocol.md,
into simulated homes of many shapes (scripts/meters/varied_homes.py). A third, the smoother, joins their scores.
`--write` replaces the shipped model; `--keep` keeps the features of the training days in a folder, for the next fit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from varied_homes import reshaped, varied

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
from ons_bigdata.meters.methods.vacancy.model import LEAST_BOUND, CalibratedTrees, VacancyModel
from ons_bigdata.meters.methods.vacancy.model import model_from_json as vacancy_from_json
from ons_bigdata.meters.methods.vacancy.model import model_to_json as vacancy_to_json
from ons_bigdata.meters.methods.vacancy.quarter_features import quarter_features
from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import HomeShares, draw_homes
from ons_bigdata.simulation.meters.simulated import SimulatedMeters
from ons_bigdata.simulation.meters.simulated_days import simulated_days

METHODS = Path(__file__).resolve().parents[2] / "ons_bigdata" / "meters" / "methods"
MODEL, VACANCY_MODEL = METHODS / "absence" / "absence_model.json", METHODS / "vacancy" / "vacancy_model.json"
FIRST_DAY, DAYS = date(2009, 7, 14), 536
GENERATOR = "chain"
MORE_EMPTY = HomeShares(vacant_urban=0.06, vacant_rural=0.1, become_vacant_per_quarter=0.012, second_homes=0.12)
"""More homes that are empty than in the world, so that there are enough of them to learn absent days from."""
MANY_EMPTY = HomeShares(vacant_urban=0.12, vacant_rural=0.15, become_vacant_per_quarter=0.02, second_homes=0.3)
"""Still more of them, to learn vacant quarters from."""
PROTOCOLS = (
    (160, InjectionProtocol(block=1)),
    (110, InjectionProtocol(block=6, spike_day_share=0.3, most_spikes=4)),
    (110, InjectionProtocol(block=1, spike_day_share=0.3, prevalence=0.08, most_spikes=3)),
    (110, InjectionProtocol(block=1, prevalence=0.28, longest_days=25)),
)
"""Homes of each set with injected absences, and how they are injected."""
TREES = {"max_iter": 140, "learning_rate": 0.15, "max_leaf_nodes": 16, "l2_regularization": 5.0, "max_features": 0.3}
INJECTED_TREES = {**TREES, "max_iter": 60, "learning_rate": 0.18, "max_leaf_nodes": 12}
SMOOTHER = {"max_iter": 110, "learning_rate": 0.13, "max_leaf_nodes": 14, "l2_regularization": 5.0, "max_features": 0.5}
LEAST_IN_LEAF = 60
TRUE_SETS = 3
"""Sets with true absences, before the injected ones."""
DRAW_SEED = 1
"""Seed of the days and homes that are drawn for the fit."""
PRESENT_SHARE = 0.5
"""Share of the present days that enter: the trees gain nothing from more, and take longer."""
FIRST_HOMES = 0.55
"""Share of the homes that both sets of trees learn from; the smoother learns from the scores of the others."""
FALSE_DAYS = 0.001
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
MOST_SLOPE = 1.0
"""Largest slope of a calibration. Vacant homes of the tuning generator are told from others almost without error, so
that Platt's method gives 2.2; other homes are less clear. Chosen on 800 homes of the adversarial generator."""
BOUNDS_OF_VACANCY = LEAST_BOUND, 0.6
"""Limits of the bound of vacancy."""
PUBLISHED = 3
"""Quarters of each home with which its days end, of those from which vacancy is learnt."""
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


def injected_days(homes: int, seed: int, protocol: InjectionProtocol) -> LabelledDays:
    """Days of simulated homes that are lived in, most of another shape, with absences injected beside the true ones.

    In homes of another shape, true absences and the days beside them have the weight 0: what they show is not known.
    """
    meters, is_reshaped = reshaped(simulated(homes, seed, None), 0.75, seed)
    meters = varied(meters, 0.6, seed + 1)
    lived_in = meters.homes.filter(pl.col("occupancy") == "occupied")["meter"].implode()
    days, truth = inject_absence(simulated_days(meters).filter(pl.col("meter").is_in(lived_in)), seed, protocol)
    both = truth.join(meters.absent_days.rename({"absent": "truly"}), on=["meter", "day"], how="left")
    both = both.sort("meter", "day")
    is_near = pl.max_horizontal(
        *(pl.col("truly").shift(days).over("meter").fill_null(value=False) for days in (-1, 0, 1))
    )
    other_shape = meters.homes["meter"].filter(pl.Series(is_reshaped)).implode()
    unknown = is_near & ~pl.col("absent") & pl.col("meter").is_in(other_shape)
    return labelled(
        days,
        both.select(
            "meter",
            "day",
            absent=pl.col("absent") | pl.col("truly"),
            weight=pl.when(unknown).then(0.0).otherwise(1.0),
        ),
    )


def training_days(seed: int, keep: Path | None = None) -> list[LabelledDays]:
    """Sets with true absences, then those with injected ones. `keep`: folder in which their features are kept."""
    makers = {
        "world": lambda: true_days(varied(simulated(230, seed, None), 0.4, seed + 1)),
        "more_of_world": lambda: true_days(varied(simulated(300, seed + 10, None), 0.3, seed + 11)),
        "more_empty": lambda: true_days(varied(simulated(200, seed + 1, MORE_EMPTY), 0.6, seed)),
    }
    for number, (homes, protocol) in enumerate(PROTOCOLS, start=1):
        makers[f"injected_{number}"] = partial(injected_days, homes, seed + 100 + number, protocol)
    return [kept_days(name, make, keep) for name, make in makers.items()]


def kept_days(name: str, make: Callable[[], LabelledDays], keep: Path | None) -> LabelledDays:
    """Days of a set, from the folder if they are there."""
    if keep is None:
        return make()
    arrays, truth = keep / f"{name}.npz", keep / f"{name}.parquet"
    if not arrays.exists():
        days = make()
        keep.mkdir(parents=True, exist_ok=True)
        days.truth.write_parquet(truth)
        np.savez(arrays, features=days.features, first_row=days.first_row)
    with np.load(arrays) as saved:
        return LabelledDays(saved["features"], pl.read_parquet(truth), saved["first_row"])


def fit_trees(sets: list[LabelledDays]) -> tuple[BoostedTrees, BoostedTrees, BoostedTrees]:
    """Trees of true absences, trees of injected ones, and smoother; the smoother learns from other homes."""
    random = np.random.default_rng(DRAW_SEED)
    features = np.concatenate([part.features for part in sets])
    absent = np.concatenate([part.truth["absent"].to_numpy() for part in sets])
    injected = np.repeat([number >= TRUE_SETS for number in range(len(sets))], [len(part.features) for part in sets])
    weight = np.concatenate([part.truth["weight"].to_numpy().astype(np.float32) for part in sets])
    kept = ~np.isnan(features[:, 0]) & (weight > 0) & (absent | (random.random(len(absent)) < PRESENT_SHARE))
    first_row = _joined_rows(sets)
    is_first = np.repeat(random.random(len(first_row) - 1) < FIRST_HOMES, np.diff(first_row))
    trees = _boosted(TREES, features, absent, weight, kept & is_first & ~injected)
    injected_trees = _boosted(INJECTED_TREES, features, absent, weight, kept & is_first & injected)
    context = context_of(trees, injected_trees, features, first_row)
    return trees, injected_trees, _boosted(SMOOTHER, context, absent, weight, kept & ~is_first)


def _joined_rows(sets: list[LabelledDays]) -> np.ndarray:
    """First row of each meter of sets one after another, and at the end the number of rows."""
    lengths = np.concatenate([np.diff(part.first_row) for part in sets])
    return np.concatenate([[0], np.cumsum(lengths)])


def _boosted(
    options: dict[str, float], columns: np.ndarray, truth: np.ndarray, weight: np.ndarray, kept: np.ndarray
) -> BoostedTrees:
    model = HistGradientBoostingClassifier(
        **options, min_samples_leaf=LEAST_IN_LEAF, early_stopping=False, random_state=DRAW_SEED
    )
    return trees_of(model.fit(columns[kept], truth[kept], weight[kept]))


def platt(scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope and intercept that turn scores into log odds."""
    fitted = LogisticRegression(C=1e6).fit(scores[:, None], truth, sample_weight=weight)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def limited(slope: float, intercept: float) -> tuple[float, float]:
    """Slope of at most `MOST_SLOPE`, and the intercept with which the same score has a chance of a half."""
    share = min(MOST_SLOPE / slope, 1.0)
    return slope * share, intercept * share


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


def fit_absence(homes: int, seed: int, keep: Path | None = None) -> AbsenceModel:
    """Model of absent days; calibration and bounds on `homes` other homes than the trees."""
    trees, injected_trees, smoother = fit_trees(training_days(seed, keep))
    chain = fit_chain(varied(simulated(homes, seed + 50, None), 0.3, seed))
    held = varied(simulated(homes, seed + 60, None), 0.3, seed + 60)
    days = true_days(held)
    absent = days.truth["absent"].to_numpy()
    known = ~np.isnan(days.features[:, 0])
    scores = smoother.scores(context_of(trees, injected_trees, days.features, days.first_row))
    slope, intercept = platt(scores[known], absent[known], np.ones(int(known.sum())))
    model = AbsenceModel(
        trees=trees,
        injected_trees=injected_trees,
        smoother=smoother,
        slope=slope,
        intercept=intercept,
        chain=chain,
        boosted_bound=0.5,
        chain_bound=0.5,
        peer_floor_kwh=PEER_FLOOR_KWH,
        fitted_on=f"tuning generator, 1,220 homes, seed {seed}",
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
    """Features of quarters of simulated homes with truth: is_vacant (null where for a part of it), is_second_home.

    The days of each home end with a quarter that is drawn, `PUBLISHED` of them a home: a quarter is published without
    the days after it, from which absence in it would be clearer. `is_published`: the quarter is the last.
    """
    meters = varied(simulated(homes, seed, MANY_EMPTY), 0.5, seed)
    days = simulated_days(meters).with_columns(quarter=pl.col("day").dt.truncate("1q"))
    ends = days["quarter"].unique().sort()
    random = np.random.default_rng([seed, 5])
    order = random.permuted(np.tile(np.arange(ends.len()), (homes, 1)), axis=1)
    facts = meters.homes.select("meter", "occupancy", "vacant_from", "vacant_until")
    values, truths = [], []
    for number in range(PUBLISHED):
        last = pl.DataFrame({"meter": meters.homes["meter"], "last": ends.gather(order[:, number])})
        known = days.join(last, on="meter", maintain_order="left").filter(pl.col("quarter") <= pl.col("last"))
        statistics = day_statistics(day_matrix(known))
        features = day_features(statistics, absence.peer_floor_kwh)
        quarters = quarter_features(statistics, absence.probabilities(features, statistics.matrix.first_row))
        truth = quarters.keys.join(facts, on="meter", maintain_order="left").join(
            last, on="meter", maintain_order="left"
        )
        values.append(quarters.values)
        truths.append(
            truth.select(
                *("meter", "quarter", "coverage"),
                is_vacant=vacant_throughout(),
                is_second_home=occupancy_is("second_home"),
                is_published=pl.col("quarter") == pl.col("last"),
            )
        )
    return np.concatenate(values), pl.concat(truths)


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
    """Model of vacant quarters; calibration and bounds on other homes than the trees, by quarters as published."""
    fitted, held = vacancy_sets(homes, seed, absence), vacancy_sets(homes, seed + 1, absence)
    parts = {}
    for name, share in (("is_vacant", VACANT_SHARE), ("is_second_home", None)):
        rows, checks = (
            (table[name].is_not_null() & (table["coverage"] >= 0.5)).to_numpy() for _, table in (fitted, held)
        )
        checks &= held[1]["is_published"].to_numpy()
        truth, true_held = (table[name].fill_null(value=False).to_numpy() for _, table in (fitted, held))
        model = HistGradientBoostingClassifier(
            **QUARTER_TREES, min_samples_leaf=40, early_stopping=False, random_state=seed
        ).fit(fitted[0][rows], truth[rows])
        trees = trees_of(model)
        scores, labels = trees.scores(held[0][checks]), true_held[checks]
        weight = np.ones(len(labels))
        if share is not None:
            weight[labels] = share / (1 - share) * (~labels).sum() / labels.sum()
        slope, intercept = limited(*platt(scores, labels, weight))
        bound = 0.5
        if share is not None:
            chance = CalibratedTrees(trees, slope, intercept, bound).probabilities(held[0][checks])
            bound = float(np.clip(bound_at_false_alarms(labels, chance, FALSE_QUARTERS), *BOUNDS_OF_VACANCY))
        parts[name] = CalibratedTrees(trees, slope, intercept, bound)
    return VacancyModel(parts["is_vacant"], parts["is_second_home"], absence.fitted_on)


def main() -> None:
    """Fit, and write the models if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--homes", type=int, default=150, help="homes for calibration and bounds")
    arguments.add_argument("--keep", type=Path, help="folder in which the features of training days are kept")
    arguments.add_argument("--quarter-homes", type=int, default=640, help="homes for the model of vacant quarters")
    arguments.add_argument("--seed", type=int, default=7001)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--vacancy-only", action="store_true", help="keep the model of absent days as it is")
    chosen = arguments.parse_args()
    absence = default_model() if chosen.vacancy_only else fit_absence(chosen.homes, chosen.seed, chosen.keep)
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
