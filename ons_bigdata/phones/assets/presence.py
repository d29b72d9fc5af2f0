"""Population present, movements between areas, visitors and their nights: estimated, then controlled for disclosure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.phones.assets.devices import (
    ANCHORS,
    CELLS,
    DEVICE_MOVEMENTS,
    DEVICE_PRESENCE,
    DUPLICATES,
    MONTH,
    OPERATOR,
    REGISTER,
    SPECIFICATIONS,
    counted_months,
    registered_document,
)
from ons_bigdata.phones.methods.presence.control import hide_secondary, hide_uncovering_totals, without_numbers
from ons_bigdata.phones.methods.presence.estimates import expand_by_home, movement_amounts
from ons_bigdata.phones.methods.presence.present import estimate_present, footprints_of, presence_amounts
from ons_bigdata.phones.methods.presence.visitors import ALL, COLUMNS, estimate_visitors, visitor_stays
from ons_bigdata.phones.schemas import presence as frames
from ons_bigdata.phones.schemas.presence import ALL_DAY
from ons_bigdata.phones.schemas.visitor_specification import VisitorSpecification
from ons_bigdata.phones.sources.devices.event_files import DEVICE_EVENTS
from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset, tables_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake.engine import RowsRead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

POPULATION = "analysis.phone_population_controlled"
MOVEMENTS = "analysis.phone_movements_controlled"
STAYS = "restricted.phone_visitor_stays"
NIGHTS = "analysis.phone_visitor_nights_controlled"
VISITOR_SPECIFICATIONS = "seeds.phone_visitor_specifications"

RULES = (
    *("threshold", "rounding_base", "persons_base", "confidence", "persons_per_place"),
    *("day_from_hour", "day_to_hour", "night_from_hour", "night_to_hour"),
)
"""Parameters of `seeds.phone_presence_rules`."""
RECIPE, MOVEMENT_RECIPE, VISITOR_RECIPE = "composite_of_footprints", "stratified_by_home", "device_factors"
_ENDS = ("lower", "upper", "reason")
_BUCKETS = ("presence", "movements")
"""Lake tables of the assets of persons present."""
Stretches = dict[str, tuple[int, int]]
"""Name of a stretch of hours, and its first hour and the one after the last."""


@tables_asset(
    name="phone_population_controlled",
    tables=[
        Table(
            POPULATION,
            frames.PopulationPresent,
            "One row per operator, month, kind of day, period and area: persons present.",
        ),
        Table(
            MOVEMENTS,
            frames.AreaMovement,
            "One row per operator, month, kind of day, period, pair of areas and purpose: movements.",
        ),
    ],
    inputs={
        "anchors": ANCHORS,
        "register": REGISTER,
        "duplicates": DUPLICATES,
        "specifications": SPECIFICATIONS,
        "cells": CELLS,
        "residents": "intermediate.int_phones__residents_united",
        "rules": "seeds.phone_presence_rules",
    },
    lake_tables={"presence": DEVICE_PRESENCE, "movements": DEVICE_MOVEMENTS},
)
def phone_population_controlled(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Persons present by area and hour, and movements between areas, of the residents of each operator's zones."""
    rules = read_rules(inputs)
    counts = inputs.read("residents", ["data_origin", "geography", "area", "residents", "residents_error"])
    plans = inputs.read("cells", [*OPERATOR, "cell", "zone", "zone_shares"])
    counted = [(labels, spec, anchors.drop_nulls("home_zone")) for labels, anchors, spec in counted_months(inputs)]
    present, moved = (_rows_of_devices(inputs, name, [homes for _, _, homes in counted]) for name in _BUCKETS)
    made: dict[str, list[pl.DataFrame]] = {
        POPULATION: [frames.PopulationPresent.create_empty()],
        MOVEMENTS: [frames.AreaMovement.create_empty()],
    }
    for labels, spec, homes in counted:
        residents = _residents(counts, labels, spec.zones.geography)
        plan = plans.filter(*(pl.col(name) == labels[name] for name in OPERATOR))
        stamp = {
            **labels,
            "geography": pl.lit(spec.zones.geography),
            "parameters_hash": pl.lit(parameters_hash(rules, spec.spec_id)),
        }
        is_month = [pl.col(name) == value for name, value in labels.items()]
        population = _population(present.filter(*is_month), homes, plan, residents, rules)
        movements = _movements(moved.filter(*is_month), homes, residents, rules)
        made[POPULATION].append(
            population.with_columns(recipe=pl.lit(RECIPE), **stamp).select(frames.PopulationPresent.column_names())
        )
        made[MOVEMENTS].append(
            movements.with_columns(recipe=pl.lit(MOVEMENT_RECIPE), **stamp).select(frames.AreaMovement.column_names())
        )
    return {
        table: Output(whole, {"published": int((whole["status"] == PUBLISHED).sum())})
        for table, parts in made.items()
        for whole in [pl.concat(parts, how="vertical_relaxed")]
    }


