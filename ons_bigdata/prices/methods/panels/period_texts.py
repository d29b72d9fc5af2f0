"""Periods written as text: the forms that sort in time, how they are read, and why other text is refused.

The text of all periods of a table has one form, whose order as text is its order in time. Any other text is refused.
"""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_YEAR = r"(?P<year>(?:18|19|20|21)\d\d)"
"""Numbers of other years are no dates: 100001 is a number."""
_NAMED_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"  # noqa: E501


class Form(NamedTuple):
    """How text writes a period: its unit, the pattern (groups year, month, day, quarter, …), and its template."""

    unit: str
    pattern: re.Pattern[str]
    template: str


class DatedTexts(NamedTuple):
    """Periods read as their first days; `unit` of the form they are written in, `write` turns a day into text."""

    unit: str
    days: list[date]
    write: Callable[[date], str]


class NumberedTexts(NamedTuple):
    """Periods read as whole numbers behind one prefix; `write` turns a number into text.

    `step_known`: whether the next number is the next period; not where the numbers are dates (M202012, M202101).
    """

    numbers: list[int]
    write: Callable[[int], str]
    step_known: bool


def _form(unit: str, pattern: str, template: str) -> Form:
    return Form(unit, re.compile(_YEAR + pattern, re.ASCII), template)


_SEPARATORS = ("-", "/", ".", "_", " ")
FORMS = (
    *(
        _form("month", rf"{re.escape(s)}(?P<month>0[1-9]|1[0-2])", "{year:04}" + s + "{month:02}")
        for s in ("", *_SEPARATORS, "M", "-M", "m")
    ),
    *(
        _form(
            "day", rf"{re.escape(s)}(?P<month>\d\d){re.escape(s)}(?P<day>\d\d)",
            "{year:04}" + s + "{month:02}" + s + "{day:02}",
        )
        for s in ("", *_SEPARATORS)
    ),
    *(_form("day", rf"{s}(?P<ordinal>\d\d\d)", "{year:04}" + s + "{ordinal:03}") for s in ("-", "-D")),
    *(
        _form("week", rf"{s}(?P<week>\d\d)", "{year:04}" + s + "{week:02}")
        for s in ("", "-W", "W", " W", "_W", "w", "-w")
    ),
    *(
        _form("quarter", rf"{re.escape(s)}(?P<quarter>[1-4])", "{year:04}" + s + "{quarter}")
        for s in ("-Q", "Q", " Q", "/Q", "_Q", ".Q", "-q", "q")
    ),
    *(
        _form("half-year", rf"{s}(?P<half>[12])", "{year:04}" + s + "{half}")
        for s in ("-H", "H", " H", "_H", "-S", "S")
    ),
    _form("year", "", "{year:04}"),
    *(_form("split year", rf"{s}(?P<next>\d\d)", "{year:04}" + s + "{next:02}") for s in ("/", "-")),
    *(_form("split year", rf"{s}(?P<next>\d{{4}})", "{year:04}" + s + "{next:04}") for s in ("/", "-")),
)  # fmt: skip
"""Forms of text that sort in time; the first that fits all periods counts: 201801 to 201812 are months.

A split year runs from one calendar year into the next (2019/20)."""

