"""The evaluation: figures computed by hand on few products, and its shape on a small world."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.scope.evaluation import (
    NO_QUOTES,
    NONE_CALLED_IN,
    Judgement,
    _figures,
    evaluate,
)
from ons_bigdata.prices.methods.scope.model import TooFewLabelsError
from ons_bigdata.prices.schemas.scope import ScopeMetric


@pytest.fixture(scope="module")
def small_world() -> pl.DataFrame:
    """Labels of two retailers and two items; sizes decide, and the rules know the cola of one retailer."""
    rows = []
    for retailer in ("sim-alder", "sim-birch"):
        for n, maker in enumerate("abcdefghijklmno"):
            for item, kind in ((212011, "cola"), (310403, "vodka")):
                right, wrong = ("2l", "500ml") if kind == "cola" else ("70cl", "35cl")
                for size, in_scope in ((right, True), (wrong, False)):
                    outcome = ("in" if in_scope else "out") if retailer == "sim-alder" else "open"
                    rows.append((item, retailer, f"{retailer[4:]} {maker} {kind} {size}", 2.0, in_scope, outcome, n))
    columns = ["item_number", "retailer", "product_name", "median_price_gbp", "in_scope", "rule_outcome", "quotes"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_figures_by_hand() -> None:
    # Four products: in and called in (twice the weight), out but called in and referred, out and called out, in but
    # called out.
    judgement = Judgement(
        guess=np.array([True, True, False, False]),
        certainty=np.array([0.4, 0.1, 0.5, 0.3]),
        referred=np.array([False, True, False, False]),
    )
    truth, weight = np.array([True, False, False, True]), np.array([2.0, 1.0, 1.0, 1.0])
    computed = {(m, r): v for m, r, v in _figures(judgement, truth, weight, np.ones(4, np.bool_), with_curve=True)}
    assert computed["accuracy", 0.0] == pytest.approx(3 / 5)
    assert computed["accuracy_decided", 0.0] == pytest.approx(3 / 4)
    assert computed["referred_share", 0.0] == pytest.approx(1 / 5)
    assert computed["precision", 0.0] == pytest.approx(2 / 3)
    assert computed["recall", 0.0] == pytest.approx(2 / 3)
    assert computed["accuracy_at_referral", 0.25] == pytest.approx(3 / 4)
    assert computed["accuracy_at_referral", 0.5] == pytest.approx(1.0)


def test_a_figure_without_support_is_a_reason() -> None:
    judgement = Judgement(np.array([False]), np.array([0.4]), np.array([False]))
    nothing = np.array([0.0])
    computed = {m: v for m, _, v in _figures(judgement, np.array([True]), nothing, np.array([True]), with_curve=False)}
    assert computed["precision"] == NONE_CALLED_IN
    assert computed["accuracy"] == NO_QUOTES


def test_held_out_products_are_judged_by_everyone(small_world: pl.DataFrame) -> None:
    computed = evaluate(small_world)
    ScopeMetric.validate(computed.with_columns(data_origin=pl.lit("simulated")))
    assert set(computed["breakdown"]) == {"all", "sim-alder", "sim-birch", "212011", "310403"}
    overall = computed.filter(
        (pl.col("breakdown") == "all") & (pl.col("weighting") == "products") & (pl.col("held_out") == "family")
    )
    value = {(r["decider"], r["metric"]): r["value"] for r in overall.filter(pl.col("referral") == 0).to_dicts()}
    assert value["majority", "accuracy"] <= 0.55
    assert value["rules", "referred_share"] == pytest.approx(0.5)
    assert value["rules", "accuracy_decided"] == 1.0
    assert value["model", "accuracy"] == 1.0
    assert value["rules_and_model", "accuracy_decided"] == 1.0


def test_too_few_families_raise_a_specific_error(small_world: pl.DataFrame) -> None:
    with pytest.raises(TooFewLabelsError, match="of 2 families"):
        evaluate(
            small_world.filter(pl.col("product_name").str.starts_with("alder a")).head(8).vstack(small_world.tail(1))
        )


def test_a_rule_outcome_that_is_not_known_is_refused(small_world: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="unknown rule_outcome"):
        evaluate(small_world.with_columns(rule_outcome=pl.lit("maybe")))
