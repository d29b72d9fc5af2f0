"""Everything that the simulated operator writes: specification, deliveries, events by day, and the truth apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources.specification_files import write_specification
from ons_bigdata.simulation.phones import operator_tables as tables
from ons_bigdata.simulation.phones.agreement import PROVIDER, agree
from ons_bigdata.simulation.phones.carriers import draw_kinds, draw_phones
from ons_bigdata.simulation.phones.days import EVENTS_PER_DAY, draw_events
from ons_bigdata.simulation.phones.footprints import describe_cells
from ons_bigdata.simulation.phones.network import RURALITIES, Network, build_network, lay_out_zones
from ons_bigdata.simulation.phones.roamers import COLUMNS, OWN_MCC, VISITORS_PER_PHONE, draw_visitors, send_abroad
from ons_bigdata.simulation.world.building import build_world

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.phones.schemas.specification import Specification
    from ons_bigdata.simulation.world.building import World

MONTH = date(2014, 5, 1)
AUTHORITIES = (
    *("E08000032", "E08000034", "E08000035", "E08000036", "E06000014", "E06000010", "E06000011", "E07000028"),
)
"""Bradford, Kirklees, Leeds, Wakefield, York, Hull, East Riding, Carlisle."""


@dataclass(frozen=True)
class SimulatedOperator:
    """The operator's events and the truth, as frames."""

    world: World
    network: Network
    specification: Specification
    cells: pl.DataFrame
    """cell, easting_m, northing_m, rurality, radius_m, zone (of most addresses that it serves best), zone_shares,
    education_share and share_aged_16_24 as of `footprints`."""
    devices: pl.DataFrame
    """device, person, tariff, is_second, has_companion, holder_age, account, age, kind, rurality and work_rurality,
    home_cell and work_cell (that serve the places best; null without a place), nearest_home_cell and nearest_work_cell
    (of the nearest masts), home_zone and work_zone (of the true places)."""
    persons: pl.DataFrame
    """person, age, kind, home_zone, work_zone (null without a place) of all persons of the world."""
    people: pl.DataFrame
    """The same persons as of `carriers.draw_kinds`, with the rows of their addresses."""
    zone_of_address: pl.Series
    """Zone of each address of the world."""
    events: pl.DataFrame
    """device, at_utc, cell; sorted: those of its own phones in its network."""
    roaming_events: pl.DataFrame
    """Columns of `roamers.COLUMNS`: its phones abroad, and phones with foreign cards in its network."""
    stays: pl.DataFrame
    """device, direction (inbound, outbound, resident: lives here with a foreign card), mcc, zone (null abroad),
    first_night, nights."""
    market_shares: pl.DataFrame
    """authority, share."""
    shares_of_areas: pl.DataFrame
    """zone, residents, far_share (share of the addresses more than 2 km from a mast)."""


def simulate_operator(
    *,
    persons: int = 20_000,
    devices: int = 2_000,
    zones: int = 40,
    seed: int = 2014,
    month: date = MONTH,
    threshold: int = 5,
    rounding_base: int = 1,
    events_per_day: float = EVENTS_PER_DAY,
) -> SimulatedOperator:
    """Build a world with an operator. The same arguments give the same operator.

    A phone has `events_per_day` on the mean.

    Raises ValueError for more devices than phones, and zones that do not fit the areas.
    """
    spec_days = agree(month, ["Z"], threshold=threshold, rounding_base=rounding_base).period
    days = (spec_days.last_day - spec_days.first_day).days + 1
    world = build_world(
        seed=seed, persons=persons, addresses=max(persons, 400), authorities=AUTHORITIES, first_day=month, days=days
    )
    streams = iter(np.random.default_rng([seed, 900 + stage]) for stage in range(10))
    network = build_network(next(streams), world)
    zone_of = lay_out_zones(world, zones)
    people = draw_kinds(next(streams), world)
    phones, share = draw_phones(next(streams), people, devices, world.authorities.height)
    spec = agree(month, zone_of["zone"].unique().sort().to_list(), threshold=threshold, rounding_base=rounding_base)
    at_home = draw_events(
        next(streams), world, network, people, phones, spec.period.excluded_days, events_per_day=events_per_day
    )
    events, abroad = send_abroad(next(streams), world, at_home, phones["device"])
    visitors = draw_visitors(next(streams), world, network, round(devices * VISITORS_PER_PHONE), devices + 1)
    zone = world.addresses.select("output_area").join(zone_of, on="output_area", how="left", maintain_order="left")[
        "zone"
    ]
    cells = _cells(network, zone)
    users = events.join(phones.select("device", "holder_age"), on="device")
    ground = describe_cells(next(streams), world, network, zone, users, spec)
    return SimulatedOperator(
        world,
        network,
        spec,
        cells.join(ground, on="cell", how="left", maintain_order="left"),
        _true_devices(people, phones, network, zone),
        _true_persons(people, zone),
        people,
        zone,
        events,
        pl.concat([abroad.events, visitors.events]),
        _true_stays(pl.concat([abroad.stays, visitors.stays], how="vertical_relaxed"), zone),
        pl.DataFrame({"authority": world.authorities["authority"], "share": share}),
        _areas(world, network, zone),
    )


