"""Weights of a delivery by zone: start weights from published rates, raked to residents, ages, sexes and tariffs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

import polars as pl

from ons_bigdata.phones.methods.weighting.capped_raking import rake_capped
from ons_bigdata.phones.methods.weighting.expansion import RATES, expansion_weights
from ons_bigdata.phones.schemas.figures import EVERYWHERE

GROUPS = {
    "tariff": "^(contract|payg)$",
    "age": "^age_",
    "sex": "^(female|male)$",
}
"""Kinds of groups of devices by which weights are raked, and the parts of a segment's name that are of each."""
NO_DEVICES = "no resident devices"
NO_RESIDENTS = "not raked: no residents of the area"
NO_RATES = "no start weight: no figures of ownership, devices per owner and market share"


@dataclass(frozen=True)
class WeightingRecipe:
    """Parameters of the weights of a delivery."""

    name: str
    lowest: float
    """Least factor of raking on a start weight."""
    highest: float
    """Largest factor."""

    @property
    def parameters_hash(self) -> str:
        """Hash of all parameters: 16 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


CAPPED = WeightingRecipe("capped_raking", 0.2, 5.0)


class ZoneWeights(NamedTuple):
    """Weights of a delivery and the margins that they were raked to."""

    weights: pl.DataFrame
    """area, segment, residents, devices, penetration, ownership, devices_per_owner, market_share, start_weight,
    start_error, factor, weight, weight_error, is_capped, reason; the segment `all` has the mean weight of an area."""
    margins: pl.DataFrame
    """`CappedMargin` rows with start, the persons by start weights; none where nothing was raked."""


_NUMBERS = (
    *("residents", "devices", "penetration", *RATES, "start_weight", "start_error"),
    *("factor", "weight", "weight_error"),
)
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("area", "segment"), pl.String),
    **dict.fromkeys(_NUMBERS, pl.Float64),
    "is_capped": pl.Boolean,
    "reason": pl.String,
}


def zone_weights(
    devices: pl.DataFrame, residents: pl.DataFrame, figures: pl.DataFrame, recipe: WeightingRecipe
) -> ZoneWeights:
    """Weights of the devices of a delivery: persons that each stands for.

    `devices`: area, segment (all, or parts joined by +, such as payg+age_18_34), devices (resident; null without a
    number). `residents`: area, residents (> 0), residents_error (standard error). `figures`: figure, area, category,
    value, standard_error of the operator and geography, area and category `all` where a figure holds for every one.

    The cells are the segments with most parts. Start weights: 1 / (ownership · devices per owner · market share), each
    rate of the area and a part of the segment, or of the area, or of the part everywhere, or of all. They are raked
    to the residents of each area and, over all areas, of each age and sex, and to the regulator's share of
    pay-as-you-go phones, as far as there are figures, within the range of the recipe. The weight of an area (segment
    `all`) is the mean of its segments' weighted by devices. Without rates it is residents / devices of the area: the
    inverse penetration. Without residents it is the start weight.

    Errors: where an area is raked, √(1 / devices + (error of its residents)²), the chance that a resident has a device
    of the operator and the error of the total; otherwise that of the start weight.

    Raises ValueError on faulty numbers.
    """
    cells = _cells(devices)
    whole = _whole(devices, cells)
    areas = whole.join(residents, on="area", how="left").with_columns(
        penetration=pl.when(pl.col("residents") > 0).then(pl.col("devices") / pl.col("residents"))
    )
    rated = _rates(cells, figures)
    has_rates = rated.height > 0 and all(rated[rate].null_count() == 0 for rate in RATES)
    counted = cells.filter(pl.col("devices") > 0)
    if not has_rates or counted.is_empty():
        return ZoneWeights(_inverse(areas), _NO_MARGINS)
    started = expansion_weights(rated.filter(pl.col("devices") > 0)).rename(
        {"weight": "start_weight", "weight_error": "start_error"}
    )
    known = started.join(residents, on="area", how="left")
    can_rake = known.height > 0 and known["residents"].null_count() == 0
    if can_rake:
        made = _raked(started, residents, figures, recipe)
        rows, margins = made
    else:
        rows = started.with_columns(
            factor=pl.lit(None, dtype=pl.Float64), weight="start_weight", is_capped=pl.lit(value=False)
        )
        margins = _NO_MARGINS
    return ZoneWeights(_rows(rows, areas, is_raked=can_rake), margins)


_NO_MARGINS = pl.DataFrame(
    schema={
        **dict.fromkeys(("margin", "category"), pl.String),
        **dict.fromkeys(("total", "reached", "relative_difference", "capped_share", "start"), pl.Float64),
    }
)


def _cells(devices: pl.DataFrame) -> pl.DataFrame:
    """Segments with most parts: area, segment, devices and the part of each kind of group (null without)."""
    plain = devices.select("area", "segment", pl.col("devices").cast(pl.Float64))
    parts = plain["segment"].str.split("+")
    finest = plain.filter(parts.list.len() == parts.list.len().max())
    if plain["segment"].n_unique() > 1:
        finest = finest.filter(pl.col("segment") != EVERYWHERE)
    known = finest.drop_nulls("devices")
    return known.with_columns(
        pl.col("segment")
        .str.split("+")
        .list.eval(pl.element().filter(pl.element().str.contains(pattern)))
        .list.first()
        .alias(kind)
        for kind, pattern in GROUPS.items()
    ).sort("area", "segment")


def _whole(devices: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Devices of each area: of the segment `all`, else the sum of the cells."""
    given = devices.filter(pl.col("segment") == EVERYWHERE).select("area", given=pl.col("devices").cast(pl.Float64))
    summed = cells.group_by("area").agg(summed=pl.col("devices").sum())
    every = pl.concat([given.select("area"), summed.select("area")]).unique()
    both = every.join(given, on="area", how="left").join(summed, on="area", how="left")
    return both.select("area", devices=pl.coalesce("given", "summed")).sort("area")


