"""Judge the detection of vacant quarters and second homes on the adversarial generator, next to the 180 kWh rule.

Usage: python scripts/meters/evaluate_vacancy.py [--homes 400] [--flow-homes 1000] [--generator bouts] [--write]
       python scripts/meters/evaluate_vacancy.py --flows-at-once [--flow-homes 400]

Each quarter is judged from the days up to its end alone, as it would be published. Prints the tables of
docs/meters/vacancy/vacant_quarters.md, which `--write` replaces with its chart. No truth on vacancy of real homes was
available.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from fit_absence_model import DAYS, FIRST_DAY, MANY_EMPTY, share, vacant_throughout

from ons_bigdata.meters.methods.evaluation.scores import (
    bound_at_false_alarms,
    calibration_slope,
    precision_at_prevalence,
    reliability,
)
from ons_bigdata.meters.methods.vacancy import (
    detect_vacancy,
    estimate_flows,
    low_consumption_rule,
    stock_and_flow,
)
from ons_bigdata.simulation.meters.generators import Simulation, simulate_meters
from ons_bigdata.simulation.meters.homes import draw_homes
from ons_bigdata.simulation.meters.simulated_days import simulated_days

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "meters" / "vacancy" / "vacant_quarters.md"
CHART = ROOT / "docs" / "meters" / "vacancy" / "reliability.svg"
VACANT_SHARE = 0.045
SEED = 3901
SEEDS = (SEED, SEED + 10, SEED + 11)
"""Seeds of the homes by which judgements are judged: of 400 homes, some forty are vacant for four quarters."""
FLOW_FIRST_DAY, FLOW_DAYS = date(2009, 1, 1), 730
"""Eight whole quarters, by which flows are judged on homes of another seed."""


def judged_homes(homes: int, generator: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judged quarters with truth of so many homes of each of SEEDS, and the judgements of the rule of 180 kWh."""
    parts, rules = [], []
    for seed in SEEDS:
        drawn = draw_homes(np.random.default_rng(seed), homes, first_day=FIRST_DAY, days=DAYS, shares=MANY_EMPTY)
        meters = simulate_meters(drawn, seed=seed, first_day=FIRST_DAY, days=DAYS, generator=generator)
        days = simulated_days(meters)
        named = pl.format("{}-{}", pl.lit(seed), "meter")
        parts.append(with_truth(as_published(days), drawn).with_columns(meter=named))
        rules.append(low_consumption_rule(days).with_columns(meter=named))
    return pl.concat(parts), pl.concat(rules)


def as_published(days: pl.DataFrame) -> pl.DataFrame:
    """Judgement of each quarter by the days up to its end."""
    ends = days["day"].dt.truncate("1q").unique().sort()
    parts = []
    for quarter in ends:
        known = days.filter(pl.col("day").dt.truncate("1q") <= quarter)
        parts.append(detect_vacancy(known).filter(pl.col("quarter") == quarter))
    return pl.concat(parts).sort("meter", "quarter")


