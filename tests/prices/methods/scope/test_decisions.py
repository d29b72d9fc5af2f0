"""Order of decisions: label, rule, model; referral where the model is uncertain."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.prices.methods.scope.decisions import decide, usable_labels
from ons_bigdata.prices.schemas.scope import ProductScope, ScopeLabel

KEY = {"data_origin": "real", "item_number": 210111, "retailer": "tesco"}


def ruled(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                **KEY,
                "product_name": name,
                "quotes": 3,
                "rule_outcome": outcome,
                "rule_id": None if outcome == "open" else "210111-01",
                "rule_reason": "the title",
            }
            for name, outcome in rows
        ],
        schema_overrides={"rule_id": pl.String},
    )


def labelled(**judgements: bool) -> pl.DataFrame:
    rows = [{**KEY, "product_name": name, "in_scope": value} for name, value in judgements.items()]
    schema = {"data_origin": pl.String, "item_number": pl.Int64, "retailer": pl.String, "product_name": pl.String}
    return pl.DataFrame(rows, schema={**schema, "in_scope": pl.Boolean})


def predicted(*rows: tuple[str, float, bool]) -> pl.DataFrame:
    frame = [
        {**KEY, "product_name": name, "model_in_scope": p >= 0.5, "probability": p, "in_band": band}
        for name, p, band in rows
    ]
    schema = {"data_origin": pl.String, "item_number": pl.Int64, "retailer": pl.String, "product_name": pl.String}
    return pl.DataFrame(
        frame, schema={**schema, "model_in_scope": pl.Boolean, "probability": pl.Float64, "in_band": pl.Boolean}
    )


def test_label_before_rule_before_model() -> None:
    computed = decide(
        ruled(("a", "out"), ("b", "out"), ("c", "open"), ("d", "open"), ("e", "in")),
        labelled(a=True),
        predicted(("a", 0.1, False), ("b", 0.9, False), ("c", 0.9, False), ("d", 0.6, True), ("e", 0.1, False)),
    )
    told = computed.select("product_name", "in_scope", "referred", "decided_by").rows()
    assert told == [
        ("a", True, False, "analyst"),
        ("b", False, False, "rule"),
        ("c", True, False, "model"),
        ("d", True, True, "none"),
        ("e", True, False, "rule"),
    ]
    assert computed["reason"][1] == "the title (210111-01)"
    ProductScope.validate(computed, cast=True)


def test_without_a_model_what_is_open_is_referred_without_a_guess() -> None:
    computed = decide(ruled(("a", "in"), ("b", "open")), labelled(), predicted()).row(1, named=True)
    assert (computed["in_scope"], computed["referred"], computed["decided_by"]) == (None, True, "none")
    assert computed["reason"] == "no rule decides, and there is no model"


def test_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="1 with an unknown rule_outcome"):
        decide(ruled(("a", "perhaps")), labelled(), predicted())
    with pytest.raises(ValueError, match="predicted: 2 with a product that occurs twice"):
        decide(ruled(("a", "in")), labelled(), predicted(("a", 0.1, True), ("a", 0.2, True)))


def test_only_labels_that_agree_are_used() -> None:
    def row(load: str, line: int, name: str, in_scope: bool | None, price: float) -> dict[str, object]:
        more = {"load_id": load * 16, "line": line, "item_name": "Loaf", "readings": 2}
        return {**KEY, **more, "product_name": name, "in_scope": in_scope, "median_price_gbp": price}

    labels = pl.DataFrame(
        [
            row("a", 2, "agreed", True, 1.0),
            row("b", 2, "agreed", True, 2.0),
            row("a", 3, "readers differ", None, 1.0),
            row("a", 4, "files differ", True, 1.0),
            row("b", 4, "files differ", False, 1.0),
            row("a", 5, "one reading failed", None, 1.0),
            row("b", 5, "one reading failed", True, 1.0),
        ],
        schema=ScopeLabel.create_empty().schema,
    )
    computed = usable_labels(labels)
    assert computed.select("product_name", "in_scope", "median_price_gbp").rows() == [("agreed", True, 1.5)]
