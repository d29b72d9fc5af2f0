"""Origin-destination tables of the census of 2021: ODMG01EW (moves within a year), ODWP01EW (travel to work)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching
from ons_bigdata.tweets.schemas.official_migration import CensusFlow

READER_VERSION = "1"

_AREA = r"^(?:[A-Z][0-9]{8}|-8|999999999)$"
_INDICATOR = "PLACE OF WORK INDICATOR (4 CATEGORIES) CODE"


@dataclass(frozen=True)
class Layout:
    """Columns of a published table, in capitals."""

    census_table: str
    geography: str
    origin: str
    destination: str
    indicator: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        return (self.origin, self.destination, *([self.indicator] if self.indicator else []), "COUNT")


LAYOUTS = (
    Layout("odmg01ew", "ltla", "MIGRANT LTLA ONE YEAR AGO CODE", "LOWER TIER LOCAL AUTHORITIES CODE"),
    Layout("odmg01ew", "msoa", "MIGRANT MSOA ONE YEAR AGO CODE", "MIDDLE LAYER SUPER OUTPUT AREAS CODE"),
    Layout("odwp01ew", "ltla", "LOWER TIER LOCAL AUTHORITIES CODE", "LTLA OF WORKPLACE CODE", _INDICATOR),
    Layout("odwp01ew", "msoa", "MIDDLE LAYER SUPER OUTPUT AREAS CODE", "MSOA OF WORKPLACE CODE", _INDICATOR),
)


def layout_of(content: bytes) -> Layout | None:
    """Layout whose columns a file has, with no further variable; None where there is none.

    A table by age or sex has the columns of ODMG01EW and others; it is another table, whose rows would be taken for
    repeated pairs.
    """
    for layout in LAYOUTS:
        if tables.has_columns(content, layout.required):
            return layout
    return None


def read_census_flows(content: bytes, *, load_id: str) -> Reading:
    """Read a table into CensusFlow rows and quarantined ones. Never raises for any content.

    An empty file is an `outage`; a file with the columns of none of the layouts, or with variables besides, is
    `refused`. A pair (and place-of-work code) that came before is quarantined.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    layout = layout_of(content)
    if layout is None:
        return refused_reading("no columns of ODMG01EW or ODWP01EW")
    table = tables.read_table(content, required=layout.required)
    if table.refusal:
        return refused_reading(table.refusal)
    others = [c for c in table.rows.columns if c.endswith(" CODE") and c not in layout.required]
    if others:
        return refused_reading(
            f"columns {', '.join(others)} besides those of {layout.census_table.upper()}; expected codes in "
            f"{', '.join(layout.required)} alone"
        )
    key = [name for name in (layout.origin, layout.destination, layout.indicator) if name]
    indicator = (
        pl.lit(None, dtype=pl.Int16)
        if layout.indicator is None
        else matching(layout.indicator, "^-?[0-9]$").cast(pl.Int16)
    )
    required = (
        [] if layout.indicator is None else [tables.unless("_indicator", layout.indicator, "a code of one digit")]
    )
    return tables.reading(
        table,
        parsed=[
            matching(layout.origin, _AREA).alias("_origin"),
            matching(layout.destination, _AREA).alias("_destination"),
            indicator.alias("_indicator"),
            tables.whole_column("COUNT").alias("_persons"),
            (~pl.struct(key).is_first_distinct()).alias("_is_repeated"),
        ],
        faults=[
            tables.unless("_origin", layout.origin, "a GSS code, -8 or 999999999"),
            tables.unless("_destination", layout.destination, "a GSS code, -8 or 999999999"),
            *required,
            tables.unless("_persons", "COUNT", "a whole number"),
            (pl.col("_is_repeated"), pl.lit(f"the same {', '.join(key)} as an earlier row")),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(layout.census_table).alias("census_table"),
            pl.lit(layout.geography).alias("geography"),
            pl.col("_origin").alias("origin"),
            pl.col("_destination").alias("destination"),
            pl.col("_indicator").alias("workplace_indicator"),
            pl.col("_persons").cast(pl.Int64).alias("persons"),
        ],
        schema=CensusFlow,
    )
