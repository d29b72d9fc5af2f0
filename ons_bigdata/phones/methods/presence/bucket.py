"""A bucket of devices followed through a month: anchors, days by zone and hour, movements; as the engine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.phones.methods.anchors import home_and_work
from ons_bigdata.phones.methods.presence.hours import days_by_cell, hourly_places, movements, with_day_types
from ons_bigdata.phones.methods.presence.present import footprints_of
from ons_bigdata.phones.schemas.presence import DeviceMovement, DevicePresence, PhoneAnchor
from ons_bigdata.phones.schemas.specification import Specification
from ons_bigdata.phones.schemas.vocabulary import HOME_COUNTRY_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("device_key", "at_utc", "cell", "data_origin", "provider", "home_mcc")
"""Columns of the lake that are read."""


def follow_devices(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Anchors, presence and movements of the devices of a bucket under each specification.

    `bucket`: COLUMNS, all rows of its devices. `parameters` (JSON values): `months`, a list of data_origin,
    provider, spec_id, specification (the document, of one month), cells (cell → zone, null for none), ground (cell
    → education_share, share_aged_16_24, of the cells of which they are known) and zone_shares (cell → text).
    Returns frames `anchors`, `presence` and `movements` with the columns of `PhoneAnchor`, `DevicePresence` and
    `DeviceMovement`, sorted by device.
    """
    made: dict[str, list[pl.DataFrame]] = {
        "anchors": [PhoneAnchor.create_empty()],
        "presence": [DevicePresence.create_empty()],
        "movements": [DeviceMovement.create_empty()],
    }
    for month in parameters["months"]:
        spec = Specification.model_validate(month["specification"])
        events = bucket.filter(
            (pl.col("data_origin") == month["data_origin"])
            & (pl.col("provider") == month["provider"])
            & pl.col("cell").is_not_null()
        )
        if not spec.devices.includes_roamers:
            events = events.filter(pl.col("home_mcc").is_in(HOME_COUNTRY_CODES).fill_null(value=True))
        names = list(month["cells"])
        cells = pl.DataFrame(
            {"cell": names, "zone": list(month["cells"].values())}, schema={"cell": pl.String, "zone": pl.String}
        )
        ground = pl.DataFrame(
            [(cell, *shares) for cell, shares in month["ground"].items()],
            schema={"cell": pl.String, "education_share": pl.Float64, "share_aged_16_24": pl.Float64},
            orient="row",
        )
        texts = pl.DataFrame(
            list(month["zone_shares"].items()), schema={"cell": pl.String, "zone_shares": pl.String}, orient="row"
        )
        cells = cells.join(ground, on="cell", how="left", maintain_order="left").join(
            texts, on="cell", how="left", maintain_order="left"
        )
        frames = follow_month(events.select("device_key", "at_utc", "cell"), cells, spec)
        labels = {
            **{name: pl.lit(month[name]) for name in ("data_origin", "provider", "spec_id")},
            "month": pl.lit(spec.period.first_day.replace(day=1)),
        }
        for name, frame in frames.items():
            made[name].append(frame.with_columns(**labels))
    columns = {"anchors": PhoneAnchor, "presence": DevicePresence, "movements": DeviceMovement}
    return {
        name: pl.concat([part.select(columns[name].column_names()) for part in parts], how="vertical_relaxed").sort(
            "device_key", maintain_order=True
        )
        for name, parts in made.items()
    }


def follow_month(events: pl.DataFrame, cells: pl.DataFrame, spec: Specification) -> dict[str, pl.DataFrame]:
    """Frames of `follow_devices` of one month, without its labels.

    `events`: device_key, at_utc, cell. `cells`: cell, zone, zone_shares, education_share, share_aged_16_24.
    """
    named = events.rename({"device_key": "device"})
    found = home_and_work(named, spec, cells=cells)
    hourly, hourly_cells = hourly_places(named, cells, spec)
    seen = with_day_types(hourly, spec).group_by("device").agg(
        weekdays_seen=pl.col("day").filter(pl.col("day_type") == "weekday").n_unique().cast(pl.Int64),
        free_days_seen=pl.col("day").filter(pl.col("day_type") == "free_day").n_unique().cast(pl.Int64),
    )  # fmt: skip
    anchors = (
        found.join(seen, on="device", how="left", maintain_order="left")
        .with_columns(
            pl.col("weekdays_seen", "free_days_seen").fill_null(0),
            workplaces=pl.when(pl.col("workplaces").list.drop_nulls().list.len() > 0).then(
                pl.col("workplaces").list.drop_nulls().list.join(" ")
            ),
        )
        .rename({"status": "worker_status", "device": "device_key"})
    )
    return {
        "anchors": anchors,
        "presence": days_by_cell(hourly_cells, found, footprints_of(cells)[0], spec).rename({"device": "device_key"}),
        "movements": movements(hourly, found, spec).rename({"device": "device_key"}),
    }
