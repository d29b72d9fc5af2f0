"""Vacancy injected into the days of real homes: how the detection of vacant quarters is judged without a truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import DayMatrix, day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics, day_total
from ons_bigdata.meters.methods.evaluation.injection import with_days

NIGHT_SLOTS = slice(4, 10)
"""Half hours from 02:00 to 05:00, of which the load of an empty home is drawn."""

DAYS_OF_QUARTER = 90

Floats = np.ndarray


@dataclass(frozen=True)
class VacancyProtocol:
    """How vacancies are injected.

    `share`: of the homes that become vacant. `most_quarters`: each is vacant for 1 to so many whole quarters at the end
    of the days, drawn uniformly, and for up to `most_days_before` days before. `switched_off_share`: of the vacant
    homes whose half hours are all zero. The others have half hours of their nights, drawn anew and brought to a
    consumption of 90 days that is drawn uniformly from `kwh_per_quarter`. `spike_day_share`: of the days of those with
    one half hour of the height of a high one by day: a visit, a timer; it comes on top.
    """

    share: float = 0.4
    most_quarters: int = 4
    most_days_before: int = 45
    switched_off_share: float = 0.15
    kwh_per_quarter: tuple[float, float] = (1.0, 180.0)
    spike_day_share: float = 0.03

    def __post_init__(self) -> None:
        """Raise ValueError on an impossible protocol."""
        for name in ("share", "switched_off_share", "spike_day_share"):
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} is {getattr(self, name)}, expected 0 to 1"
                raise ValueError(message)
        if self.most_quarters < 1 or self.most_days_before < 0:
            message = f"lengths are {self.most_quarters}, {self.most_days_before}; expected 1 quarter, 0 days or more"
            raise ValueError(message)
        if not 0 <= self.kwh_per_quarter[0] <= self.kwh_per_quarter[1]:
            message = f"kwh_per_quarter is {self.kwh_per_quarter}, expected two numbers in order, 0 or more"
            raise ValueError(message)


def last_whole_quarter(last_day: date) -> date:
    """First day of the last quarter that ends by a day."""
    first_month = (last_day + timedelta(days=1)).month - 1
    begin = date((last_day + timedelta(days=1)).year, first_month // 3 * 3 + 1, 1)
    return quarters_before(begin, 1)


def quarters_before(quarter: date, number: int) -> date:
    """First day of the quarter so many quarters before one."""
    months = quarter.year * 12 + quarter.month - 1 - 3 * number
    return date(months // 12, months % 12 + 1, 1)


def inject_vacancy(
    meter_days: pl.DataFrame, seed: int, protocol: VacancyProtocol | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Meter-days with vacancies injected that last to the end, and the truth of the last whole quarter.

    `meter_days`: frame `MeterDay`. Returns the days up to the end of the last whole quarter, with the half hours of the
    vacant ones replaced, and one row per meter: meter, quarter (the last whole one), vacant (injected), vacant_from
    (null unless injected), quarters_vacant (whole quarters up to the last; 0 unless injected). Homes that have fewer
    than 80 % of the days of the drawn quarters, or of the last one, are left out of the truth. As the quarter is the
    last, its judgement uses nothing that comes after it. Homes that are not drawn are taken for lived in, which a few
    may not be. The result depends on the days, the seed, and the order and number of the meters alone.
    """
    chosen = protocol or VacancyProtocol()
    quarter = last_whole_quarter(meter_days["day"].max())  # type: ignore[arg-type]
    end = quarters_before(quarter, -1)
    frame = meter_days.filter(pl.col("day") < end).sort("meter", "day")
    matrix = day_matrix(frame)
    known = ~np.isnan(day_total(day_statistics(matrix)))
    kwh = matrix.kwh.copy()
    is_replaced = np.zeros(len(known), dtype=bool)
    rows = []
    homes = len(matrix.first_row) - 1
    place = np.random.default_rng(seed).permutation(homes)
    for number, (begin, after) in enumerate(zip(matrix.first_row[:-1], matrix.first_row[1:], strict=True)):
        random = np.random.default_rng([seed, number])
        is_drawn = bool(place[number] < round(chosen.share * homes))
        quarters = int(random.integers(1, chosen.most_quarters + 1))
        extra = int(random.integers(0, chosen.most_days_before + 1))
        first_quarter = quarters_before(quarter, quarters - 1 if is_drawn else 0)
        span = (matrix.day[begin:after] >= _number(first_quarter)) & (matrix.day[begin:after] < _number(end))
        days = (end - first_quarter).days
        if (known[begin:after] & span).sum() < 0.8 * days:
            continue
        vacant_from = first_quarter - timedelta(days=extra)
        is_vacant = is_drawn & (matrix.day[begin:after] >= _number(vacant_from))
        lived_in = known[begin:after] & ~is_vacant
        if is_drawn and lived_in.sum() < 14:
            continue
        if is_drawn:
            kwh[begin:after][is_vacant] = _empty_days(kwh[begin:after], is_vacant, lived_in, chosen, random)
            is_replaced[begin:after] = is_vacant
        rows.append(
            (_meter(matrix, int(begin)), quarter, is_drawn, vacant_from if is_drawn else None, quarters * is_drawn)
        )
    schema = pl.Schema(
        {
            "meter": frame.schema["meter"],
            "quarter": pl.Date(),
            "vacant": pl.Boolean(),
            "vacant_from": pl.Date(),
            "quarters_vacant": pl.Int64(),
        }
    )
    present = matrix.input_row >= 0
    return with_days(frame, kwh[present], is_replaced[present]), pl.DataFrame(rows, schema=schema, orient="row")


def _empty_days(
    kwh: Floats, is_vacant: np.ndarray, lived_in: np.ndarray, protocol: VacancyProtocol, random: np.random.Generator
) -> Floats:
    """Half hours of the vacant days of a home; where there was no reading there is none."""
    days = int(is_vacant.sum())
    nights = kwh[lived_in][:, NIGHT_SLOTS].ravel()
    nights = nights[~np.isnan(nights)]
    if random.random() < protocol.switched_off_share or not len(nights):
        drawn = np.zeros((days, kwh.shape[1]), dtype=np.float32)
    else:
        drawn = random.choice(nights, (days, kwh.shape[1])).astype(np.float64)
        of_quarter = float(drawn.mean()) * DAYS_OF_QUARTER * kwh.shape[1]
        drawn *= random.uniform(*protocol.kwh_per_quarter) / of_quarter if of_quarter > 0 else 1.0
        drawn = drawn.astype(np.float32)
        by_day = kwh[lived_in][:, 12:47]
        usual = float(np.nanquantile(by_day, 0.9)) if not np.isnan(by_day).all() else 0.0
        spikes = np.flatnonzero(random.random(days) < protocol.spike_day_share)
        drawn[spikes, random.integers(12, 47, len(spikes))] = usual
    return np.where(np.isnan(kwh[is_vacant]), np.float32(np.nan), drawn)


def _meter(matrix: DayMatrix, row: int) -> object:
    """Meter of the first row of a meter, which is a day of the input."""
    return matrix.keys["meter"][int(matrix.input_row[row])]


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
