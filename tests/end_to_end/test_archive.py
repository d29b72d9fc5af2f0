"""The real archive of 2016, from ingest to indices, through the command line.

Its faults are known; each must be flagged on its day. Skips where the shared data is missing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ons_bigdata.prices.areas import AREAS
from tests.command_line import CommandLine
from tests.end_to_end.known_faults import CUT_OFF, CUT_SHORT, EXPLOSIONS, FAULTS, GAPS, OUTAGES, SHORT_RUNS, VANISHED

pytestmark = pytest.mark.archive

FIRST, LAST = "2016-07-21", "2016-09-15"
PRICES = ", ".join(f"group:prices_{area}" for area in AREAS)


@pytest.fixture(scope="module")
def archive(shared_prices: Path, short_tmp: Path) -> Iterator[CommandLine]:
    """Ingest the archive and materialise all assets of prices over it as one range run."""
    command = CommandLine(short_tmp / "archive")
    try:
        summary = command.json("ingest", "prices", shared_prices / "ons_scrapes_2016.tar.xz", "--json")
        assert {name: summary[name] for name in ("files", "rows_in", "accepted", "quarantined", "outages")} == {
            "files": 211,
            "rows_in": 623_808,
            "accepted": 623_805,
            "quarantined": 3,
            "outages": 12,
        }
        outcome = command.json("materialize", "--select", PRICES, "--from", FIRST, "--to", LAST, "--json")
        assert outcome["success"]
        yield command
    finally:
        command.run("down", code=None)


def _statuses(archive: CommandLine, *wanted: str) -> dict[tuple[str, int], set[str]]:
    listed = ", ".join(f"'{status}'" for status in wanted)
    found = defaultdict(set)
    for row in archive.query(
        f"select retailer, item_number, collected_on from marts.price_quote_counts where status in ({listed})"
    ):
        found[row["retailer"], row["item_number"]].add(row["collected_on"])
    return found


def test_every_file_is_in_the_ledger(archive: CommandLine) -> None:
    (counts,) = archive.query(
        "select count(*)::int as files, sum((outcome = 'outage')::int)::int as outages,"
        " bool_and(rows_in = accepted + quarantined) as adds_up, bool_and(state = 'committed') as done,"
        " (select count(*)::int from raw.price_quotes) as rows from ops.loads join ops.files using (file_id)"
    )
    assert counts == {"files": 211, "outages": 12, "adds_up": True, "done": True, "rows": 623_805}


def test_cut_off_rows_are_quarantined_with_file_and_line(archive: CommandLine) -> None:
    rows = archive.query(
        "select name, line from ops.quarantine join ops.loads using (load_id) join ops.files using (file_id)"
    )
    assert {(row["name"], row["line"]) for row in rows} == CUT_OFF


def test_outages_and_gaps_are_recorded(archive: CommandLine) -> None:
    found: dict[str, dict[str, set[str]]] = {"outage": defaultdict(set), "gap": defaultdict(set)}
    for row in archive.query(
        "select retailer, collected_on, status from marts.price_collection_days where status <> 'collected'"
    ):
        found[row["status"]][row["retailer"]].add(row["collected_on"])
    assert found == {"outage": OUTAGES, "gap": GAPS}


def test_days_after_the_file_name_keep_their_own_time(archive: CommandLine) -> None:
    rows = archive.query(
        "select run_id, count(*)::int as rows from raw.price_quotes"
        " where (collected_at at time zone 'Europe/London')::date <> collected_on group by run_id order by run_id"
    )
    assert [(row["run_id"], row["rows"]) for row in rows] == [
        ("waitrose-20160807050036", 2124),
        ("waitrose-20160812050212", 7089),
        ("waitrose-20160826050742", 739),
    ]


@pytest.mark.parametrize(
    ("status", "faults"), [("too_many", EXPLOSIONS), ("too_few", CUT_SHORT), ("missing", VANISHED)]
)
def test_known_faults_are_flagged_on_their_days(
    archive: CommandLine, status: str, faults: dict[tuple[str, int], set[str]]
) -> None:
    found = _statuses(archive, status)
    missed = {key: sorted(expected - found[key]) for key, expected in faults.items() if expected - found[key]}
    assert not missed


def test_biscuits_explode_on_21_days_and_on_no_other(archive: CommandLine) -> None:
    assert _statuses(archive, "too_many")["waitrose", 210302] == EXPLOSIONS["waitrose", 210302]
    assert len(EXPLOSIONS["waitrose", 210302]) == 21


def test_at_most_two_per_cent_of_the_other_days_are_flagged(archive: CommandLine) -> None:
    known = defaultdict(set)
    for faults in (EXPLOSIONS, CUT_SHORT, VANISHED):
        for key, flagged in faults.items():
            known[key] |= flagged
    flagged = _statuses(archive, "too_many", "too_few", "missing")
    judged = _statuses(archive, "too_many", "too_few", "missing", "accepted", "unjudged")
    others = sum(len(judged[key] - known[key]) for key in judged)
    false_alarms = {key: sorted(flagged[key] - known[key]) for key in flagged if flagged[key] - known[key]}
    share = sum(map(len, false_alarms.values())) / others
    assert share <= 0.02, f"{share:.2%} of {others}: {false_alarms}"


def test_rejected_days_enter_no_index_and_are_marked(archive: CommandLine) -> None:
    (entered,) = archive.query(
        "select count(*)::int as rows from intermediate.int_prices__quotes_accepted as quotes"
        " join marts.price_quote_counts as counts using (data_origin, retailer, item_number, collected_on)"
        " where counts.status not in ('accepted', 'unjudged')"
    )
    assert entered == {"rows": 0}
    (strawberries,) = archive.query(
        "select status, reason from marts.price_indices where level = 'item' and code = '212720'"
        " and period = '2016-09-15' and method = 'jevons_chained'"
    )
    assert strawberries["status"] == "partial"
    assert "waitrose" in strawberries["reason"]


def _chained_jevons(quotes: list[dict], window: int = 14) -> dict[tuple[str, str], float]:
    """Compute the chained index again, in ten lines: product by product, day by day."""
    by_day: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for quote in quotes:
        by_day[quote["retailer"]][quote["collected_on"]][quote["product"]] = quote["price_gbp"]
    index: dict[tuple[str, str], float] = {}
    for retailer, series in by_day.items():
        last: dict[str, tuple[date, float, float]] = {}
        for day, prices in sorted(series.items()):
            today = date.fromisoformat(day)
            links = [
                last[n][2] + math.log(p / last[n][1])
                for n, p in prices.items()
                if n in last and (today - last[n][0]).days <= window
            ]
            level = math.fsum(links) / len(links) if links else 0.0
            index[retailer, day] = math.exp(level)
            last |= {name: (today, price, level) for name, price in prices.items()}
    return index


@pytest.mark.parametrize("item", [210302, 212515, 310421])
def test_chained_jevons_agrees_with_an_independent_computation(archive: CommandLine, item: int) -> None:
    quotes = archive.query(
        "select retailer, collected_on, product, price_gbp from intermediate.int_prices__quotes_accepted"
        f" where item_number = {item} and data_origin = 'real'"
    )
    published = archive.query(
        "select retailer, period, segment_index from analysis.elementary_price_indices"
        f" where item_number = {item} and method = 'jevons_chained' and data_origin = 'real' and segment = 0"
    )
    independent = _chained_jevons(quotes)
    assert len(published) > 130
    for row in published:
        assert row["segment_index"] == pytest.approx(independent[row["retailer"], row["period"]], rel=1e-12)


def test_the_archive_again_changes_nothing(archive: CommandLine, shared_prices: Path) -> None:
    def state() -> list[dict]:
        return archive.query(
            "select load_id, count(*)::int as rows, sum(line)::bigint as lines, sum(price_gbp::numeric)::text as prices"
            " from raw.price_quotes group by load_id order by load_id"
        )

    before = state()
    summary = archive.json("ingest", "prices", shared_prices / "ons_scrapes_2016.tar.xz", "--json")
    assert (summary["new_files"], summary["rows_in"]) == (0, 623_808)
    assert state() == before


def test_indices_are_100_in_the_base_week_and_cover_every_day(archive: CommandLine) -> None:
    rows = archive.query(
        "select level, code, method, exp(avg(ln(index)) filter"
        " (where period between '2016-07-25' and '2016-07-31')) as base, count(*)::int as days,"
        " min(base_period) as base_period from marts.price_indices where data_origin = 'real' and recipe = 'web_daily'"
        " group by level, code, method having count(index) > 0"
    )
    assert {row["level"] for row in rows} == {"item", "class", "division"}
    assert sum(row["level"] == "item" for row in rows) == 2 * 34
    assert {row["days"] for row in rows} == {57}
    for row in rows:
        assert row["base"] == pytest.approx(100, rel=1e-12), row


def _flagged(archive: CommandLine) -> dict[tuple[str, int], set[str]]:
    """Days with a finding of severity error or warn on a retailer's item."""
    found = defaultdict(set)
    for row in archive.query(
        "select distinct retailer, item_number, collected_on from marts.price_quality_findings"
        " where severity in ('error', 'warn') and item_number is not null and data_origin = 'real'"
    ):
        found[row["retailer"], row["item_number"]].add(row["collected_on"])
    return found


