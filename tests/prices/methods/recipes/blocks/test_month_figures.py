"""Figures month by month, each from the prices of its view and a stored state, against all periods at once."""

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
    Recipe,
    RecipeOutput,
    TreeWeights,
    base_weeks,
    index_diagnostics,
    index_figures,
    origin_panels,
)
from ons_bigdata.prices.methods.recipes.base_periods import periods_with_quotes
from ons_bigdata.prices.methods.recipes.blocks.full_windows import drift_periods_before
from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory, origin_history
from ons_bigdata.prices.methods.recipes.blocks.month_diagnostics import ViewOfMonths, diagnose_months
from ons_bigdata.prices.methods.recipes.blocks.month_figures import (
    ScopedOutput,
    aggregate_months,
    base_days,
    elementary_month,
    may_begin,
    month_bases,
    scoped_outputs,
)
from ons_bigdata.prices.methods.recipes.blocks.months import (
    MonthOfPeriods,
    first_months_of_blocks,
    first_period_of_view,
    months_of_periods,
    most_periods_ahead,
)
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.period_means import (
    panels_of_periods,
    product_period_prices,
    seasonal_rule,
)
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
WEEKLY = [recipe for recipe in RECIPES if any(output.frequency == "weekly" for output in recipe.outputs)]
PRODUCT = ["retailer", "item_number", "product"]
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


@dataclass(frozen=True)
class Views:
    """Prices of any view of a history of days, or of weeks, and the outputs and months that are computed from them."""

    history: OriginHistory
    outputs: list[ScopedOutput]
    quotes: pl.DataFrame
    starts: list[date]
    present: np.ndarray
    months: list[MonthOfPeriods]

    @staticmethod
    def of_days(quotes: pl.DataFrame) -> Views:
        history = history_of(quotes)
        outputs = scoped_outputs(history, DAILY, "daily")
        return Views(history, outputs, quotes, history.days, history.present, months_of_periods(history.days))

    @staticmethod
    def of_weeks(quotes: pl.DataFrame) -> Views:
        history = history_of(quotes)
        outputs = scoped_outputs(history, WEEKLY, "weekly")
        periods = outputs[0].based.periods
        starts = periods.starts
        months = months_of_periods(starts, first_months_of_blocks([starts], [what.output for what in outputs]))
        return Views(history, outputs, quotes, starts, periods_with_quotes(history.present, periods.of_day), months)

    def panels(self, first: int, stop: int) -> OriginPanels:
        """Prices from the first period to the last of a month, and as many after it as its windows need."""
        stop = min(stop + most_periods_ahead(what.output for what in self.outputs), len(self.starts))
        if self.starts != self.history.days:
            sums = product_period_prices(self.quotes, self.history, seasonal_rule(RECIPES))
            judged = sums.join(self.quotes.select(*PRODUCT, "in_scope").unique(), on=PRODUCT, how="left")
            return panels_of_periods(self.history, judged, sizes_of(self.quotes), "weeks", slice(first, stop))
        days = pl.col("collected_on").is_between(self.starts[first], self.starts[stop - 1])
        return panels_of_days(self.history, self.quotes.filter(days), sizes_of(self.quotes), (first, stop - 1))

    def at_base(self) -> OriginPanels | None:
        days = base_days(self.outputs) if self.starts == self.history.days else None
        if days is None:
            return None
        chosen = [day for day, is_base in zip(self.history.days, days.tolist(), strict=True) if is_base]
        rows = np.flatnonzero(days)
        kept = self.quotes.filter(pl.col("collected_on").is_in(chosen))
        return panels_of_days(self.history, kept, sizes_of(self.quotes), (int(rows[0]), int(rows[-1])))

    def first(self, month: MonthOfPeriods, what: ScopedOutput, pasts: list[Past], *, with_parts: bool) -> int:
        return first_period_of_view(self.present, month, [(what.output, pasts)], with_parts=with_parts)


@dataclass(frozen=True)
class Made:
    """Rows of all months."""

    elementary: pl.DataFrame
    aggregates: pl.DataFrame
    diagnostics: pl.DataFrame
    movements: pl.DataFrame


def by_month(views: Views) -> Made:
    """Figures of each month from its view and the state of the month before, which is stored as arrays in between."""
    history, base = views.history, views.at_base()
    made: list[Made] = []
    for what in views.outputs:
        pasts, computed = [Past.none(1)] * len(history.strata), []
        for month in views.months:
            panels = views.panels(views.first(month, what, pasts, with_parts=False), month.stop)
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
            diagnosed = diagnosis_of(views, (what, [of.month for of in group]), (known, aggregates), (bases, resampled))
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


