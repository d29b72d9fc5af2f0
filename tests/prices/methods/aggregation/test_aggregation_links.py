"""Aggregation over a tree chained at links: new weights, splits and merges, weights of other periods, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.prices.methods.aggregation import aggregate, december_january_links
from tests.prices.methods.aggregated_trees import LEVELS, TREE, WEIGHTS, Levels, path, series, tree_of, weights_of


def test_chained_at_a_link_with_new_weights():
    weights = pl.concat(
        [weights_of({"bread": 3, "milk": 1, "soap": 4}, 0), weights_of({"bread": 1, "milk": 1, "soap": 2}, 1)]
    )
    # From period 1 on 1 : 1 : 2, bread still, milk ×2, soap ×3: (1 + 2 + 6)/4.
    table = aggregate(series(LEVELS), weights, TREE)
    assert path(table, "all") == [1.0, 1.375, 1.375 * 2.25]
    assert table.filter(pl.col("node") == "all")["link"].to_list() == [0, 0, 1]


def test_double_links_of_december_and_january_on_indices_that_begin_anew():
    # Published like the office's: January on December = 100, the other months on January = 100.
    months = [date(2020, 12, 1), date(2021, 1, 1), date(2021, 2, 1), date(2021, 12, 1), date(2022, 1, 1)]
    assert december_january_links(months) == [months[0], months[1], months[3], months[4]]
    assert december_january_links([202011, 202012, 202101, 202102]) == [202011, 202012, 202101]
    with pytest.raises(ValueError, match="periods: 1 to 3 do not read as months"):
        december_january_links([1, 2, 3])
    rows = [
        ("a", months[0], months[0], 100.0), ("a", months[0], months[1], 110.0),
        ("b", months[0], months[0], 100.0), ("b", months[0], months[1], 100.0),
        *((n, months[1], months[1], 100.0) for n in "ab"),
        ("a", months[1], months[2], 100.0), ("b", months[1], months[2], 120.0),
        ("a", months[1], months[3], 150.0), ("b", months[1], months[3], 100.0),
        *((n, months[3], months[3], 100.0) for n in "ab"),
        ("a", months[3], months[4], 100.0), ("b", months[3], months[4], 200.0),
    ]  # fmt: skip
    indices = pl.DataFrame(rows, schema=["node", "link", "period", "index"], orient="row")
    shares = {months[0]: (0.5, 0.5), months[1]: (0.25, 0.75), months[3]: (0.8, 0.2)}
    weights = pl.DataFrame(
        [(n, w, link) for link, pair in shares.items() for n, w in zip("ab", pair, strict=True)],
        schema=["node", "weight", "link"], orient="row",
    )  # fmt: skip
    table = aggregate(indices, weights, tree_of({"all": None, "a": "all", "b": "all"}))
    assert path(table, "all") == [1.0, 1.05, 1.05 * 1.15, 1.05 * 1.125, 1.05 * 1.125 * 1.2]
    assert path(table, "a") == [1.0, 1.1, 1.1, 1.65, 1.65]


def test_a_split_and_a_merge_continue_their_predecessors():
    # Bread stands at 2 in period 1 and is split into white and brown; both start at 2. Then they merge with milk.
    trees = [
        tree_of({"food": None, "bread": "food", "milk": "food"}, 0),
        tree_of({"food": None, "white": "food", "brown": "food", "milk": "food"}, 1),
        tree_of({"food": None, "staples": "food", "milk": "food"}, 2),
    ]
    weights = [
        weights_of({"bread": 1, "milk": 1}, 0),
        weights_of({"white": 1, "brown": 1, "milk": 2}, 1),
        weights_of({"staples": 1, "milk": 1}, 2),
    ]
    levels: Levels = {
        "bread": [1.0, 2.0, None, None],
        "milk": [1.0, 1.0, 1.0, 1.0],
        "white": [None, 1.0, 3.0, None],
        "brown": [None, 1.0, 1.0, None],
        "staples": [None, None, 1.0, 2.0],
    }
    rows = [(2, "staples", "white"), (2, "staples", "brown"), (1, "white", "bread"), (1, "brown", "bread")]
    successions = pl.DataFrame(rows, schema=["link", "node", "predecessor"], orient="row")
    table = aggregate(series(levels), pl.concat(weights), pl.concat(trees), successions=successions)
    assert path(table, "food") == [1.0, 1.5, 1.5 * (3 + 1 + 2) / 4, 2.25 * 1.5]
    assert path(table, "white") == [2.0 * 3]
    # White at 6 with weight 6, brown at 2 with weight 2: their mean is 5; then it doubles.
    assert path(table, "staples") == [10.0]
    unnamed = aggregate(series(levels), pl.concat(weights), pl.concat(trees))
    assert path(unnamed, "white") == [1.5 * 3]
    assert path(unnamed, "food") == path(table, "food")


# --- links of weights and of trees ---


def test_links_of_the_tree_alone_are_links():
    # From period 1 on without soap; the weights hold throughout.
    trees = pl.concat([TREE.with_columns(link=pl.lit(n, pl.Int64)) for n in (0, 1)])
    trees = trees.filter((pl.col("link") == 0) | (pl.col("node") != "soap"))
    table = aggregate(series(LEVELS), WEIGHTS, trees)
    # Food 1.75 at the link, then (3 + 2)/4 of it: all its weight is bread and milk.
    assert path(table, "all") == [1.0, 1.375, 1.375 * 1.25]
    assert table.filter(pl.col("node") == "all")["link"].to_list() == [0, 0, 1]


def test_links_of_weights_and_tree_are_taken_together():
    weights = pl.concat([WEIGHTS.with_columns(link=pl.lit(n, pl.Int64)) for n in (0, 2)])
    trees = pl.concat([TREE.with_columns(link=pl.lit(n, pl.Int64)) for n in (0, 1)])
    levels = {name: [*own, own[-1]] for name, own in LEVELS.items()}
    table = aggregate(series(levels), weights, trees)
    assert table.filter(pl.col("node") == "all")["link"].to_list() == [0, 0, 1, 2]


# --- prices of other periods ---


def test_the_lowe_updates_weights_of_inner_nodes_from_a_period_to_come():
    # Weights at the prices of period 2, when bread and milk cost twice as much and soap three times as much:
    # 3/2, 1/2 and 6/3 in period 0; food has (1.5 + 0.5)/4 of its weight, 2.
    weights = pl.concat([weights_of({"bread": 3.0, "milk": 1.0, "soap": 6.0}), weights_of({"food": 4.0})])
    weights = weights.with_columns(reference=pl.lit(2, pl.Int64))
    table = aggregate(series(LEVELS), weights, TREE, formula="lowe")
    first = table.filter(pl.col("period") == 0).select("node", "weight").rows()
    assert dict(first) == pytest.approx({"all": 4.0, "food": 2.0, "soap": 2.0, "bread": 1.5, "milk": 0.5})
    # Bread alone doubles in period 1: the weight of food follows it by what its children do, 4·(1.5 + 0.5)/(3 + 0.5).
    weights = weights.with_columns(reference=pl.lit(1, pl.Int64))
    table = aggregate(series(LEVELS), weights, TREE, formula="lowe")
    food = table.filter((pl.col("period") == 0) & (pl.col("node") == "food"))["weight"].item()
    assert food == pytest.approx(4 / ((1.5 * 2 + 1) / 2.5))
    # A geometric node: bread and milk 1.5 and 1, relatives 2 and 1.
    mixed = TREE.with_columns(mean=pl.when(pl.col("node") == "food").then(pl.lit("geometric")))
    table = aggregate(series(LEVELS), weights, mixed, formula="lowe")
    food = table.filter((pl.col("period") == 0) & (pl.col("node") == "food"))["weight"].item()
    assert food == pytest.approx(4 / 2**0.6)
    with pytest.raises(ValueError, match="weights: bread has no index in its reference 7 or in the link 0"):
        aggregate(series(LEVELS), weights.with_columns(reference=pl.lit(7, pl.Int64)), TREE, formula="lowe")
