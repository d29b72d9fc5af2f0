"""Ground that a cell serves, as the operator knows it: zones, education ground, ages of its users by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator

    from ons_bigdata.phones.schemas.specification import Specification
    from ons_bigdata.simulation.phones.network import Network
    from ons_bigdata.simulation.world.building import World

_DRAWS = 8
"""Times that each address is served by some cell."""
_GROUND_M2 = {"CE05": 40_000.0, "CE01HE": 20_000.0, "CE01": 12_000.0, "CE": 8_000.0, "C": 600.0}
"""Ground of an address by the beginning of its class, the longest that fits; others are dwellings."""
_DWELLING_M2 = 250.0
_EDUCATION = "CE"
_AGES = (16, 24)


def describe_cells(
    rng: Generator, world: World, network: Network, zone: pl.Series, users: pl.DataFrame, spec: Specification
) -> pl.DataFrame:
    """Describe the cells that serve an address: cell, zone_shares, education_share, share_aged_16_24.

    `zone` of each address. `users`: device, at_utc, cell, holder_age of all events. Zones have the share of the
    addresses that the cell serves, as `Z001=0.7 Z002=0.3`; education its share of their ground; ages are those of the
    holders of the devices within working hours.
    """
    addresses = pl.DataFrame({"zone": zone, "class_code": world.addresses["class_code"]}).with_columns(
        ground=_ground(), is_education=pl.col("class_code").str.starts_with(_EDUCATION)
    )
    every = np.arange(addresses.height)
    mast = np.concatenate([network.serving(rng, every) for _ in range(_DRAWS)])
    served = pl.concat([addresses] * _DRAWS).with_columns(cell=network.masts["cell"].gather(pl.Series(mast)))
    ground = served.group_by("cell").agg(
        education_share=((pl.col("ground") * pl.col("is_education")).sum() / pl.col("ground").sum()).round(4)
    )
    return (
        _zone_shares(served)
        .join(ground, on="cell")
        .join(_young_shares(users, spec), on="cell", how="left", maintain_order="left")
        .sort("cell")
    )


def _ground() -> pl.Expr:
    size = pl.lit(_DWELLING_M2)
    for beginning in sorted(_GROUND_M2, key=len):
        size = pl.when(pl.col("class_code").str.starts_with(beginning)).then(_GROUND_M2[beginning]).otherwise(size)
    return size


def _zone_shares(served: pl.DataFrame) -> pl.DataFrame:
    """Shares of a ten-thousandth, of which the greatest takes up the rounding: cell, zone_shares."""
    counts = served.group_by("cell", "zone").len().sort("cell", "len", "zone", descending=[False, True, False])
    parts = counts.with_columns(part=(pl.col("len") * 10_000 / pl.col("len").sum().over("cell")).floor().cast(pl.Int64))
    rest = 10_000 - pl.col("part").sum().over("cell")
    whole = parts.with_columns(
        part=pl.when(pl.int_range(pl.len()).over("cell") == 0).then(pl.col("part") + rest).otherwise("part")
    ).filter(pl.col("part") > 0)
    number = pl.when(pl.col("part") == 10_000).then(pl.lit("1")).otherwise(
        pl.format("0.{}", pl.col("part").cast(pl.String).str.zfill(4))
    )  # fmt: skip
    text = whole.with_columns(text=pl.format("{}={}", "zone", number))
    return text.group_by("cell", maintain_order=True).agg(zone_shares=pl.col("text").str.join(" "))


def _young_shares(users: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    local = pl.col("at_utc").dt.convert_time_zone(spec.period.time_zone)
    by_day = users.filter(
        local.dt.weekday().is_in(spec.work.weekdays)
        & ~local.dt.date().is_in(spec.period.excluded_days)
        & local.dt.hour().is_between(spec.work.from_hour, spec.work.to_hour - 1)
    )
    return by_day.group_by("cell").agg(share_aged_16_24=pl.col("holder_age").is_between(*_AGES).mean().round(4))
