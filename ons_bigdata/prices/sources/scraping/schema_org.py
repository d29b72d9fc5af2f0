"""Products described by schema.org, as JSON-LD or microdata.

Which price counts is decided by type (PriceSpecification, priceType, member tier, quantity, condition), never by
position. Nodes elsewhere on the page are followed by their `@id`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import jstyleson
from lxml import etree

from ons_bigdata.prices.sources.scraping.listings import (
    Page,
    PageContent,
    ProductTexts,
    UnreadableError,
    address,
    is_in_stock,
    page_content,
    read_json,
    scalars,
    text_of,
    text_within,
    words,
)
from ons_bigdata.prices.sources.scraping.price_texts import price_gbp, price_label, read_price_text, unit
from ons_bigdata.prices.sources.scraping.selected_products import next_page, states_empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsel import Selector

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

Node = dict[str, Any]
Kind = Literal["now", "was", "loyalty", "quantity", "unit", "other"]

LONGEST_REPAIR = 1_000_000
"""Characters of a JSON-LD block up to which comments and trailing commas within it are read past."""

_PRODUCTS = {"product", "individualproduct", "productmodel", "someproducts", "productgroup", "dietarysupplement"} | {
    "book",
    "drug",
    "vehicle",
    "car",
}
_EARLIER = {"strikethroughprice", "listprice", "msrp", "srp", "regularprice"}
"""Kinds of price (PriceTypeEnumeration) that are not the current price."""
_CHARGES = {"deliverychargespecification", "paymentchargespecification"}
_NOT_FOR_SALE = {"offerforlease", "demand"}
_NO_SALE = {"leaseout", "buy", "dispose", "maintain", "repair", "provideservice", "constructioninstallation"}
"""Business functions (GoodRelations) of an offer that sells nothing."""
_NOT_NEW = re.compile(r"used|refurb|damaged|open ?-?box|second ?-?hand|pre ?-?owned|renewed|reconditioned")
_HOME = {"gb", "uk", "eu", "great britain", "united kingdom", "england", "scotland", "wales", "northern ireland"}
_PRICE_NAMES = {"price", "lowPrice", "highPrice", "minPrice", "maxPrice"}
_REFERENCE = {"@id", "@type"}
"""Properties that a reference to another node may have."""

_LEADING = re.compile(
    r"[\s\ufeff;]+|<!--(?:(?!-->)[^{\[])*-->|<!--|-->|(?://\s*)?<!\[CDATA\[(?:\s*\*/)?|/\*(?:(?!\*/).)*\*/"
    r"|(?://\s*)?\]\]>|//[^\n]*(?:\n|$)|\*/",
    re.DOTALL,
)
"""Text allowed around the JSON of a script: blanks, comments, CDATA, `;`."""


def extract_json_ld(file: RetailerFile, page: Page) -> PageContent:
    """Products of the page's JSON-LD.

    Comments, CDATA, a trailing `;` and trailing commas are skipped; a block that is not JSON even then is one failure,
    and the other blocks of the page are read.
    """
    tree = page.selector()
    blocks, failures = _blocks(tree)
    return _content(file, page, tree, blocks, failures)


def extract_microdata(file: RetailerFile, page: Page) -> PageContent:
    """Return the products that the page's elements carry as `itemscope`."""
    tree = page.selector()
    return _content(file, page, tree, microdata_items(tree.root, page.base_url), [])


def _blocks(tree: Selector) -> tuple[list[Any], list[str]]:
    blocks: list[Any] = []
    failures, number = [], 0
    for script in tree.css("script[type]"):
        if script.root.get("type").split(";")[0].strip().casefold() != "application/ld+json":
            continue
        number += 1
        try:
            blocks += _json_values("".join(script.root.itertext()))
        except UnreadableError as error:
            failures.append(f"JSON-LD block {number} is {error}")
    return blocks, failures


def _json_values(text: str) -> list[Any]:
    """Return the JSON values of a script, in order. Raises UnreadableError."""
    try:
        return _plain_values(text)
    except UnreadableError as error:
        if len(text) > LONGEST_REPAIR or "nested" in str(error):
            raise
        try:
            return _plain_values(jstyleson.dispose(text))
        except (IndexError, UnreadableError):
            raise error from None


