"""Raking with capped factors: agreement with plain raking, by hand, what the range leaves undone, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.weighting import rake_capped


def population(seed: int) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Devices by area, age and sex with start weights, and true margins area × age, and sex."""
    random = np.random.default_rng(seed)
    table = pl.DataFrame(
        [(area, age, sex) for area in "abc" for age in ("18-34", "35-64", "65+") for sex in ("f", "m")],
        schema=["area", "age", "sex"],
        orient="row",
    ).with_columns(
        persons=pl.Series(random.integers(500, 3000, 18)),
        rate=pl.Series(random.uniform(0.05, 0.3, 18)),
        weight=pl.lit(6.0),
    )
    cells = table.with_columns(devices=(pl.col("persons") * pl.col("rate")).round() + 1)
    margins = [cells.group_by(keys).agg(total=pl.col("persons").sum()) for keys in (["area", "age"], ["sex"])]
    return cells.select("area", "age", "sex", "devices", "weight"), margins


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_a_wide_range_gives_plain_raking(seed: int) -> None:
    cells, margins = population(seed)
    ours = rake_capped(cells, margins, lowest=0.001, highest=1000, tolerance=1e-9)
    assert ours.is_reached
    assert ours.capped_mass == 0
    flows = cells.select(
        origin=pl.concat_str("area", "age"), destination="sex", flow=pl.col("devices") * pl.col("weight")
    )
    totals = margins[0].select(origin=pl.concat_str("area", "age"), total="total")
    plain = rake(flows, totals, margins[1].rename({"sex": "destination"}))
    np.testing.assert_allclose(ours.cells["devices"] * ours.cells["weight_raked"], plain["flow_adjusted"], rtol=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_factors_stay_in_their_range_and_nothing_is_hidden(seed: int) -> None:
    cells, margins = population(seed)
    ours = rake_capped(cells, margins, lowest=0.8, highest=1.25, max_iterations=50)
    factor = ours.cells["factor"]
    assert float(factor.min()) >= 0.8 - 1e-12  # type: ignore[arg-type]
    assert float(factor.max()) <= 1.25 + 1e-12  # type: ignore[arg-type]
    persons = ours.cells["devices"] * ours.cells["weight_raked"]
    capped = ours.cells["is_capped"]
    assert ours.capped_mass == pytest.approx(persons.filter(capped).sum() / persons.sum())
    for name in ("area, age", "sex"):
        report = ours.margins.filter(pl.col("margin") == name)
        assert report["reached"].sum() == pytest.approx(persons.sum())
    worst = ours.margins["relative_difference"].abs().max()
    assert ours.is_reached == (worst <= 1e-6)  # type: ignore[operator]


def test_by_hand() -> None:
    """100 persons at weight 1 for 1,000: the factor stops at 5. The other area doubles."""
    cells = pl.DataFrame({"area": ["a", "b"], "devices": [100.0, 50.0], "weight": [1.0, 2.0]})
    result = rake_capped(cells, [pl.DataFrame({"area": ["a", "b"], "total": [1000, 200]})])
    assert result.cells["factor"].to_list() == pytest.approx([5, 2])
    assert result.cells["is_capped"].to_list() == [True, False]
    assert result.capped_mass == pytest.approx(500 / 700)
    assert not result.is_reached
    assert result.margins["relative_difference"].to_list() == pytest.approx([-0.5, 0], abs=1e-9)
    assert result.margins["capped_share"].to_list() == [1, 0]


def test_a_capped_cell_leaves_its_persons_to_the_others_of_the_margin() -> None:
    """Area a needs 300, the young 150. The old of a stop at 3.5 times their 50, so the young of a are 125, of b 25."""
    cells = pl.DataFrame(
        {"area": ["a", "a", "b", "b"], "age": ["y", "o", "y", "o"], "devices": [50.0] * 4, "weight": [1.0] * 4}
    )
    margins = [pl.DataFrame({"area": ["a"], "total": [300]}), pl.DataFrame({"age": ["y"], "total": [150]})]
    result = rake_capped(cells, margins, lowest=0.25, highest=3.5)
    assert result.is_reached
    assert result.cells["factor"].to_list() == pytest.approx([2.5, 3.5, 0.5, 1.0], rel=1e-4)
    assert result.cells["is_capped"].to_list() == [False, True, False, False]
    assert result.capped_mass == pytest.approx(175 / 375, rel=1e-4)


@pytest.mark.parametrize(
    ("cells", "margin", "options", "message"),
    [
        ({}, {"area": ["a", "c"], "total": [1, 5]}, {}, "margins.0.: 1 with a positive total, but no devices to weight; the first: area c"),  # noqa: E501
        ({"devices": [0.0, 1.0]}, {"area": ["a"], "total": [1]}, {}, "but no devices to weight; the first: area a"),
        ({}, {"area": ["a"], "total": [-1]}, {}, "margins.0.: 1 with a negative total"),
        ({}, {"total": [1]}, {}, "margins.0. has no column besides total"),
        ({}, {"sex": ["f"], "total": [1]}, {}, "cells: column sex is missing"),
        ({"weight": [0.0, 1.0]}, {"area": ["a"], "total": [1]}, {}, "cells: 1 with a weight of 0 or less"),
        ({}, {"area": ["a"], "total": [1]}, {"lowest": 2.0}, "lowest is 2.0, highest 5.0; expected 0 < lowest ≤ 1"),
        ({}, {"area": ["a"], "total": [1]}, {"tolerance": 0.0}, "tolerance is 0.0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(
    cells: dict[str, object], margin: dict[str, object], options: dict[str, float], message: str
) -> None:
    table = pl.DataFrame({"area": ["a", "b"], "devices": [1.0, 1.0], "weight": [1.0, 1.0]} | cells)
    with pytest.raises(ValueError, match=message):
        rake_capped(table, [pl.DataFrame(margin)], **options)  # type: ignore[arg-type]
