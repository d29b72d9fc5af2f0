"""Devices followed through each month of a specification; their flows under it, and their anchors against truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from ons_bigdata.phones.methods.anchors.counted import (
    confirm_students,
    counted_devices,
    evaluate_anchors,
    protect_counts,
    rule_flows,
)
from ons_bigdata.phones.methods.presence.bucket import COLUMNS, follow_devices
from ons_bigdata.phones.schemas import presence as frames
from ons_bigdata.phones.schemas.specification import Specification
from ons_bigdata.phones.sources.devices.event_files import DEVICE_EVENTS
from ons_bigdata.phones.sources.devices.register_files import PHONE_DEVICES, PHONE_TRUE_DEVICES
from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, LakeOutput, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake.engine import RowsRead
from ons_bigdata.platform.lake.tables import LakeTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    import dataframely as dy

ANCHORS = "restricted.phone_anchors"
REGISTER = "restricted.phone_devices"
TRUE_DEVICES = "restricted.phone_true_devices"
DUPLICATES = "restricted.phone_duplicates"
RULE_FLOWS = "analysis.phone_rule_flows"
EVALUATION = "analysis.phone_anchor_evaluation"
SPECIFICATIONS = "seeds.phone_specifications"
CELLS = "staging.stg_phones__cells"

OPERATOR = ["data_origin", "provider"]
GROUND = ("education_share", "share_aged_16_24")
"""Columns of a cell plan by which students are told."""
MONTH = [*OPERATOR, "month", "spec_id"]


def _derived(name: str, frame: type[dy.Schema], order: tuple[str, ...]) -> LakeTable:
    return LakeTable(
        name=name,
        columns={column: definition.dtype for column, definition in frame.columns().items()},
        entity_column="device_key",
        order=("device_key", "month", "day_type", "hour", *order),
        buckets=DEVICE_EVENTS.buckets,
        is_derived=True,
    )


DEVICE_PRESENCE = _derived("device_presence", frames.DevicePresence, ("cell",))
DEVICE_MOVEMENTS = _derived("device_movements", frames.DeviceMovement, ("origin", "destination", "purpose"))


@bucket_tables_asset(
    name="phone_anchors",
    lake_table=DEVICE_EVENTS,
    tables=[Table(ANCHORS, frames.PhoneAnchor, "One row per device and month: home and work by a specification.")],
    lake_outputs=[
        LakeOutput(
            DEVICE_PRESENCE,
            frames.DevicePresence,
            "One row per device, month, kind of day, hour and cell: days there.",
        ),
        LakeOutput(
            DEVICE_MOVEMENTS,
            frames.DeviceMovement,
            "One row per device, month, kind of day, hour, pair of zones and purpose: movements.",
        ),
    ],
    inputs={"specifications": SPECIFICATIONS, "cells": CELLS},
    rows=RowsRead(columns=COLUMNS, is_sorted=False),
)
def phone_anchors(inputs: Inputs) -> BucketMethod:
    """Follow the devices of a bucket under each specification of an operator with a cell plan."""
    plans = inputs.read("cells", [*OPERATOR, "cell", "zone", "zone_shares", *GROUND])
    registered = inputs.read("specifications", ["spec_id", "provider", "document"])
    months = [
        {
            "data_origin": origin,
            "provider": provider,
            "spec_id": spec.spec_id,
            "specification": spec.of_month(month).model_dump(mode="json"),
            "cells": cells,
            "ground": ground,
            "zone_shares": texts,
        }
        for origin, provider, cells, ground, texts in ground_of_plans(plans)
        for month, spec in agreed_months(registered, provider, cells).items()
    ]
    return BucketMethod(
        follow_devices,
        {"months": months},
        count=count,
        tables={
            "anchors": ANCHORS,
            "presence": f"lake.{DEVICE_PRESENCE.name}",
            "movements": f"lake.{DEVICE_MOVEMENTS.name}",
        },
    )


def cell_plans(cells: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, str | None]]]:
    """Origin and provider of each cell plan, and its cells with their zone, sorted."""
    for (origin, provider), plan in sorted(cells.partition_by(OPERATOR, as_dict=True).items()):
        yield str(origin), str(provider), dict(plan.sort("cell").select("cell", "zone").iter_rows())


class PlanParameters(NamedTuple):
    """A cell plan as JSON values."""

    data_origin: str
    provider: str
    zones: dict[str, str | None]
    """Zone that each cell serves best."""
    ground: dict[str, list[float]]
    """Shares of GROUND of the cells that have both."""
    zone_shares: dict[str, str]
    """Shares of zones of the cells that have them."""


def ground_of_plans(cells: pl.DataFrame) -> Iterator[PlanParameters]:
    """Parameters of each cell plan, with what it says of the ground that cells serve."""
    for origin, provider, zones in cell_plans(cells):
        plan = cells.filter(pl.col("data_origin") == origin, pl.col("provider") == provider).sort("cell")
        ground = plan.drop_nulls(GROUND).select("cell", *GROUND)
        texts = plan.drop_nulls("zone_shares").select("cell", "zone_shares")
        yield PlanParameters(
            origin,
            provider,
            zones,
            {cell: list(shares) for cell, *shares in ground.iter_rows()},
            dict(texts.iter_rows()),
        )


def agreed_months(
    registered: pl.DataFrame, provider: str, cells: Mapping[str, str | None]
) -> dict[date, Specification]:
    """Specification of each month of a provider whose zones include those of the cells.

    `registered`: spec_id, provider, document. Of several for a month the one with the greatest id counts, so that the
    order of rows, which a table has not, does not matter.
    """
    found: dict[date, Specification] = {}
    zones = {zone for zone in cells.values() if zone is not None}
    for (document,) in registered.filter(pl.col("provider") == provider).sort("spec_id").select("document").iter_rows():
        spec = Specification.model_validate_json(document)
        if zones <= set(spec.zones.codes):
            found |= dict.fromkeys(spec.months(), spec)
    return found


def count(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Numbers of devices by status and of flags."""
    anchors = tables[ANCHORS]
    statuses = anchors.group_by("worker_status").len().sort("worker_status")
    return {
        "devices": anchors.height,
        **{f"devices {status}": number for status, number in statuses.iter_rows()},
        "shift candidates": int(anchors["shift_candidate"].sum()),
        "part-time": int(anchors["is_part_time"].sum()),
    }


