"""Duplicate devices: the published run on the simulator's files, then small sets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.duplicates import (
    count_handovers,
    cut_month,
    cut_steps,
    find_duplicates,
    judge_candidates,
)
from ons_bigdata.phones.sources.device_files import read_simulator_events
from tests.phones.methods.device_days import SPEC, at, frame
from tests.phones.sources.test_published_files import SHARED, shared

SECOND_PHONES = 0.15
"""Share of persons with a second phone, of the simulation's settings."""


def test_duplicates_are_found_as_by_the_published_run() -> None:
    events = read_simulator_events(shared("simulated_mno_events/AntennaInfo_MNO_MNO1.csv.gz"))
    result = find_duplicates(events, prior_share=SECOND_PHONES)
    truth = pl.read_csv(SHARED / "simulated_mno_events" / "truth_two_device_persons.csv")
    twins = {*truth["device_a"], *truth["device_b"]}
    found = set(result.filter(pl.col("probability") > 0.5)["device"])
    assert (result.height, len(twins)) == (218, 64)
    assert len(found & twins) / len(twins) >= 0.84
    assert len(found & twins) / len(found) >= 0.96


def walks(*texts: str) -> pl.DataFrame:
    """Return events of devices 1, 2, …, a cell for each letter and ten seconds."""
    rows = [(device, cell, 10 * step) for device, text in enumerate(texts, 1) for step, cell in enumerate(text)]
    return pl.DataFrame(rows, schema=["device", "cell", "second"], orient="row")


def test_equal_walks_through_many_cells_are_one_carrier_and_a_stay_says_little() -> None:
    draws = np.random.default_rng(1)
    others = ["".join(draws.choice(list("abcdef"), 40)) for _ in range(20)]
    result = find_duplicates(walks(others[0], "e" * 40, "e" * 40, *others), prior_share=0.1)
    assert result["companion"].to_list()[:4] == [4, 3, 2, 1]
    assert result["probability"][0] > 0.99
    assert result["log_ratio"][0] > result["log_ratio"][1] > 0
    assert result["probability"][4:].max() < 0.01


def test_order_and_names_do_not_matter() -> None:
    events = walks("abcdabcd", "abcdabcc", "ddddaaaa")
    result = find_duplicates(events, prior_share=0.1)
    assert find_duplicates(events.sample(fraction=1, shuffle=True, seed=1), prior_share=0.1).equals(result)
    renamed = find_duplicates(events.with_columns(cell="x" + pl.col("cell")), prior_share=0.1)
    assert renamed.equals(result)


def test_a_device_alone_has_no_companion() -> None:
    assert find_duplicates(walks("abc"), prior_share=0.1).row(0) == (1, None, 3, 0.0, None)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="prior_share"):
        find_duplicates(walks("abc", "abc"), prior_share=share)


def test_only_devices_of_a_home_are_compared() -> None:
    events = walks("abcdabcd", "abcdabcd", "ddddaaaa", "ddddaaab")
    homes = pl.DataFrame({"device": [1, 2, 3, 4], "home": ["x", "y", "x", None]})
    result = find_duplicates(events, prior_share=0.1, homes=homes)
    assert result.select("device", "companion").rows() == [(1, 3), (2, None), (3, 1)]
    assert result["probability"][1] == 0.0
    whole = find_duplicates(events, prior_share=0.1)
    assert whole["companion"].to_list() == [2, 1, 4, 3]


def test_devices_without_a_common_step_are_no_candidates() -> None:
    later = walks("abcd").with_columns(device=pl.lit(2, pl.Int64), second=pl.col("second") + 1_000)
    result = find_duplicates(pl.concat([walks("abcd"), later]), prior_share=0.1)
    assert result["companion"].to_list() == [None, None]


def test_homes_may_be_judged_apart() -> None:
    """Handovers are counted over all devices, bucket by bucket; then the devices of some homes are compared."""
    draws = np.random.default_rng(2)
    texts = ["".join(draws.choice(list("abcd"), 30)) for _ in range(4)]
    events = walks(*texts, *texts[:2])
    homes = pl.DataFrame({"device": list(range(1, 7)), "home": [1, 2, 1, 2, 1, 2]})
    whole = find_duplicates(events, prior_share=0.2, homes=homes)
    buckets = [cut_steps(events.filter(pl.col("device") % 3 == rest), 10) for rest in range(3)]
    handovers = pl.concat([count_handovers(bucket) for bucket in buckets]).group_by("previous", "cell")
    counted = handovers.agg(pl.col("steps").sum())
    parts = [
        judge_candidates(
            pl.concat(buckets), counted, homes.filter(pl.col("home") == home), prior_share=0.2, mismatch_share=0.01
        )
        for home in (1, 2)
    ]
    assert pl.concat(parts).sort("device").equals(whole)


def test_two_who_keep_the_same_hours_are_no_pair_but_two_who_go_out_together() -> None:
    """Four of a home keep the same hours at home and at the same work; 1 and 2 make the same trips besides."""
    rows = []
    for device in (1, 2, 3, 4):
        for day in range(0, 28):
            trip = f"t{day}" if device < 3 else f"u{device}{day}"
            places = {2: "h", 8: "h", 11: "w", 15: "w", 18: trip, 19: trip, 22: "h"}
            rows += [(device, at(day, hour), place) for hour, place in places.items()]
    steps = cut_month(frame(rows), SPEC)
    homes = pl.DataFrame({"device": [1, 2, 3, 4], "home": ["h"] * 4})
    result = judge_candidates(steps, count_handovers(steps), homes, prior_share=0.1, mismatch_share=0.1)
    assert (result["probability"] > 0.5).to_list() == [True, True, False, False]
    assert result["companion"].to_list()[:2] == [2, 1]


def test_steps_of_a_month_are_those_of_its_days() -> None:
    steps = cut_month(
        frame([(1, at(-1, 23), "a"), (1, at(0, 8.1), "a"), (1, at(0, 8.4), "b"), (1, at(28, 1), "a")]), SPEC
    )
    assert steps.select("cell", "occasion").rows() == [("b", 17)]  # 8 h of a working day
