"""Sources: the kinds of files that a pilot ingests, and the mechanism by which all of them land.

A pilot describes each kind by a `Source` in its `sources` package; landing, refusing, loading, the Dagster assets and
the ledger checks follow from it.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.input_files import input_files
from ons_bigdata.platform.ingest.loading import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    import dataframely as dy

    from ons_bigdata.platform.calendar import Calendar
    from ons_bigdata.platform.ingest.bulk import ReadBatches
    from ons_bigdata.platform.ingest.input_files import InputFile
    from ons_bigdata.platform.ingest.landing import DataOrigin, LandedFile, Landing, Reader
    from ons_bigdata.platform.ingest.loading import ReadFile
    from ons_bigdata.platform.lake import LakeTable
    from ons_bigdata.platform.pseudonyms import PseudonymKey

UNKNOWN = "unknown"
"""Delivery folder of files that no source recognises."""


@dataclass(frozen=True)
class Recognised:
    """A file that belongs to a source."""

    delivery: str
    """Who delivered it, the folder below that of the source: a key."""
    data_origin: DataOrigin
    partitions: tuple[str, ...] | None
    """Partitions that it touches; None where they are known only after reading."""


@dataclass(frozen=True)
class Refused:
    """A file that belongs to a source and is not taken in."""

    reason: str


Recognise = Callable[[str, bytes], Recognised | Refused | None]
"""(file name, content) -> recognised or refused; None for a file of another source. Looks no further than it must."""


@dataclass(frozen=True)
class Adapter:
    """The functions of a source, with the closed vocabularies that they need."""

    recognise: Recognise
    read: ReadFile


@dataclass(frozen=True)
class RawTable:
    """The raw table of a source."""

    name: str
    """`schema.table`."""
    frame: type[dy.Schema]
    """Columns of the table, which are those of the accepted rows of a reading."""
    description: str
    """One row per …"""
    partition_column: str
    """Column by which the table is partitioned; its text (ISO of a date) is the partition's key."""
    partition_type: Literal["date", "text"] = "date"
    json_columns: Sequence[str] = ()


@dataclass(frozen=True)
class LandingFolder:
    """Landed files of one or several sources, as an asset."""

    name: str
    """Asset `landing/<name>`."""
    description: str
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column → description of the file format."""
    written_after: Sequence[str] = ()
    """Tables (`schema.table`) whose asset lands such files, besides the command `ingest`."""


@dataclass(frozen=True)
class Source:
    """A kind of input: how its files are recognised and read, where they land and which table they fill."""

    command: str
    """NAME of `ons-bigdata ingest NAME PATH…`. The sources of a command are tried in order."""
    reader: Reader
    """Name and version of the reader; `reader.source` is the source's name in the ledger."""
    area: str
    """Area of the pilot to which its assets belong."""
    adapter: Callable[[Path], Adapter]
    """Recognising and reading, from the folder of the dbt project, whose seeds are the closed vocabularies."""
    table: RawTable
    landing: LandingFolder
    calendar: Calendar | None = None
    """Calendar by whose periods the raw asset is partitioned. None: it is not; a run loads the files that wait."""
    max_file_bytes: int | None = None
    """Bound on an unpacked file; None for that of the settings."""
    reads_loaded_files_again: bool = False
    """Whether each run of an unpartitioned raw asset reads loaded files again; for sources of a few small files."""

    @property
    def name(self) -> str:
        """Name of the source in the ledger and of its folder in landing."""
        return self.reader.source


@dataclass(frozen=True)
class AdapterContext:
    """Arguments of the adapter of a bulk source."""

    dbt_project_dir: Path
    """Folder of the dbt project, whose seeds are the closed vocabularies."""
    pseudonym_key: PseudonymKey | None
    """Key of the pseudonyms; never None for a personal source."""


@dataclass(frozen=True)
class BulkAdapter:
    """The functions of a bulk source."""

    recognise: Recognise
    """(file name, first `HEAD_BYTES` of the unpacked content) -> recognised or refused; None for another source."""
    read_batches: ReadBatches


HEAD_BYTES = 64 * 1024
"""Bytes of the unpacked content by which a bulk source recognises a file."""


@dataclass(frozen=True)
class BulkSource:
    """A kind of input of which the files are read in batches into a table of the lake."""

    command: str
    """NAME of `ons-bigdata ingest NAME PATH…`. The sources of a command are tried in order."""
    reader: Reader
    """Name and version of the reader; `reader.source` is the source's name in the ledger."""
    area: str
    """Area of the pilot to which its assets belong."""
    adapter: Callable[[AdapterContext], BulkAdapter]
    table: LakeTable
    """Table of the lake; the asset is `lake/<table>`."""
    description: str
    """One row per …, of the table."""
    partition_column: str
    """Column of the accepted rows, a date or a key as text, whose text (ISO of a date) is the partition's key."""
    landing: LandingFolder
    calendar: Calendar
    """Calendar by whose periods the table is partitioned."""
    max_file_bytes: int
    """Bound on an unpacked file."""
    max_ratio: int
    """Bound on the ratio of unpacked to packed bytes of a file."""
    is_personal: bool
    """Whether the rows are about single people, homes or devices: the pseudonym key is then required."""
    expires_after_days: int | None
    """Days after which `expire` deletes the landed bytes of loaded files; None where they are kept."""

    @property
    def name(self) -> str:
        """Name of the source in the ledger and of its folder in landing."""
        return self.reader.source


