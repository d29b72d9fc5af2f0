"""The page "Bring your own prices as CSV": its script and its template."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from ons_bigdata.prices.sources.quote_files import read_quote_file
from ons_bigdata.prices.sources.quote_writer import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "docs" / "how-to" / "my_prices_template.csv"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("split_prices", ROOT / "scripts" / "split_prices.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


split_prices = load_script()


def test_the_template_becomes_ten_quote_files_of_twenty_accepted_rows(tmp_path: Path) -> None:
    files = split_prices.split(TEMPLATE, "my-shop", tmp_path / "quotes")
    assert [file.name for file in files[:2]] == [
        "my-shop_quotes_20260105080000.csv",
        "my-shop_quotes_20260106080000.csv",
    ]
    readings = [
        read_quote_file(file.read_bytes(), file.name, load_id="0" * 16, retailers={"my-shop"}) for file in files
    ]
    assert [(reading.outcome, reading.rows_in, reading.quotes.height) for reading in readings] == [
        ("loaded", 20, 20)
    ] * 10
    quotes = pl.concat([reading.quotes for reading in readings])
    template = pl.read_csv(TEMPLATE, try_parse_dates=True)
    assert quotes.select(
        day="collected_on", item_number="item_number", product_id="product_id", price_gbp="price_gbp"
    ).equals(template.select("day", pl.col("item_number").cast(pl.Int32), "product_id", "price_gbp"))


def test_the_template_has_items_of_the_seed_and_a_whole_week() -> None:
    with (ROOT / "dbt_project/seeds/prices/indices/items.csv").open(encoding="utf-8", newline="") as file:
        items = {row["item_number"]: row["item_name"] for row in csv.DictReader(file)}
    template = pl.read_csv(TEMPLATE, try_parse_dates=True, schema_overrides={"item_number": pl.String})
    assert {(number, items[number]) for number in items} >= set(template.select("item_number", "item_name").rows())
    assert template["day"].min().weekday() == 0 and template["day"].n_unique() == 10
    assert template["product_id"].n_unique() == 20


def test_the_header_of_quote_files_is_the_documented_one() -> None:
    assert split_prices.QUOTE_COLUMNS == COLUMNS


def test_days_are_split_and_dated_to_eight_in_london(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(
        '\ufeffproduct_name,day,price_gbp,item_number\nTEA,2016-07-02,1,211901\n"JAM, RED",2016-01-02,2.5,211901\n'
    )
    winter, summer = split_prices.split(prices, "oak", tmp_path / "quotes")
    assert winter.read_text().splitlines()[1] == (
        'oak,oak-20160102080000,2016-01-02T08:00:00+00:00,211901,,,,"JAM, RED",2.5,,,,,,,,'
    )
    assert ",2016-07-02T08:00:00+01:00," in summer.read_text()


@pytest.mark.parametrize(
    ("text", "retailer", "message"),
    [
        ("day,item_number,product_name\n", "oak", "line 1: .* missing: price_gbp; unknown: none"),
        ("day,item_number,product_name,price_gbp,prise\n", "oak", "missing: none; unknown: prise"),
        ("day,item_number,product_name,price_gbp,day\n", "oak", "each once"),
        (
            "day,item_number,product_name,price_gbp\n2.1.16,1,a,1\n",
            "oak",
            "line 2, column day: '2.1.16'; expected YYYY",
        ),
        ("day,item_number,product_name,price_gbp\n2016-01-02,1,a\n", "oak", "line 2: expected 4 fields"),
        ("", "oak", "the file is empty; expected a header with day, item_number"),
        ("day;item_number;product_name;price_gbp\n", "oak", "line 1: semicolons between the columns; expected commas"),
        ("day,item_number,product_name,price_gbp\n", "Oak", "retailer 'Oak'; expected 1 to 40 of a-z, 0-9 and '-'"),
    ],
)
def test_bad_input_is_named_with_its_line(tmp_path: Path, text: str, retailer: str, message: str) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(text)
    with pytest.raises(ValueError, match=message):
        split_prices.split(prices, retailer, tmp_path / "quotes")


def test_a_text_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_bytes("day,item_number,product_name,price_gbp\n2016-01-02,1,Crème,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        split_prices.split(prices, "oak", tmp_path / "quotes")


def test_the_command_ends_with_2_for_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(tmp_path / "absent.csv"), "--retailer", "oak", "--into", str(tmp_path / "quotes")]
    assert split_prices.main(arguments) == 2
    assert "absent.csv" in capsys.readouterr().err
