"""Fit the prior of the chain of quarters: how often judgements of quarters err, on homes of the tuning generator.

Usage: python scripts/meters/fit_quarter_chain.py [--homes 200] [--write]

Half of the homes have further loads, as those on which the model of vacant quarters is calibrated. `--write` replaces
the shipped prior, `methods/vacancy/quarter_chain.json`. The evidence of transitions is little and by reasoning: what
the data say decides.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from evaluate_vacancy import FLOW_DAYS, FLOW_FIRST_DAY, with_truth
from fit_absence_model import GENERATOR, MANY_EMPTY
from varied_homes import varied

from ons_bigdata.meters.methods.vacancy import detect_vacancy
from ons_bigdata.meters.methods.vacancy.quarter_chain import (
    SECOND_HOME,
    SYMBOLS,
    VACANT,
    ChainPrior,
    observe,
    prior_to_json,
)
from ons_bigdata.simulation.meters.generators import Simulation
from ons_bigdata.simulation.meters.homes import draw_homes
from ons_bigdata.simulation.meters.simulated_days import simulated_days

PATH = Path(__file__).resolve().parents[2] / "ons_bigdata" / "meters" / "methods" / "vacancy" / "quarter_chain.json"
SEED = 5101
EMISSION_EVIDENCE = 50.0
"""Quarters of evidence that the errors on tuning homes are worth for each state."""
RARE = 0.5
"""Quarters added to each observation, so that none is impossible."""
INITIAL = np.array([0.92, 0.03, 0.05]) * 5
TRANSITIONS = np.array([[0.990, 0.002, 0.008], [0.005, 0.985, 0.010], [0.07, 0.01, 0.92]]) * 20
"""Some 8 in 1,000 homes become vacant in a quarter and 8 % of the vacant are occupied again, as the CSO counts."""


def tuning_quarters(homes: int) -> pl.DataFrame:
    """Judged quarters with truth of homes of the tuning generator."""
    drawn = draw_homes(np.random.default_rng(SEED), homes, first_day=FLOW_FIRST_DAY, days=FLOW_DAYS, shares=MANY_EMPTY)
    blocks = Simulation(SEED, FLOW_FIRST_DAY, FLOW_DAYS, GENERATOR).blocks(drawn)
    parts = []
    for number, block in enumerate(blocks):
        days = simulated_days(varied(block, 0.5, SEED * 100 + number))
        parts.append(with_truth(detect_vacancy(days), block.homes))
    return pl.concat(parts)


def fit_prior(quarters: pl.DataFrame) -> tuple[ChainPrior, np.ndarray]:
    """Prior of judged quarters with truth, and the quarters that it is of, by state and observation."""
    panel = observe(quarters)
    second = pl.when(pl.col("occupancy") == "second_home").then(SECOND_HOME).otherwise(0)
    state = pl.when(pl.col("is_vacant").fill_null(value=False)).then(VACANT).otherwise(second)
    truth = pl.DataFrame({"meter": panel.meters}).join(
        quarters.select("meter", "quarter", state=state), on="meter", maintain_order="left"
    )
    place = panel.quarters.search_sorted(truth["quarter"]).to_numpy()
    home = truth["meter"].rle_id().to_numpy()
    symbol = panel.symbols[home, place]
    counts = np.zeros((3, SYMBOLS))
    np.add.at(counts, (truth["state"].to_numpy()[symbol >= 0], symbol[symbol >= 0]), 1)
    shares = (counts + RARE) / (counts + RARE).sum(axis=1, keepdims=True)
    return ChainPrior(INITIAL, TRANSITIONS, shares * EMISSION_EVIDENCE), counts


def main() -> None:
    """Fit, print the counts, and write the prior if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--homes", type=int, default=200)
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    prior, counts = fit_prior(tuning_quarters(chosen.homes))
    print(counts.astype(int))
    if chosen.write:
        PATH.write_text(prior_to_json(prior, f"{chosen.homes} homes of generator {GENERATOR}, seed {SEED}"), "utf-8")


if __name__ == "__main__":
    main()
