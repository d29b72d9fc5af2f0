"""Reading of files of meter readings as frames, without state folder or lake: the public function `read`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from polars.io.plugins import register_io_source

from ons_bigdata.meters.sources.formats import BY_NAME, FORMATS, NO_NEM12_HEADER, open_format, unknown_content
from ons_bigdata.meters.sources.formats.nem12 import lacks_header
from ons_bigdata.meters.sources.formats.nem13 import ACCUMULATION_COLUMNS, is_nem13, read_nem13
from ons_bigdata.meters.sources.formats.rows import READING_COLUMNS, ReplayedStream, unknown_name
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import Bounds, input_files, require_paths
from ons_bigdata.platform.ingest.sources import HEAD_BYTES
from ons_bigdata.platform.ingest.unpacking import open_unpacked, unpacked_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ons_bigdata.meters.sources.formats import Options, ReadStream
    from ons_bigdata.meters.sources.formats.rows import Readings

COLUMNS: dict[str, pl.DataType] = {
    **{name: READING_COLUMNS[name] for name in ("meter", "started_at", "kwh", "minutes", "code", "flag", "is_export")},
    "file": pl.String(),
    "line": pl.Int64(),
}
"""Columns of `read`."""

ACCUMULATIONS: dict[str, pl.DataType] = {
    **{name: dtype for name, dtype in ACCUMULATION_COLUMNS.items() if name != "line"},
    "file": pl.String(),
    "line": pl.Int64(),
}
"""Columns of `read_accumulations`."""

QUARANTINE: dict[str, pl.DataType] = {"file": pl.String(), "line": pl.Int64(), "reason": pl.String()}
"""Columns of quarantined rows."""

RULES = ("warn", "raise")
"""Rules of `read` for quarantined rows."""

NEM13 = "nem13"

_OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""Files that file managers add to folders and archives, besides AppleDouble files (`._NAME`)."""

OF_A_FILE_MANAGER = "file of a file manager without readings"
"""Reason why a file is left out. One of such a name that holds readings is read."""

SKIPPED: dict[str, pl.DataType] = {"file": pl.String(), "reason": pl.String()}
"""Columns of files that were left out."""

_BOUNDS = Bounds(file_bytes=1 << 50, ratio=1 << 20)

Paths = str | Path | Sequence[str | Path]


class QuarantineWarning(UserWarning):
    """Rows of files of readings were left out, each with a reason."""


class SkippedFileWarning(UserWarning):
    """Files that file managers add to folders and archives were left out; no row of readings was."""


@dataclass(frozen=True)
class ReadResult:
    """All rows of files of readings; rows in = accepted + quarantined."""

    readings: pl.DataFrame
    """Accepted rows, with COLUMNS or ACCUMULATIONS."""
    quarantined: pl.DataFrame
    """Rows that were left out, with QUARANTINE; a line of several readings may come several times."""
    skipped: pl.DataFrame
    """Files that were left out as a whole, with SKIPPED: they have no rows."""

    @property
    def rows_in(self) -> int:
        """Rows that were read."""
        return self.readings.height + self.quarantined.height


class _Part(NamedTuple):
    """Rows of a part of a file; None for a file that is left out."""

    file: str
    origin: str
    readings: Readings | None