@dataclass(frozen=True)
class Catchall:
    """Last resort of a command with several sources: the ledger source of files that none of them recognises."""

    command: str
    reader: Reader
    reason: str
    """Reason of the refusal: the expected kinds of files."""


@dataclass(frozen=True)
class Landed:
    """A file of an ingest: new in the ledger or known there."""

    file: LandedFile
    is_new: bool


def discover_sources(package: ModuleType) -> tuple[Source | Catchall, ...]:
    """Return the `SOURCES` of all modules and packages directly below a package, in the order of their names."""
    modules = [importlib.import_module(f"{package.__name__}.{module.name}") for module in _modules(package)]
    return tuple(source for module in modules for source in vars(module).get("SOURCES", ()))


def _modules(package: ModuleType) -> list[pkgutil.ModuleInfo]:
    return sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)


def loadable(sources: Sequence[Source | Catchall], *, area: str | None = None) -> list[Source]:
    """Return the sources that fill a table, of all areas or one."""
    return [source for source in sources if isinstance(source, Source) and area in (None, source.area)]


def land_files(
    paths: Sequence[Path],
    landing: Landing,
    sources: Sequence[Source | Catchall],
    *,
    dbt_project_dir: Path,
    max_file_bytes: int,
) -> Iterator[Landed]:
    """Land every file below the paths as the first of the sources that recognises it, and yield each.

    `sources` are those of a single command. A refused file lands too, with its reason in the ledger. Of several files
    with the same name and different bytes, all but the first are refused.

    Raises InputError for a path that does not exist or cannot be read, an archive that is damaged (after the files
    before the damage), and paths without any file.
    """
    adapters = [(source, source.adapter(dbt_project_dir)) for source in loadable(sources)]
    fallback = next((source for source in sources if isinstance(source, Catchall)), None)
    last = fallback.reader if fallback is not None else adapters[-1][0].reader
    bounds = {source.name: source.max_file_bytes or max_file_bytes for source, _ in adapters}
    contents: dict[str, str] = {}
    files = input_files(paths, max_file_bytes=max(bounds.values()))
    is_empty = True
    for file in files:
        is_empty = False
        reader, recognised = _recognise(file, adapters, fallback, last, bounds, contents)
        yield _land(landing, file, reader, recognised)
    if is_empty:
        raise InputError(f"no file below {', '.join(map(str, paths))}")


def _recognise(
    file: InputFile,
    adapters: Sequence[tuple[Source, Adapter]],
    fallback: Catchall | None,
    last: Reader,
    bounds: Mapping[str, int],
    contents: dict[str, str],
) -> tuple[Reader, Recognised | Refused]:
    """Return the reader of a file and its recognition or refusal; remember its content by its name."""
    if file.content is None:
        return last, Refused(file.refusal or "not read")
    sha256 = hashlib.sha256(file.content).hexdigest()
    if contents.setdefault(file.name, sha256) != sha256:
        return last, Refused(f"another file of this name with other content is among the same paths ({file.origin})")
    for source, adapter in adapters:
        found = _try_recognise(adapter, file.name, file.content)
        if isinstance(found, Recognised) and len(file.content) > bounds[source.name]:
            found = Refused(f"larger than {bounds[source.name]} bytes, the bound for one file of {source.name}")
        if found is not None:
            return source.reader, found
    if not file.content:
        return last, Refused("no bytes")
    return last, Refused(fallback.reason if fallback is not None else f"not a file of {last.source}")


def _try_recognise(adapter: Adapter, name: str, content: bytes) -> Recognised | Refused | None:
    try:
        return adapter.recognise(name, content)
    except Exception as error:  # an error on a file costs that file only
        return Refused(f"not recognised: {type(error).__name__}: {str(error)[:500]}")


def _land(landing: Landing, file: InputFile, reader: Reader, recognised: Recognised | Refused) -> Landed:
    if isinstance(recognised, Recognised):
        landed, is_new = landing.land(
            file.content,
            source=reader.source,
            delivery=recognised.delivery,
            name=file.name,
            data_origin=recognised.data_origin,
            partitions=recognised.partitions,
        )
        return Landed(landed, is_new)
    landed, is_new = landing.land(
        file.content, source=reader.source, delivery=UNKNOWN, name=file.name, data_origin=None, partitions=()
    )
    # again for a known refusal: an earlier ingest may have been killed before this; never for a file once taken in
    if landed.data_origin is None:
        refuse(landing, landed, reader, recognised.reason)
    return Landed(landed, is_new)
