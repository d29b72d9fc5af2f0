"""Named recipes: frozen sets of the parameters that make a price index, and their fingerprints.

A parameter of a method that a reader of a figure may want to know stands here; the method itself does not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ons_bigdata.prices.methods.jevons import Week, first_complete_week

if TYPE_CHECKING:
    import polars as pl

BASES = ("first_complete_week",)
AGGREGATIONS = ("arithmetic",)


@dataclass(frozen=True)
class Recipe:
    """The parameters of one index: a change of one is a new fingerprint and, once published, a new name.

    `link_window_days`: how old (days) a product's last price may be to link. `base`: how the base week is
    found. `aggregation`: the mean over retailers, items and classes. `weights_year`: of the item and class
    weights. Raises ValueError on an option that is not known; the error lists the known ones.
    """

    name: str
    link_window_days: int
    base: str
    aggregation: str
    weights_year: int

    def __post_init__(self) -> None:
        if not 1 <= self.link_window_days <= 366:
            message = f"recipe {self.name}: link_window_days is {self.link_window_days}, expected 1 to 366"
            raise ValueError(message)
        for option, known in (("base", BASES), ("aggregation", AGGREGATIONS)):
            found = getattr(self, option)
            if found not in known:
                message = f"recipe {self.name}: unknown {option} {found!r}; known: {', '.join(known)}"
                raise ValueError(message)


WEB_DAILY = Recipe(
    name="web_daily",
    link_window_days=14,
    base="first_complete_week",
    aggregation="arithmetic",
    weights_year=2016,
)
"""Daily scraped quotes, chained and fixed-base Jevons, weights of 2016."""

RECIPES = {WEB_DAILY.name: WEB_DAILY}


def recipe(name: str) -> Recipe:
    """Look a recipe up by its name. Raises ValueError that lists the known ones."""
    if name not in RECIPES:
        message = f"unknown recipe {name!r}; known: {', '.join(sorted(RECIPES))}"
        raise ValueError(message)
    return RECIPES[name]


def parameters_hash(recipe: Recipe) -> str:
    """Fingerprint every parameter: the first 16 hex digits of the sha256 of their canonical JSON."""
    canonical = json.dumps(asdict(recipe), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]


def base_weeks(quotes: pl.DataFrame) -> dict[str, Week | None]:
    """Find the base week of each data origin: the first Monday to Sunday with accepted quotes on every day.

    Takes columns `data_origin` and `collected_on`. None for an origin without such a week.
    """
    days = quotes.select("data_origin", "collected_on").unique().sort("data_origin", "collected_on")
    return {
        str(origin): first_complete_week(rows["collected_on"])
        for (origin,), rows in days.partition_by("data_origin", as_dict=True).items()
    }
