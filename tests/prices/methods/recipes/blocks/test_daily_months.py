"""Daily figures month by month, each from the quotes of its view and a stored state, against all days at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Bootstrap,
    IndexFigures,
    TreeWeights,
    base_weeks,
    index_diagnostics,
    index_figures,
    origin_panels,
)
from ons_bigdata.prices.methods.recipes.blocks.daily_diagnostics import ViewOfMonths, diagnose_months
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
from ons_bigdata.prices.methods.recipes.blocks.states import DiagnosticsState, FiguresState
from ons_bigdata.prices.methods.recipes.figures import OriginPanels, elementary_rows, panels_of_days
from ons_bigdata.prices.methods.recipes.movements import PARTS
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
DAILY = [recipe for recipe in RECIPES if any(output.frequency == "daily" for output in recipe.outputs)]
BOOTSTRAP = Bootstrap(replicates=10)
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
    days = base_days(daily_outputs(history, DAILY))
    if days is None:
        return None
    chosen = [day for day, is_base in zip(history.days, days.tolist(), strict=True) if is_base]
    rows = np.flatnonzero(days)
    kept = quotes.filter(pl.col("collected_on").is_in(chosen))
    return panels_of_days(history, kept, sizes_of(quotes), (int(rows[0]), int(rows[-1])))


@dataclass(frozen=True)
class Made:
    """Rows of all months."""

    elementary: pl.DataFrame
    aggregates: pl.DataFrame
    diagnostics: pl.DataFrame
    movements: pl.DataFrame


def panels_between(history: OriginHistory, quotes: pl.DataFrame, first: int, stop: int) -> OriginPanels:
    days = pl.col("collected_on").is_between(history.days[first], history.days[stop - 1])
    return panels_of_days(history, quotes.filter(days), sizes_of(quotes), (first, stop - 1))


def by_month(quotes: pl.DataFrame) -> Made:
    """Figures of each month from its view and the state of the month before, which is stored as arrays in between."""
    history = history_of(quotes)
    outputs, months = daily_outputs(history, DAILY), months_of_days(history.days)
    base = at_base(history, quotes)
    made: list[Made] = []
    for what in outputs:
        pasts, computed = [Past.none(1)] * len(history.strata), []
        for month in months:
            first = first_day_of_view(history, month, [(what.output, pasts)], with_parts=False)
            panels = panels_between(history, quotes, first, month.stop)
            computed.append(elementary_month(panels, base, what, month, pasts))
            pasts = computed[-1].pasts
        segments = np.concatenate([month.figures.segments for month in computed]).T
        bases = month_bases(history, what, segments)
        state, resampled, group = None, None, []
        known = pl.concat([elementary_rows(month.figures) for month in computed])
        for n, month in enumerate(computed):
            group.append(month)
            if n + 1 < len(computed) and not may_begin([bases], computed[n + 1].month):
                continue
            figures = aggregate_months(history, what, group, bases, state)
            state = FiguresState.from_arrays(figures[-1].state.arrays(), len(history.tree))
            aggregates = pl.concat([part.aggregates for part in figures])
            diagnosed = diagnosis_of(
                quotes, history, (what, [of.month for of in group]), (known, aggregates), (bases, resampled)
            )
            resampled = DiagnosticsState.from_arrays(diagnosed.state.arrays(), len(history.tree))
            made.append(
                Made(
                    pl.concat([part.elementary for part in figures]),
                    aggregates,
                    diagnosed.diagnostics,
                    diagnosed.movements,
                )
            )
            group = []
    return Made(*(pl.concat([getattr(part, name) for part in made]) for name in Made.__dataclass_fields__))


def diagnosis_of(quotes, history, what, figures, known):
    output, months = what
    bases, state = known
    pasts = [Past.none(BOOTSTRAP.replicates)] * len(history.strata) if state is None else state.pasts
    first = first_day_of_view(history, months[0], [(output.output, pasts)], with_parts=True)
    view = ViewOfMonths.of(panels_between(history, quotes, first, months[-1].stop), at_base(history, quotes), BOOTSTRAP)
    elementary, aggregates = figures
    inside = pl.col("period").is_between(history.days[first], history.days[months[-1].stop - 1])
    return diagnose_months(view, output, months, IndexFigures(elementary.filter(inside), aggregates), (bases, state))


NOT_COMPARED = ("parameters_hash", "drift_percent", "drift_reason", "sampled_share", *PARTS)
"""Of other periods than the month, by definition; movements are compared as a whole."""


@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000))
def test_months_one_after_another_give_the_figures_of_all_days_at_once(seed: int) -> None:
    quotes = quotes_of(seed, 110)
    panels = origin_panels(
        quotes, data_origin="real", pack_sizes=sizes_of(quotes), rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(quotes)["real"],
    )  # fmt: skip
    whole = index_figures(panels, DAILY)
    diagnosed = index_diagnostics(panels, DAILY, whole, BOOTSTRAP)
    made = by_month(quotes)
    for computed, expected, extra in (
        (made.elementary, whole.elementary, ["retailer", "item_number"]),
        (made.aggregates, whole.aggregates, ["level", "code"]),
        (made.diagnostics, diagnosed.diagnostics, ["level", "code"]),
        (made.movements, diagnosed.movements, ["level", "code"]),
    ):
        scopes = computed.select("recipe", "method", "scope").unique()
        known = expected.join(scopes, on=scopes.columns, how="semi").sort([*KEY, *extra])
        columns = [name for name in known.columns if name not in NOT_COMPARED]
        assert computed.height == known.height > 100
        rows = computed.sort([*KEY, *extra]).select(columns)
        assert_frame_equal(rows.cast(known.select(columns).schema), known.select(columns), rel_tol=1e-10, abs_tol=1e-10)
    parts = made.movements.select(pl.sum_horizontal(PARTS).alias("sum"), "movement")
    np.testing.assert_allclose(parts["sum"].to_numpy(), parts["movement"].to_numpy(), atol=1e-9)
