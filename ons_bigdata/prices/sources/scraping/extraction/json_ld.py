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

_LEADING = re.compile(
    r"[\s\ufeff;]+|<!--(?:(?!-->)[^{\[])*-->|<!--|-->|(?://\s*)?<!\[CDATA\[(?:\s*\*/)?|/\*(?:(?!\*/).)*\*/"
    r"|(?://\s*)?\]\]>|//[^\n]*(?:\n|$)|\*/",
    re.DOTALL,
)
"""Text allowed around the JSON of a script: blanks, comments, CDATA, `;`."""


def json_ld_blocks(tree: Selector) -> tuple[list[Any], list[str]]:
    """Values of the blocks of a page, and the faults of the blocks that are not JSON."""
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
