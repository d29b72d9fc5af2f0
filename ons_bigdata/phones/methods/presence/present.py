"""Population present by area: devices at cells, spread over the zones that these serve, expanded to residents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import ndtri

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_rows
from ons_bigdata.phones.methods.presence.estimates import DEVICE
from ons_bigdata.phones.schemas.presence import NO_FOOTPRINTS, NO_RESIDENTS, ONE_DEVICE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_DEVICES = 2.0
"""Devices of a home area (shares of devices added) below which their variation is unknown."""
_PERIOD = ["day_type", "period"]


class _Ground(NamedTuple):
    """Areas, their residents, and the shares of cells in them."""

    areas: pl.Series
    cells: pl.Series
    residents: Floats
    residents_error: Floats
    """Standard errors; 0 where none is given."""
    shares: sparse.csr_array
    """Cells by areas."""


def presence_amounts(presence: pl.DataFrame, *, daytime: tuple[int, int], night_time: tuple[int, int]) -> pl.DataFrame:
    """Share of the time of each device at each cell: device_key, day_type, period, cell, is_home, amount.

    `presence`: device_key, day_type, hour, cell, is_home, days, observed_days. `period` is each hour (00 to 23), and
    daytime and night_time: the mean over their hours (from, to; to is not in it) at which the device's cell is known.
    The amounts of a device and period add to 1; one whose cell is not known then has no row.
    """
    hourly = presence.with_columns(share=pl.col("days") / pl.col("observed_days"))
    key = [DEVICE, "day_type"]
    parts = [
        hourly.select(
            *key, period=pl.col("hour").cast(pl.String).str.zfill(2), cell="cell", is_home="is_home", amount="share"
        )
    ]
    for name, (begin, end) in (("daytime", daytime), ("night_time", night_time)):
        stretch = hourly.filter(pl.col("hour").is_between(begin, end - 1))
        summed = stretch.group_by(*key, "cell", "is_home").agg(pl.col("share").sum())
        parts.append(
            summed.select(
                *key,
                pl.lit(name).alias("period"),
                "cell",
                "is_home",
                amount=pl.col("share") / pl.col("share").sum().over(key),
            )
        )
    return pl.concat(parts)


def footprints_of(plan: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Shares of areas of each cell of a plan (cell, area, share), and whether the plan has any.

    `plan`: cell, zone, zone_shares (`<zone>=<share>` by blanks). A cell without shares belongs to the zone that it
    serves best.
    """
    given = plan.drop_nulls("zone_shares").select("cell", part=pl.col("zone_shares").str.split(" ")).explode("part")
    shares = given.select(
        "cell",
        area=pl.col("part").str.extract("^([^=]*)=", 1),
        share=pl.col("part").str.extract("=(.*)$", 1).cast(pl.Float64),
    )
    best = plan.filter(pl.col("zone_shares").is_null()).drop_nulls("zone")
    whole = best.select("cell", area="zone", share=pl.lit(1.0))
    return pl.concat([shares, whole]).sort("cell", "area"), shares.height > 0


