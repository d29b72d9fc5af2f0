"""Quality assurance: outlying quotes, runs that are short of products, and the daily report."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.by_period import ByPeriod, Period, stretches_of_periods
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset, tables_asset
from ons_bigdata.prices.methods.quality.price_outliers import (
    PriceOutlierParameters,
    days_of_sample,
    judge_price_changes,
)
from ons_bigdata.prices.methods.quality.price_outliers import price_changes as changes_of
from ons_bigdata.prices.methods.quality.renames import renamed_products, succeeding_names
from ons_bigdata.prices.methods.quality.short_runs import days_in_view, short_runs
from ons_bigdata.prices.methods.quality.shrinking_packs import (
    ENDED_DAYS,
    PRICE_DAYS,
    days_priced,
    packs_not_renamed,
    price_replaced_packs,
)
from ons_bigdata.prices.reports import quality_report
from ons_bigdata.prices.reports.daily_figures import SHOWN_DAYS
from ons_bigdata.prices.schemas.quality import (
    EnteringQuote,
    PlacedProduct,
    PriceChange,
    PriceQualityReport,
    ProductListing,
    ProductRename,
    QuoteOutlier,
    ReplacedPack,
    ShortRunItem,
)
from ons_bigdata.settings import get_settings

METHODS = ("ons_bigdata.prices.methods.quality",)
"""Packages whose code makes the rows of the tables that are built by day."""

STRETCH_DAYS = 140
"""Most days of quotes that are read at a time."""

MOST_READ = 1000
"""Most products whose months are read at a time."""

_REPLACED, _RENAMES = "analysis.replaced_packs", "analysis.product_renames"
_REPORTS = "analysis.price_quality_report"
_OF_DAY = ("days", "runs", "findings", "decided")
"""Inputs of the reports of which one shows its own day."""
_ORIGIN_AND_DAY = ["data_origin", "collected_on"]
_OF_ITEM_DAY = [
    *_ORIGIN_AND_DAY, "retailer", "item_number", "products", "usual_products", "expected_products", "status", "enters",
]  # fmt: skip
_ITEM = ["data_origin", "retailer", "item_number"]
_PRODUCT_NAME = ["data_origin", "retailer", "item_number", "product_name"]


@table_asset(
    table="analysis.price_changes",
    inputs={
        "quotes": "intermediate.int_prices__quotes_accepted",
        "item_days": "intermediate.int_prices__item_days_accepted",
    },
    frame=PriceChange,
    description=(
        "One row per product and day with another price than the last one of the product. Built by day: outlying "
        "changes are judged by this short table, not by the quotes."
    ),
    by_period=ByPeriod("collected_on", {"quotes": "collected_on"}, packages=METHODS),
)
def price_changes(inputs: Inputs, run: AssetRun) -> Output:
    """List the price changes of the days whose quotes, or those of the link window before them, changed."""
    window = get_settings().link_window_days
    days = inputs.read("item_days", ["collected_on"])["collected_on"].unique().sort()
    periods = [Period(day, day - timedelta(days=window), day) for day in days]
    build = run.periods_to_build("analysis.price_changes", periods, f"link window of {window} days")
    parts: list[pl.DataFrame] = [PriceChange.create_empty()]
    for stretch in stretches_of_periods(build.stale, STRETCH_DAYS):
        changes = changes_of(_quotes(inputs, (stretch[0].first_day, stretch[-1].last_day)), window)
        parts.append(changes.filter(pl.col("collected_on").is_in([period.start for period in stretch])))
    return Output(pl.concat(parts), build=build)


@table_asset(
    table="analysis.quote_outliers",
    inputs={"changes": "analysis.price_changes"},
    frame=QuoteOutlier,
    description="One row per quote and rule on price relatives by which it stands out. Built by day.",
    by_period=ByPeriod("collected_on", {"changes": "collected_on"}, packages=METHODS),
)
def quote_outliers(inputs: Inputs, run: AssetRun) -> Output:
    """Judge the price changes of the days in whose sample a change is another one, by the items of their collection."""
    parameters = PriceOutlierParameters(link_window_days=get_settings().link_window_days)
    days = inputs.read("changes", ["collected_on"])["collected_on"].unique().sort()
    periods = [Period(day, *days_of_sample(day.replace(day=1))) for day in days]
    build = run.periods_to_build("analysis.quote_outliers", periods, repr(parameters))
    parts: list[pl.DataFrame] = [QuoteOutlier.create_empty()]
    # the days of a month have one sample: they are stale together, but for those that are new
    for month in sorted({period.start.replace(day=1) for period in build.stale}):
        sample = inputs.read_days("changes", "collected_on", days_of_sample(month), PriceChange.column_names())
        parts.append(judge_price_changes(sample, parameters, month))
    outliers = pl.concat(parts).filter(pl.col("collected_on").is_in([period.start for period in build.stale]))
    by_rule = dict(outliers.group_by("rule").len().sort("rule").iter_rows())
    return Output(outliers, {f"built_{rule}": number for rule, number in by_rule.items()}, build=build)


@tables_asset(
    name="succeeding_products",
    tables=[
        Table(
            _REPLACED,
            ReplacedPack,
            "One row per pair of a new listing and the larger pack of its name that ended, whatever their prices. Read "
            "in the place of all listings by `analysis.shrinking_packs`.",
        ),
        Table(
            _RENAMES,
            ProductRename,
            "One row per product that seems to be another one under a new name: a suggestion. Joins no series.",
        ),
    ],
    inputs={
        "products": "intermediate.int_prices__products",
        "descriptions": "analysis.product_descriptions",
        "months": "intermediate.int_prices__product_months_accepted",
    },
    can_subset=True,
)
def succeeding_products(inputs: Inputs, run: AssetRun) -> dict[str, Output]:
    """Compare names of products that begin with those of products that ended: smaller packs, and other spellings."""
    listings = _listings(inputs)
    succeeding = succeeding_names(listings)
    outputs = {}
    if _REPLACED in run.tables:
        outputs[_REPLACED] = Output(packs_not_renamed(listings, succeeding))
    if _RENAMES in run.tables:
        outputs[_RENAMES] = Output(renamed_products(succeeding, _ends_of_products(inputs, succeeding)))
    return outputs


@table_asset(
    table="analysis.shrinking_packs",
    inputs={"pairs": "analysis.replaced_packs", "quotes": "intermediate.int_prices__quotes_accepted"},
    frame=QuoteOutlier,
    description="One row per listing that takes the place of a larger pack at no lower price. Built by day.",
    by_period=ByPeriod("collected_on", {"pairs": "first_listed_on", "quotes": "collected_on"}, packages=METHODS),
)
def shrinking_packs(inputs: Inputs, run: AssetRun) -> Output:
    """Compare the prices of the packs that were replaced in the week before a day, for the days whose view changed."""
    pairs = inputs.read("pairs")
    began_on, week = pl.col("first_listed_on"), timedelta(days=PRICE_DAYS)
    days = pairs.select(day=pl.date_ranges(began_on, "new_until")).explode("day")["day"].drop_nulls().unique().sort()
    # a pack began in the week before, the old one ended 28 days before that at most, priced within the week before
    view = 2 * week + timedelta(days=ENDED_DAYS)
    build = run.periods_to_build("analysis.shrinking_packs", [Period(day, day - view, day) for day in days])
    stale = pl.DataFrame({"day": [period.start for period in build.stale]}, schema={"day": pl.Date})
    of_days = pairs.join_where(stale, began_on <= pl.col("day"), began_on >= pl.col("day") - week)
    of_days = of_days.select(pairs.columns).unique()
    packs = price_replaced_packs(of_days, _quotes_of_packs(inputs, of_days))
    return Output(packs.join(stale, left_on="collected_on", right_on="day", how="semi"), build=build)


def _quotes(inputs: Inputs, days: tuple[date, date]) -> pl.DataFrame:
    """Read the accepted quotes of some days under the items of their collection."""
    columns = ["data_origin", "retailer", "collected_item_number", "product", "collected_on", "price_gbp"]
    quotes = inputs.read_days("quotes", "collected_on", days, columns).rename({"collected_item_number": "item_number"})
    return quotes.select(EnteringQuote.column_names())


def _quotes_of_packs(inputs: Inputs, pairs: pl.DataFrame) -> pl.DataFrame:
    """Read the accepted quotes of the products in pairs on the days from which their prices are taken."""
    products = pl.concat([pairs.select(*_ITEM, "product"), pairs.select(*_ITEM, product="old_product")]).unique()
    parts: list[pl.DataFrame] = [EnteringQuote.create_empty()]
    for days in _runs_of_days(days_priced(pairs).to_list()):
        parts.append(_quotes(inputs, days).join(products, on=products.columns, how="semi"))
    return pl.concat(parts)


def _runs_of_days(days: list[date]) -> list[tuple[date, date]]:
    """First and last day of the runs of days that follow each other, `STRETCH_DAYS` each at most."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day == runs[-1][1] + timedelta(days=1) and (day - runs[-1][0]).days < STRETCH_DAYS:
            runs[-1] = runs[-1][0], day
        else:
            runs.append((day, day))
    return runs


