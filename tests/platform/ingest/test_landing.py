"""Files land unchanged, the ledger says which are current, and partitions are rebuilt from all of them."""

from collections.abc import Callable
from itertools import permutations

import polars as pl
import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.loading import QUARANTINE_SCHEMA, RawTable, Reading, rebuild_partition, refuse

READER = Reader("numbers", "lines", "1")
DAY = "2016-07-21"


def _read(_file: LandedFile, content: bytes, load_id: str) -> Reading:
    """Read one whole number a line, `day number`; what is none is quarantined."""
    good, bad = [], []
    for line, text in enumerate(content.decode().splitlines(), start=1):
        day, _, number = text.partition(" ")
        if number.lstrip("-").isdigit():
            good.append((load_id, line, day, int(number)))
        else:
            bad.append((line, f"expected a whole number, found {number!r}", text))
    accepted = pl.DataFrame(
        good, schema={"load_id": pl.String, "line": pl.Int32, "day": pl.String, "number": pl.Int32}, orient="row"
    ).with_columns(pl.col("day").str.to_date())
    outcome = "loaded" if content else "outage"
    quarantined = pl.DataFrame(bad, schema=QUARANTINE_SCHEMA, orient="row")
    return Reading(outcome, None, len(good) + len(bad), accepted, quarantined)


TABLE = RawTable(name="raw.numbers", partition_column="day", reader=READER, read=_read)

Land = Callable[..., tuple[LandedFile, bool]]


@pytest.fixture
def land(landing: Landing) -> Land:
    """Land a file of numbers; the table is there."""
    with landing.warehouse.transaction() as transaction:
        transaction.execute(
            "create table raw.numbers (load_id text references ops.loads, line integer, day date, number integer)"
        )

    def land(name: str, text: str, partitions: list[str] | None = None) -> tuple[LandedFile, bool]:
        return landing.land(
            text.encode(),
            source="numbers",
            delivery="one",
            name=name,
            data_origin="simulated",
            partitions=[DAY] if partitions is None else partitions,
        )

    return land


def _build(landing: Landing) -> None:
    for partition in landing.pending_partitions(READER):
        rebuild_partition(landing, TABLE, partition)


def _stored(landing: Landing) -> list[tuple]:
    return landing.warehouse.rows("select load_id, line, day, number from raw.numbers order by load_id, line")


def _ledger(landing: Landing) -> list[tuple]:
    return landing.warehouse.rows(
        "select name, sha256, superseded_by, state, outcome, rows_in, accepted, quarantined"
        " from ops.files left join ops.loads using (file_id) order by name, sha256"
    )


def test_bytes_land_unchanged_and_leave_no_temporary_file(landing: Landing, land: Land) -> None:
    file, is_new = land("a.txt", f"{DAY} 1\r\n")
    assert is_new
    assert landing.read(file) == f"{DAY} 1\r\n".encode()
    assert landing.path(file).name == f"{file.sha256}.txt"
    assert [path.name for path in landing.path(file).parent.iterdir()] == [f"{file.sha256}.txt"]


def test_the_same_bytes_again_change_nothing(landing: Landing, land: Land) -> None:
    land("a.txt", f"{DAY} 1\n")
    _build(landing)
    before = _stored(landing), _ledger(landing)
    assert land("a.txt", f"{DAY} 1\n")[1] is False
    assert landing.pending_partitions(READER) == []
    _build(landing)
    assert (_stored(landing), _ledger(landing)) == before


def test_two_empty_files_of_two_runs_are_two_rows(landing: Landing, land: Land) -> None:
    land("a.txt", "")
    land("b.txt", "")
    _build(landing)
    assert [(row[0], row[4]) for row in _ledger(landing)] == [("a.txt", "outage"), ("b.txt", "outage")]


def test_the_same_name_with_other_bytes_supersedes(landing: Landing, land: Land) -> None:
    first, _ = land("a.txt", f"{DAY} 1\n")
    _build(landing)
    second, is_new = land("a.txt", f"{DAY} 2\n")
    assert is_new
    assert landing.pending_partitions(READER) == [DAY]
    _build(landing)
    assert [row[3] for row in _stored(landing)] == [2]
    superseded = landing.warehouse.rows("select superseded_by from ops.files where file_id = $1", [first.file_id])
    assert superseded == [(second.file_id,)]
    assert landing.read(first) == f"{DAY} 1\n".encode()  # the earlier version stays


def test_nothing_supersedes_something(landing: Landing, land: Land) -> None:
    """An empty file and a file that nobody knows leave the version with content current, in either order."""
    good, _ = land("a.txt", f"{DAY} 1\n")
    empty, is_new = land("a.txt", "")
    unknown, _ = land("a.txt", "what is this", [])
    assert is_new
    later, _ = land("b.txt", "")
    better, _ = land("b.txt", f"{DAY} 2\n")
    found = dict(landing.warehouse.rows("select file_id, superseded_by from ops.files"))
    assert found == {
        good.file_id: None,
        empty.file_id: good.file_id,
        unknown.file_id: good.file_id,
        later.file_id: better.file_id,
        better.file_id: None,
    }
    _build(landing)
    assert sorted(row[3] for row in _stored(landing)) == [1, 2]


def test_a_file_refused_then_is_taken_in_once_it_is_known(landing: Landing, land: Land) -> None:
    file, _ = land("a.txt", f"{DAY} 1\n", [])
    refuse(landing, file, READER, "unknown shop")
    assert land("a.txt", f"{DAY} 1\n", [])[1] is False
    assert land("a.txt", f"{DAY} 1\n")[1] is True
    _build(landing)
    assert [row[3] for row in _stored(landing)] == [1]
    assert landing.warehouse.rows("select outcome from ops.loads") == [("loaded",)]