_TIME_OF_DAY = re.compile(
    _YEAR + r"-\d\d-\d\d(?P<clock>[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)", re.ASCII
)
_NUMBERED = re.compile(r"(?P<prefix>\D*)(?P<number>\d{1,15})", re.ASCII)
_COUNTS_BACKWARDS = re.compile(r"[A-Za-z]?\s*[-−]", re.ASCII)
"""Prefixes of numbers that may count backwards: -1, t-1."""
_CYCLES = (
    (re.compile(r"(?:w|wk|week)[\W_]*", re.IGNORECASE), (52, 53)),
    (re.compile(r"(?:m|month)[\W_]*", re.IGNORECASE), (12,)),
    (re.compile(r"(?:q|quarter)[\W_]*", re.IGNORECASE), (4,)),
)
"""Prefixes of numbers that begin anew each year, and the last number of a year."""
_TWO = r"(?:0[1-9]|[12]\d|3[01])"
_DIGITS_OF_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?:0[1-9]|[1-4]\d|5[0-3])(?:18|19|20|21)\d\d",
        r"[1-4](?:18|19|20|21)\d\d",
        rf"{_TWO}{_TWO}(?:18|19|20|21)\d\d",
        rf"{_TWO}{_TWO}\d\d",
        rf"\d\d(?:0[1-9]|1[0-2]){_TWO}",
        r"(?:0[1-9]|1[0-2])\d\d",
        r"\d\d(?:0[1-9]|1[0-2])",
    )
)
"""Digits that may be a date (month, week, quarter, day) with its year last or of two digits."""
_SHORT_DATES = tuple(
    (re.compile(prefix, re.IGNORECASE), re.compile(digits, re.ASCII))
    for prefix, digits in (
        (r"(?:w|wk|week)[\W_]*", r"(?:0[1-9]|[1-4]\d|5[0-3])\d\d|\d\d(?:0[1-9]|[1-4]\d|5[0-3])"),
        (r"(?:q|quarter)[\W_]*", r"[1-4]\d\d|\d\d[1-4]"),
        (r"(?:h|half)[\W_]*", r"[12]\d\d|\d\d[12]"),
    )
)
"""Prefixes of weeks, quarters and half-years, and digits that may be one of them and a year of two digits (Q120)."""
_OTHER_READINGS = tuple(
    (unit, re.compile(pattern, re.ASCII), reading)
    for unit, pattern, reading in (
        ("number", r"(?P<lead>(?:18|19|20|21)\d\d)[1-4]", "a year and its quarter"),
        (
            "number",
            r"(?P<lead>(?:18|19|20|21)\d\d)(?:00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])",
            "a year and its day",
        ),
        ("year", r"(?P<lead>\d\d)(?:0[1-9]|1[0-2])", "a year of two digits and its month"),
        ("week", rf"(?P<lead>\d\d)(?:0[1-9]|1[0-2]){_TWO}", "a year of two digits, month and day"),
    )
)
"""Digits that are read as one unit and may be another: the step differs where their leading digits, the year, do."""

_BY_NAME = "a named month, which text sorts by its name"
_YEAR_LAST = "written with its year last, which text does not sort in time"
_SHORT_YEAR = "written with a year of two digits"
_S = r"[-/._ ]?"
UNSORTED_FORMS = tuple(
    (re.compile(pattern, re.IGNORECASE), fault, expected)
    for pattern, fault, expected in (
        (r"\s*", "empty", "2020-01"),
        (r"\s.*|.*\s", "text with blanks at its ends", "2020-01 without blanks"),
        (_YEAR + _S + r"[MW]?\d", "a month or week without its leading zero", "2020-08 or 2020-W09"),
        (_YEAR + r"[-/._ ](?:\d[-/._ ]\d{1,2}|\d{1,2}[-/._ ]\d)", "a day without its leading zeros", "2020-08-03"),
        (_YEAR + r"[-/._ ]?\d\d[-/._ ]?\d\d", "no day of the calendar", "2020-08-03"),
        (_YEAR + r"[-/._ ]\d\d", "no month (01 to 12) and no year into the next", "2020-08; a week as 2020-W33"),
        (_YEAR + r"M\d\d", "no month (01 to 12)", "2020-08"),
        (_YEAR + r"[-/._ ]?W?\d\d", "no week of that year", "2020-W33"),
        (_YEAR + r"-\d\d-\d\d[T ]\d.*", "a date with a time of day, which differs between the periods",
         "2020-08-03, or a column of datetimes"),
        (_NAMED_MONTH, "a month without a year, which text sorts by its name", "2020-01"),
        (rf"(?=.*\d)(?:.*[^a-z])?{_NAMED_MONTH}\.?(?:[^a-z].*)?", _BY_NAME, "2020-01 or 2020-01-31"),
        (rf"(?:Q[1-4]|[1-4]Q|H[12]|[12]H){_S}\d{{4}}", _YEAR_LAST, "2020-Q1"),
        (r"(?:W|wk|week)\s?\d{1,2}(?:[-/,._ ]+)\d{4}", _YEAR_LAST, "2020-W09"),
        (r"M?\d{1,2}[-/._ ]\d{4}", _YEAR_LAST, "2020-01"),
        (r"\d{1,2}[-/._ ]\d{1,2}[-/._ ]\d{4}", _YEAR_LAST, "2020-01-31"),
        (rf"(?:Q[1-4]|[1-4]Q|H[12]|[12]H){_S}\d\d|\d\d{_S}(?:Q[1-4]|[1-4]Q|H[12])", _SHORT_YEAR, "2020-Q1"),
        (r"\d{1,2}[-/._ ]\d{1,2}[-/._ ]\d{1,2}", _SHORT_YEAR, "2020-01-31"),
        (r"\d{1,2}[-/._ ][MW]?\d{1,2}", f"{_SHORT_YEAR}, or no whole number", "2020-01, or a column of numbers"),
        (r"[-+−]?\d+[.,]\d+", "a number with a fraction", "a column of numbers"),
        (r"(?:[a-z]?\s*[-−]|\+)\d+", "a number with a sign, which text does not sort", "a column of whole numbers"),
    )
)  # fmt: skip
"""Forms of text that do not sort in time: pattern, what is wrong, how to write it; the first that fits counts."""

