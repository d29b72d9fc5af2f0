"""`expire`: landed bytes go after the days of their source, once they are loaded; the rows and the ledger stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ons_bigdata.commands import expire as command
from ons_bigdata.commands.expire import ExpiredSource, expire
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.settings import Settings
from tests.platform.ingest import reading_files
from tests.platform.ingest.reading_files import SOURCE, land, loader, rows, version

TEXT = b"2016-07-21,1,0.5\n2016-07-22,2,1\n"
DAYS = timedelta(days=SOURCE.expires_after_days or 0)


@pytest.fixture
def settings(landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of the test's landing and database."""
    monkeypatch.setattr(command, "open_warehouse", lambda _settings: landing.warehouse)
    return Settings(home=tmp_path)


def kept(landing: Landing) -> list[tuple[str, int | None]]:
    """Names and sizes of the files of which the bytes are there."""
    return sorted((file.name, file.size_bytes) for file in landing.files() if landing.path(file).exists())


def expired(landing: Landing) -> list[str]:
    return [file.name for file in landing.files() if file.expired_at is not None]


def test_bytes_go_after_their_days_once_they_are_loaded(landing: Landing, settings: Settings, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    land(landing, "r.txt", TEXT)
    loader(landing, lake).load_waiting()
    before = rows(lake)
    land(landing, "waits.txt", b"odd\n")
    land(landing, "r.txt", TEXT + b"2016-07-21,1,9\n")  # supersedes, and waits
    now = datetime.now(UTC)
    size = len(TEXT)
    assert expire(settings, now=now + DAYS - timedelta(hours=1), sources=[SOURCE]) == [
        ExpiredSource("readings", 30, 0, 0)
    ]
    later = now + DAYS + timedelta(hours=1)
    assert expire(settings, now=later, sources=[SOURCE]) == [ExpiredSource("readings", 30, 1, size)]
    assert expired(landing) == ["r.txt"]
    assert kept(landing) == [("r.txt", size + 15), ("waits.txt", 4)]
    assert rows(lake) == before
    loader(landing, lake).load_waiting()
    assert expire(settings, now=later, sources=[SOURCE])[0].files == 2
    assert kept(landing) == []
    assert expire(settings, now=later, sources=[SOURCE])[0].files == 0


def test_an_expired_file_is_not_read_by_a_new_version_until_it_is_delivered_again(
    landing: Landing, settings: Settings, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    land(landing, "r.txt", TEXT)
    loader(landing, lake).load_waiting()
    before = rows(lake)
    expire(settings, now=datetime.now(UTC) + 2 * DAYS, sources=[SOURCE])
    second = version("2")
    assert loader(landing, lake, second).load_waiting().files == 0
    assert rows(lake) == before
    (file,) = landing.expired_unread(second.reader)
    with pytest.raises(InputError, match=r"the bytes of r\.txt expired on .*deliver the file again to read it anew"):
        landing.read(file)
    land(landing, "r.txt", TEXT)
    assert expired(landing) == landing.expired_unread(second.reader) == []
    assert loader(landing, lake, second).load_waiting().files == 1
    assert [row[1:] for row in rows(lake)] == [row[1:] for row in before]


def test_bytes_that_a_later_file_shares_stay(landing: Landing, settings: Settings, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    land(landing, "r1.txt", TEXT)
    land(landing, "r2.txt", TEXT)
    loader(landing, lake).load_waiting()
    with landing.warehouse.transaction() as transaction:
        transaction.execute("update ops.files set landed_at = landed_at - interval '40 days' where name = 'r1.txt'")
    assert expire(settings, sources=[SOURCE])[0].files == 0
    assert expire(settings, now=datetime.now(UTC) + DAYS * 2, sources=[SOURCE])[0].files == 2
    assert kept(landing) == []


def test_a_kill_after_the_bytes_are_gone_is_recorded_by_the_next_call(
    landing: Landing, settings: Settings, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    land(landing, "r.txt", TEXT)
    loader(landing, lake).load_waiting()
    (file,) = landing.files()
    landing.path(file).unlink()
    assert expire(settings, now=datetime.now(UTC) + 2 * DAYS, sources=[SOURCE])[0].files == 1
    assert expired(landing) == ["r.txt"]


def test_a_refused_version_leaves_the_rows_of_an_expired_one(
    landing: Landing, settings: Settings, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", landing.warehouse)
    land(landing, "r.txt", TEXT)
    loader(landing, lake).load_waiting()
    before = rows(lake), reading_files.ledger(landing)
    expire(settings, now=datetime.now(UTC) + 2 * DAYS, sources=[SOURCE])
    land(landing, "r.txt", b"refuse\n")
    assert loader(landing, lake).load_waiting().refused == 1
    assert (rows(lake), reading_files.ledger(landing)) == before
