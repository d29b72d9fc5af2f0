"""Amounts of money in texts, each with a role: now, regular, was, loyalty, another price, another currency.

The role of an amount is decided by the words, signs and measures around it, never by its position.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from ons_bigdata.prices.sources.scraping.extraction.amounts.labels import (
    INCLUSIVE,
    WORD,
    Role,
    has_other_words,
    has_unknown_words,
    label_of,
    role_of,
    without_label,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    rf"|\s?(?:k|m|bn|million|thousand)\b(?![&'’])|\s?[0-9]/[0-9]|[.,:;/]\s?[{_MINUS}]|\+(?!\s?[0-9£])|%"
    r"|\s?/\s?[0-9]{1,3}(?![0-9]|\s?[a-z])|\s\.?[0-9]{2}(?![0-9])|\s[0-9]{3}(?![0-9.,]|\s?[a-z])"
    r"|\s[0-9](?![0-9.,]|\s?[a-z£])|[%+&][0-9]{2}(?![0-9])",
    re.IGNORECASE,
)
"""Text after digits that are only a part of a number: an exponent, a superscript, pence after a blank, "from"."""
_MULTIPLIED = re.compile(r"\s?(?:[x×*@]\s?[0-9]|=)|\s[0-9](?![0-9.,]|\s?[^\W\d_]|\s?£)", re.IGNORECASE)
"""Text after an amount that is one of several, equals a quantity or goes on: "£1.50 x 4", "£2.00 = 1 kg", "£1.5 0"."""
_PUNCTUATED = re.compile(
    r"\s?[^\w\s£€$(){}\[\]%+&]{1,2}\s?(?![0-9.,]{1,7}\s?(?:k?g|m?l|cl|ltr|packs?|pk|oz|lb|cm|mm)\b)[0-9]", re.I
)
"""Text after a whole number that may go on behind a mark: "£1:50", "£1 - 2"."""

_PER_MEASURE = re.compile(
    r"\s{0,3}(?:/|\b(?:per|pro|je|par|a)\b|\bfor\b(?=\s?[0-9]))\s{0,3}(?:[0-9]{1,5}(?:\.[0-9]{1,3})?)?\s{0,2}([a-z][a-z0-9]{0,20})",
    re.IGNORECASE,
)
_PER_PRODUCT = {"each", "ea", "unit", "item", "piece", "pack", "packet", "pk", "c62"}

_MEASURE_BEFORE = re.compile(
    r"\s?(?:(?:/|per\b|a\b)\s?)?(?:k?g|m?l|cl|ltr|litres?|kilos?|oz|lb|cm|mm|pk|pints?|x|p|pence|gbp|£|%)(?![^\W\d_])",
    re.IGNORECASE,
)
"""Measure or sign that belongs to the number before."""
_SEVERAL = re.compile(r"\s*(?:any|buy|choose|pick)?\s*", re.IGNORECASE)
_SIGNS = frozenset(":*!.,;&+'\"%|†‡®™…»")
"""Signs that may precede an amount; any other ("≈", "<", "=") makes it unclear, as does a minus."""
_CLAUSE = re.compile(r"[\n;|•()\[\]]|,\s|\.\s|\s[\u2013\u2014]\s")


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
    is_foreign = is_carried = is_negative = False
    for clause in _CLAUSE.split(_protected(text)):
        numbers = list(_NUMBER.finditer(clause))
        if found:
            found[-1] = _continued_by(found[-1], clause, is_carried=is_carried and not numbers)
        if not numbers:
            is_foreign |= not is_marked and _is_currency(clause.strip())
            is_negative = clause.strip()[-1:] in set(_MINUS)
            label = label_of(clause)
            carried = label or carried
            is_abbreviated = label is None and re.fullmatch(r"\s*[^\W\d_][^\s\d]{0,3}\s*", clause) is not None
            continue
        for amount, is_labelled in _amounts_in(clause, numbers, decimal, is_marked=is_marked):
            is_carried = carried is not None and amount.role == "now" and not is_labelled
            role = carried if carried is not None and is_carried else amount.role
            carried = None
            is_unclear = is_negative or (is_abbreviated and not is_marked)
            found.append(Amount(role, None if is_unclear else amount.value, amount.text))
        is_abbreviated = is_negative = False
    return [Amount("foreign", None, one.text) for one in found] if is_foreign else found


def _continued_by(last: Amount, clause: str, *, is_carried: bool) -> Amount:
    """Return the last amount as the clause after it leaves it: "£1|50" is unclear, "£1.20|per kg" a unit price.

    `is_carried`: its role is that of the clause before, and the clause has no number.
    """
    if re.fullmatch(r"\s*[.,]?[0-9]{1,2}\s*", clause) and _is_whole(last.value):
        return Amount(last.role, None, last.text)
    per = _PER_MEASURE.match(clause)
    if per is not None and per[1].lower() not in _PER_PRODUCT:
        return Amount("other", last.value, last.text)
    if _is_currency(clause.strip()):  # "£2.00 (USD)"
        return Amount(last.role, None, last.text)
    if is_carried and INCLUSIVE.match(clause) and last.role == "other":
        return Amount("now", last.value, last.text)  # "(exc VAT) £1.80 (inc VAT)"
    label = None if re.search("[0-9]", clause) else label_of(clause)
    if label in {"loyalty", "other"} and last.role in {"now", "regular"}:
        return Amount(label, last.value, last.text)  # it may belong to this or to the following amount
    return last


def _amounts_in(
    clause: str, numbers: list[re.Match[str]], decimal: DecimalSeparator, *, is_marked: bool
) -> Iterator[tuple[Amount, bool]]:
    """Yield the amounts of a clause, each with whether words give it its role."""
    starts = [0, *(number.end() for number in numbers)]
    ends = [*(number.start() for number in numbers), len(clause)]
    around = [clause[start:end] for start, end in zip(starts, ends, strict=True)]
    read = [
        _amount_in(before, number[0], after, decimal, is_marked=is_marked, rest=clause[number.end() :])
        for number, before, after in zip(numbers, around, around[1:], strict=False)
    ]
    if is_marked:
        read = [_without_label_of_following(read, around, place) for place in range(len(read))]
    is_range = False
    for place, number in enumerate(numbers):
        before, after, amount = around[place], around[place + 1], read[place]
        if amount is None:
            continue
        if is_range and amount.role == "now" and re.fullmatch(r"\s*(?:and|to|&)\s*£?\s*", before, re.IGNORECASE):
            amount = Amount("other", amount.value, amount.text)
        first = re.search(r"\b(?:between|from)\W*£?\s*$", before, re.IGNORECASE)
        is_range = amount.role == "other" and first is not None
        is_in_doubt = (
            is_marked
            and amount.role in {"now", "regular"}
            and (
                has_unknown_words(_own_words(clause, numbers, place), is_after_earlier=_is_after_earlier(read, place))
                or _is_of_number_before(clause, numbers, place)
            )
        )
        if is_in_doubt:
            amount = Amount(amount.role, None, amount.text)
        if place and before == "£" and numbers[place - 1][0].isdigit():  # "1£50" is no 50
            amount = Amount(amount.role, None, f"{numbers[place - 1][0]}£{number[0]}")
        yield amount, role_of(before, after) is not None


def _without_label_of_following(read: list[Amount | None], around: list[str], place: int) -> Amount | None:
    """Return an amount without the label behind it, where that belongs to the following one: "£1.50 RRP £2.00".

    An earlier or recommended price is not lower than the price asked, one for members not higher. Where the amounts
    contradict that, the label may belong to either, and stays with both.
    """
    amount = read[place]
    following = read[place + 1] if place + 1 < len(read) else None
    if amount is None or following is None or amount.value is None or following.value is None:
        return amount
    role = role_of(around[place], "") or "now"
    label = role_of(around[place + 1], "")
    if role not in {"now", "regular"} or not amount.role == following.role == label:
        return amount
    if role_of("", around[place + 2]) == label:  # behind each
        return amount
    is_of_following = (amount.role == "was" and following.value >= amount.value) or (
        amount.role == "loyalty" and following.value <= amount.value
    )
    return Amount(role, amount.value, amount.text) if is_of_following else amount


def _own_words(clause: str, numbers: list[re.Match[str]], place: int) -> str:
    """Return the text around a number without the measure of the number before and the label of the amount after."""
    number = numbers[place]
    before, after = clause[: number.start()], clause[number.end() :]
    if place:
        before = clause[numbers[place - 1].end() : number.start()]
        if (measure := _MEASURE_BEFORE.match(before)) is not None:
            before = before[measure.end() :]
        elif (word := WORD.match(before.lstrip())) is not None and _is_currency(word[0]):
            before = before.lstrip()[word.end() :]
    if place + 1 < len(numbers):
        following = numbers[place + 1]
        after, rest = clause[number.end() : following.start()], clause[following.end() :]
        is_amount = (
            re.search(r"(?:£|\bGBP)\s?$", after, re.IGNORECASE) is not None
            or re.match(r"\s?(?:p\b|pence\b|%|£|gbp\b)", rest, re.IGNORECASE) is not None
            or re.fullmatch(r"[0-9]+\.[0-9]{2}", following[0]) is not None
            or _is_foreign(after.rstrip(), rest)
        )
        if is_amount:
            after = re.sub(r"(?:£|\bGBP\b)\s*$", "", after, flags=re.IGNORECASE).rstrip()
            last = WORD.findall(after[-12:])
            if last and after.endswith(last[-1]) and _is_currency(last[-1]):
                after = after.removesuffix(last[-1])
            after = without_label(after)
    return f"{before} {after}"


def _is_after_earlier(read: list[Amount | None], place: int) -> bool:
    """True if the amount before is an earlier price and not lower: its label may be behind it."""
    amount, earlier = read[place], read[place - 1] if place else None
    if amount is None or earlier is None or amount.value is None or earlier.value is None:
        return False
    return earlier.role == "was" and earlier.value >= amount.value


def _is_of_number_before(clause: str, numbers: list[re.Match[str]], place: int) -> bool:
    """True if an amount may belong to the number before it: "any 2 £3", "3 only £10", "1kg: £2", "per 100g £0.20"."""
    if not place:
        return False
    count = numbers[place - 1]
    between = clause[count.end() : numbers[place].start()]
    if re.search(r"(?:\bper|/)\s?$", clause[: count.start()], re.IGNORECASE):
        return True
    if count[0] in {"1", "100"} and re.fullmatch(r"\s?(?:kg|g|ml|l|ltr|litre)\s?[:=]\s?£?\s?", between, re.IGNORECASE):
        return True
    return (
        place == 1
        and re.fullmatch(r"[2-9]", count[0]) is not None
        and _SEVERAL.fullmatch(clause[: count.start()]) is not None
        and re.fullmatch(r"\s*(?:only|just|now)?\s*£\s*", between, re.IGNORECASE) is not None
    )


def _is_whole(value: Decimal | None) -> bool:
    return value is not None and value == value.to_integral_value()


def _protected(text: str) -> str:
    """Return the text without blanks in abbreviations that a clause must not be split at."""
    abbreviated = r"\b(r\.r\.p|exc?|excl|inc|incl|approx|est|avg|ca?|min|max|fr|sfr|rs)\.\s"
    return re.sub(abbreviated, r"\1 ", text, flags=re.IGNORECASE)


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
    is_negative = bool(sign) and not _may_precede(sign[-1]) and not (sign.endswith("/") and head.endswith("£"))
    if is_negative or (after_number[:1] and after_number[0] in _MINUS) or _is_continued(body, after_number, rest):
        value = None
    if _MULTIPLIED.match(_after_pence(rest)) is not None:
        value = None
    if value is not None and pence is not None:
        has_sign = is_pounds and head.endswith("£")  # "£0.99p" is read as pounds, "£99p" not at all
        value = (value if "." in body else None) if has_sign else value / 100
    per = _PER_MEASURE.match(_after_pence(rest))
    if per is not None and per[1].lower() not in _PER_PRODUCT:
        return Amount("other", value, text)
    if value is not None and _is_ambiguous(body, decimal, is_pence=pence is not None and not head.endswith("£")):
        value = None
    role = role_of(before, tail[pence.end() :] if pence else after_number) or "now"
    if role in {"now", "regular"} and not is_pounds and pence is None and has_other_words(before, after_number):
        value = None
    return Amount(role, value, text)


def _after_pence(rest: str) -> str:
    """Return the text after a number without its sign or word of pounds or pence."""
    return re.sub(r"^\s*(?:p\b|pence\b|£|gbp\b)", "", rest, flags=re.IGNORECASE)


def _may_precede(sign: str) -> bool:
    return sign.isalnum() or sign.isspace() or sign in _SIGNS or unicodedata.category(sign) == "Sc"


def _is_continued(body: str, after: str, rest: str) -> bool:
    """True if the digits are only the beginning of a number: "1.5e2", "£1 50", "1_000", "£1·50"."""
    is_whole = "." not in body and "," not in body
    found = _CONTINUED.match(rest)
    if found is not None and (is_whole or not found[0][0].isspace()):
        return True
    return is_whole and _PUNCTUATED.match(rest) is not None


def _is_foreign(head: str, after: str) -> bool:
    """True if a sign or code of another currency touches an amount."""
    last = WORD.findall(head[-12:])
    before_word = last[-1] if last and head.endswith(last[-1]) else ""
    first = WORD.match(after.lstrip())
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
