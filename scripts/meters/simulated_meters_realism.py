"""Realism of the simulated meters against real homes, as a table.

    python scripts/meters/simulated_meters_realism.py [--meters N] [--docs]

For each generator: twelve statistics of homes against those of eleven real homes (Kolmogorov–Smirnov distance); a
classifier that tells real weeks from simulated ones, split by home; the rule of the pilot on absences injected into
real and into simulated homes, and on the true absences of simulated ones, as the mean of some draws of homes, since a
draw differs from the next by some hundredths; and a membership test. Once: the shipped detector, which was fitted on
simulated homes alone, on real ones. Bounds are below; `--docs` writes the table of docs/simulated_meters.md anew.

Real homes are read from the shared data (`ONS_BIGDATA_SHARED`), and nothing of them is kept here. Results on simulated
homes say nothing about how well a method works on real ones.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.meters.generators import GENERATORS, simulate_meters
from ons_bigdata.simulation.meters.homes import OCCUPIED, draw_homes
from ons_bigdata.simulation.meters.realism import (
    STATISTICS,
    days_by_clock,
    kolmogorov_smirnov,
    measure_homes,
    measure_weeks,
    membership_auc,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "simulated_meters.md"
BEGIN, END = "<!-- realism -->", "<!-- end of realism -->"
FIRST_DAY, DAYS = date(2009, 7, 14), 536

MOST_DISTANCE = 0.391
"""Critical value of the one-sample Kolmogorov–Smirnov test at 5 % for eleven homes."""
MOST_AUC, MOST_MEMBERSHIP_AUC = 0.85, 0.55
RECALL_WITHIN, FALSE_DAYS_WITHIN = 0.05, 0.005
LEAST_RECALL, MOST_FALSE_DAYS = 0.8, 0.02
SPLITS = 5
"""Splits of homes over which the classifier of weeks is judged."""
SEEDS = 4
"""Seeds over which scores of injected absences in real homes are averaged."""
RULE_DRAWS = 6
"""Draws of homes of a generator over which scores of the rule are averaged: the bounds are the generator's, and a draw
of 300 meters is off by 0.02 of recall and 0.003 of false days (standard deviation over eight draws)."""


@dataclass(frozen=True)
class Measure:
    """A measure of one generator with its bound."""

    name: str
    real: float | None
    simulated: float
    bound: str
    holds: bool


def read_real_homes(shared: Path) -> dict[str, np.ndarray]:
    """Half hours of the real homes of the shared data: days × 48, NaN = missing, by the clock of their file.

    Raises FileNotFoundError without the files.
    """
    folder = shared / "data" / "meters"
    parts = {"MAC000060": pl.read_csv(folder / "lcl_MAC000060_halfhourly.csv").select("ts", "kwh")}
    for home in ("MAC000584", "MAC000985"):
        frame = pl.read_csv(folder / f"lcl_{home}_halfhourly.csv.gz")
        parts[home] = frame.select(ts="datetime", kwh="kwhh")
    others = pl.read_csv(folder / "sgsc_5_households_2013_halfhourly.csv.gz")
    for (home,), frame in others.group_by("customer_id", maintain_order=True):
        parts[str(home)] = frame.select("ts", "kwh")
    return {home: _days(frame) for home, frame in parts.items()}


def _days(readings: pl.DataFrame) -> np.ndarray:
    moment = pl.col("ts").str.slice(0, 16).str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M", strict=False)
    rows = (
        readings.select(at=moment, kwh=pl.col("kwh").cast(pl.Float64, strict=False))
        .drop_nulls()
        .filter(pl.col("at").dt.minute().is_in([0, 30]))
        .unique("at", keep="first", maintain_order=True)
        .with_columns(day=pl.col("at").dt.date().to_physical())
    )
    day = rows["day"].to_numpy()
    kwh = np.full((int(day.max() - day.min()) + 1, 48), np.nan)
    slot = (rows["at"].dt.hour().cast(pl.Int64) * 2 + rows["at"].dt.minute().cast(pl.Int64) // 30).to_numpy()
    kwh[day - day.min(), slot] = rows["kwh"].to_numpy()
    return kwh


def read_real_statistics(shared: Path) -> pl.DataFrame:
    """The twelve statistics of eleven real homes."""
    rows = pl.read_csv(shared / "data" / "meters" / "real_household_stats.csv")
    median = pl.col("med_day")
    return rows.select(
        "mean_day",
        "cv_day",
        q05_over_median=pl.col("q05") / median,
        q95_over_median=pl.col("q95") / median,
        hh_p95="hh_p95",
        hh_max="hh_max",
        night_level=48 * pl.col("night_med") / median,
        evening_share=pl.col("eve") / pl.col("hh_mean"),
        ac1="ac1",
        ac48="ac48",
        ac336="ac336",
        lowdays="lowdays",
    )


def compare_statistics(real: pl.DataFrame, simulated: pl.DataFrame) -> list[Measure]:
    """Distance of the distribution of each statistic; shown are the medians."""
    measures = []
    for name in STATISTICS:
        ours = simulated[name].fill_nan(None).drop_nulls().to_numpy()
        theirs = real[name].drop_nulls().to_numpy()
        distance = kolmogorov_smirnov(theirs, ours)
        label = f"{name}: distance {distance:.2f}"
        bound = f"distance ≤ {MOST_DISTANCE}"
        measures.append(
            Measure(label, float(np.median(theirs)), float(np.median(ours)), bound, distance <= MOST_DISTANCE)
        )
    return measures


def tell_weeks_apart(real: dict[str, np.ndarray], simulated: np.ndarray, seed: int) -> float:
    """Area under the curve of a classifier of real against simulated weeks, mean over `SPLITS` splits.

    No home is in both parts of a split. With eight real homes, two of them in each part that is tested, single splits
    differ by some 0.1.
    """
    return float(np.mean([_area_of_split(real, simulated, seed + number) for number in range(SPLITS)]))


def _area_of_split(real: dict[str, np.ndarray], simulated: np.ndarray, seed: int) -> float:
    """Area under the curve, with weeks, simulated homes and parts that are drawn by a seed."""
    random = np.random.default_rng(seed)
    parts, labels, groups = [], [], []
    homes = random.permutation(len(simulated))[: 8 * len(real)]
    for number, days in enumerate([*real.values(), *simulated[homes].astype(np.float64)]):
        weeks = measure_weeks(days)
        is_real = number < len(real)
        kept = random.permutation(len(weeks))[: 50 if is_real else 12]
        parts.append(weeks[kept])
        labels.append(np.full(kept.size, is_real))
        groups.append(np.full(kept.size, number))
    features, label, group = np.concatenate(parts), np.concatenate(labels), np.concatenate(groups)
    scores = np.zeros(label.size)
    for train, test in GroupKFold(n_splits=4, shuffle=True, random_state=seed).split(features, label, group):
        weight = np.where(label[train], 1 / label[train].sum(), 1 / (~label[train]).sum())
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=seed)
        with threadpool_limits(limits=1, user_api="openmp"):  # threads wait for each other on so few rows
            model.fit(features[train], label[train], sample_weight=weight * train.size)
        scores[test] = model.predict_proba(features[test])[:, 1]
    return float(roc_auc_score(label, scores))


def membership(real: dict[str, np.ndarray], simulated: np.ndarray) -> float:
    """Area under the curve of a membership test over the weeks of all real homes.

    The generators were set by aggregates and hold no week of a home: of every two weeks the first counts as a member.
    The test guards against a generator that resamples weeks that it was given.
    """
    weeks = [measure_weeks(days) for days in real.values()]
    of_simulated = np.concatenate([measure_weeks(days.astype(np.float64))[::8] for days in simulated])
    members, others = (np.concatenate([one[start::2] for one in weeks]) for start in (0, 1))
    return membership_auc(members, others, of_simulated)


def meter_days(homes: dict[str, np.ndarray], first_day: date) -> pl.DataFrame:
    """Frame of meter-days (meter, day, kwh_halfhours, kwh, readings) of days × 48 of each home."""
    parts = []
    for home, kwh in homes.items():
        flat = pl.Series(kwh.astype(np.float32).ravel()).fill_nan(None)
        parts.append(
            pl.DataFrame(
                {
                    "meter": [home] * len(kwh),
                    "day": pl.Series(np.datetime64(first_day) + np.arange(len(kwh))),
                    "kwh_halfhours": flat.reshape((len(kwh), 48)).arr.to_list(),
                }
            )
        )
    known = pl.col("kwh_halfhours").list.drop_nulls()
    return (
        pl.concat(parts)
        .with_columns(kwh=known.list.sum().cast(pl.Float64), readings=known.list.len().cast(pl.Int16))
        .filter(pl.col("readings") > 0)
    )


def rule_scores(days: pl.DataFrame, truth: pl.DataFrame) -> tuple[float, float]:
    """Recall and share of false days of the pilot's rule against a truth: meter, day, absent; optional is_scored."""
    from ons_bigdata.meters.methods.absence.detection import detect_absent_days  # noqa: PLC0415

    judged = detect_absent_days(days, method="rule").rename({"absent": "judged"})
    both = judged.join(truth, on=["meter", "day"]).filter(pl.col("judged").is_not_null())
    if "is_scored" in both.columns:
        both = both.filter("is_scored")
    return (
        float(both.filter("absent")["judged"].mean() or 0),  # type: ignore[arg-type]
        float(both.filter(~pl.col("absent"))["judged"].mean() or 0),  # type: ignore[arg-type]
    )


