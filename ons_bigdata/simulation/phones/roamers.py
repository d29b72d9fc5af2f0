"""Roaming: visitors from abroad in the operator's network, its own customers abroad, and the truth of their nights."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.simulation.phones.days import ZONE

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.phones.network import Network
    from ons_bigdata.simulation.world.building import World

OWN_MCC = 234
"""Mobile country code of the operator's own cards (United Kingdom)."""
COUNTRIES = {208: 0.22, 262: 0.18, 272: 0.20, 214: 0.16, 310: 0.24}
"""Shares of journeys by country of origin or destination: France, Germany, Ireland, Spain, United States."""
TRAVELLER_SHARE = 0.08
"""Share of the operator's phones whose carriers go abroad once in the month."""
VISITORS_PER_PHONE = 0.25
"""Visiting phones for each phone of the operator."""
RESIDENT_SHARE = 0.08
"""Share of the phones with foreign cards whose carriers live here: no visitors."""
_MEAN_NIGHTS = 4.0
_EVENTS_PER_DAY = 18.0
_BEGINS_H, _ENDS_H = 15.0, 11.0
"""Local hours at which a stay begins on its first day, and ends on the day after its last night."""
_OUT_H = (10.0, 19.0)
"""Local hours between which visitors are out."""
_LODGINGS = ("CH01", "CH03", "RD10")

COLUMNS = {
    "device": pl.Int64(),
    "at_utc": pl.Datetime("us", "UTC"),
    "cell": pl.String(),
    "home_mcc": pl.Int16(),
    "visited_mcc": pl.Int16(),
}
"""Columns of events with networks; `cell` is null abroad."""


class Roaming(NamedTuple):
    """Events and truth."""

    events: pl.DataFrame
    """COLUMNS."""
    stays: pl.DataFrame
    """device, direction (inbound, outbound, resident), mcc, address (row; −1 abroad), first_night (date), nights: those
    within the days of the world."""


def draw_visitors(rng: Generator, world: World, network: Network, number: int, first_device: int) -> Roaming:
    """Draw visitors with foreign cards, one stay each, and residents with such cards, there on all days."""
    lodging = np.flatnonzero(
        world.addresses.select(pl.any_horizontal(pl.col("class_code").str.starts_with(one) for one in _LODGINGS))
        .to_series()
        .to_numpy()
    )
    mcc = rng.choice(list(COUNTRIES), size=number, p=list(COUNTRIES.values()))
    lives_here = rng.random(number) < RESIDENT_SHARE
    place = np.where(
        lives_here, world.persons["address"].to_numpy()[rng.integers(0, world.persons.height, number)],
        rng.choice(lodging, size=number),
    )  # fmt: skip
    nights = np.where(lives_here, world.days - 1, 1 + rng.poisson(_MEAN_NIGHTS - 1.0, number))
    first = np.where(lives_here, 0, rng.integers(0, world.days - 1, number))
    nights = np.minimum(nights, world.days - 1 - first)
    who, hour = _moments(rng, first, nights)
    authority = world.addresses["authority_number"].to_numpy()
    order = np.argsort(authority, kind="stable")
    starts = np.searchsorted(authority[order], np.arange(world.authorities.height))
    sizes = np.bincount(authority, minlength=world.authorities.height)
    of_place = authority[place[who]]
    sight = order[starts[of_place] + (rng.random(who.size) * sizes[of_place]).astype(np.int64)]
    of_day = hour % 24.0
    is_out = (of_day >= _OUT_H[0]) & (of_day < _OUT_H[1]) & (rng.random(who.size) < 0.8)
    mast = network.serving(rng, np.where(is_out, sight, place[who]))
    events = pl.DataFrame(
        {
            "device": first_device + who,
            "at_utc": _utc(world, hour),
            "cell": network.masts["cell"].gather(pl.Series(mast)),
            "home_mcc": mcc[who],
            "visited_mcc": pl.Series([None] * who.size, dtype=pl.Int16),
        }
    )
    direction = pl.Series(np.where(lives_here, "resident", "inbound"))
    devices = first_device + np.arange(number)
    return Roaming(_finished(events), _stays(world, devices, direction, mcc, place, first, nights))


def send_abroad(rng: Generator, world: World, events: pl.DataFrame, devices: pl.Series) -> tuple[pl.DataFrame, Roaming]:
    """Send some carriers abroad once; return the events without those of these days, and those abroad.

    `events`: device, at_utc, cell of all phones.
    """
    chosen = rng.random(devices.len()) < TRAVELLER_SHARE
    device = devices.to_numpy()[chosen]
    mcc = rng.choice(list(COUNTRIES), size=device.size, p=list(COUNTRIES.values()))
    first = rng.integers(1, max(2, world.days - 3), device.size)
    nights = np.minimum(1 + rng.poisson(_MEAN_NIGHTS, device.size), world.days - 1 - first)
    who, hour = _moments(rng, first, nights)
    abroad = pl.DataFrame(
        {
            "device": device[who],
            "at_utc": _utc(world, hour),
            "cell": pl.Series([None] * who.size, dtype=pl.String),
            "home_mcc": np.full(who.size, OWN_MCC),
            "visited_mcc": mcc[who],
        }
    )
    away = pl.DataFrame(
        {
            "device": device,
            "leaves": _utc(world, (first * 24.0 + _BEGINS_H).astype(np.float64)),
            "returns": _utc(world, ((first + nights) * 24.0 + _ENDS_H).astype(np.float64)),
        }
    )
    kept = (
        events.join(away, on="device", how="left", maintain_order="left")
        .filter(~pl.col("at_utc").is_between("leaves", "returns").fill_null(value=False))
        .select(events.columns)
    )
    direction = pl.Series(["outbound"] * device.size, dtype=pl.String)
    place = np.full(device.size, -1)
    return kept, Roaming(_finished(abroad), _stays(world, device, direction, mcc, place, first, nights))


def _moments(
    rng: Generator, first: NDArray[np.int64], nights: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Events of stays: number of the stay, and hours since the beginning of the first day of the world."""
    begins, ends = first * 24.0 + _BEGINS_H, (first + nights) * 24.0 + _ENDS_H
    counts = np.where(nights > 0, rng.poisson(_EVENTS_PER_DAY * (ends - begins) / 24.0), 0)
    who = np.repeat(np.arange(first.size), counts)
    return who, begins[who] + rng.random(who.size) * (ends - begins)[who]


def _utc(world: World, hour: NDArray[np.float64]) -> pl.Series:
    start = np.datetime64(world.first_day, "us")
    local = pl.Series(start + (hour * 3_600.0).astype(np.int64).astype("timedelta64[s]").astype("timedelta64[us]"))
    return local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def _finished(events: pl.DataFrame) -> pl.DataFrame:
    typed = events.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    return typed.drop_nulls("at_utc").sort("device", "at_utc")


def _stays(
    world: World,
    device: NDArray[np.int64],
    direction: pl.Series,
    mcc: NDArray[np.int64],
    place: NDArray[np.int64],
    first: NDArray[np.int64],
    nights: NDArray[np.int64],
) -> pl.DataFrame:
    table = pl.DataFrame(
        {
            "device": device,
            "direction": direction,
            "mcc": mcc,
            "address": place,
            "first_night": pl.Series([world.first_day + timedelta(days=int(day)) for day in first], dtype=pl.Date),
            "nights": nights,
        }
    )
    return table.filter(pl.col("nights") > 0)
