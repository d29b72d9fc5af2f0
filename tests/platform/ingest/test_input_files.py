"""Files below paths: accepted files, refused files, damaged archives."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import ArchiveDamagedError, Bounds, input_files
from ons_bigdata.platform.ingest.unpacking import BoundExceededError

BOUND = 1_000


class Delivered(NamedTuple):
    """A file of which the stream was read to its end."""

    name: str
    content: bytes | None
    refusal: str | None
    origin: str


def read_all(paths: Sequence[Path], bound: int = BOUND, ratio: int = 100_000) -> Iterator[Delivered]:
    for file in input_files(paths, Bounds(bound, ratio)):
        content = None if file.stream is None else file.stream.read()
        assert file.size_bytes == (None if content is None else len(content))
        yield Delivered(file.name, content, file.refusal, file.origin)


def delivered(*paths: Path, bound: int = BOUND, ratio: int = 100_000) -> list[Delivered]:
    return list(read_all(paths, bound, ratio))


def contents(files: list[Delivered]) -> dict[str, bytes | None]:
    return {file.name: file.content for file in files}


def refusals(files: list[Delivered]) -> dict[str, str]:
    return {file.name: file.refusal for file in files if file.refusal is not None}


def tar_bytes(members: list[tuple[str, bytes]], **kinds: bytes) -> bytes:
    """Pack regular files, then one member of each kind (name -> tar type) that points to ../secret."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in kinds.items():
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "../secret"
            archive.addfile(info)
    return packed.getvalue()


