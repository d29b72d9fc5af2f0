"""Texts and pages of shops by kind: member, multibuy, unit, list, used and foreign prices are not the price of one now.

The texts are of the kinds that public reports of scrapers and price parsers describe.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ons_bigdata.prices.sources.scraping.extraction import extract
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text
from tests.prices.sources.scraping.pages_of_shops import ld, line, page, retailer, shelf

NO_PRICE = (
    *("Delivery £3.99 (inc VAT)", "Save 50p (inc VAT)", "from £1.50 (inc VAT)", "£1.20 Clubcard (inc VAT)"),
    *("£2.00 £1.50 Save 50p", "after offer £2.00", "Nectar Price £1.20", "£1.20 myWaitrose"),
    *("Price with Boots Advantage Card £1.20", "Lidl Plus £1.20", "Advantage Card price £1.20"),
    *("Co-op Member Price £1.20", "Asda Rewards £1.20", "Amazon Prime price £1.20", "NHS price £1.20"),
    *("Trade price £1.20", "Costco members £1.20", "Login for £1.20", "Pay £1.20 with voucher code SAVE"),
    *("£1.20 with code SAVE20", "£1.20 when you spend £40", "First order only £1.20", "£1.20 for new customers"),
    *("from only £1.20", "Any 3 for £5", "Buy 3 for £5", "2 for £3 (£1.50 each)", "£1.50 each when you buy 2"),
    *("Any 2 for £3.00 - selected", "Two for £3.00", "two for three pounds", "Buy any 2 save £1"),
    *("Meal deal £3.50", "Mix & Match 3 for £10", "£3 for any 2", "£10 for 3", "3/£10", "3 @ £10", "£10.00/3"),
    *("3 pour £10", "£1.50 per item when buying 2", "2+ £1.40 each", "£1.40 (2+)", "10+ £1.40"),
    *("£5 per bottle when you mix six", "Mix Six £5.00", "£5.99 in a case of 6", "£3.00 / kg", "£3.00/100g"),
    *("30p per 100g", "£3.00 kg", "£3.00 a kilo", "£3.00 per litre", "£3/lb", "£3.00 per lb", "12.5p/sheet"),
    *("5p per wash", "£0.10 per tablet", "£2.00 per metre", "from £1.50", "£1.50+", "£1.50 +VAT", "£1.50 + VAT"),
    *("£1.50 exc. VAT", "£1.50 exc VAT", "Used from £1.00", "Delivery £3.99", "Free delivery over £40"),
    *("Save £1.00", "£1 off", "£5 cashback", "50p saving", "£10/month", "£10 pm", "3 payments of £5.00"),
    *("or 4 instalments of £1.25 with Klarna", "Pay in 3 interest-free payments of £1.66"),
    *("Spend £20 get £5 off", "You save £0.50", "Win £1000", "Max £5", "Guide price £2.00", "Estimated £2.00"),
    *("Est. £2.00", "approx £2.00", "around £2.00", "~£2.00", "est. price £1.20 (£3/kg)", "up to £2.00"),
    *("£1.00 to £2.00", "£1-£2", "£1 \u2013 2", "£1 or £2", "FREE", "POA", "Trade-in £5", "Hire £5.00"),
    *("Rent £5.00", "Bid £5.00", "RRP: £2.00", "Unit price £0.30", "C$1.50", "HK$1.50", "R$ 1,50", "1.50 €"),
    *("1.50€", "EUR1.50", "EUR 1.50", "1.50EUR", "1.50 Euro", "¥150", "\u20b9150.00", "Rs.150", "Rs 150"),
    *("INR 150", "kr 15", "15 kr", "15:-", "15,-", "1.50 zł", "zł 1.50", "1.50 Kč", "\u20ba1.50", "\u20bd150"),
    *("150 \u0440\u0443\u0431.", "150 \u0440.", "1.50 \u043b\u0432", "RM1.50", "RM 1.50", "S$1.50", "A$ 1.50"),
    *("AU$1.50", "NZ$1.50", "AED 1.50", "\u062f.\u0625 1.50", "150\u5186", "150\u5143", "150 \uc6d0"),
    *("\u0e3f150", "Rp 15000", "Rp15.000", "\u20b1150", "KSh 150", "Ksh150", "N150", "GH\u20b5 1.50", "Q1.50"),
    *("S/ 1.50", "S/1.50", "B/. 1.50", "DKK1.50", "SFr 1.50", "1.50 CHF", "1.50 $", "1.50 USD", "USD1.50", "¢50"),
    *("50¢", "50c", "50 ct", "LE 1.50", "L.L. 1500", "£E1.50", "IR£1.50", "LL1500", "TL 1.50", "1.50 TL"),
    *("1.50 TRY", "1.50 lei", "1.50 din", "1.50 kn", "1.50 BTC", "0.0001 \u20bf", "1.50 SEK", "1.50 Ft"),
    *("250 Ft", "JMD 150", "J$150", "TT$1.50", "GEL 1.50", "KZT 150", "UZS 150", "IQD 1500", "JOD 1.50"),
    *("OMR 1.50", "XOF 150", "XAF 150", "NAD 1.50", "MUR 150", "NPR 150", "MMK 150", "GGP 1.50", "IMP 1.50"),
    *("JEP 1.50", "SYP 1500", "LBP 1500", "CYP 1.50", "IEP 1.50", "DM 1.50", "BBD 1.50", "UYU 150", "DOP 150"),
    *("GTQ 1.50", "CRC 150", "\ufffd1.50", "?1.50", "#1.50", "1 pound 50", "£1:50", "£1;50", "£1/50", "£1-50"),
    *("£1\u201350", "£1.505", "£1..50", "£1.50.00", "£1,250,00", "£1.250.000", "£1k", "£1.5k", "£1.5m", "£2bn"),
    *("£1.5K", "£½", "£1½", "1 1/2p", "50½p", "£ -1.50", "£1.50-", "1.50CR", "1,5", "1,50", "1.234", "£1.234"),
    *("12,34", "1 234,50", "1.234.567", "1e3", "1E3", "0b11", "1.50f", "Infinity", "\uff11.\uff15\uff10"),
    *("£\uff11.50", "£1\u202450", "£1,5", "£1'50", "£1\"50", "£1 .50", "£1. 50", "£ 1 . 50", "£1\n50"),
    *("\u202e05.1£", "£1\ufe5250", "£1\uff0c50", "£1\u300150", "£1 \u2044 50", "Weight 1.50", "1.50kg"),
    *("1.50 stars", "4.50/5", "10:30", "12.05.2016", "12/05", "v1.50", "No. 7", "7up"),
)  # fmt: skip

PRICES = {
    "Was £2.00, now £1.50": 1.5, "£1.50 (was £2.00)": 1.5, "1/2 Price: Was £3.00, Now £1.50": 1.5,
    "Reduced from £2.00 to £1.50": 1.5, "Previously £2 now £1.50": 1.5, "£1.50 £1.20 with Nectar": 1.5,
    "Clubcard Price: £1.20, Regular price: £1.50": 1.5, "£2 each or 3 for £5": 2.0, "£2 each, 3 for £5.00": 2.0,
    "6 pack £5.00": 5.0, "Pack of 6 £5.00": 5.0, "2 FOR £3.00 £1.80": 1.8, "£1.80 2 FOR £3.00": 1.8,
    "£1.50 £3.00/kg": 1.5, "£1.50 £3.00 per kg": 1.5, "£1.50 (£3.00 per kg)": 1.5, "£1.50 | £3.00 per kilo": 1.5,
    "£3.00 per kilo | £1.50": 1.5, "(£3.00/kg) £1.50": 1.5, "£1.50 Approx. £3.00/kg": 1.5, "£1.50 ea.": 1.5,
    "£1.50/ea": 1.5, "£1.50/each": 1.5, "£1.50 ea (30p/100ml)": 1.5, "£1.50 75cl £2.00/l": 1.5,
    "£8.00 | 75cl | £10.67/l": 8.0, "£1.80 inc VAT £1.50 ex VAT": 1.8, "£1.50 + £3.99 delivery": 1.5,
    "£1.50 Free delivery over £40": 1.5, "£1.50 / €1.80": 1.5, "€1.80 / £1.50": 1.5, "€1.80/£1.50": 1.5,
    "£1.50 (€1.80)": 1.5, "£1.50 (approx. $2.00)": 1.5, "$2.00 (£1.50)": 1.5, "£ 1.50": 1.5, "£\u00a01.50": 1.5,
    "GBP1.50": 1.5, "1.50GBP": 1.5, "1.50£": 1.5, "1.50 £": 1.5, "£1.50GBP": 1.5, "£1.50 GBP": 1.5,
    "\uffe11.50": 1.5, "1.50 pounds": 1.5, "150 pence": 1.5, "£1.50p": 1.5, "£1.5": 1.5, "£1.50*": 1.5,
    "£1.50\u2020": 1.5, "*£1.50": 1.5, "0.5": 0.5, "Size 10 £1.50": 1.5, "2016 vintage £8.99": 8.99,
    "Vitamin B12 £1.50": 1.5, "£1.50 (inc VAT)": 1.5, "£1.50 (exc VAT) £1.80 (inc VAT)": 1.8, "£2 - 400g": 2.0,
    "£2: 400g": 2.0, "£5 M&S": 5.0, "£2\n400g": 2.0, "£1.50 18+": 1.5, "£1.50\nmax 5 per customer": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("text", NO_PRICE)
def test_texts_without_a_price_for_everybody_now_and_for_one(text: str) -> None:
    assert read_price_text(text).price_gbp is None


@pytest.mark.parametrize(("text", "price"), PRICES.items())
def test_texts_with_one(text: str, price: float) -> None:
    assert read_price_text(text).price_gbp == price


def offer(**properties: Any) -> dict[str, Any]:
    return {"@type": "Offer", "priceCurrency": "GBP", **properties}


LOAF = offer(price=1.5)
IN_GROUPS = "http://purl.org/goodrelations/v1#"
REGIONS = ({"eligibleRegion": "DE"}, {"areaServed": {"@type": "Country", "name": "France"}})
OTHER_OFFERS: dict[str, dict[str, Any]] = {
    "member": offer(price=1.2, validForMemberTier="#gold"),
    "named for members": offer(price=1.2, name="Clubcard Price"),
    "named as list price": offer(price=1.2, name="RRP"),
    "business": offer(price=1.2, eligibleCustomerType=f"{IN_GROUPS}Business"),
    "three": offer(price=1.2, eligibleQuantity={"minValue": 3}),
    "of a basket": offer(price=1.2, eligibleTransactionVolume={"minPrice": 40}),
    **{
        f"condition {text}": offer(price=1.2, itemCondition=text)
        for text in ("Used", "used", "Refurbished", "pre-owned", "https://schema.org/OfferItemCondition/OpenBox")
    },
    **{f"abroad {number}": offer(price=1.2, **region) for number, region in enumerate(REGIONS)},
    "expired": offer(price=1.2, priceValidUntil="2015-12-31"),
    "no longer there": offer(price=1.2, availabilityEnds="2015-12-31"),
    "not yet there": offer(price=1.2, availabilityStarts="2099-12-31"),
    "lease": offer(price=1.2, businessFunction=f"{IN_GROUPS}LeaseOut"),
    "trade-in": offer(price=1.2, businessFunction=f"{IN_GROUPS}Buy"),
    "demand": {**offer(price=1.2), "@type": "Demand"},
    "for lease": {**offer(price=1.2), "@type": "OfferForLease"},
    "euro": offer(price=1.2, priceCurrency="EUR"),
    "pence": offer(price=1.2, priceCurrency="GBp"),
    "net": offer(price=1.2, valueAddedTaxIncluded="https://schema.org/False"),
}


@pytest.mark.parametrize("other", OTHER_OFFERS.values(), ids=OTHER_OFFERS)
def test_another_offer_is_not_the_price_wherever_it_is(other: dict[str, Any]) -> None:
    for offers in ([other, LOAF], [LOAF, other], {"@type": "AggregateOffer", "lowPrice": 1.2, "offers": [other, LOAF]}):
        assert _prices({"@type": "Product", "name": "Loaf", "offers": offers}) == [1.5]


@pytest.mark.parametrize("kind", sorted(set(OTHER_OFFERS) - {"expired"}))
def test_another_offer_alone_is_a_failure(kind: str) -> None:
    assert _prices({"@type": "Product", "name": "Loaf", "offers": OTHER_OFFERS[kind]}) == []


def test_a_used_product_has_no_new_price() -> None:
    assert _prices({"@type": "Product", "name": "Loaf", "itemCondition": "Used", "offers": LOAF}) == []


@pytest.mark.parametrize(
    "specification",
    [
        {"price": 1.2, "valueAddedTaxIncluded": "https://schema.org/False"},
        {"price": 3, "unitText": "kg"},
        {"price": 3, "unitCode": "KGM"},
        {"price": 0.2, "billingDuration": 1, "unitCode": "MON"},
    ],
)
def test_other_specifications_are_not_the_price(specification: dict[str, Any]) -> None:
    for order in ([specification, {"price": 1.5}], [{"price": 1.5}, specification]):
        assert _prices({"@type": "Product", "name": "Loaf", "offers": offer(priceSpecification=order)}) == [1.5]


def test_a_reference_of_one_piece_is_the_product() -> None:
    of_one = {"price": 1.5, "referenceQuantity": {"value": 1, "unitCode": "C62"}}
    assert _prices({"@type": "Product", "name": "Loaf", "offers": offer(priceSpecification=of_one)}) == [1.5]


@pytest.mark.parametrize(
    "block",
    [
        {**LOAF, "itemOffered": {"@type": "Product", "name": "Loaf"}},
        {"@type": "OfferCatalog", "itemListElement": [{**LOAF, "itemOffered": {"@type": "Product", "name": "Loaf"}}]},
        {"@type": "Organization", "makesOffer": {**LOAF, "itemOffered": {"@type": "Product", "name": "Loaf"}}},
        {"type": "Product", "name": "Loaf", "offers": {"type": "Offer", "price": 1.5}},
        {"@type": "Book", "name": "Loaves", "offers": LOAF},
    ],
)
def test_products_are_read_in_every_place(block: dict[str, Any]) -> None:
    assert _prices(block) == [1.5]


OFFER = 'itemprop=offers itemscope itemtype="https://schema.org/Offer"'


@pytest.mark.parametrize(
    ("offers", "prices"),
    [
        (f"<p {OFFER}><b itemprop=price>£1</b>.50</p>", []),
        (f"<p {OFFER}><b itemprop=price>£1</b><sup>50</sup></p>", []),
        (f"<p {OFFER}><b itemprop=price>£1<sup>.50</sup></b></p>", [1.5]),
        (f"<p {OFFER}><b itemprop=price>1&pound;50</b></p>", []),
        (f"<p {OFFER}><b itemprop=price>£1<!-- -->.50</b></p>", [1.5]),
        (
            f"<p class=member-price {OFFER}><b itemprop=price>1.20</b></p><p {OFFER}><b itemprop=price>1.50</b></p>",
            [1.5],
        ),
        (f"<p {OFFER}><b itemprop=price>€1.50</b></p>", []),
        (f"<p {OFFER}><b itemprop=price>£3.00/kg</b></p>", []),
        (f"<p {OFFER}><b itemprop=price>£3.00</b>/kg</p>", []),
        (f"<p {OFFER}><b itemprop=price>£3.00</b> <i>per kg</i></p>", []),
        (f"<p {OFFER}><b itemprop=price>99</b>p</p>", [0.99]),
        (f"<p {OFFER}><b itemprop=price>99</b><i>p</i></p>", [0.99]),
        (f"<p {OFFER}>€<b itemprop=price>1.50</b></p>", []),
        (f"<p {OFFER}><i>€</i><b itemprop=price>1.50</b></p>", []),
        (f"<p {OFFER}><b itemprop=price>1.50</b> $</p>", []),
        (f"<p {OFFER}><b itemprop=price>1.50</b> <i>EUR</i></p>", []),
        (f"<p {OFFER}>from <b itemprop=price>1.50</b></p>", []),
        (f"<p {OFFER}>2 for <b itemprop=price>£3</b></p>", []),
        (f"<p {OFFER}><b itemprop=price>1.20</b> with Clubcard</p>", []),
        (f"<p {OFFER}><b itemprop=price>1.20</b> ex VAT</p>", []),
        (f"<p {OFFER}>Was <b itemprop=price>2.00</b> Now <b itemprop=price>1.50</b></p>", [1.5]),
        (f"<p {OFFER}>Price: £<b itemprop=price>1.50</b> each</p>", [1.5]),
        (f"<p {OFFER}><i>£</i><b itemprop=price>1.50</b><i>In stock</i></p>", [1.5]),
        (f"<p {OFFER}><i itemprop=priceCurrency>GBP</i> <b itemprop=price>1.50</b></p>", [1.5]),
        (f'<p {OFFER}>€1.80 / £<b itemprop=price content="1.50">1.50</b></p>', [1.5]),
    ],
)
def test_prices_of_microdata(offers: str, prices: list[float]) -> None:
    text = f'<div itemscope itemtype="http://schema.org/Product"><b itemprop=name>Loaf</b>{offers}</div>'
    content = extract(retailer("microdata"), page(text))
    assert content.listed == 1
    assert [listing["price_gbp"] for listing in content.listings] == prices


@pytest.mark.parametrize(
    ("markup", "price"),
    [
        ("£<!-- -->1<!-- -->.50", 1.5),
        ("<!-- £9.00 -->£1.50", 1.5),
        ("£1<!-- --> <!-- -->50", None),
        ('<span class="line-through">£2.00</span> £1.50', 1.5),
        (
            "<span class=off>£1.50</span><b>£<i class=price-whole>1.</i><i class=fraction>50</i></b>",
            1.5,
        ),
        ("1<sup>£50</sup>", None),
        ("<div>£1</div><div>50</div>", None),
        ("<div>£1.20</div><div>per kg</div>", None),
        ("<div>£1.20</div><div>/100g</div>", None),
        ("<div>€</div><div>1.20</div>", None),
        ("<div>1.20</div><div>€</div>", None),
        ("<div>1.20</div><div>kr</div>", None),
        ("<div>3 for</div><div>£5</div>", None),
        ("<div>Nectar</div><div>£1.20</div>", None),
        ("<table><tr><td>£1<td>50</table>", None),
    ],
)
def test_prices_of_elements(markup: str, price: float | None) -> None:
    shop = retailer("html_list", selectors={"product": "li.p", "name": "h3", "price": ".price"}, patterns={})
    content = extract(shop, page(f"<li class=p><h3>Loaf</h3><div class=price>{markup}</div></li>"))
    assert content.listed == 1
    assert [listing["price_gbp"] for listing in content.listings] == ([] if price is None else [price])


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", None),
        ("utf-8", "text/html; charset=none"),
        ("utf-8", "text/html; charset=zlib"),
        ("utf-8", "text/html; charset=idna"),
        ("utf-16", "text/html"),
        ("utf-8-sig", "text/html; charset=iso-8859-1"),
        ("cp1252", "text/html"),
        ("cp1252", "text/html; charset=iso-8859-1"),
    ],
)
def test_pages_of_every_encoding(encoding: str, content_type: str | None) -> None:
    text = shelf(line(1, name="Café Loaf"))
    found = extract(retailer("html_list"), replace(page(text.encode(encoding)), content_type=content_type))
    assert [(one["product_name"], one["price_gbp"]) for one in found.listings] == [("Café Loaf", 1.5)]


def test_a_page_of_another_encoding_than_it_names_has_no_price() -> None:
    found = extract(retailer("html_list"), page(shelf(line(1)).encode("cp1252")))  # it names UTF-8
    assert (found.listings, found.listed) == ([], 1)


def _prices(block: dict[str, Any]) -> list[float]:
    """Return the prices of a page with a product; a product without one is a failure."""
    content = extract(retailer("json_ld"), page(ld(block)))
    assert content.listed == 1
    return [listing["price_gbp"] for listing in content.listings]
