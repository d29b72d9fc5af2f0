"""Checks of what the methods of prices are given besides those of `estimation.input_checks`: types of columns, options.

Each failure is a ValueError that states what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable as IterableValues
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
from dataframely.exc import SchemaError, ValidationError

from ons_bigdata.estimation.input_checks import eager_frame, is_single_value, refuse_missing_columns, shown_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dataframely as dy
    from numpy.typing import NDArray

Kind = TypeVar("Kind")


def refuse_unsortable(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column is of a type that does not sort (lists, structs, Python objects)."""
    for column in columns:
        if (found := frame.schema[column]).is_nested() or found == pl.Object:
            message = f"{name}: column {column} is {found}, expected numbers, text, dates or another type that sorts"
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
    frame = eager_frame(frame, name)
    refuse_missing_columns(frame, columns, name)
    for column, expected in columns.items():
        found = frame.schema[column]
        widens = found == pl.Null or (found.is_integer() and expected.is_numeric())
        if found != expected and not widens:
            message = f"{name}: column {column} is {found}, expected {expected}"
            raise ValueError(message)
    return frame.select(pl.col(column).cast(dtype) for column, dtype in columns.items())


def valid_rows(schema: type[dy.Schema], frame: pl.DataFrame | pl.LazyFrame, name: str) -> pl.DataFrame:
    """Rows of a schema, types widened. Raises ValueError on a frame that lacks a column or breaks a rule of it."""
    eager = eager_frame(frame, name)
    refuse_missing_columns(eager, schema.column_names(), name)
    try:
        valid: pl.DataFrame = schema.validate(eager, cast=True)
    except (SchemaError, ValidationError, pl.exceptions.PolarsError) as error:
        message = f"{name}: {error}"
        raise ValueError(message) from error
    return valid


def not_positive(column: str) -> pl.Expr:
    """Mask of rows that are null, non-finite or ≤ 0."""
    number = pl.col(column).cast(pl.Float64)
    return ~(number.is_finite() & (number > 0)).fill_null(value=False)


def finite_number(option: str, found: object) -> float:
    """Return a number, numpy scalars included, as float. Raises ValueError if it is no finite number."""
    if isinstance(found, Real) and not isinstance(found, bool) and not _is_too_large(found):
        number = float(found)
        if np.isfinite(number):
            return number
    message = f"{option} is {shown_value(found)}, expected a finite number"
    raise ValueError(message)


def _is_too_large(number: Real) -> bool:
    """True for whole numbers and fractions beyond the floats."""
    return not isinstance(number, float | np.floating) and abs(number) > _GREATEST  # type: ignore[operator]


_GREATEST = int(np.finfo(np.float64).max)


def positive_number(option: str, found: object) -> float:
    """Return a number above 0 as float. Raises ValueError on anything else."""
    if (number := finite_number(option, found)) > 0:
        return number
    message = f"{option} is {found}, expected a number above 0"
    raise ValueError(message)


MOST_DAYS = 36_525
"""Days of a century: spans of more days lead out of the calendar."""


def whole_number(option: str, found: object, *, least: int, most: int = 2**31 - 1, otherwise: str = "") -> int:
    """Return a whole number from `least` to `most`, numpy integers included, as int.

    Raises ValueError on anything else; `otherwise` completes its message.
    """
    is_whole = isinstance(found, Integral) and not isinstance(found, bool)
    if is_whole and least <= int(found) <= most:  # type: ignore[call-overload]
        return int(found)  # type: ignore[call-overload]
    bound = f" and at most {most}" if is_whole and int(found) > most else ""  # type: ignore[call-overload]
    message = f"{option}: found {shown_value(found)}, expected a whole number of at least {least}{bound}{otherwise}"
    raise ValueError(message)


def true_or_false(option: str, found: object) -> bool:
    """Return a truth value, numpy's included, as bool. Raises ValueError on anything else, such as "no" or 0."""
    if isinstance(found, bool | np.bool_):
        return bool(found)
    message = f"{option} is {shown_value(found)}, expected True or False"
    raise ValueError(message)


def listed_values(option: str, found: object, of: str) -> list[Any]:
    """List the values of an option that takes several: `of` names them in the message.

    Raises ValueError on a single value, on text (which would be split into letters), on a mapping or frame, and on
    values that cannot be compared with periods or names (lists, arrays).
    """
    taken = isinstance(found, IterableValues) and not isinstance(found, str | bytes | Mapping | type | pl.DataFrame)
    if not taken:
        message = f"{option}: found {shown_value(found)}, expected a list of {of}"
        raise ValueError(message)
    values = [python_value(value) for value in found]  # type: ignore[attr-defined]
    for value in values:
        if not is_single_value(value):
            message = f"{option}: found {shown_value(value)} in the list, expected {of}"
            raise ValueError(message)
    return values


def python_value(value: object) -> object:
    """Return a numpy date as date, a time as datetime (NaT as None), an integer as int, other values as they are."""
    if not isinstance(value, np.datetime64):
        return int(value) if isinstance(value, np.integer) else value
    is_day = np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "D")
    return value.astype("datetime64[D]" if is_day else "datetime64[us]").item()


def other_type(found: object, expected: object) -> str:
    """Text for a message where two values are of different types, as a date and its text; else empty."""
    if type(found) is type(expected):
        return ""
    return f" (it is {type(found).__name__}, periods are {type(expected).__name__})"


def instance_of(option: str, found: object, kind: type[Kind]) -> Kind:
    """Return an object of a class. Raises ValueError that names the class on anything else."""
    if isinstance(found, kind):
        return found
    message = f"{option}: found {shown_value(found)}, expected {kind.__name__}"
    raise ValueError(message)


def refuse_no_function(option: str, found: object) -> None:
    """Raise ValueError if an option that is called is no function."""
    if not callable(found) or isinstance(found, type):
        message = f"{option}: found {shown_value(found)}, expected a function"
        raise ValueError(message)


def refuse_no_text(option: str, found: object) -> None:
    """Raise ValueError if an option is not text, or empty."""
    if not isinstance(found, str) or not found:
        message = f"{option}: found {shown_value(found)}, expected text"
        raise ValueError(message)


def refuse_repeated_names(columns: Mapping[str, object]) -> None:
    """Raise ValueError if two options name one column, or an option names none. `columns`: option → column or None."""
    options: dict[str, str] = {}
    for option, column in columns.items():
        if column is None:
            continue
        if not isinstance(column, str):
            message = f"{option}: found {shown_value(column)}, expected the name of a column"
            raise ValueError(message)
        if column in options:
            message = f"{option}: found {column!r}, which is {options[column]} already; expected two different columns"
            raise ValueError(message)
        options[column] = option


def float_vector(name: str, values: object) -> NDArray[np.float64]:
    """Return numbers as a vector of floats. Raises ValueError on anything that is no list of numbers."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"{name}: found {shown_value(values)}, expected a list of numbers"
        raise ValueError(message) from error
    if vector.ndim != 1:
        message = f"{name}: found {vector.ndim} dimensions, expected 1"
        raise ValueError(message)
    return vector
