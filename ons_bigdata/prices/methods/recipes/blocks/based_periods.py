"""Periods of an output with the bases of its figures, found in the history of a data origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.recipes.base_periods import BaseSearch
from ons_bigdata.prices.methods.recipes.panels import recipe_periods
from ons_bigdata.prices.schemas.rhythms import DAILY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.catalogue import Recipe, RecipeOutput
    from ons_bigdata.prices.methods.recipes.levels import LevelBases
    from ons_bigdata.prices.methods.recipes.panels import Periods
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BasedPeriods:
    """Periods of all history, those of each stratum with the base of its item, and the bases of each level's figures.

    `search`, `whole`: see `BaseSearch.levels`.
    """

    periods: Periods
    of_strata: list[Periods]
    levels: list[LevelBases]
    search: BaseSearch
    whole: Booleans

    def by_stretch(self, trees: Sequence[TreeLevel], segments: Integers) -> list[LevelBases]:
        """Bases of each level's figures where no link joins the stretches of a stratum: each has a base of its own.

        `segments`: of the elementary indices in all periods, strata x periods.
        """
        if (segments <= 0).all():
            return self.levels
        search, owners = self.search.of_stretches(segments)
        return search.levels(trees, owners, self.whole)


def based_outputs(
    history: OriginHistory, recipes: Iterable[Recipe], calendar: tuple[str, str] | None = None
) -> Iterator[tuple[Recipe, RecipeOutput, BasedPeriods]]:
    """Outputs of recipes with their periods; without those none of whose collection days occurs.

    `calendar`: frequency and days that count of the outputs; None for all.
    """
    for recipe in recipes if history.strata else ():
        for output in recipe.outputs:
            if calendar not in (None, (output.frequency, output.days)):
                continue
            periods = based_periods(history, output)
            if periods is not None:
                yield recipe, output, periods


def based_periods(history: OriginHistory, output: RecipeOutput) -> BasedPeriods | None:
    """Periods of an output with their bases, found once in each history; None where no day counts.

    The search for bases looks at all days of the history.
    """
    key = (output.frequency, output.days)
    return history.once(("based periods", *key), lambda: _based_periods(history, *key))


def _based_periods(history: OriginHistory, frequency: str, days_that_count: str) -> BasedPeriods | None:
    """Periods of a frequency with their bases; None where no day counts."""
    periods = recipe_periods(history.days, frequency, days_that_count, history.week)
    if not periods.starts:
        return None
    search = BaseSearch(
        history.days,
        periods,
        history.week,
        history.present,
        history.strata,
        [history.rhythms.get(retailer, DAILY) for retailer, _ in history.strata],
    )
    whole = search.spans(search.parts(np.ones(len(history.strata), dtype=np.bool_)))
    bases = search.levels(history.tree, np.eye(len(history.strata), dtype=np.bool_), whole)
    of_strata = [periods] * len(history.strata)
    for part in (part for parts in bases[0].parts for part in parts):
        for stratum in np.flatnonzero(part.strata):
            of_strata[stratum] = replace(periods, base=part.base, base_text=part.base_text)
    return BasedPeriods(periods, of_strata, bases, search, whole)
