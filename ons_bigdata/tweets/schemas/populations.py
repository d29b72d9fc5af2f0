"""Frame of the populations of output areas."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import GRID_EAST_M, GRID_NORTH_M, GSS_CODE, HEX_ID, ORIGIN


class AreaPopulation(dy.Schema):
    """One row per output area and file of populations (`raw.area_populations`)."""

    load_id = dy.String(primary_key=True, regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(primary_key=True, min=2, description="line of the file; the header is line 1")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file; the partition")
    output_area = dy.String(regex=GSS_CODE, description="code of the output area")
    msoa = dy.String(nullable=True, regex=GSS_CODE, description="code of the middle layer area; null where not given")
    authority = dy.String(regex=GSS_CODE, description="code of the local authority")
    authority_name = dy.String(min_length=1, max_length=200, description="name of the local authority")
    region = dy.String(regex=GSS_CODE, description="code of the region or country")
    easting_m = dy.Float64(min=0.0, max=GRID_EAST_M, description="easting of the middle, metres, British National Grid")
    northing_m = dy.Float64(
        min=0.0, max=GRID_NORTH_M, description="northing of the middle, metres, British National Grid"
    )
    residents = dy.Int32(min=0, description="usual residents")
    residents_16_plus = dy.Int32(nullable=True, min=0, description="of these aged 16 and over; null where not given")
