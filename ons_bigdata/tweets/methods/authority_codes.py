"""Codes of authorities on a date: figures of earlier boundaries carried forward by the changes of codes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def code_successors(changes: pl.DataFrame, on: date) -> dict[str, str]:
    """Code that an ended code has become by a date, through all changes up to that day.

    `changes`: changed_on (Date), old_code, new_code; one row per ended code. A code without a change is not in the
    result. Raises ValueError for missing columns, a code that ended twice, and changes that lead in a circle.
    """
    missing = [column for column in ("changed_on", "old_code", "new_code") if column not in changes.columns]
    if missing:
        message = f"changes has no column {', '.join(missing)}; its columns: {', '.join(changes.columns)}"
        raise ValueError(message)
    repeated = changes.filter(pl.col("old_code").is_duplicated())
    if not repeated.is_empty():
        message = f"changes: code {repeated['old_code'][0]} ends twice; expected one successor of each code"
        raise ValueError(message)
    past = changes.filter(pl.col("changed_on") <= on)
    successor = dict(past.select("old_code", "new_code").iter_rows())
    result = {}
    for code, new in successor.items():
        path = [code]
        last = new
        while last in successor:
            if last in path:
                message = f"changes lead in a circle: {' to '.join([*path, last])}"
                raise ValueError(message)
            path.append(last)
            last = successor[last]
        result[code] = last
    return result


def with_codes_on(frame: pl.DataFrame, columns: Sequence[str], changes: pl.DataFrame, on: date) -> pl.DataFrame:
    """Frame with the codes in `columns` replaced by those that are valid on a date; its other columns are unchanged.

    Authorities that have merged have the same code afterwards: the caller adds up their rows. Of flows, the moves
    between them become moves within an area. A code that began after the date cannot be carried back, since its area
    was several: ValueError, with the first such codes. `changes` as in `code_successors`.
    """
    successor = code_successors(changes, on)
    later = set(changes.filter(pl.col("changed_on") > on)["new_code"])
    for column in columns:
        if column not in frame.columns:
            message = f"frame has no column {column}; its columns: {', '.join(frame.columns)}"
            raise ValueError(message)
        found = sorted(later & set(frame[column].drop_nulls().unique()))
        if found:
            message = f"column {column} has codes that began after {on}: {', '.join(found[:5])}; expected a later date"
            raise ValueError(message)
    return frame.with_columns(pl.col(column).replace(successor) for column in columns)


def successor_among(codes: set[str], known: set[str], changes: pl.DataFrame) -> dict[str, str]:
    """First successor that is among the known codes, for each of the codes that is not and has one.

    `changes` as in `code_successors`, whose errors these are.
    """
    code_successors(changes, date.max)  # refuses circles
    following = dict(changes.select("old_code", "new_code").iter_rows())
    result = {}
    for code in codes - known:
        later = following.get(code)
        while later is not None and later not in known:
            later = following.get(later)
        if later is not None:
            result[code] = later
    return result
