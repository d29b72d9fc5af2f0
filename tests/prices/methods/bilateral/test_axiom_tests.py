"""Axioms of indices on given quotes: sound indices pass, each defect is caught by its axiom."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings

from ons_bigdata.prices.methods.bilateral.axioms import AXIOMS, KEPT_BY_ALL, axioms_violated
from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from tests.prices.methods.random_panels import Panel, panels

QUOTES = next(panel for seed in range(99) if min((panel := Panel(seed)).m.shape) > 4).quotes()


def fisher(quotes: pl.DataFrame) -> pl.DataFrame:
    return bilateral_index(quotes, "fisher", quantity="quantity")


def geks(quotes: pl.DataFrame) -> pl.DataFrame:
    return multilateral_index(quotes, "geks_tornqvist", quantity="quantity")


def caught(index_function) -> set[str]:
    return set(axioms_violated(index_function, QUOTES, axioms=AXIOMS)["axiom"])


def test_indices_that_keep_all_axioms():
    assert caught(geks) == set()
    spliced = axioms_violated(
        lambda q: multilateral_index(q, "geks_jevons", window=3, splice="mean_published"), QUOTES, axioms=KEPT_BY_ALL
    )
    assert spliced.is_empty()
    assert spliced.columns == ["axiom", "period", "expected", "found", "gap"]


@settings(max_examples=8, deadline=None)
@given(panels)
def test_a_geks_keeps_them_on_any_panel(panel):
    assert axioms_violated(geks, panel.quotes(), axioms=AXIOMS).is_empty()


def test_an_inverted_index_is_caught():
    def inverted(quotes: pl.DataFrame) -> pl.DataFrame:
        return geks(quotes).with_columns(index=1 / pl.col("index"))

    table = axioms_violated(inverted, QUOTES)
    assert set(table["axiom"]) == {"direction"}
    assert table["gap"].to_list() == pytest.approx([1 - 1 / 2.5**2] * table.height)


def test_each_axiom_catches_what_breaks_it():
    later = pl.col("period") > 0

    def jumping(quotes: pl.DataFrame) -> pl.DataFrame:
        return fisher(quotes).with_columns(index=pl.col("index") * pl.when(later).then(1.01).otherwise(1.0))

    def first_row(quotes: pl.DataFrame) -> pl.DataFrame:
        scale = quotes["price"][0] / quotes["price"].max()
        return fisher(quotes).with_columns(index=pl.col("index") * pl.when(later).then(scale).otherwise(1.0))

    def dutot(quotes: pl.DataFrame) -> pl.DataFrame:
        return bilateral_index(quotes, "dutot")

    def laspeyres(quotes: pl.DataFrame) -> pl.DataFrame:
        return bilateral_index(quotes, "laspeyres", "chained", quantity="quantity")

    def damped(quotes: pl.DataFrame) -> pl.DataFrame:
        return fisher(quotes).with_columns(index=pl.col("index").sqrt())

    assert {"identity", "common_change"} <= caught(jumping)
    assert "order_of_rows" in caught(first_row)
    assert caught(dutot) == {"commensurability"}
    assert "time_reversal" in caught(laspeyres)
    assert {"direction", "common_change"} <= caught(damped)


def test_a_null_where_there_was_an_index_is_a_failure():
    def shy(quotes: pl.DataFrame) -> pl.DataFrame:
        known = quotes["price"].n_unique() > quotes["product"].n_unique()
        return fisher(quotes).with_columns(index=pl.when(pl.lit(known) | (pl.col("period") == 0)).then("index"))

    table = axioms_violated(shy, QUOTES, axioms=["identity"])
    assert table["found"].null_count() == table.height == QUOTES["period"].n_unique() - 1


def test_an_index_that_is_null_everywhere_fails_every_axiom():
    def nothing(quotes: pl.DataFrame) -> pl.DataFrame:
        return fisher(quotes).with_columns(index=pl.lit(None, pl.Float64))

    table = axioms_violated(nothing, QUOTES, axioms=AXIOMS)
    assert table["axiom"].to_list() == list(AXIOMS)
    assert table.drop("axiom").null_count().row(0) == (len(AXIOMS),) * 4
    assert axioms_violated(lambda quotes: nothing(quotes).head(0), QUOTES)["axiom"].to_list() == list(KEPT_BY_ALL)
    assert axioms_violated(nothing, QUOTES.head(0)).is_empty()


def test_an_unknown_axiom_is_refused():
    with pytest.raises(ValueError, match="unknown axiom 'reversal'; known: identity, direction, common_change"):
        axioms_violated(fisher, QUOTES, axioms=["reversal"])