def _ends_of_products(inputs: Inputs, pairs: pl.DataFrame) -> pl.DataFrame:
    """Read the first and the last accepted price of each month of the products in pairs, as quotes."""
    products = pl.concat([pairs["product"], pairs["old_product"]]).unique().sort().to_list()
    key = ["data_origin", "retailer", "collected_item_number", "product"]
    ends = [f"{end}_{what}" for end in ("first", "last") for what in ("collected_on", "price_gbp")]
    parts: list[pl.DataFrame] = [EnteringQuote.create_empty()]
    for first in range(0, len(products), MOST_READ):
        chosen = {"product": products[first : first + MOST_READ]}
        months = inputs.read_rows("months", chosen, columns=[*key, *ends])
        months = months.rename({"collected_item_number": "item_number"})
        parts += [
            months.select(*_ITEM, "product", collected_on=f"{end}_collected_on", price_gbp=f"{end}_price_gbp")
            for end in ("first", "last")
        ]
    return pl.concat(parts)


def _listings(inputs: Inputs) -> pl.DataFrame:
    """Read the listings with what their names describe."""
    listings = inputs.read("products").join(inputs.read("descriptions"), on=_PRODUCT_NAME)
    return listings.select(ProductListing.column_names()).sort(*_PRODUCT_NAME, "product", "size_class")


