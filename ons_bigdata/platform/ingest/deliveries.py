"""Delivered files, one by one, from folders, archives and single files.

Says where the bytes are and which are not taken; what is in a file is its reader's to say, and
keeping it is `landing`'s. Nothing is unpacked to disk, and one file at a time is in memory.
"""

from __future__ import annotations

import gzip
import lzma
import re
import stat
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
"""What the headers before one member of a tar may take; a long name needs a few hundred bytes."""

_PASS_OVER = 4
"""A refused member is passed over up to so many times the bound; then the archive is given up."""

_CHUNK = 64 * 1024

_UNPRINTABLE = "its name holds characters that cannot be printed"

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,  # `zipfile`: a version or method it does not know
    ValueError,  # both: a name or a number in a header that does not decode
)
"""What the modules raise at broken archives."""


@dataclass(frozen=True)
class DeliveredFile:
    """One file of a delivery: its bytes, or why it is not taken."""

    name: str
    """Base name of the file or member."""
    content: bytes | None
    """The bytes; None where the file is refused."""
    refusal: str | None
    """Why the file is not taken; None where it is."""
    origin: str
    """The path, and the member of the archive, for messages."""


class ArchiveDamagedError(InputError):
    """An archive breaks off or cannot be read on. Files before that point have been delivered."""

    def __init__(self, archive: Path, last_good_member: str | None, cause: str) -> None:
        self.archive = archive
        self.last_good_member = last_good_member
        after = f"after member {last_good_member}" if last_good_member else "before its first member"
        super().__init__(f"archive {archive} is damaged {after}: {cause}")


class _BoundExceededError(Exception):
    """More bytes came out of a compressed archive than the next member may take."""


def deliveries(paths: Sequence[Path], *, max_file_bytes: int) -> Iterator[DeliveredFile]:
    """Yield the files of some paths, each whole in memory, one at a time.

    A path is a folder (walked, sorted; archives in it are files like others), an archive (`.tar`,
    `.tar.gz`, `.tgz`, `.tar.xz`, `.txz`, `.zip`; members in their order) or a single file. A file that
    cannot be taken is yielded with its refusal: links, devices, names that leave the archive, and
    files above `max_file_bytes`, whatever size the archive gives them.

    Raises InputError at once if a path is missing, and when a file cannot be read; ArchiveDamagedError
    where an archive breaks, once what came before has been yielded.
    """
    if max_file_bytes < 1:
        raise ValueError(f"max_file_bytes is {max_file_bytes}; expected at least 1")
    for path in paths:
        if not path.exists():
            raise InputError(f"nothing at {path}; expected a folder, an archive or a file")
    return (file for path in paths for file in _of_path(path, max_file_bytes))


def _of_path(path: Path, bound: int) -> Iterator[DeliveredFile]:
    name = path.name.lower()
    if path.is_dir():
        yield from _of_folder(path, bound)
    elif name.endswith(".zip"):
        yield from _of_zip(path, bound)
    elif opener := next((opener for suffix, opener in _TARS.items() if name.endswith(suffix)), None):
        yield from _of_tar(path, opener, bound)
    else:
        yield _of_file(path.resolve(), path, bound)


# --- folders and files ----------------------------------------------------------------------------------


def _of_folder(folder: Path, bound: int) -> Iterator[DeliveredFile]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _of_folder(entry, bound)
        else:
            yield _of_file(entry, entry, bound)


def _of_file(path: Path, shown: Path, bound: int) -> DeliveredFile:
    """Read a file without following a link. `shown` is the path as the user gave it."""
    name = escape_unprintable(shown.name)
    origin = escape_unprintable(str(shown))
    fault = None if name == shown.name else _UNPRINTABLE
    try:
        mode = path.lstat().st_mode
        fault = fault or _kind_fault(mode)
        if fault:
            return DeliveredFile(name, None, fault, origin)
        with path.open("rb") as file:
            return _bounded(file, bound, name, origin)
    except OSError as error:
        raise InputError(f"cannot read {origin}: {error.strerror}") from error


def _kind_fault(mode: int) -> str | None:
    if stat.S_ISLNK(mode):
        return "a symbolic link; only regular files are taken"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return None


def _bounded(file: IO[bytes], bound: int, name: str, origin: str) -> DeliveredFile:
    content = file.read(bound + 1)
    if len(content) > bound:
        return DeliveredFile(name, None, _too_large(bound), origin)
    return DeliveredFile(name, content, None, origin)


def _too_large(bound: int) -> str:
    return f"larger than {bound} bytes, the bound for one file"


