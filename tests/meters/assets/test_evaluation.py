"""The evaluation as assets: homes of the warehouse, drawn absences, vacancies and gaps, and no row about a home."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.assets import evaluation
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.meters.assets.judged import judge, lake_rows
from tests.meters.methods.half_hours import readings

RULES = {
    "seed": 3.0,
    "absence_homes": 20.0,
    "vacancy_homes": 20.0,
    "imputation_homes": 4.0,
    "draws": 20.0,
    "call_cost": 15.0,
    "missed_home_cost": 120.0,
}
DAYS = 330
HOMES = 14


def homes() -> pl.DataFrame:
    """Homes with people up from 06:00 to 23:00, with a gap of three half hours, and one that uses next to nothing."""
    parts = []
    for home in range(HOMES):
        rng = np.random.default_rng(home)
        kwh = rng.uniform(0.05, 0.12) * rng.uniform(0.8, 1.2, (DAYS, 48))
        kwh[:, 12:46] += rng.gamma(0.6, 0.35, (DAYS, 34))
        if home == 0:
            kwh[:] = 0.01
        kwh[40 + home, 3:6] = np.nan
        parts.append(readings(np.round(kwh.ravel(), 3), meter=1000 + home * 2**40))
    return pl.concat(parts)


def judged_homes(warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, float]) -> None:
    judge(warehouse, folder, lake_rows(homes()), monkeypatch)
    with warehouse.transaction() as transaction:
        transaction.execute("create schema if not exists seeds")
        transaction.execute("drop table if exists seeds.meter_evaluation_rules")
        transaction.execute("create table seeds.meter_evaluation_rules (parameter text, value double precision)")
        transaction.insert(
            "seeds.meter_evaluation_rules", pl.DataFrame({"parameter": list(rules), "value": list(rules.values())})
        )


def test_each_evaluation_has_scores_of_the_homes_and_a_chart(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_homes(warehouse, tmp_path, monkeypatch, RULES)
    result = dg.materialize(evaluation.ASSETS, resources={"warehouse": WarehouseResource()})
    absence = warehouse.frame("select * from analysis.absence_evaluation")
    assert absence["homes"].unique().to_list() == [HOMES - 1]  # without the one that may be empty itself
    assert set(absence["judgement"]) > {"boosted", "hmm", "rule", "always occupied", "weekday prior"}
    assert absence["absent_share"].to_numpy() == pytest.approx(0.15, abs=0.02)
    boosted = absence.filter(pl.col("judgement") == "boosted").row(0, named=True)
    assert boosted["recall_at_2"] > 0.9
    assert boosted["recall_at_2_lower"] <= boosted["recall_at_2"] <= boosted["recall_at_2_upper"]
    vacancy = warehouse.frame("select * from analysis.vacancy_evaluation where quarters_vacant = 0")
    assert set(vacancy["judgement"]) == {"shipped flag", "180 kWh rule", "at the rule's specificity"}
    assert vacancy["homes"].unique().item() > 2  # those with all days of the quarters that were drawn
    assert vacancy["other_homes"].unique().item() > 2
    case = warehouse.frame("select * from analysis.fieldwork_case_for_use")
    assert case.height == len(evaluation.THRESHOLDS) * len(evaluation.PREVALENCES)
    assert case["call_cost"].unique().to_list() == [15.0]
    imputation = warehouse.frame("select * from analysis.imputation_evaluation where length = 'to_2_hours'")
    assert set(imputation["method"]) == {"rules", "linear", "last_week"}
    assert imputation["hidden"].min() > 0
    charts = {
        event.step_materialization_data.materialization.asset_key.path[-1]: (
            event.step_materialization_data.materialization.metadata
        )
        for event in result.get_asset_materialization_events()
    }
    for table in ("absence_evaluation", "vacancy_evaluation", "fieldwork_case_for_use"):
        assert "data:image/svg+xml" in charts[table]["simulated cer"].value


def test_other_models_or_rules_have_another_hash(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for number, changed in enumerate(({}, {"seed": 4.0})):
        judged_homes(warehouse, tmp_path / str(number), monkeypatch, RULES | changed)
        dg.materialize([evaluation.absence_evaluation], resources={"warehouse": WarehouseResource()})
        hashes.add(warehouse.rows("select distinct parameters_hash from analysis.absence_evaluation")[0][0])
    assert len(hashes) == 2


def test_an_unknown_parameter_is_refused(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_homes(warehouse, tmp_path, monkeypatch, RULES | {"homes": 3.0})
    result = dg.materialize(
        [evaluation.imputation_evaluation], resources={"warehouse": WarehouseResource()}, raise_on_error=False
    )
    assert not result.success
