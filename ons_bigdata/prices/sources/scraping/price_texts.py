"""Price texts of shops as amounts with a role: the price asked now, was-price, loyalty price, multibuy, unit price.

The role of an amount is decided by the words, signs and measures around it, never by its position. A text that is
unclear gives no price; `read_price_text` says why.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Literal

DecimalSeparator = Literal[".", ","]

LONGEST_TEXT = 400
"""Greatest length (characters) of a price text; longer texts are rejected."""

ELEMENT_BOUNDARY = "\u2063"
"""Separator that `listings.text_of` inserts between digits of two elements: `£1<b>50</b>` is not 150."""

_MEASURES = {
    "kg": "kg", "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg", "kgm": "kg",
    "g": "g", "gr": "g", "gram": "g", "grams": "g", "grm": "g",
    "l": "l", "lt": "l", "ltr": "l", "litre": "l", "litres": "l", "liter": "l",
    "ml": "ml", "mlt": "ml", "cl": "cl", "clt": "cl",
    "each": "each", "ea": "each", "unit": "each", "item": "each", "piece": "each", "c62": "each",
}  # fmt: skip
"""Words and UN/CEFACT codes of measures (schema.org `unitCode`) → measure in quote files."""

_CURRENCY_CODES = frozenset((
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR",
    "FKP", "GHS", "GIP", "HKD", "HRK", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "LKR", "MAD",
    "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RMB", "RON", "RSD", "RUB", "SAR", "SEK",
    "SGD", "SHP", "THB", "TRY", "TWD", "TZS", "UAH", "UGX", "USD", "VND", "ZAR", "ZMW",
))  # fmt: skip
_FOREIGN_WORDS = frozenset((
    "r", "rs", "fr", "sfr", "chf", "kr", "kč", "zł", "lei", "ft", "eur", "euro", "euros", "usd", "dollar",
    "dollars", "cent", "cents", "c", "ct", "cts", "ie", "irl", "le", "a$", "us$", "sek", "nok", "dkk", "pln", "zar",
    "aud", "cad", "nzd", "jpy", "inr",
))  # fmt: skip
"""Signs of currencies that are words; they count where they touch an amount."""


_DIGIT = "[0-9]"
_NUMBER = re.compile(
    rf"{_DIGIT}{{1,3}}(?:[ \u00a0\u2009\u202f]{_DIGIT}{{3}})+[.,]{_DIGIT}{{2}}(?![0-9])"
    rf"|[.,]?{_DIGIT}[0-9.,'’{ELEMENT_BOUNDARY}]*"
)
_FORMATS: dict[DecimalSeparator, re.Pattern[str]] = {
    ".": re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]{1,2}|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?"
                    r"|[0-9]{1,3}(?:['’ \u00a0\u2009\u202f][0-9]{3})+(?:\.[0-9]{1,2})?"),
    ",": re.compile(r"[0-9]+(?:,[0-9]+)?|,[0-9]{1,2}|[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,2})?"
                    r"|[0-9]{1,3}(?:['’ \u00a0\u2009\u202f][0-9]{3})+(?:,[0-9]{1,2})?"),
}  # fmt: skip
_MINUS = "-\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d\u207b"
_CONTINUED = re.compile(
    rf"[eE](?:[+{_MINUS}]?[0-9]|$)|[x×^_]|\*\s?[0-9]|[²³¹⁰-⁹₀-₉½¼¾]|\s?[·٫٬'’_]\s?(?:[0-9]|$)"
    rf"|\s?(?:k|m|bn|million|thousand)\b(?![&'’])|\s?[0-9]/[0-9]|[.,:;]\s?[{_MINUS}]|\+(?!\s?[0-9£])"
    r"|\s?/\s?[0-9]{1,3}(?![0-9]|\s?[a-z])|\s\.?[0-9]{2}(?![0-9])|\s[0-9]{3}(?![0-9.,]|\s?[a-z])",
    re.IGNORECASE,
)
"""Text after digits that are only a part of a number: an exponent, a superscript, pence after a blank, "from"."""
_MARKED = re.compile(r"£|\bgbp\b|[0-9]\s?p\b|\bpence\b", re.IGNORECASE)
_PUNCTUATED = re.compile(
    r"\s?[^\w\s£€$(){}\[\]%+&]{1,2}\s?(?![0-9.,]{1,7}\s?(?:k?g|m?l|cl|ltr|packs?|pk|oz|lb|cm|mm)\b)[0-9]", re.I
)
"""Text after a whole number that may go on behind a mark: "£1:50", "£1 - 2"."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\u2061\u2062\ufeff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_COUNT_WORDS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "ten": "10", "twelve": "12"}
_COUNT_WORD = re.compile(rf"\b({'|'.join(_COUNT_WORDS)})(?=\s{{1,3}}for\b)", re.IGNORECASE)

