"""Point figures of recipes over the quotes of one data origin: elementary indices and their aggregates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.panels.input_checks import instance_of, listed_values
from ons_bigdata.prices.methods.recipes.blocks.based_periods import based_outputs
from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory, origin_history
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.catalogue import SCOPES, Recipe, RecipeOutput, parameters_hash
from ons_bigdata.prices.methods.recipes.elementary import block_form, elementary_index, shelf_clusters
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.levels import BasePart, LevelBases, LevelState, Members, level_figures
from ons_bigdata.prices.methods.recipes.panels import OUT, UNDECIDED, Stratum, strata
from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    import dataframely as dy
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.base_means import BaseMeans
    from ons_bigdata.prices.methods.recipes.blocks.based_periods import BasedPeriods
    from ons_bigdata.prices.methods.recipes.elementary import StratumForm
    from ons_bigdata.prices.methods.recipes.levels import LevelFigures
    from ons_bigdata.prices.methods.recipes.panels import Periods, Week

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OUT_OF_SEASON = "out of season"


@dataclass(frozen=True, eq=False)
class OriginPanels:
    """Quotes of one data origin by retailer and item, on consecutive days of its history, or mean prices of periods.

    `strata`: of all retailers and items of the history, in its order. `first_day`: row of their first day in the
    calendar of the history. `calendar`: of mean prices, the frequency and the days that count; their rows are
    consecutive periods, `first_day` the number of the first, without the days out of season.
    """

    history: OriginHistory
    strata: list[Stratum]
    first_day: int = 0
    calendar: tuple[str, str] | None = None

    def in_view(self, periods: Periods, block: Block) -> Periods:
        """Periods of the view of a block that the days of these panels are in."""
        if self.calendar is not None:
            if block.view != self.first_day:
                message = f"block: found a view from period {block.view}, expected from {self.first_day}, as the prices"
                raise ValueError(message)
            rows = slice(block.view, block.view + len(self.strata[0].prices))
            of_day = np.arange(len(self.strata[0].prices))
            return replace(periods, starts=periods.starts[rows], of_day=of_day, base=periods.base[rows])
        days = slice(self.first_day, self.first_day + len(self.strata[0].prices))
        of_day = np.where(periods.of_day[days] >= block.view, periods.of_day[days] - block.view, ABSENT)
        rows = slice(block.view, block.view + int(of_day.max(initial=ABSENT)) + 1)
        return replace(periods, starts=periods.starts[rows], of_day=of_day, base=periods.base[rows])


@dataclass(frozen=True, eq=False)
class IndexFigures:
    """Figures of recipes: `ElementaryIndex` and `AggregateIndex` rows."""

    elementary: pl.DataFrame
    aggregates: pl.DataFrame


@dataclass(frozen=True, eq=False)
class OutputForms:
    """One output of a recipe for one scope in a block of periods.

    `based`: periods of all history and their bases. `inputs`, `forms`: by stratum, prices that enter in the view of the
    block, and elementary form.
    """

    panels: OriginPanels
    recipe: Recipe
    output: RecipeOutput
    scope: str
    based: BasedPeriods
    block: Block
    inputs: list[StratumPrices]
    forms: list[StratumForm]

    @property
    def labels(self) -> dict[str, str]:
        """Key columns that all rows of the output share."""
        origin = self.panels.history.data_origin
        return {"data_origin": origin, "recipe": self.recipe.name, "method": self.output.method, "scope": self.scope}

    @property
    def starts(self) -> list[date]:
        """First days of the block's periods."""
        return self.based.periods.starts[self.block.start : self.block.stop]


@dataclass(frozen=True, eq=False)
class StratumPrices:
    """Daily prices of a stratum that enter a recipe in a view, days x products, and the quotes by period of a block."""

    stratum: Stratum
    prices: Floats
    quotes: Integers
    quotes_undecided: Integers
    out_of_season: Booleans


