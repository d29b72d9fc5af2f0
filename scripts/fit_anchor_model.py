"""Fit the model of anchor places on labelled stays, and judge it by nested cross-validation over people.

Usage: python scripts/fit_anchor_model.py STAYS.parquet [--write]

STAYS.parquet has the columns user, loc, start, end (seconds of local time, second 0 a Thursday) and true_location_type
(H a home, W a workplace, O other), as in the shared folder golden/tweets. The model is fitted on the stays as they are
and thinned to one a day and one in three days, and judged on these, one a week and the first four weeks. Folds are of
people, the same in all versions. People who are judged have no part in the fit nor in the bounds from which a label is
given: these are half of the F1 in the other folds, each labelled by a model of the four folds that are left. Prints the
table of docs/estimation/anchors.md; `--write` replaces the shipped model, whose bounds are half of the F1 over all
people, each labelled by a model of the other folds.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ons_bigdata.estimation.anchor_features import FEATURES, place_features
from ons_bigdata.estimation.anchor_model import BOUNDS, AnchorModel, model_from_json, model_to_json
from ons_bigdata.estimation.anchors import label_places, likely_labels
from ons_bigdata.estimation.home_changes import home_changes
from ons_bigdata.estimation.workplace_counts import count_distribution, joint_probabilities

MODEL = Path(__file__).resolve().parent.parent / "ons_bigdata" / "estimation" / "anchor_model.json"
FOLDS = 6
FIRST_DIVISION = 1_000
"""Seed of the first division of people into folds; smaller ones were used when the features were chosen."""
PENALTY = 0.03
LEAST_MAIN_HOME = 0.2
"""Probability from which the likeliest home counts: everybody has one."""
FIRST_BOUND = 0.45
BOUND_STEPS = 4
MOST_COUNTED = 3
"""Number of workplaces from which on numbers have the same weight."""
FITTED_ON = ("all stays", "1 a day", "1 in 3 days")
LETTER = {"home": "H", "work": "W"}


def read_stays(path: Path) -> pl.DataFrame:
    """Labelled stays with local times."""
    return pl.read_parquet(path).select(
        "user",
        place="loc",
        started_at=pl.from_epoch("start").cast(pl.Datetime("us")),
        ended_at=pl.from_epoch("end").cast(pl.Datetime("us")),
        letter="true_location_type",
    )


def thinned(stays: pl.DataFrame, days: int, seed: int) -> pl.DataFrame:
    """One stay, drawn at random, of each user and period of some days."""
    draw = pl.Series("draw", np.random.default_rng(seed).random(stays.height))
    period = (pl.col("started_at").dt.epoch("d") // days).alias("period")
    marked = stays.with_columns(draw, period)
    return marked.filter(pl.col("draw") == pl.col("draw").min().over("user", "period")).drop("draw", "period")


def versions(stays: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Stays as they are, thinned, and cut short."""
    first_weeks = pl.col("started_at") < pl.col("started_at").min().over("user") + pl.duration(days=28)
    return {
        "all stays": stays,
        "1 a day": thinned(stays, 1, 1),
        "1 in 3 days": thinned(stays, 3, 3),
        "1 a week": thinned(stays, 7, 4),
        "first 4 weeks": stays.filter(first_weeks),
    }


def features_of(stays: pl.DataFrame) -> pl.DataFrame:
    """Features of the places visited on two days at least, with their labels."""
    seconds = stays.select(
        "user", "place", start_s=pl.col("started_at").dt.epoch("s"), end_s=pl.col("ended_at").dt.epoch("s")
    )
    places = stays.group_by("user", "place").agg(
        pl.col("letter").first(), days=pl.col("started_at").dt.date().n_unique()
    )
    return place_features(seconds).join(places.filter(pl.col("days") >= 2).drop("days"), on=["user", "place"])


def fit(table: pl.DataFrame) -> AnchorModel:
    """Fit a model on features with labels; weights of workplaces and all bounds but the first are still to be set."""
    scaler = StandardScaler().fit(table.select(FEATURES).to_numpy())
    classes = table["letter"].replace_strict({"O": 0, "H": 1, "W": 2}).to_numpy()
    model = LogisticRegression(C=PENALTY, max_iter=500).fit(
        scaler.transform(table.select(FEATURES).to_numpy()), classes
    )
    weights = model.coef_ / scaler.scale_
    intercepts = model.intercept_ - weights @ scaler.mean_
    columns = {name: tuple(map(float, weights[:, number])) for number, name in enumerate(FEATURES)}
    bounds = (LEAST_MAIN_HOME, FIRST_BOUND, FIRST_BOUND, FIRST_BOUND)
    equal = (1.0,) * (MOST_COUNTED + 1)
    return AnchorModel(columns, tuple(map(float, intercepts)), equal, *bounds)  # type: ignore[arg-type]


