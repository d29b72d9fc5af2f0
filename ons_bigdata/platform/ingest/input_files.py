"""Files below given paths as streams, one after another: folders, archives and single files.

Links, devices, hostile names and files above a bound are refused here, before any reader sees them. Nothing is
unpacked to disk, and no file is held in memory.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from backports import zstd

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.unpacking import (
    CHUNK_BYTES,
    RATIO_FLOOR_BYTES,
    BoundExceededError,
    above_bound,
    above_ratio,
)
from ons_bigdata.platform.printable import escape_unprintable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

_HEADER_BYTES = 1024 * 1024
"""Bound on the headers before one member of a tar; a long name needs a few hundred bytes."""

_SKIPPED_BOUNDS = 4
"""A refused member is skipped up to this multiple of the bound; beyond it reading of the archive ends."""

_LONGEST_END_RECORD = 22 + 0xFFFF
"""Bytes of the last record of a zip with the longest comment; it has the number of entries at its tenth byte."""

_COUNTED_ELSEWHERE = 0xFFFF
"""Number of entries in that record of an archive with more entries (zip64)."""

_UNPRINTABLE = "its name holds characters that cannot be printed"

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    zstd.ZstdError,
    EOFError,
    OSError,
    NotImplementedError,  # `zipfile`: an unknown version or method
    ValueError,  # both modules: a name or a number in a header that does not decode
)
"""Exceptions that the modules raise for broken archives."""


@dataclass(frozen=True)
class Bounds:
    """Largest sizes that are taken in."""

    file_bytes: int
    """Bytes of a file, unpacked."""
    ratio: int
    """Unpacked bytes for each packed byte, where more than RATIO_FLOOR_BYTES are unpacked."""

    def __post_init__(self) -> None:
        for name, bound in (("file_bytes", self.file_bytes), ("ratio", self.ratio)):
            if bound < 1:
                raise ValueError(f"{name} is {bound}; expected at least 1")


@dataclass(frozen=True)
class InputFile:
    """A file below the paths: a stream of its bytes, or the reason why it is refused."""

    name: str
    """Base name of the file or member."""
    stream: IO[bytes] | None
    """The bytes, to be read before the next file is taken; None where the file is refused."""
    size_bytes: int | None
    """Size by the folder or archive; None where the file is refused."""
    refusal: str | None
    """Reason of the refusal; None where the file is taken."""
    origin: str
    """Path and member of the archive, for messages."""


class ArchiveDamagedError(InputError):
    """An archive that breaks off or cannot be read on. The files before that point have been yielded."""

    def __init__(self, archive: Path, last_good_member: str | None, cause: str) -> None:
        self.archive = archive
        self.last_good_member = last_good_member
        after = f"after member {last_good_member}" if last_good_member else "before its first member"
        super().__init__(f"archive {archive} is damaged {after}: {cause}")


class _PastBoundError(Exception):
    """A compressed archive unpacks to more bytes than are skipped, or than its packed bytes may unpack to."""


def input_files(paths: Sequence[Path], bounds: Bounds, *, opens_archives: bool = False) -> Iterator[InputFile]:
    """Yield the files below the paths, each as a stream that is read before the next file is taken.

    A path is a folder (walked, sorted; archives in it are plain files unless `opens_archives`; then a damaged one is
    refused after its files before the damage), an archive (`.tar`, `.tar.gz`,
    `.tgz`, `.tar.xz`, `.txz`, `.tar.zst`, `.zip`; members in their order) or a single file. A refused file is yielded
    with its reason: links, devices, names that leave the archive, and files above the bounds, whatever size the archive
    declares. A single packed file (`.gz`, `.zst`) is a file as it is: its reader unpacks it.

    Raises InputError at once if a path is missing, and when a file cannot be read; ArchiveDamagedError where an archive
    is damaged, after the files before that point. A stream raises the same, and BoundExceededError for a file that
    grows beyond the bound while it is read.
    """
    require_paths(paths)
    return (file for path in paths for file in _in_path(path, bounds, opens_archives=opens_archives))


def is_archive(name: str) -> bool:
    """True for the name of an archive that is opened where it is given as a path."""
    return name.lower().endswith((".zip", *_TARS))


def require_paths(paths: Sequence[Path]) -> None:
    """Raise InputError if a path is missing."""
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or directory: {path}; expected a folder, an archive or a file")


def _in_path(path: Path, bounds: Bounds, *, opens_archives: bool) -> Iterator[InputFile]:
    name = path.name.lower()
    if path.is_dir():
        yield from _in_folder(path, bounds, opens_archives=opens_archives)
    elif name.endswith(".zip"):
        yield from _in_zip(path, bounds)
    elif opener := next((opener for suffix, opener in _TARS.items() if name.endswith(suffix)), None):
        yield from _in_tar(path, opener, bounds)
    else:
        yield from _in_file(path.resolve(), path, bounds)


def _refuse(name: str, reason: str, origin: str) -> InputFile:
    return InputFile(name, None, None, reason, origin)


class _BoundedFile(io.RawIOBase):
    """The bytes of one file. Reading beyond the bound raises BoundExceededError, and errors name the file.

    `expected_bytes` is the size that an archive declares: a file that ends at another size is damaged (`zipfile` takes
    the compressed size for the end).
    """

    def __init__(
        self,
        stream: IO[bytes],
        bound: int,
        errors: Callable[[], AbstractContextManager[None]],
        expected_bytes: int | None,
    ) -> None:
        self._stream = stream
        self._bound = bound
        self._errors = errors
        self._expected_bytes = expected_bytes
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        with self._errors():
            count = cast("io.BufferedIOBase", self._stream).readinto(buffer)
            if not count and self._expected_bytes not in (None, self._count):
                raise zipfile.BadZipFile(f"a member unpacks to {self._count} bytes; expected {self._expected_bytes}")
        self._count += count
        if self._count > self._bound:
            raise BoundExceededError(above_bound(self._bound))
        return count


def _buffered(
    stream: IO[bytes],
    bound: int,
    errors: Callable[[], AbstractContextManager[None]],
    *,
    expected_bytes: int | None = None,
) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_BoundedFile(stream, bound, errors, expected_bytes), CHUNK_BYTES))


# --- folders and files ----------------------------------------------------------------------------------


def _in_folder(folder: Path, bounds: Bounds, *, opens_archives: bool) -> Iterator[InputFile]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _in_folder(entry, bounds, opens_archives=opens_archives)
        elif opens_archives and is_archive(entry.name) and _kind_fault(entry.lstat().st_mode) is None:
            try:
                yield from _in_path(entry, bounds, opens_archives=True)
            except ArchiveDamagedError as error:
                yield _refuse(escape_unprintable(entry.name), str(error), escape_unprintable(str(entry)))
        else:
            yield from _in_file(entry, entry, bounds)


def _in_file(path: Path, shown: Path, bounds: Bounds) -> Iterator[InputFile]:
    """Yield one file without following a link. `shown` is the path as given by the user."""
    name = escape_unprintable(shown.name)
    origin = escape_unprintable(str(shown))
    fault = None if name == shown.name else _UNPRINTABLE
    with _name_unreadable(origin):
        fault = fault or _kind_fault(path.lstat().st_mode)
        opened = None if fault else path.open("rb", buffering=0)
    if opened is None:
        yield _refuse(name, fault or "not a regular file", origin)
        return
    with opened as file:
        size = os.fstat(file.fileno()).st_size
        if size > bounds.file_bytes:
            yield _refuse(name, above_bound(bounds.file_bytes), origin)
        else:
            stream = _buffered(file, bounds.file_bytes, lambda: _name_unreadable(origin))
            yield InputFile(name, stream, size, None, origin)


@contextmanager
def _name_unreadable(origin: str) -> Iterator[None]:
    """Turn the errors of the operating system into InputError that names the file."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot read {origin}: {error.strerror}") from error


