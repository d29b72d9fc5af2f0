"""Events of devices in the files of two open systems: the simulator of the ESSnet, and the pipeline multimno."""

from __future__ import annotations

import io

import polars as pl

from ons_bigdata.platform.errors import InputError

DETACHED = 1
"""Event code of the simulator for the end of a connection."""
_TIME = "%Y-%m-%d %H:%M:%S"
_DIGITS = r"^[0-9]{14,15}$"
"""A cell id of the pipeline has 14 or 15 digits."""


def read_simulator_events(content: bytes) -> pl.DataFrame:
    """Read a file AntennaInfo of the simulator: device, cell, second, x_m, y_m, tile of each connection that holds.

    Positions are the truth of the simulation. Raises InputError for a file with other columns.
    """
    names = {"t": "second", "Antenna ID": "cell", "Event Code": "code", "Device ID": "device", "x": "x_m", "y": "y_m"}
    table = _csv(content, "AntennaInfo")
    table = table.rename({name: name.strip() for name in table.columns})
    missing = [name for name in (*names, "Tile ID") if name not in table.columns]
    if missing:
        raise InputError(f"AntennaInfo: missing columns {', '.join(missing)}; found {', '.join(table.columns)}")
    return (
        table.rename({**names, "Tile ID": "tile"})
        .filter(pl.col("code") != DETACHED)
        .select("device", "cell", "second", "x_m", "y_m", "tile")
    )


def read_pipeline_events(content: bytes) -> pl.DataFrame:
    """Read raw events of multimno (Parquet): device (hexadecimal), at_utc, cell, reason.

    `reason` is the fault of a row that does not count, by the syntactic rules of the pipeline, null without: no_device,
    no_time, wrong_time, no_place (neither cell nor position), wrong_cell. Device, time and cell are null where they
    cannot be read. Raises InputError for a file with other columns.
    """
    required = ("user_id", "timestamp", "cell_id", "longitude", "latitude")
    try:
        table = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"events of multimno: not Parquet that can be read: {error}") from error
    missing = [name for name in required if name not in table.columns]
    if missing:
        raise InputError(f"events of multimno: missing columns {', '.join(missing)}; found {', '.join(table.columns)}")
    return judge_pipeline_rows(table)


def judge_pipeline_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Rows of multimno with the columns of `read_pipeline_events`, in their order."""
    parsed = table.select(
        device=pl.col("user_id").bin.encode("hex"),
        at_utc=pl.col("timestamp")
        .str.replace("T", " ")
        .str.to_datetime(_TIME, time_unit="us", strict=False)
        .dt.replace_time_zone("UTC"),
        cell=pl.when(pl.col("cell_id").str.contains(_DIGITS)).then("cell_id"),
        text=pl.col("timestamp"),
        place=pl.col("cell_id"),
        has_position=pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null(),
    )
    reason = (
        pl.when(pl.col("device").is_null())
        .then(pl.lit("no_device"))
        .when(pl.col("text").is_null())
        .then(pl.lit("no_time"))
        .when(pl.col("at_utc").is_null())
        .then(pl.lit("wrong_time"))
        .when(pl.col("place").is_null() & ~pl.col("has_position"))
        .then(pl.lit("no_place"))
        .when(pl.col("place").is_not_null() & pl.col("cell").is_null())
        .then(pl.lit("wrong_cell"))
    )
    return parsed.select("device", "at_utc", "cell", reason=reason)


def _csv(content: bytes, what: str) -> pl.DataFrame:
    try:
        return pl.read_csv(content)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{what}: not a CSV that can be read: {error}") from error
