"""Renamed products: listings that end where another of nearly the same name and the same size begins."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from difflib import SequenceMatcher
from functools import cache

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import valid_rows
from ons_bigdata.prices.methods.quality.price_outliers import pounds
from ons_bigdata.prices.methods.scope.description import name_without_size
from ons_bigdata.prices.methods.scope.vocabulary import TRAITS
from ons_bigdata.prices.schemas.quality import EnteringQuote, ProductListing, ProductRename

_ITEM = ["data_origin", "retailer", "item_number"]
SIZE_CLASS_WIDTH = 1.08

GAP_DAYS = 7
"""Most days from the last listing of the old name to the first of the new."""

SAME_SIZE = 1.02
"""Largest ratio of two sizes in names that are the same; sizes of classes may be one class apart."""

SIMILAR_WORDS = 0.8
"""Least similarity (2 × matching characters ÷ characters of both) of two words that are spellings of one."""

EXTRA_WORDS = 0.25
"""Largest share of the longer name's words that the shorter may lack."""


NEGATIONS = ("un", "non", "de", "dis", "in", "im", "anti")
"""Beginnings that turn a word into its opposite: salted, unsalted."""

_VARIANTS = (
    "no not non without with minus less free reduced low lower high added extra double triple half full "
    "plus salt salted unsalted sweet sweetened sugar sugared smoked smoky waxed dyed caffeine decaf "
    "organic vegan vegetarian halal kosher fairtrade gluten wheat dairy lactose alcohol fat skimmed semi "
    "whole light lite diet zero max skinny hot mild medium strong mature vintage dry brut spicy spiced "
    "plain original flavoured fruity smooth crunchy chunky thick thin sliced peeled pitted stoned "
    "seedless boneless skinless skin rindless grated chopped diced crushed minced frozen fresh chilled "
    "dried tinned canned smoothie still sparkling concentrate concentrated instant ground beans red white "
    "rose green black brown blue gold golden yellow pink dark milk greek butter bitter mini small large "
    "granary malted rye spelt seeded multiseed big giant little baby kids junior adult family sharing "
    "value basics essential everyday finest jumbo mega single twin "
    "beef chicken pork lamb turkey duck ham bacon salmon tuna cod onion chocolate cocoa "
    "north south east west northern southern eastern western french italian spanish german danish dutch greek american "
    "australian chilean argentinian african "
    "malt blended peated aged cask oak reserva crianza riserva merlot shiraz malbec pinot "
    "gala braeburn fuji jazz maris charlotte earl assam darjeeling cooking eating "
)
VARIANT_WORDS = frozenset(_VARIANTS.split())
"""Words, in the singular, that tell products of one shelf apart."""

VARIANT_TRAITS = (
    "organic", "free_from", "reduced_fat", "light", "diet", "flavoured", "spiced", "smoked", "decaf", "fortified",
    "long_life", "fruit_infusion", "sparkling", "alcohol_free", "rose", "red_wine", "white_wine", "wholemeal",
    "white_bread", "whole_milk", "semi_skimmed", "skimmed", "other_milk",
)  # fmt: skip
"""Traits of `scope.vocabulary.TRAITS` that tell products of one shelf apart; the others name the kind."""


