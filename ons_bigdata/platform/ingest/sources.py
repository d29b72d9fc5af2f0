"""Sources: the kinds of files that a pilot ingests.

A pilot describes each kind by a `Source` or `BulkSource` in its `sources` package; landing, refusing, loading, the
Dagster assets and the ledger checks follow from it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import TYPE_CHECKING, Literal

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import LineReader
from ons_bigdata.platform.pseudonyms import read_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    import dataframely as dy

    from ons_bigdata.platform.calendar import Calendar
    from ons_bigdata.platform.ingest.bulk import Batch, ReadBatches
    from ons_bigdata.platform.ingest.landing import DataOrigin, Reader
    from ons_bigdata.platform.ingest.loading import ReadFile
    from ons_bigdata.platform.ingest.redaction import ReadRules
    from ons_bigdata.platform.lake import LakeTable
    from ons_bigdata.platform.pseudonyms import PseudonymKey
    from ons_bigdata.settings import Settings

MAX_RATIO = 200
"""Usual bound on the ratio of unpacked to packed bytes; text has 5 to 40."""


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
"""(file name without `.gz` or `.zst`, unpacked content) -> recognised or refused; None for a file of another source.

Looks no further than it must. A bulk source gets the first HEAD_BYTES of the content."""


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
    """Tables (`schema.table`) whose asset lands such files besides the command `ingest`, or by which they go."""


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
    max_ratio: int = MAX_RATIO
    """Bound on the ratio of unpacked to packed bytes."""
    reads_loaded_files_again: bool = False
    """True if each run of an unpartitioned raw asset reads loaded files again; for sources of a few small files."""

    @property
    def name(self) -> str:
        """Name of the source in the ledger and of its folder in landing."""
        return self.reader.source

    @property
    def table_name(self) -> str:
        """Name of the table, which as a path is the asset key: `schema.table`."""
        return self.table.name


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
    read_batches: ReadBatches
    line_reader: LineReader | None = None
    """Reader of files whose lines stand by themselves, which several processes can share; None without any."""


def pseudonymising_adapter(
    recognise: Recognise,
    read_batches: Callable[..., Iterator[Batch]],
    *,
    is_by_line: Callable[[str, bytes], bool] | None = None,
    stretch_bytes: int = 0,
) -> Callable[[AdapterContext], BulkAdapter]:
    """Adapter of a personal source, whose `read_batches(stream, name, key=…)` makes pseudonyms with the key.

    With `is_by_line` and `stretch_bytes`, `read_batches` is that of a `LineReader`, too. The adapter raises ValueError
    where the key is missing. Its link to code is that of `read_batches`.
    """

    @wraps(read_batches)
    def adapter(context: AdapterContext) -> BulkAdapter:
        key = context.pseudonym_key
        if key is None:
            raise ValueError("a source about single people, homes or devices needs the pseudonym key to be read")
        lines = None if is_by_line is None else LineReader(read_batches, key, is_by_line, stretch_bytes)
        return BulkAdapter(recognise, partial(read_batches, key=key), lines)

    return adapter


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
    columns: Mapping[str, str]
    """Column of the table → description."""
    partition_column: str
    """Column of the accepted rows, a date or a key as text, whose text (ISO of a date) is the partition's key."""
    landing: LandingFolder
    calendar: Calendar | None
    """Calendar by whose periods the table is partitioned. None: by `partition_keys`; a run loads what waits."""
    max_file_bytes: int
    """Bound on an unpacked file."""
    max_ratio: int
    """Bound on the ratio of unpacked to packed bytes of a file."""
    is_personal: bool
    """True if the rows are about single people, homes or devices: the pseudonym key is then required."""
    expires_after_days: int | None
    """Days after which `expire` deletes the landed bytes of loaded files; None where they are kept."""
    partition_keys: frozenset[str] = frozenset()
    """Keys of all partitions of a table without calendar; empty for one with a calendar."""
    formats: tuple[str, ...] = ()
    """Names of the formats of its files, which are those of their deliveries; empty where it has one format."""
    opens_archives: bool = False
    """True if archives in a folder are opened, as those are that a path names."""
    read_rules: ReadRules | None = None
    """Reader of the rules by which lines of landed files have to go before they are read; None without any."""

    def __post_init__(self) -> None:
        if (self.calendar is None) != bool(self.partition_keys):
            raise ValueError(
                f"source {self.name}: calendar {self.calendar} and {len(self.partition_keys)} partition keys;"
                " expected either a calendar or keys"
            )

    @property
    def name(self) -> str:
        """Name of the source in the ledger and of its folder in landing."""
        return self.reader.source

    @property
    def table_name(self) -> str:
        """Name of the table, which as a path is the asset key: `lake.table`."""
        return f"lake.{self.table.name}"

    def open_adapter(self, context: AdapterContext) -> BulkAdapter:
        """Return the functions of the source. Raises InputError for a personal source without its key."""
        if self.is_personal and context.pseudonym_key is None:
            raise InputError(f"{self.name} is about single people, homes or devices: its ingest needs a pseudonym key")
        return self.adapter(context)


AnySource = Source | BulkSource


@dataclass(frozen=True)
class Catchall:
    """Last resort of a command with several sources: the ledger source of files that none of them recognises."""

    command: str
    reader: Reader
    reason: str
    """Reason of the refusal: the expected kinds of files."""


def adapter_context(settings: Settings, sources: Iterable[AnySource | Catchall]) -> AdapterContext:
    """Return what the adapters of these sources need; the pseudonym key is read only for personal ones.

    Raises InputError where the key is needed and there is none, its form is wrong or others may read it.
    """
    is_personal = any(isinstance(source, BulkSource) and source.is_personal for source in sources)
    secret = None if settings.pseudonym_key is None else settings.pseudonym_key.get_secret_value()
    key = read_key(secret, settings.pseudonym_key_path) if is_personal else None
    return AdapterContext(settings.dbt_project_dir, key)


def discover_sources(package: ModuleType) -> tuple[AnySource | Catchall, ...]:
    """Return the `SOURCES` of all modules and packages directly below a package, in the order of their names."""
    modules = [importlib.import_module(f"{package.__name__}.{module.name}") for module in _modules(package)]
    return tuple(source for module in modules for source in vars(module).get("SOURCES", ()))


def _modules(package: ModuleType) -> list[pkgutil.ModuleInfo]:
    return sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)


def with_tables(sources: Sequence[AnySource | Catchall], *, area: str | None = None) -> list[AnySource]:
    """Return the sources that fill a table, of the database or of the lake; of all areas or one."""
    return [source for source in sources if not isinstance(source, Catchall) and area in (None, source.area)]


def loadable(sources: Sequence[AnySource | Catchall], *, area: str | None = None) -> list[Source]:
    """Return the sources that fill a table of the database, of all areas or one."""
    return [source for source in with_tables(sources, area=area) if isinstance(source, Source)]


def bulk_sources(sources: Sequence[AnySource | Catchall], *, area: str | None = None) -> list[BulkSource]:
    """Return the sources that fill a table of the lake, of all areas or one."""
    return [source for source in with_tables(sources, area=area) if isinstance(source, BulkSource)]
