"""Lines of the archives in which simulated events are delivered, one function for each format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ons_bigdata.simulation.events.world import TrueEvent

_PLACE_ID = "06168d1feda43857"


def v2_line(event: TrueEvent) -> str:
    """Post of the v2 API, with its place in `includes`."""
    return _json(
        {
            "data": {
                "id": str(event.event_id),
                "author_id": str(event.user),
                "created_at": event.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "lang": "en",
                "source": event.client,
                "geo": {
                    "coordinates": {"type": "Point", "coordinates": [event.lon, event.lat]},
                    "place_id": _PLACE_ID,
                },
                "text": "a simulated post",
            },
            "includes": {"places": [{"id": _PLACE_ID, "country_code": _country(event), "full_name": event.town}]},
        }
    )


def v1_line(event: TrueEvent, *, has_coordinates: bool = True) -> str:
    """Post of the v1.1 API: `coordinates` is [longitude, latitude], `geo` the other way round."""
    return _json(
        {
            "created_at": event.at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
            "id": event.event_id,
            "id_str": str(event.event_id),
            "text": "a simulated post",
            "source": f'<a href="http://example.org/client" rel="nofollow">{event.client}</a>',
            "user": {"id": event.user, "id_str": str(event.user), "name": "Sim, Ulated", "geo_enabled": True},
            "geo": {"type": "Point", "coordinates": [event.lat, event.lon]} if has_coordinates else None,
            "coordinates": {"type": "Point", "coordinates": [event.lon, event.lat]} if has_coordinates else None,
            "place": {"country_code": _country(event), "full_name": event.town},
            "lang": "en",
            "timestamp_ms": str(int(event.at.timestamp()) * 1000 + event.event_id % 1000),
        }
    )


def activity_line(event: TrueEvent) -> str:
    """Activity of a GNIP stream: `geo` is [latitude, longitude], ids are parts of tags."""
    return _json(
        {
            "id": f"tag:search.twitter.com,2005:{event.event_id}",
            "objectType": "activity",
            "verb": "post",
            "postedTime": event.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "actor": {"objectType": "person", "id": f"id:twitter.com:{event.user}", "displayName": "Sim, Ulated"},
            "generator": {"displayName": event.client, "link": "http://example.org/client"},
            "geo": {"type": "Point", "coordinates": [event.lat, event.lon]},
            "location": {"objectType": "place", "twitter_country_code": _country(event)},
            "twitter_lang": "en",
        }
    )


def pilot_csv_line(event: TrueEvent) -> str:
    """Row of the pilot's CSV; the place and the text hold commas, which are not quoted."""
    return ",".join(
        [
            str(int(event.at.timestamp())),
            str(event.user),
            "Sim Ulated",
            "en",
            f"{event.town}, UK",
            event.town,
            _country(event),
            repr(float(event.lat)),
            repr(float(event.lon)),
            "a post, simulated",
        ]
    )


def check_in_line(event: TrueEvent) -> str:
    """Check-in: user, time, latitude, longitude and location id, separated by tabs."""
    return "\t".join(
        [
            str(event.user),
            event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            repr(float(event.lat)),
            repr(float(event.lon)),
            f"{event.user % 1000}{event.place}",
        ]
    )


def _country(event: TrueEvent) -> str:
    return "FR" if event.place == "abroad" else "GB"


def _json(line: dict[str, Any]) -> str:
    return json.dumps(line, separators=(",", ":"))
