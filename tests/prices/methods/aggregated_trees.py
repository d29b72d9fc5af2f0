"""Small trees, weights and indices for the tests of the aggregation, and readers of its tables."""

from __future__ import annotations

import polars as pl
import pytest

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

PAIR = tree_of({"all": None, "a": "all", "b": "all"})


def reasons(table: pl.DataFrame, node: str) -> list[str | None]:
    return table.filter(pl.col("node") == node).sort("period")["reason"].to_list()


def even(nodes: str, *links: int) -> pl.DataFrame:
    """Weight 1 of each node in each link."""
    frames = [weights_of(dict.fromkeys(nodes, 1.0), link) for link in links]
    return pl.concat(frames) if frames else weights_of(dict.fromkeys(nodes, 1.0))
