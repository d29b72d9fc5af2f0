"""Classes of pairs of zones by which the bias of flows is looked at: distance, areas, masts, suppression."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite

import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)

Frame = pl.DataFrame | pl.LazyFrame

KEY = ["origin", "destination"]
BANDS_KM = (2.0, 5.0, 10.0, 20.0, 40.0)
REACH_KM = (0.5, 1.0, 2.0)
SUPPRESSED_SHARES = (0.1, 0.3, 0.6)


def pair_classes(
    pairs: Frame,
    *,
    distances: Frame | None = None,
    areas: Frame | None = None,
    masts: Frame | None = None,
    delivery: Frame | None = None,
    bands_km: tuple[float, ...] = BANDS_KM,
) -> pl.DataFrame:
    """Classes of pairs for `estimation.flow_validation.class_bias.signed_bias`.

    `pairs`: origin, destination of the pairs to classify. Returns them with `kind` (within, between) and, as far as
    the table behind it is given:

    * `distance_band` from `distances` (origin, destination, distance_km; each pair): bands with the ends `bands_km`,
      each with its lower end;
    * the further columns of `areas` (area, one or more classifications such as authority or rurality) of the origin;
    * `mast_reach` from `masts` (area, mean_radius_km: mean radius of the cells that serve the origin);
    * `suppressed_share` from `delivery` (origin, destination, status): share of the listed cells of the origin that are
      suppressed.

    Labels sort in their order. Raises ValueError on faulty tables and on pairs, or origins, that a table lacks.
    """
    table = eager_frame(pairs, "pairs")
    refuse_missing_columns(table, KEY, "pairs")
    refuse_repeated(table, KEY, "pairs")
    result = table.select(KEY).with_columns(
        kind=pl.when(pl.col("origin") == pl.col("destination")).then(pl.lit("within")).otherwise(pl.lit("between"))
    )
    if distances is not None:
        known = _numbers(eager_frame(distances, "distances"), KEY, "distance_km", "distances")
        result = _joined(result, known, KEY, "distances").with_columns(
            distance_band=_labelled(pl.col("distance_km"), bands_km, " km")
        )
        result = result.drop("distance_km")
    if areas is not None:
        places = eager_frame(areas, "areas")
        refuse_missing_columns(places, ("area",), "areas")
        refuse_repeated(places, ("area",), "areas")
        result = _joined(result, places.rename({"area": "origin"}), ["origin"], "areas")
    if masts is not None:
        reach = _numbers(eager_frame(masts, "masts"), ["area"], "mean_radius_km", "masts").rename({"area": "origin"})
        result = _joined(result, reach, ["origin"], "masts").with_columns(
            mast_reach=_labelled(pl.col("mean_radius_km"), REACH_KM, " km")
        )
        result = result.drop("mean_radius_km")
    if delivery is not None:
        result = _joined(result, _suppressed_shares(eager_frame(delivery, "delivery")), ["origin"], "delivery")
    return result


def _numbers(table: pl.DataFrame, keys: list[str], number: str, name: str) -> pl.DataFrame:
    refuse_missing_columns(table, (*keys, number), name)
    refuse_no_numbers(table, (number,), name)
    refuse_repeated(table, keys, name)
    checked = table.select(*keys, pl.col(number).cast(pl.Float64))
    value = pl.col(number).fill_null(float("nan"))
    refuse_rows(checked, {f"no {number}, or a negative one": ~value.is_finite() | (value < 0)}, name)
    return checked


def _joined(pairs: pl.DataFrame, table: pl.DataFrame, keys: list[str], name: str) -> pl.DataFrame:
    """Pairs with the columns of a table; a pair without a row in it, or without a value, is refused."""
    for key in keys:
        if pairs.schema[key].is_integer() != table.schema[key].is_integer():
            message = f"{name}: keys are {table.schema[key]}; in pairs {key} is {pairs.schema[key]}"
            raise ValueError(message)
    plain = table.with_columns(pl.col(key).cast(pairs.schema[key]) for key in keys)
    joined = pairs.join(plain, on=keys, how="left", maintain_order="left")
    added = [column for column in table.columns if column not in keys]
    for column in added:
        refuse_rows(joined.select(*KEY, column), {f"no {column} in {name}": pl.col(column).is_null()}, "pairs")
    return joined


def _labelled(value: pl.Expr, ends: tuple[float, ...], unit: str) -> pl.Expr:
    """Label of the class of a value; numbered, so that the order of the labels is that of the classes."""
    if list(ends) != sorted(set(ends)) or not all(isfinite(end) and end > 0 for end in ends):
        message = f"ends of classes are {ends}; expected growing positive numbers"
        raise ValueError(message)
    names = [f"{low:g}-{high:g}{unit}" for low, high in pairwise((0.0, *ends))] + [f"{ends[-1]:g}{unit} and more"]
    number = pl.sum_horizontal((value >= end).cast(pl.Int64) for end in ends)
    labels = {place: f"{chr(ord('a') + place)}: {name}" for place, name in enumerate(names)}
    return number.replace_strict(labels, return_dtype=pl.String)


def _suppressed_shares(delivery: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(delivery, (*KEY, "status"), "delivery")
    shares = delivery.group_by("origin").agg(share=(pl.col("status").fill_null("observed") == "suppressed").mean())
    label = _labelled(pl.col("share") * 100, tuple(100 * share for share in SUPPRESSED_SHARES), " %")
    return shares.select("origin", suppressed_share=label)
