"""Renamed products: a brand that is written with a hyphen from one day to the next, and what is no rename."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.prices.methods.quality import product_renames, shrinking_packs
from ons_bigdata.prices.methods.quality.renames import name_similarity
from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.schemas.quality import EnteringQuote, ProductListing

FIRST = date(2016, 9, 1)
Listing = tuple[str, int, int, float]
"""Name, first and last day of the listing, price in GBP."""

ALWAYS: Listing = ("PEPSI 2L", 0, 30, 1.0)


def _frames(*rows: Listing, sizes: dict[str, int] | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Listings and quotes of one item: product = name (with size class, where sizes says so)."""
    key = {"data_origin": "real", "retailer": "tesco", "item_number": 212011}
    listings = pl.DataFrame(
        [
            key | {
                "product": name, "product_name": name.split(" (")[0], "size_class": (sizes or {}).get(name),
                "first_listed_on": FIRST + timedelta(days=first), "last_listed_on": FIRST + timedelta(days=last),
            }
            for name, first, last, _ in rows
        ],
        schema_overrides={"size_class": pl.Int32, "item_number": pl.Int32},
    )  # fmt: skip
    quotes = pl.DataFrame(
        [
            key | {"product": name, "collected_on": FIRST + timedelta(days=day), "price_gbp": price}
            for name, first, last, price in rows
            for day in range(first, last + 1)
        ]
    )
    described = describe(listings)
    return (
        described.select(ProductListing.column_names()),
        quotes.cast({"item_number": pl.Int32}).select(EnteringQuote.column_names()),
    )


def _renames(*rows: Listing, sizes: dict[str, int] | None = None) -> list[tuple[str, str]]:
    return product_renames(*_frames(ALWAYS, *rows, sizes=sizes)).select("old_product", "product").rows()


def test_a_brand_with_a_hyphen_is_a_rename_and_no_shrinking_pack() -> None:
    rows: list[Listing] = [
        ("COCA COLA 2L", 0, 9, 1.5),
        ("COCA COLA 1.75L", 0, 9, 1.5),
        ("COCA-COLA 2L", 10, 30, 1.5),
        ("COCA-COLA 1.75L", 10, 30, 1.5),
    ]
    computed = product_renames(*_frames(ALWAYS, *rows))
    assert computed.select("old_product", "product", "renamed_on", "old_last_on", "price_gbp", "similarity").rows() == [
        ("COCA COLA 1.75L", "COCA-COLA 1.75L", date(2016, 9, 11), date(2016, 9, 10), 1.5, 1.0),
        ("COCA COLA 2L", "COCA-COLA 2L", date(2016, 9, 11), date(2016, 9, 10), 1.5, 1.0),
    ]
    assert computed["evidence"][0] == (
        "COCA-COLA 1.75L at £1.50 begins where COCA COLA 1.75L ended on 2016-09-10,"
        " of the same size and at the same price"
    )
    assert shrinking_packs(*_frames(ALWAYS, *rows)).is_empty()


def test_sizes_that_only_the_unit_price_tells_are_compared_by_class() -> None:
    sizes = {"COCA COLA (L)": 30, "COCA COLA (M)": 24, "COCA-COLA (L)": 30, "COCA-COLA (M)": 24}
    rows: list[Listing] = [(name, 0, 9, 2.0) for name in list(sizes)[:2]] + [
        (name, 10, 30, 2.0) for name in list(sizes)[2:]
    ]
    assert _renames(*rows, sizes=sizes) == [("COCA COLA (L)", "COCA-COLA (L)"), ("COCA COLA (M)", "COCA-COLA (M)")]
    assert shrinking_packs(*_frames(ALWAYS, *rows, sizes=sizes)).is_empty()


