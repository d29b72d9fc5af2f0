"""Scores of judgements of absence against a truth: by day, by spell, by home, with intervals over homes."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns

FALSE_ALARM_RATES = (0.005, 0.01, 0.02)

Floats = np.ndarray
Booleans = np.ndarray


def matthews_correlation(truth: Booleans, judged: Booleans) -> float:
    """Matthews correlation coefficient of two sets of flags; 0 where one of them is the same throughout."""
    both = float((truth & judged).sum())
    neither = float((~truth & ~judged).sum())
    return _correlation(both, neither, float((~truth & judged).sum()), float((truth & ~judged).sum()))


def _correlation(both: float, neither: float, false: float, missed: float) -> float:
    scale = math.sqrt((both + false) * (both + missed) * (neither + false) * (neither + missed))
    return (both * neither - false * missed) / scale if scale else 0.0


def recall_at_false_alarms(truth: Booleans, probability: Floats, rate: float) -> float:
    """Share of true days found at the lowest bound with at most a share `rate` of false days.

    Days with a probability above the bound are found; of equal ones all or none. NaN without a true or a false day.
    """
    if not truth.any() or truth.all():
        return math.nan
    return float((probability[truth] > bound_at_false_alarms(truth, probability, rate)).mean())


def bound_at_false_alarms(truth: Booleans, probability: Floats, rate: float) -> float:
    """Lowest probability above which at most a share `rate` of the days without absence lie."""
    others = np.sort(probability[~truth])[::-1]
    return float(others[min(int(rate * len(others)), len(others) - 1)])


def precision_at_prevalence(recall: float, false_day_share: float, prevalence: float) -> float:
    """Share of right days among those flagged, where a share `prevalence` of the days is absent."""
    right = recall * prevalence
    flagged = right + false_day_share * (1 - prevalence)
    return right / flagged if flagged else math.nan


def day_scores(judged: pl.DataFrame) -> dict[str, float]:
    """Scores of judged days.

    `judged`: absent (truth), probability_absent, flagged. Returns days, prevalence, mcc, balanced_accuracy, recall,
    precision, false_day_share, brier, recall at each rate of `FALSE_ALARM_RATES`, and the precision that recall and
    false days give at prevalences of 1, 2 and 15 %.
    """
    truth, flagged = judged["absent"].to_numpy(), judged["flagged"].to_numpy()
    probability = judged["probability_absent"].to_numpy()
    recall = float(flagged[truth].mean()) if truth.any() else math.nan
    false = float(flagged[~truth].mean()) if (~truth).any() else math.nan
    return {
        "days": float(len(truth)),
        "prevalence": float(truth.mean()) if len(truth) else math.nan,
        "mcc": matthews_correlation(truth, flagged),
        "balanced_accuracy": (recall + 1 - false) / 2,
        "recall": recall,
        "precision": float(truth[flagged].mean()) if flagged.any() else math.nan,
        "false_day_share": false,
        "brier": float(((probability - truth) ** 2).mean()) if len(truth) else math.nan,
        **{f"recall_at_{rate:g}": recall_at_false_alarms(truth, probability, rate) for rate in FALSE_ALARM_RATES},
        **{f"precision_at_{share:g}": precision_at_prevalence(recall, false, share) for share in (0.01, 0.02, 0.15)},
    }


def joined_judgement(absent_days: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Judged days with their truth: meter, day, absent, probability_absent, flagged; days not scored are left out.

    `absent_days`: as `detect_absent_days` returns them. `truth`: meter, day, absent, and is_scored if some days are not
    scored. A day that could not be judged counts as not flagged, with the probability 0.
    """
    refuse_missing_columns(truth, ["meter", "day", "absent"], "truth")
    scored = truth.filter("is_scored") if "is_scored" in truth.columns else truth
    return (
        scored.join(absent_days.rename({"absent": "flagged"}), on=["meter", "day"], how="left")
        .with_columns(pl.col("flagged").fill_null(value=False), pl.col("probability_absent").fill_null(0.0))
        .sort("meter", "day")
    )


