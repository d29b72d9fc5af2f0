"""Lines of JSON archives of posts: API v2, API v1.1, GNIP activity streams; the format is detected for each line.

Only the wanted fields of a line are decoded (by msgspec); the rest is checked for its syntax and skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ons_bigdata.tweets.sources.event_rows import RawRows

if TYPE_CHECKING:
    from ons_bigdata.tweets.sources.lines import Block

KEEP_ALIVE = "control line: keep-alive"
TOO_LONG = "line longer than a mebibyte"
NOT_JSON = "no JSON, or a line that was cut short"
OTHER_TYPE = "a field of another type than the format's"
PAGE = "a page of events; expected one event a line"
UNKNOWN_FORM = "JSON of no known format"
CONTRADICTION = "coordinates and geo differ"
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


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NOWHERE: tuple[float | None, float | None] = (None, None)
_LINK_TEXT = re.compile(r"<a [^>]*>([^<]*)</a>")


def read_json_lines(block: Block) -> RawRows:
    """Rows of a block of lines of JSON. Never raises for any content."""
    rows = RawRows()
    clients: dict[str | None, str | None] = {}
    for number, text in enumerate(block.lines, block.first_line):
        try:
            line = _decode_line(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            rows.faults[number] = _fault(number, text, error, block)
            continue
        if line.data is not None:
            _add_post(rows, number, line.data, line.includes)
        elif line.user is not None:
            _add_status(rows, number, line, clients)
        elif line.actor is not None:
            _add_activity(rows, number, line)
        else:
            rows.faults[number] = _control(text)
    return rows


def _add_post(rows: RawRows, number: int, post: _Post, includes: _Includes | None) -> None:
    """Add a v2 post; its coordinates are [longitude, latitude], its country is that of the included place."""
    geo = post.geo
    point = geo.coordinates.coordinates if geo is not None and geo.coordinates is not None else None
    country = None
    if geo is not None and geo.place_id is not None and includes is not None:
        country = next((place.country_code for place in includes.places or () if place.id == geo.place_id), None)
    lon, lat = point if point is not None else _NOWHERE
    rows.rows.append(
        (number, post.id, post.author_id, None, post.created_at, lon, lat, post.source, country, post.lang)
    )


def _add_status(rows: RawRows, number: int, line: _Line, clients: dict[str | None, str | None]) -> None:
    """Add a v1.1 post. `coordinates` are [longitude, latitude], the older `geo` is [latitude, longitude]."""
    point = line.coordinates.coordinates if line.coordinates is not None else None
    older = line.geo.coordinates if line.geo is not None else None
    if point is None:
        lat, lon = older if older is not None else _NOWHERE
    else:
        lon, lat = point
        if older is not None and (older[0] != lat or older[1] != lon):
            rows.faults[number] = CONTRADICTION
            return
    event = line.id_str if line.id_str is not None else _text(line.id)
    person, source, place = line.user, line.source, line.place
    user = None if person is None else person.id_str if person.id_str is not None else _text(person.id)
    if source not in clients:
        clients[source] = _client(source)
    country = place.country_code if place is not None else None
    rows.rows.append(
        (number, event, user, line.timestamp_ms, line.created_at, lon, lat, clients[source], country, line.lang)
    )


def _add_activity(rows: RawRows, number: int, line: _Line) -> None:
    """Add an activity; its coordinates are [latitude, longitude], its ids the last part of a tag."""
    point = line.geo.coordinates if line.geo is not None else None
    lat, lon = point if point is not None else _NOWHERE
    rows.rows.append(
        (
            number,
            _last_part(line.id),
            _last_part(line.actor.id if line.actor is not None else None),
            None,
            line.postedTime,
            lon,
            lat,
            line.generator.displayName if line.generator is not None else None,
            line.location.twitter_country_code if line.location is not None else None,
            line.twitter_lang,
        )
    )


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
    return next((f"control line: {key}" for key in CONTROLS if key in keys), UNKNOWN_FORM)
