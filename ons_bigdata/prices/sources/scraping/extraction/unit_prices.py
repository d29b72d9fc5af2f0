"""Unit prices in texts: amounts per quantity and measure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ons_bigdata.prices.sources.scraping.extraction.amounts import LONGEST_TEXT, DecimalSeparator, plain_amount
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text

_MEASURES = {
    "kg": "kg", "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg", "kgm": "kg",
    "g": "g", "gr": "g", "gram": "g", "grams": "g", "grm": "g",
    "l": "l", "lt": "l", "ltr": "l", "litre": "l", "litres": "l", "liter": "l",
    "ml": "ml", "mlt": "ml", "cl": "cl", "clt": "cl",
    "each": "each", "ea": "each", "unit": "each", "item": "each", "piece": "each", "c62": "each",
}  # fmt: skip
"""Words and UN/CEFACT codes of measures (schema.org `unitCode`) → measure in quote files."""

_PER = re.compile(r"\s*(?:/|\bper\b|\bpro\b|\bje\b|\bpar\b|\ba\b)\s*", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|ea)\b", re.IGNORECASE)
_MEASURE = re.compile(r"(?<![0-9.])([0-9]{1,9}(?:\.[0-9]{1,9})?)?\s{0,3}([a-z][a-z0-9]{0,20})", re.IGNORECASE)


@dataclass(frozen=True)
class UnitPrice:
    """Price per unit of quantity."""

    price_gbp: float
    unit: str
    """Quantity and measure: `100 g`, `1 kg`, `75 cl`, `1 l`, `1 each`."""


def unit_price(text: str | None, *, decimal: DecimalSeparator = ".") -> UnitPrice | None:
    """Return the unit price of a text: "(£0.15/100g)", "12.5p/100g", "£1.25/kg", "£5.33 per 75cl", "20p each".

    The unit is a quantity and a measure (`100 g`, `1 kg`, `75 cl`, `1 l`, `1 each`), `100 unknown` where the measure is
    not known. None where the text has no amount in GBP or no unit.
    """
    if text is None or len(text) > LONGEST_TEXT:
        return None
    bare = text.strip().strip("()").strip()
    parts = _PER.split(bare, maxsplit=1)
    if len(parts) == 2:
        amount, per = plain_amount(parts[0], decimal), unit(parts[1])
    elif _EACH.search(bare):
        amount, per = plain_amount(_EACH.sub("", bare), decimal), "1 each"
    else:
        return None
    return None if amount is None or per is None else UnitPrice(amount, per)


def unit_amount(value: str | float | None, *, decimal: DecimalSeparator = ".") -> float | None:
    """Return the amount of a unit price, in GBP, from a number or a text without a unit; None where unclear."""
    if isinstance(value, str):
        return plain_amount(value, decimal) if len(value) <= LONGEST_TEXT else None
    return read_price_text(value).price_gbp


def unit(text: str | None, quantity: float | str | None = None) -> str | None:
    """Return a unit as in quote files: "100g" and "100 G" are `100 g`, "kg" and "KGM" `1 kg`.

    None for a text without a word, and for a quantity that is no number above 0.
    """
    if text is None or len(str(text)) > LONGEST_TEXT:
        return None
    found = _MEASURE.search(str(text).strip())
    if found is None:
        return None
    try:
        number = Decimal(str(quantity)[:40] if quantity is not None else found[1] or "1")
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 < number < 1_000_000 or number != round(number, 6):
        return None
    measure = _MEASURES.get(found[2].lower(), "unknown")
    return f"{format(number.normalize(), 'f')} {measure}"
