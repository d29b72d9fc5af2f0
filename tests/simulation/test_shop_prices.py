"""Truth of the simulated shops: products, names, scope, packs and prices."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.simulation.shop_prices import shop_prices
from ons_bigdata.simulation.shop_products import ITEMS
from ons_bigdata.simulation.shop_shelves import LATER_RETAILERS, RETAILERS, Pack, read_pack
from ons_bigdata.simulation.shop_world import build_world

SHELF = ["retailer", "item_number"]
PRODUCT = [*SHELF, "product_id", "product_name", "pack"]


@pytest.fixture(scope="module")
def shelves(world) -> pl.DataFrame:
    return world.shelves.filter(pl.col("retailer").is_in(list(RETAILERS)))


@pytest.fixture(scope="module")
def on_sale(shelves) -> pl.DataFrame:
    return shelves.filter("in_stock").sort(*PRODUCT, "day")


# --- what is on the shelves -----------------------------------------------------------------------------


def test_more_than_6500_target_products_are_on_sale_on_each_day(on_sale):
    targets = on_sale.filter("in_scope").group_by("day").len()
    assert targets.height == 28
    assert targets["len"].min() > 6_500
    assert on_sale.height < 300_000


def test_a_quarter_to_two_fifths_of_each_shelf_is_out_of_scope(shelves):
    shares = shelves.group_by(*SHELF, "day").agg(other=1 - pl.col("in_scope").mean())
    assert shares.height == 3 * 35 * 28
    assert 0.25 <= shares["other"].min() <= shares["other"].max() <= 0.40


def test_counts_vary_by_a_few_per_cent_from_day_to_day(on_sale):
    counts = on_sale.group_by(*SHELF, "day").len().sort(*SHELF, "day")
    ratio = counts.select((pl.col("len") / pl.col("len").median()).over(SHELF)).to_series()
    assert ratio.min() > 0.90 and ratio.max() < 1.10
    assert ((ratio - 1).abs() <= 0.03).mean() > 0.85
    assert ratio.std() > 0.005


def test_sundays_and_the_days_after_have_a_little_less(world, on_sale):
    weekday = (pl.lit(world.start) + pl.duration(days="day")).dt.weekday()
    of_day = on_sale.group_by("day").len().with_columns(weekday.alias("weekday")).group_by("weekday").mean()
    by_weekday = dict(of_day.select("weekday", "len").rows())
    assert by_weekday[1] < by_weekday[6]
    assert by_weekday[1] / by_weekday[6] > 0.98


def test_names_show_whether_a_product_is_in_scope(shelves):
    """Words by which a reader knows: none of what is not meant stands in the name of what is."""
    names = shelves.filter("in_scope").select("item_number", "product_name").unique()
    telling = {
        310421: ("CHILEAN", "ROSE", "AUSTRALIAN", "187ML", "150CL"),
        310419: ("CHILEAN", "ROSE", "NEW ZEALAND", "187ML"),
        211709: ("GOAT", "FLAVOURED", "SEMI", "SKIMMED", "1 PINT"),
        211901: ("GREEN", "PEPPERMINT", "DECAF", "240"),
        212519: ("RED", "WHITE", "SPRING"),
        310215: ("CANS", "FREE", "12X"),
    }
    for item_number, words in telling.items():
        of_item = names.filter(item_number=item_number)["product_name"]
        assert of_item.len() > 150
        # whole words: HAREBELL is no HARE
        assert not of_item.str.contains(rf"\b({'|'.join(words)})").any(), item_number


def test_a_name_is_one_product_of_a_shelf_but_where_sizes_share_it(shelves):
    owners = shelves.group_by(*SHELF, "product_name").agg(pl.col("product_id").n_unique())
    assert owners.filter(pl.col("product_id") > 1)["retailer"].unique().to_list() == ["sim-cedar"]
    scopes = shelves.group_by(*SHELF, "product_name").agg(pl.col("in_scope").n_unique())
    assert scopes["in_scope"].max() == 1


def test_an_id_is_one_product_of_a_retailer_on_one_or_two_shelves(shelves):
    on = shelves.group_by("retailer", "product_id").agg(
        shelves=pl.col("item_number").n_unique(), names=pl.col("product_name").n_unique()
    )
    assert on["shelves"].max() == 2
    assert on.filter(pl.col("shelves") == 2).group_by("retailer").len()["len"].min() > 10
    assert on["names"].max() == 2  # before and after its pack became smaller
    guests = shelves.filter(pl.col("place") >= 1000)
    assert not guests["in_scope"].any()


def test_a_product_has_one_true_price_a_day(shelves):
    assert not shelves.select([*PRODUCT, "day"]).is_duplicated().any()


def test_products_leave_and_enter(shelves):
    days = shelves.filter(~pl.col("item_number").is_in([212720, 212722])).group_by(PRODUCT)
    lives = days.agg(first=pl.col("day").min(), last=pl.col("day").max())
    assert 0.04 < (lives["last"] < 27).mean() < 0.15
    assert 0.04 < (lives["first"] > 0).mean() < 0.15


def test_a_retailers_products_do_not_depend_on_the_others(world):
    alone = build_world(retailers=tuple(LATER_RETAILERS)).shelves
    assert alone.equals(world.shelves.filter(pl.col("retailer").is_in(list(LATER_RETAILERS))))


def test_an_unknown_retailer_is_an_error():
    with pytest.raises(ValueError, match="retailer 'sim-elm'; known: sim-alder, sim-birch, sim-cedar, sim-damson"):
        build_world(retailers=("sim-elm",))


# --- prices ---------------------------------------------------------------------------------------------


def test_prices_are_sticky_and_end_in_0_5_or_9(on_sale):
    assert set(on_sale["price_pence"] % 10) <= {0, 5, 9}
    changes = on_sale.select((pl.col("price_pence") != pl.col("price_pence").shift(1)).over(PRODUCT).mean())
    assert 0.02 < changes.item() < 0.06


def test_every_shelf_moves_within_three_days(on_sale):
    """So that a shelf that stands still for a week is a stale copy and nothing else."""
    changed = on_sale.with_columns(
        changed=(pl.col("price_pence") != pl.col("price_pence").shift(1)).over(PRODUCT).fill_null(value=False)
    )
    by_day = changed.group_by(*SHELF, "day").agg(pl.col("changed").sum()).sort(*SHELF, "day")
    within = by_day.with_columns(pl.col("changed").rolling_sum(3).over(SHELF).alias("within"))
    assert within.filter(pl.col("day") >= 3)["within"].min() > 0


def test_sales_last_one_to_two_weeks_and_cut_a_fifth_to_a_third(shelves):
    sales = shelves.filter(pl.col("price_pence") < pl.col("regular_pence"))
    cut = 1 - sales["price_pence"] / sales["regular_pence"]
    assert 0.2 - 1e-9 <= cut.min() <= cut.max() <= 0.33 + 1e-9
    spells = sales.sort(*PRODUCT, "day").with_columns(
        spell=pl.col("day") - pl.int_range(pl.len()).over([*PRODUCT, "price_pence", "regular_pence"])
    )
    lengths = spells.group_by(*PRODUCT, "price_pence", "regular_pence", "spell").agg(
        days=pl.len(), first=pl.col("day").min(), last=pl.col("day").max()
    )
    whole = lengths.filter(pl.col("first") > 0, pl.col("last") < 26)
    assert whole.height > 500
    assert whole["days"].max() <= 14
    assert (whole["days"] >= 7).mean() > 0.9  # the rest left the shelf
    by_day = sales.group_by("day").len()["len"]
    assert by_day.max() / by_day.min() < 1.3  # as many on the first day as later


def test_after_a_sale_the_price_goes_back(shelves):
    ordered = shelves.sort(*PRODUCT, "day").with_columns(
        was_on_sale=(pl.col("price_pence") < pl.col("regular_pence")).shift(1).over(PRODUCT),
        regular_before=pl.col("regular_pence").shift(1).over(PRODUCT),
    )
    ended = ordered.filter("was_on_sale", pl.col("price_pence") == pl.col("regular_pence"))
    assert ended.height > 1000
    assert (ended["price_pence"] == ended["regular_before"]).all()


def test_packs_become_smaller_at_no_lower_price(world):
    changes = world.pack_changes
    assert changes.group_by("retailer").len()["len"].to_list() == [5] * 4
    for change in changes.iter_rows(named=True):
        product = world.shelves.filter(
            retailer=change["retailer"], item_number=change["item_number"], product_id=change["product_id"]
        ).sort("day")
        before, after = product.filter(day=change["day"] - 1), product.filter(day=change["day"])
        assert before["product_name"].item() == change["product_name_before"]
        assert after["product_name"].item() == change["product_name"]
        assert change["product_name"] == change["product_name_before"].replace(change["pack_before"], change["pack"])
        assert 0.85 < after["quantity"].item() / before["quantity"].item() < 0.92
        assert after["price_pence"].item() >= before["price_pence"].item()
        assert product["in_scope"].all()


def test_strawberries_and_grapes_have_a_season():
    year = build_world(days=366, start=date(2016, 1, 1), shelf_size=0.2, retailers=("sim-birch",)).shelves
    month = (pl.lit(date(2016, 1, 1)) + pl.duration(days="day")).dt.month().alias("month")
    by_month = year.filter("in_scope").group_by("item_number", month).agg(pl.len(), pl.col("price_pence").mean())

    def level(item_number: int, number: int) -> tuple[float, float]:
        return by_month.filter(item_number=item_number, month=number).select("len", "price_pence").row(0)

    strawberries, winter = level(212720, 6), level(212720, 1)
    assert strawberries[0] > 1.35 * winter[0]
    assert strawberries[1] < 0.8 * winter[1]
    assert level(212722, 9)[0] > 1.15 * level(212722, 3)[0]
    apples = [level(212717, number)[0] for number in (1, 3, 5, 7, 10, 12)]
    assert max(apples) / min(apples) < 1.15


# --- packs and prices as written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "quantity", "measure"),
    [
        ("800G", 800, "g"),
        ("2.5KG", 2500, "g"),
        ("4X330ML BOTTLES", 1320, "ml"),
        ("2.272L/4 PINTS", 2272, "ml"),
        ("70CL", 700, "ml"),
        ("80 BAGS 250G", 250, "g"),
        ("6 PACK", 6, "each"),
        ("LOOSE", 1, "each"),
    ],
)
def test_packs_are_read(text, quantity, measure):
    assert read_pack(text) == Pack(text, pytest.approx(quantity), measure)


def test_a_pack_without_a_size_is_refused():
    with pytest.raises(ValueError, match="pack 'A FEW'; expected such as 800G"):
        read_pack("A FEW")


def test_every_pack_of_every_item_can_be_read():
    assert len(ITEMS) == len({item.number for item in ITEMS}) == 35
    for item in ITEMS:
        assert all(read_pack(pack).quantity > 0 for kind in (*item.target, *item.other) for pack in kind.packs)


@settings(deadline=None)
@given(st.floats(5.0, 100_000.0))
def test_a_shop_price_is_near_and_ends_in_0_5_or_9(pence):
    prices = shop_prices(np.array([pence]))
    assert prices[0] % 10 in (0, 5, 9)
    assert abs(prices[0] - pence) <= 3
    assert shop_prices(prices) == prices


def test_days_have_dates(world):
    assert world.date_of(26) == world.start + timedelta(days=26)
    with pytest.raises(ValueError, match="day is 28; expected 0 to 27"):
        world.date_of(28)
