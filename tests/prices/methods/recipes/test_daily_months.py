"""Daily figures month by month, each from the quotes of its view and a stored state, against all days at once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes import RECIPES, TreeWeights, base_weeks, index_figures, origin_panels
from ons_bigdata.prices.methods.recipes.blocks.daily_figures import (
    aggregate_months,
    base_days,
    daily_outputs,
    elementary_month,
    may_begin,
    month_bases,
)
from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory, origin_history
from ons_bigdata.prices.methods.recipes.blocks.months import first_day_of_view, months_of_days
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.states import FiguresState
from ons_bigdata.prices.methods.recipes.figures import OriginPanels, panels_of_days
from tests.prices.methods.recipes.computed_recipes import NO_DAYS

FIRST = date(2016, 7, 21)
BREAD, STRAWBERRIES, WHISKY = 210111, 212720, 310401
ITEMS = pl.DataFrame(
    {"item_number": [BREAD, STRAWBERRIES, WHISKY], "class_code": ["01.1.1", "01.1.6", "02.1.1"],
     "weight": [6.0, 6.0, 38.0]}
)  # fmt: skip
CLASSES = pl.DataFrame(
    {"class_code": ["01.1.1", "01.1.6", "02.1.1"], "division_code": ["01", "01", "02"], "weight": [15.0, 9.0, 5.0]}
)
WEIGHTS = TreeWeights(
    pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}), ITEMS, CLASSES
)
STRATA = [("tesco", BREAD), ("waitrose", BREAD), ("tesco", STRAWBERRIES), ("ocado", WHISKY), ("tesco", WHISKY)]
KEY = ["recipe", "method", "scope", "period"]


def quotes_of(seed: int, days: int) -> pl.DataFrame:
    """Draw retailers' items that begin late, pause for days or weeks and end; some products are out of scope."""
    generator = np.random.default_rng(seed)
    rows = []
    for retailer, item in STRATA:
        prices = np.exp(np.cumsum(generator.normal(0.0, 0.03, (days, 5)), axis=0)) * np.arange(1, 6)
        there = generator.random(prices.shape) < 0.8
        there[: generator.choice([0, 0, 0, 12, 45])] = False
        start = int(generator.integers(10, days))
        there[start : start + int(generator.choice([0, 3, 20, 40]))] = False
        there[generator.integers(10, days) :, 4] = False
        rows += [
            (retailer, item, f"PRODUCT {n}", FIRST + timedelta(days=int(t)), float(prices[t, n]))
            for t, n in np.argwhere(there)
        ]
    schema = {"retailer": pl.String, "item_number": pl.Int32, "product": pl.String, "collected_on": pl.Date,
              "price_gbp": pl.Float64}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    scope = pl.when((pl.col("product") == "PRODUCT 2") & (seed % 2 == 0)).then(pl.lit(value=False))
    return frame.with_columns(data_origin=pl.lit("real"), in_scope=scope)


def sizes_of(quotes: pl.DataFrame) -> pl.DataFrame:
    products = quotes.select("retailer", "item_number", "product").unique()
    return products.with_columns(pack_size=pl.when(pl.col("product") != "PRODUCT 1").then(0.5))


def history_of(quotes: pl.DataFrame) -> OriginHistory:
    return origin_history(
        quotes.group_by("retailer", "item_number", "collected_on").agg(quotes=pl.len()),
        data_origin="real",
        rejected=NO_DAYS,
        weights=WEIGHTS,
        week=base_weeks(quotes)["real"],
        has_quotes_out_of_scope=bool(quotes["in_scope"].eq(other=False).any()),
    )


def at_base(history: OriginHistory, quotes: pl.DataFrame) -> OriginPanels | None:
    days = base_days(daily_outputs(history, RECIPES))
    if days is None:
        return None
    chosen = [day for day, is_base in zip(history.days, days.tolist(), strict=True) if is_base]
    rows = np.flatnonzero(days)
    kept = quotes.filter(pl.col("collected_on").is_in(chosen))
    return panels_of_days(history, kept, sizes_of(quotes), (int(rows[0]), int(rows[-1])))


def by_month(quotes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Figures of each month from its view and the state of the month before, which is stored as arrays in between."""
    history = history_of(quotes)
    outputs, months = daily_outputs(history, RECIPES), months_of_days(history.days)
    base = at_base(history, quotes)
    elementary, aggregates = [], []
    for what in outputs:
        pasts, computed = [Past.none(1)] * len(history.strata), []
        for month in months:
            first = first_day_of_view(history, month, [(what.output, pasts)], with_parts=False)
            days = pl.col("collected_on").is_between(history.days[first], history.days[month.stop - 1])
            panels = panels_of_days(history, quotes.filter(days), sizes_of(quotes), (first, month.stop - 1))
            computed.append(elementary_month(panels, base, what, month, pasts))
            pasts = computed[-1].pasts
        segments = np.concatenate([month.figures.segments for month in computed]).T
        bases = month_bases(history, what, segments)
        state, group = None, []
        for n, month in enumerate(computed):
            group.append(month)
            if n + 1 < len(computed) and not may_begin(bases, computed[n + 1].month):
                continue
            made = aggregate_months(history, what, group, bases, state)
            state = FiguresState.from_arrays(made[-1].state.arrays(), len(history.tree))
            elementary += [part.elementary for part in made]
            aggregates += [part.aggregates for part in made]
            group = []
    return pl.concat(elementary), pl.concat(aggregates)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_months_one_after_another_give_the_figures_of_all_days_at_once(seed: int) -> None:
    quotes = quotes_of(seed, 120)
    panels = origin_panels(
        quotes, data_origin="real", pack_sizes=sizes_of(quotes), rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(quotes)["real"],
    )  # fmt: skip
    whole = index_figures(panels, RECIPES)
    elementary, aggregates = by_month(quotes)
    for made, expected, extra in (
        (elementary, whole.elementary, ["retailer", "item_number"]),
        (aggregates, whole.aggregates, ["level", "code"]),
    ):
        scopes = made.select("recipe", "method", "scope").unique()
        known = expected.join(scopes, on=scopes.columns, how="semi").sort([*KEY, *extra])
        columns = [name for name in known.columns if name != "parameters_hash"]
        assert made.height == known.height > 100
        assert_frame_equal(
            made.sort([*KEY, *extra]).select(columns).cast(known.select(columns).schema),
            known.select(columns),
            rel_tol=1e-12,
        )