@dataclass(frozen=True, eq=False)
class ElementaryFigures:
    """Elementary indices of one output, side by side, in a block of periods: periods x strata.

    `starts`: first days of the periods. `labels`: key columns that all rows share. `strata`: retailers and items.
    `indices`, `segments`, `revisions`: see `elementary.Elementary`. `products`: on sale, `products_used`: of these,
    compared with another period; `quotes`, `quotes_undecided`, `filtered`: counts. `reasons`: by stratum and period.
    """

    starts: list[date]
    labels: dict[str, str]
    strata: list[tuple[str, int]]
    indices: Floats
    segments: Integers
    revisions: Floats
    products: Integers
    products_used: Integers
    quotes: Integers
    quotes_undecided: Integers
    filtered: Integers
    out_of_season: Booleans
    reasons: list[list[str | None]]


def origin_panels(
    quotes: pl.DataFrame,
    *,
    data_origin: str,
    pack_sizes: pl.DataFrame,
    rejected: pl.DataFrame,
    weights: TreeWeights,
    week: Week | None,
    rhythms: Mapping[str, str] | None = None,
) -> OriginPanels:
    """Arrange the quotes of one data origin by retailer and item, and build the tree above them.

    `quotes`, `pack_sizes`: see `panels.strata`. `rejected`: retailer, item_number, collected_on of the days whose
    counts were judged faulty. `weights`: see `tree.TreeWeights`. `week`, `rhythms`: see `base_periods.base_weeks`.
    Raises ValueError as `strata` and `index_tree` do, and on an unknown rhythm.
    """
    _, panels = strata(quotes, pack_sizes)
    known = eager_frame(quotes, "quotes").group_by("retailer", "item_number", "collected_on").agg(quotes=pl.len())
    history = origin_history(
        known,
        data_origin=data_origin,
        rejected=rejected,
        weights=weights,
        week=week,
        rhythms=rhythms,
        has_quotes_out_of_scope=any((stratum.judged == OUT).any() for stratum in panels),
    )
    return OriginPanels(history, panels)


def panels_of_days(
    history: OriginHistory, quotes: pl.DataFrame, pack_sizes: pl.DataFrame, days: tuple[int, int]
) -> OriginPanels:
    """Arrange the quotes of some consecutive days of a history.

    `quotes`, `pack_sizes`: see `panels.strata`. `days`: rows of the first and the last day in the history's calendar.
    Raises ValueError as `strata` does, and on a quote of another retailer and item or another day.
    """
    first, last = days
    _, known = strata(quotes, pack_sizes, (history.days[first], history.days[last]))
    by_key = {(stratum.retailer, stratum.item_number): stratum for stratum in known}
    if other := sorted(set(by_key) - set(history.strata)):
        message = f"quotes: found {other[0][0]}, item {other[0][1]}, which the history lacks"
        raise ValueError(message)
    empty = np.zeros((last - first + 1, 0))
    return OriginPanels(
        history,
        [by_key.get(key) or Stratum(*key, [], empty, empty.astype(np.int8), empty[0]) for key in history.strata],
        first,
    )


def index_figures(
    panels: OriginPanels,
    recipes: Iterable[Recipe],
    *,
    scopes: Sequence[str] | None = None,
) -> IndexFigures:
    """Elementary indices and aggregates of every output of the recipes.

    Quotes of a figure that no period connects have each their own base, see `base_periods.connected_parts`, and the
    figures that they have alone, with a remark in `reason`; which they are is looked for in each item, class and
    division. `scopes`: None for those that each recipe publishes. An
    output none of whose collection days occurs in the series has no row. Where no quote was judged out of its item, the
    scopes have the same figures. Raises ValueError on an unknown scope, which lists the known ones.
    """
    figures = over_scopes(panels, recipes, scopes, _output_figures)
    return IndexFigures(
        stacked(ElementaryIndex, [elementary for elementary, _ in figures]),
        stacked(AggregateIndex, [aggregates for _, aggregates in figures]),
    )


