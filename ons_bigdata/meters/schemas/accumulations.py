"""Frame of accumulated reads: energy between two reads of a register."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import HEX_ID, ORIGIN


class LakeAccumulation(dy.Schema):
    """One row per pair of reads of a register, with the energy between them (`lake.meter_accumulations`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the unpacked file")
    month = dy.Date(description="first day of the month of ended_at, UTC; the partition")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    meter_key = dy.Int64(description="pseudonym of the register")
    started_at = dy.Datetime(time_unit="us", time_zone="UTC", description="time of the previous read, UTC")
    ended_at = dy.Datetime(time_unit="us", time_zone="UTC", description="time of the current read, UTC")
    kwh = dy.Float64(description="energy between the reads in kWh as delivered")
    previous_read = dy.Float64(description="register at the previous read, in the unit of the file")
    current_read = dy.Float64(description="register at the current read, in the unit of the file")
    previous_flag = dy.String(regex=r"^[AEFNS]$", description="quality flag of the previous read")
    flag = dy.String(regex=r"^[AEFNS]$", description="quality flag of the current read")
    is_export = dy.Bool(description="true for energy that flows from the home into the grid")
