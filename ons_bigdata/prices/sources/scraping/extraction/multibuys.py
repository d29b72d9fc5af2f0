"""Multibuy offers in texts."""

from __future__ import annotations

import re

from ons_bigdata.prices.sources.scraping.extraction.amounts import LONGEST_TEXT, plain_amount

_SUM = r"(?:(?:£|\bGBP)\s?[0-9][0-9,]{0,8}(?:\.[0-9]{1,2})?|[0-9]{1,5}\s?p\b|[0-9]{1,6}\.[0-9]{2}(?![0-9]))"
_COUNT = r"(?<![0-9.,£])[0-9]{1,2}"
_THINGS = r"(?:\s(?:items|products|selected|packs|multipacks|bottles|boxes|tins|cans|bags|jars|tubs|loaves))?"
_FOR_SUM = re.compile(
    rf"(?:\bany\s+)?({_COUNT}){_THINGS}\s{{0,3}}(?:for|pour|für|voor|/)\s{{0,3}}(?:only\s|just\s)?({_SUM})",
    re.IGNORECASE,
)
_SUM_FOR = re.compile(
    rf"({_SUM})\s{{0,3}}for\s{{0,3}}(?:any\s+)?({_COUNT})(?![0-9.,]|\s?(?:k?g|m?l|cl)\b)", re.IGNORECASE
)
_TIMES_SUM = re.compile(rf"{_COUNT}\s{{0,3}}[x×*@]\s{{0,3}}{_SUM}", re.IGNORECASE)
_FOR_COUNT = re.compile(
    rf"(?:\bany\s+)?({_COUNT})\s{{0,3}}for\s{{0,3}}(?:the price of\s{{0,3}})?([0-9]{{1,2}})\b(?!\.?[0-9]|\s?p\b)",
    re.IGNORECASE,
)
_ONE_FREE = re.compile(r"buy\s{1,3}(one|1|two|2)\s{0,3},?\s{0,3}get\s{1,3}(?:one|1)\s{1,3}free", re.IGNORECASE)


def multibuy(text: str | None) -> str | None:
    """Return a multibuy as in quote files: "any 2 for £3" is `2 for 3.00`, "3 for 2" `3 for the price of 2`.

    None where the text offers none, or no price for it (as "2for").
    """
    if text is None:
        return None
    text = text[: 10 * LONGEST_TEXT]
    for count, amount in (
        *((one[1], one[2]) for one in _FOR_SUM.finditer(text)),
        *((one[2], one[1]) for one in _SUM_FOR.finditer(text)),
    ):
        value = plain_amount(amount, ".")
        if value is not None and int(count) > 1:
            return f"{int(count)} for {value:.2f}"
    counts = _FOR_COUNT.search(text)
    if counts is not None and 0 < int(counts[2]) < int(counts[1]):
        return f"{int(counts[1])} for the price of {int(counts[2])}"
    if free := _ONE_FREE.search(text):
        bought = 1 if free[1].lower() in {"one", "1"} else 2
        return f"{bought + 1} for the price of {bought}"
    return None


def without_multibuys(text: str) -> str:
    """Replace the multibuys of a text by line ends."""
    for pattern in (_FOR_SUM, _SUM_FOR, _TIMES_SUM, _FOR_COUNT, _ONE_FREE):
        text = pattern.sub("\n", text)
    return text
