"""Addresses of clusters: the address products of the lake, and class and area of each cluster's nearest address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.platform.errors import InputError
from ons_bigdata.tweets.methods.address_records import (
    current_addresses,
    current_postcodes,
    latest_full_editions,
)
from ons_bigdata.tweets.methods.addresses import AddressRules, address_places
from ons_bigdata.tweets.schemas.addresses import AddressRule, TweetClusterAddress
from ons_bigdata.tweets.sources.addresses.address_files import ADDRESSES
from ons_bigdata.tweets.sources.addresses.postcode_files import POSTCODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CLUSTER_ADDRESSES = "restricted.tweet_cluster_addresses"

_KEY = ["recipe", "user_key", "data_origin", "cluster"]
_RULES = {"radius_m": float, "shell_radius_m": float, "vote_neighbours": int}
"""Parameters of the look-up and their types."""


@table_asset(
    table=CLUSTER_ADDRESSES,
    inputs={
        "clusters": "restricted.tweet_clusters",
        "rules": "seeds.tweet_address_rules",
        "mix": "seeds.tweet_class_mix",
    },
    lake_tables={"addresses": ADDRESSES, "postcodes": POSTCODES},
    frame=TweetClusterAddress,
    description="One row per valid cluster: class and area of its nearest address, never its identifier or postcode.",
)
def tweet_cluster_addresses(inputs: Inputs, _run: AssetRun) -> Output:
    """Find the nearest address of the mean position of each valid cluster."""
    rules = read_rules(inputs)
    with ThreadPoolExecutor(1, "clusters") as thread:  # the database sends them while the lake is read
        reading = thread.submit(read_clusters, lambda columns: inputs.read("clusters", columns))
        addresses = read_addresses(lambda: inputs.scan_buckets("addresses"))
        postcodes = read_postcodes(inputs.scan_buckets("postcodes"))
        clusters = reading.result()
    found = pl.concat([clusters.select(_KEY), address_places(clusters, addresses, postcodes, rules)], how="horizontal")
    return Output(
        found.select(TweetClusterAddress.column_names()),
        {
            "addresses": addresses.height,
            "postcodes": postcodes.height,
            "clusters_with_address": found["address_distance_m"].count(),
            "clusters_with_class": found["address_class"].count(),
            "clusters_with_output_area": found["output_area"].count(),
            "class_mix": _class_mix(found, inputs.read("mix", ["primary_class", "share"])),
        },
    )


def _class_mix(found: pl.DataFrame, pilots: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Shares of the primary classes beside those of the pilot of 2015, for the metadata of the table."""
    primary = pl.when(pl.col("address_distance_m").is_null()).then(pl.lit("none"))
    classes = found.select(primary_class=primary.otherwise(pl.col("address_class").str.head(1)))
    counts = dict(classes.group_by("primary_class").agg(pl.len()).iter_rows())
    lines = [
        f"| {name} | {counts.get(name, 0) / max(found.height, 1):.1%} | {share:.1%} |"
        for name, share in pilots.sort("share", descending=True).iter_rows()
    ]
    return dg.MetadataValue.md("\n".join(["| class | share of clusters | pilot of 2015 |", "|---|---|---|", *lines]))


def read_rules(inputs: Inputs) -> AddressRules:
    """Parameters of the look-up. Raises InputError where one is missing or unknown."""
    rules = AddressRule.validate(inputs.read("rules", AddressRule.column_names()))
    values = dict(rules.iter_rows())
    if set(values) != set(_RULES):
        raise InputError(
            f"seeds.tweet_address_rules has {', '.join(sorted(values))}; expected {', '.join(sorted(_RULES))}"
        )
    return AddressRules(**{name: kind(values[name]) for name, kind in _RULES.items()})


def read_clusters(read: Callable[[list[str]], pl.DataFrame]) -> pl.DataFrame:
    """Key and position of the valid clusters; `read` returns columns of their table."""
    clusters = read([*_KEY, "status", "easting_m", "northing_m"])
    return clusters.filter(pl.col("status") == "valid").sort("user_key", "recipe", "cluster")


def read_addresses(scan_buckets: Callable[[], Iterator[pl.LazyFrame]]) -> pl.DataFrame:
    """Current addresses of the records in the lake, bucket by bucket: all records of an address are in one bucket."""
    editions = [latest_full_editions(bucket).collect() for bucket in scan_buckets()]
    full_editions = pl.concat(editions)
    columns = [name for name in ADDRESSES.columns if name != "address_key"]
    parts = [current_addresses(bucket.select(columns).collect(), full_editions) for bucket in scan_buckets()]
    return pl.concat(parts)


def read_postcodes(buckets: Iterable[pl.LazyFrame]) -> pl.DataFrame:
    """Current postcodes of the records in the lake, bucket by bucket."""
    return pl.concat([current_postcodes(bucket.collect()) for bucket in buckets])


ASSETS = [tweet_cluster_addresses]
