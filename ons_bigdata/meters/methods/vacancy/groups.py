"""Vacancy by quarter and group of homes: stock and flow, probable share, and the 180 kWh rule; not yet controlled."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated
from ons_bigdata.meters.methods.vacancy.flow import stock_and_flow
from ons_bigdata.meters.methods.vacancy.quarter_chain import estimate_flows

SETTLED_AFTER_DAYS = 30
"""Days of readings after the end of a quarter from which its figures are settled: what came late is in."""
ALL_HOMES = "all"
GROUP_KINDS = {ALL_HOMES: None, "area": "area", "dwelling_type": "dwelling_type"}
"""Kind of group, and the column of the homes that has its groups."""
Z = 1.959964
"""Quantile of the normal distribution for 95 % intervals."""

_QUARTER_COLUMNS = (
    *("meter", "quarter", "probability_vacant", "vacant", "onset", "is_second_home", "reads_zero"),
    *("is_low", "vacant_by_rule"),
)


def vacancy_of_groups(quarters: pl.DataFrame, homes: pl.DataFrame, last_day: date) -> pl.DataFrame:
    """Vacancy of all homes, and by area and type of dwelling, for each quarter.

    `quarters`: judged quarters (columns of VacantQuarter with is_low and vacant_by_rule). `homes`: meter, area,
    dwelling_type (null where not known); each meter of `quarters` once. `last_day`: last day with readings.

    Returns one row per group_kind, home_group (`unknown` for homes without the attribute) and quarter: those of
    `stock_and_flow`, those of `estimate_flows` as expected_stock, expected_into, …, and judged (homes whose quarter is
    judged), second_homes, reading_zero, reading_zero_vacant, vacant_share (mean probability of vacancy of the judged
    homes), vacant_share_lower and vacant_share_upper (95 % interval of a share by Wilson, as of a random sample of
    homes with calibrated probabilities; it does not cover the error of the model), rule_homes (judged by the rule of
    180 kWh), rule_vacant, settlement (`settled` from 30 days of readings after the quarter on, else `provisional`),
    sorted.

    Raises ValueError on a missing column, a quarter that comes twice, and a meter that is not in `homes`.
    """
    refuse_missing_columns(quarters, _QUARTER_COLUMNS, "quarters")
    refuse_missing_columns(homes, ["meter", "area", "dwelling_type"], "homes")
    refuse_repeated(homes, ["meter"], "homes")
    settled = pl.col("quarter").dt.offset_by("1q") + timedelta(days=SETTLED_AFTER_DAYS) <= last_day + timedelta(days=1)
    parts = []
    for kind, column in GROUP_KINDS.items():
        name = pl.lit(ALL_HOMES) if column is None else pl.col(column).fill_null("unknown")
        groups = homes.select("meter", area=name)
        flows = stock_and_flow(quarters, groups)
        expected = estimate_flows(quarters, groups)
        expected = expected.select("area", "quarter", pl.exclude("area", "quarter").name.prefix("expected_"))
        flows = flows.join(expected, on=["area", "quarter"], how="left", maintain_order="left")
        counts = _counts(quarters.join(groups, on="meter", maintain_order="left"))
        parts.append(
            flows.join(counts, on=["area", "quarter"], how="left", maintain_order="left").with_columns(
                pl.lit(kind).alias("group_kind")
            )
        )
    return (
        pl.concat(parts)
        .rename({"area": "home_group"})
        .with_columns(
            pl.col("judged", "second_homes", "reading_zero", "reading_zero_vacant", "rule_homes", "rule_vacant")
            .fill_null(0)
            .cast(pl.Int64),
            settlement=pl.when(settled).then(pl.lit("settled")).otherwise(pl.lit("provisional")),
        )
        .sort("group_kind", "home_group", "quarter")
    )


def _counts(quarters: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("vacant").is_not_null()
    share, homes = pl.col("vacant_share"), pl.col("judged")
    middle = (share + Z**2 / (2 * homes)) / (1 + Z**2 / homes)
    half = Z / (1 + Z**2 / homes) * (share * (1 - share) / homes + Z**2 / (4 * homes**2)).sqrt()
    return (
        quarters.group_by("area", "quarter")
        .agg(
            judged=known.sum(),
            second_homes=pl.col("is_second_home").sum(),
            reading_zero=(pl.col("reads_zero") & known).sum(),
            reading_zero_vacant=(pl.col("reads_zero") & pl.col("vacant")).sum(),
            vacant_share=pl.col("probability_vacant").filter(known).mean(),
            rule_homes=pl.col("is_low").is_not_null().sum(),
            rule_vacant=pl.col("vacant_by_rule").sum(),
        )
        .with_columns(
            vacant_share_lower=(middle - half).clip(0, 1),
            vacant_share_upper=(middle + half).clip(0, 1),
        )
    )
