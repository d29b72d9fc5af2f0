"""Price texts of shops as amounts by role: the price asked now, was-price, loyalty price, multibuy.

A text that is unclear gives no price; `read_price_text` gives the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite

from ons_bigdata.prices.sources.scraping.extraction.amounts import (
    LONGEST_TEXT,
    Amount,
    DecimalSeparator,
    amounts_of,
)
from ons_bigdata.prices.sources.scraping.extraction.amounts.labels import Role
from ons_bigdata.prices.sources.scraping.extraction.multibuys import multibuy, without_multibuys

_MARKED = re.compile(r"£|\bgbp\b|[0-9]\s?p\b|\bpence\b", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\u2061\u2062\ufeff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_COUNT_WORDS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "ten": "10", "twelve": "12"}
_COUNT_WORD = re.compile(rf"\b({'|'.join(_COUNT_WORDS)})(?=\s{{1,3}}for\b)", re.IGNORECASE)
_CONDITION = re.compile(
    r"\b(?:when|if) (?:you )?buy|\bwhen buying|\bmin(?:imum)?\.? (?:qty|quantity|order|purchase)|\bmix and match"
    r"|\bmultibuy|\bbundle|\bsubscri|\b(?:per|a) month\b|/mo(?:nth)?\b|[0-9]\s?p/m\b|£[0-9.]{1,9}\s?pm\b"
    r"|\bstudent|\bstaff\b|\b(?:when|if) you spend|\bfirst (?:order|shop)\b|\bnew customers?\b|\bmeal deal"
    r"|\bmix (?:six|any|[0-9])"
    r"|\bin a case\b|\bcase of [0-9]|\bthen\s?£"
    r"|\b(?:voucher|promo|discount|coupon) code\b|\bwith (?:a )?(?:code|voucher|coupon)\b"
    r"|(?<![\w.,£])(?!1[68]\b)[0-9]{1,3}\s?\+(?![0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PriceText:
    """Amounts of a price text by role, GBP; None where the text has no amount of the role, or several."""

    price_gbp: float | None = None
    was_price_gbp: float | None = None
    loyalty_price_gbp: float | None = None
    multibuy: str | None = None
    problem: str | None = None
    """Reason for which there is no price, where the text resembles a price."""
    amounts: tuple[tuple[Role, float], ...] = field(default=())


def read_price_text(text: str | float | None, *, decimal: DecimalSeparator = ".") -> PriceText:
    """Return the amounts of a text by role; `decimal` is the shop's decimal separator.

    The price asked now is the only amount of a text that is not marked as another price; a regular price counts where
    nothing else does. Two different prices, a negative or unclear number, or another currency than GBP give no price.
    """
    if text is None or isinstance(text, bool):
        return PriceText()
    if isinstance(text, int | float):
        is_price = isfinite(text) and text >= 0
        return PriceText(float(text), amounts=(("now", float(text)),)) if is_price else PriceText(problem=f"{text}")
    if len(text) > LONGEST_TEXT:
        return PriceText(problem=f"text of {len(text)} characters, expected at most {LONGEST_TEXT}")
    return _read_text(text, decimal)


@lru_cache(maxsize=4096)
def _read_text(text: str, decimal: DecimalSeparator) -> PriceText:
    """Read a text of bounded length; the products of a shop have few different prices."""
    if _DIRECTION.search(text):
        return PriceText(problem="characters that reverse the order of a text")
    text = _COUNT_WORD.sub(
        lambda found: _COUNT_WORDS[found[1].lower()], _INVISIBLE.sub("", text.replace("\uffe1", "£"))
    )
    offer = multibuy(text)
    bare = without_multibuys(text)
    if any(char.isdecimal() and not char.isascii() for char in bare):
        return PriceText(multibuy=offer, problem="digits that are not 0 to 9")
    return _by_role(
        amounts_of(bare, decimal, is_marked=_MARKED.search(text) is not None),
        offer,
        is_conditional=_CONDITION.search(bare) is not None,
    )


def _by_role(amounts: list[Amount], offer: str | None, *, is_conditional: bool) -> PriceText:
    def values(role: Role) -> list[Amount]:
        return [one for one in amounts if one.role == role]

    now, regular = values("now"), values("regular")
    candidates = now or regular
    problem = None
    if is_conditional and candidates:
        candidates, problem = [], "the price holds on a condition"
    elif any(one.value is None for one in candidates):
        problem = f"unclear number {next(one.text for one in candidates if one.value is None)!r}"
    elif offer and any(_is_of_multibuy(one.value, offer) for one in candidates):
        problem = f"{candidates[0].text!r} is the price of each in a multibuy: {offer}"
    elif len({one.value for one in candidates}) > 1:
        problem = f"{len(candidates)} prices: {', '.join(one.text for one in candidates)}"
    elif not candidates and values("foreign"):
        problem = f"another currency than GBP: {values('foreign')[0].text!r}"
    elif not candidates and amounts:
        problem = f"no price for everybody, now and for one: {amounts[0].text!r}"
    elif not candidates and offer:
        problem = f"only a multibuy: {offer}"
    was = values("was") or (regular if now else [])
    return PriceText(
        price_gbp=None if problem else _single(candidates),
        was_price_gbp=_single(was),
        loyalty_price_gbp=_single(values("loyalty")),
        multibuy=offer,
        problem=problem,
        amounts=tuple((one.role, float(one.value)) for one in amounts if one.value is not None),
    )


def _is_of_multibuy(value: Decimal | None, offer: str) -> bool:
    """True if an amount is the price of each in a multibuy such as `2 for 3.00`, to the penny."""
    count, _, total = offer.partition(" for ")
    try:
        return value is not None and abs(value - Decimal(total) / int(count)) < Decimal("0.01")
    except InvalidOperation:
        return False  # of "3 for the price of 2"


def _single(amounts: list[Amount]) -> float | None:
    values = {one.value for one in amounts}
    value = values.pop() if len(values) == 1 else None
    return None if value is None else float(value)


def price_gbp(text: str | float | None, *, decimal: DecimalSeparator = ".") -> float | None:
    """Current price of a single unit for any customer, GBP: "£1.50", "99p", "£1,250.00", 1.5; None where unclear."""
    return read_price_text(text, decimal=decimal).price_gbp


def amount_gbp(text: str | float | None, role: Role, *, decimal: DecimalSeparator = ".") -> float | None:
    """Return the amount of a text that a retailer file or schema.org declares to be of a role, in GBP.

    None where the text has no such amount, or several.
    """
    read = read_price_text(text, decimal=decimal)
    for roles in ({role}, {"now", "regular"}):
        values = {value for kind, value in read.amounts if kind in roles}
        if len(values) == 1:
            return values.pop()
        if values:
            return None
    values = {value for kind, value in read.amounts if kind in {"was", "loyalty"}}
    return values.pop() if len(values) == 1 else None


def was_price_gbp(text: str | None) -> float | None:
    """Return the earlier price of "Was £2.00 Now £1.50" or "Was: £2.00", in GBP; None where the text has none."""
    return read_price_text(text).was_price_gbp