_SUM = r"(?:(?:£|\bGBP)\s?[0-9][0-9,]{0,8}(?:\.[0-9]{1,2})?|[0-9]{1,5}\s?p\b|[0-9]{1,6}\.[0-9]{2}(?![0-9]))"
_COUNT = r"(?<![0-9.,£])[0-9]{1,2}"
_FOR_SUM = re.compile(rf"(?:\bany\s+)?({_COUNT})\s{{0,3}}(?:for|pour|für|voor|/)\s{{0,3}}({_SUM})", re.IGNORECASE)
_SUM_FOR = re.compile(
    rf"({_SUM})\s{{0,3}}for\s{{0,3}}(?:any\s+)?({_COUNT})(?![0-9.,]|\s?(?:k?g|m?l|cl)\b)", re.IGNORECASE
)
_TIMES_SUM = re.compile(rf"{_COUNT}\s{{0,3}}[x×@]\s{{0,3}}{_SUM}", re.IGNORECASE)
_FOR_COUNT = re.compile(
    rf"(?:\bany\s+)?({_COUNT})\s{{0,3}}for\s{{0,3}}(?:the price of\s{{0,3}})?([0-9]{{1,2}})\b(?!\.?[0-9]|\s?p\b)",
    re.IGNORECASE,
)
_ONE_FREE = re.compile(r"buy\s{1,3}(one|1|two|2)\s{0,3},?\s{0,3}get\s{1,3}(?:one|1)\s{1,3}free", re.IGNORECASE)
_CONDITION = re.compile(
    r"\b(?:when|if) (?:you )?buy|\bwhen buying|\bmin(?:imum)?\.? (?:qty|quantity|order|purchase)|\bmix and match"
    r"|\bmultibuy|\bbundle|\bsubscri|\b(?:per|a) month\b|/mo(?:nth)?\b|[0-9]\s?p/m\b|£[0-9.]{1,9}\s?pm\b"
    r"|\bstudent|\bstaff\b|\b(?:when|if) you spend|\bfirst (?:order|shop)\b|\bnew customers?\b|\bmeal deal"
    r"|\bmix (?:six|any|[0-9])"
    r"|\bin a case\b|\b(?:voucher|promo|discount|coupon) code\b|\bwith (?:a )?(?:code|voucher|coupon)\b"
    r"|(?<![\w.,£])(?!1[68]\b)[0-9]{1,3}\s?\+(?![0-9])",
    re.IGNORECASE,
)

_PER = re.compile(r"\s*(?:/|\bper\b|\bpro\b|\bje\b|\bpar\b|\ba\b)\s*", re.IGNORECASE)
_PER_MEASURE = re.compile(
    r"\s{0,3}(?:/|\b(?:per|pro|je|par|a)\b|\bfor\b(?=\s?[0-9]))\s{0,3}(?:[0-9]{1,5}(?:\.[0-9]{1,3})?)?\s{0,2}([a-z][a-z0-9]{0,20})",
    re.IGNORECASE,
)
_PER_PRODUCT = {"each", "ea", "unit", "item", "piece", "pack", "packet", "pk", "c62"}
_EACH = re.compile(r"\b(?:each|ea)\b", re.IGNORECASE)
_MEASURE = re.compile(r"(?<![0-9.])([0-9]{1,9}(?:\.[0-9]{1,9})?)?\s{0,3}([a-z][a-z0-9]{0,20})", re.IGNORECASE)

