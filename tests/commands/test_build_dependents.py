"""The build that follows an ingest: assets, days, output to the user."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ons_bigdata import rendering
from ons_bigdata.commands.build_dependents import (
    BuildSummary,
    WrittenTable,
    build_dependents,
    days_to_build,
    dependents,
    missing_seeds,
)
from ons_bigdata.commands.ingest import IngestSummary
from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.prices.sources.scope_labels import SCOPE_LABELS
from ons_bigdata.settings import Settings
from tests.platform.ingest.number_files import SOURCE

DAILY = replace(SOURCE, calendar=Calendar(Cadence.day, date(2016, 7, 1), "Europe/London"))
MONTHLY = replace(SOURCE, calendar=Calendar(Cadence.month, date(2016, 7, 1), "Europe/London"))
SUMMARY = IngestSummary(1, 2, 2, 0, 0, 0, 0, 1, "2016-07-21", "2016-07-21")


def test_what_is_built_depends_on_the_table_and_is_neither_seed_nor_raw() -> None:
    definitions = runs.load_definitions()
    everything = {key.to_user_string() for key in runs.select(definitions, "*")}
    quotes = {key.to_user_string() for key in dependents(definitions, ["raw.price_quotes"])}
    assert {"staging/stg_prices__quotes", "marts/price_indices"} <= quotes < everything
    seeds = {key.to_user_string() for key in runs.select(definitions, "kind:seed")}
    assert seeds and quotes.isdisjoint(seeds)
    assert not [key for key in quotes if key.startswith("raw/")]
    assert quotes <= {key.to_user_string() for key in runs.select(definitions, "raw/price_quotes*")}
    labels = {key.to_user_string() for key in dependents(definitions, ["raw.scope_labels"])}
    assert labels and "staging/stg_prices__quotes" not in labels


def test_seeds_are_built_where_the_database_has_none(landing: Landing) -> None:
    definitions = runs.load_definitions()
    keys = dependents(definitions, ["lake.geo_events"])
    names = (
        *("tweet_cluster_recipes", "tweet_robot_rules", "tweet_robot_clients", "tweet_address_classes"),
        *("tweet_address_rules", "tweet_typing_rules", "tweet_term_months", "tweet_residence_rules"),
        *("tweet_class_mix", "authority_code_changes", "migration_regions"),
    )
    seeds = {f"seeds.{name}" for name in names}
    missing = {".".join(key.path) for key in missing_seeds(definitions, keys, landing.warehouse)}
    assert missing == seeds
    for seed in seeds - {"seeds.tweet_robot_rules"}:
        with landing.warehouse.transaction() as transaction:
            transaction.execute(f"create table {seed} (name text)")
    missing = {".".join(key.path) for key in missing_seeds(definitions, keys, landing.warehouse)}
    assert missing == {"seeds.tweet_robot_rules"}
    assert missing_seeds(definitions, [], landing.warehouse) == []


def test_the_days_are_those_from_the_first_written_partition_to_the_last(landing: Landing) -> None:
    days = WrittenTable(DAILY, ("2016-07-23", "2016-07-21"))
    assert days_to_build(landing, [days]) == ("2016-07-21", "2016-07-23")
    assert days_to_build(landing, [days, WrittenTable(MONTHLY, ("2016-08-01",))]) == ("2016-07-21", "2016-08-31")
    assert days_to_build(landing, [WrittenTable(DAILY, ())]) is None
    today = MONTHLY.calendar.today()  # type: ignore[union-attr]
    this_month = WrittenTable(MONTHLY, (today.replace(day=1).isoformat(),))
    assert days_to_build(landing, [this_month]) == (today.replace(day=1).isoformat(), today.isoformat())


def test_a_table_without_partitions_bears_on_every_day_of_its_pilot(landing: Landing) -> None:
    labels = WrittenTable(SCOPE_LABELS, ())
    assert days_to_build(landing, [labels]) is None
    for day in ("2016-07-21", "2016-07-25"):
        landing.land(b"rows", source="prices", delivery="shop", name=day, data_origin="simulated", partitions=(day,))
    assert days_to_build(landing, [labels]) == ("2016-07-21", "2016-07-25")


def test_nothing_is_built_where_nothing_was_written(
    settings: Settings, landing: Landing, capsys: pytest.CaptureFixture[str]
) -> None:
    built = build_dependents(settings, landing, [])
    assert (built.assets, built.success) == ([], True)
    rendering.ingest_summary(replace(SUMMARY, built=built), as_json=False)
    assert "Built: nothing" in capsys.readouterr().out


def test_the_summary_lists_what_was_built_and_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    built = BuildSummary("2016-07-21", "2016-07-22", ["marts/a"], ["marts/a late"], ["b: no rows"], False, False)
    rendering.ingest_summary(replace(SUMMARY, built=built), as_json=False)
    printed = capsys.readouterr().out
    assert "Built for days 2016-07-21 to 2016-07-22: 1 asset\n" in printed
    assert all(text in printed for text in ("marts/a", "failed b: no rows", "check failed marts/a late"))
    assert "built" not in SUMMARY.to_dict()
