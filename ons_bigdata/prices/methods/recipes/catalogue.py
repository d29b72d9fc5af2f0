"""Recipes: frozen sets of the parameters that make a price index, their fingerprints, and the table of all of them.

A recipe with known formulas is one entry of `RECIPES`; see docs/how-to/add-a-recipe.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from ons_bigdata.estimation.input_checks import is_single_value, refuse_unknown
from ons_bigdata.prices.methods.bilateral.clip import ClipParameters
from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED, ON_PREVIOUS, ON_PUBLISHED
from ons_bigdata.prices.methods.panels.input_checks import (
    finite_number,
    instance_of,
    listed_values,
    refuse_no_text,
    whole_number,
)
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.panels import SeasonalRule

FREQUENCIES = ("daily", "weekly", "monthly")
DAYS = ("all", "second_tuesday")
SPLICES = (NOT_SPLICED, *ON_PREVIOUS, *ON_PUBLISHED)
SCOPES = ("shelf", "target")
SEASONAL = SeasonalRule()
_LARGEST_LINK_WINDOW_DAYS = 366


class ItemFormula(NamedTuple):
    """Elementary formulas of one item. `cpi_like`: jevons or dutot; `rpi_like`: carli or dutot."""

    item_number: int
    cpi_like: str
    rpi_like: str
    reason: str


@dataclass(frozen=True)
class RecipeOutput:
    """One index of a recipe. Options that a formula does not use stay at their defaults.

    `method`: name of the output in the results. `frequency`: of its periods; a price is the mean over the period's
    days. `formula`: one of `formulas.FORMULAS`. `days`: days of a period that count: "all", or "second_tuesday", the
    second Tuesday of the month and the day either side. `link_window_days`: age (days) up to which a product's last
    price links (chained_jevons). `carry_days`: days for which a missing price is carried forward (carried_jevons).
    `window`, `splice`: of windowed formulas, window in periods; neither: one window of all periods. `item_formulas`:
    item number and formula (fixed_base); the single pair (0, formula) is for all items. `relative_limit`: a price more
    than this many times above or below the product's price of the period before is left out; None: none is. `clip`:
    how products are clustered (clusters). `note`: what the recipe prescribes and the data lacks; part of `reason`.

    Raises ValueError on an unknown option, which lists the known ones, and on a missing or impossible parameter.
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
        refuse_no_text("method", self.method)
        known = {"frequency": FREQUENCIES, "formula": FORMULAS, "days": DAYS, "splice": SPLICES}
        for option, names in known.items():
            if not is_single_value(getattr(self, option)) or getattr(self, option) not in names:
                message = f"{self.method}: unknown {option} {getattr(self, option)!r}; known: {', '.join(names)}"
                raise ValueError(message)
        for option in ("link_window_days", "carry_days", "window"):
            if getattr(self, option) is not None:
                whole_number(f"{self.method}: {option}", getattr(self, option), least=-(2**31))
        if self.relative_limit is not None:
            finite_number(f"{self.method}: relative_limit", self.relative_limit)
        if self.clip is not None:
            instance_of(f"{self.method}: clip", self.clip, ClipParameters)
        if self.note is not None:
            refuse_no_text(f"{self.method}: note", self.note)
        instance_of(f"{self.method}: item_formulas", self.item_formulas, tuple)
        needed = FORMULAS[self.formula].needs
        if needed is not None and getattr(self, needed) in (None, ()):
            message = f"{self.method}: {self.formula} needs {needed}"
            raise ValueError(message)
        if (self.window is None) != (self.splice == NOT_SPLICED):
            message = f"{self.method}: window is {self.window} and splice {self.splice!r}; expected both or neither"
            raise ValueError(message)
        if self.window is not None and self.window < 2:
            message = f"{self.method}: window is {self.window}, expected 2 or more periods"
            raise ValueError(message)
        days = self.link_window_days
        if days is not None and not 1 <= days <= _LARGEST_LINK_WINDOW_DAYS:
            message = f"{self.method}: link_window_days is {days}, expected 1 to {_LARGEST_LINK_WINDOW_DAYS}"
            raise ValueError(message)


@dataclass(frozen=True)
class Recipe:
    """A named recipe: its outputs and the parameters that they share.

    `description`: one line for readers; part of the fingerprint. `weights_year`: of the item and class weights.
    `seasonal`: rule for seasonal items, None where they are treated as all others. `scopes`: for which of `SCOPES`
    figures are published; not part of the fingerprint. Raises ValueError on an unknown scope.
    """

    name: str
    description: str
    outputs: tuple[RecipeOutput, ...]
    weights_year: int
    seasonal: SeasonalRule | None = SEASONAL
    scopes: tuple[str, ...] = SCOPES

    def __post_init__(self) -> None:
        refuse_no_text("name", self.name)
        refuse_no_text("description", self.description)
        whole_number("weights_year", self.weights_year, least=0)
        if self.seasonal is not None:
            instance_of("seasonal", self.seasonal, SeasonalRule)
        for output in instance_of("outputs", self.outputs, tuple):
            instance_of("outputs", output, RecipeOutput)
        for scope in listed_values("scopes", self.scopes, "scopes"):
            refuse_unknown("scope", scope, SCOPES)


