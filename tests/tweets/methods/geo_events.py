"""Events of the lake made for tests, in the order in which the engine hands them over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ons_bigdata.tweets.schemas.events import GeoEvent

START = datetime(2014, 6, 2, 12, tzinfo=UTC)
"""A Monday, 13 h in London."""
HOME = (-0.127758, 51.507351)
METRE_NORTH = 1 / 111_250

PARAMETERS: dict[str, Any] = {
    "recipes": [
        {
            "recipe": "dbscan_20m",
            "eps_m": 20.0,
            "min_points": 3,
            "is_strict": False,
            "is_integer_metres": False,
            "variant": "dbscan",
            "robots": "all",
        }
    ],
    "robot_rules": {
        "volume_max_events": 60.0,
        "constant_interval_min_events": 20.0,
        "constant_interval_tolerance_s": 2.0,
        "constant_interval_min_share": 0.9,
        "fixed_position_min_events": 30.0,
        "fixed_position_min_days": 14.0,
        "client_min_share": 0.5,
    },
    "robot_clients": ["feed"],
}
ONS_2015 = {
    "recipe": "ons_2015",
    "eps_m": 20.0,
    "min_points": 3,
    "is_strict": True,
    "is_integer_metres": True,
    "variant": "components",
    "robots": "volume",
}


def event(
    user: int, minutes: float, north_m: float = 0.0, *, east_of: float = 0.0, client: str = "phone", **fields: object
) -> dict[str, object]:
    """Return an event some minutes after the start, some metres north of a place in London."""
    return {
        "load_id": "0" * 16,
        "line": 1,
        "event_day": (START + timedelta(minutes=minutes)).date(),
        "source": "twitter",
        "data_origin": "simulated",
        "event_id": hash((user, minutes, north_m, east_of)),
        "user_key": user,
        "ts_utc": START + timedelta(minutes=minutes),
        "lon": HOME[0] + east_of,
        "lat": HOME[1] + north_m * METRE_NORTH,
        "accuracy_m": None,
        "client": client,
        "place_country": "GB",
        "lang": "en",
        **fields,
    }


def bucket(*events: dict[str, object]) -> pl.DataFrame:
    """Return events as a bucket of the lake."""
    schema = {name: column.dtype for name, column in GeoEvent.columns().items()}
    rows = [{**one, "line": line} for line, one in enumerate(events, 1)]
    return pl.DataFrame(rows, schema=schema).sort("user_key", "ts_utc", "event_id", "load_id", "line")
