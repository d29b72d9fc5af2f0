"""Multilateral indices against published and independently computed values (the shared folder `golden/prices`)."""

from __future__ import annotations

import csv
from collections import defaultdict

import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral import METHODS, fews_index, multilateral_index
from ons_bigdata.settings import Settings

GOLDEN = Settings().shared / "golden" / "prices"
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden values of prices are not in the shared folder")

SPLICE_OF = {"half": "half", "hasp": "half_published", "wisp": "window_published", "mean_pub": "mean_published"}
METHOD_OF = {"gk": "geary_khamis", "wtpd": "time_product_dummy"}


def rows_of(file: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """Read the published values: (dataset, method, params) → period → value as printed."""
    tables: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    with (GOLDEN / file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            tables[row["dataset"], row["method"], row["params"]][row["period"]] = row["value"].strip()
    return dict(tables)


def parameters(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";") if "=" in part)


def assert_published(found: dict[str, float], printed: dict[str, str], rtol: float = 1e-12) -> None:
    """Agree to `rtol` or to half a unit of the last printed digit, whichever is wider."""
    for period, text in printed.items():
        half_unit = 0.5 * 10.0 ** -len(text.partition(".")[2])
        expected = float(text)
        assert found[period] == pytest.approx(expected, rel=0, abs=max(rtol * expected, half_unit)), period


def by_period(table: pl.DataFrame) -> dict[str, float]:
    return dict(zip(table["period"].cast(pl.String), table["index"], strict=True))


@golden
def test_indexnumr_windows_and_splices():
    quotes = pl.read_csv(GOLDEN / "indexnumr_CES_sigma_2.csv")
    compared = 0
    for (dataset, method, params), printed in rows_of("expected_indexnumr.csv").items():
        chosen = parameters(params)
        known = METHOD_OF.get(method, method) in METHODS
        if dataset != "indexnumr_CES_sigma_2" or not known or "window" not in chosen:
            continue
        splice = chosen.get("splice")
        table = multilateral_index(
            quotes, METHOD_OF.get(method, method), window=int(chosen["window"]), splice=SPLICE_OF.get(splice, splice),
            period="time", product="prodID", price="prices", quantity="quantities",
        )  # fmt: skip
        # The literals of fewer digits come from an iteration that its own package meets to 2.4e-8 only.
        iterated = method == "gk" and max(map(len, printed.values())) < 12
        assert_published(by_period(table), printed, 3e-8 if iterated else 1e-12)
        compared += len(printed)
    assert compared == 28 * 12


GPINDEX = [
    ("gpindex_geks_dat", "geks_tornqvist", "window=13", None),
    ("gpindex_geks_dat", "geks_jevons", "window=13", None),
    ("gpindex_geks_dat", "geks_fisher", "window=11;splice=movement", "movement"),
    ("gpindex_geks_dat", "geks_fisher", "window=13;n=11 (last 11 links, cumprod)", None),
    ("gpindex_geks_dat", "geks_fisher", "window=13;n=10 (last 10 links, cumprod)", None),
    ("gpindex_geks_dat", "geks_fisher", "window=2 (=chained fisher)", "movement"),
    ("gpindex_geks_dat", "geks_walsh1", "window=13;match=back-price", None),
    ("gpindex_geks_dat", "geks_walsh1", "window=10;n=3;movement links, see test", "movement"),
    ("gpindex_geks_dat", "geks_tornqvist", "window=7;splice=mean", "mean"),
    ("gpindex_geks_dat", "geks_fisher", "window=3;splice=window(periods=1)", "window"),
    ("gpindex_geks_dat", "geks_jevons", "window=6;splice=periods 3", "half"),
    ("gpindex_geks_dat2", "geks_tornqvist_balanced", "window=13;na.rm=TRUE", None),
    ("gpindex_geks_dat2", "geks_jevons", "window=13;na.rm=TRUE", None),
    ("gpindex_geks_dat2", "geks_walsh1_balanced", "window=2;na.rm=TRUE", "movement"),
]


@golden
@pytest.mark.parametrize(("dataset", "method", "params", "splice"), GPINDEX)
def test_gpindex_geks_with_missing_prices(dataset, method, params, splice):
    printed = list(rows_of("expected_published_other.csv")[dataset, method, params].values())
    quotes = pl.read_csv(GOLDEN / f"{dataset}.csv")
    window = int(parameters(params.replace(" (", ";("))["window"])
    name = method.removesuffix("_balanced").replace("walsh1", "walsh")
    found = multilateral_index(quotes, name, window=window, splice=splice, quantity="quantity")["index"].to_list()
    # The printed series begin at 1 in the period before their first.
    base = found[-len(printed) - 1]
    assert [value / base for value in found[-len(printed) :]] == pytest.approx(list(map(float, printed)), rel=1e-12)


@golden
def test_fews_on_the_turvey_data():
    quotes = pl.read_csv(GOLDEN / "fews_turvey.csv", try_parse_dates=True)
    compared = 0
    for (_, _, params), printed in rows_of("expected_fews_turvey.csv").items():
        chosen = parameters(params)
        window, splice = int(chosen["window"]), chosen["splice"].replace("geomean", "mean")
        if (window, splice) == (25, "half"):
            continue
        quantity = "quantity" if chosen["weighted"].startswith("TRUE") else None
        table = fews_index(quotes, window=window, splice=splice, period="month", product="commodity", quantity=quantity)
        assert_published(by_period(table), printed)
        compared += len(printed)
    assert compared == 8 * 36 + 6 * 24


MILK = [
    (("geks_fisher", "start=2018-12;window=13"), ("2018-12", "2019-12"), "geks_fisher", {}),
    (("ccdi(geks_tornqvist)", "start=2018-12;window=13"), ("2018-12", "2019-12"), "geks_tornqvist", {}),
    (
        ("tpd", "base=2018-12;window=10;splice=half"),
        ("2018-12", "2020-02"),
        "time_product_dummy",
        {"window": 10, "splice": "half"},
    ),
    (("geks_fisher", "base=2019-01;wstart=2019-01;window=10"), ("2019-01", "2019-10"), "geks_fisher", {}),
    (
        ("geks_fisher", "fbew;base=2018-12"),
        ("2018-12", "2020-03"),
        "geks_fisher",
        {"splice": "fixed_base_expanding", "expanding": "fbew_december"},
    ),
    (
        ("ccdi", "fbmw;base=2018-12"),
        ("2018-12", "2020-03"),
        "geks_tornqvist",
        {"splice": "fixed_base_moving", "window": 13},
    ),
    (("geks", "start=2019-12;end=2020-02;window=3"), ("2019-12", "2020-02"), "geks_fisher", {}),
]


@golden
@pytest.mark.parametrize(("key", "months", "method", "options"), MILK, ids=[" ".join(row[0]) for row in MILK])
def test_priceindices_milk(key, months, method, options):
    printed = rows_of("expected_published_other.csv")["priceindices_milk", *key]
    quotes = pl.read_csv(GOLDEN / "priceindices_milk_monthly.csv", schema_overrides={"month": pl.String})
    quotes = quotes.filter(pl.col("month").is_between(*map(pl.lit, months)))
    quotes = quotes.with_columns((pl.col("month") + "-01").str.to_date())
    table = multilateral_index(
        quotes, method, period="month", product="prodID", price="prices", quantity="quantities", **options
    )
    assert_published({period[:7]: value for period, value in by_period(table).items()}, printed)


@golden
@pytest.mark.parametrize("method", ["gk", "wtpd"])
def test_indexnumr_prices_carried_forward_without_a_sale_have_no_weight(method):
    # The package carries product 1's price into periods 2 and 3 with quantity 0: the same as leaving the rows out.
    key = ("indexnumr_CES_sigma_2[rows 2,3 removed]", method, "window=12;imputePrices=carry")
    quotes = pl.read_csv(GOLDEN / "indexnumr_CES_sigma_2.csv")
    quotes = quotes.filter(~((pl.col("prodID") == 1) & pl.col("time").is_in([2, 3])))
    table = multilateral_index(
        quotes, METHOD_OF[method], period="time", product="prodID", price="prices", quantity="quantities"
    )
    assert_published(by_period(table), rows_of("expected_indexnumr.csv")[key])
