"""Landing: files land unchanged, and the ledger has the current versions."""

from __future__ import annotations

import io
import os
import shutil
import stat
import time

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest import landed_bytes
from ons_bigdata.platform.ingest.background import BackgroundHash
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import refuse
from tests.platform.ingest.conftest import Land
from tests.platform.ingest.number_files import DAY, READER, ledger, load, numbers, stored


def test_bytes_land_unchanged_and_leave_no_temporary_file(landing: Landing, land: Land) -> None:
    file, is_new = land("a.txt", f"{DAY} 1\r\n")
    assert is_new
    assert landing.read(file) == f"{DAY} 1\r\n".encode()
    assert landing.path(file).name == f"{file.sha256}.txt"
    assert [path.name for path in landing.path(file).parent.iterdir()] == [f"{file.sha256}.txt"]


def test_landed_files_are_closed_to_others_whatever_the_umask(landing: Landing, land: Land) -> None:
    before = os.umask(0)
    try:
        file, _ = land("a.txt", f"{DAY} 1\n")
    finally:
        os.umask(before)
    path = landing.path(file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:2]} == {0o700}


def test_a_stream_that_breaks_leaves_nothing(landing: Landing) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            if landing.folder.exists() and any(path.stat().st_size for path in landing.folder.rglob(".*.tmp")):
                raise InputError("the stream breaks off")
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    with pytest.raises(InputError, match="breaks off"):
        landing.stage(io.BufferedReader(Broken()))
    assert [path for path in landing.folder.rglob("*") if path.is_file()] == []


def test_changed_bytes_are_noticed_at_the_end_of_the_stream(landing: Landing, land: Land) -> None:
    file, _ = land("a.txt", f"{DAY} 1\n")
    landing.path(file).write_bytes(f"{DAY} 2\n".encode())
    with landing.open(file) as stream:
        assert stream.read(len(DAY)) == DAY.encode()
        with pytest.raises(InputError, match=r"landed file a\.txt at .* was changed: expected sha256"):
            stream.read()


def test_a_large_file_is_hashed_again_only_where_it_may_have_changed(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the landed bytes in their place is another file: its hash is compared, and it is the same."""
    hashed: list[bytes] = []
    update = BackgroundHash.update
    monkeypatch.setattr(landed_bytes, "STAMPED_BYTES", 1)
    file, _ = land("a.txt", f"{DAY} 1\n")
    monkeypatch.setattr(BackgroundHash, "update", lambda digest, chunk: (hashed.append(chunk), update(digest, chunk)))
    assert landing.read(file) == f"{DAY} 1\n".encode()
    assert hashed == []
    path = landing.path(file)
    shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").rename(path)
    assert landing.read(file) == b"".join(hashed) == f"{DAY} 1\n".encode()


def test_a_large_file_that_changes_is_noticed_at_the_end_of_the_stream(
    landing: Landing, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is opened, or while it is read; also where the time of the change is set back."""
    monkeypatch.setattr(landed_bytes, "STAMPED_BYTES", 1)
    file, _ = land("a.txt", f"{DAY} 1\n")
    path = landing.path(file)
    before = path.stat()
    with landing.open(file) as stream:
        assert stream.read(len(DAY)) == DAY.encode()
        time.sleep(0.02)  # longer than a tick of the file system's clock
        path.write_bytes(f"{DAY} 2\n".encode())
        with pytest.raises(InputError, match=r"landed file a\.txt at .* was changed while it was read"):
            stream.read()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r"landed file a\.txt at .* was changed: expected sha256"):
        landing.read(file)
    assert land("a.txt", f"{DAY} 1\n")[1] is False  # the delivery mends it
    (mended,) = landing.files()
    assert mended.stamp != file.stamp
    assert landing.read(mended) == f"{DAY} 1\n".encode()


