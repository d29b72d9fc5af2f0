"""Scripted breakages: days, places, difference from natural changes; and the truth files."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from ons_bigdata.simulation.breakages import HARMLESS, KINDS, planned_events
from ons_bigdata.simulation.shop_products import ITEMS
from ons_bigdata.simulation.shop_shelves import RETAILERS
from ons_bigdata.simulation.truth_files import labelled_sample

HTTP_DAYS = {26, 27}


def test_the_script_has_every_kind_after_two_quiet_weeks_and_three_for_the_last_two_days():
    events = planned_events(28)
    assert {event.kind for event in events} == set(KINDS)
    assert min(event.first_day for event in events) == 14
    served = [event for event in events if event.first_day in HTTP_DAYS and event.kind not in HARMLESS]
    assert {event.kind for event in served} == {
        "category_renamed",
        "changed_markup",
        "price_error",
        "duplicated_listings",
    }
    [bread] = [event for event in served if event.kind == "category_renamed"]
    assert (bread.category, bread.category_after) == ("Bread rolls and wraps", "Bread and cakes")
    assert (bread.first_day, bread.last_day) == (26, 27)


@pytest.mark.parametrize("days", [28, 56])
def test_a_quiet_day_lies_between_two_events_of_one_shelf(days):
    events = planned_events(days)
    for one in events:
        for other in events:
            same_shelf = one.retailer == other.retailer and (
                one.item_number == other.item_number or "outage" in (one.kind, other.kind)
            )
            if one is not other and same_shelf and one.first_day <= other.first_day:
                assert other.first_day - one.last_day >= 2, (one, other)


@pytest.mark.parametrize("days", [7, 8, 14, 27])
def test_a_short_simulation_has_four_events_within_its_days(days):
    events = planned_events(days)
    assert [event.kind for event in events] == ["outage", "category_renamed", "price_error", "file_cut_off"]
    assert 1 <= events[0].first_day <= max(event.last_day for event in events) < days


def test_events_name_shelves_that_are_there(archive):
    names = {item.number: item.category for item in ITEMS}
    for event in archive.events:
        if event.item_number is not None and event.kind != "category_renamed":
            assert event.category == names[event.item_number], event
        assert event.retailer in RETAILERS


def test_events_are_recorded_with_their_findings(archive):
    told = json.loads((archive.truth_dir / "events.json").read_text(encoding="utf-8"))
    assert {key: told[key] for key in ("days", "archive_days", "seed", "start")} == {
        "days": 28,
        "archive_days": 28,
        "seed": 2014,
        "start": "2016-05-02",
    }
    assert len(told["events"]) == len(archive.events)
    by_kind = {(event["kind"], event["item_number"]): event for event in told["events"]}
    assert by_kind["outage", None]["first_date"] == "2016-05-16"
    assert by_kind["outage", None]["found_on"] == ["2016-05-16"]
    assert by_kind["stale_copy", 310401]["found_on"] == ["2016-05-23", "2016-05-24", "2016-05-25"]
    assert by_kind["category_renamed", 210111]["found_on"] == ["2016-05-28", "2016-05-29"]
    assert by_kind["category_renamed", 210111]["category_after"] == "Bread and cakes"
    assert by_kind["page_failed_once", 310421]["found_on"] == []
    assert all(event["finding"] for event in told["events"])


def test_the_truth_has_scope_packs_and_prices(archive, truth):
    assert {path.name for path in archive.truth_dir.iterdir()} == {
        *("true_prices.csv", "true_scope.csv", "pack_changes.csv", "labels.csv", "events.json")
    }
    assert truth.columns == [
        *("retailer", "item_number", "product_id", "product_name", "pack", "date", "price_gbp", "in_scope")
    ]
    scope = pl.read_csv(archive.truth_dir / "true_scope.csv")
    product = ["retailer", "item_number", "product_id", "product_name", "pack"]
    assert not scope.select(product).is_duplicated().any()
    assert scope.height >= truth.select(product).unique().height
    assert 0.55 < scope["in_scope"].mean() < 0.80
    changes = pl.read_csv(archive.truth_dir / "pack_changes.csv", try_parse_dates=True)
    assert changes["date"].min() > date(2016, 5, 3)
    assert (archive.world.pack_changes["day"] < 28).all()


def test_labels_are_a_simulated_sample_with_two_per_cent_of_errors(world):
    on_sale = world.shelves.filter("in_stock").with_columns(price_gbp=pl.col("price_pence") / 100)
    labels = labelled_sample(on_sale, seed=2014)
    assert labels.height == 1200
    assert labels["data_origin"].unique().to_list() == ["simulated"]
    assert labels.group_by("item_number", "retailer").len()["len"].max() <= 12
    truth = on_sale.select("item_number", "retailer", "product_name", true=pl.col("in_scope")).unique()
    read = labels.join(truth, on=["item_number", "retailer", "product_name"])
    assert read.height == 1200
    wrong = (read["in_scope"] != read["true"].cast(pl.Int8)).mean()
    assert 0.01 < wrong < 0.03
    assert labels.equals(labelled_sample(on_sale, seed=2014))
