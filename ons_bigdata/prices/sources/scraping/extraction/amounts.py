"""Amounts of money in texts, each with a role: now, regular, was, loyalty, another price, another currency.

The role of an amount is decided by the words, signs and measures around it, never by its position.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

DecimalSeparator = Literal[".", ","]

LONGEST_TEXT = 400
"""Greatest length (characters) of a price text; longer texts are rejected."""

ELEMENT_BOUNDARY = "\u2063"
"""Separator that `listings.text_of` inserts between digits of two elements: `£1<b>50</b>` is not 150."""

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
_PUNCTUATED = re.compile(
    r"\s?[^\w\s£€$(){}\[\]%+&]{1,2}\s?(?![0-9.,]{1,7}\s?(?:k?g|m?l|cl|ltr|packs?|pk|oz|lb|cm|mm)\b)[0-9]", re.I
)
"""Text after a whole number that may go on behind a mark: "£1:50", "£1 - 2"."""

_PER_MEASURE = re.compile(
    r"\s{0,3}(?:/|\b(?:per|pro|je|par|a)\b|\bfor\b(?=\s?[0-9]))\s{0,3}(?:[0-9]{1,5}(?:\.[0-9]{1,3})?)?\s{0,2}([a-z][a-z0-9]{0,20})",
    re.IGNORECASE,
)
_PER_PRODUCT = {"each", "ea", "unit", "item", "piece", "pack", "packet", "pk", "c62"}

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
class Amount:
    """A number with its role, as a text has it."""

    role: Role
    value: Decimal | None
    """None: the number is unclear."""
    text: str


def amounts_of(text: str, decimal: DecimalSeparator, *, is_marked: bool) -> list[Amount]:
    """Return the amounts of a text; of bare numbers those only that can be nothing else.

    `is_marked`: the text has an amount in pounds or pence.
    """
    found: list[Amount] = []
    carried: Role | None = None
    is_abbreviated = False
    """True if an unknown sign such as "L.L." or "B/." came before."""
    is_foreign = is_carried = False
    for clause in _CLAUSE.split(_protected(text)):
        numbers = list(_NUMBER.finditer(clause))
        if found and re.fullmatch(r"\s*[.,]?[0-9]{1,2}\s*", clause) and _is_whole(found[-1].value):
            found[-1] = Amount(found[-1].role, None, found[-1].text)
        per = _PER_MEASURE.match(clause)
        if found and per is not None and per[1].lower() not in _PER_PRODUCT:
            found[-1] = Amount("other", found[-1].value, found[-1].text)
        if not numbers:
            is_foreign |= not is_marked and _is_currency(clause.strip())
            label = _label(clause)
            if is_carried and _INCLUSIVE.match(clause) and found[-1].role == "other":
                found[-1] = Amount("now", found[-1].value, found[-1].text)  # "(exc VAT) £1.80 (inc VAT)"
            if label in {"loyalty", "other"} and found:  # it may belong to the preceding or to the following amount
                last = found[-1]
                if last.role in {"now", "regular"}:
                    found[-1] = Amount(label, last.value, last.text)
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
                amount = Amount(amount.role, None, f"{numbers[place - 1][0]}£{number[0]}")
            is_carried = carried is not None and amount.role == "now" and _role(before, after) is None
            if carried is not None and is_carried:
                amount = Amount(carried, amount.value, amount.text)
            carried = None
            found.append(Amount(amount.role, None, amount.text) if is_abbreviated and not is_marked else amount)
        is_abbreviated = False
    return [Amount("foreign", None, one.text) for one in found] if is_foreign else found


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
) -> Amount | None:
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
        return Amount("foreign", None, text)
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
        return Amount("other", value, text)
    if value is not None and _is_ambiguous(body, decimal, is_pence=pence is not None and not head.endswith("£")):
        value = None
    role = _role(before, tail[pence.end() :] if pence else after_number) or "now"
    if role in {"now", "regular"} and not is_pounds and pence is None and _has_other_words(before, after_number):
        value = None
    return Amount(role, value, text)


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


def plain_amount(text: str, decimal: DecimalSeparator) -> float | None:
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
