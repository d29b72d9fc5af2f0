"""Attributes parsed from a product's name: pack size, pieces, strength, origin and terms.

Each distinct name is parsed once and joined back.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame
from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.methods.scope.origins import EUROPE, NATIONS, REGIONS, STRENGTHS_ABV
from ons_bigdata.prices.methods.scope.vocabulary import TRAITS

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS: dict[str, tuple[str, float]] = {
    "kg": ("g", 1000.0),
    **dict.fromkeys(("g", "gr", "gm", "gram", "grams"), ("g", 1.0)),
    "oz": ("g", 28.35),
    **dict.fromkeys(("lb", "lbs"), ("g", 453.6)),
    "ml": ("ml", 1.0),
    "cl": ("ml", 10.0),
    **dict.fromkeys(("l", "lt", "ltr", "ltrs", "litre", "litres", "liter", "liters"), ("ml", 1000.0)),
    **dict.fromkeys(("pint", "pints", "pt", "pts"), ("ml", 568.0)),
}
"""Unit as it is written → measure, and how many grams or millilitres it is."""

_METRIC = "kg|g|grams?|gr|gm|ml|cl|litres?|liters?|ltrs?|lt|l|oz|lbs?"
_PINTS = "pints?|pts?"
_NUMBER = r"\d{1,5}(?:\.\d+)?"

# Of the plain name: `4x330 ml`, `6 x 125g`; a size; `x6`, `6 pack`; strength.
_MULTIPLE = rf"\b(\d{{1,3}}) ?x ?({_NUMBER}) ?({_METRIC}|{_PINTS})\b"
_MULTIPLE_AFTER = rf"\b({_NUMBER}) ?({_METRIC}) ?x ?(\d{{1,3}})\b"
_SIZE = rf"\b({_NUMBER}) ?({_METRIC})\b"
_SIZE_IN_PINTS = rf"\b({_NUMBER}) ?({_PINTS})\b"
_PACK = r"(?:pack|pk|pck|piece|pce|bag|tea ?bag|teabag|can|bottle|pot|bar|sachet|portion|roll|cup|pyramid|wrap)s?"
_FRACTIONS = {"1/2": "5", "1/4": "25", "3/4": "75"}
"""Fraction as it is written → decimals."""

_SIGNS = {"½": " 1/2", "¼": " 1/4", "¾": " 3/4"}
_COUNT = r"(?:\bx ?|\b)(\d{1,3})s\b"  # `80S`, `x 80s`: so many of them
_PIECES = (
    r"\bx ?(\d{1,3})\b",
    _COUNT,
    rf"\b(\d{{1,3}}) ?{_PACK}\b",
    r"\bpack of (\d{1,3})\b",
    r"\b(\d{1,3}) (?:[a-z]+ ){0,2}(?:bananas|apples|wraps|rolls|pittas?|eggs|crumpets|muffins|bagels|onions|buns)\b",
    r"^.*\b(\d{1,3})x\d",  # a name that breaks off: `12X10...`
)
_IN_WORDS = {"single": 1, "twin": 2, "double": 2, "triple": 3, "four": 4, "six": 6, "eight": 8}
_STRENGTH = r"\b(\d{1,2}(?:\.\d)?) ?%(?: ?(?:abv|alc|vol))?"
_OFFER = r"\b(?:any )?\d{1,2} for\b(?: ?£?\d+(?:\.\d+)?)?"
_NOT_STRENGTH = r"\d ?% ?(?:fat|pure|juice|apple|fruit|orange|light|less|natural|cocoa|whole|recycled|extra|free)"
_LOOSE = r"\bloose\b|\beach\b|\bper kg\b|\bsingles?\b"


def describe(products: pl.DataFrame) -> pl.DataFrame:
    """Parse the names of products into attributes, each distinct name once.

    Takes `product_name`; of the other columns, all of which pass through in the same row order: `median_price_gbp`
    (GBP) for the unit price, and `pack_size` with `unit` (kg, litres or pieces; `unit` as in `raw.price_quotes`),
    which determine the size where the name has none. Adds

    * `plain_name`: lower case, no accents or apostrophes, `is_cut` where the source broke the name off (`...`);
    * `measure` (`g`, `ml`, `each`), `total_size` of the pack in it, `pieces` in the pack (null where unknown),
      `piece_size` = total / pieces (a name with a size and no pieces is one piece; a size from the unit price is
      not), `is_multiple` for n × a size or several pieces of a liquid, `size_source` (`name`, `unit_price`); a size
      with a number of pieces is that of a piece for liquids and of the pack for weights;
    * `strength_abv` in % of volume, `strength_source` (`name`, `brand`); `country`, `is_european` (null = no clue);
    * `is_loose`; `terms`: the terms of the vocabulary that occur in the name, sorted;
    * `unit_price_gbp` per kg, litre or piece.

    An unknown size, strength or country is null. The result for an empty frame is empty and has all columns.
    Raises ValueError where a column is missing or of another type, and for a null name.
    """
    products = eager_frame(products, "products")
    checked_columns(products, {"product_name": pl.String()}, "products")
    if products["product_name"].null_count():
        row = products["product_name"].is_null().arg_max()
        message = f"products: product_name is null in row {row}, expected a name"
        raise ValueError(message)
    names = products.select("product_name").unique(maintain_order=True)
    parsed = _parsed_names(names)
    known = [name for name in parsed.columns if name != "product_name"]
    described = products.drop(known, strict=False).join(parsed, on="product_name", how="left", maintain_order="left")
    return _with_unit_price(_with_shelf_size(described))


def plain_name(name: pl.Expr) -> pl.Expr:
    """Lower case, accents and apostrophes off, `×` as x, other signs than `.`, `%`, `£` as blanks.

    A half, a quarter or three quarters of a unit of size are decimals: `1 1/2 PINT`, `1½ pint` are `1.5 pint`.
    """
    written = name.str.replace_many(list(_SIGNS), list(_SIGNS.values()))  # before NFKD: it makes `1½` eleven halves
    ascii_name = written.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    bare = ascii_name.str.replace_all(r"['’`´]", "").str.replace_all("ß", "ss", literal=True)
    bare = bare.str.replace_all(r"\s*×\s*", " x ").str.replace_all(r"(\d),(\d)", "$1.$2")
    for fraction, decimals in _FRACTIONS.items():
        sized = rf"{fraction} ?({_METRIC}|{_PINTS})\b"
        bare = bare.str.replace_all(rf"\b(\d{{1,3}})[ -]+{sized}", f"${{1}}.{decimals} $2")
        bare = bare.str.replace_all(rf"(^|[^0-9/.]){sized}", f"${{1}}0.{decimals} $2")
    return bare.str.replace_all(r"[^a-z0-9.%£]+", " ").str.replace_all(r"\.(\D|$)", " $1").str.strip_chars()


def without_size(described: pl.DataFrame) -> pl.DataFrame:
    """Describe the same products as a shop would that leaves sizes and numbers of pieces out of its names.

    Takes and returns frames of `describe`; all that derives from sizes is null, and the words of sizes are removed from
    the plain name.
    """
    unknown = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in described.schema.items()
        if name in {"measure", "total_size", "pieces", "piece_size", "size_source", "unit_price_gbp"}
    ]
    silent = pl.col("terms").list.set_difference(["can", "bottle"])
    return described.with_columns(
        *unknown,
        name_without_size(pl.col("plain_name")).alias("plain_name"),
        pl.lit(value=False).alias("is_multiple"),
        silent.alias("terms"),
    )


def name_without_size(plain: pl.Expr) -> pl.Expr:
    """Remove the words of sizes and numbers of pieces from plain names."""
    for pattern in (_MULTIPLE, _MULTIPLE_AFTER, _SIZE, _SIZE_IN_PINTS, *_PIECES[:4]):
        plain = plain.str.replace_all(pattern, " ")
    return plain.str.replace_all(r" +", " ").str.strip_chars()


def _parsed_names(names: pl.DataFrame) -> pl.DataFrame:
    """Parse distinct names: one row per name."""
    plain = names.with_columns(
        plain_name=plain_name(pl.col("product_name")),
        is_cut=pl.col("product_name").str.contains(r"(\.\.\.|…)\s*$"),
    ).with_columns(sized=pl.col("plain_name").str.replace_all(_OFFER, " "))
    sized = plain.with_columns(**_size_parts(pl.col("sized"))).with_columns(**_sizes())
    strong = sized.with_columns(
        strength_written=pl.when(~pl.col("plain_name").str.contains(_NOT_STRENGTH)).then(
            pl.col("plain_name").str.extract(_STRENGTH).cast(pl.Float64)
        ),
        strength_known=_first_match(STRENGTHS_ABV).cast(pl.Float64),
        country=_first_match([(words, country) for named in (NATIONS, REGIONS) for country, words in named.items()]),
        is_loose=pl.col("plain_name").str.contains(_LOOSE),
        terms=_terms(),
    )
    return strong.select(
        "product_name",
        "plain_name",
        "is_cut",
        "measure",
        "total_size",
        "pieces",
        (pl.col("total_size") / pl.col("pieces").fill_null(1)).alias("piece_size"),
        "is_multiple",
        pl.when(pl.col("total_size").is_not_null()).then(pl.lit("name")).alias("size_source"),
        pl.coalesce("strength_written", "strength_known").alias("strength_abv"),
        pl.when(pl.col("strength_written").is_not_null())
        .then(pl.lit("name"))
        .when(pl.col("strength_known").is_not_null())
        .then(pl.lit("brand"))
        .alias("strength_source"),
        "country",
        pl.when(pl.col("country").is_not_null()).then(pl.col("country").is_in(EUROPE)).alias("is_european"),
        "is_loose",
        "terms",
    )


def _size_parts(name: pl.Expr) -> dict[str, pl.Expr]:
    """Extract the numbers and units of the patterns, null where they do not occur."""
    in_words = name.str.extract(rf"\b({'|'.join(_IN_WORDS)}) ?(?:pack|pk)\b")
    pieces = [name.str.extract(pattern).cast(pl.Int32) for pattern in _PIECES]
    return {
        "times": name.str.extract(_MULTIPLE, 1).cast(pl.Int32),
        "times_size": name.str.extract(_MULTIPLE, 2).cast(pl.Float64),
        "times_unit": name.str.extract(_MULTIPLE, 3),
        "after_size": name.str.extract(_MULTIPLE_AFTER, 1).cast(pl.Float64),
        "after_unit": name.str.extract(_MULTIPLE_AFTER, 2),
        "after_times": name.str.extract(_MULTIPLE_AFTER, 3).cast(pl.Int32),
        "single_size": pl.coalesce(name.str.extract(pattern, 1) for pattern in (_SIZE, _SIZE_IN_PINTS)).cast(
            pl.Float64
        ),
        "single_unit": pl.coalesce(name.str.extract(pattern, 2) for pattern in (_SIZE, _SIZE_IN_PINTS)),
        "written_pieces": pl.coalesce(*pieces, in_words.replace_strict(_IN_WORDS, default=None, return_dtype=pl.Int32)),
    }


def _sizes() -> dict[str, pl.Expr]:
    """Combine the parts: n × size first, else a single size with or without a number of pieces, else pieces."""
    unit = pl.coalesce("times_unit", "after_unit", "single_unit")
    measure = unit.replace_strict(
        {key: value[0] for key, value in _UNITS.items()}, default=None, return_dtype=pl.String
    )
    factor = unit.replace_strict(
        {key: value[1] for key, value in _UNITS.items()}, default=None, return_dtype=pl.Float64
    )
    times = pl.coalesce("times", "after_times")
    size = pl.coalesce("times_size", "after_size", "single_size") * factor
    pieces = pl.coalesce(times, "written_pieces")
    pieces = pl.when(pieces > 0).then(pieces)
    per_piece = times.is_not_null() | (measure == "ml")
    total = pl.when(per_piece & pieces.is_not_null()).then(size * pieces).otherwise(size)
    counted = size.is_null() & pieces.is_not_null()
    return {
        "measure": pl.when(counted).then(pl.lit("each")).otherwise(measure),
        "total_size": pl.when(counted).then(pieces.cast(pl.Float64)).otherwise(pl.when(total > 0).then(total)),
        "pieces": pieces,
        "is_multiple": ((pieces > 1) & per_piece).fill_null(value=False),
    }


def _first_match(values: Iterable[tuple[str, str | float]]) -> pl.Expr:
    """Value of the first pattern that matches the plain name, null where none does."""
    return pl.coalesce(
        pl.when(pl.col("plain_name").str.contains(_whole(words))).then(pl.lit(value)) for words, value in values
    )


def _terms() -> pl.Expr:
    return pl.concat_list(
        pl.when(pl.col("plain_name").str.contains(_whole(words))).then(pl.lit(term))
        for term, words in sorted(TRAITS.items())
    ).list.drop_nulls()


@cache
def _whole(words: str) -> str:
    return rf"\b(?:{words})\b"


def _with_shelf_size(described: pl.DataFrame) -> pl.DataFrame:
    """Derive the size from the unit price on the shelf where the name has none."""
    if not {"pack_size", "unit"} <= set(described.columns):
        return described
    checked_columns(described, {"pack_size": pl.Float64(), "unit": pl.String()}, "products")
    word = pl.col("unit").str.extract(r"([a-z]+)$")
    measures = {"kg": "g", "g": "g", "l": "ml", "ml": "ml", "cl": "ml", "each": "each"}
    measure = word.replace_strict(measures, default=None, return_dtype=pl.String)
    shelf = pl.when(measure == "each").then("pack_size").otherwise(pl.col("pack_size") * 1000.0)
    silent = pl.col("total_size").is_null() | ((pl.col("measure") == "each") & (measure != "each"))
    taken = silent & shelf.is_not_null() & measure.is_not_null()
    return described.with_columns(
        measure=pl.when(taken).then(measure).otherwise("measure"),
        total_size=pl.when(taken).then(shelf).otherwise("total_size"),
        # without a number of pieces the shelf's size is the pack's, and that of a piece is unknown
        piece_size=pl.when(taken).then(shelf / pl.col("pieces")).otherwise("piece_size"),
        size_source=pl.when(taken).then(pl.lit("unit_price")).otherwise("size_source"),
    )


def _with_unit_price(described: pl.DataFrame) -> pl.DataFrame:
    if "median_price_gbp" not in described.columns:
        return described.with_columns(unit_price_gbp=pl.lit(None, pl.Float64))
    checked_columns(described, {"median_price_gbp": pl.Float64()}, "products")
    per = pl.when(pl.col("measure") == "each").then(1.0).otherwise(1000.0)
    return described.with_columns(unit_price_gbp=pl.col("median_price_gbp") / pl.col("total_size") * per)