def _cells(network: Network, zone: pl.Series) -> pl.DataFrame:
    served = (
        pl.DataFrame({"mast": network.server, "zone": zone})
        .group_by("mast", "zone")
        .len()
        .sort("mast", "len", "zone", descending=[False, True, False])
        .unique("mast", keep="first", maintain_order=True)
    )
    masts = network.masts.with_columns(mast=pl.int_range(pl.len()))
    return masts.join(served.select("mast", "zone"), on="mast", how="left", maintain_order="left").drop("mast")


def _gathered(values: pl.Series, rows: np.ndarray) -> pl.Series:
    """Values of rows; null for −1."""
    found = values.gather(pl.Series(np.maximum(rows, 0)))
    return pl.select(pl.when(pl.Series(rows >= 0)).then(found)).to_series()


def _true_persons(people: pl.DataFrame, zone: pl.Series) -> pl.DataFrame:
    return people.select(
        "person",
        "age",
        "kind",
        _gathered(zone, people["home"].to_numpy()).alias("home_zone"),
        _gathered(zone, people["place"].to_numpy()).alias("work_zone"),
    )


def _true_devices(people: pl.DataFrame, phones: pl.DataFrame, network: Network, zone: pl.Series) -> pl.DataFrame:
    carrier = people[phones["row"].to_numpy()]
    home, place = carrier["home"].to_numpy(), carrier["place"].to_numpy()
    cell = network.masts["cell"]

    def cells(masts: np.ndarray, rows: np.ndarray) -> pl.Series:
        return _gathered(cell, np.where(rows >= 0, masts[np.maximum(rows, 0)], -1))

    nearest = network.nearest[:, 0]
    return phones.drop("row").with_columns(
        (pl.len().over("person") > 1).alias("has_companion"),
        carrier["age"],
        carrier["kind"],
        pl.Series("rurality", np.array(RURALITIES)[network.rurality[home]]),
        pl.Series(
            "work_rurality", np.where(place >= 0, np.array(RURALITIES)[network.rurality[np.maximum(place, 0)]], "none")
        ),
        cells(network.server, home).alias("home_cell"),
        cells(network.server, place).alias("work_cell"),
        cells(nearest, home).alias("nearest_home_cell"),
        cells(nearest, place).alias("nearest_work_cell"),
        _gathered(zone, home).alias("home_zone"),
        _gathered(zone, place).alias("work_zone"),
    )


def _true_stays(stays: pl.DataFrame, zone: pl.Series) -> pl.DataFrame:
    zones = _gathered(zone, stays["address"].to_numpy()).alias("zone")
    return stays.with_columns(zones).select("device", "direction", "mcc", "zone", "first_night", "nights")


def _areas(world: World, network: Network, zone: pl.Series) -> pl.DataFrame:
    """Residents of zones, and the share of their addresses more than 2 km from a mast."""
    masts = network.masts.select("easting_m", "northing_m").to_numpy()[network.nearest[:, 0]]
    places = world.addresses.select("easting_m", "northing_m").to_numpy()
    is_far = np.hypot(*(places - masts).T) > 2_000.0
    residents = np.bincount(world.persons["address"].to_numpy(), minlength=world.addresses.height)
    table = pl.DataFrame({"zone": zone, "residents": residents, "is_far": is_far})
    return table.group_by("zone").agg(pl.col("residents").sum(), far_share=pl.col("is_far").mean()).sort("zone")


def deliver(operator: SimulatedOperator) -> dict[str, pl.DataFrame]:
    """Tables of the delivery by the name of their file.

    Devices of holders below the least age and with too few active days are left out; pupils with a parent's contract,
    students and second phones are in, as in the tables of a real operator.
    """
    spec = operator.specification
    zone = operator.cells.select("cell", "zone")
    counted = operator.devices.filter(pl.col("holder_age") >= spec.devices.min_age_years)
    anchored = (
        tables.anchor_devices(operator.events, spec)
        .join(counted.select("device", "tariff", "holder_age"), on="device")
        .join(zone.rename({"cell": "home", "zone": "home_zone"}), on="home", how="left")
        .join(zone.rename({"cell": "work", "zone": "work_zone"}), on="work", how="left")
        .sort("device")
    )
    active = anchored.filter(pl.col("active_days") >= spec.devices.min_active_days)
    counts = tables.count_flows(active, spec)
    flows = tables.flow_table(tables.protect(counts, spec), spec, PROVIDER)
    events = (
        operator.events.join(active.select("device"), on="device", how="semi").join(zone, on="cell").drop_nulls("zone")
    )
    residents = operator.shares_of_areas.select("zone", "residents")
    stem = f"{PROVIDER}_{spec.period.first_day:%Y-%m}.csv"
    return {
        f"{SIMULATED}od_flows_{stem}": flows,
        f"{SIMULATED}zone_margins_{stem}": tables.margin_table(active, events, residents, spec, PROVIDER),
        f"{SIMULATED}coverage_{stem}": _coverage(operator),
        f"{SIMULATED}provider_report_{stem}": _report(operator, counts, counted, anchored, active),
    }