def test_a_pack_that_shrinks_is_reported_with_its_new_spelling_too() -> None:
    for new in ("COCA COLA 1.75L", "COCA-COLA 1.75L"):
        rows: list[Listing] = [("COCA COLA 2L", 0, 9, 1.5), (new, 10, 30, 1.5)]
        assert _renames(*rows) == []
        assert shrinking_packs(*_frames(ALWAYS, *rows))["product"].to_list() == [new]


OLD: Listing = ("COCA COLA 2L", 0, 9, 1.5)


@pytest.mark.parametrize(
    ("new", "is_rename"),
    [
        (("COCA-COLA 2L", 10, 30, 1.5), True),
        (("COCA-COLA 2L", 9, 30, 1.5), True),  # the day of the change, in two runs
        (("COCA-COLA 2L", 16, 30, 1.5), True),
        (("COCA-COLA 2L", 17, 30, 1.5), False),  # later than a week
        (("COCA-COLA 2L", 8, 30, 1.5), False),  # both were on the shelf
        (("COCA-COLA 2L", 10, 30, 1.51), False),
        (("COCA-COLA 2LTR", 10, 30, 1.5), True),
        (("COCA-COLA 1.9L", 10, 30, 1.5), False),
        (("COCA-COLA 2X1L", 10, 30, 1.5), True),  # as much in all
        (("COCA-COLA", 10, 30, 1.5), False),  # no size to compare
        (("COCA COLA ZERO 2L", 10, 30, 1.5), False),  # one word of three is not little
    ],
)
def test_size_price_and_dates_must_meet(new: Listing, is_rename: bool) -> None:
    assert _renames(OLD, new) == ([(OLD[0], new[0])] if is_rename else [])


def test_a_product_that_lasts_to_the_end_or_from_the_beginning_is_not_renamed() -> None:
    assert _renames(("COCA COLA 2L", 0, 30, 1.5), ("COCA-COLA 2L", 30, 30, 1.5)) == []
    assert product_renames(*_frames(ALWAYS)).is_empty()
    assert product_renames(*_frames(OLD, ("COCA-COLA 2L", 10, 10, 1.5))).height == 1
    both_at_once = _frames(("COCA COLA 2L", 0, 0, 1.5), ("COCA-COLA 2L", 0, 9, 1.5))
    assert product_renames(*both_at_once).is_empty()


def test_each_product_is_renamed_once_to_the_most_similar_name() -> None:
    rows: list[Listing] = [
        ("BIG FARM WHOLE GREEK STYLE YOGURT 450G", 0, 9, 1.5),
        ("BIG FARM WHOLE GREEK STYLE YOGHURT 450G", 10, 30, 1.5),
        ("BIG FARM WHOLE GREEK STYLE FRESH YOGURT 450G", 10, 30, 1.5),
    ]
    assert _renames(*rows) == [(rows[0][0], rows[1][0])]


