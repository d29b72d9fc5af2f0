"""Real flows of phone users against the census of 2011: an independent calculation, and the correction of distance."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from collections import Counter
from functools import cache
from math import acos, cos, log, radians, sin
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.phone_users_against_census import CENTRES, KEY, PHONES, Districts, margins, read_districts
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.phones.methods.distance_correction import correct_distance, fit_distance_correction
from ons_bigdata.phones.methods.reference_models import (
    fit_deterrence,
    gravity,
    previous_census_raked,
    radiation,
    uniform,
)
from ons_bigdata.settings import Settings


def shared() -> Path:
    folder = Settings().shared / "data" / "phones"
    if not (folder / PHONES).is_file():
        pytest.skip(f"no flows of phone users in {folder} (set ONS_BIGDATA_SHARED)")
    return folder


@cache
def districts() -> Districts:
    return read_districts(shared(), country="")


@cache
def dense(folder: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Codes of the 304 districts, and square tables of users, 2011 and 2001, read line by line without our code."""
    with (folder / "lad20x_names.csv").open(encoding="utf-8") as file:
        codes = {row["name"]: row["code"] for row in csv.DictReader(file)}
    with gzip.open(folder / "census2021_msoa_age5.csv.gz", "rt", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        zones = {row[1]: codes.get(row[0][:-4]) for row in reader}
    flows: Counter[tuple[str, str]] = Counter()
    with gzip.open(folder / PHONES, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            home, work = zones[row["MSOA21CD_home"]], zones[row["MSOA21CD_work"]]
            if home and work:
                flows[home, work] += int(row["count"])
    places = {code: number for number, code in enumerate(sorted({origin for origin, _ in flows}))}
    tables = {name: np.zeros((len(places), len(places))) for name in ("users", "2001", "2011")}
    for (origin, destination), count in flows.items():
        tables["users"][places[origin], places[destination]] = count
    with gzip.open(folder / "ew_lad20x_commuting_1991_2001_2011.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["year"] in tables and row["o"] in places and row["d"] in places:
                tables[row["year"]][places[row["o"]], places[row["d"]]] = float(row["commuters"])
    for table in tables.values():
        np.fill_diagonal(table, 0)
    return list(places), tables


def apart_km(codes: list[str]) -> np.ndarray:
    """Straight distances between centres of districts, without our code."""
    with CENTRES.open(encoding="utf-8") as file:
        centres = {
            row["code"]: complex(float(row["easting_km"]), float(row["northing_km"])) for row in csv.DictReader(file)
        }
    at = np.array([centres[code] for code in codes])
    return np.abs(at[:, None] - at)  # type: ignore[no-any-return]


def fitted(table: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A table in proportion to the totals of another by row and by column."""
    table = table.copy()
    for _ in range(300):
        table *= (truth.sum(1) / table.sum(1))[:, None]
        table *= truth.sum(0) / table.sum(0)
    return table


def shared_part(table: np.ndarray, truth: np.ndarray) -> float:
    """Common part of commuters of a table with the total of the truth."""
    return float(np.minimum(table * truth.sum() / table.sum(), truth).sum() / truth.sum())


PUBLISHED = {
    "": {"users": (0.7252, 0.7862), "2001": (0.9160, 0.9430), "gravity": (2.7109, 0.7664), "sample": 0.9110},
    "E": {"users": (0.7332, 0.7947), "2001": (0.9168, 0.9440), "gravity": (2.6790, 0.7686), "sample": 0.9120},
}
"""By first letter of the codes: scaled and raked, parameter and value, of the page on phone users."""


def test_the_tables_of_districts_agree_with_an_independent_calculation() -> None:
    every, whole = dense(shared())
    assert len(every) == 304
    for country, published in PUBLISHED.items():
        chosen = [number for number, code in enumerate(every) if code.startswith(country)]
        codes = [every[number] for number in chosen]
        tables = {name: table[np.ix_(chosen, chosen)] for name, table in whole.items()}
        truth = tables["2011"]
        for name in ("users", "2001"):
            values = shared_part(tables[name], truth), shared_part(fitted(tables[name], truth), truth)
            assert values == pytest.approx(published[name], abs=1e-4), (country, name)
        power, value = published["gravity"]  # type: ignore[misc]
        distance = apart_km(codes)
        np.fill_diagonal(distance, np.inf)
        gravity_flows = fitted(distance**-power, truth)
        assert shared_part(gravity_flows, truth) == pytest.approx(value, abs=1e-4)
        np.fill_diagonal(distance, 1.0)
        log_km = [(table * np.log(distance)).sum() / table.sum() for table in (gravity_flows, truth)]
        assert log_km[0] == pytest.approx(log_km[1], abs=1e-4)  # what makes it the power fitted to 2011
        draws = np.random.default_rng(1).multinomial(int(tables["users"].sum()), (truth / truth.sum()).ravel(), size=10)
        floor = np.mean([shared_part(draw.reshape(truth.shape).astype(float), truth) for draw in draws])
        assert floor == pytest.approx(published["sample"], abs=6e-4)


def test_the_table_is_that_of_our_readers_and_methods() -> None:
    codes, tables = dense(shared())
    data = districts()
    assert data.coverage["area"].to_list() == codes
    for name, ours in (("users", data.users), ("2001", data.census_2001)):
        value = compare_flows(ours, data.census_2011, draws=0)["value"][0]
        assert value == pytest.approx(shared_part(tables[name], tables["2011"]), abs=1e-9)


def test_the_bias_by_distance_in_leeds_agrees_with_an_independent_calculation() -> None:
    with (shared() / "leeds_msoa_zones.csv").open(encoding="utf-8") as file:
        at = {row["geo_code"]: (radians(float(row["lat"])), radians(float(row["lon"]))) for row in csv.DictReader(file)}
    flows: dict[str, Counter[int]] = {"users": Counter(), "2011": Counter()}

    def add(name: str, origin: str, destination: str, count: str) -> None:
        if origin == destination or origin not in at or destination not in at:
            return
        (south, west), (north, east) = at[origin], at[destination]
        angle = sin(south) * sin(north) + cos(south) * cos(north) * cos(east - west)
        flows[name][bisect_right([2, 5, 10, 20], 6371 * acos(min(1.0, angle)))] += int(count)

    with (shared() / "leeds_msoa_od_2011.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            add("2011", row["O"], row["D"], row["all"])
    with gzip.open(shared() / PHONES, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            add("users", row["MSOA21CD_home"], row["MSOA21CD_work"], row["count"])
    assert [flows["2011"][band] for band in range(5)] == [35_107, 75_638, 75_338, 28_537, 1_469]
    factor = flows["2011"].total() / flows["users"].total()
    bias = [log(flows["users"][band] * factor / flows["2011"][band]) for band in range(5)]
    assert bias == pytest.approx([0.4977, -0.0046, -0.2400, -0.2456, -0.0020], abs=1e-4)


def test_the_previous_census_is_nearer_than_every_other_reference_model() -> None:
    data = districts()
    totals = margins(data.census_2011)
    models = {
        "previous": previous_census_raked(data.census_2001, *totals),
        "power, fitted to 2011": gravity(*totals, data.distances, constraint="doubly", parameter=2.7109),
        "power, fitted to 2001": gravity(*totals, data.distances, constraint="doubly", parameter=2.7993),
        "exponential": gravity(
            *totals, data.distances, deterrence="exponential", constraint="doubly", parameter=0.0739
        ),
        "singly": gravity(*totals, data.distances, parameter=2.7109),
        "radiation": radiation(*totals, data.distances, normalised=True),
        "uniform": uniform(*totals, data.distances),
    }
    for metric in ("cpc", "r_squared"):
        values = {}
        for name, flows in models.items():
            table = compare_flows(flows, data.census_2011, draws=0)
            values[name] = table.row(by_predicate=pl.col("metric") == metric, named=True)["value"]
        assert values["previous"] > max(value for name, value in values.items() if name != "previous") + 0.1


def test_the_correction_of_distance_beats_inverse_penetration_on_the_other_half() -> None:
    data = districts()
    fit = fit_deterrence(data.users, data.distances)
    modelled = gravity(*margins(data.users), data.distances, constraint="doubly", parameter=fit.parameter)
    rate = data.coverage.select("area", rate=pl.col("population") / pl.col("users"))
    pairs = (
        data.distances.join(data.users, on=KEY, how="left")
        .join(data.census_2011.rename({"flow": "reference"}), on=KEY, how="left")
        .join(modelled.rename({"flow": "modelled"}), on=KEY)
        .join(rate.rename({"area": "origin", "rate": "out"}), on="origin")
        .join(rate.rename({"area": "destination", "rate": "into"}), on="destination")
        .with_columns(pl.col("flow", "reference").fill_null(0.0), weight=(pl.col("out") * pl.col("into")).sqrt())
        .sort(KEY)
    )
    half = np.random.default_rng(0).permutation(sorted(data.coverage["area"]))[:152].tolist()
    learnt = pl.all_horizontal(pl.col(side).is_in(half) for side in KEY)
    judged = pl.all_horizontal(~pl.col(side).is_in(half) for side in KEY)
    corrected = correct_distance(pairs.filter(judged), fit_distance_correction(pairs.filter(learnt)))
    truth = data.census_2011.filter(judged)
    tables = [
        dict(compare_flows(flows, truth, draws=0).select("metric", "value").iter_rows())
        for flows in (
            corrected.select(*KEY, flow="flow_adjusted"),
            corrected.select(*KEY, flow=pl.col("flow") * pl.col("weight")),
        )
    ]
    assert tables[0]["cpc"] > tables[1]["cpc"] + 0.08
    assert tables[0]["log_rmse"] < 0.6 * tables[1]["log_rmse"]
    held = corrected.select(pl.col("reference").is_between("lower", "upper").mean()).item()
    assert 0.90 <= held <= 0.97
