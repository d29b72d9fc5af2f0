"""Lines of delimited archives: the CSV of the pilot of 2015, and check-ins."""

from __future__ import annotations

import polars as pl

from ons_bigdata.platform.ingest.lines import Block
from ons_bigdata.platform.ingest.redaction import REDACTED
from ons_bigdata.tweets.sources.event_json import KEEP_ALIVE, TOO_LONG
from ons_bigdata.tweets.sources.event_rows import NO_COORDINATES, RawRows

CUT_SHORT = "last line without a line end: its last value may be cut short"
NOT_UTF8 = "bytes that are no UTF-8"
NO_BEGINNING = "no unix time and user id at the beginning"
NO_ANCHOR = "no latitude and longitude between the country and the text"
SEVERAL_ANCHORS = "several readings: more than one latitude and longitude"
OTHER_FIELDS = "another number of fields than user, time, latitude, longitude, location"
HEADER = "control line: header"
CSV_MARKER = b"0,0,deleted by compliance"
"""Line of the pilot's CSV in the place of one that was redacted; there is no user 0."""

_BEGINNING = r"^([0-9]{1,11}),([0-9]{1,20}),"
_EMPTY_POSITION = r",(?:|null|None|nan|NaN),(?:|null|None|nan|NaN),"
_DECIMAL = r"-?[0-9]{1,3}\.[0-9]+"


def read_pilot_csv(block: Block, rows: RawRows) -> None:
    """Add rows of the pilot's CSV: unix time, user id, user name, language, location, place, country, lat, lon, text.

    Commas within names, places and texts are not quoted. A line is read from both ends: time and user at the beginning,
    and the only pair of decimal numbers, latitude and longitude, before the text. The language is known where the
    pair has seven fields before it, as without any comma in them. Never raises for any content.
    """
    lines = _decoded(block, rows)
    if lines.is_empty():
        return
    after = pl.col("text").str.replace(_BEGINNING, ",")
    pairs = after.str.extract_all(rf",{_DECIMAL},{_DECIMAL},")
    read = lines.with_columns(
        pl.col("text").str.extract(_BEGINNING, 1).alias("seconds"),
        pl.col("text").str.extract(_BEGINNING, 2).alias("user"),
        pairs.alias("pairs"),
        after.alias("after"),
        pl.col("text").str.contains(_EMPTY_POSITION).alias("is_empty"),
    ).with_columns(
        pl.col("pairs").list.len().alias("count"),
        pl.col("pairs").list.first().str.strip_chars(",").alias("pair"),
    )
    read = read.with_columns(
        pl.when(pl.col("text").str.strip_chars_end("\r") == CSV_MARKER.decode())
        .then(pl.lit(REDACTED))
        .when(pl.col("seconds").is_null())
        .then(pl.lit(NO_BEGINNING))
        .when((pl.col("count") == 0) & pl.col("is_empty"))
        .then(pl.lit(NO_COORDINATES))
        .when(pl.col("count") == 0)
        .then(pl.lit(NO_ANCHOR))
        .when((pl.col("count") > 1) | _overlapping())
        .then(pl.lit(SEVERAL_ANCHORS))
        .alias("fault"),
        pl.col("pair").str.split(",").alias("numbers"),
        # fields between the user id and the pair: ,name,lang,location,place,country,
        pl.col("after").str.splitn(pl.col("pair"), 2).struct.field("field_0").str.split(",").alias("before"),
    )
    rows.faults.update(dict(read.filter(pl.col("fault").is_not_null()).select("line", "fault").iter_rows()))
    good = read.filter(pl.col("fault").is_null())
    is_plain = pl.col("before").list.len() == 7  # empty, five fields, empty
    columns = good.select(
        "line",
        (pl.col("user") + "_" + pl.col("seconds")).alias("event"),
        "user",
        (pl.col("seconds") + "000").alias("time_ms"),
        pl.col("numbers").list.get(0, null_on_oob=True).cast(pl.Float64).alias("lat"),
        pl.col("numbers").list.get(1, null_on_oob=True).cast(pl.Float64).alias("lon"),
        pl.col("before").list.get(-2, null_on_oob=True).replace("", None).alias("place_country"),
        pl.when(is_plain).then(pl.col("before").list.get(2, null_on_oob=True).replace("", None)).alias("lang"),
    )
    rows.add(**columns.to_dict(as_series=False))


def _overlapping() -> pl.Expr:
    """True if three decimal numbers follow each other, of which two pairs could be the position."""
    return pl.col("after").str.contains(rf",{_DECIMAL},{_DECIMAL},{_DECIMAL},")


def read_check_ins(block: Block, rows: RawRows) -> None:
    """Add rows of check-ins: user, time, latitude, longitude, location id, separated by tabs or by commas.

    A header line is named in the quarantine. An event is known by its user, time and location. Never raises for any
    content.
    """
    lines = _decoded(block, rows)
    if lines.is_empty():
        return
    separated = lines.with_columns(pl.col("text").str.strip_chars_end("\r")).with_columns(
        pl.when(pl.col("text").str.contains("\t", literal=True))
        .then(pl.col("text").str.split("\t"))
        .otherwise(pl.col("text").str.split(","))
        .list.eval(pl.element().str.strip_chars(" "))
        .alias("fields")
    )
    names = ["user", "time_text", "lat_text", "lon_text", "location"]
    read = separated.with_columns(
        pl.col("fields").list.get(place, null_on_oob=True).alias(name) for place, name in enumerate(names)
    ).with_columns(
        pl.col("lat_text").cast(pl.Float64, strict=False).alias("lat"),
        pl.col("lon_text").cast(pl.Float64, strict=False).alias("lon"),
    )
    is_header = (pl.col("line") == 1) & pl.col("user").str.contains("^[a-zA-Z_]+$")
    is_empty = pl.col("lat_text").is_in(["", "null"]) | pl.col("lon_text").is_in(["", "null"])
    read = read.with_columns(
        pl.when(is_header)
        .then(pl.lit(HEADER))
        .when(pl.col("fields").list.len() != len(names))
        .then(pl.lit(OTHER_FIELDS))
        .when(is_empty)
        .then(pl.lit(NO_COORDINATES))
        .when(pl.col("lat").is_null() | pl.col("lon").is_null())
        .then(pl.lit("latitude or longitude that is no number"))
        .alias("fault")
    )
    rows.faults.update(dict(read.filter(pl.col("fault").is_not_null()).select("line", "fault").iter_rows()))
    columns = read.filter(pl.col("fault").is_null()).select(
        "line",
        (pl.col("user") + "_" + pl.col("time_text") + "_" + pl.col("location")).alias("event"),
        "user",
        "time_text",
        "lat",
        "lon",
    )
    rows.add(**columns.to_dict(as_series=False))


def _decoded(block: Block, rows: RawRows) -> pl.DataFrame:
    """Lines as text; those that cannot be are entered as faults."""
    numbers, texts = [], []
    last = block.first_line + len(block.lines) - 1
    for number, line in enumerate(block.lines, block.first_line):
        if number in block.too_long:
            rows.faults[number] = TOO_LONG
        elif not line.strip():
            rows.faults[number] = KEEP_ALIVE
        elif block.is_cut_short and number == last:
            rows.faults[number] = CUT_SHORT
        else:
            try:
                texts.append(line.decode())
                numbers.append(number)
            except UnicodeDecodeError:
                rows.faults[number] = NOT_UTF8
    return pl.DataFrame({"line": numbers, "text": texts}, schema={"line": pl.Int64, "text": pl.String})
