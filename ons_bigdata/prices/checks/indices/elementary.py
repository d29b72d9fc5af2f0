"""Checks of elementary indices: they move as their prices do and keep the axioms. Disagreement never blocks."""

from __future__ import annotations

import itertools

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.checks import expected_period_present
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.recipes import RecipeOutput, recipe_axioms_violated

STRATA_TESTED = 2
"""Retailers' items per origin on which the axioms are tested: those with most quotes."""

_STRATUM = ["data_origin", "retailer", "item_number"]
_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}

_QUOTES = (
    "select data_origin, retailer, item_number, product, collected_on, price_gbp, in_scope"
    " from intermediate.int_prices__quotes_scoped"
)

_PACK_SIZES = (
    "select data_origin, retailer, item_number, product, pack_size"
    " from intermediate.int_prices__product_pack_sizes where is_of_item_measure"
)

_MOVEMENTS = """
select data_origin, retailer, item_number, recipe, method, period,
    ln(segment_index) - lag(ln(segment_index)) over strata as movement,
    segment = lag(segment) over strata as is_linked
from analysis.elementary_price_indices
where scope = 'shelf' and segment_index is not null
window strata as (partition by data_origin, retailer, item_number, recipe, method order by period)
"""


_LAST_DAYS_WITH_QUOTES = """
    select loads.data_origin, max(days.last_day)
    from (select load_id, max(collected_on) as last_day from raw.price_quotes group by load_id) as days
    join ops.loads using (load_id)
    group by loads.data_origin
"""

