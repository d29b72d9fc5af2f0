"""Vacancy as stock and flow by group of homes, controlled for disclosure."""

from __future__ import annotations

import polars as pl

from ons_bigdata.meters.assets.aggregates import SECONDARY, read_rules
from ons_bigdata.meters.assets.homes import HOMES
from ons_bigdata.meters.assets.quality import METERS, QUARTERS
from ons_bigdata.meters.methods.fingerprint import fingerprint
from ons_bigdata.meters.methods.vacancy.groups import SETTLED_AFTER_DAYS, vacancy_of_groups
from ons_bigdata.meters.methods.vacancy.quarter_chain import default_prior
from ons_bigdata.meters.methods.vacancy.rounding import round_balanced, round_expected
from ons_bigdata.meters.schemas.vacancy import ControlledVacancy
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts

VACANCY = "analysis.meter_vacancy_controlled"
RECIPE = "shipped_trees"
LEAST_SHARE_HOMES = 100
"""Judged homes from which a share is shown: of fewer, it would uncover the number of vacant homes exactly."""

_SERIES = ("data_origin", "format", "group_kind", "home_group")
_ROUNDED = (
    *("homes", "judged", "carried", "second_homes", "reading_zero", "reading_zero_vacant"),
    *("rule_homes", "rule_vacant"),
)
_FLOWS = ("stock", "into", "out", "appeared", "disappeared")
_EXPECTED = tuple(f"expected_{name}" for name in _FLOWS)
_NAMES = {"into": "became_vacant", "out": "occupied_again"}
_SHARES = ("vacant_share", "vacant_share_lower", "vacant_share_upper")
_OF_STOCK = ("median_days", "share_two_years")


@table_asset(
    table=VACANCY,
    inputs={"quarters": QUARTERS, "meters": METERS, "homes": HOMES, "rules": "seeds.meter_publication_rules"},
    frame=ControlledVacancy,
    description="One row per group of homes and quarter: vacant homes as stock and flow, controlled for disclosure.",
)
def meter_vacancy_controlled(inputs: Inputs, _run: AssetRun) -> Output:
    """Count vacant homes by quarter, area and type of dwelling; small businesses are left out."""
    rules = read_rules(inputs)
    attributes = inputs.read("homes", ["meter_key", "customer", "area", "dwelling_type"])
    meters = inputs.read("meters", ["meter_key", "data_origin", "format", "last_day"])
    quarters = inputs.read("quarters").rename({"meter_key": "meter"})
    homes = meters.join(attributes, on="meter_key", how="left").rename({"meter_key": "meter"})
    homes = homes.filter(pl.col("customer").is_null() | (pl.col("customer") == "residential")).sort("meter")
    parts: list[pl.DataFrame] = [ControlledVacancy.create_empty()]
    for (origin, form), of_format in homes.partition_by("data_origin", "format", as_dict=True).items():
        judged = quarters.join(of_format, on="meter", how="semi").sort("meter", "quarter")
        if judged["vacant"].drop_nulls().is_empty():
            continue
        cells = vacancy_of_groups(judged, of_format, of_format["last_day"].max())  # type: ignore[arg-type]
        cells = cells.with_columns(data_origin=pl.lit(origin), format=pl.lit(form))
        models = judged["models_hash"].unique().sort().to_list()
        threshold, base = int(rules["threshold"]), int(rules["rounding_base"])
        parts.append(controlled_vacancy(cells, threshold=threshold, base=base, models=models))
    table = pl.concat(parts)
    return Output(table, {"published": int((table["status"] == PUBLISHED).sum())})


def controlled_vacancy(cells: pl.DataFrame, *, threshold: int, base: int, models: list[str]) -> pl.DataFrame:
    """Groups that have `threshold` homes in each quarter, with numbers rounded so that stock and flow balance.

    A group is shown for all quarters or for none: a hidden stock could be computed from the quarters next to it. Where
    one group of a kind is hidden, the smallest shown is, too (`secondary`): with the total the hidden one could be
    bounded. `models`: hashes of the models that judged the quarters, part of the parameters' hash.
    """
    least = cells.group_by(_SERIES).agg(least_homes=pl.col("homes").min().cast(pl.Int64))
    status = _hide_second(control_counts(least, "least_homes", threshold=threshold, base=base), least)
    value = pl.col(*_ROUNDED).cast(pl.Int64)
    parameters = fingerprint(*(models, RECIPE, threshold, base, LEAST_SHARE_HOMES, SETTLED_AFTER_DAYS), default_prior())
    cells = cells.with_columns(
        pl.when(pl.col("stock") >= threshold).then(pl.col(*_OF_STOCK)),
        pl.when(pl.col("judged") >= LEAST_SHARE_HOMES).then(pl.col(*_SHARES)),
        is_judged=pl.col("judged") > 0,
    )
    groups = cells.sort(*_SERIES, "quarter").partition_by(*_SERIES, maintain_order=True)
    table = (
        pl.concat([round_expected(round_balanced(group, base), base) for group in groups])
        .join(status, on=_SERIES, how="left", maintain_order="left")
        .with_columns((value * 2 + base) // (2 * base) * base, pl.col(*_SHARES).round(3))
    )
    shown = pl.col("status") == PUBLISHED
    return (
        table.with_columns(pl.when(shown).then(pl.col(*_ROUNDED, *_FLOWS, *_EXPECTED, *_SHARES, *_OF_STOCK)))
        .rename({**_NAMES, **{f"expected_{name}": f"expected_{renamed}" for name, renamed in _NAMES.items()}})
        .with_columns(
            no_interval_reason=pl.when(~shown)
            .then(pl.lit("hidden"))
            .when(~pl.col("is_judged"))
            .then(pl.lit("not_judged"))
            .when(pl.col("vacant_share_lower").is_null())
            .then(pl.lit("few_homes")),
            recipe=pl.lit(RECIPE),
            parameters_hash=pl.lit(parameters),
        )
        .select(ControlledVacancy.column_names())
    )


def _hide_second(status: pl.DataFrame, least: pl.DataFrame) -> pl.DataFrame:
    """Status by series; where one group of a kind is hidden, that of the smallest shown is `secondary`."""
    kind = ["data_origin", "format", "group_kind"]
    hidden = (pl.col("status") != PUBLISHED).sum().over(kind)
    order = pl.when(pl.col("status") == PUBLISHED).then(pl.col("least_homes")).rank("ordinal").over(kind)
    is_second = (hidden == 1) & (order == 1)
    return (
        status.drop("least_homes")
        .join(least, on=_SERIES)
        .sort(_SERIES)
        .with_columns(pl.when(is_second).then(pl.lit(SECONDARY)).otherwise("status").alias("status"))
        .drop("least_homes")
    )


ASSETS = [meter_vacancy_controlled]
