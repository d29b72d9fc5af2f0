"""Contributions that add up: by hand, then to the last digit on random trees and chains."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation.contributions import (
    contributions,
    transmuted_weights,
)
from ons_bigdata.prices.methods.aggregation.index import aggregate
from ons_bigdata.prices.methods.aggregation.linking import rebased
from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean

quickly = settings(max_examples=40, deadline=None)

RELATIVES = st.lists(st.floats(0.05, 20), min_size=1, max_size=6)


def test_logarithmic_mean_by_hand():
    computed = logarithmic_mean(np.array([2.0, 3.0, 1.0, 0.0, 0.0]), np.array([1.0, 3.0, math.e, 5.0, 0.0]))
    assert computed == pytest.approx([1 / math.log(2), 3.0, math.e - 1, 0.0, 0.0], rel=1e-15)
    assert logarithmic_mean(np.array([1 + 1e-12]), np.array([1.0])) == pytest.approx([1.0], rel=1e-11)


def test_transmuted_weights_by_hand():
    # Weights ¾ and ¼, relatives 2 and ½: 2^½ − 1 = w*(2 − 1) + (1 − w*)(½ − 1).
    share = (2**0.5 - 0.5) / 1.5
    assert transmuted_weights(np.array([2.0, 0.5]), np.array([3.0, 1.0])) == pytest.approx([share, 1 - share])


@quickly
@given(RELATIVES, st.integers(0, 999))
def test_transmuted_weights_make_the_geometric_mean_an_arithmetic_one(relatives, seed):
    r = np.array(relatives)
    w = np.random.default_rng(seed).uniform(0.01, 5, len(r))
    assert (transmuted_weights(r, w) * (r - 1)).sum() == pytest.approx(np.exp(w @ np.log(r) / w.sum()) - 1, abs=1e-12)


def test_contributions_over_a_chain_by_hand():
    # Weights ½ each at both links. Steps +10 % (of which a 6) and +20 % (a −5): 6 points, then 1.1 · −5 points.
    rows = [("a", [1.0, 1.12, 1.12 * 0.9]), ("b", [1.0, 1.08, 1.08 * 1.5])]
    indices = pl.DataFrame(
        [(node, period, index) for node, own in rows for period, index in enumerate(own)],
        schema=["node", "period", "index"],
        orient="row",
    )
    weights = pl.DataFrame({"node": ["a", "b"] * 2, "weight": [0.5] * 4, "link": [0, 0, 1, 1]})
    tree = pl.DataFrame({"node": ["all", "a", "b"], "parent": [None, "all", "all"]})
    computed = contributions(aggregate(indices, weights, tree), "all")
    assert computed["contribution"].to_list() == pytest.approx([0.06, 0.04, 1.1 * -0.05, 1.1 * 0.25])
    assert computed["contribution_to_date"].to_list() == pytest.approx([0.06, 0.04, 0.005, 0.315])


NODES = ("bread", "milk", "soap")
TREE = pl.DataFrame(
    [
        ("all", None, None),
        ("food", "all", "geometric"),
        ("soap", "all", None),
        ("bread", "food", None),
        ("milk", "food", None),
    ],
    schema={"node": pl.String, "parent": pl.String, "mean": pl.String},
    orient="row",
)


@quickly
@given(st.integers(0, 9_999), st.sampled_from(["laspeyres", "geometric"]), st.booleans())
def test_contributions_in_a_tree_add_up_at_every_node_and_over_links(seed, formula, mixed):
    random = np.random.default_rng(seed)
    rows = [
        (node, t, float(np.exp(random.normal())) if t == 0 or random.random() < 0.8 else None)
        for node in NODES
        for t in range(5)
    ]
    indices = pl.DataFrame(rows, schema={"node": pl.String, "period": pl.Int64, "index": pl.Float64}, orient="row")
    weights = pl.DataFrame(
        [(node, float(random.uniform(0.2, 3)), link) for node in NODES for link in (0, 2)],
        schema=["node", "weight", "link"], orient="row",
    )  # fmt: skip
    table = aggregate(indices, weights, TREE if mixed else TREE.drop("mean"), formula=formula)
    if table["index"].null_count():
        with pytest.raises(ValueError, match="rows without an index"):
            contributions(table, "all")
        return
    computed = contributions(table, "all")
    whole = table.filter(pl.col("node") == "all").sort("period")["index"]
    for column, change in (("contribution", whole.diff()[1:]), ("contribution_to_date", (whole - whole[0])[1:])):
        children = (
            computed.filter(pl.col("parent") == "all").group_by("period").agg(pl.col(column).sum()).sort("period")
        )
        assert children[column].to_list() == pytest.approx(change.to_list(), abs=1e-12)
        of_food = computed.filter(pl.col("node") == "food").sort("period")[column]
        below = computed.filter(pl.col("parent") == "food").group_by("period").agg(pl.col(column).sum()).sort("period")
        assert below[column].to_list() == pytest.approx(of_food.to_list(), abs=1e-12)


def test_contributions_add_up_over_a_split_and_a_node_that_moves():
    # Leaf a is split into a1 and a2 at link 2, c moves from the top into the group g.
    schema = {"node": pl.String, "parent": pl.String, "link": pl.Int64}
    rows = [("all", None, 0), ("g", "all", 0), ("a", "g", 0), ("b", "g", 0), ("c", "all", 0)]
    rows += [("all", None, 2), ("g", "all", 2), ("a1", "g", 2), ("a2", "g", 2), ("c", "g", 2), ("d", "all", 2)]
    tree = pl.DataFrame(rows, schema=schema, orient="row")
    values = {"a": [1, 1.2, 1.5], "b": [1, 1.1, 0.9], "c": [1, 1, 1.3, 1.4, 1.2]}
    values |= {n: [None, None, *own] for n, own in {"a1": [1, 1.3, 1.1], "a2": [2, 2, 3], "d": [1, 2, 1.5]}.items()}
    indices = pl.DataFrame(
        [(node, t, v) for node, own in values.items() for t, v in enumerate(own)],
        schema={"node": pl.String, "period": pl.Int64, "index": pl.Float64}, orient="row", strict=False,
    )  # fmt: skip
    leaves = [(node, link, 1.0 + n) for n, (node, _, link) in enumerate(rows) if node not in ("all", "g")]
    weights = pl.DataFrame(leaves, schema=["node", "link", "weight"], orient="row")
    successions = pl.DataFrame({"link": [2, 2], "node": ["a1", "a2"], "predecessor": ["a", "a"]})
    table = aggregate(indices, weights, tree, successions=successions)
    computed = contributions(table, "all")
    for node in ("all", "g"):
        level = table.filter(pl.col("node") == node).sort("period")["index"]
        below = computed.filter(pl.col("parent") == node).group_by("period").agg(
            pl.col("contribution", "contribution_to_date").sum()
        ).sort("period")  # fmt: skip
        if node == "all":
            assert below["contribution"].to_list() == pytest.approx(level.diff()[1:].to_list(), abs=1e-12)
            assert below["contribution_to_date"].to_list() == pytest.approx((level - level[0])[1:].to_list(), abs=1e-12)
        else:
            own = computed.filter(pl.col("node") == "g").sort("period")
            for column in ("contribution", "contribution_to_date"):
                assert below[column].to_list() == pytest.approx(own[column].to_list(), abs=1e-12)
    gone = computed.filter((pl.col("node") == "a") & (pl.col("period") > 2))
    assert gone.select("weight", "movement", "contribution").rows() == [(0.0, None, 0.0)] * 2
    start = table.filter((pl.col("node") == "a1") & (pl.col("period") == 3))
    assert start["link_index"].item() == pytest.approx(1.5)
    assert computed.filter((pl.col("node") == "a1") & (pl.col("period") == 3))["movement"].item() == pytest.approx(1.3)


def test_contributions_to_a_leaf_are_refused():
    table = aggregate(
        pl.DataFrame({"node": ["a"], "period": [0], "index": [1.0]}),
        pl.DataFrame({"node": ["a"], "weight": [1.0]}),
        pl.DataFrame({"node": ["a"], "parent": [None]}, schema={"node": pl.String, "parent": pl.String}),
    )
    with pytest.raises(ValueError, match="of: 'a' has no children"):
        contributions(table, "a")


# --- tables that were changed on the way ---


def two_leaves() -> pl.DataFrame:
    rows = [("a", 1, 100.0), ("a", 2, 110.0), ("a", 3, 121.0), *(("b", t, 100.0) for t in (1, 2, 3))]
    weights = [(node, 1.0, link) for node in "ab" for link in (1, 2)]
    return aggregate(
        pl.DataFrame(rows, schema=["node", "period", "index"], orient="row"),
        pl.DataFrame(weights, schema=["node", "weight", "link"], orient="row"),
        pl.DataFrame({"node": ["top", "a", "b"], "parent": [None, "top", "top"]}),
    )


@pytest.mark.parametrize("base", [[1], [2], [3], [1, 2, 3]])
def test_contributions_of_a_rebased_table_add_up(base):
    table = rebased(two_leaves(), base)
    top = table.filter(node="top").sort("period")["index"]
    computed = contributions(table, "top").group_by("period", maintain_order=True).agg(
        pl.col("contribution", "contribution_to_date").sum()
    )  # fmt: skip
    assert computed["contribution"].to_list() == pytest.approx(top.diff()[1:].to_list(), rel=1e-12)
    assert computed["contribution_to_date"].to_list() == pytest.approx((top - top[0])[1:].to_list(), rel=1e-12)


def test_contributions_to_the_rebased_change_by_hand():
    # 100, 105, 110.25: a adds 5 and 5.25 points, b nothing.
    computed = contributions(rebased(two_leaves(), [1]), "top").filter(pl.col("period") == 3)
    assert computed.select("node", "contribution_to_date").rows() == [("a", pytest.approx(10.25)), ("b", 0.0)]


@quickly
@given(st.integers(0, 9_999), st.sampled_from(["laspeyres", "geometric"]), st.sampled_from([[0], [1, 3], [4]]))
def test_contributions_of_rebased_trees_are_scaled_ones(seed, formula, base):
    random = np.random.default_rng(seed)
    rows = [(node, t, float(np.exp(random.normal()))) for node in NODES for t in range(5)]
    weights = [(node, float(random.uniform(0.2, 3)), link) for node in NODES for link in (0, 2, 3)]
    table = aggregate(
        pl.DataFrame(rows, schema=["node", "period", "index"], orient="row"),
        pl.DataFrame(weights, schema=["node", "weight", "link"], orient="row"),
        TREE, formula=formula,
    )  # fmt: skip
    scaled = rebased(table, base)
    factor = scaled.filter(node="all")["index"][0] / table.filter(node="all")["index"][0]
    computed, plain = contributions(scaled, "all"), contributions(table, "all")
    for column in ("contribution", "contribution_to_date"):
        assert computed[column].to_list() == pytest.approx(
            (plain[column] * factor).to_list(), rel=1e-9, abs=1e-9 * factor
        )


CHANGED = {
    "a period within a link": lambda t: t.filter(pl.col("period") != 3),
    "the link period": lambda t: t.filter(pl.col("period") != 2),
    "the first periods of a link": lambda t: t.filter(~pl.col("period").is_in([3, 4])),
    "a child": lambda t: t.filter(pl.col("node") != "b"),
    "an index": lambda t: t.with_columns(index=pl.when(node="a", period=4).then(9.0).otherwise("index")),
    "rounding": lambda t: t.with_columns(pl.col("index").round(1)),
    "rebased without the levels of links": lambda t: rebased(t.drop("link_index"), [1]).with_columns(t["link_index"]),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_contributions_that_cannot_add_up_are_refused(change):
    random = np.random.default_rng(8)
    rows = [(node, t, float(np.exp(random.normal()))) for node in "abc" for t in range(1, 7)]
    weights = [(node, 1.0, link) for node in "abc" for link in (1, 2)]
    table = aggregate(
        pl.DataFrame(rows, schema=["node", "period", "index"], orient="row"),
        pl.DataFrame(weights, schema=["node", "weight", "link"], orient="row"),
        pl.DataFrame({"node": ["top", *"abc"], "parent": [None, *["top"] * 3]}),
    )
    contributions(table, "top")
    with pytest.raises(ValueError, match=r"contributions of the children of top .* add up to .*, its change is"):
        contributions(change(table), "top")


def test_a_dropped_period_of_the_issue():
    # The change from 1 to 3 is 1.0; without period 2 the weights of period 2 would give 1.333.
    indices = pl.DataFrame(
        [("a", 1, 1.0), ("a", 2, 2.0), ("a", 3, 3.0), ("b", 1, 1.0), ("b", 2, 1.0), ("b", 3, 1.0)],
        schema=["node", "period", "index"], orient="row",
    )  # fmt: skip
    table = aggregate(
        indices, pl.DataFrame({"node": ["a", "b"], "weight": [1.0, 1.0]}),
        pl.DataFrame({"node": ["top", "a", "b"], "parent": [None, "top", "top"]}),
    )  # fmt: skip
    assert contributions(table, "top")["contribution"].sum() == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"in 3 add up to 1\.33333, its change is 1;"):
        contributions(table.filter(pl.col("period") != 2), "top")


def test_doubled_rows_are_refused():
    table = two_leaves()
    with pytest.raises(ValueError, match="aggregated: 18 with a node that occurs before in the period"):
        contributions(pl.concat([table, table]), "top")