def test_every_known_fault_is_flagged_by_the_quality_assurance(archive: CommandLine) -> None:
    found = _flagged(archive)
    missed = {key: sorted(faults - found[key]) for key, faults in FAULTS.items() if faults - found[key]}
    assert not missed
    days = archive.query(
        "select retailer, item_number, collected_on from marts.price_quote_counts where status in ('outage', 'gap')"
    )
    assert len(days) == 225  # the items of the retailers on the days of OUTAGES and GAPS
    unflagged = [row for row in days if row["collected_on"] not in found[row["retailer"], row["item_number"]]]
    assert not unflagged


def test_short_runs_are_found_on_their_days_and_no_others(archive: CommandLine) -> None:
    found = defaultdict(set)
    for row in archive.query(
        "select retailer, collected_on, evidence from marts.price_quality_findings where kind = 'run_short'"
    ):
        found[row["retailer"]].add(row["collected_on"])
        ending = "are away since" if row["collected_on"] == LAST else "come back"
        assert f" items lack products that were listed before and {ending}" in row["evidence"]
    assert found == SHORT_RUNS


def test_at_most_two_per_cent_of_the_faultless_days_are_flagged(archive: CommandLine) -> None:
    found = _flagged(archive)
    others: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in archive.query(
        "select retailer, item_number, collected_on from marts.price_quote_counts where status not in ('outage', 'gap')"
    ):
        key = row["retailer"], row["item_number"]
        if row["collected_on"] not in FAULTS.get(key, set()):
            others[key].add(row["collected_on"])
    alarms = {key: sorted(found[key] & days) for key, days in others.items() if found[key] & days}
    share = sum(map(len, alarms.values())) / sum(map(len, others.values()))
    assert share <= 0.02, f"{share:.2%}: {alarms}"


def test_every_day_has_a_report(archive: CommandLine) -> None:
    rows = archive.query(
        "select count(*)::int as days, min(collected_on) as first, max(collected_on) as last, bool_and(html like"
        " '<!doctype html>%') as pages from analysis.price_quality_report where data_origin = 'real'"
    )
    assert rows == [{"days": 57, "first": FIRST, "last": LAST, "pages": True}]


@pytest.mark.nightly
def test_the_whole_graph_runs_where_other_pilots_have_no_data(archive: CommandLine) -> None:
    assert archive.json("materialize", "--select", "*", "--from", LAST, "--json")["success"]
