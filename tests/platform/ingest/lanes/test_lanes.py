"""Files that several processes read: rows, ledger and files of the lake are those of one process, whatever fails."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.ingest import landed_bytes
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.bulk_loading import BulkLoader
from ons_bigdata.platform.ingest.landed_bytes import LandedFileError, open_part, stamp_of
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.lanes import reading
from ons_bigdata.platform.ingest.lanes.messages import receive, send
from ons_bigdata.platform.ingest.lanes.reading import Lanes, StampedFile
from ons_bigdata.platform.ingest.lanes.stretches import find_stretches
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.platform.ingest.reading_files import LINES, SOURCE, land, ledger, live_files, read_batches, rows

GOOD = [f"2016-07-{day},{(-1) ** day * day * 10**17},{day / 4}" for day in range(10, 30)]


@pytest.fixture
def lake(warehouse: Warehouse, tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", warehouse)


@pytest.fixture(autouse=True)
def stamp_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed_bytes, "STAMPED_BYTES", 1)


def text(*lines: str, end: str = "\n") -> bytes:
    return ("\n".join(lines) + end).encode()


def execute(landing: Landing, statement: str) -> None:
    with landing.warehouse.transaction() as transaction:
        transaction.execute(statement)


def loader(landing: Landing, lake: Lake, processes: int, **fields: Any) -> BulkLoader:
    source = replace(SOURCE, **fields)
    return BulkLoader(
        landing, lake, source, read_batches, None, None, lambda: LINES, processes=processes, parallel_bytes=0
    )


def stamped(path: Path, content: bytes) -> StampedFile:
    path.write_bytes(content)
    stamp = stamp_of(path)
    assert stamp is not None
    return StampedFile(path, path.name, stamp, len(content))


def lines_of(batches: list[Batch]) -> tuple[list[tuple], list[tuple], int]:
    accepted = [row for batch in batches for row in batch.accepted.iter_rows()]
    return (
        accepted,
        [row for batch in batches for row in batch.quarantined.iter_rows()],
        sum(b.rows_in for b in batches),
    )


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=12), st.integers(1, 30))
def test_stretches_are_whole_lines_one_after_another(lines: list[bytes], size: int) -> None:
    content = b"\n".join(lines)
    found = list(find_stretches(io.BytesIO(content), len(content), size))
    assert b"".join(content[one.begin : one.end] for one in found) == content
    assert [one.begin for one in found[1:]] == [one.end for one in found[:-1]]
    assert all(content[one.end - 1 : one.end] == b"\n" and one.end - one.begin >= size for one in found[:-1])
    # no stretch is longer than its size and the line in which it ends
    assert all(content[one.begin : one.end - 1].rfind(b"\n") < size for one in found)


def test_a_line_end_is_found_however_far_it_is() -> None:
    content = b"a" * 200_000 + b"\nb"
    assert [(one.begin, one.end) for one in find_stretches(io.BytesIO(content), len(content), 10)] == [
        (0, 200_001),
        (200_001, 200_002),
    ]


def test_frames_pass_through_a_message_unchanged() -> None:
    frame = pl.DataFrame(
        {
            "day": pl.Series(["2016-07-21"] * 3).str.to_date(),
            "text": ["a", "a", None],
            "same": ["x"] * 3,
            "none": pl.Series([None] * 3, dtype=pl.Float64),
            "time": pl.Series([1, 2, 3]).cast(pl.Datetime("us", "UTC")),
            "nan": [float("nan")] * 3,
        }
    )
    stream = io.BytesIO()
    send(stream, {"rows_in": 3}, [frame, frame.clear(), frame.head(1)])
    size = stream.tell()
    stream.seek(0)
    message = receive(stream)
    assert message is not None
    content, frames = message
    assert content == {"rows_in": 3}
    for found, expected in zip(frames, [frame, frame.clear(), frame.head(1)], strict=True):
        assert found.equals(expected)
        assert found.schema == expected.schema
    assert receive(stream) is None
    assert receive(io.BytesIO(stream.getvalue()[: size - 1])) is None


def outcome(landing: Landing, lake: Lake) -> tuple[object, ...]:
    reasons = landing.warehouse.rows("select load_id, reason, rows::int from ops.quarantine_reasons order by 1, 2")
    return rows(lake), live_files(lake), ledger(landing), reasons


@pytest.mark.parametrize("end", ["\n", ""])
def test_two_processes_load_what_one_loads(landing: Landing, lake: Lake, end: str) -> None:
    files = {
        "r1.txt": text("# a comment", *GOOD[:9], "odd", "# another", *GOOD[9:], "2031-01-01,1,1", "odder", end=end),
        "r2.txt": text(GOOD[0], "refuse", GOOD[1]),
        "r3.txt": text(*GOOD[:6], "fail here", "refuse"),
        "r4.txt": text("# nothing but comments"),
        "r5.txt": text(*(["bad"] * 1_005), *GOOD[5:]),
    }
    found = []
    for processes in (1, 2):
        execute(landing, "truncate ops.files, ops.lake_files, ops.lake_tables cascade")
        for name, content in files.items():
            land(landing, name, content)
        loader(landing, lake, processes).load_waiting()
        found.append(outcome(landing, lake))
    for several, one in zip(found[1], found[0], strict=True):
        assert several == one
    assert [(row[0], row[4], row[5]) for row in ledger(landing)] == [
        ("r1.txt", "loaded", 23),
        ("r2.txt", "refused", 0),
        ("r3.txt", "refused", 0),
        ("r4.txt", "outage", 0),
        ("r5.txt", "loaded", 1_020),
    ]


def test_batches_come_in_the_order_of_the_file_and_processes_are_used_again(tmp_path: Path) -> None:
    lanes = Lanes(LINES, 2)
    try:
        for number in range(3):
            content = text(*GOOD[number:], "odd", *GOOD)
            read = list(lanes.read(stamped(tmp_path / "r.txt", content)))
            assert lines_of([batch for batch, _ in read]) == lines_of(list(read_batches(io.BytesIO(content), "r.txt")))
            places = [place for _, place in read]
            assert places == sorted(places)
            assert places[-1] == len(content)
    finally:
        lanes.close()


def test_a_reading_that_is_left_leaves_the_processes_to_the_next(tmp_path: Path) -> None:
    lanes = Lanes(LINES, 2)
    try:
        first = lanes.read(stamped(tmp_path / "r.txt", text(*GOOD)))
        next(first)
        first.close()
        content = text(*GOOD[5:])
        read = [batch for batch, _ in lanes.read(stamped(tmp_path / "s.txt", content))]
        assert lines_of(read) == lines_of(list(read_batches(io.BytesIO(content), "s.txt")))
    finally:
        lanes.close()


def test_content_of_a_personal_file_is_in_no_message(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", text(*GOOD, "fail here"))
    loader(landing, lake, 2, is_personal=True).load_waiting()
    assert landing.warehouse.rows("select reason from ops.loads") == [("reader reading_lines 1 failed: RuntimeError",)]


def test_a_process_that_ends_leaves_the_file_waiting(landing: Landing, lake: Lake) -> None:
    land(landing, "r.txt", text(*GOOD, "end the process", *GOOD))
    with pytest.raises(UnavailableError, match=r"reads r\.txt ended with exit code 9"):
        loader(landing, lake, 2).load_waiting()
    assert [file.name for file in landing.waiting_files(SOURCE.reader)] == ["r.txt"]
    assert rows(lake) == []
    land(landing, "r.txt", text(*GOOD))
    loader(landing, lake, 2).load_waiting()
    assert len(rows(lake)) == len(GOOD)


def test_changed_landed_bytes_are_an_error(tmp_path: Path) -> None:
    lanes = Lanes(LINES, 2)
    content = text(*GOOD)
    file = stamped(tmp_path / "r.txt", content)
    try:
        read = lanes.read(file)
        next(read)
        file.path.write_bytes(content[:-2] + b"1\n")
        with pytest.raises(LandedFileError, match="was changed while it was read"):
            list(read)
    finally:
        lanes.close()


def test_a_part_is_read_with_its_stamp_at_both_ends(tmp_path: Path) -> None:
    file = stamped(tmp_path / "r.txt", b"0123456789")
    with open_part(file.path, "r.txt", stamp=file.stamp, begin=2, end=5) as part:
        assert part.read() == b"234"
    with open_part(file.path, "r.txt", stamp=file.stamp, begin=2, end=5) as part:
        os.utime(file.path, ns=(1, 1))
        with pytest.raises(LandedFileError, match="was changed"):
            part.read()
    with pytest.raises(LandedFileError, match="was changed"):
        open_part(file.path, "r.txt", stamp=file.stamp, begin=2, end=5)
    with pytest.raises(LandedFileError, match="is missing"):
        open_part(tmp_path / "s.txt", "s.txt", stamp=file.stamp, begin=0, end=1)


@pytest.mark.parametrize("case", ["packed", "by another stamp", "not by line", "beyond the bound", "small files"])
def test_one_process_reads_what_several_cannot(
    landing: Landing, lake: Lake, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    land(landing, "r.txt.gz" if case == "packed" else "r.txt", text(f"# {case}", *GOOD))
    if case == "by another stamp":
        execute(landing, "update ops.files set stamp = '1:2:3:4'")
    monkeypatch.setattr(Lanes, "read", lambda *_: pytest.fail("read by several processes"))
    loading = loader(landing, lake, 2, **({"max_file_bytes": 10} if case == "beyond the bound" else {}))
    loading = replace(loading, parallel_bytes=10_000) if case == "small files" else loading
    loading.load_waiting()
    assert len(rows(lake)) == (0 if case in ("packed", "beyond the bound") else len(GOOD))


def test_a_process_ends_with_its_caller() -> None:
    lane = reading._Lane()
    lane._jobs.close()  # as the system does where the caller is killed
    assert lane._process.wait(timeout=30) == 0
    lane._replies.close()


def test_a_reader_that_refuses_is_an_input_error(tmp_path: Path) -> None:
    lanes = Lanes(LINES, 2)
    try:
        with pytest.raises(InputError, match="asked to refuse it"):
            list(lanes.read(stamped(tmp_path / "r.txt", text(*GOOD, "refuse", "fail"))))
    finally:
        lanes.close()
