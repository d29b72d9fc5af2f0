"""Point figures of outputs month by month: from the prices of a view and the state before the month.

All months at once or one after another, with the state stored between, give the same figures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.recipes.blocks.base_means import BaseMeans, base_means
from ons_bigdata.prices.methods.recipes.blocks.based_periods import BasedPeriods, based_periods
from ons_bigdata.prices.methods.recipes.blocks.months import structure_hash
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.blocks.states import FiguresState
from ons_bigdata.prices.methods.recipes.figures import (
    ElementaryFigures,
    OriginPanels,
    OutputForms,
    aggregate_figures,
    elementary_figures,
    elementary_rows,
    forms_of_block,
)
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.levels import LevelState
from ons_bigdata.prices.methods.recipes.window_forms import WindowStretches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfPeriods
    from ons_bigdata.prices.methods.recipes.catalogue import Recipe, RecipeOutput
    from ons_bigdata.prices.methods.recipes.levels import LevelBases

    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]


class ScopedOutput(NamedTuple):
    """An output of a recipe for a scope, and its periods with their bases."""

    recipe: Recipe
    output: RecipeOutput
    scope: str
    based: BasedPeriods

    @property
    def name(self) -> tuple[str, str, str]:
        """Recipe, method and scope."""
        return self.recipe.name, self.output.method, self.scope


def scoped_outputs(history: OriginHistory, recipes: Iterable[Recipe], frequency: str) -> list[ScopedOutput]:
    """Outputs of a frequency; of their recipe's first scope alone where no quote was judged out of its item.

    The figures of all scopes are the same then.
    """
    known = [(recipe, output) for recipe in recipes for output in recipe.outputs if output.frequency == frequency]
    based = [(recipe, output, based_periods(history, output)) for recipe, output in known if history.strata]
    return [
        ScopedOutput(recipe, output, scope, periods)
        for recipe, output, periods in based
        if periods is not None
        for scope in (recipe.scopes if history.has_quotes_out_of_scope else recipe.scopes[:1])
    ]


def base_days(outputs: Iterable[ScopedOutput]) -> Booleans | None:
    """Mask of the calendar days with which any retailer's item is compared as its base; None where there is none."""
    compared = [what for what in outputs if FORMULAS[what.output.formula].from_base]
    masks = [periods.base for what in compared for periods in what.based.of_strata]
    mask: Booleans | None = np.logical_or.reduce(masks) if masks else None
    return mask if mask is not None and mask.any() else None


@dataclass(frozen=True, eq=False)
class MonthOfElementary:
    """Elementary indices of an output in a month, and what is kept of them for the next.

    `ahead`: hash of what they depend on after the month; empty where they look no further.
    """

    month: MonthOfPeriods
    figures: ElementaryFigures
    pasts: list[Past]
    ahead: str


def elementary_month(
    panels: OriginPanels, at_base: OriginPanels | None, what: ScopedOutput, month: MonthOfPeriods, pasts: Sequence[Past]
) -> MonthOfElementary:
    """Compute the elementary indices of a month.

    `panels`: prices of the periods from `months.first_period_of_view` to the end of the month, of windows
    `views.periods_ahead` more. `at_base`: quotes of the base days, None where no form compares with them. `pasts`: of
    the strata before the month.
    """
    block = Block(panels.first_day, month.start, month.stop)
    forms = month_forms(panels, at_base, what, block, pasts)
    figures, after = elementary_figures(forms)
    return MonthOfElementary(month, figures, after, ahead_hash(forms))


def ahead_hash(forms: OutputForms) -> str:
    """Hash of what the indices of a block of windows depend on after it: where stretches begin and end, first windows.

    With the same hash, prices after the block can change nothing but which products of a movement return. Empty for
    outputs without windows.
    """
    windows = [of.form for of in forms.forms if isinstance(of.form, WindowStretches)]
    if not windows:
        return ""
    digest = hashlib.sha256()
    for form in windows:
        digest.update(b"stratum")
        for part in form.known_ahead():
            digest.update(part)
    return digest.hexdigest()[:32]


def month_forms(
    panels: OriginPanels, at_base: OriginPanels | None, what: ScopedOutput, block: Block, pasts: Sequence[Past]
) -> OutputForms:
    """Forms of an output in a block of periods. `pasts`: published indices of the strata before it."""
    bases = None
    if at_base is not None:
        out = panels.history.out_of_season(what.recipe.seasonal)
        bases = [
            _base(at_base, n, out[n], what).arranged(at_base.strata[n].products, stratum.products)
            for n, stratum in enumerate(panels.strata)
        ]
    return forms_of_block(panels, what.based, what[:3], block, bases=bases, pasts=pasts)


def _base(at_base: OriginPanels, n: int, out_of_season: Booleans, what: ScopedOutput) -> BaseMeans:
    stratum = at_base.strata[n]
    days = slice(at_base.first_day, at_base.first_day + len(stratum.prices))
    prices = np.where(out_of_season[days, None], 0.0, stratum.of_scope(what.scope))
    return base_means(prices, what.based.of_strata[n].base[days])


@dataclass(frozen=True, eq=False)
class MonthOfFigures:
    """Figures of an output in a month: `ElementaryIndex` and `AggregateIndex` rows.

    `structure`: hash of what they depend on besides quotes, see `months.structure_hash`, and after a blank `ahead_hash`
    of an output of windows. `state`: after the month.
    """

    month: MonthOfPeriods
    elementary: pl.DataFrame
    aggregates: pl.DataFrame
    structure: str
    state: FiguresState