def _coverage(operator: SimulatedOperator) -> pl.DataFrame:
    cells = operator.cells.drop_nulls("zone").group_by("zone").agg(cells=pl.len(), radius=pl.col("radius_m").mean())
    return operator.shares_of_areas.join(cells, on="zone", how="left", maintain_order="left").select(
        provider=pl.lit(PROVIDER),
        spec_id=pl.lit(operator.specification.spec_id),
        zone="zone",
        technology=pl.lit("all"),
        cells=pl.col("cells").fill_null(0),
        mean_cell_radius_m=pl.col("radius").round(1),
        share_over_2km=pl.col("far_share").round(4),
    )


def _report(
    operator: SimulatedOperator,
    counts: pl.DataFrame,
    counted: pl.DataFrame,
    anchored: pl.DataFrame,
    active: pl.DataFrame,
) -> pl.DataFrame:
    spec = operator.specification
    whole = counts.filter(pl.col("segment") == "all")
    hidden = whole.filter(pl.col("devices").is_between(1, spec.disclosure.largest_hidden))
    mass = float(hidden["devices"].to_numpy().sum()) / max(1.0, float(whole["devices"].to_numpy().sum()))
    figures = [
        *(("market_share", *row) for row in operator.market_shares.iter_rows()),
        ("suppressed_cells", "all", float(hidden.height)),
        ("suppressed_mass", "all", mass),
        ("dropped_devices", "age", float(operator.devices.height - counted.height)),
        ("dropped_devices", "active_days", float(anchored.height - active.height)),
        ("dropped_devices", "home", float(active["home"].null_count())),
        ("payg_share", "all", float((counted["tariff"] == "payg").to_numpy().mean())),
    ]
    return pl.DataFrame(figures, schema=["item", "subject", "value"], orient="row").select(
        provider=pl.lit(PROVIDER),
        spec_id=pl.lit(spec.spec_id),
        item="item",
        subject="subject",
        value=pl.col("value").round(6),
    )


@dataclass(frozen=True)
class OperatorFiles:
    """Files that were written."""

    specification: Path
    deliveries: Path
    events: Path
    truth: Path

    @property
    def true_devices(self) -> Path:
        """Truth of the devices, which `ingest phone-events` takes in."""
        return self.truth / f"{SIMULATED}true_devices_{PROVIDER}.csv"


def write_operator(folder: Path, operator: SimulatedOperator) -> OperatorFiles:
    """Write specification, deliveries, events and truth into a folder.

    With the events (a Parquet file for each day in UTC) come the cell plan and the register of the devices with events.
    """
    files = OperatorFiles(folder / "specification.yaml", folder / "deliveries", folder / "events", folder / "truth")
    for made in (files.deliveries, files.events, files.truth):
        made.mkdir(parents=True, exist_ok=True)
    write_specification(files.specification, operator.specification)
    for name, table in deliver(operator).items():
        table.write_csv(files.deliveries / name)
    day = pl.col("at_utc").dt.date()
    own = operator.events.with_columns(
        home_mcc=pl.lit(OWN_MCC, dtype=pl.Int16), visited_mcc=pl.lit(None, dtype=pl.Int16)
    )
    events = pl.concat([own.select(list(COLUMNS)).cast(COLUMNS), operator.roaming_events])  # type: ignore[arg-type]
    for (on,), part in events.with_columns(day=day).partition_by("day", as_dict=True, include_key=False).items():
        path = files.events / f"{SIMULATED}device_events_{PROVIDER}_{on}.parquet"
        part.sort("device", "at_utc", "cell").write_parquet(path)
    operator.cells.rename({"rurality": "area_class"}).write_csv(files.events / f"{SIMULATED}cell_plan_{PROVIDER}.csv")
    seen = pl.concat([operator.events.select("device"), operator.roaming_events.select("device")]).unique()
    followed = operator.devices.join(seen, on="device", how="semi", maintain_order="left")
    followed.select("device", "tariff", "account", "holder_age", is_machine=pl.lit("false")).write_csv(
        files.events / f"{SIMULATED}devices_{PROVIDER}.csv"
    )
    classes = {"rurality": "home_class", "work_rurality": "work_class"}
    followed.rename(classes).with_columns(
        work_class=pl.when(pl.col("work_class") != "none").then(pl.col("work_class"))
    ).write_csv(files.true_devices)
    operator.stays.write_csv(files.truth / "true_stays.csv")
    operator.persons.write_csv(files.truth / "true_persons.csv")
    flows = operator.persons.drop_nulls("work_zone").group_by("home_zone", "work_zone", "kind").agg(persons=pl.len())
    flows.sort("home_zone", "work_zone", "kind").write_csv(files.truth / "true_flows.csv")
    return files