def _rows_of_devices(inputs: Inputs, name: str, homes: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of a lake table of the devices that any month counts."""
    keys = [*MONTH, "device_key"]
    every = pl.concat([of_month.select(keys) for of_month in homes]) if homes else None
    buckets = (bucket.collect() for bucket in inputs.scan_buckets(name)) if every is not None else ()
    parts = [rows.join(every, on=keys, how="semi") for rows in buckets if every is not None]
    return pl.concat(parts) if parts else pl.DataFrame()


def _residents(counts: pl.DataFrame, labels: Mapping[str, Any], geography: str) -> pl.DataFrame:
    """Residents of the zones of a kind: zone, residents, residents_error."""
    of_kind = counts.filter(pl.col("geography") == geography, pl.col("data_origin") == labels["data_origin"])
    return of_kind.select("residents", "residents_error", zone="area").drop_nulls()


def _stretches(rules: Mapping[str, float]) -> Stretches:
    return {
        "daytime": (int(rules["day_from_hour"]), int(rules["day_to_hour"])),
        "night_time": (int(rules["night_from_hour"]), int(rules["night_to_hour"])),
    }


def _population(
    present: pl.DataFrame,
    homes: pl.DataFrame,
    plan: pl.DataFrame,
    residents: pl.DataFrame,
    rules: Mapping[str, float],
) -> pl.DataFrame:
    """Persons present in a month, controlled for disclosure."""
    stretches = _stretches(rules)
    footprints, has_footprints = footprints_of(plan)
    persons = estimate_present(
        presence_amounts(present, **stretches),
        homes.select("device_key", "home"),
        footprints,
        residents.rename({"zone": "area"}),
        confidence=rules["confidence"],
        persons_per_place=rules["persons_per_place"],
        has_footprints=has_footprints,
    )
    return controlled_population(persons.drop("direct"), rules, stretches)


def _movements(
    moved: pl.DataFrame, homes: pl.DataFrame, residents: pl.DataFrame, rules: Mapping[str, float]
) -> pl.DataFrame:
    """Movements between areas in a month, controlled for disclosure."""
    trips = expand_by_home(
        movement_amounts(moved, homes),
        homes.select("device_key", "home_zone"),
        residents,
        ["day_type", "period", "purpose", "origin", "destination"],
        confidence=rules["confidence"],
    )
    return controlled_movements(trips.rename({"value": "trips"}), rules)


def controlled(estimated: pl.DataFrame, rules: Mapping[str, float]) -> pl.DataFrame:
    """Cells with devices rounded, null below the threshold, and a status."""
    return control_counts(estimated, "devices", threshold=int(rules["threshold"]), base=int(rules["rounding_base"]))


def controlled_population(estimated: pl.DataFrame, rules: Mapping[str, float], stretches: Stretches) -> pl.DataFrame:
    """Areas of which the persons may be shown. All residents together are known: no area is hidden alone."""
    cells = hide_secondary(controlled(estimated, rules), [(["day_type", "period"], pl.lit(value=True))])
    for name, (begin, end) in stretches.items():
        hours = [f"{hour:02d}" for hour in range(begin, end)]
        cells = hide_uncovering_totals(
            cells, ["day_type", "area"], pl.col("period") == name, pl.col("period").is_in(hours)
        )
    return without_numbers(rounded(cells, ("persons", "lower", "upper"), rules), ("devices", *_ENDS, "persons"))


def controlled_movements(estimated: pl.DataFrame, rules: Mapping[str, float]) -> pl.DataFrame:
    """Pairs of which the movements may be shown; no total of a day beside a single hidden hour."""
    is_total = pl.col("period") == ALL_DAY
    cells = hide_uncovering_totals(
        controlled(estimated, rules), ["day_type", "purpose", "origin", "destination"], is_total, ~is_total
    )
    return without_numbers(rounded(cells, ("trips", "lower", "upper"), rules), ("devices", *_ENDS, "trips"))


def rounded(cells: pl.DataFrame, numbers: Sequence[str], rules: Mapping[str, float]) -> pl.DataFrame:
    """Cells with numbers of persons to a multiple of `persons_base`: exact ones would say the number of devices."""
    base = rules["persons_base"]
    return cells.with_columns((pl.col(name) / base).round() * base for name in numbers)


def controlled_visitors(estimated: pl.DataFrame, rules: Mapping[str, float]) -> pl.DataFrame:
    """Countries and areas of which the nights may be shown; none is hidden alone beside a total.

    Persons are those of the rounded devices, and mean nights are to a tenth: exact ones would say the exact count.
    """
    of_area = (pl.col("area") != ALL).fill_null(value=True)
    margins = [(["direction", "country"], of_area), (["direction", "area"], pl.col("country") != ALL)]
    cells = hide_secondary(controlled(estimated, rules), margins)
    exact = estimated.select("direction", "country", "area", exact="devices")
    share = pl.col("devices") / pl.col("exact")
    per_visitor = (pl.col("nights") / pl.col("visitors")).round(1)
    visitors = pl.col("visitors") * share
    scaled = cells.join(exact, on=["direction", "country", "area"], how="left", maintain_order="left").with_columns(
        pl.col("nights_per_device").round(1),
        visitors=visitors,
        nights=visitors * per_visitor,
        nights_lower=pl.col("nights_lower") / pl.col("nights") * visitors * per_visitor,
        nights_upper=pl.col("nights_upper") / pl.col("nights") * visitors * per_visitor,
    )
    numbers = ("devices", "visitors", "nights", "nights_lower", "nights_upper", "nights_per_device", "reason")
    return without_numbers(scaled, numbers).drop("exact")


def read_rules(inputs: Inputs) -> dict[str, float]:
    """Parameters by name. Raises InputError where one is missing or unknown."""
    values = dict(frames.PresenceRule.validate(inputs.read("rules", frames.PresenceRule.column_names())).iter_rows())
    if set(values) != set(RULES):
        raise InputError(
            f"seeds.phone_presence_rules has {', '.join(sorted(values))}; expected {', '.join(sorted(RULES))}"
        )
    return values


def parameters_hash(rules: Mapping[str, float], spec_id: str) -> str:
    """Hash of rules and specification: 16 hex digits."""
    return hashlib.sha256(json.dumps([dict(rules), spec_id], sort_keys=True).encode()).hexdigest()[:16]


@bucket_tables_asset(
    name="phone_visitor_stays",
    lake_table=DEVICE_EVENTS,
    tables=[Table(STAYS, frames.PhoneVisitorStay, "One row per device, month, direction and place: nights.")],
    inputs={"specifications": VISITOR_SPECIFICATIONS, "cells": CELLS},
    rows=RowsRead(columns=COLUMNS, is_sorted=False),
)
def phone_visitor_stays(inputs: Inputs) -> BucketMethod:
    """Nights of visitors under each specification of an operator with a cell plan."""
    columns = ["cell", "zone", "easting_m", "northing_m"]
    plans = inputs.read("cells", [*OPERATOR, *columns])
    registered = inputs.read("specifications", ["spec_id", "provider", "document"])
    months = []
    for (origin, provider), plan in sorted(plans.partition_by(OPERATOR, as_dict=True).items()):
        cells = {cell: place for cell, *place in plan.sort("cell").select(columns).iter_rows()}
        months += [
            {
                "data_origin": origin,
                "provider": provider,
                "visitor_spec_id": spec.spec_id,
                "specification": spec.model_dump(mode="json"),
                "cells": cells,
            }
            for spec in agreed_visitor_months(registered, str(provider)).values()
        ]
    return BucketMethod(visitor_stays, {"months": months}, lambda frame: {STAYS: frame})


def agreed_visitor_months(registered: pl.DataFrame, provider: str) -> dict[date, VisitorSpecification]:
    """Specification of visitors of each first day of a provider; of several the one with the greatest id counts.

    `registered`: spec_id, provider, document.
    """
    documents = registered.filter(pl.col("provider") == provider).sort("spec_id")["document"]
    specs = [VisitorSpecification.model_validate_json(document) for document in documents]
    return {spec.period.first_day.replace(day=1): spec for spec in specs}


@table_asset(
    table=NIGHTS,
    frame=frames.VisitorNights,
    description="One row per operator, month, direction, country and area: visitors and their nights.",
    inputs={"stays": STAYS, "specifications": VISITOR_SPECIFICATIONS, "rules": "seeds.phone_presence_rules"},
)
def phone_visitor_nights_controlled(inputs: Inputs, _run: AssetRun) -> Output:
    """Visitors and nights of each specification, under its rule of disclosure."""
    rules = read_rules(inputs)
    stays = inputs.read("stays")
    documents = dict(inputs.read("specifications", ["spec_id", "document"]).iter_rows())
    made: list[pl.DataFrame] = [frames.VisitorNights.create_empty()]
    key = [*OPERATOR, "month", "visitor_spec_id"]
    for values, part in sorted(stays.partition_by(key, as_dict=True).items(), key=lambda item: str(item[0])):
        labels = dict(zip(key, values, strict=True))
        spec = VisitorSpecification.model_validate_json(registered_document(documents, labels["visitor_spec_id"]))
        estimated = estimate_visitors(part, spec, confidence=rules["confidence"])
        own = {"threshold": spec.disclosure.threshold, "rounding_base": spec.disclosure.rounding_base}
        made.append(
            controlled_visitors(estimated, own)
            .with_columns(
                **{name: pl.lit(value) for name, value in labels.items()},
                recipe=pl.lit(VISITOR_RECIPE),
                parameters_hash=pl.lit(parameters_hash({"confidence": rules["confidence"]}, spec.spec_id)),
            )
            .select(frames.VisitorNights.column_names())
        )
    whole = pl.concat(made, how="vertical_relaxed")
    return Output(whole, {"published": int((whole["status"] == PUBLISHED).sum())})


ASSETS = [phone_population_controlled, phone_visitor_stays, phone_visitor_nights_controlled]
