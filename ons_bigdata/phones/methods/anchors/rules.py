"""Home, work and status of devices from what the pass over their events counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtr

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.phones.methods.anchors import scan
from ons_bigdata.phones.methods.anchors.encoding import DAY_S, EncodedEvents, encode_events
from ons_bigdata.phones.schemas.devices import DeviceAnchor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.phones.schemas.specification import Specification

HOUR_S = 3_600
_COLUMNS = ("device", "at_utc", "cell")


def home_and_work(events: pl.DataFrame, spec: Specification, *, cells: pl.DataFrame | None = None) -> pl.DataFrame:
    """Home and work of each device by the rules of a specification, one row per device, sorted by device.

    `events`: device and cell (whole numbers or text), at_utc (Datetime with zone UTC); other columns are ignored. All
    events of a device must be in the frame; the order of rows does not matter. Events without device, time or cell,
    those outside of the period, those at unknown cells (where `cells` is given) and exact duplicates do not count; see
    `count_faults`. `cells`: cell, and optionally zone, education_share and share_aged_16_24 (0 to 1) of each cell.

    Returns device, home, work, workplaces (list) and the columns of `DeviceAnchor`; with zones of cells also home_zone
    and work_zone. Raises ValueError for missing columns, times that are not in UTC and cells that are not unique.

    Rules: docs/phones/devices/anchors.md. Night and working-hour rules after Ahas, Silm, Järv, Saluveer, Tiru,
    Journal of Urban Technology 17 (2010) 3–27; time of an event after the method of multimno 1.0.0 (half of the gap to
    each neighbour, capped).
    """
    _check(events, cells)
    period = spec.period
    days = (period.last_day - period.first_day).days + 1
    last_second = days * DAY_S + spec.home.to_hour * HOUR_S
    counted = events.select(_COLUMNS)
    if cells is not None:
        counted = counted.join(cells.select("cell"), on="cell", how="semi")
    encoded = encode_events(counted, period.first_day, last_second, period.time_zone)
    found = scan.Scanned(
        *scan.scan_devices(
            encoded.device,
            encoded.second,
            encoded.cell,
            (len(encoded.devices), max(1, len(encoded.cells)), spec.work.max_workplaces),
            _workdays(spec, days),
            _rules(spec),
        )
    )
    return _judged(encoded, found, spec, cells)


def count_faults(events: pl.DataFrame, spec: Specification, *, cells: pl.DataFrame | None = None) -> pl.DataFrame:
    """Events that do not count or are suspicious, by reason: columns reason and events, every reason once.

    `events` and `cells` as for `home_and_work`; with easting_m and northing_m of the cells, speeds are judged. Reasons:
    no_device, no_time, no_cell, out_of_period, unknown_cell, duplicate (all columns equal), which do not count;
    duplicate_elsewhere (same device and time at another cell) and fast (faster than the specification allows, over its
    least distance), which count and are reported.
    """
    _check(events, cells)
    period = spec.period
    local = pl.col("at_utc").dt.convert_time_zone(period.time_zone).dt.date()
    last = period.last_day + timedelta(days=1)
    unknown = pl.lit(value=False) if cells is None else ~pl.col("cell").is_in(cells["cell"].implode())
    reason = (
        pl.when(pl.col("device").is_null())
        .then(pl.lit("no_device"))
        .when(pl.col("at_utc").is_null())
        .then(pl.lit("no_time"))
        .when(pl.col("cell").is_null())
        .then(pl.lit("no_cell"))
        .when(~local.is_between(period.first_day, last))
        .then(pl.lit("out_of_period"))
        .when(unknown)
        .then(pl.lit("unknown_cell"))
        .when(~pl.struct(_COLUMNS).is_first_distinct())
        .then(pl.lit("duplicate"))
    )
    judged = events.select(*_COLUMNS, reason=reason)
    counted = judged.filter(pl.col("reason").is_null()).drop("reason").sort("device", "at_utc", "cell")
    counts = dict(judged.filter(pl.col("reason").is_not_null()).group_by("reason").len().iter_rows())
    elsewhere = (pl.col("at_utc") == pl.col("at_utc").shift().over("device")).sum()
    counts["duplicate_elsewhere"] = int(counted.select(elsewhere).item() or 0)
    counts["fast"] = 0 if cells is None or "easting_m" not in cells.columns else _fast(counted, cells, spec)
    reasons = (
        *("no_device", "no_time", "no_cell", "out_of_period", "unknown_cell", "duplicate"),
        *("duplicate_elsewhere", "fast"),
    )
    return pl.DataFrame({"reason": reasons, "events": [counts.get(name, 0) for name in reasons]})


def _fast(counted: pl.DataFrame, cells: pl.DataFrame, spec: Specification) -> int:
    """Events that the device can hardly have reached from the one before."""
    placed = counted.join(cells.select("cell", "easting_m", "northing_m"), on="cell", how="left", maintain_order="left")
    steps = placed.select(
        metres=(
            (pl.col("easting_m") - pl.col("easting_m").shift().over("device")) ** 2
            + (pl.col("northing_m") - pl.col("northing_m").shift().over("device")) ** 2
        ).sqrt(),
        seconds=(pl.col("at_utc") - pl.col("at_utc").shift().over("device")).dt.total_milliseconds() / 1000,
    )
    is_fast = (pl.col("metres") > spec.dwell.min_jump_m) & (
        pl.col("metres") > spec.dwell.max_speed_m_s * pl.col("seconds")
    )
    return int(steps.select(is_fast.sum()).item())


def _check(events: pl.DataFrame, cells: pl.DataFrame | None) -> None:
    refuse_missing_columns(events, _COLUMNS, "events")
    dtype = events.schema["at_utc"]
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone != "UTC":
        message = f"events: column at_utc is {dtype}; expected Datetime with time zone UTC"
        raise ValueError(message)
    if cells is None:
        return
    refuse_missing_columns(cells, ("cell",), "cells")
    if cells["cell"].is_duplicated().any() or cells["cell"].null_count():
        message = "cells: a cell is missing or comes twice; expected one row for each"
        raise ValueError(message)


def _workdays(spec: Specification, days: int) -> NDArray[np.bool_]:
    """Flag of each day of the period, true for working days, and false for the day after it."""
    first = spec.period.first_day
    dates = [first + timedelta(days=day) for day in range(days)]
    excluded = set(spec.period.excluded_days)
    return np.array([*(day.isoweekday() in spec.work.weekdays and day not in excluded for day in dates), False])


def _rules(spec: Specification) -> scan.Rules:
    home, work, shift = spec.home, spec.work, spec.shift_workers
    return scan.Rules(
        home.from_hour * HOUR_S,
        home.to_hour * HOUR_S,
        home.min_events_per_night,
        work.from_hour * HOUR_S,
        work.to_hour * HOUR_S,
        work.min_dwell_hours * HOUR_S,
        shift.core_from_hour * HOUR_S,
        shift.core_to_hour * HOUR_S,
        shift.evening_from_hour * HOUR_S,
        shift.evening_to_hour * HOUR_S,
        spec.dwell.max_day_minutes * 60.0,
        spec.dwell.max_night_minutes * 60.0,
        home.surroundings_share,
    )


def _judged(
    encoded: EncodedEvents, found: scan.Scanned, spec: Specification, cells: pl.DataFrame | None
) -> pl.DataFrame:
    names = (
        *("events", "active_days", "observed", "nights", "home", "home_nights", "next_nights", "working_days"),
        *("at_home_days", "swapped_nights"),
    )
    table = pl.DataFrame({name: found.counts[:, place] for place, name in enumerate(names)})
    table = table.with_columns(
        encoded.devices.alias("device"),
        pl.Series("work", found.work_cells[:, 0]),
        pl.Series("work_days", found.work_days[:, 0]),
        pl.Series("work_hours", found.work_dwell_s[:, 0] / HOUR_S),
    )
    week = len(spec.work.weekdays)
    least = max(1, round(spec.devices.min_active_days * min(1.0, _months_share(spec))))
    per_week = pl.when(pl.col("observed") > 0).then(pl.col("work_days") * week / pl.col("observed")).otherwise(0.0)
    table = table.with_columns(
        days_per_week=per_week,
        home_share=_ratio("home_nights", "nights"),
        work_share=_ratio("work_days", "working_days"),
        at_home_per_week=pl.when(pl.col("observed") > 0).then(pl.col("at_home_days") * week / pl.col("observed")),
        few=pl.col("active_days") < least,
    ).with_columns(
        home_reason=pl.when(pl.col("few"))
        .then(pl.lit("few_active_days"))
        .when(pl.col("home_nights") < spec.home.min_nights)
        .then(pl.lit("few_nights"))
        .when(pl.col("home_share") < spec.home.min_share)
        .then(pl.lit("ambiguous"))
    )
    is_work = (
        (pl.col("work") >= 0)
        & (pl.col("days_per_week") >= spec.work.min_days_per_week)
        & (pl.col("work_share") >= spec.work.min_share)
    )
    table = table.with_columns(
        work_reason=pl.when(pl.col("few"))
        .then(pl.lit("few_active_days"))
        .when(pl.col("home_reason").is_not_null())
        .then(pl.lit("no_home"))
        .when(is_work)
        .then(None)
        .when(pl.col("at_home_per_week") >= spec.work.min_days_per_week)
        .then(pl.lit("at_home"))
        .otherwise(pl.lit("few_working_days"))
    )
    return _result(table, encoded, found, spec, cells)


def _months_share(spec: Specification) -> float:
    """Length of the period in windows of active days."""
    return ((spec.period.last_day - spec.period.first_day).days + 1) / spec.devices.window_days


def _ratio(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _result(
    table: pl.DataFrame,
    encoded: EncodedEvents,
    found: scan.Scanned,
    spec: Specification,
    cells: pl.DataFrame | None,
) -> pl.DataFrame:
    rule = spec.shift_workers
    difference = (table["home_nights"] - table["next_nights"]).to_numpy()
    both = np.maximum((table["home_nights"] + table["next_nights"]).to_numpy(), 1)
    has_home, has_work = pl.col("home_reason").is_null(), pl.col("work_reason").is_null()
    numbers = found.work_cells
    kept = (found.work_days >= 1) & (
        found.work_days * len(spec.work.weekdays)
        >= spec.work.min_days_per_week * np.maximum(table["observed"].to_numpy(), 1)[:, None]
    )
    kept &= found.work_days >= spec.work.min_share * table["working_days"].to_numpy()[:, None]
    lists = _lists(np.where(kept, numbers, -1), encoded.cells)
    judged = table.with_columns(
        home=_named(table["home"], encoded.cells),
        work=_named(table["work"], encoded.cells),
        workplaces=lists,
        home_confidence=pl.Series(ndtr(difference / np.sqrt(both))),
    ).select(
        "device",
        pl.when(has_home).then("home").alias("home"),
        pl.when(has_work).then("work").alias("work"),
        pl.when(has_work).then(pl.col("workplaces").list.drop_nulls()).alias("workplaces"),
        *("events", "active_days", "nights", "home_nights", "home_share"),
        pl.when(has_home).then("home_confidence").alias("home_confidence"),
        "home_reason",
        *("working_days", "work_days", "work_hours", "work_share", "days_per_week", "work_reason"),
        is_part_time=has_work & (pl.col("days_per_week") < spec.work.full_time_days_per_week),
        swapped_nights="swapped_nights",
        shift_candidate=~pl.col("few")
        & (pl.col("swapped_nights") >= rule.min_swapped_nights)
        & (pl.col("swapped_nights") >= rule.min_share * pl.col("nights")),
    )
    return _with_status(judged, spec, cells).sort("device")


def _lists(numbers: NDArray[np.int64], cells: pl.Series) -> pl.Series:
    """Cells of the numbers of each row as a list; null for −1."""
    if not numbers.size:
        return pl.Series([], dtype=pl.List(cells.dtype))
    columns = [_named(pl.Series(numbers[:, place]), cells).alias(str(place)) for place in range(numbers.shape[1])]
    return pl.select(pl.concat_list(columns)).to_series()


def _named(numbers: pl.Series, cells: pl.Series) -> pl.Series:
    """Cells of numbers; null for −1."""
    places = numbers.cast(pl.Int64)
    return cells.gather(pl.select(pl.when(places >= 0).then(places)).to_series())


def _with_status(judged: pl.DataFrame, spec: Specification, cells: pl.DataFrame | None) -> pl.DataFrame:
    """Add the status, and the zones of home and work where cells have them."""
    is_same_zone, is_student = pl.lit(value=False), pl.lit(value=False)
    extra: list[str] = []
    if cells is not None and "zone" in cells.columns:
        for place in ("home", "work"):
            zones = cells.select(pl.col("cell").alias(place), pl.col("zone").alias(f"{place}_zone"))
            judged = judged.join(zones, on=place, how="left", maintain_order="left")
        is_same_zone = (pl.col("home_zone") == pl.col("work_zone")).fill_null(value=False)
        extra = ["home_zone", "work_zone"]
    shares = ("education_share", "share_aged_16_24")
    if cells is not None and set(shares) <= set(cells.columns):
        judged = judged.join(
            cells.select(pl.col("cell").alias("work"), *shares), on="work", how="left", maintain_order="left"
        )
        is_student = (pl.col(shares[0]) >= spec.students.min_education_share) & (
            pl.col(shares[1]) >= spec.students.min_share_aged_16_24
        )
    at_home = pl.lit(spec.work.at_home)
    judged = judged.with_columns(
        status=pl.when(pl.col("home_reason").is_not_null())
        .then(pl.lit("unknown"))
        .when(is_student.fill_null(value=False))
        .then(pl.lit("student"))
        .when(is_same_zone | (pl.col("work_reason") == "at_home"))
        .then(at_home)
        .when(pl.col("work_reason").is_null())
        .then(pl.lit("worker"))
        .otherwise(pl.lit("non_worker"))
    )
    columns = ["device", "home", "work", "workplaces", *extra, *DeviceAnchor.column_names()]
    result = judged.select(columns)
    DeviceAnchor.validate(result.select(DeviceAnchor.column_names()), cast=True)
    return result
