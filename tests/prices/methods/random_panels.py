"""Random panels of quotes, and the multilateral methods and options that tests cover."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import strategies as st

from ons_bigdata.prices.methods.multilateral.geks import MATRIX_FORMULAS
from ons_bigdata.prices.methods.multilateral.index import multilateral_index

WAYS = [
    *((f"geks_{formula}", {}) for formula in MATRIX_FORMULAS),
    ("geary_khamis", {}),
    *(("time_product_dummy", {"weights": weights}) for weights in ("shares", "levels", "none")),
    ("geks_time_product_dummy", {"weights": "shares"}),
    ("geks_sato_vartia", {}),
    ("geks_laspeyres", {}),
]
every_way = pytest.mark.parametrize(("method", "options"), WAYS, ids=[" ".join([m, *o.values()]) for m, o in WAYS])
COLUMNS = ["period", "product", "price", "quantity"]


def index(quotes: pl.DataFrame, method: str, **options) -> list[float | None]:
    table = multilateral_index(quotes, method, quantity="quantity", **options)
    assert table.columns == ["period", "index", "reason"]
    assert (table["index"].is_null() == table["reason"].is_not_null()).all()
    return table["index"].to_list()


def split_quotes() -> pl.DataFrame:
    """Periods 0 and 1 share product a, 2 and 3 product b; nothing links them."""
    rows = [(t, "a" if t < 2 else "b", 1.0 + t, 1.0) for t in range(4)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


class Panel:
    """A random panel: T×N prices and quantities, and who is there; product 0 always is, so that all pairs match."""

    def __init__(self, seed: int, anchored: bool = True):
        random = np.random.default_rng(seed)
        shape = (int(random.integers(2, 8)), int(random.integers(1, 7)))
        self.p = np.exp(random.normal(scale=0.7, size=shape) + random.normal(scale=3, size=shape[1]))
        self.q = np.exp(random.normal(size=shape) + random.normal(scale=2, size=shape[1]))
        self.m = random.random(shape) < random.choice([0.4, 0.7, 1.0])
        if anchored:
            self.m[:, 0] = True

    def quotes(self, p=None, q=None, order=None) -> pl.DataFrame:
        """Rows of the panel, with other prices or quantities if given; `order`: period t is called order[t]."""
        p, q = self.p if p is None else p, self.q if q is None else q
        order = range(len(self.m)) if order is None else order
        rows = [(int(order[t]), f"p{n}", float(p[t, n]), float(q[t, n])) for t, n in np.argwhere(self.m)]
        return pl.DataFrame(rows, schema=COLUMNS, orient="row")


panels = st.builds(Panel, st.integers(0, 2**32 - 1))
