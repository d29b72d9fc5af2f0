"""No fact of a pilot is in the platform's code, its SQL or the macros that all pilots share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ons_bigdata.pilots import PILOTS
from tests.command_line import ROOT

FILES = [
    *sorted((ROOT / "ons_bigdata" / "platform").rglob("*.py")),
    *sorted((ROOT / "ons_bigdata" / "platform").rglob("*.sql")),
    ROOT / "dbt_project" / "macros" / "window.sql",
    ROOT / "ons_bigdata" / "definitions.py",
]

FACTS = re.compile(
    r"retailer|\bshops?\b|scrap(e|ing)\b|supermarket|price|item_number|product|collected_on|coicop|Europe/|London|"
    r"\b20(0\d|1\d|2\d)-\d\d-\d\d\b|date\(20\d\d|\b\d+ \d+ \* \* [\*\d]",
    flags=re.IGNORECASE,
)
"""Words of pilots, first days, time zones and times of schedules."""

ALLOWED = {
    "ons_bigdata/platform/dagster/partitions.py": "the cron expressions of a day, a month and a quarter",
}


def facts(text: str) -> list[str]:
    """Return the words of pilots in a text."""
    return [match.group() for match in FACTS.finditer(text)]


@pytest.mark.parametrize(
    "text",
    [
        "FIRST_DAY = date(2014, 6, 1)",
        'zone = "Europe/London"',
        'cron="5 8 * * *"',
        "where collected_on > 1",
        "retailer",
    ],
)
def test_a_fact_of_a_pilot_is_seen(text: str) -> None:
    assert facts(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_of_the_platform_has_a_fact_of_a_pilot(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    found = facts(path.read_text(encoding="utf-8"))
    assert not found or name in ALLOWED, f"{name}: {sorted(set(found))}"


def test_no_file_of_the_platform_names_a_pilot() -> None:
    names = re.compile(rf"\b({'|'.join(pilot.name for pilot in PILOTS)})\b")
    naming = {path.name: names.findall(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name: words for name, words in naming.items() if words} == {}
