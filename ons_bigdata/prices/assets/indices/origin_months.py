"""Months of daily and weekly figures: which are stale, the prices of their views, and the states between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform.dagster.by_period import Period, PeriodBuild
from ons_bigdata.platform.dagster.inputs import Output
from ons_bigdata.prices.assets.indices.origins import QUOTE_COLUMNS, tree_weights
from ons_bigdata.prices.methods.recipes import parameters_hash
from ons_bigdata.prices.methods.recipes.base_periods import base_weeks, periods_with_quotes
from ons_bigdata.prices.methods.recipes.blocks.full_windows import drift_periods_before
from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory, origin_history
from ons_bigdata.prices.methods.recipes.blocks.month_figures import (
    ScopedOutput,
    StructureChangedError,
    base_days,
    scoped_outputs,
)
from ons_bigdata.prices.methods.recipes.blocks.months import (
    MonthOfPeriods,
    first_months_of_blocks,
    months_of_periods,
    most_periods_ahead,
    structure_hash,
)
from ons_bigdata.prices.methods.recipes.blocks.period_means import panels_of_periods
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import segments_of_runs
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_arrays
from ons_bigdata.prices.methods.recipes.blocks.states import DiagnosticsState, FiguresState
from ons_bigdata.prices.methods.recipes.blocks.views import RETURN_PERIODS
from ons_bigdata.prices.methods.recipes.figures import OriginPanels, panels_of_days
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.schemas.indices import IndexState, ProductPeriodPrice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs
    from ons_bigdata.prices.methods.recipes import Recipe

OutputKey = tuple[object, ...]

PRODUCT = ["data_origin", "retailer", "item_number", "product"]
"""Columns that name a product."""


@dataclass(frozen=True, eq=False)
class OriginMonths(ABC):
    """History of one data origin, its outputs of one frequency, and what reads the prices of their views.

    `starts`: first days of the periods. `present`: mask of the periods with quotes, strata x periods. `months`: those
    whose figures are computed at once.
    """

    history: OriginHistory
    outputs: list[ScopedOutput]
    pack_sizes: pl.DataFrame
    starts: list[date]
    present: NDArray[np.bool_]
    months: list[MonthOfPeriods]

    def months_from(self, first: date) -> list[MonthOfPeriods]:
        """Months of the history from one on."""
        return [month for month in self.months if month.month >= first]

    @abstractmethod
    def panels(self, first: int, stop: int) -> OriginPanels:
        """Prices from period `first` to `stop`, those of a month with its view before it; of windows also after it."""

    @abstractmethod
    def at_base(self) -> OriginPanels | None:
        """Quotes of the base days alone; None where no output compares with them."""

    @abstractmethod
    def last_day(self, month: MonthOfPeriods) -> date:
        """Last day of the last period of a month."""

    @abstractmethod
    def ahead_day(self, month: MonthOfPeriods) -> date:
        """Last day whose quotes the figures of a month depend on: `last_day` or later."""

    @abstractmethod
    def return_day(self, month: MonthOfPeriods) -> date:
        """Last day on which a product may return that counts in the movements of a month: `last_day` or later."""

    @abstractmethod
    def start_of_drift(self, month: MonthOfPeriods) -> int:
        """First period from which the drift of a month is measured."""


class QuotesOfDays:
    """Reader of the quotes of consecutive days. The last two stretches are kept: outputs of a month share them."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._kept: list[tuple[date, date, pl.DataFrame]] = []

    def read(self, data_origin: str, first: date, last: date) -> pl.DataFrame:
        """Quotes of a data origin from the first to the last day, texts as categories."""
        inside = pl.col("collected_on").is_between(first, last) & (pl.col("data_origin") == data_origin)
        for begin, end, quotes in self._kept:
            if begin <= first and last <= end:
                return quotes.filter(inside)
        # texts as categories take 28 bytes a quote in the place of a hundred
        texts = pl.col("data_origin", "retailer", "product").cast(pl.Categorical)
        quotes = self._inputs.read_days("quotes", "collected_on", (first, last), QUOTE_COLUMNS).with_columns(texts)
        self._kept = [(first, last, quotes), *self._kept[:1]]
        return quotes.filter(inside)


