"""The commuters of a census table of journeys to work: what an operator's flows can be compared with."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.phones.schemas.models import UniversePart

Frame = pl.DataFrame | pl.LazyFrame

SPECIAL_DESTINATIONS = {
    "OD0000001": "at_home",
    "OD0000002": "offshore",
    "OD0000003": "no_fixed_place",
    "OD0000004": "outside_uk",
    "S92000003": "scotland",
    "N92000002": "northern_ireland",
}
"""Destinations of census tables of 2011 that are no zones of England and Wales, and what they mean."""

PARTS = ("commuters", *SPECIAL_DESTINATIONS.values(), "outside_zones")


class CensusUniverse(NamedTuple):
    """Commuters between zones, and all parts of the table with their numbers."""

    commuters: pl.DataFrame
    """Rows of the table between zones, unchanged and in their order."""
    parts: pl.DataFrame
    """`UniversePart` rows: rows and persons add up to the table."""


def commuting_universe(flows: Frame, zones: Frame, *, is_within_kept: bool = True) -> CensusUniverse:
    """Commuters between the zones of a study area, and what is left out of a census table.

    `flows`: origin, destination (codes), flow (persons, ≥ 0); further columns pass through. `zones`: zone, the codes
    of the study area. Persons who work at home, offshore, at no fixed place, outside the UK, in Scotland or in Northern
    Ireland (`SPECIAL_DESTINATIONS`) are no commuters to a zone; pairs with an end outside the zones are left out as
    `outside_zones`. `is_within_kept` False is for tables between zones: pairs within a zone are refused.

    Persons whom a census counts are residents of 16 and over with a main job in the week of the census. Pupils,
    students and others in an operator's flows are in no census table and must be taken out of those; another year is
    met by raking to current totals (`reference_models.previous_census_raked`).

    Raises ValueError on faulty frames, repeated pairs, and an origin that is a special code.
    """
    table, area = eager_frame(flows, "flows"), eager_frame(zones, "zones")
    refuse_missing_columns(table, ("origin", "destination", "flow"), "flows")
    refuse_missing_columns(area, ("zone",), "zones")
    refuse_no_numbers(table, ("flow",), "flows")
    refuse_repeated(table, ("origin", "destination"), "flows")
    refuse_repeated(area, ("zone",), "zones")
    flow = pl.col("flow").cast(pl.Float64)
    keys = table.select(pl.col("origin", "destination").cast(pl.String), flow=flow)
    refuse_rows(
        keys,
        {
            "no origin": pl.col("origin").is_null(),
            "no destination": pl.col("destination").is_null(),
            "no flow, or one that is not finite": ~pl.col("flow").fill_null(float("nan")).is_finite(),
            "a negative flow": pl.col("flow") < 0,
            "an origin that is no zone but a code of destinations": pl.col("origin").is_in(list(SPECIAL_DESTINATIONS)),
        }
        | ({} if is_within_kept else {"origin and destination the same": pl.col("origin") == pl.col("destination")}),
        "flows",
    )
    known = area["zone"].cast(pl.String).implode()
    special = pl.col("destination").replace_strict(SPECIAL_DESTINATIONS, default=None, return_dtype=pl.String)
    is_inside = pl.col("origin").is_in(known) & pl.col("destination").is_in(known)
    part = (
        pl.when(~pl.col("origin").is_in(known))
        .then(pl.lit("outside_zones"))
        .otherwise(pl.coalesce(special, pl.when(is_inside).then(pl.lit("commuters")), pl.lit("outside_zones")))
    )
    marked = keys.select(part=part, flow="flow")
    sums = marked.group_by("part").agg(rows=pl.len().cast(pl.Int64), persons=pl.col("flow").sum())
    parts = pl.DataFrame({"part": PARTS}).join(sums, on="part", how="left", maintain_order="left")
    return CensusUniverse(
        commuters=table.filter(marked["part"] == "commuters"),
        parts=UniversePart.validate(parts.with_columns(pl.col("rows", "persons").fill_null(0)), cast=True),
    )
