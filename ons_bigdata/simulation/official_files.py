"""Simulated official files: quotes of a small monthly sample, item indices and a series, in the published formats.

Computed from the true prices of the simulated shops. The item indices are calculated here step by step, independently
of the methods that are compared with them. File names begin with `sim-`.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

INDEX_COLUMNS = ("INDEX_DATE", "ITEM_ID", "ITEM_DESC", "ALL_GM_INDEX", "COICOP_WEIGHT", "IMPUTATION_FLAG")
QUOTE_COLUMNS = (
    *("QUOTE_DATE", "ITEM_ID", "ITEM_DESC", "VALIDITY", "SHOP_CODE", "PRICE", "INDICATOR_BOX", "STRATUM_WEIGHT"),
    *("STRATUM_TYPE", "START_DATE", "END_DATE", "REGION", "SHOP_TYPE", "SHOP_WEIGHT", "BASE_PRICE", "BASE_VALIDITY"),
    *("STRATUM_CELL",),
)
SERIES_ID = "S01F"
MISSING, COMPARABLE, SELECTED, IMPUTED = 1, 3, 4, 2
"""Validities: no price; the same product as before; a newly selected product; an imputed base price."""


@dataclass(frozen=True)
class SimulatedOfficialFiles:
    """Folder of the files, their months, and the number of quotes."""

    folder: Path
    months: tuple[date, ...]
    quotes: int


@dataclass
class _Quote:
    """One price quote."""

    month: date
    item: int
    validity: int
    price: float
    base_price: float
    base_validity: int
    shop: str
    region: int
    shop_type: int
    shop_weight: float
    stratum_type: int
    cell: int
    stratum_weight: float


def simulate_official_files(
    truth: Path, folder: Path, *, outlets_per_retailer: int = 6, seed: int = 1947
) -> SimulatedOfficialFiles:
    """Write sim-price-quotes-<YYYYMM>.csv, sim-item-indices-<YYYYMM>.csv and sim-series-s01f.csv into a folder.

    `truth` is true_prices.csv (retailer, item_number, product_name, pack, date, price_gbp). Each month is collected on
    the Tuesday nearest to the middle of its simulated days. Each outlet of a retailer prices one product of each item
    for as long as it is on sale; after that the quote is missing or another product is selected, whose base price is
    imputed in half of the cases. The base is January, or the first month of the first year. Items are stratified by
    region, by type of outlet, by both or not at all, in turn. The same arguments give the same bytes.

    Raises ValueError for a truth without prices.
    """
    prices = pl.read_csv(truth, schema_overrides={"date": pl.Date, "price_gbp": pl.Float64})
    if prices.is_empty():
        raise ValueError(f"{truth} has no price")
    rng = np.random.default_rng(seed)
    days = _collection_days(prices["date"].unique().sort().to_list())
    quotes = _collect(prices, days, outlets_per_retailer, rng)
    items = sorted({quote.item for quote in quotes})
    weights = {item: float(weight) for item, weight in zip(items, rng.integers(1, 90, len(items)) / 10, strict=True)}
    names = {item: f"SIMULATED ITEM {item}" for item in items}
    folder.mkdir(parents=True, exist_ok=True)
    indices: dict[date, dict[int, float]] = {}
    for month in sorted(days):
        of_month = [quote for quote in quotes if quote.month == month]
        indices[month] = {item: value for item in items if (value := _item_index(of_month, item)) is not None}
        rows = [_quote_row(quote, names) for quote in of_month]
        (folder / f"sim-price-quotes-{month:%Y%m}.csv").write_bytes(_csv(QUOTE_COLUMNS, rows))
        printed = [
            (f"{month:%Y%m}", item, names[item], f"{value:.3f}", weights[item], "")
            for item, value in indices[month].items()
        ]
        (folder / f"sim-item-indices-{month:%Y%m}.csv").write_bytes(_csv(INDEX_COLUMNS, printed))
    (folder / f"sim-series-{SERIES_ID.lower()}.csv").write_bytes(_series(indices, weights))
    return SimulatedOfficialFiles(folder, tuple(sorted(days)), len(quotes))


def _collection_days(days: Sequence[date]) -> dict[date, date]:
    """Month → the Tuesday nearest to the middle of its days (any day, where it has no Tuesday)."""
    months: dict[date, list[date]] = {}
    for day in days:
        months.setdefault(day.replace(day=1), []).append(day)
    chosen = {}
    for month, known in months.items():
        middle = known[len(known) // 2].toordinal()
        tuesdays = [day for day in known if day.weekday() == 1] or known
        chosen[month] = min(tuesdays, key=lambda day: (abs(day.toordinal() - middle), day))
    return chosen


def _base_month(month: date, months: Iterable[date]) -> date:
    known = sorted(months)
    january = month.replace(month=1)
    before = date(month.year - 1, 12, 1) if month.month == 1 else january
    return before if before in known else min(other for other in known if other.year == month.year)


def _collect(prices: pl.DataFrame, days: dict[date, date], outlets: int, rng: np.random.Generator) -> list[_Quote]:
    """Quotes of all outlets and months."""
    products = pl.format("{} {}", "product_name", "pack").alias("product")
    wanted = prices.filter(pl.col("date").is_in(list(days.values()))).with_columns(products)
    table: dict[tuple[str, int], dict[date, dict[str, float]]] = {}
    for retailer, item, product, day, price in (
        wanted.select("retailer", "item_number", "product", "date", "price_gbp")
        .sort("retailer", "item_number", "product", "date")
        .iter_rows()
    ):
        table.setdefault((retailer, item), {}).setdefault(day, {}).setdefault(product, price)
    items = sorted({item for _, item in table})
    weights = {(item, cell): float(rng.integers(1, 9)) for item in items for cell in range(8)}
    quotes: list[_Quote] = []
    for (retailer, item), shelf in sorted(table.items()):
        for outlet in range(outlets):
            shop = (f"SIM{sum(map(ord, retailer)) % 900 + 100}{outlet:02d}", outlet % 3 + 1, outlet % 2 + 1)
            quotes += _collect_in_outlet(shop, item, items.index(item) % 4, shelf, days, weights, rng)
    return quotes


def _collect_in_outlet(
    shop: tuple[str, int, int],
    item: int,
    stratum_type: int,
    shelf: dict[date, dict[str, float]],
    days: dict[date, date],
    weights: dict[tuple[int, int], float],
    rng: np.random.Generator,
) -> list[_Quote]:
    """Quotes of one item in one outlet, month by month."""
    code, region, shop_type = shop
    cell = (0, region, shop_type, (region - 1) * 2 + shop_type)[stratum_type]
    shop_weight = float(rng.integers(1, 6))
    followed: str | None = None
    quotes: list[_Quote] = []
    for month in sorted(days):
        on_sale = shelf.get(days[month], {})
        base = shelf.get(days[_base_month(month, days)], {})
        validity = COMPARABLE
        if (followed is None or (followed not in on_sale and rng.random() < 0.7)) and on_sale:
            followed = sorted(on_sale)[int(rng.integers(len(on_sale)))]
            validity = SELECTED
        price = 0.0 if followed is None else on_sale.get(followed, 0.0)
        base_price, base_validity = (0.0, MISSING) if followed is None else (base.get(followed, 0.0), COMPARABLE)
        if base_price == 0.0 and price > 0 and rng.random() < 0.5:
            base_price, base_validity = round(price * float(rng.uniform(0.7, 1.1)), 2), IMPUTED
        elif base_price == 0.0:
            base_validity = MISSING
        elif rng.random() < 0.05:
            base_price, base_validity = round(base_price * float(rng.uniform(0.6, 0.9)), 2), IMPUTED
        quotes.append(
            _Quote(
                month=month,
                item=item,
                validity=validity if price > 0 else MISSING,
                price=price,
                base_price=base_price,
                base_validity=base_validity,
                shop=code,
                region=region,
                shop_type=shop_type,
                shop_weight=shop_weight,
                stratum_type=stratum_type,
                cell=cell,
                stratum_weight=weights[item, cell],
            )
        )
    return quotes


def _item_index(quotes: Sequence[_Quote], item: int) -> float | None:
    """Item index by the office's formula: weighted geometric means in strata, weighted arithmetic mean over strata."""
    logs: dict[int, list[float]] = {}
    shops: dict[int, list[float]] = {}
    weight: dict[int, float] = {}
    for quote in quotes:
        is_valid = quote.validity in (3, 4) and quote.base_validity in (3, 4)
        if quote.item != item or not is_valid or quote.price <= 0 or quote.base_price <= 0:
            continue
        relative = math.log(quote.price) - math.log(quote.base_price)
        logs.setdefault(quote.cell, []).append(quote.shop_weight * relative)
        shops.setdefault(quote.cell, []).append(quote.shop_weight)
        weight[quote.cell] = quote.stratum_weight
    if not logs:
        return None
    of_cells = [(weight[cell], math.exp(math.fsum(logs[cell]) / math.fsum(shops[cell]))) for cell in sorted(logs)]
    return 100 * math.fsum(w * r for w, r in of_cells) / math.fsum(w for w, _ in of_cells)


