"""Signed bias by class: by hand, resamples, bounds, coverage, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from ons_bigdata.estimation.flow_validation.class_bias import signed_bias

ESTIMATE = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["a", "b", "a"], "flow": [6.0, 2.0, 2.0]})
REFERENCE = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["a", "b", "a"], "flow": [10.0, 4.0, 6.0]})
CLASSES = ESTIMATE.select("origin", "destination", within=pl.Series(["within", "between", "between"]))


def zones(seed: int, n: int = 12) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Estimate, reference and classes of all pairs of n zones."""
    random = np.random.default_rng(seed)
    keys = {"origin": np.repeat(np.arange(n), n), "destination": np.tile(np.arange(n), n)}
    reference = random.poisson(random.gamma(1, 20, n * n)).astype(float) + 1
    estimate = random.poisson(reference * 0.3).astype(float)
    classes = pl.DataFrame(keys | {"band": random.integers(0, 3, n * n), "half": keys["origin"] % 2})
    return pl.DataFrame(keys | {"flow": estimate}), pl.DataFrame(keys | {"flow": reference}), classes


def test_by_hand() -> None:
    """10 of 20 persons: scaled by 2, the 6 within are 12 of 10, and the 4 between are 8 of 10."""
    table = signed_bias(ESTIMATE, REFERENCE, CLASSES, draws=0)
    assert table["category"].to_list() == ["between", "within"]
    assert table["log_bias"].to_list() == pytest.approx(np.log([0.8, 1.2]))
    assert table["pairs"].to_list() == [2, 1]
    assert table["origins"].to_list() == [2, 1]
    plain = signed_bias(ESTIMATE, REFERENCE, CLASSES, scale="none", draws=0)
    assert plain["log_bias"].to_list() == pytest.approx(np.log([0.4, 0.6]))
    few = signed_bias(ESTIMATE, REFERENCE, CLASSES, draws=50)
    assert few["lower"].is_null().all()
    assert "fewer than 5 effective origins" in few["reason"][0]


@pytest.mark.parametrize("scale", ["total", "none"])
def test_spread_equals_that_of_tables_of_drawn_origins(scale: str) -> None:
    """The same resamples, made as tables of the drawn origins."""
    estimate, reference, classes = zones(3)
    ours = signed_bias(estimate, reference, classes.select("origin", "destination", "band"), scale=scale, draws=200)  # type: ignore[arg-type]
    both = estimate.join(reference, on=["origin", "destination"], suffix="_c").join(
        classes, on=["origin", "destination"]
    )
    whole = both.group_by("band").agg(pl.col("flow_c").sum()).sort("band")["flow_c"].to_numpy()
    copies = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=200)
    drawn = []
    for copy in copies:
        table = both.with_columns(w=pl.Series(copy[both["origin"].to_numpy()]))
        sums = table.group_by("band").agg((pl.col("flow", "flow_c") * pl.col("w")).sum()).sort("band")
        ratio = (sums["flow"] / sums["flow_c"]).to_numpy()
        drawn.append(np.log(ratio) - np.log(ratio @ whole / whole.sum()) * (scale == "total"))
    spread = np.std(drawn, axis=0)
    mass = np.zeros((12, 3))
    np.add.at(mass, (both["origin"].to_numpy(), both["band"].to_numpy()), both["flow_c"].to_numpy())
    m = mass.sum(0) ** 2 / (mass**2).sum(0)
    freedom = (mass**2).sum(0) ** 2 / (mass**4).sum(0) - 1
    half = spread * np.sqrt(m / (m - 1)) * t.ppf(0.975, freedom)
    np.testing.assert_allclose((ours["upper"] - ours["lower"]) / 2, half, rtol=1e-9)
    np.testing.assert_allclose((ours["upper"] + ours["lower"]) / 2, ours["log_bias"], rtol=1e-9)


@given(st.integers(0, 10_000), st.sampled_from(["total", "none"]), st.booleans())
@settings(max_examples=25)
def test_bounds_hold_the_bias_without_suppression(seed: int, scale: str, with_margins: bool) -> None:
    estimate, reference, classes = zones(seed, 7)
    hidden = (pl.col("flow") > 0) & (pl.col("flow") < 5)
    cut = estimate.with_columns(
        status=pl.when(hidden).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(hidden).then(0.0),
        upper=pl.when(hidden).then(4.0),
        flow=pl.when(~hidden).then("flow"),
    )
    margins = {
        f"{side}_totals": estimate.group_by(side).agg(total=pl.col("flow").sum()) for side in ("origin", "destination")
    }
    bounded = signed_bias(cut, reference, classes, scale=scale, draws=0, **(margins if with_margins else {}))  # type: ignore[arg-type]
    truth = signed_bias(estimate, reference, classes, scale=scale, draws=0)  # type: ignore[arg-type]
    both = bounded.join(truth, on=["classification", "category"], suffix="_truth").filter(pl.col("lower").is_not_null())
    assert both.height >= 3
    assert (both["lower"] - 1e-9 <= both["log_bias_truth"]).all()
    assert (both["upper"] + 1e-9 >= both["log_bias_truth"]).all()
    assert (both["upper"] - both["lower"]).max() > 0  # type: ignore[operator]
    if with_margins and scale == "none":  # the halves are sets of origins: their totals are published
        halves = both.filter(pl.col("classification") == "half")
        np.testing.assert_allclose(halves["lower"], halves["upper"], atol=1e-9)


def test_rows_in_any_order_and_other_types_give_the_same() -> None:
    estimate, reference, classes = zones(5)
    table = signed_bias(estimate, reference, classes, draws=50)
    again = signed_bias(
        estimate.sample(fraction=1, shuffle=True, seed=1).cast({"origin": pl.Int16}).lazy(),
        reference.sample(fraction=1, shuffle=True, seed=2),
        classes.cast({"origin": pl.UInt8}),
        draws=50,
    )
    assert table.select("classification", "category").equals(again.select("classification", "category"))
    for column in ("log_bias", "lower", "upper"):
        np.testing.assert_allclose(table[column], again[column], rtol=1e-9)
    assert table.filter(pl.col("classification") == "band")["category"].to_list() == ["0", "1", "2"]


def test_bad_input_is_refused() -> None:
    for classes, options, message in (
        (CLASSES.drop("within"), {}, "classes has no column besides origin and destination"),
        (CLASSES.head(2), {}, "pairs of the flows in classes: 1 with no within; the first: origin b, destination a"),
        (
            CLASSES.with_columns(origin=pl.int_range(3)),
            {},
            "classes: column origin is Int64; in the flows it is String",
        ),
        (pl.concat([CLASSES, CLASSES]), {}, "classes: rows with the same origin and destination"),
        (CLASSES, {"scale": "all"}, "unknown scale 'all'; known: total, none"),
        (CLASSES, {"draws": 5}, "draws is 5; expected 0 or at least 20"),
        (CLASSES, {"confidence": 1.5}, "confidence is 1.5"),
    ):
        with pytest.raises(ValueError, match=message):
            signed_bias(ESTIMATE, REFERENCE, classes, **options)  # type: ignore[arg-type]
    empty = signed_bias(ESTIMATE.with_columns(flow=pl.lit(0.0)), REFERENCE, CLASSES)
    assert empty["log_bias"].is_null().all()
    assert (empty["reason"] == "a table has no flow in this class").all()
