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
    rates,
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


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (pl.lit("x"), "table: column link_index is String, expected numbers"),
        (pl.lit(float("nan")), "table: 6 with a value of link_index that is not positive and finite"),
        (pl.lit(-1), "table: 6 with a value of link_index that is not positive and finite"),
    ],
    ids=["text", "nan", "negative"],
)
def test_link_levels_that_are_scaled_along_are_numbers_above_0(levels, message):
    table = aggregate(series({"a": [1.0, 2.0], "b": [1.0, 3.0]}), even("ab"), PAIR)
    with pytest.raises(ValueError, match=message):
        rebased(table.with_columns(link_index=levels), [0])


def test_a_year_of_which_two_months_are_there_is_no_base():
    months = [f"2015-{m:02}" for m in range(1, 13)]
    table = pl.DataFrame({"period": [*months[:2], "2016-01"], "index": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="10 of 12 are not in the table; the first: 2015-03"):
        rebased(table, months, node=None)
    assert rebased(table, months[:2], node=None)["index"].to_list() == pytest.approx([100 / 1.5, 200 / 1.5, 200.0])


def test_a_node_without_a_base_has_a_reason_and_nan_is_refused():
    table = TABLE.with_columns(reason=pl.when(pl.col("index").is_null()).then(pl.lit("no value below")))
    computed = rebased(table, [0]).filter(pl.col("node") == "c")
    assert computed["reason"].to_list() == ["no value below", "no value below", "no index in the base periods"]
    for bad in (float("nan"), 0.0, float("inf")):
        spoiled = TABLE.with_columns(index=pl.when(pl.col("node") == "b").then(bad).otherwise("index"))
        with pytest.raises(ValueError, match="3 with a value of index that is not positive and finite; the first: "):
            rebased(spoiled, [0])
    with pytest.raises(ValueError, match="table: column node is missing"):
        rebased(TABLE.drop("node"), [0])


def test_a_single_period_needs_no_list():
    table = pl.DataFrame({"period": ["2015", "2016"], "index": [2.0, 3.0]})
    assert rebased(table, "2015", node=None)["index"].to_list() == [100.0, 150.0]


def test_a_node_without_a_base_is_an_error_or_has_a_reason():
    with pytest.raises(ValueError, match=r"base_periods: c has no index in them \(1 such series\); incomplete="):
        rebased(TABLE, [0])
    table = rebased(TABLE, [0], incomplete="available")
    assert path(table, "c") == [None, None, None]
    assert table.filter(node="c")["reason"].to_list() == [None, None, "no index in the base periods"]
    assert table.filter(node="a")["reason"].null_count() == 3
    alone = one_series([None, 2.0])
    with pytest.raises(ValueError, match="base_periods: the series has no index in them"):
        rebased(alone, [1], node=None)
    assert rebased(alone, [1], node=None, incomplete="available")["reason"][1] == "no index in the base periods"
    with pytest.raises(ValueError, match="table: column reason is Int32, expected String"):
        rebased(TABLE.with_columns(reason=1), [0])


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ([1.0], r"base_periods: found \[1.0\] \(float\), expected periods of the table's type Int64"),
        ([np.float32(1)], "float32"), (1.0, "float"), ([True], "bool"), (None, "none of"), ([], "none of"),
        ("1", "none of"), ([[1]], "base_periods: found .* in the list"), ({1: 2}, "expected a list of periods"),
        (pl.DataFrame({"period": [1]}), "found DataFrame, expected a list of periods"),
    ],
)  # fmt: skip
def test_base_periods_of_another_type_are_refused(base, message):
    with pytest.raises(ValueError, match=message):
        rebased(one_series([1.0, 2.0]), base, node=None)
    for right in ([1], [np.int8(1)], 1, pl.Series([1]), np.array([1]), {1}, (1,), range(1, 2)):
        assert rebased(one_series([1.0, 2.0]), right, node=None)["index"].to_list() == [100.0, 200.0]


@pytest.mark.parametrize("value", [0, -1, 0.0, -0.5, float("nan"), float("inf"), "100", None, True, 1j, 10**400])
def test_a_base_value_is_a_number_above_0(value):
    table = one_series([1.0, 2.0])
    for call in (
        lambda: rebased(table, [1], node=None, value=value),
        lambda: unchain(table, [2], node=None, value=value),
        lambda: chain(table.with_columns(link=1), node=None, value=value),
    ):
        with pytest.raises(ValueError, match=r"value is .*, expected a (finite )?number"):
            call()
    assert rebased(table, [1], node=None, value=np.float32(1))["index"].to_list() == [1.0, 2.0]


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


