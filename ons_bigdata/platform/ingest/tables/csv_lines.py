"""Strict CSV, one physical line per row: the lines of a file, their fields and their faults."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_CONTENT = 10_000
"""Length (characters) at which quarantine cuts a row; the whole row is in the landed file."""

QUARANTINE = {"line": pl.Int64, "reason": pl.String, "content": pl.String}
"""Columns of a frame of quarantined rows; the header is line 1."""

UTF_16_FAULT = "a text in UTF-16; expected a CSV in UTF-8"

_BOM = b"\xef\xbb\xbf"

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def split_lines(content: bytes) -> tuple[list[str], dict[int, str]]:
    """Split a file into its physical lines, without trailing blank ones; return them and the faults by position.

    A fault is a line that is not text; its offending bytes are escaped. Of a text in UTF-16 the header is at fault.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return [""], {0: UTF_16_FAULT}
    body = content.removeprefix(_BOM).replace(b"\r\n", b"\n")
    faults: dict[int, str] = {}
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        parts = body.split(b"\n")
        lines = [part.decode(errors="backslashreplace") for part in parts]
        faults = {index: fault for index, part in enumerate(parts) if (fault := _encoding_fault(part))}
    if b"\0" in body or b"\r" in body:
        for index, line in enumerate(lines):
            if "\0" in line or "\r" in line:
                faults.setdefault(index, "NUL character" if "\0" in line else "carriage return inside the line")
                lines[index] = line.replace("\0", "\\x00").replace("\r", "\\r")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return lines, faults


def _encoding_fault(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        byte, following = line[error.start], line[error.start + 1 : error.start + 2]
        lone = " (a lone surrogate)" if byte == 0xED and following >= b"\xa0" else ""
        return f"not UTF-8: 0x{byte:02x} at byte {error.start + 1} of the line{lone}"
    return None


def header_fault(line: str, columns: Sequence[str]) -> str | None:
    """Return the difference between a header and the expected columns; None where there is none."""
    names, fault = fields_of(line)
    if tuple(names) == tuple(columns):
        return None
    if other := separator_fault(line):
        return f"wrong header: {other}"
    missing = ", ".join(name for name in columns if name not in names)
    unknown = ", ".join(name for name in names if name not in columns)
    differs = fault or "; ".join(
        [f"missing columns {missing}"] * bool(missing) + [f"unknown columns {unknown}"] * bool(unknown)
    )
    differs = differs or "columns in another order or twice"
    return f"wrong header: {shown(differs, 800)}; found {shown(line, 400)!r}, expected {','.join(columns)!r}"


def separator_fault(header: str) -> str | None:
    """Return which other sign than a comma is between the columns of a header; None where none is seen to be."""
    for sign, name in _OTHER_SEPARATORS.items():
        if sign in header and "," not in header:
            return f"the header has {name} between its columns; expected commas"
    return None


def split_rows(
    lines: Sequence[str], faults: dict[int, str], *, fields_per_row: int, cut_short: bool
) -> tuple[list[int], list[str], dict[int, str]]:
    """Split the rows below the header into fields.

    Returns the line numbers (the header is 1) of the rows with `fields_per_row` fields, the fields of all of them
    in one flat list, and the faults of the other rows by line number. A quoted field ends on its line, so that a
    stray quote costs a single row.
    """
    if not faults and (flat := _fields_of_all(lines[1:], fields_per_row)) is not None:
        return list(range(2, len(lines) + 1)), flat, {}
    numbers: list[int] = []
    flat = []
    broken: dict[int, str] = {}
    for index, line in enumerate(lines[1:], start=1):
        fields, fault = fields_of(line)
        fault = faults.get(index) or fault
        if fault is None and len(fields) != fields_per_row:
            fault = f"{len(fields)} fields, expected {fields_per_row}" if line.strip() else "blank line"
        if fault is None:
            numbers.append(index + 1)
            flat += fields
        else:
            is_cut = cut_short and index == len(lines) - 1
            broken[index + 1] = f"cut off: {fault}" if is_cut else fault
    return numbers, flat, broken


def _fields_of_all(lines: Sequence[str], fields_per_row: int) -> list[str] | None:
    """Split all rows at once, which is fast; None unless each line is a complete row."""
    flat: list[str] = []
    try:
        for row in csv.reader(lines, strict=True):
            if len(row) != fields_per_row:
                return None
            flat += row
    except csv.Error:
        return None
    # A field with a line break would leave fewer rows than lines.
    return flat if len(flat) == len(lines) * fields_per_row else None


def fields_of(line: str) -> tuple[list[str], str | None]:
    """Return the fields of one line and None, or no fields and the fault."""
    try:
        return next(csv.reader([line], strict=True), []), None
    except csv.Error as error:
        unclosed = str(error) == "unexpected end of data"
        return [], "quoted field not closed on its line" if unclosed else f"not CSV: {error}"


def shown(text: str, longest: int = LONGEST_CONTENT) -> str:
    """Return a text, truncated to `longest` characters with its length."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def quarantined(reasons: dict[int, str], lines: Sequence[str]) -> pl.DataFrame:
    """Return the frame of quarantined rows (QUARANTINE) from the reasons by line number."""
    rows = [(line, reason, shown(lines[line - 1])) for line, reason in sorted(reasons.items())]
    return pl.DataFrame(rows, schema=QUARANTINE, orient="row")


def columns_of(numbers: Sequence[int], fields: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Return a frame of `line` and text columns from the flat list of all fields."""
    texts = pl.Series(fields, dtype=pl.String)
    parts = [texts.gather_every(len(columns), offset).alias(name) for offset, name in enumerate(columns)]
    return pl.DataFrame([pl.Series("line", numbers, pl.Int32), *parts])


def refused_rows(
    parsed: pl.DataFrame, faults: Sequence[tuple[pl.Expr, pl.Expr]]
) -> tuple[pl.DataFrame, dict[int, str]]:
    """Remove the rows with faults (test, reason); return the other rows, and the joined reasons by line number."""
    if not faults:
        return parsed, {}
    faulty = pl.any_horizontal(fault.fill_null(value=False) for fault, _ in faults)
    is_faulty = parsed.select(faulty).to_series()
    reasons = [pl.when(fault).then(reason) for fault, reason in faults]
    refused = parsed.filter(is_faulty).select("line", pl.concat_str(reasons, separator="; ", ignore_nulls=True))
    return parsed.filter(~is_faulty), dict(refused.iter_rows())


def reason(text: str, *columns: str) -> pl.Expr:
    """Return a text whose braces are filled with fields of the row, quoted."""
    return pl.format(text, *(pl.format("'{}'", pl.col(column).str.slice(0, 200)) for column in columns))


def matching(column: str, pattern: str) -> pl.Expr:
    """Return the text of a column where it matches, else null."""
    return pl.when(pl.col(column).str.contains(pattern)).then(column)