def test_a_file_refused_unread_has_no_hash(landing: Landing) -> None:
    file, is_new = landing.land(
        None, source="numbers", delivery="one", name="link.txt", data_origin=None, partitions=[]
    )
    assert (file.sha256, file.size_bytes, is_new) == (None, None, True)
    assert landing.warehouse.rows("select sha256, size_bytes from ops.files") == [(None, None)]
    with pytest.raises(InputError, match=r"link\.txt was refused unread"):
        landing.read(file)


def test_a_damaged_landed_file_is_mended_by_its_delivery(landing: Landing, land: Land) -> None:
    file, _ = land("a.txt", f"{DAY} 1\n")
    landing.path(file).write_bytes(b"damaged")
    assert land("a.txt", f"{DAY} 1\n")[1] is False
    assert landing.read(file) == f"{DAY} 1\n".encode()


def test_rows_that_no_reader_takes_are_kept_with_line_and_reason(landing: Landing, land: Land) -> None:
    land("a.txt", f"{DAY} 1\n{DAY} one\n")
    totals = rebuild_partition(landing, TABLE, DAY)
    assert (totals.rows_in, totals.accepted, totals.quarantined) == (2, 1, 1)
    assert landing.warehouse.rows("select line, reason, content from ops.quarantine") == [
        (2, "expected a whole number, found 'one'", f"{DAY} one")
    ]


def test_a_file_that_touches_two_days_is_done_when_both_are(landing: Landing, land: Land) -> None:
    other = "2016-07-22"
    land("a.txt", f"{DAY} 1\n{other} 2\n", [DAY, other])
    rebuild_partition(landing, TABLE, DAY)
    assert [row[3] for row in _ledger(landing)] == ["started"]
    assert landing.pending_partitions(READER) == [DAY, other]
    rebuild_partition(landing, TABLE, other)
    assert [row[3] for row in _ledger(landing)] == ["committed"]
    assert [row[3] for row in _stored(landing)] == [1, 2]


def test_files_in_any_order_give_the_same_tables(landing: Landing, land: Land) -> None:
    files = [("a.txt", f"{DAY} 1\n"), ("b.txt", f"{DAY} 2\n{DAY} x\n"), ("c.txt", "")]
    results = []
    for order in permutations(files):
        with landing.warehouse.transaction() as transaction:
            transaction.execute("truncate ops.files, ops.loads, raw.numbers cascade")
        for name, text in order:
            land(name, text)
            _build(landing)
        results.append((_stored(landing), _ledger(landing)))
    assert len(results) == 6
    assert all(result == results[0] for result in results)


def test_a_failing_reader_leaves_the_partition_as_it_was(landing: Landing, land: Land) -> None:
    land("a.txt", f"{DAY} 1\n")
    _build(landing)
    before = _stored(landing), _ledger(landing)

    def broken(file: LandedFile, content: bytes, load_id: str) -> Reading:
        if file.name == "b.txt":
            raise RuntimeError("reader fell over")
        return _read(file, content, load_id)

    land("b.txt", f"{DAY} 2\n")
    with pytest.raises(RuntimeError, match="fell over"):
        rebuild_partition(landing, RawTable("raw.numbers", "day", READER, broken), DAY)
    assert _stored(landing) == before[0]
    _build(landing)
    assert [row[3] for row in _stored(landing)] == [1, 2] or [row[3] for row in _stored(landing)] == [2, 1]


def test_a_new_reader_version_reads_every_file_again(landing: Landing, land: Land) -> None:
    land("a.txt", f"{DAY} 1\n")
    _build(landing)
    assert landing.pending_partitions(Reader("numbers", "lines", "2")) == [DAY]


def test_changed_or_missing_bytes_are_noticed(landing: Landing, land: Land) -> None:
    file, _ = land("a.txt", f"{DAY} 1\n")
    landing.path(file).write_bytes(b"other")
    with pytest.raises(InputError, match="was changed: expected sha256"):
        rebuild_partition(landing, TABLE, DAY)
    landing.path(file).unlink()
    with pytest.raises(InputError, match=r"a\.txt is missing"):
        rebuild_partition(landing, TABLE, DAY)


def test_a_refused_file_is_in_the_ledger_with_its_reason(landing: Landing, land: Land) -> None:
    file, _ = land("notes.doc", "hello", [])
    refuse(landing, file, READER, "not the name of a file of numbers")
    assert landing.warehouse.rows("select state, outcome, reason, rows_in::int from ops.loads") == [
        ("committed", "refused", "not the name of a file of numbers", 0)
    ]
    assert landing.pending_partitions(READER) == []


@pytest.mark.parametrize("key", ["../up", "", "A", "a b", "x" * 65, "a/b", "a\n"])
def test_keys_that_could_leave_the_folder_are_refused(landing: Landing, land: Land, key: str) -> None:
    with pytest.raises(InputError, match="is not a key"):
        landing.land(b"", source="numbers", delivery=key, name="a", data_origin="simulated", partitions=[])
    with pytest.raises(InputError, match="is not a key"):
        land("a.txt", "", [key])


def test_rows_in_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rows in \(2\) are not accepted \+ quarantined \(0\)"):
        Reading("loaded", None, 2, pl.DataFrame(), pl.DataFrame(schema=QUARANTINE_SCHEMA))