Role = Literal["now", "regular", "was", "loyalty", "other", "foreign"]

_BEFORE: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"(?:{words})\W{{0,8}}$", re.IGNORECASE))  # type: ignore[misc]
    for role, words in (
        ("was", r"\b(?:was|were|before|previously|old price|original(?:ly)?(?: price)?(?: was)?|original price is"
                r"|list price|rrp|r\.r\.p|srp|msrp|compare at(?: price)?|instead of|usual(?:ly)?(?: price)?|normally"
                r"|normal price|reduced from|down from|statt|vorher|uvp|avant|au lieu de|prix barré)"),
        ("loyalty", r"\b(?:clubcard|club|nectar|loyalty|members?|card|mywaitrose|sparks|prime|xtra savings"
                    r"|smart shopper|bonus|app|rewards?|lidl plus)(?: (?:price|card|deal|offer|only))*"),
        ("other", r"\b(?:save|saving|saves|off|discount|from(?: only| just)?|starting at|as low as|up to|between|ab|dès"
                  r"|à partir de|delivery|shipping|postage|p\s?&\s?p|deposit|pfand|fee|charge"
                  r"|(?:payments?|install?ments?)(?: of)?|trade(?:[- ]in)?(?: price)?|nhs(?: price)?"
                  r"|(?:log|sign)[- ]?in(?: for)?|hire|rent(?:al)?|bid|guide(?: price)?"
                  r"|est(?:imated?)?(?: price)?|approx(?:imately)?|around|about"
                  r"|circa"
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
_AFTER: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
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
_INCLUSIVE = re.compile(r"^\W{0,4}(?:inc|incl|including)\.? (?:vat|tax)\b", re.IGNORECASE)
_PLAIN_WORDS = frozenset((
    "now", "only", "just", "our", "price", "current", "is", "sale", "special", "offer", "today", "inc", "incl",
    "vat", "tax", "each", "ea", "per", "unit", "item", "gbp", "pound", "pounds", "sterling", "reduced", "to",
    "regular", "regularly", "the", "a", "for", "original", "was",
))  # fmt: skip
_CLAUSE = re.compile(r"[\n;|•()\[\]]|,\s|\.\s|\s[\u2013\u2014]\s")
_WORD = re.compile(r"[^\W\d_]+\$?")


@dataclass(frozen=True)
class UnitPrice:
    """Price per unit of quantity."""

    price_gbp: float
    unit: str
    """Quantity and measure: `100 g`, `1 kg`, `75 cl`, `1 l`, `1 each`."""


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


@dataclass(frozen=True)
class _Amount:
    role: Role
    value: Decimal | None
    """None: the number is unclear."""
    text: str


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
    if _DIRECTION.search(text):
        return PriceText(problem="characters that reverse the order of a text")
    text = _COUNT_WORD.sub(
        lambda found: _COUNT_WORDS[found[1].lower()], _INVISIBLE.sub("", text.replace("\uffe1", "£"))
    )
    offer = multibuy(text)
    bare = _without_multibuys(text)
    if any(char.isdecimal() and not char.isascii() for char in bare):
        return PriceText(multibuy=offer, problem="digits that are not 0 to 9")
    return _by_role(
        _amounts(bare, decimal, is_marked=_MARKED.search(text) is not None),
        offer,
        is_conditional=_CONDITION.search(bare) is not None,
    )


def _by_role(amounts: list[_Amount], offer: str | None, *, is_conditional: bool) -> PriceText:
    def values(role: Role) -> list[_Amount]:
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


def _single(amounts: list[_Amount]) -> float | None:
    values = {one.value for one in amounts}
    value = values.pop() if len(values) == 1 else None
    return None if value is None else float(value)


def _amounts(text: str, decimal: DecimalSeparator, *, is_marked: bool) -> list[_Amount]:
    """Return the amounts of a text; of bare numbers those only that can be nothing else.

    `is_marked`: the text has an amount in pounds or pence.
    """
    found: list[_Amount] = []
    carried: Role | None = None
    is_abbreviated = False
    """True if an unknown sign such as "L.L." or "B/." came before."""
    is_foreign = is_carried = False
    for clause in _CLAUSE.split(_protected(text)):
        numbers = list(_NUMBER.finditer(clause))
        if found and re.fullmatch(r"\s*[.,]?[0-9]{1,2}\s*", clause) and _is_whole(found[-1].value):
            found[-1] = _Amount(found[-1].role, None, found[-1].text)
        per = _PER_MEASURE.match(clause)
        if found and per is not None and per[1].lower() not in _PER_PRODUCT:
            found[-1] = _Amount("other", found[-1].value, found[-1].text)
        if not numbers:
            is_foreign |= not is_marked and _is_currency(clause.strip())
            label = _label(clause)
            if is_carried and _INCLUSIVE.match(clause) and found[-1].role == "other":
                found[-1] = _Amount("now", found[-1].value, found[-1].text)  # "(exc VAT) £1.80 (inc VAT)"
            if label in {"loyalty", "other"} and found:  # it may belong to the preceding or to the following amount
                last = found[-1]
                if last.role in {"now", "regular"}:
                    found[-1] = _Amount(label, last.value, last.text)
            carried = label or carried
            is_abbreviated = label is None and re.fullmatch(r"\s*[^\W\d_][^\s\d]{0,3}\s*", clause) is not None
            continue
        for place, number in enumerate(numbers):
            before = clause[numbers[place - 1].end() if place else 0 : number.start()]
            after = clause[number.end() : numbers[place + 1].start() if place + 1 < len(numbers) else len(clause)]
            rest = clause[number.end() :]
            amount = _amount_in(before, number[0], after, decimal, is_marked=is_marked, rest=rest)
            if amount is None:
                continue
            if place and before == "£" and numbers[place - 1][0].isdigit():  # "1£50" is no 50
                amount = _Amount(amount.role, None, f"{numbers[place - 1][0]}£{number[0]}")
            is_carried = carried is not None and amount.role == "now" and _role(before, after) is None
            if carried is not None and is_carried:
                amount = _Amount(carried, amount.value, amount.text)
            carried = None
            found.append(_Amount(amount.role, None, amount.text) if is_abbreviated and not is_marked else amount)
        is_abbreviated = False
    return [_Amount("foreign", None, one.text) for one in found] if is_foreign else found


def _is_whole(value: Decimal | None) -> bool:
    return value is not None and value == value.to_integral_value()


def _protected(text: str) -> str:
    """Return the text without blanks in abbreviations that a clause must not be split at."""
    return re.sub(r"\b(exc?|excl|inc|incl|approx|est|min|max|fr|sfr|rs)\.\s", r"\1 ", text, flags=re.IGNORECASE)


def _label(clause: str) -> Role | None:
    if _INCLUSIVE.match(clause):
        return "now"
    return next((role for role, words in _BEFORE if words.search(clause.strip())), None)


def price_label(text: str) -> Role | None:
    """Return the role that a name gives to its price ("Clubcard Price", "RRP"); None for any other text."""
    return next((role for role, words in _BEFORE if (found := words.search(text.strip())) and not found.start()), None)


def _role(before: str, after: str) -> Role | None:
    stripped = re.sub(r"(?:£|\bGBP\b)\s*$", "", before, flags=re.IGNORECASE)
    by_prefix = next((role for role, words in _BEFORE if words.search(stripped)), None)
    if _INCLUSIVE.match(after):
        return "now"
    by_suffix = next((role for role, words in _AFTER if words.search(after)), None)
    return by_suffix if by_suffix is not None and by_prefix in {None, "now", "regular"} else by_prefix


def _amount_in(
    before: str, number: str, after: str, decimal: DecimalSeparator, *, is_marked: bool, rest: str
) -> _Amount | None:
    """Return the amount that a number is, with its role; None for a number that is no amount (a size, a percentage).

    `before` and `after` reach to the neighbouring numbers of the clause, `rest` to its end.
    """
    body = number.rstrip(".,'’" + ELEMENT_BOUNDARY)
    after_number, rest = number[len(body) :] + after, number[len(body) :] + rest
    head = before.rstrip()
    is_pounds = head.endswith("£") or re.search(r"\bGBP$", head, re.IGNORECASE) is not None
    tail = after_number.lstrip()
    if not is_pounds:
        is_pounds = re.match(r"£(?!\s*[0-9])|(?:gbp|pounds?)\b", rest.lstrip(), re.IGNORECASE) is not None
    pence = re.match(r"p\b|pence\b", tail, re.IGNORECASE)
    text = f"{before[-8:]}{body}{after_number[:8]}".strip()
    if _is_foreign(head, after_number):
        return _Amount("foreign", None, text)
    if not is_pounds and pence is None:
        if after_number.startswith("%") or tail.startswith("%"):
            return None
        if is_marked and re.fullmatch(r"[0-9]+\.[0-9]{2}", body) is None:
            return None  # a size, a count or a date next to an amount with a currency sign
    value = _number(body, decimal)
    sign = head.removesuffix("£").rstrip() if head.endswith("£") else re.sub(r"\bGBP$", "", head, flags=re.I).rstrip()
    is_negative = (bool(head) and head[-1] in _MINUS + "·٫٬_?#@/\\=\ufffd") or (bool(sign) and sign[-1] in _MINUS)
    if is_negative or (after_number[:1] and after_number[0] in _MINUS) or _is_continued(body, after_number, rest):
        value = None
    if value is not None and pence is not None:
        has_sign = is_pounds and head.endswith("£")  # "£0.99p" is read as pounds, "£99p" not at all
        value = (value if "." in body else None) if has_sign else value / 100
    per = _PER_MEASURE.match(re.sub(r"^\s*(?:p\b|pence\b|£|gbp\b)", "", rest, flags=re.IGNORECASE))
    if per is not None and per[1].lower() not in _PER_PRODUCT:
        return _Amount("other", value, text)
    if value is not None and _is_ambiguous(body, decimal, is_pence=pence is not None and not head.endswith("£")):
        value = None
    role = _role(before, tail[pence.end() :] if pence else after_number) or "now"
    if role in {"now", "regular"} and not is_pounds and pence is None and _has_other_words(before, after_number):
        value = None
    return _Amount(role, value, text)


def _is_continued(body: str, after: str, rest: str) -> bool:
    """True if the digits are only the beginning of a number: "1.5e2", "£1 50", "1_000", "£1·50"."""
    is_whole = "." not in body and "," not in body
    found = _CONTINUED.match(rest)
    if found is not None and (is_whole or not found[0][0].isspace()):
        return True
    return is_whole and _PUNCTUATED.match(rest) is not None


def _is_foreign(head: str, after: str) -> bool:
    """True if a sign or code of another currency touches an amount."""
    last = _WORD.findall(head[-12:])
    before_word = last[-1] if last and head.endswith(last[-1]) else ""
    first = _WORD.match(after.lstrip())
    after_word = first[0] if first else ""
    bare = head.removesuffix("£").rstrip()
    if re.search(r"(?<![^\W\d_])(?:e|ie|ir|le|nz|s|cy|mt)£$", head, re.IGNORECASE):
        return True
    if any(
        char and unicodedata.category(char) == "Sc" and char != "£"
        for char in (head.rstrip("£ ")[-1:], after.lstrip()[:1])
    ):
        return True
    if bare != head:
        return False
    return any(
        word.upper() in _CURRENCY_CODES or word.lower().rstrip(".") in _FOREIGN_WORDS
        for word in (
            before_word,
            head.rstrip(".").split()[-1] if head.split() and head.rstrip(".").split() else "",
            after_word,
        )
        if word
    )


def _is_currency(word: str) -> bool:
    """True if a text is the sign or code of another currency."""
    if len(word) == 1 and unicodedata.category(word) == "Sc":
        return word != "£"
    return word.upper() in _CURRENCY_CODES or word.lower().rstrip(".") in _FOREIGN_WORDS


def _has_other_words(before: str, after: str) -> bool:
    words = {word.casefold() for word in _WORD.findall(f"{before} {after}")}
    return bool(words - _PLAIN_WORDS - {"p", "pence", "save", "off", "with", "you", "price"})


def _number(body: str, decimal: DecimalSeparator) -> Decimal | None:
    """Return a number in the shop's format; None for another format."""
    if _FORMATS[decimal].fullmatch(body) is None:
        return None
    thousands = "[,'’ \u00a0\u2009\u202f]" if decimal == "." else "[.'’ \u00a0\u2009\u202f]"
    return Decimal(re.sub(thousands, "", body).replace(",", "."))


def _is_ambiguous(body: str, decimal: DecimalSeparator, *, is_pence: bool) -> bool:
    """True if a number in a price can be read in two ways: 1.250 may be 1250, 1.50p may be £1.50."""
    whole, separator, fraction = body.rpartition(decimal)
    if not separator:
        return False
    if is_pence:
        return len(fraction) > 1
    return len(fraction) == 3 and whole.strip("0") != ""


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
        amount, per = _plain_amount(parts[0], decimal), unit(parts[1])
    elif _EACH.search(bare):
        amount, per = _plain_amount(_EACH.sub("", bare), decimal), "1 each"
    else:
        return None
    return None if amount is None or per is None else UnitPrice(amount, per)


def unit_amount(value: str | float | None, *, decimal: DecimalSeparator = ".") -> float | None:
    """Return the amount of a unit price, in GBP, from a number or a text without a unit; None where unclear."""
    if isinstance(value, str):
        return _plain_amount(value, decimal) if len(value) <= LONGEST_TEXT else None
    return read_price_text(value).price_gbp


def _plain_amount(text: str, decimal: DecimalSeparator) -> float | None:
    """Return the only amount of a text; unit prices have up to four decimals, in pounds and in pence."""
    numbers = list(_NUMBER.finditer(text))
    if len(numbers) != 1:
        return None
    (number,) = numbers
    before, after = text[: number.start()], text[number.end() :]
    amount = _amount_in(before, number[0], after, decimal, is_marked=False, rest=after)
    if amount is None or amount.role == "foreign":
        return None
    head, body = before.rstrip(), number[0].rstrip(".,'’" + ELEMENT_BOUNDARY)
    sign = head.removesuffix("£").rstrip()
    value = _number(body, decimal)
    if (
        value is None
        or any(part[-1:] and part[-1] in _MINUS for part in (head, sign))
        or _is_continued(body, after, after)
    ):
        return None
    is_pence = re.match(r"\s*(?:p|pence)\b", after, re.IGNORECASE) is not None and not head.endswith("£")
    return float(value / 100 if is_pence else value)


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
        value = _plain_amount(amount, ".")
        if value is not None and int(count) > 1:
            return f"{int(count)} for {value:.2f}"
    counts = _FOR_COUNT.search(text)
    if counts is not None and 0 < int(counts[2]) < int(counts[1]):
        return f"{int(counts[1])} for the price of {int(counts[2])}"
    if free := _ONE_FREE.search(text):
        bought = 1 if free[1].lower() in {"one", "1"} else 2
        return f"{bought + 1} for the price of {bought}"
    return None


def _without_multibuys(text: str) -> str:
    for pattern in (_FOR_SUM, _SUM_FOR, _TIMES_SUM, _FOR_COUNT, _ONE_FREE):
        text = pattern.sub("\n", text)
    return text


def was_price_gbp(text: str | None) -> float | None:
    """Return the earlier price of "Was £2.00 Now £1.50" or "Was: £2.00", in GBP; None where the text has none."""
    return read_price_text(text).was_price_gbp
