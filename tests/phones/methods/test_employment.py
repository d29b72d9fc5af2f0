"""An earlier census brought to current employment."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.phones.methods.comparison.employment import employment_margins, raked_to_employment

ZONES = pl.Series(["A", "B"])
PREVIOUS = pl.DataFrame(
    {
        "origin": ["A", "A", "A", "B", "B", "C"],
        "destination": ["A", "B", "C", "A", "B", "A"],
        "flow": [40.0, 40, 20, 30, 70, 10],
    }
)
EMPLOYMENT = pl.DataFrame(
    {"figure": ["employed_residents"] * 2 + ["jobs"] * 2, "area": ["A", "B"] * 2, "value": [200.0, 100, 160, 110]}
)


def test_margins_to_follow_by_hand() -> None:
    margins = employment_margins(PREVIOUS, ZONES, EMPLOYMENT)
    # 80 of 100 commuters of A stayed in the study area, all of B; of 80 who came to A, 10 came from outside of it
    assert margins["origin"].rows() == [("A", 160.0), ("B", 100.0)]
    jobs = [160 * 70 / 80, 110.0]
    assert margins["destination"]["total"].to_list() == pytest.approx([value * 260 / sum(jobs) for value in jobs])


def test_the_raked_census_has_the_margins_and_its_own_cross_ratios() -> None:
    margins = employment_margins(PREVIOUS, ZONES, EMPLOYMENT)
    inside = PREVIOUS.filter(pl.col("origin").is_in(["A", "B"]), pl.col("destination").is_in(["A", "B"]))
    raked = raked_to_employment(inside, margins)
    assert raked.select("origin", "destination").rows() == [("A", "B"), ("B", "A")]
    to_b, to_a = raked["flow"].to_list()
    ratio = (160 - to_b) * (100 - to_a) / (to_b * to_a)
    assert ratio == pytest.approx(40 * 70 / (40 * 30))


def test_a_zone_without_a_figure_is_named() -> None:
    with pytest.raises(ValueError, match="1 zones without jobs, such as B"):
        employment_margins(PREVIOUS, ZONES, EMPLOYMENT.head(3))