_CHAINED_MOVEMENTS = """
with priced as (
    select data_origin, retailer, item_number, product, collected_on, ln(price_gbp) as log_price,
        lag(ln(price_gbp)) over product_days as log_price_before,
        lag(collected_on) over product_days as day_before
    from intermediate.int_prices__quotes_accepted
    window product_days as (
        partition by data_origin, retailer, item_number, product order by collected_on
    )
),
adjacent as (
    select data_origin, retailer, item_number, collected_on,
        count(*)::int as products, avg(log_price - log_price_before) as mean_log_relative
    from priced
    where day_before = collected_on - 1
    group by data_origin, retailer, item_number, collected_on
),
chained as (
    select data_origin, retailer, item_number, period, products_used as products, segment,
        ln(segment_index) - lag(ln(segment_index)) over stratum as movement,
        lag(period) over stratum as period_before, lag(segment) over stratum as segment_before
    from analysis.elementary_price_indices
    where method = 'jevons_chained' and segment_index is not null
    window stratum as (partition by data_origin, retailer, item_number order by period)
)
select chained.retailer, chained.item_number, chained.period, chained.movement, adjacent.mean_log_relative
from chained
join adjacent
    on adjacent.data_origin = chained.data_origin and adjacent.retailer = chained.retailer
    and adjacent.item_number = chained.item_number and adjacent.collected_on = chained.period
where chained.period_before = chained.period - 1 and chained.segment = chained.segment_before
    and chained.products = adjacent.products
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
    movements = store.frame(_CHAINED_MOVEMENTS)
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
        "Indices by recipe move as their prices do, worked out anew from the quotes: an inverted index cannot pass."
    ),
)
def recipe_indices_follow_prices(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Regress each output's movements on the mean log changes of continuing products; a negative slope blocks.

    The two are not the same number (products come and go, windows average), but run the same way; a mean unit price,
    which matches nothing, is compared with the mean unit price. An index that is
    right has a slope near 1, an inverted one near -1. A slope blocks where it is below 0 by more than twice its error.
    Warn of an output that moves where nothing could be compared: then it was not tested.
    """
    slopes = _slopes(warehouse.open())
    inverted = slopes.filter((pl.col("slope") < 0) & (pl.col("slope") + 2 * pl.col("error") < 0))
    untested = slopes.filter(pl.col("slope").is_null())
    return dg.AssetCheckResult(
        passed=inverted.is_empty() and untested.is_empty(),
        severity=dg.AssetCheckSeverity.WARN if inverted.is_empty() else dg.AssetCheckSeverity.ERROR,
        metadata={
            "slopes": dg.MetadataValue.md(_listed(slopes.drop_nulls("slope"))),
            "inverted": _outputs(inverted),
            "untested": _outputs(untested),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_price_indices"]),
    blocking=True,
    description=(
        "The recipes keep identity (prices that never change give 100) and direction (all prices times k give k times"
        " the index) on the quotes of the largest samples."
    ),
)
def recipes_keep_axioms(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Test every output of every recipe on the quotes of the retailers' items with most quotes."""
    broken: list[str] = []
    tested = 0
    strata = _largest_strata(warehouse.open()).partition_by("data_origin", "retailer", "item_number", as_dict=True)
    outputs = [(recipe.name, output) for recipe in current_recipes() for output in recipe.outputs]
    for (name, output), (stratum, rows) in itertools.product(outputs, strata.items()):
        with threadpool_limits(limits=1):
            violated = recipe_axioms_violated(_by_period(rows, output), output, item_number=int(stratum[2]))
        tested += 1
        broken += [
            f"{name} {output.method}, {' '.join(map(str, stratum))}: {row['axiom']} in {row['period']},"
            f" expected {row['expected']}, found {row['found']}"
            for row in violated.to_dicts()
        ]
    return dg.AssetCheckResult(
        passed=not broken,
        metadata={"tested": tested, "broken": len(broken), "examples": "; ".join(broken[:5]) or "none"},
    )


def _slopes(store: Warehouse) -> pl.DataFrame:
    """Slope of movement on matched change, its error and the number of movements compared, per recipe and output.

    An output that moves and has nothing to be compared with has a null slope; one that does not move is left out.
    """
    quotes = store.frame(_QUOTES)
    movements = store.frame(_MOVEMENTS).filter(pl.col("is_linked"))
    outputs = [(recipe.name, output) for recipe in current_recipes() for output in recipe.outputs]
    samples = {(output.frequency, output.days) for _, output in outputs}
    changes = {sample: _matched_changes(quotes, *sample) for sample in samples}
    unit_prices = _unit_price_changes(quotes, store.frame(_PACK_SIZES))
    x, y = pl.col("matched_change"), pl.col("movement")
    found = []
    for recipe, output in outputs:
        own = movements.filter((pl.col("recipe") == recipe) & (pl.col("method") == output.method))
        compared = unit_prices if output.formula == "unit_price" else changes[output.frequency, output.days]
        both = own.join(compared, on=[*_STRATUM, "period"])
        sums = both.select(movements=pl.len(), xy=(x * y).sum(), xx=(x * x).sum(), yy=(y * y).sum())
        moves = (own["movement"] != 0).any()
        found.append(sums.with_columns(recipe=pl.lit(recipe), method=pl.lit(output.method), moves=pl.lit(moves)))
    is_compared = pl.col("xx") > 0
    slopes = (
        pl.concat(found)
        .filter(is_compared | pl.col("moves"))
        .with_columns(slope=pl.when(is_compared).then(pl.col("xy") / pl.col("xx")))
    )
    residual = (pl.col("yy") - pl.col("slope") * pl.col("xy")).clip(0.0) / (pl.col("movements") - 1).clip(1)
    return slopes.select("recipe", "method", "movements", "slope", error=(residual / pl.col("xx")).sqrt())


def _matched_changes(quotes: pl.DataFrame, frequency: str, days: str) -> pl.DataFrame:
    """Average, per stratum and period, the log changes of products priced in it and in the stratum's period before."""
    on = pl.col("collected_on")
    first = on.dt.month_start()
    tuesday = first + pl.duration(days=7 + (9 - first.dt.weekday().cast(pl.Int64)) % 7)
    counted = quotes if days == "all" else quotes.filter((on - tuesday).dt.total_days().abs() <= 1)
    priced = counted.group_by(*_STRATUM, "product", on.dt.truncate(_EVERY[frequency]).alias("period")).agg(
        log_price=pl.col("price_gbp").mean().log()
    )
    numbered = priced.with_columns(number=pl.col("period").rank("dense").over(_STRATUM).cast(pl.Int64))
    before = numbered.select(*_STRATUM, "product", number=pl.col("number") + 1, log_price_before="log_price")
    matched = numbered.join(before, on=[*_STRATUM, "product", "number"])
    return matched.group_by(*_STRATUM, "period").agg(
        products=pl.len(), matched_change=(pl.col("log_price") - pl.col("log_price_before")).mean()
    )


def _unit_price_changes(quotes: pl.DataFrame, pack_sizes: pl.DataFrame) -> pl.DataFrame:
    """Log change of the mean unit price from the day before, whoever is on sale: it matches no products."""
    priced = quotes.join(pack_sizes, on=[*_STRATUM, "product"]).group_by(*_STRATUM, period="collected_on")
    means = priced.agg(log_price=(pl.col("price_gbp") / pl.col("pack_size")).mean().log()).sort(*_STRATUM, "period")
    change = pl.col("log_price") - pl.col("log_price").shift(1).over(_STRATUM)
    return means.with_columns(products=pl.lit(0, pl.UInt32), matched_change=change).drop("log_price").drop_nulls()


def _largest_strata(store: Warehouse) -> pl.DataFrame:
    return store.frame(
        "with sizes as ("
        " select data_origin, retailer, item_number,"
        " row_number() over (partition by data_origin order by count(*) desc, retailer, item_number) as place"
        " from intermediate.int_prices__quotes_scoped group by data_origin, retailer, item_number)"
        " select quotes.data_origin, quotes.retailer, quotes.item_number, quotes.product, quotes.collected_on,"
        " quotes.price_gbp, sizes_of.pack_size"
        " from intermediate.int_prices__quotes_scoped as quotes"
        " join sizes using (data_origin, retailer, item_number)"
        " left join intermediate.int_prices__product_pack_sizes as sizes_of"
        " using (data_origin, retailer, item_number, product) where sizes.place <= $1",
        [STRATA_TESTED],
    )


def _by_period(quotes: pl.DataFrame, output: RecipeOutput) -> pl.DataFrame:
    """Average prices over the output's periods."""
    period = pl.col("collected_on").dt.truncate(_EVERY[output.frequency])
    means = quotes.group_by(period.alias("period"), "product").agg(
        price=pl.col("price_gbp").mean(), pack_size=pl.col("pack_size").first()
    )
    return means.sort("period", "product")


def _outputs(slopes: pl.DataFrame) -> str:
    return ", ".join(f"{row['recipe']} {row['method']}" for row in slopes.to_dicts()) or "none"


def _listed(slopes: pl.DataFrame) -> str:
    rows = [
        f"| {row['recipe']} | {row['method']} | {row['movements']} | {row['slope']:.2f} | {row['error']:.2f} |"
        for row in slopes.to_dicts()
    ]
    return "\n".join(["| recipe | method | movements | slope | error |", "|---|---|---|---|---|", *rows])


CHECKS: list[dg.AssetChecksDefinition] = [
    indices_follow_prices,
    expected_period_present("marts.price_indices", column="period", expected=_LAST_DAYS_WITH_QUOTES, by="data_origin"),
    recipe_indices_follow_prices,
    recipes_keep_axioms,
]
