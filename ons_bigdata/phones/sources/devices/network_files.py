"""Networks of the simulator of the ESSnet and of multimno: strengths of signals by tile, tiles with zones, masts."""

from __future__ import annotations

import csv
import math
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple
from xml.parsers import expat

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_bigdata.phones.schemas.device_events import CELL
from ons_bigdata.phones.schemas.vocabulary import ZONE_CODE
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.unpacking import open_unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GRID_COLUMNS = ("Origin X", "Origin Y", "X Tile Dim", "Y Tile Dim", "No Tiles X", "No Tiles Y")
NETWORK_COLUMNS = (
    *("cell_id", "latitude", "longitude", "directionality", "azimuth_angle", "horizontal_beam_width", "power", "range"),
)
"""Columns of a network of multimno (bronze network topology) that are read."""
ANTENNA_SETTINGS = {"Smin": "least_dbm", "Smid": "middle_dbm", "SSteep": "steepness"}
"""Settings of an antenna in antennas.xml of the simulator, and what they are called here."""
MOST_FAULTS = 5
_MOST_TILES = 4_000_000
_LONGEST_LINE = 64 * 1024 * 1024
_BATCH_ROWS = 100_000
_EARTH_RADIUS_M = 6_371_000.0


class Grid(NamedTuple):
    """Tiles in rows from the south-west corner: tile 0 first, then eastwards."""

    west_m: float
    south_m: float
    width_m: float
    height_m: float
    columns: int
    rows: int

    @property
    def size(self) -> int:
        """Number of tiles."""
        return self.columns * self.rows

    def tiles(self) -> pl.DataFrame:
        """Middle of each tile: tile, east_m, north_m."""
        tile = pl.int_range(self.size, eager=True).alias("tile")
        return pl.DataFrame({"tile": tile}).with_columns(
            east_m=self.west_m + (pl.col("tile") % self.columns + 0.5) * self.width_m,
            north_m=self.south_m + (pl.col("tile") // self.columns + 0.5) * self.height_m,
        )


def read_grid(path: Path) -> Grid:
    """Read the file grid.csv of the simulator. Raises InputError that names line, column, value and expected."""
    rows = list(_rows(path, GRID_COLUMNS))
    if len(rows) != 1:
        raise InputError(f"{path}: {len(rows)} rows below the header; expected one")
    line, row = rows[0]
    numbers = [_number(path, line, name, row[name]) for name in GRID_COLUMNS]
    columns, lines = (int(value) for value in numbers[4:])
    if (columns, lines) != tuple(numbers[4:]) or columns < 1 or lines < 1 or columns * lines > _MOST_TILES:
        raise InputError(f"{path}: {numbers[4]:g} by {numbers[5]:g} tiles; expected 1 to {_MOST_TILES} in all")
    if min(numbers[2:4]) <= 0:
        raise InputError(f"{path}: tiles of {numbers[2]:g} by {numbers[3]:g} m; expected more than 0")
    west, south, width, height = numbers[:4]
    return Grid(west, south, width, height, columns, lines)


def read_regions(path: Path, grid: Grid) -> pl.DataFrame:
    """Read the file regions.csv of the simulator: tile, zone (text). Tiles without a row belong to no zone.

    Raises InputError for a tile outside of the grid or that came before, and for a zone of another form.
    """
    zones: dict[int, str] = {}
    for line, row in _rows(path, ("tile", "region")):
        number = _number(path, line, "tile", row["tile"])
        tile, zone = int(number), row["region"].strip()
        if tile != number or not 0 <= tile < grid.size:
            raise InputError(f"{path}, line {line}: tile {row['tile']!r}; expected 0 to {grid.size - 1}")
        if tile in zones:
            raise InputError(f"{path}, line {line}: tile {tile} came before")
        if not _matches(zone, ZONE_CODE):
            raise InputError(f"{path}, line {line}: region {zone!r}; expected the code of a zone")
        zones[tile] = zone
    return pl.DataFrame(
        {"tile": list(zones), "zone": list(zones.values())}, schema={"tile": pl.Int64, "zone": pl.String}
    )


def read_signals(path: Path, grid: Grid, *, least_dbm: float) -> pl.DataFrame:
    """Read a file SignalMeasure of the simulator: cell, tile, strength_dbm of the pairs from `least_dbm` on.

    The file has a line for each antenna and a column for each tile, and is read line by line: what is kept are the
    pairs that connect. Raises InputError that names line, column, value and what is expected.
    """
    parts: list[pl.DataFrame] = []
    cells: set[str] = set()
    names = ("Antenna ID", *(f"Tile{tile}" for tile in range(grid.size)))
    with _opened(path) as stream:
        header = tuple(name.strip() for name in _line(path, stream, 1).split(","))
        if header != names:
            wrong = next(
                (place for place, pair in enumerate(zip(header, names, strict=False)) if pair[0] != pair[1]), None
            )
            found = f"{len(header)} columns" if wrong is None else f"column {wrong + 1} {header[wrong][:60]!r}"
            expected = f"Antenna ID and Tile0 to Tile{grid.size - 1}, as the grid says"
            raise InputError(f"{path}, line 1: {found}; expected {expected}")
        line = 1
        while text := _line(path, stream, line := line + 1):
            cell, *fields = (field.strip() for field in text.split(","))
            if len(fields) != grid.size:
                raise InputError(f"{path}, line {line}: {len(fields)} strengths; expected {grid.size}")
            if not _matches(cell, CELL) or cell in cells:
                raise InputError(
                    f"{path}, line {line}: antenna {cell[:60]!r}; expected an identifier that did not come before"
                )
            cells.add(cell)
            strengths = pl.Series(fields).cast(pl.Float64, strict=False)
            is_wrong = strengths.is_null() | ~strengths.is_finite() | ~strengths.is_between(-300, 100)
            if is_wrong.fill_null(value=True).any():
                tile = int(is_wrong.fill_null(value=True).arg_max() or 0)
                raise InputError(
                    f"{path}, line {line}, column Tile{tile}: {fields[tile][:60]!r}; expected a strength in dBm"
                )
            whole = pl.DataFrame({"strength_dbm": strengths}).with_columns(tile=pl.int_range(pl.len(), dtype=pl.Int64))
            parts.append(
                whole.filter(pl.col("strength_dbm") >= least_dbm).select(
                    pl.lit(cell).alias("cell"), "tile", "strength_dbm"
                )
            )
    if not parts:
        raise InputError(f"{path}: no antenna below the header")
    return pl.concat(parts)


def read_antennas(path: Path) -> pl.DataFrame:
    """Read the file antennas.xml of the simulator: cell, least_dbm, middle_dbm, steepness.

    The simulator numbers antennas from 1 in the order of the file. Raises InputError for a file that is no XML or
    declares entities, and for an antenna of which a setting is missing, no number or out of its range.
    """
    found: list[dict[str, str]] = []
    within: list[str] = []

    def begin(name: str, _attributes: dict[str, str]) -> None:
        within.append(name)
        if name == "antenna":
            found.append({})

    def end(_name: str) -> None:
        within.pop()

    def text(part: str) -> None:
        if found and within[-1] in ANTENNA_SETTINGS:
            found[-1][within[-1]] = found[-1].get(within[-1], "") + part.strip()

    def refuse_entity(*_declared: object) -> None:
        raise InputError(f"{path}: declares an entity; expected none")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, text
    parser.EntityDeclHandler = refuse_entity
    try:
        with _opened(path) as stream:
            parser.Parse(stream.read(), True)
    except expat.ExpatError as error:
        raise InputError(f"{path}: no XML that can be read: {error}") from error
    if not found:
        raise InputError(f"{path}: no antenna")
    rows = [_antenna(path, number, row) for number, row in enumerate(found, 1)]
    return pl.DataFrame(rows, schema={"cell": pl.String, **dict.fromkeys(ANTENNA_SETTINGS.values(), pl.Float64)})


def _antenna(path: Path, number: int, row: dict[str, str]) -> dict[str, object]:
    settings: dict[str, object] = {"cell": str(number)}
    for name, ours in ANTENNA_SETTINGS.items():
        least, most = (0.0, 100.0) if ours == "steepness" else (-300.0, 100.0)
        try:
            value = float(row.get(name, ""))
        except ValueError:
            value = math.nan
        if not least < value <= most:
            raise InputError(
                f"{path}, antenna {number}, {name}: {row.get(name, '')[:60]!r}; expected a number above {least:g}"
                f" and up to {most:g}"
            )
        settings[ours] = value
    return settings


class Network(NamedTuple):
    """Masts of a network of multimno, in metres from its middle."""

    masts: pl.DataFrame
    """cell, east_m, north_m, azimuth_deg (null without direction), beam_deg, power_w, range_m; sorted by cell."""
    latitude: float
    longitude: float


def read_network(path: Path) -> Network:
    """Read a network of multimno (Parquet), batch by batch; rows of several days that say the same count once.

    Raises InputError that names row, column, value and what is expected, and for a cell of which two rows differ.
    """
    parts: list[pl.DataFrame] = []
    faults: list[str] = []
    first = 1
    with _opened(path) as packed:
        try:
            parquet = pq.ParquetFile(pa.BufferReader(packed.read()))
            missing = [name for name in NETWORK_COLUMNS if name not in parquet.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: missing columns {', '.join(missing)}")
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=list(NETWORK_COLUMNS)):
                table = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                faults += _network_faults(table, first)
                first += table.height
                parts.append(table.unique(maintain_order=True))
        except pa.ArrowException as error:
            raise InputError(f"{path}: not Parquet that can be read: {type(error).__name__}") from error
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise InputError(f"{path}: {'; '.join(faults[:MOST_FAULTS])}{more}")
    rows = pl.concat(parts).unique(maintain_order=True) if parts else pl.DataFrame()
    if rows.is_empty():
        raise InputError(f"{path}: no row")
    repeated = rows.filter(pl.col("cell_id").is_duplicated())
    if repeated.height:
        raise InputError(f"{path}: cell {repeated['cell_id'][0]} has rows that differ; expected one place and power")
    latitude = float(rows.select(pl.col("latitude").cast(pl.Float64).mean()).item())
    longitude = float(rows.select(pl.col("longitude").cast(pl.Float64).mean()).item())
    metres = _EARTH_RADIUS_M * math.pi / 180
    masts = rows.select(
        cell=pl.col("cell_id"),
        east_m=(pl.col("longitude").cast(pl.Float64) - longitude) * metres * math.cos(math.radians(latitude)),
        north_m=(pl.col("latitude").cast(pl.Float64) - latitude) * metres,
        azimuth_deg=pl.when(pl.col("directionality") == 1).then(pl.col("azimuth_angle").cast(pl.Float64)),
        beam_deg=pl.col("horizontal_beam_width").cast(pl.Float64),
        power_w=pl.col("power").cast(pl.Float64),
        range_m=pl.col("range").cast(pl.Float64),
    )
    return Network(masts.sort("cell"), latitude, longitude)


def read_centres(path: Path, network: Network) -> pl.DataFrame:
    """Read the centres of zones, a CSV with zone, longitude, latitude: zone, east_m, north_m from the network's middle.

    Raises InputError that names line, column, value and what is expected, and for a zone that came before.
    """
    metres = _EARTH_RADIUS_M * math.pi / 180
    found: dict[str, tuple[float, float]] = {}
    for line, row in _rows(path, ("zone", "longitude", "latitude")):
        zone = row["zone"].strip()
        if not _matches(zone, ZONE_CODE) or zone in found:
            raise InputError(
                f"{path}, line {line}: zone {zone[:60]!r}; expected the code of a zone that did not come before"
            )
        longitude, latitude = (_number(path, line, name, row[name]) for name in ("longitude", "latitude"))
        if abs(longitude) > 180 or abs(latitude) > 90:
            raise InputError(
                f"{path}, line {line}: {longitude:g}, {latitude:g}; expected degrees of longitude and latitude"
            )
        east = (longitude - network.longitude) * metres * math.cos(math.radians(network.latitude))
        found[zone] = (east, (latitude - network.latitude) * metres)
    if not found:
        raise InputError(f"{path}: no zone below the header")
    return pl.DataFrame(
        {
            "zone": list(found),
            "east_m": [place[0] for place in found.values()],
            "north_m": [place[1] for place in found.values()],
        }
    )


def _network_faults(table: pl.DataFrame, first: int) -> list[str]:
    """Faults of the rows of a batch, in their order."""
    is_directed = pl.col("directionality") == 1
    rules = {
        "cell_id": (pl.col("cell_id").cast(pl.String).str.contains(r"^[0-9]{14,15}$"), "14 or 15 digits"),
        "latitude": (pl.col("latitude").is_between(-90, 90), "degrees from -90 to 90"),
        "longitude": (pl.col("longitude").is_between(-180, 180), "degrees from -180 to 180"),
        "directionality": (pl.col("directionality").is_in([0, 1]), "0 or 1"),
        "azimuth_angle": (~is_directed | pl.col("azimuth_angle").is_between(0, 360), "degrees of a directed cell"),
        "horizontal_beam_width": (
            ~is_directed | pl.col("horizontal_beam_width").is_between(0, 360, closed="right"),
            "degrees of a directed cell",
        ),
        "power": ((pl.col("power") > 0) & (pl.col("power") < 1e6), "watts, more than 0"),
        "range": ((pl.col("range") > 0) & (pl.col("range") <= 200_000), "metres, more than 0"),
    }
    found: list[str] = []
    for name, (is_right, expected) in rules.items():
        wrong = table.with_row_index("row", offset=first).filter(~is_right.fill_null(value=False)).head(MOST_FAULTS + 1)
        found += [
            f"row {row}, {name} {value!r}; expected {expected}" for row, value in wrong.select("row", name).rows()
        ]
    return found


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as packed, open_unpacked(packed, path.name) as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or type(error).__name__).lower()}") from error


def _line(path: Path, stream: IO[bytes], number: int) -> str:
    data = stream.readline(_LONGEST_LINE)
    if len(data) == _LONGEST_LINE:
        raise InputError(f"{path}, line {number}: longer than {_LONGEST_LINE} bytes")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, line {number}: byte {error.start + 1} is no UTF-8") from error


def _rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and fields of each row of a small CSV."""
    with _opened(path) as stream:
        try:
            text = stream.read().decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: byte {error.start + 1} is no UTF-8") from error
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(f"{path}, line 1: missing columns {', '.join(missing)}")
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(header):
            raise InputError(f"{path}, line {reader.line_num}: {len(fields)} fields; expected {len(header)}")
        yield reader.line_num, dict(zip(header, fields, strict=True))


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}, line {line}, column {name}: {text[:60]!r}; expected a number")
    return value


def _matches(text: str, pattern: str) -> bool:
    return bool(pl.Series([text]).str.contains(pattern).item())
