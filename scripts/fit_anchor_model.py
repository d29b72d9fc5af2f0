"""Fit the model of anchor places on labelled stays, and judge it by cross-validation over people.

Usage: python scripts/fit_anchor_model.py STAYS.parquet [--write]

STAYS.parquet has the columns user, loc, start, end (seconds of local time, second 0 a Thursday) and true_location_type
(H a home, W a workplace, O other), as in the shared folder golden/tweets. The model is fitted on the stays as they are
and thinned to one a day and one in three days, and judged on these, one a week and the first four weeks. Folds are of
people, the same in all versions. Prints the tables of docs/estimation/anchors.md; `--write` replaces the shipped model.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ons_bigdata.estimation.anchor_features import FEATURES, place_features
from ons_bigdata.estimation.anchor_model import AnchorModel, model_from_json, model_to_json
from ons_bigdata.estimation.anchors import label_places
from ons_bigdata.estimation.home_changes import home_changes

MODEL = Path(__file__).resolve().parent.parent / "ons_bigdata" / "estimation" / "anchor_model.json"
FOLDS = 6
PENALTY = 0.03
BOUNDS = {"least_main_home": 0.2, "least_home": 0.46, "least_main_work": 0.38, "least_work": 0.55}
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
    """Fit a model on features with labels."""
    scaler = StandardScaler().fit(table.select(FEATURES).to_numpy())
    classes = table["letter"].replace_strict({"O": 0, "H": 1, "W": 2}).to_numpy()
    model = LogisticRegression(C=PENALTY, max_iter=500).fit(
        scaler.transform(table.select(FEATURES).to_numpy()), classes
    )
    weights = model.coef_ / scaler.scale_
    intercepts = model.intercept_ - weights @ scaler.mean_
    columns = {name: tuple(map(float, weights[:, number])) for number, name in enumerate(FEATURES)}
    return AnchorModel(coefficients=columns, intercepts=tuple(map(float, intercepts)), **BOUNDS)  # type: ignore[arg-type]


def folds_of(users: pl.Series, seed: int) -> pl.DataFrame:
    """Fold of each user."""
    keys = users.unique().sort()
    return pl.DataFrame({"user": keys, "fold": np.random.default_rng(seed).permutation(len(keys)) % FOLDS})


def _count(mask: pl.Series) -> int:
    return int(mask.sum())


def judged(stays: pl.DataFrame, labels: pl.DataFrame) -> dict[str, float]:
    """Measures of labels against what people said."""
    truth = stays.select("user", "place", "letter").unique()
    everybody = stays.select("user").unique()
    result: dict[str, float] = {}
    marked = labels.join(truth, on=["user", "place"])
    main = marked.filter(pl.col("label") == "home").sort("probability").group_by("user").last()
    result["main home right"] = _count(main["letter"] == "H") / everybody.height
    result["main home wrong"] = _count(main["letter"] != "H") / everybody.height
    result["main home undecided"] = 1 - main.height / everybody.height
    for label, letter in LETTER.items():
        given = marked.filter(pl.col("label") == label)
        right = _count(given["letter"] == letter)
        result[f"{label} precision"] = right / max(given.height, 1)
        result[f"{label} recall"] = right / _count(truth["letter"] == letter)
        result[f"{label} F1"] = 2 * right / (given.height + _count(truth["letter"] == letter))
    best = marked.filter(pl.col("label") == "work").sort("probability").group_by("user").last()
    workers = truth.filter(pl.col("letter") == "W").select("user").unique()
    of_workers = best.join(workers, on="user")
    others = everybody.join(workers, on="user", how="anti")
    right = _count(of_workers["letter"] == "W")
    result["workplace right"] = right / workers.height
    result["workplace wrong"] = _count(of_workers["letter"] != "W") / workers.height
    result["workplace undecided"] = 1 - of_workers.height / workers.height
    result["workplace F1, one a person"] = 2 * right / (best.height + workers.height)
    result["false among none"] = best.join(others, on="user").height / others.height
    one_home = truth.filter(pl.col("letter") == "H").group_by("user").len().filter(pl.col("len") == 1)
    homes = marked.filter(pl.col("label") == "home").group_by("user").len("homes")
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
    arguments.add_argument("--repeats", type=int, default=3)
    chosen = arguments.parse_args()
    stays = versions(read_stays(chosen.stays))
    features = {name: features_of(part) for name, part in stays.items()}
    measures: dict[str, list[dict[str, float]]] = {name: [] for name in stays}
    for seed in range(chosen.repeats):
        folds = folds_of(stays["all stays"]["user"], seed)
        labels: dict[str, list[pl.DataFrame]] = {name: [] for name in stays}
        for fold in range(FOLDS):
            inside, outside = (folds.filter(pl.col("fold") == fold), folds.filter(pl.col("fold") != fold))
            model = fit(
                pl.concat(
                    [
                        table.join(outside, on="user", how="semi")
                        for name, table in features.items()
                        if name in FITTED_ON
                    ]
                )
            )
            for name, part in stays.items():
                labels[name].append(label_places(part.join(inside, on="user", how="semi"), model=model))
        for name, part in stays.items():
            measures[name].append(judged(part, pl.concat(labels[name])))
    for measure in measures["all stays"][0]:
        cells = (f"{np.mean([run[measure] for run in runs]):.3f}" for runs in measures.values())
        print(f"| {measure} | {' | '.join(cells)} |", flush=True)
    if chosen.write:
        model = fit(pl.concat([features[name] for name in FITTED_ON]))
        bounded = replace(model, **BOUNDS)  # type: ignore[arg-type]
        MODEL.write_text(model_to_json(bounded) + "\n", encoding="utf-8")
        model_from_json(MODEL.read_text("utf-8"))


if __name__ == "__main__":
    main()
