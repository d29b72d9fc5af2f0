"""Diagnostics of each figure of a recipe: standard error, sample size, revision, drift, and its movement in parts.

Point figures are read, not computed again; the elementary forms are built again for the resamples and the parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.panels.input_checks import instance_of
from ons_bigdata.prices.methods.recipes.blocks.full_windows import drift_periods_before, recent_window_indices
from ons_bigdata.prices.methods.recipes.blocks.layers import COUNTS, Layer, LayerState, RecentReplicates, level_layer
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.bootstrap import (
    NO_INDEX,
    NOT_DAILY,
    Bootstrap,
    change_errors,
    error_reason,
    product_weights,
    standard_errors,
)
from ons_bigdata.prices.methods.recipes.elementary import full_window_indices, movement_parts
from ons_bigdata.prices.methods.recipes.figures import (
    IndexFigures,
    OriginPanels,
    by_period,
    figure_rows,
    over_scopes,
    stacked,
)
from ons_bigdata.prices.methods.recipes.forms import LinkedChain
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.movements import PARTS, LastFigures, elementary_parts
from ons_bigdata.prices.schemas.indices import ElementaryIndex, IndexDiagnostics, IndexMovement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.catalogue import Recipe, RecipeOutput
    from ons_bigdata.prices.methods.recipes.figures import OutputForms
    from ons_bigdata.prices.methods.recipes.levels import LevelBases
    from ons_bigdata.prices.methods.recipes.panels import Periods
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

NO_WINDOW = "no window: nothing is revised"
FIRST_WINDOW = "the first window has no other before it"
NO_CHAIN = "no chain: the index is compared with its base directly"
NO_FULL_WINDOW = "no index over one window of all periods"


@dataclass(frozen=True, eq=False)
class IndexDiagnosis:
    """Diagnostics of figures: `IndexDiagnostics` and `IndexMovement` rows."""

    diagnostics: pl.DataFrame
    movements: pl.DataFrame


def index_diagnostics(
    panels: OriginPanels,
    recipes: Iterable[Recipe],
    figures: IndexFigures,
    bootstrap: Bootstrap,
    *,
    scopes: Sequence[str] | None = None,
) -> IndexDiagnosis:
    """Compute standard errors, diagnostics and movements of the figures that `index_figures` made of the same panels.

    `scopes`: as in `index_figures`. Raises ValueError where the figures lack an output, scope or period
    of these recipes, which is named: they are of other quotes.
    """
    instance_of("panels", panels, OriginPanels)
    instance_of("figures", figures, IndexFigures)
    instance_of("bootstrap", bootstrap, Bootstrap)
    elementary = figures.elementary.partition_by(_OUTPUT, as_dict=True)
    aggregates = figures.aggregates.partition_by([*_OUTPUT, "level"], as_dict=True)
    weights = stratum_weights(panels, bootstrap)
    drift = FullWindows(panels)
    frames = over_scopes(
        panels,
        recipes,
        scopes,
        lambda of: _output_diagnosis(of, (weights, drift), (elementary, aggregates)),
    )
    return IndexDiagnosis(
        stacked(IndexDiagnostics, [diagnostics for diagnostics, _ in frames]),
        stacked(IndexMovement, [movements for _, movements in frames]),
    )


def stratum_weights(panels: OriginPanels, bootstrap: Bootstrap) -> dict[tuple[str, int], Floats]:
    """Draw the weights of the products of each retailer and item, see `product_weights`."""
    origin = panels.history.data_origin
    return {
        (stratum.retailer, stratum.item_number): product_weights(
            stratum.products, bootstrap.replicates, bootstrap.seed, origin, stratum.retailer, stratum.item_number
        )
        for stratum in panels.strata
    }


_OUTPUT = ["data_origin", "recipe", "method", "scope"]
_Rows = dict[tuple[object, ...], pl.DataFrame]


@dataclass(frozen=True, eq=False)
class FullWindows:
    """Indices over one window of all periods of a view; those of the daily prices as they are serve all chains."""

    panels: OriginPanels
    _daily: dict[int, Floats] = field(default_factory=dict, repr=False)

    def log_drift(self, of: OutputForms, indices: Floats, segments: Integers) -> Floats:
        """Log drift of the indices of a block, see `_log_drift`.

        `indices`, `segments`: periods of the view, up to the end of the block, x strata.
        """
        full = np.stack([self._indices(of, n, indices[:, n]) for n in range(indices.shape[1])], axis=1)
        return _log_drift(indices, segments, full)[of.block.rows]

    def _indices(self, of: OutputForms, stratum: int, published: Floats) -> Floats:
        """Index of a stratum over one window of all periods, see `full_window_indices`."""
        form = of.forms[stratum]
        periods = self.panels.in_view(of.based.periods, of.block)
        if form.prices is not self.panels.strata[stratum].prices or not isinstance(form.form, LinkedChain):
            return full_window_indices(form, published, periods)
        if stratum not in self._daily:
            self._daily[stratum] = full_window_indices(form, published, periods)
        return self._daily[stratum]


@dataclass(frozen=True, eq=False)
class RecentWindows:
    """Indices over one window of the periods of a block and some before, see `recent_window_indices`."""

    panels: OriginPanels

    def log_drift(self, of: OutputForms, indices: Floats, segments: Integers) -> Floats:
        """Log of the indices of a block less that over the window; nan without any.

        `indices`, `segments`: periods of the view, up to the end of the block, x strata.
        """
        before, periods = drift_periods_before(of.output), self.panels.in_view(of.based.periods, of.block)
        recent = [
            recent_window_indices(form, periods, (indices[:, n], segments[:, n]), before=before)
            for n, form in enumerate(of.forms)
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            drift: Floats = np.log(indices[of.block.rows]) - np.log(np.stack(recent, axis=1))
        return drift


@dataclass(frozen=True, eq=False)
class ElementaryState:
    """State of the resampled elementary indices of an output before a block, and their last figures."""

    pasts: list[Past]
    figures: LastFigures

    @staticmethod
    def none(strata: int, replicates: int) -> ElementaryState:
        """State before the first period of all."""
        return ElementaryState([Past.none(replicates)] * strata, LastFigures.none(1, strata))


def _output_diagnosis(
    of: OutputForms, known: tuple[Mapping[tuple[str, int], Floats], FullWindows], figures: tuple[_Rows, _Rows]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    weights, drift = known
    elementary, aggregates = figures
    key = tuple(of.labels.values())
    history = of.panels.history
    draws = [weights[stratum] for stratum in history.strata]
    # without a quote on the days that count there are aggregates, all null, and no elementary index
    indices = elementary.get(key, ElementaryIndex.create_empty())
    layer, _ = elementary_layer(of, draws, drift, indices, ElementaryState.none(len(draws), len(draws[0])))
    bases = of.based.by_stretch(history.tree, np.array([form.segments for form in of.forms]))
    layers = [LayerState.none(tree, level, len(draws[0])) for tree, level in zip(history.tree, bases, strict=True)]
    rows = [_rows_of(aggregates, (*key, tree.name)) for tree in history.tree]
    diagnostics, movements, _ = level_rows(of, layer, rows, (bases, layers))
    return diagnostics, movements


def level_rows(
    of: OutputForms, layer: Layer, rows: Sequence[pl.DataFrame], known: tuple[list[LevelBases], list[LayerState]]
) -> tuple[pl.DataFrame, pl.DataFrame, list[LayerState]]:
    """Rows of the diagnostics and movements of all levels of a block, and the states after it.

    `rows`: published figures of each level. `known`: bases of each level in the block, and its state before. Without
    replicates no diagnostics.
    """
    days_collected = _days_collected(of.panels.history, of.based.periods, of.block)
    diagnostics, movements, after = [], [], []
    for tree, published, bases, before in zip(of.panels.history.tree, rows, *known, strict=True):
        known_figures = _published(published, of.starts, (tree, bases), ("index", "imputed_share", "retailers"))
        layer, following = level_layer(tree, layer, known_figures, bases, before)
        level = _Level(of, tree, bases, layer, before.recent.followed_by(layer))
        if layer.replicates.shape[1]:
            diagnostics.append(_diagnostics_frame(level, known_figures["retailers"], days_collected))
        movements.append(_movement_frame(level))
        after.append(following)
    made = pl.concat(diagnostics) if diagnostics else IndexDiagnostics.create_empty()
    return made, pl.concat(movements), after


@dataclass(frozen=True, eq=False)
class _Level:
    """Layer of one level in a block, its bases, and its replicates with those of the periods before."""

    of: OutputForms
    tree: TreeLevel
    bases: LevelBases
    layer: Layer
    recent: RecentReplicates

    def rows(self, columns: dict[str, object]) -> pl.DataFrame:
        """Columns with the keys of the figures."""
        return figure_rows(self.of.labels, self.of.starts, (self.tree, self.bases), columns)


def _rows_of(rows: _Rows, key: tuple[object, ...]) -> pl.DataFrame:
    if key not in rows:
        message = f"figures: no rows of {' '.join(map(str, key))}; compute the figures of these quotes first"
        raise ValueError(message)
    return rows[key]


def _published(
    rows: pl.DataFrame, starts: Sequence[date], level: tuple[TreeLevel, LevelBases], columns: Sequence[str]
) -> dict[str, Floats]:
    """Columns of the figures of a level as arrays, periods x parents; nan where there is no row."""
    tree, bases = level
    if rows.height != bases.has_rows.sum():
        message = (
            f"figures: {rows.height} rows of {tree.name}, expected {bases.has_rows.any(axis=1).sum()} periods"
            f" x {len(tree.codes)}; compute the figures of these quotes first"
        )
        raise ValueError(message)
    place = _places(rows, starts, {code: n for n, code in enumerate(tree.codes)}, ["code"])
    return {name: _arranged(rows[name], place, (len(starts), len(tree.codes)), np.nan) for name in columns}


def _places(
    rows: pl.DataFrame, starts: Sequence[date], columns: Mapping[Any, int], key: Sequence[str]
) -> tuple[Integers, Integers]:
    """Row (period) and column of each figure. Raises ValueError on one that the periods or columns lack."""
    row_of = {start: n for n, start in enumerate(starts)}
    names = rows.select(key).rows() if len(key) > 1 else rows[key[0]].to_list()
    try:
        at = [row_of[period] for period in rows["period"]], [columns[name] for name in names]
    except KeyError as error:
        message = f"figures: {error.args[0]} is not in the quotes; compute the figures of these quotes first"
        raise ValueError(message) from error
    return np.array(at[0], dtype=np.int64), np.array(at[1], dtype=np.int64)


def _arranged(values: pl.Series, place: tuple[Integers, Integers], shape: tuple[int, int], empty: float) -> NDArray:
    array = np.full(shape, empty)
    array[place] = values.cast(pl.Float64).fill_null(empty).to_numpy()
    return array


def elementary_layer(
    of: OutputForms,
    draws: Sequence[Floats],
    drift: FullWindows | RecentWindows | None,
    rows: pl.DataFrame,
    before: ElementaryState,
) -> tuple[Layer, ElementaryState]:
    """Elementary indices of a block, published and resampled, side by side; and the state after it.

    `draws`: weights of the resamples of each stratum, see `product_weights`. `drift`: None where it is not asked for.
    `rows`: `ElementaryIndex` of the periods from the start of the view to the end of the block.
    """
    history, periods, block = of.panels.history, of.based.periods, of.block
    own, starts = block.rows, periods.starts[block.view : block.stop]
    shape = (len(starts), len(history.strata))
    place = _places(rows, starts, {stratum: n for n, stratum in enumerate(history.strata)}, ["retailer", "item_number"])
    indices = _arranged(rows["segment_index"], place, shape, np.nan)
    segments = _arranged(rows["segment"], place, shape, ABSENT).astype(np.int64)
    replicates, numbers, pasts = _drawn(of, draws, before.pasts)
    parts = [movement_parts(form, indices[own, n], segments[own, n]) for n, form in enumerate(of.forms)]
    drifts = np.full(indices[own].shape, np.nan) if drift is None else drift.log_drift(of, indices, segments)
    counts = {name: _arranged(rows[name], place, shape, 0.0).astype(np.int64)[own] for name in COUNTS}
    revisions = _arranged(rows["window_revision"], place, shape, np.nan)[own]
    indices, segments = indices[own], segments[own]
    parts_of = np.zeros(indices.shape, dtype=np.int64)
    previous = before.figures.previous(indices, parts_of)
    layer = Layer(
        indices=indices,
        segments=segments,
        parts_of=parts_of,
        previous=previous,
        replicates=replicates,
        replicate_segments=numbers,
        imputed_share=np.zeros(indices.shape),
        movements=before.figures.movements(indices, parts_of, previous),
        parts=elementary_parts(np.stack(parts, axis=1)),
        rejected=np.stack([by_period(days, periods, block) > 0 for days in history.rejected], axis=1),
        counts=counts,
        revisions=revisions,
        drift=drifts,
        sampled=np.broadcast_to([float(form.sampled_products > 1) for form in of.forms], indices.shape),
    )
    return layer, ElementaryState(pasts, before.figures.after(indices, parts_of))


def _log_drift(indices: Floats, segments: Integers, full: Floats) -> Floats:
    """Log movement of each index since the first period of its segment, less that over one window; nan without any.

    `indices`, `segments`, `full` (over one window): periods x strata.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.log(indices) - np.log(full)
    drift = np.full(apart.shape, np.nan)
    for segment in range(segments.max(initial=ABSENT) + 1):
        there = (segments == segment) & np.isfinite(apart)
        start = np.take_along_axis(apart, there.argmax(axis=0)[None], axis=0)
        drift = np.where(there, apart - start, drift)
    return drift


