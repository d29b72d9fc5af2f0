"""Aggregation over a tree: means by hand, refused input, properties."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.aggregation import aggregate, rebased
from ons_bigdata.prices.methods.aggregation.steps import MISSING
from tests.prices.methods.aggregated_trees import LEVELS, TREE, WEIGHTS, Levels, path, series, tree_of, weights_of

quickly = settings(max_examples=30, deadline=None)

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


def test_rebased_to_the_mean_of_a_period():
    table = rebased(aggregate(series(LEVELS), WEIGHTS, TREE), [1, 2])
    assert path(table, "food") == [100 / 1.875, 175 / 1.875, 200 / 1.875]
    with pytest.raises(ValueError, match="none of \\[9\\] is in the table"):
        rebased(table, [9])


def test_nodes_may_be_whole_numbers():
    numbers = {"all": 0, "food": 1, "soap": 2, "bread": 11, "milk": 12}
    renamed = [
        frame.with_columns(pl.col(column).replace_strict(numbers, return_dtype=pl.Int64) for column in columns)
        for frame, columns in ((series(LEVELS), ["node"]), (WEIGHTS, ["node"]), (TREE, ["node", "parent"]))
    ]
    table = aggregate(renamed[0], renamed[1], renamed[2])
    assert path(table, "0") == path(aggregate(series(LEVELS), WEIGHTS, TREE), "all")


DAYS = [date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)]
MONTHS = ["Mar", "Feb", "Jan"]  # in no order of the alphabet


@pytest.mark.parametrize(
    ("kind", "periods"),
    [
        (pl.Int32, [7, 8, 9]),
        (pl.Date, DAYS),
        (pl.Datetime("ms"), [datetime.combine(day, time()) for day in DAYS]),
        (pl.Categorical(), ["2020-01", "2020-02", "2020-03"]),
        (pl.Enum(MONTHS), MONTHS),
    ],
    ids=str,
)
def test_periods_keep_their_type_and_its_order(kind, periods):
    def named(frame: pl.DataFrame, column: str) -> pl.DataFrame:
        return frame.with_columns(pl.Series(column, [periods[t] for t in frame[column]], dtype=kind))

    weights = pl.concat(
        [WEIGHTS.with_columns(link=pl.lit(0)), WEIGHTS.with_columns(link=pl.lit(1), weight=pl.lit(1.0))]
    )
    table = aggregate(named(series(LEVELS), "period"), named(weights, "link"), TREE)
    assert (table.schema["period"], table.schema["link"]) == (kind, kind)
    assert table["period"].unique(maintain_order=True).to_list() == periods
    whole = table.filter(pl.col("node") == "all")["index"].to_list()
    assert whole == aggregate(series(LEVELS), weights, TREE).filter(pl.col("node") == "all")["index"].to_list()


def test_lazy_frames_are_computed():
    table = aggregate(series(LEVELS).lazy(), WEIGHTS.lazy(), TREE.lazy())
    assert table.equals(aggregate(series(LEVELS), WEIGHTS, TREE))


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
        ({"indices": series(LEVELS).cast({"index": pl.String})}, "indices: column index is String, expected numbers"),
        ({"weights": WEIGHTS.cast({"weight": pl.String})}, "weights: column weight is String, expected numbers"),
        ({"successions": pl.DataFrame({"link": [0], "node": ["bread"]})}, "successions: column predecessor is missing"),
        ({"tree": {}}, "tree: found dict, expected a polars DataFrame or LazyFrame"),
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
        ({"tree": TREE.with_columns(node=pl.lit(1.5))}, "column node is Float64, expected text or whole numbers"),
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
@example(1174, ("none", "resume"), "laspeyres", False)
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
