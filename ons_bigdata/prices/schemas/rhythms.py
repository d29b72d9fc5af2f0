"""Rhythms of collection (seed `retailers`): on which days, or how often, prices of a retailer are expected."""

from __future__ import annotations

DAILY = "daily"

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

PERIODIC = ("weekly", *(f"weekly_{day}" for day in WEEKDAYS), "fortnightly", "monthly")
"""One collection is expected in each week (Monday to Sunday), two weeks or month, on any of its days."""

SETS = "two to six weekdays in their order, such as monday_to_friday or monday_wednesday_friday"
"""The other rhythms: a collection is expected on each of these days of a week."""

ALIASES = {
    **dict.fromkeys(("weekdays", "working_days", "workdays", "mon_fri", "business_days"), "monday_to_friday"),
    **dict.fromkeys(("biweekly", "two_weekly", "every_two_weeks", "fortnight"), "fortnightly"),
    **dict.fromkeys(("monday_to_sunday", "_".join(WEEKDAYS), "every_day", "day"), DAILY),
    **{day: f"weekly_{day}" for day in WEEKDAYS},
}
"""Other names of rhythms, for suggestions."""

KNOWN = (DAILY, *PERIODIC)


def expected_weekdays(rhythm: str) -> frozenset[int] | None:
    """Weekdays (0 = Monday) on each of which a rhythm expects a collection; None of a periodic rhythm.

    Raises ValueError on an unknown rhythm; it lists the known ones and suggests one.
    """
    if not isinstance(rhythm, str):
        message = f"rhythm: found {rhythm!r}, expected one of {', '.join(KNOWN)}, or {SETS}"
        raise ValueError(message)
    if rhythm == DAILY:
        return frozenset(range(7))
    if rhythm in PERIODIC:
        return None
    days = _weekday_set(rhythm)
    if days is None:
        plain = rhythm.strip().lower().replace("-", "_").replace(" ", "_")
        suggestion = plain if _is_rhythm(plain) else ALIASES.get(plain)
        message = f"unknown rhythm {rhythm!r}; known: {', '.join(KNOWN)}, or {SETS}"
        raise ValueError(message + (f"; did you mean {suggestion}?" if suggestion else ""))
    return days


def _is_rhythm(text: str) -> bool:
    return text in KNOWN or _weekday_set(text) is not None


def _weekday_set(text: str) -> frozenset[int] | None:
    """Weekdays of "monday_to_friday" or "monday_friday"; None of any other text, of one day and of all seven."""
    first, is_range, last = text.partition("_to_")
    names = [first, last] if is_range else text.split("_")
    if not set(names) <= set(WEEKDAYS):
        return None
    days = [WEEKDAYS.index(name) for name in names]
    if days != sorted(set(days)):
        return None
    if is_range:
        days = list(range(days[0], days[-1] + 1))
    return frozenset(days) if 1 < len(days) < len(WEEKDAYS) else None
