"""Files below given paths, read one at a time: folders, archives and single files.

Links, devices, hostile names and files above a bound are refused here, before any reader sees them. Nothing is
unpacked to disk, and one file at a time is in memory.
"""

from __future__ import annotations

import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.printable import escape_unprintable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_HEADER_BYTES = 1024 * 1024
"""Bound on the headers before one member of a tar; a long name needs a few hundred bytes."""

_SKIPPED_BOUNDS = 4
"""A refused member is skipped up to this multiple of the bound; beyond it reading of the archive ends."""

_CHUNK = 64 * 1024

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
    EOFError,
    OSError,
    NotImplementedError,  # `zipfile`: an unknown version or method
    ValueError,  # both modules: a name or a number in a header that does not decode
)
"""Exceptions that the modules raise for broken archives."""


@dataclass(frozen=True)
class InputFile:
    """A file below the paths: its bytes, or the reason why it is refused."""

    name: str
    """Base name of the file or member."""
    content: bytes | None
    """The bytes; None where the file is refused."""
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


class _BoundExceededError(Exception):
    """A compressed archive unpacks to more bytes than the next member may have."""


def input_files(paths: Sequence[Path], *, max_file_bytes: int) -> Iterator[InputFile]:
    """Yield the files below the paths, each whole in memory, one at a time.

    A path is a folder (walked, sorted; archives in it are read as plain files), an archive (`.tar`,
    `.tar.gz`, `.tgz`, `.tar.xz`, `.txz`, `.zip`; members in their order) or a single file. A refused file
    is yielded with its reason: links, devices, names that leave the archive, and files above
    `max_file_bytes`, whatever size the archive declares.

    Raises InputError at once if a path is missing, and when a file cannot be read; ArchiveDamagedError
    where an archive is damaged, after the files before that point.
    """
    if max_file_bytes < 1:
        raise ValueError(f"max_file_bytes is {max_file_bytes}; expected at least 1")
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or directory: {path}; expected a folder, an archive or a file")
    return (file for path in paths for file in _in_path(path, max_file_bytes))


def _in_path(path: Path, bound: int) -> Iterator[InputFile]:
    name = path.name.lower()
    if path.is_dir():
        yield from _in_folder(path, bound)
    elif name.endswith(".zip"):
        yield from _in_zip(path, bound)
    elif opener := next((opener for suffix, opener in _TARS.items() if name.endswith(suffix)), None):
        yield from _in_tar(path, opener, bound)
    else:
        yield _read_file(path.resolve(), path, bound)


# --- folders and files ----------------------------------------------------------------------------------


def _in_folder(folder: Path, bound: int) -> Iterator[InputFile]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _in_folder(entry, bound)
        else:
            yield _read_file(entry, entry, bound)


def _read_file(path: Path, shown: Path, bound: int) -> InputFile:
    """Read a file without following a link. `shown` is the path as given by the user."""
    name = escape_unprintable(shown.name)
    origin = escape_unprintable(str(shown))
    fault = None if name == shown.name else _UNPRINTABLE
    try:
        mode = path.lstat().st_mode
        fault = fault or _kind_fault(mode)
        if fault:
            return InputFile(name, None, fault, origin)
        with path.open("rb") as file:
            return _read_bounded(file, bound, name, origin)
    except OSError as error:
        raise InputError(f"cannot read {origin}: {error.strerror}") from error


def _kind_fault(mode: int) -> str | None:
    if stat.S_ISLNK(mode):
        return "a symbolic link; only regular files are taken"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return None


def _read_bounded(file: IO[bytes], bound: int, name: str, origin: str) -> InputFile:
    content = file.read(bound + 1)
    if len(content) > bound:
        return InputFile(name, None, _above_bound(bound), origin)
    return InputFile(name, content, None, origin)


def _above_bound(bound: int) -> str:
    return f"larger than {bound} bytes, the bound for one file"


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


_TARS: dict[str, Callable[[Path], IO[bytes]]] = {
    ".tar": lambda path: path.open("rb"),
    ".tar.gz": lambda path: cast("IO[bytes]", gzip.GzipFile(path)),
    ".tgz": lambda path: cast("IO[bytes]", gzip.GzipFile(path)),
    ".tar.xz": lambda path: cast("IO[bytes]", lzma.LZMAFile(path)),  # noqa: SIM115  (the caller closes it)
    ".txz": lambda path: cast("IO[bytes]", lzma.LZMAFile(path)),  # noqa: SIM115  (the caller closes it)
}