@table_asset(
    table="analysis.short_run_items",
    inputs={
        "listed": "intermediate.int_prices__products_placed",
        "counts": "intermediate.int_prices__quote_counts_judged",
    },
    frame=ShortRunItem,
    description=(
        "One row per item and day on which it, and other items of the run, lack products that come back. Built by day."
    ),
    by_period=ByPeriod("collected_on", {"listed": "collected_on"}, packages=METHODS),
)
def short_run_items(inputs: Inputs, run: AssetRun) -> Output:
    """Compare which products each item lacks on the same days, for the days whose listings in view changed."""
    counts = inputs.read("counts", ["data_origin", "retailer", "item_number", "collected_on", "products", "enters"])
    views = days_in_view(counts.filter(pl.col("enters") & (pl.col("products") > 0)))
    build = run.periods_to_build("analysis.short_run_items", [Period(*view) for view in views.iter_rows()])
    parts: list[pl.DataFrame] = [ShortRunItem.create_empty()]
    for stretch in stretches_of_periods(build.stale, STRETCH_DAYS):
        seen = min(period.first_day for period in stretch), max(period.last_day for period in stretch)
        short = short_runs(inputs.read_days("listed", "collected_on", seen, PlacedProduct.column_names()))
        parts.append(short.filter(pl.col("collected_on").is_in([period.start for period in stretch])))
    short = pl.concat(parts)
    return Output(short, {"runs": short.select("data_origin", "retailer", "collected_on").n_unique()}, build=build)


