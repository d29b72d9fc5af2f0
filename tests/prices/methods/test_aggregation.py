"""Aggregation over a tree: means, links, missing nodes, splits and merges by hand, then properties."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.aggregation import aggregate, december_january_links, rebased
from ons_bigdata.prices.methods.aggregation_steps import MISSING
from ons_bigdata.prices.methods.mean_indices import FORMULAS, mean_index

quickly = settings(max_examples=30, deadline=None)

Levels = dict[str, list[float | None]]


def series(levels: Levels) -> pl.DataFrame:
    """Make indices from node → values in periods 0, 1, …."""
    rows = [(node, t, value) for node, values in levels.items() for t, value in enumerate(values)]
    return pl.DataFrame(rows, schema={"node": pl.String, "period": pl.Int64, "index": pl.Float64}, orient="row")


def tree_of(parents: dict[str, str | None], link: int | None = None) -> pl.DataFrame:
    schema = {"node": pl.String, "parent": pl.String}
    frame = pl.DataFrame(list(parents.items()), schema=schema, orient="row")
    return frame if link is None else frame.with_columns(link=pl.lit(link, pl.Int64))


def weights_of(weights: dict[str, float], link: int | None = None) -> pl.DataFrame:
    frame = pl.DataFrame(list(weights.items()), schema={"node": pl.String, "weight": pl.Float64}, orient="row")
    return frame if link is None else frame.with_columns(link=pl.lit(link, pl.Int64))


def path(table: pl.DataFrame, node: str) -> list[float | None]:
    values = table.filter(pl.col("node") == node).sort("period")["index"].to_list()
    return [None if value is None else pytest.approx(value, rel=1e-13) for value in values]


# bread and milk make food; food and soap make all.
TREE = tree_of({"all": None, "food": "all", "soap": "all", "bread": "food", "milk": "food"})
WEIGHTS = weights_of({"bread": 3.0, "milk": 1.0, "soap": 4.0})
LEVELS: Levels = {"bread": [1.0, 2.0, 2.0], "milk": [5.0, 5.0, 10.0], "soap": [1.0, 1.0, 3.0]}


# --- means, by hand ---


def test_a_laspeyres_tree_by_hand():
    # Food: (3·2 + 1)/4 = 1.75, then (3·2 + 1·2)/4 = 2. All: (4·1.75 + 4·1)/8 = 1.375, then (4·2 + 4·3)/8 = 2.5.
    table = aggregate(series(LEVELS), WEIGHTS, TREE)
    assert path(table, "food") == [1.0, 1.75, 2.0]
    assert path(table, "all") == [1.0, 1.375, 2.5]
    food = table.row(by_predicate=(pl.col("node") == "food") & (pl.col("period") == 2), named=True)
    assert food == {
        "period": 2, "link": 0, "node": "food", "parent": "all", "index": pytest.approx(2.0),
        "link_index": 1.0, "weight": 7.0, "mean": "arithmetic", "imputed": False,
        "children": 2, "children_absent": 0, "reason": None,
    }  # fmt: skip


def test_a_geometric_tree_and_a_tree_of_both_means():
    table = aggregate(series(LEVELS), WEIGHTS, TREE, formula="geometric")
    assert path(table, "food") == [1.0, 2**0.75, 2.0]
    assert path(table, "all") == [1.0, 2**0.375, (2 * 3) ** 0.5]
    mixed = TREE.with_columns(mean=pl.when(pl.col("node") == "food").then(pl.lit("geometric")))
    assert path(aggregate(series(LEVELS), WEIGHTS, mixed), "all") == [1.0, (2**0.75 + 1) / 2, 2.5]


def test_an_inner_node_may_have_a_weight_of_its_own():
    # Within food 3 : 1, but food : soap = 1 : 3.
    weights = pl.concat([WEIGHTS, weights_of({"food": 4 / 3})])
    assert path(aggregate(series(LEVELS), weights, TREE), "all") == [1.0, (1.75 + 3) / 4, (2 + 9) / 4]


def test_the_lowe_updates_weights_to_the_prices_of_the_link_and_the_young_does_not():
    # Weights of period 0, chained from period 1. Bread has doubled by then: 6 : 1 : 4 is what the basket costs.
    weights = pl.concat([weights_of({"bread": 3.0, "milk": 1.0, "soap": 4.0}, link=n) for n in (0, 1)])
    weights = weights.with_columns(reference=pl.lit(0, pl.Int64))
    lowe = aggregate(series(LEVELS), weights, TREE, formula="lowe")
    young = aggregate(series(LEVELS), weights, TREE, formula="young")
    step_of_lowe, step_of_young = (6 + 2 + 12) / 11, (3 + 2 + 12) / 8
    assert path(lowe, "all") == [1.0, 1.375, 1.375 * step_of_lowe]
    assert path(young, "all") == [1.0, 1.375, 1.375 * step_of_young]
    # Updated weights are those of one basket: the Lowe chained is the Lowe direct.
    assert path(lowe, "all")[2].expected == pytest.approx(
        path(aggregate(series(LEVELS), WEIGHTS, TREE), "all")[2].expected
    )


# --- what is missing ---

HOLE: Levels = {"bread": [1.0, None, 2.0], "milk": [1.0, 1.5, 3.0], "soap": [1.0, 1.0, 1.0]}


def test_a_missing_node_moves_with_its_siblings_and_catches_up():
    # Period 1: bread as milk, at 1.5. Period 2: bread at 2, milk at 3: (3·2 + 3)/4.
    table = aggregate(series(HOLE), WEIGHTS, TREE)
    assert path(table, "bread") == [1.0, 1.5, 2.0]
    assert path(table, "food") == [1.0, 1.5, 2.25]
    row = table.row(by_predicate=(pl.col("node") == "bread") & (pl.col("period") == 1), named=True)
    assert (row["imputed"], row["reason"]) == (True, None)
    assert table.filter((pl.col("node") == "food") & (pl.col("period") == 1))["children_absent"].item() == 1


def test_a_node_that_is_relinked_stays_where_the_others_took_it():
    # Bread has no movement into period 2: it doubles with milk.
    assert path(aggregate(series(HOLE), WEIGHTS, TREE, reentry="relink"), "food") == [1.0, 1.5, 3.0]


def test_a_missing_family_moves_with_the_level_above():
    levels: Levels = {"bread": [1.0, None], "milk": [1.0, None], "soap": [1.0, 1.2]}
    table = aggregate(series(levels), WEIGHTS, TREE)
    assert path(table, "food") == [1.0, 1.2]
    assert path(table, "all") == [1.0, 1.2]
    assert table.filter((pl.col("node") == "food") & (pl.col("period") == 1))["imputed"].item() is True


@pytest.mark.parametrize(
    ("missing", "food"),
    [
        ("parent", [1.0, 1.5, 2.25]),
        ("carry", [1.0, (3 * 1 + 1.5) / 4, 2.25]),
        ("renormalise", [1.0, 1.5, 2.25]),
        ("none", [1.0, None, 2.25]),
    ],
)
def test_conventions_of_a_missing_node(missing, food):
    table = aggregate(series(HOLE), WEIGHTS, TREE, missing=missing)
    assert path(table, "food") == food
    assert (table["index"].is_null() == table["reason"].is_not_null()).all()


def test_renormalised_weights_jump_where_a_child_leaves_at_another_level():
    levels: Levels = {"bread": [1.0, 3.0, None], "milk": [1.0, 1.0, 1.0], "soap": [1.0, 1.0, 1.0]}
    assert path(aggregate(series(levels), WEIGHTS, TREE, missing="renormalise"), "food") == [1.0, 2.5, 1.0]
    assert path(aggregate(series(levels), WEIGHTS, TREE), "food") == [1.0, 2.5, 2.5]


def test_a_late_leaf_enters_where_its_family_stands():
    levels: Levels = {"bread": [1.0, 2.0, 2.0, 2.0], "milk": [None, None, 7.0, 14.0], "soap": [1.0] * 4}
    for missing in ("parent", "renormalise"):
        assert path(aggregate(series(levels), WEIGHTS, TREE, missing=missing), "food") == [1.0, 2.0, 2.0, 2.5]


def test_a_period_without_any_value_is_null_and_the_next_goes_on():
    levels: Levels = {"bread": [1.0, None, 2.0], "milk": [1.0, None, 2.0], "soap": [1.0, None, 2.0]}
    table = aggregate(series(levels), WEIGHTS, TREE)
    assert path(table, "all") == [1.0, None, 2.0]
    assert set(table.filter(pl.col("period") == 1)["reason"]) == {"no node has a value in this period"}


# --- links ---


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


def test_rebased_to_the_mean_of_a_period():
    table = rebased(aggregate(series(LEVELS), WEIGHTS, TREE), [1, 2])
    assert path(table, "food") == [100 / 1.875, 175 / 1.875, 200 / 1.875]
    with pytest.raises(ValueError, match="none of \\[9\\] is in the table"):
        rebased(table, [9])


# --- what begins late, and what has no level in a link ---

PAIR = tree_of({"all": None, "a": "all", "b": "all"})


def reasons(table: pl.DataFrame, node: str) -> list[str | None]:
    return table.filter(pl.col("node") == node).sort("period")["reason"].to_list()


def even(nodes: str, *links: int) -> pl.DataFrame:
    """Give the nodes weight 1 in each link."""
    frames = [weights_of(dict.fromkeys(nodes, 1.0), link) for link in links]
    return pl.concat(frames) if frames else weights_of(dict.fromkeys(nodes, 1.0))


def test_what_has_no_value_in_a_link_period_is_not_linked_at_an_older_level():
    # Both have risen by 50 %. In the link period 1 b is missing.
    levels: Levels = {"a": [1.0, 1.2, 1.5], "b": [1.0, None, 1.5]}
    for missing in ("parent", "renormalise"):
        assert path(aggregate(series(levels), even("ab", 0, 1), PAIR, missing=missing), "all") == [1.0, 1.2, 1.5]
    # b at 1.8 has done 1.8/1.2 since the link: what the others did until then is imputed.
    levels["b"][2] = 1.8
    table = aggregate(series(levels), even("ab", 0, 1), PAIR, missing="renormalise")
    assert path(table, "all") == [1.0, 1.2, 1.2 * (1.25 + 1.5) / 2]
    assert table.filter(pl.col("node") == "b")["link_index"].to_list() == [1.0, 1.0, None]


def test_without_imputation_a_link_without_a_level_is_the_end():
    levels: Levels = {"a": [1.0, 1.2, 1.5, 1.5], "b": [1.0, None, 1.5, 2.0]}
    table = aggregate(series(levels), even("ab", 0, 1), PAIR, missing="none")
    assert path(table, "all") == [1.0, None, None, None]
    assert reasons(table, "all") == [None, "a node below has no value", *["no level in link 1"] * 2]
    assert path(table, "b") == [1.0, None, 1.5, 2.0]
    # Nor does a later link begin it anew.
    assert path(aggregate(series(levels), even("ab", 0, 1, 2), PAIR, missing="none"), "all") == [1.0, None, None, None]


@pytest.mark.parametrize("missing", MISSING)
def test_indices_that_are_all_null_give_no_index_and_say_so(missing):
    table = aggregate(series({"a": [None, None], "b": [None, None]}), even("ab"), PAIR, missing=missing)
    assert table["index"].null_count() == table.height == 6
    assert set(table["reason"]) == {"no node has a value in this period"}


def test_the_first_period_has_no_index_of_what_has_no_value():
    levels: Levels = {"a": [1.0, 1.2], "b": [None, 1.5]}
    table = aggregate(series(levels), even("ab"), PAIR, missing="renormalise")
    assert (path(table, "b"), reasons(table, "b")) == ([None, 1.2], ["no value below", None])
    assert path(aggregate(series(levels), even("ab"), PAIR, missing="none"), "all") == [None, 1.0]
    # With "parent" b is imputed from the start, as everywhere.
    assert path(aggregate(series(levels), even("ab"), PAIR), "b") == [1.0, 1.2]


LATE: Levels = {"a": [1.0, 1.1, 1.2, 1.2], "b": [None, None, 5.0, 10.0]}
CLASSES = tree_of({"all": None, "c1": "all", "c2": "all", "a": "c1", "b": "c2"})


@pytest.mark.parametrize(
    ("missing", "c2", "whole"),
    [
        # Class c2 begins in period 2 where `all` stands; then it doubles, c1 stays: (1.2 + 2.4)/2.
        ("parent", [1.0, 1.1, 1.2, 2.4], [1.0, 1.1, 1.2, 1.8]),
        ("renormalise", [None, None, 1.2, 2.4], [1.0, 1.1, 1.2, 1.8]),
        # `all` has its first level when all below it have one.
        ("none", [None, None, 1.0, 2.0], [None, None, 1.0, 1.5]),
    ],
)
def test_a_class_that_begins_late_enters_at_the_nearest_level_above(missing, c2, whole):
    table = aggregate(series(LATE), even("ab"), CLASSES, missing=missing)
    assert path(table, "c2") == path(table, "b") == c2
    assert path(table, "all") == whole
    assert (table["index"].is_null() == table["reason"].is_not_null()).all()


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("reentry", ["resume", "relink"])
def test_a_second_root_begins_at_its_own_first_period(missing, reentry):
    roots = tree_of({"first": None, "second": None, "a": "first", "b": "second"})
    weights = pl.concat([even("ab"), weights_of({"first": 1.0, "second": 1.0})])
    table = aggregate(series(LATE), weights, roots, missing=missing, reentry=reentry)
    assert path(table, "second") == [None, None, 1.0, 2.0]
    assert reasons(table, "second") == ["no value below", "no value below", None, None]
    assert path(table, "first") == [1.0, 1.1, 1.2, 1.2]


@pytest.mark.parametrize("missing", ["parent", "renormalise"])
def test_nothing_is_linked_over_periods_that_have_no_node_in_common(missing):
    levels: Levels = {"a": [1.0, None, None, 3.0], "b": [None, 2.0, 3.0, 3.0], "c": [1.0, None, None, None]}
    tree = tree_of({"all": None, **dict.fromkeys("abc", "all")})
    for links in ((), (0, 2)):
        table = aggregate(series(levels), even("abc", *links), tree, missing=missing)
        assert path(table, "all") == [1.0, None, None, 3.0]
        assert None not in reasons(table, "all")[1:3]


def test_a_node_that_was_left_out_of_a_link_is_new_when_it_returns():
    levels: Levels = {"a": [1.0, 1.0, 2.0, 2.0], "b": [1.0, 4.0, 8.0, 16.0]}
    alone = tree_of({"all": None, "a": "all"}, 1)
    trees = pl.concat([PAIR.with_columns(link=pl.lit(0, pl.Int64)), alone, PAIR.with_columns(link=pl.lit(2, pl.Int64))])
    weights = pl.concat([even("ab", 0), even("a", 1), even("ab", 2)])
    table = aggregate(series(levels), weights, trees)
    # Until the link 1 `all` is at 2.5; a doubles; then b doubles and a stays.
    assert path(table, "all") == [1.0, 2.5, 5.0, 5.0 * 1.5]
    assert path(table, "b") == [1.0, 4.0, 10.0]


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


def test_nodes_may_be_whole_numbers():
    numbers = {"all": 0, "food": 1, "soap": 2, "bread": 11, "milk": 12}
    renamed = [
        frame.with_columns(pl.col(column).replace_strict(numbers, return_dtype=pl.Int64) for column in columns)
        for frame, columns in ((series(LEVELS), ["node"]), (WEIGHTS, ["node"]), (TREE, ["node", "parent"]))
    ]
    table = aggregate(renamed[0], renamed[1], renamed[2])
    assert path(table, "0") == path(aggregate(series(LEVELS), WEIGHTS, TREE), "all")


# --- refused ---


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formula": "laspeires"}, "unknown formula 'laspeires'; known: laspeyres, young, lowe, geometric"),
        ({"missing": "drop"}, "unknown missing 'drop'; known: parent, carry, renormalise, none"),
        ({"reentry": "x"}, "unknown reentry 'x'; known: resume, relink"),
        ({"formula": "lowe"}, "column reference is missing"),
        ({"indices": series({"bread": [1.0, 0.0]})}, "index that is not positive and finite; the first: node bread"),
        ({"indices": pl.concat([series(LEVELS)] * 2)}, "18 with a key that occurs before"),
        ({"indices": series(LEVELS).drop("period")}, "indices: column period is missing"),
        ({"weights": weights_of({"bread": 1.0, "soap": 1.0})}, "no weight of leaf milk"),
        ({"weights": weights_of({"bread": -1.0, "milk": 1, "soap": 1})}, "below 0; the first: node bread"),
        ({"weights": weights_of({"bread": 0.0, "milk": 0, "soap": 1})}, "all children of food have weight 0"),
        ({"weights": weights_of({"bred": 1.0})}, "a node that is not in the tree; the first: node bred"),
        ({"weights": WEIGHTS.with_columns(link=pl.lit(1, pl.Int64))}, "the first is 1; expected links among"),
        ({"weights": WEIGHTS.with_columns(link=pl.lit(7, pl.Int64))}, "7 is no period"),
        (
            {"weights": WEIGHTS.clear().with_columns(link=pl.lit(0, pl.Int64))},
            "weights: no rows; expected at least one",
        ),
        ({"tree": TREE.clear()}, "tree: no rows; expected at least one"),
        ({"tree": TREE.with_columns(link=pl.lit(1, pl.Int64))}, "tree: the first is 1; expected links among"),
        ({"tree": TREE.with_columns(node=pl.lit(1.5))}, "column node is Float64, expected String or whole numbers"),
        (
            {"indices": series({**LEVELS, "bred": [1.0, 1.0, 1.0]})},
            "indices: 3 with a node that is not in the tree; the first: node bred, period 0",
        ),
        (
            {"indices": series({**LEVELS, "food": [1.0, 1.0, 1.0]})},
            "indices: 3 with a node that has children, expected a leaf; the first: node food, period 0",
        ),
        ({"tree": tree_of({"a": "b", "b": "a"})}, "2 nodes hang from no root, but in a circle; the first: a"),
        ({"tree": tree_of({"a": "z"})}, "a parent that is no node; the first: node a, parent z"),
        ({"tree": TREE.with_columns(mean=pl.lit("harmonic"))}, r"an unknown mean \(known: arithmetic, geometric\)"),
        ({"tree": pl.concat([TREE, TREE])}, "10 with a node that occurs before"),
    ],
)
def test_refused(changes, message):
    arguments: dict[str, Any] = {"indices": series(LEVELS), "weights": WEIGHTS, "tree": TREE} | changes
    with pytest.raises(ValueError, match=message):
        aggregate(**arguments)


def test_no_indices_give_no_rows():
    table = aggregate(series({}), WEIGHTS, TREE)
    assert table.is_empty()
    assert table.schema == aggregate(series(LEVELS), WEIGHTS, TREE).schema


# --- two weights ---


def test_means_of_sub_indices_by_hand():
    r, s0, s1 = [2.0, 1.0], [1.0, 3.0], [1.0, 1.0]
    found = {formula: mean_index(r, s0, s1, formula=formula) for formula in FORMULAS}
    assert found == {
        "laspeyres": pytest.approx(1.25),
        "paasche": pytest.approx(1 / 0.75),
        "fisher": pytest.approx((1.25 / 0.75) ** 0.5),
        "geometric_laspeyres": pytest.approx(2**0.25),
        "geometric_paasche": pytest.approx(2**0.5),
        "tornqvist": pytest.approx(2**0.375),
    }
    for arguments, message in (
        ((r, s0, s1, "x"), "unknown formula 'x'; known: laspeyres"),
        ((r, s0, [1.0], "fisher"), "lengths differ"),
        (([0.0, 1.0], s0, s1, "fisher"), "indices: element 0 is 0.0"),
        ((r, s0, [0.0, 0.0], "fisher"), "current_weights: element 0"),
    ):
        with pytest.raises(ValueError, match=message):
            mean_index(*arguments[:3], formula=arguments[3])


# --- properties ---


@st.composite
def panels(draw) -> tuple[Levels, dict[str, float]]:
    generator = np.random.default_rng(draw(st.integers(0, 9_999)))
    names, periods = ("bread", "milk", "soap"), draw(st.integers(2, 6))
    levels: Levels = {}
    for name in names:
        values = np.exp(generator.normal(0, 0.4, periods) + generator.normal(0, 2))
        holes = generator.random(periods) < draw(st.sampled_from([0.0, 0.3]))
        holes[0] = False
        levels[name] = [None if hole else float(v) for v, hole in zip(values, holes, strict=True)]
    return levels, {name: float(generator.uniform(0.1, 9)) for name in names}


CONVENTIONS = st.sampled_from(
    [(m, r) for m in ("parent", "carry", "renormalise", "none") for r in ("resume", "relink")]
)
FORMULA = st.sampled_from(["laspeyres", "geometric"])


@quickly
@given(panels(), CONVENTIONS, FORMULA, st.floats(0.3, 4))
def test_all_indices_times_k_are_k_times_the_aggregate(panel, conventions, formula, k):
    # In period 1, where prices turn, all are there: what is carried over a turn does not turn.
    levels = {name: [own[0], own[0], *own[1:]] for name, own in panel[0].items()}
    raised = {n: [own[0], *(v if v is None else v * k for v in own[1:])] for n, own in levels.items()}
    options = {"missing": conventions[0], "reentry": conventions[1], "formula": formula}
    before, after = (aggregate(series(own), weights_of(panel[1]), TREE, **options) for own in (levels, raised))
    factor = pl.when(pl.col("period") >= 1).then(k).otherwise(1.0)
    expected = before.with_columns(index=pl.col("index") * factor)
    assert_frame_equal(after.drop("weight"), expected.drop("weight"), rel_tol=1e-10)


@quickly
@given(panels(), FORMULA)
def test_complete_panels_give_the_weighted_mean_of_levels_whatever_the_convention(panel, formula):
    levels, weights = panel
    full = {name: [v or 1.7 for v in values] for name, values in levels.items()}
    r = {name: np.array(values) / values[0] for name, values in full.items()}
    total = sum(weights.values())
    if formula == "laspeyres":
        expected = sum(weights[n] * r[n] for n in r) / total
    else:
        expected = np.exp(sum(weights[n] * np.log(r[n]) for n in r) / total)
    for missing in MISSING:
        table = aggregate(series(full), weights_of(weights), TREE, formula=formula, missing=missing)
        assert path(table, "all") == [pytest.approx(float(value), rel=1e-12) for value in expected]


@quickly
@given(panels(), CONVENTIONS, st.randoms(use_true_random=False))
def test_order_of_rows_and_scale_of_indices_and_weights_do_not_matter(panel, conventions, random):
    levels, weights = panel
    options = {"missing": conventions[0], "reentry": conventions[1]}
    table = aggregate(series(levels), weights_of(weights), TREE, **options)
    shuffled = series(levels).sample(fraction=1.0, shuffle=True, seed=random.randint(0, 99))
    scaled = shuffled.with_columns(index=pl.col("index") * pl.when(pl.col("node") == "milk").then(7.0).otherwise(0.2))
    again = aggregate(scaled, weights_of({n: 12 * w for n, w in reversed(weights.items())}), TREE.reverse(), **options)
    assert_frame_equal(again.drop("weight"), table.drop("weight"), rel_tol=1e-11)


@quickly
@given(
    st.integers(0, 9_999),
    st.sampled_from([(m, r) for m in ("parent", "renormalise", "none") for r in ("resume", "relink")]),
    FORMULA,
    st.booleans(),
)
def test_where_all_prices_move_alike_so_does_every_node_over_holes_late_starts_and_links(seed, options, formula, anew):
    generator = np.random.default_rng(seed)
    course = np.exp(generator.normal(0, 0.4, 6))
    there = generator.random((6, 3)) < 0.6
    links = [0, *sorted(generator.choice(np.arange(1, 6), 2, replace=False).tolist())]
    own = {
        n: [float(v) if on else None for v, on in zip(course, there[:, k], strict=True)] for k, n in enumerate("xyz")
    }
    tree = tree_of({"all": None, "c1": "all", "c2": "all", "x": "c1", "y": "c2", "z": "c2"})
    indices = series(own)
    if anew:
        spans = zip(links, [*links[1:], 5], strict=True)
        indices = pl.concat(
            [indices.filter(pl.col("period").is_between(a, b)).with_columns(link=pl.lit(a, pl.Int64)) for a, b in spans]
        )
    weights = pl.concat([weights_of(dict(zip("xyz", generator.uniform(0.1, 5, 3), strict=True)), n) for n in links])
    table = aggregate(indices, weights, tree, missing=options[0], reentry=options[1], formula=formula)
    levels = table.with_columns(ratio=pl.col("index") / pl.Series(course).gather(table["period"]))
    spread = levels.group_by("node").agg(lowest=pl.col("ratio").min(), highest=pl.col("ratio").max())
    assert spread.filter(pl.col("highest") / pl.col("lowest") > 1 + 1e-9).is_empty()
    assert (table["index"].is_null() == table["reason"].is_not_null()).all()
    first = table.filter((pl.col("node") == "all") & pl.col("index").is_not_null()).sort("period")["index"]
    assert first.is_empty() or first[0] == pytest.approx(1.0)
