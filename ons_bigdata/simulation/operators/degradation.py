"""Degradation of a real matrix of commuters to what an operator would deliver of it, with known bias.

Real matrices keep what simulated ones lack: the pattern of large and small flows on which metrics depend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

KEY = ["origin", "destination"]
DRAWN_AREAS = 2000
"""Areas over which the mean share of the operator is taken."""
HIGHEST_SHARE = 0.95
"""Largest market share in any area and age."""


@dataclass(frozen=True)
class Ages:
    """Age groups: their part among commuters, the operator's share and the reach of their journeys, all relative."""

    names: tuple[str, ...] = ("16-34", "35-49", "50+")
    parts: tuple[float, ...] = (0.38, 0.33, 0.29)
    """Parts of the commuters, adding up to 1."""
    mixing: float = 40.0
    """Concentration of the parts of an area around these (Dirichlet); smaller: areas differ more."""
    relative_shares: tuple[float, ...] = (1.25, 1.0, 0.65)
    """Market share of the group over that of the area."""
    reach: tuple[float, ...] = (0.1, 0.05, -0.15)
    """Slope of the logarithm of the group's part on the log of the distance."""


@dataclass(frozen=True)
class DegradationPlan:
    """How far an operator's table is from the commuters behind it."""

    ownership: float = 0.94
    """Share of commuters with a phone."""
    devices_per_owner: float = 1.1
    market_share: float = 0.25
    """Mean market share among devices."""
    share_spread: float = 0.38
    """Standard deviation of the log of the market share between areas: as measured on real penetration by MSOA."""
    ages: Ages = Ages()
    band_ends_km: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0)
    """Ends of the bands of distance; one more band lies beyond the last."""
    band_log_bias: tuple[float, ...] = (0.5, 0.0, -0.25, -0.25, 0.0)
    """Log of devices delivered over devices due, by band."""
    threshold: int = 0
    """Counts from 1 to below this are suppressed; 0 or 1: none."""

    def __post_init__(self) -> None:
        """Refuse parts that do not fit."""
        groups = {len(self.ages.names), len(self.ages.parts), len(self.ages.relative_shares), len(self.ages.reach)}
        if len(groups) != 1 or abs(sum(self.ages.parts) - 1) > 1e-9:
            raise ValueError(f"ages {self.ages}; expected values of equal number, and parts that add up to 1")
        if len(self.band_log_bias) != len(self.band_ends_km) + 1:
            raise ValueError(
                f"band_log_bias has {len(self.band_log_bias)} values; expected {len(self.band_ends_km) + 1}: one more "
                "than band_ends_km"
            )
        if not (0 < self.ownership <= 1 and 0 < self.market_share <= 1 and self.devices_per_owner > 0):
            raise ValueError(
                f"ownership {self.ownership}, market_share {self.market_share}, devices_per_owner "
                f"{self.devices_per_owner}; expected shares above 0 up to 1, and a positive number"
            )
        if self.share_spread < 0 or self.threshold < 0:
            raise ValueError(f"share_spread {self.share_spread}, threshold {self.threshold}; expected at least 0")


class Degraded(NamedTuple):
    """A delivery and its truth."""

    delivery: pl.DataFrame
    """origin, destination, age, flow (devices; null where suppressed), status, lower, upper (bounds where suppressed);
    sorted; pairs and ages without a device are not listed."""
    margins: pl.DataFrame
    """area, age, users: devices by home as the operator counts them, before suppression."""
    rates: pl.DataFrame
    """Truth: area, market_share (of all ages together)."""
    commuters: pl.DataFrame
    """Truth: area, age, persons: commuters by home and age."""
    bands: pl.DataFrame
    """Truth: band (0, 1, …), log_bias: log of expected devices over commuters · mean rate, over areas to be drawn."""
    uncut: pl.DataFrame
    """Truth: origin, destination, age, flow: the delivery before suppression."""


