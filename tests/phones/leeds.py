"""Real matrices of the census for tests of the phones pilot: Leeds by MSOA."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.settings import Settings


def leeds() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Flows between the MSOAs of Leeds in 2011, and all distances between centroids in km (sphere of 6,371 km)."""
    folder = Settings().shared / "data" / "phones"
    if not (folder / "leeds_msoa_od_2011.csv").is_file():
        pytest.skip(f"no flows of Leeds in {folder} (set ONS_BIGDATA_SHARED)")
    flows = pl.read_csv(folder / "leeds_msoa_od_2011.csv").select(
        origin="O", destination="D", flow=pl.col("all").cast(pl.Float64)
    )
    zones = pl.read_csv(folder / "leeds_msoa_zones.csv").select(pl.col("geo_code"), pl.col("lon", "lat").radians())
    pairs = zones.join(zones, how="cross", suffix="_d").filter(pl.col("geo_code") != pl.col("geo_code_d"))
    half = ((pl.col("lat_d") - pl.col("lat")) / 2).sin() ** 2 + pl.col("lat").cos() * pl.col("lat_d").cos() * (
        (pl.col("lon_d") - pl.col("lon")) / 2
    ).sin() ** 2
    distances = pairs.select(origin="geo_code", destination="geo_code_d", distance_km=2 * 6371.0 * half.sqrt().arcsin())
    return flows.filter(pl.col("origin") != pl.col("destination")), distances


def margins(flows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Totals of flows by origin and by destination."""
    origins, destinations = (
        flows.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in ("origin", "destination")
    )
    return origins, destinations
