"""Texts of page elements as price texts: struck, hidden and members' amounts are marked or left out."""

from __future__ import annotations

import re

from lxml import etree

from ons_bigdata.prices.sources.scraping.extraction.amounts import ELEMENT_BOUNDARY
from ons_bigdata.prices.sources.scraping.extraction.page import printable

_BLOCKS = frozenset((
    "address", "article", "aside", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "label", "li", "main", "nav", "ol", "p", "section",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
))  # fmt: skip
_UNSEEN = frozenset(("script", "style", "template", "noscript", "head", "title"))
_STRUCK = frozenset(("del", "s", "strike"))
_WAS_CLASS = re.compile(
    r"(?:^|[\s_-])(?:old|was|before|strike|striked|strikethrough|crossed|rrp|msrp|compare|list)(?:-?_?price)?(?:$|[\s_-])"
    r"|line-?through|strike-?through|crossed-?out|price-?_?(?:old|was|before|rrp|list|original)|(?:old|was|original)price",
    re.IGNORECASE,
)
_LOYALTY_CLASS = re.compile(r"club-?_?(?:card|price)|member|loyalty|nectar", re.IGNORECASE)
_PENCE_CLASS = re.compile(r"(?:^|[\s_-])(?:cents?|pence|pennies|fraction|decimals?|minor)(?:$|[\s_-])", re.IGNORECASE)
_HIDDEN_STYLE = re.compile(r"display\s{0,3}:\s{0,3}none", re.IGNORECASE)
_STRUCK_STYLE = re.compile(r"line-through", re.IGNORECASE)
_PRICE_LIKE = re.compile(r"(?:£|€|\$|\bGBP)?\s?[.,]?[0-9][0-9.,]*")


def text_of(element: etree._Element, *, within: etree._Element | None = None) -> str:
    """Return the text of an element as a price text: struck amounts are marked "was", amounts for members "member".

    Elements between `within` and the element count for these marks. Pence in a separate element follow a decimal point;
    ELEMENT_BOUNDARY separates other digits of two elements. Blocks are separated by line ends.
    """
    parts: list[str] = []
    marks: list[str | None] = [_mark_above(element, within)]
    hidden = 0
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        if event in {"comment", "pi"}:
            if not hidden and node.tail:
                parts.append(re.sub(r"[ \t\r\n\f]+", " ", _marked(node.tail, marks[-1])))  # the same text goes on
        elif event == "start":
            mark = _mark_of(node) or marks[-1]
            hidden += hidden > 0 or _is_hidden(node)
            marks.append(mark)
            if not hidden:
                _append(parts, "\n" if node.tag in _BLOCKS else "", node, mark)
        else:
            marks.pop()
            if hidden:
                hidden -= 1
            elif node.tag in _BLOCKS or node.tag in _STRUCK:
                parts.append("\n")
            if node is not element and not hidden and node.tail:
                _join(parts, _marked(node.tail, marks[-1]))
    return _spaced("".join(parts))


def text_within(text: str, element: etree._Element, within: etree._Element | None) -> str:
    """Return a piece of text of an element, marked as `text_of` does."""
    return _spaced(_marked(text, _mark_of(element) or _mark_above(element, within)))


def _spaced(text: str) -> str:
    lines = (" ".join(printable(line).split(" ")) for line in re.split(r"\s{0,20}\n\s{0,20}", text))
    return "\n".join(line.strip() for line in lines if line.strip())


def _append(parts: list[str], separator: str, node: etree._Element, mark: str | None) -> None:
    if separator or node.tag in _STRUCK:
        parts.append("\n")
    text = " ".join((node.text or "").split()) if node.text else ""
    has_own_pence = node.tag in {"sup", "sub"} or _PENCE_CLASS.search(node.get("class", "")[:200])
    if has_own_pence and re.fullmatch(r"[0-9]{2}", text) and re.search(r"(?:^|[^0-9.,])[0-9]+$", "".join(parts[-6:])):
        parts.append(f".{text}")
    elif node.text:
        _join(parts, _marked(node.text, mark))


def _join(parts: list[str], text: str) -> None:
    """Append the text of another element."""
    text = re.sub(r"[ \t\r\n\f]+", " ", text)
    last = parts[-1][-1:] if parts else ""
    first = text[:1]
    if last.isdigit() and first.isdigit():
        parts.append(ELEMENT_BOUNDARY)
    elif last.isalnum() and first.isalnum() and last.isalpha():
        parts.append(" ")
    if text:
        parts.append(text)


def _marked(text: str, mark: str | None) -> str:
    return text if mark is None else _PRICE_LIKE.sub(lambda found: f" {mark} {found[0]}", text, count=20)


def _mark_above(element: etree._Element, within: etree._Element | None) -> str | None:
    for above in element.iterancestors():
        if above is within or within is None:
            return None
        if mark := _mark_of(above):
            return mark
    return None


def _mark_of(node: etree._Element) -> str | None:
    classes, style = node.get("class", "")[:200], node.get("style", "")[:400]
    if node.tag in _STRUCK or _WAS_CLASS.search(classes) or _STRUCK_STYLE.search(style):
        return "was"
    return "member" if _LOYALTY_CLASS.search(classes) else None


def _is_hidden(node: etree._Element) -> bool:
    return node.tag in _UNSEEN or "hidden" in node.attrib or bool(_HIDDEN_STYLE.search(node.get("style", "")[:400]))
