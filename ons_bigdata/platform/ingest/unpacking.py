"""Single packed files (`.gz`, `.zst`): their names, and streams of the unpacked bytes with bounds on size and ratio."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

from backports import zstd

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES = 256 * 1024
"""Bytes that are read from a file at a time: few enough to stay in the processor's cache while they are worked on."""

RATIO_FLOOR_BYTES = 16 * 1024 * 1024
"""Unpacked bytes up to which the ratio is not bounded: a file of blanks may be small and highly compressible."""

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
"""Exceptions that the modules raise for packed bytes that break off or are broken."""

_OPENERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda packed: cast("IO[bytes]", gzip.GzipFile(fileobj=packed)),
    ".zst": lambda packed: cast("IO[bytes]", zstd.ZstdFile(packed)),
}


class BoundExceededError(InputError):
    """A file has more bytes, or unpacks to more, than its source admits."""


def unpacked_name(name: str) -> str:
    """Name of a file without the ending `.gz` or `.zst`."""
    suffix = _suffix(name)
    return name[: -len(suffix)] if suffix else name


def open_unpacked(
    packed: IO[bytes], name: str, *, max_bytes: int | None = None, max_ratio: int | None = None
) -> IO[bytes]:
    """Stream of the unpacked bytes of a file; a file whose name has no ending of a packed one is passed through.

    Reading raises BoundExceededError beyond `max_bytes`, and beyond `max_ratio` times the packed bytes where these
    unpack to more than RATIO_FLOOR_BYTES; InputError where the packed bytes are damaged.
    """
    suffix = _suffix(name)
    counted = CountedStream(packed)
    inner = _OPENERS[suffix](cast("IO[bytes]", io.BufferedReader(counted, CHUNK_BYTES))) if suffix else None
    unpacked = _Unpacked(inner, counted, suffix, max_bytes, max_ratio)
    return cast("IO[bytes]", io.BufferedReader(unpacked, CHUNK_BYTES))


def above_bound(bound: int) -> str:
    """Reason of the refusal of a file with more bytes than `bound`."""
    return f"larger than {bound} bytes, the bound for one file"


def above_ratio(ratio: int) -> str:
    """Reason of the refusal of a file that unpacks to more than `ratio` times its packed bytes."""
    return f"unpacks to more than {ratio} times its packed bytes, the bound for one file"


class CountedStream(io.RawIOBase):
    """A stream that counts the bytes that were read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.count = 0

    def readable(self) -> bool:
        """True if it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        """Fill a buffer with the next bytes; return their number."""
        count = cast("io.BufferedIOBase", self.stream).readinto(buffer)
        self.count += count
        return count


class _Unpacked(io.RawIOBase):
    """Unpacked bytes, or the bytes themselves where `inner` is None, within the bounds."""

    def __init__(
        self, inner: IO[bytes] | None, packed: CountedStream, suffix: str, max_bytes: int | None, max_ratio: int | None
    ) -> None:
        self._inner = inner
        self._packed = packed
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        count = self._packed.readinto(buffer) if self._inner is None else self._unpack(self._inner, buffer)
        self._count += count
        if self._max_bytes is not None and self._count > self._max_bytes:
            raise BoundExceededError(above_bound(self._max_bytes))
        if (
            self._inner is not None
            and self._max_ratio is not None
            and self._count > max(RATIO_FLOOR_BYTES, self._max_ratio * self._packed.count)
        ):
            raise BoundExceededError(above_ratio(self._max_ratio))
        return count

    def _unpack(self, inner: IO[bytes], buffer: Any) -> int:  # noqa: ANN401
        try:
            return cast("io.BufferedIOBase", inner).readinto(buffer)
        except DAMAGE as error:
            raise InputError(f"its {self._suffix} content is damaged: {str(error) or type(error).__name__}") from error


def _suffix(name: str) -> str:
    return next((suffix for suffix in _OPENERS if name.lower().endswith(suffix)), "")
