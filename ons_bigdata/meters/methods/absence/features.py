"""Features of a meter-day for the boosted trees: free of the home's scale, against its own days around."""

from __future__ import annotations

import numpy as np

from ons_bigdata.meters.methods.absence.day_matrix import DayMatrix
from ons_bigdata.meters.methods.absence.day_statistics import SPIKE_KWH, DayStatistics, day_total
from ons_bigdata.meters.methods.absence.night_likeness import night_likeness
from ons_bigdata.meters.methods.absence.rule import baseline
from ons_bigdata.meters.methods.absence.usual_profile import profile_comparison

SMALL_KWH = 0.005
"""kWh per half hour added to both sides of a ratio: half of what meters with two decimals resolve."""
RATIO_LIMIT = 5.0
NIGHT_DAYS = 14

OF_DAY = (
    *("total_to_local", "total_to_lifetime", "total_to_baseline", "total_rank", "total_to_low", "active_to_night"),
    *("active_to_nights", "third_to_base", "third_to_local", "third_rank", "sixth_to_night_max", "sd_to_local"),
    *("sd_to_night", "sd_rank", "largest_to_local", "largest_to_base", "roughness_to_local", "roughness_to_night"),
    *("evening_to_local", "evening_to_base", "morning_to_local", "midday_to_local", "spikes", "spikes_to_local"),
    *("correlation", "base_to_local", "median_to_base", "decile_to_base", "above_nights"),
    *("profile_correlation", "profile_correlation_to_local", "profile_correlation_rank", "profile_distance_to_local"),
    *("mean_from_nights", "sd_to_nights", "successive", "successive_to_local", "active_to_night_to_local"),
    *("evening_share_to_local", "morning_share_to_local", "largest_rank", "early_to_base", "breakfast_to_base"),
    *("afternoon_to_base", "late_to_base", "largest_of_48_to_base", "spikes_of_48"),
    *("night_likelihood", "night_position", "night_excess", "usual_excess", "above_high_nights", "night_position_rank"),
    *("total_to_high", "third_to_high", "sd_to_high", "evening_to_high", "spikes_to_high", "total_to_local_high"),
    *("sd_to_local_high",),
)
"""Features of the day itself; those that end in `local` against the median of 57 days, `base` the night base b_d."""
AROUND = (
    *("total_to_local", "third_rank", "active_to_nights", "sd_to_nights", "evening_to_base", "above_nights"),
    *("profile_correlation", "profile_distance_to_local", "mean_from_nights"),
    *("night_likelihood", "night_position", "night_excess", "sd_to_high"),
)
"""Features of which the day before, the day after and the week around enter, too."""
EDGES = ("early_to_base", "breakfast_to_base", "afternoon_to_base", "late_to_base")
"""Largest half hour of 00 to 06, 06 to 12, 12 to 18 and 18 to 24 h: a day on which people leave or come back is
quiet in part of it."""
OF_HOME = (
    "night_share",
    "night_divergence",
    "nights_sd_to_local",
    "profile_correlation_local",
    "spikes_local",
    "local_to_lifetime",
    "lifetime_to_floor",
    "high_to_floor",
    "lifetime_spikes_high",
)
"""Features of the home: how far its night base and its usual day lie apart, and whether even its upper tenth of days
uses so little that it may be empty throughout."""
FEATURES = (
    *OF_DAY,
    *(f"{name}_{place}" for name in AROUND for place in ("before", "after", "lower", "week")),
    *OF_HOME,
)

Floats = np.ndarray


def _log_ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log((np.maximum(part, 0) + SMALL_KWH) / (np.maximum(whole, 0) + SMALL_KWH))
    return np.clip(ratio, -RATIO_LIMIT, RATIO_LIMIT)


def day_features(statistics: DayStatistics, peer_floor_kwh: float) -> Floats:
    """Features of each day, days × `FEATURES`, float64; NaN on days that cannot be judged, and where unknown."""
    day = _of_day(statistics, peer_floor_kwh)
    day.update(_against_profile(statistics))
    day.update(_against_nights(statistics))
    day.update(_by_quarter_of_day(statistics))
    day.update(night_likeness(statistics))
    day["night_position_rank"] = statistics.rolling_quantile(day["night_position"], 28, 0.5)[1]
    high = statistics.rolling_quantile(statistics["night_max"], 14, 0.8)[0]
    day["above_high_nights"] = _share_above(statistics, high)
    day.update(_against_high_days(statistics))
    columns = dict(day)
    for name in AROUND:
        columns.update(_around(statistics, name, day[name]))
    columns.update(_of_home(statistics, peer_floor_kwh))
    result = np.column_stack([columns[name] for name in FEATURES])
    result[np.isnan(statistics["mean"])] = np.nan
    return result


