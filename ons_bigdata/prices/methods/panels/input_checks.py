"""Checks of what a method is given: frames, columns and their types, rows, options.

Each failure is a ValueError that states what was found and what was expected.
"""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def eager_frame(frame: pl.DataFrame | pl.LazyFrame, name: str = "quotes") -> pl.DataFrame:
    """Compute a lazy frame, and return an eager one as it is; `name` is the frame's name in messages.

    Raises ValueError on anything but a polars frame (a pandas frame is never converted silently: its missing values
    and its index have no agreed meaning here) and on a lazy frame that cannot be computed.
    """
    if isinstance(frame, pl.LazyFrame):
        try:
            return frame.collect()
        except pl.exceptions.PolarsError as error:
            message = f"{name}: the LazyFrame cannot be computed: {error}"
            raise ValueError(message) from error
    if not isinstance(frame, pl.DataFrame):
        kind = type(frame)
        library = kind.__module__.partition(".")[0]
        found = kind.__name__ if library in ("builtins", "__main__") else f"{library} {kind.__name__}"
        convert = "; convert it by pl.from_pandas" if library == "pandas" else ""
        message = f"{name}: found {found}, expected a polars DataFrame or LazyFrame{convert}"
        raise ValueError(message)
    return frame


def refuse_missing_columns(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if the frame lacks a column; the message lists the columns that it has."""
    for column in columns:
        if column not in frame.columns:
            message = f"{name}: column {column} is missing; found {', '.join(frame.columns) or 'no columns'}"
            raise ValueError(message)


def refuse_no_numbers(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column is not numeric (a column of nulls alone is accepted)."""
    for column in columns:
        if not ((found := frame.schema[column]).is_numeric() or found == pl.Null):
            message = f"{name}: column {column} is {found}, expected numbers"
            raise ValueError(message)


def refuse_no_keys(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column is of a type that does not sort (lists, structs, Python objects)."""
    for column in columns:
        if (found := frame.schema[column]).is_nested() or found == pl.Object:
            message = f"{name}: column {column} is {found}, expected numbers, text, dates or another type that sorts"
            raise ValueError(message)


def refuse_no_nodes(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column of nodes is neither text nor whole numbers."""
    for column in columns:
        found = frame.schema[column]
        if not (found in (pl.String, pl.Null, pl.Categorical) or found == pl.Enum or found.is_integer()):
            message = f"{name}: column {column} is {found}, expected String or whole numbers"
            raise ValueError(message)


def refuse_other_type(frame: pl.DataFrame, column: str, like: str, name: str) -> None:
    """Raise ValueError if two columns that are compared, as a link and a period, are of different types."""
    found, expected = frame.schema[column], frame.schema[like]
    if found != expected and not (found.is_integer() and expected.is_integer()):
        message = f"{name}: column {column} is {found}, expected {expected}, as {like}"
        raise ValueError(message)


def checked_columns(frame: pl.DataFrame, columns: Mapping[str, pl.DataType], name: str) -> pl.DataFrame:
    """Select the named columns in their order, integers widened to the expected type.

    Raises ValueError that names the frame, the column, the type found and the type expected.
    """
    refuse_missing_columns(frame, columns, name)
    for column, expected in columns.items():
        found = frame.schema[column]
        widens = found == pl.Null or (found.is_integer() and expected.is_numeric())
        if found != expected and not widens:
            message = f"{name}: column {column} is {found}, expected {expected}"
            raise ValueError(message)
    return frame.select(pl.col(column).cast(dtype) for column, dtype in columns.items())


def refuse_rows(
    name: str, rows: pl.DataFrame, faults: Mapping[str, pl.Expr], *, shown_as: Mapping[str, str] | None = None
) -> None:
    """Raise ValueError at the first fault that occurs, with the number of faulty rows and the first of them.

    `name`: of the frame. `faults`: description of a fault → its condition (true = faulty, null = not). `shown_as`:
    column of `rows` → the caller's name of it, where it differs.
    """
    names = shown_as or {}
    for fault, condition in faults.items():
        bad = rows.filter(condition)
        if not bad.is_empty():
            cells = bad.row(0, named=True).items()
            first = ", ".join(f"{names.get(column, column)} {value}" for column, value in cells)
            message = f"{name}: {bad.height} with {fault}; the first: {first}"
            raise ValueError(message)


def not_positive(column: str) -> pl.Expr:
    """Mask of rows that are null, non-finite or ≤ 0."""
    number = pl.col(column).cast(pl.Float64)
    return ~(number.is_finite() & (number > 0)).fill_null(value=False)


def refuse_unknown(
    option: str, found: object, known: Sequence[object], *, aliases: Mapping[str, str] | None = None
) -> None:
    """Raise ValueError if the value of an option is not a known one.

    The message lists the known values and suggests one: that of which the value is an alias in the field's literature
    (`aliases`: name in lower case → known value, or how it is asked for), or else the nearest spelling.
    """
    if found in known:
        return
    message = f"unknown {option} {found!r}; known: {', '.join(map(str, known)) or 'none'}"
    if isinstance(found, str) and (suggestion := _suggestion(found, known, aliases or {})):
        message += f"; did you mean {suggestion}?"
    raise ValueError(message)


def _suggestion(found: str, known: Sequence[object], aliases: Mapping[str, str]) -> str | None:
    plain = found.strip().lower().replace("-", "_").replace(" ", "_").replace("ö", "oe")
    values = {str(value).lower(): str(value) for value in known}
    if plain in values:
        return values[plain]
    if plain in aliases:
        return aliases[plain]
    near = get_close_matches(plain, [*values, *aliases], n=1, cutoff=0.7)
    return (values | dict(aliases))[near[0]] if near else None


def finite_number(option: str, found: object) -> float:
    """Return a number, numpy scalars included, as float. Raises ValueError if it is no finite number."""
    if isinstance(found, Real) and not isinstance(found, bool) and np.isfinite(number := float(found)):
        return number
    message = f"{option} is {found!r}, expected a finite number"
    raise ValueError(message)


def whole_number(option: str, found: object, *, least: int, otherwise: str = "") -> int:
    """Return a whole number of at least `least`, numpy integers included, as int.

    Raises ValueError on anything else; `otherwise` completes its message.
    """
    if isinstance(found, Integral) and not isinstance(found, bool) and int(found) >= least:
        return int(found)
    message = f"{option}: found {found!r}, expected a whole number of at least {least}{otherwise}"
    raise ValueError(message)


def true_or_false(option: str, found: object) -> bool:
    """Return a truth value, numpy's included, as bool. Raises ValueError on anything else."""
    if isinstance(found, bool | np.bool_):
        return bool(found)
    message = f"{option} is {found!r}, expected True or False"
    raise ValueError(message)
