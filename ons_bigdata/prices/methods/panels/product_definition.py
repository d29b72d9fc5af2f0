"""Product definition: scores of combinations of attributes by the match-adjusted R squared (MARS)."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    is_single_value,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.panels.input_checks import (
    listed_values,
    not_positive,
    refuse_repeated_names,
    refuse_unsortable,
    whole_number,
)
from ons_bigdata.prices.methods.panels.period_calendar import refuse_unsorted

if TYPE_CHECKING:
    from collections.abc import Sequence

STRATEGIES = ("two_periods", "base", "chain", "pairs", "last")
_SCORES = ("match", "homogeneity", "score")


def product_definition_scores(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    attributes: Sequence[str],
    base_period: Any,  # noqa: ANN401 (any type that sorts)
    current_period: Any,  # noqa: ANN401
    *,
    strategy: str = "two_periods",
    last_periods: int = 3,
    period: str = "period",
    price: str = "price",
    quantity: str = "quantity",
) -> pl.DataFrame:
    """Score each combination of attributes as a definition of products.

    `quotes`: rows of any number per period and product: price, quantity (> 0), the attributes (any type). For periods
    0 and t: match = the share of the quantities of t in strata that occur in 0; homogeneity = R², the part of the
    quantity-weighted variance of prices in t that lies between strata (1 where prices do not vary); score = match · R².

    `strategy`: which pairs of periods: "two_periods": base and current; "base": base with each after it; "chain":
    neighbours; "pairs": all; "last": the `last_periods` before the current one, each with it. Of several pairs the
    geometric mean of each figure is given.

    Returns one row per combination, as `brand-size`, by number of attributes: attributes, match, homogeneity, score.
    Raises ValueError on unknown strategies, attributes and periods, and on prices or quantities that are not positive
    and finite.
    Source: Chessa (2021), A product match adjusted R squared method for defining products with transaction data,
    Journal of Official Statistics 37(2).
    """
    refuse_unknown("strategy", strategy, STRATEGIES)
    last_periods = whole_number("last_periods", last_periods, least=1)
    attributes = listed_values("attributes", attributes, "columns")
    if not attributes:
        message = "attributes: none, expected at least one column"
        raise ValueError(message)
    refuse_repeated_names({"period": period, "price": price, "quantity": quantity})
    refuse_repeated_names({f"attributes[{n}]": attribute for n, attribute in enumerate(attributes)})
    quotes = eager_frame(quotes, "quotes")
    refuse_missing_columns(quotes, (period, price, quantity, *attributes), "quotes")
    refuse_unsortable(quotes, (period, *attributes), "quotes")
    refuse_no_numbers(quotes, (price, quantity), "quotes")
    rows = quotes.select(
        pl.col(*attributes), _period=pl.col(period), _price=pl.col(price).cast(pl.Float64),
        _quantity=pl.col(quantity).cast(pl.Float64),
    )  # fmt: skip
    bad = {f"a {name} that is not positive and finite": not_positive(f"_{name}") for name in ("price", "quantity")}
    names = {"_period": period, "_price": price, "_quantity": quantity}
    faults = {f"a null in {period}": pl.col("_period").is_null(), **bad}
    refuse_rows(rows, faults, "quotes", shown_as=names)
    refuse_unsorted(rows["_period"])
    pairs = _pairs(rows["_period"].unique().sort().to_list(), base_period, current_period, strategy, last_periods)
    table = []
    for size in range(1, len(attributes) + 1):
        for chosen in combinations(attributes, size):
            scores = np.array([_scores(rows, list(chosen), base, current) for base, current in pairs])
            with np.errstate(divide="ignore"):
                table.append(("-".join(chosen), *np.exp(np.log(scores).mean(axis=0)).tolist()))
    return pl.DataFrame(table, schema=["attributes", *_SCORES], orient="row")


def _pairs(periods: list[Any], base: Any, current: Any, strategy: str, last: int) -> list[tuple[Any, Any]]:  # noqa: ANN401
    for name, period in (("base_period", base), ("current_period", current)):
        if not is_single_value(period) or period not in periods:
            if not periods:
                message = f"{name}: {period!r} is not a period of the quotes, of which there are none"
                raise ValueError(message)
            message = f"{name}: {period!r} is not a period of the quotes; found {periods[0]} to {periods[-1]}"
            raise ValueError(message)
    if strategy == "two_periods":
        return [(base, current)]
    between = periods[periods.index(base) : periods.index(current) + 1]
    if len(between) < 2:
        message = f"base_period: found {base!r}, expected a period before current_period {current!r}"
        raise ValueError(message)
    if strategy == "base":
        return [(base, period) for period in between[1:]]
    if strategy == "chain":
        return list(pairwise(between))
    if strategy == "pairs":
        return list(combinations(between, 2))
    return [(period, current) for period in between[:-1][-last:]]


def _scores(rows: pl.DataFrame, chosen: list[str], base: object, current: object) -> tuple[float, float, float]:
    now = rows.filter(pl.col("_period") == current)
    strata = rows.filter(pl.col("_period") == base).select(chosen).unique()
    matched = now.join(strata, on=chosen, how="semi", nulls_equal=True)
    match = float(matched["_quantity"].sum()) / float(now["_quantity"].sum())
    strata_means = now.with_columns(
        mean=((pl.col("_price") * pl.col("_quantity")).sum() / pl.col("_quantity").sum()).over(chosen)
    )
    prices, quantities, means = (strata_means[name].to_numpy() for name in ("_price", "_quantity", "mean"))
    overall = quantities @ prices / quantities.sum()
    total = float(quantities @ (prices - overall) ** 2)
    homogeneity = 1.0 if total == 0 else float(quantities @ (means - overall) ** 2) / total
    return match, homogeneity, match * homogeneity
