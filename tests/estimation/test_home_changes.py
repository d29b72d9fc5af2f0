"""Changes of home: examples, real people, errors."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from ons_bigdata.estimation.anchors import label_places
from ons_bigdata.estimation.home_changes import home_changes
from ons_bigdata.settings import Settings

FIRST = datetime(2014, 6, 2)  # noqa: DTZ001  (local time)


def nights_at(places: str) -> pl.DataFrame:
    """One letter per night: the home of that night, or a dash for a night that is not observed."""
    rows = [
        ("u", place, FIRST + timedelta(days=day, hours=22), FIRST + timedelta(days=day, hours=30))
        for day, place in enumerate(places)
        if place != "-"
    ]
    return pl.DataFrame(rows, schema=["user", "place", "started_at", "ended_at"], orient="row")


def changes_of(places: str, **options: float) -> list[tuple[str, str, date]]:
    stays = nights_at(places)
    labelled = stays.select("user", "place", label=pl.lit("home")).unique()
    changes = home_changes(stays, labelled, **options)  # type: ignore[arg-type]
    return list(changes.select("from_place", "to_place", "changed_on").iter_rows())


def test_a_move_is_dated_by_its_first_night() -> None:
    assert changes_of("a" * 30 + "b" * 30) == [("a", "b", date(2014, 7, 2))]


def test_a_chain_has_its_steps_only() -> None:
    assert changes_of("a" * 20 + "b" * 20 + "c" * 20) == [("a", "b", date(2014, 6, 22)), ("b", "c", date(2014, 7, 12))]


def test_a_few_nights_back_do_not_matter() -> None:
    assert changes_of("a" * 30 + "-----bb" + "a" + "b" * 30) == [("a", "b", date(2014, 7, 7))]


@pytest.mark.parametrize(
    "places",
    [
        "aaaaabb" * 8,  # weekends elsewhere
        "a" * 30 + "b" * 30 + "a" * 30,  # term time and back
        "a" * 60 + "b" * 9,  # too short to tell
        "a" * 60,
        "ab" * 30,
    ],
)
def test_no_change(places: str) -> None:
    assert changes_of(places) == []


def test_bounds_are_parameters() -> None:
    assert changes_of("a" * 60 + "b" * 9, min_nights=9) == [("a", "b", date(2014, 8, 1))]
    with pytest.raises(ValueError, match=r"min_share is 0.5; expected more than 0.5"):
        changes_of("ab", min_share=0.5)
    with pytest.raises(ValueError, match="min_nights is 0; expected at least 1"):
        changes_of("ab", min_nights=0)
    with pytest.raises(ValueError, match="labelled: column label is missing"):
        home_changes(nights_at("ab"), nights_at("ab"))


def test_people_with_one_home_rarely_get_a_change() -> None:
    path = Settings().shared / "golden" / "tweets" / "labelled_stays_240_people.parquet"
    if not path.is_file():
        pytest.skip(f"no labelled stays at {path} (set ONS_BIGDATA_SHARED)")
    stays = pl.read_parquet(path).select(
        "user",
        place="loc",
        started_at=pl.from_epoch("start"),
        ended_at=pl.from_epoch("end"),
        letter="true_location_type",
    )
    homes = stays.filter(pl.col("letter") == "H").group_by("user").agg(homes=pl.col("place").n_unique())
    one_home = homes.filter(pl.col("homes") == 1)
    moved = home_changes(stays, label_places(stays)).select("user").unique()
    assert moved.height > 0
    assert moved.join(one_home, on="user").height / one_home.height <= 0.02
