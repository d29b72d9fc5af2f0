"""Population present: an example by hand, whole and parts, coverage of the intervals, what is missing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.presence.present import estimate_present, footprints_of, presence_amounts
from ons_bigdata.phones.schemas.presence import NO_FOOTPRINTS, NO_RESIDENTS, ONE_DEVICE

RESIDENTS = pl.DataFrame({"area": ["A", "B"], "residents": [100, 60]})
FOOTPRINTS = pl.DataFrame({"cell": ["a", "b", "m", "m"], "area": ["A", "B", "A", "B"], "share": [1.0, 1.0, 0.25, 0.75]})


def at_noon(rows: list[tuple[int, str, bool, float]]) -> pl.DataFrame:
    """Amounts of devices at cells."""
    table = pl.DataFrame(rows, schema=["device_key", "cell", "is_home", "amount"], orient="row")
    return table.with_columns(day_type=pl.lit("weekday"), period=pl.lit("12"))


def homes(**cells: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(device, cell) for cell, devices in cells.items() for device in devices],
        schema=["device_key", "home"],
        orient="row",
    )


def test_an_estimate_to_follow_by_hand() -> None:
    amounts = at_noon(
        [(1, "a", True, 1.0), (2, "m", False, 1.0), (3, "b", True, 1.0), (4, "b", True, 0.5), (4, "a", False, 0.5)]
    )
    made = estimate_present(
        amounts, homes(a=[1, 2], b=[3, 4]), FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=1.0
    )
    # 50 residents stand behind 1 and 2, 30 behind 3 and 4; 2 is at m, a quarter of which is in A
    assert made.select("area", "direct", "devices").rows() == [("A", 50 + 12.5 + 15, 2), ("B", 37.5 + 30 + 15, 2)]
    assert made["persons"].sum() == pytest.approx(160)
    assert (made["lower"] <= made["persons"]).all() and (made["persons"] <= made["upper"]).all()


def test_who_stays_at_home_is_no_sampling_error() -> None:
    amounts = at_noon([(device, "a" if device < 3 else "b", True, 1.0) for device in (1, 2, 3, 4)])
    made = estimate_present(
        amounts, homes(a=[1, 2], b=[3, 4]), FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=1.0
    )
    assert made.select("area", "persons", "lower", "upper").rows() == [("A", 100, 100, 100), ("B", 60, 60, 60)]


@pytest.mark.parametrize(("per_place", "variance"), [(1.0, 2 * 50**2 * 0.1875), (80.0, 80 * 100 * 0.1875)])
def test_the_place_that_a_cell_serves_is_uncertain(per_place: float, variance: float) -> None:
    """Both devices of A, 50 residents each, are at m, a quarter in A: an error of place, none of sampling."""
    amounts = at_noon([(1, "m", False, 1.0), (2, "m", False, 1.0), (3, "b", True, 1.0), (4, "b", True, 1.0)])
    owners = homes(a=[1, 2], b=[3, 4])
    made = estimate_present(amounts, owners, FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=per_place).row(
        0, named=True
    )
    assert made["direct"] == 25.0
    assert made["upper"] - made["persons"] == pytest.approx(1.959964 * variance**0.5)


def test_an_error_of_the_residents_is_in_the_interval() -> None:
    amounts = at_noon([(device, "a" if device < 3 else "b", True, 1.0) for device in (1, 2, 3, 4)])
    counts = RESIDENTS.with_columns(residents_error=pl.Series([5.0, 0.0]))
    made = estimate_present(
        amounts, homes(a=[1, 2], b=[3, 4]), FOOTPRINTS, counts, confidence=0.95, persons_per_place=1.0
    )
    assert made["upper"].to_list() == pytest.approx([100 + 1.959964 * 5, 60])


def test_what_is_missing_has_its_reason() -> None:
    amounts = at_noon([(1, "a", True, 1.0), (2, "a", False, 1.0), (3, "b", True, 1.0)])
    owners = homes(a=[1, 2], b=[3])
    made = estimate_present(amounts, owners, FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=1.0)
    assert made.select("area", "reason").rows() == [("A", None), ("B", ONE_DEVICE)]
    plain = estimate_present(
        amounts, owners, FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=1.0, has_footprints=False
    )
    assert plain["reason"].to_list() == [NO_FOOTPRINTS, ONE_DEVICE] and plain["upper"].null_count() == 2
    nobody = estimate_present(amounts, owners, FOOTPRINTS, RESIDENTS.clear(), confidence=0.95, persons_per_place=1.0)
    assert nobody.select("persons", "reason").unique().rows() == [(None, NO_RESIDENTS)]
    with pytest.raises(ValueError, match="confidence is 1"):
        estimate_present(amounts, owners, FOOTPRINTS, RESIDENTS, confidence=1.0, persons_per_place=1.0)
    with pytest.raises(ValueError, match="a negative amount"):
        estimate_present(
            at_noon([(1, "a", True, -1.0)]), owners, FOOTPRINTS, RESIDENTS, confidence=0.95, persons_per_place=1.0
        )


def test_intervals_cover_the_truth_and_the_composite_is_nearer() -> None:
    """Of 20 areas with a share of commuters that varies, 60 samples of 400 devices; cells serve two areas each."""
    rng = np.random.default_rng(4)
    areas = 20
    home = np.repeat(np.arange(areas), 300)
    goes = rng.random(home.size) < rng.beta(4, 6, areas)[home]
    place = np.where(goes, rng.choice(areas, home.size, p=rng.dirichlet(np.full(areas, 6.0))), home)
    truth = np.bincount(place, minlength=areas)
    shared = rng.random(home.size) < 0.3  # served by the cell that is shared with the next area
    footprints = pl.DataFrame(
        [(f"c{one}", f"a{one:02d}", 1.0) for one in range(areas)]
        + [(f"s{one}", f"a{to % areas:02d}", 0.5) for one in range(areas) for to in (one, one + 1)],
        schema=["cell", "area", "share"],
        orient="row",
    )
    away = np.where(shared, (place - rng.integers(0, 2, home.size)) % areas, -1)
    residents = pl.DataFrame({"area": [f"a{one:02d}" for one in range(areas)], "residents": [300] * areas})
    held, errors = [], []
    for _ in range(60):
        drawn = np.sort(rng.choice(home.size, 400, replace=False))
        rows = [
            (int(one), f"c{home[one]}" if not goes[one] else f"s{away[one]}" if shared[one] else f"c{place[one]}",
             not bool(goes[one]), 1.0)
            for one in drawn
        ]  # fmt: skip
        owners = pl.DataFrame({"device_key": drawn, "home": [f"c{home[one]}" for one in drawn]})
        made = estimate_present(at_noon(rows), owners, footprints, residents, confidence=0.95, persons_per_place=1.0)
        lower, upper = (made[name].to_numpy() for name in ("lower", "upper"))
        held.append(((lower <= truth) & (truth <= upper)).mean())
        errors.append([np.abs(made[name].to_numpy() - truth).mean() for name in ("persons", "direct")])
    assert 0.90 <= np.mean(held) <= 0.985
    persons, direct = np.mean(errors, axis=0)
    assert persons < 0.97 * direct


def test_shares_of_days_and_stretches_of_hours() -> None:
    presence = pl.DataFrame(
        {
            "device_key": [1, 1, 1],
            "day_type": ["weekday"] * 3,
            "hour": [10, 11, 11],
            "cell": ["a", "a", "b"],
            "is_home": [True, True, False],
            "days": [10, 5, 15],
            "observed_days": [10, 20, 20],
        }
    )
    made = presence_amounts(presence, daytime=(10, 16), night_time=(1, 5)).sort("period", "cell")
    assert made.select("period", "cell", "is_home", "amount").rows() == [
        ("10", "a", True, 1.0),
        ("11", "a", True, 0.25),
        ("11", "b", False, 0.75),
        ("daytime", "a", True, 0.625),
        ("daytime", "b", False, 0.375),
    ]


def test_footprints_of_a_plan() -> None:
    plan = pl.DataFrame(
        {"cell": ["a", "b", "c"], "zone": ["A", "B", None], "zone_shares": ["A=0.75 B=0.25", None, None]}
    )
    shares, is_given = footprints_of(plan)
    assert shares.rows() == [("a", "A", 0.75), ("a", "B", 0.25), ("b", "B", 1.0)] and is_given
    assert not footprints_of(plan.filter(pl.col("cell") != "a"))[1]
