"""Keyed pseudonyms of people, homes and devices, which replace their identifiers before lake and tables."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

KEY_BYTES = 32
_HMAC_BLOCK_BYTES = 64
_HEX_KEY = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")


@dataclass(frozen=True)
class PseudonymKey:
    """The secret of the pseudonyms. Its `key_id` may be stored beside them, the secret itself nowhere."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise InputError(f"the pseudonym key has {len(self.secret)} bytes; expected {KEY_BYTES}")

    @property
    def key_id(self) -> str:
        """Name of the key, 16 hex digits that are derived from it: another key has another name."""
        return hmac.digest(self.secret, b"key_id", "sha256").hex()[:16]


def read_key(text: str | None, path: Path) -> PseudonymKey:
    """Key of the pseudonyms: `text` where it is given (from the environment), else what the file at `path` holds.

    Either is 64 hex digits. Raises InputError where there is neither, the form is another, or the file may be read or
    written by others than its owner. The messages never hold the key.
    """
    if text is not None:
        return _parsed(text, "the pseudonym key in the environment")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise InputError(
            f"no pseudonym key: expected a file {path} with 64 hex digits, mode 0600, "
            "which `ons-bigdata new-secret pseudonyms` makes"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the pseudonym key at {path}: {type(error).__name__}") from None
    if mode & 0o077:
        raise InputError(f"the pseudonym key at {path} has mode {mode:04o}; expected 0600")
    return _parsed(content, f"the pseudonym key at {path}")


def make_key(path: Path) -> PseudonymKey:
    """Write a random key to a new file of mode 0600.

    Raises InputError where the file exists: keys are never replaced.
    """
    key = PseudonymKey(secrets.token_bytes(KEY_BYTES))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(f"there is a pseudonym key at {path} already") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def pseudonyms(identifiers: pl.Series, *, source: str, key: PseudonymKey) -> pl.Series:
    """Pseudonym of each identifier (text or integer), as Int64; null stays null.

    The pseudonym is the first eight bytes, big-endian and signed, of HMAC-SHA256(key, source, NUL, identifier).
    Identifiers of two sources never share a pseudonym by design. Each distinct identifier is computed once.

    Raises ValueError for identifiers that are neither text nor integers.
    """
    if not (identifiers.dtype.is_integer() or identifiers.dtype == pl.String):
        raise ValueError(f"identifiers are {identifiers.dtype}; expected text or integers")
    distinct = identifiers.drop_nulls().unique(maintain_order=True)
    numbers = _first_eight_bytes(distinct.cast(pl.String).cast(pl.Binary).to_list(), source.encode() + b"\0", key)
    if distinct.len() == identifiers.len():
        return pl.Series(identifiers.name, numbers, dtype=pl.Int64)
    table = pl.DataFrame({"identifier": distinct, "pseudonym": pl.Series(numbers, dtype=pl.Int64)})
    joined = pl.DataFrame({"identifier": identifiers}).join(table, on="identifier", how="left", maintain_order="left")
    return joined["pseudonym"].alias(identifiers.name)


def _first_eight_bytes(texts: Iterable[bytes], prefix: bytes, key: PseudonymKey) -> NDArray[np.int64]:
    """First eight bytes of HMAC-SHA256(key, prefix + text) of each text.

    HMAC hashes twice (RFC 2104, section 2); what both hashes begin with is hashed once for all texts.
    """
    block = key.secret.ljust(_HMAC_BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + prefix)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    digests = []
    for text in texts:
        first, second = inner.copy(), outer.copy()
        first.update(text)
        second.update(first.digest())
        digests.append(second.digest())
    return np.frombuffer(b"".join(digests), dtype=">i8")[::4].astype(np.int64)


def _parsed(text: str, origin: str) -> PseudonymKey:
    digits = text.strip().lower()
    if not _HEX_KEY.fullmatch(digits):
        raise InputError(f"{origin} has {len(digits)} characters; expected {2 * KEY_BYTES} hex digits")
    return PseudonymKey(bytes.fromhex(digits))
