"""Suggestions for unknown names: the right one or none."""

from __future__ import annotations

import re

import polars as pl
import pytest

from ons_bigdata.estimation.input_checks import suggestion
from ons_bigdata.prices.methods import aggregation, bilateral, multilateral, panels, quality, recipes
from tests.prices.methods.test_input_frames import QUOTES, SERIES, TREE, WEIGHTS, Q


def suggested(call) -> str | None:
    with pytest.raises(ValueError, match=r"known: |expected one of") as error:
        call()
    computed = re.search(r"; did you mean (.*)\?$", str(error.value))
    return computed[1] if computed else None


METHODS = {
    "geksl": "geks_laspeyres", "GEKS-L": "geks_laspeyres", "geksgl": "geks_geometric_laspeyres",
    "gekslm": "geks_lloyd_moulton", "geksqm": "geks_quadratic_mean", "geksj": "geks_jevons", "geksw": "geks_walsh",
    "geks_tornqvist_index": "geks_tornqvist", "CCDI": "geks_tornqvist", "utpd": "time_product_dummy with the option",
    "geary": "geary_khamis", "Geary Khamis": "geary_khamis", "jevons": "geks_jevons", "geomean": "geks_jevons",
    "fisher": "geks_fisher", "törnqvist": "geks_tornqvist", "tornqvst": "geks_tornqvist", "gk": "geary_khamis",
    "geksfisher": "geks_fisher", "geks_fihser": "geks_fisher",
    "geksaqu": None, "geksaqi": None, "geksgaqi": None, "geksiqm": None, "wgeks": None, "wgeksl": None, "qu": None,
    "geksx": None, "agmean": None, "lowe": None, "young": None, "spq": None, "geks_geometric": None, "movement": None,
}  # fmt: skip
SPLICES = {
    "movement_published": "movement, which is the same on the published series", "none": "None, one window",
    "None": "None, one window", "join": "movement", "half window": "half", "half_window": "half",
    "half_pub": "half_published", "window_pub": "window_published", "moovement": "movement", "geomean": "mean",
    "WISP": "window_published", "wasp": None, "fixed_base": None, "fbw": None, "splice": None, "median": None,
    "moving": None, "fisher": None,
}  # fmt: skip
EXPANDING = {
    "fbew": "fbew_december", "december": "fbew_december", "window": "fbew_window",
    "fbmw": "the splice fixed_base_moving", "half window": None, "fbw": None, "monthly": None,
}  # fmt: skip
FORMULAS = {
    "geary": "geary_khamis", "harm": "harmonic", "harmonic_mean": None, "Fisher index": "fisher", "agmean": None,
    "geomean": "jevons", "geometric": None, "lasp": "laspeyres", "laspeyers": "laspeyres", "tornq": "tornqvist",
    "banerjee": None, "davies": None, "bialek": None, "lehr": None, "ag": None, "ccdi": None,
}  # fmt: skip
DECOMPOSED = {
    "ccdi": "tornqvist", "geks": "fisher", "geks_fisher": "fisher", "GEKS-Walsh": "walsh", "geksl": "laspeyres",
    "geks_tornqvist": "tornqvist", "geks_jevons": "jevons", "geksaqu": None, "geary": "geary_khamis",
}  # fmt: skip
AGGREGATES = {
    "jevons": "geometric", "geomean": "geometric", "geometric mean": "geometric", "lowe_index": "lowe",
    "laspeyre": "laspeyres", "fisher": None, "paasche": None, "arithmetic": None, "walsh": None,
}  # fmt: skip
CALLS = {
    "method": (METHODS, lambda name: multilateral.multilateral_index(QUOTES, name, **Q)),
    "splice": (SPLICES, lambda name: multilateral.multilateral_index(QUOTES, "geks_jevons", window=3, splice=name)),
    "expanding": (
        EXPANDING,
        lambda name: multilateral.multilateral_index(
            QUOTES, "geks_jevons", window=3, splice="fixed_base_expanding", expanding=name
        ),
    ),
    "formula": (FORMULAS, lambda name: bilateral.bilateral_index(QUOTES, name, **Q)),
    "decomposition": (DECOMPOSED, lambda name: multilateral.geks_decomposition(QUOTES, name, 0, 3, **Q)),
    "aggregate": (AGGREGATES, lambda name: aggregation.aggregate(SERIES, WEIGHTS, TREE, formula=name)),
    "incomplete": (
        {"fbew": None, "december": None, "least": "least_squares"},
        lambda name: multilateral.multilateral_index(QUOTES, "geks_jevons", incomplete=name),
    ),
    "imputation": (
        {
            "locf": "carry_forward",
            "class": "class_mean",
            "carry": "carry_forward",
            "mean": None,
            "interp": "interpolate",
        },
        lambda name: panels.impute_prices(QUOTES, name),
    ),
    "outlier rule": (
        {"hidiroglou": None, "HB": "hb", "mad": "robust_z", "tukeys": None, "tukay": None, "kimberr": "kimber"},
        lambda name: quality.outlier_bounds([1.0, 2.0], name),
    ),
    "recipe": ({"web_dayly": "web_daily", "cpi": None, "web": None, "ons": None}, recipes.recipe_named),
    "mean index": (
        {"fischer": "fisher", "jevons": None, "geomean": None},
        lambda name: aggregation.mean_index([1, 2], [1, 1], [1, 1], formula=name),
    ),
}
CASES = [(call, name, expected) for names, call in CALLS.values() for name, expected in names.items()]


@pytest.mark.parametrize(("call", "name", "expected"), CASES, ids=[f"{name}" for _, name, _ in CASES])
def test_the_right_name_is_suggested_or_none(call, name, expected):
    computed = suggested(lambda: call(name))
    assert computed == expected or (expected is not None and computed is not None and computed.startswith(expected)), (
        computed
    )


def test_rules_of_suggestions():
    known = ("alpha_index", "beta", "gamma_one", "gamma_two")
    assert suggestion("Alpha", known) == "alpha_index"
    assert suggestion("gamma", known) is None  # two begin with it
    assert suggestion("gamma_tow", known) == "gamma_two"  # neighbours exchanged
    assert suggestion("bet", known) is None  # too short to be an abbreviation
    assert suggestion("beto", known) is None  # a code may mean another method
    assert suggestion("abcdef", ("abcdeg", "abcdeh")) is None  # two are as near


def test_what_is_suggested_is_known():
    for alias, name in multilateral.registry.ALIASES.items():
        assert name.split(" ")[0] in multilateral.METHODS, alias
    for alias, name in multilateral.splicing.SPLICE_ALIASES.items():
        assert name.split(" ")[0].strip(",") in ("None", *multilateral.SPLICES), alias
    assert pl.Series(list(bilateral.registry.GEKS_ALIASES.values())).is_in(list(bilateral.FORMULAS)).all()
