"""Point figures of recipes over the quotes of one data origin: elementary indices and their aggregates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    eager_frame,
    instance_of,
    listed_values,
    refuse_missing_columns,
    refuse_no_text,
    refuse_unknown,
)
from ons_bigdata.prices.methods.recipes.base_periods import checked_rhythms, connected_parts
from ons_bigdata.prices.methods.recipes.catalogue import SCOPES, Recipe, RecipeOutput, parameters_hash
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, shelf_clusters, stratum_form
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.levels import Members, level_figures
from ons_bigdata.prices.methods.recipes.panels import OUT, UNDECIDED, in_season, recipe_periods, strata
from ons_bigdata.prices.methods.recipes.tree import TreeLevel, TreeWeights, index_tree, listed
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex
from ons_bigdata.prices.schemas.vocabulary import DAILY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import dataframely as dy
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.elementary import Elementary, StratumForm
    from ons_bigdata.prices.methods.recipes.levels import LevelFigures
    from ons_bigdata.prices.methods.recipes.panels import Periods, Stratum, Week

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OUT_OF_SEASON = "out of season"

_PERIOD_NAMES = {"daily": "day", "weekly": "week", "monthly": "month"}


@dataclass(frozen=True, eq=False)
class OriginPanels:
    """Quotes of one data origin by retailer and item, the tree above them, and the base week.

    `days`: calendar, first to last. `rejected`: per stratum, mask of the calendar days whose counts were judged faulty.
    `week`: base week of all retailers together, which is that of the first connected part. `rhythms`: rhythm of
    collection of retailers; those not in it are collected daily.
    """

    data_origin: str
    days: list[date]
    strata: list[Stratum]
    tree: list[TreeLevel]
    rejected: list[Booleans]
    week: Week | None
    weights: TreeWeights
    rhythms: Mapping[str, str]

    @property
    def retailers(self) -> list[str]:
        """Retailers with quotes, in order."""
        return sorted({stratum.retailer for stratum in self.strata})

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
    """One output of a recipe for one scope and one connected part of the retailers.

    `panels`: quotes of the part. `periods`: from the part's first to its last. `of_other_parts`: those among them whose
    figures another part has. `inputs`, `forms`: by stratum, prices that enter and elementary form. `note`: remark on
    every figure, null where all retailers are of one part.
    """

    panels: OriginPanels
    of_other_parts: frozenset[date]
    note: str | None
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

    @property
    def own_periods(self) -> list[date]:
        """Periods for which the part has figures."""
        return [start for start in self.periods.starts if start not in self.of_other_parts]


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
    rhythms: Mapping[str, str] | None = None,
) -> OriginPanels:
    """Arrange the quotes of one data origin by retailer and item, and build the tree above them.

    `quotes`, `pack_sizes`: see `panels.strata`. `rejected`: retailer, item_number, collected_on of the days whose
    counts were judged faulty. `weights`: see `tree.TreeWeights`. `week`, `rhythms`: see `base_periods.base_weeks`.
    Raises ValueError as `strata` and `index_tree` do, and on an unknown rhythm.
    """
    refuse_no_text("data_origin", data_origin)
    instance_of("weights", weights, TreeWeights)
    refuse_no_week(week)
    rejected = eager_frame(rejected, "rejected")
    refuse_missing_columns(rejected, ("retailer", "item_number", "collected_on"), "rejected")
    days, panels = strata(quotes, pack_sizes)
    faulty: dict[tuple[str, int], set[date]] = {}
    for retailer, item, day in rejected.select("retailer", "item_number", "collected_on").iter_rows():
        faulty.setdefault((retailer, item), set()).add(day)
    days_of = [faulty.get((stratum.retailer, stratum.item_number), set()) for stratum in panels]
    masks = [np.array([day in rejected_days for day in days], dtype=np.bool_) for rejected_days in days_of]
    tree = index_tree(panels, weights) if panels else []
    return OriginPanels(data_origin, days, panels, tree, masks, week, weights, checked_rhythms(rhythms))


def refuse_no_week(week: object) -> None:
    """Raise ValueError if a base week is neither None nor a pair of days, first and last."""
    is_pair = isinstance(week, tuple) and len(week) == 2 and all(isinstance(day, date) for day in week)
    if week is not None and not is_pair:
        message = f"week: found {type(week).__name__}, expected the first and the last day, or None"
        raise ValueError(message)


def index_figures(
    panels: OriginPanels, recipes: Iterable[Recipe], *, scopes: Sequence[str] | None = None
) -> IndexFigures:
    """Elementary indices and aggregates of every output of the recipes.

    Retailers that no period connects have each their own base, see `base_periods.connected_parts`; their figures are
    those that they have alone, with a remark in `reason`. `scopes`: None for those that each recipe publishes. An
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
    """Two frames of each output and scope; computed once for all scopes where these do not differ."""
    frames: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    instance_of("panels", panels, OriginPanels)
    recipes = listed_values("recipes", recipes, "recipes")
    for recipe in recipes:
        instance_of("recipes", recipe, Recipe)
    scopes = None if scopes is None else listed_values("scopes", scopes, "scopes")
    for recipe, output, part in _outputs(panels, recipes):
        asked_for = recipe.scopes if scopes is None else scopes
        for scope in asked_for:
            refuse_unknown("scope", scope, SCOPES)
        clusters = [shelf_clusters(stratum, part.periods, output) for stratum in part.panels.strata]
        for n, scope in enumerate(asked_for):
            if n == 0 or panels.has_quotes_out_of_scope:
                frames.append(compute(_forms(part, (recipe, output, scope), clusters)))
            else:
                label = pl.lit(scope).alias("scope")
                frames.append((frames[-1][0].with_columns(label), frames[-1][1].with_columns(label)))
    return frames