def _plain_values(text: str) -> list[Any]:
    values: list[Any] = []
    place = _skip(text, 0)
    while place < len(text):
        value, place = read_json(text, place)
        values += value if isinstance(value, list) else [value]
        place = _skip(text, place)
    return values


def _skip(text: str, place: int) -> int:
    while (found := _LEADING.match(text, place)) is not None and found.end() > place:
        place = found.end()
    return place


def _content(file: RetailerFile, page: Page, tree: Selector, blocks: list[Any], failures: list[str]) -> PageContent:
    graph = _graph(blocks, page.base_url)
    nodes = list(_nodes(blocks))
    for offer in nodes:
        for product in graph.nodes(offer.get("itemOffered")):
            graph.offers.setdefault(id(product), []).append(offer)
    products = [partial(_product, product, page, graph) for product in _products(nodes, graph)]
    lists = [node for node in nodes if "itemlist" in _types(node)]
    is_empty = bool(lists) and not any(node.get("itemListElement") for node in lists)
    return page_content(
        file,
        products,
        failures,
        next_url=next_page(file, page, tree),
        is_empty=is_empty or states_empty(file, tree),
    )


# --- microdata ------------------------------------------------------------------------------------------


def microdata_items(root: etree._Element, base_url: str) -> list[Node]:
    """Return the top items of a page's microdata in the shape of JSON-LD; `itemref` is followed."""
    items: dict[Any, Node] = {}
    tops: list[Node] = []
    scopes: list[Node | None] = [None]
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        is_scope = "itemscope" in element.attrib
        if event == "end":
            if is_scope:
                scopes.pop()
            continue
        value: Any = None
        if is_scope:
            value = items[element] = _new_item(element)
        names = element.get("itemprop", "").split()
        if names and scopes[-1] is not None:
            _add(scopes[-1], names, value if is_scope else _value(element, names, base_url))
        elif is_scope:
            tops.append(value)
        if is_scope:
            scopes.append(value)
    _follow_references(root, items, base_url)
    return tops


def _new_item(element: etree._Element) -> Node:
    types = element.get("itemtype", "").split()
    item: Node = {"@type": types[0] if len(types) == 1 else types}
    return {**item, "@id": element.get("itemid", "").strip()} if element.get("itemid", "").strip() else item


def _add(item: Node, names: list[str], value: Any) -> None:  # noqa: ANN401  (an item or a text)
    for name in names:
        if name in item and not name.startswith("@"):
            item[name] = [*(item[name] if isinstance(item[name], list) else [item[name]]), value]
        elif not name.startswith("@"):
            item[name] = value


def _follow_references(root: etree._Element, items: dict[Any, Node], base_url: str) -> None:
    referring = [(element, item) for element, item in items.items() if element.get("itemref")]
    if not referring:
        return
    by_id = {
        element.get("id"): element for element in root.iter() if isinstance(element.tag, str) and element.get("id")
    }
    for element, item in referring:
        for name in element.get("itemref").split()[:100]:
            if (target := by_id.get(name)) is not None and target is not element:
                _add_within(target, item, items, base_url)


