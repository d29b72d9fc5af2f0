"""Quality assurance: outlying quotes, and the daily report."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.methods.quality.price_outliers import PriceOutlierParameters, price_outliers
from ons_bigdata.prices.methods.quality.shrinking_packs import shrinking_packs
from ons_bigdata.prices.reports import quality_report
from ons_bigdata.prices.schemas.quality import EnteringQuote, PriceQualityReport, ProductListing, QuoteOutlier
from ons_bigdata.settings import get_settings

_PRODUCT_NAME = ["data_origin", "retailer", "item_number", "product_name"]


@table_asset(
    table="analysis.quote_outliers",
    inputs={
        "quotes": "intermediate.int_prices__quotes_accepted",
        "products": "intermediate.int_prices__products",
        "descriptions": "analysis.product_descriptions",
    },
    frame=QuoteOutlier,
    description="One row per quote and rule by which it stands out: price relatives and shrinking packs.",
)
def quote_outliers(inputs: Inputs, _: AssetRun) -> Output:
    """Judge every price change and every new pack size of the accepted quotes, by the items they were collected for."""
    quotes = (
        inputs.read(
            "quotes", ["data_origin", "retailer", "collected_item_number", "product", "collected_on", "price_gbp"]
        )
        .rename({"collected_item_number": "item_number"})
        .select(EnteringQuote.column_names())
    )
    listings = (
        inputs.read("products")
        .join(inputs.read("descriptions"), on=_PRODUCT_NAME)
        .select(ProductListing.column_names())
        .sort(*_PRODUCT_NAME, "product", "size_class")
    )
    parameters = PriceOutlierParameters(link_window_days=get_settings().link_window_days)
    outliers = pl.concat([price_outliers(quotes, parameters), shrinking_packs(listings, quotes)])
    by_rule = dict(outliers.group_by("rule").len().sort("rule").iter_rows())
    return Output(outliers, {"quotes": quotes.height, **by_rule})


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
        "One row per origin and day: the daily report as HTML and as text, with its counts. The last day's text is in "
        "the metadata of each run; `ons-bigdata report prices --html FILE` writes the page of any day. Internal: a "
        "page for analysts, read by that command."
    ),
    kinds=frozenset({"python", "jinja2"}),
)
def price_quality_report(inputs: Inputs, _: AssetRun) -> Output:
    """Write the report of every day of the series; show the last day of real and of simulated data."""
    frame = quality_report.render_reports(_evidence(inputs))
    latest = frame.sort("collected_on").group_by("data_origin", maintain_order=True).last()
    return Output(
        frame,
        {
            f"{day['data_origin']} {day['collected_on']}": dg.MetadataValue.md(f"```\n{day['text']}\n```")
            for day in latest.iter_rows(named=True)
        },
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


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [quote_outliers, price_quality_report]
