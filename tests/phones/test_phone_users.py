"""Real flows of phone users against the census of 2011: an independent calculation, and the correction of distance."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.phone_users_against_census import KEY, PHONES, margins, read_districts
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.phones.methods.distance_correction import correct_distance, fit_distance_correction
from ons_bigdata.phones.methods.reference_models import fit_deterrence, gravity
from ons_bigdata.settings import Settings


def shared() -> Path:
    folder = Settings().shared / "data" / "phones"
    if not (folder / PHONES).is_file():
        pytest.skip(f"no flows of phone users in {folder} (set ONS_BIGDATA_SHARED)")
    return folder


def dense(folder: Path) -> dict[str, np.ndarray]:
    """Square tables of users, 2011 and 2001 between the 304 districts, read line by line without our code."""
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
    return tables


def test_the_table_agrees_with_an_independent_calculation() -> None:
    tables = dense(shared())
    truth = tables["2011"]
    assert truth.shape == (304, 304)
    data = read_districts(shared(), country="")
    assert data.coverage.height == 304
    raked = {}
    for name in ("users", "2001"):
        table = tables[name].copy()
        for _ in range(300):
            table *= (truth.sum(1) / table.sum(1))[:, None]
            table *= truth.sum(0) / table.sum(0)
        raked[name] = table
    published = {"users": (0.7252, 0.7862), "2001": (0.9160, 0.9430)}
    ours = {"users": data.users, "2001": data.census_2001}
    for name, (scaled, after) in published.items():
        estimate = tables[name] * truth.sum() / tables[name].sum()
        cpc = np.minimum(estimate, truth).sum() / truth.sum()
        assert cpc == pytest.approx(scaled, abs=5e-5)
        assert compare_flows(ours[name], data.census_2011, draws=0)["value"][0] == pytest.approx(cpc, abs=1e-9)
        assert np.minimum(raked[name], truth).sum() / truth.sum() == pytest.approx(after, abs=5e-5)


def test_the_correction_of_distance_beats_inverse_penetration_on_the_other_half() -> None:
    data = read_districts(shared(), country="")
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
