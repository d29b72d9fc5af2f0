"""Changes made by each option of a recipe of clusters: one option after another, from one recipe to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.tweets.methods.places import place_events

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = ("robots", "is_integer_metres", "is_strict", "eps_m", "min_points", "variant")
"""Options in the order in which they are changed."""


def count_recipe_steps(bucket: pl.DataFrame, parameters: Mapping[str, Any], first: str, last: str) -> pl.DataFrame:
    """Counts of users, events and clusters after each step from the recipe `first` to the recipe `last`.

    `bucket` and `parameters` are those of `place_events`, with both recipes. A row for each step, in order: `step`, the
    name of the first recipe and then of each option that differs; `robots` (users), `duplicates`, `robot_events`,
    `clustered_events`, `noise_events`, `valid_clusters`, and `changed_events`: those with another fate or cluster than
    after the step before (null for the first). All counts are Int64.

    Raises ValueError for recipes that `parameters` does not have.
    """
    known = {recipe["recipe"]: dict(recipe) for recipe in parameters["recipes"]}
    missing = [name for name in (first, last) if name not in known]
    if missing:
        raise ValueError(f"unknown recipe {missing[0]!r}; known: {', '.join(sorted(known))}")
    steps = [{**known[first], "recipe": first}]
    for option in OPTIONS:
        if known[first].get(option) != known[last].get(option):
            steps.append({**steps[-1], option: known[last][option], "recipe": option})
    placed = place_events(bucket, {**parameters, "recipes": steps})
    return pl.concat(
        _counts(placed, str(step["recipe"]), None if place == 0 else str(steps[place - 1]["recipe"]))
        for place, step in enumerate(steps)
    )


def _counts(placed: pl.DataFrame, step: str, before: str | None) -> pl.DataFrame:
    """Counts of a step, as a frame of one row."""
    of_step = placed.filter(pl.col("recipe") == step)
    fates = {"duplicates": "duplicate", "robot_events": "robot", "clustered_events": "valid", "noise_events": "noise"}
    clusters = of_step.filter(pl.col("fate") == "valid").select("user_key", "cluster").n_unique()
    changed = None if before is None else _changed(placed.filter(pl.col("recipe") == before), of_step)
    return pl.DataFrame(
        {
            "step": step,
            "robots": of_step.filter(pl.col("fate") == "robot")["user_key"].n_unique(),
            **{name: int((of_step["fate"] == fate).sum()) for name, fate in fates.items()},
            "valid_clusters": clusters if of_step.height else 0,
            "changed_events": changed,
        },
        schema_overrides={"changed_events": pl.Int64},
    )


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> int:
    """Number of events with another fate or cluster; duplicates have the same in every step."""
    columns = ["event_id", "fate", "cluster"]
    both = (
        before.filter(pl.col("fate") != "duplicate")
        .select(columns)
        .join(after.filter(pl.col("fate") != "duplicate").select(columns), on="event_id", suffix="_after")
    )
    is_same = (pl.col("fate") == pl.col("fate_after")) & pl.col("cluster").eq_missing(pl.col("cluster_after"))
    return both.filter(~is_same).height
