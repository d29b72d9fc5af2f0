"""Effects of areas that follow official moves of earlier years: real moves of 2013 and 2015, known slopes, by hand."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.world.authorities import distances_km, read_authorities
from ons_bigdata.simulation.world.official_moves import (
    OTHER_AGES,
    STUDENT_AGES,
    fitted_destinations,
    read_official_moves,
    spread_over_authorities,
)
from ons_bigdata.tweets.methods.migration import pooled_area_migration
from ons_bigdata.tweets.methods.migration.earlier_moves import earlier_moves, last_year
from ons_bigdata.tweets.methods.migration.effect_priors import (
    _joint_loss,
    fit_prior,
    official_effects,
    prior_shape,
    shape_error,
)
from ons_bigdata.tweets.methods.migration.gravity import KINDS, GravityModel, fit_gravity

PERIOD = {"first_date": date(2014, 4, 1), "last_date": date(2014, 6, 30)}
AREAS = pl.DataFrame(
    {
        "authority": ["a", "b", "c", "d"],
        "region": ["r", "r", "s", "s"],
        "residents": [1_000_000, 500_000, 300_000, 700_000],
        "easting_m": [100_000.0, 150_000.0, 400_000.0, 420_000.0],
        "northing_m": [100_000.0, 120_000.0, 100_000.0, 150_000.0],
    }
)
OFFICIAL = pl.DataFrame(
    {
        "area": ["a", "b", "s"] * 2,
        "is_student_age": [False] * 3 + [True] * 3,
        "moves_out": [30_000.0, 40_000.0, 20_000.0, 9_000.0, 2_000.0, 4_000.0],
        "moves_in": [20_000.0, 50_000.0, 20_000.0, 3_000.0, 9_000.0, 3_000.0],
    }
)


def moves_and_risk(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """So many moves, from a to b and from c to d in turn, and users at risk by residents."""
    moves = pl.DataFrame(
        {
            "user_key": range(number),
            "from_area": ["a", "c"] * (number // 2),
            "to_area": ["b", "d"] * (number // 2),
            "moved_on": [date(2014, 5, 3)] * number,
            "is_migration": [True] * number,
        }
    )
    users = moves.select("user_key", area="from_area", months=pl.lit(0.5))
    others = AREAS.select(user_key=-1 - pl.int_range(pl.len()), area="authority", months=pl.col("residents") / 1_000)
    return moves, pl.concat([users, others]).with_columns(period=pl.lit(date(2014, 5, 1)))


@cache
def real_margins(year: int) -> pl.DataFrame:
    """Official moves of other ages and of those of students, of the authorities of the simulated world."""
    path = Settings().shared / "data" / "tweets" / "ons_internal_migration_la_year_age_2002_2015.csv.gz"
    if not path.is_file():
        pytest.skip(f"no official moves at {path} (set ONS_BIGDATA_SHARED)")
    authorities = read_authorities()
    parts = [
        spread_over_authorities(authorities, read_official_moves(path, year=year, ages=ages), "flows").select(
            pl.col("moved_out", "moved_in").name.suffix(name)
        )
        for name, ages in (("", OTHER_AGES), ("_students", STUDENT_AGES))
    ]
    return pl.concat(parts, how="horizontal")


def fitted(official: np.ndarray | None, seed: int) -> tuple[GravityModel, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Model of 500 moves drawn by the real margins of 2015 of 153 authorities, and true rates out and in."""
    authorities, margins = read_authorities(), real_margins(2015)
    people = authorities["residents_thousand"].to_numpy()
    chances = fitted_destinations(authorities, margins, decay_km=60.0) * margins["moved_out"].to_numpy()[:, None]
    random = np.random.default_rng(seed)
    counts = np.zeros((1, len(KINDS), len(people), len(people)))
    counts[0, 0] = random.poisson(500 * chances / chances.sum())
    months, flat = people[None, :] * 10, np.full(len(people), 0.1)
    model = fit_gravity(counts, months, people, flat, distances_km(authorities), official)
    return model, chances.sum(axis=1) / people, chances.sum(axis=0) / people


def agreement(official: np.ndarray | None, seed: int) -> list[float]:  # type: ignore[type-arg]
    """Correlation of estimated and true rates over authorities, out and in."""
    model, out, into = fitted(official, seed)
    people = read_authorities()["residents_thousand"].to_numpy()
    table = model.expected(people[None, :])[0]
    return [
        float(np.corrcoef(estimate / people, truth)[0, 1])
        for estimate, truth in ((table.sum(axis=1), out), (table.sum(axis=0), into))
    ]