def _add_within(target: etree._Element, item: Node, items: dict[Any, Node], base_url: str) -> None:
    depth = 0
    for event, element in etree.iterwalk(target, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        is_scope = element in items
        if event == "end":
            depth -= is_scope
            continue
        names = element.get("itemprop", "").split()
        if names and depth == 0 and items.get(element) is not item:
            _add(item, names, items[element] if is_scope else _value(element, names, base_url))
        depth += is_scope


def _value(element: etree._Element, names: list[str], base_url: str) -> Any:  # noqa: ANN401  (text)
    """Return the value of a property by the element's kind (WHATWG, microdata 5.2.4); prices carry their marks."""
    tag, is_price = element.tag, bool(_PRICE_NAMES & set(names))
    if tag == "meta" or element.get("content"):
        value = element.get("content", "")
    elif tag in {"a", "area", "link"}:
        return address(base_url, element.get("href", ""))
    elif tag in {"audio", "embed", "iframe", "img", "source", "track", "video"}:
        return address(base_url, element.get("src", ""))
    elif tag in {"data", "meter"}:
        value = element.get("value", "")
    elif tag == "time" and element.get("datetime"):
        value = element.get("datetime", "")
    elif is_price:
        return _with_rest(element, text_of(element, within=element.getroottree().getroot()))
    else:
        return "".join(element.itertext())
    return text_within(value, element, element.getroottree().getroot()) if is_price else value


def _with_rest(element: etree._Element, text: str) -> str:
    """Return the text of a price with the digits that follow its element, which make it unclear: `<b>£1</b>.50`."""
    if not text[-1:].isdigit() or "." in text:
        return text
    following = element.getnext()
    rest = (element.tail or "").strip() or ("" if following is None else "".join(following.itertext()).strip())
    return f"{text}\n{rest[:3]}" if re.fullmatch(r"[.,]?[0-9]{1,2}(?![0-9]).{0,3}", rest[:6], re.DOTALL) else text


# --- the graph ------------------------------------------------------------------------------------------


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    """Return the texts and numbers of a property; of value objects their `@value`, English first."""
    found = []
    for one in _listed(value):
        if isinstance(one, dict) and "@value" in one:
            language = str(one.get("@language", "")).casefold()
            rank = 0 if language.startswith("en") else 1 if not language else 2
            found += [(rank, inner) for inner in scalars(one["@value"])]
        elif not isinstance(one, dict):
            found += [(1, inner) for inner in scalars(one)]
    return [inner for _, inner in sorted(found, key=lambda pair: pair[0])]


def _name_of(value: object) -> str:
    """Return a type or a term of schema.org without its vocabulary, in lower case."""
    return re.split(r"[/#:]", str(value)[:200].rstrip("/"))[-1].casefold()


def _types(node: Node) -> set[str]:
    return {_name_of(one) for one in _listed(node.get("@type", node.get("type")))}


def _terms(value: Any) -> set[str]:  # noqa: ANN401  (JSON)
    """Return the terms of a property, given as text or as a node with `@id`."""
    return {_name_of(one.get("@id", one.get("name", "")) if isinstance(one, dict) else one) for one in _listed(value)}


def _is_product(node: Node) -> bool:
    return bool(_types(node) & _PRODUCTS)


def _nodes(value: Any) -> Iterator[Node]:  # noqa: ANN401  (JSON)
    """Yield every node in page order; of a product only its variants, not products like it or its brand."""
    waiting = [(value, False)]
    while waiting:
        one, is_reviewed = waiting.pop()
        if isinstance(one, list):
            waiting += [(inner, is_reviewed) for inner in reversed(one)]
        elif isinstance(one, dict):
            if not (is_reviewed and _is_product(one) and "offers" not in one):
                yield one
            if _is_product(one):
                inner = [(one[key], False) for key in ("isVariantOf", "hasVariant") if key in one]
            else:
                inner = [(part, key == "itemReviewed") for key, part in one.items()]
            waiting += reversed(inner)


@dataclass(frozen=True)
class _Graph:
    """The nodes of a page by their `@id`, as absolute addresses."""

    by_id: dict[str, Node]
    base_url: str
    groups: dict[int, Node] = field(default_factory=dict)
    """Group of a variant, by the variant's identity."""
    offers: dict[int, list[Node]] = field(default_factory=dict)
    """Offers that name a product as `itemOffered`, by the product's identity."""

    def is_reference(self, node: Node) -> bool:
        """True if a node only refers to another node of the page."""
        return "@id" in node and not node.keys() - _REFERENCE and len(self.node(node)) > len(node)

    def node(self, node: Node) -> Node:
        """Return the node that is referred to; the node itself where it is none or nothing else has its `@id`."""
        return self.by_id.get(address(self.base_url, str(node["@id"])), node) if "@id" in node else node

    def nodes(self, value: Any) -> list[Node]:  # noqa: ANN401  (JSON)
        """Return the nodes of a property, references followed; texts and numbers are none."""
        found = [one for one in _listed(value) if isinstance(one, dict)]
        return [self.node(one) if self.is_reference(one) else one for one in found]


def _graph(blocks: list[Any], base_url: str) -> _Graph:
    """Collect every node with an `@id`; of several with the same id that with most properties."""
    by_id: dict[str, Node] = {}
    waiting = list(reversed(blocks))
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "@id" in one:
                place = address(base_url, str(one["@id"]))
                by_id[place] = max(by_id.get(place, one), one, key=len)
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
    return _Graph(by_id, base_url)


def _products(nodes: list[Node], graph: _Graph) -> list[Node]:
    """Return the products to list: each once, variants in place of their group."""
    products: dict[int, Node] = {}
    for node in nodes:
        if not _is_product(node) or graph.is_reference(node):
            continue
        variants = [one for one in graph.nodes(node.get("hasVariant")) if one is not node]
        priced = [one for one in variants if "offers" in one]
        for variant in variants:
            graph.groups.setdefault(id(variant), node)
        if priced and not (node.get("offers") and "productgroup" not in _types(node)):
            products |= {id(one): one for one in priced}
        elif not (id(node) in graph.groups and "offers" not in node) and not _is_named_only(node, graph):
            products[id(node)] = node
    return list(products.values())


def _is_named_only(node: Node, graph: _Graph) -> bool:
    """True if a group without variants and offers only names the family of another product."""
    return _types(node) == {"productgroup"} and "offers" not in node and not graph.nodes(node.get("hasVariant"))


# --- a product and its offers ------------------------------------------------------------------------------


def _product(product: Node, page: Page, graph: _Graph) -> ProductTexts:
    group = graph.groups.get(id(product), {})
    texts = ProductTexts(
        product_id=[*_plain(product.get("sku")), *_plain(product.get("productID")), *_plain(product.get("gtin13"))],
        name=_plain(product.get("name")) or _plain(group.get("name")),
        url=[address(page.base_url, str(one)) for one in _plain(product.get("url"))[:1]],
    )
    for extra in graph.nodes(product.get("additionalProperty")):
        name = "".join(map(str, _plain(extra.get("name"))[:1])).casefold()
        if name in {"multibuy", "promotion"}:
            getattr(texts, name).extend(_plain(extra.get("value")))
    _add_offer(texts, _offers(product, page, graph), words(next(iter(texts.name), None)))
    return texts


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


def _add_offer(texts: ProductTexts, offers: list[_Offer], name: str | None) -> None:
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
    price = _plain(other.get("price")) if isinstance(other, dict) else [other]
    if kind == "was":
        texts.was_price += price[:1] if not texts.was_price else []
    elif kind == "loyalty":
        texts.loyalty_price += price[:1] if not texts.loyalty_price else []
    elif kind == "quantity" and isinstance(other, dict) and price:
        texts.promotion.append(f"{price[0]} for each of {_quantity(other) or 'several'} or more")
    elif kind == "unit" and isinstance(other, dict) and not texts.unit_amount:
        per = next((one for one in _listed(other.get("referenceQuantity")) if isinstance(one, dict)), other)
        code = next(iter([*_plain(per.get("unitCode")), *_plain(per.get("unitText"))]), None)
        value = next(iter(_plain(per.get("value"))), None) if per is not other else None
        texts.unit_amount, texts.unit = price[:1], [unit(words(code), value)]


def _offers(product: Node, page: Page, graph: _Graph) -> list[_Offer]:
    """Return the offers of a product; those within an AggregateOffer, whose price is the lowest, replace it."""
    offers: list[_Offer] = []
    for node in graph.nodes(product.get("offers")) or graph.offers.get(id(product), []):
        if product.get("itemCondition") and not node.get("itemCondition"):
            node = {**node, "itemCondition": product["itemCondition"]}  # noqa: PLW2901
        offer = _offer(node, page, graph, None)
        within = [one for one in graph.nodes(node.get("offers")) if "aggregateoffer" not in _types(one)]
        if "aggregateoffer" in _types(node) and within:
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
    plain = _plain(found)
    if "GBp" in plain:
        return "GBp"  # pence
    if not plain or all(_name_of(str(one).strip()) in {"gbp", "£", ""} for one in plain):
        return None
    return plain[0] if len(plain) == 1 else found


def _offer(node: Node, page: Page, graph: _Graph, inherited: Any) -> _Offer:  # noqa: ANN401  (currency)
    availability = _plain(node.get("availability")) or [
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
        if _plain(node.get("price")):
            offer.others.append((kind, node))
        return offer
    own = [*_plain(node.get("price"))] or [*_plain(node.get("lowPrice"))]
    sale = []
    for of_kind, specification in kinds:
        foreign = _currency(specification)
        if foreign is not None and of_kind != "now":
            offer.currency = foreign
            return offer
        if foreign is not None:
            offer.currency = foreign
        elif of_kind == "now":
            sale += _specified(specification)
        else:
            per = {"referenceQuantity": graph.nodes(specification.get("referenceQuantity"))}
            offer.others.append((of_kind, {**specification, **per} if of_kind == "unit" else specification))
    _set_price(offer, own, sale)
    return offer


def _specifications(node: Node, graph: _Graph) -> list[Node]:
    return [one for one in graph.nodes(node.get("priceSpecification")) if one is not node]


def _specified(specification: Node) -> list[Any]:
    price = _plain(specification.get("price"))
    low, high = _plain(specification.get("minPrice")), _plain(specification.get("maxPrice"))
    return price or (low if low == high else [])


def _set_price(offer: _Offer, own: list[Any], specified: list[Any]) -> None:
    """Set the price from the offer's price and its specifications, which must agree unless they differ in kind."""
    price, was, loyalty, problem = _read(own)
    other, _, _, other_problem = _read(specified)
    if price is None and (was is not None or loyalty is not None):
        problem = None  # a price of another kind, by its marks
    marked = {kind: _read(_plain(one.get("price")))[0] for kind, one in offer.others if isinstance(one, dict)}
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
    offer.price = price if price is not None else other
    offer.problem = problem or (other_problem if offer.price is None else None)


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
    """Least quantity for which a price is valid, where that is above 1."""
    for quantity in _listed(node.get("eligibleQuantity")):
        values = (
            [*_plain(quantity.get("value")), *_plain(quantity.get("minValue"))]
            if isinstance(quantity, dict)
            else [quantity]
        )
        for value in values:
            number = price_gbp(words(value))
            if number is not None and number > 1:
                return f"{number:g}"
    return None


def _kind(node: Node, page: Page, graph: _Graph, *, is_offer: bool = False) -> Kind:  # noqa: PLR0911  (a list of rules)
    """Return what the price of an offer or a specification is."""
    kinds = _terms(node.get("priceType")) - {""}
    if not is_offer and _is_of_unit(node, graph):
        return "unit"
    label = price_label("".join(map(str, _plain(node.get("name"))[:1])))
    if node.get("validForMemberTier") or label == "loyalty":
        return "loyalty"
    if kinds & _EARLIER or label == "was":
        return "was"
    if kinds - {"saleprice"} or label == "other" or _types(node) & (_CHARGES | _NOT_FOR_SALE):
        return "other"
    if any(_NOT_NEW.search(term) for term in _terms(node.get("itemCondition"))):
        return "other"
    if "false" in _terms(node.get("valueAddedTaxIncluded")) or _terms(node.get("businessFunction")) & _NO_SALE:
        return "other"
    if _is_abroad(node):
        return "other"
    if _quantity(node) is not None:
        return "quantity"
    if node.get("eligibleTransactionVolume") or _terms(node.get("eligibleCustomerType")) & {"business", "reseller"}:
        return "other"
    return "now" if _is_valid(node, page) else "other"


def _is_of_unit(node: Node, graph: _Graph) -> bool:
    """True if a specification is the price of a kilogram, a litre, …; a reference of one piece is the product."""
    references = graph.nodes(node.get("referenceQuantity"))
    if references:
        return not all(
            _terms(one.get("unitCode")) == {"c62"} and _plain(one.get("value")) in ([1], ["1"]) for one in references
        )
    if _plain(node.get("unitCode")):
        return _terms(node.get("unitCode")) != {"c62"}
    measure = unit(words(next(iter(_plain(node.get("unitText"))), None)))
    return measure is not None and measure.split()[-1] not in {"each", "unknown"}


def _is_abroad(node: Node) -> bool:
    """True if an offer is for other countries only, by their ISO 3166 codes or their type Country."""
    regions = _listed(node.get("eligibleRegion")) or _listed(node.get("areaServed"))
    countries = [
        term
        for region in regions
        for term in _terms(region)
        if len(term) == 2 or (isinstance(region, dict) and "country" in _types(region))
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
    texts = (str(one)[:40] for one in _plain(value))
    return next((text[:10] for text in texts if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)), None)
