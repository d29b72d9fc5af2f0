"""Statistics of homes by which simulated meters are compared with real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.meters.clock import HalfHours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.simulated import SimulatedMeters

STATISTICS = (
    *("mean_day", "cv_day", "q05_over_median", "q95_over_median", "hh_p95", "hh_max", "night_level", "evening_share"),
    *("ac1", "ac48", "ac336", "lowdays"),
)
"""The twelve statistics of the gate, in the order of `measure_homes`."""

_NIGHT, _EVENING = slice(4, 10), slice(34, 46)
_LOW_SHARE, _WINDOW = 0.4, 57


def days_by_clock(meters: SimulatedMeters) -> NDArray[np.float32]:
    """Consumption by home, local day and half hour of the clock (48); NaN for what a day of 46 lacks.

    Of the half hours that come twice in autumn the first is taken.
    """
    clock = HalfHours(meters.first_day, meters.days, meters.timezone)
    kwh = np.full((len(meters.kwh), clock.days, 48), np.nan, dtype=np.float32)
    kwh[:, clock.day[::-1], clock.slot[::-1]] = meters.kwh[:, ::-1]
    return kwh


def measure_homes(kwh: NDArray[np.float32]) -> pl.DataFrame:
    """Statistics of homes from their half hours (homes × days × 48, NaN = missing), one row per home.

    mean_day (kWh), cv_day, q05_over_median and q95_over_median (of daily totals), hh_p95 and hh_max (kWh per half
    hour), night_level (48 × median from 02:00 to 05:00 / median day), evening_share (mean from 17:00 to 23:00 / mean),
    ac1, ac48, ac336 (autocorrelation of half hours), lowdays (share of days below 0.4 of their 57-day median), zero
    (share of zeros), spike_on_low (share of low days with a half hour above 4 × the day's median + 0.1 kWh; NaN
    without low days). Days with fewer than 44 readings do not count as days.
    """
    rows = [_measure_home(home.astype(np.float64)) for home in kwh]
    return pl.DataFrame(rows, schema=[*STATISTICS, "zero", "spike_on_low"], orient="row")


def _measure_home(kwh: NDArray[np.float64]) -> tuple[float, ...]:
    known = np.isfinite(kwh).sum(axis=1) >= 44
    total = np.where(known, np.nansum(kwh, axis=1), np.nan)
    days = total[known]
    median = float(np.median(days))
    values = kwh[np.isfinite(kwh)]
    is_low = known & (total < _LOW_SHARE * _rolling_median(total))
    flat = kwh.ravel()
    spikes = (kwh[is_low] > (4 * np.nanmedian(kwh[is_low], axis=1) + 0.1)[:, None]).any(axis=1)
    return (
        float(days.mean()),
        float(days.std() / days.mean()) if days.mean() > 0 else np.nan,
        float(np.quantile(days, 0.05)) / median if median > 0 else np.nan,
        float(np.quantile(days, 0.95)) / median if median > 0 else np.nan,
        float(np.quantile(values, 0.95)),
        float(values.max()),
        48 * float(np.nanmedian(kwh[:, _NIGHT])) / median if median > 0 else np.nan,
        float(np.nanmean(kwh[:, _EVENING]) / values.mean()) if values.mean() > 0 else np.nan,
        *(_autocorrelation(flat, lag) for lag in (1, 48, 336)),
        float(is_low.sum() / known.sum()),
        float((values == 0).mean()),
        float(spikes.mean()) if spikes.size else np.nan,
    )


def _autocorrelation(values: NDArray[np.float64], lag: int) -> float:
    first, second = values[:-lag], values[lag:]
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any() or first[known].std() == 0 or second[known].std() == 0:
        return float("nan")
    return float(np.corrcoef(first[known], second[known])[0, 1])


def _rolling_median(total: NDArray[np.float64]) -> NDArray[np.float64]:
    half = _WINDOW // 2
    padded = np.r_[np.full(half, np.nan), total, np.full(half, np.nan)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)
    with np.errstate(all="ignore"):
        return np.asarray(np.nanmedian(windows, axis=1))


def measure_weeks(kwh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features of the whole weeks of a home without missing half hours (days × 48), weeks × 25.

    Weeks are runs of seven days from the first. Logarithms of level and spread, quantiles over the mean, shares of six
    parts of the day, spread of the daily totals, autocorrelations, steps between half hours, share of zeros.
    """
    weeks = kwh[: len(kwh) // 7 * 7].reshape(-1, 7 * 48)
    weeks = weeks[np.isfinite(weeks).all(axis=1)]
    mean = weeks.mean(axis=1, keepdims=True)
    kept = mean[:, 0] > 0
    weeks, mean = weeks[kept], mean[kept]
    scaled = weeks / mean
    daily = scaled.reshape(-1, 7, 48).sum(axis=2)
    steps = np.diff(scaled, axis=1)
    quantiles = np.quantile(scaled, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0), axis=1).T
    parts = scaled.reshape(-1, 7, 6, 8).mean(axis=(1, 3))
    centred = scaled - 1.0
    variance = (centred**2).mean(axis=1)
    lagged = [(centred[:, lag:] * centred[:, :-lag]).mean(axis=1) / (variance + 1e-9) for lag in (1, 2, 48)]
    columns = (
        np.log(mean[:, 0]),
        np.log(variance + 1e-6),
        daily.std(axis=1) / 48,
        np.abs(steps).mean(axis=1),
        np.quantile(np.abs(steps), 0.25, axis=1),
        (np.abs(steps) < 0.02).mean(axis=1),
        (weeks == 0).mean(axis=1),
        daily.min(axis=1) / 48,
    )
    return np.column_stack([*columns, quantiles, parts, *lagged])


def kolmogorov_smirnov(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Largest distance between the empirical distributions of two samples without NaN."""
    grid = np.sort(np.r_[first, second])
    below = [np.searchsorted(np.sort(sample), grid, side="right") / sample.size for sample in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def membership_auc(members: NDArray[np.float64], others: NDArray[np.float64], simulated: NDArray[np.float64]) -> float:
    """How well nearness to simulated weeks tells weeks that a generator was given from others (rows of features).

    Returns the chance that a member is nearer to its nearest simulated week than another week is; ties count half. 0.5
    means that nothing about members can be learnt.
    """
    scale = simulated.std(axis=0) + 1e-9
    near, far = (_nearest(weeks / scale, simulated / scale) for weeks in (members, others))
    below = np.searchsorted(np.sort(far), near, side="left"), np.searchsorted(np.sort(far), near, side="right")
    return float(1.0 - (below[0] + below[1]).mean() / (2 * far.size))


def _nearest(weeks: NDArray[np.float64], simulated: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([((simulated - week) ** 2).sum(axis=1).min() for week in weeks])
