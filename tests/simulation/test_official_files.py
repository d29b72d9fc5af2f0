"""Simulated official files: the office's form, the same bytes again, clearly simulated."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.prices.sources.official import SIMULATED, item_indices, price_quotes, series
from ons_bigdata.simulation.official_files import COMPARABLE, IMPUTED, MISSING, simulate_official_files

LOAD = "0" * 16


def _truth(folder: Path, days: int) -> Path:
    rows = [
        (retailer, item, f"P{k}", "400 g", date(2016, 4, 1) + timedelta(days=day), round(1 + k + 0.01 * day, 2))
        for retailer in ("sim-alder", "sim-birch")
        for item in (210302, 211901, 310421)
        for k in range(4)
        for day in range(days)
        if day < 40 or k != 1  # a product leaves
    ]
    columns = ["retailer", "item_number", "product_name", "pack", "date", "price_gbp"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(folder / "true_prices.csv")
    return folder / "true_prices.csv"


def test_the_readers_of_official_files_accept_every_row(tmp_path: Path) -> None:
    made = simulate_official_files(_truth(tmp_path, 61), tmp_path / "official")
    assert made.months == (date(2016, 4, 1), date(2016, 5, 1))
    names = sorted(path.name for path in made.folder.iterdir())
    assert names == [
        "sim-item-indices-201604.csv",
        "sim-item-indices-201605.csv",
        "sim-price-quotes-201604.csv",
        "sim-price-quotes-201605.csv",
        "sim-series-s01f.csv",
    ]
    assert all(name.startswith(SIMULATED) for name in names)
    quotes = price_quotes.read_price_quotes((made.folder / names[3]).read_bytes(), load_id=LOAD)
    assert quotes.quarantined.is_empty() and quotes.rows_in == 2 * 3 * 6
    assert set(quotes.accepted["stratum_type"]) == {0, 1, 2}
    assert {MISSING, COMPARABLE, IMPUTED} >= set(quotes.accepted["base_validity"])
    indices = item_indices.read_item_indices((made.folder / names[0]).read_bytes(), load_id=LOAD)
    assert indices.accepted["index"].to_list() == [100.0] * 3  # the base month
    assert all(name.startswith("SIMULATED") for name in indices.accepted["item_name"])
    values = series.read_series((made.folder / names[4]).read_bytes(), load_id=LOAD)
    assert values.accepted["month"].to_list() == list(made.months)
    assert values.accepted["title"][0].startswith("SIMULATED")


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    truth = _truth(tmp_path, 40)
    first, second = (simulate_official_files(truth, tmp_path / name).folder for name in ("a", "b"))
    other = simulate_official_files(truth, tmp_path / "c", seed=2).folder
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (first, second, other)]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_a_truth_without_prices_is_refused(tmp_path: Path) -> None:
    (tmp_path / "true_prices.csv").write_text("retailer,item_number,product_name,pack,date,price_gbp\n")
    with pytest.raises(ValueError, match="has no price"):
        simulate_official_files(tmp_path / "true_prices.csv", tmp_path / "official")
