"""Devices that go with another one of the same carrier, by the rule of the specification."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.assets.devices import (
    ANCHORS,
    CELLS,
    DUPLICATES,
    MONTH,
    SPECIFICATIONS,
    registered_document,
)
from ons_bigdata.phones.methods.duplicates import count_handovers, cut_month, judge_candidates
from ons_bigdata.phones.schemas import presence as frames
from ons_bigdata.phones.schemas.specification import Specification
from ons_bigdata.phones.sources.devices.event_files import DEVICE_EVENTS
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

MOST_EVENTS = 5_000_000
"""Events of the homes that are judged at once; those of more are read again for each part."""
_DAY = timedelta(days=1)


@table_asset(
    table=DUPLICATES,
    frame=frames.PhoneDuplicate,
    description="One row per device with a home and month: the likeliest other device of its carrier.",
    inputs={"anchors": ANCHORS, "cells": CELLS, "specifications": SPECIFICATIONS},
    lake_tables={"events": DEVICE_EVENTS},
)
def phone_duplicates(inputs: Inputs, _run: AssetRun) -> Output:
    """Compare the devices of each home cell, month by month; events are read bucket by bucket."""
    anchors = inputs.read("anchors", [*MONTH, "device_key", "home", "events"])
    cells = inputs.read("cells", ["data_origin", "provider", "cell"])
    documents = dict(inputs.read("specifications", ["spec_id", "document"]).iter_rows())
    made: list[pl.DataFrame] = [frames.PhoneDuplicate.create_empty()]
    for key, part in sorted(anchors.partition_by(MONTH, as_dict=True).items(), key=lambda item: str(item[0])):
        labels = dict(zip(MONTH, key, strict=True))
        spec = Specification.model_validate_json(registered_document(documents, labels["spec_id"]))
        judged = _judge_month(inputs, part, cells, spec.of_month(labels["month"]), labels)
        made.append(judged.with_columns(**{name: pl.lit(value) for name, value in labels.items()}))
    whole = pl.concat([part.select(frames.PhoneDuplicate.column_names()) for part in made], how="vertical_relaxed")
    return Output(whole.sort(*MONTH, "device_key"), {"duplicates": int(whole["is_duplicate"].sum())})


def _judge_month(
    inputs: Inputs,
    anchors: pl.DataFrame,
    cells: pl.DataFrame,
    spec: Specification,
    labels: Mapping[str, str | date],
) -> pl.DataFrame:
    """Duplicates of an operator's month; handovers are those of all its devices."""
    homes = anchors.drop_nulls("home").select(device="device_key", home="home", events="events")
    parts = _parts(homes)
    handovers: list[pl.DataFrame] = []
    first: list[pl.DataFrame] = []
    for steps in _steps(inputs, cells, spec, labels):
        handovers.append(count_handovers(steps))
        first.append(steps.join(parts[0], on="device", how="semi"))
    counted = (
        pl.concat(handovers).group_by("previous", "cell").agg(pl.col("steps").sum())
        if handovers
        else pl.DataFrame(schema={"previous": pl.String, "cell": pl.String, "steps": pl.Int64})
    )
    rule = spec.duplicates
    judged = []
    for number, part in enumerate(parts):
        kept = first if number == 0 else [
            steps.join(part, on="device", how="semi") for steps in _steps(inputs, cells, spec, labels)
        ]  # fmt: skip
        if not kept:
            continue
        judged.append(
            judge_candidates(
                pl.concat(kept),
                counted,
                part,
                prior_share=rule.prior_share,
                mismatch_share=rule.mismatch_share,
            )
        )
        first = []
    if not judged:
        return frames.PhoneDuplicate.create_empty()
    return pl.concat(judged).select(
        device_key="device",
        companion_key="companion",
        steps="steps",
        probability="probability",
        log_ratio="log_ratio",
        is_duplicate=pl.col("probability") > rule.min_probability,
    )


def _parts(homes: pl.DataFrame) -> list[pl.DataFrame]:
    """Devices with a home in parts of at most MOST_EVENTS events, or of one home: device, home."""
    sizes = homes.group_by("home").agg(pl.col("events").sum()).sort("home")
    numbered = sizes.select("home", part=(pl.col("events").cum_sum() - 1) // MOST_EVENTS)
    placed = homes.join(numbered, on="home").select("part", "device", "home")
    parts = placed.partition_by("part", as_dict=True, include_key=False)
    return [parts[key] for key in sorted(parts)] or [placed.drop("part")]


def _steps(
    inputs: Inputs, cells: pl.DataFrame, spec: Specification, labels: Mapping[str, str | date]
) -> Iterator[pl.DataFrame]:
    """Steps of the devices of each bucket at cells of the operator's plan, in the days of the specification."""
    of_operator = [pl.col(name) == labels[name] for name in ("data_origin", "provider")]
    known = cells.filter(*of_operator)["cell"]
    begin, end = (
        datetime.combine(day, time(), UTC) for day in (spec.period.first_day, spec.period.last_day + 2 * _DAY)
    )
    for bucket in inputs.scan_buckets("events"):
        events = (
            bucket.filter(
                *of_operator, pl.col("at_utc").is_between(begin - _DAY, end), pl.col("cell").is_in(known.implode())
            )
            .select("device_key", "at_utc", "cell")
            .collect()
        )
        if events.height:
            yield cut_month(events.rename({"device_key": "device"}), spec)


ASSETS = [phone_duplicates]
