"""`phones spec` and `phones cell-plan`.

A specification as the annex of a tender, its entry in the register, a delivery checked against it; the network of a
simulator as a cell plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.phones.methods.cell_plan import describe_cells, mast_signals, nearest_zones
from ons_bigdata.phones.methods.specification_annex import render_annex
from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources.deliveries import contract, flow_files, side_tables
from ons_bigdata.phones.sources.devices import network_files
from ons_bigdata.phones.sources.specification_files import Registered, read_specification, register_specification
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import require_paths
from ons_bigdata.platform.ingest.unpacking import open_unpacked, unpacked_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ons_bigdata.phones.schemas.specification import Specification
    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.ingest.loading import Reading
    from ons_bigdata.settings import Settings

_LOAD = "0" * 16
"""Id of a load that is none: nothing is stored."""


@dataclass(frozen=True)
class CheckedFile:
    """A file of a delivery and what an ingest would do with it."""

    name: str
    rows: int
    reason: str | None
    """Why it would be sent back; None where it would be taken in."""


@dataclass(frozen=True)
class ReadSpecification:
    """A specification, and what was done with it."""

    specification: Specification
    annex: str
    checked: tuple[CheckedFile, ...]
    registered: bool | None
    """True if it was added to the register, False if it was there already; None where that was not asked."""

    @property
    def is_refused(self) -> bool:
        """True if a file of the delivery would be sent back."""
        return any(file.reason is not None for file in self.checked)

    def to_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "spec_id": self.specification.spec_id,
            "specification": self.specification.model_dump(mode="json"),
            "annex": self.annex,
            "checked": [vars(file) for file in self.checked],
            "registered": self.registered,
        }


def read_spec(
    file: Path, settings: Settings, *, delivery: Sequence[Path] = (), provider: str | None = None
) -> ReadSpecification:
    """Read a specification; check a delivery against it, and add it to the register for a provider.

    Raises InputError for a file that is no specification, a path that does not exist, and a file of a delivery whose
    name is that of no table of the contract.
    """
    spec = read_specification(file)
    require_paths(delivery)
    checked = tuple(_check(path, spec) for path in _files(delivery))
    added = None if provider is None else register_specification(settings.dbt_project_dir, provider, spec)
    return ReadSpecification(spec, render_annex(spec), checked, added)


@dataclass(frozen=True)
class WrittenPlan:
    """A cell plan that was written."""

    path: Path
    cells: int
    cells_with_zone: int


@dataclass(frozen=True)
class AntennaSettings:
    """Settings of all antennas of the simulator of the ESSnet; None: as its antennas.xml says for each."""

    least_dbm: float | None = None
    """Strength from which an antenna connects."""
    middle_dbm: float | None = None
    """Strength at which its dominance is one half."""
    steepness: float | None = None
    """Steepness of the dominance, a dBm."""


def write_cell_plan(
    network: Path,
    folder: Path,
    *,
    tile_m: float,
    zones: Path | None = None,
    data_origin: DataOrigin | None = None,
    antennas: AntennaSettings | None = None,
) -> WrittenPlan:
    """Write the network of a simulator into a folder as the cell plan that `ingest phone-events` takes in.

    `network`: a folder of the simulator of the ESSnet (SignalMeasure_<name>.csv, grid.csv, regions.csv), or a network
    of multimno (Parquet), which has zones where their centres are given. `tile_m` and `data_origin` are of the latter:
    side of a tile; real or simulated, which the format does not say. `antennas` are of the former, which is simulated.
    Raises InputError for files that are missing or cannot be read, and for options that are missing or do not fit.
    """
    require_paths([network])
    if network.is_dir():
        if data_origin == "real":
            raise InputError(f"{network}: a network of the simulator is simulated; found --origin real")
        name, plan = _simulator_plan(network, zones, antennas or AntennaSettings())
    else:
        if antennas is not None and antennas != AntennaSettings():
            raise InputError(f"{network}: settings of antennas are of a network of the simulator, not of multimno")
        if data_origin is None:
            raise InputError(
                f"{network}: a network of multimno does not say whether it is real; expected --origin real or simulated"
            )
        name, plan = _pipeline_plan(network, tile_m, zones)
        name = f"{SIMULATED if data_origin == 'simulated' else ''}{name}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    plan.write_csv(path)
    return WrittenPlan(path, plan.height, plan.height - plan["zone"].null_count())


def _simulator_plan(folder: Path, zones: Path | None, antennas: AntennaSettings) -> tuple[str, pl.DataFrame]:
    """Name and rows of the plan of a network of the simulator of the ESSnet."""
    if zones is not None:
        raise InputError(f"{folder}: the simulator's regions.csv says the zones; found a file of centres {zones}")
    found = sorted(path for path in folder.iterdir() if path.name.startswith("SignalMeasure_"))
    if len(found) != 1:
        raise InputError(f"{folder}: {len(found)} files SignalMeasure_<name>.csv; expected one")
    name = unpacked_name(found[0].name).removeprefix("SignalMeasure_").removesuffix(".csv").lower()
    grid = network_files.read_grid(folder / "grid.csv")
    given = {setting: value for setting, value in vars(antennas).items() if value is not None}
    settings = _antennas(folder) if len(given) < len(vars(antennas)) else None
    of_file = 0.0 if settings is None else float(settings["least_dbm"].to_numpy().min())
    signals = network_files.read_signals(found[0], grid, least_dbm=given.get("least_dbm", of_file))
    if settings is not None:
        signals = signals.join(settings, on="cell", how="left", maintain_order="left")
        absent = signals.filter(pl.col("least_dbm").is_null())["cell"]
        if len(absent):
            raise InputError(
                f"{folder}: antenna {absent[0]} has signals, but antennas.xml has {settings.height} antennas"
            )
    plan = describe_cells(
        signals.with_columns(**{setting: pl.lit(value) for setting, value in given.items()}),
        grid.tiles(),
        zones=network_files.read_regions(folder / "regions.csv", grid),
    )
    return f"{SIMULATED}cell_plan_{name}.csv", plan


def _antennas(folder: Path) -> pl.DataFrame:
    path = folder / "antennas.xml"
    if not path.is_file():
        raise InputError(
            f"{folder}: no antennas.xml with the settings of the antennas; expected that file, or all of"
            " --least-dbm, --middle-dbm and --steepness"
        )
    return network_files.read_antennas(path)


def _pipeline_plan(file: Path, tile_m: float, zones: Path | None) -> tuple[str, pl.DataFrame]:
    """Name without its origin, and rows, of the plan of a network of multimno."""
    network = network_files.read_network(file)
    try:
        signals, tiles = mast_signals(network.masts, tile_m=tile_m)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error
    placed = None if zones is None else nearest_zones(tiles, network_files.read_centres(zones, network))
    return "cell_plan_multimno.csv", describe_cells(signals, tiles, zones=placed, masts=network.masts)


def _files(paths: Iterable[Path]) -> list[Path]:
    found = [path for given in paths for path in (sorted(given.rglob("*")) if given.is_dir() else [given])]
    return [path for path in found if path.is_file()]


def _check(path: Path, spec: Specification) -> CheckedFile:
    with path.open("rb") as packed, open_unpacked(packed, path.name) as stream:
        content = stream.read()
    reading = _read(unpacked_name(path.name), content, spec)
    reason = reading.reason if reading.outcome != "loaded" else None
    return CheckedFile(path.name, reading.accepted.height, reason)


def _read(name: str, content: bytes, spec: Specification) -> Reading:
    table = next((one for one in _TABLES if name.removeprefix(SIMULATED).startswith(f"{one}_")), None)
    file = None if table is None else contract.parse_name(name, table)
    if table is None or file is None:
        raise InputError(
            f"{name}: expected <table>_<provider>_<YYYY-MM>….csv or .parquet with one of {', '.join(_TABLES)}"
        )
    register = {spec.spec_id: Registered(file.provider, spec)}
    if table == flow_files.LONG:
        return flow_files.read_long(content, name=name, load_id=_LOAD, register=register)
    if table == flow_files.WIDE:
        return flow_files.read_wide(content, name=name, load_id=_LOAD, register=register)
    return side_tables.read_side_table(content, table=table, name=name, load_id=_LOAD, register=register)


_TABLES = (flow_files.LONG, flow_files.WIDE, *side_tables.COLUMNS)