def _drawn(of: OutputForms, draws: Sequence[Floats], pasts: Sequence[Past]) -> tuple[Floats, Integers, list[Past]]:
    """Replicates of the elementary indices of a block and their segments, periods x B x strata; and what is kept."""
    shape = (of.block.stop - of.block.start, len(draws[0]), len(of.forms))
    levels, segments = np.empty(shape), np.empty(shape, dtype=np.int64)
    after: list[Past] = []
    if not len(draws[0]):
        return levels, segments, list(pasts)
    for n, (form, weights, past) in enumerate(zip(of.forms, draws, pasts, strict=True)):
        levels[:, :, n], segments[:, :, n], following = form.continued(weights, past)
        after.append(following)
    return levels, segments, after


def _days_collected(history: OriginHistory, periods: Periods, block: Block) -> Integers:
    """Days of each period with a quote of any retailer and item."""
    return by_period(np.logical_or.reduce(history.present), periods, block)


def _diagnostics_frame(level: _Level, retailers: Floats, days_collected: Integers) -> pl.DataFrame:
    """Rows of `IndexDiagnostics` of one level. `retailers`: of the published figures.

    Standard errors: standard deviation of the figure over the resamples, index points; of its change since the period
    before, and of a daily figure since seven days before, percent. matched_share: products compared
    with another period / products on sale. referred_share: quotes whose scope is undecided / quotes. Window revision:
    the log change from t-2 to t-1 in the window that ends in t less that in the window before, averaged by weight;
    drift: the movement of the index since the start of the window / that of the same method over one window (for chains
    the time-product dummy) - 1, averaged by weight; percent.
    """
    of, layer = level.of, level.layer
    index = layer.indices
    errors, count = standard_errors(layer.replicates)
    has_index = np.isfinite(index)
    shape = index.shape
    errors, reasons = _errors_or_reasons(layer, (errors, count), np.ones(shape, dtype=np.bool_))
    drift = 100.0 * np.expm1(np.where(has_index, layer.drift, np.nan))
    revision = 100.0 * np.expm1(layer.revisions)
    every_day = np.ones(len(of.panels.history.days), dtype=np.bool_)
    days_in_period = by_period(every_day, of.based.periods, of.block)
    columns: dict[str, object] = {
        "index": _nulls(index),
        "standard_error": _nulls(errors),
        "standard_error_reason": reasons,
        **_change_error_columns(level),
        "replicates": count.ravel(),
        "sampled_share": _nulls(layer.sampled),
        "days_collected": np.repeat(days_collected, shape[1]),
        "days_in_period": np.repeat(days_in_period, shape[1]),
        "retailers": np.nan_to_num(retailers).astype(np.int64).ravel(),
        **{name: layer.counts[name].ravel() for name in ("products", "products_used", "quotes", "filtered")},
        "matched_share": _share(layer.counts["products_used"], layer.counts["products"]),
        "entries_per_product": _share(layer.counts["quotes"], layer.counts["products"]),
        "referred_share": _share(layer.counts["quotes_undecided"], layer.counts["quotes"]),
        "imputed_share": _nulls(layer.imputed_share),
        "window_revision_percent": _nulls(revision),
        "window_revision_reason": _reasons(revision, _no_revision(of.output, has_index)),
        "drift_percent": _nulls(drift),
        "drift_reason": _reasons(drift, _no_drift(of.output, has_index)),
    }
    return level.rows(columns).with_columns(frequency=pl.lit(of.output.frequency))


