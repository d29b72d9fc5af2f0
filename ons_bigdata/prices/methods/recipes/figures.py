"""Point figures of recipes over the quotes of one data origin: elementary indices and their aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown
from ons_bigdata.prices.methods.recipes.catalogue import SCOPES, parameters_hash
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, shelf_clusters, stratum_form
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.levels import Members, level_figures
from ons_bigdata.prices.methods.recipes.panels import OUT, UNDECIDED, in_season, recipe_periods, strata
from ons_bigdata.prices.methods.recipes.tree import index_tree
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    import dataframely as dy
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import Recipe, RecipeOutput
    from ons_bigdata.prices.methods.recipes.elementary import Elementary, StratumForm
    from ons_bigdata.prices.methods.recipes.levels import LevelFigures
    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum, Week
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OUT_OF_SEASON = "out of season"


@dataclass(frozen=True, eq=False)
class OriginPanels:
    """Quotes of one data origin by retailer and item, the tree above them, and the base week.

    `days`: calendar, first to last. `rejected`: per stratum, mask of the calendar days whose counts were judged faulty.
    """

    data_origin: str
    days: list[date]
    strata: list[Stratum]
    tree: list[TreeLevel]
    rejected: list[Booleans]
    week: Week | None

    @property
    def has_quotes_out_of_scope(self) -> bool:
        """True if any quote was judged out of its item, so that the scopes differ."""
        return any((stratum.judged == OUT).any() for stratum in self.strata)


@dataclass(frozen=True, eq=False)
class IndexFigures:
    """Figures of recipes: `ElementaryIndex` and `AggregateIndex` rows."""

    elementary: pl.DataFrame
    aggregates: pl.DataFrame


@dataclass(frozen=True, eq=False)
class OutputForms:
    """One output of a recipe for one scope: its periods, the prices that enter, and the form of each stratum."""

    recipe: Recipe
    output: RecipeOutput
    scope: str
    periods: Periods
    inputs: list[StratumPrices]
    forms: list[StratumForm]

    @property
    def labels(self) -> dict[str, str]:
        """Key columns that all rows of the output share, without the data origin."""
        return {"recipe": self.recipe.name, "method": self.output.method, "scope": self.scope}


@dataclass(frozen=True, eq=False)
class StratumPrices:
    """Daily prices of a stratum that enter a recipe (calendar days x products), and the quotes by period."""

    stratum: Stratum
    prices: Floats
    quotes: Integers
    quotes_undecided: Integers
    out_of_season: Booleans


def origin_panels(
    quotes: pl.DataFrame,
    *,
    data_origin: str,
    pack_sizes: pl.DataFrame,
    rejected: pl.DataFrame,
    weights: TreeWeights,
    week: Week | None,
) -> OriginPanels:
    """Arrange the quotes of one data origin by retailer and item, and build the tree above them.

    `quotes`, `pack_sizes`: see `panels.strata`. `rejected`: retailer, item_number, collected_on of the days whose
    counts were judged faulty. `weights`: see `tree.TreeWeights`. Raises ValueError as `strata` and `index_tree` do.
    """
    days, panels = strata(quotes, pack_sizes)
    faulty: dict[tuple[str, int], set[date]] = {}
    for retailer, item, day in rejected.select("retailer", "item_number", "collected_on").iter_rows():
        faulty.setdefault((retailer, item), set()).add(day)
    days_of = [faulty.get((stratum.retailer, stratum.item_number), set()) for stratum in panels]
    masks = [np.array([day in rejected_days for day in days], dtype=np.bool_) for rejected_days in days_of]
    return OriginPanels(data_origin, days, panels, index_tree(panels, weights) if panels else [], masks, week)


def index_figures(
    panels: OriginPanels, recipes: Iterable[Recipe], *, scopes: Sequence[str] | None = None
) -> IndexFigures:
    """Elementary indices and aggregates of every output of the recipes.

    `scopes`: None for those that each recipe publishes. An output none of whose collection days occurs in the series
    has no row. Where no quote was judged out of its item, the scopes have the same figures. Raises ValueError on an
    unknown scope, which lists the known ones.
    """
    figures = over_scopes(panels, recipes, scopes, lambda forms: _output_figures(panels, forms))
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
    """Two frames of each output and scope; computed once for all scopes where these do not differ."""
    frames: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    for recipe, output, periods in _outputs(panels, recipes):
        asked_for = recipe.scopes if scopes is None else scopes
        for scope in asked_for:
            refuse_unknown("scope", scope, SCOPES)
        clusters = [shelf_clusters(stratum, periods, output) for stratum in panels.strata]
        for n, scope in enumerate(asked_for):
            if n == 0 or panels.has_quotes_out_of_scope:
                frames.append(compute(_forms(panels, (recipe, output, scope), periods, clusters)))
            else:
                label = pl.lit(scope).alias("scope")
                frames.append((frames[-1][0].with_columns(label), frames[-1][1].with_columns(label)))
    return frames


def stacked(schema: type[dy.Schema], frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of frames, validated."""
    frame = pl.concat(frames) if frames else schema.create_empty()
    valid: pl.DataFrame = schema.validate(frame.select(schema.column_names()), cast=True)
    return valid


