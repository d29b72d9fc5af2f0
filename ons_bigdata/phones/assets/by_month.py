"""Tables of deliveries that are built month by month: a delivery that comes or changes rebuilds its month alone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ons_bigdata.platform.dagster.by_period import ByPeriod, Period, PeriodBuild
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MONTH = "month"
PACKAGES = ("ons_bigdata.phones.assets", "ons_bigdata.phones.methods", "ons_bigdata.estimation")
_NO_MONTH = date(1, 1, 1)


def by_month(monthly: Iterable[str], whole: Iterable[str]) -> ByPeriod:
    """How a table of months depends on its inputs: on the same month of `monthly`, on every row of `whole`."""
    return ByPeriod(_MONTH, dict.fromkeys(monthly, _MONTH), PACKAGES, tuple(whole))


class StaleMonths(NamedTuple):
    """Months of which a table of an asset has to be built again, and the build of each table."""

    months: tuple[date, ...]
    builds: Mapping[str, PeriodBuild]

    def read(self, inputs: Inputs, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Rows of these months of an input, `columns` with the month among them."""
        months = self.months or (_NO_MONTH,)
        return pl.concat([inputs.read_days(name, _MONTH, (month, month), columns) for month in months])

    def outputs(
        self, frames: Mapping[str, pl.DataFrame], metadata: Mapping[str, Mapping[str, object]] | None = None
    ) -> dict[str, Output]:
        """Outputs of the tables: rows of the months that are stale in each of them."""
        stale = {name: [period.start for period in build.stale] for name, build in self.builds.items()}
        return {
            name: Output(
                frame.filter(pl.col(_MONTH).is_in(stale[name])), (metadata or {}).get(name, {}), build=self.builds[name]
            )
            for name, frame in frames.items()
        }


def stale_months(inputs: Inputs, run: AssetRun, tables: Iterable[str], deliveries: str) -> StaleMonths:
    """Find the months of the input `deliveries` that are stale in one of the tables."""
    months = sorted(inputs.read(deliveries, [_MONTH])[_MONTH].unique())
    periods = [Period(month, month, month) for month in months]
    builds = {table: run.periods_to_build(table, periods) for table in tables}
    stale = sorted({period.start for build in builds.values() for period in build.stale})
    return StaleMonths(tuple(stale), builds)
