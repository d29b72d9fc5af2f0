"""Microdata of a page in the shape of JSON-LD."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from ons_bigdata.prices.sources.scraping.extraction.element_texts import text_of, text_within
from ons_bigdata.prices.sources.scraping.extraction.page import address
from ons_bigdata.prices.sources.scraping.extraction.schema_graph import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORDS = 4
"""Words before and after the element of a price that are read with it."""
_DECISIVE = re.compile(
    r"[€$¥₹]|(?-i:[A-Z]{3})|p|pence|(?:/|per\b|a\b)\s?(?:100\s?)?[a-z]{1,12}|(?:from|was|ex\.? ?vat|[2-9] for)",
    re.IGNORECASE,
)
"""Texts of neighbouring elements that change what a price is."""
_PRICE_NAMES = {"price", "lowPrice", "highPrice", "minPrice", "maxPrice"}


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
            add_value(scopes[-1], names, value if is_scope else value_of(element, names, base_url))
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


def add_value(item: Node, names: Sequence[str], value: Any) -> None:  # noqa: ANN401  (an item or a text)
    """Add a value to properties of an item; several values become a list."""
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
            add_value(item, names, items[element] if is_scope else value_of(element, names, base_url))
        depth += is_scope


def value_of(element: etree._Element, names: list[str], base_url: str) -> Any:  # noqa: ANN401  (text)
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
        return _with_surroundings(element, text_of(element, within=element.getroottree().getroot()))
    else:
        return "".join(element.itertext())
    return text_within(value, element, element.getroottree().getroot()) if is_price else value


def _with_surroundings(element: etree._Element, text: str) -> str:
    """Return the text of a price with the text around its element, which may change its meaning: `<b>99</b>p`, `€<b>1`.

    Of the neighbouring elements only a sign, pence or a measure counts. Digits that follow make the price unclear.
    """
    following, preceding = element.getnext(), element.getprevious()
    after = element.tail or ""
    parent = element.getparent()
    before = (preceding.tail if preceding is not None else parent.text if parent is not None else "") or ""
    rest = after.strip() or _text_beside(following)
    if text[-1:].isdigit() and "." not in text and re.fullmatch(r"[.,]?[0-9]{1,2}(?![0-9]).{0,3}", rest[:6], re.DOTALL):
        return f"{text}\n{rest[:3]}"
    if "\n" in text:
        return text
    if not after.strip() and _DECISIVE.fullmatch(rest) is not None and not _has_property(following):
        after = rest
    if not before.strip() and _DECISIVE.fullmatch(beside := _text_beside(preceding)) and not _has_property(preceding):
        before = beside
    before, after = " ".join(before.split()[-_WORDS:]), " ".join(after.split()[:_WORDS])
    touches = "" if (element.tail or after)[:1].strip() else " "
    return " ".join(f"{before} {text}{touches}{after}".split(" "))


def _text_beside(element: etree._Element | None) -> str:
    if element is None or not isinstance(element.tag, str):
        return ""
    return "".join(element.itertext()).strip()


def _has_property(element: etree._Element | None) -> bool:
    return element is not None and ("itemprop" in element.attrib or "property" in element.attrib)