def test_real_rates_of_two_years_before_help_as_far_as_the_moves_follow_them() -> None:
    """500 moves by the margins of 2015: those of 2013 bring the rates close; those of other authorities do no harm."""
    official = np.stack([column.to_numpy() for column in real_margins(2013)])
    strangers = official[:, np.random.default_rng(0).permutation(official.shape[1])]
    alone, helped, misled = (agreement(margins, seed=1) for margins in (None, official, strangers))
    assert min(helped) > 0.93 and min(np.subtract(helped, alone)) > 0.1
    assert min(np.subtract(misled, alone)) > -0.05


def test_official_effects_give_a_table_its_margins() -> None:
    random = np.random.default_rng(2)
    table = random.uniform(1, 9, (6, 6)) * ~np.eye(6, dtype=bool)
    wanted = np.outer(random.uniform(1, 5, 6), random.uniform(1, 5, 6)) * table
    origin, destination = official_effects(wanted.sum(axis=1), wanted.sum(axis=0), table)
    made = np.exp(origin)[:, None] * table * np.exp(destination)[None, :]
    np.testing.assert_allclose(made / made.sum(), wanted / wanted.sum(), rtol=1e-6)


def test_effects_by_hand_and_where_margins_are_not_known() -> None:
    """Two areas, of which each expects 10 moves: 30 and 10 official ones are effects of 1.5 and 0.5."""
    table = np.array([[0.0, 10.0], [10.0, 0.0]])
    origin, destination = official_effects(np.array([30.0, 10.0]), np.array([np.nan, 10.0]), table)
    assert np.exp(origin) == pytest.approx([1.5, 0.5])
    assert np.isnan(destination[0]) and np.isfinite(destination[1])


def test_the_loss_is_that_of_negative_binomial_counts() -> None:
    random = np.random.default_rng(6)
    n, due = random.poisson(4.0, 30).astype(float), random.uniform(1, 9, 30)
    losses = [_joint_loss(np.array([0.0, at]), n, due, np.zeros(30)) for at in (1.0, 3.0)]
    expected = [
        0.5 * (at - np.log(30.0)) ** 2 - nbinom.logpmf(n, np.exp(at), np.exp(at) / (np.exp(at) + due)).sum()
        for at in (1.0, 3.0)
    ]
    assert losses[1] - losses[0] == pytest.approx(expected[1] - expected[0])  # the slope's own part is the same


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_the_slope_on_the_pattern_is_that_of_the_counts(slope: float) -> None:
    random = np.random.default_rng(3)
    pattern, due = random.normal(0, 0.5, 400), random.uniform(2, 10, 400)
    effects = np.exp(slope * pattern) * random.gamma(40, 1 / 40, 400)
    prior = fit_prior(random.poisson(due * effects).astype(float), due, pattern)
    assert prior.slope == pytest.approx(slope, abs=3 * prior.slope_error)
    assert prior.slope_error < 0.08
    assert (due * prior.mean).sum() == pytest.approx(due.sum())
    drawn = np.std([np.log(prior.drawn_mean(random)) for _ in range(400)], axis=0)
    assert drawn[np.argmax(np.abs(pattern))] > 0.5 * prior.slope_error


def test_the_error_of_a_shape_is_that_of_repeated_samples() -> None:
    random, expected = np.random.default_rng(8), np.full(300, 20.0)
    found = []
    for _ in range(40):
        counts = random.poisson(expected * random.gamma(8.0, 1 / 8.0, 300)).astype(float)
        shape = prior_shape(counts, expected)
        found.append((np.log(shape), shape_error(counts, expected, shape)))
    logs, errors = np.transpose(found)
    assert errors.mean() == pytest.approx(logs.std(), rel=0.35)


def test_an_area_without_official_moves_has_the_mean_effect() -> None:
    random = np.random.default_rng(5)
    pattern, due = random.normal(0, 0.5, 60), np.full(60, 20.0)
    counts = random.poisson(due * np.exp(pattern)).astype(float)
    pattern[7] = np.nan
    prior = fit_prior(counts, due, pattern)
    known = np.delete(np.log(prior.mean), 7)
    assert known.min() < np.log(prior.mean[7]) < known.max()
    assert prior.pattern is not None and prior.pattern[7] == 0 and prior.shape[7] == 5.0 < prior.shape[0]


def test_official_moves_of_no_area_change_nothing() -> None:
    """Not one bit of the estimates and of their intervals."""
    moves, risk = moves_and_risk(40)
    nowhere = OFFICIAL.with_columns(area=pl.lit("elsewhere ") + pl.col("area"))
    once = pooled_area_migration(moves, AREAS, risk, **PERIOD)
    assert once.equals(pooled_area_migration(moves, AREAS, risk, **PERIOD, official=nowhere))
    assert not once.equals(pooled_area_migration(moves, AREAS, risk, **PERIOD, official=OFFICIAL))


