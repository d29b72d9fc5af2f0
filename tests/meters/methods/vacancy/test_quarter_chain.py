"""Chain of quarters: posteriors against the sum over all paths, balance, and flows of judgements that err."""

from __future__ import annotations

from datetime import date
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ons_bigdata.meters.methods.vacancy.model import default_model
from ons_bigdata.meters.methods.vacancy.quarter_chain import (
    SYMBOLS,
    VACANT_EDGES,
    ChainPrior,
    Panel,
    QuarterChain,
    default_prior,
    estimate_flows,
    fit_chain,
    observe,
    posteriors,
    prior_from_json,
    prior_to_json,
)

QUARTERS = [date(2009 + number // 4, 1 + 3 * (number % 4), 1) for number in range(8)]
CHANCES = {"v": 0.99, "o": 0.0001, "m": 0.03, "s": 0.0001, "?": None}


def test_a_class_of_observations_begins_at_the_bound_of_the_shipped_flag() -> None:
    assert VACANT_EDGES[1] == default_model().vacant.bound


def judged(homes: dict[str, str]) -> pl.DataFrame:
    """Quarters: v vacant, o lived in, s second home, m in between, ? not judged, blank: no row."""
    rows = [
        (meter, quarter, CHANCES[letter], letter == "s")
        for meter, letters in homes.items()
        for quarter, letter in zip(QUARTERS, letters, strict=False)
        if letter != " "
    ]
    columns = {"meter": pl.String, "quarter": pl.Date, "probability_vacant": pl.Float64, "is_second_home": pl.Boolean}
    return pl.DataFrame(rows, schema=columns, orient="row")


def random_chain(seed: int) -> QuarterChain:
    random = np.random.default_rng(seed)
    return QuarterChain(
        random.dirichlet(np.ones(3)), random.dirichlet(np.ones(3), 3), random.dirichlet(np.ones(SYMBOLS), 3)
    )


@settings(max_examples=30)
@given(st.text("vos?", min_size=1, max_size=5), st.integers(0, 20))
def test_posteriors_are_the_sums_over_all_paths(letters: str, seed: int) -> None:
    chain = random_chain(seed)
    panel = observe(judged({"a": "o" + letters}))
    states, pairs = posteriors(panel, chain)
    count = panel.symbols.shape[1]
    expected, of_pairs = np.zeros((count, 3)), np.zeros((count, 3, 3))
    for path in product(range(3), repeat=count):
        weight = chain.initial[path[0]]
        for place, state in enumerate(path):
            weight *= chain.transitions[path[place - 1], state] if place else 1
            symbol = panel.symbols[0, place]
            weight *= chain.emissions[state, symbol] if symbol >= 0 else 1
        for place, state in enumerate(path):
            expected[place, state] += weight
            if place:
                of_pairs[place, path[place - 1], state] += weight
    total = expected[0].sum()
    assert_allclose(states[0], expected / total, atol=1e-12)
    assert_allclose(pairs[0], of_pairs / total, atol=1e-12)


@settings(max_examples=15)
@given(st.lists(st.text("vosm? ", min_size=8, max_size=8), min_size=1, max_size=6), st.booleans())
def test_the_expected_stock_always_balances(homes: list[str], by_area: bool) -> None:
    names = [f"m{number}" for number in range(len(homes))]
    frame = judged(dict(zip(names, homes, strict=True)))
    areas = pl.DataFrame({"meter": names, "area": [f"a{number % 2}" for number in range(len(homes))]})
    table = estimate_flows(frame, areas if by_area else None)
    known = [quarter for quarter in QUARTERS if table.height and quarter <= table["quarter"].max()]
    for _, part in table.group_by("area"):
        before = 0.0
        for row in pl.DataFrame({"quarter": known}).join(part, on="quarter", how="left").fill_null(0).to_dicts():
            assert row["stock"] == pytest.approx(
                before + row["into"] - row["out"] + row["appeared"] - row["disappeared"], abs=1e-9
            )
            before = row["stock"]
    if by_area and table.height:
        whole, parts = estimate_flows(frame), table.group_by("quarter").agg(pl.col("into", "out").sum()).sort("quarter")
        assert_allclose(whole["into"], parts["into"], atol=1e-9)


def test_a_quarter_that_blinks_is_no_flow_and_a_lasting_change_is_one() -> None:
    homes = {f"o{number}": "oooooooo" for number in range(40)} | {f"v{number}": "vvvvvvvv" for number in range(4)}
    steady = estimate_flows(judged(homes))
    blinking = estimate_flows(judged(homes | {"v0": "vvvmvvvv", "o0": "ooosovoo"}))
    moved = estimate_flows(judged(homes | {"o0": "oooovvvv", "v0": "vvvoooss"}))
    sums = [(table["into"].sum(), table["out"].sum()) for table in (steady, blinking, moved)]
    assert max(sums[0]) < 0.1
    assert max(sums[1]) < 0.8  # counted as they are: one into and two out of vacancy
    assert sums[2] == pytest.approx((1, 1), abs=0.15)


def test_errors_are_estimated_without_truth() -> None:
    """Judgements of a simulated chain that err five times as often as the prior believes."""
    random = np.random.default_rng(8)
    transitions = np.array([[0.98, 0.0, 0.02], [0.0, 1.0, 0.0], [0.10, 0.0, 0.90]])
    emissions = np.full((3, SYMBOLS), 1e-9)
    emissions[0, [0, 8]], emissions[1, 1], emissions[2, [0, 8]] = (0.97, 0.03), 1.0, (0.05, 0.95)
    homes, count = 2000, 6

    def draw(shares: np.ndarray) -> np.ndarray:
        return (random.random((homes, 1)) < shares.cumsum(axis=1) / shares.sum(axis=1, keepdims=True)).argmax(axis=1)

    state = np.where(random.random(homes) < 0.2, 2, 0)
    symbols = np.zeros((homes, count), dtype=np.int64)
    into = 0
    for place in range(count):
        if place:
            after = draw(transitions[state])
            into += int(((state == 0) & (after == 2)).sum())
            state = after
        symbols[:, place] = draw(emissions[state])
    panel = Panel(pl.Series(range(homes)), pl.Series(QUARTERS[:count]), symbols)
    chain = fit_chain(panel, default_prior())
    found = posteriors(panel, chain)[1][:, :, :2, 2].sum()
    counted = int(((symbols[:, :-1] == 0) & (symbols[:, 1:] == 8)).sum())
    assert counted > 1.6 * into
    assert found == pytest.approx(into, rel=0.1)
    assert chain.emissions[0, 8] == pytest.approx(0.03, abs=0.006)


def test_bad_input_and_priors_of_another_version_are_refused() -> None:
    frame = judged({"a": "ov"})
    with pytest.raises(ValueError, match="areas: meter a has no area"):
        estimate_flows(frame, pl.DataFrame({"meter": ["b"], "area": ["x"]}))
    with pytest.raises(ValueError, match="is_second_home"):
        observe(frame.drop("is_second_home"))
    assert observe(frame.clear()).symbols.size == 0
    assert estimate_flows(frame.clear()).is_empty()
    prior = default_prior()
    text = prior_to_json(prior, "test")
    again = prior_from_json(text)
    assert all((getattr(again, name) == getattr(prior, name)).all() for name in vars(prior))
    with pytest.raises(ValueError, match=r"edges \[0.5\], expected"):
        prior_from_json('{"kind": "prior of the chain of quarters", "vacant_edges": [0.5]}')
    zero = ChainPrior(prior.initial * 0, prior.transitions, prior.emissions)
    with pytest.raises(ValueError, match="expected more than 0"):
        prior_from_json(prior_to_json(zero, "test"))
