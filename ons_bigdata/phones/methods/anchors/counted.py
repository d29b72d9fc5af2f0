"""Devices that a specification counts, their flows under its rule of disclosure, and their anchors against truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.phones.schemas.specification import Disclosure, Specification

DEVICE = "device_key"
SHIFT_KINDS = ("night_shift", "rotating_shift")
STUDENT = "student"
NO_DEVICES = "no such device"
BOOTSTRAP_DRAWS = 500
Row = tuple[str, str, int, float | None, float | None, float | None, str | None]
"""measure, area_class, devices, value, lower, upper, reason."""
_CONFIDENCE_Z = float(ndtri(0.975))


def counted_devices(
    anchors: pl.DataFrame, register: pl.DataFrame, spec: Specification, duplicates: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rows of devices that the specification counts, with their tariff.

    `anchors`: device_key, active_days, events, worker_status and others; `confirm_students` decides on the status.
    `register`: device_key, tariff, account, holder_age, is_machine of the same operator. A device counts if its
    account, tariff and holder's age (unknown ages count) are the specification's, if it is no machine unless they
    count, and if it has enough active days. Devices that are not in the register do not count. `duplicates`:
    device_key, companion_key, is_duplicate; where the specification counts one device of a pair, that with fewer
    events (then the greater key) is left out of those that count.
    """
    rule = spec.devices
    age = pl.col("holder_age").fill_null(rule.min_age_years)
    known = register.filter(
        pl.col("account").is_in(rule.accounts)
        & pl.col("tariff").is_in(rule.tariffs)
        & (age >= rule.min_age_years)
        & (pl.lit(rule.includes_machines) | ~pl.col("is_machine"))
    )
    active = anchors.filter(pl.col("active_days") >= rule.min_active_days)
    confirmed = confirm_students(active, register, spec)
    counted = confirmed.join(known.select(DEVICE, "tariff"), on=DEVICE, how="inner", maintain_order="left")
    if duplicates is None or spec.duplicates.counted == "both":
        return counted
    return counted.join(_second_devices(counted, duplicates), on=DEVICE, how="anti", maintain_order="left")