@dataclass(frozen=True, eq=False)
class DailyMonths(OriginMonths):
    """Daily outputs, computed from quotes. `quotes`: which those of all data origins are read by."""

    quotes: QuotesOfDays

    def of_unit_prices(self, *, wanted: bool) -> DailyMonths:
        """The outputs that depend on pack sizes alone, or those that do not.

        The pack size of a product is decided in its first days, so that it may change figures of the month before.
        """
        chosen = [what for what in self.outputs if FORMULAS[what.output.formula].per_pack_size == wanted]
        return replace(self, outputs=chosen)

    def panels(self, first: int, stop: int) -> OriginPanels:
        """Quotes of the days from `first` to `stop`."""
        return self._panels(self._quotes(first, stop - 1), first, stop - 1)

    def last_day(self, month: MonthOfPeriods) -> date:
        """Last day of the month."""
        return last_day(month.month)

    def ahead_day(self, month: MonthOfPeriods) -> date:
        """Last day of the month."""
        return last_day(month.month)

    def return_day(self, month: MonthOfPeriods) -> date:
        """Last day of the month."""
        return last_day(month.month)

    def start_of_drift(self, month: MonthOfPeriods) -> int:
        """First day of the month before; of outputs without a drift that of the month."""
        if not any(drift_periods_before(what.output) for what in self.outputs):
            return month.start
        return max([0, *(other.start for other in self.months if other.stop == month.start)])

    def at_base(self) -> OriginPanels | None:
        """Quotes of the base days alone; None where there is no base."""
        days = base_days(self.outputs)
        if days is None:
            return None
        rows = np.flatnonzero(days)
        stretches = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        quotes = pl.concat([self._quotes(int(stretch[0]), int(stretch[-1])) for stretch in stretches])
        return self._panels(quotes, int(rows[0]), int(rows[-1]))

    def _quotes(self, first: int, last: int) -> pl.DataFrame:
        return self.quotes.read(self.history.data_origin, self.history.days[first], self.history.days[last])

    def _panels(self, quotes: pl.DataFrame, first: int, last: int) -> OriginPanels:
        return panels_of_days(self.history, quotes, self.pack_sizes, (first, last))