def estimate_present(
    amounts: pl.DataFrame,
    homes: pl.DataFrame,
    footprints: pl.DataFrame,
    residents: pl.DataFrame,
    *,
    confidence: float,
    persons_per_place: float,
    has_footprints: bool = True,
) -> pl.DataFrame:
    """Residents present in each area: day_type, period, area, devices, direct, persons, lower, upper, reason; sorted.

    `amounts` as of `presence_amounts`. `homes`: device_key, home (cell) of all devices that count. `footprints`:
    cell, area, share (of a cell they add to 1 or less): probability that a device at the cell is in the area.
    `residents`: area, residents, and optionally residents_error (standard error). `has_footprints`: false where
    each cell is given to a single area; cells that cross borders are then no part of the intervals, and there are
    none.

    With H_dh the share of the home cell of device d in area h, its weight for h is w_dh = N_h H_dh / Σ_d H_dh over the
    devices seen in the period, N_h residents. Time at the cells of the home is spent in the home area, time at others
    in the areas that the cell serves: direct = Σ_d (w_da t_d + Σ_h w_dh Σ_c s_dc P_ca). Its variance V is that of the
    residuals from the means of the home areas, with finite population correction, and that of the unknown area of each
    home, w² p (1 − p), and of the places that a cell serves, M q p (1 − p): M persons at the cell, who are at the same
    place as q − 1 others (`persons_per_place`: mean over persons of the persons at their place of work or study);
    and that of the numbers of residents, Σ_h e_h² m_ha².

    persons is the composite of direct and residents: N_a + g (direct − N_a), g = S / (S + V), S the variance of the
    true differences between areas (mean of (direct − N)² − V, not below 0), all scaled to the residents of all areas.
    The interval is that of a normal distribution with the variance V, which is that of the direct estimate and an
    upper bound of the composite's mean squared error, not below 0. `devices`: devices that were in the area, each
    counted with the greatest probability of its cells, rounded down. Home areas without a device or residents take
    no part. `reason`: why there is no value or interval.

    Raises ValueError for missing columns, negative amounts, a confidence outside of 0 to 1 and a place of less
    than one person. Sources: Cochran,
    *Sampling Techniques* (1977), 5.3; Tennekes, Gootzen, Journal of Spatial Information Science 25 (2022) 29–66; Rao,
    Molina, *Small Area Estimation* (2015), 6.1 and 6.2.
    """
    if not 0.0 < confidence < 1.0:
        message = f"confidence is {confidence}; expected more than 0 and less than 1"
        raise ValueError(message)
    if not persons_per_place >= 1.0:
        message = f"persons_per_place is {persons_per_place}; expected 1 at least"
        raise ValueError(message)
    refuse_missing_columns(amounts, (DEVICE, *_PERIOD, "cell", "is_home", "amount"), "amounts")
    refuse_missing_columns(homes, (DEVICE, "home"), "homes")
    refuse_missing_columns(footprints, ("cell", "area", "share"), "footprints")
    refuse_missing_columns(residents, ("area", "residents"), "residents")
    refuse_rows(amounts, {"a negative amount": pl.col("amount") < 0}, "amounts")
    ground = _ground(footprints, residents)
    owners = homes.select(DEVICE, "home").unique(DEVICE).sort(DEVICE).with_row_index("device")
    numbered = amounts.join(owners.select(DEVICE, "device"), on=DEVICE).join(
        pl.DataFrame({"cell": ground.cells}).with_row_index("place"), on="cell"
    )
    home_cell = owners.select(pl.col("home").replace_strict(
        ground.cells, pl.int_range(len(ground.cells), eager=True), default=-1, return_dtype=pl.Int64
    )).to_series().to_numpy()  # fmt: skip
    made = []
    for (day_type, period), part in sorted(numbered.partition_by(_PERIOD, as_dict=True).items()):
        table = _of_period(part, home_cell, ground, confidence, persons_per_place, has_footprints=has_footprints)
        made.append(table.select(pl.lit(day_type).alias("day_type"), pl.lit(period).alias("period"), pl.all()))
    return pl.concat(made) if made else pl.DataFrame(schema=_SCHEMA)