def injected_scores(days: pl.DataFrame, seeds: int) -> tuple[float, float]:
    """Scores of the rule on absences injected by the protocol of the evaluation, mean over seeds."""
    from ons_bigdata.meters.methods.evaluation.injection import inject_absence  # noqa: PLC0415

    scores = [rule_scores(*inject_absence(days, seed)) for seed in range(seeds)]
    return (float(np.mean([one for one, _ in scores])), float(np.mean([other for _, other in scores])))


def shipped_utility(days: pl.DataFrame, seed: int) -> tuple[float, float]:
    """Recall and share of false days of the shipped detector, fitted on simulated homes, on injected real ones."""
    from ons_bigdata.meters.methods.absence.detection import detect_absent_days  # noqa: PLC0415
    from ons_bigdata.meters.methods.evaluation.injection import inject_absence  # noqa: PLC0415

    injected, truth = inject_absence(days, seed)
    judged = detect_absent_days(injected).rename({"absent": "judged"}).join(truth, on=["meter", "day"])
    judged = judged.filter(pl.col("judged").is_not_null() & pl.col("is_scored"))
    return (
        float(judged.filter("absent")["judged"].mean() or 0),  # type: ignore[arg-type]
        float(judged.filter(~pl.col("absent"))["judged"].mean() or 0),  # type: ignore[arg-type]
    )


