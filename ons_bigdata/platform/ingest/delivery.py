"""Landing of the files below given paths: each as the first source of a command that recognises it, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import Bounds, input_files, is_archive
from ons_bigdata.platform.ingest.ledger import read_refused_again
from ons_bigdata.platform.ingest.loading import account_empty, refuse
from ons_bigdata.platform.ingest.sources import (
    HEAD_BYTES,
    AdapterContext,
    BulkSource,
    Catchall,
    Recognised,
    Refused,
    with_tables,
)
from ons_bigdata.platform.ingest.unpacking import BoundExceededError, open_unpacked, unpacked_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.input_files import InputFile
    from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader, StagedFile
    from ons_bigdata.platform.ingest.sources import AnySource, Recognise
    from ons_bigdata.platform.pseudonyms import PseudonymKey

UNKNOWN = "unknown"
"""Delivery folder of files that no source recognises."""

INNER_ARCHIVE = "an archive in a folder or in another archive is not opened; give its own path"


@dataclass(frozen=True)
class Landed:
    """A file of an ingest: new in the ledger or known there."""

    file: LandedFile
    is_new: bool


@dataclass(frozen=True)
class _Candidate:
    """A source with what it needs to recognise a file."""

    reader: Reader
    recognise: Recognise
    bounds: Bounds
    is_bulk: bool
    is_personal: bool


def land_files(
    paths: Sequence[Path],
    landing: Landing,
    sources: Sequence[AnySource | Catchall],
    *,
    dbt_project_dir: Path,
    max_file_bytes: int,
    pseudonym_key: PseudonymKey | None = None,
) -> Iterator[Landed]:
    """Land every file below the paths as the first of the sources that recognises it, and yield each.

    `sources` are those of a single command. A refused file lands too, with its reason in the ledger. Of several files
    with the same name and different bytes, all but the first are refused.

    Raises InputError for a path that does not exist or cannot be read, an archive that is damaged (after the files
    before the damage), paths without any file, and a personal source without its key.
    """
    context = AdapterContext(dbt_project_dir, pseudonym_key)
    candidates = [_candidate(source, context, max_file_bytes) for source in with_tables(sources)]
    fallback = next((source for source in sources if isinstance(source, Catchall)), None)
    last = fallback.reader if fallback is not None else candidates[-1].reader
    unknown = fallback.reason if fallback is not None else f"not a file of {last.source}"
    bounds = Bounds(
        max(candidate.bounds.file_bytes for candidate in candidates),
        max(candidate.bounds.ratio for candidate in candidates),
    )
    contents: dict[str, str] = {}
    is_empty = True
    opens_archives = any(isinstance(source, BulkSource) and source.opens_archives for source in sources)
    for file in input_files(paths, bounds, opens_archives=opens_archives):
        is_empty = False
        recognised: Recognised | Refused
        staged, recognised = _stage(landing, file)
        reader = last
        if staged is not None:
            try:
                if contents.setdefault(file.name, staged.sha256) != staged.sha256:
                    recognised = Refused(
                        f"another file of this name with other content is among the same paths ({file.origin})"
                    )
                else:
                    reader, recognised = _recognise(file.name, staged, candidates, last, unknown)
            except BaseException:
                staged.discard()
                raise
        is_readable = file.stream is not None
        if isinstance(recognised, Refused) and is_readable and is_archive(file.name) and not opens_archives:
            recognised = Refused(INNER_ARCHIVE)
        yield _land(landing, file.name, staged, reader, recognised)
    if is_empty:
        raise InputError(f"no file below {', '.join(map(str, paths))}")


def _candidate(source: AnySource, context: AdapterContext, max_file_bytes: int) -> _Candidate:
    if isinstance(source, BulkSource):
        recognise, bounds = source.open_adapter(context).recognise, Bounds(source.max_file_bytes, source.max_ratio)
        return _Candidate(source.reader, recognise, bounds, is_bulk=True, is_personal=source.is_personal)
    recognise = source.adapter(context.dbt_project_dir).recognise
    bounds = Bounds(source.max_file_bytes or max_file_bytes, source.max_ratio)
    return _Candidate(source.reader, recognise, bounds, is_bulk=False, is_personal=False)


def _stage(landing: Landing, file: InputFile) -> tuple[StagedFile | None, Refused]:
    """Write the bytes of a file to the landing folder; without bytes, its refusal."""
    if file.stream is None:
        return None, Refused(file.refusal or "not read")
    is_large = (file.size_bytes or 0) > progress.LARGE_FILE_BYTES
    try:
        staged = landing.stage(
            file.stream, task=f"landing {file.name}" if is_large else None, size_bytes=file.size_bytes
        )
    except BoundExceededError as error:
        return None, Refused(str(error))
    return staged, Refused("no bytes")


def _recognise(
    name: str, staged: StagedFile, candidates: Sequence[_Candidate], last: Reader, unknown: str
) -> tuple[Reader, Recognised | Refused]:
    """Return the reader of a file and its recognition or refusal."""
    content = _Content(name, staged, candidates)
    for candidate in candidates:
        found = _try_recognise(candidate, content)
        if found is not None:
            return candidate.reader, found
    return last, Refused(unknown if staged.size_bytes else "no bytes")


class _Content:
    """The unpacked beginning of a file, read once for all sources of a kind."""

    def __init__(self, name: str, staged: StagedFile, candidates: Sequence[_Candidate]) -> None:
        self.name = name
        self.staged = staged
        self.ratio = max(candidate.bounds.ratio for candidate in candidates)
        self._largest = max((one.bounds.file_bytes for one in candidates if not one.is_bulk), default=0)
        self._whole: bytes | None = None
        self._head: bytes | None = None

    def of(self, candidate: _Candidate) -> bytes:
        """Head of the file for a bulk source; for another, the whole file or one byte more than its bound."""
        if candidate.is_bulk:
            if self._head is None:
                self._head = self._read(HEAD_BYTES)
            return self._head
        if self._whole is None:
            self._whole = self._read(self._largest + 1)
        return self._whole[: candidate.bounds.file_bytes + 1]

    def _read(self, size: int) -> bytes:
        with self.staged.open() as packed:
            return open_unpacked(packed, self.name, max_ratio=self.ratio).read(size)


def _try_recognise(candidate: _Candidate, content: _Content) -> Recognised | Refused | None:
    bound = candidate.bounds.file_bytes
    try:
        beginning = content.of(candidate)
        found = candidate.recognise(unpacked_name(content.name), beginning[:bound])
    except InputError as error:
        return Refused(str(error))
    except Exception as error:  # an error on a file costs that file only
        text = "" if candidate.is_personal else f": {str(error)[:500]}"  # which may hold content of the file
        return Refused(f"not recognised: {type(error).__name__}{text}")
    if isinstance(found, Recognised) and max(len(beginning), content.staged.size_bytes) > bound:
        return Refused(f"larger than {bound} bytes, the bound for one file of {candidate.reader.source}")
    return found


def _land(
    landing: Landing, name: str, staged: StagedFile | None, reader: Reader, recognised: Recognised | Refused
) -> Landed:
    if isinstance(recognised, Recognised):
        landed, is_new = landing.land_staged(
            staged,
            source=reader.source,
            delivery=recognised.delivery,
            name=name,
            data_origin=recognised.data_origin,
            partitions=recognised.partitions,
        )
        if not landed.size_bytes:
            account_empty(landing, landed, reader)
        elif not is_new:
            read_refused_again(landing, landed, reader)
        return Landed(landed, is_new)
    landed, is_new = landing.land_staged(
        staged, source=reader.source, delivery=UNKNOWN, name=name, data_origin=None, partitions=()
    )
    # again for a known refusal: an earlier ingest may have been killed before this; never for a file once taken in
    if landed.data_origin is None:
        refuse(landing, landed, reader, recognised.reason)
    return Landed(landed, is_new)