class PricesOfWeeks:
    """Reader of the mean prices of weeks, and of the scopes of their products. Each month is read once.

    Months before the first one of the last request are not kept.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._scopes = inputs.read("scoped", [*PRODUCT, "in_scope"])
        self._months: dict[tuple[str, date], pl.DataFrame] = {}

    def read(self, data_origin: str, starts: Sequence[date]) -> pl.DataFrame:
        """`ProductPeriodPrice` rows of the months of some weeks, and in_scope. `starts`: Mondays, ascending."""
        months = list(dict.fromkeys(start.replace(day=1) for start in starts))
        self._months = {
            (origin, month): rows
            for (origin, month), rows in self._months.items()
            if origin != data_origin or month >= months[0]
        }
        return pl.concat([self._of_month(data_origin, month) for month in months])

    def _of_month(self, data_origin: str, month: date) -> pl.DataFrame:
        if (data_origin, month) not in self._months:
            chosen = {"calendar": ["weeks"], "data_origin": [data_origin]}
            columns = ProductPeriodPrice.column_names()
            prices = self._inputs.read_rows("period_prices", chosen, ("month", month, month), columns)
            self._months[data_origin, month] = prices.join(self._scopes, on=PRODUCT, how="left")
        return self._months[data_origin, month]


@dataclass(frozen=True, eq=False)
class WeeklyMonths(OriginMonths):
    """Weekly outputs over windows, computed from mean prices of weeks. `prices`: which they are read by."""

    prices: PricesOfWeeks

    @property
    def weeks_ahead(self) -> int:
        """Weeks after a month that its figures depend on."""
        return most_periods_ahead(what.output for what in self.outputs)

    def panels(self, first: int, stop: int) -> OriginPanels:
        """Mean prices of the weeks from `first` to `stop` and of those after it that windows need."""
        rows = slice(first, min(stop + self.weeks_ahead, len(self.starts)))
        judged = self.prices.read(self.history.data_origin, self.starts[rows])
        return panels_of_periods(self.history, judged, self.pack_sizes, "weeks", rows)

    def at_base(self) -> None:
        """Nothing: windows have no base."""

    def last_day(self, month: MonthOfPeriods) -> date:
        """Last day of the last week of the month."""
        return self.starts[month.stop - 1] + timedelta(days=6)

    def ahead_day(self, month: MonthOfPeriods) -> date:
        """Last day of the weeks after the month that its windows need."""
        return self.last_day(month) + timedelta(days=7 * self.weeks_ahead)

    def return_day(self, month: MonthOfPeriods) -> date:
        """Last day of the weeks after the month in which a product may return."""
        return self.last_day(month) + timedelta(days=7 * RETURN_PERIODS["weekly"])

    def start_of_drift(self, month: MonthOfPeriods) -> int:
        """First week of the longest of the windows over which drift is measured."""
        return max(0, month.start - max(drift_periods_before(what.output) for what in self.outputs))


def weekly_months(origins: Sequence[DailyMonths], inputs: Inputs, recipes: Sequence[Recipe]) -> list[WeeklyMonths]:
    """Arrange the weekly outputs of each data origin. All have the same months, so that a state is of all.

    Raises ValueError for an output without a window, which would need quotes of its base.
    """
    prices = PricesOfWeeks(inputs)
    known = [(origin, scoped_outputs(origin.history, recipes, "weekly")) for origin in origins]
    known = [(origin, outputs) for origin, outputs in known if outputs]
    for what in (what for _, outputs in known for what in outputs):
        if not FORMULAS[what.output.formula].windowed:
            message = f"{' '.join(what.name)}: found {what.output.formula}, expected windows in a weekly output"
            raise ValueError(message)
    calendars = [outputs[0].based.periods for _, outputs in known]
    all_outputs = [what.output for _, outputs in known for what in outputs]
    first_months = first_months_of_blocks([periods.starts for periods in calendars], all_outputs)
    return [
        WeeklyMonths(
            origin.history,
            outputs,
            origin.pack_sizes,
            periods.starts,
            periods_with_quotes(origin.history.present, periods.of_day),
            months_of_periods(periods.starts, first_months),
            prices,
        )
        for (origin, outputs), periods in zip(known, calendars, strict=True)
    ]


def read_origins(inputs: Inputs, recipes: Sequence[Recipe]) -> list[DailyMonths]:
    """Read what is known of all history of each data origin, in the order of origins, and arrange its daily outputs."""
    item_days, rejected = inputs.read("item_days"), inputs.read("rejected")
    rhythms = dict(inputs.read("retailers", ["retailer", "rhythm"]).drop_nulls("rhythm").iter_rows())
    weeks = base_weeks(item_days, rhythms)
    pack_sizes = inputs.read("pack_sizes").filter("is_of_item_measure")
    out_of_scope = inputs.read("scoped", ["data_origin", "in_scope"]).filter(~pl.col("in_scope"))
    with_scopes = set(out_of_scope["data_origin"])
    quotes = QuotesOfDays(inputs)
    origins = []
    for origin in sorted(weeks):
        of_origin = pl.col("data_origin") == origin
        history = origin_history(
            item_days.filter(of_origin),
            data_origin=origin,
            rejected=rejected.filter(of_origin),
            weights=tree_weights(inputs, origin),
            week=weeks[origin],
            rhythms=rhythms,
            has_quotes_out_of_scope=origin in with_scopes,
        )
        origins.append(
            DailyMonths(
                history,
                scoped_outputs(history, recipes, "daily"),
                pack_sizes.filter(of_origin),
                history.days,
                history.present,
                months_of_periods(history.days),
                quotes,
            )
        )
    return origins


def month_periods(
    origins: Sequence[OriginMonths], *, before: int, ahead_day: Callable[[OriginMonths, MonthOfPeriods], date]
) -> list[Period]:
    """Months of all data origins, with the days of their views and what else their figures depend on.

    A month depends on those before it by the state, so that its view need not reach back as far as its prices do.
    `before`: months before a month whose quotes its figures depend on besides the state. `ahead_day`: of a month of an
    origin, the last day after it whose quotes count: `OriginMonths.ahead_day` of figures; of errors, which depend on
    the state of the figures, `OriginMonths.return_day`. These days are apart, as `Period.ahead_day`.
    """
    bases: dict[date, list[str]] = {}
    last_days: dict[date, date] = {}
    ahead: dict[date, date] = {}
    for origin in origins:
        for month in origin.months:
            rows = slice(month.start, month.stop)
            hashes = [
                structure_hash(
                    origin.history, [level.of_periods(rows) for level in what.based.levels], what.output.window
                )
                for what in origin.outputs
            ]
            start = month.month
            bases.setdefault(start, []).extend(dict.fromkeys(hashes))
            last_days[start] = max(origin.last_day(month), last_days.get(start, start))
            ahead[start] = max(ahead_day(origin, month), ahead.get(start, start))
    return [
        Period(
            month,
            _months_before(month, before),
            last_days[month],
            " ".join(hashes),
            ahead[month] if ahead[month] > last_days[month] else None,
        )
        for month, hashes in sorted(bases.items())
    ]


def stale_months(run: AssetRun, table: str, periods: Sequence[Period], parameters: str) -> PeriodBuild:
    """Months of a table of states that are to be computed; all of them where the run does not request the table."""
    if table in run.tables:
        return run.periods_to_build(table, periods, parameters)
    return PeriodBuild({period.start: "" for period in periods}, tuple(periods))


def states_output(run: AssetRun, states: pl.DataFrame, build: PeriodBuild) -> Output:
    """States of the months of a build; none where the run does not request all tables of the asset.

    Else months would count as built while a table of figures still has their former rows.
    """
    if run.own_tables <= run.tables:
        return Output(states, build=build)
    return Output(states.clear(), build=replace(build, stale=(), ahead=frozenset()))


def recipes_text(recipes: Iterable[Recipe]) -> str:
    """Parameters of the recipes, as text."""
    return " ".join(f"{recipe.name} {parameters_hash(recipe)} {','.join(recipe.scopes)}" for recipe in recipes)


@dataclass(frozen=True)
class StoredStates:
    """States of the outputs after a month, and the structures of it and the months before, as they are stored.

    `arrays`: by output. `structures`: by output and month.
    """

    arrays: dict[OutputKey, dict[str, NDArray[np.float64]]]
    structures: dict[tuple[OutputKey, date], str]

    def figures(self, history: OriginHistory, what: ScopedOutput) -> FiguresState:
        """State of the figures of an output. Raises StructureChangedError where none is stored."""
        return FiguresState.from_arrays(self._arrays(history, what), len(history.tree))

    def diagnostics(self, history: OriginHistory, what: ScopedOutput) -> DiagnosticsState:
        """State of the diagnostics of an output. Raises StructureChangedError where none is stored."""
        return DiagnosticsState.from_arrays(self._arrays(history, what), len(history.tree))

    def before(
        self, history: OriginHistory, what: ScopedOutput, periods: int
    ) -> tuple[NDArray[np.int64], dict[date, str]]:
        """Segments of the first periods of a history, strata x periods, and the structure of each of their months."""
        output = (history.data_origin, *what.name)
        structures = {month: text.split(" ")[0] for (key, month), text in self.structures.items() if key == output}
        if periods == 0:
            return np.zeros((len(history.strata), 0), dtype=np.int64), structures
        runs = self._arrays(history, what)["segment runs"].astype(np.int64)
        return segments_of_runs(runs, len(history.strata), periods), structures

    def depends_ahead_on(self, history: OriginHistory, what: ScopedOutput, month: date) -> str | None:
        """Hash of what the figures of a month depended on after it; None where no state of it is stored."""
        structure = self.structures.get(((history.data_origin, *what.name), month))
        return None if structure is None else structure.partition(" ")[2]

    def _arrays(self, history: OriginHistory, what: ScopedOutput) -> dict[str, NDArray[np.float64]]:
        arrays = self.arrays.get((history.data_origin, *what.name))
        if arrays is None or len(arrays["pasts counts"]) != len(history.strata):
            message = f"{' '.join(what.name)}: no state of these retailers and items is stored"
            raise StructureChangedError(message)
        return arrays

    @staticmethod
    def read(run: AssetRun, table: str, first: date, months: Sequence[date]) -> StoredStates:
        """Read the states after the last of `months` before `first`, and the structures up to that of `first`."""
        structures = StoredStates._structures(run, table, [month for month in months if month <= first])
        earlier = [month for month in months if month < first]
        if not earlier:
            return StoredStates({}, structures)
        days = (earlier[-1], earlier[-1])
        rows = run.read_own_days(table, "month", days, IndexState.column_names())
        arrays = {key: state_arrays(of_key) for key, of_key in rows.partition_by(OUTPUT, as_dict=True).items()}
        return StoredStates(arrays, structures)

    @staticmethod
    def _structures(run: AssetRun, table: str, months: Sequence[date]) -> dict[tuple[OutputKey, date], str]:
        if not months:
            return {}
        days = (months[0], months[-1])
        known = run.read_own_days(table, "month", days, ["month", *OUTPUT, "structure"]).unique()
        return {(tuple(key), month): structure for month, *key, structure in known.iter_rows()}


def _months_before(month: date, count: int) -> date:
    for _ in range(count):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


def last_day(month: date) -> date:
    """Last day of a month, from its first."""
    return month.replace(day=monthrange(month.year, month.month)[1])