def figure_rows(data_origin: str, of: OutputForms, tree: TreeLevel, columns: dict[str, object]) -> pl.DataFrame:
    """Columns (periods x parents, flat) with the keys of their figures."""
    keys = {
        "period": np.repeat(np.array(of.periods.starts, dtype="datetime64[D]"), len(tree.codes)),
        "code": tree.codes * len(of.periods.starts),
    }
    constant = {"data_origin": data_origin, "level": tree.name, **of.labels}
    return pl.DataFrame({**keys, **columns}).with_columns(**{name: pl.lit(value) for name, value in constant.items()})


def _outputs(panels: OriginPanels, recipes: Iterable[Recipe]) -> Iterator[tuple[Recipe, RecipeOutput, Periods]]:
    for recipe in recipes if panels.strata else ():
        for output in recipe.outputs:
            periods = recipe_periods(panels.days, output.frequency, output.days, panels.week)
            if len(periods.starts) > 0:
                yield recipe, output, periods


def _forms(
    panels: OriginPanels,
    what: tuple[Recipe, RecipeOutput, str],
    periods: Periods,
    clusters: Sequence[Integers | None],
) -> OutputForms:
    recipe, output, scope = what
    inputs = [_stratum_prices(stratum, scope, recipe, periods) for stratum in panels.strata]
    forms = [
        stratum_form(prices.stratum, prices.prices, output, periods, cluster_of)
        for prices, cluster_of in zip(inputs, clusters, strict=True)
    ]
    return OutputForms(recipe, output, scope, periods, inputs, forms)


def _stratum_prices(stratum: Stratum, scope: str, recipe: Recipe, periods: Periods) -> StratumPrices:
    prices = stratum.of_scope(scope)
    out = np.zeros(len(prices), dtype=np.bool_)
    if recipe.seasonal is not None and stratum.item_number in recipe.seasonal.items:
        there = (prices > 0).any(axis=1)
        out = there & ~in_season((prices > 0).sum(axis=1), recipe.seasonal)
        prices = np.where(out[:, None], 0.0, prices)
    counts = periods.of_day >= 0
    rows, size = periods.of_day[counts], len(periods.starts)

    def by_period(days: NDArray) -> Integers:
        return np.bincount(rows, weights=days[counts], minlength=size).astype(np.int64)

    undecided = (prices > 0) & (stratum.judged == UNDECIDED)
    return StratumPrices(
        stratum, prices, by_period((prices > 0).sum(axis=1)), by_period(undecided.sum(axis=1)), by_period(out) > 0
    )


def _output_figures(panels: OriginPanels, of: OutputForms) -> tuple[pl.DataFrame, pl.DataFrame]:
    elementary = [elementary_index(form) for form in of.forms]
    members = _elementary_members(panels, elementary)
    frames: list[pl.DataFrame] = []
    for tree in panels.tree:
        figures = level_figures(tree, members, of.periods.base, of.periods.base_text)
        frames.append(_aggregate_frame(panels.data_origin, of, figures))
        members = figures.members
    return _elementary_frame(panels.data_origin, of, elementary), pl.concat(frames)


def _elementary_members(panels: OriginPanels, elementary: Sequence[Elementary]) -> Members:
    """Elementary indices side by side: the last axis is the stratum."""
    indices = np.stack([index.indices for index in elementary], axis=1)
    retailers = sorted({stratum.retailer for stratum in panels.strata})
    is_retailer = np.array([[stratum.retailer == name for stratum in panels.strata] for name in retailers])
    return Members(
        indices=indices,
        segments=np.stack([index.segments for index in elementary], axis=1),
        imputed_share=np.zeros(indices.shape),
        products=np.stack([index.used.sum(axis=1) for index in elementary], axis=1),
        retailers=np.isfinite(indices)[:, None, :] & is_retailer[None],
    )


