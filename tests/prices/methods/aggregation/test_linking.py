"""Rebasing, linking at an overlap, chaining and unchaining: by hand, and that each undoes the other."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import (
    aggregate,
    chain,
    contributions,
    december_january_links,
    link_series,
    rebased,
    unchain,
)
from tests.prices.methods.aggregated_trees import PAIR, even, path, series, tree_of, weights_of

quickly = settings(max_examples=30, deadline=None)


def one_series(values: list[float | None], first: int = 1) -> pl.DataFrame:
    schema = {"period": pl.Int64, "index": pl.Float64}
    return pl.DataFrame(list(enumerate(values, start=first)), schema=schema, orient="row")


# --- rebased ---

TABLE = series({"a": [1.0, 2.0, 4.0], "b": [1.0, None, 3.0], "c": [None, None, 5.0]})


def test_an_incomplete_base_is_refused_or_asked_for():
    with pytest.raises(ValueError, match="2 of 3 are not in the table; the first: 8"):
        rebased(TABLE, [1, 8, 9])
    with pytest.raises(ValueError, match=r"base_periods: b has an index in 1 of 2 periods \(1 such series\)"):
        rebased(TABLE, [0, 1])
    table = rebased(TABLE, [0, 1, 9], incomplete="available")
    assert path(table, "a") == [100 / 1.5, 200 / 1.5, 400 / 1.5]
    assert path(table, "b") == [100.0, None, 300.0]
    assert path(table, "c") == [None, None, None]
    with pytest.raises(ValueError, match="unknown incomplete 'some'; known: error, available"):
        rebased(TABLE, [0], incomplete="some")


def test_a_year_of_which_two_months_are_there_is_no_base():
    months = [f"2015-{m:02}" for m in range(1, 13)]
    table = pl.DataFrame({"period": [*months[:2], "2016-01"], "index": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="10 of 12 are not in the table; the first: 2015-03"):
        rebased(table, months, node=None)
    assert rebased(table, months[:2], node=None)["index"].to_list() == pytest.approx([100 / 1.5, 200 / 1.5, 200.0])


def test_a_node_without_a_base_has_a_reason_and_nan_is_refused():
    table = TABLE.with_columns(reason=pl.when(pl.col("index").is_null()).then(pl.lit("no value below")))
    found = rebased(table, [0]).filter(pl.col("node") == "c")
    assert found["reason"].to_list() == ["no value below", "no value below", "no index in the base periods"]
    for bad in (float("nan"), 0.0, float("inf")):
        spoiled = TABLE.with_columns(index=pl.when(pl.col("node") == "b").then(bad).otherwise("index"))
        with pytest.raises(ValueError, match="3 with a value of index that is not positive and finite; the first: "):
            rebased(spoiled, [0])
    with pytest.raises(ValueError, match="table: column node is missing"):
        rebased(TABLE.drop("node"), [0])


def test_a_single_period_needs_no_list():
    table = pl.DataFrame({"period": ["2015", "2016"], "index": [2.0, 3.0]})
    assert rebased(table, "2015", node=None)["index"].to_list() == [100.0, 150.0]


# --- links of months ---


def test_double_links_are_of_months_alone():
    weeks = [date(2019, 11, 25), date(2019, 12, 2), date(2019, 12, 9), date(2020, 1, 6)]
    for periods in (
        weeks,
        ["2019-W49", "2019-W50"],
        ["2019-Q4", "2020-Q1"],
        [date(2019, 12, d) for d in (1, 2, 3)],
        [date(2019, 7, 1), date(2019, 10, 1), date(2020, 1, 1)],
        [date(2019, 9, 30), date(2019, 12, 31), date(2020, 3, 31)],
        [date(2018, 12, 31), date(2019, 12, 31)],
        ["2019-07", "2019-10", "2020-01"],
        [201806, 201812, 201906],
        [date(2020, 1, 14), date(2020, 2, 11), date(2020, 4, 17)],
        ["2019", "2020"],
        ["2018/19", "2019/20"],
        [1, 2],
        [0.5],
    ):
        with pytest.raises(ValueError, match="do not read as months, one period each; list the link periods"):
            december_january_links(periods)
    with pytest.raises(ValueError, match="periods: none, expected months"):
        december_january_links([])
    with pytest.raises(ValueError, match="period '2019-9' is a month or week without its leading zero"):
        december_january_links(["2019-9", "2019-10"])
    for periods, message in (
        ([date(2020, 1, 1), "2020-01"], "periods: the periods are not all of one type"),
        ([date(2020, 1, 1), None], "periods: found a null among the periods"),
        ([None], "periods: found a null among the periods"),
        (None, "periods: found None, expected a list of periods"),
        (5, "periods: found 5, expected a list of periods"),
        ("2020-01", "periods: found '2020-01', expected a list of periods"),
        ([[1]], r"periods: the periods are List\(Int64\), expected numbers, text, dates or another type that sorts"),
    ):
        with pytest.raises(ValueError, match=message):
            december_january_links(periods)
    irregular = [date(2019, 11, 12), date(2019, 12, 17), date(2020, 1, 14), date(2020, 2, 11)]
    assert december_january_links(irregular[::-1]) == irregular[:3]
    working_days = [date(2019, 11, 29), date(2019, 12, 31), date(2020, 1, 31), date(2020, 2, 28)]
    assert december_january_links(pl.Series(working_days)) == working_days[:3]
    tuesdays = [date(2019, 11, 12), date(2019, 12, 10), date(2020, 1, 14), date(2020, 2, 11)]
    assert december_january_links(tuesdays) == tuesdays[:3]


# --- two series at an overlap ---


def test_a_series_is_continued_by_a_later_one():
    earlier, later = one_series([100.0, 110.0, 120.0]), one_series([50.0, 60.0, 90.0], first=2)
    # Over 2 and 3 the means are 115 and 55.
    linked = link_series(earlier, later)
    assert linked["period"].to_list() == [1, 2, 3, 4]
    assert linked["index"].to_list() == pytest.approx([100, 110, 120, 90 * 115 / 55])
    assert linked["linked_from"].to_list() == ["earlier"] * 3 + ["later"]
    at_3 = link_series(earlier, later, [3])
    assert at_3["index"][-1] == pytest.approx(90 * 120 / 60)
    geometric = link_series(earlier, later, mean="geometric")
    assert geometric["index"][-1] == pytest.approx(90 * (110 * 120 / (50 * 60)) ** 0.5)


def test_each_node_is_linked_by_its_factor():
    earlier = series({"a": [1.0, 2.0], "b": [1.0, 4.0]})
    later = series({"a": [None, 1.0, 3.0], "b": [None, 2.0, 5.0], "c": [None, None, 7.0]}).drop_nulls()
    linked = link_series(earlier, later, node="node")
    assert linked.filter(pl.col("period") == 2).select("node", "index").rows() == [("a", 6.0), ("b", 10.0), ("c", 7.0)]


def test_linking_without_an_overlap_is_refused():
    earlier = one_series([1.0, 2.0])
    with pytest.raises(ValueError, match="overlap: the series have no period in common"):
        link_series(earlier, one_series([1.0], first=3))
    with pytest.raises(ValueError, match="overlap: 7 is not in both series; they have 2 periods in common"):
        link_series(earlier, earlier, [7])
    with pytest.raises(ValueError, match="1 with no index in a period of the overlap; the first: period 2"):
        link_series(earlier, one_series([1.0, None]))
    with pytest.raises(ValueError, match="later: column period is String, expected Int64"):
        link_series(earlier, earlier.cast({"period": pl.String}))


# --- chain and unchain ---


def test_unchained_by_hand():
    table = unchain(one_series([1.0, 2.0, 3.0, 6.0]), [2], node=None)
    assert table.rows() == [(1, 1, 100.0), (1, 2, 200.0), (2, 2, 100.0), (2, 3, 150.0), (2, 4, 300.0)]
    assert chain(table, node=None)["index"].to_list() == pytest.approx([100.0, 200.0, 300.0, 600.0])
    with pytest.raises(ValueError, match="links: 9 is no period of the table; it has 4"):
        unchain(one_series([1.0, 2.0, 3.0, 6.0]), [9], node=None)
    with pytest.raises(ValueError, match="unchained: link 2 has no row of its link period"):
        chain(table.filter((pl.col("link") == 1) | (pl.col("period") > 2)), node=None)


def test_a_link_without_an_index_ends_a_chain():
    table = unchain(one_series([1.0, None, 3.0]), [2], node=None)
    assert table["index"].to_list() == [100.0, None, None, None]
    assert chain(table, node=None)["index"].to_list() == [100.0, None, None]


@quickly
@given(st.lists(st.floats(0.1, 9), min_size=2, max_size=9), st.sets(st.integers(0, 8)), st.floats(1, 500))
def test_chaining_undoes_unchaining(values, links, value):
    chained = series({"a": values, "b": values[::-1]})
    links = [link for link in links if link < len(values)]
    again = chain(unchain(chained, links), value=value)
    for node in ("a", "b"):
        level = chained.filter(pl.col("node") == node)["index"]
        found = again.filter(pl.col("node") == node)["index"]
        assert found.to_list() == pytest.approx((level / level[0] * value).to_list(), rel=1e-12)


def test_unchained_indices_aggregate_like_the_chained():
    chained = series({"a": [1.0, 2.0, 3.0, 2.0], "b": [1.0, 1.0, 4.0, 5.0]})
    weights = even("ab", 0, 2)
    one, two = (aggregate(indices, weights, PAIR) for indices in (chained, unchain(chained, [2])))
    assert one["index"].to_list() == pytest.approx(two["index"].to_list(), rel=1e-13)


# --- two stages ---


def test_the_output_of_an_aggregate_is_an_input_of_the_next():
    random = np.random.default_rng(4)
    leaves = {n: np.exp(random.normal(size=6)).tolist() for n in "abcd"}
    weights = pl.concat([weights_of({n: float(k + m) for k, n in enumerate("abcd", 1)}, m) for m in (0, 2, 4)])
    groups = {"left": ["a", "b"], "right": ["c", "d"]}
    tree = tree_of({"top": None, "left": "top", "right": "top"} | {n: g for g, ns in groups.items() for n in ns})
    at_once = aggregate(series(leaves), weights, tree)
    first = [
        aggregate(
            series({n: leaves[n] for n in ns}),
            weights.filter(pl.col("node").is_in(ns)),
            tree_of({g: None} | dict.fromkeys(ns, g)),
        )
        for g, ns in groups.items()
    ]
    between = pl.concat(first).filter(pl.col("node").is_in(list(groups)))
    sums = [weights.filter(pl.col("node").is_in(ns)).group_by("link").agg(node=pl.lit(g), weight=pl.col("weight").sum())
            for g, ns in groups.items()]  # fmt: skip
    second = aggregate(between, pl.concat(sums), tree_of({"top": None, "left": "top", "right": "top"}))
    assert path(second, "top") == path(at_once, "top")
    # Rebased, too; contributions of the second stage add up.
    again = aggregate(rebased(between, [0]), pl.concat(sums), tree_of({"top": None, "left": "top", "right": "top"}))
    assert path(again, "top") == path(at_once, "top")
    assert contributions(again, "top")["contribution"].sum() == pytest.approx(
        at_once.filter(node="top")["index"][-1] - 1
    )


def test_a_link_of_another_type_than_the_periods_is_refused():
    indices = series({"a": [1.0, 2.0], "b": [1.0, 2.0]}).with_columns(link=pl.lit("0"))
    with pytest.raises(ValueError, match="indices: column link is String, expected Int64, as period"):
        aggregate(indices, even("ab"), PAIR)
    weights = even("ab").with_columns(link=pl.lit("0"))
    with pytest.raises(ValueError, match="weights: 0 is no period"):
        aggregate(indices.drop("link"), weights, PAIR)
    successions = pl.DataFrame({"link": [7], "node": ["a"], "predecessor": ["b"]})
    with pytest.raises(ValueError, match="successions: 7 is no link; expected some of 0"):
        aggregate(indices.drop("link"), even("ab"), PAIR, successions=successions)