@table_asset(
    table=_REPORTS,
    inputs={
        "days": "intermediate.int_prices__item_days_usual",
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
    by_period=ByPeriod(
        "collected_on",
        {"figures": "period"},
        packages=(),
        whole=("decisions", "items", "retailers", "kinds"),
        at_start=dict.fromkeys(_OF_DAY, "collected_on"),
    ),
)
def price_quality_report(inputs: Inputs, run: AssetRun) -> Output:
    """Write the reports of days whose evidence changed; show the last day of real and of simulated data, if written."""
    runs = inputs.read("runs")
    build = run.periods_to_build(_REPORTS, _report_periods(runs), quality_report.code_of_reports())
    # of the days whose inputs changed, most show the same as before
    rendered: list[pl.DataFrame] = [PriceQualityReport.create_empty()]
    kept: list[pl.DataFrame] = []
    for stretch in stretches_of_periods(build.stale, STRETCH_DAYS):
        days = stretch[0].start, stretch[-1].start
        written = run.read_own_days(_REPORTS, "collected_on", days, PriceQualityReport.column_names())
        evidence = _evidence(inputs, runs, days)
        reports = quality_report.render_changed_reports(evidence, written, {period.start for period in stretch})
        rendered.append(reports.rendered)
        kept.append(reports.kept)
    latest = pl.concat(rendered).sort("collected_on").group_by("data_origin", maintain_order=True).last()
    return Output(
        pl.concat([*rendered, *kept]),
        {
            "written": sum(frame.height for frame in rendered),
            **{
                f"{day['data_origin']} {day['collected_on']}": dg.MetadataValue.md(f"```\n{day['text']}\n```")
                for day in latest.iter_rows(named=True)
            },
        },
        build=build,
    )


def _report_periods(runs: pl.DataFrame) -> list[Period]:
    """Days with runs, the days of figures that their reports show, and the days before to which they link."""
    by_day: dict[date, list[str]] = {}
    earlier: dict[str, date] = {}
    for day, origin in runs.select("collected_on", "data_origin").unique().sort("collected_on", "data_origin").rows():
        by_day.setdefault(day, []).append(f"{origin} after {earlier.get(origin)}")
        earlier[origin] = day
    shown = timedelta(days=SHOWN_DAYS - 1)
    return [Period(day, day - shown, day, "; ".join(links)) for day, links in by_day.items()]


def _evidence(inputs: Inputs, runs: pl.DataFrame, days: tuple[date, date]) -> quality_report.Evidence:
    """Content of the reports from one day to another, read from their tables."""
    retailers = inputs.read("retailers", ["retailer", "name", "data_origin"])
    usual = pl.coalesce("usual_products", "expected_products")
    decided = inputs.read_days("decided", "collected_on", days, [*_ORIGIN_AND_DAY, "decision_id", "decision"])
    shown = days[0] - timedelta(days=SHOWN_DAYS - 1), days[1]
    return quality_report.Evidence(
        days=inputs.read_days("days", "collected_on", days, _OF_ITEM_DAY).with_columns(usual_products=usual),
        runs=runs,
        findings=inputs.read_days("findings", "collected_on", days),
        decisions=inputs.read("decisions").join(retailers.select("retailer", "data_origin"), on="retailer"),
        decided=decided.group_by(decided.columns).agg(quotes=pl.len()),
        figures=inputs.read_days("figures", "period", shown),
        items=inputs.read("items", ["item_number", "item_name", "class_code"]),
        retailers=retailers.select("retailer", "name"),
        kinds=inputs.read("kinds", ["kind", "title"]),
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    price_changes,
    quote_outliers,
    succeeding_products,
    shrinking_packs,
    short_run_items,
    price_quality_report,
]
