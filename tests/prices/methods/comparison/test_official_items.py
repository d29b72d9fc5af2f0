"""The office's item index: printed values, variants of the method that must fail, and an example by hand."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.comparison import official_items
from ons_bigdata.prices.sources.official.item_indices import read_item_indices
from ons_bigdata.prices.sources.official.price_quotes import read_price_quotes
from ons_bigdata.simulation.official_files import simulate_official_files

LOAD = "0" * 16
MAY = date(2016, 5, 1)


def _quote(price: float, base: float, **changes: object) -> dict[str, object]:
    return {
        **{"data_origin": "real", "item_number": 210302, "month": MAY, "validity": 3, "price_gbp": price},
        **{"stratum_weight": 1.0, "stratum_type": 0, "stratum_cell": 0, "shop_weight": 1.0},
        **{"base_price_gbp": base, "base_validity": 3},
        **changes,
    }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes and printed indices of a made-up office over 14 months, computed without the methods under test."""
    folder = tmp_path_factory.mktemp("office")
    rng = np.random.default_rng(7)
    rows = []
    for retailer in ("sim-alder", "sim-birch", "sim-cedar"):
        for item in (210302, 211901, 212717, 310421):
            for product in range(5):
                level = float(rng.uniform(0.8, 6.0))
                for month in range(14):
                    day = date(2015 + month // 12, month % 12 + 1, 14)
                    if rng.random() < 0.93:
                        price = round(level * math.exp(float(rng.normal(0.01 * month, 0.12))), 2)
                        rows.append((retailer, item, f"P{product}", "400 g", day + timedelta(days=0), price))
    columns = ["retailer", "item_number", "product_name", "pack", "date", "price_gbp"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(folder / "true_prices.csv")
    made = simulate_official_files(folder / "true_prices.csv", folder / "files", outlets_per_retailer=12)
    quotes, printed = [], []
    for month in made.months:
        quotes.append(read_price_quotes(_bytes(folder, "price-quotes", month), load_id=LOAD).accepted)
        printed.append(read_item_indices(_bytes(folder, "item-indices", month), load_id=LOAD).accepted)
    origin = pl.lit("simulated").alias("data_origin")
    whole = pl.col("item_number").cast(pl.Int64)
    return pl.concat(quotes).with_columns(origin, whole), pl.concat(printed).with_columns(origin, whole)


def _bytes(folder: Path, kind: str, month: date) -> bytes:
    return (folder / "files" / f"sim-{kind}-{month:%Y%m}.csv").read_bytes()


def _agreement(office: tuple[pl.DataFrame, pl.DataFrame], **options: str) -> pl.DataFrame:
    quotes, printed = office
    rebuilt = official_items.office_item_indices(quotes, **options)
    return official_items.with_published(rebuilt, printed)


def test_item_indices_are_rebuilt_to_the_printed_decimals(office: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    computed = _agreement(office)
    assert computed.height == 4 * 14
    assert computed["published_index"].null_count() == 0
    assert computed["agrees"].all()
    assert computed["difference"].abs().max() <= official_items.PRINTED_PRECISION + 1e-9
    assert computed["strata"].max() > 1


@pytest.mark.parametrize("twin", [{"within": "arithmetic"}, {"base_prices": "all"}])
def test_variants_of_the_office_method_fail(office: tuple[pl.DataFrame, pl.DataFrame], twin: dict[str, str]) -> None:
    computed = _agreement(office, **twin).filter(pl.col("month") > date(2015, 1, 1))
    assert not computed["agrees"].all()
    assert computed["agrees"].sum() <= 0.1 * computed.height
    assert computed["difference"].abs().max() > 0.5


def test_an_example_by_hand() -> None:
    """Two outlets of the first stratum count 1 and 3, the strata 1 and 4; a guessed base and a refused price do not."""
    quotes = pl.DataFrame(
        [
            _quote(2.0, 1.0, stratum_cell=1),
            _quote(1.0, 1.0, stratum_cell=1, shop_weight=3.0),
            _quote(3.0, 2.0, stratum_cell=2, stratum_weight=4.0, validity=4),
            _quote(9.0, 1.0, stratum_cell=2, stratum_weight=4.0, base_validity=2),
            _quote(9.0, 1.0, stratum_cell=2, stratum_weight=4.0, validity=1),
            _quote(0.0, 1.0, stratum_cell=1),
        ]
    )
    (computed,) = official_items.office_item_indices(quotes).to_dicts()
    assert computed["index"] == pytest.approx(100 * (1 * 2**0.25 + 4 * 1.5) / 5, rel=1e-14)
    assert (computed["quotes"], computed["strata"], computed["reason"]) == (3, 2, None)


def test_an_item_without_valid_quotes_is_null_with_a_reason() -> None:
    (computed,) = official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0, validity=1)])).to_dicts()
    assert (computed["index"], computed["quotes"], computed["reason"]) == (None, 0, official_items.NO_QUOTE)
    formulas = official_items.formula_item_indices(pl.DataFrame([_quote(1.0, 1.0, validity=1)]))
    assert formulas["index"].null_count() == len(official_items.FORMULAS)
    assert set(formulas["reason"]) == {official_items.NO_QUOTE}


def test_zero_or_contradictory_weights_give_null_with_a_reason() -> None:
    zero = official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0, shop_weight=0.0)]))
    assert zero["index"].to_list() == [None] and "all 0" in zero["reason"][0]
    torn = official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0), _quote(1.0, 1.0, stratum_weight=2.0)]))
    assert torn["index"].to_list() == [None] and "several stratum weights" in torn["reason"][0]


