"""When to call at which areas, and what prediction of empty homes saves."""

from ons_bigdata.meters.methods.fieldwork.calendar import contact_calendar
from ons_bigdata.meters.methods.fieldwork.case_for_use import FieldCosts, case_for_use

__all__ = ["FieldCosts", "case_for_use", "contact_calendar"]
