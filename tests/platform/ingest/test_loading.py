"""Loading: each file is read once, partitions hold the rows of all current files, and a cut-off load is completed."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import permutations

import polars as pl
import pytest

from ons_bigdata.platform.errors import InputError, StepFailedError, UnavailableError
from ons_bigdata.platform.ingest.landing import LandedFile, Landing
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.loading import Reading, load_waiting, rebuild
from ons_bigdata.platform.postgres import warehouse as warehouses
from tests.platform.ingest import number_files
from tests.platform.ingest.conftest import Land
from tests.platform.ingest.number_files import (
    DAY,
    READER,
    SOURCE,
    CountingReader,
    ledger,
    load,
    load_partitions,
    numbers,
    stored,
    version,
)

NEXT = "2016-07-22"
AUGUST = "2016-08-01"
MONTHS = f"{AUGUST} 3\n{DAY} 1\n{NEXT} 2\nno number\n"


def test_a_file_is_read_once_whatever_partitions_it_touches(landing: Landing, land: Land) -> None:
    land(
        "after-a.txt", "".join(f"2016-{month:02}-{day:02} 1\n" for month in range(1, 13) for day in range(1, 29)), None
    )
    land("2016-07-21-b.txt", f"{DAY} 5\n")
    reader = CountingReader()
    totals = load_waiting(landing, SOURCE, reader)
    assert reader.reads == {"after-a.txt": 1, "2016-07-21-b.txt": 1}
    assert (totals.files, totals.accepted, len(totals.partitions)) == (2, 12 * 28 + 1, 12 * 28)
    # one more file of a day that both touch: the others are not read again
    land("2016-07-21-c.txt", f"{DAY} 6\n")
    load_waiting(landing, SOURCE, reader, partitions=[DAY])
    assert reader.reads == {"after-a.txt": 1, "2016-07-21-b.txt": 1, "2016-07-21-c.txt": 1}
    assert sorted(number for _, _, day, number in stored(landing) if day == DAY) == [1, 5, 6]
    # a rebuild of many days reads each file that touches them once
    rebuild(landing, SOURCE, reader, [f"2016-07-{day:02}" for day in range(1, 29)])
    assert set(reader.reads.values()) == {2}
    assert len(stored(landing)) == 12 * 28 + 2


HEADERS = ["# day number\n", "# number of the day\n"]


@pytest.mark.parametrize("empties", [HEADERS, HEADERS[:1], ["", *HEADERS], [HEADERS[0], "", "refuse me"]], ids=repr)
@pytest.mark.parametrize("is_loaded_between", [True, False], ids=["one by one", "at once"])
def test_a_file_without_rows_never_takes_the_place_of_one_with_rows(
    landing: Landing, land: Land, empties: list[str], is_loaded_between: bool
) -> None:
    name = "2016-07-21-a.txt"
    for content in (*empties, f"{DAY} 1\n", *empties):
        land(name, content)
        if is_loaded_between:
            load(landing)
    load(landing)
    assert numbers(landing) == [1]
    current = "select outcome, rows_in from ops.loads join ops.files using (file_id) where superseded_by is null"
    assert landing.warehouse.rows(current) == [("loaded", 1)]
    assert landing.waiting_files(READER) == []
    before = stored(landing), ledger(landing)
    land(name, empties[0])
    load(landing)
    assert (stored(landing), ledger(landing)) == before


@pytest.mark.parametrize("contents", [HEADERS, ["", *HEADERS], [*HEADERS, ""]], ids=repr)
def test_files_without_rows_are_an_outage_each_and_the_last_with_bytes_is_current(
    landing: Landing, land: Land, contents: list[str]
) -> None:
    for content in contents:
        land("2016-07-21-a.txt", content)
        load(landing)
    reasons = "select outcome, reason, superseded_by is null from ops.loads join ops.files using (file_id) order by 3"
    assert landing.warehouse.rows(reasons)[-1] == ("outage", "no row", True)
    assert {outcome for outcome, _, _ in landing.warehouse.rows(reasons)} == {"outage"}
    assert landing.waiting_files(READER) == []


def test_partitions_are_unknown_until_the_file_is_read(landing: Landing, land: Land) -> None:
    file, _ = land("after-a.txt", MONTHS, None)
    assert file.partitions is None
    assert landing.partitions("numbers") == landing.pending_partitions(READER) == []
    assert [waiting.name for waiting in landing.waiting_files(READER)] == ["after-a.txt"]
    load(landing)
    assert landing.partitions("numbers") == [DAY, NEXT, AUGUST]
    assert load_partitions(landing) == [("after-a.txt", DAY, 1), ("after-a.txt", NEXT, 1), ("after-a.txt", AUGUST, 1)]
    assert landing.waiting_files(READER) == []
    # a file without any row touches nothing, and a refused one neither
    land("after-b.txt", "", None)
    land("after-c.txt", "refuse me", None)
    load(landing)
    known = dict(landing.warehouse.rows("select name, partitions from ops.files"))
    assert (known["after-b.txt"], known["after-c.txt"]) == ([], [])
    assert landing.waiting_files(READER) == []


@pytest.mark.parametrize("blocked", [DAY, NEXT, AUGUST])
def test_a_load_that_is_cut_off_between_partitions_is_completed(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    """Another process holds the lock of one of three partitions until this one gives up."""
    land("after-a.txt", MONTHS, None)
    monkeypatch.setattr(warehouses, "LOCK_TIMEOUT", "50ms")
    with landing.warehouse.transaction() as other:
        other.lock("numbers", blocked)
        with pytest.raises(UnavailableError):
            load(landing)
    written = [DAY, NEXT, AUGUST].index(blocked)
    assert len(stored(landing)) == written
    assert [partition for _, partition, _ in load_partitions(landing)] == [DAY, NEXT, AUGUST][:written]
    assert landing.pending_partitions(READER) == [DAY, NEXT, AUGUST][:written]
    assert [row[4] for row in ledger(landing)] == (["started"] if written else [None])
    load(landing)
    undisturbed = stored(landing), ledger(landing), load_partitions(landing)
    _empty(landing)
    land("after-a.txt", MONTHS, None)
    load(landing)
    assert (stored(landing), ledger(landing), load_partitions(landing)) == undisturbed


def test_a_new_version_that_leaves_a_partition_takes_its_rows_away(landing: Landing, land: Land) -> None:
    land("after-a.txt", MONTHS, None)
    land("after-b.txt", f"{AUGUST} 8\n", None)
    load(landing)
    land("after-a.txt", f"{DAY} 7\n", None)
    assert landing.pending_partitions(READER) == [DAY, NEXT, AUGUST]
    load_waiting(landing, SOURCE, number_files.read, partitions=[AUGUST])  # of which the new version has no row
    assert numbers(landing) == [7, 8]
    assert landing.pending_partitions(READER) == []
    assert [row[2] for row in ledger(landing) if row[3] is None] == [[DAY], [AUGUST]]


def test_a_superseded_version_is_never_loaded_late(landing: Landing, land: Land) -> None:
    """A version is superseded while it is read: its rows do not come in."""
    land("after-a.txt", f"{DAY} 1\n", None)

    def read_slowly(file: LandedFile, content: bytes, load_id: str) -> Reading:
        land("after-a.txt", f"{DAY} 2\n", None)
        return number_files.read(file, content, load_id)

    load_waiting(landing, SOURCE, read_slowly)
    assert stored(landing) == []
    load(landing)
    assert numbers(landing) == [2]


def test_rows_that_no_reader_takes_are_kept_with_line_and_reason(landing: Landing, land: Land) -> None:
    land("2016-07-21-a.txt", f"{DAY} 1\n{DAY} one\n")
    totals = load(landing)
    assert (totals.rows_in, totals.accepted, totals.quarantined) == (2, 1, 1)
    assert landing.warehouse.rows("select line, reason, content from ops.quarantine") == [
        (2, "expected a whole number, found 'one'", f"{DAY} one")
    ]


def test_of_one_reason_the_first_thousand_lines_are_kept_and_all_are_counted(landing: Landing, land: Land) -> None:
    land("2016-07-21-a.txt", f"{DAY} x\n" * 1002 + f"{DAY} 1\n{DAY} y\n")
    totals = load(landing)
    assert (totals.rows_in, totals.accepted, totals.quarantined) == (1004, 1, 1003)
    kept = landing.warehouse.rows(
        "select reason, count(*)::int, max(line)::int from ops.quarantine group by 1 order by 2"
    )
    x, y = (f"expected a whole number, found '{letter}'" for letter in "xy")
    assert kept == [(y, 1, 1004), (x, 1000, 1000)]
    counted = landing.warehouse.rows("select reason, rows::int from ops.quarantine_reasons order by 2")
    assert counted == [(y, 1), (x, 1002)]


def test_a_packed_file_is_read_unpacked_under_its_name_without_the_ending(landing: Landing) -> None:
    landed = landing.land(
        gzip.compress(f"{DAY} 1\n".encode()),
        source="numbers",
        delivery="one",
        name="2016-07-21-a.txt.gz",
        data_origin="simulated",
        partitions=(DAY,),
    )[0]
    with landing.warehouse.transaction() as transaction:
        transaction.execute(number_files.CREATE)
    names: list[str] = []

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        names.append(file.name)
        return number_files.read(file, content, load_id)

    load_waiting(landing, SOURCE, read)
    assert (numbers(landing), names, landed.name) == ([1], ["2016-07-21-a.txt"], "2016-07-21-a.txt.gz")


@pytest.mark.parametrize("stops", [1, 3])
def test_files_in_any_order_late_or_twice_give_the_same_tables(landing: Landing, land: Land, stops: int) -> None:
    """Every order of four files, loaded after each or after some. A version that is never current may stay unread."""
    files = [
        ("after-a.txt", MONTHS),
        ("after-b.txt", f"{DAY} 4\n{AUGUST} x\n"),
        ("after-c.txt", ""),
        ("after-a.txt", "refuse me"),
    ]
    results = []
    for order in permutations(files):
        _empty(landing)
        for position, (name, text) in enumerate([*order, order[0]]):
            land(name, text, None)
            if position % stops == 0:
                load(landing)
        load(landing)
        versions = landing.warehouse.rows("select file_id, superseded_by from ops.files order by file_id")
        current = [row for row in ledger(landing) if row[3] is None]
        results.append((stored(landing), current, versions, load_partitions(landing)))
    assert len(results) == 24
    assert all(result == results[0] for result in results)


def test_a_refused_file_never_supersedes_one_with_content(landing: Landing, land: Land) -> None:
    good, _ = land("2016-07-21-a.txt", f"{DAY} 1\n")
    load(landing)
    bad, _ = land("2016-07-21-a.txt", "refuse me")
    assert landing.waiting_files(READER)[0].file_id == bad.file_id
    reader = CountingReader()
    totals = load_waiting(landing, SOURCE, reader)
    assert (totals.files, totals.refused, reader.reads["2016-07-21-a.txt"]) == (2, 1, 2)
    assert numbers(landing) == [1]
    current = dict(landing.warehouse.rows("select file_id, superseded_by from ops.files"))
    assert current == {good.file_id: None, bad.file_id: good.file_id}
    assert land("2016-07-21-a.txt", "refuse me")[1] is False
    assert landing.waiting_files(READER) == []


def test_a_reader_that_fails_is_a_refusal_of_its_file_only(landing: Landing, land: Land) -> None:
    def broken(file: LandedFile, content: bytes, load_id: str) -> Reading:
        if file.name == "2016-07-21-b.txt":
            raise RuntimeError("reader fell over")
        return number_files.read(file, content, load_id)

    for name in ("a", "b", "c"):
        land(f"2016-07-21-{name}.txt", f"{DAY} 1\n")
    totals = load_waiting(landing, SOURCE, broken)
    assert (totals.files, totals.refused) == (3, 1)
    assert numbers(landing) == [1, 1]
    assert landing.warehouse.rows("select reason from ops.loads where outcome = 'refused'") == [
        ("reader number_lines 1 failed: RuntimeError: reader fell over",)
    ]
    # once it is mended, a rebuild of the day reads it again
    rebuild(landing, SOURCE, number_files.read, [DAY])
    assert numbers(landing) == [1, 1, 1]


def test_rows_without_a_partition_refuse_their_file(landing: Landing, land: Land) -> None:
    def read_without_day(file: LandedFile, content: bytes, load_id: str) -> Reading:
        reading = number_files.read(file, content, load_id)
        return replace(reading, accepted=reading.accepted.with_columns(day=pl.lit(None, pl.Date)))

    land("2016-07-21-a.txt", f"{DAY} 1\n")
    load_waiting(landing, SOURCE, read_without_day)
    ((reason,),) = landing.warehouse.rows("select reason from ops.loads")
    assert "1 rows without day, by which the table is partitioned" in reason


def test_rows_that_the_table_does_not_take_stop_no_other_file(landing: Landing, land: Land) -> None:
    """The table has a check that 13 breaks, the reader has none."""
    for name, number in (("a", 1), ("b", 13), ("c", 2)):
        land(f"2016-07-21-{name}.txt", f"{DAY} {number}\n")
    with pytest.raises(StepFailedError, match=r"2016-07-21-b\.txt: raw\.numbers does not take its rows"):
        load(landing)
    assert numbers(landing) == [1, 2]
    assert [file.name for file in landing.waiting_files(READER)] == ["2016-07-21-b.txt"]


def test_changed_or_missing_bytes_are_noticed_after_all_other_files(landing: Landing, land: Land) -> None:
    changed, _ = land("2016-07-21-a.txt", f"{DAY} 1\n")
    gone, _ = land("2016-07-21-b.txt", f"{DAY} 2\n")
    land("2016-07-21-c.txt", f"{DAY} 3\n")
    landing.path(changed).write_bytes(b"other")
    landing.path(gone).unlink()
    with pytest.raises(InputError, match=r"was changed: expected sha256.*; landed file 2016-07-21-b\.txt is missing"):
        load(landing)
    assert numbers(landing) == [3]


def test_a_new_reader_version_reads_every_file_again(landing: Landing, land: Land) -> None:
    land("after-a.txt", MONTHS, None)
    land("2016-07-21-b.txt", f"{DAY} 5\n")
    load(landing)
    before = [row[1:] for row in stored(landing)]
    assert landing.pending_partitions(version("2").reader) == [DAY, NEXT, AUGUST]
    reader = CountingReader()
    load_waiting(landing, version("2"), reader, partitions=[DAY])
    assert set(reader.reads.values()) == {1} and len(reader.reads) == 2
    assert sorted(row[1:] for row in stored(landing)) == sorted(before)
    assert landing.waiting_files(version("2").reader) == []


def test_a_rebuild_mends_the_rows_of_its_partitions_and_touches_no_other(landing: Landing, land: Land) -> None:
    land("after-a.txt", MONTHS, None)
    load(landing)
    whole = stored(landing), ledger(landing), load_partitions(landing)
    with landing.warehouse.transaction() as transaction:
        transaction.execute("update raw.numbers set number = 99")
    totals = rebuild(landing, SOURCE, number_files.read, [NEXT])
    assert totals.partitions == {NEXT}
    assert numbers(landing) == [2, 99, 99]
    rebuild(landing, SOURCE, number_files.read, [DAY, AUGUST])
    assert (stored(landing), ledger(landing), load_partitions(landing)) == whole


def test_a_rebuild_of_a_file_that_reads_differently_writes_all_its_partitions(landing: Landing, land: Land) -> None:
    """A closed vocabulary grew, say: rows that were quarantined are accepted now, in days that nobody chose."""
    land("after-a.txt", MONTHS, None)
    load(landing)

    def read_more(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return number_files.read(file, content.replace(b"no number", b"2016-09-01 4"), load_id)

    totals = rebuild(landing, SOURCE, read_more, [DAY])
    assert totals.partitions == {DAY, NEXT, AUGUST, "2016-09-01"}
    assert numbers(landing) == [1, 2, 3, 4]
    assert landing.partitions("numbers")[-1] == "2016-09-01"


def test_rows_in_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rows in \(2\) are not accepted \+ quarantined \(0\)"):
        Reading("loaded", None, 2, pl.DataFrame(), pl.DataFrame(schema=QUARANTINE_SCHEMA))


def _empty(landing: Landing) -> None:
    with landing.warehouse.transaction() as transaction:
        transaction.execute("truncate ops.files, ops.loads, raw.numbers cascade")
