"""The simulated archive: what its files look like, what goes wrong in them, and the truth beside them."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.prices.sources.scrape_files import parse_name, read_scrape
from ons_bigdata.simulation.scrape_archive import COLUMNS, SimulatedArchive, simulate_scrapes
from ons_bigdata.simulation.shop_prices import shop_price
from ons_bigdata.simulation.shop_shelves import ITEMS, RETAILERS, SHARED_NAME_ITEMS

START = date(2016, 5, 2)
PRODUCT = ["retailer", "item_number", "product_name", "pack"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> SimulatedArchive:
    return simulate_scrapes(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def truth(archive) -> pl.DataFrame:
    return pl.read_csv(archive.truth_dir / "true_prices.csv", try_parse_dates=True)


@pytest.fixture(scope="module")
def readings(archive) -> dict:
    return {
        path.name: read_scrape(path.read_bytes(), path.name, load_id="0" * 16, retailers=list(RETAILERS))
        for path in sorted(archive.scrapes_dir.iterdir())
    }


@pytest.fixture(scope="module")
def quotes(readings) -> pl.DataFrame:
    return pl.concat([reading.quotes for reading in readings.values()])


def day(number: int) -> date:
    return START + timedelta(days=number)


def digest(archive: SimulatedArchive) -> str:
    paths = sorted([*archive.scrapes_dir.iterdir(), *archive.truth_dir.iterdir()])
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in paths)).hexdigest()


# --- files ----------------------------------------------------------------------------------------------


def test_there_is_one_file_a_retailer_and_day_just_after_eight(archive, readings):
    names = [parse_name(name) for name in readings]
    assert all(names)
    assert {(name.retailer, name.collected_on) for name in names} == {
        (retailer, day(number)) for retailer in RETAILERS for number in range(28)
    }
    assert len(names) == archive.files == 84
    assert all((name.started_at.hour, name.started_at.minute // 10) == (8, 0) for name in names)
    assert all(retailer.startswith("sim-") for retailer in RETAILERS)


def test_a_file_has_the_form_of_the_prototypes(archive):
    path = min(archive.scrapes_dir.glob("sim-cedar_*"))
    header, first, *_ = path.read_bytes().split(b"\r\n")
    assert header.decode() == ",".join(COLUMNS)
    assert first.decode().startswith("2016-05-02 08:0")
    assert ",SIM-CEDAR,210111,White sliced loaf,White Bread,white sliced loaf," in first.decode()
    assert first.decode().endswith(",kg,,,1,1")


def test_the_reader_takes_every_row_but_the_one_cut_off(archive, readings):
    assert 100_000 < archive.rows < 120_000
    assert sum(reading.rows_in for reading in readings.values()) == archive.rows
    refused = {
        name: reading.quarantined["reason"].to_list()
        for name, reading in readings.items()
        if reading.quarantined.height
    }
    [(name, [reason])] = refused.items()
    assert name.startswith("sim-cedar_products_20160522")
    assert reason.startswith("cut off: ")


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    one = digest(simulate_scrapes(tmp_path / "one", days=7))
    again = digest(simulate_scrapes(tmp_path / "one", days=7))
    other_folder = digest(simulate_scrapes(tmp_path / "two", days=7))
    other_seed = digest(simulate_scrapes(tmp_path / "three", days=7, seed=1))
    assert one == again == other_folder != other_seed


def test_a_folder_of_something_else_is_not_written_into(tmp_path):
    (tmp_path / "scrapes").mkdir()
    (tmp_path / "scrapes" / "tesco_products_20160502050000.csv").touch()
    with pytest.raises(ValueError, match="holds files of something else, the first being 'tesco_products"):
        simulate_scrapes(tmp_path, days=7)
    assert len(list((tmp_path / "scrapes").iterdir())) == 1


@pytest.mark.parametrize("days", [0, 6, 367])
def test_days_out_of_bounds_are_an_error(tmp_path, days):
    with pytest.raises(ValueError, match=f"days is {days}; expected 7 to 366"):
        simulate_scrapes(tmp_path, days=days)


# --- the truth and what is collected of it --------------------------------------------------------------


def test_what_is_collected_is_the_truth_but_for_the_events(truth, quotes):
    collected = quotes.select(
        "retailer",
        "item_number",
        "product_name",
        pl.col("collected_on").alias("date"),
        "price_gbp",
    ).unique()
    key = ["retailer", "item_number", "product_name", "date", "price_gbp"]
    true = truth.with_columns(pl.col("item_number").cast(pl.Int32)).select(key)
    untrue = collected.join(true, on=key, how="anti")
    assert untrue.select("retailer", "item_number", "date").unique().rows() == [("sim-cedar", 211901, day(16))]
    missed = true.join(collected, on=key, how="anti").group_by("retailer", "item_number", "date").len()
    assert missed.filter(item_number=210302, retailer="sim-birch")["date"].sort().to_list() == [day(12), day(13)]
    assert missed.filter(retailer="sim-alder")["date"].unique().to_list() == [day(9)]
    assert missed.filter(retailer="sim-cedar", item_number=211901)["date"].to_list() == [day(16)]
    assert missed.filter(pl.col("date") == day(20)).select("retailer", "len").rows() == [("sim-cedar", 1)]
    assert missed["date"].unique().sort().to_list() == [day(9), day(12), day(13), day(16), day(20)]


def test_the_events_are_told_apart(archive, readings):
    told = json.loads((archive.truth_dir / "events.json").read_text(encoding="utf-8"))
    assert {key: told[key] for key in ("days", "seed", "start")} == {"days": 28, "seed": 2014, "start": "2016-05-02"}
    assert [
        (event["kind"], event["retailer"], event["first_date"], event["item_number"]) for event in told["events"]
    ] == [
        ("outage", "sim-alder", "2016-05-11", None),
        ("category_renamed", "sim-birch", "2016-05-14", 210302),
        ("price_error", "sim-cedar", "2016-05-18", 211901),
        ("file_cut_off", "sim-cedar", "2016-05-22", None),
    ]
    assert {path.name for path in archive.truth_dir.iterdir()} == {"true_prices.csv", "events.json"}
    [outage] = [name for name, reading in readings.items() if reading.outcome == "outage"]
    assert outage.startswith("sim-alder_products_20160511")


def test_the_biscuits_of_birch_come_back_under_another_category(quotes):
    biscuits = quotes.filter(item_number=210302, retailer="sim-birch")
    categories = dict(biscuits.select("collected_on", "category").unique().rows())
    assert categories == {
        day(number): "Everyday Biscuits" if number < 12 else "Biscuits and Crackers"
        for number in range(28)
        if number not in (12, 13)
    }
    others = quotes.filter(pl.col("item_number") == 210302, pl.col("retailer") != "sim-birch")
    assert others["category"].unique().to_list() == ["Everyday Biscuits"]


def test_the_price_error_is_a_hundredfold(truth, quotes):
    wrong = quotes.filter(retailer="sim-cedar", item_number=211901, collected_on=day(16))
    right = truth.filter(retailer="sim-cedar", item_number=211901, date=day(16))
    found = dict(wrong.select("product_name", "price_gbp").rows())
    expected = {name: pytest.approx(100 * price) for name, price in right.select("product_name", "price_gbp").rows()}
    assert found == expected


# --- prices ---------------------------------------------------------------------------------------------


def test_every_item_has_a_dozen_to_sixty_products_everywhere_every_day(truth):
    counts = truth.group_by("retailer", "item_number", "date").len()
    assert counts.height == 3 * len(ITEMS) * 28
    assert 12 <= counts["len"].min() <= counts["len"].max() <= 60


def test_a_product_has_one_true_price_a_day(truth):
    assert not truth.select([*PRODUCT, "date"]).is_duplicated().any()


def test_prices_are_sticky_and_end_in_0_5_or_9(truth):
    pence = (truth["price_gbp"] * 100).round().cast(pl.Int64)
    assert set(pence % 10) <= {0, 5, 9}
    changes = truth.sort(*PRODUCT, "date").select(
        (pl.col("price_gbp") != pl.col("price_gbp").shift(1)).over(PRODUCT).mean()
    )
    assert 0.01 < changes.item() < 0.06


def test_sales_last_one_to_two_weeks_and_cut_a_fifth_to_a_third(quotes):
    shown = quotes.filter(pl.col("retailer") == "sim-alder", pl.col("promotion").is_not_null())
    texts = shown.with_columns(pl.col("promotion").str.extract_groups(r"Was £(?<was>[0-9.]+) Now £(?<now>[0-9.]+)"))
    sales = texts.unnest("promotion").with_columns(pl.col("was", "now").cast(pl.Float64))
    assert sales["now"].equals(sales["price_gbp"], null_equal=False)
    cut = 1 - sales["now"] / sales["was"]
    assert 0.2 - 1e-9 <= cut.min() <= cut.max() <= 0.33 + 1e-9
    # those seen to begin and to end, and not over the day of the outage
    lengths = sales.group_by("item_number", "product_name", "was", "now").agg(
        pl.col("collected_on").n_unique().alias("days"),
        pl.col("collected_on").min().alias("first"),
        pl.col("collected_on").max().alias("last"),
    )
    whole = lengths.filter(pl.col("first") > day(9), pl.col("last") < day(26))
    assert whole.height > 10
    assert whole["days"].max() <= 14
    assert (whole["days"] >= 7).mean() > 0.9  # the rest left the shelf


def test_after_a_sale_the_price_goes_back(truth):
    fell = truth.sort(*PRODUCT, "date").with_columns(
        (pl.col("price_gbp") / pl.col("price_gbp").shift(1)).over(PRODUCT).alias("relative")
    )
    begins = fell.filter(pl.col("relative") < 0.8, pl.col("date") < day(12))
    after = begins.join(truth, on=PRODUCT, suffix="_later").filter(
        pl.col("date_later").is_between(pl.col("date") + pl.duration(days=7), pl.col("date") + pl.duration(days=14)),
        (pl.col("price_gbp_later") * pl.col("relative") - pl.col("price_gbp")).abs() < 1e-6,
    )
    came_back = after.select([*PRODUCT, "date"]).unique().height
    assert begins.height > 100
    assert came_back / begins.height > 0.85  # the rest left the shelf


def test_products_leave_and_enter(truth):
    days = truth.group_by(PRODUCT).agg(first=pl.col("date").min(), last=pl.col("date").max())
    left, entered = (days["last"] < day(27)).mean(), (days["first"] > START).mean()
    assert 0.04 < left < 0.15
    assert 0.04 < entered < 0.15


def test_unit_prices_agree_with_pack_sizes(truth, quotes):
    quantity = {"100 g": 100, "1 l": 1000, "1 each": 1}
    packs = truth.with_columns(
        pl.col("item_number").cast(pl.Int32), pl.col("pack").str.extract(r"^([0-9]+)").cast(pl.Float64)
    )
    told = quotes.filter(pl.col("retailer") == "sim-alder").join(
        packs,
        left_on=["retailer", "item_number", "product_name", "collected_on"],
        right_on=["retailer", "item_number", "product_name", "date"],
    )
    size = told["price_gbp"] / told["unit_price"] * told["unit"].replace_strict(quantity, return_dtype=pl.Float64)
    assert told.height > 30_000
    assert ((size / told["pack"]).log().abs() < 0.01).all()
    assert set(quotes.filter(retailer="sim-birch")["unit"]) == {"100 unknown", "1 unknown"}


def test_cedar_lists_pack_sizes_under_one_name_and_everyone_lists_some_products_twice(truth, quotes):
    shared = truth.group_by("retailer", "item_number", "product_name").agg(pl.col("pack").n_unique())
    assert sorted(shared.filter(pl.col("pack") > 1).select("retailer", "item_number", "pack").rows()) == [
        ("sim-cedar", number, 3) for number in SHARED_NAME_ITEMS
    ]
    twice = quotes.group_by("retailer", "item_number", "product_name", "collected_on", "unit_price").len()
    assert set(twice.filter(pl.col("len") == 2)["retailer"]) == set(RETAILERS)
    assert twice["len"].max() == 2


@given(st.floats(5.0, 100_000.0))
def test_a_shop_price_is_near_and_ends_in_0_5_or_9(pence):
    price = shop_price(pence)
    assert price % 10 in (0, 5, 9)
    assert abs(price - pence) <= 3
    assert shop_price(price) == price
