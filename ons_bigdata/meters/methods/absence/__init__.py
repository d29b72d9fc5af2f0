"""Absent days and spells of them: rule, chain of days, boosted trees."""

from ons_bigdata.meters.methods.absence.detection import detect_absent_days
from ons_bigdata.meters.methods.absence.spells import absence_spells

__all__ = ["absence_spells", "detect_absent_days"]