def degrade(rng: Generator, flows: pl.DataFrame, plan: DegradationPlan) -> Degraded:
    """Draw what an operator would deliver of a table of commuters.

    `flows`: origin, destination, flow (commuters, ≥ 0), distance_km. Commuters of a pair are split into ages by the
    parts of their area and the reach of each age; the devices of a cell are Poisson with mean commuters · ownership ·
    devices per owner · market share of the area · relative share of the age · exp(bias of the band). Market shares are
    log-normal with the mean of the plan, up to `HIGHEST_SHARE`. Counts below the threshold are suppressed, by pair and
    age.
    """
    table = flows.sort(KEY)
    areas = table["origin"].unique().sort()
    code = (
        table.select("origin")
        .join(pl.DataFrame({"origin": areas}).with_row_index("code"), on="origin", how="left", maintain_order="left")[
            "code"
        ]
        .to_numpy()
    )
    effect = np.exp(plan.share_spread * rng.standard_normal(len(areas)) - plan.share_spread**2 / 2)
    effect = np.minimum(effect, HIGHEST_SHARE / (plan.market_share * max(plan.ages.relative_shares)))
    parts = rng.dirichlet(np.array(plan.ages.parts) * plan.ages.mixing, size=len(areas))
    distance = table["distance_km"].to_numpy()
    by_age = table["flow"].to_numpy()[:, None] * _parts_of_pairs(parts[code], distance, plan.ages)
    band = np.searchsorted(plan.band_ends_km, distance, side="right")
    rate = plan.ownership * plan.devices_per_owner * plan.market_share
    relative = np.array(plan.ages.relative_shares)
    mean = by_age * rate * relative * np.exp(np.array(plan.band_log_bias)[band])[:, None]
    devices = rng.poisson(mean * effect[code][:, None])
    uncut = _long(table, devices, plan.ages.names)
    commuters = np.zeros((len(areas), len(relative)))
    np.add.at(commuters, code, by_age)
    users = np.zeros((len(areas), len(relative)))
    np.add.at(users, code, devices)
    share = plan.market_share * effect * (commuters @ relative) / np.maximum(commuters.sum(1), 1e-300)
    return Degraded(
        delivery=_suppressed(uncut, plan.threshold),
        margins=_by_area(areas, plan.ages.names, users, "users"),
        rates=pl.DataFrame({"area": areas, "market_share": share}),
        commuters=_by_area(areas, plan.ages.names, commuters, "persons"),
        bands=_band_truth(table["flow"].to_numpy(), distance, plan),
        uncut=uncut,
    )


def wrong_rates(rng: Generator, rates: pl.DataFrame, spread: float) -> pl.DataFrame:
    """Market shares as an office would know them: the true ones times a log-normal error, and at most 1."""
    ordered = rates.sort("area")
    error = np.exp(spread * rng.standard_normal(ordered.height) - spread**2 / 2)
    return ordered.with_columns(market_share=(pl.col("market_share") * pl.Series(error)).clip(upper_bound=1.0))


def _parts_of_pairs(parts: NDArray[np.float64], distance_km: NDArray[np.float64], ages: Ages) -> NDArray[np.float64]:
    """Part of each age among the commuters of each pair, adding up to 1."""
    reach = np.log(np.maximum(distance_km, 0.5))[:, None] * np.array(ages.reach)
    weight = parts * np.exp(reach)
    return weight / weight.sum(1, keepdims=True)


def _long(table: pl.DataFrame, devices: NDArray[np.int64], names: tuple[str, ...]) -> pl.DataFrame:
    columns = [
        table.select(*KEY).with_columns(age=pl.lit(name), flow=pl.Series(devices[:, number]).cast(pl.Float64))
        for number, name in enumerate(names)
    ]
    return pl.concat(columns).filter(pl.col("flow") > 0).sort(*KEY, "age")


def _suppressed(uncut: pl.DataFrame, threshold: int) -> pl.DataFrame:
    is_small = pl.col("flow") < threshold
    return uncut.with_columns(
        status=pl.when(is_small).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(is_small).then(0.0),
        upper=pl.when(is_small).then(float(max(threshold - 1, 0))),
        flow=pl.when(~is_small).then("flow"),
    )


def _by_area(areas: pl.Series, names: tuple[str, ...], values: NDArray[np.float64], column: str) -> pl.DataFrame:
    tables = [
        pl.DataFrame({"area": areas, "age": name, column: values[:, number]}) for number, name in enumerate(names)
    ]
    return pl.concat(tables).sort("area", "age")


def _band_truth(
    commuters: NDArray[np.float64], distance_km: NDArray[np.float64], plan: DegradationPlan
) -> pl.DataFrame:
    """Expected log bias by band over all areas that the plan could draw: shares and ages of areas at their means."""
    band = np.searchsorted(plan.band_ends_km, distance_km, side="right")
    size = len(plan.band_log_bias)
    typical = np.random.default_rng(0).dirichlet(np.array(plan.ages.parts) * plan.ages.mixing, size=DRAWN_AREAS)
    # The mean of a share of a pair is no share of the mean: averaged over drawn areas, at 40 distances.
    grid = np.geomspace(0.5, max(float(distance_km.max(initial=1.0)), 1.0), 40)
    relative = np.array(plan.ages.relative_shares)
    at_grid = [(_parts_of_pairs(typical, np.full(DRAWN_AREAS, km), plan.ages) @ relative).mean() for km in grid]
    share = np.interp(np.log(np.maximum(distance_km, 0.5)), np.log(grid), at_grid)
    mean = commuters * share * np.exp(np.array(plan.band_log_bias)[band])
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = np.log(np.bincount(band, mean, minlength=size) / np.bincount(band, commuters, minlength=size))
    return pl.DataFrame({"band": np.arange(size), "log_bias": bias}).with_columns(pl.col("log_bias").fill_nan(None))
