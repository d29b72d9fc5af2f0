"""Other sources' quote files on their way to the raw table: whose they are, which days they touch, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import DataOrigin, Landing
from ons_bigdata.platform.ingest.loading import rebuild_partition
from ons_bigdata.prices.sources import other_delivery
from ons_bigdata.prices.sources.quote_writer import COLUMNS

SOURCES: dict[str, DataOrigin] = {"agg": "real", "sim-agg": "simulated"}
RETAILERS: dict[str, DataOrigin] = {"tesco": "real", "sim-alder": "simulated"}


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


def _land(landing: Landing, paths: Sequence[Path]) -> list[other_delivery.Delivered]:
    return list(other_delivery.land(paths, landing, sources=SOURCES, retailers=RETAILERS, max_file_bytes=100_000))


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
    assert delivered.file.partitions == ("2016-08-01", "2016-08-02")
    assert (delivered.file.source, delivered.file.delivery, delivered.file.data_origin) == (
        "prices_other",
        "agg",
        "real",
    )
    table = other_delivery.raw_other_quotes(RETAILERS)
    for partition in landing.pending_partitions(other_delivery.READER):
        rebuild_partition(landing, table, partition)
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
    assert landing.pending_partitions(other_delivery.READER) == []


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


def test_a_file_without_a_good_row_is_of_its_own_day(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "agg_quotes_20160803060000.csv"
    path.write_text(_file(("agg", "tesco", "2016-08-02", "free")))
    (delivered,) = _land(landing, [path])
    assert delivered.file.partitions == ("2016-08-03",)


def test_sources_are_those_of_the_seed(tmp_path: Path) -> None:
    seed = tmp_path / other_delivery.SEED
    seed.parent.mkdir(parents=True)
    seed.write_text("source,name,kind,data_origin\nagg,Agg,aggregator,real\n")
    assert other_delivery.read_sources(tmp_path) == {"agg": "real"}
    seed.write_text("source,name,kind,data_origin\nagg,Agg,aggregator,maybe\n")
    with pytest.raises(InputError, match="line 2, column data_origin: expected real or simulated, found 'maybe'"):
        other_delivery.read_sources(tmp_path)
