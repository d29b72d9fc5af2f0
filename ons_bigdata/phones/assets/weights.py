"""Weights of deliveries: persons that a device stands for, by zone and segment, and the margins they are raked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.assets.by_month import by_month, stale_months
from ons_bigdata.phones.methods.weighting.zone_weights import CAPPED, WeightingRecipe, ZoneWeights, zone_weights
from ons_bigdata.phones.schemas.estimates import PhoneWeight, PhoneWeightMargin
from ons_bigdata.phones.schemas.figures import EVERYWHERE
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS, MARGINS = "analysis.phone_weights", "analysis.phone_weight_margins"
BY_MONTH = by_month(["devices"], whole=["residents", "figures"])
_DELIVERY = ["data_origin", "provider", "month", "geography", "vintage"]


@tables_asset(
    name="phone_weights",
    tables=[
        Table(
            WEIGHTS, PhoneWeight, "One row per delivery, zone and segment: persons that a device stands for.", BY_MONTH
        ),
        Table(
            MARGINS,
            PhoneWeightMargin,
            "One row per delivery, margin and category that weights were raked to.",
            BY_MONTH,
        ),
    ],
    inputs={
        "devices": "intermediate.int_phones__resident_devices_united",
        "residents": "intermediate.int_phones__residents_united",
        "figures": "staging.stg_phones__population_figures",
    },
)
def phone_weights(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Weights of each delivery from its resident devices, published rates and residents."""
    stale = stale_months(inputs, run, (WEIGHTS, MARGINS), "devices")
    devices = stale.read(inputs, "devices", [*_DELIVERY, "area", "segment", "devices"])
    residents = inputs.read("residents", ["data_origin", "geography", "area", "residents", "residents_error"])
    figures = inputs.read(
        "figures",
        ["data_origin", "provider", "year", "geography", "figure", "area", "category", "value", "standard_error"],
    )
    made: dict[str, list[pl.DataFrame]] = {WEIGHTS: [PhoneWeight.create_empty()], MARGINS: [PhoneWeightMargin.create_empty()]}  # fmt: skip  # noqa: E501
    for key, delivery in sorted(
        devices.partition_by(_DELIVERY, as_dict=True, include_key=False).items(), key=lambda item: str(item[0])
    ):
        labels = dict(zip(_DELIVERY, key, strict=True))
        here = (pl.col("data_origin") == labels["data_origin"]) & (pl.col("geography") == labels["geography"])
        weighted = zone_weights(
            delivery,
            residents.filter(here).drop("data_origin", "geography"),
            latest_figures(figures.filter(here), str(labels["provider"]), labels["month"].year),
            CAPPED,
        )
        for name, table in weight_tables(weighted, CAPPED).items():
            made[name].append(
                table.with_columns(**{column: pl.lit(value) for column, value in labels.items()}).select(
                    made[name][0].columns
                )
            )
    return stale.outputs({name: pl.concat(parts, how="vertical_relaxed") for name, parts in made.items()})


def latest_figures(figures: pl.DataFrame, provider: str, year: int) -> pl.DataFrame:
    """Figures of an operator or of none, of the latest year up to `year`, or else the first after it.

    The year is chosen for each figure as a whole: areas of different years would not fit together.
    """
    ours = figures.filter(pl.col("provider").is_in([provider, EVERYWHERE]))
    before = pl.col("year").filter(pl.col("year") <= year).max()
    chosen = ours.filter(pl.col("year") == pl.coalesce(before, pl.col("year").min()).over("figure"))
    return chosen.sort("figure", "area", "category", "provider").unique(
        ["figure", "area", "category"], keep="last" if provider > EVERYWHERE else "first", maintain_order=True
    )


def weight_tables(weighted: ZoneWeights, recipe: WeightingRecipe) -> dict[str, pl.DataFrame]:
    """Rows of both tables without the labels of the delivery."""
    stamp = {"recipe": pl.lit(recipe.name), "parameters_hash": pl.lit(recipe.parameters_hash)}
    status = (
        pl.when(pl.col("weight").is_null())
        .then(pl.lit("no_weight"))
        .when(pl.col("start_weight").is_null())
        .then(pl.lit("inverse_penetration"))
        .when(pl.col("reason").is_null())
        .then(pl.lit("raked"))
        .otherwise(pl.lit("start"))
    )
    return {
        WEIGHTS: weighted.weights.with_columns(status=status, **stamp),
        MARGINS: weighted.margins.with_columns(**stamp),
    }


ASSETS = [phone_weights]
