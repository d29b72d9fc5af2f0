"""Comparison of estimates with official figures: years, codes, parts of a year, and coverage without small numbers."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from ons_bigdata.tweets.assets.migration_comparison import (
    CENSUS_DAY,
    ComparisonRules,
    biases,
    census_compared,
    coverage_of,
    flows_compared,
    rates_compared,
)

CHANGES = pl.DataFrame({"changed_on": [date(2013, 4, 1)], "old_code": ["E08000020"], "new_code": ["E08000037"]})
CODES = [f"E0700{k:04d}" for k in range(12)]
QUARTERS = [date(2014, 7, 1), date(2014, 10, 1), date(2015, 1, 1), date(2015, 4, 1)]
RULES = ComparisonRules(confidence=0.95, threshold=10, rounding_base=5, parameters_hash="0" * 16)


def official(seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    inflow, outflow = (random.uniform(1000, 9000, len(CODES)) for _ in range(2))
    return pl.DataFrame({"year_ending": date(2015, 6, 30), "authority": CODES, "inflow": inflow, "outflow": outflow})


def estimated(quarters: list[date]) -> pl.DataFrame:
    """Each quarter a quarter of the official moves of the year."""
    rows = official().select(area="authority", inflow=pl.col("inflow") / 4, outflow=pl.col("outflow") / 4)
    return pl.concat([rows.with_columns(level=pl.lit("authority"), period=pl.lit(quarter)) for quarter in quarters])


RESIDENTS = pl.DataFrame({"data_origin": "real", "authority": CODES, "residents": [100_000] * len(CODES)})


def values(frame: pl.DataFrame) -> dict[str, float]:
    return dict(frame.select("metric", "value").iter_rows())


def test_a_perfect_year_agrees() -> None:
    (made,) = rates_compared(estimated(QUARTERS), official(), RESIDENTS, CHANGES)
    found = values(made)
    assert (made["year_ending"].unique().item(), made["quarters"].unique().item()) == (date(2015, 6, 30), 4)
    assert found["in_slope"] == pytest.approx(1) and found["net_sign_agreement"] == 1 and found["areas"] == 12


def test_a_part_of_a_year_has_no_slope_and_other_years_are_not_compared() -> None:
    early = date(2014, 4, 1)
    (made,) = rates_compared(estimated([early, *QUARTERS[:2]]), official(), RESIDENTS, CHANGES)
    slope = made.filter(pl.col("metric") == "in_slope").row(0, named=True)
    assert slope["value"] is None and slope["reason"] == "the estimate covers 2 of the 4 quarters"
    assert values(made)["in_correlation"] == pytest.approx(1)


def test_earlier_codes_are_carried_forward() -> None:
    recoded = {CODES[0]: "E08000020"}, {CODES[0]: "E08000037"}
    (made,) = rates_compared(
        estimated(QUARTERS).with_columns(pl.col("area").replace(recoded[0])),
        official().with_columns(pl.col("authority").replace(recoded[1])),
        RESIDENTS.with_columns(pl.col("authority").replace(recoded[1])),
        CHANGES,
    )
    assert values(made)["areas"] == 12


def test_flows_between_regions_are_compared_by_year_and_scaled() -> None:
    regions = ["E12000001", "E12000002", "E12000003"]
    pairs = [(a, b) for a in regions for b in regions if a != b]
    truth = pl.DataFrame(pairs, schema=["origin", "destination"], orient="row").with_columns(
        flow=pl.Series([100.0, 200, 300, 400, 500, 600])
    )
    theirs = truth.with_columns(level=pl.lit("region"), year_ending=pl.lit(date(2015, 6, 30)))
    ours = pl.concat(
        [truth.with_columns(pl.col("flow") / 40, level=pl.lit("region"), period=pl.lit(q)) for q in QUARTERS[:2]]
    )
    (made,) = flows_compared(ours, theirs, CHANGES)
    found = values(made)
    assert found["cpc"] == pytest.approx(1) and found["scale_factor"] == pytest.approx(20)
    assert made["comparison"].unique().to_list() == ["region_flows"] and made["quarters"].unique().to_list() == [2]
    between = made.filter(pl.col("metric") == "cpc").row(0, named=True)
    assert between["lower"] <= between["value"] <= between["upper"]


def test_flows_between_authorities_are_those_of_the_whole_period() -> None:
    ours = pl.DataFrame(
        {"origin": ["E08000020", "E08000037"], "destination": [CODES[1], "E08000020"], "flow": [5.0, 9.0]}
    ).with_columns(level=pl.lit("authority"), period=pl.lit(date(2014, 8, 1)))
    theirs = pl.DataFrame({"origin": ["E08000037"], "destination": [CODES[1]], "flow": [50.0]}).with_columns(
        level=pl.lit("authority"), year_ending=pl.lit(date(2015, 6, 30))
    )
    (made,) = flows_compared(ours, theirs, CHANGES)
    assert values(made)["pairs"] == 1  # a move between two codes of the same area is none
    assert made["quarters"].null_count() == made.height


def test_coverage_hides_few_users() -> None:
    users = pl.DataFrame({"authority": CODES[:2], "users": [9, 103], "active_users": [40.2, 412.6]})
    made = coverage_of(users, RESIDENTS, RULES).sort("authority")
    hidden, shown, none = made.head(3).to_dicts()
    assert (hidden["users"], hidden["penetration"], hidden["status"]) == (None, None, "below_threshold")
    assert {name: none[name] for name in ("users", "penetration", "log_bias", "reason", "status")} == {
        name: hidden[name] for name in ("users", "penetration", "log_bias", "reason", "status")
    }
    assert (shown["users"], shown["status"]) == (105, "published")
    assert shown["penetration"] == pytest.approx(0.00105)
    assert (hidden["active_users"], hidden["active_penetration"]) == (None, None)
    assert shown["active_users"] == 415 and shown["active_penetration"] == pytest.approx(0.00415)


def controlled(quarters: list[date], *, factor: dict[str, float] | None = None) -> pl.DataFrame:
    """Published moves of each authority and quarter: a fortieth of the official ones, times a factor of some."""
    rows = official().select(area="authority", inflow=pl.col("inflow") / 40, outflow=pl.col("outflow") / 40)
    long = rows.unpivot(index="area", variable_name="measure", value_name="value")
    scaled = long.with_columns(
        value=pl.col("value") * pl.col("area").replace_strict(factor or {}, default=1.0, return_dtype=pl.Float64),
        level=pl.lit("authority"),
    )
    return pl.concat([scaled.with_columns(period=pl.lit(quarter)) for quarter in quarters])


def test_the_bias_of_an_authority_does_not_depend_on_the_level_of_the_estimate() -> None:
    """One authority has twice its moves: log 2 above the others, whatever part of the year the estimate covers."""
    (made,) = biases(controlled(QUARTERS[:2], factor={CODES[3]: 2.0}), official(), RESIDENTS, CHANGES)
    assert made["quarters"].unique().to_list() == [2]
    into = made.filter(pl.col("direction") == "in").sort("authority")
    others = into.filter(pl.col("authority") != CODES[3])["log_ratio"]
    assert others.to_numpy() == pytest.approx(others[0])
    assert into.filter(pl.col("authority") == CODES[3])["log_ratio"].item() - others[0] == pytest.approx(np.log(2))
    gross = made.filter(pl.col("direction") != "net")
    assert gross["estimate"].sum() == pytest.approx(gross["reference"].sum())


def test_an_authority_with_a_hidden_quarter_has_no_bias() -> None:
    hidden = (pl.col("area") == CODES[0]) & (pl.col("period") == QUARTERS[1]) & (pl.col("measure") == "inflow")
    rows = controlled(QUARTERS).with_columns(value=pl.when(~hidden).then(pl.col("value")))
    (made,) = biases(rows, official(), RESIDENTS, CHANGES)
    assert made["authority"].n_unique() == len(CODES) - 1 and CODES[0] not in made["authority"]
    nothing = rows.with_columns(value=pl.lit(None, dtype=pl.Float64))
    assert list(biases(nothing, official(), RESIDENTS, CHANGES)) == []


def test_flows_are_compared_with_the_census_whatever_their_year() -> None:
    flows = pl.DataFrame({"origin": CODES[:3], "destination": CODES[1:4], "flow": [10.0, 20.0, 40.0]})
    ours = flows.with_columns(level=pl.lit("authority"), period=pl.lit(date(2014, 8, 1)))
    (made,) = census_compared(ours, flows.with_columns(pl.col("flow") * 7), CHANGES)
    assert values(made)["cpc"] == pytest.approx(1) and values(made)["scale_factor"] == pytest.approx(7)
    assert made["comparison"].unique().to_list() == ["census_flows"]
    assert made["year_ending"].unique().to_list() == [CENSUS_DAY]
    assert list(census_compared(ours, flows.head(0), CHANGES)) == []
