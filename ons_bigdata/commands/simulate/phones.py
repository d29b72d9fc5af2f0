"""`simulate phones`: a simulated operator's specification, deliveries, events and truth, written into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.phones.census_files import write_census
from ons_bigdata.simulation.phones.figure_files import write_figures
from ons_bigdata.simulation.phones.operator_files import simulate_operator, write_operator

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class WrittenOperator:
    """Folders that were written, and counts."""

    spec_id: str
    specification: Path
    deliveries: Path
    events: Path
    truth: Path
    census: Path
    persons: int
    devices: int
    zones: int
    cells: int
    device_events: int

    def to_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        paths = ("specification", "deliveries", "events", "truth", "census")
        return {name: str(value) if name in paths else value for name, value in vars(self).items()}


def write_phones(
    folder: Path, *, persons: int, devices: int, zones: int, seed: int, threshold: int, rounding_base: int
) -> WrittenOperator:
    """Simulate an operator and write its files into a new or empty folder.

    Raises InputError for a folder with content and sizes that do not fit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is no empty folder; expected a new or an empty one")
    progress.report("simulating an operator", 0, 1)
    try:
        operator = simulate_operator(
            persons=persons, devices=devices, zones=zones, seed=seed, threshold=threshold, rounding_base=rounding_base
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    files, census = write_operator(folder, operator), folder / "census"
    write_census(census, operator)
    write_figures(census, operator)
    progress.report("simulating an operator", 1, 1)
    return WrittenOperator(
        operator.specification.spec_id,
        files.specification,
        files.deliveries,
        files.events,
        files.truth,
        census,
        persons=operator.persons.height,
        devices=operator.devices.height,
        zones=len(operator.specification.zones.codes),
        cells=operator.cells.height,
        device_events=operator.events.height,
    )