def stacked(schema: type[dy.Schema], frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of frames, validated."""
    frame = pl.concat(frames) if frames else schema.create_empty()
    valid: pl.DataFrame = schema.validate(frame.select(schema.column_names()), cast=True)
    return valid


def figure_rows(of: OutputForms, tree: TreeLevel, columns: dict[str, object]) -> pl.DataFrame:
    """Columns (periods x parents, flat) with the keys of their figures; without the periods of other parts."""
    keys = {
        "period": np.repeat(np.array(of.periods.starts, dtype="datetime64[D]"), len(tree.codes)),
        "code": tree.codes * len(of.periods.starts),
    }
    constant = {"data_origin": of.panels.data_origin, "level": tree.name, **of.labels}
    rows = pl.DataFrame({**keys, **columns}).with_columns(**{name: pl.lit(value) for name, value in constant.items()})
    return rows.filter(~pl.col("period").is_in(sorted(of.of_other_parts))) if of.of_other_parts else rows


@dataclass(frozen=True, eq=False)
class _OutputPart:
    """Quotes and periods of an output for one connected part of the retailers; see `OutputForms`."""

    panels: OriginPanels
    periods: Periods
    of_other_parts: frozenset[date]
    note: str | None


def _outputs(panels: OriginPanels, recipes: Iterable[Recipe]) -> Iterator[tuple[Recipe, RecipeOutput, _OutputPart]]:
    parts: dict[tuple[str, str], list[_OutputPart]] = {}
    for recipe in recipes if panels.strata else ():
        for output in recipe.outputs:
            key = (output.frequency, output.days)
            if key not in parts:
                parts[key] = _output_parts(panels, *key)
            for part in parts[key]:
                yield recipe, output, part


def _output_parts(panels: OriginPanels, frequency: str, days_that_count: str) -> list[_OutputPart]:
    """Parts of the retailers that periods of a frequency connect; none where no day counts."""
    periods = recipe_periods(panels.days, frequency, days_that_count, panels.week)
    if not periods.starts:
        return []
    names = panels.retailers
    present = np.array(
        [
            np.logical_or.reduce([(one.prices > 0).any(axis=1) for one in panels.strata if one.retailer == name])
            for name in names
        ]
    )
    parts = connected_parts(
        present,
        panels.days,
        periods.of_day,
        panels.week,
        sparse=np.array([panels.rhythms.get(name, DAILY) != DAILY for name in names]),
        base_is_first_period=frequency == "monthly",
    )
    if len(parts) <= 1:
        return [_OutputPart(panels, periods, frozenset(), None)]
    found: list[_OutputPart] = []
    priced = [_periods_priced(periods, np.any(present[part.retailers], axis=0)) for part in parts]
    for n, part in enumerate(parts):
        own = [name for name, inside in zip(names, part.retailers.tolist(), strict=True) if inside]
        of_part = _of_part(panels, own, slice(part.first, part.last + 1), part.week)
        part_periods = recipe_periods(of_part.days, frequency, days_that_count, part.week)
        # a period without any quote is of the first part that spans it
        taken = frozenset().union(*priced[:n], *priced[n + 1 :], *(one.periods.starts for one in found)) - priced[n]
        others = [name for name in names if name not in own]
        note = f"base of its own: no {_PERIOD_NAMES[frequency]} in common with {listed(others)}"
        found.append(_OutputPart(of_part, part_periods, taken, note))
    return found


def _periods_priced(periods: Periods, days: Booleans) -> frozenset[date]:
    """First days of the periods in which some of the days lie."""
    return frozenset(periods.starts[n] for n in np.unique(periods.of_day[days & (periods.of_day >= 0)]))


def _of_part(panels: OriginPanels, retailers: Sequence[str], rows: slice, week: Week | None) -> OriginPanels:
    """Panels of some retailers and calendar days."""
    chosen = [n for n, stratum in enumerate(panels.strata) if stratum.retailer in retailers]
    strata = [panels.strata[n].of_days(rows) for n in chosen]
    return replace(
        panels,
        days=panels.days[rows],
        strata=strata,
        tree=index_tree(strata, panels.weights),
        rejected=[panels.rejected[n][rows] for n in chosen],
        week=week,
    )


def _forms(
    part: _OutputPart, what: tuple[Recipe, RecipeOutput, str], clusters: Sequence[Integers | None]
) -> OutputForms:
    recipe, output, scope = what
    inputs = [_stratum_prices(stratum, scope, recipe, part.periods) for stratum in part.panels.strata]
    forms = [
        stratum_form(prices.stratum, prices.prices, output, part.periods, cluster_of)
        for prices, cluster_of in zip(inputs, clusters, strict=True)
    ]
    return OutputForms(part.panels, part.of_other_parts, part.note, recipe, output, scope, part.periods, inputs, forms)


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


def _output_figures(of: OutputForms) -> tuple[pl.DataFrame, pl.DataFrame]:
    elementary = [elementary_index(form) for form in of.forms]
    members = _elementary_members(of.panels, elementary)
    frames: list[pl.DataFrame] = []
    for tree in of.panels.tree:
        figures = level_figures(tree, members, of.periods.base, of.periods.base_text)
        frames.append(_aggregate_frame(of, figures))
        members = figures.members
    return _elementary_frame(of, elementary), pl.concat(frames)


def _elementary_members(panels: OriginPanels, elementary: Sequence[Elementary]) -> Members:
    """Elementary indices side by side: the last axis is the stratum."""
    indices = np.stack([index.indices for index in elementary], axis=1)
    is_retailer = np.array([[stratum.retailer == name for stratum in panels.strata] for name in panels.retailers])
    return Members(
        indices=indices,
        segments=np.stack([index.segments for index in elementary], axis=1),
        imputed_share=np.zeros(indices.shape),
        products=np.stack([index.used.sum(axis=1) for index in elementary], axis=1),
        retailers=np.isfinite(indices)[:, None, :] & is_retailer[None],
    )


def _elementary_frame(of: OutputForms, elementary: Sequence[Elementary]) -> pl.DataFrame:
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
    constant = {"data_origin": of.panels.data_origin, **of.labels}
    return known.with_columns(**{name: pl.lit(value) for name, value in constant.items()})


def _aggregate_frame(of: OutputForms, figures: LevelFigures) -> pl.DataFrame:
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
    return figure_rows(of, figures.tree, columns).with_columns(
        frequency=pl.lit(of.periods.frequency),
        base_period=pl.lit(of.periods.base_text, pl.String),
        parameters_hash=pl.lit(parameters_hash(of.recipe)),
    )


def _notes(of: OutputForms) -> list[str]:
    """Remarks on every figure of an output."""
    output, periods = of.output, len(of.periods.starts)
    notes = [note for note in (output.note, of.note) if note]
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
