"""Mutated archives: each file comes whole, with a reason against it, or after it the archive is reported as damaged."""

from __future__ import annotations

import gzip
import lzma
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ons_bigdata.platform.ingest.input_files import ArchiveDamagedError, Bounds, InputFile, input_files
from ons_bigdata.platform.ingest.unpacking import BoundExceededError
from ons_bigdata.platform.printable import escape_unprintable
from tests.mutations import FEW, LONGEST_S, MANY, chances, mutate_bytes, pack_tar, pack_zip

BOUND = 4_000
MEMBERS = [(f"day/{name}.csv", (f"{name},1.50\n" * repeats).encode()) for name, repeats in (("a", 3), ("b", 400))]
ARCHIVES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "tar": (".tar", lambda packed: packed),
    "tar.gz": (".tar.gz", gzip.compress),
    "tar.xz": (".tar.xz", lzma.compress),
    "zip": (".zip", lambda packed: packed),
}


def read_stream(file: InputFile) -> bytes | None:
    """Content of a file; None where it is refused, at once or while it is read."""
    try:
        return None if file.stream is None else file.stream.read()
    except BoundExceededError:
        return None


def check_archive(kind: str, folder: Path, chance: random.Random) -> None:
    suffix, compress = ARCHIVES[kind]
    packed = pack_zip(MEMBERS) if kind == "zip" else pack_tar(MEMBERS)
    # within the compression, or of the compressed bytes
    content = (
        compress(mutate_bytes(packed, chance)) if chance.random() < 0.5 else mutate_bytes(compress(packed), chance)
    )
    path = folder / f"x{suffix}"
    path.write_bytes(content)
    begin, damaged, files, contents = time.process_time(), False, [], []
    try:
        for file in input_files([path], Bounds(file_bytes=BOUND, ratio=1_000)):
            content_read = read_stream(file)
            files.append(file)
            contents.append(content_read)
    except ArchiveDamagedError:
        damaged = True
    assert time.process_time() - begin < LONGEST_S
    for file, read in zip(files, contents, strict=True):
        assert (file.stream is None) == (file.refusal is not None)
        assert len(read or b"") <= BOUND
        assert escape_unprintable(file.name) == file.name and "/" not in file.name
    assert damaged or len(files) == len(MEMBERS)
    originals = dict(MEMBERS)
    if not damaged and kind == "zip":  # each member has a check sum
        assert set(contents) <= {*originals.values(), None}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_few_hundred_mutations(kind: str, tmp_path: Path) -> None:
    for chance in chances(FEW):
        check_archive(kind, tmp_path, chance)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ARCHIVES)
def test_ten_thousand_mutations(kind: str, tmp_path: Path) -> None:
    for chance in chances(MANY):
        check_archive(kind, tmp_path, chance)