@pytest.mark.parametrize(
    ("old", "new", "differ_by_little"),
    [
        ("coca cola", "coca cola", True),
        ("coca cola", "cocacola", True),
        ("kelloggs crunchy nut", "kellogg crunchy nut", True),
        ("chapoutier cotes du rhone", "chapouteir cotes du rhone", True),
        ("yeo valley greek style yogurt", "yeo valley greek yogurt", True),  # one word of five
        ("cadbury twin pot flake", "cadbury flake twin pot", True),  # the same words
        ("valley strawberry yogurt", "valley raspberry yogurt", False),  # another flavour
        ("valley red wine", "valley white wine", False),
        ("tea 80", "tea 160", False),
        ("claret 2014", "claret 2015", False),
        ("green tea", "green tea with lemon", False),
    ],
)
def test_names_that_differ_by_little(old: str, new: str, differ_by_little: bool) -> None:
    for first, second in ((old, new), (new, old)):
        assert (name_similarity(first, second) is not None) == differ_by_little


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("country life spreadable butter salted", "country life spreadable butter unsalted"),
        ("alpro almond drink sweetened", "alpro almond drink unsweetened"),
        ("big farm roast ground coffee", "big farm roast ground coffee decaf"),
        ("big farm roast ground coffee", "big farm roast decaffeinated ground coffee"),
        ("valley farm fresh carrots", "valley farm fresh organic carrots"),
        ("valley farm rindless back bacon smoked", "valley farm rindless back bacon unsmoked"),
        ("sun lemons pack waxed", "sun lemons pack unwaxed"),
        ("bakery farmhouse loaf sliced", "bakery farmhouse loaf unsliced"),
        ("farm cider pressed pasteurised", "farm cider pressed unpasteurised"),
        ("brewery pale lager beer bottle", "brewery pale lager beer bottle non alcoholic"),
        ("brewery lager alcoholic", "brewery lager nonalcoholic"),
        ("green yogurt smooth", "greek yogurt smooth"),
        ("mill oat biscuits with honey", "mill oat biscuits with honey gluten"),
        ("orchard cloudy apple juice drink", "orchard cloudy apple juice drink light"),
        ("kitchen tomato ketchup bottle squeezy", "kitchen tomato ketchup bottle squeezy reduced"),
        ("sea tuna chunks in brine", "sea tuna chunks in brine skinless"),
        ("farm set natural yogurt pot", "farm set natural yogurt pot vanilla"),
        ("valley red grapes seeded", "valley red grapes unseeded"),
        ("spring natural mineral water bottle", "spring natural mineral water bottle sparkling"),
        ("dairy mature cheddar cheese block", "dairy extra mature cheddar cheese block"),
        ("mill digestive biscuits tea pack", "mill chocolate digestive biscuits tea pack"),
        ("kitchen noodle soup pot big", "kitchen chicken noodle soup pot big"),
        ("valley chardonnay south australia wine", "valley chardonnay south east australia wine"),
        ("highland whisky scotch matured bottle", "highland malt whisky scotch matured bottle"),
        ("vineyard rioja red wine tempranillo", "vineyard rioja reserva red wine tempranillo"),
        ("orchard apples pack of six", "orchard gala apples pack of six"),
        ("fields potatoes washed bag new", "fields charlotte potatoes washed bag new"),
    ],
)
def test_words_that_change_the_product_are_no_rename(old: str, new: str) -> None:
    for first, second in ((old, new), (new, old)):
        assert name_similarity(first, second) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("country life spreadable buter salted", "country life spreadable butter salted"),
        ("farm semi skimmed milk", "farm semi skimed milk"),
        ("uncle bens long grain", "uncle ben long grain"),
        ("unsalted butter valley", "valley unsalted butter"),
        ("un salted butter", "unsalted butter"),
        ("scotts so easy original porridge", "scotts so easy original porridge oats"),  # of the archive
        ("dairy farm strong aged cheddar", "dairy farm strong aged cheddar cheese"),
        ("fair trade bananas", "fairtrade bananas"),
        ("orchard gala apple pack", "orchard gala apples pack"),
        ("valley red grape", "valley red grapes"),
        ("kitchen tomato soup", "kitchen tomatoes soup"),
    ],
)
def test_spellings_of_words_that_tell_products_apart_are_renames(old: str, new: str) -> None:
    for first, second in ((old, new), (new, old)):
        assert name_similarity(first, second) is not None


def test_opposites_at_the_same_price_are_no_rename() -> None:
    assert _renames(("VALLEY BUTTER SALTED 250G", 0, 9, 1.5), ("VALLEY BUTTER UNSALTED 250G", 10, 30, 1.5)) == []


WORDS = st.lists(st.sampled_from(["big", "farm", "red", "green", "tea", "milk", "2014"]), min_size=1, max_size=5)


@given(words=WORDS, signs=st.lists(st.sampled_from([" ", ""]), min_size=5, max_size=5))
def test_blanks_make_no_difference(words: list[str], signs: list[str]) -> None:
    joined = "".join(word + sign for word, sign in zip(words, signs, strict=False)).strip()
    assert name_similarity(" ".join(words), joined) == 1
