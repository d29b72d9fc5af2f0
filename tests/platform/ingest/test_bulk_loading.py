"""Loading into the lake: files late, twice, in any order, killed at any step give the same rows and live files."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest import bulk_loading, ledger
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import AdapterContext
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.lake import files as lake_files
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.pseudonyms import PseudonymKey
from tests.platform.ingest import reading_files
from tests.platform.ingest.reading_files import SOURCE, TABLE, land, live_files, loader, rows, version

A = b"2016-07-21,1,0.5\n2016-07-22,-9000000000000000000,1\n2016-07-21,9000000000000000000,2\nodd\n2016-07-21,1,3\n"
B = b"2016-07-21,1,7\n2016-08-01,2,8\n"


@pytest.fixture
def lake(warehouse: Warehouse, tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", warehouse)


def test_a_file_becomes_one_fragment_for_each_partition_and_bucket(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    totals = loader(landing, lake).load_waiting()
    assert (totals.files, totals.rows_in, totals.accepted, totals.quarantined) == (1, 5, 4, 1)
    assert totals.partitions == {"2016-07-21", "2016-07-22"}
    assert [(file.partition, file.bucket, file.rows) for file in lake.files(TABLE)] == [
        ("2016-07-21", 2, 2),
        ("2016-07-21", 3, 1),
        ("2016-07-22", 0, 1),
    ]
    assert [row[1] for row in rows(lake)] == [1, 2, 3, 5]
    assert reading_files.ledger(landing)[0][2:] == (
        ["2016-07-21", "2016-07-22"], "committed", "loaded", 5, 4, 1, "1", ["2016-07-21:3", "2016-07-22:1"], ["4:"],
    )  # fmt: skip
    assert lake.faults(TABLE) == []
    assert not any((lake.folder / lake_files.WRITING).iterdir())
    assert loader(landing, lake).load_waiting().files == 0


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_packed_file_gives_the_rows_of_the_unpacked_one(
    landing: Landing, lake: Lake, pack: Callable[[bytes], bytes]
) -> None:
    land(landing, "r.txt", A)
    land(landing, f"q.txt.{'gz' if pack is gzip.compress else 'zst'}", pack(A))
    loader(landing, lake).load_waiting()
    by_load: dict[str, list[tuple]] = {}
    for load_id, *row in rows(lake):
        by_load.setdefault(load_id, []).append(tuple(row))
    first, second = by_load.values()
    assert first == second


def test_a_new_version_takes_the_place_of_the_earlier_in_all_its_partitions(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    land(landing, "s.txt", A)
    loader(landing, lake).load_waiting()
    land(landing, "r.txt", B)
    totals = loader(landing, lake).load_waiting(partitions=["2016-07-22"])  # of which the new version has no row
    assert totals.partitions == {"2016-07-21", "2016-07-22", "2016-08-01"}
    assert [row[4] for row in rows(lake)] in ([7, 8, 0.5, 1, 2, 3], [0.5, 1, 2, 3, 7, 8])


def test_files_that_wait_together_share_the_files_of_the_lake(landing: Landing, lake: Lake) -> None:
    for number in range(4):
        land(landing, f"r{number}.txt", A.replace(b"0.5", b"%d" % number))
    land(landing, "s.txt", B + b"refuse\n")
    totals = loader(landing, lake).load_waiting()
    assert (totals.files, totals.accepted, totals.refused) == (5, 16, 1)
    live = lake.files(TABLE)
    assert {len(file.load_ids) for file in live} == {4}
    assert len(list(lake.folder.rglob("*.parquet"))) == len(live) == 3  # nothing was written twice
    counted = landing.warehouse.rows("select distinct partition, accepted from ops.load_partitions order by 1")
    assert counted == [("2016-07-21", 3), ("2016-07-22", 1)]


def test_a_file_that_is_superseded_while_others_are_read_has_no_rows(
    landing: Landing, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(landing, "r.txt", A)
    land(landing, "s.txt", A)
    write = bulk_loading.BulkLoader._write

    def supersede(*arguments: object) -> object:
        monkeypatch.undo()
        land(landing, "r.txt", B)
        return write(*arguments)

    monkeypatch.setattr(bulk_loading.BulkLoader, "_write", supersede)
    assert loader(landing, lake).load_waiting().files == 1
    assert [row[4] for row in rows(lake)] == [0.5, 1, 2, 3]
    assert loader(landing, lake).load_waiting().files == 1
    assert sorted(row[4] for row in rows(lake)) == [0.5, 1, 2, 3, 7, 8]
    assert lake.faults(TABLE) == []


def test_a_file_without_rows_leaves_the_version_that_it_superseded(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    loader(landing, lake).load_waiting()
    before = rows(lake), live_files(lake)
    for content in (b"# day,entity,value\n", b"", b"# again\n"):
        land(landing, "r.txt", content)
        loader(landing, lake).load_waiting()
    assert (rows(lake), live_files(lake)) == before
    found = landing.warehouse.rows("select outcome, reason, rows_in > 0 from ops.loads order by outcome")
    assert found == [("loaded", None, True), ("outage", "no row", False), ("outage", "no row", False)]


def test_a_refused_file_leaves_the_version_that_it_superseded(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    loader(landing, lake).load_waiting()
    before = rows(lake), live_files(lake)
    land(landing, "r.txt", B + b"refuse\n")
    totals = loader(landing, lake).load_waiting()
    assert totals.refused == 1
    assert (rows(lake), live_files(lake)) == before
    land(landing, "s.txt", b"fail with 4711\n")
    assert loader(landing, lake).load_waiting().refused == 1
    reasons = landing.warehouse.rows("select reason from ops.loads where outcome = 'refused' order by reason")
    assert reasons == [
        ("asked to refuse it",),
        ("reader reading_lines 1 failed: RuntimeError: fell over fail with 4711",),
    ]


def test_bounds_of_the_source_hold_for_the_unpacked_file(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt.gz", gzip.compress(b"2016-07-21,1,0.5\n" * 2000))
    small = replace(SOURCE, max_file_bytes=30_000)
    assert loader(landing, lake, small).load_waiting().refused == 1
    assert landing.warehouse.rows("select reason from ops.loads") == [
        ("larger than 30000 bytes, the bound for one file",)
    ]


def test_days_outside_the_calendar_are_quarantined(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", b"2016-06-30,1,1\n2016-07-01,1,2\n2199-01-01,1,3\n2016-06-29,1,4\n")
    totals = loader(landing, lake).load_waiting()
    assert (totals.rows_in, totals.accepted, totals.quarantined) == (4, 1, 3)
    assert landing.warehouse.rows("select line::int, reason from ops.quarantine order by line") == [
        (1, bulk_loading.BEFORE_CALENDAR),
        (3, bulk_loading.AFTER_ARRIVAL),
        (4, bulk_loading.BEFORE_CALENDAR),
    ]


def test_of_one_reason_the_first_lines_are_kept_and_all_are_counted(
    landing: Landing, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "QUARANTINED_LINES", 5)
    monkeypatch.setattr(bulk_loading, "QUARANTINED_LINES", 5)
    land(landing, "r.txt", b"odd\n" * 17 + b"2016-07-21,1,1\n" + b"2016-06-30,1,1\n" * 4)
    totals = loader(landing, lake).load_waiting()
    assert (totals.rows_in, totals.accepted, totals.quarantined) == (22, 1, 21)
    assert [line for (line,) in landing.warehouse.rows("select line::int from ops.quarantine order by line")] == [
        *range(1, 6),
        *range(19, 23),
    ]
    counted = landing.warehouse.rows("select rows::int from ops.quarantine_reasons order by 1")
    assert counted == [(4,), (17,)]


def test_content_of_a_personal_file_is_in_no_message(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A + b"fail with canary\n")
    loader(landing, lake, replace(SOURCE, is_personal=True)).load_waiting()
    reasons = landing.warehouse.rows("select reason from ops.loads")
    assert reasons == [("reader reading_lines 1 failed: RuntimeError",)]


def test_another_key_is_refused_once_there_are_rows(landing: Landing, lake: Lake) -> None:
    first, second = PseudonymKey(b"1" * 32), PseudonymKey(b"2" * 32)
    land(landing, "r.txt", A)
    replace(loader(landing, lake), key_id=lambda: first.key_id).load_waiting()
    assert landing.warehouse.rows("select key_id from ops.loads") == [(first.key_id,)]
    land(landing, "s.txt", A)
    with pytest.raises(
        InputError, match=f"the pseudonym key is {second.key_id}, but .* readings .* key {first.key_id}:"
    ):
        replace(loader(landing, lake), key_id=lambda: second.key_id).load_waiting()


def test_rows_of_two_keys_do_not_mix_where_two_processes_load_at_once(landing: Landing, lake: Lake) -> None:
    """While a file is read under the second key, another is loaded under the first."""
    first, second = PseudonymKey(b"1" * 32), PseudonymKey(b"2" * 32)
    land(landing, "r1.txt", A)
    land(landing, "r2.txt", B)

    def read_slowly(stream: IO[bytes], name: str) -> Iterator[Batch]:
        others = replace(loader(landing, lake), key_id=lambda: first.key_id)
        others.load_waiting()
        yield from reading_files.read_batches(stream, name)

    slow = replace(loader(landing, lake), read_batches=read_slowly, key_id=lambda: second.key_id)
    with pytest.raises(InputError, match=f"the pseudonym key is {second.key_id}, but .* key {first.key_id}:"):
        slow.load_waiting()
    assert landing.warehouse.rows("select distinct key_id from ops.loads where state = 'committed'") == [
        (first.key_id,)
    ]
    assert len(rows(lake)) == 6


def test_the_key_is_asked_for_once_a_file_waits(landing: Landing, lake: Lake) -> None:
    asked = []

    def open_context() -> AdapterContext:
        asked.append("key")
        return AdapterContext(Path("dbt_project"), None)

    personal = bulk_loading.bulk_loader(landing, lake, replace(SOURCE, is_personal=True), open_context)
    assert personal.load_waiting().files == 0
    assert personal.rebuild(["2016-07-21"]).files == 0
    assert asked == []
    land(landing, "r.txt", A)
    with pytest.raises(InputError, match="its ingest needs a pseudonym key"):
        personal.load_waiting()
    assert asked == ["key"]
    assert landing.warehouse.rows("select count(*)::int from ops.loads") == [(0,)]
    assert bulk_loading.bulk_loader(landing, lake, SOURCE, open_context).load_waiting().files == 1


def test_changed_landed_bytes_are_an_error_and_the_other_files_are_loaded(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    land(landing, "s.txt", B)
    (file,) = [file for file in landing.files() if file.name == "r.txt"]
    landing.path(file).write_bytes(A.replace(b"0.5", b"0.6"))
    with pytest.raises(InputError, match=r"r\.txt at .* was changed"):
        loader(landing, lake).load_waiting()
    assert [row[4] for row in rows(lake)] == [7, 8]


def test_a_damaged_fragment_is_read_again_by_a_rebuild(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", A)
    land(landing, "s.txt", B)
    loader(landing, lake).load_waiting()
    before = rows(lake), live_files(lake)
    of_one, of_both = lake.files(TABLE, partitions=["2016-08-01"])[0], lake.files(TABLE, partitions=["2016-07-21"])[0]
    (lake.folder / of_one.name).unlink()
    (lake.folder / of_both.name).write_bytes(b"")
    assert loader(landing, lake).rebuild(["2016-07-22"]).files == 0
    with pytest.raises(StepFailedError, match=r"materialise lake/readings of 2016-07-21 to read its files again"):
        loader(landing, lake).rebuild(["2016-08-01"])
    assert loader(landing, lake).rebuild(["2016-07-21"]).files == 2
    assert (rows(lake), live_files(lake)) == before
    assert lake.faults(TABLE) == []


class KilledError(BaseException):
    """Stands for a kill: no handler of the code under test catches it."""


STEPS = ("read", "write", "publish", "published", "commit", "compact")


@contextmanager
def killed_at(step: str | None, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the work at a step, with what was written until then left on the disk."""

    def kill(*_args: object, **_kwargs: object) -> None:
        raise KilledError

    def after(function: Callable[..., object]) -> Callable[..., None]:
        def call(*args: object, **kwargs: object) -> None:
            function(*args, **kwargs)
            raise KilledError

        return call

    patch.setattr(lake_files.shutil, "rmtree", lambda *_args, **_kwargs: None)
    if step == "read":
        patch.setattr(bulk_loading._BulkReading, "counts", kill)
    elif step == "write":
        patch.setattr(lake_files.Writing, "write", after(lake_files.Writing.write))
    elif step == "publish":
        patch.setattr(lake_files.Writing, "publish", kill)
    elif step == "published":
        patch.setattr(lake_files.Writing, "publish", after(lake_files.Writing.publish))
    elif step == "commit":
        patch.setattr(bulk_loading, "commit_load", after(bulk_loading.commit_load))
    elif step == "compact":
        patch.setattr(Lake, "compact", kill)
    try:
        yield
    except KilledError:
        assert step is not None
    finally:
        patch.undo()


