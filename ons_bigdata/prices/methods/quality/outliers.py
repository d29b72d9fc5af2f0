"""Outlier rules: bounds of a sample of values, mostly price relatives, and flags of the values outside.

The definitions are those of the R package gpindex (`outliers`), quantiles of type 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ons_bigdata.estimation.input_checks import suggestion
from ons_bigdata.prices.methods.panels.input_checks import finite_number, float_vector

Values = NDArray[np.float64]

RULES = ("fixed", "robust_z", "quartile", "resistant_fences", "kimber", "tukey", "hb")

RULE_ALIASES = {
    "hidiroglou_berthelot": "hb",
    "quartile_method": "quartile",
    "mad": "robust_z",
    "iqr": "resistant_fences",
    "fences": "resistant_fences",
    "fixed_cutoff": "fixed",
}

DEFAULT_CUTOFF = 2.5
MAD_TO_SIGMA = 1.4826
"""Median absolute deviation times this estimates the standard deviation of a normal sample."""


def is_outlier(
    values: ArrayLike,
    rule: str,
    *,
    cutoff: float = DEFAULT_CUTOFF,
    lower_cutoff: float | None = None,
    floor: float = 0.0,
    tails: float = 0.05,
) -> NDArray[np.bool_]:
    """Mask of the values outside the bounds of `rule`; null (NaN) values are never flagged.

    `tukey` flags the tails of the sample as well. Takes and raises what `outlier_bounds` does.
    """
    refuse_unknown_rule(rule)
    sample = _sample(values)
    lower, upper = outlier_bounds(sample, rule, cutoff=cutoff, lower_cutoff=lower_cutoff, floor=floor, tails=tails)
    judged = hidiroglou_berthelot(sample) if rule == "hb" else sample
    with np.errstate(invalid="ignore"):
        outside = (judged < lower) | (judged > upper)
        if rule == "tukey":
            outside |= _in_tails(sample, float(tails))
    return np.asarray(outside, dtype=np.bool_)


def refuse_unknown_rule(rule: object) -> None:
    """Raise ValueError that lists the known rules and suggests one."""
    if not (isinstance(rule, str) and rule in RULES):
        near = suggestion(rule, RULES, RULE_ALIASES) if isinstance(rule, str) else None
        hint = f"; did you mean {near}?" if near else ""
        message = f"rule: found {rule!r}, expected one of {', '.join(RULES)}{hint}"
        raise ValueError(message)


def outlier_bounds(
    values: ArrayLike,
    rule: str,
    *,
    cutoff: float = DEFAULT_CUTOFF,
    lower_cutoff: float | None = None,
    floor: float = 0.0,
    tails: float = 0.05,
) -> tuple[float, float]:
    """Lowest and highest value that pass `rule`.

    With q1, q2, q3 the quartiles (type 7), c = `cutoff`, C = `lower_cutoff` (c where it is None) and a = `floor`:

    * `fixed`: [1/c, c], or [C, c] where `lower_cutoff` is given: it is the bound itself;
    * `robust_z`: q2 − C·s to q2 + c·s, s = 1.4826 · median |x − q2|;
    * `quartile`: q2 − C·max(q2 − q1, a|q2|) to q2 + c·max(q3 − q2, a|q2|);
    * `resistant_fences`: q1 − C·max(q3 − q1, a|q2|) to q3 + c·max(q3 − q1, a|q2|);
    * `kimber`: q1 − C·max(q2 − q1, a|q2|) to q3 + c·max(q3 − q2, a|q2|);
    * `tukey`: of the relatives that differ from 1 and lie between the `tails` quantile and its opposite, m = mean:
      m − C·(m − mean of those ≤ m) to m + c·(mean of those ≥ m − m); where no value remains, all values between the
      quantiles pass. The values in the tails are outliers by definition: `is_outlier` flags them too;
    * `hb`: the `quartile` rule on the values transformed by `hidiroglou_berthelot`; the bounds are of the transform.

    NaN values are left out. A sample without any value has no bounds: −inf, inf.
    Raises ValueError for an unknown rule (the message lists the known ones), a cut-off that is not positive, a negative
    floor, tails outside [0, 0.5), infinite values, and values that are not positive where the rule needs a ratio
    (`hb`).

    Source: reference manual of the R package gpindex, `outliers`; for `hb` Hidiroglou and Berthelot (1986), Survey
    Methodology 12.
    """
    rules: dict[str, Callable[[Values, float, float | None, float, float], tuple[float, float]]] = {
        "fixed": _fixed,
        "robust_z": _robust_z,
        "quartile": _quartile,
        "resistant_fences": _resistant_fences,
        "kimber": _kimber,
        "tukey": _tukey,
        "hb": _hb,
    }
    refuse_unknown_rule(rule)
    cutoff, lower_cutoff, floor, tails = _checked(cutoff, lower_cutoff, floor, tails)
    sample = _sample(values)
    present = sample[~np.isnan(sample)]
    if present.size == 0:
        return -math.inf, math.inf
    return rules[rule](present, cutoff, lower_cutoff, floor, tails)


def hidiroglou_berthelot(values: ArrayLike, *, prices: Sequence[ArrayLike] | None = None, power: float = 0.0) -> Values:
    """Transform positive ratios so that falls and rises count alike: 1 − q2/x below the median q2, else x/q2 − 1.

    With `prices` (the earlier and the later price of each ratio) each is multiplied by max(p0, p1)^power, so that the
    same ratio weighs more for an expensive product; `power` from 0 (no effect) to 1. NaN stays NaN.

    Raises ValueError where a value or a price is not positive, or `power` lies outside [0, 1].
    Source: Hidiroglou and Berthelot (1986), Survey Methodology 12.
    """
    if not 0.0 <= (power := finite_number("power", power)) <= 1.0:
        message = f"power: found {power}, expected 0 to 1"
        raise ValueError(message)
    sample = _positive(_sample(values), "values")
    if np.isnan(sample).all():
        return sample.copy()
    median = float(np.nanmedian(sample))
    transformed: Values = np.where(sample < median, 1.0 - median / sample, sample / median - 1.0)
    if prices is None:
        if power > 0.0:
            message = "prices: found none, expected the two prices of each ratio where power is not 0"
            raise ValueError(message)
        return transformed
    if not isinstance(prices, Sequence) or isinstance(prices, str | bytes) or len(prices) != 2:
        message = "prices: expected two lists of numbers, the earlier and the later price of each ratio"
        raise ValueError(message)
    earlier, later = (_positive(_sample(price, "prices"), "prices") for price in prices)
    if not len(earlier) == len(later) == len(sample):
        message = f"prices: found {len(earlier)} and {len(later)}, expected {len(sample)} each, as values"
        raise ValueError(message)
    return np.asarray(transformed * np.maximum(earlier, later) ** power)


def _fixed(_sample: Values, cutoff: float, lower: float | None, _floor: float, _tails: float) -> tuple[float, float]:
    return (1.0 / cutoff if lower is None else lower), cutoff


def _robust_z(sample: Values, cutoff: float, lower: float | None, _floor: float, _tails: float) -> tuple[float, float]:
    median = float(np.median(sample))
    deviation = MAD_TO_SIGMA * float(np.median(np.abs(sample - median)))
    return median - (lower or cutoff) * deviation, median + cutoff * deviation


def _quartile(sample: Values, cutoff: float, lower: float | None, floor: float, _tails: float) -> tuple[float, float]:
    low, median, high = _quartiles(sample)
    least = floor * abs(median)
    return median - (lower or cutoff) * max(median - low, least), median + cutoff * max(high - median, least)


def _resistant_fences(
    sample: Values, cutoff: float, lower: float | None, floor: float, _tails: float
) -> tuple[float, float]:
    low, median, high = _quartiles(sample)
    spread = max(high - low, floor * abs(median))
    return low - (lower or cutoff) * spread, high + cutoff * spread


def _kimber(sample: Values, cutoff: float, lower: float | None, floor: float, _tails: float) -> tuple[float, float]:
    low, median, high = _quartiles(sample)
    least = floor * abs(median)
    return low - (lower or cutoff) * max(median - low, least), high + cutoff * max(high - median, least)


def _tukey(sample: Values, cutoff: float, lower: float | None, _floor: float, tails: float) -> tuple[float, float]:
    kept = sample[(sample != 1.0) & ~_in_tails(sample, tails)]
    if kept.size == 0:
        return float(np.quantile(sample, tails)), float(np.quantile(sample, 1.0 - tails))
    mean = float(np.clip(kept.mean(), kept.min(), kept.max()))  # rounding must not leave a side without values
    below = mean - float(kept[kept <= mean].mean())
    above = float(kept[kept >= mean].mean()) - mean
    return mean - (lower or cutoff) * below, mean + cutoff * above


def _hb(sample: Values, cutoff: float, lower: float | None, floor: float, tails: float) -> tuple[float, float]:
    return _quartile(hidiroglou_berthelot(sample), cutoff, lower, floor, tails)


def _in_tails(sample: Values, tails: float) -> NDArray[np.bool_]:
    present = sample[~np.isnan(sample)]
    if present.size == 0:
        return np.zeros(sample.shape, dtype=np.bool_)
    low, high = np.quantile(present, [tails, 1.0 - tails])
    with np.errstate(invalid="ignore"):
        return np.asarray((sample < low) | (sample > high), dtype=np.bool_)


def _quartiles(sample: Values) -> tuple[float, float, float]:
    low, median, high = np.quantile(sample, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)


def _sample(values: ArrayLike, name: str = "values") -> Values:
    sample = float_vector(name, values)
    if np.isinf(sample).any():
        message = f"{name}: found an infinite value in row {int(np.flatnonzero(np.isinf(sample))[0])}, expected numbers"
        raise ValueError(message)
    return sample


def _positive(sample: Values, name: str) -> Values:
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(sample <= 0.0)
    if wrong.size:
        message = f"{name}: found {sample[wrong[0]]} in row {int(wrong[0])}, expected a positive number"
        raise ValueError(message)
    return sample


def _refuse_no_number(name: str, found: object) -> None:
    try:
        finite_number(name, found)
    except ValueError:
        message = f"{name}: found {found!r}, expected a number"
        raise ValueError(message) from None


def _checked(
    cutoff: float, lower: float | None, floor: float, tails: float
) -> tuple[float, float | None, float, float]:
    """Numbers as floats, within their bounds."""
    for name, number in (("cutoff", cutoff), ("lower_cutoff", lower), ("floor", floor), ("tails", tails)):
        if number is not None or name != "lower_cutoff":
            _refuse_no_number(name, number)
    cutoff, floor, tails = float(cutoff), float(floor), float(tails)
    lower = None if lower is None else float(lower)
    if not cutoff > 0.0 or not (lower is None or lower > 0.0):
        message = f"cut-offs: found {cutoff} and {lower}, expected positive numbers"
        raise ValueError(message)
    if floor < 0.0:
        message = f"floor: found {floor}, expected 0 or more"
        raise ValueError(message)
    if not 0.0 <= tails < 0.5:
        message = f"tails: found {tails}, expected 0 to less than 0.5"
        raise ValueError(message)
    return cutoff, lower, floor, tails
