"""Aggregation over a tree, and means of sub-indices, against published values."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.prices.methods.aggregation.index import aggregate
from ons_bigdata.prices.methods.aggregation.mean_indices import mean_index
from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from tests.prices.methods.published import (
    GOLDEN,
    MILK,
    OTHER,
    Key,
    assert_as_printed,
    golden,
    milk_rows,
    parameters,
    series_of,
)

TREE = {"node": pl.String, "parent": pl.String, "mean": pl.String}
TEXT = dict.fromkeys(("period", "classification"), pl.String)


def keys_of(dataset: str) -> list[Key]:
    return [key for key in series_of(OTHER) if key[0] == dataset] if GOLDEN.is_dir() else []


def fixed_sample() -> pl.DataFrame:
    """Businesses in classes, weighted; a business that returns starts anew, where its class stands."""
    prices = pl.read_csv(GOLDEN / "piar_fs_prices.csv", null_values="NA", schema_overrides=TEXT)
    classes = pl.read_csv(GOLDEN / "piar_fs_weights.csv", schema_overrides=TEXT)
    above = {code: code[:-1] for code in classes["classification"]}
    above |= {code: code[:-1] for code in set(above.values())}
    tree = pl.concat(
        [
            prices.select(node="business", parent="classification").unique(),
            pl.DataFrame({"node": list(above), "parent": list(above.values())}),
            pl.DataFrame({"node": ["1"], "parent": [None]}, schema={"node": pl.String, "parent": pl.String}),
        ]
    )
    of_businesses = prices.select("weight", node="business").unique()
    weights = pl.concat([of_businesses, classes.select("weight", node="classification")])
    indices = prices.select("period", node="business", index="price")
    return aggregate(indices, weights, tree, formula="young", missing="parent", reentry="relink")


def matched_sample() -> pl.DataFrame:
    """Products of businesses: Jevons indices, whose missing prices move with the business and catch up on return."""
    prices = pl.read_csv(GOLDEN / "piar_ms_prices.csv", null_values="NA", schema_overrides=TEXT)
    businesses = pl.read_csv(GOLDEN / "piar_ms_weights.csv", schema_overrides=TEXT)
    product = pl.format("product {}", "product")
    products = prices.select(node=product, parent="business", mean=pl.lit(None, pl.String)).unique()
    # The classes 11 and 12 of the file are called 44 and 45 where the values are printed, and their parent 4.
    rows = [
        (b, {"11": "44", "12": "45"}[c], "geometric") for b, c in businesses.select("business", "classification").rows()
    ]
    rows += [("44", "4", None), ("45", "4", None), ("4", None, None)]
    tree = pl.concat([products, pl.DataFrame(rows, schema=TREE, orient="row")])
    of_businesses = businesses.select(pl.col("weight").cast(pl.Float64), node="business")
    weights = pl.concat([products.select(pl.lit(1.0).alias("weight"), "node"), of_businesses])
    indices = prices.select("period", node=product, index="price")
    return aggregate(indices, weights, tree, formula="young", missing="parent", reentry="resume")


SAMPLES = {
    "piar_fs_prices+piar_fs_weights": fixed_sample,
    "piar_ms_prices+piar_ms_weights": matched_sample,
}


@golden
@pytest.mark.parametrize("dataset", SAMPLES)
def test_piar_hierarchies(dataset):
    table = SAMPLES[dataset]()
    keys = keys_of(dataset)
    for key in keys:
        node, weight = key[1].partition("node=")[2], float(parameters(key[2])["weight_at_period"])
        printed = series_of(OTHER)[key]
        rows = table.filter((pl.col("node") == node) & pl.col("period").is_in(list(printed)))
        assert_as_printed(dict(rows.select("period", "index").rows()), printed)
        assert rows["weight"][-1] == pytest.approx(weight, rel=1e-12)
    assert len(keys) == {"piar_fs": 27, "piar_ms": 24}[dataset[:7]]


RESULTANT: Key = ("inline", "resultant_index", "w0=.4,.4,.2;wt=.35,.5,.15;sub=1.1,.95,1.12;aggr=fisher")


@golden
def test_priceindices_resultant_index():
    chosen = parameters(RESULTANT[2])
    indices, base, current = ([float(x) for x in chosen[name].split(",")] for name in ("sub", "w0", "wt"))
    assert_as_printed({"1": mean_index(indices, base, current, formula="fisher")}, series_of(OTHER)[RESULTANT])


FINAL: Key = (
    "priceindices_milk",
    "final_index fisher, Laspeyres-aggregated over outlets and subgroups",
    "groups=description;outlets=TRUE;aggr=laspeyres;base=2018-12",
)


@golden
def test_priceindices_final_index_over_outlets_and_groups():
    # A Fisher index of each description in each outlet, averaged in one step by the expenditures of the base month.
    cells, weights = [], {}
    for (outlet, description), rows in milk_rows().group_by("retID", "description"):
        node = f"{description}, outlet {outlet}"
        base = rows.filter(pl.col("month") == "2018-12")
        table = bilateral_index(rows, "fisher", base_period="2018-12", duplicates="unit_value", **MILK)
        cells.append(table.select("period", "index", node=pl.lit(node)))
        weights[node] = base.select(pl.col("prices").dot("quantities")).item()
    tree = pl.DataFrame(
        [("milk", None), *((node, "milk") for node in weights)], schema=["node", "parent"], orient="row"
    )
    table = aggregate(
        pl.concat(cells), pl.DataFrame({"node": list(weights), "weight": list(weights.values())}), tree,
        missing="renormalise",
    )  # fmt: skip
    computed = dict(table.filter(pl.col("node") == "milk").select("period", "index").rows())
    assert_as_printed(computed, series_of(OTHER)[FINAL])


REPRODUCED: dict[str, set[Key]] = {OTHER: {RESULTANT, FINAL, *(key for dataset in SAMPLES for key in keys_of(dataset))}}
"""Golden values that this module tests, for `test_golden_ledger`."""