def _open_archive(path: Path, opener: Callable[[Path], IO[bytes]]) -> IO[bytes]:
    try:
        return opener(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


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


class _BoundedStream:
    """The unpacked bytes of an archive, with a bound on the bytes that are read for one member."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.left = 0

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise _BoundExceededError
        return block


@contextmanager
def _name_damage(path: Path, last: str | None) -> Iterator[None]:
    """Turn the exceptions of a broken archive into ArchiveDamagedError. `last` is the last good member."""
    try:
        yield
    except _BoundExceededError as error:
        cause = "what follows unpacks to more bytes than are skipped"
        raise ArchiveDamagedError(path, last, cause) from error
    except _DAMAGE as error:
        raise ArchiveDamagedError(path, last, str(error) or type(error).__name__) from error


def _in_tar(path: Path, opener: Callable[[Path], IO[bytes]], bound: int) -> Iterator[InputFile]:
    last: str | None = None
    with _open_archive(path, opener) as unpacked:
        stream = _BoundedStream(unpacked)
        stream.left = _HEADER_BYTES
        with _name_damage(path, last):
            archive = tarfile.open(  # noqa: SIM115  (closing reads nothing and releases nothing)
                fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_StrictHeader
            )
        while True:
            with _name_damage(path, last):
                stream.left = _SKIPPED_BOUNDS * bound + _HEADER_BYTES
                member = archive.next()
                vars(archive)["members"].clear()  # else the headers of a long archive pile up
                if member is None:
                    _require_end(archive)
                    return
                stream.left = bound + _HEADER_BYTES
                file = None if member.isdir() else _read_tar_member(archive, member, path, bound)
            if file:
                yield file
            last = escape_unprintable(member.name)


def _read_tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, bound: int) -> InputFile:
    name, fault = _base_name(member.name)
    origin = f"{path}:{escape_unprintable(member.name)}"
    if member.issym() or member.islnk():
        fault = f"a link to {escape_unprintable(member.linkname)!r}; only regular files are taken"
    elif not member.isfile():
        fault = "not a regular file"
    elif member.size > bound:
        fault = _above_bound(bound)
    opened = None if fault else archive.extractfile(member)
    if opened is None:
        return InputFile(name, None, fault or "not a regular file", origin)
    return _read_bounded(opened, bound, name, origin)


def _require_end(archive: tarfile.TarFile) -> None:
    """Read to the end, so that a truncated archive is noticed. Raises TarError if anything but zeros follows."""
    stream = cast("IO[bytes]", archive.fileobj)
    while block := stream.read(_CHUNK):
        if block.strip(b"\0"):
            raise tarfile.ReadError("bytes after the end mark of the archive")


# --- zip ------------------------------------------------------------------------------------------------


def _in_zip(path: Path, bound: int) -> Iterator[InputFile]:
    last: str | None = None
    with _name_damage(path, last):
        archive = zipfile.ZipFile(path)
        _require_all_entries(archive, path)
    with archive:
        for member in archive.infolist():
            # `is_dir` fails for a member without a name; `zipfile` cuts a name at NUL, and "a/\0b" is no folder
            if member.filename.endswith("/") and not member.file_size:
                continue
            with _name_damage(path, last):
                file = _read_zip_member(archive, member, path, bound)
            yield file
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


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, bound: int) -> InputFile:
    name, fault = _base_name(member.filename)
    origin = f"{path}:{escape_unprintable(member.filename)}"
    fault = fault or _zip_fault(member, bound)
    if fault:
        return InputFile(name, None, fault, origin)
    with archive.open(member) as opened:
        file = _read_bounded(opened, bound, name, origin)
    if file.content is not None and len(file.content) != member.file_size:  # `zipfile` takes the compressed size
        raise zipfile.BadZipFile(f"{name} unpacks to {len(file.content)} bytes; expected {member.file_size}")
    return file


def _zip_fault(member: zipfile.ZipInfo, bound: int) -> str | None:
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) and (fault := _kind_fault(mode)):
        return fault
    if member.flag_bits & 0x61:
        return "encrypted or a patch"
    # Only for these two methods does `zipfile` bound the bytes that one read unpacks.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compression method {member.compress_type}; expected 0 (stored) or 8 (deflated)"
    return _above_bound(bound) if member.file_size > bound else None
