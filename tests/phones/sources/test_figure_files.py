"""Files of figures: what is read, and what is quarantined with which reason."""

from __future__ import annotations

import pytest

from ons_bigdata.phones.sources.figure_files import read_figures

HEADER = "figure,provider,year,geography,area,category,value,standard_error,source"
GOOD = "ownership,all,2013,lad,all,all,0.94,0.01,Communications Market Report"
LOAD = "0" * 16


def read(*lines: str) -> tuple[int, list[tuple[int, str]]]:
    reading = read_figures("\n".join([HEADER, *lines, ""]).encode(), load_id=LOAD)
    assert reading.outcome == "loaded"
    return reading.accepted.height, list(reading.quarantined.select("line", "reason").iter_rows())


def test_figures_are_read() -> None:
    reading = read_figures(f"{HEADER}\n{GOOD}\n".encode(), load_id=LOAD)
    row = reading.accepted.row(0, named=True)
    assert (row["figure"], row["value"], row["standard_error"], row["year"]) == ("ownership", 0.94, 0.01, 2013)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("ownership", "phones"), "FIGURE 'phones'"),
        (GOOD.replace("0.94", "1.2"), "expected a share"),
        (GOOD.replace("0.94", "94 %"), "a number"),
        (GOOD.replace("0.01", "-0.01"), "a negative number"),
        (GOOD.replace("0.01", ""), "a number"),
        (GOOD.replace("Communications Market Report", ""), "no source"),
        (GOOD.replace("2013", "13"), "a key or code"),
    ],
)
def test_faults_are_quarantined(line: str, reason: str) -> None:
    other = GOOD.replace("ownership", "devices_per_owner")
    accepted, quarantined = read(other, line)
    assert accepted == 1
    assert [number for number, _ in quarantined] == [3]
    assert reason in quarantined[0][1]


def test_a_figure_that_comes_twice_counts_once() -> None:
    accepted, quarantined = read(GOOD, GOOD.replace("0.94", "0.95"))
    assert accepted == 1
    assert "came before" in quarantined[0][1]
