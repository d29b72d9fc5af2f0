"""The specification as an annex of a tender, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.phones.methods.anchors.scan import NIGHT_PLACE_RATIO
from ons_bigdata.phones.methods.duplicates import HABIT_SHARE, HOURLY_WEIGHT, OVERALL_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ons_bigdata.phones.schemas.specification import Specification

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ALLOCATION = {
    "best_server": "a cell belongs to the zone that it serves best",
    "area_overlap": "a cell belongs to zones in proportion to the shared area",
    "posterior": "a cell belongs to zones by the posterior probability of the device's position",
}
_MEANING = {
    "suppressed": "the count was suppressed",
    "structural_zero": "there can be no such flow",
    "not_supplied": "the cell was not supplied",
}


def render_annex(spec: Specification) -> str:
    """Return the annex: every field of the specification in words, with its id. Ends with a line break.

    The same specification gives the same text. The id is on the first page and in the column `spec_id` of each table of
    a delivery.
    """
    sections = (
        ("1 Period", _period(spec)),
        ("2 Devices", _devices(spec)),
        ("3 Time at a place", _dwell(spec)),
        ("4 Home", _home(spec)),
        ("5 Work", _work(spec)),
        ("6 Night and shift workers", _shift_workers(spec)),
        ("7 Students", _students(spec)),
        ("8 Duplicate devices", _duplicates(spec)),
        ("9 Zones", _zones(spec)),
        ("10 Expansion", _expansion(spec)),
        ("11 Disclosure control by the operator", _disclosure(spec)),
        ("12 Tables to deliver", _tables(spec)),
    )
    head = [
        f"# Annex: {spec.title}",
        "",
        f"Specification `{spec.spec_id}`, method version `{spec.method_version}`. The id is the hash of the "
        f"document: "
        "a delivery under another text has another id and is sent back.",
    ]
    parts = [f"\n## {title}\n\n{body}" for title, body in sections]
    return "\n".join([*head, *parts]) + "\n"


def _table(rows: Iterable[tuple[str, object]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _period(spec: Specification) -> str:
    excluded = ", ".join(day.isoformat() for day in spec.period.excluded_days) or "none"
    return _table(
        [
            ("first day", spec.period.first_day),
            ("last day", spec.period.last_day),
            ("local time", spec.period.time_zone),
            ("days that are no working days", excluded),
            ("deliveries", f"one for each of {len(spec.months())} months"),
        ]
    )


def _devices(spec: Specification) -> str:
    devices = spec.devices
    return _table(
        [
            ("age of the holder", f"{devices.min_age_years} years or more"),
            ("accounts", ", ".join(devices.accounts)),
            ("tariffs", ", ".join(devices.tariffs)),
            ("devices of machines", "counted" if devices.includes_machines else "left out"),
            ("devices of foreign networks", "counted" if devices.includes_roamers else "left out"),
            ("active days", f"{devices.min_active_days} of {devices.window_days} or more"),
        ]
    )


def _dwell(spec: Specification) -> str:
    dwell = spec.dwell
    return (
        "An event stands for half of the time to the event before it and half of the time to the event after "
        "it, at most "
        f"{dwell.max_day_minutes:g} minutes in all, and {dwell.max_night_minutes:g} minutes in the night. An "
        f"event that a "
        f"speed above {dwell.max_speed_m_s:g} m/s over at least {dwell.min_jump_m:g} m would need is reported as "
        "suspicious."
    )


def _home(spec: Specification) -> str:
    home = spec.home
    return (
        f"The cell with events in most distinct nights. A night runs from {home.from_hour} to {home.to_hour} h "
        f"local time "
        f"and has the date on which it begins; it counts at a cell from {home.min_events_per_night} event(s) on. The "
        f"cell must have {home.min_nights} nights or more and {home.min_share:.0%} of the observed nights or more, "
        "otherwise the device has no home and the reason is reported. Of equal cells the one with more events "
        "at night "
        "is taken, then the one with the smaller code. Other cells with "
        f"{home.surroundings_share:.0%} of the home's nights or more belong to its surroundings."
    )


def _work(spec: Specification) -> str:
    work = spec.work
    days = ", ".join(_WEEKDAYS[day - 1] for day in work.weekdays)
    return (
        f"The cell with most working days, outside of the home and its surroundings. A working day is a {days} with "
        f"{work.min_dwell_hours:g} hours or more at the cell between {work.from_hour} and {work.to_hour} h "
        f"local time. "
        f"The cell must have {work.min_days_per_week:g} such days a week or more and {work.min_share:.0%} of "
        f"all working "
        f"days or more; up to {work.max_workplaces} workplaces are reported. Fewer than "
        f"{work.full_time_days_per_week:g} working days a week are part-time. A device whose daytime place is "
        f"its home "
        f"is counted as `{work.at_home}`."
    )


def _shift_workers(spec: Specification) -> str:
    rule = spec.shift_workers
    return (
        f"A device is a candidate if it spends {rule.min_swapped_nights} nights or more, and "
        f"{rule.min_share:.0%} of the "
        "observed nights or more, at another place than that of its free time and the following day at the place of "
        f"its free time. The place of a night is that of most time from {rule.core_from_hour} to "
        f"{rule.core_to_hour} h; "
        f"free time is {rule.evening_from_hour} to {rule.evening_to_hour} h on every day. A place of nights has at "
        f"least {NIGHT_PLACE_RATIO:g} times the share of night time that it has of free time. Candidates are counted "
        "apart; home and work are never exchanged without a flag."
    )


def _students(spec: Specification) -> str:
    rule = spec.students
    return (
        f"A device whose daytime cell has {rule.min_education_share:.0%} of education ground or more and "
        f"{rule.min_share_aged_16_24:.0%} of users aged 16 to 24 or more in working hours, and whose holder is known "
        f"to be {rule.max_age_years} years or younger, is a student. Students are "
        + ("counted with workers." if rule.counted == "with_workers" else "left out of the flows of workers.")
    )


def _duplicates(spec: Specification) -> str:
    rule = spec.duplicates
    kept = (
        "Both devices of a pair are counted."
        if rule.counted == "both"
        else "Of a pair the device with more events is counted, then the one with the smaller code."
    )
    return (
        "A device goes with another one of the same home cell if the posterior probability of a companion exceeds "
        f"{rule.min_probability:.0%}. Time is cut into steps of {rule.step_minutes} minutes from midnight UTC; the "
        "place of a step is the cell of its last event, and two devices are compared at the steps at which both have "
        f"one. The companion is at the cell of the first but for {rule.mismatch_share:.1%} of the steps; another "
        f"device is where its habits, in {HABIT_SHARE:.0%}, or the handovers of all devices from its last cell, in "
        f"{1 - HABIT_SHARE:.0%}, let expect it. Habits are its own share of steps at the cell at the same hour and "
        f"kind of day, with {HOURLY_WEIGHT:g} steps of its whole share added, and to that "
        f"{OVERALL_WEIGHT:g} step of the share of all devices. A share of {rule.prior_share:.1%} of the "
        f"devices has a companion, which is equally likely any candidate. {kept}"
    )


def _zones(spec: Specification) -> str:
    zones = spec.zones
    return (
        f"Geography `{zones.geography}`, codes of vintage `{zones.vintage}`; {_ALLOCATION[zones.allocation]}. The "
        f"{len(zones.codes):,} codes:\n\n{', '.join(zones.codes)}"
    )


def _expansion(spec: Specification) -> str:
    expansion = spec.expansion
    return _table(
        [
            ("tables count", expansion.unit),
            ("factors", expansion.factors),
            ("margins", expansion.margins),
            ("version", f"`{expansion.version}`"),
        ]
    )


def _disclosure(spec: Specification) -> str:
    rule = spec.disclosure
    hidden = (
        "No count is suppressed."
        if rule.threshold == 1
        else f"Counts from {rule.least_hidden} to {rule.largest_hidden} are suppressed."
    )
    if not rule.suppresses_zeros:
        hidden += " A count of 0 is delivered as 0."
    rounded = (
        "Counts are not rounded."
        if rule.rounding_base == 1
        else f"Counts are rounded to the nearest multiple of {rule.rounding_base}."
    )
    markers = [f"* `{text}`: {_MEANING[meaning]}" for text, meaning in sorted(rule.markers.items())]
    return "\n".join(
        [
            f"{hidden} {rounded} A blank is never a zero:",
            "",
            f"* a blank: {_MEANING[rule.blank_means]}",
            *markers,
            f"* a pair of zones without a row: {_MEANING[rule.absent_pair_means]}",
        ]
    )


def _tables(spec: Specification) -> str:
    return "\n".join(
        [
            "One file of each table for each month, `<table>_<provider>_<YYYY-MM>.csv`, with the column `spec_id` = "
            f"`{spec.spec_id}`:",
            "",
            "* `od_flows`: flows between zones, with a row of totals (`TOTAL`) for each origin and each destination",
            "* `zone_margins`: devices resident and active by day in each zone, and their share of the residents",
            "* `coverage`: cells of each zone, their mean radius, the share of its area over 2 km from a site",
            "* `provider_report`: market share by area, suppressed cells, suppressed mass, devices dropped by "
            "each rule",
        ]
    )
