"""Single packed files: unpacked as they are read, within bounds of bytes and ratio."""

from __future__ import annotations

import gzip
import io
import tracemalloc

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.unpacking import RATIO_FLOOR_BYTES, BoundExceededError, open_unpacked, unpacked_name

PACKERS = {"a.txt": bytes, "a.txt.gz": gzip.compress, "A.TXT.GZ": gzip.compress, "a.txt.zst": zstd.compress}


def unpack(packed: bytes, name: str, **bounds: int) -> bytes:
    with open_unpacked(io.BytesIO(packed), name, **bounds) as stream:
        return stream.read()


@pytest.mark.parametrize("name", PACKERS)
@given(content=st.binary(max_size=2000))
def test_what_was_packed_is_unpacked(name, content):
    assert unpack(PACKERS[name](content), name, max_bytes=2000, max_ratio=1) == content


def test_names_lose_their_ending():
    names = ("a.csv", "a.csv.gz", "a.ZST", "gz", ".gz", "a.tar.gz")
    assert [unpacked_name(name) for name in names] == ["a.csv", "a.csv", "a", "gz", "", "a.tar"]


def test_parts_that_were_packed_one_after_another_are_one_file():
    assert unpack(gzip.compress(b"a") + gzip.compress(b"b"), "x.gz") == b"ab"
    assert unpack(zstd.compress(b"a") + zstd.compress(b"b"), "x.zst") == b"ab"


@pytest.mark.parametrize("name", PACKERS)
def test_reading_ends_at_the_bound(name):
    packed = PACKERS[name](b"x" * 1000)
    assert unpack(packed, name, max_bytes=1000) == b"x" * 1000
    with pytest.raises(BoundExceededError, match="larger than 999 bytes, the bound for one file"):
        unpack(packed, name, max_bytes=999)


@pytest.mark.parametrize("name", ["bomb.gz", "bomb.zst"])
def test_a_bomb_is_stopped_by_its_ratio_before_it_is_unpacked(name):
    packed = (gzip.compress if name == "bomb.gz" else zstd.compress)(b"\0" * (4 * RATIO_FLOOR_BYTES))
    tracemalloc.start()
    try:
        with (
            open_unpacked(io.BytesIO(packed), name, max_ratio=200) as stream,
            pytest.raises(BoundExceededError, match="unpacks to more than 200 times its packed bytes"),
        ):
            while stream.read(65_536):
                pass
        assert tracemalloc.get_traced_memory()[1] < RATIO_FLOOR_BYTES
    finally:
        tracemalloc.stop()
    assert len(unpack(packed, name, max_ratio=1_000_000)) == 4 * RATIO_FLOOR_BYTES


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_every_cut_of_a_packed_file_is_noticed(name):
    packed = (gzip.compress if name == "a.gz" else zstd.compress)(bytes(range(256)) * 4)
    for cut in range(1, len(packed)):
        with pytest.raises(InputError, match=r"its \.(gz|zst) content is damaged"):
            unpack(packed[:cut], name)


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_what_is_not_packed_is_damaged(name):
    with pytest.raises(InputError, match="content is damaged"):
        unpack(b"a,b\n" * 50, name)
