"""Files of areas: names with residents (census of 2021), positions or rural-urban classes; simulated zones."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ons_bigdata.phones.schemas.census import PhoneZone
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import reason

READER_VERSION = "4"
_NUMBER_OF_AREA = r"^(.+) [0-9]{3}$"
"""The name of a middle-layer area is that of its district and a number."""


@dataclass(frozen=True)
class Layout:
    """Columns of a file of areas, in capitals."""

    vintage: str
    geography: str
    code: str
    name: str
    residents: str | None = None
    position: tuple[str, str] | None = None
    rurality: str | None = None
    codes: str = r"^[EWSN][0-9]{8}$"

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        residents = () if self.residents is None else (self.residents,)
        rurality = () if self.rurality is None else (self.rurality,)
        return (self.code, self.name, *residents, *(self.position or ()), *rurality)


LAYOUTS = (
    Layout("MSOA21", "msoa", "MNEMONIC", "2021 SUPER OUTPUT AREA - MIDDLE LAYER", residents="TOTAL"),
    Layout("MSOA11", "msoa", "GEO_CODE", "GEO_NAME", position=("LON", "LAT")),
    Layout("MSOA11", "msoa", "MSOA11CD", "MSOA11NM", rurality="RUC11"),
    Layout("LAD20X", "lad", "CODE", "NAME"),
    Layout(
        "SIM1",
        "zone",
        "ZONE",
        "ZONE_NAME",
        residents="RESIDENTS",
        position=("LON", "LAT"),
        rurality="RURALITY",
        codes=r"^Z[0-9]{3}$",
    ),
    Layout("SIM1", "zone", "ZONE", "ZONE_NAME", residents="RESIDENTS", position=("LON", "LAT"), codes=r"^Z[0-9]{3}$"),
    Layout("SIM1", "zone", "ZONE", "ZONE_NAME", position=("LON", "LAT"), codes=r"^Z[0-9]{3}$"),
)


def layout_of(content: bytes) -> Layout | None:
    """Layout whose columns a file has; None where there is none. A file by occupation is none: its total is workers."""
    return next((layout for layout in LAYOUTS if tables.has_columns(content, layout.required)), None)


def read_zones(content: bytes, *, load_id: str) -> Reading:
    """Read a file into PhoneZone rows and quarantined ones. Never raises for any content."""
    if not content:
        return refused_reading("no bytes", "outage")
    layout = layout_of(content)
    if layout is None:
        return refused_reading("columns of no file of areas; see docs/phones/deliveries/formats.md")
    table = tables.read_table(content, required=layout.required)
    if table.refusal:
        return refused_reading(table.refusal)
    residents = pl.lit(None, dtype=pl.Int32) if layout.residents is None else tables.whole_column(layout.residents)
    lon, lat = layout.position or (None, None)
    numbers = {"_lon": lon, "_lat": lat}
    return tables.reading(
        table,
        parsed=[
            residents.alias("_residents"),
            *(
                (pl.lit(None, dtype=pl.Float64) if name is None else tables.number_column(name)).alias(alias)
                for alias, name in numbers.items()
            ),
            (~pl.col(layout.code).is_first_distinct()).alias("_is_repeated"),
        ],
        faults=[
            (
                ~pl.col(layout.code).str.contains(layout.codes),
                reason(f"{layout.code} {{}}; expected a code", layout.code),
            ),
            (pl.col(layout.name) == "", reason(f"{layout.code} {{}} has no name", layout.code)),
            *([] if layout.residents is None else [tables.unless("_residents", layout.residents, "a whole number")]),
            *(tables.unless(alias, name, "degrees") for alias, name in numbers.items() if name is not None),
            *(
                []
                if layout.rurality is None
                else [(pl.col(layout.rurality) == "", reason(f"{layout.code} {{}} has no class", layout.code))]
            ),
            (pl.col("_is_repeated"), reason(f"{layout.code} {{}} came before", layout.code)),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(layout.vintage).alias("vintage"),
            pl.lit(layout.geography).alias("geography"),
            pl.col(layout.code).alias("code"),
            pl.col(layout.name).alias("name"),
            (
                pl.col(layout.name).str.extract(_NUMBER_OF_AREA, 1)
                if layout.geography == "msoa"
                else pl.lit(None, dtype=pl.String)
            ).alias("district_name"),
            pl.col("_residents").cast(pl.Int64).alias("residents"),
            pl.col("_lon").alias("longitude"),
            pl.col("_lat").alias("latitude"),
            (pl.lit(None, dtype=pl.String) if layout.rurality is None else pl.col(layout.rurality)).alias("rurality"),
        ],
        schema=PhoneZone,
    )
