"""Pooled flows: real flows between regions seen in samples, a known model, examples by hand, properties, errors."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods.migration import flows, pooled_area_migration, pooled_flows
from ons_bigdata.tweets.methods.migration.effect_priors import prior_shape
from ons_bigdata.tweets.methods.migration.gravity import (
    EFFECTS,
    KINDS,
    OF_DESTINATION,
    OF_ORIGIN,
    fit_gravity,
    student_shares,
)
from ons_bigdata.tweets.methods.migration.pooled import PAIR_PRIOR

# Residents (millions, 2014, rounded) and middle (km, British National Grid, rounded) of the regions.
REGIONS = {
    "North East": (2.6, 425, 560), "North West": (7.1, 370, 410), "Yorkshire and The Humber": (5.4, 440, 430),
    "East Midlands": (4.6, 465, 335), "West Midlands": (5.7, 400, 290), "East": (6.0, 560, 260),
    "London": (8.5, 530, 180), "South East": (8.9, 500, 150), "South West": (5.4, 330, 110),
    "Wales": (3.1, 310, 220), "Scotland": (5.3, 290, 670), "Northern Ireland": (1.8, 146, 529),
}  # fmt: skip
PERIOD = {"first_date": date(2014, 4, 1), "last_date": date(2014, 6, 30)}


def areas_of(regions: dict[str, tuple[float, float, float]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(name, name, round(people * 1e6), east * 1e3, north * 1e3) for name, (people, east, north) in regions.items()],
        schema=["authority", "region", "residents", "easting_m", "northing_m"],
        orient="row",
    )


def drawn_moves(pairs: pl.DataFrame, number: int, seed: int) -> pl.DataFrame:
    """Moves of so many users, each from one to another area by the shares of the flows, in turn in three months."""
    random = np.random.default_rng(seed)
    rows = pairs[random.choice(pairs.height, number, p=(pairs["moves"] / pairs["moves"].sum()).to_numpy())]
    return rows.select(
        user_key=pl.int_range(pl.len()),
        from_area="origin",
        to_area="destination",
        moved_on=pl.lit(date(2014, 5, 3)).dt.offset_by(pl.format("{}mo", (pl.int_range(pl.len()) + 1) % 3 - 1)),
        is_migration=pl.lit(value=True),
    )


def at_risk(areas: pl.DataFrame, months: float, movers: pl.DataFrame) -> pl.DataFrame:
    """Months at risk in proportion to the residents, of users without a move; those with one have none to speak of."""
    share = areas["residents"] / areas["residents"].sum() / 3
    others = areas.select(user_key=-1 - pl.int_range(pl.len()), area="authority", months=months * share)
    moved = movers.select("user_key", area="from_area", months=pl.lit(1e-9))
    calendar = pl.DataFrame({"period": [date(2014, month, 1) for month in (4, 5, 6)]})
    return pl.concat([others, moved]).join(calendar, how="cross")


def common_part(estimate: pl.DataFrame, truth: pl.DataFrame) -> float:
    """Common part of commuters of two tables, the first scaled to the total of the second."""
    both = truth.join(estimate, on=["origin", "destination"], how="left").with_columns(pl.col("flow").fill_null(0.0))
    scaled = both["flow"] * both["moves"].sum() / both["flow"].sum()
    return float(2 * pl.DataFrame([scaled, both["moves"]]).min_horizontal().sum() / (2 * both["moves"].sum()))


@cache
def real_flows() -> pl.DataFrame:
    path = Settings().shared / "data" / "tweets" / "ons_region_flows_2015_long.csv"
    if not path.is_file():
        pytest.skip(f"no official flows between regions at {path} (set ONS_BIGDATA_SHARED)")
    return pl.read_csv(path).filter(pl.col("origin") != pl.col("destination")).sort("origin", "destination")


def test_samples_of_real_flows_between_regions() -> None:
    """Of 300 moves drawn from the official matrix the pooled estimate has more in common with it than the counts."""
    areas, truth = areas_of(REGIONS), real_flows()
    raw, pooled, inside = [], [], []
    for seed in range(4):
        moves = drawn_moves(truth, 300, seed)
        risk = at_risk(areas, 50_000.0, moves)
        raw.append(common_part(flows(moves, areas, risk, **PERIOD, level="region", least_users=0.0), truth))
        estimate = pooled_flows(moves, areas, risk, **PERIOD)
        pooled.append(common_part(estimate, truth))
        both = truth.join(estimate.drop("moves"), on=["origin", "destination"])
        factor = both["flow"].sum() / both["moves"].sum()
        inside.append((both["moves"] * factor).is_between(both["lower"], both["upper"]).mean())
    assert min(np.subtract(pooled, raw)) > 0.03
    assert np.mean(pooled) > 0.85
    assert np.mean(inside) > 0.8  # of intervals of 95 %; the model of real flows is not the true one


def test_known_decay_and_effects_are_recovered() -> None:
    """Expected counts of a model: decay, and effects of leaving and arriving up to a factor, come back."""
    random = np.random.default_rng(4)
    size = 15
    place = random.uniform(0, 400, (size, 2))
    apart = np.hypot(*(place[:, None] - place[None, :]).transpose(2, 0, 1))
    residents, students = random.uniform(1e5, 1e6, size), random.uniform(0.01, 0.2, size)
    months = residents[None, :] * np.array([[0.3], [0.2]])
    effects = random.gamma(20, 1 / 20, (len(EFFECTS), size))
    counts = np.zeros((2, len(KINDS), size, size))
    for kind, attraction in enumerate((residents, residents * students, residents)):
        weight = (
            attraction[None, :] * np.maximum(apart, 1.0) ** -0.6 * np.exp(-0.004 * apart) * ~np.eye(size, dtype=bool)
        )
        origin = (students / students.mean() if kind == 2 else np.ones(size)) * effects[OF_ORIGIN[kind]]
        rates = weight / weight.sum(axis=1, keepdims=True) * origin[:, None] * effects[OF_DESTINATION[kind]][None, :]
        counts[:, kind] = months[:, :, None] * rates[None] * np.array([0.1, 0.3])[:, None, None]
    model = fit_gravity(counts, months, residents, students, apart)
    np.testing.assert_allclose(model.expected(months), counts.sum(axis=1), rtol=0.25)
    for found, true in zip(model.effects, effects, strict=True):
        assert np.corrcoef(found, true)[0, 1] > 0.9
    assert model.decay[:, 1] == pytest.approx([0.004] * 3, abs=0.002)


def test_many_moves_speak_for_themselves() -> None:
    """With a hundred thousand moves the estimate is residents / users at risk times the moves, cell by cell."""
    areas, truth = areas_of(REGIONS), real_flows()
    moves = drawn_moves(truth, 100_000, 1)
    risk = at_risk(areas, 2_000_000.0, moves)
    both = pooled_flows(moves, areas, risk, **PERIOD).join(
        flows(moves, areas, risk, **PERIOD, level="region"), on=["origin", "destination"]
    )
    assert (
        common_part(
            both.select("origin", "destination", "flow"), both.select("origin", "destination", moves="flow_right")
        )
        > 0.99
    )
    assert both["flow"].sum() == pytest.approx(both["flow_right"].sum(), rel=0.01)


def test_areas_without_moves_have_an_estimate_and_an_interval() -> None:
    areas = areas_of({"a": (1.0, 100, 100), "b": (1.0, 150, 100), "c": (0.5, 400, 100)})
    moves = drawn_moves(pl.DataFrame({"origin": ["a"], "destination": ["b"], "moves": [1]}), 6, 0)
    rows = pooled_area_migration(moves, areas, at_risk(areas, 5_000.0, moves), **PERIOD)
    assert rows["area"].to_list() == ["a", "b", "c"]
    assert rows["moves_out"].to_list() == [6, 0, 0]
    assert rows["moves_in"].to_list() == [0, 6, 0]
    assert rows["outflow"].is_sorted(descending=True)
    assert (rows["inflow"] > 0).all()
    for name in ("inflow", "outflow", "net"):
        assert (
            rows.select((pl.col(f"{name}_lower") <= pl.col(name)) & (pl.col(name) <= pl.col(f"{name}_upper")))
            .to_series()
            .all()
        )


def test_students_draw_first_arrivals() -> None:
    """Where study clusters are, first arrivals are expected, also if none was seen."""
    areas = areas_of({"a": (1.0, 100, 100), "b": (1.0, 150, 100), "c": (1.0, 100, 150)})
    moves = drawn_moves(pl.DataFrame({"origin": ["c", "b"], "destination": ["a", "a"], "moves": [1, 1]}), 4, 0)
    moves = moves.with_columns(kind=pl.lit("term_start"))
    risk = at_risk(areas, 5_000.0, moves)
    students = pl.DataFrame({"area": ["a", "b", "c"], "students": [5, 90, 5], "users": [300, 300, 300]})
    arrivals = {
        name: dict(
            pooled_area_migration(moves, areas, risk, **PERIOD, students=known).select("area", "inflow").iter_rows()
        )
        for name, known in {"none": None, "students": students}.items()
    }
    assert arrivals["none"]["b"] == pytest.approx(arrivals["none"]["c"], rel=0.2)
    assert arrivals["students"]["b"] > 3 * arrivals["students"]["c"]


def test_a_town_of_study_is_one_for_departures_too_and_not_for_other_moves() -> None:
    """First arrivals in one area say that last departures leave it, and nothing about moves of anybody."""
    size = 4
    apart = np.full((size, size), 100.0)
    people, flat = np.full(size, 1e6), np.full(size, 0.1)
    months = np.full((1, size), 5_000.0)
    counts = np.zeros((1, len(KINDS), size, size))
    counts[:, :] = 5.0 * ~np.eye(size, dtype=bool)
    even = fit_gravity(counts, months, people, flat, apart)
    counts[0, 1, 1:, 0] = 60.0
    model = fit_gravity(counts, months, people, flat, apart)
    of_kind = dict(zip(EFFECTS, model.effects, strict=True))
    assert of_kind["town"][0] > 1.5 * of_kind["town"][1]
    assert of_kind["arriving"] == pytest.approx(even.effects[1])
    assert of_kind["leaving"] == pytest.approx(even.effects[0])


def test_seasons_of_moves_and_of_time_at_risk() -> None:
    """Forty moves in June, of which few users are at risk; none in April and May with ten times as many.

    One month's rate is carried to June alone: 40 moves of 100 user months are 0.4 of the 3 M residents, 1.2 M moves.
    Over the quarter as a whole it would be 40 of 2,100, which are 0.17 M.
    """
    areas = areas_of({"a": (1.0, 100, 100), "b": (1.0, 150, 100), "c": (1.0, 100, 150)})
    pairs = [(a, b, 1) for a in "abc" for b in "abc" if a != b]
    moves = drawn_moves(pl.DataFrame(pairs, schema=["origin", "destination", "moves"], orient="row"), 40, 0)
    moves = moves.with_columns(moved_on=pl.lit(date(2014, 6, 12)))
    risk = at_risk(areas, 3.0, moves).with_columns(
        months=pl.col("months") * pl.when(pl.col("period") == date(2014, 6, 1)).then(100.0).otherwise(1_000.0)
    )
    flow = pooled_flows(moves, areas, risk, **PERIOD)["flow"].sum()
    assert flow == pytest.approx(1.2e6, rel=0.1)


def test_shares_of_students_are_drawn_towards_the_mean() -> None:
    """50 of 500 users are students: an area with 1 of 1 has (1 + 5 × 0.1) / 6."""
    shares = student_shares(np.array([1.0, 49.0, 0.0]), np.array([1.0, 499.0, 0.0]))
    assert shares == pytest.approx([0.25, 49.5 / 504, 0.1])


def test_the_shape_follows_the_spread_of_the_counts() -> None:
    expected = np.full(400, 30.0)
    random = np.random.default_rng(1)
    narrow, wide = (
        prior_shape(random.poisson(expected * random.gamma(shape, 1 / shape, 400)).astype(float), expected)
        for shape in (50.0, 3.0)
    )
    assert wide == pytest.approx(3.0, rel=0.2)
    assert narrow == pytest.approx(50.0, rel=0.4)


@given(st.integers(0, 1_000))
@settings(max_examples=5, deadline=None)
def test_order_of_rows_and_scale_of_residents(seed: int) -> None:
    """The order of the rows does not matter; twice the residents of all areas have twice the flows."""
    areas = areas_of({name: REGIONS[name] for name in sorted(REGIONS)[:5]})
    pairs = pl.DataFrame(
        [(a, b, 1) for a in areas["authority"] for b in areas["authority"] if a != b],
        schema=["origin", "destination", "moves"],
        orient="row",
    )
    moves = drawn_moves(pairs, 40, seed)
    risk = at_risk(areas, 5_000.0, moves)
    once = pooled_flows(moves, areas, risk, **PERIOD)
    mixed = pooled_flows(moves.sample(fraction=1, shuffle=True, seed=seed), areas.reverse(), risk.reverse(), **PERIOD)
    assert once.drop("flow", "lower", "upper").equals(mixed.drop("flow", "lower", "upper"))
    np.testing.assert_allclose(once["flow"], mixed["flow"], rtol=1e-6)
    twice = pooled_flows(moves, areas.with_columns(pl.col("residents") * 2), risk, **PERIOD)
    np.testing.assert_allclose(twice["flow"], 2 * once["flow"], rtol=1e-4)
    assert once.height == 20
    assert once.select((pl.col("lower") <= pl.col("flow")) & (pl.col("flow") <= pl.col("upper"))).to_series().all()


def test_the_shape_of_pairs_is_that_of_official_flows() -> None:
    """Official flows between regions differ from a model of gravity with effects of all regions by the shape 13."""
    areas, truth = areas_of(REGIONS).sort("authority"), real_flows()
    number = {name: row for row, name in enumerate(areas["authority"])}
    size = len(number)
    counts = np.zeros((1, len(KINDS), size, size))
    for origin, destination, moved in truth.select("origin", "destination", "moves").iter_rows():
        counts[0, 0, number[origin], number[destination]] = moved
    east, north = (areas[column].to_numpy() / 1000 for column in ("easting_m", "northing_m"))
    apart = np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :])
    people = areas["residents"].cast(pl.Float64).to_numpy()
    expected = fit_gravity(counts, people[None, :], people, np.ones(size), apart).expected(people[None, :])[0]
    assert prior_shape(counts[0, 0], expected, (10.0, 10.0)) == pytest.approx(PAIR_PRIOR[0], rel=0.1)


def with_adults(areas: pl.DataFrame, *shares: float | None) -> pl.DataFrame:
    return areas.with_columns(
        residents_16_plus=(pl.col("residents") * pl.Series(shares, dtype=pl.Float64)).round().cast(pl.Int64)
    )


def test_terms_are_carried_to_residents_of_sixteen_and_over() -> None:
    """Half of the residents are children: half of the flow to term-time areas, and all of the other moves."""
    areas = areas_of({"a": (1.0, 100, 100), "b": (1.0, 150, 100), "c": (1.0, 100, 150)})
    pairs = pl.DataFrame({"origin": ["a", "b", "c"], "destination": ["b", "c", "a"], "moves": [1, 1, 1]})
    moves = drawn_moves(pairs, 30, 0)
    risk = at_risk(areas, 5_000.0, moves)
    students = pl.DataFrame({"area": ["a", "b", "c"], "students": [30, 30, 30], "users": [300, 300, 300]})
    for kind, part in (("term_start", 0.5), ("term_end", 0.5), ("move", 1.0)):
        of_kind = moves.with_columns(kind=pl.lit(kind))
        for shares in ((0.5, 0.5, 0.5), (0.5, None, 0.5)):  # where they are not known, the part of all others
            rows = pooled_flows(of_kind, with_adults(areas, *shares), risk, **PERIOD, students=students)
            whole = pooled_flows(of_kind, areas, risk, **PERIOD, students=students)
            np.testing.assert_allclose(rows["flow"], part * whole["flow"], rtol=1e-6)


def test_intervals_are_those_of_numbers_of_persons() -> None:
    """A rate of which next to nothing is uncertain: four persons expected of an area may be one or nine."""
    areas = areas_of({"a": (2e-4, 100, 100), "b": (2e-4, 150, 100)})
    pairs = pl.DataFrame({"origin": ["a", "b"], "destination": ["b", "a"], "moves": [1, 1]})
    moves = drawn_moves(pairs, 40_000, 0)
    risk = at_risk(areas, 6_000_000.0, moves)
    rows = pooled_area_migration(moves, areas, risk, **PERIOD)
    assert rows["inflow"].to_list() == pytest.approx([4.0, 4.0], rel=0.05)
    assert rows["inflow_lower"].is_between(0, 2).all() and rows["inflow_upper"].is_between(7, 10).all()


def test_bad_input_is_refused() -> None:
    areas = areas_of({"a": (1.0, 100, 100), "b": (1.0, 150, 100)})
    moves = drawn_moves(pl.DataFrame({"origin": ["a"], "destination": ["b"], "moves": [1]}), 6, 0)
    risk = at_risk(areas, 5_000.0, moves)
    with pytest.raises(ValueError, match=r"areas: column easting_m is missing"):
        pooled_flows(moves, areas.drop("easting_m"), risk, **PERIOD)
    with pytest.raises(ValueError, match=r"areas: .*no residents"):
        pooled_flows(moves, areas.with_columns(residents=pl.Series([5, None])), risk, **PERIOD)
    with pytest.raises(ValueError, match=r"areas: .*more residents_16_plus than residents"):
        pooled_flows(moves, with_adults(areas, 0.5, 1.5), risk, **PERIOD)
    with pytest.raises(ValueError, match=r"areas has no authority b, in which 6 rows of moves have to_area"):
        pooled_flows(moves, areas.head(1), risk.filter(pl.col("area") == "a"), **PERIOD)
    with pytest.raises(ValueError, match=r"unknown level 'regions'"):
        pooled_flows(moves, areas, risk, **PERIOD, level="regions")
    with pytest.raises(ValueError, match=r"confidence is 95; expected a share"):
        pooled_flows(moves, areas, risk, **PERIOD, confidence=95)
    with pytest.raises(ValueError, match=r"months are all 0; expected time at risk"):
        pooled_flows(moves, areas, risk.with_columns(months=pl.lit(0.0)), **PERIOD)
    with pytest.raises(ValueError, match=r"moves has a date 2014-05-03; expected 2014-07-01 to 2014-09-30"):
        pooled_flows(moves, areas, risk, first_date=date(2014, 7, 1), last_date=date(2014, 9, 30))
    with pytest.raises(ValueError, match=r"students: column users is missing"):
        pooled_flows(moves, areas, risk, **PERIOD, students=pl.DataFrame({"area": ["a"], "students": [1]}))
