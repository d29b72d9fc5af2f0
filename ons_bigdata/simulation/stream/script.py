"""Scripts of a simulated stream: what it sends and how its connections fail, step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

LINE_END = b"\r\n"
KEEP_ALIVE_S = 20.0
"""Longest silence of a healthy stream."""


@dataclass(frozen=True)
class Send:
    """Bytes on a connection, each element a chunk of its own."""

    chunks: tuple[bytes, ...]


@dataclass(frozen=True)
class Torn:
    """A chunk of which only the first bytes come before the connection drops."""

    data: bytes
    sent: int


@dataclass(frozen=True)
class Pause:
    """Time that passes on a connection."""

    seconds: float


@dataclass(frozen=True)
class End:
    """End of a connection: with the terminating chunk (close), without it (drop), silent until the client leaves."""

    how: Literal["close", "drop", "stall"]


@dataclass(frozen=True)
class Refuse:
    """An attempt to connect that is answered with an error, or with nothing (status None)."""

    status: int | None
    reset_in_s: float | None = None
    """Seconds until connections are counted anew, sent with the error."""


Step = Send | Torn | Pause | End | Refuse


def post(line: str | bytes) -> Send:
    """Send a line as one chunk."""
    return Send((_encoded(line) + LINE_END,))


def keep_alive() -> Send:
    """Send an empty line."""
    return Send((LINE_END,))


def split(line: str | bytes, at: int) -> Send:
    """Send a line in two chunks."""
    data = _encoded(line) + LINE_END
    return Send((data[:at], data[at:]))


def half(line: str | bytes, sent: int) -> Send:
    """Send the beginning of a line, whole as a chunk."""
    return Send((_encoded(line)[:sent],))


def platform_disconnect(disconnect_type: str = "UpstreamOperationalDisconnect") -> Send:
    """Send the message of an operational disconnect."""
    problem = {
        "title": "operational-disconnect",
        "disconnect_type": disconnect_type,
        "detail": "This stream has been disconnected upstream for operational reasons.",
        "type": "https://api.twitter.com/2/problems/operational-disconnect",
    }
    return post(json.dumps({"errors": [problem]}))


def too_many_connections() -> Send:
    """Send the message that there are too many connections."""
    return post(
        json.dumps(
            {
                "title": "ConnectionException",
                "detail": "This stream is currently at the maximum allowed connection limit.",
                "connection_issue": "TooManyConnections",
                "type": "https://api.twitter.com/2/problems/streaming-connection",
            }
        )
    )


def delete_notice(post_id: int, user: int) -> Send:
    """Send a notice that a post was deleted."""
    return post(json.dumps({"delete": {"status": {"id_str": str(post_id), "user_id_str": str(user)}}}))


def faulty_stream(lines: Iterator[str], rng: np.random.Generator) -> Iterator[Step]:
    """Steps of a stream that goes through all faults again and again, in random order, until `lines` end."""
    sent: list[str] = []
    try:
        while True:
            for kind in rng.permutation(len(_FAULTS)):
                yield from _healthy(lines, sent, rng)
                yield from _FAULTS[kind](lines, rng)
                if rng.random() < 0.3:
                    yield from (Refuse(503) for _ in range(rng.integers(1, 5)))
    except _LinesEndedError:
        return


def _healthy(lines: Iterator[str], sent: list[str], rng: np.random.Generator) -> Iterator[Step]:
    """Some minutes of posts, of which a few are repeated or split, with keep-alives."""
    for _ in range(rng.integers(3, 12)):
        choice = rng.random()
        if sent and choice < 0.1:
            yield post(sent[rng.integers(len(sent))])
        elif choice < 0.2:
            yield keep_alive()
        elif choice < 0.25:
            yield delete_notice(int(rng.integers(1, 10**15)), int(rng.integers(1, 10**9)))
        else:
            line = _take(lines)
            sent.append(line)
            yield split(line, int(rng.integers(1, len(line)))) if choice < 0.4 else post(line)
        yield Pause(float(rng.uniform(0.1, KEEP_ALIVE_S)))


def _take(lines: Iterator[str]) -> str:
    line = next(lines, None)
    if line is None:
        raise _LinesEndedError
    return line


class _LinesEndedError(Exception):
    """The lines of a script have ended."""


def _half_then_drop(lines: Iterator[str], rng: np.random.Generator) -> Iterator[Step]:
    line = _take(lines)
    yield half(line, int(rng.integers(1, len(line))))
    yield End("drop")


def _half_then_close(lines: Iterator[str], rng: np.random.Generator) -> Iterator[Step]:
    line = _take(lines)
    yield half(line, int(rng.integers(1, len(line))))
    yield End("close")


def _torn_chunk(lines: Iterator[str], rng: np.random.Generator) -> Iterator[Step]:
    """A chunk of two lines that breaks off in the second: the first has come whole."""
    first, second = (_encoded(_take(lines)) + LINE_END for _ in range(2))
    yield Torn(first + second, len(first) + int(rng.integers(0, len(second))))


_Fault = Callable[[Iterator[str], "np.random.Generator"], Iterator[Step]]

_FAULTS: tuple[_Fault, ...] = (
    lambda _lines, _rng: iter([End("close")]),
    lambda _lines, _rng: iter([End("drop")]),
    lambda _lines, _rng: iter([End("stall")]),
    _half_then_drop,
    _half_then_close,
    _torn_chunk,
    lambda _lines, _rng: iter([platform_disconnect(), End("close")]),
    lambda _lines, _rng: iter([too_many_connections(), End("close")]),
    lambda _lines, _rng: iter([End("drop"), Refuse(429)]),
    lambda _lines, _rng: iter([End("close"), Refuse(420), Refuse(503), Refuse(None)]),
    lambda _lines, _rng: iter([End("drop"), Refuse(None), Refuse(None), Refuse(None)]),
    lambda _lines, _rng: iter([End("close"), Refuse(429, reset_in_s=100.0)]),
)


def _encoded(line: str | bytes) -> bytes:
    return line.encode() if isinstance(line, str) else line