def _ground(footprints: pl.DataFrame, residents: pl.DataFrame) -> _Ground:
    areas = pl.concat([footprints["area"], residents["area"]]).drop_nulls().unique().sort()
    cells = footprints["cell"].unique().sort()
    numbers = ("residents", "residents_error")
    if "residents_error" not in residents.columns:
        residents = residents.with_columns(residents_error=pl.lit(0.0))
    known = pl.DataFrame({"area": areas}).join(
        residents.group_by("area").agg(pl.col(numbers).first()), on="area", how="left", maintain_order="left"
    )
    rows, columns = (
        footprints[name].replace_strict(
            values, pl.int_range(len(values), eager=True), return_dtype=pl.Int64
        ).to_numpy()
        for name, values in (("cell", cells), ("area", areas))
    )  # fmt: skip
    shares = sparse.csr_array(
        (footprints["share"].cast(pl.Float64).to_numpy(), (rows, columns)), shape=(len(cells), len(areas))
    )
    of_areas = [known[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in numbers]
    return _Ground(areas, cells, of_areas[0], of_areas[1], shares)


def _of_period(
    part: pl.DataFrame,
    home_cell: NDArray[np.int64],
    ground: _Ground,
    confidence: float,
    persons_per_place: float,
    *,
    has_footprints: bool,
) -> pl.DataFrame:
    device = part["device"].to_numpy()
    present, row = np.unique(device, return_inverse=True)
    amount, is_home = part["amount"].to_numpy(), part["is_home"].to_numpy()
    size = (present.size, len(ground.cells))
    place = part["place"].to_numpy()
    away = sparse.csr_array((np.where(is_home, 0.0, amount), (row, place)), shape=size)
    at_home = np.bincount(row, np.where(is_home, amount, 0.0), minlength=present.size).astype(np.float64)
    cell_of_home = home_cell[present]
    home = ground.shares[np.maximum(cell_of_home, 0)] * (cell_of_home >= 0)[:, None]
    home = sparse.csr_array(home)
    counted = np.asarray(home.sum(axis=0)).ravel()
    expansion = np.divide(ground.residents, counted, out=np.zeros_like(counted), where=counted > 0)
    weight = sparse.csr_array(home * expansion[None, :])
    in_all = np.asarray(weight.sum(axis=1)).ravel()
    away_areas = sparse.csr_array(away @ ground.shares)
    value = sparse.csr_array(weight * at_home[:, None] + away_areas * in_all[:, None])
    direct = np.asarray(value.sum(axis=0)).ravel()
    means = _means(weight, at_home, away_areas)
    variance = _sampling_variance(value, weight, means, present.size, float(ground.residents.sum()))
    variance += ground.residents_error**2 @ means**2
    variance += _allocation_variance(home, away, at_home, in_all, ground.shares, persons_per_place)
    devices = np.floor(_chances(home, away, at_home, ground.shares) + 1e-9).astype(np.int64)
    takes_part = (counted > 0) & (ground.residents > 0)
    few = takes_part & (counted < LEAST_DEVICES)
    has_few = np.asarray((value.T @ weight[:, few]).sum(axis=1)).ravel() > 0 if few.any() else np.zeros(few.size, bool)
    persons = _composite(direct, np.where(takes_part, ground.residents, 0.0), variance)
    reach = float(ndtri(0.5 + confidence / 2.0)) * np.sqrt(variance)
    is_known = bool(in_all.sum() > 0)
    has_interval = pl.Series(~has_few & has_footprints & is_known)
    frame = pl.DataFrame(
        {"area": ground.areas, "devices": devices, "direct": direct, "persons": persons, "reach": reach}
    )
    return (
        frame.with_columns(
            pl.when(is_known).then("direct"),
            pl.when(is_known).then("persons"),
            lower=pl.when(has_interval).then((pl.col("persons") - pl.col("reach")).clip(lower_bound=0.0)),
            upper=pl.when(has_interval).then(pl.col("persons") + pl.col("reach")),
            reason=pl.when(not is_known)
            .then(pl.lit(NO_RESIDENTS))
            .when(pl.Series(has_few))
            .then(pl.lit(ONE_DEVICE))
            .when(~has_interval)
            .then(pl.lit(NO_FOOTPRINTS)),
        )
        .filter((pl.col("devices") > 0) | (pl.col("persons") > 0))
        .select("area", "devices", "direct", "persons", "lower", "upper", "reason")
    )


def _means(weight: sparse.csr_array, at_home: Floats, away_areas: sparse.csr_array) -> Floats:
    """Share of the residents of each home area in each area."""
    own = np.asarray((weight * at_home[:, None]).sum(axis=0)).ravel()
    whole = np.asarray(weight.sum(axis=0)).ravel()
    means = (weight.T @ away_areas).toarray()
    means[np.arange(own.size), np.arange(own.size)] += own
    return np.divide(means, whole[:, None], out=np.zeros_like(means), where=whole[:, None] > 0)


def _sampling_variance(
    value: sparse.csr_array, weight: sparse.csr_array, means: Floats, devices: int, residents: float
) -> Floats:
    """Variance of the residuals from the means of the home areas, by area.

    Σ_d (y_da − Σ_h w_dh m_ha)², m_ha the weighted mean of h, from sums by pairs of areas.
    """
    squares = np.asarray(value.multiply(value).sum(axis=0)).ravel()
    mixed = (weight.T @ value).toarray()
    between = (weight.T @ weight).toarray()
    residual = squares - 2.0 * (means * mixed).sum(axis=0) + np.einsum("ha,hk,ka->a", means, between, means)
    correction = max(0.0, 1.0 - devices / residents) if residents > 0 else 0.0
    return np.maximum(residual, 0.0) * correction * devices / max(1, devices - 1)


def _allocation_variance(
    home: sparse.csr_array,
    away: sparse.csr_array,
    at_home: Floats,
    in_all: Floats,
    shares: sparse.csr_array,
    persons_per_place: float,
) -> Floats:
    """Variance of the unknown area of each home, for what leaves it, and of the places that each other cell serves."""

    def spread(probability: sparse.csr_array) -> sparse.csr_array:
        return sparse.csr_array(probability - probability.multiply(probability))

    leaving = (in_all * (1.0 - at_home)) ** 2
    weighted = sparse.csr_array(away * in_all[:, None])
    alone = np.asarray(weighted.multiply(weighted).sum(axis=0)).ravel()
    together = persons_per_place * np.asarray(weighted.sum(axis=0)).ravel()
    return np.asarray((spread(home) * leaving[:, None]).sum(axis=0)).ravel() + np.maximum(alone, together) @ spread(
        shares
    )


def _chances(home: sparse.csr_array, away: sparse.csr_array, at_home: Floats, shares: sparse.csr_array) -> Floats:
    """Devices in each area, each with the greatest probability of a place in which it was."""
    best = sparse.csr_array(home * (at_home > 0)[:, None])
    cells = away.tocoo()
    for start in range(0, cells.nnz, 1_000_000):
        chosen = slice(start, start + 1_000_000)
        places = shares[cells.coords[1][chosen]].tocoo()
        rows = cells.coords[0][chosen][places.coords[0]]
        is_there = cells.data[chosen][places.coords[0]] > 0
        order = np.lexsort((places.data, places.coords[1], rows))
        order = order[is_there[order]]
        last = np.r_[
            (np.diff(rows[order]) != 0) | (np.diff(places.coords[1][order]) != 0), np.ones(min(1, order.size), bool)
        ]
        kept = order[last]
        found = sparse.csr_array((places.data[kept], (rows[kept], places.coords[1][kept])), shape=best.shape)
        best = best.maximum(found)
    return np.asarray(best.sum(axis=0)).ravel()


def _composite(direct: Floats, residents: Floats, variance: Floats) -> Floats:
    """Composite of direct estimates and residents."""
    difference = direct - residents
    between = max(0.0, float((difference**2 - variance).sum()) / max(1, direct.size))
    total = between + variance
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    persons = np.maximum(residents + share * difference, 0.0)
    summed = float(persons.sum())
    return persons * (float(residents.sum()) / summed if summed > 0 else 1.0)


_SCHEMA = {
    **dict.fromkeys(("day_type", "period", "area"), pl.String),
    "devices": pl.Int64,
    **dict.fromkeys(("direct", "persons", "lower", "upper"), pl.Float64),
    "reason": pl.String,
}