def _change_error_columns(level: _Level) -> dict[str, pl.Series]:
    """Standard errors of the changes since the period before and since seven days before, with reasons for nulls."""
    columns: dict[str, pl.Series] = {}
    layer, recent, block = level.layer, level.recent, level.of.block
    kept_from = block.stop - len(recent.replicates)
    new = slice(block.start - kept_from, None)
    for name, days in (("change", 1), ("week_change", 7)):
        if name == "week_change" and level.of.output.frequency != "daily":
            none = np.full(layer.indices.shape, np.nan)
            errors, reasons = none, pl.Series([NOT_DAILY] * none.size, dtype=pl.String)
        else:
            calendar = level.of.based.periods.rows_of_days_before(days)[kept_from : block.stop]
            earlier = np.where(calendar >= kept_from, calendar - kept_from, -1)
            row = np.maximum(earlier, 0)
            has_earlier = (earlier >= 0)[:, None] & recent.has_index[row] & (recent.parts_of == recent.parts_of[row])
            estimated = change_errors(recent.replicates, earlier)
            errors, reasons = _errors_or_reasons(layer, (estimated[0][new], estimated[1][new]), has_earlier[new])
        columns[f"{name}_error_percent"] = _nulls(errors)
        columns[f"{name}_error_reason"] = reasons
    return columns


