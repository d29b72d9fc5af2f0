"""The ledger of published values: every row is reproduced by a test, or listed here with a reason."""

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

LEVELS = "(weight = price*quantity, levels not shares)"


def exceptions() -> dict[str, dict[Key, str]]:
    """File → series that no test reproduces → why."""
    half = "its half position of a window of 25 contradicts that of 13; SOURCES.md says not to use it"
    fews = {
        ("fews_turvey", "fews_tpd", f"window=25;splice=half;weighted={weighted} {LEVELS}"): half
        for weighted in ("TRUE", "FALSE")
    }
    hybrid = ("priceindices_milk", "hybrid", "start=2018-12;base=2019-03")
    other: dict[Key, str] = {hybrid: "its weights are correlations of prices and quantities over single transactions"}
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
    assert named == {FEWS: 48, INDEXNUMR: 0, OTHER: 13}