ONE_PRODUCT = "one product in one measure at a retailer: a mean price has a meaning"
MANY_PRODUCTS = "brands, packs and qualities of different price levels: relatives are averaged, not prices"
_HOMOGENEOUS = (
    211710,  # semi-skimmed milk, two pints
    212319,  # new potatoes
    212360,  # white potatoes, old crop
    212361,  # baking potatoes
    212519,  # onions
    212719,  # bananas
)
_VARIED = (
    210111, 210113, 210204, 210213, 210214, 210302, 211305, 211501, 211709, 211807, 211814, 211901, 212006, 212011,
    212016, 212017, 212515, 212717, 212720, 212722, 310207, 310215, 310218, 310401, 310403, 310405, 310419, 310421,
    310427,
)  # fmt: skip

ITEM_FORMULAS = tuple(
    sorted(
        [ItemFormula(item, "dutot", "dutot", ONE_PRODUCT) for item in _HOMOGENEOUS]
        + [ItemFormula(item, "jevons", "carli", MANY_PRODUCTS) for item in _VARIED]
    )
)
"""Formulas of `cpi_like` and `rpi_like` by item: working defaults, the offices' lists by item are not published."""

_NO_QUANTITIES = "no quantities: GEKS-Jevons of mean prices stands for GEKS-Törnqvist of unit values"

RECIPES = (
    Recipe(
        "web_daily",
        "Daily quotes: Jevons chained over each product's last price, and Jevons against the base week",
        (
            RecipeOutput("jevons_chained", "daily", "chained_jevons", link_window_days=14),
            RecipeOutput("jevons_fixed_base", "daily", "base_week_jevons"),
        ),
        2016,
        seasonal=None,
        scopes=("shelf",),
    ),
    Recipe(
        "ons_pilot_2015",
        "The three families of the 2015 pilot: chained daily, mean unit price, fixed base on collection days",
        (
            RecipeOutput("chained_daily", "daily", "carried_jevons", carry_days=14),
            RecipeOutput("unit_price", "daily", "unit_price"),
            RecipeOutput(
                "cpi_replicate", "monthly", "fixed_base", days="second_tuesday", item_formulas=((0, "jevons"),)
            ),
        ),
        2016,
    ),
    Recipe(
        "ons_web_weekly",
        "Weekly mean prices, GEKS-Jevons over five weeks, movement splice",
        (RecipeOutput("geks_jevons", "weekly", "geks_jevons", window=5, splice="movement"),),
        2016,
    ),
    Recipe(
        "ons_2026",
        "Monthly mean prices, GEKS over 25 months, mean splice on the published series",
        (
            RecipeOutput(
                "geks_jevons", "monthly", "geks_jevons", window=25, splice="mean_published", relative_limit=3.0,
                note=_NO_QUANTITIES,
            ),
        ),
        2016,
    ),
    Recipe(
        "fews",
        "Time-product dummy by product over 13 weeks, window splice",
        (RecipeOutput("time_product_dummy", "weekly", "time_product_dummy", window=13, splice="window"),),
        2016,
    ),
    Recipe(
        "clip",
        "Clusters of products of the base month, Jevons over the clusters' geometric mean prices",
        (RecipeOutput("cluster_jevons", "monthly", "clusters", clip=ClipParameters()),),
        2016,
    ),
    Recipe(
        "cpi_like",
        "Fixed base by formulas like the consumer price index's: Jevons and Dutot",
        (
            RecipeOutput(
                "jevons_dutot", "monthly", "fixed_base",
                item_formulas=tuple((row.item_number, row.cpi_like) for row in ITEM_FORMULAS),
            ),
        ),
        2016,
    ),
    Recipe(
        "rpi_like",
        "Fixed base by formulas like the retail prices index's: Carli and Dutot",
        (
            RecipeOutput(
                "carli_dutot", "monthly", "fixed_base",
                item_formulas=tuple((row.item_number, row.rpi_like) for row in ITEM_FORMULAS),
            ),
        ),
        2016,
    ),
)  # fmt: skip
"""All recipes. The parameters of a published recipe do not change: another set is another name."""


def recipe_named(name: str) -> Recipe:
    """Recipe of a name. Raises ValueError that lists the known names and suggests the nearest."""
    known = {recipe.name: recipe for recipe in RECIPES}
    refuse_unknown("recipe", name, sorted(known))
    return known[name]


def recipes_with_link_window(days: int) -> tuple[Recipe, ...]:
    """All recipes, the chain of `web_daily` with a link window of `days`; other than 14 it is another recipe name.

    Raises ValueError where `days` is not 1 to 366.
    """
    days = whole_number("days", days, least=-(2**31))
    return tuple(with_link_window(recipe, days) if recipe.name == "web_daily" else recipe for recipe in RECIPES)


def with_link_window(recipe: Recipe, days: int) -> Recipe:
    """Copy of a recipe with a link window of `days`, named after it; the recipe itself where nothing changes."""
    outputs = tuple(
        output if output.link_window_days is None else replace(output, link_window_days=days)
        for output in recipe.outputs
    )
    if outputs == recipe.outputs:
        return recipe
    return replace(recipe, name=f"{recipe.name}_link_{days}_days", outputs=outputs)


def parameters_hash(recipe: Recipe) -> str:
    """Fingerprint of every parameter: the first 16 hex digits of the sha256 of their canonical JSON.

    The canonical form is that in which the first recipes were published and does not change with the names of fields:
    `title` is the description, `aggregation` the mean of all recipes over retailers, items and classes.
    """
    instance_of("recipe", recipe, Recipe)
    parameters = {
        "name": recipe.name,
        "title": recipe.description,
        "outputs": [asdict(output) for output in recipe.outputs],
        "weights_year": recipe.weights_year,
        "aggregation": "arithmetic",
        "seasonal": None if recipe.seasonal is None else asdict(recipe.seasonal),
    }
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]
