"""Tables of travel to work of the censuses: WU03EW and tables cut from it, and the series of districts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from ons_bigdata.phones.schemas.census import MODES, CensusCommute
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import reason

READER_VERSION = "2"

SPECIAL = {
    "OD0000001": "home",
    "OD0000002": "offshore",
    "OD0000003": "no_fixed_place",
    "OD0000004": "outside_uk",
    "N92000002": "northern_ireland",
    "S92000003": "scotland",
}
"""Destinations without area in the tables of 2011, and what they mean."""

_PUBLISHED = (
    *("WORK MAINLY AT OR FROM HOME", "UNDERGROUND, METRO, LIGHT RAIL, TRAM", "TRAIN", "BUS, MINIBUS OR COACH", "TAXI"),
    *("MOTORCYCLE, SCOOTER OR MOPED", "DRIVING A CAR OR VAN", "PASSENGER IN A CAR OR VAN", "BICYCLE", "ON FOOT"),
    "OTHER METHOD OF TRAVEL TO WORK",
)
_SHORT = tuple(mode.upper() for mode in MODES)
_SIMULATED_ZONE = r"^Z[0-9]{3}$"
_AREA = rf"^[EWSN][0-9]{{8}}$|^95[A-Z0-9]{{2,7}}$|{_SIMULATED_ZONE}"
_YEAR = re.compile(r"^(19|20)[0-9]{2}$")


@dataclass(frozen=True)
class Layout:
    """Columns of a table, in capitals."""

    origin: str
    destination: str
    persons: str
    modes: tuple[str, ...] = ()
    year: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        return (self.origin, self.destination, self.persons, *self.modes, *([self.year] if self.year else []))

    @property
    def census_table(self) -> str:
        """Key of the table."""
        return "wu03ew" if self.modes else "district_series"


LAYOUTS = (
    Layout(
        "AREA OF USUAL RESIDENCE",
        "AREA OF WORKPLACE",
        "ALL CATEGORIES: METHOD OF TRAVEL TO WORK",
        _PUBLISHED,
    ),
    Layout("O", "D", "ALL", _SHORT),
    Layout("GEO_CODE1", "GEO_CODE2", "ALL", _SHORT),
    Layout("O", "D", "COMMUTERS", year="YEAR"),
)
CENSUS_YEAR = 2011
"""Year of the tables by mode."""


def layout_of(content: bytes) -> Layout | None:
    """Layout whose columns a file has; None where there is none."""
    if tables.is_workbook(content):
        return None
    table = tables.read_table(content.split(b"\n", 1)[0] + b"\n", required=())
    names = set(table.rows.columns)
    return next((layout for layout in LAYOUTS if set(layout.required) <= names), None)


def read_census_flows(content: bytes, *, load_id: str) -> Reading:
    """Read a table into CensusCommute rows and quarantined ones. Never raises for any content.

    Codes without area are kept with their meaning; an unknown code, a count that is no whole number, modes that do not
    add up to all, and a pair that came before are quarantined. A blank count is no zero: it is quarantined.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    layout = layout_of(content)
    if layout is None:
        return refused_reading("columns of no table of travel to work; see docs/phones/deliveries/formats.md")
    table = tables.read_table(content, required=layout.required)
    if table.refusal:
        return refused_reading(table.refusal)
    parsed = [
        tables.whole_column(name).alias(f"_{index}") for index, name in enumerate((layout.persons, *layout.modes))
    ]
    key = [layout.origin, layout.destination, *([layout.year] if layout.year else [])]
    return tables.reading(
        table,
        parsed=[*parsed, (~pl.struct(key).is_first_distinct()).alias("_is_repeated")],
        faults=_faults(layout, key),
        final=_columns(layout, load_id),
        schema=CensusCommute,
    )


def _faults(layout: Layout, key: list[str]) -> tables.Faults:
    destination = pl.col(layout.destination)
    faults: tables.Faults = [
        (~pl.col(layout.origin).str.contains(_AREA), reason(f"{layout.origin} {{}}; expected an area", layout.origin)),
        (
            ~(destination.str.contains(_AREA) | destination.is_in(list(SPECIAL))),
            reason(f"{layout.destination} {{}}; expected an area or a code without area", layout.destination),
        ),
        *(
            tables.unless(f"_{index}", name, "a whole number; a blank is no zero")
            for index, name in enumerate((layout.persons, *layout.modes))
        ),
        (pl.col("_is_repeated"), reason("the pair {} to {} came before", layout.origin, layout.destination)),
    ]
    if layout.modes:
        total = pl.sum_horizontal(f"_{index}" for index in range(1, len(layout.modes) + 1))
        faults.append(
            (total != pl.col("_0"), reason(f"{layout.persons} {{}}; its modes add to another number", key[0]))
        )
    if layout.year:
        faults.append(
            (~pl.col(layout.year).str.contains(_YEAR.pattern), reason("YEAR {}; expected a year", layout.year))
        )
    return faults


def _columns(layout: Layout, load_id: str) -> list[pl.Expr]:
    destination = pl.col(layout.destination)
    origin = pl.col(layout.origin)
    geography = (
        pl.when(origin.str.contains(r"^[EW]02"))
        .then(pl.lit("msoa"))
        .when(origin.str.contains(_SIMULATED_ZONE))
        .then(pl.lit("zone"))
        .otherwise(pl.lit("lad"))
    )
    year = pl.lit(CENSUS_YEAR) if layout.year is None else pl.col(layout.year)
    modes = [
        (pl.col(f"_{index}").cast(pl.Int64) if layout.modes else pl.lit(None, dtype=pl.Int64)).alias(mode)
        for index, mode in enumerate(MODES, start=1)
    ]
    return [
        pl.lit(load_id).alias("load_id"),
        pl.col("line"),
        pl.lit(layout.census_table).alias("census_table"),
        year.cast(pl.Int16).alias("census_year"),
        geography.alias("geography"),
        origin.alias("origin"),
        destination.alias("destination"),
        destination.replace_strict(SPECIAL, default="zone", return_dtype=pl.String).alias("destination_kind"),
        pl.col("_0").cast(pl.Int64).alias("persons"),
        *modes,
    ]
