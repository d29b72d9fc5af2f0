"""States of half hours: each fault by itself, their precedence, any order of rows; nothing lost or changed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.quality import QualityRules, assess, count_states
from ons_bigdata.meters.schemas.readings import AssessedReading
from tests.meters.methods.half_hours import HALF_HOUR, START, australian_homes, london_homes, readings, varied

DAY = 48


def states(frame: pl.DataFrame, **options: object) -> list[str]:
    return assess(frame, **options)["state"].to_list()  # type: ignore[arg-type]


def states_of(kwh: np.ndarray, **options: object) -> list[str]:
    return states(readings(kwh), **options)


def test_the_real_homes_are_sound_but_for_gaps_zeros_and_a_coarse_base_load() -> None:
    counted = assess(pl.concat([london_homes(), australian_homes()]))
    by_state = dict(counted["state"].cast(pl.String).value_counts().iter_rows())
    assert set(by_state) == {"ok", "missing_row", "zero_run", "stuck"}
    assert by_state["missing_row"] == 144 + 57 + 146 + 432 + 784 + 820
    assert by_state["stuck"] / counted.height < 0.002
    # readings that do not move are the least loads of the homes, so that they count for days
    assert counted.filter(pl.col("state") == "stuck")["kwh"].max() < 0.1


def test_each_fault_of_a_meter_has_its_state() -> None:
    kwh = varied(30 * DAY)
    kwh[100:148] = 0.0  # a day
    kwh[200:247] = 0.0  # one half hour too short
    kwh[300:308] = 0.03
    kwh[400:407] = 0.03
    kwh[500] = -0.2
    kwh[600] = 15.001
    kwh[700:748] = 0.21  # the mean of the meter, for a day
    flags: list[str | None] = [None] * len(kwh)
    flags[800:804] = ["E", "S", "F", "A"]
    assessed = assess(readings(kwh, flag=flags))
    found = {
        state: np.flatnonzero((assessed["state"] == state).to_numpy()).tolist()
        for state in ("zero_run", "stuck", "negative", "outlier", "estimated_flat", "estimated")
    }
    assert found == {
        "zero_run": list(range(100, 148)),
        "stuck": list(range(300, 308)),
        "negative": [500],
        "outlier": [600],
        "estimated_flat": list(range(700, 748)),
        "estimated": [800, 801, 802],
    }
    assert (assessed["state"] == "ok").sum() == len(kwh) - sum(map(len, found.values()))
    assert assessed["kwh"].to_numpy() == pytest.approx(kwh, abs=0)


def test_a_constant_load_of_an_empty_home_is_stuck_and_no_estimate() -> None:
    kwh = np.concatenate([varied(20 * DAY), np.full(10 * DAY, 0.02)])
    assert set(states_of(kwh)[20 * DAY :]) == {"stuck"}


@pytest.mark.filterwarnings("error")
def test_a_meter_that_reads_zero_throughout_is_a_zero_run_without_a_warning() -> None:
    """Its mean is zero, so that no level can be compared with it."""
    assert set(states_of(np.zeros(20 * 48))) == {"zero_run"}


def test_missing_half_hours_become_rows_between_first_and_last_reading() -> None:
    frame = readings(varied(10))
    kept = frame.filter(~pl.int_range(pl.len()).is_in([0, 4, 5, 9]))
    assessed = assess(kept)
    assert assessed["state"].to_list() == ["ok"] * 3 + ["missing_row"] * 2 + ["ok"] * 3
    assert assessed["started_at"].to_list() == frame["started_at"].to_list()[1:9]
    assert assessed["kwh"].null_count() == 2
    whole = assess(kept, first_at=START - HALF_HOUR, last_at=START + HALF_HOUR * 10)
    assert whole.height == 12
    assert whole["state"].head(2).to_list() == whole["state"].tail(2).to_list() == ["missing_row"] * 2
    inner = assess(kept, first_at=START + HALF_HOUR * 3, last_at=START + HALF_HOUR * 4)
    assert_frame_equal(inner, assessed)


def test_tokens_and_codes_are_told_apart() -> None:
    frame = readings([0.1, None, None, None, 0.2], code=[None, "Null", "4294967.295", None, None])
    assert states(frame) == ["ok", "null_token", "error_code", "null_token", "ok"]
    assert assess(frame)["code"].to_list() == frame["code"].to_list()


def test_duplicates_are_identical_or_in_conflict() -> None:
    first = readings([0.1, 0.2, 0.3, None, None, 0.6])
    again = readings([0.1, 0.25, None, 0.4, None])
    assessed = assess(pl.concat([first, again, first.head(1)]))
    by_half_hour = [group["state"].to_list() for group in assessed.partition_by("started_at", maintain_order=True)]
    assert by_half_hour == [
        ["ok", "duplicate_identical", "duplicate_identical"],
        ["duplicate_conflict", "duplicate_conflict"],
        ["ok", "null_token"],
        ["ok", "null_token"],
        ["null_token", "duplicate_identical"],
        ["ok"],
    ]


def test_of_equal_readings_the_actual_counts_before_the_estimated() -> None:
    frame = pl.concat([readings([0.1], flag=["E"]), readings([0.1], flag=["A"])])
    assessed = assess(frame)
    assert assessed.select("flag", "state").rows() == [("A", "ok"), ("E", "duplicate_identical")]


def test_rows_off_the_grid_stay_where_they_are() -> None:
    frame = readings([0.1, 0.2, 0.3])
    odd = frame.head(2).with_columns(
        pl.col("started_at") + timedelta(minutes=2, seconds=17), kwh=pl.lit(None, dtype=pl.Float64)
    )
    only = odd.with_columns(meter=pl.lit("b"))
    assessed = assess(pl.concat([only, odd, frame]))
    assert assessed["meter"].to_list() == ["a"] * 5 + ["b"] * 2
    assert assessed["state"].to_list() == ["ok", "off_grid", "ok", "off_grid", "ok", "off_grid", "off_grid"]
    assert assessed["started_at"].head(5).is_sorted()


def test_a_reading_that_holds_the_gap_before_it_is_an_accumulation() -> None:
    kwh = varied(60 * DAY)
    gap = slice(30 * DAY + 7, 31 * DAY + 3)
    total = kwh[gap].sum() + kwh[gap.stop]
    frame = readings(kwh).with_columns(kwh=pl.when(pl.int_range(pl.len()) == gap.stop).then(total).otherwise("kwh"))
    with_gap = frame.filter(~pl.int_range(pl.len()).is_between(gap.start, gap.stop - 1))
    assessed = assess(with_gap)
    assert assessed.filter(pl.col("state") == "post_gap_accumulation")["kwh"].to_list() == [total]
    # without the gap, and with another amount, it is only a high reading
    assert "post_gap_accumulation" not in states(frame)
    other = with_gap.with_columns(kwh=pl.when(pl.col("kwh") == total).then(total / 3).otherwise("kwh"))
    assert "post_gap_accumulation" not in states(other)


def test_an_accumulation_above_the_bound_of_outliers_is_an_accumulation() -> None:
    kwh = varied(60 * DAY, mean=0.5)
    gap = slice(30 * DAY, 31 * DAY)
    kwh[gap.stop] += kwh[gap].sum()
    assert kwh[gap.stop] > QualityRules().max_kwh
    frame = readings(kwh).filter(~pl.int_range(pl.len()).is_between(gap.start, gap.stop - 1))
    assert assess(frame)["state"].cast(pl.String).value_counts().filter(pl.col("state") == "outlier").is_empty()


KWH = st.sampled_from([0.0, 0.1, 0.2, 0.5, -0.1, 16.0, None])


@st.composite
def deliveries(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from([1, 2, 3]), st.integers(0, 120), st.sampled_from([0, 0, 0, 7]), KWH), max_size=80
        )
    )
    return pl.DataFrame(
        {
            "meter": [row[0] for row in rows],
            "started_at": [START + HALF_HOUR * row[1] + timedelta(minutes=row[2]) for row in rows],
            "kwh": [row[3] for row in rows],
        },
        schema={"meter": pl.Int64, "started_at": pl.Datetime("us", "UTC"), "kwh": pl.Float64},
    )


@settings(max_examples=25)
@given(deliveries(), st.randoms(use_true_random=False))
def test_no_row_is_lost_or_changed_whatever_the_order(frame: pl.DataFrame, rng: object) -> None:
    order = list(range(frame.height))
    rng.shuffle(order)  # type: ignore[attr-defined]
    assessed = assess(frame)
    assert_frame_equal(assess(frame[order]), assessed)
    delivered = assessed.filter(pl.col("state") != "missing_row").drop("state")
    assert_frame_equal(delivered, frame, check_row_order=False)
    assert assessed.select("meter", "started_at").equals(
        assessed.select("meter", "started_at").sort("meter", "started_at")
    )
    grid = assessed.filter(pl.col("started_at").dt.minute().is_in([0, 30])).unique(["meter", "started_at"])
    spans = grid.group_by("meter").agg(
        pl.len(), (pl.col("started_at").max() - pl.col("started_at").min()).alias("span")
    )
    assert all(count == span / HALF_HOUR + 1 for _, count, span in spans.iter_rows())
    each = [assess(part) for part in frame.sort("meter").partition_by("meter", maintain_order=True)]
    assert_frame_equal(pl.concat([assessed.clear(), *each]), assessed)  # a meter depends on its rows alone
    counts = count_states(assessed)
    assert counts["readings"].sum() == assessed.height


def test_the_result_has_its_frame() -> None:
    frame = readings(varied(60), code=[None] * 60, flag=[None] * 60)
    assert AssessedReading.validate(assess(frame)).height == 60


def test_bad_input_is_named() -> None:
    frame = readings([0.1, float("inf")])
    with pytest.raises(ValueError, match="column kwh, row 1: inf; expected a number or null"):
        assess(frame)
    with pytest.raises(ValueError, match="no column started_at"):
        assess(frame.drop("started_at"))
    with pytest.raises(ValueError, match="column meter, row 0: null"):
        assess(frame.with_columns(meter=pl.lit(None, dtype=pl.String)))
    with pytest.raises(ValueError, match=r"first_at is .*; expected a start of a half hour"):
        assess(readings([0.1]), first_at=START + timedelta(minutes=5))
    with pytest.raises(ValueError, match="zero_run is 0"):
        QualityRules(zero_run=0)


def test_counts_are_by_month_in_utc() -> None:
    frame = readings(varied(4), start=START - HALF_HOUR * 2)
    assert [(str(row[1]), *row[2:4]) for row in count_states(assess(frame)).rows()] == [
        ("2010-05-01", "ok", 2),
        ("2010-06-01", "ok", 2),
    ]
