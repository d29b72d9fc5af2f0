"""Judgements of absence on files of readings, scored by a truth that the user has. Nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ons_bigdata.meters.methods.absence.detection import detect_absent_days
from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.meters.methods.evaluation.absence_table import EvaluationDesign, absence_table
from ons_bigdata.meters.methods.evaluation.ground_truth import absent_days_of_presence, presence_scores
from ons_bigdata.meters.methods.quality import assess
from ons_bigdata.meters.sources.readers import read
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = ("meter", "started_at", "present")
_PRESENT = {"1": True, "true": True, "0": False, "false": False, "": None}


@dataclass(frozen=True)
class TruthScores:
    """Scores of judgements on homes with a truth."""

    days: pl.DataFrame
    """A row per judgement of days, as `absence_table`."""
    half_hours: dict[str, float]
    """Scores of presence by half hour, as `presence_scores`: present on days that are not absent."""

    def to_dict(self) -> dict[str, Any]:
        """Scores as JSON values."""
        return {"days": self.days.to_dicts(), "half_hours": self.half_hours}


def score_by_truth(
    readings: Sequence[Path], truth: Path, *, timezone: str, form: str | None = None, draws: int = 300
) -> TruthScores:
    """Judge the days of files of readings and score them by a truth of the form meter, half hour, present.

    `truth`: CSV with the columns meter (as in the readings), started_at (start of the half hour with its offset, or Z)
    and present (1, 0, true, false, or empty where it is not known). `timezone`: zone of the homes, of which a day is
    one. `form`: format of the readings; None recognises it. `draws`: of homes with replacement, for intervals.

    Raises InputError for a file of another form, with row, column, what was found and what was expected; for an unknown
    zone, and where no meter of the truth has readings.
    """
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"--timezone: found {timezone!r}; expected a zone such as Europe/London") from error
    presence = read_presence(truth)
    found = read(list(readings), form).collect()
    known = found.filter(pl.col("meter").is_in(presence["meter"].unique().implode()))
    if known.is_empty():
        raise InputError(
            f"{truth}: none of its {presence['meter'].n_unique()} meters has readings; expected names as in these, "
            "such as their whole number, MAC000060, or NMI/E1"
        )
    days = meter_days(assess(known), timezone)
    absent = absent_days_of_presence(presence, timezone)
    absent = absent.join(days.select("meter", "day"), on=["meter", "day"], how="semi", maintain_order="left")
    table = absence_table(days, absent, EvaluationDesign(draws=draws))
    return TruthScores(table, presence_scores(_presence_of_days(days, presence, timezone), presence))


def read_presence(path: Path) -> pl.DataFrame:
    """Truth of a file: meter, started_at (UTC), present (null where it is not known).

    Raises InputError as `score_by_truth`.
    """
    try:
        rows = pl.read_csv(path, infer_schema=False).with_columns(pl.all().fill_null(""))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from error
    rows = rows.rename({name: name.strip() for name in rows.columns})
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(rows.columns)}")
    texts = rows.select(pl.col(*COLUMNS).str.strip_chars())
    instants = texts["started_at"].str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
    parsed = pl.DataFrame(
        {
            "meter": texts["meter"],
            "started_at": _times(instants),
            "present": texts["present"]
            .str.to_lowercase()
            .replace_strict(_PRESENT, default=None, return_dtype=pl.Boolean),
        }
    )
    odd = ~texts["present"].str.to_lowercase().is_in(list(_PRESENT))
    _refuse(path, texts["meter"], texts["meter"] == "", "a meter")
    _refuse(
        path, texts["started_at"], parsed["started_at"].is_null(), "a time with offset, such as 2024-01-31T00:30:00Z"
    )
    _refuse(path, texts["present"], odd, "1, 0, true, false, or nothing")
    minutes = parsed["started_at"].dt.minute() % 30 + parsed["started_at"].dt.second()
    _refuse(path, texts["started_at"], minutes != 0, "the start of a half hour")
    _refuse(path, texts["started_at"], parsed.select("meter", "started_at").is_duplicated(), "each half hour once")
    return parsed


def _times(texts: pl.Series) -> pl.Series:
    forms = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
    first, second = (texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False) for form in forms)
    return first.fill_null(second)


def _refuse(path: Path, column: pl.Series, is_wrong: pl.Series, expected: str) -> None:
    if is_wrong.any():
        row = int(is_wrong.arg_true()[0])
        raise InputError(f"{path}, line {row + 2}, column {column.name}: found {column[row]!r}; expected {expected}")


def _presence_of_days(days: pl.DataFrame, presence: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Probability that somebody is at home in each half hour of the truth: that its day is not absent."""
    judged = detect_absent_days(days, method="boosted").select("meter", "day", "probability_absent")
    day = pl.col("started_at").dt.convert_time_zone(timezone).dt.date().alias("day")
    return (
        presence.with_columns(day)
        .join(judged, on=["meter", "day"], how="inner", maintain_order="left")
        .select("meter", "started_at", probability_present=1 - pl.col("probability_absent").fill_nan(None))
    )
