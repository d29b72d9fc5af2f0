"""Price texts with a word, sign or number that leaves it open what one costs now: no price, and the reason."""

from __future__ import annotations

import pytest

from ons_bigdata.prices.sources.scraping.extraction.listings import ProductTexts, listing_of
from ons_bigdata.prices.sources.scraping.extraction.page import UnreadableError
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text
from tests.prices.sources.scraping.pages_of_shops import retailer

UNCLEAR = {
    "about": (
        *(
            "c. £2.00",
            "c £2.00",
            "ca. £2.00",
            "circa £2.00",
            "£2.00 approx.",
            "roughly £2.00",
            "£2.00ish",
            "some £2.00",
        ),
        *("≈£2.00", "≈ £2.00", "±£2.00", "avg. price £2.00", "average £2.00", "typically £2.00", "£2.00 est."),
    ),
    "bound": (
        *("from £2.00", "prices start at £2.00", "from as little as £2.00", "£2.00 upwards", "£2.00 and up", ">£2.00"),
        *(
            "<£2.00",
            "≤ £2.00",
            "under £2.00",
            "more than £2.00",
            "no more than £2.00",
            "£2.00 or above",
            "maximum £2.00",
        ),
        *("between £2.00 and £3.00", "from £2.00 to £3.00", "4 pairs from £349"),
    ),
    "another day": (
        *("Last week £2.00", "Lowest price in 30 days £2.00", "30-day lowest £2.00", "from 5 June £2.00"),
        *("£2.00 from Monday", "New price from 1 June £2.00", "future price £2.00", "£1.50 then £3.00"),
    ),
    "list price": ("MRP £2.00", "recommended retail price £2.00", "suggested price £2.00", "Full price £2.00"),
    "members": (
        *("member's price £2.00", "Members' price: £2.00", "Nectar prices £2.00", "My Morrisons £2.00"),
        *("app-exclusive price £2.00", "senior price £2.00", "over 60s £2.00", "colleague price £2.00", "kids £2.00"),
    ),
    "several": (
        *("any 2 £3", "2 £3", "3 only £10", "3 for only £10", "3 items for £10", "any 3 selected for £10", "two £3"),
        *("£1.50 x 4", "£1.50 × 4", "£1.50 x4", "£1.50 @ 4", "£2.00 the pair", "BOGOF £2.00"),
        *("case of 6 £30", "case price £30", "£1.50 total for 2", "Total: £1.50"),
    ),
    "unit": (
        *("per kg £2.00", "/kg £2.00", "kilo price £2.00", "Price per 100g £0.20", "1kg = £2.00", "£2.00 = 1kg"),
        *("1kg: £2.00", "(100g = £0.20)", "£2.00 pp", "£2.00 weekly", "£2.00 pcm"),
    ),
    "condition": (
        *("£1.50 using code BREAD", "£1.50 after coupon", "£1.50 at checkout", "first month £1.50", "trial £1.50"),
        *("Buy one get one half price £2.00", "introductory price £1.50", "in basket price £1.50"),
    ),
    "other goods": (
        *("nearly new £1.50", "B-grade £1.50", "ex-display £1.50", "reconditioned £1.50", "pre-order £1.50"),
        *("£2.00 voucher", "Earn 50p", "carrier bag 10p", "click & collect £2.00", "competitor price £1.50"),
        *("Tesco £1.50", "compared to £1.50", "wholesale price £2.00", "£2.00 ex-VAT", "£2.00 without VAT"),
    ),
    "currency": ("£2.00 USD", "USD £2.00", "£2.00 (USD)", "EUR £2.00", "£2.00 EUR"),
    "number": (
        *("£1.5O", "£1.S0", "£1.xx", "£1+50", "£1%50", "£1&50", "£1.5 0", "£1 5 0", "£2/-", "£1.50%", "minus £1.50"),
        *("£1.50 CR", "-(£1.50)", "➖1.50", "3rd £1", "Regular £1.50 Large £2.00"),
    ),
}
CLEAR = {
    "Great value £1.50": 1.5, "Rollback Was £2.00 £1.50": 1.5, "Price Drop £1.50": 1.5, "£1.50 Aldi Price Match": 1.5,
    "Low Everyday Price £1.50": 1.5, "£1.50 In stock": 1.5, "£1.50 until 5 June": 1.5, "£2.00 pack of 4": 2.0,
    "£2.00 for a pack of 4": 2.0, "£3.50 6 x 330ml": 3.5, "6 x 330ml £3.50": 3.5, "£1.50 plus 20p deposit": 1.5,
    "£1.50 plus delivery": 1.5, "£1.50 VAT included": 1.5, "£1.50 tax incl.": 1.5, "£1.50 EUR 1.80": 1.5,
    "1.80 EUR £1.50": 1.5, "£3.00/kg £1.50": 1.5, "£1.50 Save 25%": 1.5, "£1.50 Save 50p": 1.5, "NEW! £1.50": 1.5,
    "£1.50 each, 30p/100g": 1.5, "£2.0000": 2.0, "£8.99 per bottle £11.99/l": None, "8.99 a bottle": None,
    "Add to trolley £1.50": 1.5, "Online price £1.50": 1.5, "€1.80/£1.50": 1.5, "Reduced from £2.00 to £1.50": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("text", [text for texts in UNCLEAR.values() for text in texts])
def test_an_unclear_text_is_a_failure_with_a_reason(text: str) -> None:
    read = read_price_text(text)
    assert (read.price_gbp, read.problem is None) == (None, False)
    with pytest.raises(UnreadableError, match=r"^(?:unclear price|price in)"):
        listing_of(retailer("html_list"), ProductTexts(name=["Loaf"], price=[text]))


@pytest.mark.parametrize(("text", "price"), CLEAR.items())
def test_words_of_shops_that_leave_the_price_as_it_is(text: str, price: float | None) -> None:
    assert read_price_text(text).price_gbp == price


@pytest.mark.parametrize(
    "label", ["RRP", "RRP:", "(RRP", "R.R.P.", "list price", "was", "Was:", "before", "old price", "MSRP", "RRP was"]
)
@pytest.mark.parametrize("now", ["£1.50", "150p", "Our price £1.50", "Now £1.50", "£1.50 each"])
def test_a_label_between_two_amounts_is_decided_by_their_meaning(now: str, label: str) -> None:
    for text in (f"{now} {label} £2.00", f"{now} {label} £2.00 Save 25%", f"{now} {label} 200p"):
        read = read_price_text(text)
        assert (read.price_gbp, read.was_price_gbp, read.loyalty_price_gbp) == (1.5, 2.0, None), text


@pytest.mark.parametrize(
    ("text", "price", "was", "loyalty"),
    [
        ("£1.50RRP£2.00", 1.5, 2.0, None),
        ("£1.50 RRP £1.50", 1.5, 1.5, None),
        ("£2.00 RRP Now £1.50", 1.5, 2.0, None),
        ("£2.00 RRP, £1.50", 1.5, 2.0, None),
        ("£1.50 Clubcard price £1.20", 1.5, None, 1.2),
        ("£1.50 members £1.20", 1.5, None, 1.2),
        ("£1.50 RRP £2.00 Clubcard £1.20", 1.5, 2.0, 1.2),
        ("£1.50 RRP £2.00 (£1.50/100g)", 1.5, 2.0, None),
    ],
)
def test_labels_of_several_amounts(text: str, price: float, was: float | None, loyalty: float | None) -> None:
    read = read_price_text(text)
    assert (read.price_gbp, read.was_price_gbp, read.loyalty_price_gbp) == (price, was, loyalty)


@pytest.mark.parametrize(
    "text",
    [
        *("£2.00 RRP £1.50", "£1.50 RRP now £2.00", "£1.50 Clubcard £2.00", "RRP £2.00", "£2.00 RRP"),
        *("£1.50 RRP £2.00 £3.00", "£1.50 £1.80 RRP £2.00", "£1.50 RRP £2.00 RRP", "£1.50 RRP €2.00", "£1.50 RRP"),
        *("£1.50 delivery £2.00", "£1.50 deposit £2.00", "£1.50 used £1.00", "£1.50 VAT £2.00"),
    ],
)
def test_a_label_that_may_belong_to_either_amount_is_a_failure(text: str) -> None:
    read = read_price_text(text)
    assert (read.price_gbp, read.problem is None) == (None, False)


def test_a_recommended_price_is_an_earlier_one() -> None:
    for label in ("MRP", "Recommended retail price", "Suggested retail price"):
        read = read_price_text(f"{label} £2.00 Now £1.50")
        assert (read.price_gbp, read.was_price_gbp) == (1.5, 2.0)
