"""All recipes over the quotes of one data origin: elementary indices, figures, their errors, diagnostics and movements.

Puts the parts together and makes the frames; every formula is elsewhere (`elementary_recipes`, `bootstrap`,
`recipe_levels`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown
from ons_bigdata.prices.methods.recipes.bootstrap import Bootstrap, product_weights, stratum_generator
from ons_bigdata.prices.methods.recipes.catalogue import SCOPES, parameters_hash
from ons_bigdata.prices.methods.recipes.diagnostics import diagnostics_frame
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, shelf_clusters
from ons_bigdata.prices.methods.recipes.levels import Layer, level_figures
from ons_bigdata.prices.methods.recipes.movements import PARTS, elementary_parts, log_movements, previous_rows
from ons_bigdata.prices.methods.recipes.panels import OUT, UNDECIDED, recipe_periods, strata
from ons_bigdata.prices.methods.recipes.seasonal import in_season
from ons_bigdata.prices.methods.recipes.tree import index_tree
from ons_bigdata.prices.methods.recipes.window_forms import METHODS as WINDOW_METHODS
from ons_bigdata.prices.schemas.recipes import IndexDiagnostics, IndexMovement, RecipeElementaryIndex, RecipeIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import dataframely as dy
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import IndexRecipe, RecipeOutput
    from ons_bigdata.prices.methods.recipes.elementary import Elementary
    from ons_bigdata.prices.methods.recipes.jevons import Week
    from ons_bigdata.prices.methods.recipes.levels import LevelFigures
    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OUT_OF_SEASON = "out of season"


@dataclass(frozen=True, eq=False)
class RecipeFrames:
    """What recipes give: `RecipeElementaryIndex`, `RecipeIndex`, `IndexDiagnostics` and `IndexMovement` rows."""

    elementary: pl.DataFrame
    indices: pl.DataFrame
    diagnostics: pl.DataFrame
    movements: pl.DataFrame


@dataclass(frozen=True, eq=False)
class World:
    """The quotes of one data origin, cut into strata, and what all recipes share.

    `rejected`: per stratum, which calendar days were judged faulty. `weights`: per stratum, replicates x products.
    """

    data_origin: str
    days: list[date]
    strata: list[Stratum]
    tree: list[TreeLevel]
    rejected: list[Booleans]
    weights: list[Floats]
    week: Week | None

    @property
    def has_quotes_out_of_scope(self) -> bool:
        """Whether the scopes differ at all."""
        return any((stratum.judged == OUT).any() for stratum in self.strata)


def price_world(
    quotes: pl.DataFrame,
    *,
    data_origin: str,
    pack_sizes: pl.DataFrame,
    rejected: pl.DataFrame,
    weights: TreeWeights,
    week: Week | None,
    bootstrap: Bootstrap,
) -> World:
    """Cut quotes into strata, find their place in the tree and draw the resamples.

    `quotes`, `pack_sizes`: see `stratum_panels.strata`. `rejected`: retailer, item_number, collected_on of the
    retailer-item-days that were judged faulty. `weights`: see `index_tree.TreeWeights`. Raises ValueError as they do.
    """
    days, found = strata(quotes, pack_sizes)
    faulty: dict[tuple[str, int], set[date]] = {}
    for retailer, item, day in rejected.select("retailer", "item_number", "collected_on").iter_rows():
        faulty.setdefault((retailer, item), set()).add(day)
    days_of = [faulty.get((one.retailer, one.item_number), set()) for one in found]
    drawn = [
        product_weights(
            len(one.products),
            bootstrap.replicates,
            stratum_generator(bootstrap.seed, data_origin, one.retailer, one.item_number),
        )
        for one in found
    ]
    return World(
        data_origin,
        days,
        found,
        index_tree(found, weights) if found else [],
        [np.array([day in own for day in days], dtype=np.bool_) for own in days_of],
        drawn,
        week,
    )


def recipe_frames(world: World, recipes: Iterable[IndexRecipe], *, scopes: Sequence[str] = SCOPES) -> RecipeFrames:
    """Compute every output of the recipes for each scope.

    An output whose collection days do not occur in the series (so far) has no row. Raises ValueError on an unknown
    scope. Where no quote was judged out of its item, the scopes are the same figures.
    """
    for scope in scopes:
        refuse_unknown("scope", scope, SCOPES)
    found: list[RecipeFrames] = []
    for recipe in recipes if world.strata else ():
        for output in recipe.outputs:
            done: RecipeFrames | None = None
            periods = recipe_periods(world.days, output.frequency, output.days, world.week)
            if len(periods.starts) == 0:
                continue
            clusters = [shelf_clusters(stratum, periods, output) for stratum in world.strata]
            for scope in scopes:
                if done is None or world.has_quotes_out_of_scope:
                    done = _output_frames(world, (recipe, output, scope), periods, clusters)
                else:
                    done = _relabelled(done, scope)
                found.append(done)
    return RecipeFrames(
        _stacked(RecipeElementaryIndex, [one.elementary for one in found]),
        _stacked(RecipeIndex, [one.indices for one in found]),
        _stacked(IndexDiagnostics, [one.diagnostics for one in found]),
        _stacked(IndexMovement, [one.movements for one in found]),
    )


def _stacked(schema: type[dy.Schema], frames: list[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(frames) if frames else schema.create_empty()
    checked: pl.DataFrame = schema.validate(frame.select(schema.column_names()), cast=True)
    return checked


def _relabelled(frames: RecipeFrames, scope: str) -> RecipeFrames:
    label = pl.lit(scope).alias("scope")
    return RecipeFrames(
        frames.elementary.with_columns(label),
        frames.indices.with_columns(label),
        frames.diagnostics.with_columns(label),
        frames.movements.with_columns(label),
    )


def _output_frames(
    world: World, what: tuple[IndexRecipe, RecipeOutput, str], periods: Periods, clusters: Sequence[Integers | None]
) -> RecipeFrames:
    recipe, output, scope = what
    inputs = [_StratumPrices.of(one, scope, recipe, periods) for one in world.strata]
    elementary = [
        elementary_index(one.stratum, one.prices, output, periods, cluster_of)
        for one, cluster_of in zip(inputs, clusters, strict=True)
    ]
    layer = _stratum_layer(world, periods, inputs, elementary)
    figures: list[LevelFigures] = []
    for tree in world.tree:
        figures.append(level_figures(tree, layer, periods.base, periods.base_text))
        layer = figures[-1].layer
    labels = {"data_origin": world.data_origin, "recipe": recipe.name, "method": output.method, "scope": scope}
    notes = _notes(output, periods)
    return RecipeFrames(
        _elementary_frame(labels, periods, inputs, elementary),
        pl.concat(_index_frame(labels, recipe, periods, one, notes, _seasons(one, inputs)) for one in figures),
        pl.concat(diagnostics_frame(labels, output, periods, one, _days_collected(periods, inputs)) for one in figures),
        pl.concat(_movement_frame(labels, periods, one) for one in figures),
    )


@dataclass(frozen=True, eq=False)
class _StratumPrices:
    """The daily prices of a stratum that a recipe takes, and how many there are in its periods."""

    stratum: Stratum
    prices: Floats
    quotes: NDArray[np.int64]
    referred: NDArray[np.int64]
    out_of_season: Booleans

    @staticmethod
    def of(stratum: Stratum, scope: str, recipe: IndexRecipe, periods: Periods) -> _StratumPrices:
        prices = stratum.of_scope(scope)
        out = np.zeros(len(prices), dtype=np.bool_)
        if recipe.seasonal is not None and stratum.item_number in recipe.seasonal.items:
            there = (prices > 0).any(axis=1)
            out = there & ~in_season((prices > 0).sum(axis=1), recipe.seasonal)
            prices = np.where(out[:, None], 0.0, prices)
        counts = periods.of_day >= 0
        rows, size = periods.of_day[counts], len(periods.starts)

        def by_period(days: NDArray) -> NDArray[np.int64]:
            return np.bincount(rows, weights=days[counts], minlength=size).astype(np.int64)

        referred = (prices > 0) & (stratum.judged == UNDECIDED)
        return _StratumPrices(
            stratum, prices, by_period((prices > 0).sum(axis=1)), by_period(referred.sum(axis=1)), by_period(out) > 0
        )


def _stratum_layer(
    world: World, periods: Periods, inputs: Sequence[_StratumPrices], elementary: Sequence[Elementary]
) -> Layer:
    """Stack the elementary indices: the last axis is the stratum."""
    drawn = [one.replicates(weights) for one, weights in zip(elementary, world.weights, strict=True)]
    point = np.stack([np.stack([one.levels, one.full], axis=1) for one in elementary], axis=2)
    full_segments = [np.where(np.isfinite(one.full), 0, -1) for one in elementary]
    segments = np.stack(
        [np.stack([one.segments, full], axis=1) for one, full in zip(elementary, full_segments, strict=True)], axis=2
    )
    retailers = sorted({one.retailer for one in world.strata})
    is_retailer = np.array([[one.retailer == name for one in world.strata] for name in retailers])
    there = np.isfinite(point[:, 0])
    rows = np.where(periods.of_day >= 0, periods.of_day, len(periods.starts))
    rejected = [np.bincount(rows, weights=days, minlength=len(periods.starts) + 1)[:-1] > 0 for days in world.rejected]
    return Layer(
        levels=point,
        segments=segments,
        replicates=np.stack([levels for levels, _ in drawn], axis=2),
        replicate_segments=np.stack([numbers for _, numbers in drawn], axis=2),
        share=np.zeros(there.shape),
        parts=elementary_parts(np.stack([one.parts for one in elementary], axis=1)),
        rejected=np.stack(rejected, axis=1),
        counts={
            "products": _stacked_counts([one.priced for one in elementary]),
            "products_used": _stacked_counts([one.used for one in elementary]),
            "quotes": np.stack([one.quotes for one in inputs], axis=1),
            "referred": np.stack([one.referred for one in inputs], axis=1),
            "filtered": np.stack([one.left_out for one in elementary], axis=1),
        },
        used=_stacked_counts([one.used for one in elementary]),
        retailers=there[:, None, :] & is_retailer[None],
        revisions=np.stack([one.revisions for one in elementary], axis=1),
        sampled=np.array([float(one.sampled_products > 1) for one in elementary]),
    )


def _stacked_counts(marks: Sequence[Booleans]) -> NDArray[np.int64]:
    return np.stack([one.sum(axis=1) for one in marks], axis=1)


def _notes(output: RecipeOutput, periods: Periods) -> list[str]:
    """Say what holds of every figure of an output."""
    notes = [output.note] if output.note else []
    if output.formula in WINDOW_METHODS and output.window is not None and len(periods.starts) < output.window:
        notes.append(
            f"window of {output.window} periods not full: all {len(periods.starts)} so far, revised until it is"
        )
    return notes


def _seasons(figures: LevelFigures, inputs: Sequence[_StratumPrices]) -> dict[tuple[int, int], str]:
    """Say, by period and parent, where an item is out of season."""
    if figures.tree.name != "item":
        return {}
    position = {code: n for n, code in enumerate(figures.tree.codes)}
    found: dict[tuple[int, int], list[str]] = {}
    for one in inputs:
        for period in np.flatnonzero(one.out_of_season):
            key = (int(period), position[str(one.stratum.item_number)])
            found.setdefault(key, []).append(one.stratum.retailer)
    return {key: f"{OUT_OF_SEASON} at {', '.join(names)}" for key, names in found.items()}


def _days_collected(periods: Periods, inputs: Sequence[_StratumPrices]) -> NDArray[np.int64]:
    there = np.logical_or.reduce([(one.stratum.prices > 0).any(axis=1) for one in inputs])
    rows = periods.of_day[there & (periods.of_day >= 0)]
    return np.bincount(rows, minlength=len(periods.starts))


def _elementary_frame(
    labels: dict[str, str], periods: Periods, inputs: Sequence[_StratumPrices], elementary: Sequence[Elementary]
) -> pl.DataFrame:
    size = len(periods.starts)
    reasons = [
        OUT_OF_SEASON if out and not there else reason
        for one, index in zip(inputs, elementary, strict=True)
        for out, there, reason in zip(one.out_of_season, np.any(index.priced, axis=1), index.reasons, strict=True)
    ]
    columns = {
        "retailer": [one.stratum.retailer for one in inputs for _ in range(size)],
        "item_number": np.repeat([one.stratum.item_number for one in inputs], size),
        "period": periods.starts * len(inputs),
        "segment": np.concatenate([index.segments for index in elementary]),
        "level": pl.Series(np.concatenate([index.levels for index in elementary]), nan_to_null=True),
        "products": np.concatenate([index.priced.sum(axis=1) for index in elementary]),
        "products_used": np.concatenate([index.used.sum(axis=1) for index in elementary]),
        "quotes": np.concatenate([one.quotes for one in inputs]),
        "filtered": np.concatenate([index.left_out for index in elementary]),
        "window_revision": pl.Series(np.concatenate([index.revisions for index in elementary]), nan_to_null=True),
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    frame = pl.DataFrame(columns).with_columns(segment=pl.when(pl.col("segment") >= 0).then("segment"))
    known = frame.filter((pl.col("products") > 0) | pl.col("reason").is_not_null())
    return known.with_columns(**{name: pl.lit(value) for name, value in labels.items()})


def _index_frame(
    labels: dict[str, str],
    recipe: IndexRecipe,
    periods: Periods,
    figures: LevelFigures,
    notes: list[str],
    seasons: dict[tuple[int, int], str],
) -> pl.DataFrame:
    layer, parents = figures.layer, len(figures.tree.codes)
    index = layer.levels[:, 0]
    status = np.where(figures.children_absent == 0, "complete", "partial")
    reasons = [
        "; ".join(filter(None, [figures.reasons[t][parent], seasons.get((t, parent)), *notes])) or None
        for t in range(len(periods.starts))
        for parent in range(parents)
    ]
    columns = {
        "index": pl.Series(index.ravel(), nan_to_null=True),
        "products": layer.used.ravel(),
        "retailers": layer.retailers.sum(axis=1).ravel(),
        "children": np.tile(figures.children, len(periods.starts)),
        "children_absent": figures.children_absent.ravel(),
        "imputed_share": pl.Series(layer.share.ravel(), nan_to_null=True),
        "status": np.where(np.isfinite(index), status, "none").ravel().tolist(),
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    return figure_rows(labels, periods, figures.tree, columns).with_columns(
        frequency=pl.lit(periods.frequency),
        base_period=pl.lit(periods.base_text, pl.String),
        parameters_hash=pl.lit(parameters_hash(recipe)),
    )


def _movement_frame(labels: dict[str, str], periods: Periods, figures: LevelFigures) -> pl.DataFrame:
    index = figures.layer.levels[:, 0]
    previous = previous_rows(np.isfinite(index))
    columns = {
        "previous_period": [periods.starts[row] for row in previous.ravel()],
        "movement": log_movements(index, previous).ravel(),
        **{name: figures.layer.parts[:, :, place].ravel() for place, name in enumerate(PARTS)},
    }
    frame = figure_rows(labels, periods, figures.tree, columns)
    return frame.filter(pl.Series(previous.ravel() >= 0))


def figure_rows(labels: dict[str, str], periods: Periods, tree: TreeLevel, columns: dict[str, object]) -> pl.DataFrame:
    """Put columns (periods x parents, flat) beside the keys of their figures."""
    keys = {
        "period": np.repeat(np.array(periods.starts, dtype="datetime64[D]"), len(tree.codes)),
        "code": tree.codes * len(periods.starts),
    }
    frame = pl.DataFrame({**keys, **columns})
    return frame.with_columns(level=pl.lit(tree.name), **{name: pl.lit(value) for name, value in labels.items()})
