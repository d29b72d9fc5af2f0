"""Contributions of nodes to the change of an aggregate above them; they add up exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_rows,
)
from ons_bigdata.prices.methods.aggregation.completeness import EXPECTED, refuse_incomplete
from ons_bigdata.prices.methods.bilateral.product_weights import to_arithmetic
from ons_bigdata.prices.methods.panels.input_checks import not_positive, refuse_other_type, refuse_unsortable
from ons_bigdata.prices.methods.panels.period_calendar import refuse_unsorted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


_EMPTY = pl.DataFrame(
    schema={
        "period": pl.Null,
        "node": pl.String,
        "parent": pl.String,
        "weight": pl.Float64,
        "movement": pl.Float64,
        "contribution": pl.Float64,
        "contribution_to_date": pl.Float64,
    }
)


def transmuted_weights(relatives: Floats, weights: Floats) -> Floats:
    """Weights w* with which the geometric mean of relatives is their arithmetic mean, Σw*r = exp(Σw ln r).

    w* ∝ w/L(r, P), L the logarithmic mean, P the geometric mean. `weights` ≥ 0, on any scale; w* add up to 1.
    Source: Balk (2008), Price and Quantity Index Numbers, chapter 4.
    """
    return to_arithmetic(relatives, weights / np.sum(weights))


def contributions(aggregated: pl.DataFrame | pl.LazyFrame, of: str | int) -> pl.DataFrame:
    """Split the changes of a node into what every node below it adds, step by step and over the chain.

    `aggregated`: a table of `aggregate`, whole (all its periods and nodes), rebased by `rebased` or not, whose nodes
    all have an index (missing "parent" or "carry"). `of`: the node whose change is split. Returns one row per period
    but the first and per node below `of`: period, node, parent, weight (the share with which the node's movement
    enters the movement of `of`: price-updated; transmuted where a mean is geometric), movement, contribution (to the
    step, index points: the children of one parent add up to what the parent adds), contribution_to_date (since the
    first period, index points: c_i = Σ_s P_(s−1) c_is over the steps s, whose sum over children is P_t − P_0).

    A node that is new in a link moves from the level at which it starts. A node that has left its parent keeps its
    contribution_to_date, in rows of weight and contribution 0 and without a movement, so that those to date add up,
    too. Periods in which `of` is not in the tree have no rows.

    Raises ValueError where `of` is no inner node, a node has no index, the contributions do not add up to the change,
    or the table is not whole: a node lacks children, a link lacks its link period, or weights are not those of the
    period before, as where periods were dropped (sums alone do not show that where siblings move alike). Of geometric
    means a table without a period is that of the data without it, and is taken as such. Source: Balk (2008), Price and
    Quantity Index Numbers, chapter 4; ONS (2019), Consumer Prices Indices Technical Manual, contributions over links.
    """
    aggregated = _checked_table(eager_frame(aggregated, "aggregated"))
    of = str(of)
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
    _refuse_orphans(moved, of)
    steps = [_below(rows, of) for _, rows in by_period if (rows["parent"] == of).any()]
    if not steps:
        return _EMPTY.with_columns(pl.col("period").cast(aggregated.schema["period"]))
    table = pl.concat(steps)
    _check_sums(table, moved, aggregated.filter(pl.col("node") == of).sort("period"), of)
    refuse_incomplete(aggregated, moved, table, of)
    # Every node from its first period on, under every parent it has had: a node that has left adds nothing more.
    since = table.group_by("node", "parent").agg(since=pl.col("period").min())
    rows = since.join(table.select("period").unique(), how="cross").filter(pl.col("period") >= pl.col("since"))
    table = rows.drop("since").join(table, on=["period", "node", "parent"], how="left")
    table = table.with_columns(pl.col("weight", "contribution").fill_null(0.0)).sort("node", "parent", "period")
    table = table.with_columns(contribution_to_date=pl.col("contribution").cum_sum().over("node", "parent"))
    return table.select(_EMPTY.columns).sort("period", "node", "parent")


def _checked_table(table: pl.DataFrame) -> pl.DataFrame:
    columns = ("period", "link", "node", "parent", "index", "link_index", "weight", "mean")
    refuse_missing_columns(table, columns, "aggregated")
    numbers = ("index", "link_index", "weight")
    optional = [name for name in ("children",) if name in table.columns]
    refuse_no_numbers(table, [*numbers, *optional], "aggregated")
    refuse_no_keys(table, ("node", "parent", "mean"), "aggregated")
    refuse_unsortable(table, ("period",), "aggregated")
    refuse_other_type(table, "link", "period", "aggregated")
    refuse_unsorted(table["period"], "aggregated")
    rows = table.select(*columns, *optional).with_columns(
        pl.col("node", "parent", "mean").cast(pl.String, strict=False), pl.col(numbers).cast(pl.Float64)
    )
    faults = {
        "a null in its key": pl.any_horizontal(pl.col("period", "link", "node").is_null()),
        "a link after the period": pl.col("link") > pl.col("period"),
        "a node that occurs before in the period": pl.struct("node", "period").is_duplicated(),
        "an unknown mean": ~pl.col("mean").is_in(["arithmetic", "geometric"]).fill_null(value=False),
        "an index that is not positive and finite": pl.col("index").is_not_null() & not_positive("index"),
    }
    refuse_rows(rows, faults, "aggregated")
    return rows


def _check_sums(table: pl.DataFrame, moved: pl.DataFrame, of_rows: pl.DataFrame, of: str) -> None:
    """Compare the sums over children with the change of each parent, and those to date with the change of `of`."""
    start = of_rows.row(0, named=True)
    first_level = start["index"] if start["period"] == start["link"] else start["link_index"]
    whole = moved.filter(pl.col("node") == of).sort("period")
    change = whole.select("period", parent="node", change=pl.col("index") - pl.col("before"))
    inner = table.select("period", parent="node", change="contribution")
    sums = table.group_by("period", "parent").agg(total=pl.col("contribution").sum())
    compared = sums.join(pl.concat([change, inner]), on=["period", "parent"]).sort("period", "parent")
    of_whole = compared.filter(pl.col("parent") == of).sort("period").join(whole.select("period", "index"), on="period")
    to_date = of_whole.select(
        "period",
        "parent",
        total=pl.col("total").cum_sum(),
        change=pl.col("index") - first_level,
    )
    tolerance = 1e-9 * float(whole["index"].max())  # type: ignore[arg-type]
    for kind, rows in (("in", compared), ("from the first period to", to_date)):
        adds_up = (pl.col("total") - pl.col("change")).abs() <= tolerance
        wrong = rows.filter(~adds_up.fill_null(value=False))
        if not wrong.is_empty():
            first = wrong.row(0, named=True)
            message = (
                f"aggregated: the contributions of the children of {first['parent']} {kind} {first['period']} add up to"
                f" {first['total']:.6g}, its change is {first['change']:.6g}; expected the whole table of `aggregate`,"
                " all periods and nodes, rebased by `rebased` alone"
            )
            raise ValueError(message)


def _refuse_orphans(moved: pl.DataFrame, of: str) -> None:
    """Raise ValueError where the children of `of` have a row in a period and `of` has none."""
    own = moved.filter(pl.col("node") == of)["period"]
    orphans = moved.filter(pl.col("parent") == of, ~pl.col("period").is_in(own.implode()))
    if not orphans.is_empty():
        message = f"aggregated: {of} has no row in {orphans['period'][0]}, in which its children have one; {EXPECTED}"
        raise ValueError(message)


def _below(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    """Weights and contributions of the nodes below `of` in one step, from the top of the tree down."""
    level = rows.filter(pl.col("node") == of)["before"][0]
    families = rows.filter(pl.col("parent").is_not_null()).partition_by("parent", as_dict=True)
    weights, waiting, families_below = {of: 1.0}, [of], []
    while waiting:
        family = families.get((parent := waiting.pop(0),))
        if family is None:
            continue
        share = _shares(family) * weights[parent]
        weights |= dict(zip(family["node"], share, strict=True))
        waiting += family["node"].to_list()
        families_below.append(family.select("period", "node", "parent", weight=pl.Series(share), movement="movement"))
    return pl.concat(families_below).with_columns(contribution=pl.col("weight") * (pl.col("movement") - 1) * level)


def _shares(family: pl.DataFrame) -> Floats:
    weights, movements = family["weight"].to_numpy(), family["movement"].to_numpy()
    if family["mean"][0] == "geometric":
        return transmuted_weights(movements, weights)
    return weights / weights.sum()
