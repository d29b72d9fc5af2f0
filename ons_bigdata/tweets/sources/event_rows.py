"""Rows of events as an archive has them, judged: accepted rows of the lake and quarantined ones with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.pseudonyms import PseudonymKey

NO_COORDINATES = "no coordinates"
NO_USER = "no user id, or one of another form than the format's"
NO_EVENT = "no event id, or one of another form than the format's"
NO_TIME = "no time, or one of another form than the format's"
NO_POSITION = "coordinates that are no position on Earth"

_LAST_MS = 7_258_118_400_000
"""First millisecond of the year 2200: later ones are no time but a number of another kind."""


COLUMNS: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "event": pl.String,
    "user": pl.String,
    "time_ms": pl.String,
    "time_text": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "client": pl.String,
    "place_country": pl.String,
    "lang": pl.String,
}
"""Columns of rows as an archive has them; `time_ms` are milliseconds since 1970, without which `time_text` counts."""


class RawRows:
    """Rows of a part of an archive, column by column, and lines that are none."""

    def __init__(self) -> None:
        self._values: dict[str, list[object]] = {name: [] for name in COLUMNS}
        self.faults: dict[int, str] = {}
        """Line → reason, of lines that are no event."""

    def add(self, **columns: Sequence[object]) -> None:
        """Add rows by their columns, `line` among them; those that an archive does not have are null."""
        count = len(columns["line"])
        for name, values in self._values.items():
            values.extend(columns.get(name) or repeat(None, count))

    @property
    def lines(self) -> int:
        """Number of lines, those that are no event included."""
        return len(self._values["line"]) + len(self.faults)

    def frame(self) -> pl.DataFrame:
        """Rows as a frame with COLUMNS."""
        return pl.DataFrame([pl.Series(name, self._values[name], dtype=dtype) for name, dtype in COLUMNS.items()])


@dataclass(frozen=True)
class Platform:
    """The platform whose archive is read: its users' and events' ids are pseudonyms under its name."""

    name: str
    data_origin: DataOrigin
    id_patterns: Mapping[str, str]
    """Patterns of the ids of users (`user`) and events (`event`)."""
    key: PseudonymKey = field(repr=False)

    @property
    def id_space(self) -> str:
        """Name under which the pseudonyms of users are made; that of simulated users is another."""
        return self.name if self.data_origin == "real" else f"{self.data_origin} {self.name}"


_TIME_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",  # v2, activity streams, check-ins
    "%a %b %d %H:%M:%S %z %Y",  # v1.1
)


def judge(rows: RawRows, platform: Platform) -> Batch:
    """Accepted rows of the lake (without `load_id`) and quarantined rows, with a fixed reason each."""
    raw = rows.frame()
    frame = raw.with_columns(_times(raw).alias("ts_utc")).with_columns(_reason(platform).alias("reason"))
    refused = frame.filter(pl.col("reason").is_not_null()).select("line", "reason")
    faults = pl.DataFrame(
        {"line": list(rows.faults), "reason": list(rows.faults.values())}, schema=BULK_QUARANTINE_SCHEMA
    )
    quarantined = pl.concat([faults, refused]).sort("line")
    accepted = _accepted(frame.filter(pl.col("reason").is_null()), platform)
    return Batch(accepted.height + quarantined.height, accepted, quarantined)


def _times(raw: pl.DataFrame) -> pl.Series:
    """Times in UTC; null where there is none or its form is another."""
    milliseconds = pl.col("time_ms").cast(pl.Int64, strict=False)
    is_time = milliseconds.is_between(0, _LAST_MS, closed="left")
    times = pl.when(is_time).then(milliseconds * 1000).cast(pl.Datetime("us", "UTC"))
    parsed = (
        pl.col("time_text").str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        for form in (_forms(raw["time_text"]) if raw["time_ms"].null_count() else ())
    )
    no_milliseconds = pl.col("time_ms").is_null()
    return raw.select(
        pl.coalesce(times, *(pl.when(no_milliseconds).then(time) for time in parsed)).alias("ts_utc")
    ).to_series()


def _forms(texts: pl.Series) -> list[str]:
    """Forms of time that occur: each is tried on all texts, which takes its time."""
    iso = texts.str.starts_with("1") | texts.str.starts_with("2")
    return [form for form, occurs in zip(_TIME_FORMATS, (iso.any(), not iso.all()), strict=True) if occurs]


def _reason(platform: Platform) -> pl.Expr:
    """First reason against a row; null where there is none."""
    rules = {
        NO_COORDINATES: pl.col("lon").is_null() | pl.col("lat").is_null(),
        NO_USER: ~_has_form("user", platform),
        NO_EVENT: ~_has_form("event", platform),
        NO_TIME: pl.col("ts_utc").is_null(),
        NO_POSITION: ~(pl.col("lon").is_between(-180, 180) & pl.col("lat").is_between(-90, 90)),
    }
    return pl.coalesce(pl.when(rule).then(pl.lit(reason)) for reason, rule in rules.items())


def _has_form(column: str, platform: Platform) -> pl.Expr:
    return pl.col(column).str.contains(platform.id_patterns[column]).fill_null(value=False)


def _accepted(rows: pl.DataFrame, platform: Platform) -> pl.DataFrame:
    """Rows of the lake, with pseudonyms in the place of ids."""
    users = pseudonyms(rows["user"], source=platform.id_space, key=platform.key)
    events = pseudonyms(rows["event"], source=f"{platform.id_space} event", key=platform.key)
    return rows.select(
        "line",
        pl.col("ts_utc").dt.date().alias("event_day"),
        pl.lit(platform.name).alias("source"),
        pl.lit(platform.data_origin).alias("data_origin"),
        events.alias("event_id"),
        users.alias("user_key"),
        "ts_utc",
        "lon",
        "lat",
        pl.lit(None, dtype=pl.Float64).alias("accuracy_m"),
        "client",
        "place_country",
        "lang",
    )
