"""A register with late registrations: by hand, shares, seeds."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.registers import Registration, registered_moves

NEVER = Registration(never_share=1 - 1e-12, median_days=1.0)
IN_TEN_DAYS = Registration(never_share=1e-12, median_days=10.0, log_spread=0.0)


def moves(*rows: tuple[int, str, int, str, str, date]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema=["person", "sex", "age", "origin", "destination", "moved_on"], orient="row"
    ).with_columns(pl.col("person").cast(pl.Int64))


def test_a_person_who_moves_on_before_registering_never_appears_between() -> None:
    """Person 1 leaves a for b, and b for c five days later: the register shows a to c. Person 2 returns: nothing."""
    shown = registered_moves(
        moves(
            (1, "female", 30, "a", "b", date(2015, 9, 1)),
            (1, "female", 30, "b", "c", date(2015, 9, 6)),
            (2, "male", 50, "a", "b", date(2015, 9, 1)),
            (2, "male", 50, "b", "a", date(2015, 9, 6)),
            (3, "male", 24, "a", "b", date(2015, 9, 1)),
            (4, "male", 25, "a", "b", date(2015, 9, 1)),
        ),
        seed=1,
        prompt=IN_TEN_DAYS,
        late=NEVER,
        area_spread=0.0,
    )
    assert shown.select("person", "origin", "destination", "registered_on").rows() == [
        (1, "a", "c", date(2015, 9, 16)),
        (4, "a", "b", date(2015, 9, 11)),
    ]


def test_young_men_are_missing_by_the_share_and_late_by_the_median() -> None:
    true = pl.DataFrame(
        {
            "person": np.arange(20_000),
            "sex": np.where(np.arange(20_000) % 2 == 0, "male", "female"),
            "age": np.full(20_000, 20),
            "origin": "home",
            "destination": "hall",
            "moved_on": date(2014, 9, 20),
        }
    )
    late = Registration(never_share=0.4, median_days=200.0)
    shown = registered_moves(true, seed=4, late=late, area_spread=0.0)
    men = shown.filter(pl.col("sex") == "male")
    assert abs(men.height / 10_000 - 0.6) < 0.02
    assert abs(shown.filter(pl.col("sex") == "female").height / 10_000 - 0.97) < 0.01
    median = men.select((pl.col("registered_on") - date(2014, 9, 20)).median()).item()
    assert abs(median - timedelta(days=200)) < timedelta(days=8)
    assert shown.equals(
        registered_moves(true.sample(fraction=1, shuffle=True, seed=1), seed=4, late=late, area_spread=0.0)
    )