def read(path: Paths, format: str | None = None, *, quarantined: str = "warn", **options: object) -> pl.LazyFrame:  # noqa: A002
    """Read files of meter readings, of any size, as a lazy frame.

    `path` is a file (.gz and .zst are unpacked), an archive (.zip, .tar, …), a folder, or several of them. `format` is
    cer, lcl, nem12 or csv; None recognises each file by its beginning. Options: lcl has `clock` ("gmt", the default, or
    "local"); csv has `clock` ("utc" or "local"), `timezone` and `columns` (names of the file by those of the generic
    CSV).

    The frame has COLUMNS: meter (text as in the file, NMI/suffix of NEM12), started_at (UTC, begin of the interval),
    kwh (null where there is none), minutes, code (token or error code in place of a reading), flag, is_export, file,
    line.

    Rows that cannot be read are left out, and are not silent: `quarantined="warn"` warns with QuarantineWarning and
    the count of each reason at the end of the files, "raise" raises InputError. `read_with_quarantine` returns them.
    They are judged when the frame is collected; a frame of which only the first rows are taken has read no further.
    Files that file managers add to folders and archives are left out with a SkippedFileWarning that names them, unless
    they hold readings.

    Raises InputError for an unknown format, option or value (with the known ones and the nearest), a path that does not
    exist, and, when collected, for a file of another format, one that cannot be unpacked, and paths without a file that
    may hold readings.
    """
    files = _checked(path, format, options)
    if quarantined not in RULES:
        raise unknown_name(quarantined, RULES, what="rule for quarantined rows")

    def parts(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        reasons: dict[str, int] = {}
        skipped: list[str] = []
        left = n_rows
        for part in _parts(files, format, options):
            if part.readings is None:
                skipped.append(part.origin)
                continue
            for reason, count in part.readings.quarantined["reason"].value_counts().iter_rows():
                reasons[reason] = reasons.get(reason, 0) + count
            rows = _named(part.file, part.readings, COLUMNS)
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows if with_columns is None else rows.select(with_columns)
            if left is not None:
                rows = rows.head(left)
                left -= rows.height
            yield rows
            if left == 0:
                return
        _report_skipped(skipped)
        _report(reasons, quarantined)

    return register_io_source(parts, schema=COLUMNS)


def read_with_quarantine(path: Paths, format: str | None = None, **options: object) -> ReadResult:  # noqa: A002
    """Read files of meter readings as `read` does, and the rows that are left out with file, line and reason."""
    files = _checked(path, format, options)
    return _result(_parts(files, format, options), COLUMNS)


def read_accumulations(path: Paths) -> ReadResult:
    """Read NEM13 files: energy between two reads of a register (ACCUMULATIONS), which has no half hours.

    Raises InputError for a path that does not exist and for a file of another format.
    """
    files = _checked(path, None, {})

    def open_nem13(name: str, head: bytes) -> ReadStream:
        if not is_nem13(head):
            raise InputError(f"{name}: no NEM13 file; expected a first record `100,NEM13,…`")
        return read_nem13

    return _result(_opened(files, open_nem13), ACCUMULATIONS)


def _checked(path: Paths, form: str | None, options: Options) -> list[Path]:
    """Paths to read. Raises InputError for an unknown format or option and a missing path."""
    if form == NEM13:
        raise InputError("format 'nem13' has accumulated reads, no intervals; expected `read_accumulations`")
    if form is not None and form not in BY_NAME:
        raise unknown_name(form, list(BY_NAME), what="format")
    known = BY_NAME[form].options if form is not None else ()
    for name in options:
        if name not in known:
            raise unknown_name(name, known, what=f"option of format {form!r}" if form else "option without a format")
    if form is not None:
        BY_NAME[form].open("", b"", options)  # its values
    files = [Path(one) for one in ([path] if isinstance(path, str | Path) else path)]
    require_paths(files)
    return files


def _parts(files: Sequence[Path], form: str | None, options: Options) -> Iterator[_Part]:
    def open_reader(name: str, head: bytes) -> ReadStream:
        if form is None:
            found = open_format(name, head)
            if found is None:
                raise InputError(f"{name}: {unknown_content(head)}")
            return found[1]
        read_stream = BY_NAME[form].open(name, head, options)
        if read_stream is None:
            found = open_format(name, head)
            other = f"; its beginning is that of format {found[0].name!r}" if found else f"; found {_shown(head)}"
            raise InputError(f"{name}: not of format {form!r}: expected {BY_NAME[form].expected}{other}")
        return read_stream

    return _opened(files, open_reader)


def _shown(head: bytes) -> str:
    """Kind of a beginning of no known format, without content."""
    if not head.strip():
        return "no bytes"
    return NO_NEM12_HEADER if lacks_header(head) else "a file of no known format"


def _opened(files: Sequence[Path], open_reader: Callable[[str, bytes], ReadStream]) -> Iterator[_Part]:
    has_files = may_hold_readings = False
    for file in input_files(files, _BOUNDS, opens_archives=True):
        has_files = True
        is_of_file_manager = file.name.startswith("._") or file.name in _OF_FILE_MANAGERS
        if file.stream is None:
            if is_of_file_manager:
                yield _Part(file.name, file.origin, None)
                continue
            raise InputError(f"{file.origin}: {file.refusal}")
        stream = ReplayedStream(open_unpacked(file.stream, file.name), HEAD_BYTES)
        name = unpacked_name(file.name)
        if is_of_file_manager and open_format(name, stream.head) is None and not is_nem13(stream.head):
            yield _Part(file.name, file.origin, None)
            continue
        may_hold_readings = True
        for readings in open_reader(name, stream.head)(stream):
            yield _Part(file.name, file.origin, readings)
    if not may_hold_readings:
        paths = ", ".join(map(str, files))
        raise InputError(
            f"no file below {paths}" + (f" but such as are each a {OF_A_FILE_MANAGER}" if has_files else "")
        )


def _named(file: str, readings: Readings, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Rows of a part with the name of its file, and meters as text."""
    rows = readings.accepted.with_columns(pl.col("meter").cast(pl.String), pl.lit(file).alias("file"))
    return rows.select(list(columns))


def _result(parts: Iterator[_Part], columns: dict[str, pl.DataType]) -> ReadResult:
    readings, quarantined = [pl.DataFrame(schema=columns)], [pl.DataFrame(schema=QUARANTINE)]
    skipped: list[tuple[str, str]] = []
    for part in parts:
        if part.readings is None:
            skipped.append((part.origin, OF_A_FILE_MANAGER))
            continue
        readings.append(_named(part.file, part.readings, columns))
        left_out = part.readings.quarantined
        quarantined.append(left_out.select(pl.lit(part.file).alias("file"), "line", "reason"))
    return ReadResult(pl.concat(readings), pl.concat(quarantined), pl.DataFrame(skipped, schema=SKIPPED, orient="row"))


def _report_skipped(files: Sequence[str]) -> None:
    if files:
        text = f"{len(files)} files left out, each a {OF_A_FILE_MANAGER}: {', '.join(files)}"
        warnings.warn(text, SkippedFileWarning, stacklevel=2)


def _report(reasons: dict[str, int], rule: str) -> None:
    if not reasons:
        return
    counts = "; ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    text = f"{sum(reasons.values())} rows quarantined: {counts} (read_with_quarantine returns them)"
    if rule == "raise":
        raise InputError(text)
    warnings.warn(text, QuarantineWarning, stacklevel=2)


KNOWN_FORMATS = tuple(one.name for one in FORMATS)
"""Formats of `read`."""
