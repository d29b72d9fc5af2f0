"""Conditions for the start of a run, and renamed categories, without a reactor; `test_crawl` has real crawls."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ons_bigdata.prices.sources.scraping.crawl_state import CrawlState, RefusedError, StoppedError
from ons_bigdata.prices.sources.scraping.pages import PageKeeper
from ons_bigdata.prices.sources.scraping.spiders import MOST_ROBOTS_BYTES, SPIDERS, resemble, rules_of
from tests.prices.sources.scraping.pages_of_shops import FAMILIES, retailer

LONDON = ZoneInfo("Europe/London")
EIGHT = datetime(2016, 5, 28, 8, 0, 0, tzinfo=LONDON)


@pytest.fixture
def state(tmp_path: Path) -> CrawlState:
    return _state(tmp_path)


def _state(folder: Path, after: datetime | None = None) -> CrawlState:
    keeper, day = PageKeeper(folder / "pages"), date(2016, 5, 28)
    return CrawlState(retailer("html_list"), keeper, agent="x", day=day, after=after, journal=folder / "journal.json")


def test_every_page_family_has_its_spider() -> None:
    assert set(SPIDERS) == set(FAMILIES)
    assert {kind: spider.page_kind for kind, spider in SPIDERS.items()} == {kind: kind for kind in SPIDERS}


def test_whole_lines_of_a_long_robots_file_are_read() -> None:
    rules = b"User-agent: *\nDisallow: /basket\n"
    assert rules_of(rules) == rules
    long = rules + b"Disallow: /x*y\n" * 100_000
    assert len(rules_of(long)) <= MOST_ROBOTS_BYTES
    assert rules_of(long).splitlines() == long.splitlines()[: len(rules_of(long).splitlines())]


def test_a_run_starts_on_its_day_and_within_the_hours(state: CrawlState) -> None:
    state.begin(EIGHT + timedelta(microseconds=5))
    assert state.record.started_at == EIGHT
    assert state.record.run_id == "sim-alder-20160528080000"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (EIGHT + timedelta(hours=4), "it is 12:00 at .*; allowed hours are 05:00 to 12:00"),
        (EIGHT - timedelta(hours=3, seconds=1), "it is 04:59"),
        (EIGHT + timedelta(days=1), "partition 2016-05-28: the site's present day is 2016-05-29"),
    ],
)
def test_a_run_is_refused_at_another_time(state: CrawlState, now: datetime, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        state.begin(now)


def test_a_response_after_the_hours_is_on_the_record(state: CrawlState) -> None:
    state.begin(EIGHT)
    state.record_time(EIGHT + timedelta(hours=3, minutes=59))
    assert (state.is_within_hours(), state.record.within_allowed_hours) == (True, True)
    state.record_time(EIGHT + timedelta(hours=4))
    state.record_time(EIGHT)
    assert (state.is_within_hours(), state.record.within_allowed_hours) == (True, False)


def test_a_run_starts_later_than_the_one_before(tmp_path: Path) -> None:
    state = _state(tmp_path, after=EIGHT + timedelta(seconds=3))
    state.begin(EIGHT)
    assert state.record.run_id == "sim-alder-20160528080004"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("bread rolls and wraps", "bread and cakes", True),
        ("yoghurts", "yogurt", True),
        ("everyday biscuits", "biscuits", True),
        ("apples", "pears", False),
        ("crisps", "cider", False),
    ],
)
def test_names_that_resemble_each_other(one: str, other: str, alike: bool) -> None:
    assert resemble(one, other) is alike


def test_every_wait_ends_before_the_allowed_hours_do(state: CrawlState) -> None:
    state.begin(EIGHT)
    state.record_time(EIGHT + timedelta(hours=3, minutes=59))
    assert state.can_wait(59)
    assert not state.can_wait(60)
    state.record.delay_s = 1_000_000_000
    with pytest.raises(StoppedError, match=r"allowed hours end at 12:00, before the delay of 1e\+09 s is over"):
        state.require_allowed()


def test_the_journal_has_the_requests_so_far(state: CrawlState, tmp_path: Path) -> None:
    state.begin(EIGHT)
    state.record.requests += 2
    state.write_journal()
    written = json.loads((tmp_path / "journal.json").read_text())
    assert (written["run_id"], written["requests"], written["finish_reason"]) == (state.record.run_id, 2, "killed")