def zip_bytes(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


PACKERS = {
    "scrapes.tar": tar_bytes,
    "scrapes.tar.gz": lambda members: gzip.compress(tar_bytes(members)),
    "scrapes.TGZ": lambda members: gzip.compress(tar_bytes(members)),
    "scrapes.tar.xz": lambda members: lzma.compress(tar_bytes(members)),
    "scrapes.txz": lambda members: lzma.compress(tar_bytes(members)),
    "scrapes.tar.zst": lambda members: zstd.compress(tar_bytes(members)),
    "scrapes.zip": zip_bytes,
}


@pytest.mark.parametrize("name", PACKERS)
def test_the_members_of_an_archive_come_in_their_order(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PACKERS[name]([("day/b.csv", b"second"), ("day/a.csv", b""), ("./.DS_Store", b"x")]))
    assert delivered(path) == [
        Delivered("b.csv", b"second", None, f"{path}:day/b.csv"),
        Delivered("a.csv", b"", None, f"{path}:day/a.csv"),
        Delivered(".DS_Store", b"x", None, f"{path}:./.DS_Store"),
    ]


def test_a_folder_is_walked_in_order_and_archives_in_it_are_files(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("b/2.csv", "b/1.csv", "a.csv", "z.zip"):
        (tmp_path / name).write_bytes(name.encode())
    files = delivered(tmp_path)
    assert [file.name for file in files] == ["a.csv", "1.csv", "2.csv", "z.zip"]
    assert files[1] == Delivered("1.csv", b"b/1.csv", None, str(tmp_path / "b/1.csv"))


def test_archives_in_a_folder_are_opened_where_a_source_says_so_and_a_damaged_one_costs_itself(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar_bytes([("1.csv", b"1"), ("2.csv", b"2")]))
    (tmp_path / "b.zip").write_bytes(b"no zip")
    (tmp_path / "c.csv").write_bytes(b"3")
    (tmp_path / "d.zip").symlink_to(tmp_path / "a.tar")
    files = [
        (file.name, file.refusal or (file.stream and file.stream.read()))
        for file in input_files([tmp_path], Bounds(BOUND, 100), opens_archives=True)
    ]
    assert files[:2] == [("1.csv", b"1"), ("2.csv", b"2")]
    assert files[2][0] == "b.zip" and "is damaged before its first member" in files[2][1]
    assert files[3:] == [("c.csv", b"3"), ("d.zip", "a symbolic link; only regular files are taken")]


def test_several_paths_come_one_after_the_other(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"x")
    (tmp_path / "y.tar").write_bytes(tar_bytes([("y.csv", b"y")]))
    assert contents(delivered(tmp_path / "y.tar", tmp_path / "x.csv")) == {"y.csv": b"y", "x.csv": b"x"}


def test_a_missing_path_is_an_error_before_any_file(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no such file or directory: .*/nowhere; expected a folder"):
        input_files([tmp_path / "x.csv", tmp_path / "nowhere"], Bounds(BOUND, 1))


def test_a_bound_below_one_is_an_error():
    with pytest.raises(ValueError, match="file_bytes is 0"):
        Bounds(0, 1)
    with pytest.raises(ValueError, match="ratio is 0"):
        Bounds(1, 0)


def test_links_and_special_files_in_a_folder_are_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "way_out").symlink_to(tmp_path)
    (folder / "dangling.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.csv")
    files = delivered(folder)
    assert refusals(files) == {
        "dangling.csv": "a symbolic link; only regular files are taken",
        "link.csv": "a symbolic link; only regular files are taken",
        "way_out": "a symbolic link; only regular files are taken",
        "pipe.csv": "not a regular file",
    }
    assert {file.content for file in files} == {None}


def test_a_link_that_the_user_names_is_followed(tmp_path):
    (tmp_path / "real.csv").write_bytes(b"x")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert contents(delivered(tmp_path / "link.csv")) == {"link.csv": b"x"}


def test_links_and_devices_in_a_tar_are_refused_and_the_rest_is_taken(tmp_path):
    kinds = {
        "soft.csv": tarfile.SYMTYPE,
        "hard.csv": tarfile.LNKTYPE,
        "device": tarfile.CHRTYPE,
        "pipe": tarfile.FIFOTYPE,
        "folder": tarfile.DIRTYPE,
    }
    (tmp_path / "x.tar").write_bytes(tar_bytes([("good.csv", b"x")], **kinds))
    files = delivered(tmp_path / "x.tar")
    assert contents(files) == {
        "good.csv": b"x",
        "soft.csv": None,
        "hard.csv": None,
        "device": None,
        "pipe": None,
    }
    assert refusals(files) == {
        "soft.csv": "a link to '../secret'; only regular files are taken",
        "hard.csv": "a link to '../secret'; only regular files are taken",
        "device": "not a regular file",
        "pipe": "not a regular file",
    }


def test_links_and_encrypted_members_of_a_zip_are_refused(tmp_path):
    path = tmp_path / "x.zip"
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.mkdir("folder")
        archive.writestr("old.csv", b"x", zipfile.ZIP_BZIP2)
        archive.writestr("locked.csv", b"x")
    packed = bytearray(path.read_bytes())
    directory = packed.index(b"PK\x01\x02", packed.index(b"PK\x01\x02", packed.index(b"PK\x01\x02") + 1) + 1)
    entry = packed.index(b"PK\x01\x02", directory + 1)
    packed[entry + 8] |= 1
    path.write_bytes(packed)
    assert refusals(delivered(path)) == {
        "link.csv": "a symbolic link; only regular files are taken",
        "old.csv": "compression method 12; expected 0 (stored) or 8 (deflated)",
        "locked.csv": "encrypted or a patch",
    }


def test_a_zip_that_lost_an_entry_is_damaged(tmp_path):
    path = tmp_path / "x.zip"
    packed = bytearray(zip_bytes([("a.csv", b"x"), ("b.csv", b"y")]))
    first = packed.index(b"PK\x01\x02")
    second = packed.index(b"PK\x01\x02", first + 1)
    packed[first + 32] = second - first  # the length of the comment: the second entry becomes the comment of the first
    path.write_bytes(packed)
    with pytest.raises(ArchiveDamagedError, match=r"before its first member: its directory has 1 entries; expected 2"):
        delivered(path)


@pytest.mark.parametrize(
    ("place", "size", "cause"),
    [
        (16, 8, "a member unpacks to 0 bytes; expected 100"),  # of the first entry: its check sum and compressed size
        (-14, 10, "its directory has no entry"),  # of the end record: counts, size and place of the directory
    ],
)
def test_a_zip_with_zeros_in_its_directory_is_damaged(tmp_path, place, size, cause):
    path = tmp_path / "x.zip"
    packed = bytearray(zip_bytes([("a.csv", b"x" * 100)]))
    start = packed.index(b"PK\x01\x02") + place if place > 0 else len(packed) + place
    packed[start : start + size] = bytes(size)
    path.write_bytes(packed)
    with pytest.raises(ArchiveDamagedError, match=cause):
        delivered(path)


def test_a_name_that_is_cut_at_nul_is_no_folder(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(zip_bytes([("day/a.csv", b"x")]).replace(b"day/a", b"day/\0"))
    assert refusals(delivered(path)) == {"": "path 'day/' names no file"}


@pytest.mark.parametrize("pack", [tar_bytes, zip_bytes])
@pytest.mark.parametrize(
    ("member", "name", "reason"),
    [
        ("/etc/x.csv", "x.csv", "absolute path '/etc/x.csv' in an archive"),
        ("C:\\x.csv", "x.csv", "absolute path 'C:\\\\x.csv' in an archive"),
        ("a/../../x.csv", "x.csv", "path 'a/../../x.csv' leads out of the archive"),
        ("a\\..\\x.csv", "x.csv", "path 'a\\\\..\\\\x.csv' leads out of the archive"),
        ("a/x\n.csv", "x\\n.csv", "its name holds characters that cannot be printed"),
    ],
)
def test_names_that_leave_the_archive_are_refused(tmp_path, pack, member, name, reason):
    path = tmp_path / ("x.tar" if pack is tar_bytes else "x.zip")
    path.write_bytes(pack([(member, b"x"), ("good.csv", b"y")]))
    files = delivered(path)
    assert refusals(files) == {name: reason}
    assert contents(files)["good.csv"] == b"y"


def test_a_name_that_is_not_utf8_is_refused_and_shown_escaped(tmp_path):
    Path(os.fsdecode(bytes(tmp_path) + b"/x\xff.csv")).write_bytes(b"x")
    assert refusals(delivered(tmp_path)) == {"x\\udcff.csv": "its name holds characters that cannot be printed"}


@pytest.mark.parametrize("name", PACKERS)
def test_a_file_of_just_the_bound_is_taken_and_one_byte_more_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PACKERS[name]([("fits.csv", b"x" * BOUND), ("over.csv", b"x" * (BOUND + 1)), ("next", b"y")]))
    files = delivered(path)
    assert contents(files) == {"fits.csv": b"x" * BOUND, "over.csv": None, "next": b"y"}
    assert refusals(files) == {"over.csv": "larger than 1000 bytes, the bound for one file"}


def test_a_large_file_in_a_folder_is_refused(tmp_path):
    (tmp_path / "over.csv").write_bytes(b"x" * (BOUND + 1))
    assert refusals(delivered(tmp_path)) == {"over.csv": "larger than 1000 bytes, the bound for one file"}


def test_a_zip_that_understates_its_size_does_not_get_past_the_bound(tmp_path):
    packed = bytearray(zip_bytes([("bomb.csv", b"\0" * 50_000_000)]))
    entry = packed.index(b"PK\x01\x02")
    packed[entry + 24 : entry + 28] = (500).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(packed)
    peak = _peak_bytes(tmp_path / "x.zip", ArchiveDamagedError)
    assert peak < 3_000_000  # a buffer of a megabyte


@pytest.mark.parametrize("name", ["x.tar.xz", "x.tar.gz"])
def test_a_decompression_bomb_is_refused_and_not_unpacked(tmp_path, name):
    bomb = tar_bytes([("bomb.csv", b"\0" * 50_000_000)])
    (tmp_path / name).write_bytes(lzma.compress(bomb, preset=0) if "xz" in name else gzip.compress(bomb))
    del bomb
    files: list[Delivered] = []
    with pytest.raises(ArchiveDamagedError, match=r"after member bomb\.csv: what follows unpacks to more"):
        files.extend(_until_error(tmp_path / name, files))
    assert refusals(files) == {"bomb.csv": "larger than 1000 bytes, the bound for one file"}
    assert _peak_bytes(tmp_path / name, ArchiveDamagedError) < 12_000_000


@pytest.mark.parametrize("name", ["x.tar.xz", "x.tar.gz", "x.tar.zst", "x.zip"])
def test_a_bomb_within_the_bound_of_bytes_is_refused_by_its_ratio(tmp_path, name):
    members = [("good.csv", b"x"), ("bomb.csv", b"\0" * 20_000_000)]
    pack = zip_bytes(members) if name == "x.zip" else tar_bytes(members)
    packers = {"xz": lambda packed: lzma.compress(packed, preset=0), "gz": gzip.compress, "zst": zstd.compress}
    (tmp_path / name).write_bytes(packers.get(name.rsplit(".")[-1], bytes)(pack))
    files: list[Delivered] = []
    if name == "x.zip":
        files.extend(delivered(tmp_path / name, bound=50_000_000, ratio=200))
        assert refusals(files) == {
            "bomb.csv": "unpacks to more than 200 times its packed bytes, the bound for one file"
        }
    else:
        with pytest.raises(ArchiveDamagedError, match=r"after member good\.csv: unpacks to more than 200 times"):
            files.extend(read_all([tmp_path / name], 50_000_000, 200))
    # the same bytes are taken where the ratio is not bounded
    assert len(delivered(tmp_path / name, bound=50_000_000)[1].content or b"") == 20_000_000


def test_a_stream_that_is_not_read_does_not_disturb_the_next(tmp_path):
    for name, pack in PACKERS.items():
        (tmp_path / name).write_bytes(pack([("a.csv", b"a" * 700), ("b.csv", b"b" * 700)]))
        found = []
        for file in input_files([tmp_path / name], Bounds(BOUND, 200)):
            assert file.stream is not None
            found.append(file.stream.read(3))
        assert found == [b"aaa", b"bbb"]


def test_a_file_that_grows_while_it_is_read_ends_at_the_bound(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"x" * BOUND)
    for file in input_files([path], Bounds(BOUND, 1)):
        with path.open("ab") as growing:
            growing.write(b"y")
        with pytest.raises(BoundExceededError, match="larger than 1000 bytes"):
            file.stream.read()


def test_a_tar_with_an_endless_name_is_stopped(tmp_path):
    packed = gzip.compress(tar_bytes([("long" * 5_000_000, b"x")]))
    (tmp_path / "x.tar.gz").write_bytes(packed)
    assert _peak_bytes(tmp_path / "x.tar.gz", ArchiveDamagedError) < 8_000_000


def _until_error(path: Path, files: list[Delivered], bound: int = BOUND) -> list[Delivered]:
    for file in read_all([path], bound):
        files.append(file)
    return []


def _peak_bytes(path: Path, error: type[Exception]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(error):
            delivered(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


MEMBERS = [("a.csv", b"a" * 700), ("b.csv", b"b" * 700), ("c.csv", b"c" * 700)]


@pytest.mark.parametrize(
    ("cut", "whole"),
    [(100, []), (512 + 300, []), (1536, ["a.csv"]), (1536 + 100, ["a.csv"]), (2 * 1536, ["a.csv", "b.csv"])],
)
def test_a_cut_tar_gives_what_came_before_and_names_the_last_good_member(tmp_path, cut, whole):
    (tmp_path / "x.tar").write_bytes(tar_bytes(MEMBERS)[:cut])
    files: list[Delivered] = []
    with pytest.raises(ArchiveDamagedError) as raised:
        _until_error(tmp_path / "x.tar", files)
    assert [file.name for file in files] == whole
    assert raised.value.last_good_member == (whole[-1] if whole else None)
    assert str(tmp_path / "x.tar") in str(raised.value)


@pytest.mark.parametrize("name", ["scrapes.tar", "scrapes.tar.gz", "scrapes.tar.xz", "scrapes.zip"])
def test_every_cut_of_an_archive_is_noticed(tmp_path, name):
    path = tmp_path / name
    packed = PACKERS[name](MEMBERS)
    end = 3 * 1536 if name == "scrapes.tar" else len(packed)  # of a bare tar only the zeros at the end may go
    for cut in range(0, end, 1 if end < 1_000 else 97):
        path.write_bytes(packed[:cut])
        files: list[Delivered] = []
        with pytest.raises(ArchiveDamagedError):
            _until_error(path, files)
        assert contents(files).items() <= dict(MEMBERS).items()


def test_a_broken_header_in_the_middle_is_not_taken_for_the_end(tmp_path):
    packed = bytearray(tar_bytes(MEMBERS))
    packed[1536 + 10] ^= 0xFF
    (tmp_path / "x.tar").write_bytes(packed)
    with pytest.raises(ArchiveDamagedError, match=r"after member a\.csv: bad checksum"):
        delivered(tmp_path / "x.tar")


def test_bytes_after_the_end_of_a_tar_are_noticed(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_bytes(MEMBERS) + tar_bytes([("more.csv", b"x")]))
    with pytest.raises(ArchiveDamagedError, match=r"after member c\.csv: bytes after the end mark"):
        delivered(tmp_path / "x.tar")


def test_a_zip_member_that_is_not_what_was_packed_breaks_the_archive(tmp_path):
    packed = bytearray(zip_bytes(MEMBERS, zipfile.ZIP_STORED))
    packed[packed.index(b"bbbb")] ^= 1
    (tmp_path / "x.zip").write_bytes(packed)
    with pytest.raises(ArchiveDamagedError, match=r"after member a\.csv: Bad CRC-32"):
        delivered(tmp_path / "x.zip")


def test_a_zip_member_without_a_name_is_refused(tmp_path):
    path = tmp_path / "scrapes.zip"
    path.write_bytes(zip_bytes([("q.csv", b"x"), ("a.csv", b"y")]).replace(b"q.csv", b"\0.csv"))  # a name ends at NUL
    nameless, good = delivered(path)
    assert (nameless.content, nameless.refusal) == (None, "path '' names no file")
    assert good.content == b"y"


def test_a_zip_of_a_version_to_come_is_damaged(tmp_path):
    packed = bytearray(zip_bytes(MEMBERS))
    packed[packed.index(b"PK\x01\x02") + 6] = 99
    (tmp_path / "x.zip").write_bytes(packed)
    with pytest.raises(ArchiveDamagedError, match=r"before its first member: zip file version 9\.9"):
        delivered(tmp_path / "x.zip")


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.xz", "x.zip"])
def test_what_is_no_archive_is_damaged(tmp_path, name):
    (tmp_path / name).write_bytes(b"timestamp,store\n" * 100)
    with pytest.raises(ArchiveDamagedError, match="is damaged before its first member"):
        delivered(tmp_path / name)


@given(data=st.data(), name=st.sampled_from(["scrapes.tar", "scrapes.tar.gz", "scrapes.tar.xz", "scrapes.zip"]))
def test_whatever_the_bytes_an_archive_is_read_or_damaged(tmp_path_factory, data, name):
    packed = bytearray(PACKERS[name](MEMBERS))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("mutated") / name
    path.write_bytes(packed)
    files: list[Delivered] = []
    try:
        _until_error(path, files)
    except ArchiveDamagedError as error:
        assert str(path) in str(error)
    assert all((file.content is None) == (file.refusal is not None) for file in files)
