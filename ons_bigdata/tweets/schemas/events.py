"""Frame of the geo-located events in the lake."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import HEX_ID, IDENTIFIER, ORIGIN


class GeoEvent(dy.Schema):
    """One row per geo-located event of an archive with its position and time (`lake.geo_events`).

    An event that several archives hold is several rows; duplicates are counted where places are made.
    """

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the unpacked file")
    event_day = dy.Date(description="day of the event, UTC; the partition")
    source = dy.String(regex=IDENTIFIER, description="platform on which the event was made, such as twitter, gowalla")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    event_id = dy.Int64(description="pseudonym of the event; equal in all archives of a source that have its id")
    user_key = dy.Int64(description="pseudonym of the user")
    ts_utc = dy.Datetime(time_unit="us", time_zone="UTC", description="time of the event, UTC")
    lon = dy.Float64(min=-180.0, max=180.0, description="longitude, degrees, WGS84")
    lat = dy.Float64(min=-90.0, max=90.0, description="latitude, degrees, WGS84")
    accuracy_m = dy.Float64(
        nullable=True, min=0.0, description="radius of the position's error in metres; null where the source has none"
    )
    client = dy.String(nullable=True, description="program by which the event was made; null where not recorded")
    place_country = dy.String(nullable=True, description="country code that the source gives; null where it has none")
    lang = dy.String(nullable=True, description="language code of the text; null where not recorded")
