"""Scrape and quote files: recognised or refused by their names, before any row is read."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.prices.calendar import FIRST_DAY, today
from ons_bigdata.prices.schemas.rhythms import KNOWN, expected_weekdays
from ons_bigdata.prices.sources.price_files import PRICE_FILES, adapter_for
from ons_bigdata.prices.sources.retailers import SEED, is_scrape_day, read_retailers, read_rhythms
from ons_bigdata.settings import Settings

Deliver = Callable[..., dict[str, tuple[str | None, tuple[str, ...] | None]]]


@pytest.fixture
def deliver(landing: Landing) -> Deliver:
    """Deliver paths; give for each file its reason of refusal (None: taken in) and its days."""

    def deliver(*paths: Path, retailers: dict | None = None) -> dict[str, tuple[str | None, tuple[str, ...] | None]]:
        known = {"sim-alder": "simulated"} if retailers is None else retailers
        source = replace(PRICE_FILES, adapter=lambda _project: adapter_for(known))
        landed = land_files(paths, landing, [source], dbt_project_dir=Path(), max_file_bytes=1_000)
        files = [one.file for one in landed]
        reasons = dict(landing.warehouse.rows("select file_id, reason from ops.loads where outcome = 'refused'"))
        return {file.name: (reasons.get(file.file_id), file.partitions) for file in files}

    return deliver


def _scrape(folder: Path, day: str, content: str = "x") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"sim-alder_products_{day}080000.csv"
    path.write_text(content)
    return path


def test_a_scrape_lands_under_its_retailer_and_touches_its_day(deliver: Deliver, tmp_path: Path) -> None:
    path = _scrape(tmp_path, "20160502")
    assert deliver(path) == {path.name: (None, ("2016-05-02",))}


@pytest.mark.parametrize(
    "day", [f"{FIRST_DAY - timedelta(days=1):%Y%m%d}", f"{today() + timedelta(days=2):%Y%m%d}", "20130101", "20990101"]
)  # two days from now: the tests may run past midnight
def test_a_day_outside_the_calendar_is_refused_and_stops_nothing(deliver: Deliver, tmp_path: Path, day: str) -> None:
    bad, good = _scrape(tmp_path, day), _scrape(tmp_path, "20160502")
    found = deliver(bad, good)
    assert "expected a day from 2014-06-01 to today" in str(found[bad.name][0])
    assert found[good.name] == (None, ("2016-05-02",))


def test_a_second_file_of_one_name_among_the_paths_is_refused(deliver: Deliver, tmp_path: Path) -> None:
    first, second = _scrape(tmp_path / "1", "20160502", "one"), _scrape(tmp_path / "2", "20160502", "two")
    reason, days = deliver(first, second)[first.name]
    assert "another file of this name" in str(reason)
    assert days == ()


def test_the_same_file_twice_among_the_paths_is_one(deliver: Deliver, tmp_path: Path) -> None:
    first, second = _scrape(tmp_path / "1", "20160502"), _scrape(tmp_path / "2", "20160502")
    assert deliver(first, second) == {first.name: (None, ("2016-05-02",))}


def test_a_retailer_that_becomes_known_brings_its_files_in(deliver: Deliver, tmp_path: Path) -> None:
    path = _scrape(tmp_path, "20160502")
    assert "sim-alder" in str(deliver(path, retailers={"tesco": "real"})[path.name][0])
    assert deliver(path) == {path.name: (None, ("2016-05-02",))}


def test_a_symlink_in_the_place_of_a_good_file_changes_nothing(deliver: Deliver, tmp_path: Path) -> None:
    good = _scrape(tmp_path / "good", "20160502")
    deliver(tmp_path / "good")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / good.name).symlink_to(good)
    assert deliver(tmp_path / "links")[good.name][0] is not None
    assert deliver(tmp_path / "good") == {good.name: (None, ("2016-05-02",))}


def test_the_seed_of_retailers_keeps_real_and_simulated_apart() -> None:
    retailers = read_retailers(Settings().dbt_project_dir)
    assert {name for name, origin in retailers.items() if origin == "simulated"} == {
        "sim-alder",
        "sim-birch",
        "sim-cedar",
    }


def test_a_seed_row_with_neither_value_is_an_error_with_line_and_column(tmp_path: Path) -> None:
    seed = tmp_path / SEED
    seed.parent.mkdir(parents=True)
    seed.write_text("retailer,name,data_origin\ntesco,Tesco,real\naldi,Aldi,maybe\n")
    with pytest.raises(Exception, match=r"line 3, column data_origin: expected real or simulated, found .maybe."):
        read_retailers(tmp_path)


def test_the_rhythm_of_collection_is_of_a_closed_vocabulary_and_daily_without_one(tmp_path: Path) -> None:
    seed = tmp_path / SEED
    seed.parent.mkdir(parents=True)
    seed.write_text("retailer,name,data_origin,rhythm\na,A,real,weekly_friday\nb,B,real,\nc,C,real\n")
    assert read_rhythms(tmp_path) == {"a": "weekly_friday", "b": "daily", "c": "daily"}
    seed.write_text("retailer,name,data_origin,rhythm\na,A,real,daily\nb,B,real,weekdays\n")
    message = r"line 3, column rhythm: unknown rhythm .weekdays.; known: daily, .*; did you mean monday_to_friday\?"
    with pytest.raises(Exception, match=message):
        read_retailers(tmp_path)


SETS = {
    "monday_to_friday": {0, 1, 2, 3, 4},
    "monday_to_saturday": {0, 1, 2, 3, 4, 5},
    "tuesday_to_wednesday": {1, 2},
    "monday_wednesday_friday": {0, 2, 4},
    "saturday_sunday": {5, 6},
    "tuesday_wednesday_thursday_friday_saturday_sunday": {1, 2, 3, 4, 5, 6},
}
UNKNOWN = [
    "weekdays", "sunday_monday", "monday_to_monday", "friday_to_monday", "monday_to_sunday", "monday", "monday_monday",
    "mon_fri", "weekly_mon", "Daily", "monday_to_friday_to_sunday", "monday__friday", "", "2 weeks", "biweekly",
]  # fmt: skip


@pytest.mark.parametrize(("rhythm", "weekdays"), SETS.items())
def test_a_rhythm_may_be_a_set_of_weekdays(rhythm: str, weekdays: set[int]) -> None:
    assert expected_weekdays(rhythm) == weekdays
    month = [date(2016, 8, day) for day in range(1, 32)]
    assert {day.weekday() for day in month if is_scrape_day(rhythm, day)} == weekdays


@pytest.mark.parametrize("rhythm", UNKNOWN)
def test_other_rhythms_are_refused_with_the_known_ones(rhythm: str) -> None:
    with pytest.raises(ValueError, match=r"unknown rhythm .*; known: daily, weekly, .* or two to six weekdays"):
        expected_weekdays(rhythm)


def test_the_seed_accepts_the_rhythms_of_the_vocabulary_and_no_others() -> None:
    folder = Settings().dbt_project_dir / "seeds" / "prices" / "collection"
    (seed,) = yaml.safe_load((folder / "retailers.yml").read_text())["seeds"]
    (column,) = (column for column in seed["columns"] if column["name"] == "rhythm")
    (test,) = column["data_tests"]
    pattern = re.compile(test["matches_pattern"]["arguments"]["pattern"].strip())
    assert all(pattern.fullmatch(rhythm) for rhythm in (*KNOWN, *SETS))
    # that all seven days are daily is for the reader of the seed to say
    assert [rhythm for rhythm in UNKNOWN if pattern.fullmatch(rhythm)] == ["monday_to_sunday"]
    assert set(read_rhythms(Settings().dbt_project_dir).values()) == {"daily"}


def test_scrapes_are_due_on_the_days_of_the_rhythm() -> None:
    month = [date(2016, 8, day) for day in range(1, 32)]  # begins on a Monday

    def due(rhythm: str) -> list[int]:
        return [day.day for day in month if is_scrape_day(rhythm, day)]

    assert due("daily") == list(range(1, 32))
    assert due("weekly") == due("weekly_monday") == [1, 8, 15, 22, 29]
    assert due("weekly_sunday") == [7, 14, 21, 28]
    assert due("monthly") == [1]
    assert due("fortnightly") in ([1, 15, 29], [8, 22])
    assert due("monday_to_friday")[:7] == [1, 2, 3, 4, 5, 8, 9]
