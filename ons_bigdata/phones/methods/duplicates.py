"""Duplicate devices: the probability that two devices have the same carrier, from the cells that they connect to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import expit

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_no_keys, refuse_rows
from ons_bigdata.phones.methods.anchors.encoding import compiled
from ons_bigdata.phones.schemas.devices import DeviceDuplicity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.phones.schemas.specification import Specification

HABIT_SHARE = 0.75
"""Weight of a device's own habits in what is expected of an unrelated device; the rest is the handovers of all."""
HOURLY_WEIGHT = 3.0
"""Steps of a device's share over all times that are added to its share at one occasion."""
OVERALL_WEIGHT = 1.0
"""Steps of the share of all devices that are added to a device's share."""
_SMOOTHING = 0.5
"""Handovers from a cell that are added to those that were seen, spread over all cells."""
_STEP = ("device", "step", "cell", "occasion")


def find_duplicates(
    events: pl.DataFrame,
    *,
    prior_share: float,
    mismatch_share: float = 0.01,
    step_s: int = 10,
    homes: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Probability of each device that another one has the same carrier, sorted by device.

    `events`: device and cell (whole numbers or text), second (whole seconds), and optionally occasion (whole number:
    kind of time in which a device's habits are alike). `homes`: device, home; only devices of the same home are
    candidates, and devices without a home are left out; without `homes` all devices are candidates. The others are
    parameters of `judge_candidates`, which is this function for events in several frames. Raises ValueError for missing
    columns or values and shares outside of 0 to 1.
    """
    steps = cut_steps(events, step_s)
    if homes is None:
        homes = steps.select("device", home=pl.lit(0)).unique()
    return judge_candidates(
        steps, count_handovers(steps), homes, prior_share=prior_share, mismatch_share=mismatch_share
    )


def cut_steps(events: pl.DataFrame, step_s: int) -> pl.DataFrame:
    """Cell of the last event of each device in each step of `step_s` seconds: device, step, cell, occasion; sorted.

    `events` as of `find_duplicates`; of several events in the last second of a step the last row counts.
    """
    refuse_missing_columns(events, ("device", "cell", "second"), "events")
    refuse_no_keys(events, ("device", "cell"), "events")
    refuse_rows(events, {"no second": pl.col("second").is_null()}, "events")
    occasion = pl.col("occasion") if "occasion" in events.columns else pl.lit(0)
    return (
        events.select("device", "cell", "second", step=pl.col("second") // step_s, occasion=occasion.cast(pl.Int32))
        .sort("device", "second", maintain_order=True)
        .unique(["device", "step"], keep="last", maintain_order=True)
        .select(_STEP)
    )


def cut_month(events: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Steps of the events in the days of a specification, as of `cut_steps`; its occasions are hours of working days.

    `events`: device, at_utc (UTC), cell. An occasion is the local hour, of working days and of others.
    """
    period = spec.period
    local = pl.col("at_utc").dt.convert_time_zone(period.time_zone)
    day = local.dt.date()
    is_working = day.dt.weekday().is_in(spec.work.weekdays) & ~day.is_in(period.excluded_days)
    inside = events.filter(day.is_between(period.first_day, period.last_day))
    timed = inside.select(
        "device",
        "cell",
        second=pl.col("at_utc").dt.epoch("s"),
        occasion=local.dt.hour().cast(pl.Int32) * 2 + is_working.cast(pl.Int32),
    )
    return cut_steps(timed.drop_nulls(), spec.duplicates.step_minutes * 60)


def count_handovers(steps: pl.DataFrame) -> pl.DataFrame:
    """Number of steps at a cell after another one: previous (null at a device's first step), cell, steps.

    `steps` as of `cut_steps`, all of a device. Counts of disjoint devices add.
    """
    previous = pl.col("cell").shift().over("device")
    counted = steps.select("cell", previous=previous).group_by("previous", "cell").agg(steps=pl.len().cast(pl.Int64))
    return counted.sort("previous", "cell")


def judge_candidates(
    steps: pl.DataFrame, handovers: pl.DataFrame, homes: pl.DataFrame, *, prior_share: float, mismatch_share: float
) -> pl.DataFrame:
    """Probability of each device with a home that one of its candidates has the same carrier, sorted by device.

    `steps` as of `cut_steps` of all devices of some homes; `handovers` as of `count_handovers` of all devices;
    `homes`: device, home. Candidates have the same home and a step in which both were seen. `prior_share`: share of the
    devices that have a companion, which is equally likely any candidate; `mismatch_share`: share of the steps at which
    two devices of a carrier are at unrelated cells. Returns device, companion and the columns of `DeviceDuplicity`.

    An unrelated device is where its habits (its own share of steps at the cell on this occasion, drawn towards its
    share over all, drawn towards that of all devices) or the handovers of all devices let expect it; a companion is at
    the cell of the other device, but for mismatches. The log ratio of the two is the mean over both directions.
    Habits keep two people apart who stay at home, or go to the same work, at the same hours: what counts is that both
    are somewhere unusual at once. Model: pair approach of the ESSnet Big Data II deduplication (deliverable I.3, 2020),
    with habits, and with handovers counted from the events in the place of emission by signal strength.
    """
    for name, share in (("prior_share", prior_share), ("mismatch_share", mismatch_share)):
        if not 0.0 < share < 1.0:
            message = f"{name} is {share}; expected more than 0 and less than 1"
            raise ValueError(message)
    refuse_missing_columns(homes, ("device", "home"), "homes")
    placed = homes.drop_nulls("home").select("device", "home").sort("device")
    devices = placed["device"]
    known = placed.select("device", "home", number=pl.int_range(pl.len(), dtype=pl.Int32))
    own = steps.join(known, on="device", how="inner").sort("number", "step")
    expected = _expected_shares(own, handovers)
    ends = np.cumsum(np.bincount(own["number"].to_numpy(), minlength=len(devices)))
    members = known.sort("home", "number")
    best, ratio, total, candidates = _compare(
        ends - np.diff(ends, prepend=0),
        ends,
        own["step"].cast(pl.Int64).to_numpy(),
        own["cell"].rank("dense").to_numpy().astype(np.int64),
        0.5 * np.log((1.0 - mismatch_share) / expected + mismatch_share),
        members["number"].to_numpy().astype(np.int64),
        members["home"].rank("dense").to_numpy().astype(np.int64),
        float(np.log(mismatch_share)),
    )
    has_any = candidates > 0
    log_odds = np.log(prior_share / (1.0 - prior_share)) - np.log(np.maximum(candidates, 1))
    result = pl.DataFrame(
        {
            "device": devices,
            "companion": devices.gather(pl.Series(np.maximum(best, 0))),
            "steps": pl.Series(np.diff(ends, prepend=0), dtype=pl.Int64),
            "probability": pl.Series(np.where(has_any, expit(total + log_odds), 0.0), dtype=pl.Float64),
        }
    ).with_columns(
        companion=pl.when(pl.Series(has_any)).then("companion"),
        log_ratio=pl.when(pl.Series(has_any)).then(pl.Series(ratio, dtype=pl.Float64)),
    )
    DeviceDuplicity.validate(result.select(DeviceDuplicity.column_names()), cast=True)
    return result


def _expected_shares(steps: pl.DataFrame, handovers: pl.DataFrame) -> NDArray[np.float64]:
    """Probability of the cell of each step under habits and handovers of an unrelated device.

    `steps`: number (of the device), step, cell, occasion; sorted by number and step.
    """
    cells = pl.concat([handovers["cell"], steps["cell"]]).unique().sort()
    count = len(cells)
    coded = handovers.select(
        "steps",
        place=_place(pl.col("cell"), cells),
        before=pl.when(pl.col("previous").is_null()).then(count).otherwise(_place(pl.col("previous"), cells)),
    ).with_columns(key=pl.col("before") * count + pl.col("place"))
    coded = coded.sort("key")
    found = coded["steps"].to_numpy().astype(np.float64)
    at_cell = np.bincount(coded["place"].to_numpy(), found, minlength=count)
    after = np.bincount(coded["before"].to_numpy(), found, minlength=count + 1)
    occasions, occasion = np.unique(steps["occasion"].to_numpy(), return_inverse=True)
    number = steps["number"].to_numpy()
    place = steps.select(_place(pl.col("cell"), cells)).to_series().to_numpy()
    habits = _habits(number, occasion, place, at_cell / max(1.0, at_cell.sum()), max(1, occasions.size))
    is_first = np.r_[True, number[1:] != number[:-1]] if number.size else np.empty(0, bool)
    before = np.where(is_first, count, np.roll(place, 1))
    keys = coded["key"].to_numpy()
    at = np.minimum(np.searchsorted(keys, before * count + place), max(0, keys.size - 1))
    seen = np.where(keys[at] == before * count + place, found[at], 0.0) if keys.size else np.zeros(number.size)
    chain = (seen + _SMOOTHING / max(1, count)) / (after[before] + _SMOOTHING)
    return HABIT_SHARE * habits + (1.0 - HABIT_SHARE) * chain


def _place(cell: pl.Expr, cells: pl.Series) -> pl.Expr:
    """Place of cells in a sorted list of them."""
    return cell.replace_strict(cells, pl.int_range(len(cells), eager=True), return_dtype=pl.Int64)


@compiled
def _habits(
    number: NDArray[np.int64],
    occasion: NDArray[np.int64],
    cell: NDArray[np.int64],
    of_all: NDArray[np.float64],
    occasions: int,
) -> NDArray[np.float64]:
    """Share of the cell of each step in the habits of its device; steps are sorted by device."""
    out = np.empty(number.size)
    cells = of_all.size
    whole = np.zeros(cells)
    hourly = np.zeros((occasions, cells))
    of_occasion = np.zeros(occasions)
    start = 0
    while start < number.size:
        end = start
        while end < number.size and number[end] == number[start]:
            whole[cell[end]] += 1.0
            hourly[occasion[end], cell[end]] += 1.0
            of_occasion[occasion[end]] += 1.0
            end += 1
        for at in range(start, end):
            overall = (whole[cell[at]] + OVERALL_WEIGHT * of_all[cell[at]]) / (end - start + OVERALL_WEIGHT)
            there = hourly[occasion[at], cell[at]] + HOURLY_WEIGHT * overall
            out[at] = there / (of_occasion[occasion[at]] + HOURLY_WEIGHT)
        for at in range(start, end):
            whole[cell[at]] = 0.0
            hourly[occasion[at], cell[at]] = 0.0
            of_occasion[occasion[at]] = 0.0
        start = end
    return out


@compiled
def _compare(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    step: NDArray[np.int64],
    cell: NDArray[np.int64],
    gain: NDArray[np.float64],
    members: NDArray[np.int64],
    home: NDArray[np.int64],
    loss: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Best candidate of each device (−1 without), its log likelihood ratio, log of the sum of all, candidates.

    `gain`: half of the log ratio of a step at which both are at the cell, by either device; `loss`: log ratio of other
    steps. `members`: devices sorted by home, and their home. Pairs are those within a home with a common step.
    """
    devices = starts.size
    best = np.full(devices, -1, np.int64)
    best_ratio = np.full(devices, -np.inf)
    total = np.full(devices, -np.inf)
    candidates = np.zeros(devices, np.int64)
    for place in range(members.size):
        for other in range(place + 1, members.size):
            if home[other] != home[place]:
                break
            one, two = members[place], members[other]
            at, to = starts[one], starts[two]
            common = 0
            ratio = 0.0
            while at < ends[one] and to < ends[two]:
                if step[at] < step[to]:
                    at += 1
                elif step[at] > step[to]:
                    to += 1
                else:
                    common += 1
                    if cell[at] == cell[to]:
                        ratio += gain[at] + gain[to]
                    else:
                        ratio += loss
                    at += 1
                    to += 1
            if common == 0:
                continue
            for device, companion in ((one, two), (two, one)):
                candidates[device] += 1
                most = max(total[device], ratio)
                total[device] = most + np.log(np.exp(total[device] - most) + np.exp(ratio - most))
                is_smaller = ratio == best_ratio[device] and companion < best[device]
                if best[device] < 0 or ratio > best_ratio[device] or is_smaller:
                    best[device], best_ratio[device] = companion, ratio
    return best, best_ratio, total, candidates
