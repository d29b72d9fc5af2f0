"""The ledger of published values: every row is reproduced by a test or named here with the reason why not."""

from __future__ import annotations

import pytest

from tests.prices.methods.aggregation import test_aggregation_published
from tests.prices.methods.bilateral import test_bilateral_published
from tests.prices.methods.multilateral import test_multilateral_published
from tests.prices.methods.panels import test_product_definition
from tests.prices.methods.published import FEWS, FILES, INDEXNUMR, OTHER, Key, golden, series_of

MODULES = (
    test_aggregation_published,
    test_bilateral_published,
    test_multilateral_published,
    test_product_definition,
)

NO_DESCRIPTIONS = "the shared milk prices have neither descriptions of products nor outlets, which group them here"
LEVELS = "(weight = price*quantity, levels not shares)"


def exceptions() -> dict[str, dict[Key, str]]:
    """File → series that no test reproduces → why."""
    half = "its half position of a window of 25 contradicts that of 13; SOURCES.md says not to use it"
    fews = {
        ("fews_turvey", "fews_tpd", f"window=25;splice=half;weighted={weighted} {LEVELS}"): half
        for weighted in ("TRUE", "FALSE")
    }
    other: dict[Key, str] = {
        ("priceindices_coffee", formula, "direct;base=2018-12"): "the coffee prices are not in the shared folder"
        for formula in ("laspeyres", "paasche", "fisher")
    }
    hybrid = ("priceindices_milk", "hybrid", "start=2018-12;base=2019-03")
    other[hybrid] = "its weights are correlations over single transactions; the shared prices are by month"
    for key in series_of(OTHER):
        if "multiplicative decomposition" in key[1] or key[1].startswith("final_index"):
            other[key] = NO_DESCRIPTIONS
    return {FEWS: fews, INDEXNUMR: {}, OTHER: other}


@golden
@pytest.mark.parametrize("file", FILES)
def test_every_published_row_is_reproduced_or_named(file):
    published = series_of(file)
    reproduced = set().union(*(module.REPRODUCED.get(file, set()) for module in MODULES))
    named = exceptions()[file]
    assert reproduced | named.keys() == published.keys()
    assert reproduced & named.keys() == set()


@golden
def test_the_ledger_in_rows():
    rows = {file: {key: len(values) for key, values in series_of(file).items()} for file in FILES}
    named = {file: sum(rows[file][key] for key in keys) for file, keys in exceptions().items()}
    assert {file: sum(of.values()) for file, of in rows.items()} == {FEWS: 480, INDEXNUMR: 1980, OTHER: 464}
    assert named == {FEWS: 48, INDEXNUMR: 0, OTHER: 43}
