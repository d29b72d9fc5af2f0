"""What shops write about prices, turned into numbers and words: amounts, unit prices, multibuys, was/now.

Amounts are price-parser's to find; what a text says beyond the amount (pence, per what, how many for) is said here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from price_parser import Price

_MEASURES = {
    "kg": "kg", "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg", "kgm": "kg",
    "g": "g", "gr": "g", "gram": "g", "grams": "g", "grm": "g",
    "l": "l", "lt": "l", "ltr": "l", "litre": "l", "litres": "l", "liter": "l",
    "ml": "ml", "mlt": "ml", "cl": "cl", "clt": "cl",
    "each": "each", "ea": "each", "unit": "each", "item": "each", "piece": "each", "c62": "each",
}  # fmt: skip
"""Words and UN/CEFACT codes for measures (schema.org `unitCode`), and ours."""

_AMOUNT = re.compile(
    r"(?:-\s*)?(?P<pounds>£|\bGBP\b)?\s*(?:-\s*)?(?P<number>[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:\s*(?P<pence>p)\b)?",
    re.IGNORECASE,
)
"""The first amount of a text alone: price-parser would rather take a later one beside a currency sign."""

_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")

_PER = re.compile(r"\s*(?:/|\bper\b|\ba\b)\s*", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|ea)\b", re.IGNORECASE)
_MEASURE = re.compile(r"([0-9]+(?:\.[0-9]+)?)?\s*([a-z][a-z0-9]*)", re.IGNORECASE)
_SUM = r"(?:£\s*[0-9][0-9,]*(?:\.[0-9]{1,2})?|[0-9]+\s*p\b|[0-9]+\.[0-9]{2})"
_FOR_SUM = re.compile(rf"(?:\bany\s+)?([0-9]{{1,2}})\s*for\s*({_SUM})", re.IGNORECASE)
_FOR_COUNT = re.compile(
    r"(?:\bany\s+)?\b([0-9]{1,2})\s*for\s*(?:the price of\s*)?([0-9]{1,2})\b(?![.0-9p])", re.IGNORECASE
)
_ONE_FREE = re.compile(r"buy\s+(one|1|two|2)\s*,?\s*get\s+(?:one|1)\s+free", re.IGNORECASE)
_WAS = re.compile(rf"\bwas\s*:?\s*({_SUM})", re.IGNORECASE)


def price_gbp(text: str | float | None) -> float | None:
    """Return the first amount of a text in GBP: "£1.50", "99p", "£1,250.00", 1.5; None where there is none.

    A decimal point is a point and a thousand's comma a comma: "1,250" is never 1.25, and "1,50" is no amount.
    """
    if text is None or isinstance(text, bool):
        return None
    amount = _amount(str(text))
    return None if amount is None else float(amount)


def _amount(text: str) -> Decimal | None:
    first = _AMOUNT.search(text)
    if first is None or "-" in first[0]:
        return None
    number = first["number"].rstrip(",")
    if "," in number and not _GROUPED.fullmatch(number):
        return None
    found = Price.fromstring(first[0], decimal_separator=".").amount
    return found / 100 if found is not None and first["pence"] and not first["pounds"] else found


@dataclass(frozen=True)
class UnitPrice:
    """A price per unit."""

    price_gbp: float
    unit: str
    """Quantity and measure: `100 g`, `1 kg`, `75 cl`, `1 l`, `1 each`."""


def unit_price(text: str | None) -> UnitPrice | None:
    """Return the unit price that a text says: "(£0.15/100g)", "12.5p/100g", "£1.25/kg", "£5.33 per 75cl", "20p each".

    The unit is a quantity and a measure (`100 g`, `1 kg`, `75 cl`, `1 l`, `1 each`), `100 unknown` where the measure is
    not known. None where the text holds no amount or does not say per what.
    """
    if text is None:
        return None
    bare = text.strip().strip("()").strip()
    parts = _PER.split(bare, maxsplit=1)
    if len(parts) == 2:
        amount, per = _amount(parts[0]), unit(parts[1])
    elif _EACH.search(bare):
        amount, per = _amount(bare), "1 each"
    else:
        return None
    return None if amount is None or per is None else UnitPrice(float(amount), per)


def unit(text: str | None, quantity: float | str | None = None) -> str | None:
    """Return a unit in our words: "100g" and "100 G" are `100 g`, "kg" and "KGM" `1 kg`.

    None for no words at all, and for a quantity that is no number above 0.
    """
    if text is None:
        return None
    found = _MEASURE.search(str(text).strip())
    if found is None:
        return None
    try:
        number = Decimal(str(quantity) if quantity is not None else found[1] or "1")
    except InvalidOperation:
        return None
    if not number.is_finite() or number <= 0:
        return None
    measure = _MEASURES.get(found[2].lower(), "unknown")
    whole = format(number.normalize(), "f")
    return f"{whole} {measure}"


def multibuy(text: str | None) -> str | None:
    """Return a multibuy in our words: "any 2 for £3" is `2 for 3.00`, "3 for 2" `3 for the price of 2`.

    None where the text offers none, or (as "2for") not at what price.
    """
    if text is None:
        return None
    if found := _FOR_SUM.search(text):
        amount = _amount(found[2])
        return None if amount is None else f"{int(found[1])} for {amount:.2f}"
    if (found := _FOR_COUNT.search(text)) and int(found[2]) < int(found[1]):
        return f"{int(found[1])} for the price of {int(found[2])}"
    if found := _ONE_FREE.search(text):
        bought = 1 if found[1].lower() in {"one", "1"} else 2
        return f"{bought + 1} for the price of {bought}"
    return None


def was_price_gbp(text: str | None) -> float | None:
    """Return the earlier price of "Was £2.00 Now £1.50" or "Was: £2.00", in GBP; None where the text names none."""
    found = _WAS.search(text) if text else None
    return price_gbp(found[1]) if found else None
