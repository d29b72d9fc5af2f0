"""Daily files of the Spanish open mobility data: trips between zones by hour, activity and group of residents.

They count trips, not persons, and stay in a table of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.deliveries import MobilityTrip
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

READER_VERSION = "1"
REQUIRED = (
    *("FECHA", "PERIODO", "ORIGEN", "DESTINO", "DISTANCIA", "ACTIVIDAD_ORIGEN", "ACTIVIDAD_DESTINO"),
    *("ESTUDIO_ORIGEN_POSIBLE", "ESTUDIO_DESTINO_POSIBLE", "RESIDENCIA", "RENTA", "EDAD", "SEXO", "VIAJES"),
    "VIAJES_KM",
)
PART_BYTES = 16 * 1024 * 1024
_LONGEST_HEADER = 64 * 1024
_ACTIVITY = "^(casa|trabajo_estudio|frecuente|no_frecuente)$"
_MISSING = ("", "NA")
_YES, _NO = ("si", "sí", "1", "true"), ("no", "0", "false")


def _with_commas(content: bytes) -> bytes:
    """Replace the separator `|` by a comma where the header has it."""
    header = content.split(b"\n", 1)[0]
    return content.replace(b"|", b",") if b"|" in header and b"," not in header else content


def is_mobility_file(content: bytes) -> bool:
    """True if the header has the columns of a daily file, whatever its separator."""
    header, separator, _ = content[:_LONGEST_HEADER].partition(b"\n")
    return tables.has_columns(_with_commas(header + separator), REQUIRED)


def read_mobility_trips(content: bytes, *, load_id: str) -> Reading:
    """Read a daily file into MobilityTrip rows and quarantined ones. Never raises for any content.

    The text NA is a missing value, of zones it is a fault: a trip belongs to two zones, or to `externo`. The file is
    parsed in parts of PART_BYTES, so that the memory taken is that of its rows as columns and of one part as text.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    accepted: list[pl.DataFrame] = []
    faulty: list[pl.DataFrame] = []
    lines_before = 0
    for part, lines in _parts(content):
        read = _read_part(part, load_id)
        if read.outcome != "loaded":
            return read
        offset = pl.col("line") + lines_before
        accepted.append(read.accepted.with_columns(offset.cast(read.accepted.schema["line"])))
        faulty.append(read.quarantined.with_columns(offset.cast(read.quarantined.schema["line"])))
        lines_before += lines
    rows, quarantined = pl.concat(accepted), pl.concat(faulty)
    return Reading("loaded", None, rows.height + quarantined.height, rows, quarantined)


def _parts(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Parts of a file, each with the header before it, and the number of their lines without it.

    A part ends with a line; a file with quotes, in which a field may have a line break, is one part.
    """
    header, separator, _ = content.partition(b"\n")
    start = len(header) + len(separator)
    least = len(content) if b'"' in content else PART_BYTES
    while True:
        end = content.find(b"\n", start + least) + 1 or len(content)
        body = content[start:end]
        yield header + separator + body, body.count(b"\n")
        if end == len(content):
            return
        start = end


def _read_part(content: bytes, load_id: str) -> Reading:
    """Read a header and lines."""
    table = tables.read_table(_with_commas(content), required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    day = matching("FECHA", r"^[0-9]{8}$").str.to_date("%Y%m%d", strict=False)
    hour = matching("PERIODO", r"^[0-9]{1,2}$").cast(pl.Int16)
    parsed = [
        day.alias("_day"),
        pl.when(hour <= 23).then(hour).alias("_hour"),
        *(matching(name, r"^[A-Za-z0-9_]{1,32}$").alias(f"_{name}") for name in ("ORIGEN", "DESTINO")),
        *(matching(name, _ACTIVITY).alias(f"_{name}") for name in ("ACTIVIDAD_ORIGEN", "ACTIVIDAD_DESTINO")),
        *(tables.number_column(name).alias(f"_{name}") for name in ("VIAJES", "VIAJES_KM")),
    ]
    faults = [
        tables.unless("_day", "FECHA", "a day as YYYYMMDD"),
        tables.unless("_hour", "PERIODO", "an hour from 0 to 23"),
        *(
            (pl.col(f"_{name}").is_null() | (pl.col(name) == "NA"), reason(f"{name} {{}}; expected a zone", name))
            for name in ("ORIGEN", "DESTINO")
        ),
        *(
            tables.unless(f"_{name}", name, "casa, trabajo_estudio, frecuente or no_frecuente")
            for name in ("ACTIVIDAD_ORIGEN", "ACTIVIDAD_DESTINO")
        ),
        *(
            (~(pl.col(f"_{name}") >= 0).fill_null(value=False), reason(f"{name} {{}}; expected a number from 0", name))
            for name in ("VIAJES", "VIAJES_KM")
        ),
    ]
    return tables.reading(table, parsed=parsed, faults=faults, final=_columns(load_id), schema=MobilityTrip)


def _columns(load_id: str) -> list[pl.Expr]:
    def text(column: str) -> pl.Expr:
        return pl.when(~pl.col(column).is_in(_MISSING)).then(column)

    def flag(column: str) -> pl.Expr:
        lower = pl.col(column).str.to_lowercase()
        return pl.when(lower.is_in(_YES)).then(pl.lit(value=True)).when(lower.is_in(_NO)).then(pl.lit(value=False))

    return [
        pl.lit(load_id).alias("load_id"),
        pl.col("line"),
        pl.col("_day").dt.truncate("1mo").alias("month"),
        pl.col("_day").alias("trip_day"),
        pl.col("_hour").alias("hour"),
        pl.col("_ORIGEN").alias("origin"),
        pl.col("_DESTINO").alias("destination"),
        pl.col("DISTANCIA").alias("distance_km"),
        pl.col("_ACTIVIDAD_ORIGEN").alias("activity_origin"),
        pl.col("_ACTIVIDAD_DESTINO").alias("activity_destination"),
        flag("ESTUDIO_ORIGEN_POSIBLE").alias("study_origin"),
        flag("ESTUDIO_DESTINO_POSIBLE").alias("study_destination"),
        text("RESIDENCIA").alias("residence"),
        text("RENTA").alias("income"),
        text("EDAD").alias("age"),
        text("SEXO").alias("sex"),
        pl.col("_VIAJES").alias("trips"),
        pl.col("_VIAJES_KM").alias("trips_km"),
    ]