def diagnosis_of(views: Views, what, figures, known):
    output, months = what
    bases, state = known
    pasts = [Past.none(BOOTSTRAP.replicates)] * len(views.history.strata) if state is None else state.pasts
    first = views.first(months[0], output, pasts, with_parts=True)
    if output.output.frequency == "weekly":
        first = min(first, max(months[0].start - drift_periods_before(output.output), 0))
    view = ViewOfMonths.of(views.panels(first, months[-1].stop), views.at_base(), BOOTSTRAP)
    elementary, aggregates = figures
    inside = pl.col("period").is_between(views.starts[first], views.starts[months[-1].stop - 1])
    return diagnose_months(view, output, months, IndexFigures(elementary.filter(inside), aggregates), (bases, state))


NOT_COMPARED = ("parameters_hash", "drift_percent", "drift_reason", "sampled_share", *PARTS)
"""Of other periods than the month, by definition; movements are compared as a whole."""


def check_months(quotes: pl.DataFrame, views: Views, recipes: list[Recipe]) -> None:
    """Compare figures by month with those of all periods at once."""
    panels = origin_panels(
        quotes, data_origin="real", pack_sizes=sizes_of(quotes), rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(quotes)["real"],
    )  # fmt: skip
    whole = index_figures(panels, recipes)
    diagnosed = index_diagnostics(panels, recipes, whole, BOOTSTRAP)
    made = by_month(views)
    frequency = views.outputs[0].output.frequency
    methods = [output.method for recipe in recipes for output in recipe.outputs if output.frequency == frequency]
    for computed, expected, extra in (
        (made.elementary, whole.elementary, ["retailer", "item_number"]),
        (made.aggregates, whole.aggregates, ["level", "code"]),
        (made.diagnostics, diagnosed.diagnostics, ["level", "code"]),
        (made.movements, diagnosed.movements, ["level", "code"]),
    ):
        scopes = computed.select("recipe", "scope").unique()
        known = expected.filter(pl.col("method").is_in(methods)).join(scopes, on=scopes.columns, how="semi")
        known = known.sort([*KEY, *extra])
        columns = [name for name in known.columns if name not in NOT_COMPARED]
        assert computed.height == known.height > 100
        rows = computed.sort([*KEY, *extra]).select(columns)
        assert_frame_equal(rows.cast(known.select(columns).schema), known.select(columns), rel_tol=1e-10, abs_tol=1e-10)
    parts = made.movements.select(pl.sum_horizontal(PARTS).alias("sum"), "movement")
    np.testing.assert_allclose(parts["sum"].to_numpy(), parts["movement"].to_numpy(), atol=1e-9)


@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000))
def test_months_of_days_one_after_another_give_the_figures_of_all_days_at_once(seed: int) -> None:
    quotes = quotes_of(seed, 110)
    check_months(quotes, Views.of_days(quotes), DAILY)


@settings(max_examples=6, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000))
def test_months_of_weeks_one_after_another_give_the_figures_of_all_weeks_at_once(seed: int) -> None:
    quotes = quotes_of(seed, 260)
    views = Views.of_weeks(quotes)
    assert len(views.months) == 7  # weeks of July to October, which the first window of all is in, and six months
    check_months(quotes, views, WEEKLY)


def test_months_of_weeks_by_hand() -> None:
    # weeks from Monday 4 January 2016: four in January, five in February, four in March
    starts = [date(2016, 1, 4) + timedelta(days=7 * n) for n in range(16)]
    later = starts[12:]  # from 28 March on
    months = [
        MonthOfPeriods(date(2016, month, 1), *rows) for month, *rows in ((1, 0, 4), (2, 4, 9), (3, 9, 13), (4, 13, 16))
    ]
    assert months_of_periods(starts) == months
    outputs = [RecipeOutput("m", "weekly", "geks_jevons", window=5, splice="movement")]
    assert first_months_of_blocks([starts], outputs) == [date(2016, month, 1) for month in (1, 3, 4)]
    assert first_months_of_blocks([starts, later], outputs) == [date(2016, 1, 1), date(2016, 3, 1)]
    firsts = [date(2016, 1, 1), date(2016, 3, 1)]
    assert months_of_periods(starts, firsts) == [
        MonthOfPeriods(date(2016, 1, 1), 0, 9), MonthOfPeriods(date(2016, 3, 1), 9, 16),
    ]  # fmt: skip
    assert months_of_periods(later, firsts) == [MonthOfPeriods(date(2016, 3, 1), 0, 4)]
    assert most_periods_ahead(outputs) == 8
