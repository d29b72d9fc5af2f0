"""The fixed base of an expanding window that begins with a full one (`fbew_window`), against published values.

Ten products over 19 months and the indices of PriceIndexCalc's tests (group abc of `large_input_df.csv`), window 13.
"""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral import multilateral_index
from tests.prices.methods.random_panels import COLUMNS

# Prices, each for a number of months, and the quantities of the 19 months; "." where there is no row.
ROWS = """
2.42*7 1.64*5 1.02*3 0.8*4 | 21 8 18 8 27 26 39 26 43 37 65 7 43 32 92 34 56 66 31
1.49*4 2.15*7 1.93*4 1.94*2 1.79*2 | 13 16 6 37 33 14 21 9 6 14 5 22 16 13 4 4 4 19 6
4.07*9 4.15*5 4.49*2 3.65*3 | 1 1 1 1 2 1 . 1 1 . . 1 1 . 1 1 1 1 1
2.18*5 2.2*6 2.56*2 1.91*1 2.4*4 2.65*1 | 9 23 3 12 7 16 8 13 8 9 11 4 3 12 3 4 16 7 7
1.25*2 1.34*6 1.29*1 0.99*10 | 15 9 8 3 4 12 16 4 14 10 20 7 5 5 9 10 9 4 2
0.52*2 0.46*1 0.42*1 0.52*1 0.66*2 0.51*4 0.42*3 0.65*2 0.7*1 0.66*1 0.77*1 |
 61 110 72 310 57 55 34 168 37 38 77 66 113 69 76 151 90 43 45
3.28*10 3.88*5 4.78*4 | 1 5 8 3 4 . 5 . 5 . 3 4 7 3 . 1 5 1 3
1.72*7 1.98*8 1.89*4 | 12 7 26 4 8 . 7 17 4 5 33 30 16 18 7 21 7 19 11
1.66*19 | . . 18 . 6 5 13 23 9 10 5 . 10 10 9 19 11 12 17
2.97*12 3.96*2 3.81*3 3.73*2 | . . . 63 54 15 12 27 22 10 35 99 53 49 17 150 14 13 22
"""
MONTHS = [date(2017 + m // 12, m % 12 + 1, 1) for m in range(19)]
PUBLISHED = {
    "geks_fisher": [1, 0.979846501686403, 0.975689907698345, 0.917700367764646, 1.02508887523695, 1.08626214808792,
        1.0737657377868, 0.955825209297902, 0.932273690540404, 0.927778312063912, 0.929158034152246, 0.943150088818299,
        0.932279777543277, 0.920526022179518, 0.977096555700463, 0.942101462762177, 0.962256851257452,
        0.922207630829192, 0.961006496707212],
    "geks_tornqvist": [1, 0.976153195408064, 0.973725829855553, 0.914457761569918, 1.02516651243908, 1.08650489140257,
        1.07453837327323, 0.955554913171908, 0.934365053366212, 0.93071213396331, 0.931017501066632, 0.940270692708959,
        0.937724827405911, 0.926828274674051, 0.984271743985458, 0.946059046953878, 0.971174143461678,
        0.928332832723014, 0.966853364254827],
    "geary_khamis": [1, 0.955174881458671, 0.961998522412099, 0.869002238234516, 0.992579076775261, 1.08030242760425,
        1.07741139278869, 0.949911251370978, 0.920184621966831, 0.926581469940943, 0.915666155787399, 0.917912366635792,
        0.965822042290721, 0.958024000140555, 1.03040753625965, 0.982984904657941, 1.01944984323565, 0.958305288426979,
        1.00709790634242],
    "time_product_dummy": [1, 0.96146233108219, 0.969153262033861, 0.876609737370061, 1.00214885575819,
        1.07956915413174, 1.07480978190849, 0.950694563724201, 0.915538873476664, 0.920079978606173, 0.913795902006886,
        0.933756739938904, 1.00846167538046, 0.999996503389027, 1.07717452854716, 1.02412051800212, 1.06094938666965,
        0.996981512938625, 1.04625385900964],
}  # fmt: skip


def quotes() -> pl.DataFrame:
    rows = []
    for product, line in enumerate(ROWS.strip().replace("|\n", "|").splitlines()):
        prices, quantities = line.split("|")
        each = [
            float(price) for price, months in (run.split("*") for run in prices.split()) for _ in range(int(months))
        ]
        rows += [
            (month, product, price, float(quantity))
            for month, price, quantity in zip(MONTHS, each, quantities.split(), strict=True)
            if quantity != "."
        ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@pytest.mark.parametrize("method", PUBLISHED)
def test_priceindexcalc_fixed_base_of_an_expanding_window(method):
    options = {"window": 13, "splice": "fixed_base_expanding", "expanding": "fbew_window"}
    table = multilateral_index(quotes(), method, quantity="quantity", **options)
    assert table["period"].to_list() == MONTHS
    # Geary-Khamis is iterated there.
    assert table["index"].to_list() == pytest.approx(PUBLISHED[method], rel=1e-7 if method == "geary_khamis" else 2e-14)
