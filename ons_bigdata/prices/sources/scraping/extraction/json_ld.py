"""JSON-LD blocks of a page, with the faults that shops commit in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jstyleson

from ons_bigdata.prices.sources.scraping.extraction.json_values import read_json
from ons_bigdata.prices.sources.scraping.extraction.page import UnreadableError

if TYPE_CHECKING:
    from parsel import Selector

LONGEST_REPAIR = 1_000_000
"""Characters of a JSON-LD block up to which comments and trailing commas within it are read past."""

MOST_VALUES = 10_000
"""JSON values of a block, one after the other, up to which it is read."""

_SCRIPT_TYPE = re.compile(r"(?:(?:application|text)/)?(?:x-)?(?:ld[-+._ ]?json|json[-+._ ]?ld)")
"""Types of scripts with JSON-LD: `application/ld+json`, and how shops misspell it."""
_NAMESPACE = re.compile(r"^(?:schema:|https?://(?:www\.)?schema\.org/)", re.IGNORECASE)
_CONTAINERS = ("@set", "@list")
_LEADING = re.compile(
    r"[\s\ufeff;]+|-->|(?://\s*)?<!\[CDATA\[(?:\s*\*/)?|/\*(?:(?!\*/).)*\*/"
    r"|(?://\s*)?\]\]>|//[^\n]*(?:\n|$)|\*/",
    re.DOTALL,
)
"""Text allowed around the JSON of a script: blanks, comments, CDATA, `;`; `_Skipping` adds HTML comments."""
_END_OF_COMMENT = re.compile(r"-->|[{\[]")


def json_ld_blocks(tree: Selector) -> tuple[list[Any], list[str]]:
    """Values of the blocks of a page, and the faults of the blocks that are not JSON."""
    blocks: list[Any] = []
    failures, number = [], 0
    for script in tree.css("script[type]"):
        if _SCRIPT_TYPE.fullmatch(script.root.get("type").split(";")[0].strip().casefold()) is None:
            continue
        number += 1
        try:
            values = _json_values("".join(script.root.itertext()))
            blocks += [_compacted(one) for one in values]
            failures += [
                f"JSON-LD block {number} is a text, expected an object"
                for one in values
                if one and isinstance(one, str)
            ]
        except UnreadableError as error:
            failures.append(f"JSON-LD block {number} is {error}")
    return blocks, failures


def _compacted(block: Any) -> Any:  # noqa: ANN401  (JSON)
    """Return a block with properties by their names in schema.org, and the values of `@set` and `@list` in place."""
    holder = [block]
    waiting: list[Any] = [holder]
    while waiting:
        node = waiting.pop()
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            inner = value
            while isinstance(inner, dict) and (kind := next((one for one in _CONTAINERS if one in inner), None)):
                inner = inner[kind]
            name = _NAMESPACE.sub("", key) if isinstance(key, str) else key
            if name != key and name not in node:
                node.pop(key)
            else:
                name = key
            node[name] = inner
            if isinstance(inner, dict | list):
                waiting.append(inner)
    return holder[0]


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
    skipping = _Skipping(text)
    place, count = skipping.skip(0), 0
    while place < len(text):
        count += 1
        if count > MOST_VALUES:
            raise UnreadableError(f"not JSON: more than {MOST_VALUES} values")
        value, place = read_json(text, place)
        values += value if isinstance(value, list) else [value]
        place = skipping.skip(place)
    return values


class _Skipping:
    """Skips what is no JSON, in linear time over the whole text: where a comment may end is searched for once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._end_at, self._after_end = -1, -1

    def skip(self, place: int) -> int:
        """Return the place of the next JSON value, or of the end of the text."""
        while True:
            if self.text.startswith("<!--", place):
                place = self._after_comment(place)
            elif (found := _LEADING.match(self.text, place)) is not None and found.end() > place:
                place = found.end()
            else:
                return place

    def _after_comment(self, place: int) -> int:
        """Return the place after a comment; after its opening where it has no end, or a bracket: JSON is within."""
        if place > self._end_at:
            found = _END_OF_COMMENT.search(self.text, place)
            self._end_at = len(self.text) if found is None else found.start()
            self._after_end = found.end() if found is not None and found[0] == "-->" else -1
        return self._after_end if self._after_end > 0 else place + len("<!--")
