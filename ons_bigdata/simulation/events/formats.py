"""Lines of the archives in which simulated events are delivered, one function for each format.

Each takes events (columns of `DrawnEvents.events`) and returns a series with one line for each, without a line end.
"""

from __future__ import annotations

import polars as pl

_PLACE_ID = "06168d1feda43857"


def v2_lines(events: pl.DataFrame) -> pl.Series:
    """Posts of the v2 API, with their place in `includes`."""
    line = _line(
        '{"data":{"id":"%","author_id":"%","created_at":"%","lang":"en","source":"%","geo":{"coordinates":'
        '{"type":"Point","coordinates":[%,%]},"place_id":"' + _PLACE_ID + '"},"text":"a simulated post"},'
        '"includes":{"places":[{"id":"' + _PLACE_ID + '","country_code":"%","full_name":"%"}]}}',
        *("event_id", "user", _milliseconds(), "client", _degrees("lon"), _degrees("lat"), _country(), "town"),
    )
    return events.select(line).to_series()


def v1_lines(events: pl.DataFrame, *, has_coordinates: bool = True) -> pl.Series:
    """Posts of the v1.1 API: `coordinates` is [longitude, latitude], `geo` the other way round."""
    point = '{"type":"Point","coordinates":[%,%]}'
    positions = f'"geo":{point},"coordinates":{point}' if has_coordinates else '"geo":null,"coordinates":null'
    axes = (_degrees("lat"), _degrees("lon"), _degrees("lon"), _degrees("lat")) if has_coordinates else ()
    line = _line(
        '{"created_at":"%","id":%,"id_str":"%","text":"a simulated post","source":"<a href=\\"http://example.org/client'
        '\\" rel=\\"nofollow\\">%</a>","user":{"id":%,"id_str":"%","name":"Sim, Ulated","geo_enabled":true},'
        + positions
        + ',"place":{"country_code":"%","full_name":"%"},"lang":"en","timestamp_ms":"%"}',
        pl.col("at").dt.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        *("event_id", "event_id", "client", "user", "user"),
        *axes,
        _country(),
        "town",
        pl.col("at").dt.epoch("ms") + pl.col("event_id") % 1000,
    )
    return events.select(line).to_series()


def activity_lines(events: pl.DataFrame) -> pl.Series:
    """Activities of a GNIP stream: `geo` is [latitude, longitude], ids are parts of tags."""
    line = _line(
        '{"id":"tag:search.twitter.com,2005:%","objectType":"activity","verb":"post","postedTime":"%","actor":'
        '{"objectType":"person","id":"id:twitter.com:%","displayName":"Sim, Ulated"},"generator":{"displayName":"%",'
        '"link":"http://example.org/client"},"geo":{"type":"Point","coordinates":[%,%]},"location":'
        '{"objectType":"place","twitter_country_code":"%"},"twitter_lang":"en"}',
        *("event_id", _milliseconds(), "user", "client", _degrees("lat"), _degrees("lon"), _country()),
    )
    return events.select(line).to_series()


def pilot_csv_lines(events: pl.DataFrame) -> pl.Series:
    """Rows of the pilot's CSV; the place and the text hold commas, which are not quoted."""
    line = _line(
        "%,%,Sim Ulated,en,%, UK,%,%,%,%,a post, simulated",
        *(pl.col("at").dt.epoch("s"), "user", "town", "town", _country(), _degrees("lat"), _degrees("lon")),
    )
    return events.select(line).to_series()


def check_in_lines(events: pl.DataFrame) -> pl.Series:
    """Check-ins: user, time, latitude, longitude and location id, separated by tabs."""
    line = _line(
        "%\t%\t%\t%\t%",
        "user",
        pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        *(_degrees("lat"), _degrees("lon"), pl.format("{}{}", pl.col("user") % 1000, "place")),
    )
    return events.select(line).to_series()


def _line(template: str, *values: str | pl.Expr) -> pl.Expr:
    """Template with a value for each `%`: the name of a column or an expression."""
    texts = template.split("%")
    if len(texts) != len(values) + 1:
        raise ValueError(f"{len(values)} values for {len(texts) - 1} places: {template}")
    columns = [pl.col(value) if isinstance(value, str) else value for value in values]
    parts = [pl.lit(texts[0])]
    for text, column in zip(texts[1:], columns, strict=True):
        parts += [column.cast(pl.String), pl.lit(text)]
    return pl.concat_str(parts).alias("line")


def _degrees(axis: str) -> pl.Expr:
    """Degrees with seven decimals, never in exponential notation."""
    units = (pl.col(axis) * 1e7).round().cast(pl.Int64)
    sign = pl.when(units < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, fraction = units.abs() // 10_000_000, units.abs() % 10_000_000
    return pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), fraction.cast(pl.String).str.zfill(7))


def _milliseconds() -> pl.Expr:
    return pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _country() -> pl.Expr:
    return pl.when(pl.col("place") == "abroad").then(pl.lit("FR")).otherwise(pl.lit("GB"))