def _kind_fault(mode: int) -> str | None:
    if stat.S_ISLNK(mode):
        return "a symbolic link; only regular files are taken"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return None


# --- names ----------------------------------------------------------------------------------------------


def _base_name(path: str) -> tuple[str, str | None]:
    """Base name of a member of an archive, and the fault of its path (None without fault).

    Both slashes separate: an archive may come from either kind of system.
    """
    parts = re.split(r"[/\\]", path)
    name = escape_unprintable(parts[-1])
    if name != parts[-1]:
        return name, _UNPRINTABLE
    if not name:
        return name, f"path {escape_unprintable(path)!r} names no file"
    if not parts[0] or re.match(r"^[A-Za-z]:", path):
        return name, f"absolute path {escape_unprintable(path)!r} in an archive"
    if ".." in parts:
        return name, f"path {escape_unprintable(path)!r} leads out of the archive"
    return name, None


# --- tar ------------------------------------------------------------------------------------------------


_TARS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".tar": lambda packed: packed,
    ".tar.gz": lambda packed: cast("IO[bytes]", gzip.GzipFile(fileobj=packed)),
    ".tgz": lambda packed: cast("IO[bytes]", gzip.GzipFile(fileobj=packed)),
    ".tar.xz": lambda packed: cast("IO[bytes]", lzma.LZMAFile(packed)),  # noqa: SIM115  (the caller closes it)
    ".txz": lambda packed: cast("IO[bytes]", lzma.LZMAFile(packed)),  # noqa: SIM115  (the caller closes it)
    ".tar.zst": lambda packed: cast("IO[bytes]", zstd.ZstdFile(packed)),
}


