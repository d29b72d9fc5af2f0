"""Files of areas: names with residents (census of 2021), positions or rural-urban classes; simulated zones."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ons_bigdata.phones.schemas.census import PhoneZone
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import reason

READER_VERSION = "5"
_NUMBER_OF_AREA = r"^(.+) [0-9]{3}$"
"""The name of a middle-layer area is that of its district and a number."""
RURAL_URBAN_CLASSES = {
    "A1": "Urban major conurbation",
    "B1": "Urban minor conurbation",
    "C1": "Urban city and town",
    "C2": "Urban city and town in a sparse setting",
    "D1": "Rural town and fringe",
    "D2": "Rural town and fringe in a sparse setting",
    "E1": "Rural village and dispersed",
    "E2": "Rural village and dispersed in a sparse setting",
}
"""Rural-urban classification of 2011 for middle-layer areas of England and Wales (Office for National Statistics)."""


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
    class_code: str | None = None
    """Code of the class, one of RURAL_URBAN_CLASSES; the class is its name."""
    codes: str = r"^[EWSN][0-9]{8}$"

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        residents = () if self.residents is None else (self.residents,)
        rurality = () if self.rurality is None else (self.rurality,)
        class_code = () if self.class_code is None else (self.class_code,)
        return (self.code, self.name, *residents, *(self.position or ()), *class_code, *rurality)


LAYOUTS = (
    Layout("MSOA21", "msoa", "MNEMONIC", "2021 SUPER OUTPUT AREA - MIDDLE LAYER", residents="TOTAL"),
    Layout("MSOA11", "msoa", "GEO_CODE", "GEO_NAME", position=("LON", "LAT")),
    Layout("MSOA11", "msoa", "MSOA11CD", "MSOA11NM", rurality="RUC11", class_code="RUC11CD"),
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
            *([] if layout.class_code is None else _class_faults(layout.class_code, str(layout.rurality))),
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
            _class_name(layout).alias("rurality"),
        ],
        schema=PhoneZone,
    )


def _class_faults(code: str, name: str) -> list[tuple[pl.Expr, pl.Expr]]:
    """Faults of a class: a code that is none, and a name that is not that of the code."""
    expected = pl.col(code).replace_strict(RURAL_URBAN_CLASSES, default=None, return_dtype=pl.String)
    differs = pl.col(name).str.to_lowercase() != expected.str.to_lowercase()
    return [
        (expected.is_null(), reason(f"{code} {{}}; expected one of {', '.join(RURAL_URBAN_CLASSES)}", code)),
        (differs.fill_null(value=False), reason(f"{name} {{}} is not the name of the class {{}}", name, code)),
    ]


def _class_name(layout: Layout) -> pl.Expr:
    """Name of the class: that of its code where there is one, since spelling differs from file to file."""
    if layout.rurality is None:
        return pl.lit(None, dtype=pl.String)
    if layout.class_code is None:
        return pl.col(layout.rurality)
    return pl.col(layout.class_code).replace_strict(RURAL_URBAN_CLASSES, default=None, return_dtype=pl.String)
