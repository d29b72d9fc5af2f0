"""What methods ask of their input: frames that are computed, columns of a type, rows without faults, known options.

Each failure is a ValueError that says what was found and what was expected. What a method makes of its input is
elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def collected(frame: pl.DataFrame | pl.LazyFrame, name: str = "quotes") -> pl.DataFrame:
    """Give a frame that is computed. Raises ValueError that names the frame and what it is if it is no polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not isinstance(frame, pl.DataFrame):
        message = f"{name}: found {type(frame).__name__}, expected a polars DataFrame or LazyFrame"
        raise ValueError(message)
    return frame


def refuse_missing_columns(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError that names the first of the columns that a frame lacks, and those that it has."""
    for column in columns:
        if column not in frame.columns:
            message = f"{name}: column {column} is missing; found {', '.join(frame.columns) or 'no columns'}"
            raise ValueError(message)


def refuse_no_numbers(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError that names the first of the columns that is not of numbers (or of nulls alone), and its type."""
    for column in columns:
        if not ((found := frame.schema[column]).is_numeric() or found == pl.Null):
            message = f"{name}: column {column} is {found}, expected numbers"
            raise ValueError(message)


def checked_columns(frame: pl.DataFrame, columns: Mapping[str, pl.DataType], name: str) -> pl.DataFrame:
    """Take the named columns of a frame, in their order, integers widened to the type that is asked for.

    Raises ValueError that names the frame, the column, the type found and the one expected.
    """
    refuse_missing_columns(frame, columns, name)
    for column, expected in columns.items():
        found = frame.schema[column]
        widens = found == pl.Null or (found.is_integer() and expected.is_numeric())
        if found != expected and not widens:
            message = f"{name}: column {column} is {found}, expected {expected}"
            raise ValueError(message)
    return frame.select(pl.col(column).cast(dtype) for column, dtype in columns.items())


def refuse_rows(name: str, rows: pl.DataFrame, faults: Mapping[str, pl.Expr]) -> None:
    """Raise ValueError that counts the rows of the first fault that occurs and shows the first of them.

    `faults`: what is wrong → the condition (true = wrong, null = not). `name` is the frame's, for the message.
    """
    for fault, condition in faults.items():
        bad = rows.filter(condition)
        if not bad.is_empty():
            first = ", ".join(f"{column} {value}" for column, value in bad.row(0, named=True).items())
            message = f"{name}: {bad.height} with {fault}; the first: {first}"
            raise ValueError(message)


def not_positive(column: str) -> pl.Expr:
    """Tell the rows whose number is null, not finite or not above 0."""
    number = pl.col(column)
    return ~(number.is_finite() & (number > 0)).fill_null(value=False)


def refuse_unknown(option: str, found: object, known: Sequence[object]) -> None:
    """Raise ValueError that lists the known values of an option if the one found is none of them."""
    if found not in known:
        message = f"unknown {option} {found!r}; known: {', '.join(map(str, known)) or 'none'}"
        raise ValueError(message)
