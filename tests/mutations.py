"""Random mutations of texts and files, repeatable by their seed."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence

LONGEST_S = 2.0
"""Limit of the processor time of one input; every input here takes milliseconds."""

FEW, MANY = range(200), range(1_000, 11_000)
"""Seeds of `make test` and of the nightly profile."""


def chances(seeds: range) -> Iterator[random.Random]:
    """Yield one generator for each seed."""
    for seed in seeds:
        yield random.Random(seed)  # noqa: S311  (repeatable)


def mutate_text(text: str, chance: random.Random, alphabet: Sequence[str]) -> str:
    """Replace one to four short parts of a text by a part of the alphabet, by a doubling of itself or by nothing."""
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(text) + 1), chance.choice((0, 0, 1, 5, 40))
        part = chance.choice((*alphabet, text[place : place + length] * 2, ""))
        text = text[:place] + part + text[place + length :]
    return text


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, insert, delete, repeat or cut off bytes, once to three times."""
    for _ in range(chance.randint(1, 3)):
        place, length = chance.randrange(len(content) + 1), chance.choice((1, 1, 2, 8, 64))
        part = content[place : place + length]
        changed: Sequence[bytes] = (
            bytes(byte ^ 1 << chance.randrange(8) for byte in part),
            chance.randbytes(length),
            bytes(length),
            b"\xff" * length,
            part * 2,
            b"",
        )
        content = content[:place] + chance.choice(changed) + content[place + length :]
        if chance.random() < 0.1:
            content = content[: chance.randrange(len(content) + 1)]
    return content


def mutate_zip(content: bytes, chance: random.Random, mutate: Callable[[str, bytes], bytes]) -> bytes:
    """Pack the members of a zip archive again: one changed by `mutate(name, content)`, renamed, doubled or left out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = chance.randrange(len(members))
    name, body = members[place]
    kind = chance.random()
    if kind < 0.8:
        members[place] = (name, mutate(name, body))
    elif kind < 0.87:
        members[place] = (mutate_text(name, chance, ("/", "../", "\\", "", "x")) or "x", body)
    elif kind < 0.94:
        del members[place]
    else:
        members.insert(chance.randrange(len(members) + 1), (f"{name}.copy", body))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return packed.getvalue()


def pack_tar(members: Sequence[tuple[str, bytes]]) -> bytes:
    """Pack files into a tar archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def pack_zip(members: Sequence[tuple[str, bytes]]) -> bytes:
    """Pack files into a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()
