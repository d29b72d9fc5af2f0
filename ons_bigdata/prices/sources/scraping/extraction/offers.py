"""Offers of schema.org products: the current price of a single unit for any customer, and other prices by kind.

The kind of a price follows from PriceSpecification, priceType, member tier, quantity and condition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from ons_bigdata.prices.sources.scraping.extraction.amounts.labels import price_label
from ons_bigdata.prices.sources.scraping.extraction.listings import ProductTexts, is_in_stock
from ons_bigdata.prices.sources.scraping.extraction.page import Page, UnreadableError, words
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text
from ons_bigdata.prices.sources.scraping.extraction.schema_graph import (
    Graph,
    Node,
    as_list,
    plain_values,
    term,
    terms_of,
    types_of,
)
from ons_bigdata.prices.sources.scraping.extraction.unit_prices import unit

Kind = Literal["now", "was", "loyalty", "quantity", "unit", "other"]

_EARLIER = {"strikethroughprice", "listprice", "msrp", "srp", "regularprice"}
"""Kinds of price (PriceTypeEnumeration) that are not the current price."""
_CHARGES = {"deliverychargespecification", "paymentchargespecification"}
_NOT_FOR_SALE = {"offerforlease", "demand"}
_NO_SALE = {"leaseout", "buy", "dispose", "maintain", "repair", "provideservice", "constructioninstallation"}
"""Business functions (GoodRelations) of an offer that sells nothing."""
_NEW = {"newcondition", "new", "brand new", "brandnew", ""}
"""Conditions of goods (OfferItemCondition) that a price index follows; any other is not known to be new."""
_PIECES = {"c62", "h87", "ea", "pce"}
"""UN/CEFACT codes of one piece."""
_HOME = {"gb", "uk", "eu", "great britain", "united kingdom", "england", "scotland", "wales", "northern ireland"}


@dataclass
class _Offer:
    """An offer: the current price of a single unit for any customer, if there is one, and its other prices by kind."""

    price: float | None = None
    currency: str | None = None
    """Currency of the price, where it is not GBP."""
    problem: str | None = None
    in_stock: bool | None = None
    is_expired: bool = False
    """`priceValidUntil` is past: many shops forget to renew it, so that it only decides between offers."""
    availability: list[Any] = field(default_factory=list)
    others: list[tuple[Kind, Node | float]] = field(default_factory=list)


def add_offer(texts: ProductTexts, offers: list[_Offer], name: str | None) -> None:
    """Lowest price of the offers in stock, else of all; unit price and was-price are those of its offer."""
    unclear = next((one for one in offers if one.problem is not None), None)
    if unclear is not None:
        raise UnreadableError(f"unclear price: {unclear.problem}: {name}")
    priced = [one for one in offers if one.price is not None]
    priced = [one for one in priced if not one.is_expired] or priced
    foreign = next((one for one in offers if one.currency is not None), None)
    if not priced and foreign is not None:
        raise UnreadableError(f"price in {foreign.currency}, expected GBP: {name}")
    if not priced and name is not None and any(one.others for one in offers):
        kinds = sorted({kind for one in offers for kind, _ in one.others})
        raise UnreadableError(
            f"unclear price: no price for everybody, now and for one, only {', '.join(kinds)}: {name}"
        )
    buyable = [one for one in priced if one.price != 0] or priced
    chosen = min(
        [one for one in buyable if one.in_stock is not False] or buyable,
        key=lambda one: (one.price or 0.0, one.in_stock is not True),
        default=_Offer(),
    )
    texts.price = [] if chosen.price is None else [chosen.price]
    texts.in_stock = chosen.availability
    for offer in [chosen, *(one for one in offers if one is not chosen and one.price is None)]:
        for kind, other in offer.others:
            _add_other(texts, kind, other)


def _add_other(texts: ProductTexts, kind: Kind, other: Node | float) -> None:
    price = plain_values(other.get("price")) if isinstance(other, dict) else [other]
    if kind == "was":
        texts.was_price += price[:1] if not texts.was_price else []
    elif kind == "loyalty":
        texts.loyalty_price += price[:1] if not texts.loyalty_price else []
    elif kind == "quantity" and isinstance(other, dict) and price:
        texts.promotion.append(f"{price[0]} for each of {_quantity(other) or 'several'} or more")
    elif kind == "unit" and isinstance(other, dict) and not texts.unit_amount:
        per = next((one for one in as_list(other.get("referenceQuantity")) if isinstance(one, dict)), other)
        code = next(iter([*plain_values(per.get("unitCode")), *plain_values(per.get("unitText"))]), None)
        value = next(iter(plain_values(per.get("value"))), None) if per is not other else None
        texts.unit_amount, texts.unit = price[:1], [unit(words(code), value)]


def offers_of(product: Node, page: Page, graph: Graph) -> list[_Offer]:
    """Return the offers of a product; those within an AggregateOffer, whose price is the lowest, replace it."""
    offers: list[_Offer] = []
    for node in graph.nodes(product.get("offers")) or graph.offers.get(id(product), []):
        if product.get("itemCondition") and not node.get("itemCondition"):
            node = {**node, "itemCondition": product["itemCondition"]}  # noqa: PLW2901
        offer = _offer(node, page, graph, _currency(product))
        within = [one for one in graph.nodes(node.get("offers")) if "aggregateoffer" not in types_of(one)]
        if "aggregateoffer" in types_of(node) and within:
            inner = [_offer(one, page, graph, _currency(node)) for one in within]
            offers += (
                inner
                if any(one.price is not None or one.currency or one.problem or one.others for one in inner)
                else [offer]
            )
        else:
            offers.append(offer)
    return offers


def _currency(node: Node) -> Any:  # noqa: ANN401  (JSON)
    """Return the currency of a node: None for GBP and where it has none."""
    found = node.get("priceCurrency")
    plain = plain_values(found)
    if "GBp" in plain:
        return "GBp"  # pence
    if not plain or all(term((words(one) or "").strip()) in {"gbp", "£", ""} for one in plain):
        return None
    return plain[0] if len(plain) == 1 else found


def _offer(node: Node, page: Page, graph: Graph, inherited: Any) -> _Offer:  # noqa: ANN401  (currency)
    availability = plain_values(node.get("availability")) or [
        str(one.get("@id")) for one in graph.nodes(node.get("availability")) if "@id" in one
    ]
    stock = next((found for one in availability if (found := is_in_stock(one)) is not None), None)
    until = _day(node.get("priceValidUntil"))
    is_expired = until is not None and until < page.collected_at.date().isoformat()
    offer = _Offer(availability=availability, in_stock=stock, is_expired=is_expired)
    currency = _currency(node) if node.get("priceCurrency") not in (None, "") else inherited
    kind = _kind(node, page, graph, is_offer=True)
    specifications = _specifications(node, graph)
    kinds = [(_kind(one, page, graph), one) for one in specifications]
    if currency is not None:
        offer.currency = currency
        return offer
    if kind != "now":
        if plain_values(node.get("price")):
            offer.others.append((kind, node))
        return offer
    own = [*plain_values(node.get("price"))] or [*plain_values(node.get("lowPrice"))]
    sale = []
    for of_kind, specification in kinds:
        foreign = _currency(specification)
        if foreign is not None and of_kind != "now":
            offer.currency = foreign
            return offer
        if foreign is not None:
            offer.currency = foreign
        elif of_kind == "now" and not (own and _is_of_piece(specification, graph)):
            sale += _specified(specification)
        else:
            per = {"referenceQuantity": graph.nodes(specification.get("referenceQuantity"))}
            of_unit = of_kind in {"unit", "now"}  # of a piece of the pack, whose price the offer gives itself
            offer.others.append(("unit", {**specification, **per}) if of_unit else (of_kind, specification))
    _set_price(offer, own, sale)
    return offer


def _specifications(node: Node, graph: Graph) -> list[Node]:
    return [one for one in graph.nodes(node.get("priceSpecification")) if one is not node]


def _specified(specification: Node) -> list[Any]:
    price = plain_values(specification.get("price"))
    low, high = plain_values(specification.get("minPrice")), plain_values(specification.get("maxPrice"))
    return price or (low if low == high else [])


def _set_price(offer: _Offer, own: list[Any], specified: list[Any]) -> None:
    """Set the price from the offer's price and its specifications, which must agree unless they differ in kind."""
    price, was, loyalty, problem = _read(own)
    other, _, _, other_problem = _read(specified)
    if price is None and (was is not None or loyalty is not None):
        problem = None  # a price of another kind, by its marks
    marked = {kind: _read(plain_values(one.get("price")))[0] for kind, one in offer.others if isinstance(one, dict)}
    if was is not None and "was" not in marked:
        offer.others.append(("was", was))
    if loyalty is not None and "loyalty" not in marked:
        offer.others.append(("loyalty", loyalty))
    if price is not None and other is not None and price != other:
        if price not in (marked.get("was"), marked.get("loyalty"), marked.get("unit")):
            problem = f"2 prices: {price:g}, {other:g}"
        price = other
    elif (
        price is not None
        and other is None
        and marked.get("loyalty") == price
        and marked.get("was") not in (None, price)
    ):
        problem = f"{price:g} is the price for members"
    elif price is not None and other is None and any(_is_net(one, price) for kind, one in offer.others):
        problem = f"{price:g} is the price without VAT"
    offer.price = price if price is not None else other
    offer.problem = problem or (other_problem if offer.price is None else None)