def spell_scores(judged: pl.DataFrame) -> dict[str, float]:
    """Overlap of true and found spells, and error of onset and end.

    `judged`: meter, day, absent, flagged. Each true spell is compared with the found spell that overlaps most with it.
    Returns spells, found_share (with any overlap), overlap (mean of days in both / days in either; 0 without
    any), onset_error_days and end_error_days (mean absolute, of found spells).
    """
    true, found = (_runs(judged, column) for column in ("absent", "flagged"))
    if true.is_empty():
        return dict.fromkeys(("found_share", "overlap", "onset_error_days", "end_error_days"), math.nan) | {
            "spells": 0.0
        }
    pairs = (
        true.join(found, on="meter", how="left", suffix="_found")
        .with_columns(
            both=(pl.min_horizontal("last", "last_found") - pl.max_horizontal("first", "first_found")).dt.total_days()
            + 1
        )
        .with_columns(
            both=pl.when(pl.col("first_found").is_not_null()).then(pl.col("both").clip(lower_bound=0)).otherwise(0)
        )
        .with_columns(either=_length("first", "last") + _length("first_found", "last_found") - pl.col("both"))
        .with_columns(overlap=pl.when(pl.col("both") > 0).then(pl.col("both") / pl.col("either")).otherwise(0.0))
        .sort("meter", "first", "overlap", "first_found", descending=[False, False, True, False], nulls_last=True)
        .group_by("meter", "first", maintain_order=True)
        .first()
    )
    hits = pairs.filter(pl.col("both") > 0)
    onset = (hits["first"] - hits["first_found"]).dt.total_days().abs().mean()
    end = (hits["last"] - hits["last_found"]).dt.total_days().abs().mean()
    return {
        "spells": float(pairs.height),
        "found_share": hits.height / pairs.height,
        "overlap": float(pairs["overlap"].to_numpy().mean()),
        "onset_error_days": math.nan if onset is None else float(onset),  # type: ignore[arg-type]
        "end_error_days": math.nan if end is None else float(end),  # type: ignore[arg-type]
    }


def _length(first: str, last: str) -> pl.Expr:
    return (pl.col(last) - pl.col(first)).dt.total_days().fill_null(-1) + 1


def _runs(judged: pl.DataFrame, column: str) -> pl.DataFrame:
    """First and last day of the runs of days with a flag."""
    days = judged.sort("meter", "day").filter(pl.col(column))
    is_next = (pl.col("day") - pl.col("day").shift().over("meter")) == pl.duration(days=1)
    return (
        days.with_columns(run=(~is_next.fill_null(value=False)).cum_sum())
        .group_by("meter", "run")
        .agg(first=pl.col("day").min(), last=pl.col("day").max())
        .drop("run")
        .sort("meter", "first")
    )