def counted_model(model: AnchorModel, probabilities: list[pl.DataFrame], truth: pl.DataFrame) -> AnchorModel:
    """The model with the weights of the numbers of workplaces that make the labels likeliest.

    `probabilities`: separate probabilities of models that do not know the people of their rows, some frames, whose
    likelihoods are averaged; `truth`: user, place, letter. Logarithms of weights are relative to that of no workplace
    and have a normal prior of standard deviation 1.
    """
    expected = np.concatenate([count_distribution(part, MOST_COUNTED) for part in probabilities])
    counted = np.zeros(MOST_COUNTED + 1)
    for part in probabilities:
        is_work = (pl.col("letter") == "W").sum().clip(0, MOST_COUNTED)
        workplaces = part.join(truth, on=["user", "place"]).group_by("user").agg(number=is_work)["number"]
        counted += np.bincount(workplaces.to_numpy(), minlength=MOST_COUNTED + 1)

    def loss(further: np.ndarray) -> tuple[float, np.ndarray]:
        logs = np.insert(further, 0, 0.0)
        weighted = expected * np.exp(logs)
        totals = weighted.sum(axis=1, keepdims=True)
        likelihood = (counted @ logs - np.log(totals).sum()) / len(probabilities)
        slope = (counted - (weighted / totals).sum(axis=0)) / len(probabilities)
        return further @ further / 2 - likelihood, further - slope[1:]

    further = minimize(loss, np.zeros(MOST_COUNTED), jac=True, method="L-BFGS-B").x
    return replace(model, work_counts=(1.0, *map(float, np.exp(further))))


def folds_of(users: pl.Series, seed: int) -> pl.DataFrame:
    """Fold of each user."""
    keys = users.unique().sort()
    return pl.DataFrame({"user": keys, "fold": np.random.default_rng(seed).permutation(len(keys)) % FOLDS})


def models_of(features: dict[str, pl.DataFrame], folds: pl.DataFrame) -> dict[frozenset[int], AnchorModel]:
    """Model of the people outside each fold, and outside each two folds."""
    table = pl.concat([features[name] for name in FITTED_ON]).join(folds, on="user")
    sets = [frozenset(left) for size in (1, 2) for left in combinations(range(FOLDS), size)]
    return {left: fit(table.filter(~pl.col("fold").is_in(list(left)))) for left in sets}


def bounded_model(model: AnchorModel, probabilities: list[pl.DataFrame], truth: pl.DataFrame) -> AnchorModel:
    """The model with bounds of half its F1, of further homes and of all workplaces.

    Where probabilities are right, the set of labels with the largest expected F1 is that above half of this F1.
    `probabilities`: of models that do not know the people of their rows, some frames, whose scores are averaged;
    `truth`: user, place, letter of the same people. Since F1 hardly depends on the bound, few steps lead to it.
    """
    for _ in range(BOUND_STEPS):
        scores = [label_scores(likely_labels(part, model), truth) for part in probabilities]
        home, work = (round(float(np.mean([score[f"{label} F1"] for score in scores])) / 2, 2) for label in LETTER)
        model = replace(model, least_home=home, least_main_work=work, least_work=work)
    return model


def left_out_probabilities(
    table: pl.DataFrame, folds: pl.DataFrame, models: dict[frozenset[int], AnchorModel], known_to_none: int | None
) -> pl.DataFrame:
    """Separate probabilities of the people of each fold by a model of others; fold `known_to_none` has no part."""
    parts = []
    for fold in range(FOLDS):
        left = frozenset({fold} if known_to_none is None else {fold, known_to_none})
        if fold != known_to_none:
            people = folds.filter(pl.col("fold") == fold)
            parts.append(models[left].separate_probabilities(table.join(people, on="user", how="semi")))
    return pl.concat(parts)


def decided_model(model: AnchorModel, separate: dict[str, pl.DataFrame], truth: pl.DataFrame) -> AnchorModel:
    """The model with weights and bounds; `separate`: probabilities of people whom it does not know, by version."""
    model = counted_model(model, list(separate.values()), truth)
    joint = joint_probabilities(separate["all stays"], model.work_counts)
    return bounded_model(model, [joint], truth)