GIVE_ORDER = "or the order itself: a pl.Enum of the periods, or `calendar` where the function takes one"


def dated_texts(texts: Sequence[str]) -> DatedTexts | None:
    """Read texts as the first days of their periods; None unless all are written in one form, zeros included."""
    if texts and (clock := _common_clock(texts)):
        dates = dated_texts([text.removesuffix(clock) for text in texts])
        return dates and DatedTexts("date", dates.days, lambda day: dates.write(day) + clock)
    for form in FORMS:
        if texts and _day(texts[0], form) is None:
            continue
        days = [_day(text, form) for text in texts]
        known = [day for day in days if day is not None]
        if len(known) == len(days):
            return DatedTexts(form.unit, known, _Writer(form))
    return None


def numbered_texts(texts: Sequence[str]) -> NumberedTexts | None:
    """Read texts as whole numbers; None unless all have one prefix (or none) and as many digits.

    None as well where the prefix may be a sign, where the digits may be a date whose year is last or of two digits, and
    where the numbers may begin anew with a year (W51, W52, W01).
    """
    parts = [_NUMBERED.fullmatch(text) for text in texts]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    prefixes, widths = {part["prefix"] for part in known}, {len(part["number"]) for part in known}
    if len(prefixes) > 1 or len(widths) > 1 or _may_be_sign(prefix := prefixes.pop()):
        return None
    digits = [part["number"] for part in known]
    dates = dated_texts(digits)
    last_or_short = [*_DIGITS_OF_DATES, *(of for behind, of in _SHORT_DATES if behind.fullmatch(prefix))]
    if dates is None and any(all(map(pattern.fullmatch, digits)) for pattern in last_or_short):
        return None
    if _may_begin_anew(prefix, sorted({int(number) for number in digits})):
        return None
    width = widths.pop()
    step_known = dates is None or dates.unit == "year"
    return NumberedTexts([int(number) for number in digits], lambda n: f"{prefix}{n:0{width}}", step_known)


def other_reading(digits: Sequence[str], unit: str) -> str | None:
    """Second reading of digits besides the unit that they are read as, with another step; None where there is none.

    As numbers 20194 and 20201 are seven apart, as quarters one.
    """
    for read_as, pattern, reading in _OTHER_READINGS:
        parts = [pattern.fullmatch(text) for text in digits] if read_as == unit else [None]
        leads = {part["lead"] if part else "" for part in parts}
        if len(leads) > 1 and "" not in leads:
            return reading
    return None


def why_unsorted(texts: Sequence[str]) -> str | None:
    """Reason why the order of texts is not that of their periods, and what is expected; None where it is.

    It is where all texts are dates or numbers of one form, single letters, or datetimes of one format. One text that
    is no period at all has no order to miss.
    """
    distinct = sorted(set(texts))
    if not distinct or dated_texts(distinct) or numbered_texts(distinct) or _sort_as_text(distinct):
        return _why_two_readings(distinct)
    others = [text for text in distinct if dated_texts([text]) is None]
    for text in others:
        for pattern, fault, expected in UNSORTED_FORMS:
            if pattern.fullmatch(text):
                return f"period {text!r} is {fault}; expected text that sorts in time, as {expected}, {GIVE_ORDER}"
    if len(distinct) == 1:
        return None
    if uneven := _why_unsorted_numbers(distinct):
        return uneven
    if others:
        return (
            f"period {others[0]!r} is text whose order in time is not known; expected text that sorts in time, as"
            f" 2020-01, 2020-W09, 2020-Q1 or 09, {GIVE_ORDER}"
        )
    return (
        f"periods {distinct[0]!r} and {distinct[-1]!r} are written in several ways; expected one form, as 2020-01,"
        f" {GIVE_ORDER}"
    )