def scores_by_home(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per meter, and a last one of all (meter null) with the scores of days and spells."""
    rows: list[dict[str, object]] = []
    for (meter,), part in judged.sort("meter", "day").group_by("meter", maintain_order=True):
        rows.append({"meter": meter, **day_scores(part), **spell_scores(part)})
    rows.append({"meter": None, **day_scores(judged), **spell_scores(judged)})
    return pl.DataFrame(rows, infer_schema_length=None)


def bootstrap_over_homes(judged: pl.DataFrame, score: str, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a score of `day_scores` over homes drawn with replacement (percentiles of the draws).

    Raises ValueError for an unknown score.
    """
    parts = [part for _, part in judged.sort("meter", "day").group_by("meter", maintain_order=True)]
    known = day_scores(judged)
    if score not in known:
        message = f"score {score!r} is unknown; expected one of {', '.join(known)}"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    weights = np.stack(
        [np.bincount(random.integers(0, len(parts), len(parts)), minlength=len(parts)) for _ in range(draws)]
    )
    columns = ("absent", "probability_absent", "flagged")
    homes = [tuple(part[name].to_numpy() for name in columns) for part in parts]
    if score.startswith("recall_at_"):
        values = _drawn_recalls(homes, weights, float(score.removeprefix("recall_at_")))
    elif score == "mcc":
        values = _drawn_correlations(homes, weights)
    else:
        values = [_drawn_score(homes, row, score) for row in weights]
    known_values = [value for value in values if not math.isnan(value)]
    low, high = np.quantile(known_values, [0.025, 0.975]) if known_values else (math.nan, math.nan)
    return float(low), float(high)


Home = tuple[np.ndarray, ...]
"""Arrays of the days of a home: absent, probability_absent, flagged."""


def _drawn_recalls(homes: list[Home], weights: np.ndarray, rate: float) -> list[float]:
    """`recall_at_false_alarms` of draws of homes (draws × homes: how often each is drawn), the days sorted once."""
    truth, chance = (np.concatenate([home[number] for home in homes]) for number in range(2))
    number = np.repeat(np.arange(len(homes)), [len(home[0]) for home in homes])
    order = np.argsort(-chance, kind="stable")
    falls, hits = order[~truth[order]], order[truth[order]]
    values = []
    for row in weights:
        false, true = np.cumsum(row[number[falls]]), np.cumsum(row[number[hits]])
        if not len(false) or not len(true) or false[-1] == 0 or true[-1] == 0:
            values.append(math.nan)
            continue
        place = min(int(rate * false[-1]), false[-1] - 1)
        bound = chance[falls[np.searchsorted(false, place, side="right")]]
        above = np.searchsorted(-chance[hits], -bound, side="left")
        values.append(float(true[above - 1] / true[-1]) if above else 0.0)
    return values


def _drawn_correlations(homes: list[Home], weights: np.ndarray) -> list[float]:
    """`matthews_correlation` of draws of homes, from the counts of each home."""
    counts = np.array(
        [
            [(truth & flag).sum(), (~truth & ~flag).sum(), (~truth & flag).sum(), (truth & ~flag).sum()]
            for truth, _, flag in homes
        ],
        dtype=np.float64,
    )
    return [_correlation(*row) for row in (weights @ counts).tolist()]


def _drawn_score(homes: list[Home], weights: np.ndarray, score: str) -> float:
    """A score of `day_scores` of one draw of homes."""
    chosen = [home for home, times in zip(homes, weights, strict=True) for _ in range(times)]
    names = ("absent", "probability_absent", "flagged")
    drawn = {name: np.concatenate([home[number] for home in chosen]) for number, name in enumerate(names)}
    return day_scores(pl.DataFrame(drawn))[score]


def reliability(probability: Floats, truth: Booleans, classes: int = 10) -> pl.DataFrame:
    """Calibration by class of probability: rows, mean probability, share of true ones; classes of equal width."""
    number = np.minimum((probability * classes).astype(np.int64), classes - 1)
    frame = pl.DataFrame({"number": number, "probability": probability, "truth": truth})
    return (
        frame.group_by("number")
        .agg(rows=pl.len(), mean_probability=pl.col("probability").mean(), true_share=pl.col("truth").mean())
        .sort("number")
        .drop("number")
    )


def calibration_slope(probability: Floats, truth: Booleans) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of the truth on the log odds; 1 and 0 are a perfect calibration.

    Newton's method in bounded steps, without a penalty. Probabilities are limited to 1e-6 … 1 - 1e-6.
    """
    limited = np.clip(probability, 1e-6, 1 - 1e-6)
    columns = np.column_stack([np.log(limited) - np.log1p(-limited), np.ones(len(limited))])
    weights = np.array([1.0, 0.0])
    for _ in range(200):
        fitted = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        variance = np.maximum(fitted * (1 - fitted), 1e-9)
        step = np.linalg.solve(columns.T @ (columns * variance[:, None]), columns.T @ (truth - fitted))
        weights = weights + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-8:
            break
    return float(weights[0]), float(weights[1])