def cross_validated(
    stays: dict[str, pl.DataFrame], features: dict[str, pl.DataFrame], folds: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Labels of each version of the stays by nested cross-validation; separate probabilities of people left out."""
    models = models_of(features, folds)

    def left_out(known_to_none: int | None) -> dict[str, pl.DataFrame]:
        return {name: left_out_probabilities(features[name], folds, models, known_to_none) for name in FITTED_ON}

    truth = stays["all stays"].select("user", "place", "letter").unique()
    labels: dict[str, list[pl.DataFrame]] = {name: [] for name in stays}
    for fold in range(FOLDS):
        others, people = folds.filter(pl.col("fold") != fold), folds.filter(pl.col("fold") == fold)
        of_others = truth.join(others, on="user", how="semi")
        model = decided_model(models[frozenset({fold})], left_out(fold), of_others)
        for name, part in stays.items():
            labels[name].append(label_places(part.join(people, on="user", how="semi"), model=model))
    return {name: pl.concat(parts) for name, parts in labels.items()}, left_out(None)


def _count(mask: pl.Series) -> int:
    return int(mask.sum())


def label_scores(labels: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Precision, recall and F1 of homes and workplaces, and the share of people without work who are given one."""
    result: dict[str, float] = {}
    marked = labels.join(truth, on=["user", "place"])
    for label, letter in LETTER.items():
        given = marked.filter(pl.col("label") == label)
        right, expected = _count(given["letter"] == letter), _count(truth["letter"] == letter)
        result[f"{label} precision"] = right / max(given.height, 1)
        result[f"{label} recall"] = right / expected
        result[f"{label} F1"] = 2 * right / (given.height + expected)
    workers = truth.filter(pl.col("letter") == "W").select("user").unique()
    others = truth.select("user").unique().join(workers, on="user", how="anti")
    given_work = labels.filter(pl.col("label") == "work").select("user").unique()
    result["false among none"] = given_work.join(others, on="user").height / others.height
    return result


def main_label_scores(labels: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Shares of people whose likeliest home, or workplace, is right, wrong or undecided."""
    marked = labels.join(truth, on=["user", "place"]).sort("probability").group_by("user", "label").last()
    result: dict[str, float] = {}
    home = marked.filter(pl.col("label") == "home")
    people = truth["user"].n_unique()
    result["main home right"] = _count(home["letter"] == "H") / people
    result["main home wrong"] = _count(home["letter"] != "H") / people
    result["main home undecided"] = 1 - home.height / people
    workers = truth.filter(pl.col("letter") == "W").select("user").unique()
    best = marked.filter(pl.col("label") == "work")
    of_workers = best.join(workers, on="user")
    right = _count(of_workers["letter"] == "W")
    result["workplace right"] = right / workers.height
    result["workplace wrong"] = _count(of_workers["letter"] != "W") / workers.height
    result["workplace undecided"] = 1 - of_workers.height / workers.height
    result["workplace F1, one a person"] = 2 * right / (best.height + workers.height)
    return result


def judged(stays: pl.DataFrame, labels: pl.DataFrame) -> dict[str, float]:
    """Measures of labels against what people said."""
    truth = stays.select("user", "place", "letter").unique()
    result = main_label_scores(labels, truth) | label_scores(labels, truth)
    one_home = truth.filter(pl.col("letter") == "H").group_by("user").len().filter(pl.col("len") == 1)
    homes = labels.filter(pl.col("label") == "home").group_by("user").len("homes")
    several = homes.filter(pl.col("homes") > 1).join(one_home, on="user").height
    result["several homes given to people with one"] = several / one_home.height
    moves = home_changes(stays, labels).select("user").unique()
    result["people with one home given a change"] = moves.join(one_home, on="user").height / one_home.height
    return result


def main() -> None:
    """Cross-validate, print the tables, and write the model if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("stays", type=Path)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--repeats", type=int, default=10, help="divisions of the people into folds")
    chosen = arguments.parse_args()
    stays = versions(read_stays(chosen.stays))
    features = {name: features_of(part) for name, part in stays.items()}
    measures: dict[str, list[dict[str, float]]] = {name: [] for name in stays}
    left_out: list[dict[str, pl.DataFrame]] = []
    for seed in range(FIRST_DIVISION, FIRST_DIVISION + chosen.repeats):
        labels, separate = cross_validated(stays, features, folds_of(stays["all stays"]["user"], seed))
        left_out.append(separate)
        for name, part in stays.items():
            measures[name].append(judged(part, labels[name]))
    for measure in measures["all stays"][0]:
        runs = [[run[measure] for run in of_version] for of_version in measures.values()]
        cells = " | ".join(f"{np.mean(run):.3f} ± {np.std(run):.3f}" for run in runs)
        print(f"| {measure} | {cells} |", flush=True)
    truth = stays["all stays"].select("user", "place", "letter").unique()
    model = fit(pl.concat([features[name] for name in FITTED_ON]))
    model = counted_model(model, [part for separate in left_out for part in separate.values()], truth)
    joint = [joint_probabilities(part["all stays"], model.work_counts) for part in left_out]
    model = bounded_model(model, joint, truth)
    print(*(f"{name} {getattr(model, name)}" for name in ("work_counts", *BOUNDS)), sep=", ")
    if chosen.write:
        MODEL.write_text(model_to_json(model) + "\n", encoding="utf-8")
        model_from_json(MODEL.read_text("utf-8"))


if __name__ == "__main__":
    main()
