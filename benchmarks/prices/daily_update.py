"""One new day of prices over a history of some length: the costs of its run.

Simulated shops of full size (three retailers, about 10,200 quotes a day). All days but the last are taken in and
computed at once; then the last day's files come, and the schedule's run of one day follows. Costs of the last day
should not depend on the length of the history.

Usage: python benchmarks/prices/daily_update.py [--days 56 224 730 1095] [--shelf-size 1.0] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from process_costs import Cost, run_command

from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.scrape_archive import SimulatedArchive, simulate_scrapes

PRICES = " or ".join(f'group:"prices_{area}"' for area in ("collection", "scope", "quality", "indices", "comparison"))
"""Selection of the assets of the pilot."""


def print_line(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def files_by_day(archive: SimulatedArchive) -> dict[str, list[Path]]:
    """Files of each day, YYYYMMDD, in order of days."""
    days: dict[str, list[Path]] = {}
    for path in sorted(archive.scrapes_dir.iterdir(), key=lambda path: path.stem.rpartition("_")[2]):
        days.setdefault(path.stem.rpartition("_")[2][:8], []).append(path)
    return days


def measure(days: int, shelf_size: float, folder: Path) -> list[Cost]:
    """Costs of the history and of the last day, which is computed as the schedule does."""
    home = folder / "h"
    archive = simulate_scrapes(folder / "simulated", days=days, shelf_size=shelf_size)
    by_day = files_by_day(archive)
    *earlier, last = by_day
    first_day, last_day = (f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in (earlier[0], last))
    before = f"{earlier[-1][:4]}-{earlier[-1][4:6]}-{earlier[-1][6:]}"
    costs = []

    def run(what: str, *arguments: str) -> None:
        costs.append(run_command(home, *arguments, what=f"{days} days: {what}")[0])
        print_line(costs[-1].line())

    run("labels", "ingest", "scope-labels", str(archive.truth_dir / "labels.csv"), "--json")
    history = folder / "history"
    history.mkdir()
    for day in earlier:
        for path in by_day[day]:
            path.rename(history / path.name)
    run("history, files", "ingest", "prices", str(history), "--json")
    run("history, figures", "materialize", "--select", PRICES, "--from", first_day, "--to", before, "--json")
    run("last day, files", "ingest", "prices", *map(str, by_day[last]), "--json")
    run("last day, figures", "materialize", "--select", PRICES, "--from", last_day, "--to", last_day, "--json")
    open_warehouse(Settings(home=home)).close()
    embedded.stop(Settings(home=home).data_dir)
    return costs


def main() -> None:
    """Measure each length of the history and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[56, 224, 730, 1095])
    parser.add_argument("--shelf-size", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="folder that stays, one folder below it for each length")
    arguments = parser.parse_args()
    print_line("| work | wall s | CPU s | server CPU s | peak MiB |\n|---|---|---|---|---|")
    for days in arguments.days:
        folder = Path(tempfile.mkdtemp(prefix="du-")) if arguments.keep is None else arguments.keep / str(days)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            measure(days, arguments.shelf_size, folder)
        finally:
            if arguments.keep is None:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
