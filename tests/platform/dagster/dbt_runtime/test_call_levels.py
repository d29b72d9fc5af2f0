"""Tables of dbt are built by as few calls as the order of SQL and Python allows."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from ons_bigdata.platform.dagster.dbt_runtime.call_levels import call_levels


def test_a_call_builds_all_that_no_python_table_lies_before() -> None:
    parents = {
        "staged": ["raw"],
        "counted": ["staged"],
        "index": ["counted"],  # of Python
        "reported": ["index", "staged"],
        "reviewed": ["reported", "counted"],
        "drawn": ["index"],  # of Python, as is the next
        "page": ["drawn", "reviewed"],
        "listed": ["page"],
        "apart": [],
    }
    assert call_levels(parents, ["staged", "counted", "reported", "reviewed", "listed", "apart"]) == {
        "staged": 1, "counted": 1, "apart": 1, "reported": 2, "reviewed": 2, "listed": 3,
    }  # fmt: skip


def test_python_tables_one_after_the_other_take_one_level() -> None:
    assert call_levels({"a": ["raw"], "b": ["a"], "c": ["b"], "d": ["c"]}, ["a", "d"]) == {"a": 1, "d": 2}


def test_a_table_made_of_itself_is_refused() -> None:
    with pytest.raises(CycleError):
        call_levels({"a": ["b"], "b": ["a"]}, ["a"])
