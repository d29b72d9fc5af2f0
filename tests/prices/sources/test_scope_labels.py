"""Label files: both forms, what is quarantined and refused, and the way to the raw table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.platform.ingest.delivery import Landed, land_files
from ons_bigdata.platform.ingest.landing import DataOrigin, Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.sources.scope_labels import READER, SCOPE_LABELS, adapter_for, read_labels
from ons_bigdata.settings import Settings

RETAILERS: dict[str, DataOrigin] = {"tesco": "real", "sim-alder": "simulated"}
SOURCE = replace(SCOPE_LABELS, adapter=lambda _project: adapter_for(RETAILERS))
HEADER = "item_number,item_name,retailer,product_name,median_price_gbp,in_scope"
READ_TWICE = "id,item_number,item_name,retailer,product_name,median_price_gbp,reader_a,reader_b"


def read(*lines: str, name: str = "labels.csv") -> tuple[pl.DataFrame, pl.DataFrame, str | None]:
    reading = read_labels("\n".join(lines).encode(), name, load_id="0" * 16, retailers=RETAILERS)
    return reading.accepted, reading.quarantined, reading.reason


def test_judgements_and_readings() -> None:
    accepted, quarantined, _ = read(HEADER, '210111,"Loaf, white",sim-alder,LOAF 800G,1.00,true', "")
    assert accepted.select("data_origin", "item_name", "in_scope", "readings").row(0) == (
        "simulated",
        "Loaf, white",
        True,
        1,
    )
    assert quarantined.is_empty()
    accepted, _, _ = read(
        READ_TWICE,
        "1,210111,Loaf,TESCO,LOAF 800G,1.00,1,1",
        "2,210111,Loaf,TESCO,LOAF 400G,,0,0",
        "3,210111,Loaf,TESCO,COB 800G,1.00,1,0",
    )
    assert accepted.select("line", "retailer", "median_price_gbp", "in_scope", "readings").rows() == [
        (2, "tesco", 1.0, True, 2),
        (3, "tesco", None, False, 2),
        (4, "tesco", 1.0, None, 2),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("210111,Loaf,aldi,LOAF,1.00,true", "retailer 'aldi'; known: sim-alder, tesco"),
        ("21011,Loaf,tesco,LOAF,1.00,true", "item_number '21011'; expected six digits"),
        ("210111,Loaf,tesco, ,1.00,true", "product_name of 0 characters"),
        ("210111,Loaf,tesco,LOAF,0,true", "median_price_gbp '0'"),
        ("210111,Loaf,tesco,LOAF,cheap,true", "median_price_gbp 'cheap'"),
        ("210111,Loaf,tesco,LOAF,1.00,perhaps", "in_scope 'perhaps'"),
        ("210111,Loaf,tesco,LOAF,1.00", "5 fields, expected 6"),
    ],
)
def test_rows_that_cannot_be_believed_are_quarantined(row: str, reason: str) -> None:
    accepted, quarantined, _ = read(HEADER, "210111,Loaf,tesco,GOOD,1.00,0", row)
    assert accepted["product_name"].to_list() == ["GOOD"]
    assert quarantined["line"].to_list() == [3]
    assert reason in quarantined["reason"][0]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((HEADER.replace(",in_scope", ""),), "neither in_scope nor reader_a and reader_b"),
        (("item_number,in_scope",), "columns item_name, retailer, product_name, median_price_gbp are missing"),
        ((HEADER, "210111,L,tesco,A,1,1", "210111,L,sim-alder,A,1,1"), "two origins"),
        ((HEADER, '210111,L,tesco,"A,1,1'), "not a CSV"),
        ((HEADER, "210111,L,tesco,A\0,1,1"), "it holds NUL characters"),
    ],
)
def test_files_that_are_no_label_files_are_refused(lines: tuple[str, ...], reason: str) -> None:
    accepted, _, found = read(*lines)
    assert accepted.is_empty()
    assert reason in str(found)


def test_no_bytes_are_an_outage() -> None:
    assert read_labels(b"", "labels.csv", load_id="0" * 16, retailers={}).outcome == "outage"


def test_files_land_by_origin_and_a_new_version_takes_the_place_of_the_old(
    landing: Landing, warehouse: Warehouse, tmp_path: Path
) -> None:
    for name, text in {
        "real.csv": f"{HEADER}\n210111,Loaf,tesco,LOAF,1.00,true\n",
        "truth.csv": f"{HEADER}\n210111,Loaf,sim-alder,LOAF,1.00,true\n",
        "notes.csv": "nothing\n",
    }.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in ("real.csv", "truth.csv", "notes.csv")]
    assert [one.is_new for one in _land(paths, landing)] == [True, True, True]
    assert [one.is_new for one in _land(paths, landing)] == [False, False, False]
    assert landing.partitions(SOURCE.name) == landing.pending_partitions(READER) == ["real", "simulated"]
    _build(landing)
    (tmp_path / "real.csv").write_text(f"{HEADER}\n210111,Loaf,tesco,LOAF,1.00,false\n")
    _land(paths, landing)
    assert landing.pending_partitions(READER) == ["real"]
    _build(landing)
    assert warehouse.rows("select data_origin, in_scope from raw.scope_labels order by data_origin") == [
        ("real", False),
        ("simulated", True),
    ]
    refused = warehouse.rows(
        "select reason from ops.loads join ops.files using (file_id)"
        " where source = 'scope_labels' and outcome = 'refused'"
    )
    assert "are missing" in refused[0][0]


def test_the_real_labels_are_read_whole() -> None:
    path = Settings().shared / "golden" / "prices" / "scope_labels.csv"
    if not path.is_file():
        pytest.skip(f"no labels at {path} (set ONS_BIGDATA_SHARED)")
    retailers = {"tesco": "real", "sainsbury": "real", "waitrose": "real"}
    reading = read_labels(path.read_bytes(), path.name, load_id="0" * 16, retailers=retailers)  # type: ignore[arg-type]
    assert (reading.rows_in, reading.accepted.height) == (1355, 1355)
    assert reading.accepted["in_scope"].null_count() == 22


def _land(paths: list[Path], landing: Landing) -> list[Landed]:
    return list(land_files(paths, landing, [SOURCE], dbt_project_dir=Path(), max_file_bytes=10_000))


def _build(landing: Landing) -> None:
    load_waiting(landing, SOURCE, adapter_for(RETAILERS).read)
