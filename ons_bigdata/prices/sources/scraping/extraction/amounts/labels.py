"""Words by which a text gives an amount its role: RRP, was, Clubcard price, save, delivery, now."""

from __future__ import annotations

import re
from typing import Literal

Role = Literal["now", "regular", "was", "loyalty", "other", "foreign"]

_LABELS_BEFORE: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"(?:{words})\W{{0,8}}$", re.IGNORECASE))  # type: ignore[misc]
    for role, words in (
        ("was", r"\b(?:was|were|before|previously|old price|original(?:ly)?(?: price)?(?: was)?|original price is"
                r"|list price|rrp|r\.r\.p|srp|msrp|mrp|(?:recommended|suggested)(?: retail)? price"
                r"|compare at(?: price)?|instead of|usual(?:ly)?(?: price)?|normally"
                r"|normal price|reduced from|down from|statt|vorher|uvp|avant|au lieu de|prix barré)"),
        ("loyalty", r"\b(?:clubcard|club|nectar|loyalty|members?|member['’]s|members['’]|card"
                    r"|mywaitrose|sparks|prime|xtra savings"
                    r"|smart shopper|bonus|app|rewards?|lidl plus)(?: (?:prices?|card|deal|offer|only))*"),
        ("other", r"\b(?:save|saving|saves|off|discount|from(?: only| just)?|starting at|as low as|up to|between|ab|dès"
                  r"|à partir de|delivery|shipping|postage|p\s?&\s?p|deposit|pfand|fee|charge"
                  r"|(?:payments?|install?ments?)(?: of)?|trade(?:[- ]in)?(?: price)?|nhs(?: price)?"
                  r"|(?:log|sign)[- ]?in(?: for)?|hire|rent(?:al)?|bid|guide(?: price)?"
                  r"|est(?:imated?)?(?: price)?|approx(?:imately)?|around|about"
                  r"|circa|ca?\.?|roughly|nearly|almost|under|below|(?:less|more) than|at (?:least|most)|avg\.?|average"
                  r"|win|then|after(?: the)? offer"
                  r"|exc?\.? vat|excl\.? vat|exc?\.? tax"
                  r"|excluding vat|excl\.? tax|net(?: price)?|vat|tax|used|refurbished|second[- ]hand|pre-owned"
                  r"|cashback|each saves|points?|worth|spend|over|minimum|min|max|unit price"
                  r"|price per (?:kg|100 ?g|l|litre|100 ?ml|unit))|~"),
        ("regular", r"\b(?:regular(?:ly)?(?: price)?)"),
        ("now", r"\b(?:now|only|just|our price|current price(?: is)?|sale(?: price)?|special price|offer price"
                r"|reduced to|inc\.? vat|incl\.? vat|including vat|incl\.? tax|price|today|for)"),
    )
)  # fmt: skip
_LABELS_AFTER: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"^\W{{0,4}}(?:{words})\b", re.IGNORECASE))  # type: ignore[misc]
    for role, words in (
        ("loyalty", r"(?:with |for |in |on )?(?:(?:a|your|the|my) )?(?:clubcard|club|nectar|loyalty|members?|card"
                    r"|mywaitrose|sparks|prime|xtra savings|smart shopper|bonus|app|rewards?|lidl plus)"),
        ("was", r"(?:rrp|list price|before|originally|previously|old price)"),
        ("other", r"(?:off|saving|saved|discount|cheaper|deposit|pfand|delivery|shipping|postage|exc?\.? vat"
                  r"|(?:kg|kilos?|lbs?|litres?|ltr)|excl\.? vat|exc?\.? tax|excluding vat|excl\.? tax|plus vat|\+ ?vat"
                  r"|net|vat"
                  r"|used|refurbished|cashback"
                  r"|points?|minimum|or more"
                  r"|and over|fee|charge)"),
    )
)  # fmt: skip
_EARLIER_BEFORE = next(words for role, words in _LABELS_BEFORE if role == "was")
_EARLIER_BEHIND = next(words for role, words in _LABELS_AFTER if role == "was")
INCLUSIVE = re.compile(
    r"^\W{0,4}(?:(?:inc|incl|including|inclusive of)\.? (?:vat|tax)\b|(?:vat|tax(?:es)?) incl(?:uded|\b))",
    re.IGNORECASE,
)
_PLAIN_WORDS = frozenset((
    "now", "only", "just", "our", "price", "current", "is", "sale", "special", "offer", "today", "inc", "incl",
    "vat", "tax", "each", "ea", "per", "unit", "item", "gbp", "pound", "pounds", "sterling", "reduced", "to",
    "regular", "regularly", "the", "a", "for", "original", "was",
))  # fmt: skip
_NEUTRAL_WORDS = _PLAIN_WORDS | {
    "p", "pence", "save", "off", "with", "you", "new", "low", "everyday", "rollback", "deal", "clearance", "bargain",
    "online", "pack", "packs", "packet", "multipack", "bottle", "bottles", "tin", "can", "loaf", "jar", "tub", "box",
    "carton", "tray", "punnet", "bunch", "vintage", "of", "and", "or", "at", "until", "till", "ends", "valid", "plus",
    "including", "includes", "included", "inclusive", "dropped",
}  # fmt: skip
"""Words around an amount in pounds or pence that leave it the price asked of anyone."""
_NEUTRAL_PHRASES = re.compile(
    r"\b(?:great value|half price|best seller|on sale|in stock|buy now|m&s|add to (?:basket|trolley|cart|bag)"
    r"|(?:(?:aldi|lidl|asda|tesco) )?price (?:match(?:ed)?|lock(?:ed)?|drop(?:ped)?|cut)"
    r"|(?:plus|exclud(?:es|ing)) (?:delivery|shipping|postage|p&p)"
    r"|free (?:uk |standard |next[- ]day )?(?:delivery|shipping|postage|returns))\b",
    re.IGNORECASE,
)

