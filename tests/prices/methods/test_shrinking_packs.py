"""Shrinking packs: what a name says of its size, and which listing takes the place of which."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.prices.methods.shrinking_packs import shrinking_packs, with_pack_from_name

LISTING = ["data_origin", "retailer", "item_number", "product", "product_name", "size_class", "first_on", "last_on"]


@pytest.mark.parametrize(
    ("name", "stem", "size", "measure"),
    [
        ("MALTED WHEATS 430G", "MALTED WHEATS", 0.43, "kg"),
        ("Yoghurt 6x150g", "YOGHURT", 0.9, "kg"),
        ("LAGER 4 X 440ML CANS", "LAGER CANS", 1.76, "l"),
        ("COLA 1.5 LITRE", "COLA", 1.5, "l"),
        ("WINE 75CL", "WINE", 0.75, "l"),
        ("MILK 4 PINTS/2.272L", "MILK /", 4 * 0.56826125, "l"),
        ("PG TIPS 240S PYRAMID TEABAGS 696G", "PG TIPS PYRAMID TEABAGS", 0.696, "kg"),  # the amount, not the pieces
        ("GALA APPLES 6 PACK", "GALA APPLES", 6.0, "piece"),
        ("7UP FREE", "7UP FREE", None, None),
        ("OMEGA 3G", "OMEGA", 0.003, "kg"),
        ("BREAD", "BREAD", None, None),
    ],
)
def test_the_size_in_a_name(name: str, stem: str, size: float | None, measure: str | None) -> None:
    (row,) = with_pack_from_name(pl.DataFrame({"product_name": [name]})).to_dicts()
    assert (row["stem"], row["name_measure"]) == (stem, measure)
    assert row["name_size"] == (None if size is None else pytest.approx(size))


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
    return shrinking_packs(frame, quotes).to_dicts()


def test_a_smaller_pack_at_the_same_price_takes_the_place_of_the_larger() -> None:
    (row,) = judged(
        [listing("FLAKES 500G", (1, 9)), listing("FLAKES 450G", (10, 30))],
        {"FLAKES 500G": [(1, 1.9), (9, 2.0)], "FLAKES 450G": [(10, 2.0), (11, 2.1)]},
    )
    assert (row["product"], row["collected_on"], row["rule"]) == ("FLAKES 450G", date(2016, 8, 10), "shrinking_pack")
    assert row["observed"] == pytest.approx(0.9)
    assert (row["compared_on"], row["compared_price_gbp"]) == (date(2016, 8, 9), 2.0)
    assert row["evidence"] == "FLAKES 450G at £2.00 takes the place of FLAKES 500G at £2.00: 10 % less in it"


def test_a_product_id_that_goes_on_is_compared_with_its_own_last_price() -> None:
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
    ],
)
def test_what_shrinks_nothing(old: tuple, new: tuple, new_price: float, why: str) -> None:
    first = max(new[1][0], 1)
    prices = {old[0]: [(old[1][0], 2.0)], new[0]: [(first, new_price)]}
    assert judged([listing(*old), listing(*new)], prices) == [], why
