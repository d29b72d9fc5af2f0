"""Codes of authorities on a date: the seed of changes, chains of mergers, dates before and after."""

from __future__ import annotations

import gzip
from datetime import date

import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods.authority_codes import code_successors, with_codes_on
from tests.command_line import ROOT

CHANGES = pl.read_csv(
    ROOT / "dbt_project" / "seeds" / "tweets" / "migration" / "authority_code_changes.csv", try_parse_dates=True
)


def test_a_district_that_merged_twice_follows_both_mergers() -> None:
    """Taunton Deane became part of Somerset West and Taunton in 2019, which became part of Somerset in 2023."""
    assert "E07000190" not in code_successors(CHANGES, date(2019, 3, 31))
    assert code_successors(CHANGES, date(2019, 4, 1))["E07000190"] == "E07000246"
    assert code_successors(CHANGES, date(2023, 4, 1))["E07000190"] == "E06000066"
    assert code_successors(CHANGES, date(2013, 6, 30))["E07000157"] == "E06000057"  # Alnwick, Northumberland


def test_no_code_is_known_under_two_names() -> None:
    names = pl.concat(
        [CHANGES.select(code="old_code", name="old_name"), CHANGES.select(code="new_code", name="new_name")]
    ).unique()
    assert names["code"].is_unique().all()
    assert names["code"].str.contains("^E0[6-9][0-9]{6}$").all()


def test_codes_that_end_in_the_official_figures_are_those_of_the_seed() -> None:
    """Each code that the real figures stop or begin to use from 2012 on is a change of the seed by then."""
    path = Settings().shared / "data" / "tweets" / "ons_internal_migration_la_year_age_2002_2015.csv.gz"
    if not path.is_file():
        pytest.skip(f"no official migration at {path} (set ONS_BIGDATA_SHARED)")
    rows = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=None)
    years = rows.group_by("LACode").agg(first=pl.col("year").min(), last=pl.col("year").max())
    past = CHANGES.filter(pl.col("changed_on") < date(2016, 1, 1))
    ended = set(years.filter(pl.col("last") < 2015)["LACode"])
    assert ended == set(past["old_code"])
    assert set(years.filter(pl.col("first") > 2002)["LACode"]) == set(past["new_code"])
    carried = with_codes_on(rows, ["LACode"], CHANGES, date(2015, 6, 30)).group_by("LACode", "year").agg(pl.col("In").sum())  # fmt: skip  # noqa: E501
    assert carried["LACode"].n_unique() * 14 == carried.height  # every authority in every year
    jump = (
        carried.filter(pl.col("year").is_in([2011, 2012]))
        .pivot("year", index="LACode", values="In")
        .filter(pl.col("LACode") != "E06000053")  # Isles of Scilly, a hundred moves
        .select((pl.col("2012") / pl.col("2011")).log().abs())
        .to_series()
    )
    assert jump.max() < 0.5  # type: ignore[operator]  # no figure doubles or halves where codes change


def test_a_later_code_cannot_be_carried_back() -> None:
    frame = pl.DataFrame({"authority": ["E06000065", "E09000001", None]})
    with pytest.raises(ValueError, match="column authority has codes that began after 2015-06-30: E06000065"):
        with_codes_on(frame, ["authority"], CHANGES, date(2015, 6, 30))
    assert with_codes_on(frame, ["authority"], CHANGES, date(2024, 1, 1)).equals(frame)


def test_errors_name_what_is_wrong() -> None:
    circle = pl.DataFrame({"changed_on": [date(2000, 1, 1)] * 2, "old_code": ["a", "b"], "new_code": ["b", "a"]})
    with pytest.raises(ValueError, match="changes lead in a circle: a to b to a"):
        code_successors(circle, date(2001, 1, 1))
    with pytest.raises(ValueError, match="code a ends twice"):
        code_successors(circle.with_columns(old_code=pl.lit("a")), date(2001, 1, 1))
    with pytest.raises(ValueError, match="no column new_code"):
        code_successors(circle.drop("new_code"), date(2001, 1, 1))
    with pytest.raises(ValueError, match="no column origin"):
        with_codes_on(pl.DataFrame({"area": ["a"]}), ["origin"], CHANGES, date(2020, 1, 1))
