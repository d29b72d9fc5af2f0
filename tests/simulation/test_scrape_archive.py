"""The simulated archive: the form of its files, and their breakages."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import polars as pl
import pytest

from ons_bigdata.prices.sources.scrape_files import parse_name
from ons_bigdata.simulation.breakages import HARMLESS, Event
from ons_bigdata.simulation.scrape_archive import COLUMNS, SimulatedArchive, simulate_scrapes
from ons_bigdata.simulation.shop_shelves import RETAILERS, SHARED_NAMES

START = date(2016, 5, 2)
SMALL = {"days": 7, "shelf_size": 0.1}
LISTED = ["retailer", "item_number", "product_name", "date", "price_gbp"]


def day(number: int) -> date:
    return START + timedelta(days=number)


def digest(archive: SimulatedArchive) -> str:
    paths = sorted([*archive.scrapes_dir.iterdir(), *archive.truth_dir.iterdir()])
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in paths)).hexdigest()


# --- files ----------------------------------------------------------------------------------------------


def test_each_retailer_has_one_file_a_day_just_after_eight(archive, readings):
    names = [parse_name(name) for name in readings]
    assert all(names)
    assert {(name.retailer, name.collected_on) for name in names} == {
        (retailer, day(number)) for retailer in RETAILERS for number in range(28)
    }
    assert len(names) == archive.files == 84
    assert all((name.started_at.hour, name.started_at.minute // 10) == (8, 0) for name in names)
    assert all(retailer.startswith("sim-") for retailer in RETAILERS)


def test_files_have_the_format_of_the_prototype(archive):
    path = min(archive.scrapes_dir.glob("sim-cedar_*"))
    header, first, *_ = path.read_bytes().split(b"\r\n")
    assert header.decode() == ",".join(COLUMNS)
    assert first.decode().startswith("2016-05-02 08:0")
    assert ",SIM-CEDAR,210111,White sliced loaf,White Bread,white sliced loaf," in first.decode()
    assert ",kg,," in first.decode() and first.decode().endswith(",1,1")


def test_the_reader_accepts_every_row_except_the_one_cut_off(archive, readings):
    assert sum(reading.rows_in for reading in readings.values()) == archive.rows
    refused = {
        name: reading.quarantined["reason"].to_list()
        for name, reading in readings.items()
        if reading.quarantined.height
    }
    [(name, [reason])] = refused.items()
    assert name.startswith("sim-cedar_products_20160523")
    assert reason.startswith("cut off: ")
    [outage] = [name for name, reading in readings.items() if reading.outcome == "outage"]
    assert outage.startswith("sim-alder_products_20160516")


def test_archive_days_limits_the_files(tmp_path, archive):
    most = simulate_scrapes(tmp_path, archive_days=26, shelf_size=0.25)
    assert most.files == 78
    for path in most.scrapes_dir.iterdir():
        assert path.read_bytes() == (archive.scrapes_dir / path.name).read_bytes()
    assert most.world.shelves["day"].max() == 27


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    one = digest(simulate_scrapes(tmp_path / "one", **SMALL))
    again = digest(simulate_scrapes(tmp_path / "one", **SMALL))
    other_folder = digest(simulate_scrapes(tmp_path / "two", **SMALL))
    other_seed = digest(simulate_scrapes(tmp_path / "three", **SMALL, seed=1))
    assert one == again == other_folder != other_seed


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "scrapes").mkdir()
    (tmp_path / "scrapes" / "tesco_products_20160502050000.csv").touch()
    with pytest.raises(ValueError, match="has other files, the first is 'tesco_products"):
        simulate_scrapes(tmp_path, **SMALL)
    assert len(list((tmp_path / "scrapes").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"days": 6}, "days is 6; expected 7 to 1096"),
        ({"days": 1_097}, "days is 1097; expected 7 to 1096"),
        ({"archive_days": 29}, "archive_days is 29; expected 1 to 28"),
        ({"archive_days": 0}, "archive_days is 0; expected 1 to 28"),
        ({"shelf_size": 0}, "shelf_size is 0; expected above 0 and at most 5"),
    ],
)
def test_arguments_out_of_bounds_are_refused(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        simulate_scrapes(tmp_path, **arguments)


# --- what is collected of the truth ---------------------------------------------------------------------


def test_collected_quotes_equal_the_truth_outside_of_events(truth, quotes, archive):
    """Every true price that is missed and every price that is not true is an event's, on the event's days."""
    collected = quotes.select(*LISTED[:3], pl.col("collected_on").alias("date"), "price_gbp").unique()
    true = truth.select(LISTED)
    astray = pl.concat(
        [true.join(collected, on=LISTED, how="anti"), collected.join(true, on=LISTED, how="anti")]
    ).select("retailer", "item_number", "date")
    events = [event for event in archive.events if event.kind not in ("wrong_unit", "duplicated_listings", *HARMLESS)]
    by_event = [
        {row for row in astray.unique().iter_rows() if _strikes(event, *row[:2], (row[2] - START).days)}
        for event in events
    ]
    assert astray.unique().height == len(set().union(*by_event))
    assert all(by_event), [event for event, found in zip(events, by_event, strict=True) if not found]


def _strikes(event: Event, retailer: str, item_number: int, number: int) -> bool:
    return event.affects(retailer, number) and event.item_number in (None, item_number)


def test_the_biscuits_of_birch_come_back_under_another_category(quotes):
    biscuits = quotes.filter(item_number=210302, retailer="sim-birch")
    categories = dict(biscuits.select("collected_on", "category").unique().rows())
    assert categories == {
        day(number): "Everyday Biscuits" if number < 16 else "Biscuits and Crackers"
        for number in range(28)
        if number not in (16, 17)
    }
    others = quotes.filter(pl.col("item_number") == 210302, pl.col("retailer") != "sim-birch")
    assert others["category"].unique().to_list() == ["Everyday Biscuits"]


def test_the_price_error_is_a_hundredfold(truth, quotes):
    wrong = quotes.filter(retailer="sim-cedar", item_number=211901, collected_on=day(17))
    right = truth.filter(retailer="sim-cedar", item_number=211901, date=day(17))
    found = dict(wrong.select("product_name", "price_gbp").rows())
    expected = {name: pytest.approx(100 * price) for name, price in right.select("product_name", "price_gbp").rows()}
    assert found == expected
    assert quotes["price_gbp"].max() < 1000


def test_the_whole_shop_is_on_one_shelf(truth, quotes):
    shelf = quotes.filter(retailer="sim-birch", item_number=310427, collected_on=day(20))
    shop = truth.filter(retailer="sim-birch", date=day(20))
    assert shelf["category"].unique().to_list() == ["Rum"]
    assert set(shelf["product_name"]) == set(shop["product_name"])


def test_listings_are_threefold_for_a_day(quotes):
    tomatoes = quotes.filter(retailer="sim-alder", item_number=212515)
    listings = dict(tomatoes.group_by("collected_on").agg(pl.len() / pl.col("product_name").n_unique()).rows())
    assert listings.pop(day(18)) == 3
    assert max(listings.values()) < 1.2


def test_a_wrong_unit_shows_packs_of_a_tenth(quotes):
    cheddar = quotes.filter(retailer="sim-alder", item_number=211501).with_columns(
        pack=pl.col("price_gbp") / pl.col("unit_price")
    )
    by_day = dict(cheddar.group_by("collected_on").agg(pl.col("pack").median()).rows())
    assert by_day[day(19)] == pytest.approx(by_day[day(18)] / 10, rel=0.01)
    assert {number for number in range(28) if day(number) in by_day and by_day[day(number)] < 1} == {19}


def test_a_stale_copy_does_not_move_while_others_do(quotes):
    cedar = quotes.filter(retailer="sim-cedar").select("item_number", "collected_on", "product_name", "unit_price")
    shelves = {key: set(rows.rows()) for key, rows in cedar.group_by("item_number", "collected_on")}

    def seen(item_number: int, number: int) -> set[tuple]:
        return {row[2:] for row in shelves[item_number, day(number)]}

    assert all(seen(310401, number) == seen(310401, 14) for number in range(15, 24))
    assert seen(310401, 24) != seen(310401, 14)
    others = {item for item, _ in shelves} - {310401, 210204}
    assert all(seen(item, 23) != seen(item, 14) for item in others)


def test_unit_prices_agree_with_pack_sizes(archive, quotes):
    quantity = {"100 g": 100, "1 l": 1000, "1 each": 1}
    packs = archive.world.shelves.select("retailer", "item_number", "product_name", "day", "quantity").with_columns(
        pl.col("item_number").cast(pl.Int32),
        (pl.lit(START) + pl.duration(days="day")).alias("collected_on"),
    )
    is_wrong = (pl.col("item_number") == 211501) & (pl.col("collected_on") == day(19))
    told = quotes.filter(pl.col("retailer") == "sim-alder", ~is_wrong).join(
        packs, on=["retailer", "item_number", "product_name", "collected_on"]
    )
    size = told["price_gbp"] / told["unit_price"] * told["unit"].replace_strict(quantity, return_dtype=pl.Float64)
    assert told.height > 15_000
    assert ((size / told["quantity"]).log().abs() < 0.01).all()
    assert set(quotes.filter(retailer="sim-birch")["unit"]) == {"100 unknown", "1 unknown"}


def test_cedar_lists_pack_sizes_under_one_name_and_everyone_lists_some_products_twice(truth, quotes):
    shared = truth.group_by("retailer", "item_number", "product_name").agg(pl.col("pack").n_unique())
    assert sorted(shared.filter(pl.col("pack") > 1).select("retailer", "item_number", "pack").rows()) == [
        ("sim-cedar", number, len(packs)) for number, (_, packs) in sorted(SHARED_NAMES.items())
    ]
    usual = quotes.filter(~((pl.col("item_number") == 212515) & (pl.col("collected_on") == day(18)))).filter(
        ~((pl.col("item_number") == 212360) & (pl.col("collected_on") == day(27)))
    )
    twice = usual.group_by("retailer", "item_number", "product_name", "collected_on", "unit_price").len()
    assert set(twice.filter(pl.col("len") == 2)["retailer"]) == set(RETAILERS)
    assert twice["len"].max() == 2
