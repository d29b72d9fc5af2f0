"""Frames of aggregates of meters, controlled for disclosure."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN, STATES

_FORMAT = f"^({'|'.join(FORMATS)})$"
_HIDDEN = "null below the threshold"
_STATUS = dy.String(
    regex="^(published|below_threshold)$", description="published, or below_threshold: fewer meters than may be shown"
)


class PublicationRule(dy.Schema):
    """One row per parameter of the aggregates (`seeds.meter_publication_rules`)."""

    parameter = dy.String(primary_key=True, description="parameter")
    value = dy.Float64(description="value")


class ControlledConsumption(dy.Schema):
    """One row per group of homes and period (`analysis.meter_consumption_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    customer = dy.String(primary_key=True, description="kind of customer; unknown without attributes of the home")
    area = dy.String(primary_key=True, description="area; unknown without attributes of the home")
    dwelling_type = dy.String(primary_key=True, description="type of dwelling; unknown without attributes of the home")
    tariff = dy.String(primary_key=True, description="tariff; unknown without attributes of the home")
    period_kind = dy.String(primary_key=True, regex="^(week|quarter|year)$", description="week, quarter or year")
    period = dy.Date(primary_key=True, description="first day of the period")
    meters = dy.Int64(nullable=True, min=0, description=f"meters, rounded; {_HIDDEN}")
    kwh_per_day = dy.Float64(nullable=True, description=f"mean of the meters' daily consumption in kWh; {_HIDDEN}")
    kwh_per_day_se = dy.Float64(nullable=True, min=0.0, description=f"standard error of the mean; {_HIDDEN}")
    kwh_per_day_median = dy.Float64(
        nullable=True, description=f"median of the meters' daily consumption in kWh, to a tenth; {_HIDDEN}"
    )
    reading_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description=f"share of the half hours of which the reading counts; {_HIDDEN}"
    )
    zero_day_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description=f"share of the days with zeros alone; {_HIDDEN}"
    )
    imputed_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description=f"share of the half hours imputed in usable days; {_HIDDEN}"
    )
    status = _STATUS


class ControlledStates(dy.Schema):
    """One row per format, month and state of half hours (`analysis.meter_states_controlled`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    month = dy.Date(primary_key=True, description="first day of the month, UTC")
    state = dy.String(primary_key=True, regex=f"^({'|'.join(STATES)})$", description="state of the half hours")
    meters = dy.Int64(nullable=True, min=0, description=f"meters of the month, rounded; {_HIDDEN}")
    affected_meters = dy.Int64(nullable=True, min=0, description=f"meters with the state, rounded; {_HIDDEN}")
    share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description=f"share of the half hours of the month, to a thousandth; {_HIDDEN}"
    )
    status = dy.String(
        regex="^(published|below_threshold|secondary)$",
        description="published; below_threshold: fewer meters than may be shown; secondary: would uncover one",
    )
