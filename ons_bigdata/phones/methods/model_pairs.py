"""Pairs of zones with totals and distances as arrays: what the reference models compute on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = ["origin", "destination"]


@dataclass(frozen=True)
class ModelPairs:
    """Pairs in the order of the table of distances; arrays over pairs, origins or destinations."""

    frame: pl.DataFrame
    """Origin and destination of the pairs, as they came."""
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    distance_km: NDArray[np.float64]
    origin_keys: pl.Series
    destination_keys: pl.Series
    out_total: NDArray[np.float64]
    """Totals by origin."""
    in_total: NDArray[np.float64]
    """Totals by destination."""
    out_mass: NDArray[np.float64] | None
    """Masses by origin; None if the table of origins has no column `mass`."""

    def by_origin(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of values of the pairs by origin."""
        return np.bincount(self.origin, values, minlength=len(self.out_total)).astype(np.float64)

    def with_flow(self, flow: NDArray[np.float64]) -> pl.DataFrame:
        """Frame of the pairs with their flow."""
        return self.frame.with_columns(flow=pl.Series(flow, dtype=pl.Float64))


def model_pairs(
    origins: pl.DataFrame | pl.LazyFrame,
    destinations: pl.DataFrame | pl.LazyFrame,
    distance: pl.DataFrame | pl.LazyFrame,
) -> ModelPairs:
    """Align totals and distances.

    `origins`: origin, total (≥ 0), optionally mass. `destinations`: destination, total. `distance`: origin,
    destination, distance_km (or distance, in km) of each pair that the model may use; a zone that only the totals list
    must have the total 0. Raises ValueError on missing columns, repeated zones or pairs, negative or missing numbers,
    keys of different types, and positive totals without a pair.
    """
    table = _distances(eager_frame(distance, "distance"))
    out = _totals(eager_frame(origins, "origins"), "origin", table)
    into = _totals(eager_frame(destinations, "destinations"), "destination", table)
    return ModelPairs(
        frame=table.select(KEY),
        origin=_codes(table, out, "origin"),
        destination=_codes(table, into, "destination"),
        distance_km=table["distance_km"].to_numpy(),
        origin_keys=out["origin"],
        destination_keys=into["destination"],
        out_total=out["total"].to_numpy(),
        in_total=into["total"].to_numpy(),
        out_mass=out["mass"].to_numpy() if "mass" in out.columns else None,
    )


def _distances(distance: pl.DataFrame) -> pl.DataFrame:
    name = "distance"
    column = "distance" if "distance" in distance.columns and "distance_km" not in distance.columns else "distance_km"
    refuse_missing_columns(distance, (*KEY, column), name)
    refuse_no_keys(distance, KEY, name)
    refuse_no_numbers(distance, (column,), name)
    kind = {key: pl.Int64 if distance.schema[key].is_integer() else pl.String for key in KEY}
    table = distance.select(*(pl.col(key).cast(kind[key]) for key in KEY), distance_km=pl.col(column).cast(pl.Float64))
    refuse_rows(
        table,
        {
            "no origin": pl.col("origin").is_null(),
            "no destination": pl.col("destination").is_null(),
            "no distance, or one that is not finite": ~pl.col("distance_km").fill_null(float("nan")).is_finite(),
            "a negative distance": pl.col("distance_km") < 0,
        },
        name,
    )
    refuse_repeated(table, KEY, name)
    return table


def _totals(totals: pl.DataFrame, side: str, table: pl.DataFrame) -> pl.DataFrame:
    """Totals of one side for the zones of the pairs, in order; a zone of the pairs without a total is refused."""
    name = f"{side}s"
    numbers = ["total", *(["mass"] if side == "origin" and "mass" in totals.columns else [])]
    refuse_missing_columns(totals, (side, "total"), name)
    refuse_no_keys(totals, (side,), name)
    refuse_no_numbers(totals, numbers, name)
    if totals.schema[side].is_integer() != table.schema[side].is_integer():
        message = f"{name}: column {side} is {totals.schema[side]}; in distance it is {table.schema[side]}"
        raise ValueError(message)
    plain = totals.select(pl.col(side).cast(table.schema[side]), pl.col(numbers).cast(pl.Float64))
    refuse_rows(
        plain,
        {f"no {side}": pl.col(side).is_null()}
        | {
            f"no {number}, or one that is not finite": ~pl.col(number).fill_null(float("nan")).is_finite()
            for number in numbers
        }
        | {f"a negative {number}": pl.col(number) < 0 for number in numbers},
        name,
    )
    refuse_repeated(plain, (side,), name)
    zones = table.select(side).unique().sort(side)
    unpaired = plain.join(zones, on=side, how="anti").filter(pl.col("total") > 0)
    refuse_rows(unpaired, {"a positive total, but no pair in distance": pl.lit(value=True)}, name)
    joined = zones.join(plain, on=side, how="left", maintain_order="left")
    refuse_rows(joined.select(side, "total"), {f"no total in {name}": pl.col("total").is_null()}, "pairs of distance")
    return joined


def _codes(table: pl.DataFrame, zones: pl.DataFrame, side: str) -> NDArray[np.int64]:
    coded = zones.select(side).with_row_index("code")
    return table.join(coded, on=side, how="left", maintain_order="left")["code"].cast(pl.Int64).to_numpy()
