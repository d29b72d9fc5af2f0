"""Specification of the method by which an operator makes flows of workers: a validated document and its hash.

The document is the annex of a tender, the contract that deliveries are checked against, and the settings of the rules
that run on events of devices. Nothing has a default: what is not written down is not agreed.
"""

from __future__ import annotations

import calendar
import hashlib
import json
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
"""Name of a provider or of a version of a method."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]
"""Code of a zone."""
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hour = Annotated[int, Field(ge=0, le=24)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]

BlankMeaning = Literal["suppressed", "structural_zero", "not_supplied"]
"""Meanings of a cell without a number. It is never a zero that was observed."""
Allocation = Literal["best_server", "area_overlap", "posterior"]
"""How a cell of the network belongs to zones: to the zone that it serves best, by shares of its area, or by the
posterior probability of the device's position."""
TieRule = Literal["events", "smaller_code"]
AtHome = Literal["home_or_near_worker", "non_worker", "undefined"]

TOTAL = "TOTAL"
"""Code in the place of a zone in a row of totals."""


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Period(_Block):
    """Days that the deliveries cover."""

    first_day: date
    """First day of the first month."""
    last_day: date
    """Last day of the last month."""
    time_zone: Text
    """IANA name of the zone of local time."""
    excluded_days: tuple[date, ...]
    """Bank and school holidays, strikes: days on which no working day is counted."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}")
        outside = [day for day in self.excluded_days if not self.first_day <= day <= self.last_day]
        if outside:
            raise ValueError(f"excluded day {outside[0]} is outside {self.first_day} to {self.last_day}")
        return self

    @field_validator("excluded_days")
    @classmethod
    def _sorted_days(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(sorted(set(days)))


class Devices(_Block):
    """Devices that are counted."""

    min_age_years: Annotated[int, Field(ge=0, le=120)]
    accounts: tuple[Literal["consumer", "business"], ...] = Field(min_length=1)
    tariffs: tuple[Literal["contract", "payg"], ...] = Field(min_length=1)
    includes_machines: bool
    """True if devices without a person (meters, cars) are counted."""
    includes_roamers: bool
    """True if devices of foreign networks are counted."""
    min_active_days: Annotated[int, Field(ge=1, le=366)]
    window_days: Annotated[int, Field(ge=1, le=366)]
    """Days among which the active days are counted."""

    @model_validator(mode="after")
    def _within_window(self) -> Self:
        if self.min_active_days > self.window_days:
            raise ValueError(f"min_active_days {self.min_active_days} exceeds window_days {self.window_days}")
        return self

    @field_validator("accounts", "tariffs")
    @classmethod
    def _sorted_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(names)))


class Dwell(_Block):
    """Time that an event stands for: half of the gap to each neighbour, capped."""

    max_day_minutes: Annotated[float, Field(gt=0, le=1_440)]
    """Longest time of an event outside of the night."""
    max_night_minutes: Annotated[float, Field(gt=0, le=1_440)]
    max_speed_m_s: Annotated[float, Field(gt=0)]
    """Speed above which the later of two events is suspicious."""
    min_jump_m: Annotated[float, Field(ge=0)]
    """Distance from which the speed counts."""


class Home(_Block):
    """Home: the cell with most distinct nights."""

    from_hour: Hour
    """Hour at which the night begins, local time; the night has the date of its beginning."""
    to_hour: Hour
    """Hour at which it ends, on the next day."""
    min_events_per_night: Annotated[int, Field(ge=1)]
    min_nights: Annotated[int, Field(ge=1)]
    min_share: Share
    """Least share of the observed nights."""
    surroundings_share: Share
    """Cells with this share of the home's nights belong to its surroundings: they are no workplace."""
    ties: tuple[TieRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _crosses_midnight(self) -> Self:
        if self.to_hour >= self.from_hour:
            raise ValueError(f"the night runs from {self.from_hour} to {self.to_hour} h; expected to cross midnight")
        return self

    @field_validator("ties")
    @classmethod
    def _ends_in_code(cls, ties: tuple[str, ...]) -> tuple[str, ...]:
        if ties != ("events", "smaller_code"):
            raise ValueError(f"ties {list(ties)}; expected [events, smaller_code]: more events, then the smaller code")
        return ties


class Work(_Block):
    """Work: the cells with most working days."""

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    """Days of the week, Monday is 1."""
    from_hour: Hour
    to_hour: Hour
    min_dwell_hours: Annotated[float, Field(gt=0, le=24)]
    """Least time at a place that makes a working day."""
    min_days_per_week: Annotated[float, Field(gt=0, le=7)]
    full_time_days_per_week: Annotated[float, Field(gt=0, le=7)]
    """Mean working days a week below which a worker is part-time."""
    min_share: Share
    """Least share of the working days."""
    max_workplaces: Annotated[int, Field(ge=1, le=5)]
    at_home: AtHome
    """How a device counts whose daytime place is its home."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise ValueError(f"the working day runs from {self.from_hour} to {self.to_hour} h")
        if self.min_dwell_hours > self.to_hour - self.from_hour:
            raise ValueError(f"min_dwell_hours {self.min_dwell_hours} exceeds the working day")
        return self

    @field_validator("weekdays")
    @classmethod
    def _sorted_days(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(days)))


class ShiftWorkers(_Block):
    """Workers by night: flagged, never silently exchanged."""

    core_from_hour: Hour
    """Hour from which the place of a night is the one with most time."""
    core_to_hour: Hour
    evening_from_hour: Hour
    """Free time is from this hour to `evening_to_hour` on every day: an hour at which neither day nor night shifts are
    worked, also at weekends."""
    evening_to_hour: Hour
    min_swapped_nights: Annotated[int, Field(ge=1)]
    """Nights away from the place of free time, followed by a day at it."""
    min_share: Share
    """Least share of such nights among the observed ones."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.core_to_hour <= self.core_from_hour:
            raise ValueError(f"the core of the night runs from {self.core_from_hour} to {self.core_to_hour} h")
        if self.evening_to_hour <= self.evening_from_hour:
            raise ValueError(f"the evening runs from {self.evening_from_hour} to {self.evening_to_hour} h")
        return self


class Students(_Block):
    """Students: daytime place on education ground."""

    min_education_share: Share
    """Share of education ground in the footprint of the daytime cell."""
    min_share_aged_16_24: Share
    """Share of the users of the cell in working hours who are 16 to 24 years old."""
    max_age_years: Annotated[int, Field(ge=0, le=120)]
    """Greatest age of the holder; a holder of unknown age is no student."""
    counted: Literal["with_workers", "apart"]
    """Place of students: in the flows of workers, or apart."""


class Duplicates(_Block):
    """Devices that go with another one of the same carrier: candidates share the home cell."""

    prior_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Share of the devices that have a companion in the same network, from a survey."""
    mismatch_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Share of the steps at which two devices of a carrier are at unrelated cells."""
    step_minutes: Annotated[int, Field(ge=1, le=240)]
    """Length of a step: two devices are compared where both have an event in it."""
    min_probability: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Posterior probability of a companion above which a device is a duplicate."""
    counted: Literal["both", "one"]
    """Devices of a pair that are counted; `one` is that with more events, then the smaller code."""


class Zones(_Block):
    """Areas of the tables."""

    geography: Key
    """Kind of area, such as msoa or lad."""
    vintage: Code
    """Version of the codes, such as MSOA11."""
    codes: tuple[Code, ...] = Field(min_length=1)
    """All codes of zones that a delivery may have."""
    allocation: Allocation

    @field_validator("codes")
    @classmethod
    def _sorted_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(codes)) < len(codes):
            raise ValueError(f"code {next(code for code in codes if codes.count(code) > 1)!r} twice")
        if TOTAL in codes:
            raise ValueError(f"code {TOTAL!r} is the name of totals")
        return tuple(sorted(codes))


class Expansion(_Block):
    """How devices become persons."""

    unit: Literal["devices", "persons"]
    """Unit that the tables count."""
    factors: Text
    """Definition of the factors; `none` where devices are counted."""
    margins: Text
    """Totals to which factors are calibrated; `none` without."""
    version: Key


class Disclosure(_Block):
    """Suppression and rounding by the operator, before the tables leave its house."""

    threshold: Annotated[int, Field(ge=1, le=1_000)]
    """Counts from 1 to threshold − 1 are suppressed; 1 for no suppression."""
    suppresses_zeros: bool
    """True if a count of 0 is hidden like small ones; false if it is delivered as 0, and a hidden one is at least 1."""
    rounding_base: Annotated[int, Field(ge=1, le=1_000)]
    """Counts are rounded to the nearest multiple; 1 for no rounding."""
    blank_means: BlankMeaning
    markers: dict[Annotated[str, StringConstraints(min_length=1, max_length=16)], BlankMeaning]
    """Texts in the place of a count and their meaning, such as -1 or NA."""
    absent_pair_means: BlankMeaning
    """Meaning of a pair of zones without a row."""

    @property
    def least_hidden(self) -> int:
        """Least count that suppression hides."""
        return 0 if self.suppresses_zeros or self.threshold == 1 else 1

    @property
    def largest_hidden(self) -> int:
        """Largest count that suppression hides."""
        return self.threshold - 1


class Specification(_Block):
    """The whole specification. Equal documents have equal `spec_id`, whatever the order of their fields and lists."""

    title: Text
    method_version: Key
    period: Period
    devices: Devices
    dwell: Dwell
    home: Home
    work: Work
    shift_workers: ShiftWorkers
    students: Students
    duplicates: Duplicates
    zones: Zones
    expansion: Expansion
    disclosure: Disclosure

    def canonical_json(self) -> str:
        """Return the document as JSON with sorted keys, in ASCII and without blanks."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))

    @property
    def spec_id(self) -> str:
        """First 16 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode("ascii")).hexdigest()[:16]

    def months(self) -> tuple[date, ...]:
        """First days of the months of which a delivery is due."""
        first, last = self.period.first_day, self.period.last_day
        numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return tuple(date(number // 12, number % 12 + 1, 1) for number in numbers)

    def of_month(self, month: date) -> Specification:
        """Return the specification with the days of one of its months alone, given by its first day.

        Raises ValueError for another month.
        """
        if month not in self.months():
            raise ValueError(f"month {month:%Y-%m} is outside of {self.period.first_day} to {self.period.last_day}")
        last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        first_day, last_day = max(month, self.period.first_day), min(last, self.period.last_day)
        excluded = tuple(day for day in self.period.excluded_days if first_day <= day <= last_day)
        days = {"first_day": first_day, "last_day": last_day, "excluded_days": excluded}
        return self.model_copy(update={"period": self.period.model_copy(update=days)})