def confirm_students(anchors: pl.DataFrame, register: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Anchors with the status `worker` in the place of `student` where the holder is not known to be young enough.

    `anchors`: device_key, worker_status; `register`: device_key, holder_age.
    """
    young = register.filter(pl.col("holder_age") <= spec.students.max_age_years)[DEVICE].unique()
    is_other = (pl.col("worker_status") == STUDENT) & ~pl.col(DEVICE).is_in(young.implode())
    return anchors.with_columns(worker_status=pl.when(is_other).then(pl.lit("worker")).otherwise("worker_status"))


def _second_devices(counted: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """Devices of pairs that name each other, of which the other one counts: device_key."""
    flagged = duplicates.filter("is_duplicate").select(DEVICE, "companion_key")
    mutual = flagged.join(
        flagged.select(companion_key=DEVICE, device_key="companion_key"), on=[DEVICE, "companion_key"], how="semi"
    )
    events = counted.select(DEVICE, "events")
    pairs = mutual.join(events, on=DEVICE).join(
        events.rename({DEVICE: "companion_key", "events": "events_of_companion"}), on="companion_key"
    )
    is_less = pl.col("events") < pl.col("events_of_companion")
    is_even = pl.col("events") == pl.col("events_of_companion")
    return pairs.filter(is_less | (is_even & (pl.col(DEVICE) > pl.col("companion_key")))).select(DEVICE)


def rule_flows(counted: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Devices by segment and pair of zones of the specification: segment, origin, destination, devices, sorted.

    `counted`: home_zone, work_zone, tariff, worker_status; students are left out where the specification counts them
    apart. Pairs without a device are 0. Devices without one of the zones, and those
    whose zone is not in the specification, are in no pair.
    """
    codes = pl.Series(spec.zones.codes)
    pairs = pl.DataFrame({"origin": codes}).join(pl.DataFrame({"destination": codes}), how="cross")
    key = ["segment", "origin", "destination"]
    every = pairs.join(pl.DataFrame({"segment": ["all", "contract", "payg"]}), how="cross")
    if spec.students.counted == "apart":
        counted = counted.filter(pl.col("worker_status") != STUDENT)
    placed = counted.drop_nulls(["home_zone", "work_zone"]).select(
        origin="home_zone", destination="work_zone", segment="tariff"
    )
    whole = pl.concat([placed, placed.with_columns(segment=pl.lit("all"))])
    counts = whole.group_by(key).agg(devices=pl.len().cast(pl.Int64))
    return every.join(counts, on=key, how="left").select(*key, pl.col("devices").fill_null(0)).sort(key)


def protect_counts(flows: pl.DataFrame, rule: Disclosure) -> pl.DataFrame:
    """Counts under a rule of suppression and rounding, with `status` (observed, rounded, suppressed).

    `flows`: devices (from 0) and others. Counts from 1 below the threshold are null; others are rounded to the nearest
    multiple of the base, halves upward.
    """
    base = rule.rounding_base
    is_hidden = pl.col("devices").is_between(1, rule.largest_hidden)
    rounded = (2 * pl.col("devices") + base) // (2 * base) * base
    shown = "rounded" if base > 1 else "observed"
    return flows.with_columns(
        devices=pl.when(~is_hidden).then(rounded),
        status=pl.when(is_hidden).then(pl.lit("suppressed")).otherwise(pl.lit(shown)),
    )


def evaluate_anchors(
    anchors: pl.DataFrame, truth: pl.DataFrame, duplicates: pl.DataFrame | None = None, *, seed: int = 0
) -> pl.DataFrame:
    """Anchors against simulated truth: measure, area_class, devices, value, lower, upper, reason.

    `anchors`: device_key, home, work, shift_candidate, worker_status. `duplicates`: device_key, is_duplicate. `truth`:
    device_key and the columns of `TrueDevice`; devices without anchors were not seen and count as wrong. Of regular
    workers: the share whose home (work) cell is the one that serves the true place best, and the same of that of the
    nearest mast, by class of the ground at the place and of all, with Wilson's interval. Of all devices: precision,
    recall and F1 of the flags for shift workers, students and, where given, duplicates, with an interval from
    BOOTSTRAP_DRAWS draws of devices (`seed`).
    """
    judged = truth.join(
        anchors.select(DEVICE, "home", "work", "shift_candidate", "worker_status"),
        on=DEVICE,
        how="left",
        maintain_order="left",
    )
    rows: list[Row] = []
    regular = judged.filter(pl.col("kind") == "regular")
    for place in ("home", "work"):
        classes = regular[f"{place}_class"].drop_nulls().unique().sort().to_list()
        for name in ("all", *classes):
            part = regular if name == "all" else regular.filter(pl.col(f"{place}_class") == name)
            for measure, column in (("right", place), ("oracle", f"nearest_{place}_cell")):
                is_right = part.select((pl.col(column) == pl.col(f"{place}_cell")).fill_null(value=False)).to_series()
                rows.append((f"{place}_{measure}", name, *_share(int(is_right.sum()), part.height)))
    flags = {
        "shift": (pl.col("kind").is_in(SHIFT_KINDS), pl.col("shift_candidate")),
        "student": (pl.col("kind") == STUDENT, pl.col("worker_status") == STUDENT),
    }
    if duplicates is not None:
        judged = judged.join(duplicates.select(DEVICE, "is_duplicate"), on=DEVICE, how="left", maintain_order="left")
        flags["duplicate"] = (pl.col("has_companion"), pl.col("is_duplicate"))
    for name, pair in flags.items():
        is_so, flagged = (judged.select(one.fill_null(value=False)).to_series().to_numpy() for one in pair)
        rows += _flag_rows(name, is_so, flagged, seed)
    schema = {
        **{"measure": pl.String, "area_class": pl.String, "devices": pl.Int64},
        **dict.fromkeys(("value", "lower", "upper"), pl.Float64),
        "reason": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _share(right: int, number: int) -> tuple[int, float | None, float | None, float | None, str | None]:
    """Number, share and Wilson's interval."""
    if number == 0:
        return 0, None, None, None, NO_DEVICES
    share, z = right / number, _CONFIDENCE_Z
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    reach = z / (1 + z**2 / number) * float(np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2)))
    return number, share, max(0.0, middle - reach), min(1.0, middle + reach), None


def _flag_rows(flag: str, is_so: NDArray[np.bool_], flagged: NDArray[np.bool_], seed: int) -> list[Row]:
    number = is_so.size
    names = (f"{flag}_f1", f"{flag}_precision", f"{flag}_recall")
    if not is_so.any():
        return [(name, "all", number, None, None, None, NO_DEVICES) for name in names]
    outcome = np.array([(is_so & flagged).sum(), (~is_so & flagged).sum(), (is_so & ~flagged).sum(), 0.0])
    outcome[3] = number - outcome.sum()
    draws = np.random.default_rng(seed).multinomial(number, outcome / number, size=BOOTSTRAP_DRAWS).astype(np.float64)

    def measures(
        hits: NDArray[np.float64], wrong: NDArray[np.float64], missed: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = [2 * hits / (2 * hits + wrong + missed), hits / (hits + wrong), hits / (hits + missed)]
        return [np.nan_to_num(part) for part in parts]

    values = measures(*(outcome[place : place + 1] for place in range(3)))
    drawn = measures(draws[:, 0], draws[:, 1], draws[:, 2])
    rows: list[Row] = []
    for name, value, draw in zip(names, values, drawn, strict=True):
        lower, upper = np.quantile(draw, [0.025, 0.975])
        rows.append((name, "all", number, float(value[0]), float(lower), float(upper), None))
    return rows