def _of_day(statistics: DayStatistics, peer_floor_kwh: float) -> dict[str, Floats]:
    total = day_total(statistics)
    base = statistics.base
    local = {
        name: statistics.rolling_median(statistics[name], 28)
        for name in ("mean", "active_sd", "largest", "roughness", "evening_mean", "morning_mean", "midday_mean")
    }
    third_local, third_rank = statistics.rolling_quantile(statistics["third_largest"], 28, 0.5)
    _, sd_rank = statistics.rolling_quantile(statistics["active_sd"], 28, 0.5)
    low, total_rank = statistics.rolling_quantile(total, 28, 0.1)
    night_mean = statistics.rolling_median(statistics["night_mean"], 14)
    night_max = statistics.rolling_median(statistics["night_max"], 14)
    spikes_local = statistics.rolling_median(statistics.spikes, 28)
    return {
        "total_to_local": _log_ratio(statistics["mean"], local["mean"]),
        "total_to_lifetime": _log_ratio(total, statistics.lifetime_quantile(total, 0.5)),
        "total_to_baseline": _log_ratio(total, baseline(statistics, peer_floor_kwh)),
        "total_rank": total_rank,
        "total_to_low": _log_ratio(total, low),
        "active_to_night": _log_ratio(statistics["active_mean"], statistics["night_mean"]),
        "active_to_nights": _log_ratio(statistics["active_mean"], night_mean),
        "third_to_base": _log_ratio(statistics["third_largest"], base),
        "third_to_local": _log_ratio(statistics["third_largest"], third_local),
        "third_rank": third_rank,
        "sixth_to_night_max": _log_ratio(statistics["sixth_largest"], night_max),
        "sd_to_local": _log_ratio(statistics["active_sd"], local["active_sd"]),
        "sd_to_night": _log_ratio(statistics["active_sd"], statistics.spread),
        "sd_rank": sd_rank,
        "largest_to_local": _log_ratio(statistics["largest"], local["largest"]),
        "largest_to_base": _log_ratio(statistics["largest"], base),
        "roughness_to_local": _log_ratio(statistics["roughness"], local["roughness"]),
        "roughness_to_night": _log_ratio(
            statistics["roughness"], statistics.rolling_median(statistics["night_roughness"], 14)
        ),
        "evening_to_local": _log_ratio(statistics["evening_mean"], local["evening_mean"]),
        "evening_to_base": _log_ratio(statistics["evening_mean"], base),
        "morning_to_local": _log_ratio(statistics["morning_mean"], local["morning_mean"]),
        "midday_to_local": _log_ratio(statistics["midday_mean"], local["midday_mean"]),
        "spikes": statistics.spikes,
        "spikes_to_local": (statistics.spikes + 1) / (spikes_local + 1),
        "correlation": profile_correlation(statistics),
        "base_to_local": _log_ratio(statistics["night_median"], base),
        "median_to_base": _log_ratio(statistics["median"], base),
        "decile_to_base": _log_ratio(statistics["low_decile"], base),
        "above_nights": _share_above(statistics, night_max),
    }


def _share_above(statistics: DayStatistics, level: Floats) -> Floats:
    """Share of the half hours from 06:00 to 23:30 above a level of the day."""
    active = statistics.matrix.kwh[:, 12:47]
    with np.errstate(invalid="ignore"):
        above = (active > level[:, None] + SMALL_KWH).sum(axis=1)
        return above / np.maximum((~np.isnan(active)).sum(axis=1), 1)