def utility_measures(shared: Path) -> list[Measure]:
    """Measures of the shipped detector, which was fitted on simulated homes alone, on injected real homes.

    Days are local ones, with their dates, as the detector is given them; means over `SEEDS` seeds.
    """
    from trial_homes import trial_homes  # noqa: PLC0415

    days = trial_homes(shared / "data" / "meters")
    recall, false_days = (float(value) for value in np.mean([shipped_utility(days, seed) for seed in range(SEEDS)], 0))
    return [
        Measure("shipped detector on injected real homes: recall", None, recall, "≥ 0.8", recall >= LEAST_RECALL),
        Measure("the same: false days", None, false_days, "≤ 0.02", false_days <= MOST_FALSE_DAYS),
    ]


def draw_lived_in(name: str, meters: int, seed: int) -> tuple[dict[str, np.ndarray], pl.DataFrame]:
    """Homes of a generator that are lived in (days × 48 by meter), and the truth of the days of all homes drawn."""
    homes = draw_homes(np.random.default_rng(seed), meters, first_day=FIRST_DAY, days=DAYS)
    drawn = simulate_meters(homes, seed=seed, first_day=FIRST_DAY, days=DAYS, generator=name)
    lived_in = np.flatnonzero((homes["occupancy"] == OCCUPIED).to_numpy())
    kwh = days_by_clock(drawn)[lived_in]
    return dict(zip(homes["meter"].gather(lived_in).to_list(), kwh, strict=True)), drawn.absent_days


