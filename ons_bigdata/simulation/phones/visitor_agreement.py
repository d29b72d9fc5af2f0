"""The specification of visitors and nights that is agreed with the simulated operator."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

from ons_bigdata.phones.schemas.visitor_specification import VisitorSpecification
from ons_bigdata.simulation.phones.agreement import VINTAGE
from ons_bigdata.simulation.phones.roamers import COUNTRIES, OWN_MCC

if TYPE_CHECKING:
    from datetime import date

PERSONS_PER_OWN_DEVICE = 10.0
"""Persons of the world for each phone of the operator in the default sizes."""
PERSONS_PER_VISITING_DEVICE = 4.0
"""Agreed, not simulated: no visitors without a phone in this network are drawn."""


def agree_visitors(month: date) -> VisitorSpecification:
    """Return the specification of a month; one country has no factor, so that its visitors are devices alone."""
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    without = max(COUNTRIES)
    factors = [
        {"country_code": OWN_MCC, "persons_per_device": PERSONS_PER_OWN_DEVICE, "relative_standard_error": 0.05},
        *(
            {"country_code": code, "persons_per_device": PERSONS_PER_VISITING_DEVICE, "relative_standard_error": 0.1}
            for code in COUNTRIES
            if code != without
        ),
    ]
    return VisitorSpecification.model_validate(
        {
            "title": "Visitors and their nights in the zones of the simulated world",
            "method_version": "sim-visitors-1",
            "own_country_codes": [OWN_MCC],
            "period": {"first_day": month, "last_day": last, "time_zone": "Europe/London"},
            "nights": {"from_hour": 22, "to_hour": 7, "min_events": 1, "max_gap_nights": 2},
            "usual_environment": {
                "max_inbound_nights": 20,
                "min_home_share": 0.2,
                "min_home_nights": 7,
                "min_domestic_km": 10,
            },
            "zone_vintage": VINTAGE,
            "factors": factors,
            "disclosure": {"threshold": 10, "rounding_base": 5},
        }
    )
