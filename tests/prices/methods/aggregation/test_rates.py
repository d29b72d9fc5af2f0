"""Rates of change and contributions to them: by hand, over gaps, and that contributions add up across links."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import aggregate, rate_contributions, rates, rebased
from tests.prices.methods.aggregated_trees import TREE

quickly = settings(max_examples=15, deadline=None)
MONTHS = [f"{2019 + m // 12}-{m % 12 + 1:02}" for m in range(26)]


def monthly(values: list[float], months: list[str] = MONTHS) -> pl.DataFrame:
    return pl.DataFrame({"period": months[: len(values)], "index": values})


def test_rates_of_months_by_hand():
    table = monthly([100.0 + m for m in range(14)])
    annual = rates(table, node=None)
    assert annual.select("period", "against").rows() == [("2020-01", "2019-01"), ("2020-02", "2019-02")]
    assert annual["rate_percent"].to_list() == pytest.approx([12.0, 100 * 12 / 101])
    assert rates(table, "month", node=None)["rate_percent"][0] == pytest.approx(1.0)
    assert rates(table, "quarter", node=None)["rate_percent"][0] == pytest.approx(3.0)
    assert rates(table, 2, node=None)["against"][0] == "2019-01"


def test_a_missing_month_is_a_gap_of_the_rate():
    months = [month for month in MONTHS[:15] if month != "2019-02"]
    computed = rates(monthly([100.0] * 14, months), node=None)
    assert computed.rows() == [
        ("2020-01", "2019-01", 0.0, None),
        ("2020-02", "2019-02", None, "no index in 2019-02"),
        ("2020-03", "2019-03", 0.0, None),
    ]


def test_rates_of_quarters_weeks_and_numbers():
    quarters = pl.DataFrame({"period": ["2019-Q1", "2019-Q2", "2020-Q1", "2020-Q2"], "index": [1.0, 2.0, 3.0, 4.0]})
    assert rates(quarters, node=None)["rate_percent"].to_list() == pytest.approx([200.0, 100.0])
    weeks = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(60)]
    table = pl.DataFrame({"period": weeks, "index": [1.0 + n for n in range(60)]})
    annual = rates(table, node=None)
    assert annual["against"].to_list() == weeks[:8]
    assert annual["rate_percent"][0] == pytest.approx(5200.0)
    with pytest.raises(ValueError, match="over: a month is no whole number of periods, which are 7 days apart"):
        rates(table, "month", node=None)
    with pytest.raises(ValueError, match="over: a year is no whole number of periods, which are whole numbers"):
        rates(pl.DataFrame({"period": [1, 2], "index": [1.0, 2.0]}), node=None)
    with pytest.raises(ValueError, match="over: a month is no whole number of periods, which are 3 months apart"):
        rates(quarters, "month", node=None)
    with pytest.raises(ValueError, match=r"unknown over 'annual'; known: month, quarter, year; did you mean year\?"):
        rates(table, "annual", node=None)
    with pytest.raises(ValueError, match="over: found 0, expected a whole number of at least 1"):
        rates(table, 0, node=None)


def tree_over_links(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = [(node, month, float(np.exp(random.normal()))) for node in ("bread", "milk", "soap") for month in MONTHS]
    indices = pl.DataFrame(rows, schema=["node", "period", "index"], orient="row")
    weights = pl.DataFrame(
        [(node, float(random.uniform(0.2, 3)), link) for node in ("bread", "milk", "soap") for link in MONTHS[::5]],
        schema=["node", "weight", "link"], orient="row",
    )  # fmt: skip
    return aggregate(indices, weights, TREE, formula="young")


@quickly
@given(st.integers(0, 9_999), st.sampled_from(["month", "quarter", "year", 7]), st.booleans())
def test_contributions_to_rates_add_up_across_links(seed, over, is_rebased):
    table = tree_over_links(seed)
    table = rebased(table, MONTHS[:12]) if is_rebased else table
    computed = rate_contributions(table, "all", over)
    expected = rates(table.filter(pl.col("node") == "all"), over)
    for parent in ("all", "food"):
        children = (
            computed.filter(pl.col("parent") == parent).group_by("period").agg(pl.col("contribution_points").sum())
        )
        parts = dict(children.rows())
        if parent == "all":
            whole = dict(expected.select("period", "rate_percent").rows())
            assert set(whole) == set(parts)
        else:
            whole = dict(computed.filter(pl.col("node") == "food").select("period", "contribution_points").rows())
        assert parts == {period: pytest.approx(rate, abs=1e-9) for period, rate in whole.items()}


def test_contributions_to_a_rate_by_hand():
    # Weights 1 : 3. Over two periods a doubles and b rises by a tenth: 25 and 7.5 points of 32.5.
    indices = pl.DataFrame(
        [("a", 1, 1.0), ("a", 2, 1.5), ("a", 3, 2.0), ("b", 1, 1.0), ("b", 2, 1.0), ("b", 3, 1.1)],
        schema=["node", "period", "index"], orient="row",
    )  # fmt: skip
    weights = pl.DataFrame({"node": ["a", "b"], "weight": [1.0, 3.0]})
    tree = pl.DataFrame({"node": ["all", "a", "b"], "parent": [None, "all", "all"]})
    computed = rate_contributions(aggregate(indices, weights, tree), "all", 2)
    assert computed.select("period", "against", "node", "contribution_points", "rate_percent").rows() == [
        (3, 1, "a", pytest.approx(25.0), pytest.approx(32.5)),
        (3, 1, "b", pytest.approx(7.5), pytest.approx(32.5)),
    ]


def test_rates_of_no_rows():
    empty = monthly([])
    for over in ("month", "quarter", "year"):
        with pytest.raises(ValueError, match=f"table: no rows, so that .* the periods of a {over}, are not known"):
            rates(empty, over, node=None)
    with pytest.raises(ValueError, match=r"unknown over 'yearly'; known: .*; did you mean year\?"):
        rates(empty, "yearly", node=None)
    with pytest.raises(ValueError, match="over: found 0, expected a whole number"):
        rates(empty, 0, node=None)
    assert rates(empty, 2, node=None).is_empty()


@pytest.mark.parametrize("node", ["against", "rate_percent", "reason", "period", "index", 3, []])
def test_nodes_have_a_column_of_their_own(node):
    table = monthly([1.0, 2.0])
    if isinstance(node, str) and node not in table.columns:
        table = table.with_columns(pl.lit("a").alias(node))
    with pytest.raises(ValueError, match=r"expected two different columns|expected the name of a column"):
        rates(table, 1, node=node)