def product_renames(listings: pl.DataFrame | pl.LazyFrame, quotes: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """List the products that seem to be another one under a new name: same size, same price, and the dates meet.

    Takes `ProductListing` rows and the `EnteringQuote` rows of their products (prices in GBP). The old product's last
    price and the new one's first are the same to the penny; for the rest see `succeeding_names`. Of several candidates
    the most similar name counts, and each product is renamed once. Returns `ProductRename` rows; they are suggestions.

    Source: made for this project after a retailer wrote a brand with a hyphen from one day to the next.
    """
    return renamed_products(succeeding_names(listings), quotes)


def renamed_products(pairs: pl.DataFrame, quotes: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Choose the renames of `product_renames` among the pairs of `succeeding_names`, by the quotes of their products.

    Of the quotes of a product only the first and the last count. Returns `ProductRename` rows.
    """
    prices = valid_rows(EnteringQuote, quotes, "quotes").sort("collected_on")
    ends = prices.group_by(*_ITEM, "product", maintain_order=True).agg(
        first_price_gbp=pl.col("price_gbp").first(), last_price_gbp=pl.col("price_gbp").last()
    )
    priced = pairs.join(ends.select(*_ITEM, "product", price_gbp="first_price_gbp"), on=[*_ITEM, "product"]).join(
        ends.select(*_ITEM, old_product="product", old_price_gbp="last_price_gbp"), on=[*_ITEM, "old_product"]
    )
    same = priced.filter((pl.col("price_gbp") - pl.col("old_price_gbp")).abs() < 0.005)
    best = same.sort("similarity", "old_last_on", "product", "old_product", descending=[True, True, False, False])
    rows: pl.DataFrame = ProductRename.validate(_one_to_one(best).with_columns(evidence=_evidence()), cast=True)
    return rows.sort(*_ITEM, "renamed_on", "product")


def succeeding_names(listings: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """List pairs of an ended product and a later one of nearly its name and of its size, whatever their prices.

    Takes `ProductListing` rows. The old product was last listed on the new one's first day or up to `GAP_DAYS` before;
    the new one began after the item's first day, the old one ended before its last. The names are not the same, and
    differ by little where, without their sizes,

    * they are the same but for blanks and signs ("COCA COLA", "COCA-COLA"), or
    * one has all words of the other and at most `EXTRA_WORDS` more, none of them with a digit, or
    * the words in which they differ are spellings of each other in their order ("YOGURT", "YOGHURT").

    Names of another product are no spelling: where the words in which they differ have one of `VARIANT_WORDS`
    ("DECAF"), or are opposites ("SALTED", "UNSALTED"), or words beyond the others give a trait of
    `VARIANT_TRAITS`.

    Sizes are those in the names; where a name has none, those of the size classes. Returns data_origin, retailer,
    item_number, product, old_product, product_name, old_product_name, renamed_on, old_last_on, similarity (0–1).
    """
    shelf = pl.struct(*_ITEM, "measure").rank("dense").alias("shelf")
    products = _products(valid_rows(ProductListing, listings, "listings")).with_columns(shelf).with_row_index("row")
    old = products.filter(pl.col("last_on") < pl.col("item_ended_on"))
    new = products.filter(pl.col("first_on") > pl.col("item_began_on"))
    ratio = pl.max_horizontal(pl.col("size") / pl.col("old_size"), pl.col("old_size") / pl.col("size"))
    width = pl.when("is_class").then(SIZE_CLASS_WIDTH).otherwise(SAME_SIZE)
    # where every product of a shelf has a new id, there are millions of pairs: they are found by the day on which the
    # old one ended, and narrowed down before the texts
    ended_on = pl.date_ranges(pl.col("first_on") - timedelta(days=GAP_DAYS), pl.col("first_on")).alias("old_last_on")
    near = (
        new.select("shelf", "row", ended_on, "last_on", "size", is_class=pl.col("measure") == "class")
        .explode("old_last_on")
        .join(
            old.select("shelf", old_row="row", old_last_on="last_on", old_size="size"),
            on=["shelf", "old_last_on"],
            maintain_order="left_right",
        )
        .filter(pl.col("old_last_on") < pl.col("last_on"), ratio <= width * (1 + 1e-9))
        .select("row", "old_row", "old_last_on")
    )
    pairs = (
        near.join(new.select("row", *_ITEM, "product", "product_name", "words", "first_on"), on="row")
        .join(
            old.select(old_row="row", old_product="product", old_product_name="last_name", old_words="last_words"),
            on="old_row",
        )
        .filter(pl.col("product") != pl.col("old_product"), pl.col("product_name") != pl.col("old_product_name"))
    )
    similarity = pl.Series(
        "similarity",
        [name_similarity(old, new) for old, new in pairs.select("old_words", "words").iter_rows()],
        pl.Float64,
    )
    return (
        pairs.with_columns(similarity)
        .drop_nulls("similarity")
        .select(
            *_ITEM, "product", "old_product", "product_name", "old_product_name", "old_last_on", "similarity",
            renamed_on="first_on",
        )
        .sort(*_ITEM, "renamed_on", "product", "old_product")
    )  # fmt: skip


def name_similarity(old: str, new: str) -> float | None:
    """Similarity (0–1] of two plain names that differ by little; null where they differ by more."""
    old_letters, new_letters = old.replace(" ", ""), new.replace(" ", "")
    if old_letters == new_letters:
        return 1.0
    old_words, new_words = old.split(), new.split()
    only_old, only_new = _words_beyond(old_words, new_words), _words_beyond(new_words, old_words)
    has_digits = any(any(map(str.isdigit, word)) for word in (*only_old, *only_new))
    if has_digits or _are_variants(only_old, only_new):
        return None
    if not only_old or not only_new:
        is_little = len(only_old) + len(only_new) <= EXTRA_WORDS * max(len(old_words), len(new_words))
        are_one = is_little and _traits(old) == _traits(new)
    else:
        are_one = len(only_old) == len(only_new) and all(
            _similarity(first, second) >= SIMILAR_WORDS for first, second in zip(only_old, only_new, strict=True)
        )
    return _similarity(old_letters, new_letters) if are_one else None  # last: of many pairs, few are of one product


def _similarity(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _are_variants(only_old: list[str], only_new: list[str]) -> bool:
    """True if the words that only one of the names has make it another product."""
    pairs = list(zip(only_old, only_new, strict=False)) if len(only_old) == len(only_new) else []
    for old, new in pairs:
        shorter, longer = sorted((old, new), key=len)
        if longer.endswith(shorter) and longer.removesuffix(shorter) in NEGATIONS:
            return True
    # a word that is written otherwise stays itself: "SKIMMED", "SKIMED"
    changing = (
        _tells_apart(old) and _tells_apart(new) and old.removesuffix("s") != new.removesuffix("s") for old, new in pairs
    )
    return any(changing) if pairs else any(map(_tells_apart, (*only_old, *only_new)))


def _tells_apart(word: str) -> bool:
    is_negated = any(word.removeprefix(start) in VARIANT_WORDS for start in NEGATIONS if word.startswith(start))
    is_opposite = word.startswith(("un", "non", "decaf")) and word.endswith("ed")
    return word in VARIANT_WORDS or word.removesuffix("s") in VARIANT_WORDS or is_negated or is_opposite


@cache
def _trait_patterns() -> dict[str, re.Pattern[str]]:
    return {trait: re.compile(rf"\b(?:{words})\b") for trait, words in TRAITS.items() if trait in VARIANT_TRAITS}


def _traits(name: str) -> frozenset[str]:
    """Traits of a plain name."""
    return frozenset(trait for trait, pattern in _trait_patterns().items() if pattern.search(name))


def _words_beyond(words: list[str], others: list[str]) -> list[str]:
    """Words in their order, without as many of each as the others have."""
    left = Counter(others)
    beyond = []
    for word in words:
        if left[word]:
            left[word] -= 1
        else:
            beyond.append(word)
    return beyond


def _products(listings: pl.DataFrame) -> pl.DataFrame:
    """One row per product: first and last day, and name and size of its first and of its last listing."""
    class_size = pl.lit(SIZE_CLASS_WIDTH).pow(pl.col("size_class"))
    amount = pl.col("size_source").eq_missing("name")
    pieces = pl.col("pieces").is_not_null()
    has_class = pl.col("size_class").is_not_null()
    # A described size that is not in the name is the median of all listings of the name: the same for each of them.
    sized = listings.with_columns(
        words=name_without_size(pl.col("plain_name")),
        size=pl.when(amount).then("total_size").when(pieces).then("pieces").when(has_class).then(class_size).otherwise(1.0),
        measure=pl.when(amount).then("measure").when(pieces).then(pl.lit("each")).when(has_class).then(pl.lit("class"))
        .otherwise(pl.lit("unknown")),
        item_began_on=pl.col("first_listed_on").min().over(_ITEM),
        item_ended_on=pl.col("last_listed_on").max().over(_ITEM),
    )  # fmt: skip
    last = ["last_listed_on", "first_listed_on", "product_name"]
    first = ["first_listed_on", "last_listed_on", "product_name"]
    return sized.group_by(*_ITEM, "product", "measure", "item_began_on", "item_ended_on").agg(
        first_on=pl.col("first_listed_on").min(),
        last_on=pl.col("last_listed_on").max(),
        product_name=pl.col("product_name").sort_by(first).first(),
        words=pl.col("words").sort_by(first).first(),
        size=pl.col("size").sort_by(first).first(),
        last_name=pl.col("product_name").sort_by(last).last(),
        last_words=pl.col("words").sort_by(last).last(),
        last_size=pl.col("size").sort_by(last).last(),
    )


def _one_to_one(ranked: pl.DataFrame) -> pl.DataFrame:
    """Keep the first pairs, best first, so that each product is the old one once and the new one once."""
    old_used: set[tuple[object, ...]] = set()
    new_used: set[tuple[object, ...]] = set()
    kept = []
    for *item, new, old in ranked.select(*_ITEM, "product", "old_product").iter_rows():
        is_free = (*item, new) not in new_used and (*item, old) not in old_used
        kept.append(is_free)
        if is_free:
            new_used.add((*item, new))
            old_used.add((*item, old))
    return ranked.filter(pl.Series(kept, dtype=pl.Boolean))


def _evidence() -> pl.Expr:
    return pl.format(
        "{} at {} begins where {} ended on {}, of the same size and at the same price",
        "product_name",
        pounds("price_gbp"),
        "old_product_name",
        pl.col("old_last_on").dt.to_string("iso"),
    )
