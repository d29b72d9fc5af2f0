"""Lines of JSON archives of posts: API v2, API v1.1, GNIP activity streams; the format is detected for each line.

Only the wanted fields of a line are decoded (by msgspec); the rest is checked for its syntax and skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from ons_bigdata.platform.ingest.redaction import REDACTED
from ons_bigdata.tweets.sources.event_rows import RawRows

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.lines import Block

KEEP_ALIVE = "control line: keep-alive"
TOO_LONG = "line longer than a mebibyte"
NOT_JSON = "no JSON, or a line that was cut short"
OTHER_TYPE = "a field of another type than the format's"
PAGE = "a page of events; expected one event a line"
UNKNOWN_FORM = "JSON of no known format"
CONTRADICTION = "coordinates and geo differ"
JSON_MARKER = b'{"deleted_by_compliance":true}'
"""Line in the place of one that was redacted."""
CONTROLS = (
    *("delete", "limit", "scrub_geo", "info", "disconnect", "warning", "status_withheld", "user_withheld"),
    *("friends", "event", "errors"),
)
"""Keys of lines that a stream sends besides events."""


class _Point(msgspec.Struct, gc=False):
    coordinates: tuple[float, float] | None = None


class _Person(msgspec.Struct, gc=False):
    """Author of a v1.1 post (`id_str`, `id`) or of an activity (`id`)."""

    id_str: str | None = None
    id: int | str | None = None


class _Place(msgspec.Struct, gc=False):
    id: str | None = None
    country_code: str | None = None
    twitter_country_code: str | None = None


class _PostGeo(msgspec.Struct, gc=False):
    coordinates: _Point | None = None
    place_id: str | None = None


class _Post(msgspec.Struct, gc=False):
    """A v2 post."""

    id: str | None = None
    author_id: str | None = None
    created_at: str | None = None
    geo: _PostGeo | None = None
    lang: str | None = None
    source: str | None = None


class _Includes(msgspec.Struct, gc=False):
    places: list[_Place] | None = None


class _Generator(msgspec.Struct, gc=False):
    displayName: str | None = None  # noqa: N815  (the format's name)


class _Line(msgspec.Struct, gc=False):
    """Fields of a line of any format."""

    # v2
    data: _Post | None = None
    includes: _Includes | None = None
    # v1.1
    user: _Person | None = None
    id_str: str | None = None
    id: int | str | None = None
    created_at: str | None = None
    timestamp_ms: str | None = None
    coordinates: _Point | None = None
    geo: _Point | None = None
    place: _Place | None = None
    source: str | None = None
    lang: str | None = None
    # activity streams, with `id` and `geo`
    actor: _Person | None = None
    postedTime: str | None = None  # noqa: N815  (the format's name)
    location: _Place | None = None
    generator: _Generator | None = None
    twitter_lang: str | None = None


_lines = msgspec.json.Decoder(_Line)
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_OPENING, _CLOSING, _RETURN = b"{}\r"
_LINK_TEXT = re.compile(r"<a [^>]*>([^<]*)</a>")


def read_json_lines(block: Block, rows: RawRows) -> None:
    """Add the rows of a block of lines of JSON. Never raises for any content."""
    lines = _decoded(block, rows)
    statuses = [line for line in lines if line is not None and line.user is not None and line.data is None]
    if len(statuses) == len(lines):
        _add_statuses(rows, range(block.first_line, block.first_line + len(lines)), statuses)
        return
    kinds: dict[_Add, tuple[list[int], list[_Line]]] = {}
    for number, line in enumerate(lines, block.first_line):
        if line is None:  # entered as a fault
            continue
        add = _adding(line)
        if add is None:
            rows.faults[number] = _control(block.lines[number - block.first_line])
        else:
            numbers, of_kind = kinds.setdefault(add, ([], []))
            numbers.append(number)
            of_kind.append(line)
    for add, (numbers, of_kind) in kinds.items():
        add(rows, numbers, of_kind)


def _decoded(block: Block, rows: RawRows) -> Sequence[_Line | None]:
    """Each line of a block, None where it was entered as a fault.

    Where each line begins with a brace and ends with one, all are decoded in one call. It takes a line end for any
    space; but no object goes on over an end between two braces, and so as many objects as lines are one in each.
    """
    if is_lines_of_objects(block):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lines = _lines.decode_lines(block.data)
            if len(lines) == block.count:
                return lines
    return [_decoded_line(number, text, block, rows) for number, text in enumerate(block.lines, block.first_line)]


def is_lines_of_objects(block: Block) -> bool:
    """True if each line begins with an opening brace and ends with a closing one, before a CR or not."""
    data, begin = block.data, 0
    for end in block.ends:
        if end - begin < len("{}\r") and data[begin:end] != b"{}":
            return False
        last = end - 1 if data[end - 1] != _RETURN else end - 2
        if data[begin] != _OPENING or data[last] != _CLOSING:
            return False
        begin = end + 1
    return True


def _decoded_line(number: int, text: bytes, block: Block, rows: RawRows) -> _Line | None:
    try:
        return _lines.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        rows.faults[number] = _fault(number, text, error, block)
        return None


def _add_posts(rows: RawRows, numbers: Sequence[int], lines: Sequence[_Line]) -> None:
    """Add v2 posts; their coordinates are [longitude, latitude], their country is that of the included place."""
    posts = [line.data for line in lines if line.data is not None]
    places = [post.geo for post in posts]
    points = [_coordinates(geo.coordinates) if geo is not None else _NOWHERE for geo in places]
    rows.add(
        line=numbers,
        event=[post.id for post in posts],
        user=[post.author_id for post in posts],
        time_text=[post.created_at for post in posts],
        lon=[point[0] for point in points],
        lat=[point[1] for point in points],
        client=[post.source for post in posts],
        place_country=[_country(geo, line.includes) for geo, line in zip(places, lines, strict=True)],
        lang=[post.lang for post in posts],
    )


def _country(geo: _PostGeo | None, includes: _Includes | None) -> str | None:
    """Country of the place of a v2 post among the included places."""
    if geo is None or geo.place_id is None or includes is None:
        return None
    return next((place.country_code for place in includes.places or () if place.id == geo.place_id), None)


def _add_statuses(rows: RawRows, numbers: Sequence[int], lines: Sequence[_Line]) -> None:
    """Add v1.1 posts. `coordinates` are [longitude, latitude], the older `geo` is [latitude, longitude]."""
    positions = _agreeing_positions(lines)
    if positions is None:
        numbers, lines, positions = _without_contradictions(rows, numbers, lines)
        if not lines:
            return
    lon, lat = positions
    sources = [line.source for line in lines]
    clients = {source: _client(source) for source in set(sources)}
    milliseconds = [line.timestamp_ms for line in lines]
    rows.add(
        line=numbers,
        event=_ids(lines),
        user=_ids([line.user for line in lines if line.user is not None]),
        time_ms=milliseconds,
        time_text=[line.created_at for line in lines] if None in milliseconds else (),
        lon=lon,
        lat=lat,
        client=[clients[source] for source in sources],
        place_country=[line.place.country_code if line.place is not None else None for line in lines],
        lang=[line.lang for line in lines],
    )


def _ids(objects: Sequence[_Line] | Sequence[_Person]) -> list[str | None]:
    """Ids of posts or people as text, which older ones have as numbers alone."""
    ids = [thing.id_str for thing in objects]
    if None in ids:
        return [thing.id_str if thing.id_str is not None else _text(thing.id) for thing in objects]
    return ids


_position, _older_position = attrgetter("coordinates.coordinates"), attrgetter("geo.coordinates")


def _agreeing_positions(lines: Sequence[_Line]) -> _Positions | None:
    """Longitudes and latitudes of v1.1 posts that all have both positions, which agree; None otherwise."""
    try:
        longitudes, latitudes = zip(*map(_position, lines), strict=True)
        older_latitudes, older_longitudes = zip(*map(_older_position, lines), strict=True)
    except (AttributeError, TypeError):  # without one
        return None
    agree = longitudes == older_longitudes and latitudes == older_latitudes
    return (longitudes, latitudes) if agree else None


def _without_contradictions(
    rows: RawRows, numbers: Sequence[int], lines: Sequence[_Line]
) -> tuple[Sequence[int], Sequence[_Line], _Positions]:
    """Posts without those whose two positions differ, which are entered as faults; null where a post has neither."""
    points = [_coordinates(line.coordinates) for line in lines]
    older = [_coordinates(line.geo)[::-1] for line in lines]
    kept = []
    for place, (point, old) in enumerate(zip(points, older, strict=True)):
        if point == old or _NOWHERE in (point, old):
            kept.append(place)
        else:
            rows.faults[numbers[place]] = CONTRADICTION
    merged = [points[place] if points[place] != _NOWHERE else older[place] for place in kept]
    lon, lat = [point[0] for point in merged], [point[1] for point in merged]
    return [numbers[place] for place in kept], [lines[place] for place in kept], (lon, lat)


def _add_activities(rows: RawRows, numbers: Sequence[int], lines: Sequence[_Line]) -> None:
    """Add activities; their coordinates are [latitude, longitude], their ids the last part of a tag."""
    points = [_coordinates(line.geo) for line in lines]
    rows.add(
        line=numbers,
        event=[_last_part(line.id) for line in lines],
        user=[_last_part(line.actor.id) for line in lines if line.actor is not None],
        time_text=[line.postedTime for line in lines],
        lon=[lon for _, lon in points],
        lat=[lat for lat, _ in points],
        client=[line.generator.displayName if line.generator is not None else None for line in lines],
        place_country=[line.location.twitter_country_code if line.location is not None else None for line in lines],
        lang=[line.twitter_lang for line in lines],
    )


_Positions = tuple[Sequence[float | None], Sequence[float | None]]
"""Longitudes and latitudes."""

_Add = Callable[[RawRows, Sequence[int], Sequence[_Line]], None]


def _adding(line: _Line) -> _Add | None:
    """Return the function that adds lines of the format of this one; None for a line that is no event."""
    if line.data is not None:
        return _add_posts
    if line.user is not None:
        return _add_statuses
    return _add_activities if line.actor is not None else None


_NOWHERE: tuple[float | None, float | None] = (None, None)


def _coordinates(point: _Point | None) -> tuple[float | None, float | None]:
    return _NOWHERE if point is None or point.coordinates is None else point.coordinates


def _text(number: int | str | None) -> str | None:
    return None if number is None else str(number)


def _last_part(tag: int | str | None) -> str | None:
    return None if tag is None else str(tag).rpartition(":")[2]


def _client(source: str | None) -> str | None:
    """Text of the link that v1.1 gives as the client; as it is where it is no link."""
    if source is None:
        return None
    link = _LINK_TEXT.fullmatch(source)
    return source if link is None else link[1]


def _fault(number: int, text: bytes, error: Exception, block: Block) -> str:
    """Reason against a line that was not decoded."""
    if number in block.too_long:
        return TOO_LONG
    if not text.strip():
        return KEEP_ALIVE
    if not isinstance(error, msgspec.ValidationError):
        return NOT_JSON
    control = _control(text)
    if control != UNKNOWN_FORM:
        return control
    return PAGE if "got `array` - at `$.data`" in str(error) else OTHER_TYPE


def _control(text: bytes) -> str:
    """Name of a control line, such as `control line: delete`."""
    try:
        keys = _decode_keys(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN_FORM
    if text.strip() == JSON_MARKER:
        return REDACTED
    return next((f"control line: {key}" for key in CONTROLS if key in keys), UNKNOWN_FORM)