def _elementary_frame(data_origin: str, of: OutputForms, elementary: Sequence[Elementary]) -> pl.DataFrame:
    size = len(of.periods.starts)
    reasons = [
        OUT_OF_SEASON if out and not there else reason
        for prices, form, index in zip(of.inputs, of.forms, elementary, strict=True)
        for out, there, reason in zip(prices.out_of_season, np.any(form.priced, axis=1), index.reasons, strict=True)
    ]
    columns = {
        "retailer": [prices.stratum.retailer for prices in of.inputs for _ in range(size)],
        "item_number": np.repeat([prices.stratum.item_number for prices in of.inputs], size),
        "period": of.periods.starts * len(of.inputs),
        "segment": np.concatenate([index.segments for index in elementary]),
        "segment_index": pl.Series(np.concatenate([index.indices for index in elementary]), nan_to_null=True),
        "products": np.concatenate([form.priced.sum(axis=1) for form in of.forms]),
        "products_used": np.concatenate([index.used.sum(axis=1) for index in elementary]),
        "quotes": np.concatenate([prices.quotes for prices in of.inputs]),
        "quotes_undecided": np.concatenate([prices.quotes_undecided for prices in of.inputs]),
        "filtered": np.concatenate([form.left_out for form in of.forms]),
        "window_revision": pl.Series(np.concatenate([index.revisions for index in elementary]), nan_to_null=True),
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    frame = pl.DataFrame(columns).with_columns(segment=pl.when(pl.col("segment") >= 0).then("segment"))
    known = frame.filter((pl.col("products") > 0) | pl.col("reason").is_not_null())
    constant = {"data_origin": data_origin, **of.labels}
    return known.with_columns(**{name: pl.lit(value) for name, value in constant.items()})


def _aggregate_frame(data_origin: str, of: OutputForms, figures: LevelFigures) -> pl.DataFrame:
    members, parents, periods = figures.members, len(figures.tree.codes), len(of.periods.starts)
    notes, seasons = _notes(of), _seasons(figures.tree, of.inputs)
    status = np.where(figures.children_absent == 0, "complete", "partial")
    reasons = [
        "; ".join(filter(None, [figures.reasons[t][parent], seasons.get((t, parent)), *notes])) or None
        for t in range(periods)
        for parent in range(parents)
    ]
    columns = {
        "index": pl.Series(members.indices.ravel(), nan_to_null=True),
        "products": members.products.ravel(),
        "retailers": members.retailers.sum(axis=1).ravel(),
        "children": np.tile(figures.children, periods),
        "children_absent": figures.children_absent.ravel(),
        "imputed_share": pl.Series(members.imputed_share.ravel(), nan_to_null=True),
        "status": np.where(np.isfinite(members.indices), status, "none").ravel().tolist(),
        "reason": pl.Series(reasons, dtype=pl.String),
    }
    return figure_rows(data_origin, of, figures.tree, columns).with_columns(
        frequency=pl.lit(of.periods.frequency),
        base_period=pl.lit(of.periods.base_text, pl.String),
        parameters_hash=pl.lit(parameters_hash(of.recipe)),
    )


def _notes(of: OutputForms) -> list[str]:
    """Remarks on every figure of an output."""
    output, periods = of.output, len(of.periods.starts)
    notes = [output.note] if output.note else []
    if FORMULAS[output.formula].windowed and output.window is not None and periods < output.window:
        notes.append(f"window of {output.window} periods not full: all {periods} so far, revised until it is")
    return notes


def _seasons(tree: TreeLevel, inputs: Sequence[StratumPrices]) -> dict[tuple[int, int], str]:
    """Remarks on items out of season, by period and parent."""
    if tree.name != "item":
        return {}
    position = {code: n for n, code in enumerate(tree.codes)}
    retailers: dict[tuple[int, int], list[str]] = {}
    for prices in inputs:
        for period in np.flatnonzero(prices.out_of_season):
            key = (int(period), position[str(prices.stratum.item_number)])
            retailers.setdefault(key, []).append(prices.stratum.retailer)
    return {key: f"{OUT_OF_SEASON} at {', '.join(names)}" for key, names in retailers.items()}