# --- names ----------------------------------------------------------------------------------------------


def _base_name(path: str) -> tuple[str, str | None]:
    """Return the base name of a member of an archive, and what is wrong with its path.

    Both slashes divide: an archive may come from either kind of system.
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
    ".tar.xz": lambda path: cast("IO[bytes]", lzma.LZMAFile(path)),  # noqa: SIM115  (closed by who asks)
    ".txz": lambda path: cast("IO[bytes]", lzma.LZMAFile(path)),  # noqa: SIM115  (closed by who asks)
}


def _opened(path: Path, opener: Callable[[Path], IO[bytes]]) -> IO[bytes]:
    try:
        return opener(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


class _StrictHeader(tarfile.TarInfo):
    """A tar header whose faults are errors everywhere.

    `tarfile` takes a broken header after the first as the end of the archive: files would be lost in silence.
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
"""All but the zero block, which is the proper end."""


class _BoundedStream:
    """An archive's unpacked bytes, of which only so many may be read for one member."""

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
def _damage_named(path: Path, last: str | None) -> Iterator[None]:
    """Turn whatever a broken archive raises into ArchiveDamagedError. `last` is the last good member."""
    try:
        yield
    except _BoundExceededError as error:
        cause = "what follows unpacks to more bytes than are worth passing over"
        raise ArchiveDamagedError(path, last, cause) from error
    except _DAMAGE as error:
        raise ArchiveDamagedError(path, last, str(error) or type(error).__name__) from error


def _of_tar(path: Path, opener: Callable[[Path], IO[bytes]], bound: int) -> Iterator[DeliveredFile]:
    last: str | None = None
    with _opened(path, opener) as unpacked:
        stream = _BoundedStream(unpacked)
        stream.left = _HEADER_BYTES
        with _damage_named(path, last):
            archive = tarfile.open(  # noqa: SIM115  (closing reads nothing and holds nothing)
                fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_StrictHeader
            )
        while True:
            with _damage_named(path, last):
                stream.left = _PASS_OVER * bound + _HEADER_BYTES
                member = archive.next()
                vars(archive)["members"].clear()  # else the headers of a long archive pile up
                if member is None:
                    _check_end(archive)
                    return
                stream.left = bound + _HEADER_BYTES
                file = None if member.isdir() else _tar_member(archive, member, path, bound)
            if file:
                yield file
            last = escape_unprintable(member.name)


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, bound: int) -> DeliveredFile:
    name, fault = _base_name(member.name)
    origin = f"{path}:{escape_unprintable(member.name)}"
    if member.issym() or member.islnk():
        fault = f"a link to {escape_unprintable(member.linkname)!r}; only regular files are taken"
    elif not member.isfile():
        fault = "not a regular file"
    elif member.size > bound:
        fault = _too_large(bound)
    opened = None if fault else archive.extractfile(member)
    if opened is None:
        return DeliveredFile(name, None, fault or "not a regular file", origin)
    return _bounded(opened, bound, name, origin)


def _check_end(archive: tarfile.TarFile) -> None:
    """Read on to the end, so that a cut shows. Raises TarError if anything but zeros follows."""
    stream = cast("IO[bytes]", archive.fileobj)
    while block := stream.read(_CHUNK):
        if block.strip(b"\0"):
            raise tarfile.ReadError("bytes after the end mark of the archive")


# --- zip ------------------------------------------------------------------------------------------------


def _of_zip(path: Path, bound: int) -> Iterator[DeliveredFile]:
    last: str | None = None
    with _damage_named(path, last):
        archive = zipfile.ZipFile(path)
    with archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with _damage_named(path, last):
                file = _zip_member(archive, member, path, bound)
            yield file
            last = escape_unprintable(member.filename)


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, bound: int) -> DeliveredFile:
    name, fault = _base_name(member.filename)
    origin = f"{path}:{escape_unprintable(member.filename)}"
    fault = fault or _zip_fault(member, bound)
    if fault:
        return DeliveredFile(name, None, fault, origin)
    with archive.open(member) as opened:
        return _bounded(opened, bound, name, origin)


def _zip_fault(member: zipfile.ZipInfo, bound: int) -> str | None:
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) and (fault := _kind_fault(mode)):
        return fault
    if member.flag_bits & 0x61:
        return "encrypted or a patch"
    # Only for these two does `zipfile` bound what one read unpacks.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compression method {member.compress_type}; expected 0 (stored) or 8 (deflated)"
    return _too_large(bound) if member.file_size > bound else None
