"""Addresses of clusters: the address products of the lake, and class and area of each cluster's nearest address."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, OutputInParts, table_asset
from ons_bigdata.platform.errors import InputError
from ons_bigdata.tweets.methods.address_records import (
    current_addresses,
    current_postcodes,
    latest_full_editions,
)
from ons_bigdata.tweets.methods.addresses import AddressIndex, AddressRules
from ons_bigdata.tweets.schemas.addresses import AddressRule, TweetClusterAddress
from ons_bigdata.tweets.sources.addresses.address_files import ADDRESSES
from ons_bigdata.tweets.sources.addresses.postcode_files import POSTCODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CLUSTER_ADDRESSES = "restricted.tweet_cluster_addresses"

_KEY = ["recipe", "user_key", "data_origin", "cluster"]
_RULES = {"radius_m": float, "shell_radius_m": float, "vote_neighbours": int}
"""Parameters of the look-up and their types."""
_COUNTED = {
    "clusters_with_address": "address_distance_m",
    "clusters_with_class": "address_class",
    "clusters_with_output_area": "output_area",
}
"""Metadata of the table, and the columns whose values are counted."""
_PART_ROWS = 250_000
"""Clusters that are looked up while those before them are written."""


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
def tweet_cluster_addresses(inputs: Inputs, _run: AssetRun) -> OutputInParts:
    """Find the nearest address of the mean position of each valid cluster."""
    rules = read_rules(inputs)
    with ThreadPoolExecutor(1, "clusters") as thread:  # the database sends them while the lake is read
        reading = thread.submit(read_clusters, lambda columns: inputs.read("clusters", columns))
        addresses = read_addresses(lambda: inputs.scan_buckets("addresses"))
        postcodes = read_postcodes(inputs.scan_buckets("postcodes"))
        index = AddressIndex(addresses, postcodes, rules)
        clusters = reading.result()
    counts = _Counts(addresses.height, postcodes.height, inputs.read("mix", ["primary_class", "share"]))
    return OutputInParts(_look_up(index, clusters, counts), counts.metadata)


def _look_up(index: AddressIndex, clusters: pl.DataFrame, counts: _Counts) -> Iterator[pl.DataFrame]:
    """Rows of the clusters, part by part; they are counted."""
    for part in clusters.iter_slices(_PART_ROWS):
        found = part.select(_KEY).hstack(index.look_up(part)).select(TweetClusterAddress.column_names())
        counts.add(found)
        yield found


@dataclass
class _Counts:
    """Counts of the rows of the table, for its metadata."""

    addresses: int
    postcodes: int
    pilots_mix: pl.DataFrame
    """Shares of the primary classes in the pilot of 2015."""
    known: Counter[str] = field(default_factory=Counter)
    """Rows by column: those with a value."""
    classes: Counter[str | None] = field(default_factory=Counter)
    """Rows by primary class: `none` where no address is in reach, null where the address has no class."""
    rows: int = 0

    def add(self, found: pl.DataFrame) -> None:
        """Count some more rows."""
        self.rows += found.height
        self.known.update({name: int(found[name].count()) for name in _COUNTED.values()})
        primary = pl.when(pl.col("address_distance_m").is_null()).then(pl.lit("none"))
        classes = found.select(primary_class=primary.otherwise(pl.col("address_class").str.head(1)))
        self.classes.update(dict(classes.group_by("primary_class").agg(pl.len()).iter_rows()))

    def metadata(self) -> dict[str, Any]:
        """Metadata of the table, with the shares of the primary classes beside those of the pilot of 2015."""
        lines = [
            f"| {name} | {self.classes[name] / max(self.rows, 1):.1%} | {share:.1%} |"
            for name, share in self.pilots_mix.sort("share", descending=True).iter_rows()
        ]
        mix = "\n".join(["| class | share of clusters | pilot of 2015 |", "|---|---|---|", *lines])
        return {
            "addresses": self.addresses,
            "postcodes": self.postcodes,
            **{name: self.known[column] for name, column in _COUNTED.items()},
            "class_mix": dg.MetadataValue.md(mix),
        }


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