def measure_generator(name: str, meters: int, seed: int, shared: Path) -> list[Measure]:
    """All measures of a generator that need no method of the pilot, then those of the rule."""
    real = read_real_homes(shared)
    homes, absent_days = draw_lived_in(name, meters, seed)
    simulated = np.stack(list(homes.values()))
    measures = compare_statistics(read_real_statistics(shared), measure_homes(simulated))
    auc = tell_weeks_apart(real, simulated, seed)
    measures.append(Measure("AUC of real against simulated weeks", None, auc, f"< {MOST_AUC}", auc < MOST_AUC))
    member = membership(real, simulated[:40])
    bound = f"≤ {MOST_MEMBERSHIP_AUC}"
    measures.append(Measure("AUC of membership", None, member, bound, member <= MOST_MEMBERSHIP_AUC))
    scores = [rule_of_draw(homes, absent_days)]
    scores += [rule_of_draw(*draw_lived_in(name, meters, 1000 * number + seed)) for number in range(1, RULE_DRAWS)]
    return measures + rule_measures(injected_scores(meter_days(real, FIRST_DAY), SEEDS), np.array(scores))


def rule_of_draw(homes: dict[str, np.ndarray], absent_days: pl.DataFrame) -> tuple[float, ...]:
    """Recall and share of false days of the rule on homes of a draw: of injected absences, then of true ones."""
    days = meter_days(homes, FIRST_DAY)
    return *injected_scores(days, 1), *rule_scores(days, absent_days)


def rule_measures(of_real: tuple[float, float], scores: np.ndarray) -> list[Measure]:
    """Measures of the rule, of the mean of draws (rows of `rule_of_draw`); their standard deviation is in the name."""
    measures = []
    names = [f"rule, {kind} absences: {score}" for kind in ("injected", "true") for score in ("recall", "false days")]
    for column, name in enumerate(names):
        real, within = of_real[column % 2], (RECALL_WITHIN, FALSE_DAYS_WITHIN)[column % 2]
        mean, spread = float(scores[:, column].mean()), float(scores[:, column].std(ddof=1))
        title = f"{name} (mean of {len(scores)} draws, SD {spread:.3f})"
        measures.append(Measure(title, real, mean, f"within {within}", abs(real - mean) <= within))
    return measures


def table(by_generator: dict[str, list[Measure]]) -> str:
    """Markdown table of the measures."""
    lines = ["| generator | measure | real | simulated | bound | |", "|---|---|---|---|---|---|"]
    for generator, measures in by_generator.items():
        for one in measures:
            real = "" if one.real is None else f"{one.real:.3f}"
            lines.append(
                f"| `{generator}` | {one.name} | {real} | {one.simulated:.3f} | {one.bound} |"
                f" {'holds' if one.holds else 'missed'} |"
            )
    return "\n".join(lines)


def write_docs(text: str) -> None:
    """Write the table of the page between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name}: no marks {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Print or write the measures; 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=300)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--generator", choices=sorted(GENERATORS))
    parser.add_argument("--docs", action="store_true", help="write the table of docs/simulated_meters.md")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # medians of days without readings
    shared = Settings().shared
    names = [arguments.generator] if arguments.generator else list(GENERATORS)
    measured = {name: measure_generator(name, arguments.meters, arguments.seed, shared) for name in names}
    if arguments.generator is None:
        measured["chain"] += utility_measures(shared)
    print(table(measured))
    if arguments.docs:
        write_docs(table(measured))
    return 0 if all(one.holds for measures in measured.values() for one in measures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
