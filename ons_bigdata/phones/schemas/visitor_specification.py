"""Specification of visitors and their nights from roaming devices: a validated document and its hash."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ons_bigdata.phones.schemas.specification import Code, Hour, Key, Share, Text

CountryCode = Annotated[int, Field(ge=1, le=999)]
"""Mobile country code (ITU E.212)."""


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class VisitorPeriod(_Block):
    """Days that are covered, local time."""

    first_day: date
    last_day: date
    time_zone: Text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}")
        return self


class Nights(_Block):
    """Night of a device: the place with most of its events at night."""

    from_hour: Hour
    """Hour at which the night begins; it has the date of its beginning."""
    to_hour: Hour
    """Hour at which it ends, on the next day."""
    min_events: Annotated[int, Field(ge=1)]
    """Events at night that make a night."""
    max_gap_nights: Annotated[int, Field(ge=0, le=14)]
    """Nights without an event that are bridged between two at the same place."""

    @model_validator(mode="after")
    def _crosses_midnight(self) -> Self:
        if self.to_hour >= self.from_hour:
            raise ValueError(f"the night runs from {self.from_hour} to {self.to_hour} h; expected to cross midnight")
        return self


class UsualEnvironment(_Block):
    """Who is no visitor where."""

    max_inbound_nights: Annotated[int, Field(ge=1, le=366)]
    """Nights in the period above which a device with a foreign card lives here."""
    min_home_share: Share
    """Share of the nights in an area from which it belongs to the usual environment of an own device."""
    min_home_nights: Annotated[int, Field(ge=1)]
    """Nights below which an own device has no known environment, and no domestic nights."""
    min_domestic_km: Annotated[float, Field(ge=0, le=1_000)]
    """Least distance of the masts of a domestic night from those of the home: nearer cells serve the home, too."""


class Factor(_Block):
    """Persons for each device of a country, agreed or from a survey, with its error."""

    country_code: CountryCode
    """Country of the card; for own devices one of the own codes."""
    persons_per_device: Annotated[float, Field(gt=0)]
    relative_standard_error: Annotated[float, Field(ge=0, le=1)]


class VisitorDisclosure(_Block):
    """Suppression and rounding of the counts of devices that are published."""

    threshold: Annotated[int, Field(ge=3, le=1_000)]
    rounding_base: Annotated[int, Field(ge=1, le=1_000)]


class VisitorSpecification(_Block):
    """The whole specification. Equal documents have equal `spec_id`, whatever the order of their fields and lists."""

    title: Text
    method_version: Key
    own_country_codes: tuple[CountryCode, ...] = Field(min_length=1)
    """Codes of the operator's own country; other cards are foreign."""
    period: VisitorPeriod
    nights: Nights
    usual_environment: UsualEnvironment
    zone_vintage: Code
    """Version of the codes of areas, as in the cell plan."""
    factors: tuple[Factor, ...]
    """Factors of expansion; a country without one is counted in devices alone."""
    disclosure: VisitorDisclosure

    @field_validator("own_country_codes")
    @classmethod
    def _sorted_codes(cls, codes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(codes)))

    @field_validator("factors")
    @classmethod
    def _sorted_factors(cls, factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
        codes = [factor.country_code for factor in factors]
        if len(set(codes)) < len(codes):
            raise ValueError(f"country code {next(code for code in codes if codes.count(code) > 1)} has two factors")
        return tuple(sorted(factors, key=lambda factor: factor.country_code))

    def canonical_json(self) -> str:
        """Return the document as JSON with sorted keys, in ASCII and without blanks."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))

    @property
    def spec_id(self) -> str:
        """First 16 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode("ascii")).hexdigest()[:16]
