"""A simulated delivery of meter readings: files of readings, attributes of the homes, and the truth apart.

Files of the truth, which no reader and no method reads: true_homes.csv (columns of `draw_homes`), true_absences.csv
(meter, first_date, end_date: spells of absent days, half-open), true_flows.csv (see `vacancy_flows`), true_faults.csv
(meter, fault, first_at, end_at in UTC, rows, value), true_presence.parquet (meter, day, people_at_home, people_awake:
lists of 46, 48 or 50), and files.json (arguments; rows of each file; faults by kind).
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.deliveries.faults import Delivery, FaultRates, deliver_with_faults
from ons_bigdata.simulation.meters.deliveries.reading_files import (
    CER_FIRST_DAY,
    CER_LAST_DAY,
    LCL_HEADER,
    write_allocations,
    write_cer_rows,
    write_homes,
    write_lcl_rows,
    write_survey,
)
from ons_bigdata.simulation.meters.deliveries.vacancy_flows import vacancy_flows

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.simulation.meters.generators import Simulation
    from ons_bigdata.simulation.meters.simulated import SimulatedMeters

FORMATS = {"cer": "Europe/Dublin", "lcl": "Europe/London"}
"""Formats of the files of readings and the zone of their homes."""
FILES = 6
"""Files of readings, as in the Irish trial; fewer where there are fewer meters."""


@dataclass(frozen=True)
class MeterArchive:
    """Files that were written, and counts."""

    readings: tuple[Path, ...]
    truth: Path
    meters: int
    rows: int
    faults: dict[str, int]


def write_meter_archive(
    folder: Path,
    homes: pl.DataFrame,
    simulation: Simulation,
    *,
    file_format: str = "cer",
    rates: FaultRates | None = None,
    keeps_presence: bool = True,
) -> MeterArchive:
    """Simulate the meters of homes and write files of readings and the truth. Equal arguments give equal bytes.

    The zone is that of the format. Meters are simulated and written by blocks, so that the memory does not grow with
    their number, apart from the truth of presence.

    Raises ValueError for an unknown format or generator, and for days that the Irish format has no codes for.
    """
    if file_format not in FORMATS:
        raise ValueError(f"format {file_format!r} is unknown; expected {' or '.join(FORMATS)}")
    simulation = replace(simulation, timezone=FORMATS[file_format])
    first_day, days = simulation.first_day, simulation.days
    clock = HalfHours(first_day, days, simulation.timezone)
    last_day = first_day + timedelta(days=days - 1)
    if file_format == "cer" and (first_day < CER_FIRST_DAY or last_day > CER_LAST_DAY):
        raise ValueError(
            f"{first_day} to {last_day} are not all days of the Irish trial; expected {CER_FIRST_DAY} to {CER_LAST_DAY}"
        )
    readings, truth = folder / "readings", folder / "truth"
    readings.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    written = _Written(readings, truth, file_format, min(FILES, homes.height), homes.height)
    with ExitStack() as stack:
        written.open(stack)
        done = 0
        for number, block in enumerate(simulation.blocks(homes)):
            rng = np.random.default_rng([simulation.seed, 3, number])
            delivery = deliver_with_faults(rng, block.kwh, clock, rates)
            written.add(block, delivery, clock, rng, first_meter=done)
            if keeps_presence:
                written.add_presence(block, clock)
            done += block.homes.height
            progress.report("simulating meters", done, homes.height)
    write_homes(readings.parent / "simulated_homes.csv", homes, file_format=file_format)
    if file_format == "cer":
        write_allocations(readings.parent / "simulated_allocations.csv", homes)
        write_survey(readings.parent / "simulated_pre_trial_survey.csv", homes)
    homes.write_csv(truth / "true_homes.csv")
    vacancy_flows(homes, first_day=first_day, days=days).write_csv(truth / "true_flows.csv")
    arguments = {"seed": simulation.seed, "first_day": first_day.isoformat(), "days": days, "zone": clock.timezone}
    return written.finish(arguments)


class _Written:
    """Files that are being written, and counts."""

    def __init__(self, readings: Path, truth: Path, file_format: str, files: int, meters: int) -> None:
        suffix = "txt" if file_format == "cer" else "csv"
        self.paths = tuple(readings / f"simulated_File{number + 1}.{suffix}" for number in range(files))
        self.truth, self.file_format, self.meters = truth, file_format, meters
        self.rows: Counter[str] = Counter()
        self.faults: list[pl.DataFrame] = []
        self.absences: list[pl.DataFrame] = []
        self.presence: list[pl.DataFrame] = []
        self.streams: list[IO[bytes]] = []

    def open(self, stack: ExitStack) -> None:
        """Open the files of readings."""
        self.streams = [stack.enter_context(path.open("wb")) for path in self.paths]
        if self.file_format == "lcl":
            for stream in self.streams:
                stream.write(LCL_HEADER.encode())

    def add(
        self,
        block: SimulatedMeters,
        delivery: Delivery,
        clock: HalfHours,
        rng: np.random.Generator,
        *,
        first_meter: int,
    ) -> None:
        """Write the rows of a block of meters, and collect the truth."""
        number = (first_meter + np.arange(block.homes.height)) * len(self.paths) // self.meters
        meters = block.homes["meter"]
        for file in np.unique(number):
            part = _of_meters(delivery, number == file)
            stream, name = self.streams[file], self.paths[file].name
            if self.file_format == "cer":
                self.rows[name] += write_cer_rows(stream, meters, part, clock, rng)
            else:
                self.rows[name] += write_lcl_rows(stream, meters, part, clock)
        self.faults.append(_fault_table(delivery.faults, meters, clock, self.file_format))
        self.absences.append(absence_spells(block.absent_days))

    def add_presence(self, block: SimulatedMeters, clock: HalfHours) -> None:
        """Collect the people of a block by meter and day."""
        lists = {
            name: pl.DataFrame({"day": np.tile(clock.day, block.homes.height), name: values.ravel()})
            for name, values in (("people_at_home", block.people_at_home), ("people_awake", block.people_awake))
        }
        number = np.repeat(np.arange(block.homes.height), clock.count) * clock.days
        frames = [
            frame.select(pl.Series("row", number) + pl.col("day"), name)
            .group_by("row", maintain_order=True)
            .agg(name)
            .select(name)
            for name, frame in lists.items()
        ]
        self.presence.append(pl.concat([block.absent_days.select("meter", "day"), *frames], how="horizontal"))

    def finish(self, arguments: dict[str, object]) -> MeterArchive:
        """Write the truth of all blocks."""
        faults = pl.concat(self.faults)
        faults.write_csv(self.truth / "true_faults.csv")
        pl.concat(self.absences).write_csv(self.truth / "true_absences.csv")
        if self.presence:
            pl.concat(self.presence).write_parquet(self.truth / "true_presence.parquet")
        by_kind = dict(faults.group_by("fault").len().sort("fault").iter_rows())
        files = {**arguments, "rows": dict(sorted(self.rows.items())), "faults": by_kind}
        (self.truth / "files.json").write_text(json.dumps(files, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return MeterArchive(self.paths, self.truth, self.meters, sum(self.rows.values()), by_kind)


def absence_spells(absent_days: pl.DataFrame) -> pl.DataFrame:
    """Spells of absent days: meter, first_date, end_date (the first day with people again). Days are in order."""
    changed = (pl.col("absent") != pl.col("absent").shift()) | (pl.col("meter") != pl.col("meter").shift())
    return (
        absent_days.with_columns(spell=changed.fill_null(value=True).cum_sum())
        .filter("absent")
        .group_by("meter", "spell", maintain_order=True)
        .agg(first_date=pl.col("day").min(), end_date=pl.col("day").max() + pl.duration(days=1))
        .drop("spell")
    )


def _of_meters(delivery: Delivery, is_wanted: np.ndarray) -> Delivery:
    wanted = is_wanted[delivery.row]
    if wanted.all():
        return delivery
    columns = (delivery.row[wanted], delivery.half_hour[wanted], delivery.kwh[wanted], delivery.offset_s[wanted])
    return Delivery(*columns, delivery.faults)


def _fault_table(faults: pl.DataFrame, meters: pl.Series, clock: HalfHours, file_format: str) -> pl.DataFrame:
    """Faults by meter and time; the Irish format cannot show rows off the grid."""
    at = pl.Series("at", np.r_[clock.started_at, clock.started_at[-1:] + np.timedelta64(30, "m")])
    shown = faults if file_format == "lcl" else faults.filter(pl.col("fault") != "off_grid_null")
    return shown.select(
        meters.gather(shown["row"]).alias("meter"),
        "fault",
        at.gather(shown["first"]).alias("first_at"),
        at.gather(shown["end"]).alias("end_at"),
        (pl.col("end") - pl.col("first")).alias("half_hours"),
        "value",
    )