def _rates(cells: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Cells with each rate and its error, the most particular figure that there is; null without one."""
    rated = cells
    for rate in RATES:
        of_rate = figures.filter(pl.col("figure") == rate)
        values: list[pl.Expr] = []
        errors: list[pl.Expr] = []
        for place in ("area", None):
            for group in (*GROUPS, None):
                name = f"_{rate}_{place}_{group}"
                on_area = pl.col("area") == EVERYWHERE
                chosen = of_rate.filter(~on_area if place else on_area)
                is_all = pl.col("category") == EVERYWHERE
                chosen = chosen.filter(~is_all if group else is_all)
                keys = [*(["area"] if place else []), *(["category"] if group else [])]
                table = chosen.select(*keys, pl.col("value").alias(name), pl.col("standard_error").alias(f"{name}_e"))
                left = [*(["area"] if place else []), *([group] if group else [])]
                if keys:
                    rated = rated.join(table, left_on=left, right_on=keys, how="left", maintain_order="left")
                else:
                    one = table.row(0) if table.height else (None, None)
                    rated = rated.with_columns(
                        pl.lit(one[0], dtype=pl.Float64).alias(name),
                        pl.lit(one[1], dtype=pl.Float64).alias(f"{name}_e"),
                    )
                values.append(pl.col(name))
                errors.append(pl.when(pl.col(name).is_not_null()).then(f"{name}_e"))
        rated = rated.with_columns(pl.coalesce(values).alias(rate), pl.coalesce(errors).alias(f"{rate}_error"))
    return rated.select(*cells.columns, *(column for rate in RATES for column in (rate, f"{rate}_error")))


def _raked(
    started: pl.DataFrame, residents: pl.DataFrame, figures: pl.DataFrame, recipe: WeightingRecipe
) -> tuple[pl.DataFrame, pl.DataFrame]:
    by_area = residents.join(started.select("area").unique(), on="area", how="semi").select("area", total="residents")
    total = float(by_area["total"].sum())
    here = figures.filter(pl.col("area").is_in(by_area["area"].implode()))
    margins = [by_area.sort("area")]
    for group in ("age", "sex"):
        held = started[group].drop_nulls().unique().implode()
        sums = (
            here.filter((pl.col("figure") == "residents") & pl.col("category").is_in(held))
            .group_by(pl.col("category").alias(group))
            .agg(total=pl.col("value").sum())
        )
        if sums.height == started[group].n_unique() and started[group].null_count() == 0 and sums["total"].sum() > 0:
            margins.append(_scaled_to(sums, total).sort(group))
    share = figures.filter(
        (pl.col("figure") == "payg_share") & (pl.col("area") == EVERYWHERE) & (pl.col("category") == EVERYWHERE)
    )
    if share.height and set(started["tariff"]) == {"contract", "payg"}:
        payg = share["value"].item()
        margins.append(pl.DataFrame({"tariff": ["contract", "payg"], "total": [total * (1 - payg), total * payg]}))
    raked = rake_capped(
        started.rename({"start_weight": "weight"}), margins, lowest=recipe.lowest, highest=recipe.highest
    )
    rows = raked.cells.rename({"weight": "start_weight"}).rename({"weight_raked": "weight"})
    begun = [
        rows.group_by(category=pl.col(margin.columns[0])).agg(start=(pl.col("devices") * pl.col("start_weight")).sum())
        .with_columns(margin=pl.lit(margin.columns[0]))
        for margin in margins
    ]  # fmt: skip
    return rows, raked.margins.join(pl.concat(begun), on=["margin", "category"], how="left", maintain_order="left")


def _scaled_to(sums: pl.DataFrame, total: float) -> pl.DataFrame:
    """Totals with the proportions of `sums` that add up to `total`: margins must agree with each other."""
    return sums.with_columns(pl.col("total") * (total / float(sums["total"].sum())))


def _rows(rows: pl.DataFrame, areas: pl.DataFrame, *, is_raked: bool) -> pl.DataFrame:
    mean = (pl.col("weight") * pl.col("devices")).sum() / pl.col("devices").sum()
    started = (pl.col("start_weight") * pl.col("devices")).sum() / pl.col("devices").sum()
    of_area = rows.group_by("area").agg(
        weight=mean,
        start_weight=started,
        start_error=pl.col("start_error").max(),
        is_capped=pl.col("is_capped").any(),
        **{rate: (pl.col(rate) * pl.col("devices")).sum() / pl.col("devices").sum() for rate in RATES},
    )
    whole = areas.join(of_area, on="area", how="left").with_columns(
        segment=pl.lit(EVERYWHERE),
        factor=pl.col("weight") / pl.col("start_weight"),
        is_capped=pl.col("is_capped").fill_null(value=False),
        reason=pl.when(pl.col("weight").is_null()).then(pl.lit(NO_DEVICES)),
    )
    segments = (
        rows.filter(pl.col("segment") != EVERYWHERE)
        .join(areas.select("area", "residents", "residents_error"), on="area", how="left")
        .with_columns(
            penetration=pl.when(pl.col("residents") > 0).then(pl.col("devices") / pl.col("residents")),
            reason=pl.lit(None, dtype=pl.String),
        )
    )
    both = pl.concat([whole, segments], how="diagonal_relaxed")
    error = pl.col("start_error")
    if is_raked:
        known = (pl.col("residents_error") / pl.col("residents")) ** 2
        error = pl.when(pl.col("devices") > 0).then((1 / pl.col("devices") + known).sqrt())
    else:
        both = both.with_columns(pl.coalesce("reason", pl.lit(NO_RESIDENTS)).alias("reason"))
    return (
        both.with_columns(weight_error=pl.when(pl.col("weight").is_not_null()).then(error))
        .select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())
        .sort("area", "segment")
    )


def _inverse(areas: pl.DataFrame) -> pl.DataFrame:
    """Residents / devices of each area, where both are known."""
    is_known = (pl.col("devices") > 0) & (pl.col("residents") > 0)
    none = pl.lit(None, dtype=pl.Float64)
    return areas.select(
        area="area",
        segment=pl.lit(EVERYWHERE),
        residents=pl.col("residents").cast(pl.Float64),
        devices=pl.col("devices").cast(pl.Float64),
        penetration=pl.col("penetration").cast(pl.Float64),
        **dict.fromkeys((*RATES, "start_weight", "start_error", "factor"), none),
        weight=pl.when(is_known).then(pl.col("residents") / pl.col("devices")),
        weight_error=pl.when(is_known).then(
            (1 / pl.col("devices") + (pl.col("residents_error") / pl.col("residents")) ** 2).sqrt()
        ),
        is_capped=pl.lit(value=False),
        reason=pl.when(is_known)
        .then(pl.lit(NO_RATES))
        .when((pl.col("devices") > 0).fill_null(value=False))
        .then(pl.lit(f"{NO_RATES}; no residents of the area"))
        .otherwise(pl.lit(NO_DEVICES)),
    ).sort("area")
