"""Address files of the simulated world, in the layouts of the products of the Ordnance Survey and of ONS.

Layouts: OS AddressBase, AddressBase Core, AddressBase Plus and AddressBase Premium technical specifications, OS Open
UPRN, ONS Postcode Directory (a part of its columns). Fields that the world has nothing for are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.simulation.world.addresses import POSTCODE_AREA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ons_bigdata.simulation.world.building import World

CORE_COLUMNS = (
    *("uprn", "parent_uprn", "udprn", "usrn", "toid", "classification_code", "easting", "northing", "latitude"),
    *("longitude", "rpc", "last_update_date", "single_line_address", "po_box", "organisation", "sub_building"),
    *("building_name", "building_number", "street_name", "locality", "town_name", "post_town", "island", "postcode"),
    *("delivery_point_suffix", "gss_code", "change_code"),
)
_PLUS_WIDTH, _ADDRESSBASE_WIDTH, _BLPU_WIDTH, _CLASS_WIDTH = 77, 27, 22, 12
SCHEME = "AddressBase Premium Classification Scheme"
OTHER_SCHEME = "VOA Special Category"
"""A second scheme, in which commercial addresses have a code, too, as in the real product."""
_UPDATED = "2014-03-31"
_TERMINATED_AREA = "QX"
_TERMINATED_SHARE = 50
"""One of so many postcodes has a terminated neighbour in the directory."""


@dataclass(frozen=True)
class AddressFiles:
    """Files of one world, by product."""

    addressbase: Path
    core: Path
    plus: Path
    premium: Path
    open_uprn: Path
    postcodes: Path
    areas: Path
    """Output areas with their residents (columns of `World.areas`)."""


def write_address_files(folder: Path, world: World) -> AddressFiles:
    """Write the addresses of a world in every layout, and its areas, with progress. Equal worlds give equal bytes.

    AddressBase, Plus and Premium have no header, as supplied. Premium has records 10 (header), 21 (BLPU), 32
    (classification, of two schemes) and 99 (trailer).
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = AddressFiles(
        addressbase=folder / "simulated_addressbase.csv",
        core=folder / "simulated_addressbase_core.csv",
        plus=folder / "simulated_addressbase_plus.csv",
        premium=folder / "simulated_addressbase_premium.csv",
        open_uprn=folder / "simulated_osopenuprn.csv",
        postcodes=folder / "simulated_onspd.csv",
        areas=folder / "simulated_areas.csv",
    )
    writers: dict[Path, Callable[[Path, World], None]] = {
        files.addressbase: _write_addressbase,
        files.core: _write_core,
        files.plus: _write_plus,
        files.premium: _write_premium,
        files.open_uprn: _write_open_uprn,
        files.postcodes: _write_postcodes,
        files.areas: _write_areas,
    }
    for path in progress.track("writing address files", writers, len(writers)):
        writers[path](path, world)
    return files


def _country() -> pl.Expr:
    """Country code of the products: E, W or S."""
    return pl.col("authority").str.slice(0, 1)


def _custodian() -> pl.Expr:
    """Number of the authority that keeps an address; no real one."""
    return 9_000 + pl.col("authority_number")


def _rows(addresses: pl.DataFrame, width: int, fields: dict[int, pl.Expr | str]) -> pl.DataFrame:
    """Rows of so many columns, of which some (counted from 1) have a value."""
    empty = pl.lit(None, dtype=pl.String)
    return addresses.select(
        (pl.col(field) if isinstance(field, str) else field).alias(f"column_{place}")
        for place in range(1, width + 1)
        for field in [fields.get(place, empty)]
    )


def _metres(column: str) -> pl.Expr:
    return pl.col(column).round(2)


def _write_addressbase(path: Path, world: World) -> None:
    fields: dict[int, pl.Expr | str] = {
        **{1: "uprn", 12: "authority_name", 15: "postcode", 17: _metres("easting_m"), 18: _metres("northing_m")},
        **{19: "lat", 20: "lon", 21: pl.lit(1), 22: _country(), 23: pl.lit("I"), 26: pl.lit(_UPDATED)},
        27: pl.col("class_code").str.slice(0, 1),
    }
    _rows(world.addresses, _ADDRESSBASE_WIDTH, fields).write_csv(path, include_header=False)


def _write_core(path: Path, world: World) -> None:
    fields: dict[int, pl.Expr | str] = {
        **{1: "uprn", 6: "class_code", 7: _metres("easting_m"), 8: _metres("northing_m"), 9: "lat", 10: "lon"},
        **{11: pl.lit(1), 12: pl.lit(_UPDATED), 21: "authority_name", 22: "authority_name", 24: "postcode"},
        **{26: "authority", 27: pl.lit("I")},
    }
    rows = _rows(world.addresses, len(CORE_COLUMNS), fields)
    rows.columns = list(CORE_COLUMNS)
    rows.write_csv(path)


