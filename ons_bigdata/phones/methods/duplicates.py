"""Duplicate devices: the probability that two devices have the same carrier, from the cells that they connect to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_no_keys, refuse_rows
from ons_bigdata.phones.schemas.devices import DeviceDuplicity

_SMOOTHING = 0.5
"""Handovers between two cells that are counted besides those that were seen (Jeffreys)."""


class _Sequences(NamedTuple):
    """Cells of devices over time; −1 where a device was not seen."""

    devices: pl.Series
    cell: NDArray[np.int32]
    """Devices by times."""
    cells: int


def find_duplicates(
    events: pl.DataFrame, *, prior_share: float, mismatch_share: float = 0.01, step_s: int = 10
) -> pl.DataFrame:
    """Probability of each device that another one has the same carrier, sorted by device.

    `events`: device and cell (whole numbers or text), second (whole seconds). Of several events of a device in a step
    of `step_s` seconds the last row counts. `prior_share`: share of the devices that have a companion, from a survey;
    `mismatch_share`: share of the steps at which two devices of a carrier are at different cells.

    Returns device, companion and the columns of `DeviceDuplicity`. Raises ValueError for missing columns or values
    and shares outside of 0 to 1.

    The cells of one device follow a Markov chain whose handovers are counted over all devices; those of a companion are
    the cells of the first, apart from mismatches. Each device has at most one companion; the prior is spread over all
    others. Model: pair approach of the ESSnet Big Data II deduplication (deliverable I.3, 2020), with handovers counted
    from the events in the place of emission by signal strength.
    """
    for name, share in (("prior_share", prior_share), ("mismatch_share", mismatch_share)):
        if not 0.0 < share < 1.0:
            message = f"{name} is {share}; expected more than 0 and less than 1"
            raise ValueError(message)
    refuse_missing_columns(events, ("device", "cell", "second"), "events")
    refuse_no_keys(events, ("device", "cell"), "events")
    refuse_rows(events, {"no second": pl.col("second").is_null()}, "events")
    sequences = _sequences(events, step_s)
    ratios = _log_ratios(sequences, mismatch_share)
    return _posterior(sequences, ratios, prior_share)


def _sequences(events: pl.DataFrame, step_s: int) -> _Sequences:
    last = (
        events.with_columns(step=pl.col("second") // step_s, row=pl.int_range(pl.len()))
        .sort("device", "step", "second", "row")
        .unique(["device", "step"], keep="last", maintain_order=True)
        .with_columns(
            device_number=pl.col("device").rank("dense") - 1,
            cell_number=pl.col("cell").rank("dense") - 1,
            step_number=pl.col("step").rank("dense") - 1,
        )
    )
    devices = last["device"].unique().sort()
    steps, cells = last["step"].n_unique(), last["cell"].n_unique()
    cell = np.full((len(devices), steps), -1, np.int32)
    cell[last["device_number"].to_numpy(), last["step_number"].to_numpy()] = last["cell_number"].to_numpy()
    return _Sequences(devices, cell, cells)


def _own_log_probability(sequences: _Sequences) -> NDArray[np.float64]:
    """Log probability of each step of each device under the Markov chain of all devices; 0 where it was not seen."""
    cell, cells = sequences.cell, sequences.cells
    starts = np.full(cells, _SMOOTHING)
    moves = np.full((cells, cells), _SMOOTHING / cells)
    before = np.full(cell.shape[0], -1, np.int32)
    previous = np.full(cell.shape, -1, np.int32)
    for step in range(cell.shape[1]):
        previous[:, step] = before
        now = cell[:, step]
        before = np.where(now >= 0, now, before)
    seen, is_first = cell >= 0, previous < 0
    np.add.at(starts, cell[seen & is_first], 1.0)
    np.add.at(moves, (previous[seen & ~is_first], cell[seen & ~is_first]), 1.0)
    log_starts = np.log(starts / starts.sum())
    log_moves = np.log(moves / moves.sum(axis=1, keepdims=True))
    out = np.where(is_first, log_starts[cell], log_moves[previous, cell])
    return np.where(seen, out, 0.0)


def _log_ratios(sequences: _Sequences, mismatch_share: float) -> NDArray[np.float64]:
    """Log likelihood ratio of each pair, same carrier against two; −inf for a device with itself.

    Only steps at which both were seen are compared; the ratio of the two directions is averaged.
    """
    cell = sequences.cell
    own = _own_log_probability(sequences)
    match, mismatch = np.log1p(-mismatch_share), np.log(mismatch_share / max(1, sequences.cells - 1))
    number = cell.shape[0]
    ratios = np.empty((number, number))
    for device in range(number):
        both = (cell >= 0) & (cell[device] >= 0)
        same = both & (cell == cell[device])
        shared = match * same.sum(axis=1) + mismatch * (both & ~same).sum(axis=1)
        ratios[device] = shared - (own * both).sum(axis=1)
    ratios = (ratios + ratios.T) / 2.0
    np.fill_diagonal(ratios, -np.inf)
    return ratios


def _posterior(sequences: _Sequences, ratios: NDArray[np.float64], prior_share: float) -> pl.DataFrame:
    number = ratios.shape[0]
    odds = np.log(prior_share / (1.0 - prior_share)) - np.log(max(1, number - 1))
    total = logsumexp(ratios, axis=1) + odds if number > 1 else np.full(number, -np.inf)
    best = ratios.argmax(axis=1) if number else np.empty(0, np.int64)
    has_any = number > 1
    companions = sequences.devices.gather(pl.Series(best)) if has_any else pl.Series([None] * number)
    result = pl.DataFrame(
        {
            "device": sequences.devices,
            "companion": companions.cast(sequences.devices.dtype),
            "steps": pl.Series((sequences.cell >= 0).sum(axis=1), dtype=pl.Int64),
            "probability": pl.Series(expit(total)),
            "log_ratio": pl.Series(ratios.max(axis=1) if has_any else [None] * number, dtype=pl.Float64),
        }
    )
    DeviceDuplicity.validate(result.select(DeviceDuplicity.column_names()), cast=True)
    return result