def _why_two_readings(texts: Sequence[str]) -> str | None:
    """Refuse years into the next that read as months as well: 2010/11, 2011/12 (2010-11 is a month by its form)."""
    split = next(form for form in FORMS if form.unit == "split year" and form.template.count("/"))
    dates = dated_texts(texts)
    if len(texts) < 2 or not all(_day(text, split) for text in texts) or dates is None or dates.unit != "month":
        return None
    return (
        f"periods {texts[0]!r} and {texts[1]!r} read both as months and as years into the next; expected months as"
        f" 2010-11, years as 2010/2011, {GIVE_ORDER}"
    )


def _why_unsorted_numbers(texts: Sequence[str]) -> str | None:
    parts = [_NUMBERED.fullmatch(text) for text in texts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part["prefix"] for part in known}) > 1:
        return None
    prefix = known[0]["prefix"]
    shortest, longest = (pick(known, key=lambda part: len(part["number"])) for pick in (min, max))
    if (width := len(longest["number"])) == len(shortest["number"]):
        if _may_begin_anew(prefix, sorted(int(part["number"]) for part in known)):
            return (
                f"periods {texts[0]!r} and {texts[-1]!r} have no year and may be of two, for those between are not all"
                f" there; expected text that sorts in time, as 2020-01, 2020-W09 or 2020-Q1, {GIVE_ORDER}"
            )
        return (
            f"period {texts[0]!r} may be a date, with its year last or of two digits; expected text that sorts in"
            f" time, as 2020-01, whole numbers as numbers, {GIVE_ORDER}"
        )
    written = f"{prefix}{int(shortest['number']):0{width}}"
    return (
        f"period {shortest.group()!r} is a number with fewer digits than {longest.group()!r}, which text does not sort"
        f" in time; expected leading zeros, as {written!r}, or whole numbers as numbers, {GIVE_ORDER}"
    )


def _sort_as_text(texts: Sequence[str]) -> bool:
    """True of single letters of one case, and of datetimes of one format; their step is not known."""
    if all(len(text) == 1 and text.isascii() and text.isalpha() for text in texts):
        return len({text.isupper() for text in texts}) == 1
    parts = [_TIME_OF_DAY.fullmatch(text) for text in texts]
    known = [part for part in parts if part is not None]
    formats = {(len(part["clock"]), part["clock"][0], part["zone"]) for part in known}
    return len(known) == len(parts) and len(formats) == 1 and dated_texts([text[:10] for text in texts]) is not None


def _common_clock(texts: Sequence[str]) -> str | None:
    """Time of day with which all texts end; None where there is none."""
    part = _TIME_OF_DAY.fullmatch(texts[0])
    return part["clock"] if part and all(len(t) == len(texts[0]) and t[10:] == part["clock"] for t in texts) else None


def _may_be_sign(prefix: str) -> bool:
    return prefix == "+" or _COUNTS_BACKWARDS.fullmatch(prefix) is not None


def _may_begin_anew(prefix: str, numbers: Sequence[int]) -> bool:
    """True of weeks, months or quarters without a year, the first and the last of a year, but not all between."""
    last = next((last for pattern, last in _CYCLES if pattern.fullmatch(prefix)), ())
    return numbers[0] == 1 and numbers[-1] in last and len(numbers) < numbers[-1]


@dataclass(frozen=True)
class _Writer:
    form: Form

    def __call__(self, day: date) -> str:
        year, week, _ = day.isocalendar()
        following = day.year + 1
        return self.form.template.format(
            year=year if self.form.unit == "week" else day.year,
            week=week,
            month=day.month,
            day=day.day,
            ordinal=day.timetuple().tm_yday,
            quarter=(day.month + 2) // 3,
            half=(day.month + 5) // 6,
            next=following if "next:04" in self.form.template else following % 100,
        )


def _day(text: str, form: Form) -> date | None:
    """Read one text as the first day of its period; None unless it is written exactly so, zeros included."""
    written = form.pattern.fullmatch(text)
    if written is None:
        return None
    parts = {name: int(value) for name, value in written.groupdict().items()}
    year = parts["year"]
    try:
        if form.unit == "week":
            return date.fromisocalendar(year, parts["week"], 1)
        if "ordinal" in parts:
            known = 1 <= parts["ordinal"] <= 365 + isleap(year)
            return date(year, 1, 1) + timedelta(days=parts["ordinal"] - 1) if known else None
        if "next" in parts and parts["next"] != (year + 1) % 10 ** len(written["next"]):
            return None
        month = parts.get("month", 1) + 3 * (parts.get("quarter", 1) - 1) + 6 * (parts.get("half", 1) - 1)
        return date(year, month, parts.get("day", 1))
    except ValueError:
        return None
