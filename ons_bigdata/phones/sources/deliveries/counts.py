"""Texts of counts in a delivery: numbers, what stands in the place of one, and the bounds of the true count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ons_bigdata.phones.schemas.specification import Disclosure

_WHOLE = r"^[0-9]{1,9}$|^[0-9]{1,3}(?:,[0-9]{3}){1,2}$"
"""A whole number; commas only between groups of three digits."""
_DECIMAL = r"^[0-9]{1,9}(?:\.[0-9]{1,6})?$|^[0-9]{1,3}(?:,[0-9]{3}){1,2}(?:\.[0-9]{1,6})?$"
_AMBIGUOUS = r"^[0-9]{1,3}\.[0-9]{3}$"
"""1.234 is one thousand in some countries: neither reading is taken."""


def read_counts(text: str, rule: Disclosure, *, is_whole: bool) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Read a column of texts: expressions of the value, the meaning of a text without number, and the fault.

    The value is null without a number. The meaning is a status of the contract for a blank and for the markers of the
    specification, else null. The fault is a text for what is neither: words, negative numbers, numbers with a decimal
    point where whole ones are counted, numbers that can be read in two ways.
    """
    column = pl.col(text)
    texts = {"": rule.blank_means, **{marker.lower(): status for marker, status in rule.markers.items()}}
    meaning = column.str.to_lowercase().replace_strict(texts, default=None, return_dtype=pl.String)
    number = column.str.contains(_WHOLE if is_whole else _DECIMAL) & ~column.str.contains(_AMBIGUOUS)
    value = pl.when(meaning.is_null() & number).then(column.str.replace_all(",", "").cast(pl.Float64, strict=False))
    expected = "a whole number" if is_whole else "a number that can be read in one way"
    shown = pl.format(
        "{} '{}'; expected {}, a blank or one of {}",
        pl.lit(text.lower()),
        column.str.slice(0, 60),
        pl.lit(expected),
        pl.lit(", ".join(sorted(rule.markers)) or "no marker"),
    )
    fault = pl.when(meaning.is_null() & value.is_null()).then(shown)
    return value, meaning, fault


def count_bounds(value: pl.Expr, status: pl.Expr, rule: Disclosure, *, is_pair: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Bounds of the true count: least, and greatest (null where nothing bounds it).

    A rounded count lies within half of the base; a suppressed pair between the least and the largest hidden count
    (from 1 where zeros are delivered, else from 0), a suppressed total from the least one on.
    """
    half = rule.rounding_base / 2
    lower = (
        pl.when(status == "observed")
        .then(value)
        .when(status == "rounded")
        .then((value - half).clip(lower_bound=0.0))
        .when(status == "suppressed")
        .then(float(rule.least_hidden))
        .otherwise(0.0)
    )
    upper = (
        pl.when(status == "observed")
        .then(value)
        .when(status == "rounded")
        .then(value + half)
        .when(status == "structural_zero")
        .then(0.0)
        .when((status == "suppressed") & is_pair)
        .then(float(rule.largest_hidden))
    )
    return lower, upper