def _outcome(landing: Landing, lake: Lake) -> tuple:
    return rows(lake), live_files(lake), reading_files.ledger(landing)


def _empty(landing: Landing, lake: Lake) -> None:
    with landing.warehouse.transaction() as transaction:
        transaction.execute("truncate ops.files, ops.lake_files, ops.lake_tables cascade")
    lake.remove_orphans(age_s=0)


_LINES = st.lists(
    st.sampled_from(
        [f"2016-07-{day},{entity},{value}" for day in (21, 22) for entity in (-(2**62), 3, 2**62) for value in (1, 2)]
        + ["odd", "2016-01-01,1,1", "refuse"]
    ),
    max_size=8,
)


def _pack(name: str, lines: list[str]) -> bytes:
    text = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(text, mtime=0) if name.endswith("gz") else text


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_order_repetition_and_kills_change_nothing(landing: Landing, lake: Lake, data: st.DataObject) -> None:
    """Files come in another order, twice, one by one or together, with kills between: the outcome is that of one load.

    Versions of one name come in a fixed order, since the last one counts.
    """
    contents = {
        name: [_pack(name, lines) for lines in data.draw(st.lists(_LINES, min_size=1, max_size=2))]
        for name in ("r1.txt", "r2.txt.gz", "r3.txt")
    }

    _empty(landing, lake)
    for name, versions in contents.items():
        for content in versions:
            land(landing, name, content)
    loader(landing, lake).load_waiting()
    expected = _outcome(landing, lake)

    _empty(landing, lake)
    deliveries = data.draw(st.permutations([name for name, versions in contents.items() for _ in versions]))
    left = {name: list(versions) for name, versions in contents.items()}
    for name in deliveries:
        land(landing, name, left[name].pop(0))
        if data.draw(st.booleans()):
            with pytest.MonkeyPatch.context() as patch, killed_at(data.draw(st.sampled_from([None, *STEPS])), patch):
                loader(landing, lake).load_waiting(partitions=data.draw(st.sampled_from([None, ["2016-07-21"]])))
    for name, versions in contents.items():
        land(landing, name, versions[-1])  # once more
    loader(landing, lake).load_waiting()
    assert _outcome(landing, lake) == expected
    assert lake.faults(TABLE) == []


