"""Shrinking packs: pairs of replaced and new listings. Sizes in names: `test_description`."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.prices.methods.quality.shrinking_packs import shrinking_packs
from ons_bigdata.prices.methods.scope.description import describe

LISTING = ["data_origin", "retailer", "item_number", "product", "product_name", "size_class", "first_on", "last_on"]


def listing(
    name: str, days: tuple[int, int], *, size_class: int | None = None, product: str | None = None
) -> tuple[object, ...]:
    """Make a listing of days of August 2016."""
    first, last = (date(2016, 8, day) for day in days)
    return ("real", "tesco", 210214, product or name, name, size_class, first, last)


def judged(listings: list[tuple[object, ...]], prices: dict[str, list[tuple[int, float]]]) -> list[dict]:
    """Judge listings beside a loaf that is there all the time; prices by product: (day of August, GBP)."""
    always = listing("LOAF", (1, 30))
    frame = pl.DataFrame([always, *listings], schema=LISTING, orient="row").rename(
        {"first_on": "first_listed_on", "last_on": "last_listed_on"}
    )
    quotes = pl.DataFrame(
        [
            ("real", "tesco", 210214, name, date(2016, 8, day), price)
            for name, rows in prices.items()
            for day, price in rows
        ],
        schema=["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"],
        orient="row",
    )
    return shrinking_packs(describe(frame), quotes).to_dicts()


def test_a_smaller_pack_at_the_same_price_takes_the_place_of_the_larger() -> None:
    (row,) = judged(
        [listing("FLAKES 500G", (1, 9)), listing("FLAKES 450G", (10, 30))],
        {"FLAKES 500G": [(1, 1.9), (9, 2.0)], "FLAKES 450G": [(10, 2.0), (11, 2.1)]},
    )
    assert (row["product"], row["collected_on"], row["rule"]) == ("FLAKES 450G", date(2016, 8, 10), "shrinking_pack")
    assert row["observed"] == pytest.approx(0.9)
    assert (row["compared_on"], row["compared_price_gbp"]) == (date(2016, 8, 9), 2.0)
    assert row["evidence"] == "FLAKES 450G at £2.00 takes the place of FLAKES 500G at £2.00: 10 % less in it"


def test_a_continuing_product_id_is_compared_with_its_last_price() -> None:
    (row,) = judged(
        [listing("FLAKES 500G", (1, 9), product="77"), listing("FLAKES 450G", (10, 30), product="77")],
        {"77": [(8, 2.0), (9, 2.0), (10, 2.0)]},
    )
    assert (row["product"], row["compared_on"]) == ("77", date(2016, 8, 9))


def test_sizes_of_classes_count_where_names_have_none() -> None:
    prices = {"OATS": [(9, 2.0), (10, 2.0)]}
    old = listing("OATS", (1, 9), size_class=-5, product="OATS")
    assert judged([old, listing("OATS", (10, 30), size_class=-6, product="OATS")], prices) == []  # may be one size
    assert len(judged([old, listing("OATS", (10, 30), size_class=-8, product="OATS")], prices)) == 1


@pytest.mark.parametrize(
    ("old", "new", "observed"),
    [
        ("YOGHURT 6X150G", "Yoghurt 6 x 125g", 125 / 150),
        ("COLA 330ML 8 PACK", "COLA 330ML 6 PACK", 0.75),
        ("PG TIPS 240S TEABAGS 696G", "PG TIPS 240S TEABAGS 640G", 640 / 696),  # the amount, not the pieces
        ("MILK 4 PINTS/2.272L", "MILK 2L", 2 / 2.272),
        ("GALA APPLES 6 PACK", "GALA APPLES 5 PACK", 5 / 6),
    ],
)
def test_sizes_in_names_are_read_in_every_spelling(old: str, new: str, observed: float) -> None:
    (row,) = judged([listing(old, (1, 9)), listing(new, (10, 30))], {old: [(9, 2.0)], new: [(10, 2.0)]})
    assert row["observed"] == pytest.approx(observed, rel=1e-3)  # a pint is rounded


def test_pieces_in_the_name_count_where_the_amount_is_the_shelfs() -> None:
    frame = pl.DataFrame(
        [listing("LOAF", (1, 30)), listing("TEA 80S", (1, 9)), listing("TEA 75S", (10, 30))],
        schema=LISTING, orient="row",
    ).rename({"first_on": "first_listed_on", "last_on": "last_listed_on"})  # fmt: skip
    described = describe(frame.with_columns(pack_size=0.25, unit=pl.lit("1 kg")))
    assert described["size_source"].to_list() == ["unit_price"] * 3
    quotes = [
        ("real", "tesco", 210214, name, date(2016, 8, day), 2.0) for name, day in (("TEA 80S", 9), ("TEA 75S", 10))
    ]
    columns = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]
    (row,) = shrinking_packs(described, pl.DataFrame(quotes, schema=columns, orient="row")).to_dicts()
    assert row["observed"] == pytest.approx(75 / 80)


@pytest.mark.parametrize(
    ("old", "new", "new_price", "why"),
    [
        (("FLAKES 500G", (1, 9)), ("FLAKES 450G", (10, 30)), 1.79, "the price fell with it"),
        (("FLAKES 500G", (1, 30)), ("FLAKES 450G", (10, 30)), 2.0, "the larger one is still there"),
        (("FLAKES 500G", (10, 19)), ("FLAKES 450G", (1, 30)), 2.0, "the smaller one was there before"),
        (("FLAKES 450G", (1, 9)), ("FLAKES 500G", (10, 30)), 2.0, "the new one is larger"),
        (("FLAKES 1KG", (1, 9)), ("FLAKES 250G", (10, 30)), 2.0, "another size of the range"),
        (("FLAKES 500G", (1, 9)), ("FLAKES 450ML", (10, 30)), 2.0, "measures differ"),
        (("HOOPS 500G", (1, 9)), ("FLAKES 450G", (10, 30)), 2.0, "names differ"),
        (("FLAKES 500G", (1, 1)), ("FLAKES 450G", (30, 30)), 2.0, "too long between"),
        (("FLAKES 500G", (1, 17)), ("FLAKES 450G", (18, 30)), 2.0, "the last price is of more than a week before"),
    ],
)
def test_changes_that_are_no_shrinking_packs(old: tuple, new: tuple, new_price: float, why: str) -> None:
    first = max(new[1][0], 1)
    prices = {old[0]: [(old[1][0], 2.0)], new[0]: [(first, new_price)]}
    assert judged([listing(*old), listing(*new)], prices) == [], why
