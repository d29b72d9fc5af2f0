"""Checks of elementary indices: they follow their prices and satisfy the axioms.

Blocking checks test the computation: on constructed quotes, or by an identity that holds for any quotes. Checks of what
collected quotes make of a formula warn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.checks import LISTED, expected_period_present
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.dagster.unchanged.code_checks import CodeCheck
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.origin_months import recipes_text
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.recipes import (
    RecipeOutput,
    constructed_axioms_violated,
    figures_off_known_change,
    recipe_axioms_violated,
)

ITEMS_TESTED = (210111, 211710)
"""Items of the constructed quotes: bread, by the formulas for varied products; milk, by those for homogeneous ones."""

STRATA_TESTED = 2
"""Retailers' items per origin on which the axioms are tested: those with most quotes on the days that are tested."""

DAYS_TESTED = 91
"""Last days of each origin whose quotes are taken."""

_FIRST_DAYS_TESTED = """
select data_origin, (max(collected_on) - $1::integer + 1)::text
from intermediate.int_prices__item_days_accepted
group by data_origin
order by data_origin
"""

_LARGEST_STRATA = """
with sizes as (
    select retailer, item_number, row_number() over (order by sum(quotes) desc, retailer, item_number) as place
    from intermediate.int_prices__item_days_accepted
    where data_origin = $1 and collected_on >= $2::text::date
    group by retailer, item_number
)
select quotes.data_origin, quotes.retailer, quotes.item_number, quotes.product, quotes.collected_on,
    quotes.price_gbp, sizes_of.pack_size
from intermediate.int_prices__quotes_scoped as quotes
join sizes using (retailer, item_number)
left join intermediate.int_prices__product_pack_sizes as sizes_of using (data_origin, retailer, item_number, product)
where quotes.data_origin = $1 and quotes.collected_on >= $2::text::date and sizes.place <= $3
"""
"""Quotes of the largest retailers' items of an origin ($1) since a day ($2)."""

_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}

_LAST_DAYS_WITH_QUOTES = """
    select coalesce(loads.data_origin, files.data_origin), max(days.partition)::date
    from ops.load_partitions as days
    join ops.loads using (load_id)
    join ops.files using (file_id)
    where files.source = 'prices' and files.superseded_by is null and loads.state = 'committed' and days.accepted > 0
    group by 1
"""
"""By the ledger, whose rows are those of the quotes (`rows_match_ledger`); its keys are ISO days."""

_CHAINED_MOVEMENTS = """
with chained as (
    select data_origin, retailer, item_number, period, products_used as products, segment,
        ln(segment_index) - lag(ln(segment_index)) over stratum as movement,
        lag(period) over stratum as period_before, lag(segment) over stratum as segment_before
    from analysis.elementary_price_indices
    where method = 'jevons_chained' and segment_index is not null
    window stratum as (partition by data_origin, retailer, item_number order by period)
)
select chained.retailer, chained.item_number, chained.period, chained.movement, relatives.mean_log_relative
from chained
join intermediate.int_prices__price_relatives_averaged as relatives
    on relatives.data_origin = chained.data_origin and relatives.retailer = chained.retailer
    and relatives.item_number = chained.item_number and relatives.collected_on = chained.period
where chained.period_before = chained.period - 1 and chained.segment = chained.segment_before
    and chained.products = relatives.products
"""
"""Daily movements of chained indices, and the mean log relative of the products priced on both days."""

