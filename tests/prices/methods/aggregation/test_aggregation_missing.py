"""Aggregation over a tree where values are missing: holes, late starts, and links without a level, by hand."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.prices.methods.aggregation.index import aggregate
from ons_bigdata.prices.methods.aggregation.steps import MISSING
from tests.prices.methods.aggregated_trees import (
    PAIR,
    TREE,
    WEIGHTS,
    Levels,
    even,
    path,
    reasons,
    series,
    tree_of,
    weights_of,
)

# --- holes ---

HOLE: Levels = {"bread": [1.0, None, 2.0], "milk": [1.0, 1.5, 3.0], "soap": [1.0, 1.0, 1.0]}


def test_a_missing_node_moves_with_its_siblings_and_catches_up():
    # Period 1: bread as milk, at 1.5. Period 2: bread at 2, milk at 3: (3·2 + 3)/4.
    table = aggregate(series(HOLE), WEIGHTS, TREE)
    assert path(table, "bread") == [1.0, 1.5, 2.0]
    assert path(table, "food") == [1.0, 1.5, 2.25]
    row = table.row(by_predicate=(pl.col("node") == "bread") & (pl.col("period") == 1), named=True)
    assert (row["imputed"], row["reason"]) == (True, None)
    assert table.filter((pl.col("node") == "food") & (pl.col("period") == 1))["children_absent"].item() == 1


def test_a_relinked_node_keeps_its_imputed_level():
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


def test_a_late_leaf_enters_at_the_level_of_its_parent():
    levels: Levels = {"bread": [1.0, 2.0, 2.0, 2.0], "milk": [None, None, 7.0, 14.0], "soap": [1.0] * 4}
    for missing in ("parent", "renormalise"):
        assert path(aggregate(series(levels), WEIGHTS, TREE, missing=missing), "food") == [1.0, 2.0, 2.0, 2.5]


def test_a_period_without_any_value_is_null_and_the_next_is_linked():
    levels: Levels = {"bread": [1.0, None, 2.0], "milk": [1.0, None, 2.0], "soap": [1.0, None, 2.0]}
    table = aggregate(series(levels), WEIGHTS, TREE)
    assert path(table, "all") == [1.0, None, 2.0]
    assert set(table.filter(pl.col("period") == 1)["reason"]) == {"no node has a value in this period"}


# --- what begins late, and what has no level in a link ---


def test_a_node_without_a_value_at_the_link_is_not_linked_at_an_older_level():
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
def test_indices_that_are_all_null_yield_no_index_and_a_reason(missing):
    table = aggregate(series({"a": [None, None], "b": [None, None]}), even("ab"), PAIR, missing=missing)
    assert table["index"].null_count() == table.height == 6
    assert set(table["reason"]) == {"no node has a value in this period"}


def test_nodes_without_a_value_have_no_index_in_the_first_period():
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
def test_a_second_root_begins_at_its_first_period(missing, reentry):
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


# --- leaves that are missing in a link and known in the next ---


def of_links(rows: list[tuple[str, int, int, float | None]]) -> pl.DataFrame:
    schema = {"node": pl.String, "link": pl.Int64, "period": pl.Int64, "index": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize("missing", ["renormalise", "parent", "carry"])
def test_a_leaf_without_a_value_at_the_link_takes_part_by_its_index_of_the_new_link(missing):
    # b is missing in period 2 and moves with a, to 1.1. In the link from 2 on a stays and b rises by a fifth.
    rows = [("a", 1, 1, 100.0), ("a", 1, 2, 110.0), ("a", 2, 2, 100.0), ("a", 2, 3, 100.0)]
    rows += [("b", 1, 1, 100.0), ("b", 2, 2, 100.0), ("b", 2, 3, 120.0)]
    table = aggregate(of_links(rows), even("ab", 1, 2), PAIR, formula="young", missing=missing)
    # Carried, b stays at 1 in period 2: 1.05, and in period 3 again 1.1 times as much.
    first = 1.05 if missing == "carry" else 1.1
    assert path(table, "all") == [1.0, first, first * 1.1]
    assert table.filter(node="all", period=3)["imputed"].item() is False


def test_a_group_of_leaves_without_values_at_the_link_takes_part():
    tree = tree_of({"all": None, "a": "all", "g": "all", "b": "g", "c": "g"})
    rows = [("a", 1, 1, 1.0), ("a", 1, 2, 2.0), ("a", 2, 2, 1.0), ("a", 2, 3, 1.0)]
    for leaf, change in (("b", 2.0), ("c", 4.0)):
        rows += [(leaf, 1, 1, 1.0), (leaf, 2, 2, 1.0), (leaf, 2, 3, change)]
    table = aggregate(of_links(rows), even("abc", 1, 2), tree, formula="young", missing="renormalise")
    # b and c move with a to 2; then the leaves change by 1, 2 and 4, a third each.
    assert path(table, "all") == [1.0, 2.0, 2 * 7 / 3]
    assert path(table, "g") == [1.0, None, 6.0]


def test_a_leaf_on_one_scale_that_misses_the_link_keeps_its_change():
    # Without links of its own: a 1, 1.1, 1.1, b 1, -, 1.2; with even weights 1.15 in period 3, whatever happened at 2.
    levels = {"a": [1.0, 1.1, 1.1], "b": [1.0, None, 1.2]}
    table = aggregate(series(levels), even("ab", 0, 1), PAIR, formula="young", missing="renormalise")
    assert path(table, "all") == [1.0, 1.1, 1.15]


def test_a_leaf_that_never_had_a_value_begins_at_the_link_with_its_index_there():
    rows = [("a", 1, 1, 1.0), ("a", 1, 2, 1.5), ("a", 2, 2, 1.0), ("a", 2, 3, 1.0), ("b", 2, 2, 1.0), ("b", 2, 3, 3.0)]
    for missing in ("renormalise", "parent"):
        table = aggregate(of_links(rows), even("ab", 1, 2), PAIR, formula="young", missing=missing)
        assert path(table, "all") == [1.0, 1.5, 3.0]