def latest_rows(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Row of each device, of the file with the greatest load id where several have it; columns `parameters["columns"]`.

    The order of loads is arbitrary but fixed; `ons-bigdata ingest` of a file of the same name replaces the earlier one.
    """
    return (
        bucket.sort("device_key", "load_id", "line")
        .unique("device_key", keep="last", maintain_order=True)
        .select(parameters["columns"])
    )


@bucket_tables_asset(
    name="phone_devices",
    lake_table=PHONE_DEVICES,
    tables=[Table(REGISTER, frames.StoredDevice, "One row per device of an operator's register.")],
    inputs={},
)
def phone_devices(_inputs: Inputs) -> BucketMethod:
    """Devices of the registers, each once."""
    return BucketMethod(latest_rows, {"columns": frames.StoredDevice.column_names()}, lambda frame: {REGISTER: frame})


@bucket_tables_asset(
    name="phone_true_devices",
    lake_table=PHONE_TRUE_DEVICES,
    tables=[Table(TRUE_DEVICES, frames.StoredTrueDevice, "One row per simulated device: carrier and true places.")],
    inputs={},
)
def phone_true_devices(_inputs: Inputs) -> BucketMethod:
    """Truth of simulated devices, each once."""
    return BucketMethod(
        latest_rows, {"columns": frames.StoredTrueDevice.column_names()}, lambda frame: {TRUE_DEVICES: frame}
    )


@table_asset(
    table=RULE_FLOWS,
    frame=frames.PhoneRuleFlow,
    description="One row per operator, month, segment and pair of zones: flows by the executable rules.",
    inputs={"anchors": ANCHORS, "register": REGISTER, "specifications": SPECIFICATIONS, "duplicates": DUPLICATES},
)
def phone_rule_flows(inputs: Inputs, _run: AssetRun) -> Output:
    """Flows as the operator would deliver them, under the specification's own rule of disclosure."""
    made: list[pl.DataFrame] = [frames.PhoneRuleFlow.create_empty()]
    for labels, counted, spec in counted_months(inputs):
        flows = protect_counts(rule_flows(counted, spec), spec.disclosure)
        made.append(flows.with_columns(**labels).select(frames.PhoneRuleFlow.column_names()))
    whole = pl.concat(made, how="vertical_relaxed")
    return Output(whole, {"suppressed": int((whole["status"] == "suppressed").sum())})


def counted_months(inputs: Inputs) -> Iterator[tuple[dict[str, pl.Expr], pl.DataFrame, Specification]]:
    """Labels, anchors of the devices that count, and specification of each operator and month with anchors."""
    anchors, register = inputs.read("anchors"), inputs.read("register")
    duplicates = inputs.read("duplicates", [*MONTH, "device_key", "companion_key", "is_duplicate"])
    documents = dict(inputs.read("specifications", ["spec_id", "document"]).iter_rows())
    for key, part in sorted(anchors.partition_by(MONTH, as_dict=True).items(), key=lambda item: str(item[0])):
        labels = dict(zip(MONTH, key, strict=True))
        spec = Specification.model_validate_json(registered_document(documents, labels["spec_id"]))
        of_operator = register.filter(*(pl.col(name) == labels[name] for name in OPERATOR))
        of_month = duplicates.filter(*(pl.col(name) == labels[name] for name in MONTH))
        counted = counted_devices(part, of_operator, spec, of_month)
        yield {name: pl.lit(value) for name, value in labels.items()}, counted, spec


def registered_document(documents: Mapping[str, str], spec_id: str) -> str:
    """Document of a specification. Raises InputError for one that is no longer in the register."""
    if spec_id not in documents:
        raise InputError(f"specification {spec_id} is no longer in the register: materialise the devices anew")
    return documents[spec_id]


@table_asset(
    table=EVALUATION,
    frame=frames.PhoneAnchorEvaluation,
    description="One row per operator, month, measure and class of the ground: anchors against simulated truth.",
    inputs={
        "anchors": ANCHORS,
        "truth": TRUE_DEVICES,
        "duplicates": DUPLICATES,
        "register": REGISTER,
        "specifications": SPECIFICATIONS,
    },
)
def phone_anchor_evaluation(inputs: Inputs, _run: AssetRun) -> Output:
    """Share of right cells beside that of the nearest mast, and flags of shift workers, where there is truth."""
    anchors, truth = inputs.read("anchors"), inputs.read("truth")
    duplicates = inputs.read("duplicates", [*MONTH, "device_key", "is_duplicate"])
    register = inputs.read("register", [*OPERATOR, "device_key", "holder_age"])
    documents = dict(inputs.read("specifications", ["spec_id", "document"]).iter_rows())
    made: list[pl.DataFrame] = [frames.PhoneAnchorEvaluation.create_empty()]
    for key, part in sorted(anchors.partition_by(MONTH, as_dict=True).items(), key=lambda item: str(item[0])):
        labels = dict(zip(MONTH, key, strict=True))
        of_operator = truth.filter(*(pl.col(name) == labels[name] for name in OPERATOR))
        if of_operator.is_empty():
            continue
        of_month = duplicates.filter(*(pl.col(name) == labels[name] for name in MONTH))
        spec = Specification.model_validate_json(registered_document(documents, labels["spec_id"]))
        holders = register.filter(*(pl.col(name) == labels[name] for name in OPERATOR))
        judged = evaluate_anchors(confirm_students(part, holders, spec), of_operator, of_month).with_columns(
            **{name: pl.lit(value) for name, value in labels.items()}
        )
        made.append(judged.select(frames.PhoneAnchorEvaluation.column_names()))
    return Output(pl.concat(made, how="vertical_relaxed"), {"operators_with_truth": len(made) - 1})


ASSETS = [phone_devices, phone_true_devices, phone_anchors, phone_rule_flows, phone_anchor_evaluation]
