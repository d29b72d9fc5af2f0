"""Quality assurance: outlying quotes, runs that are short of products, and the daily report."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.methods.quality.price_outliers import PriceOutlierParameters, price_outliers
from ons_bigdata.prices.methods.quality.renames import product_renames as renames_of
from ons_bigdata.prices.methods.quality.short_runs import short_runs
from ons_bigdata.prices.methods.quality.shrinking_packs import shrinking_packs
from ons_bigdata.prices.reports import quality_report
from ons_bigdata.prices.schemas.quality import (
    EnteringQuote,
    PlacedProduct,
    PriceQualityReport,
    ProductListing,
    ProductRename,
    QuoteOutlier,
    ShortRunItem,
)
from ons_bigdata.settings import get_settings

_REPORT = ["data_origin", "collected_on"]
_PRODUCT_NAME = ["data_origin", "retailer", "item_number", "product_name"]


_LISTINGS = {
    "quotes": "intermediate.int_prices__quotes_accepted",
    "products": "intermediate.int_prices__products",
    "descriptions": "analysis.product_descriptions",
}


@table_asset(
    table="analysis.quote_outliers",
    inputs=_LISTINGS,
    frame=QuoteOutlier,
    description="One row per quote and rule by which it stands out: price relatives and shrinking packs.",
)
def quote_outliers(inputs: Inputs, _: AssetRun) -> Output:
    """Judge every price change and every new pack size of the accepted quotes, by the items they were collected for."""
    quotes, listings = _quotes(inputs), _listings(inputs)
    parameters = PriceOutlierParameters(link_window_days=get_settings().link_window_days)
    outliers = pl.concat([price_outliers(quotes, parameters), shrinking_packs(listings, quotes)])
    by_rule = dict(outliers.group_by("rule").len().sort("rule").iter_rows())
    return Output(outliers, {"quotes": quotes.height, **by_rule})


@table_asset(
    table="analysis.product_renames",
    inputs=_LISTINGS,
    frame=ProductRename,
    description="One row per product that seems to be another one under a new name: a suggestion. Joins no series.",
)
def product_renames(inputs: Inputs, _: AssetRun) -> Output:
    """Compare the names of products that begin with those of products of the same size and price that ended."""
    return Output(renames_of(_listings(inputs), _quotes(inputs)))


def _quotes(inputs: Inputs) -> pl.DataFrame:
    """Read the accepted quotes under the items of their collection."""
    columns = ["data_origin", "retailer", "collected_item_number", "product", "collected_on", "price_gbp"]
    quotes = inputs.read("quotes", columns).rename({"collected_item_number": "item_number"})
    return quotes.select(EnteringQuote.column_names())


def _listings(inputs: Inputs) -> pl.DataFrame:
    """Read the listings with what their names describe."""
    listings = inputs.read("products").join(inputs.read("descriptions"), on=_PRODUCT_NAME)
    return listings.select(ProductListing.column_names()).sort(*_PRODUCT_NAME, "product", "size_class")


@table_asset(
    table="analysis.short_run_items",
    inputs={"listed": "intermediate.int_prices__products_placed"},
    frame=ShortRunItem,
    description="One row per item and day on which it, and other items of the run, lack products that come back.",
)
def short_run_items(inputs: Inputs, _: AssetRun) -> Output:
    """Compare which products each item lacks on the same days."""
    short = short_runs(inputs.read("listed", PlacedProduct.column_names()))
    return Output(short, {"runs": short.select("data_origin", "retailer", "collected_on").n_unique()})


@table_asset(
    table="analysis.price_quality_report",
    inputs={
        "days": "intermediate.int_prices__item_days_compared",
        "runs": "intermediate.int_prices__collection_days_classified",
        "findings": "intermediate.int_prices__findings_combined",
        "decisions": "intermediate.int_prices__decisions_judged",
        "decided": "intermediate.int_prices__quotes_decided",
        "figures": "intermediate.int_prices__figures_reported",
        "items": "seeds.items",
        "retailers": "seeds.retailers",
        "kinds": "seeds.price_finding_kinds",
    },
    frame=PriceQualityReport,
    description=(
        "One row per origin and day: the daily report as HTML and as text, with its counts. The text of the last one "
        "that a run writes is in its metadata; `ons-bigdata report prices --html FILE` writes the page of any day. "
        "Internal: a page for analysts, read by that command."
    ),
    kinds=frozenset({"python", "jinja2"}),
)
def price_quality_report(inputs: Inputs, run: AssetRun) -> Output:
    """Write the reports of days whose evidence changed; show the last day of real and of simulated data, if written."""
    there = run.read_own("analysis.price_quality_report", [*_REPORT, "evidence_hash"])
    written = {(origin, day): evidence for origin, day, evidence in there.iter_rows()}
    reports = quality_report.render_changed_reports(_evidence(inputs), written)
    latest = reports.rendered.sort("collected_on").group_by("data_origin", maintain_order=True).last()
    return Output(
        reports.rendered,
        {
            "written": reports.rendered.height,
            **{
                f"{day['data_origin']} {day['collected_on']}": dg.MetadataValue.md(f"```\n{day['text']}\n```")
                for day in latest.iter_rows(named=True)
            },
        },
        kept=pl.DataFrame(reports.kept, schema=there.select(_REPORT).schema, orient="row"),
    )


def _evidence(inputs: Inputs) -> quality_report.Evidence:
    """Content of the reports, read from their tables."""
    retailers = inputs.read("retailers", ["retailer", "name", "data_origin"])
    usual = pl.coalesce("usual_products", "expected_products")
    decided = inputs.read("decided", ["data_origin", "collected_on", "decision_id", "decision"])
    return quality_report.Evidence(
        days=inputs.read("days").with_columns(usual_products=usual),
        runs=inputs.read("runs"),
        findings=inputs.read("findings"),
        decisions=inputs.read("decisions").join(retailers.select("retailer", "data_origin"), on="retailer"),
        decided=decided.group_by(decided.columns).agg(quotes=pl.len()),
        figures=inputs.read("figures"),
        items=inputs.read("items", ["item_number", "item_name", "class_code"]),
        retailers=retailers.select("retailer", "name"),
        kinds=inputs.read("kinds", ["kind", "title"]),
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    quote_outliers,
    product_renames,
    short_run_items,
    price_quality_report,
]
