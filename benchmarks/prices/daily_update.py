"""One new day of prices over a history of some length: the costs of its run.

Simulated shops of full size (three retailers, about 10,200 quotes a day). The history is simulated and loaded once: for
each length the days since the last one are taken in and computed at once; then the last day's files come, and the
schedule's run of one day follows. Its costs should not depend on the length of the history. A second table has the
seconds of each step and dbt model of these runs.

Usage: python benchmarks/prices/daily_update.py [--days 56 224 730 1095] [--shelf-size 1.0] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from process_costs import Cost, run_command

from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.scrape_archive import SimulatedArchive, simulate_scrapes

PRICES = " or ".join(f'group:"prices_{area}"' for area in ("collection", "scope", "quality", "indices", "comparison"))
"""Selection of the assets of the pilot."""

LEAST_SHARE = 0.004
"""Least share of the seconds of a run for a step to have a row of its own."""

STEPS = """
with last as (select run_id from dagster.runs order by id desc limit 1),
events as (
    select dagster_event_type as kind, step_key, asset_key,
        event::jsonb -> 'dagster_event' -> 'event_specific_data' as data
    from dagster.event_logs join last using (run_id)
),
models as (
    select events.step_key, events.asset_key, (entry -> 'entry_data' ->> 'value')::float8 as seconds
    from events, jsonb_array_elements(events.data -> 'materialization' -> 'metadata_entries') as entry
    where events.kind = 'ASSET_MATERIALIZATION' and entry ->> 'label' = 'Execution Duration'
),
steps as (
    select step_key, (data ->> 'duration_ms')::float8 / 1000 as seconds from events where kind = 'STEP_SUCCESS'
)
select 'dbt ' || (asset_key::jsonb ->> -1), seconds from models
union all
select step_key, seconds from steps where step_key not in (select step_key from models)
union all
select 'dbt: calls, tests and hashes of days', sum(seconds) - (select sum(seconds) from models)
from steps where step_key in (select step_key from models)
"""
"""Seconds of each step of the last run; of a step of dbt, those of its models, and what remains of all such steps."""


def print_line(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def files_by_day(archive: SimulatedArchive) -> dict[str, list[Path]]:
    """Files of each day, YYYY-MM-DD, in order of days."""
    days: dict[str, list[Path]] = {}
    for path in sorted(archive.scrapes_dir.iterdir(), key=lambda path: path.stem.rpartition("_")[2]):
        stamp = path.stem.rpartition("_")[2]
        days.setdefault(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}", []).append(path)
    return days


class Installation:
    """An installation whose history grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "h"

    def run(self, what: str, *arguments: str) -> Cost:
        """Run a command and print its cost."""
        cost = run_command(self.home, *arguments, "--json", what=what)[0]
        print_line(cost.line())
        return cost

    def add_history(self, name: str, days: Mapping[str, list[Path]]) -> None:
        """Ingest and compute many days at once."""
        history = self.folder / f"history of {name}"
        history.mkdir()
        for path in (path for paths in days.values() for path in paths):
            path.rename(history / path.name)
        self.run(f"{name}: history, files", "ingest", "prices", str(history))
        self._compute(f"{name}: history, figures", min(days), max(days))
        shutil.rmtree(history)

    def add_day(self, name: str, day: str, paths: Sequence[Path]) -> dict[str, float]:
        """Ingest and compute a day as the schedule does; return the seconds of each step."""
        self.run(f"{name}: last day, files", "ingest", "prices", *map(str, paths))
        self._compute(f"{name}: last day, figures", day, day)
        return dict(open_warehouse(Settings(home=self.home)).rows(STEPS))

    def _compute(self, what: str, first: str, last: str) -> None:
        self.run(what, "materialize", "--select", PRICES, "--from", first, "--to", last)


def measure(lengths: Sequence[int], shelf_size: float, folder: Path) -> dict[int, dict[str, float]]:
    """Seconds of each step of the last day by the length of the history; costs are printed as they come."""
    installation = Installation(folder)
    archive = simulate_scrapes(folder / "simulated", days=max(lengths), shelf_size=shelf_size)
    by_day = files_by_day(archive)
    steps: dict[int, dict[str, float]] = {}
    try:
        installation.run("labels", "ingest", "scope-labels", str(archive.truth_dir / "labels.csv"))
        loaded = 0
        for length in lengths:
            *earlier, last = list(by_day)[loaded:length]
            installation.add_history(f"{length} days", {day: by_day[day] for day in earlier})
            steps[length] = installation.add_day(f"{length} days", last, by_day[last])
            loaded = length
    finally:
        embedded.stop(Settings(home=installation.home).data_dir)
    return steps


def print_steps(steps: Mapping[int, Mapping[str, float]]) -> None:
    """Print the seconds of the steps by length of the history, the longest first, and how they grow."""
    lengths = list(steps)
    totals = {length: sum(steps[length].values()) for length in lengths}
    names = sorted(
        {name for of_length in steps.values() for name in of_length}, key=lambda n: -steps[lengths[-1]].get(n, 0)
    )
    rows = {name: [steps[length].get(name, 0.0) for length in lengths] for name in names}
    shown = {
        name: row
        for name, row in rows.items()
        if any(seconds >= LEAST_SHARE * totals[length] for length, seconds in zip(lengths, row, strict=True))
    }
    others = [sum(row[n] for name, row in rows.items() if name not in shown) for n in range(len(lengths))]
    shown |= {f"{len(rows) - len(shown)} shorter steps": others, "all": list(totals.values())}
    print_line("\n| step | " + " | ".join(f"{length} days, s" for length in lengths) + " | last ÷ first |")
    print_line("|---" * (len(lengths) + 2) + "|")
    for name, row in shown.items():
        growth = f"{row[-1] / row[0]:.1f}" if row[0] >= 0.05 else "–"  # of less, a ratio is chance
        print_line(f"| {name} | " + " | ".join(f"{seconds:,.1f}" for seconds in row) + f" | {growth} |")


def main() -> None:
    """Measure each length of the history and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[56, 224, 730, 1095])
    parser.add_argument("--shelf-size", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="new folder for the installation, which stays")
    arguments = parser.parse_args()
    lengths = sorted(set(arguments.days))
    if min(b - a for a, b in zip([0, *lengths], lengths, strict=False)) < 2:
        parser.error("--days: expected lengths that are two days apart at least, the first 2 or more")
    folder = Path(tempfile.mkdtemp(prefix="du-")) if arguments.keep is None else arguments.keep
    folder.mkdir(parents=True, exist_ok=True)
    print_line("| work | wall s | CPU s | server CPU s | peak MiB |\n|---|---|---|---|---|")
    try:
        print_steps(measure(lengths, arguments.shelf_size, folder))
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
