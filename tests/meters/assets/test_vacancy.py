"""Vacancy of groups of homes: small groups have no number, and the rest balances."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ons_bigdata.meters.assets.vacancy import controlled_vacancy
from ons_bigdata.meters.methods.vacancy.groups import vacancy_of_groups
from ons_bigdata.meters.schemas.vacancy import ControlledVacancy

QUARTERS = [date(2010, 1, 1), date(2010, 4, 1), date(2010, 7, 1)]
LAST_DAY = date(2010, 7, 30)


def judged_quarters(areas: dict[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Homes of areas; the first of each area is vacant in the second quarter, the last reads zero throughout."""
    homes = pl.DataFrame(
        [
            {"meter": number, "area": area, "dwelling_type": None}
            for number, area in enumerate(area for area, count in areas.items() for _ in range(count))
        ],
        schema={"meter": pl.Int64, "area": pl.String, "dwelling_type": pl.String},
    )
    first, last = (homes.group_by("area").agg(pl.col("meter")).explode("meter").group_by("area") for _ in range(2))
    is_first = pl.col("meter").is_in(first.agg(pl.col("meter").min())["meter"].implode())
    is_last = pl.col("meter").is_in(last.agg(pl.col("meter").max())["meter"].implode())
    vacant = is_last | (is_first & (pl.col("quarter") == QUARTERS[1]))
    quarters = homes.select("meter").join(pl.DataFrame({"quarter": QUARTERS}), how="cross")
    return quarters.with_columns(
        probability_vacant=pl.when(vacant).then(0.9).otherwise(0.01),
        vacant=vacant,
        onset=pl.when(vacant).then("quarter"),
        is_second_home=pl.lit(value=False),
        reads_zero=is_last,
        is_low=is_last,
        vacant_by_rule=pl.lit(value=False),
    ), homes


def cells(areas: dict[str, int]) -> pl.DataFrame:
    quarters, homes = judged_quarters(areas)
    return vacancy_of_groups(quarters, homes, LAST_DAY).with_columns(
        data_origin=pl.lit("simulated"), format=pl.lit("cer")
    )


def controlled(table: pl.DataFrame, **changed: object) -> pl.DataFrame:
    return controlled_vacancy(table, **({"threshold": 10, "base": 5, "models": ["a" * 16]} | changed))


def test_models_and_rules_are_in_the_hash_of_the_parameters() -> None:
    table = cells({"a": 20, "b": 30})
    hashes = [
        controlled(table, **changed)["parameters_hash"].unique().item()
        for changed in ({}, {"models": ["b" * 16]}, {"base": 3}, {"threshold": 11})
    ]
    assert len(set(hashes)) == 4
    assert controlled(table)["parameters_hash"].unique().to_list() == hashes[:1]


def test_stock_and_flow_of_an_area_by_hand() -> None:
    area = cells({"a": 10, "b": 12}).filter(pl.col("home_group") == "a")
    columns = ["homes", "stock", "into", "out", "appeared", "reading_zero", "reading_zero_vacant", "settlement"]
    assert area.select(columns).rows() == [
        (10, 1, 0, 0, 1, 1, 1, "settled"),
        (10, 2, 1, 0, 0, 1, 1, "settled"),
        (10, 1, 0, 1, 0, 1, 1, "provisional"),
    ]
    assert area["vacant_share"].round(4).to_list() == [0.099, 0.188, 0.099]
    assert ((area["vacant_share_lower"] < area["vacant_share"]) & (area["vacant_share"] < 0.5)).all()


def test_thirty_days_of_readings_after_a_quarter_settle_it() -> None:
    quarters, homes = judged_quarters({"a": 3})
    for last_day, expected in ((date(2010, 10, 30), "settled"), (date(2010, 10, 29), "provisional")):
        groups = vacancy_of_groups(quarters, homes, last_day)
        assert groups.filter(pl.col("quarter") == QUARTERS[2])["settlement"].unique().to_list() == [expected]
    assert date(2010, 10, 1) + timedelta(days=30) == date(2010, 10, 31)


def test_shares_of_a_hundred_homes_are_shown() -> None:
    table = ControlledVacancy.validate(controlled(cells({"a": 100, "b": 120})))
    assert table["no_interval_reason"].null_count() == table.height
    assert table.filter(pl.col("home_group") == "a")["vacant_share"].to_list() == [0.019, 0.028, 0.019]


def test_small_groups_and_the_smallest_of_the_others_have_no_number() -> None:
    table = ControlledVacancy.validate(controlled(cells({"a": 9, "b": 12, "c": 30, "d": 60})))
    status = dict(table.filter(pl.col("group_kind") == "area").select("home_group", "status").unique().iter_rows())
    assert status == {"a": "below_threshold", "b": "secondary", "c": "published", "d": "published"}
    hidden = table.filter(pl.col("status") != "published")
    numbers = [name for name, dtype in table.schema.items() if dtype.is_numeric()]
    assert hidden.select(pl.all_horizontal(pl.col(numbers).is_null()).all()).item()
    assert hidden["no_interval_reason"].unique().to_list() == ["hidden"]
    shown = table.filter((pl.col("status") == "published") & (pl.col("group_kind") == "area"))
    assert shown["no_interval_reason"].unique().to_list() == ["few_homes"]
    assert shown["vacant_share"].null_count() == shown.height
    assert table.filter(pl.col("status") == "published")["stock"].unique().sort().to_list() == [0, 5, 10]
