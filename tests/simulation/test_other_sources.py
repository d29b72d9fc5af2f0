"""Simulated other sources: the methods that match and compare recover the simulated parameters."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.prices.methods.comparison.source_agreement import source_agreement
from ons_bigdata.prices.methods.comparison.source_matching import PRODUCTS, match_products
from ons_bigdata.prices.sources.quote_files import read_quote_file
from ons_bigdata.simulation.other_sources import AGGREGATOR, OWN_FILE, SimulatedOtherSources, simulate_other_sources
from ons_bigdata.simulation.scrape_archive import simulate_scrapes

RETAILERS = ["sim-alder", "sim-birch", "sim-cedar"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, SimulatedOtherSources]:
    """Truth of two weeks of small shelves, and the files of the last six days."""
    folder = tmp_path_factory.mktemp("world")
    simulate_scrapes(folder, days=15, start=date(2016, 5, 2), shelf_size=0.4)
    made = simulate_other_sources(folder / "truth" / "true_prices.csv", folder / "other", last_days=6)
    truth = pl.read_csv(folder / "truth" / "true_prices.csv", schema_overrides={"date": pl.Date})
    return truth.unique(["retailer", "item_number", "product_name", "pack", "date"], keep="first"), made


def _read(made: SimulatedOtherSources, source: str) -> pl.DataFrame:
    readings = [
        read_quote_file(path.read_bytes(), path.name, load_id="0" * 16, retailers=RETAILERS, has_source=True)
        for path in sorted(made.folder.glob(f"{source}_*.csv"))
    ]
    assert all(reading.outcome == "loaded" and reading.quarantined.is_empty() for reading in readings)
    return pl.concat([reading.quotes for reading in readings])


def test_files_are_quote_files_and_the_truth_names_every_product(
    world: tuple[pl.DataFrame, SimulatedOtherSources],
) -> None:
    truth, made = world
    assert made.files == 12
    listed = pl.read_csv(made.truth)
    for source in (AGGREGATOR, OWN_FILE):
        names = set(_read(made, source)["product_name"])
        assert names <= set(listed.filter(pl.col("source") == source)["other_product_name"])
    own = _read(made, OWN_FILE)
    assert set(own["retailer"]) == {"sim-alder"} and own["product_id"].null_count() == 0
    assert (
        0.05
        < 1
        - listed.filter(pl.col("source") == AGGREGATOR).height
        / truth.unique(["retailer", "item_number", "product_name", "pack"]).height
        < 0.15
    )


def test_matches_lag_and_staleness_agree_with_the_truth(world: tuple[pl.DataFrame, SimulatedOtherSources]) -> None:
    """At least 99 % of the matches of the aggregator are true, and it is found to be a day behind."""
    truth, made = world
    item = truth.filter(pl.col("item_number").is_in([210302, 211901, 212717, 310421, 210213, 210204]))
    item = item.with_columns(product=pl.col("product_name") + " / " + pl.col("pack"), amount=_amount())
    theirs = _read(made, AGGREGATOR).filter(pl.col("item_number").is_in(item["item_number"].unique().to_list()))
    pack = pl.col("price_gbp") / pl.col("unit_price")
    theirs = theirs.with_columns(pack_size=pack).unique(
        ["retailer", "item_number", "product_name", "collected_on"], keep="first"
    )
    matches = match_products(
        _products(item.rename({"amount": "pack_size"}), "product"),
        _products(theirs.with_columns(product=pl.col("product_name")), "product"),
    )
    found = matches.drop_nulls(["product", "other_product"])
    listed = pl.read_csv(made.truth).filter(pl.col("source") == AGGREGATOR)
    checked = found.join(
        listed.select("retailer", "item_number", "other_product_name", true=pl.col("product_name")),
        on=["retailer", "item_number", "other_product_name"],
    )
    assert (checked["true"] == checked["product_name"]).mean() >= 0.99
    known = listed.join(item.select("item_number").unique(), on="item_number").height
    assert found.height >= 0.9 * known
    agreement = source_agreement(
        item.select(
            *("retailer", "item_number", "product", "price_gbp"),
            pl.lit("simulated").alias("data_origin"),
            pl.col("date").alias("collected_on"),
        ),
        theirs.select(
            *("source", "retailer", "item_number", "price_gbp", "collected_on"),
            pl.lit("simulated").alias("data_origin"),
            pl.col("product_name").alias("product"),
            pl.col("collected_on").alias("delivered_on"),
        ),
        found.with_columns(data_origin=pl.lit("simulated"), source=pl.lit(AGGREGATOR)),
    )
    assert agreement["days_behind"].to_list() == [1, 1, 1]
    assert agreement["could_replace"].to_list() == [False] * 3
    assert agreement["share_stale"].min() > 0


def _amount() -> pl.Expr:
    amount = pl.col("pack").str.split(" ").list.first().cast(pl.Float64)
    return pl.when(pl.col("pack").str.ends_with("each")).then(amount).otherwise(amount / 1000)


def _products(quotes: pl.DataFrame, key: str) -> pl.DataFrame:
    return (
        quotes.group_by("retailer", "item_number", key)
        .agg(
            pl.lit(None, pl.String).first().alias("product_id"),
            pl.col("product_name").first(),
            pl.col("pack_size").median(),
            pl.col("price_gbp").median(),
        )
        .select(*PRODUCTS)
    )


def test_less_than_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="last_days is 0; expected at least 1"):
        simulate_other_sources(tmp_path / "none.csv", tmp_path, last_days=0)