def _open_archive(path: Path) -> IO[bytes]:
    with _name_unreadable(str(path)):
        return path.open("rb")


class _StrictHeader(tarfile.TarInfo):
    """A tar header of which every fault is an error.

    `tarfile` takes a broken header after the first member as the end of the archive: files would be lost silently.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> _StrictHeader:
        try:
            return super().fromtarfile(tarfile)
        except _HEADER_ERRORS as error:
            raise _BrokenHeaderError(str(error)) from error


class _BrokenHeaderError(tarfile.TarError):
    pass


_HEADER_ERRORS = tuple(error for error in tarfile.HeaderError.__subclasses__() if error.__name__ != "EOFHeaderError")
"""Header errors except for the zero block, which is the proper end."""


class _BoundedArchive:
    """The unpacked bytes of an archive, with bounds on those read for one member and on their ratio to the packed."""

    def __init__(self, unpacked: IO[bytes], packed: IO[bytes], ratio: int) -> None:
        self.unpacked = unpacked
        self.packed = packed
        self.ratio = ratio
        self.count = 0
        self.left = _HEADER_BYTES

    def read(self, size: int) -> bytes:
        block = self.unpacked.read(size)
        self.left -= len(block)
        self.count += len(block)
        if self.left < 0:
            raise _PastBoundError("what follows unpacks to more bytes than are skipped")
        if self.count > max(RATIO_FLOOR_BYTES, self.ratio * self.packed.tell()):
            raise _PastBoundError(above_ratio(self.ratio).replace("file", "archive"))
        return block


@contextmanager
def _name_damage(path: Path, last: str | None) -> Iterator[None]:
    """Turn the exceptions of a broken archive into ArchiveDamagedError. `last` is the last good member."""
    try:
        yield
    except (_PastBoundError, *_DAMAGE) as error:
        raise ArchiveDamagedError(path, last, str(error) or type(error).__name__) from error


def _in_tar(path: Path, opener: Callable[[IO[bytes]], IO[bytes]], bounds: Bounds) -> Iterator[InputFile]:
    last: str | None = None
    with _open_archive(path) as packed:
        with _name_damage(path, last):
            stream = _BoundedArchive(opener(packed), packed, bounds.ratio)
            archive = tarfile.open(  # noqa: SIM115  (closing reads nothing and releases nothing)
                fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_StrictHeader
            )
        while True:
            with _name_damage(path, last):
                stream.left = _SKIPPED_BOUNDS * bounds.file_bytes + _HEADER_BYTES
                member = archive.next()
                vars(archive)["members"].clear()  # else the headers of a long archive pile up
                if member is None:
                    _require_end(archive)
                    return
                stream.left = bounds.file_bytes + _HEADER_BYTES
            if not member.isdir():
                yield _tar_member(archive, member, path, bounds.file_bytes, last)
            last = escape_unprintable(member.name)


def _tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, bound: int, last: str | None
) -> InputFile:
    name, fault = _base_name(member.name)
    origin = f"{path}:{escape_unprintable(member.name)}"
    if member.issym() or member.islnk():
        fault = f"a link to {escape_unprintable(member.linkname)!r}; only regular files are taken"
    elif not member.isfile():
        fault = "not a regular file"
    elif member.size > bound:
        fault = above_bound(bound)
    with _name_damage(path, last):
        opened = None if fault else archive.extractfile(member)
    if opened is None:
        return _refuse(name, fault or "not a regular file", origin)
    stream = _buffered(opened, bound, lambda: _name_damage(path, last))
    return InputFile(name, stream, member.size, None, origin)


def _require_end(archive: tarfile.TarFile) -> None:
    """Read to the end, so that a truncated archive is noticed. Raises TarError if anything but zeros follows."""
    stream = cast("IO[bytes]", archive.fileobj)
    while block := stream.read(CHUNK_BYTES):
        if block.strip(b"\0"):
            raise tarfile.ReadError("bytes after the end mark of the archive")


# --- zip ------------------------------------------------------------------------------------------------


def _in_zip(path: Path, bounds: Bounds) -> Iterator[InputFile]:
    last: str | None = None
    with _name_damage(path, last):
        archive = zipfile.ZipFile(path)
        _require_all_entries(archive, path)
    with archive:
        for member in archive.infolist():
            # `is_dir` fails for a member without a name; `zipfile` cuts a name at NUL, and "a/\0b" is no folder
            if member.filename.endswith("/") and not member.file_size:
                continue
            yield from _zip_member(archive, member, path, bounds, last)
            last = escape_unprintable(member.filename)


def _require_all_entries(archive: zipfile.ZipFile, path: Path) -> None:
    """Compare the entries with their recorded number: `zipfile` ignores it, and files would be lost silently."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_END_RECORD))
        end = file.read()
    place = end.rfind(b"PK\x05\x06")
    (recorded,) = struct.unpack_from("<H", end, place + 10)
    if recorded == _COUNTED_ELSEWHERE and end[place - 20 : place].startswith(b"PK\x06\x07"):
        (recorded,) = struct.unpack_from("<Q", end, end.rfind(b"PK\x06\x06", 0, place) + 32)
    found = len(archive.infolist())
    if not found and archive.start_dir:
        raise zipfile.BadZipFile(f"its directory has no entry, behind {archive.start_dir} bytes")
    if recorded != found:
        raise zipfile.BadZipFile(f"its directory has {found} entries; expected {recorded}")


def _zip_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, bounds: Bounds, last: str | None
) -> Iterator[InputFile]:
    name, fault = _base_name(member.filename)
    origin = f"{path}:{escape_unprintable(member.filename)}"
    fault = fault or _zip_fault(member, bounds)
    if fault:
        yield _refuse(name, fault, origin)
        return
    with _name_damage(path, last):
        opened = archive.open(member)
    with opened:
        stream = _buffered(opened, bounds.file_bytes, lambda: _name_damage(path, last), expected_bytes=member.file_size)
        yield InputFile(name, stream, member.file_size, None, origin)


def _zip_fault(member: zipfile.ZipInfo, bounds: Bounds) -> str | None:
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) and (fault := _kind_fault(mode)):
        return fault
    if member.flag_bits & 0x61:
        return "encrypted or a patch"
    # Only for these two methods does `zipfile` bound the bytes that one read unpacks.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compression method {member.compress_type}; expected 0 (stored) or 8 (deflated)"
    if member.file_size > bounds.file_bytes:
        return above_bound(bounds.file_bytes)
    if member.file_size > max(RATIO_FLOOR_BYTES, bounds.ratio * member.compress_size):
        return above_ratio(bounds.ratio)
    return None
