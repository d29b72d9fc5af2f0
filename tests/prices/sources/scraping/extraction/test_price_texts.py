"""Price texts of shops: golden values, then properties."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.sources.scraping.extraction.multibuys import multibuy
from ons_bigdata.prices.sources.scraping.extraction.price_texts import price_gbp, was_price_gbp
from ons_bigdata.prices.sources.scraping.extraction.unit_prices import UnitPrice, unit, unit_price


@pytest.mark.parametrize(
    ("text", "pounds"),
    [
        ("£1.50", 1.5),
        ("99p", 0.99),
        ("95 P", 0.95),
        ("12.5p", 0.125),
        ("150p", 1.5),
        ("£1,250.00", 1250.0),
        ("1,250", 1250.0),
        ("£5, was £6", 5.0),
        ("£1,50", None),
        ("1,25,000", None),
        ("£.99", 0.99),
        ("GBP 3.50", 3.5),
        (1.5, 1.5),
        ("£1.50 (15p/100g)", 1.5),
        ("95p (was £1.20)", 0.95),
        ("Club price £1.20", None),
        ("-£1.00", None),
        ("£-1.00", None),
        ("free", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_prices(text: str | float | None, pounds: float | None) -> None:
    assert price_gbp(text) == pounds


@pytest.mark.parametrize(
    ("text", "price", "per"),
    [
        ("(£0.15/100g)", 0.15, "100 g"),
        ("12.5p/100g", 0.125, "100 g"),
        ("(37.5p / 100g)", 0.375, "100 g"),
        ("£1.25/kg", 1.25, "1 kg"),
        ("£5.33 per 75cl", 5.33, "75 cl"),
        ("£0.50 per 100 ml", 0.5, "100 ml"),
        ("£1.20/litre", 1.2, "1 l"),
        ("20p each", 0.2, "1 each"),
        ("£1.00/100sht", 1.0, "100 unknown"),
    ],
)
def test_unit_prices(text: str, price: float, per: str) -> None:
    assert unit_price(text) == UnitPrice(price, per)


@pytest.mark.parametrize("text", ["per 75cl", "£1.50", "", None])
def test_a_unit_price_without_amount_or_unit_is_none(text: str | None) -> None:
    assert unit_price(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3 for £2", "3 for 2.00"),
        ("Any 2 for £3.00 until 3/4", "2 for 3.00"),
        ("2for £3.50", "2 for 3.50"),
        ("2 for 50p", "2 for 0.50"),
        ("3 for 2", "3 for the price of 2"),
        ("Buy one get one free", "2 for the price of 1"),
        ("2for", None),
        ("Was £2.00 Now £1.50", None),
        ("Save 50p", None),
        (None, None),
    ],
)
def test_multibuys(text: str | None, said: str | None) -> None:
    assert multibuy(text) == said


def test_an_earlier_price() -> None:
    assert was_price_gbp("Was £2.00 Now £1.50") == 2.0
    assert was_price_gbp("was 80p, now 65p") == 0.8
    assert was_price_gbp("Was: £2.00") == 2.0
    assert was_price_gbp("WAS :£1,250.00 NOW: £999.00") == 1250.0
    assert was_price_gbp("Was: 80p") == 0.8
    assert was_price_gbp("Any 2 for £3") is None


def test_units_by_word_and_by_code() -> None:
    found = [unit("KGM"), unit("GRM", 100), unit("LTR"), unit("C62"), unit("75 cl"), unit("g", "0")]
    assert found == ["1 kg", "100 g", "1 l", "1 each", "75 cl", None]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 999_999))
def test_every_price_is_read_as_it_is_written(pence: int) -> None:
    assert price_gbp(f"£{pence / 100:,.2f}") == pence / 100
    assert price_gbp(f"{pence}p") == pence / 100


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    for read in (price_gbp, unit_price, multibuy, was_price_gbp, unit):
        read(text)
