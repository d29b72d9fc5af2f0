"""Contributions of tables that are not whole, where sums show nothing, and of rebased tables with a new basket."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import aggregate, contributions, rate_contributions, rebased
from tests.prices.methods.aggregated_trees import PAIR, even, series, tree_of, weights_of

quickly = settings(max_examples=12, deadline=None)


def two_leaves(a: list[float], b: list[float], *links: int) -> pl.DataFrame:
    return aggregate(series({"a": a, "b": b}), even("ab", *links), PAIR)


def to_date(table: pl.DataFrame, of: str = "all") -> dict[tuple[int, str, str], float]:
    columns = ("period", "node", "parent", "contribution_to_date")
    return {
        (period, node, parent): value for period, node, parent, value in contributions(table, of).select(columns).rows()
    }


ALIKE = two_leaves([100, 120, 150, 150], [100, 120, 90, 150])
"""Over 2 → 4 both leaves rise by a quarter: any weights add up, those of period 3 would give 0.1875 and 0.1125."""


def test_the_whole_table_by_hand():
    # 1.2, then a adds 1.2 · ½ · ¼ and b takes as much, then b adds 0.9/2.4 · ⅔ of 1.2.
    computed = to_date(ALIKE)
    assert [computed[4 - 1, node, "all"] for node in "ab"] == pytest.approx([0.25, 0.25])


@pytest.mark.parametrize("dropped", [[0], [1], [2], [1, 2], [0, 1], [0, 1, 2], [0, 2]])
def test_a_dropped_period_is_refused_where_siblings_move_alike(dropped):
    with pytest.raises(ValueError, match="expected the whole table of `aggregate`, all periods and nodes"):
        contributions(ALIKE.filter(~pl.col("period").is_in(dropped)), "all")


def test_the_last_periods_may_be_left_out():
    whole = to_date(ALIKE)
    assert to_date(ALIKE.filter(pl.col("period") < 3)) == {key: value for key, value in whole.items() if key[0] < 3}


def test_a_link_of_which_one_period_is_left_is_refused_after_a_gap():
    # From the link in 2 to period 4 both leaves rise by half; in 3 they did not.
    table = two_leaves([100, 100, 100, 150, 150], [100, 110, 100, 90, 150], 0, 2)
    contributions(table, "all")
    with pytest.raises(ValueError, match="between 2 and 4 periods are missing, and all siblings move alike"):
        contributions(table.filter(pl.col("period") != 3), "all")


def test_periods_that_the_indices_never_had_are_no_gap():
    rows = [("a", 1, 1.0), ("a", 2, 2.0), ("a", 5, 3.0), ("b", 1, 1.0), ("b", 2, 1.0), ("b", 5, 4.0)]
    indices = pl.DataFrame(rows, schema=["node", "period", "index"], orient="row")
    assert contributions(aggregate(indices, even("ab"), PAIR), "all")["contribution"].sum() == pytest.approx(2.5)


def without(node: str, table: pl.DataFrame) -> pl.DataFrame:
    """Table without the row of a node in period 2."""
    return table.filter((pl.col("node") != node) | (pl.col("period") != 2))


THREE = aggregate(
    series({n: [1.0, 2.0, 2.0] for n in "abcd"}),
    even("abcd"),
    tree_of({"all": None, "g": "all", "d": "all", "a": "g", "b": "g", "c": "g"}),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.filter(pl.col("node") != "a"), "2 of 3 children of g are there in 1"),
        (lambda t: t.filter(~pl.col("node").is_in(list("abc"))), "0 of 3 children of g are there in 1"),
        (lambda t: t.filter((pl.col("node") != "a") | (pl.col("period") != 2)), "2 of 3 children of g are there in 2"),
        (
            lambda t: t.filter((pl.col("node") != "g") | (pl.col("period") != 2)),
            "1 of 2 children of all are there in 2",
        ),
        (lambda t: t.filter((pl.col("node") != "all") | (pl.col("period") != 2)), "all has no row in 2"),
        (lambda t: t.filter(pl.col("period") > 0), "is chained on 0 in 1, and the table has no rows of 0"),
        (lambda t: t.with_columns(link=pl.lit(None, pl.Int64)), "with a null in its key"),
        (lambda t: t.with_columns(link=pl.lit(3, pl.Int64)), "with a link after the period"),
        (lambda t: t.with_columns(weight=pl.lit(None, pl.Float64)), "add up to|weight"),
        (
            lambda t: t.with_columns(weight=pl.when(node="a", period=2).then(9.0).otherwise("weight")),
            "the weight of a in 2 is not that of the period before",
        ),
    ],
)
def test_lost_rows_and_changed_weights_are_refused_where_siblings_move_alike(change, message):
    contributions(THREE, "all")
    with pytest.raises(ValueError, match=message):
        contributions(change(THREE), "all")


def test_the_rows_below_a_node_are_enough_for_it():
    below = THREE.filter(pl.col("node").is_in(["g", "a", "b", "c"]))
    assert to_date(below, "g") == to_date(THREE, "g")


# --- baskets that change ---

TREE = pl.concat(
    [
        tree_of({"all": None, "g": "all", "c": "all", "a": "g", "b": "g"}, 0),
        tree_of({"all": None, "g": "all", "d": "all", "a1": "g", "a2": "g", "c": "g"}, 2),
        tree_of({"all": None, "h": "all", "g": "all", "d": "all", "a1": "g", "b": "h", "e": "h"}, 5),
    ]
)
"""a is split and comes back in part, b leaves and returns under a new node, c moves, d is new, e is new below a new."""


def changing_basket(seed: int, formula: str, missing: str = "parent") -> pl.DataFrame:
    random = np.random.default_rng(seed)
    leaves = ("a", "b", "c", "d", "e", "a1", "a2")
    of_link = [(node, link) for node, link in TREE.select("node", "link").rows() if node in leaves]
    weights = pl.concat([weights_of({node: float(random.uniform(0.2, 3))}, link) for node, link in of_link])
    indices = series({node: np.exp(random.normal(size=8)).tolist() for node in leaves})
    return aggregate(indices, weights, TREE, formula=formula, missing=missing)


BASES = ([0], [1], [3], [6], [0, 1, 2, 3], [4, 5, 6], list(range(8)))


@quickly
@given(
    st.integers(0, 9_999),
    st.sampled_from(["laspeyres", "geometric"]),
    st.sampled_from(["parent", "carry", "renormalise", "none"]),
    st.sampled_from(BASES),
)
def test_contributions_of_a_rebased_table_with_another_basket_are_scaled_ones(seed, formula, missing, base):
    table = changing_basket(seed, formula, missing)
    scaled = rebased(table, base)
    assert scaled["index"].null_count() == scaled["link_index"].null_count() == 0
    factor = scaled.filter(node="all")["index"][0] / table.filter(node="all")["index"][0]
    computed, plain = contributions(scaled, "all"), contributions(table, "all")
    assert computed.select("period", "node", "parent").equals(plain.select("period", "node", "parent"))
    for column in ("contribution", "contribution_to_date"):
        assert computed[column].to_list() == pytest.approx(
            (plain[column] * factor).to_list(), rel=1e-9, abs=1e-9 * factor
        )
    rates, plain_rates = (rate_contributions(one, "all", 3) for one in (scaled, table))
    assert rates["contribution_points"].to_list() == pytest.approx(
        plain_rates["contribution_points"].to_list(), abs=1e-9
    )


@quickly
@given(st.integers(0, 9_999), st.sets(st.integers(0, 7), min_size=1, max_size=3))
def test_a_table_without_periods_gives_the_contributions_of_the_whole_or_is_refused(seed, dropped):
    table = changing_basket(seed, "laspeyres")
    whole = to_date(table)
    try:
        computed = to_date(table.filter(~pl.col("period").is_in(list(dropped))))
    except ValueError:
        return
    assert computed == {key: pytest.approx(whole[key], abs=1e-9) for key in computed}


def test_a_leaf_that_is_new_in_a_link_is_scaled_as_the_node_it_starts_from():
    tree = pl.concat([tree_of({"all": None, "a": "all"}, 0), tree_of({"all": None, "a": "all", "c": "all"}, 1)])
    weights = pl.concat([weights_of({"a": 1.0}, 0), weights_of({"a": 1.0, "c": 1.0}, 1)])
    table = aggregate(series({"a": [1.0, 2.0, 4.0], "c": [None, 1.0, 3.0]}).drop_nulls(), weights, tree)
    computed = rebased(table, [0]).filter(node="c").select("index", "link_index", "reason").row(0)
    assert computed == (pytest.approx(600.0), pytest.approx(200.0), None)
    assert rebased(table, [0, 1, 2]).filter(node="c")["index"].item() == pytest.approx(600 / (1 + 2 + 5) * 3)
