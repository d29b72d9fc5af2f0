"""Scrape and quote files: recognised or refused by their names, before any row is read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.prices.calendar import FIRST_DAY, today
from ons_bigdata.prices.sources.price_files import PRICE_FILES, adapter_for
from ons_bigdata.prices.sources.retailers import SEED, read_retailers
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
    "day", [f"{FIRST_DAY - timedelta(days=1):%Y%m%d}", f"{today() + timedelta(days=1):%Y%m%d}", "20130101", "20990101"]
)
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
