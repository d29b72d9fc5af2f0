"""Quote files of other price sources: recognised by name, loaded into the days of their rows, refused, quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.delivery import Landed, land_files
from ons_bigdata.platform.ingest.landing import DataOrigin, Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.prices.sources.other_price_files import OTHER_PRICE_FILES, SEED, adapter_for, read_price_sources
from ons_bigdata.prices.sources.quote_writer import COLUMNS

SOURCES: dict[str, DataOrigin] = {"agg": "real", "sim-agg": "simulated"}
RETAILERS: dict[str, DataOrigin] = {"tesco": "real", "sim-alder": "simulated"}
SOURCE = replace(OTHER_PRICE_FILES, adapter=lambda _project: adapter_for(SOURCES, RETAILERS))


def _file(*rows: tuple[str, str, str, str], source: str = "agg") -> str:
    """Return a file with rows of (source, retailer, day, price)."""
    lines = [",".join(["source", *COLUMNS])]
    for source_, retailer, day, price in rows:
        cells = dict.fromkeys(COLUMNS, "") | {
            **{"retailer": retailer, "run_id": f"{source}-20160802060000", "collected_at": f"{day}T20:00:00+01:00"},
            **{"item_number": "210302", "item_name": "Biscuits", "category": "Biscuits", "product_name": "RICH TEA"},
            **{"price_gbp": price, "unit_price_gbp": "1.5", "unit": "1 kg"},
        }
        lines.append(",".join([source_, *(cells[name] for name in COLUMNS)]))
    return "\n".join([*lines, ""])


def _land(landing: Landing, paths: Sequence[Path]) -> list[Landed]:
    return list(land_files(paths, landing, [SOURCE], dbt_project_dir=Path(), max_file_bytes=100_000))


def _load(landing: Landing) -> None:
    load_waiting(landing, SOURCE, adapter_for(SOURCES, RETAILERS).read)


def test_a_file_touches_the_days_of_its_quotes(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "agg_quotes_20160803060000.csv"
    path.write_text(
        _file(
            ("agg", "tesco", "2016-08-01", "0.65"),
            ("agg", "tesco", "2016-08-02", "0.70"),
            ("other", "tesco", "2016-08-02", "0.70"),
            ("agg", "sim-alder", "2016-08-02", "0.70"),
        )
    )
    (delivered,) = _land(landing, [path])
    assert delivered.file.partitions is None  # the days are in its rows
    assert (delivered.file.source, delivered.file.delivery, delivered.file.data_origin) == (
        "prices_other",
        "agg",
        "real",
    )
    _load(landing)
    assert landing.partitions("prices_other") == ["2016-08-01", "2016-08-02"]
    stored = landing.warehouse.rows(
        "select source, retailer, collected_on::text, delivered_on::text, price_gbp from raw.other_price_quotes"
        " order by collected_on"
    )
    assert stored == [
        ("agg", "tesco", "2016-08-01", "2016-08-03", 0.65),
        ("agg", "tesco", "2016-08-02", "2016-08-03", 0.7),
    ]
    reasons = dict(landing.warehouse.rows("select line, reason from ops.quarantine"))
    assert reasons[4] == "source 'other'; expected 'agg' as in the file name"
    assert reasons[5].startswith("retailer 'sim-alder' is unknown; known: tesco")  # a shop of the other origin
    assert landing.waiting_files(SOURCE.reader) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody_quotes_20160803060000.csv", "unknown source 'nobody'; known: agg, sim-agg"),
        ("agg_quotes_2016.csv", "expected <source>_quotes_<YYYYMMDDHHMMSS>.csv with a real date"),
        ("agg_quotes_20120803060000.csv", "dated 2012-08-03; expected a day from 2014-06-01 to today"),
    ],
)
def test_files_of_nobody_or_no_time_are_refused(landing: Landing, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / name).write_text(_file(("agg", "tesco", "2016-08-02", "0.65")))
    (delivered,) = _land(landing, [tmp_path / name])
    assert delivered.file.partitions == ()
    ((found,),) = landing.warehouse.rows("select reason from ops.loads where outcome = 'refused'")
    assert reason in found


def test_a_file_without_a_good_row_touches_no_day(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "agg_quotes_20160803060000.csv"
    path.write_text(_file(("agg", "tesco", "2016-08-02", "free")))
    _land(landing, [path])
    _load(landing)
    assert landing.warehouse.rows(
        "select partitions, outcome, quarantined::int from ops.files join ops.loads using (file_id)"
    ) == [([], "loaded", 1)]


def test_a_file_may_hold_the_days_of_years_but_none_in_the_future(landing: Landing, tmp_path: Path) -> None:
    """A history from the first day of the calendar to today; only a day before it and one to come are quarantined."""
    now = datetime.now(UTC)
    days = [
        "2014-05-31",
        "2014-06-01",
        "2015-12-31",
        "2016-08-30",
        f"{now:%Y-%m-%d}",
        f"{now + timedelta(days=2):%Y-%m-%d}",
    ]
    path = tmp_path / "agg_quotes_20160803060000.csv"
    # at midnight in London, or an hour before: today is not in the future
    path.write_text(
        _file(*(("agg", "tesco", day, "0.65") for day in days)).replace("T20:00:00+01:00", "T00:00:00+00:00")
    )
    _land(landing, [path])
    _load(landing)
    stored = landing.warehouse.rows("select collected_on::text from raw.other_price_quotes order by collected_on")
    assert [day for (day,) in stored][:3] == ["2014-06-01", "2015-12-31", "2016-08-30"]
    assert len(stored) == 4
    reasons = dict(landing.warehouse.rows("select line, reason from ops.quarantine"))
    assert sorted(reasons) == [2, 7]
    assert "expected a day from 2014-06-01" in reasons[2]
    assert "is in the future: the file arrived at" in reasons[7]


def test_sources_are_those_of_the_seed(tmp_path: Path) -> None:
    seed = tmp_path / SEED
    seed.parent.mkdir(parents=True)
    seed.write_text("source,name,kind,data_origin\nagg,Agg,aggregator,real\n")
    assert read_price_sources(tmp_path) == {"agg": "real"}
    seed.write_text("source,name,kind,data_origin\nagg,Agg,aggregator,maybe\n")
    with pytest.raises(InputError, match="line 2, column data_origin: expected real or simulated, found 'maybe'"):
        read_price_sources(tmp_path)
