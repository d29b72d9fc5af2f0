"""Calendar of contact: small areas have no rows, and cannot be computed from the rows of all areas."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.meters.assets.fieldwork import controlled_calendar


def calendar(areas: dict[str, int]) -> pl.DataFrame:
    """Homes of areas with 9 judged Mondays each, on 3 of which there was use from 17 to 19."""
    names = [area for area, count in areas.items() for _ in range(count)]
    homes = pl.DataFrame({"meter": range(len(names)), "area": names})
    days = homes.select("meter", weekday=pl.lit(1), period=pl.lit("17-19"), days=pl.lit(9), days_at_home=pl.lit(3))
    return controlled_calendar(days, homes, threshold=10, base=5)


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ({"a": 12, "b": 13}, [("all", 25), ("a", 10), ("b", 15)]),
        ({"a": 12, "b": 9}, [("a", 10)]),
        ({"a": 12, "b": 9, "c": 8}, [("all", 30), ("a", 10)]),
    ],
)
def test_areas_of_fewer_than_ten_homes_are_hidden(areas: dict[str, int], expected: list[tuple[str, int]]) -> None:
    table = calendar(areas)
    assert table.select("area", "meters").rows() == expected
    assert table["chance"].unique().to_list() == [0.33]