def profile_correlation(statistics: DayStatistics) -> Floats:
    """Correlation of the day's half hours from 06:00 to 23:30 with the meter's median profile."""
    matrix = statistics.matrix
    active = matrix.kwh[:, 12:47]
    result = np.full(len(active), np.nan)
    for begin, end in zip(matrix.first_row[:-1], matrix.first_row[1:], strict=True):
        part = active[begin:end]
        whole = part[~np.isnan(part).any(axis=1)]
        if len(whole) < 2:
            continue
        profile = np.median(whole, axis=0).astype(np.float64)
        profile -= profile.mean()
        filled = np.where(np.isnan(part), np.nanmean(part), part).astype(np.float64)
        filled -= filled.mean(axis=1, keepdims=True)
        scale = np.sqrt((filled**2).sum(axis=1) * (profile**2).sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            result[begin:end] = np.where(scale > 0, filled @ profile / scale, 0.0)
    return result


def _against_high_days(statistics: DayStatistics) -> dict[str, Floats]:
    """The day against the upper tenth of the home's days, which has people at home even where most days have none."""

    def high(values: Floats) -> Floats:
        return statistics.lifetime_quantile(values, 0.9)

    pairs = {"total": "mean", "third": "third_largest", "sd": "active_sd", "evening": "evening_mean"}
    columns = {
        f"{name}_to_high": _log_ratio(statistics[column], high(statistics[column])) for name, column in pairs.items()
    }
    columns["spikes_to_high"] = (statistics.spikes + 1) / (high(statistics.spikes) + 1)
    for name, column in (("total", "mean"), ("sd", "active_sd")):
        local = statistics.rolling_quantile(statistics[column], 28, 0.9)[0]
        columns[f"{name}_to_local_high"] = _log_ratio(statistics[column], local)
    return columns


def _by_quarter_of_day(statistics: DayStatistics) -> dict[str, Floats]:
    """Largest half hour of each quarter of the day against the night base, and half hours of use in the whole day."""
    kwh = statistics.matrix.kwh
    filled = np.where(np.isnan(kwh), 0, kwh)
    quarters = filled.reshape(-1, 4, 12).max(axis=2).astype(np.float64)
    level = statistics.base + np.maximum(3 * statistics.spread, SPIKE_KWH)
    columns = {name: _log_ratio(quarters[:, number], statistics.base) for number, name in enumerate(EDGES)}
    columns["largest_of_48_to_base"] = _log_ratio(quarters.max(axis=1), statistics.base)
    columns["spikes_of_48"] = (filled > level[:, None]).sum(axis=1).astype(np.float64)
    return columns


def _window_sums(matrix: DayMatrix, values: Floats, half_days: int) -> Floats:
    """Sums of the columns of `values` (days × columns, no NaN) over the days within so many of each, by meter."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    rows = np.arange(len(values))
    begins = np.maximum(rows - half_days, matrix.first_row[matrix.meter])
    ends = np.minimum(rows + half_days + 1, matrix.first_row[matrix.meter + 1])
    return sums[ends] - sums[begins]


def _against_profile(statistics: DayStatistics) -> dict[str, Floats]:
    """The day's half hours against the mean of the days around, and both against the home's usual."""
    compared = profile_comparison(statistics)
    correlation, distance, successive = (
        compared[name] for name in ("profile_correlation", "profile_distance", "successive")
    )
    local, rank = statistics.rolling_quantile(correlation, 28, 0.5)
    return {
        "profile_correlation": correlation,
        "profile_correlation_to_local": correlation - local,
        "profile_correlation_rank": rank,
        "profile_correlation_local": local,
        "profile_distance_to_local": _log_ratio(distance, statistics.rolling_median(distance, 28)),
        "successive": successive,
        "successive_to_local": successive - statistics.rolling_median(successive, 28),
    }


def _against_nights(statistics: DayStatistics) -> dict[str, Floats]:
    """The day's half hours against those of the nights around, as draws from the same distribution would be."""
    matrix = statistics.matrix
    nights = matrix.kwh[:, 4:10]
    known = ~np.isnan(nights)
    filled = np.where(known, nights, 0).astype(np.float64)
    parts = np.column_stack([filled.sum(axis=1), (filled**2).sum(axis=1), known.sum(axis=1)])
    sums = _window_sums(matrix, parts, NIGHT_DAYS)
    counts = np.maximum(sums[:, 2], 1)
    mean = sums[:, 0] / counts
    sd = np.sqrt(np.maximum(sums[:, 1] / counts - mean**2, 0))
    evening_share = statistics["evening_mean"] / (statistics["mean"] + SMALL_KWH)
    morning_share = statistics["morning_mean"] / (statistics["mean"] + SMALL_KWH)
    contrast = _log_ratio(statistics["active_mean"], statistics["night_mean"])
    return {
        "mean_from_nights": np.clip((statistics["active_mean"] - mean) / (sd + SMALL_KWH), -5, 20),
        "sd_to_nights": _log_ratio(statistics["active_sd"], sd),
        "nights_sd_to_local": _log_ratio(sd, statistics.rolling_median(statistics["active_sd"], 28)),
        "active_to_night_to_local": contrast - statistics.rolling_median(contrast, 28),
        "evening_share_to_local": evening_share - statistics.rolling_median(evening_share, 28),
        "morning_share_to_local": morning_share - statistics.rolling_median(morning_share, 28),
        "largest_rank": statistics.rolling_quantile(statistics["largest"], 28, 0.5)[1],
    }


def _around(statistics: DayStatistics, name: str, values: Floats) -> dict[str, Floats]:
    """A feature on the day before and after, the lower of the two, and its median over the week around."""
    before, after = (statistics.matrix.shifted(values, days) for days in (-1, 1))
    return {
        f"{name}_before": before,
        f"{name}_after": after,
        f"{name}_lower": np.fmin(before, after),
        f"{name}_week": statistics.rolling_median(values, 3),
    }


def _of_home(statistics: DayStatistics, peer_floor_kwh: float) -> dict[str, Floats]:
    usual = statistics.lifetime_quantile(statistics["mean"], 0.5)
    local = statistics.rolling_median(statistics["mean"], 28)
    high = statistics.lifetime_quantile(statistics["mean"], 0.9)
    floor = np.full(len(usual), peer_floor_kwh)
    return {
        "night_share": _log_ratio(statistics.base, local),
        "spikes_local": statistics.rolling_median(statistics.spikes, 28),
        "local_to_lifetime": _log_ratio(local, usual),
        "lifetime_to_floor": np.minimum(_log_ratio(usual * 48, floor), 0.0),
        "high_to_floor": np.minimum(_log_ratio(high * 48, floor), 0.7),
        "lifetime_spikes_high": np.minimum(statistics.lifetime_quantile(statistics.spikes, 0.9), 8.0),
    }
