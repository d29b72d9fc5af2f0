"""Quality assurance: what was collected, judged day by day, and the report on it."""

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.methods.quality.price_outliers import PriceOutlierParameters, price_outliers
from ons_bigdata.prices.methods.quality.shrinking_packs import shrinking_packs
from ons_bigdata.prices.reports import quality_report
from ons_bigdata.prices.schemas.quality import PriceQualityReport, QuoteOutlier
from ons_bigdata.settings import get_settings


@dg.asset(
    key=["analysis", "quote_outliers"],
    deps=[
        ["intermediate", "int_prices__quotes_entering"],
        ["intermediate", "int_prices__quotes_excluded"],
        ["intermediate", "int_prices__products"],
        ["analysis", "product_descriptions"],
    ],
    kinds={"python", "polars"},
    description="One row per quote and rule by which it stands out: price relatives and shrinking packs.",
)
def quote_outliers(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Judge every price change and every new pack size of what enters and is not excluded, over the whole series."""
    store = warehouse.open()
    quotes = store.frame(
        "select data_origin, retailer, collected_item_number as item_number, product, collected_on, price_gbp"
        " from intermediate.int_prices__quotes_entering as quotes"
        " where not exists (select from intermediate.int_prices__quotes_excluded as excluded"
        " where excluded.data_origin = quotes.data_origin and excluded.retailer = quotes.retailer"
        " and excluded.collected_item_number = quotes.collected_item_number"
        " and excluded.product = quotes.product and excluded.collected_on = quotes.collected_on)"
    )
    listings = store.frame(
        "select data_origin, retailer, item_number, product, product_name, size_class, first_listed_on, last_listed_on,"
        " plain_name, measure, total_size, size_source, pieces"
        " from intermediate.int_prices__products"
        " join analysis.product_descriptions using (data_origin, retailer, item_number, product_name)"
    )
    parameters = PriceOutlierParameters(link_window_days=get_settings().link_window_days)
    found = pl.concat([price_outliers(quotes, parameters), shrinking_packs(listings, quotes)])
    rows = store.replace("analysis.quote_outliers", QuoteOutlier.validate(found))
    by_rule = dict(found.group_by("rule").len().sort("rule").iter_rows())
    return dg.MaterializeResult(metadata={"quotes": quotes.height, "rows": rows, **by_rule})


@dg.asset(
    key=["analysis", "price_quality_report"],
    deps=[
        ["marts", "price_quality_days"],
        ["marts", "price_quality_findings"],
        ["marts", "price_collection_days"],
        ["intermediate", "int_prices__decisions_judged"],
        ["intermediate", "int_prices__quotes_decided"],
        ["seeds", "items"],
        ["seeds", "retailers"],
    ],
    kinds={"python", "jinja2"},
    description=(
        "One row per origin and day: the daily report as HTML and as text, with its counts. The last day's text is in "
        "the metadata of each run; `ons-bigdata report prices --html FILE` writes the page of any day."
    ),
)
def price_quality_report(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Write the report of every day of the series; the last days of real and of simulated data are shown here."""
    store = warehouse.open()
    frame = PriceQualityReport.validate(quality_report.reports(_evidence(store)))
    rows = store.replace("analysis.price_quality_report", frame)
    latest = frame.sort("collected_on").group_by("data_origin", maintain_order=True).last()
    return dg.MaterializeResult(
        metadata={
            "rows": rows,
            **{
                f"{day['data_origin']} {day['collected_on']}": dg.MetadataValue.md(f"```\n{day['text']}\n```")
                for day in latest.iter_rows(named=True)
            },
        }
    )


def _evidence(store: Warehouse) -> quality_report.Evidence:
    """Read what the reports tell."""
    return quality_report.Evidence(
        days=store.frame(
            "select data_origin, collected_on, retailer, item_number, products, status, enters,"
            " coalesce(usual_products, expected_products) as usual_products from marts.price_quality_days"
        ),
        runs=store.frame(
            "select data_origin, collected_on, retailer, runs, rows_in, accepted, quarantined, status"
            " from marts.price_collection_days"
        ),
        findings=store.frame(
            "select data_origin, collected_on, retailer, item_number, item_name, category, product, kind, severity,"
            " evidence, suggestion, suggested_value from marts.price_quality_findings"
        ),
        decisions=store.frame(
            "select retailers.data_origin, decisions.decision_id, decisions.version, decisions.retailer, item_number,"
            " category, product_name, decision, valid_from, nullif(valid_to, 'infinity'::date) as valid_to,"
            " decided_by, decisions.reason, state"
            " from intermediate.int_prices__decisions_judged as decisions"
            " join seeds.retailers as retailers using (retailer)"
        ),
        decided=store.frame(
            "select data_origin, collected_on, decision_id, decision, count(*)::int as quotes"
            " from intermediate.int_prices__quotes_decided group by data_origin, collected_on, decision_id, decision"
        ),
        items=store.frame("select item_number, item_name, class_code from seeds.items"),
        retailers=store.frame("select retailer, name from seeds.retailers"),
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [quote_outliers, price_quality_report]
