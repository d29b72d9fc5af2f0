"""Named recipes: frozen sets of the parameters that make a price index, and their fingerprints.

A parameter of a method that a reader of a figure may want to know stands here; the method itself does not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ons_bigdata.prices.methods.recipes.clip import ClipParameters
from ons_bigdata.prices.methods.recipes.item_formulas import formulas_of
from ons_bigdata.prices.methods.recipes.jevons import Week, first_complete_week
from ons_bigdata.prices.methods.recipes.seasonal import SeasonalRule

if TYPE_CHECKING:
    import polars as pl

BASES = ("first_complete_week",)
AGGREGATIONS = ("arithmetic",)
FREQUENCIES = ("daily", "weekly", "monthly")
DAYS = ("all", "second_tuesday")
FORMULAS = (
    "chained_jevons", "carried_jevons", "base_week_jevons", "fixed_base", "unit_price", "geks_jevons",
    "time_product_dummy", "clusters",
)  # fmt: skip
SPLICES = ("none", "movement", "window", "mean_published")
SCOPES = ("shelf", "target")
SEASONAL = SeasonalRule()


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


@dataclass(frozen=True)
class RecipeOutput:
    """One index of a recipe. Options that a formula does not know stay at their defaults.

    `method`: its name in the results. `frequency`: of its periods; a price is the mean over the period's days.
    `formula`: one of `FORMULAS`. `days`: which days of a period count: "all", or "second_tuesday", the second Tuesday
    of the month and the day either side. `link_window_days`: how old a product's last price may be to link
    (chained_jevons). `carry_days`: how long a missing price is carried forward (carried_jevons). `window`, `splice`: of
    geks_jevons and time_product_dummy, window in periods. `item_formulas`: item number and formula (fixed_base); the
    single pair (0, formula) is for all items. `relative_limit`: a price more than this many times above or below the
    product's price of the period before is left out; None: none is. `clip`: how products are clustered (clusters).
    `note`: what the recipe would take and the data does not have; it stands in `reason`.
    Raises ValueError on an unknown option; lists the known ones.
    """

    method: str
    frequency: str
    formula: str
    days: str = "all"
    link_window_days: int | None = None
    carry_days: int | None = None
    window: int | None = None
    splice: str = "none"
    item_formulas: tuple[tuple[int, str], ...] = ()
    relative_limit: float | None = None
    clip: ClipParameters | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        known = {"frequency": FREQUENCIES, "formula": FORMULAS, "days": DAYS, "splice": SPLICES}
        for option, names in known.items():
            if getattr(self, option) not in names:
                message = f"{self.method}: unknown {option} {getattr(self, option)!r}; known: {', '.join(names)}"
                raise ValueError(message)
        needed = {"chained_jevons": "link_window_days", "carried_jevons": "carry_days", "clusters": "clip"}
        lacking = needed.get(self.formula)
        if lacking is not None and getattr(self, lacking) is None:
            message = f"{self.method}: {self.formula} needs {lacking}"
            raise ValueError(message)


@dataclass(frozen=True)
class IndexRecipe:
    """A named recipe: its outputs and what they share.

    `title`: what it is, in words that claim no more. `weights_year`: of the item and class weights. `seasonal`: the
    rule for seasonal items, None where they are treated as all others.
    """

    name: str
    title: str
    outputs: tuple[RecipeOutput, ...]
    weights_year: int
    aggregation: str = "arithmetic"
    seasonal: SeasonalRule | None = SEASONAL


_NO_QUANTITIES = "no quantities: GEKS-Jevons of mean prices stands for GEKS-Törnqvist of unit values"

ONS_PILOT_2015 = IndexRecipe(
    "ons_pilot_2015",
    "The three families of the 2015 pilot: chained daily, mean unit price, fixed base on collection days",
    (
        RecipeOutput("chained_daily", "daily", "carried_jevons", carry_days=14),
        RecipeOutput("unit_price", "daily", "unit_price"),
        RecipeOutput("cpi_replicate", "monthly", "fixed_base", days="second_tuesday", item_formulas=((0, "jevons"),)),
    ),
    2016,
)
ONS_WEB_WEEKLY = IndexRecipe(
    "ons_web_weekly",
    "Weekly mean prices, GEKS-Jevons over five weeks, movement splice",
    (RecipeOutput("geks_jevons", "weekly", "geks_jevons", window=5, splice="movement"),),
    2016,
)
ONS_2026 = IndexRecipe(
    "ons_2026",
    "Monthly mean prices, GEKS over 25 months, mean splice on the published series",
    (
        RecipeOutput(
            "geks_jevons", "monthly", "geks_jevons", window=25, splice="mean_published", relative_limit=3.0,
            note=_NO_QUANTITIES,
        ),
    ),
    2016,
)  # fmt: skip
FEWS = IndexRecipe(
    "fews",
    "Time-product dummy by product over 13 weeks, window splice",
    (RecipeOutput("time_product_dummy", "weekly", "time_product_dummy", window=13, splice="window"),),
    2016,
)
CLIP = IndexRecipe(
    "clip",
    "Clusters of products of the base month, Jevons over the clusters' geometric mean prices",
    (RecipeOutput("cluster_jevons", "monthly", "clusters", clip=ClipParameters()),),
    2016,
)
CPI_LIKE = IndexRecipe(
    "cpi_like",
    "Fixed base by formulas like the consumer price index's: Jevons and Dutot",
    (RecipeOutput("jevons_dutot", "monthly", "fixed_base", item_formulas=formulas_of("cpi_like")),),
    2016,
)
RPI_LIKE = IndexRecipe(
    "rpi_like",
    "Fixed base by formulas like the retail prices index's: Carli and Dutot",
    (RecipeOutput("carli_dutot", "monthly", "fixed_base", item_formulas=formulas_of("rpi_like")),),
    2016,
)

INDEX_RECIPES = (ONS_PILOT_2015, ONS_WEB_WEEKLY, ONS_2026, FEWS, CLIP, CPI_LIKE, RPI_LIKE)


def index_recipe(name: str) -> IndexRecipe:
    """Look a recipe up by its name. Raises ValueError that lists the known ones."""
    for one in INDEX_RECIPES:
        if one.name == name:
            return one
    message = f"unknown recipe {name!r}; known: {', '.join(sorted(one.name for one in INDEX_RECIPES))}"
    raise ValueError(message)


def daily_recipe_outputs(recipe: Recipe) -> IndexRecipe:
    """Say the daily recipe as outputs, so that its standard errors are made as those of the others."""
    outputs = (
        RecipeOutput("jevons_chained", "daily", "chained_jevons", link_window_days=recipe.link_window_days),
        RecipeOutput("jevons_fixed_base", "daily", "base_week_jevons"),
    )
    return IndexRecipe(recipe.name, "Daily quotes", outputs, recipe.weights_year, seasonal=None)


def parameters_hash(recipe: Recipe | IndexRecipe) -> str:
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
