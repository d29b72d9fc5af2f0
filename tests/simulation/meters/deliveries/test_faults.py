"""Faults of deliveries: each leaves its trace in the rows, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.deliveries.faults import (
    CLEAN,
    ERROR_CODES,
    KINDS,
    Delivery,
    FaultRates,
    deliver_with_faults,
)

CLOCK = HalfHours(date(2009, 10, 1), 40, "Europe/Dublin")
METERS = 30


def clean_readings() -> np.ndarray:
    values = np.random.default_rng(0).uniform(0.02, 0.9, (METERS, CLOCK.count))
    return np.round(values, 3).astype(np.float32)


def deliver(seed: int = 1, **rates: float) -> Delivery:
    return deliver_with_faults(np.random.default_rng(seed), clean_readings(), CLOCK, replace(CLEAN, **rates))


def rectangle(delivery: Delivery) -> np.ndarray:
    """Last row of each half hour; NaN for missing ones."""
    values = np.full((METERS, CLOCK.count), np.nan)
    on_grid = delivery.offset_s == 0
    values[delivery.row[on_grid], delivery.half_hour[on_grid]] = delivery.kwh[on_grid]
    return values


def spans(delivery: Delivery, *kinds: str) -> np.ndarray:
    """Half hours with a fault of some kinds."""
    marked = np.zeros((METERS, CLOCK.count), dtype=bool)
    for row, first, end in (
        delivery.faults.filter(pl.col("fault").is_in(kinds)).select("row", "first", "end").iter_rows()
    ):
        marked[row, first:end] = True
    return marked


def test_a_clean_delivery_is_the_readings_in_order() -> None:
    delivery = deliver()
    assert delivery.faults.height == 0
    assert np.array_equal(rectangle(delivery).astype(np.float32), clean_readings())
    assert (np.diff(delivery.row.astype(np.int64) * CLOCK.count + delivery.half_hour) == 1).all()


LOST = ("late_start", "early_end", "gap", "day_gap", "long_gap")


def test_half_hours_are_missing_where_the_truth_has_a_gap_and_nowhere_else() -> None:
    delivery = deliver(edge_share=0.5, gaps=60, day_gaps=9, long_gaps=5, accumulated_share=0.0)
    values = rectangle(delivery)
    assert set(delivery.faults["fault"]) == set(LOST)
    assert np.array_equal(np.isnan(values), spans(delivery, *LOST))
    kept = ~np.isnan(values)
    assert np.array_equal(values[kept].astype(np.float32), clean_readings()[kept])


def test_gaps_of_a_day_have_49_half_hours() -> None:
    faults = deliver(day_gaps=20).faults.filter((pl.col("fault") == "day_gap") & (pl.col("end") < CLOCK.count))
    assert faults.height > 5
    assert set(faults["end"] - faults["first"]) == {49}


def test_a_reading_after_a_gap_has_the_energy_of_the_gap() -> None:
    delivery = deliver(day_gaps=6, accumulated_share=1.0)
    summed = delivery.faults.filter(pl.col("fault") == "accumulated")
    assert summed.height > 3
    clean = clean_readings().astype(float)
    for row, at, total in summed.select("row", "first", "value").iter_rows():
        assert total == pytest.approx(clean[row, at - 49 : at].sum(), rel=1e-6)
        assert rectangle(delivery)[row, at] == pytest.approx(total + clean[row, at], abs=1e-3)


def test_duplicates_are_further_rows_at_midnight() -> None:
    delivery = deliver(duplicates=100, conflicts=40)
    key = delivery.row.astype(np.int64) * CLOCK.count + delivery.half_hour
    pairs = pl.DataFrame({"key": key, "at": delivery.half_hour, "kwh": delivery.kwh})
    twice = (
        pairs.group_by("key").agg(pl.len(), pl.col("at").first(), pl.col("kwh").n_unique()).filter(pl.col("len") > 1)
    )
    counts = dict(delivery.faults.group_by("fault").len().iter_rows())
    assert len(key) == METERS * CLOCK.count + counts["duplicate_identical"] + counts["duplicate_conflict"]
    assert set(twice["at"]) <= set(CLOCK.starts.tolist())
    assert (twice["kwh"] > 1).sum() == counts["duplicate_conflict"]


def test_rows_without_a_reading_are_off_the_grid_and_beyond_the_readings() -> None:
    delivery = deliver(off_grid_nulls=40)
    off = delivery.offset_s > 0
    assert off.sum() == delivery.faults.height > 10
    assert np.isnan(delivery.kwh[off]).all()
    assert not np.isnan(delivery.kwh[~off]).any()
    assert (~off).sum() == METERS * CLOCK.count


@pytest.mark.parametrize(("kind", "rate"), [("stuck", "stuck_share"), ("estimated_flat", "flat_share")])
def test_blocks_have_one_value(kind: str, rate: str) -> None:
    delivery = deliver(1, **{rate: 0.5})
    values = rectangle(delivery)
    assert set(delivery.faults["fault"]) == {kind}
    for row, first, end, value in delivery.faults.select("row", "first", "end", "value").iter_rows():
        assert end - first >= 8
        assert (values[row, first:end] == value).all()
    untouched = ~spans(delivery, kind)
    assert np.array_equal(values[untouched].astype(np.float32), clean_readings()[untouched])


def test_swapped_meters_have_each_others_readings_from_then_on() -> None:
    delivery = deliver(swap_share=0.3)
    values, clean = rectangle(delivery).astype(np.float32), clean_readings()
    assert delivery.faults.height >= 4
    for row, first, other in delivery.faults.select("row", "first", "value").iter_rows():
        assert np.array_equal(values[row, :first], clean[row, :first])
        assert np.array_equal(values[row, first:], clean[int(other), first:])


def test_new_meters_read_zero_and_then_nothing_for_a_time() -> None:
    delivery = deliver(commissioning_share=0.4)
    for row, end in delivery.faults.filter(pl.col("fault") == "commissioning_zeros").select("row", "end").iter_rows():
        assert (rectangle(delivery)[row, :end] == 0).all()
        assert np.isnan(rectangle(delivery)[row, end : end + 48]).all()


def test_codes_negative_numbers_and_watt_hours_come_in_place_of_readings() -> None:
    delivery = deliver(error_code_share=0.3, negative_share=0.3, unit_error_share=0.3)
    values = rectangle(delivery)
    codes = delivery.faults.filter(pl.col("fault") == "error_code")
    assert set(codes["value"]) <= set(ERROR_CODES)
    assert (values[spans(delivery, "negative") & ~spans(delivery, "error_code")] < 0).all()
    scaled = spans(delivery, "unit_error") & ~spans(delivery, "error_code", "negative")
    assert scaled.any()
    assert values[scaled] == pytest.approx(clean_readings()[scaled].astype(float) * 1000, abs=0.1)


def test_the_usual_rates_leave_out_about_the_share_of_the_irish_trial() -> None:
    clock = HalfHours(date(2009, 7, 14), 60, "Europe/Dublin")
    kwh = np.full((400, clock.count), 0.1, dtype=np.float32)
    lost = [
        1 - np.unique(delivery.row.astype(np.int64) * clock.count + delivery.half_hour).size / kwh.size
        for seed in (1, 2)
        for delivery in [deliver_with_faults(np.random.default_rng(seed), kwh, clock, FaultRates())]
    ]
    assert np.mean(lost) == pytest.approx(0.047, abs=0.012)


def test_every_kind_of_fault_comes_with_all_rates_raised() -> None:
    rates = replace(FaultRates(), **{name: 0.4 for name in FaultRates.__dataclass_fields__ if name.endswith("_share")})
    faults = deliver_with_faults(
        np.random.default_rng(3), clean_readings(), CLOCK, replace(rates, gaps=60, day_gaps=9)
    ).faults
    assert set(faults["fault"]) == set(KINDS)