@pytest.mark.timeout(60)
def test_of_versions_that_are_all_refused_the_last_is_current(landing: Landing, lake: Lake) -> None:
    for texts in itertools.permutations(["refuse\n", "odd\nrefuse\n", "refuse\nodd\n"]):
        for together in (True, False):
            _empty(landing, lake)
            for text in texts:
                land(landing, "r1.txt", text.encode())
                if not together:
                    loader(landing, lake).load_waiting()
            loader(landing, lake).load_waiting()
            assert landing.warehouse.rows(
                "select sha256, outcome, state from ops.files join ops.loads using (file_id)"
                " where superseded_by is null"
            ) == [(hashlib.sha256(texts[-1].encode()).hexdigest(), "refused", "committed")]
            assert landing.waiting_files(loader(landing, lake).source.reader) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_load_that_is_killed_is_completed(
    landing: Landing, lake: Lake, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for name, content in (("r.txt", A), ("s.txt", B)):
        land(landing, name, content)
    loader(landing, lake).load_waiting()
    expected = _outcome(landing, lake)
    _empty(landing, lake)
    for name, content in (("r.txt", B), ("s.txt", B)):
        land(landing, name, content)
    loader(landing, lake).load_waiting()
    land(landing, "r.txt", A)
    with killed_at(step, monkeypatch):
        loader(landing, lake).load_waiting()
        pytest.fail("not killed")
    # nothing is between the two states
    state = {(day.isoformat(), value) for _, _, day, _, value in rows(lake)}
    assert ("2016-07-22", 1.0) in state or {value for _, value in state} == {7.0, 8.0}
    loader(landing, lake).load_waiting()
    assert _outcome(landing, lake) == expected
    # what the kill left on the disk is not live and goes
    lake.remove_orphans(age_s=0)
    on_disk = {path.relative_to(lake.folder).as_posix() for path in lake.folder.rglob("*.parquet")}
    assert on_disk == {name for name, _, _ in live_files(lake)}


def test_a_new_version_of_the_reader_reads_each_file_again(landing: Landing, lake: Lake) -> None:
    for name, content in (("r.txt", A), ("s.txt", B)):
        land(landing, name, content)
    loader(landing, lake).load_waiting()
    before = [row[1:] for row in rows(lake)]
    assert loader(landing, lake, version("2")).load_waiting().files == 2
    assert sorted(row[1:] for row in rows(lake)) == sorted(before)
    loads = landing.warehouse.rows("select load_id from ops.loads where reader_version = '2'")
    assert {load for *_, loads in live_files(lake) for load in loads} == {load for (load,) in loads}


def test_a_large_file_shows_how_many_bytes_are_read(
    landing: Landing, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LARGE_FILE_BYTES", 10)
    monkeypatch.setattr(progress, "_MEGABYTE", 1)
    land(landing, "r.txt", A)
    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        loader(landing, lake).load_waiting()
    read = [(one.done, one.total) for one in reports if one.task == "lake/readings: reading r.txt, MB"]
    assert read[-1] == (len(A), len(A))
    assert all(0 <= done < len(A) for done, _ in read[:-1])
    assert [one.done for one in reports if one.task == "lake/readings: files"] == [0, 1]
