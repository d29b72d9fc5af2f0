"""Checks of frames and options that the methods of all pilots take.

Each failure is a ValueError that states what was found and what was expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def eager_frame(frame: pl.DataFrame | pl.LazyFrame, name: str) -> pl.DataFrame:
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
    """Raise ValueError if the frame lacks a column; the message lists those that it has, and suggests one of them."""
    for column in columns:
        if not (isinstance(column, str) and column in frame.columns):
            shown = column if isinstance(column, str) else shown_value(column)
            message = f"{name}: column {shown} is missing; found {', '.join(frame.columns) or 'no columns'}"
            near = suggestion(column, frame.columns) if isinstance(column, str) else None
            raise ValueError(message + (f"; did you mean {near}?" if near else ""))


def refuse_no_keys(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a key column is neither text nor whole numbers."""
    for column in columns:
        found = frame.schema[column]
        if not (found in (pl.String, pl.Null, pl.Categorical) or found == pl.Enum or found.is_integer()):
            message = f"{name}: column {column} is {found}, expected text or whole numbers"
            raise ValueError(message)


def refuse_no_numbers(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise ValueError if a column is not numeric (a column of nulls alone is accepted)."""
    for column in columns:
        if not ((found := frame.schema[column]).is_numeric() or found == pl.Null):
            message = f"{name}: column {column} is {found}, expected numbers"
            raise ValueError(message)


def refuse_rows(
    frame: pl.DataFrame, faults: Mapping[str, pl.Expr], name: str, *, shown_as: Mapping[str, str] | None = None
) -> None:
    """Raise ValueError at the first fault that occurs, with the number of faulty rows and the first of them.

    `name`: of the frame. `faults`: description of a fault → its condition (true = faulty, null = not). `shown_as`:
    column of `frame` → the caller's name of it, where it differs.
    """
    names = shown_as or {}
    for fault, condition in faults.items():
        bad = frame.filter(condition)
        if not bad.is_empty():
            cells = bad.row(0, named=True).items()
            first = ", ".join(f"{names.get(column, column)} {value}" for column, value in cells)
            message = f"{name}: {bad.height} with {fault}; the first: {first}"
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


def is_single_value(found: object) -> bool:
    """True if a value can be compared with periods or names: no list, array, frame or expression, no pandas NA."""
    try:
        hash(found)
        bool(found == found)  # noqa: PLR0124 (values whose comparison is neither true nor false)
    except (TypeError, ValueError):
        return False
    return True


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


def shown_value(found: object) -> str:
    """Text of a value in a message; of frames, arrays and other long values their type."""
    if isinstance(found, pl.DataFrame | pl.LazyFrame | pl.Series | pl.Expr | np.ndarray):
        return type(found).__name__
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
