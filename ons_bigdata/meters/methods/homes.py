"""Homes as several files describe them, joined to one row per meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.meters.schemas.homes import MeterHome, MeterSurveyAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_ATTRIBUTES = ("meter_key", "data_origin", "format", "rows", "conflicts")


def join_homes(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """One row per meter (columns of MeterHome) of rows of files (columns of LakeHome).

    An attribute is that of the files which have it; where they contradict each other it is null and counted in
    `conflicts`, since no file is known to be the better one.
    """
    attributes = [name for name in MeterHome.column_names() if name not in _NOT_ATTRIBUTES]
    distinct = [pl.col(name).drop_nulls().unique() for name in attributes]
    joined = bucket.group_by("meter_key", "data_origin", "format").agg(
        *(
            pl.when(values.len() == 1).then(values.first()).alias(name)
            for name, values in zip(attributes, distinct, strict=True)
        ),
        pl.len().cast(pl.Int32).alias("rows"),
        pl.sum_horizontal((values.len() > 1).cast(pl.Int32) for values in distinct).cast(pl.Int32).alias("conflicts"),
    )
    return joined.select(MeterHome.column_names()).sort("meter_key")


def survey_answers(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Answers of homes (columns of MeterSurveyAnswer) of rows of survey files (columns of LakeAnswer)."""
    return bucket.select(MeterSurveyAnswer.column_names()).unique().sort("meter_key", "survey", "place", "answer")
