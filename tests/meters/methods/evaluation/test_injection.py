"""Injection of absence: shares, lengths, what is replaced and what is scored; the same seed gives the same days."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.evaluation.injection import InjectionProtocol, inject_absence

BY_HAND = Path(__file__).parent.parent / "absence" / "homes_by_hand.py"
spec = importlib.util.spec_from_file_location("homes_by_hand", BY_HAND)
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)


def two_homes() -> pl.DataFrame:
    return pl.concat([homes.frame_of(homes.lived_in(300, n), meter=str(n)) for n in (1, 2)])


def test_share_lengths_and_gaps_of_the_spells():
    _, truth = inject_absence(two_homes(), 1)
    assert truth["absent"].mean() == pytest.approx(0.15, abs=0.01)
    spells = (
        truth.filter("absent").group_by("meter", "spell").agg(pl.len(), pl.col("day").min(), last=pl.col("day").max())
    )
    assert spells["len"].max() <= 14
    assert ((spells["last"] - spells["day"]).dt.total_days() + 1 == spells["len"]).all()
    ordered = spells.sort("meter", "day").with_columns(gap=pl.col("day") - pl.col("last").shift().over("meter"))
    assert (ordered["gap"].drop_nulls().dt.total_days() >= 2).all()


def test_injected_half_hours_come_from_the_nights_and_others_stay():
    frame = two_homes()
    injected, truth = inject_absence(frame, 2, InjectionProtocol(spike_day_share=0.0, nights=5))
    assert_frame_equal(injected.filter(~truth["absent"]), frame.filter(~truth["absent"]))
    row = truth.with_row_index().filter("absent")["index"][0]
    nights = np.array(frame["kwh_halfhours"].to_list())[max(row - 5, 0) : row + 6, 4:10]
    assert np.isin(np.array(injected["kwh_halfhours"][row].to_list()), nights).all()
    assert injected["kwh"][row] == pytest.approx(injected["kwh_halfhours"][row].sum(), rel=1e-6)


def test_spike_days_have_the_share_of_the_protocol():
    injected, truth = inject_absence(two_homes(), 3, InjectionProtocol(spike_day_share=0.5, prevalence=0.4))
    largest = injected.filter(truth["absent"])["kwh_halfhours"].list.max()
    assert (largest > 0.2).mean() == pytest.approx(0.5, abs=0.1)


def test_natural_lows_are_not_scored():
    kwh = homes.with_absence(200, 100, 6, seed=4)
    _, truth = inject_absence(homes.frame_of(kwh), 5)
    natural = truth[100:106].filter(~pl.col("absent"))
    assert natural.height == 6  # a spell is not laid over them either
    assert not natural["is_scored"].any()
    assert truth.filter("absent")["is_scored"].all()


def test_the_same_seed_gives_the_same_days():
    first, second, other = (inject_absence(two_homes(), seed)[0] for seed in (6, 6, 7))
    assert_frame_equal(first, second)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prevalence": 0.0}, "prevalence"),
        ({"shortest_days": 5, "longest_days": 2}, "lengths"),
        ({"block": 7}, "block"),
    ],
)
def test_an_impossible_protocol_is_refused(options: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        InjectionProtocol(**options)
