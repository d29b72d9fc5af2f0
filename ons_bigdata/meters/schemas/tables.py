"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.schemas import homes

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    "restricted.meter_homes": homes.MeterHome,
    "restricted.meter_survey_answers": homes.MeterSurveyAnswer,
}
"""Frame by `schema.table`."""
