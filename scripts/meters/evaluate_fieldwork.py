"""Simulate fieldwork with five calls on the adversarial generator: usual times against calendar and prediction.

Usage: python scripts/meters/evaluate_fieldwork.py [--homes 600] [--generator bouts] [--write]

The calendar and the prediction use the days before the fieldwork alone. Prints the tables of
docs/meters/fieldwork/calls.md, which `--write` replaces with its chart.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl

from ons_bigdata.meters.methods.fieldwork import FieldCosts, case_for_use, contact_calendar
from ons_bigdata.meters.methods.fieldwork.calls import (
    calendar_calls,
    calls_per_contact,
    outcome_of_calls,
    saving,
    usual_calls,
)
from ons_bigdata.meters.methods.vacancy import detect_vacancy
from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import draw_homes
from ons_bigdata.simulation.meters.simulated_days import simulated_days

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "meters" / "fieldwork" / "calls.md"
CHART = ROOT / "docs" / "meters" / "fieldwork" / "calendar.svg"
FIRST_DAY, BEFORE, FIELD_DAYS = date(2009, 12, 1), 182, 28
"""Two quarters of readings, nearly, then four weeks of calls."""
CALLS, SEED = 5, 77
COSTS = FieldCosts(call=15.0, missed_home=120.0)
"""Pounds: assumptions for the example, not survey costs."""


def main() -> None:
    """Simulate, print the tables, and write the page if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--homes", type=int, default=600)
    arguments.add_argument("--generator", default="bouts")
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    days = BEFORE + FIELD_DAYS
    homes = draw_homes(np.random.default_rng(SEED), chosen.homes, first_day=FIRST_DAY, days=days)
    meters = simulate_meters(homes, seed=SEED, first_day=FIRST_DAY, days=days, generator=chosen.generator)
    begin = FIRST_DAY + timedelta(days=BEFORE)
    known = simulated_days(meters).filter(pl.col("day") < begin)
    calendar = contact_calendar(known, homes.select("meter", "area"))
    latest = detect_vacancy(known).sort("meter", "quarter").group_by("meter", maintain_order=True).last()
    chance = latest.sort("meter")["probability_vacant"].fill_null(0.0).to_numpy()
    flagged = latest.sort("meter")["vacant"].fill_null(value=False).to_numpy()
    order = homes["meter"].to_list() == sorted(homes["meter"].to_list())
    if not order:
        message = "homes are not sorted by meter"
        raise ValueError(message)
    covers_begin = (homes["vacant_from"] < begin) & (homes["vacant_until"].fill_null(date.max) >= begin)
    is_empty = covers_begin.fill_null(value=False).to_numpy()
    clock = HalfHours(FIRST_DAY, days, "Europe/Dublin")
    awake = meters.people_awake[:, clock.starts[BEFORE] :].reshape(chosen.homes, FIELD_DAYS, 48) > 0
    tables = {
        "fieldwork": outcomes(homes, calendar, awake, flagged, is_empty, begin),
        "case": case_lines(chance, is_empty),
    }
    for name, lines in tables.items():
        print(name, *lines, sep="\n", end="\n\n", flush=True)
    if chosen.write:
        text = PAGE.read_text("utf-8")
        for name, lines in tables.items():
            start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
            before, rest = text.split(start)
            text = before + start + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]
        PAGE.write_text(text, encoding="utf-8")
        chart(calendar).save(str(CHART))


def outcomes(
    homes: pl.DataFrame,
    calendar: pl.DataFrame,
    awake: np.ndarray,
    flagged: np.ndarray,
    is_empty: np.ndarray,
    begin: date,
) -> list[str]:
    """Rows of the table of plans, and the saving with its interval."""
    weekdays = np.array([(begin + timedelta(days=day)).isoweekday() for day in range(FIELD_DAYS)])
    random = np.random.default_rng(SEED)
    answers = random.random((homes.height, CALLS))
    usual = usual_calls(homes.height, weekdays, CALLS, random)
    planned = calendar_calls(homes["area"].to_list(), calendar, weekdays, CALLS, random)
    named = {
        "usual times": outcome_of_calls(usual, awake, answers),
        "calendar": outcome_of_calls(planned, awake, answers),
        "usual times, homes predicted vacant skipped": outcome_of_calls(usual, awake, answers, flagged),
        "calendar, homes predicted vacant skipped": outcome_of_calls(planned, awake, answers, flagged),
    }
    lines = ["| plan | calls | homes contacted | calls per contact | saving (95 % interval) |", "|---|---|---|---|---|"]
    for name, outcome in named.items():
        saved, low, high = saving(named["usual times"], outcome, 1000, SEED)
        lines.append(
            f"| {name} | {outcome['calls'].sum()} | {outcome['is_contacted'].sum()} "
            f"| {calls_per_contact(outcome):.2f} | {saved:.1%} ({low:.1%} to {high:.1%}) |"
        )
    wrong = (flagged & ~is_empty).sum() / (~is_empty).sum()
    right = (flagged & is_empty).sum()
    lines += [
        "",
        f"Homes that are not vacant and are skipped: {wrong:.2%} of {(~is_empty).sum()}. Vacant homes skipped: {right} "
        f"of {is_empty.sum()}.",
    ]
    return lines


def case_lines(chance: np.ndarray, is_empty: np.ndarray) -> list[str]:
    """Rows of the case for use."""
    table = case_for_use(
        chance, is_empty, thresholds=(0.3, 0.5, 0.7, 0.9), prevalences=(0.02, 0.045, 0.08), costs=COSTS
    )
    lines = [
        "| threshold | share of vacant homes | vacant homes skipped | other homes skipped | calls saved "
        "| share of all calls | predictive value | net saving, £ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dicts():
        value = "" if row["predictive_value"] is None else f"{row['predictive_value']:.2f}"
        lines.append(
            f"| {row['threshold']} | {row['prevalence']:.1%} | {row['skipped_empty']:.0f} "
            f"| {row['skipped_occupied']:.0f} | {row['calls_saved']:.0f} | {row['calls_saved_share']:.1%} | {value} "
            f"| {row['net_saving']:.0f} |"
        )
    return lines


def chart(calendar: pl.DataFrame) -> alt.Chart:
    """Chance of use by weekday and period, all areas together."""
    whole = calendar.filter(pl.col("area").is_null()).with_columns(
        day=pl.col("weekday").replace_strict(dict(enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), 1)))
    )
    return (
        alt.Chart(whole, title="Chance of somebody at home, all areas (simulated meters)")
        .mark_rect()
        .encode(
            x=alt.X("period:N", title="time of day, hours", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("day:N", sort=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], title="weekday"),
            color=alt.Color("chance:Q", title="chance", legend=alt.Legend(format="%")),
        )
        .properties(width=360, height=220)
    )


if __name__ == "__main__":
    main()