@given(st.floats(0.01, 100.0), st.integers(0, 1_000))
@settings(max_examples=2, deadline=None)
def test_scale_and_order_of_official_moves_do_not_matter(scale: float, seed: int) -> None:
    moves, risk = moves_and_risk(20)
    once = pooled_area_migration(moves, AREAS, risk, **PERIOD, official=OFFICIAL)
    mixed = OFFICIAL.sample(fraction=1, shuffle=True, seed=seed).with_columns(pl.col("^moves_.*$") * scale)
    again = pooled_area_migration(moves, AREAS, risk, **PERIOD, official=mixed)
    for column in ("inflow", "outflow", "inflow_upper", "outflow_lower"):
        np.testing.assert_allclose(once[column], again[column], rtol=1e-3)


def test_a_region_stands_for_its_authorities_without_rows() -> None:
    """The row of s gives c and d the rate of s: as rows of their own with three and seven tenths of it."""
    moves, risk = moves_and_risk(40)
    own = pl.concat(
        [
            OFFICIAL.filter(pl.col("area") != "s"),
            *(
                OFFICIAL.filter(pl.col("area") == "s").with_columns(pl.col("^moves_.*$") * part, area=pl.lit(area))
                for area, part in (("c", 0.3), ("d", 0.7))
            ),
        ]
    )
    for by_region, by_row in zip(
        *(
            pooled_area_migration(moves, AREAS, risk, **PERIOD, official=rows).iter_rows(named=True)
            for rows in (OFFICIAL, own)
        ),
        strict=True,
    ):
        assert by_region["inflow"] == pytest.approx(by_row["inflow"], rel=1e-4)


def test_the_last_year_before_the_period_counts_on_the_codes_of_the_areas() -> None:
    """A year that ends within the period does not count; two authorities that became one are added up."""
    changes = pl.DataFrame(
        {
            "changed_on": [date(2009, 4, 1), date(2009, 4, 1), date(2019, 4, 1)],
            "old_code": ["E07000157", "E07000158", "E06000048"],
            "new_code": ["E06000048", "E06000048", "E06000057"],
        }
    )
    rows = [
        (date(2013, 6, 30), "E07000157", 1.0, 10.0),
        (date(2013, 6, 30), "E07000158", 2.0, 20.0),
        (date(2013, 6, 30), "S92000003", 4.0, 40.0),
        (date(2012, 6, 30), "E07000157", 100.0, 100.0),
        (date(2014, 6, 30), "E06000048", 100.0, 100.0),
    ]
    official = pl.DataFrame(
        rows, schema=["year_ending", "authority", "moves_in", "moves_out"], orient="row"
    ).with_columns(is_student_age=pl.lit(value=True))
    known = pl.Series(["E06000048", "S12000033"])
    found = earlier_moves(official, known, changes, before=date(2014, 4, 1))
    assert found is not None
    assert found.rows() == [("E06000048", True, 30.0, 3.0), ("S92000003", True, 40.0, 4.0)]
    later = earlier_moves(official, pl.Series(["E06000057"]), changes, before=date(2014, 7, 1))
    assert later is not None and later.rows() == [("E06000057", True, 100.0, 100.0)]
    assert earlier_moves(official, known, changes, before=date(2012, 6, 30)) is None
    assert last_year(official, date(2013, 6, 30)) == date(2012, 6, 30)


def test_bad_official_moves_are_refused() -> None:
    moves, risk = moves_and_risk(20)
    for rows, message in (
        (OFFICIAL.drop("moves_in"), r"official: column moves_in is missing"),
        (pl.concat([OFFICIAL, OFFICIAL]), r"official: .*area a"),
        (OFFICIAL.with_columns(moves_out=pl.lit(-1.0)), r"official: .*no moves_out of 0 or more"),
        (OFFICIAL.with_columns(moves_in=pl.lit(None, pl.Float64)), r"official: .*no moves_in of 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            pooled_area_migration(moves, AREAS, risk, **PERIOD, official=rows)
    size = 3
    arrays = (np.zeros((1, len(KINDS), size, size)), np.ones((1, size)), np.ones(size), np.ones(size))
    with pytest.raises(ValueError, match=r"official has shape \(2, 3\); expected \(4, 3\)"):
        fit_gravity(*arrays, np.ones((size, size)), np.ones((2, size)))
    with pytest.raises(ValueError, match="official has a value below 0 or an infinite one"):
        fit_gravity(*arrays, np.ones((size, size)), -np.ones((4, size)))