def over_scopes(
    panels: OriginPanels,
    recipes: Iterable[Recipe],
    scopes: Sequence[str] | None,
    compute: Callable[[OutputForms], tuple[pl.DataFrame, pl.DataFrame]],
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Two frames of each output and scope; computed once for all scopes where these do not differ.

    Of mean prices of periods, the outputs of their calendar alone.
    """
    frames: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    instance_of("panels", panels, OriginPanels)
    recipes = listed_values("recipes", recipes, "recipes")
    for recipe in recipes:
        instance_of("recipes", recipe, Recipe)
    scopes = None if scopes is None else listed_values("scopes", scopes, "scopes")
    for recipe, output, based in based_outputs(panels.history, recipes, panels.calendar):
        asked_for = recipe.scopes if scopes is None else scopes
        for scope in asked_for:
            refuse_unknown("scope", scope, SCOPES)
        block = Block.whole(len(based.periods.starts))
        clusters = [
            shelf_clusters(stratum, panels.in_view(periods, block), output)
            for stratum, periods in zip(panels.strata, based.of_strata, strict=True)
        ]
        for n, scope in enumerate(asked_for):
            if n == 0 or panels.history.has_quotes_out_of_scope:
                frames.append(compute(forms_of_block(panels, based, (recipe, output, scope), block, clusters=clusters)))
            else:
                label = pl.lit(scope).alias("scope")
                frames.append((frames[-1][0].with_columns(label), frames[-1][1].with_columns(label)))
    return frames


def stacked(schema: type[dy.Schema], frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of frames, whatever the order of their columns, validated."""
    names = schema.column_names()
    chosen = [frame.select(names) for frame in frames]
    frame = pl.concat(chosen, how="vertical_relaxed") if chosen else schema.create_empty()
    valid: pl.DataFrame = schema.validate(frame, cast=True)
    return valid


def figure_rows(
    labels: Mapping[str, str], starts: Sequence[date], figures: tuple[TreeLevel, LevelBases], columns: dict[str, object]
) -> pl.DataFrame:
    """Columns (periods x parents, flat) with the keys of their figures; only of figures that are published."""
    tree, bases = figures
    keys = {
        "period": np.repeat(np.array(starts, dtype="datetime64[D]"), len(tree.codes)),
        "code": tree.codes * len(starts),
    }
    constant = {**labels, "level": tree.name}
    rows = pl.DataFrame({**keys, **columns}).with_columns(**{name: pl.lit(value) for name, value in constant.items()})
    return rows if bases.has_rows.all() else rows.filter(pl.Series(bases.has_rows.ravel()))


def forms_of_block(
    panels: OriginPanels,
    based: BasedPeriods,
    what: tuple[Recipe, RecipeOutput, str],
    block: Block,
    *,
    clusters: Sequence[Integers | None] | None = None,
    bases: Sequence[BaseMeans] | None = None,
    pasts: Sequence[Past] | None = None,
) -> OutputForms:
    """Build the elementary forms of an output for a scope in a block, from the panels of its view.

    By stratum, `clusters`: of the products; `bases`: prices of the base periods, None where these are in the view;
    `pasts`: published index before the block, None where it is the first.
    """
    recipe, output, scope = what
    out = panels.history.out_of_season(recipe.seasonal)
    inputs = [
        _stratum_prices(panels, stratum, scope, (out[n], based.periods, block))
        for n, stratum in enumerate(panels.strata)
    ]
    none = [None] * len(inputs)
    forms = []
    for prices, periods, past, cluster_of, base in zip(
        inputs, based.of_strata, pasts or none, clusters or none, bases or none, strict=True
    ):
        in_view = panels.in_view(periods, block)
        means, _ = in_view.means(prices.prices)
        forms.append(
            block_form(prices.stratum, means, output, in_view, block=block, past=past, cluster_of=cluster_of, base=base)
        )
    return OutputForms(panels, recipe, output, scope, based, block, inputs, forms)


def _stratum_prices(
    panels: OriginPanels, stratum: Stratum, scope: str, when: tuple[Booleans, Periods, Block]
) -> StratumPrices:
    """Prices of a stratum in the view of a block. `when`: calendar days out of season, the periods and the block."""
    out, periods, block = when
    prices, first = stratum.of_scope(scope), panels.first_day
    if stratum.quotes is not None:
        there = np.where(prices > 0, stratum.quotes, 0)
        undecided = np.where(stratum.judged == UNDECIDED, there, 0)
        out_of_season = by_period(out, periods, block) > 0
        counted, referred = (quotes.sum(axis=1)[block.rows] for quotes in (there, undecided))
        return StratumPrices(stratum, prices, counted, referred, out_of_season)
    out_in_view = out[first : first + len(prices)]
    if out_in_view.any():
        prices = np.where(out_in_view[:, None], 0.0, prices)
    undecided = (prices > 0) & (stratum.judged == UNDECIDED)
    return StratumPrices(
        stratum,
        prices,
        by_period((prices > 0).sum(axis=1), periods, block, first),
        by_period(undecided.sum(axis=1), periods, block, first),
        by_period(out, periods, block) > 0,
    )


def by_period(days: NDArray, periods: Periods, block: Block, first_day: int = 0) -> Integers:
    """Sum counts or a mask of calendar days, the first of them row `first_day`, over each period of a block."""
    rows = periods.of_day[first_day : first_day + len(days)] - block.start
    inside = (rows >= 0) & (rows < block.stop - block.start) & (periods.of_day[first_day : first_day + len(days)] >= 0)
    return np.bincount(rows[inside], weights=days[inside], minlength=block.stop - block.start).astype(np.int64)


def _output_figures(of: OutputForms) -> tuple[pl.DataFrame, pl.DataFrame]:
    elementary, _ = elementary_figures(of)
    trees = of.panels.history.tree
    bases = of.based.by_stretch(trees, np.array([form.segments for form in of.forms]))
    states = [LevelState.before_base(level, tree.weights.shape[1]) for tree, level in zip(trees, bases, strict=True)]
    aggregates, _ = aggregate_figures((of.recipe, of.output), trees, elementary, bases, states)
    return elementary_rows(elementary), aggregates


def elementary_figures(of: OutputForms) -> tuple[ElementaryFigures, list[Past]]:
    """Compute the elementary indices of an output in a block, and what is kept of each stratum for the next."""
    computed = [elementary_index(form) for form in of.forms]
    reasons = [
        [
            OUT_OF_SEASON if out and not there else reason
            for out, there, reason in zip(prices.out_of_season, np.any(form.priced, axis=1), index.reasons, strict=True)
        ]
        for prices, form, index in zip(of.inputs, of.forms, computed, strict=True)
    ]
    figures = ElementaryFigures(
        of.starts,
        of.labels,
        of.panels.history.strata,
        indices=np.stack([index.indices for index in computed], axis=1),
        segments=np.stack([index.segments for index in computed], axis=1),
        revisions=np.stack([index.revisions for index in computed], axis=1),
        products=np.stack([form.priced.sum(axis=1) for form in of.forms], axis=1),
        products_used=np.stack([index.used.sum(axis=1) for index in computed], axis=1),
        quotes=np.stack([prices.quotes for prices in of.inputs], axis=1),
        quotes_undecided=np.stack([prices.quotes_undecided for prices in of.inputs], axis=1),
        filtered=np.stack([form.left_out for form in of.forms], axis=1),
        out_of_season=np.stack([prices.out_of_season for prices in of.inputs], axis=1),
        reasons=reasons,
    )
    return figures, [index.past for index in computed]


def aggregate_figures(
    what: tuple[Recipe, RecipeOutput],
    trees: Sequence[TreeLevel],
    elementary: ElementaryFigures,
    bases: Sequence[LevelBases],
    before: Sequence[LevelState],
) -> tuple[pl.DataFrame, list[LevelState]]:
    """Aggregate the elementary indices of a block into items, classes and divisions: rows, and the state after it.

    `what`: recipe and output. `trees`: levels. `bases`: of each level in the periods of the block, `before`: state of
    each level before it.
    """
    members = _elementary_members(elementary)
    frames: list[pl.DataFrame] = []
    after: list[LevelState] = []
    for tree, level, state in zip(trees, bases, before, strict=True):
        figures, following = level_figures(tree, members, level, state)
        frames.append(_aggregate_frame(what, elementary, figures, level))
        after.append(following)
        members = figures.members
    return pl.concat(frames), after


def _elementary_members(elementary: ElementaryFigures) -> Members:
    """Elementary indices as members of the first level."""
    retailers = sorted({retailer for retailer, _ in elementary.strata})
    is_retailer = np.array([[of_stratum == name for of_stratum, _ in elementary.strata] for name in retailers])
    return Members(
        indices=elementary.indices,
        segments=elementary.segments,
        imputed_share=np.zeros(elementary.indices.shape),
        products=elementary.products_used,
        retailers=np.isfinite(elementary.indices)[:, None, :] & is_retailer[None],
    )


def elementary_rows(elementary: ElementaryFigures) -> pl.DataFrame:
    """Rows of `ElementaryIndex` of the periods with products on sale or a reason why there are none."""
    size, strata = len(elementary.starts), elementary.strata
    counts = ("products", "products_used", "quotes", "quotes_undecided", "filtered")
    columns = {
        "retailer": [retailer for retailer, _ in strata for _ in range(size)],
        "item_number": np.repeat([item for _, item in strata], size),
        "period": elementary.starts * len(strata),
        "segment": elementary.segments.T.ravel(),
        "segment_index": pl.Series(elementary.indices.T.ravel(), nan_to_null=True),
        **{name: getattr(elementary, name).T.ravel() for name in counts},
        "window_revision": pl.Series(elementary.revisions.T.ravel(), nan_to_null=True),
        "reason": pl.Series([reason for reasons in elementary.reasons for reason in reasons], dtype=pl.String),
    }
    frame = pl.DataFrame(columns).with_columns(segment=pl.when(pl.col("segment") >= 0).then("segment"))
    known = frame.filter((pl.col("products") > 0) | pl.col("reason").is_not_null())
    return known.with_columns(**{name: pl.lit(value) for name, value in elementary.labels.items()})


def _aggregate_frame(
    what: tuple[Recipe, RecipeOutput], elementary: ElementaryFigures, figures: LevelFigures, bases: LevelBases
) -> pl.DataFrame:
    recipe, output = what
    members, parents, periods = figures.members, len(figures.tree.codes), len(elementary.starts)
    seasons = _seasons(figures.tree, elementary)
    status = np.where(figures.children_absent == 0, "complete", "partial")
    notes = {id(part): _notes(output, part) for parts in bases.parts for part in parts}
    cells = [(t, parent, bases.at(t, parent)) for t in range(periods) for parent in range(parents)]
    reasons = [
        "; ".join(filter(None, [figures.reasons[t][parent], seasons.get((t, parent)), *notes[id(part)]])) or None
        for t, parent, part in cells
    ]
    columns = {
        "index": pl.Series(members.indices.ravel(), nan_to_null=True),
        "products": members.products.ravel(),
        "retailers": members.retailers.sum(axis=1).ravel(),
        "children": figures.children.ravel(),
        "children_absent": figures.children_absent.ravel(),
        "imputed_share": pl.Series(members.imputed_share.ravel(), nan_to_null=True),
        "status": np.where(np.isfinite(members.indices), status, "none").ravel().tolist(),
        "reason": pl.Series(reasons, dtype=pl.String),
        "base_period": pl.Series([part.base_text for *_, part in cells], dtype=pl.String),
    }
    return figure_rows(elementary.labels, elementary.starts, (figures.tree, bases), columns).with_columns(
        frequency=pl.lit(output.frequency),
        parameters_hash=pl.lit(parameters_hash(recipe)),
    )


def _notes(output: RecipeOutput, part: BasePart) -> list[str]:
    """Remarks on every figure of a part."""
    notes = [note for note in (output.note, *part.notes) if note]
    if FORMULAS[output.formula].windowed and output.window is not None and part.span < output.window:
        notes.append(f"window of {output.window} periods not full: all {part.span} so far, revised until it is")
    return notes


def _seasons(tree: TreeLevel, elementary: ElementaryFigures) -> dict[tuple[int, int], str]:
    """Remarks on items out of season, by period and parent."""
    if tree.name != "item":
        return {}
    position = {code: n for n, code in enumerate(tree.codes)}
    retailers: dict[tuple[int, int], list[str]] = {}
    for stratum, period in np.argwhere(elementary.out_of_season.T):
        retailer, item = elementary.strata[stratum]
        retailers.setdefault((int(period), position[str(item)]), []).append(retailer)
    return {key: f"{OUT_OF_SEASON} at {', '.join(names)}" for key, names in retailers.items()}
