"""Checks of what a method is given: frames, columns and their types, rows, options.

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

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import dataframely as dy
    from numpy.typing import NDArray

Kind = TypeVar("Kind")


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
        if not (isinstance(column, str) and column in frame.columns):
            shown = column if isinstance(column, str) else shown_value(column)
            message = f"{name}: column {shown} is missing; found {', '.join(frame.columns) or 'no columns'}"
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


def is_single_value(found: object) -> bool:
    """True if a value can be compared with periods or names: no list, array, frame or expression, no pandas NA."""
    try:
        hash(found)
        bool(found == found)  # noqa: PLR0124 (values whose comparison is neither true nor false)
    except (TypeError, ValueError):
        return False
    return True


def refuse_unknown(
    option: str, found: object, known: Sequence[object], *, aliases: Mapping[str, str] | None = None
) -> None:
    """Raise ValueError if the value of an option is not a known one.

    The message lists the known values and suggests one: that of which the value is an alias in the field's literature
    (`aliases`: name → known value, or how it is asked for), or else what `suggestion` finds.
    """
    if is_single_value(found) and found in known:
        return
    message = f"unknown {option} {shown_value(found)}; known: {', '.join(map(str, known)) or 'none'}"
    if isinstance(found, str) and (near := suggestion(found, known, aliases)):
        message += f"; did you mean {near}?"
    raise ValueError(message)


def suggestion(found: str, known: Iterable[object], aliases: Mapping[str, str] | None = None) -> str | None:
    """Suggest a known value for an unknown name; None where none or several resemble it.

    In order: the same name but for case, signs and blanks, and for "_index" at its end; an alias; the known value that
    alone begins with it (4 letters or more); the name that alone differs by one slip of the pen, in names of 8 letters
    or more by two. Short codes differ by one letter and mean different methods: none of up to 5 letters (and no alias
    of up to 7) is taken for a slip of another, and no name of up to 4 letters for one of another.
    """
    plain = _plain(found)
    names = {_plain(str(value)): str(value) for value in known}
    # An alias of a value that is not among the known ones here leads nowhere; one of several words explains itself.
    usable = {alias: value for alias, value in (aliases or {}).items() if value in names.values() or " " in value}
    others = {_plain(alias): value for alias, value in usable.items()}
    for name in (plain, plain.removesuffix("index")):
        for exact in (names, others):
            if name in exact:
                return exact[name]
    longer = [name for name in names if len(plain) >= _LEAST_PREFIX and name.startswith(plain)]
    if longer:
        return names[longer[0]] if len(longer) == 1 else None
    if len(plain) < _LONGEST_CODE:
        return None
    slips = 1 if len(plain) < _LONG_NAME else 2
    candidates = {alias: value for alias, value in others.items() if len(alias) >= _LONG_NAME} | names
    for most in range(1, slips + 1):
        near = {candidates[name] for name in candidates if len(name) > _LONGEST_CODE and _differ_by(plain, name, most)}
        if near:
            return near.pop() if len(near) == 1 else None
    return None


_LEAST_PREFIX, _LONGEST_CODE, _LONG_NAME = 4, 5, 8
"""Letters of an abbreviation, of a code and of a long name."""


def _plain(name: str) -> str:
    lower = name.strip().lower().replace("ö", "oe")
    return "".join(letter for letter in lower if letter not in "_- ")


def _differ_by(a: str, b: str, most: int) -> bool:
    """True if at most so many letters inserted, left out, replaced or exchanged with their neighbour make b of a."""
    if abs(len(a) - len(b)) > most:
        return False
    before, row = [0] * (len(b) + 1), list(range(len(b) + 1))
    for n, letter in enumerate(a, 1):
        older, before, row = before, row, [n, *[0] * len(b)]
        for m, other in enumerate(b, 1):
            row[m] = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != other))
            if n > 1 and m > 1 and letter == b[m - 2] and a[n - 2] == other:
                row[m] = min(row[m], older[m - 2] + 1)
    return row[-1] <= most


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


def shown_value(found: object) -> str:
    """Text of a value in a message; of frames, arrays and other long values their type."""
    if isinstance(found, pl.DataFrame | pl.LazyFrame | pl.Series | pl.Expr | np.ndarray):
        return type(found).__name__
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