def _write_plus(path: Path, world: World) -> None:
    fields: dict[int, pl.Expr | str] = {
        **{1: "uprn", 3: pl.lit("I"), 4: pl.lit(2), 5: pl.lit(_UPDATED), 6: "class_code"},
        **{8: _metres("easting_m"), 9: _metres("northing_m"), 10: "lat", 11: "lon", 12: pl.lit(1)},
        **{13: _custodian(), 14: _country(), 16: pl.lit(_UPDATED), 61: "authority_name", 63: "authority_name"},
        **{65: "postcode", 66: "postcode", 69: pl.lit("D")},
    }
    _rows(world.addresses, _PLUS_WIDTH, fields).write_csv(path, include_header=False)


def _write_premium(path: Path, world: World) -> None:
    """Write records of four kinds; rows of a kind follow each other, as in the supply of a whole area."""
    made = (world.first_day - timedelta(days=1)).isoformat()
    blpu: dict[int, pl.Expr | str] = {
        **{1: pl.lit(21), 2: pl.lit("I"), 3: pl.int_range(1, pl.len() + 1), 4: "uprn", 5: pl.lit(1), 6: pl.lit(2)},
        **{7: pl.lit(_UPDATED), 9: _metres("easting_m"), 10: _metres("northing_m"), 11: "lat", 12: "lon"},
        **{13: pl.lit(1), 14: _custodian(), 15: _country(), 16: pl.lit(_UPDATED), 18: pl.lit(_UPDATED)},
        **{19: pl.lit(_UPDATED), 20: pl.lit("D"), 21: "postcode", 22: pl.lit(0)},
    }
    commercial = world.addresses.filter(pl.col("class_code").str.starts_with("C"))
    with path.open("wb") as file:
        file.write(f'10,"simulated",9000,{made},1,{made},09:00:00,"1.0","F"\n'.encode())
        _rows(world.addresses, _BLPU_WIDTH, blpu).write_csv(file, include_header=False)
        for scheme, addresses, code in (
            (SCHEME, world.addresses, pl.col("class_code")),
            (OTHER_SCHEME, commercial, pl.lit("417")),
        ):
            classification: dict[int, pl.Expr | str] = {
                **{1: pl.lit(32), 2: pl.lit("I"), 3: pl.int_range(1, pl.len() + 1), 4: "uprn"},
                **{5: pl.format("9000C{}", "uprn"), 6: code, 7: pl.lit(scheme), 8: pl.lit("1.0")},
                **{9: pl.lit(_UPDATED), 11: pl.lit(_UPDATED), 12: pl.lit(_UPDATED)},
            }
            _rows(addresses, _CLASS_WIDTH, classification).write_csv(file, include_header=False)
        records = 2 * world.addresses.height + commercial.height
        file.write(f"99,1,{records},{made},09:00:00\n".encode())


def _write_open_uprn(path: Path, world: World) -> None:
    rows = world.addresses.select(
        UPRN="uprn",
        X_COORDINATE=_metres("easting_m"),
        Y_COORDINATE=_metres("northing_m"),
        LATITUDE="lat",
        LONGITUDE="lon",
    )
    rows.write_csv(path, include_bom=True)


def _write_postcodes(path: Path, world: World) -> None:
    """Write a part of the columns of the ONS Postcode Directory; some postcodes are terminated."""
    grouped = world.areas.select("output_area", place=pl.int_range(pl.len()).over("msoa"), msoa="msoa")
    lower = grouped.with_columns(group=pl.struct("msoa", pl.col("place") // 5).rank("dense"))
    lower = lower.with_columns(
        lsoa=pl.col("msoa").str.slice(0, 1) + "01" + (900_000 + pl.col("group").cast(pl.Int64)).cast(pl.String)
    )
    postcodes = (
        world.addresses.group_by("postcode", "output_area", "msoa", "authority", maintain_order=True)
        .agg(pl.col("easting_m").mean().round().cast(pl.Int64), pl.col("northing_m").mean().round().cast(pl.Int64))
        .join(lower.select("output_area", "lsoa"), on="output_area", how="left", maintain_order="left")
        .with_columns(doterm=pl.lit(None, dtype=pl.String))
    )
    ended = postcodes.gather_every(_TERMINATED_SHARE).with_columns(
        postcode=pl.lit(_TERMINATED_AREA) + pl.col("postcode").str.strip_prefix(POSTCODE_AREA),
        doterm=pl.lit("201301"),
    )
    rows = pl.concat([postcodes, ended]).select(
        pcd=pl.col("postcode").str.extract(r"^(\S+) ", 1).str.pad_end(4)
        + pl.col("postcode").str.extract(r" (\S+)$", 1),
        pcds="postcode",
        dointr=pl.lit("198001"),
        doterm="doterm",
        oslaua="authority",
        oseast1m="easting_m",
        osnrth1m="northing_m",
        oa11="output_area",
        lsoa11="lsoa",
        msoa11="msoa",
        wz11=pl.lit(None, dtype=pl.String),
    )
    rows.write_csv(path)


def _write_areas(path: Path, world: World) -> None:
    world.areas.write_csv(path)
