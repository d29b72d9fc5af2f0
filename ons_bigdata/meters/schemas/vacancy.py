"""Frames of vacancy by group of homes and quarter, controlled for disclosure."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN

_HIDDEN = "null where the group is hidden"


def _count(description: str) -> dy.Int64:
    return dy.Int64(nullable=True, min=0, description=f"{description}, rounded; {_HIDDEN}")


def _share(description: str) -> dy.Float64:
    return dy.Float64(
        nullable=True, min=0.0, max=1.0, description=f"{description}, to a thousandth; null below 100 judged homes"
    )


class ControlledVacancy(dy.Schema):
    """One row per group of homes and quarter (`analysis.meter_vacancy_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    format = dy.String(
        primary_key=True, regex=f"^({'|'.join(FORMATS)})$", description="format of the files of readings"
    )
    group_kind = dy.String(
        primary_key=True, regex="^(all|area|dwelling_type)$", description="all, area, or dwelling_type"
    )
    home_group = dy.String(
        primary_key=True, description="all, area or type of dwelling; unknown without attributes of the home"
    )
    quarter = dy.Date(primary_key=True, description="first day of the quarter")
    homes = _count("homes judged, or with the last judgement carried on")
    judged = _count("homes whose quarter is judged")
    carried = _count("homes with the last judgement carried on")
    stock = _count("vacant homes")
    became_vacant = _count("homes that were not vacant in the quarter before, and are")
    occupied_again = _count("homes that were vacant in the quarter before, and are not")
    appeared = _count("homes that are vacant when they come into the panel")
    disappeared = _count("homes that were vacant in their last quarter, the quarter before")
    expected_stock = _count("expected number of vacant homes, given that judgements err")
    expected_became_vacant = _count("expected number of homes that became vacant")
    expected_occupied_again = _count("expected number of vacant homes that are occupied again")
    expected_appeared = _count("expected number of homes that are vacant when they come into the panel")
    expected_disappeared = _count("expected number of homes that were vacant in their last quarter, the quarter before")
    median_days = dy.Float64(
        nullable=True, min=0.0, description="median days since the onset, of the stock; null below ten vacant homes"
    )
    share_two_years = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="share of the stock vacant for 730 days; null below ten vacant homes",
    )
    second_homes = _count("homes used now and then, which are no vacant ones")
    reading_zero = _count("homes whose readings are all zero: empty, or a dead channel")
    reading_zero_vacant = _count("of these, homes in the stock")
    vacant_share = _share("mean probability of vacancy of the judged homes")
    vacant_share_lower = _share("lower end of the 95 % interval of vacant_share")
    vacant_share_upper = _share("upper end of the 95 % interval of vacant_share")
    no_interval_reason = dy.String(
        nullable=True,
        regex="^(hidden|not_judged|few_homes)$",
        description="why there is no interval; null where there is",
    )
    rule_homes = _count("homes that the rule of 180 kWh judges")
    rule_vacant = _count("vacant homes by the rule of 180 kWh in four quarters")
    settlement = dy.String(
        regex="^(provisional|settled)$", description="settled with readings of the 30 days after the quarter"
    )
    recipe = dy.String(regex="^[a-z0-9_]{1,64}$", description="model that judged the quarters")
    parameters_hash = dy.String(
        regex="^[0-9a-f]{16}$", description="hash of the models, the rules of vacancy, and those of disclosure control"
    )
    status = dy.String(
        regex="^(published|below_threshold|secondary)$",
        description="published; below_threshold: fewer homes than may be shown; secondary: would uncover one",
    )
