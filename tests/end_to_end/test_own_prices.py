"""docs/how-to/bring-your-own-prices.md with prices collected weekly and monthly, from the CSV to figures and gaps."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from scripts.split_prices import split
from tests.command_line import ROOT, CommandLine

PAGE = (ROOT / "docs" / "how-to" / "bring-your-own-prices.md").read_text(encoding="utf-8")
TEMPLATE = ROOT / "docs" / "how-to" / "my_prices_template.csv"
MONTHS = [date(2025, month, 20 + month % 3) for month in (1, 2, 3, 5, 6)]
WEEKS = [date(2026, 1, 8) + timedelta(days=7 * week) for week in (0, 1, 2, 3, 4, 6, 7)]
SHOPS = {"month-shop": ("monthly", "2025-06-30", MONTHS), "week-shop": ("weekly_thursday", "", WEEKS)}


@pytest.fixture(scope="module")
def command(short_tmp: Path) -> Iterator[CommandLine]:
    """A command line with the figures of two shops, each with one missed collection."""
    dbt_project = shutil.copytree(ROOT / "dbt_project", short_tmp / "dbt", ignore=shutil.ignore_patterns("target"))
    (row,) = re.findall(r"^```csv\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert row == "my-shop,My shop,real,daily,\n"
    with (dbt_project / "seeds" / "prices" / "collection" / "retailers.csv").open("a", encoding="utf-8") as seed:
        for shop, (rhythm, ended_on, _) in SHOPS.items():
            seed.write(f"{shop},{shop},real,{rhythm},{ended_on}\n")
    line = CommandLine(short_tmp / "own", (("ONS_BIGDATA_DBT_PROJECT_DIR", str(dbt_project)),))
    for shop, (_, _, days) in SHOPS.items():
        split(_prices(short_tmp / f"{shop}.csv", days), shop, short_tmp / "quotes")
    try:
        line.run("ingest", "prices", short_tmp / "quotes")
        line.run("materialize", "--select", "*", "--from", "2025-01-21", "--to", "2026-02-26")
        yield line
    finally:
        line.run("down", code=None)


def _prices(path: Path, days: list[date]) -> Path:
    """Write the template's days as other days."""
    with TEMPLATE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = sorted({row["day"] for row in rows})
    moved = dict(zip(known, days, strict=False))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "day": moved[row["day"]].isoformat()} for row in rows if row["day"] in moved)
    return path


@pytest.mark.nightly
def test_a_missed_collection_is_the_only_gap(command: CommandLine) -> None:
    gaps = (
        "select retailer, collected_on::text, reason from marts.price_collection_days"
        " where status <> 'collected' order by retailer"
    )
    assert [tuple(row.values()) for row in command.query(gaps)] == [
        ("month-shop", "2025-04-30", "no file of the month from 2025-04-01"),
        ("week-shop", "2026-02-12", "no file of the week from 2026-02-09"),
    ]
    days = "select count(*) as days from marts.price_collection_days"
    assert command.query(days) == [{"days": len(WEEKS) + len(MONTHS) + 2}]
    findings = "select retailer from marts.price_quality_findings where kind = 'gap' and item_number is null"
    assert len(command.query(findings)) == 2
    rejected = "select count(*) as days from marts.price_quote_counts where not enters and status <> 'gap'"
    assert command.query(rejected) == [{"days": 0}]


@pytest.mark.nightly
def test_weekly_and_monthly_scrapes_have_weekly_and_monthly_figures(command: CommandLine) -> None:
    assert _periods(command, "ons_web_weekly", "2026") == [day - timedelta(days=3) for day in WEEKS]
    assert _periods(command, "ons_2026", "2025") == [day.replace(day=1) for day in MONTHS]
    assert _periods(command, "web_daily", "2026") == WEEKS
    reasons = command.query(
        "select distinct base_period, retailers from marts.price_indices where level = 'item' and recipe = 'ons_2026'"
        " and index is not null order by 1"
    )
    assert [row["base_period"] for row in reasons] == ["2025-01-21..2025-01-31", "2026-01-08..2026-01-31"]


def _periods(command: CommandLine, recipe: str, year: str) -> list[date]:
    """Periods of a year in which both divisions have an index."""
    rows = command.query(
        "select period::text from marts.price_indices where level = 'division' and index is not null"
        f" and recipe = '{recipe}' and to_char(period, 'YYYY') = '{year}' and scope = 'shelf'"
        " group by period, method having count(*) = 2 order by period"
    )
    return sorted({date.fromisoformat(row["period"]) for row in rows})
