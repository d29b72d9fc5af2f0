"""Frames of the official figures with which migration is compared: yearly moves, region matrices, census tables."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import GSS_CODE, HEX_ID

_LOAD = "load of the file: 16 hex digits"
_LINE = "line of the file or row of the sheet; the header is 1"
_YEAR = "last day (30 June) of the year in which the moves were made; the partition"


class DetailedMove(dy.Schema):
    """One row per accepted row of a detailed file of official internal migration (`raw.detailed_migration`)."""

    load_id = dy.String(regex=HEX_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    year_ending = dy.Date(description=_YEAR)
    origin = dy.String(regex=GSS_CODE, description="GSS code of the authority (or country) of the residence before")
    destination = dy.String(regex=GSS_CODE, description="GSS code of the authority (or country) of the residence after")
    age = dy.Int16(min=0, max=130, description="age in years at the end of the year; the highest includes all above")
    sex = dy.String(regex="^(female|male)$", description="female or male")
    moves = dy.Float64(min=0.0, max=1e7, description="estimated moves of persons; modelled, therefore not whole")


class AuthorityAgeMigration(dy.Schema):
    """One row per accepted row of a file of official migration by authority and age (`raw.authority_age_migration`)."""

    load_id = dy.String(regex=HEX_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    year_ending = dy.Date(description=_YEAR)
    authority = dy.String(regex=GSS_CODE, description="GSS code of the authority, as it was valid in that year")
    authority_name = dy.String(nullable=True, max_length=200, description="name as in the file; null where empty")
    age_group = dy.String(regex="^(u18|18-25|26-35|36-55|o55)$", description="age group in years: u18, 18-25, …, o55")
    moves_in = dy.Float64(min=0.0, max=1e7, description="estimated moves of persons into the authority")
    moves_out = dy.Float64(min=0.0, max=1e7, description="estimated moves of persons out of the authority")


class RegionMigration(dy.Schema):
    """One row per cell of an official table of moves between regions (`raw.region_migration`).

    Of a square matrix all cells of one row have the line of that row.
    """

    load_id = dy.String(regex=HEX_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    year_ending = dy.Date(description=_YEAR)
    origin = dy.String(regex=GSS_CODE, description="GSS code of the region or country of the residence before")
    destination = dy.String(regex=GSS_CODE, description="GSS code of the region or country of the residence after")
    moves = dy.Float64(min=0.0, max=1e8, description="estimated moves of persons as printed, rounded to 10")


class CensusFlow(dy.Schema):
    """One row per accepted row of an origin-destination table of the census of 2021 (`raw.census_flows`)."""

    load_id = dy.String(regex=HEX_ID, description=_LOAD)
    line = dy.Int32(min=2, description=_LINE)
    census_table = dy.String(
        regex="^od(mg|wp)01ew$",
        description="odmg01ew (residence a year before, residence) or odwp01ew (residence, workplace); the partition",
    )
    geography = dy.String(regex="^(ltla|msoa)$", description="ltla (local authorities) or msoa")
    origin = dy.String(
        regex=f"{GSS_CODE}|^-8$|^999999999$",
        description="GSS code; -8 where it does not apply, 999999999 outside the United Kingdom",
    )
    destination = dy.String(
        regex=f"{GSS_CODE}|^-8$|^999999999$",
        description="GSS code; -8 where it does not apply, 999999999 outside the United Kingdom",
    )
    workplace_indicator = dy.Int16(
        nullable=True, min=-9, max=9, description="code of the place of work as printed; null in odmg01ew"
    )
    persons = dy.Int64(min=0, max=10**9, description="persons")