def month_bases(history: OriginHistory, what: ScopedOutput, segments: Integers) -> list[LevelBases]:
    """Bases of each level in all periods. `segments`: of the elementary indices, strata x periods."""
    return what.based.by_stretch(history.tree, segments)


def may_begin(bases: Iterable[Sequence[LevelBases]], month: MonthOfPeriods) -> bool:
    """True if the figures of a month can be linked to the state before it: no base is on both sides of its start.

    `bases`: of each output and level in all days.
    """
    return all(level.may_be_divided_at(month.start) for levels in bases for level in levels)


def undivided_months(
    months: Sequence[MonthOfPeriods], bases: Iterable[Sequence[LevelBases]]
) -> list[list[MonthOfPeriods]]:
    """Months in groups between which a state can be kept. `bases`: see `may_begin`."""
    known = list(bases)
    groups: list[list[MonthOfPeriods]] = []
    for month in months:
        if groups and not may_begin(known, month):
            groups[-1].append(month)
        else:
            groups.append([month])
    return groups


class StructureChangedError(ValueError):
    """Figures of months that were not to be computed depend on another tree or another base now."""


def figures_of_months(
    history: OriginHistory,
    what: ScopedOutput,
    months: Sequence[MonthOfPeriods],
    computed: Sequence[MonthOfElementary],
    before: FiguresState | None,
    known: tuple[Integers, Mapping[date, str]],
) -> tuple[list[MonthOfFigures], Integers]:
    """Aggregate the elementary indices of the last months of a history; return the segments of all periods, too.

    `months`: all of the history. `before`: state before the computed months; None where nothing is before them.
    `known`: segments of the periods before, strata x periods, and the structure of each month before. Raises
    StructureChangedError where the figures of a month before would be others now, or cannot be linked to.
    """
    earlier, structures = known
    segments = np.concatenate([earlier, *(month.figures.segments.T for month in computed)], axis=1)
    bases = month_bases(history, what, segments)
    for month in months:
        if month.month >= computed[0].month.month:
            break
        of_month = [level.of_periods(slice(month.start, month.stop)) for level in bases]
        if structures.get(month.month) != structure_hash(history, of_month, what.output.window):
            message = f"{' '.join(what.name)}: another tree or another base in {month.month:%B %Y}"
            raise StructureChangedError(message)
    if before is not None and not may_begin([bases], computed[0].month):
        message = f"{' '.join(what.name)}: a base begins before {computed[0].month.month:%B %Y} and goes on in it"
        raise StructureChangedError(message)
    return aggregate_months(history, what, computed, bases, before), segments


def in_all_scopes(rows: pl.DataFrame, what: ScopedOutput, history: OriginHistory) -> pl.DataFrame:
    """Rows of an output, repeated for the scopes of its recipe where these have the same figures."""
    if history.has_quotes_out_of_scope:
        return rows
    return pl.concat([rows.with_columns(scope=pl.lit(scope)) for scope in what.recipe.scopes])


def aggregate_months(
    history: OriginHistory,
    what: ScopedOutput,
    months: Sequence[MonthOfElementary],
    bases: Sequence[LevelBases],
    before: FiguresState | None,
) -> list[MonthOfFigures]:
    """Aggregate the elementary indices of consecutive months.

    `bases`: of each level in all days. `before`: state before the first month; None where it is the first of all.
    Months that no state divides are computed at once; the rows and the structure of each are its own.
    """
    levels = (
        [LevelState.before_base(level, tree.weights.shape[1]) for tree, level in zip(history.tree, bases, strict=True)]
        if before is None
        else before.levels
    )
    made: list[MonthOfFigures] = []
    by_month = {month.month: month for month in months}
    for group in undivided_months(list(by_month), [bases]):
        together = [by_month[month] for month in group]
        figures = joined([month.figures for month in together])
        rows = slice(together[0].month.start, together[-1].month.stop)
        in_block = [level.of_periods(rows) for level in bases]
        aggregates, levels = aggregate_figures((what.recipe, what.output), history.tree, figures, in_block, levels)
        for month in together:
            of_month = [level.of_periods(slice(month.month.start, month.month.stop)) for level in bases]
            structure = f"{structure_hash(history, of_month, what.output.window)} {month.ahead}".rstrip()
            inside = aggregates.filter(pl.col("period").is_between(month.figures.starts[0], month.figures.starts[-1]))
            state = FiguresState(month.pasts, levels)
            made.append(MonthOfFigures(month.month, elementary_rows(month.figures), inside, structure, state))
    return made


def joined(figures: Sequence[ElementaryFigures]) -> ElementaryFigures:
    """Elementary indices of consecutive blocks as those of one."""

    def stacked(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in figures])

    return ElementaryFigures(
        [start for part in figures for start in part.starts],
        figures[0].labels,
        figures[0].strata,
        indices=stacked("indices"),
        segments=stacked("segments"),
        revisions=stacked("revisions"),
        products=stacked("products"),
        products_used=stacked("products_used"),
        quotes=stacked("quotes"),
        quotes_undecided=stacked("quotes_undecided"),
        filtered=stacked("filtered"),
        out_of_season=stacked("out_of_season"),
        reasons=[
            [reason for of_part in of_stratum for reason in of_part]
            for of_stratum in zip(*(part.reasons for part in figures), strict=True)
        ],
    )