# --- files ----------------------------------------------------------------------------------------------


def _quote_row(quote: _Quote, names: dict[int, str]) -> tuple[object, ...]:
    month = f"{quote.month:%Y%m}"
    return (
        *(month, quote.item, names[quote.item], quote.validity, quote.shop, quote.price, "", quote.stratum_weight),
        *(quote.stratum_type, month, 999999, quote.region, quote.shop_type, quote.shop_weight, quote.base_price),
        *(quote.base_validity, quote.cell),
    )


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def _series(indices: dict[date, dict[int, float]], weights: dict[int, float]) -> bytes:
    """Chained series of the food items, with years and quarters before the months as in published files."""
    levels: dict[date, float] = {}
    for month in sorted(indices):
        food = {item: value for item, value in indices[month].items() if 210000 <= item < 220000}
        total = math.fsum(weights[item] for item in food)
        mean = math.fsum(weights[item] * value for item, value in food.items()) / total if total else 100.0
        levels[month] = levels.get(_base_month(month, indices), 100.0) * mean / 100
    lines = [
        ("Title", "SIMULATED INDEX 01: Food and non-alcoholic beverages"),
        ("CDID", SERIES_ID),
        ("Unit", "Index, base month = 100"),
        ("Important notes", "simulated"),
    ]
    rows: list[tuple[str, str]] = [*lines]
    for year in sorted({month.year for month in levels}):
        of_year = [value for month, value in levels.items() if month.year == year]
        rows.append((str(year), f"{math.fsum(of_year) / len(of_year):.1f}"))
    for month, value in levels.items():
        if month.month % 3 == 0:
            rows.append((f"{month.year} Q{month.month // 3}", f"{value:.1f}"))
    rows += [(f"{month:%Y} {month:%b}".upper(), f"{value:.1f}") for month, value in levels.items()]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
