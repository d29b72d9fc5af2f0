"""Study area of a comparison: zones that a delivery and a census share, their flows and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ons_bigdata.phones.methods.pair_classes import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


class StudyFlows(NamedTuple):
    """Flows of a study area: every zone is in the delivery, in the census and has a place."""

    zones: pl.Series
    """Codes of the zones, sorted."""
    flows: pl.DataFrame
    """Cells of the delivery: origin, destination, flow (null without a number), status, lower, upper (null)."""
    census: pl.DataFrame
    """origin, destination, flow: persons."""
    previous: pl.DataFrame | None
    """The same of an earlier census; None without."""
    distances: pl.DataFrame
    """origin, destination, distance_km of all pairs of different zones."""
    coverage: pl.DataFrame | None = None
    """area, population, users (both > 0) of zones; None where residents are not known."""
    weights: pl.DataFrame | None = None
    """area, weight: persons per device of zones; None without."""
    employment: Mapping[str, pl.DataFrame] | str = "no figures of employment"
    """Commuters within the study area from current employment: side to side, total; or why there are none."""
    margins: Mapping[str, pl.DataFrame] = {}
    """Published totals between different zones: `origin_totals` (origin, total), `destination_totals`."""


def study_flows(
    flows: pl.DataFrame, census: pl.DataFrame, previous: pl.DataFrame | None, places: pl.DataFrame
) -> StudyFlows:
    """Cut flows to the zones that are origins of the delivery and of the census and have a place.

    Columns as in `StudyFlows`; `places`: code, longitude and latitude in degrees or easting_km and northing_km.
    """
    common = (
        places.select("code")
        .join(flows.select(code="origin"), on="code", how="semi")
        .join(census.select(code="origin"), on="code", how="semi")
    )
    zones = common["code"].unique().sort()
    inside = pl.all_horizontal(pl.col(key).is_in(zones.implode()) for key in KEY)
    cut = (None if table is None else table.filter(inside).sort(KEY) for table in (flows, census, previous))
    ours, theirs, earlier = cut
    assert ours is not None and theirs is not None  # noqa: S101  (None only for the earlier census)
    here = places.filter(pl.col("code").is_in(zones.implode())).sort("code")
    return StudyFlows(zones, ours, theirs, earlier, zone_distances(here))


def zone_distances(places: pl.DataFrame) -> pl.DataFrame:
    """Distances in km between different zones: origin, destination, distance_km.

    Straight on the plane for zones with easting_km and northing_km, along the great circle (radius 6,371 km) for those
    with longitude and latitude. Raises ValueError for a zone that has neither, or where the two kinds are mixed.
    """
    is_plane, is_globe = (places.select(pair).null_count().sum_horizontal().item() == 0 for pair in _PAIRS)
    if not (is_plane or is_globe):
        bad = places.filter(pl.any_horizontal(pl.col(_PAIRS[1]).is_null()))["code"].to_list()
        message = f"places: {len(bad)} zones without longitude and latitude, not all with a position in km: {bad[:5]}"
        raise ValueError(message)
    radians = places.select(
        "code", "easting_km", "northing_km", pl.col("longitude").radians(), pl.col("latitude").radians()
    )
    pairs = radians.join(radians, how="cross", suffix="_to").filter(pl.col("code") != pl.col("code_to"))
    apart = [(pl.col(f"{axis}_to") - pl.col(axis)) for axis in (*_PAIRS[0], *_PAIRS[1])]
    half = (apart[3] / 2).sin() ** 2 + pl.col("latitude").cos() * pl.col("latitude_to").cos() * (
        apart[2] / 2
    ).sin() ** 2
    distance = (apart[0] ** 2 + apart[1] ** 2).sqrt() if is_plane else 2 * 6371.0 * half.sqrt().arcsin()
    return pairs.select(origin="code", destination="code_to", distance_km=distance).sort(KEY)


_PAIRS = (["easting_km", "northing_km"], ["longitude", "latitude"])


def with_bounds(flows: pl.DataFrame) -> pl.DataFrame:
    """Flows with the middle of their bounds where there is no number; both bounds, or null where not supplied."""
    middle = pl.coalesce("flow", (pl.col("lower") + pl.col("upper")) / 2)
    return flows.with_columns(flow=middle, lower=pl.coalesce("lower", middle), upper=pl.coalesce("upper", middle))


def middles(flows: pl.DataFrame) -> pl.DataFrame:
    """Cells with a positive flow, the middle of its bounds where it is hidden: origin, destination, flow."""
    return (
        with_bounds(flows)
        .filter((pl.col("status") != "not_supplied") & (pl.col("flow") > 0))
        .select(*KEY, "flow")
        .sort(KEY)
    )


def margins_between(flows: pl.DataFrame, totals: pl.DataFrame, zones: pl.Series) -> dict[str, pl.DataFrame]:
    """Published totals of the pairs of different zones: `origin_totals` and `destination_totals`; none that are not.

    `flows`: cells of the whole delivery as in `StudyFlows`. `totals`: side (origin, destination), zone, total, of all
    cells of the zone, exact. A total of the pairs between zones follows where the flow within the zone has a number,
    every pair of the delivery has a row, and the study area has all zones of the delivery: otherwise cells outside
    of it are in the total.
    """
    listed = pl.concat([flows["origin"], flows["destination"]]).unique()
    is_whole = len(listed) == len(zones) and flows.height == len(zones) ** 2
    if totals.is_empty() or not is_whole:
        return {}
    within = flows.filter((pl.col("origin") == pl.col("destination")) & (pl.col("lower") == pl.col("upper"))).select(
        zone="origin", within="lower"
    )
    known = totals.join(within, on="zone").with_columns(total=pl.col("total") - pl.col("within"))
    return {
        f"{side}_totals": known.filter(pl.col("side") == side).select(pl.col("zone").alias(side), "total").sort(side)
        for side in KEY
    }