def test_a_node_of_both_series_needs_an_overlap_of_its_own():
    earlier = series({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    later = series({"a": [None, 4.0, 6.0]}).drop_nulls()
    begins_late = pl.concat([later, pl.DataFrame({"node": ["b"], "period": [2], "index": [9.0]})])
    for overlap in (None, [1]):
        with pytest.raises(ValueError, match="overlap: b is in both series, but in no period of the overlap in both"):
            link_series(earlier, begins_late, overlap, node="node")
    with pytest.raises(ValueError, match="overlap: b is in both series, but in no period"):
        link_series(series({"a": [1.0, 2.0], "b": [None, None]}), begins_late, node="node")
    table = link_series(earlier, later, node="node")
    assert path(table, "a") == [1.0, 2.0, 3.0]
    assert path(table, "b") == [1.0, 2.0]
    unnamed = link_series(*(frame.with_columns(node=pl.lit(None, pl.String)) for frame in (
        earlier.filter(node="a"), later)), node="node")  # fmt: skip
    assert unnamed["index"].to_list() == [1.0, 2.0, 3.0]


def test_numpy_dates_are_periods():
    months = [date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)]
    table = pl.DataFrame({"period": months, "index": [1.0, 2.0, 4.0]})
    for unit in ("M", "D"):
        march, february = (np.array([text], dtype=f"datetime64[{unit}]") for text in ("2020-03", "2020-02"))
        assert rebased(table, march, node=None)["index"].to_list() == [25.0, 50.0, 100.0]
        assert unchain(table, list(february), node=None).height == 4
        assert link_series(table, table, february)["index"].to_list() == [1.0, 2.0, 4.0]


LISTS = (2, "2", b"2", 2.0, None, {2: 1}, {}, object(), True, pl.col("period"), pl.DataFrame({"period": [2]}), str)


@pytest.mark.parametrize("wrong", LISTS, ids=[type(wrong).__name__ for wrong in LISTS])
def test_lists_of_periods_are_lists(wrong):
    table = one_series([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"links: found .*, expected a list of periods"):
        unchain(table, wrong, node=None)
    if wrong is not None:
        with pytest.raises(ValueError, match=r"overlap: found .*, expected a list of periods"):
            link_series(table, table, wrong)


def test_a_text_is_no_list_of_its_letters():
    months = table = pl.DataFrame({"period": ["2019-01", "2019-02"], "index": [1.0, 2.0]})
    with pytest.raises(ValueError, match="overlap: found '2019-02', expected a list of periods"):
        link_series(months, table, "2019-02")
    letters = pl.DataFrame({"period": ["a", "b"], "index": [1.0, 2.0]})
    with pytest.raises(ValueError, match="links: found 'ab', expected a list of periods"):
        unchain(letters, "ab", node=None)


def test_nodes_are_not_called_as_columns_of_the_result():
    table = one_series([1.0, 2.0])
    for node, call in (
        ("link", lambda f, n: unchain(f, [2], node=n)),
        ("linked_from", lambda f, n: link_series(f, f, node=n)),
        ("index", lambda f, n: rebased(f, [1], node=n)),
        ("period", lambda f, n: rebased(f, [1], node=n)),
    ):
        with pytest.raises(ValueError, match="expected two different columns"):
            call(table.with_columns(pl.lit(1.0).alias(node) if node not in table.columns else []), node)
    split = unchain(table, [2], node=None).rename({"index": "value"})
    with pytest.raises(ValueError, match="node: found 'index', which is index already"):
        chain(split.with_columns(index=pl.lit("a")), node="index", column="value")
    for name in ("__now", "__last", "__base", "__rows"):
        named = table.with_columns(pl.lit("a").alias(name))
        for call in (
            lambda f, n: rates(f, 1, node=n),
            lambda f, n: link_series(f, f, node=n),
            lambda f, n: unchain(f, [2], node=n),
            lambda f, n: rebased(f, [1], node=n),
        ):
            with pytest.raises(ValueError, match=f"node: found '{name}', expected a name that does not begin with"):
                call(named, name)


# --- chain and unchain ---


def test_empty_tables_give_empty_tables():
    for nodes in (None, "node"):
        empty = TABLE.head(0) if nodes else one_series([])
        split = unchain(empty, [], node=nodes)
        assert split.is_empty() and {"link", "period", "index"} <= set(split.columns)
        assert chain(split, node=nodes).is_empty()
    assert unchain(one_series([1.0, 2.0]), [], node=None)["index"].to_list() == [100.0, 200.0]


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


def test_the_rows_of_a_link_begin_with_its_period():
    schema = ["link", "period", "index"]
    rows = [(0, 0, 100.0), (0, 1, 110.0), (0, 2, 120.0), (2, 2, 100.0), (2, 3, 130.0)]
    chained = chain(pl.DataFrame(rows, schema=schema, orient="row"), node=None)
    assert chained["index"].to_list() == pytest.approx([100.0, 110.0, 120.0, 156.0])
    # The old basket goes on beside the new one, which holds.
    beside = pl.DataFrame([*rows, (0, 3, 999.0)], schema=schema, orient="row")
    assert chain(beside, node=None).equals(chained)
    for row, message in (
        ((2, 1, 50.0), "unchained: 1 with a period before its link; the first: link 2, period 1, index 50"),
        ((2, None, 50.0), "unchained: 1 with a null in its key"),
        ((None, 2, 50.0), "unchained: 1 with a null in its key"),
    ):
        with pytest.raises(ValueError, match=message):
            chain(pl.DataFrame([*rows, row], schema=schema, orient="row"), node=None)


@quickly
@given(st.lists(st.floats(0.1, 9), min_size=2, max_size=9), st.sets(st.integers(0, 8)), st.floats(1, 500))
def test_chaining_undoes_unchaining(values, links, value):
    chained = series({"a": values, "b": values[::-1]})
    links = [link for link in links if link < len(values)]
    again = chain(unchain(chained, links), value=value)
    for node in ("a", "b"):
        level = chained.filter(pl.col("node") == node)["index"]
        computed = again.filter(pl.col("node") == node)["index"]
        assert computed.to_list() == pytest.approx((level / level[0] * value).to_list(), rel=1e-12)


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


def test_chained_indices_with_links_are_not_read_as_scales():
    random = np.random.default_rng(5)
    weights = pl.concat([weights_of({"a": 1.0, "b": 2.0}, m) for m in (0, 2)])
    table = aggregate(series({n: np.exp(random.normal(size=5)).tolist() for n in "ab"}), weights, PAIR)
    leaves = table.filter(pl.col("node") != "all")
    again = aggregate(leaves, weights, PAIR)
    assert path(again, "all") == path(table, "all")
    assert path(aggregate(leaves.drop("link", "link_index"), weights, PAIR), "all") == path(table, "all")
    for columns in (["period", "link", "node", "index"], ["node", "index", "link", "period", "weight"]):
        with pytest.raises(ValueError, match=r"indices: link 2 has no rows of its own link period .*keep link_index"):
            aggregate(leaves.select(columns), weights, PAIR)
    of_one_link = leaves.filter(pl.col("link") == 0).select("period", "link", "node", "index")
    assert path(aggregate(of_one_link, even("ab", 0), PAIR), "all") == path(
        aggregate(of_one_link.drop("link"), even("ab", 0), PAIR), "all"
    )


@pytest.mark.parametrize(
    ("of_indices", "of_weights", "message"),
    [
        ([2, 4], [0, 2], "indices: 4 is no link of weights or tree; found links 0, 2, 4, expected 0, 2, as in weights"),
        ([2], [0], "indices: 2 is no link of weights or tree; found links 0, 2, expected 0"),
        ([], [0, 2], "indices: no rows of link 2; found links 0, expected 0, 2"),
        ([3], [0, 2], "indices: 3 is no link of weights or tree"),
    ],
)
def test_links_of_indices_are_those_of_weights_and_tree(of_indices, of_weights, message):
    chained = series({"a": [1.0, 2.0, 2.0, 3.0, 4.0, 5.0], "b": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]})
    with pytest.raises(ValueError, match=message):
        aggregate(unchain(chained, of_indices), even("ab", *of_weights), PAIR)


def test_a_link_in_the_last_period_needs_no_rows():
    chained = series({"a": [1.0, 2.0, 2.0], "b": [1.0, 1.0, 2.0]})
    expected = path(aggregate(chained, even("ab", 0), PAIR, formula="young"), "all")
    computed = aggregate(unchain(chained, []), even("ab", 0, 2), PAIR, formula="young")
    assert path(computed, "all") == expected == [1.0, 1.5, 2.0]


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


def test_periods_of_another_type_are_named_by_type():
    days = [date(2020, 1, 1), date(2020, 2, 1)]
    table = pl.DataFrame({"period": days * 2, "node": ["a", "a", "b", "b"], "index": [1.0, 2.0, 1.0, 3.0]})
    types = r"it is str, periods are date"
    for refused in (
        lambda: rebased(table, ["2020-01-01"]),
        lambda: unchain(table, ["2020-02-01"]),
        lambda: link_series(table, table, ["2020-02-01"], node="node"),
        lambda: aggregate(table, even("ab").with_columns(link=pl.lit("2020-01-01")), PAIR),
    ):
        with pytest.raises(ValueError, match=rf"2020-0.-01.*\({types}\)"):
            refused()
    with pytest.raises(ValueError, match=r"base_periods: none of .* is in the table$"):
        rebased(table, [date(2021, 1, 1)])


def test_links_of_an_enum_may_be_text_in_every_frame():
    months = pl.Enum(["Dec", "Jan", "Feb"])
    chained = series({"a": [1.0, 2.0, 4.0], "b": [1.0, 1.0, 3.0]})
    chained = chained.with_columns(period=pl.col("period").replace_strict({0: "Dec", 1: "Jan", 2: "Feb"}).cast(months))
    weights = even("ab", 0, 1).with_columns(link=pl.col("link").replace_strict({0: "Dec", 1: "Jan"}))
    indices = unchain(chained, ["Jan"])
    expected = aggregate(indices, weights, PAIR)
    assert aggregate(indices.with_columns(pl.col("link").cast(pl.String)), weights, PAIR).equals(expected)
