"""RDFa of a page (`vocab`, `typeof`, `property`, `resource`, `rel`) in the shape of JSON-LD: what is of schema.org."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lxml import etree

from ons_bigdata.prices.sources.scraping.extraction.microdata import add_value, value_of
from ons_bigdata.prices.sources.scraping.extraction.page import address

if TYPE_CHECKING:
    from ons_bigdata.prices.sources.scraping.extraction.schema_graph import Node

_SCHEMA_ORG = re.compile(r"https?://(?:www\.)?schema\.org(?:/|$)", re.IGNORECASE)
_PREFIX = re.compile(r"([A-Za-z][\w.-]{0,40}):\s+(\S{1,200})")
_XMLNS = re.compile(r"xmlns:([A-Za-z][\w.-]{0,40})")
_OF_TEXT = {"name", "price", "lowPrice", "sku", "productID", "gtin13"}
"""Properties whose value is the text of a link, not its address."""


@dataclass(frozen=True)
class _Context:
    """Vocabulary and subject that the elements within an element inherit."""

    vocabulary: str | None = None
    prefixes: dict[str, str] = field(default_factory=lambda: {"schema": "http://schema.org/"})
    subject: Node | None = None
    relations: tuple[str, ...] = ()
    """Properties of the subject whose value is the next item within."""


def rdfa_items(root: etree._Element, base_url: str) -> list[Node]:
    """Return the items of a page's RDFa that are no value of another; elements of the same `resource` are one item.

    Types and properties of other vocabularies than schema.org are left out (RDFa Core 1.1, 7.5, without lists,
    reverse relations and data types).
    """
    tops: list[Node] = []
    by_id: dict[str, Node] = {}
    contexts = [_Context()]
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        if event == "end":
            contexts.pop()
            continue
        contexts.append(_enter(element, contexts[-1], by_id, tops, base_url))
    return tops


def _enter(element: etree._Element, outer: _Context, by_id: dict[str, Node], tops: list[Node], base: str) -> _Context:
    """Add what an element says, and return the context of the elements within."""
    context = _with_vocabularies(element, outer)
    names = _names(element.get("property", ""), context)
    relations = _names(element.get("rel", ""), context) if element.tag != "link" or "typeof" in element.attrib else ()
    types = element.get("typeof", "").split()
    about = element.get("about")
    subject = _item(about, by_id, base) if about is not None and not types else context.subject
    if types:
        place = about if about is not None else element.get("resource")
        if place is None and (names or outer.relations):
            place = element.get("href", element.get("src"))
        item = _item(place, by_id, base)
        known = item.get("@type", [])
        item["@type"] = [*known, *(one for one in _types(types, context) if one not in known)]
        holders = names or outer.relations
        if holders and context.subject is not None and context.subject is not item:
            add_value(context.subject, holders, item)
        else:
            tops.append(item)
        return replace(context, subject=item, relations=tuple(relations))
    if names and subject is not None:
        add_value(subject, names, _value(element, names, by_id, base))
    if relations and subject is not None:
        target = element.get("resource", element.get("href"))
        if target is not None:
            add_value(subject, relations, {"@id": _absolute(target, base)})
            relations = ()
    elif "resource" in element.attrib and not names and not relations:
        subject = _item(element.get("resource"), by_id, base)
    return replace(context, subject=subject, relations=tuple(relations) or outer.relations)


def _with_vocabularies(element: etree._Element, context: _Context) -> _Context:
    if "vocab" in element.attrib:
        context = replace(context, vocabulary=element.get("vocab", "").strip() or None)
    declared = dict(_PREFIX.findall(element.get("prefix", "")[:2_000]))
    for name, value in element.attrib.items():
        if (found := _XMLNS.fullmatch(str(name))) is not None:
            declared[found[1]] = str(value)
    return replace(context, prefixes={**context.prefixes, **declared}) if declared else context


def _local(name: str, context: _Context) -> str | None:
    """Return a type or property of schema.org without its vocabulary; None for one of another vocabulary."""
    prefix, colon, rest = name.partition(":")
    if not colon:
        is_known = context.vocabulary is None or _SCHEMA_ORG.match(context.vocabulary) is not None
        return name if is_known else None
    full = f"{context.prefixes[prefix]}{rest}" if prefix in context.prefixes else name
    found = _SCHEMA_ORG.match(full)
    return full[found.end() :] if found is not None else None


def _names(text: str, context: _Context) -> tuple[str, ...]:
    local = (_local(one, context) for one in text.split()[:100])
    return tuple(one for one in local if one is not None and one.isidentifier())


def _types(types: list[str], context: _Context) -> list[str]:
    return [local for one in types if (local := _local(one, context)) is not None]


def _item(place: str | None, by_id: dict[str, Node], base: str) -> Node:
    """Return the item of an address, or a new one without."""
    if place is None:
        return {}
    absolute = _absolute(place, base)
    return by_id.setdefault(absolute, {"@id": absolute})


def _absolute(place: str, base: str) -> str:
    bare = place.strip().removeprefix("[").removesuffix("]")
    return bare if bare.startswith("_:") else address(base, bare)


def _value(element: etree._Element, names: tuple[str, ...], by_id: dict[str, Node], base: str) -> Any:  # noqa: ANN401
    """Return the value of a property: `content`, else what `resource` names, else as in microdata."""
    if "content" not in element.attrib and "resource" in element.attrib:
        place = _absolute(element.get("resource", ""), base)
        return by_id.setdefault(place, {"@id": place}) if place.startswith(("_:", base)) else place
    is_text = element.tag in {"a", "area"} and "content" not in element.attrib and bool(_OF_TEXT & set(names))
    return "".join(element.itertext()) if is_text else value_of(element, list(names), base)