def _errors_or_reasons(
    layer: Layer, estimated: tuple[Floats, Integers], has_earlier: Booleans
) -> tuple[Floats, pl.Series]:
    """Standard errors (periods x parents) where they can be given, nan elsewhere, and the reason of each nan."""
    errors, count = estimated
    has_index, has_sample = np.isfinite(layer.indices), layer.sampled > 0
    size = layer.replicates.shape[1]
    reasons = [
        error_reason(
            has_index=bool(has_index[t, p]),
            has_sample=bool(has_sample[t, p]),
            count=int(count[t, p]),
            replicates=size,
            has_earlier=bool(has_earlier[t, p]),
        )
        for t in range(has_index.shape[0])
        for p in range(has_index.shape[1])
    ]
    return np.where(has_index & has_earlier & has_sample, errors, np.nan), pl.Series(reasons, dtype=pl.String)


def _movement_frame(level: _Level) -> pl.DataFrame:
    """Rows of `IndexMovement` of one level."""
    layer, starts = level.layer, level.of.based.periods.starts
    columns = {
        "previous_period": pl.Series(
            [starts[number] if number >= 0 else None for number in layer.previous.ravel()], dtype=pl.Date
        ),
        "movement": layer.movements.ravel(),
        **{name: layer.parts[:, :, place].ravel() for place, name in enumerate(PARTS)},
    }
    return level.rows(columns).filter(pl.col("previous_period").is_not_null())


def _no_revision(output: RecipeOutput, has_index: Booleans) -> NDArray:
    reason = FIRST_WINDOW if FORMULAS[output.formula].windowed else NO_WINDOW
    return np.where(has_index, reason, NO_INDEX)


def _no_drift(output: RecipeOutput, has_index: Booleans) -> NDArray:
    formula = FORMULAS[output.formula]
    return np.where(has_index, NO_FULL_WINDOW if formula.windowed or formula.chained else NO_CHAIN, NO_INDEX)


def _reasons(values: Floats, reasons: NDArray) -> pl.Series:
    flat = zip(np.isfinite(values).ravel(), reasons.ravel(), strict=True)
    return pl.Series([None if known else str(reason) for known, reason in flat], dtype=pl.String)


def _share(part: NDArray, whole: NDArray) -> pl.Series:
    share = np.divide(part, whole, where=whole > 0, out=np.full(part.shape, np.nan))
    return _nulls(share)


def _nulls(values: Floats) -> pl.Series:
    return pl.Series(np.ascontiguousarray(values).ravel(), nan_to_null=True)
