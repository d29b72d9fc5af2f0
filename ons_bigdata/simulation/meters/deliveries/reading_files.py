"""Files of simulated readings in the format of the Irish trial (ISSDA 0012-00) and of the London one."""

from __future__ import annotations

from datetime import date
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours
    from ons_bigdata.simulation.meters.deliveries.faults import Delivery

CER_DAY_ZERO = date(2008, 12, 31)
"""Day 1 of the codes is 1 January 2009."""
CER_FIRST_DAY, CER_LAST_DAY = date(2009, 7, 14), date(2010, 12, 31)
"""Days of the Irish trial."""
_WATT_HOURS = 20_000
"""Readings up to 20 kWh are looked up as text."""
LCL_HEADER = "LCLid,stdorToU,DateTime,KWH/hh (per half hour) \r\n"


def cer_codes(clock: HalfHours) -> NDArray[np.int32]:
    """Code of each half hour: day and number within it; in spring 02 and 03 are left out, in autumn 49 and 50 added."""
    number = clock.position + 1
    number = np.where((clock.per_day[clock.day] == 46) & (number > 1), number + 2, number)
    day_zero = (clock.first_day - CER_DAY_ZERO).days
    return ((day_zero + clock.day) * 100 + number).astype(np.int32)


def disorder(rng: Generator, delivery: Delivery, clock: HalfHours) -> NDArray[np.int64]:
    """Order of rows in which the days of each meter are mixed, as in the files of the trial."""
    key = delivery.row.astype(np.int64) * clock.days + clock.day[delivery.half_hour]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    lengths = np.diff(np.r_[starts, key.size])
    meter = delivery.row[starts]
    order = np.lexsort((rng.random(starts.size), meter))
    starts, lengths = starts[order], lengths[order]
    within = np.arange(key.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(starts, lengths) + within


def write_cer_rows(stream: IO[bytes], meters: pl.Series, delivery: Delivery, clock: HalfHours, rng: Generator) -> int:
    """Append rows `meter code kWh` to an open file; returns their number.

    Trailing zeros are dropped, as in the trial. The format has no row without a reading: such rows are left out.
    """
    order = disorder(rng, delivery, clock)
    order = order[~np.isnan(delivery.kwh[order])]
    frame = pl.DataFrame(
        {
            "meter": meters.gather(delivery.row[order]),
            "code": cer_codes(clock)[delivery.half_hour[order]],
            "kwh": kwh_text(delivery.kwh[order]),
        }
    )
    frame.write_csv(stream, include_header=False, separator=" ", quote_style="never")
    return frame.height


def write_lcl_rows(stream: IO[bytes], meters: pl.Series, delivery: Delivery, clock: HalfHours) -> int:
    """Append rows of the London format to an open file, in the order of time; returns their number.

    The clock is GMT all year; readings are padded by spaces; rows without one have the token Null.
    """
    moment = clock.started_at[delivery.half_hour] + delivery.offset_s.astype("timedelta64[s]")
    text = pl.Series("kwh", kwh_text(delivery.kwh))
    frame = pl.DataFrame(
        {
            "meter": pl.select(pl.format("MAC{}", meters.cast(pl.String).str.zfill(6)))
            .to_series()
            .gather(delivery.row),
            "tariff": pl.Series(["Std"]).gather(np.zeros(delivery.row.size, dtype=np.int64)),
            "at": pl.Series(moment).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S.0000000"),
            "kwh": text,
        }
    ).with_columns(
        kwh=pl.when(pl.Series(np.isnan(delivery.kwh))).then(pl.lit("Null")).otherwise(pl.format(" {} ", "kwh"))
    )
    frame.write_csv(stream, include_header=False, quote_style="never", line_terminator="\r\n")
    return frame.height


def kwh_text(kwh: NDArray[np.float64]) -> pl.Series:
    """Readings as text with as few digits as they need; NaN as an empty text."""
    watt_hours = kwh * 1000.0
    rounded = np.round(np.nan_to_num(watt_hours))
    usual = (np.abs(watt_hours - rounded) < 1e-6) & (rounded >= 0) & (rounded <= _WATT_HOURS)
    texts = _usual_texts().gather(np.where(usual, rounded, 0).astype(np.int64))
    others = np.flatnonzero(~usual)
    if others.size == 0:
        return texts
    written = [("" if np.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".")) for value in kwh[others]]
    return texts.scatter(others, written)


def _usual_texts() -> pl.Series:
    return pl.Series([f"{number / 1000:.3f}".rstrip("0").rstrip(".") for number in range(_WATT_HOURS + 1)])


def write_allocations(path: Path, homes: pl.DataFrame) -> None:
    """Write the allocation of the meters as the CSV exports of the Irish one: ID, Code, tariffs, stray empty columns.

    Every meter is residential (code 1); control meters (tariff E) have stimulus E, all others 1.
    """
    stimulus = pl.when(pl.col("tariff") == "E").then(pl.lit("E")).otherwise(pl.lit("1"))
    frame = homes.select(
        pl.col("meter").alias("ID"),
        pl.lit(1).alias("Code"),
        pl.col("tariff").alias("Residential - Tariff allocation"),
        stimulus.alias("Residential - stimulus allocation"),
        pl.lit(None, dtype=pl.String).alias("SME allocation"),
    )
    text = frame.write_csv()
    path.write_text("\n".join(f"{line},," for line in text.splitlines()) + "\n", encoding="utf-8")


def write_homes(path: Path, homes: pl.DataFrame, *, file_format: str) -> None:
    """Write the attributes of the homes as the documented CSV of homes: area, type of dwelling, heating and solar."""
    meter = pl.col("meter").cast(pl.String)
    frame = homes.select(
        (pl.format("MAC{}", meter.str.zfill(6)) if file_format == "lcl" else meter).alias("meter"),
        pl.lit(file_format).alias("format"),
        *("area", "dwelling_type", "has_electric_heating", "has_solar"),
    )
    frame.write_csv(path)


def write_survey(path: Path, homes: pl.DataFrame) -> None:
    """Write answers of the households as the survey of the Irish trial: the question stands in the header.

    Vacant homes without a household do not answer. Q310: 1 employed, 4 unemployed, 6 retired, 7 carer; Q420: people
    over 15 by class; Q43111: people under 15; Q470: electric heating. Missing: a single space.
    """
    employment = {"employed": 1, "unemployed": 4, "retired": 6, "carer": 7}
    size, adults = pl.col("household_size"), pl.col("adults")
    frame = homes.filter(size.is_not_null() & (pl.col("occupancy") != "vacant")).select(
        pl.col("meter").alias("ID"),
        pl.col("employment")
        .replace_strict(employment)
        .alias("Question 310: What is the employment status of the chief income earner"),
        pl.when(size == 1)
        .then(1)
        .when(size == adults)
        .then(2)
        .otherwise(3)
        .alias("Question 410: What best describes the people you live with?"),
        pl.when(adults > 1)
        .then((adults - 1).clip(upper_bound=4))
        .alias("Question 420: How many people over 15 years of age live in your home?"),
        pl.when(size > adults)
        .then(size - adults)
        .alias("Question 43111: How many people under 15 years of age live in your home?"),
        pl.when("has_electric_heating")
        .then(1)
        .otherwise(0)
        .alias("Question 470: Which of the following best describes how you heat your home? Electricity"),
    )
    frame.write_csv(path, null_value=" ")