WORD = re.compile(r"[^\W\d_]+\$?")
"""A word, or the sign of a currency such as US$."""


def label_of(clause: str) -> Role | None:
    """Return the role that a clause without a number gives to the amount after it; None for any other text."""
    if INCLUSIVE.match(clause):
        return "now"
    return next((role for role, words in _LABELS_BEFORE if words.search(clause.strip())), None)


def price_label(text: str) -> Role | None:
    """Return the role that a name gives to its price ("Clubcard Price", "RRP"); None for any other text."""
    text = text.strip()
    return next((role for role, words in _LABELS_BEFORE if (found := words.search(text)) and not found.start()), None)


def role_of(before: str, after: str) -> Role | None:
    """Return the role that the texts around an amount give it; None without a label."""
    stripped = re.sub(r"(?:£|\bGBP\b)\s*$", "", before, flags=re.IGNORECASE)
    by_prefix = next((role for role, words in _LABELS_BEFORE if words.search(stripped)), None)
    if INCLUSIVE.match(after):
        return "now"
    by_suffix = next((role for role, words in _LABELS_AFTER if words.search(after)), None)
    return by_suffix if by_suffix is not None and by_prefix in {None, "now", "regular"} else by_prefix


def has_other_words(before: str, after: str) -> bool:
    """True if words around an amount without a sign of pounds may make it something else."""
    words = {word.casefold() for word in WORD.findall(f"{before} {after}")}
    return bool(words - _PLAIN_WORDS - {"p", "pence", "save", "off", "with", "you", "price"})


def without_label(text: str) -> str:
    """Return a text without the label at its end, which an amount follows: "RRP", "RRP was", "Save"."""
    text = next((words.sub("", text) for _, words in _LABELS_BEFORE if words.search(text)), text)
    return _EARLIER_BEFORE.sub("", text)


def has_unknown_words(own_words: str, *, is_after_earlier: bool) -> bool:
    """True if a word around an amount may change what it is: "roughly", "weekly", "trial".

    `is_after_earlier`: a label at the beginning is that of an earlier price before: "£2.00 RRP now £1.50".
    """
    text = _NEUTRAL_PHRASES.sub(" ", own_words)
    if is_after_earlier:
        text = _EARLIER_BEHIND.sub("", text)
    words = {word.casefold() for word in WORD.findall(text)}
    return bool(words - _NEUTRAL_WORDS)
