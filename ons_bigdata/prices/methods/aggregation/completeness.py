"""Completeness of a table of `aggregate`: all periods and all children that the movements of a node consist of.

Sums do not show it: where siblings move alike, contributions with any weights add up.
"""

from __future__ import annotations

import polars as pl

from ons_bigdata.prices.methods.panels.period_calendar import read_calendar

EXPECTED = "expected the whole table of `aggregate`, all periods and nodes"

_TOLERANCE = 1e-6
"""Relative difference of weights that are the same."""


def refuse_incomplete(aggregated: pl.DataFrame, moved: pl.DataFrame, steps: pl.DataFrame, of: str) -> None:
    """Raise ValueError where rows that the contributions to the changes of a node need are not in its table.

    `aggregated`: the table. `moved`: its rows after their link period, with `before`, the index of the period before.
    `steps`: period, node and parent of the nodes below `of`, with their movement and, if it is known, the number of
    their children.
    """
    rows = moved.join(steps.select("period", "node"), on=["period", "node"], how="semi")
    _refuse_lost_children(pl.concat([rows, moved.filter(pl.col("node") == of)]), steps)
    _refuse_lost_links(aggregated, rows)
    _refuse_weights_of_other_periods(aggregated, rows)
    _refuse_unproved_weights(aggregated, rows)


def _refuse_lost_children(rows: pl.DataFrame, steps: pl.DataFrame) -> None:
    """Compare the children that are there with the column `children`."""
    if "children" not in rows.columns:
        return
    there = steps.group_by("period", node="parent").agg(there=pl.len())
    both = rows.join(there, on=["period", "node"], how="left").with_columns(pl.col("there").fill_null(0))
    wrong = both.filter(pl.col("there") != pl.col("children")).sort("period", "node")
    if not wrong.is_empty():
        first = wrong.row(0, named=True)
        message = (
            f"aggregated: {first['there']} of {first['children']} children of {first['node']} are there in"
            f" {first['period']}; {EXPECTED}"
        )
        raise ValueError(message)


def _refuse_lost_links(aggregated: pl.DataFrame, rows: pl.DataFrame) -> None:
    periods = aggregated["period"].unique()
    lost = rows.filter(~pl.col("link").is_in(periods.implode())).sort("period", "node")
    if not lost.is_empty():
        first = lost.row(0, named=True)
        message = (
            f"aggregated: {first['node']} is chained on {first['link']} in {first['period']}, and the table has no rows"
            f" of {first['link']}; {EXPECTED}"
        )
        raise ValueError(message)


def _refuse_weights_of_other_periods(aggregated: pl.DataFrame, rows: pl.DataFrame) -> None:
    """Compare the weights at the link, w·I(link)/I(t−1) of each period t of a link; they are the same.

    In the first period of all the weight is the one at the link.
    """
    columns = ["period", "link", "node", "parent", "weight"]
    at_link = pl.col("weight") * pl.col("link_index") / pl.col("before")
    first = aggregated.filter(pl.col("period") == pl.col("link"), pl.col("mean") == "arithmetic")
    first = first.join(rows.select("node", "parent").unique(), on=["node", "parent"], how="semi")
    weights = pl.concat(
        [
            rows.filter(pl.col("mean") == "arithmetic").select(*columns, at_link=at_link),
            first.select(*columns, at_link="weight"),
        ]
    ).sort("period")
    start = pl.col("at_link").first().over("link", "node", "parent")
    same = (pl.col("at_link") - start).abs() <= _TOLERANCE * start.abs()
    wrong = weights.filter(~same.fill_null(value=False))
    if not wrong.is_empty():
        node, period = wrong.row(0, named=True)["node"], wrong.row(0, named=True)["period"]
        message = (
            f"aggregated: the weight of {node} in {period} is not that of the period before it in the table;"
            f" a period is missing, or weights or indices were changed; {EXPECTED}"
        )
        raise ValueError(message)


def _refuse_unproved_weights(aggregated: pl.DataFrame, rows: pl.DataFrame) -> None:
    """Refuse a link of a single period that follows a gap, where all siblings move alike.

    Neither sums nor other weights of the link show then whether the period that is missing was in the table.
    """
    columns = ["link", "period"]
    single = rows.select(columns).unique().filter(pl.len().over("link") == 1)
    single = single.join(
        aggregated.filter(pl.col("period") == pl.col("link")).select("link").unique(), on="link", how="anti"
    )
    arithmetic = rows.join(single, on=columns, how="semi").filter(pl.col("mean") == "arithmetic", pl.col("weight") > 0)
    families = arithmetic.group_by(*columns, "parent").agg(
        least=pl.col("movement").min(), greatest=pl.col("movement").max(), siblings=pl.len()
    )
    alike = families.group_by(columns).agg(
        alike=(pl.col("greatest") <= pl.col("least") * (1 + _TOLERANCE)).all(),
        moves=((pl.col("siblings") > 1) & ((pl.col("least") - 1).abs() > _TOLERANCE)).any(),
    )
    doubtful = alike.filter("alike", "moves").sort("period")
    if doubtful.is_empty():
        return
    periods = aggregated["period"].unique().sort()
    try:
        calendar = read_calendar(periods.to_list(), dtype=aggregated.schema["period"]).periods
    except ValueError:
        return  # periods without a known step: a gap is not visible
    for link, period in doubtful.select(columns).iter_rows():
        if calendar.index(period) - calendar.index(link) > 1:
            message = (
                f"aggregated: between {link} and {period} periods are missing, and all siblings move alike, so that"
                f" neither sums nor weights prove the contributions in {period}; {EXPECTED}"
            )
            raise ValueError(message)