def _is_net(other: Node | float, price: float) -> bool:
    """True if a price is that of a specification without VAT."""
    is_net = isinstance(other, dict) and "false" in terms_of(other.get("valueAddedTaxIncluded"))
    return is_net and isinstance(other, dict) and _read(plain_values(other.get("price")))[0] == price


def _read(values: list[Any]) -> tuple[float | None, float | None, float | None, str | None]:
    """Return price, was-price, loyalty price and problem of the values of a price."""
    texts = dict.fromkeys(
        f"{one:f}" if isinstance(one, float) else words(one) or "" for one in values if not isinstance(one, bool)
    )
    if len(values) == 1 and isinstance(values[0], int | float) and not isinstance(values[0], bool):
        number = values[0] if abs(values[0]) < 10**15 else float("inf")
        read = read_price_text(float(number))
    else:
        read = read_price_text("\n".join(texts))
    return read.price_gbp, read.was_price_gbp, read.loyalty_price_gbp, read.problem


def _quantity(node: Node) -> str | None:
    """Least quantity for which a price is valid, where that is above 1 or unclear."""
    for quantity in as_list(node.get("eligibleQuantity")):
        values = (
            [*plain_values(quantity.get("value")), *plain_values(quantity.get("minValue"))]
            if isinstance(quantity, dict)
            else [quantity]
        )
        for value in values:
            number = re.match(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)(?![0-9.,])", str(value)[:40])
            if number is None and str(value).strip():
                return "several"  # a text such as "two"
            if number is not None and float(number[1]) > 1:
                return f"{float(number[1]):g}"
    return None


