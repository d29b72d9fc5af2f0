"""JSON of pages: values of a text, the state embedded in a page, texts and numbers of a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ons_bigdata.prices.sources.scraping.extraction.page import Page, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_json(text: str, start: int = 0) -> tuple[Any, int]:
    """Return the JSON value at a place of a text, and where it ends.

    Numbers that are no finite number, or of more than 30 digits, come as texts: they cost their product, not the page.
    Raises UnreadableError for what is no JSON, or is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError as error:
        raise UnreadableError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise UnreadableError("JSON nested too deeply") from error


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= 30 else digits


_DECODER = json.JSONDecoder(strict=False, parse_int=_whole_number, parse_constant=str)


def state_of(page: Page, script: str) -> Any:  # noqa: ANN401  (JSON)
    """Return the JSON state that a page embeds in a script (CSS selector), or that the page is.

    `window.state = {…};` is read from its first brace. Raises UnreadableError where there is none or it is no JSON.
    """
    text = page.text
    if text.lstrip("\ufeff \t\r\n")[:1] not in {"{", "["}:
        found = page.selector().css(script).xpath("string()").get()
        if found is None:
            raise UnreadableError(f"no state: nothing matches {script!r}")
        text = found
    start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    if start < 0:
        raise UnreadableError("state holds no JSON object")
    try:
        return read_json(text, start)[0]
    except UnreadableError as error:
        raise UnreadableError(f"state is {error}") from error


def scalars(value: Any) -> Iterator[Any]:  # noqa: ANN401  (JSON)
    """Yield the texts and numbers of a JSON value: itself, or those of a list."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, str | int | float):
            yield one