_STRATA_WITH_CHAINED_MOVEMENTS = """
select count(*)
from (
    select from analysis.elementary_price_indices
    where method = 'jevons_chained' and segment_index is not null
    group by data_origin, retailer, item_number
    having count(*) > 1
) as strata
"""
"""Number of retailers' items with a chained index of two days or more."""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_price_indices"]),
    additional_deps=[dg.AssetKey(["intermediate", "int_prices__price_relatives_averaged"])],
    blocking=True,
    description=(
        "Chained indices move the way their prices move, worked out anew in SQL: a published index was once inverted."
    ),
)
def indices_follow_prices(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare each daily movement with the mean log relative of the products priced on both days.

    Where every linked product was priced on the day before, the two are the same number; this is the
    test. Where some link over a gap they may differ and are not compared. Warn where there are chained indices of
    two days or more and nothing could be compared: the check would pass without a test.
    """
    store = warehouse.open()
    with store.transaction() as transaction:
        # by its statistics the join has one row, for which each relative would be compared with each movement
        transaction.execute("set local enable_nestloop = off")
        movements = transaction.frame(_CHAINED_MOVEMENTS)
    wrong = movements.filter((pl.col("movement") - pl.col("mean_log_relative")).abs() > 1e-9)
    (strata,) = store.frame(_STRATA_WITH_CHAINED_MOVEMENTS).row(0)
    untested = movements.is_empty() and strata > 0
    return dg.AssetCheckResult(
        passed=wrong.is_empty() and not untested,
        severity=dg.AssetCheckSeverity.WARN if untested else dg.AssetCheckSeverity.ERROR,
        metadata={
            "movements_compared": movements.height,
            "strata_of_two_days_or_more": strata,
            "wrong": wrong.height,
            "examples": str(wrong.head(5).to_dicts()),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_price_indices"]),
    blocking=True,
    description=(
        "On constructed quotes every recipe gives the known change at every level, and satisfies identity (prices that"
        " never change give 100) and direction (all prices times k give k times the index): an inverted index cannot"
        " pass. No collected quote takes part: where it passed with the same code, that is its result."
    ),
)
def recipes_keep_axioms(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Test every output of every recipe on constructed quotes, unless they passed with this code before."""
    check = CodeCheck(
        dg.AssetKey(["analysis", "elementary_price_indices"]),
        "recipes_keep_axioms",
        ["ons_bigdata.prices.methods", "ons_bigdata.estimation.input_checks", __name__],
        ["numpy", "polars", "scipy"],
        recipes_text(current_recipes()),
    )
    return check.result(warehouse.open(), axioms_on_constructed_quotes)


def axioms_on_constructed_quotes() -> dg.AssetCheckResult:
    """Test every output of every recipe on constructed quotes, for one item of each table of formulas."""
    broken: list[str] = []
    tested = 0
    with threadpool_limits(limits=1):
        for recipe, item in itertools.product(current_recipes(), ITEMS_TESTED):
            missed = figures_off_known_change(recipe, item_number=item)
            broken += [
                f"{recipe.name} {row['method']}, {row['level']} {row['code']}: known change in {row['period']},"
                f" expected {row['expected']}, found {row['index']}"
                for row in missed.to_dicts()
            ]
            for output in recipe.outputs:
                violated = constructed_axioms_violated(output, item_number=item)
                broken += _violations(f"{recipe.name} {output.method}, constructed {item}", violated)
                tested += 1
    return dg.AssetCheckResult(
        passed=not broken,
        metadata={"tested": tested, "broken": len(broken), "examples": "; ".join(broken[:5]) or "none"},
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_price_indices"]),
    description=(
        f"The recipes satisfy identity and direction on the quotes of the last {DAYS_TESTED} days of the largest"
        " samples, too. Warns: what quotes can do to a formula is no fault of its computation."
    ),
)
def recipes_keep_axioms_on_quotes(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Test every output of every recipe on the last quotes of the retailers' items with most of them."""
    broken: list[str] = []
    tested = 0
    outputs = [(recipe.name, output) for recipe in current_recipes() for output in recipe.outputs]
    for (name, output), rows in itertools.product(outputs, _strata_tested(warehouse.open())):
        stratum = rows.row(0)[:3]
        with threadpool_limits(limits=1):
            violated = recipe_axioms_violated(_by_period(rows, output), output, item_number=int(stratum[2]))
        tested += 1
        broken += _violations(f"{name} {output.method}, {' '.join(map(str, stratum))}", violated)
    return dg.AssetCheckResult(
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"tested": tested, "broken": len(broken), "examples": "; ".join(broken[:5]) or "none"},
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_index_directions"]),
    description=(
        "Where all price changes of continuing products have one direction, indices by recipe move that way. Warns:"
        " products that come and go can turn a right index against them. The series are marked in the table."
    ),
)
def recipe_indices_follow_prices(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of series that move against their prices, and of outputs none of whose movements could be compared."""
    directions = warehouse.open().frame(
        "select * from analysis.elementary_index_directions order by data_origin, retailer, item_number, recipe, method"
    )
    against = directions.filter(pl.col("status") == "against")
    by_output = directions.group_by("recipe", "method", maintain_order=True).agg(
        series=pl.len(),
        movements=pl.col("movements").sum(),
        identified=pl.col("identified_movements").sum(),
        opposite=pl.col("opposite_movements").sum(),
        against=(pl.col("status") == "against").sum(),
        untested=(pl.col("status") == "untested").sum(),
    )
    untested = by_output.filter(pl.col("movements") == 0)
    return dg.AssetCheckResult(
        passed=against.is_empty() and untested.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "series_against": against.height,
            "against": dg.MetadataValue.md(_listed_series(against)),
            "outputs": dg.MetadataValue.md(_listed_outputs(by_output)),
            "untested": ", ".join(f"{row['recipe']} {row['method']}" for row in untested.to_dicts()) or "none",
        },
    )


def _violations(what: str, violated: pl.DataFrame) -> list[str]:
    return [
        f"{what}: {row['axiom']} in {row['period']}, expected {row['expected']}, found {row['found']}"
        for row in violated.to_dicts()
    ]


def _strata_tested(store: Warehouse) -> Iterator[pl.DataFrame]:
    """Quotes of each retailers' item that is tested, on the last days of its origin."""
    for origin, first_day in store.rows(_FIRST_DAYS_TESTED, [DAYS_TESTED]):
        quotes = store.frame(_LARGEST_STRATA, [origin, first_day, STRATA_TESTED])
        yield from quotes.partition_by("data_origin", "retailer", "item_number")


def _by_period(quotes: pl.DataFrame, output: RecipeOutput) -> pl.DataFrame:
    """Average prices over the output's periods."""
    period = pl.col("collected_on").dt.truncate(_EVERY[output.frequency])
    means = quotes.group_by(period.alias("period"), "product").agg(
        price=pl.col("price_gbp").mean(), pack_size=pl.col("pack_size").first()
    )
    return means.sort("period", "product")


def _listed_series(against: pl.DataFrame) -> str:
    rows = [
        f"* {row['data_origin']} {row['retailer']} {row['item_number']}, {row['recipe']} {row['method']}:"
        f" {row['reason']}"
        for row in against.head(LISTED).to_dicts()
    ]
    return "\n".join(rows) or "none"


def _listed_outputs(by_output: pl.DataFrame) -> str:
    rows = [
        f"| {row['recipe']} | {row['method']} | {row['series']} | {row['movements']} | {row['identified']} |"
        f" {row['opposite']} | {row['against']} | {row['untested']} |"
        for row in by_output.sort("recipe", "method").to_dicts()
    ]
    heads = "| recipe | method | series | movements | identified | opposite | against | untested |"
    return "\n".join([heads, "|---" * 8 + "|", *rows])


CHECKS: list[dg.AssetChecksDefinition] = [
    indices_follow_prices,
    expected_period_present("marts.price_indices", column="period", expected=_LAST_DAYS_WITH_QUOTES, by="data_origin"),
    recipes_keep_axioms,
    recipes_keep_axioms_on_quotes,
    recipe_indices_follow_prices,
]
