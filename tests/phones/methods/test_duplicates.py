"""Duplicate devices: the published run on the simulator's files, then small sets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.duplicates import find_duplicates
from ons_bigdata.phones.sources.device_files import read_simulator_events
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
