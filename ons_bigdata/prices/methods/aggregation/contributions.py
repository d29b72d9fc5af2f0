"""Contributions to a change of an index: what each child, product or step adds. They add up exactly.

Takes relatives and weights, or the table of `aggregation.aggregate`. The multiplicative decomposition of GEKS and of
bilateral indices by product is in `decomposition`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def transmuted_weights(relatives: Floats, weights: Floats) -> Floats:
    """Give the weights w* with which the geometric mean of relatives is their arithmetic mean, Σw*r = exp(Σw ln r).

    w* ∝ w/L(r, P), L the logarithmic mean, P the geometric mean. `weights` ≥ 0, on any scale; w* add up to 1.
    Source: Balk (2008), Price and Quantity Index Numbers, chapter 4.
    """
    shares = weights / np.sum(weights)
    mean = np.exp(np.sum(shares * np.log(relatives)))
    transmuted = shares / logarithmic_mean(relatives, np.full(len(relatives), mean))
    return transmuted / np.sum(transmuted)


def arithmetic_contributions(relatives: Floats, weights: Floats) -> Floats:
    """Give w(r − 1), w made to add up to 1: their sum is the change Σwr − 1."""
    return weights / np.sum(weights) * (relatives - 1)


def geometric_contributions(relatives: Floats, weights: Floats) -> Floats:
    """Give w*(r − 1) with transmuted weights: their sum is the change exp(Σw ln r) − 1."""
    return transmuted_weights(relatives, weights) * (relatives - 1)


def chained_contributions(steps: Floats, levels: Floats) -> Floats:
    """Add contributions to the steps of a chain up to those to its whole change.

    `steps`: T×N, contribution of each of N children to the change of each step, Σ = P_t/P_(t−1) − 1; nan counts as 0.
    `levels`: T, the level P_(t−1) that each step begins with. Gives T×N: c_i from the start to t = Σ_s P_(s−1) c_is,
    whose sum over children is P_t − P_0. Source: Balk (2008), chapter 4; ONS, Consumer Prices Indices
    Technical Manual (2019), contributions over links.
    """
    return np.cumsum(np.nan_to_num(steps) * levels[:, None], axis=0)


def contributions(aggregated: pl.DataFrame, of: str) -> pl.DataFrame:
    """Give what every node adds to the changes of a node above it, step by step and over the chain.

    `aggregated`: a table of `aggregation.aggregate` whose nodes all have an index (missing "parent" or "carry").
    `of`: the node above. Gives one row per period but the first and per node below `of`: period, node, parent,
    weight (the share with which the node's movement enters the movement of `of`: price-updated; transmuted where a mean
    is geometric), movement, contribution (to the step, index points: the children of one parent add up to what the
    parent adds), contribution_to_date (since the first period, index points: `chained_contributions`).

    A node that is new in a link moves from the level at which it starts. A node that has left its parent keeps its
    contribution_to_date, in rows of weight and contribution 0 and without a movement, so that those to date add up,
    too. Periods in which `of` is not in the tree have no rows.

    Raises ValueError where `of` is no inner node or a node has no index. Source: as `chained_contributions`.
    """
    if aggregated.filter(pl.col("parent") == of).is_empty():
        message = f"of: {of!r} has no children in the table"
        raise ValueError(message)
    if not (lacking := aggregated.filter(pl.col("index").is_null())).is_empty():
        message = f"aggregated: {lacking.height} rows without an index; the first: {lacking['node'][0]}"
        raise ValueError(message)
    before = pl.col("index").shift(1).over("node", "link", order_by="period").fill_null(pl.col("link_index"))
    moved = aggregated.with_columns(before=before).filter(pl.col("period") > pl.col("link"))
    moved = moved.with_columns(movement=pl.col("index") / pl.col("before")).sort("period", "node")
    if not (lacking := moved.filter(pl.col("before").is_null())).is_empty():
        message = f"aggregated: {lacking.height} rows without a link_index; the first: {lacking['node'][0]}"
        raise ValueError(message)
    by_period = moved.group_by("period", maintain_order=True)
    table = pl.concat([_below(rows, of) for _, rows in by_period if (rows["parent"] == of).any()])
    # Every node from its first period on, under every parent it has had: what has left adds nothing more.
    since = table.group_by("node", "parent").agg(since=pl.col("period").min())
    rows = since.join(table.select("period").unique(), how="cross").filter(pl.col("period") >= pl.col("since"))
    table = rows.drop("since").join(table, on=["period", "node", "parent"], how="left")
    table = table.with_columns(pl.col("weight", "contribution").fill_null(0.0)).sort("node", "parent", "period")
    table = table.with_columns(contribution_to_date=pl.col("contribution").cum_sum().over("node", "parent"))
    columns = ("period", "node", "parent", "weight", "movement", "contribution", "contribution_to_date")
    return table.select(columns).sort("period", "node", "parent")


def _below(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    """Weigh one step's nodes below `of`, level by level down the tree."""
    level = rows.filter(pl.col("node") == of)["before"][0]
    families = rows.filter(pl.col("parent").is_not_null()).partition_by("parent", as_dict=True)
    weights, waiting, found = {of: 1.0}, [of], []
    while waiting:
        family = families.get((parent := waiting.pop(0),))
        if family is None:
            continue
        share = _shares(family) * weights[parent]
        weights |= dict(zip(family["node"], share, strict=True))
        waiting += family["node"].to_list()
        found.append(family.select("period", "node", "parent", weight=pl.Series(share), movement="movement"))
    return pl.concat(found).with_columns(contribution=pl.col("weight") * (pl.col("movement") - 1) * level)


def _shares(family: pl.DataFrame) -> Floats:
    weights, movements = family["weight"].to_numpy(), family["movement"].to_numpy()
    if family["mean"][0] == "geometric":
        return transmuted_weights(movements, weights)
    return weights / weights.sum()