def test_the_same_bytes_again_change_nothing(landing: Landing, land: Land) -> None:
    land("a.txt", f"{DAY} 1\n")
    load(landing)
    before = stored(landing), ledger(landing)
    assert land("a.txt", f"{DAY} 1\n")[1] is False
    assert landing.pending_partitions(READER) == []
    load(landing)
    assert (stored(landing), ledger(landing)) == before


def test_two_empty_files_of_two_runs_are_two_rows(landing: Landing, land: Land) -> None:
    land("a.txt", "")
    land("b.txt", "")
    load(landing)
    assert [(row[0], row[5]) for row in ledger(landing)] == [("a.txt", "outage"), ("b.txt", "outage")]


def test_the_same_name_with_other_bytes_supersedes(landing: Landing, land: Land) -> None:
    first, _ = land("a.txt", f"{DAY} 1\n")
    load(landing)
    second, is_new = land("a.txt", f"{DAY} 2\n")
    assert is_new
    assert landing.pending_partitions(READER) == [DAY]
    load(landing)
    assert numbers(landing) == [2]
    superseded = landing.warehouse.rows("select superseded_by from ops.files where file_id = $1", [first.file_id])
    assert superseded == [(second.file_id,)]
    assert landing.read(first) == f"{DAY} 1\n".encode()  # the earlier version stays


def test_nothing_supersedes_something(landing: Landing, land: Land) -> None:
    """An empty file and a file that nobody knows leave the version with content current, in either order."""
    good, _ = land("a.txt", f"{DAY} 1\n")
    empty, is_new = land("a.txt", "")
    unknown, _ = land("a.txt", "what is this", ())
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
    load(landing)
    assert numbers(landing) == [1, 2]


def test_a_file_refused_then_is_taken_in_once_it_is_known(landing: Landing, land: Land) -> None:
    file, _ = land("a.txt", f"{DAY} 1\n", ())
    refuse(landing, file, READER, "unknown shop")
    assert land("a.txt", f"{DAY} 1\n", ())[1] is False
    assert land("a.txt", f"{DAY} 1\n")[1] is True
    load(landing)
    assert numbers(landing) == [1]
    assert landing.warehouse.rows("select outcome from ops.loads") == [("loaded",)]


def test_what_a_killed_process_left_is_removed_and_what_another_stages_is_not(landing: Landing, land: Land) -> None:
    other = Landing(landing.folder, landing.warehouse)
    held = other.stage(io.BytesIO(b"held"))
    left = held.path.with_name(".0123456789abcdef.4711.tmp")
    left.write_bytes(b"left")
    land("a.txt", f"{DAY} 1\n")
    assert [path.name for path in held.path.parent.iterdir()] == [held.path.name]
    other.land_staged(held, source="numbers", delivery="one", name="b.txt", data_origin="simulated", partitions=[DAY])
    assert list(held.path.parent.iterdir()) == []
    assert held.lock.closed


def test_a_file_refused_unread_has_no_hash(landing: Landing) -> None:
    file, is_new = landing.land(
        None, source="numbers", delivery="one", name="link.txt", data_origin=None, partitions=()
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


def test_a_refused_file_is_in_the_ledger_with_its_reason(landing: Landing, land: Land) -> None:
    file, _ = land("notes.doc", "hello", ())
    refuse(landing, file, READER, "not the name of a file of numbers")
    assert landing.warehouse.rows("select state, outcome, reason, rows_in::int from ops.loads") == [
        ("committed", "refused", "not the name of a file of numbers", 0)
    ]
    assert landing.pending_partitions(READER) == []


@pytest.mark.parametrize("key", ["../up", "", "A", "a b", "x" * 65, "a/b", "a\n"])
def test_keys_that_could_leave_the_folder_are_refused(landing: Landing, land: Land, key: str) -> None:
    with pytest.raises(InputError, match="is not a key"):
        landing.land(b"", source="numbers", delivery=key, name="a", data_origin="simulated", partitions=())
    with pytest.raises(InputError, match="is not a key"):
        land("a.txt", "", (key,))
