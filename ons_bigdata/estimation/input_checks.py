"""Checks of frames and options that the methods of this package take; each failure is a ValueError with a reason."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def eager_frame(frame: pl.DataFrame | pl.LazyFrame, name: str) -> pl.DataFrame:
    """Frame, computed if it is lazy. Raises ValueError on anything but a polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not isinstance(frame, pl.DataFrame):
        message = f"{name} is a {type(frame).__module__}.{type(frame).__name__}; expected a polars frame"
        raise ValueError(message)
    return frame


def refuse_missing_columns(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if the frame lacks a column; the message lists those that it has."""
    for column in columns:
        if column not in frame.columns:
            near = get_close_matches(column, frame.columns, n=1)
            message = f"{name} has no column {column}; its columns: {', '.join(frame.columns) or 'none'}"
            raise ValueError(message + (f"; is {near[0]} meant?" if near else ""))


def refuse_no_keys(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a key column is neither text nor whole numbers."""
    for column in columns:
        dtype = frame.schema[column]
        if not (dtype in (pl.String, pl.Categorical) or dtype == pl.Enum or dtype.is_integer()):
            message = f"{name}: column {column} is {dtype}; expected text or whole numbers"
            raise ValueError(message)


def refuse_no_numbers(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column is not numeric; a column of nulls alone is numeric."""
    for column in columns:
        dtype = frame.schema[column]
        if not (dtype.is_numeric() or dtype == pl.Null):
            message = f"{name}: column {column} is {dtype}; expected numbers"
            raise ValueError(message)


def refuse_rows(frame: pl.DataFrame, faults: Mapping[str, pl.Expr], name: str) -> None:
    """Raise ValueError on the first fault that occurs, with the number of such rows and the first of them.

    `faults`: description of a fault → its condition; null counts as no fault.
    """
    for fault, condition in faults.items():
        bad = frame.filter(condition)
        if not bad.is_empty():
            cells = ", ".join(f"{column} {value}" for column, value in bad.row(0, named=True).items())
            message = f"{name}: {bad.height} of {frame.height} rows with {fault}; the first: {cells}"
            raise ValueError(message)


def refuse_repeated(frame: pl.DataFrame, key: Sequence[str], name: str) -> None:
    """Raise ValueError if a key occurs in more than one row."""
    keys = frame.select(key)
    if keys.is_empty() or keys.hash_rows().n_unique() == keys.height:  # different hashes: different keys
        return
    repeated = keys.filter(~pl.struct(key).is_unique())
    if repeated.is_empty():
        return
    cells = ", ".join(f"{column} {value}" for column, value in repeated.row(0, named=True).items())
    message = f"{name}: rows with the same {' and '.join(key)}; the first: {cells}"
    raise ValueError(message)


def refuse_unknown(option: str, value: object, known: Sequence[str]) -> None:
    """Raise ValueError if an option has no known value; the message lists these and suggests the nearest."""
    if value in known:
        return
    message = f"unknown {option} {value!r}; known: {', '.join(known)}"
    near = get_close_matches(str(value).lower(), known, n=1)
    raise ValueError(message + (f"; is {near[0]} meant?" if near else ""))
