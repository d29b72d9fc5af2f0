"""Anchor places: the homes and workplaces among the places at which a person stays."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.anchor_features import place_features
from ons_bigdata.estimation.anchor_model import AnchorModel, default_model
from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_no_keys, refuse_rows
from ons_bigdata.estimation.schemas import LabelledPlace

LONGEST_STAY_DAYS = 366

_COLUMNS = ("user", "place", "started_at", "ended_at")


def label_places(
    stays: pl.DataFrame | pl.LazyFrame, *, model: AnchorModel | None = None, min_days: int = 2
) -> pl.DataFrame:
    """Homes and workplaces of users, with probabilities.

    `stays`: user and place (text or whole numbers; places are numbered per user), started_at and ended_at (Datetime
    without time zone: local clock time; a single event has both equal). Stays of a user may overlap and have gaps: a
    gap is no absence. Other columns are ignored, the order of rows does not matter.

    Returns user, place, label ("home" or "work") and probability, sorted by user and falling probability. A user may
    have several homes and workplaces, or no row: nothing is labelled that does not reach the bounds of the model. A
    place is a home or a workplace, not both; who works at home has no workplace. Places of a user are judged
    together: a second workplace must be likelier by itself than a first one.

    `model`: fitted probabilities and the bounds from which they count; `default_model()` by default. `min_days`: days
    on which a place must have been visited.

    Raises ValueError on missing columns, missing values, times with a time zone (UTC hours are not local ones: convert
    them before), a stay that ends before it starts, or one longer than 366 days.

    Source: multinomial logistic model and weights of numbers of workplaces made for this project. Night and
    working-hour rules: Ahas, Silm, Järv, Saluveer, Tiru, Journal of Urban Technology 17 (2010) 3–27. Fitted and judged
    on the labelled stays of HoWDe 2.0.0 (MIT); assumptions, results and limits: docs/estimation/anchors.md.
    """
    if min_days < 1:
        message = f"min_days is {min_days}; expected at least 1"
        raise ValueError(message)
    checked = checked_stays(stays)
    model = default_model() if model is None else model
    visited = checked.group_by("user", "place").agg(days=(pl.col("start_s") // 86_400).n_unique())
    candidates = visited.filter(pl.col("days") >= min_days).drop("days")
    features = place_features(checked).join(candidates, on=["user", "place"], how="semi", maintain_order="left")
    return likely_labels(model.probabilities(features), model)


def likely_labels(probabilities: pl.DataFrame, model: AnchorModel) -> pl.DataFrame:
    """Labels of the places whose probability reaches the bounds of the model.

    `probabilities`: user, place, home and work (0 to 1), as `AnchorModel.probabilities` returns them. Returns user,
    place, label and probability as `label_places` does: a place that is labelled a home is no workplace.
    """
    homes = _likely(probabilities, "home", model.least_main_home, model.least_home)
    rest = probabilities.join(homes, on=["user", "place"], how="anti", maintain_order="left")
    workplaces = _likely(rest, "work", model.least_main_work, model.least_work)
    labelled = pl.concat([homes, workplaces]).sort("user", "probability", "place", descending=[False, True, False])
    LabelledPlace.validate(labelled.select("label", "probability"), cast=True)
    return labelled


def _likely(probabilities: pl.DataFrame, label: str, least_main: float, least_further: float) -> pl.DataFrame:
    """Places of a label: the likeliest one of a user from one probability on, further ones from another."""
    ranked = probabilities.sort("user", label, "place", descending=[False, True, False]).with_columns(
        rank=pl.int_range(pl.len()).over("user")
    )
    least = pl.when(pl.col("rank") == 0).then(least_main).otherwise(least_further)
    return ranked.filter(pl.col(label) >= least).select("user", "place", label=pl.lit(label), probability=pl.col(label))


def checked_stays(stays: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """User, place, start_s and end_s (seconds of local time) of stays; ValueError as for `label_places`."""
    stays = eager_frame(stays, "stays")
    refuse_missing_columns(stays, _COLUMNS, "stays")
    refuse_no_keys(stays, ("user", "place"), "stays")
    for column in ("started_at", "ended_at"):
        dtype = stays.schema[column]
        if not isinstance(dtype, pl.Datetime) or dtype.time_zone is not None:
            message = (
                f"stays: column {column} is {dtype}; expected Datetime without time zone, the local clock time "
                "(dt.convert_time_zone, then dt.replace_time_zone(None))"
            )
            raise ValueError(message)
    duration = pl.col("ended_at") - pl.col("started_at")
    refuse_rows(
        stays.select(_COLUMNS),
        {
            **{f"no {column}": pl.col(column).is_null() for column in _COLUMNS},
            "an end before the start": duration < pl.duration(seconds=0),
            f"more than {LONGEST_STAY_DAYS} days": duration > pl.duration(days=LONGEST_STAY_DAYS),
        },
        "stays",
    )
    return stays.select(
        "user",
        "place",
        start_s=pl.col("started_at").dt.epoch("s"),
        end_s=pl.col("ended_at").dt.epoch("s"),
    )