def _kind(node: Node, page: Page, graph: Graph, *, is_offer: bool = False) -> Kind:  # noqa: PLR0911  (a list of rules)
    """Return what the price of an offer or a specification is."""
    kinds = terms_of(node.get("priceType")) - {""}
    if not is_offer and _is_of_unit(node, graph):
        return "unit"
    label = price_label("".join(map(str, plain_values(node.get("name"))[:1])))
    if node.get("validForMemberTier") or label == "loyalty":
        return "loyalty"
    if kinds & _EARLIER or label == "was":
        return "was"
    if kinds - {"saleprice"} or label == "other" or types_of(node) & (_CHARGES | _NOT_FOR_SALE):
        return "other"
    if terms_of(node.get("itemCondition")) - _NEW:
        return "other"
    if "false" in terms_of(node.get("valueAddedTaxIncluded")) or terms_of(node.get("businessFunction")) & _NO_SALE:
        return "other"
    if _is_abroad(node):
        return "other"
    if _quantity(node) is not None:
        return "quantity"
    if node.get("billingDuration") or node.get("billingIncrement"):
        return "other"
    if node.get("eligibleTransactionVolume") or terms_of(node.get("eligibleCustomerType")) & {"business", "reseller"}:
        return "other"
    return "now" if _is_valid(node, page) else "other"


def _is_of_unit(node: Node, graph: Graph) -> bool:
    """True if a specification is the price of a kilogram, a litre, …; a reference of one piece is the product."""
    references = graph.nodes(node.get("referenceQuantity"))
    if references:
        return not all(
            len(terms_of(one.get("unitCode")) & _PIECES) == 1 and plain_values(one.get("value")) in ([1], ["1"])
            for one in references
        )
    if plain_values(node.get("unitCode")):
        return not terms_of(node.get("unitCode")) <= _PIECES
    texts = [*plain_values(node.get("referenceQuantity")), *plain_values(node.get("unitText"))]
    measure = unit(re.sub(r"^\s*(?:per\b|/|a\b)", "", words(next(iter(texts), None)) or "", flags=re.IGNORECASE))
    return measure is not None and measure.split()[-1] not in {"each", "unknown"}


def _is_of_piece(node: Node, graph: Graph) -> bool:
    """True if a specification names one piece as its reference."""
    return bool(graph.nodes(node.get("referenceQuantity")) or plain_values(node.get("unitCode")))


def _is_abroad(node: Node) -> bool:
    """True if an offer is for other countries only, by their ISO 3166 codes or their type Country."""
    regions = as_list(node.get("eligibleRegion")) or as_list(node.get("areaServed"))
    countries = [
        term
        for region in regions
        for term in terms_of(region)
        if len(term) == 2 or (isinstance(region, dict) and "country" in types_of(region))
    ]
    return bool(countries) and len(countries) == len(regions) and not _HOME & set(countries)


def _is_valid(node: Node, page: Page) -> bool:
    """True if a price is valid on the day of the page, by the dates of the price and of its availability."""
    day = page.collected_at.date().isoformat()
    firsts, lasts = (
        [day_of for key in keys if (day_of := _day(node.get(key))) is not None]
        for keys in (("validFrom", "availabilityStarts"), ("validThrough", "availabilityEnds"))
    )
    return max(firsts, default=day) <= day <= min(lasts, default=day)


def _day(value: Any) -> str | None:  # noqa: ANN401  (JSON)
    """Return the ISO day at the beginning of a date or time; None where there is none."""
    texts = (str(one)[:40] for one in plain_values(value))
    return next((text[:10] for text in texts if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)), None)