def with_truth(judged: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """Judged quarters with truth: is_vacant (null where for a part), occupancy, and how many quarters it is vacant."""
    facts = homes.select("meter", "occupancy", "vacant_from", "vacant_until")
    joined = judged.join(facts, on="meter", maintain_order="left").with_columns(is_vacant=vacant_throughout())
    vacant = pl.col("is_vacant").fill_null(value=False)
    return joined.with_columns(nth=pl.when(vacant).then(vacant.cast(pl.Int32).cum_sum().over("meter")))


def recall_table(judged: pl.DataFrame, rule: pl.DataFrame) -> tuple[list[str], float]:
    """Rows of the table of recall at the specificity of the rule, by quarters of vacancy; and the bound."""
    both = judged.join(rule.select("meter", "quarter", low="vacant"), on=["meter", "quarter"], maintain_order="left")
    known = both.filter(pl.col("vacant").is_not_null() & pl.col("is_vacant").is_not_null())
    others = known.filter(~pl.col("is_vacant"))
    settled = others.filter(pl.col("quarter") >= known["quarter"].unique().sort()[3])
    false = float(settled["low"].fill_null(value=False).mean())  # type: ignore[arg-type]
    truth, chance = known["is_vacant"].to_numpy(), known["probability_vacant"].to_numpy()
    bound = bound_at_false_alarms(truth, chance, false)
    lines = [
        f"Specificity of the rule: {1 - false:.4f} ({settled.height} quarters of homes that are not vacant). "
        f"Our bound at it: {bound:.3f}.",
        "",
        "| quarters vacant | homes | ours | ours without zero-reading meters | shipped flag | 180 kWh rule |",
        "|---|---|---|---|---|---|",
    ]
    for nth in (1, 2, 3, 4):
        part = known.filter(pl.col("is_vacant") & (pl.col("nth") == nth))
        some = part.filter(~pl.col("reads_zero"))
        cells = [
            share(part["probability_vacant"] > bound),
            share(some["probability_vacant"] > bound),
            share(part["vacant"]),
            share(part["low"].fill_null(value=False)),
        ]
        lines.append(f"| {nth} | {part.height} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    flag = share(others["vacant"])
    recall = share(known.filter("is_vacant")["vacant"])
    at_bound = known.filter("is_vacant").select((pl.col("probability_vacant") > bound).mean()).item()
    lines += ["", "| predictive value | at 3 % vacant | at 5 % vacant |", "|---|---|---|"]
    for name, hit, miss in (("at the rule's specificity", at_bound, false), ("shipped flag", recall, flag)):
        values = [precision_at_prevalence(hit, miss, prevalence) for prevalence in (0.03, 0.05)]
        lines.append(f"| {name} | {values[0]:.2f} | {values[1]:.2f} |")
    return lines, bound


def calibration_lines(judged: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Calibration slope at the share of vacant homes of the national indicator, and the reliability table."""
    known = judged.filter(pl.col("vacant").is_not_null() & pl.col("is_vacant").is_not_null())
    truth, chance = known["is_vacant"].to_numpy(), known["probability_vacant"].to_numpy()
    random = np.random.default_rng(1)
    wanted = VACANT_SHARE / (1 - VACANT_SHARE) * (~truth).sum()
    rows = np.concatenate([np.flatnonzero(~truth), random.choice(np.flatnonzero(truth), round(wanted))])
    slope, intercept = calibration_slope(chance[rows], truth[rows])
    return [f"Calibration slope {slope:.2f}, intercept {intercept:.2f}."], reliability(chance[rows], truth[rows])


def second_home_lines(judged: pl.DataFrame) -> list[str]:
    """F1 of second homes, by home: flagged in at least half of the quarters from the second year's quarter on."""
    whole = judged.filter(pl.col("is_second_home").is_not_null())
    homes = (
        whole.sort("meter", "quarter")
        .group_by("meter", maintain_order=True)
        .agg(flagged=pl.col("is_second_home").tail(3).mean() >= 0.5, truly=pl.col("occupancy").first() == "second_home")
    )
    right = homes.filter(pl.col("flagged") & pl.col("truly")).height
    flagged, truly = int(homes["flagged"].sum()), int(homes["truly"].sum())
    return [
        f"Second homes: F1 {2 * right / (flagged + truly):.2f} (precision {right / max(flagged, 1):.2f}, "
        f"recall {right / max(truly, 1):.2f}; {truly} second homes of {homes.height})."
    ]


def flow_lines(judged: pl.DataFrame) -> list[str]:
    """Stock and flows as expected, by the judgement as it is, and by the truth."""
    truth = judged.with_columns(vacant=pl.col("is_vacant").fill_null(value=False), onset=pl.col("vacant_from"))
    heads = [f"{name}, {kind}" for name in ("stock", "into", "out") for kind in ("expected", "counted", "true")]
    lines = ["| quarter | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    columns = ("quarter", "stock", "into", "out", "appeared", "disappeared")
    tables = [estimate_flows(judged), stock_and_flow(judged), stock_and_flow(truth)]
    expected, counted, true = (table.select(columns).to_dicts() for table in tables)
    sums = dict.fromkeys(("stock", "into", "out"), (0.0, 0.0, 0.0))
    for rows in zip(expected, counted, true, strict=True):
        cells = []
        for name in sums:
            sums[name] = tuple(total + row[name] for total, row in zip(sums[name], rows, strict=True))
            cells.append(f"{rows[0][name]:.1f} | {rows[1][name]} | {rows[2][name]}")
        lines.append(f"| {rows[2]['quarter']} | " + " | ".join(cells) + " |")
    shown = "; ".join(
        f"{name} expected {value[0]:.1f} ({value[0] / value[2] - 1:+.0%}), counted {value[1]:.0f} "
        f"({value[1] / value[2] - 1:+.0%}), true {value[2]:.0f}"
        for name, value in sums.items()
    )
    first = dict.fromkeys(("into", "out"), 0.0)
    for quarter in judged["quarter"].unique().sort()[1:]:
        last = estimate_flows(judged.filter(pl.col("quarter") <= quarter)).row(-1, named=True)
        first = {name: total + last[name] for name, total in first.items()}
    early = "; ".join(f"{name} {total:.1f} ({total / sums[name][2] - 1:+.0%})" for name, total in first.items())
    return [
        *lines,
        "",
        f"Over all quarters: {shown}. Expected flows as first published, without the quarters after: {early}.",
    ]


def flow_homes(
    homes: int, generator: str, judge: Callable[[pl.DataFrame], pl.DataFrame], seeds: Sequence[int] = (SEED + 1,)
) -> pl.DataFrame:
    """Judged quarters with truth of so many homes of each seed over eight whole quarters, a hundred at a time."""
    parts = []
    for seed in seeds:
        drawn = draw_homes(
            np.random.default_rng(seed), homes, first_day=FLOW_FIRST_DAY, days=FLOW_DAYS, shares=MANY_EMPTY
        )
        for block in Simulation(seed, FLOW_FIRST_DAY, FLOW_DAYS, generator).blocks(drawn):
            judged = with_truth(judge(simulated_days(block)), block.homes)
            parts.append(judged.with_columns(meter=pl.format("{}-{}", pl.lit(seed), "meter")))
    return pl.concat(parts)


def onset_line(judged: pl.DataFrame) -> str:
    """Error of the onset of vacancies that begin within the data."""
    first = judged.filter(pl.col("vacant") & pl.col("is_vacant") & (pl.col("vacant_from") > FIRST_DAY))
    errors = (first["onset"] - first["vacant_from"]).dt.total_days().abs().drop_nulls()
    return f"Onset: median error {np.median(errors.to_numpy()):.0f} days, within 14 days {share(errors <= 14):.2f}."


def chart(table: pl.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Reliability of the probabilities: a point for each class, with the 95 % interval of its share (Wilson)."""
    share, rows = pl.col("true_share"), pl.col("rows")
    centre, spread = (share + 1.92 / rows), 1.96 * (share * (1 - share) / rows + 0.96 / rows**2).sqrt()
    shown = table.with_columns(
        low=(centre - spread) / (1 + 3.84 / rows), high=(centre + spread) / (1 + 3.84 / rows), quarters="rows"
    )
    title = alt.Title(
        "Share of vacant quarters by probability of vacancy",
        subtitle="adversarial generator; numbers: quarters in the class; dashed: perfect calibration",
    )
    base = alt.Chart(shown, title=title).encode(
        x=alt.X("mean_probability:Q", title="mean probability of vacancy in the class", scale=alt.Scale(domain=[0, 1]))
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=alt.Y("true_share:Q", title="share vacant", scale=alt.Scale(domain=[0, 1]))
    )
    bars = base.mark_rule().encode(y="low:Q", y2="high:Q")
    labels = base.mark_text(dx=6, dy=-8, align="left").encode(y="true_share:Q", text="quarters:Q")
    line = alt.Chart(pl.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})).mark_line(strokeDash=[4, 4], color="grey")
    return alt.layer(line.encode(x="x", y="y"), bars, points, labels).properties(width=400, height=320)


def main() -> None:
    """Judge, print the tables, and write the page if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--homes", type=int, default=400, help="homes of each of three seeds")
    arguments.add_argument("--flow-homes", type=int, default=1000)
    arguments.add_argument("--generator", default="bouts")
    arguments.add_argument(
        "--flows-at-once", action="store_true", help="only flows, each quarter judged by all days, as a later run does"
    )
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    if chosen.flows_at_once:
        judged = flow_homes(chosen.flow_homes, chosen.generator, detect_vacancy, (SEED + 1, SEED + 2))
        print(*flow_lines(judged), sep="\n")
        return
    judged, rule = judged_homes(chosen.homes, chosen.generator)
    recall, _ = recall_table(judged, rule)
    slope, table = calibration_lines(judged)
    tables = {
        "recall": recall,
        "calibration": slope,
        "second homes": second_home_lines(judged),
        "onset": [onset_line(judged)],
        "flows": flow_lines(flow_homes(chosen.flow_homes, chosen.generator, as_published)),
    }
    for name, lines in tables.items():
        print(name, *lines, sep="\n", end="\n\n", flush=True)
    if chosen.write:
        text = PAGE.read_text("utf-8")
        for name, lines in tables.items():
            begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
            before, rest = text.split(begin)
            text = before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]
        PAGE.write_text(text, encoding="utf-8")
        chart(table).save(str(CHART))


if __name__ == "__main__":
    main()
