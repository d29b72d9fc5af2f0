"""Bytes of landed files: writing, and reading with a comparison of the hash where they may have changed."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.background import BackgroundHash
from ons_bigdata.platform.ingest.unpacking import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMPED_BYTES = 16 * 1024**2
"""Smallest file that is stamped; to hash a smaller one again costs less than its first row."""


class LandedFileError(InputError):
    """Landed bytes that are missing or changed, or were never read."""


def stamp_of(path: Path) -> str | None:
    """Return the stamp of a file of which the bytes have just been hashed; None for a small file.

    The stamp holds inode, size, and the times of the last change of content and of attributes (ns). Every write changes
    the latter, and no program can set it: a file with the same stamp has the same bytes, unless the disk or its owner's
    privileged tools changed them. A file that was copied or restored from a backup has another stamp.
    """
    state = path.stat()
    return _stamp(state) if state.st_size >= STAMPED_BYTES else None


def _stamp(state: os.stat_result) -> str:
    return f"{state.st_ino}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"


def open_verified(path: Path, name: str, *, sha256: str, stamp: str | None) -> IO[bytes]:
    """Open the bytes of a landed file.

    They are those that were hashed if the file has its stamp, at the beginning and at the end of the stream. Where it
    has another one or none is known, the hash is compared at the end.

    Raises LandedFileError if the file is missing, and at the end of the stream if its bytes were changed.
    """
    try:
        raw = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise LandedFileError(f"landed file {name} is missing: expected at {path}") from error
    if stamp is not None and stamp == _stamp(os.fstat(raw.fileno())):
        return cast("IO[bytes]", io.BufferedReader(_StampedFile(raw, name, path, stamp), CHUNK_BYTES))
    return cast("IO[bytes]", io.BufferedReader(_HashedFile(raw, name, path, sha256), CHUNK_BYTES))


def open_part(path: Path, name: str, *, stamp: str, begin: int, end: int) -> IO[bytes]:
    """Open the bytes `begin` to `end` of a landed file that has its stamp, at the beginning and at the end of the part.

    Raises LandedFileError if it is missing or has another stamp.
    """
    try:
        raw = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise LandedFileError(f"landed file {name} is missing: expected at {path}") from error
    part = _StampedFile(raw, name, path, stamp, begin, end)
    try:
        part.check()
    except LandedFileError:
        part.close()
        raise
    return cast("IO[bytes]", io.BufferedReader(part, CHUNK_BYTES))


def has_stamp(path: Path, stamp: str | None) -> bool:
    """True if there is a file with this stamp."""
    try:
        return stamp is not None and stamp == _stamp(path.stat())
    except FileNotFoundError:
        return False


class _HashedFile(io.RawIOBase):
    """The bytes of a landed file; their hash is compared at the end."""

    def __init__(self, raw: IO[bytes], name: str, path: Path, sha256: str) -> None:
        self._raw = raw
        self._name = name
        self._path = path
        self._sha256 = sha256
        self._digest = BackgroundHash()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        count = cast("io.RawIOBase", self._raw).readinto(buffer) or 0
        self._digest.update(bytes(memoryview(buffer)[:count]))
        if count == 0 and len(buffer) and (found := self._digest.hexdigest()) != self._sha256:
            raise LandedFileError(
                f"landed file {self._name} at {self._path} was changed: expected sha256 {self._sha256}, found {found}"
            )
        return count

    def close(self) -> None:
        self._digest.close()
        self._raw.close()
        super().close()


class _StampedFile(io.RawIOBase):
    """The bytes of a landed file with the stamp with which it was hashed, or a part of them.

    The stamp is compared again at the end.
    """

    def __init__(
        self, raw: IO[bytes], name: str, path: Path, stamp: str, begin: int = 0, end: int | None = None
    ) -> None:
        self._raw = raw
        self._name = name
        self._path = path
        self._stamp = stamp
        self._end = end
        raw.seek(begin)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(place, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        view = memoryview(buffer)
        if self._end is not None:
            view = view[: max(self._end - self._raw.tell(), 0)]
        count = cast("io.RawIOBase", self._raw).readinto(view) or 0
        if count == 0 and len(buffer):
            self.check()
        return count

    def check(self) -> None:
        """Raise LandedFileError where the file has another stamp."""
        if _stamp(os.fstat(self._raw.fileno())) != self._stamp:
            raise LandedFileError(f"landed file {self._name} at {self._path} was changed while it was read")

    def close(self) -> None:
        self._raw.close()
        super().close()


@contextmanager
def naming_unwritable(path: Path) -> Iterator[None]:
    """Turn the refusal of a file by the operating system into InputError that names it."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def write_all(file: IO[bytes], chunk: bytes) -> None:
    """Write a chunk to an unbuffered file, which may take less at a time."""
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) :]


def has_content(path: Path, *, sha256: str, size_bytes: int) -> bool:
    """True if a file has bytes of this size and hash."""
    if path.stat().st_size != size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def sync(path: Path) -> None:
    """Write a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