def test_bad_input_is_refused_with_its_fault() -> None:
    with pytest.raises(ValueError, match="unknown within 'harmonic'; known: geometric, arithmetic"):
        official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0)]), within="harmonic")
    with pytest.raises(ValueError, match="official quotes: 1 with a weight below 0"):
        official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0, shop_weight=-1.0)]))
    with pytest.raises(ValueError, match="column validity is missing"):
        official_items.office_item_indices(pl.DataFrame([_quote(1.0, 1.0)]).drop("validity"))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.1, 50), st.floats(0.1, 50), st.integers(1, 3), st.integers(1, 5)),
        min_size=1,
        max_size=12,
    ),
    st.floats(0.5, 2.0),
)
def test_all_prices_times_k_give_the_index_times_k(rows: list[tuple[float, float, int, int]], k: float) -> None:
    quotes = pl.DataFrame(
        [_quote(p, b, stratum_cell=c, stratum_weight=float(c), shop_weight=float(w)) for p, b, c, w in rows]
    )
    (once,) = official_items.office_item_indices(quotes)["index"]
    (times,) = official_items.office_item_indices(quotes.with_columns(pl.col("price_gbp") * k))["index"]
    assert times == pytest.approx(once * k, rel=1e-12)


@pytest.mark.parametrize("formula", official_items.FORMULAS)
def test_formulas_are_those_of_the_bilateral_indices(formula: str) -> None:
    prices = [(1.2, 1.0), (0.9, 1.1), (3.0, 2.0)]
    quotes = pl.DataFrame([_quote(price, base) for price, base in prices])
    panel = pl.DataFrame(
        [{"period": t, "product": k, "price": pair[1 - t]} for k, pair in enumerate(prices) for t in (0, 1)]
    )
    expected = bilateral_index(panel, formula)["index"][1]
    (computed,) = official_items.formula_item_indices(quotes, formulas=(formula,))["index"]
    assert computed == pytest.approx(100 * expected, rel=1e-13)


def test_scraped_quotes_in_the_office_form_give_the_mean_of_the_retailers() -> None:
    """Jevons of each retailer, then their plain mean: 2 and 1 give 150. A product that is new has no base."""
    days = [date(2016, 8, 16), date(2016, 9, 14)]  # the second: the nearest day with quotes
    rows = [
        ("tesco", "A", days[0], 1.0),
        ("tesco", "A", days[1], 2.0),
        ("tesco", "NEW", days[1], 9.0),
        ("tesco", "A", date(2016, 9, 20), 7.0),  # a week late: not the collection day
        ("waitrose", "B", days[0], 3.0),
        ("waitrose", "B", days[1], 3.0),
    ]
    quotes = pl.DataFrame(
        [("real", shop, 210302, *rest) for shop, *rest in rows],
        schema={
            **{"data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32},
            **{"product": pl.String, "collected_on": pl.Date, "price_gbp": pl.Float64},
        },
        orient="row",
    )
    computed = official_items.office_item_indices(official_items.scraped_as_collected(quotes))
    assert computed["index"].to_list() == pytest.approx([100.0, 150.0])
    assert computed["quotes"].to_list() == [2, 2]
    none = official_items.scraped_as_collected(quotes.filter(pl.col("collected_on") == date(2016, 9, 20)))
    assert none.is_empty()


def test_collection_day_is_the_tuesday_nearest_the_fifteenth() -> None:
    for year in (2015, 2016, 2021):
        for month in range(1, 13):
            day = official_items.collection_day(date(year, month, 1))
            assert day.weekday() == 1 and abs(day.day - 15) <= 3
    assert official_items.collection_day(date(2016, 8, 1)) == date(2016, 8, 16)


def test_printed_indices_are_chained_over_januaries() -> None:
    months = [date(2020, 11, 1), date(2020, 12, 1), date(2021, 1, 1), date(2021, 2, 1)]
    printed = pl.DataFrame({"item": [1] * 4, "month": months, "index": [110.0, 120.0, 101.0, 50.0]})
    chained = official_items.chained_official(printed, by=["item"])
    assert chained["chained"].to_list() == pytest.approx([110.0, 120.0, 121.2, 60.6])
    gap = official_items.chained_official(printed.filter(pl.col("month") != date(2020, 12, 1)), by=["item"])
    assert gap["chained"].to_list() == [pytest.approx(110.0), None, None]
    assert gap["reason"][1] == "the chain is broken: no index of 2020-12, the base of 2021-01"
    with pytest.raises(ValueError, match="a month twice"):
        official_items.chained_official(pl.concat([printed, printed]), by=["item"])


def test_classes_and_divisions_are_weighted_means_of_printed_items() -> None:
    printed = pl.DataFrame(
        {
            "data_origin": ["real"] * 3,
            "item_number": [1, 2, 3],
            "month": [MAY] * 3,
            "index": [110.0, 90.0, 500.0],
            "weight": [3.0, 1.0, None],
        }
    )
    items = pl.DataFrame(
        {"item_number": [1, 2, 3], "class_code": ["01.1.1", "01.1.2", "01.1.2"], "division_code": ["01"] * 3}
    )
    computed = official_items.combined_official(printed, items)
    assert computed.select("level", "code", "index").rows() == [
        ("class", "01.1.1", 110.0),
        ("class", "01.1.2", 90.0),
        ("division", "01", 105.0),
    ]
