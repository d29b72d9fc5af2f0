"""`ingest NAME PATH…`: land the files below the paths as the sources of that name, then load those that wait.

With `--build`, what depends on the written partitions is materialised, too.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ons_bigdata.commands.build_dependents import BuildSummary, WrittenTable, build_dependents
from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, ReportedError
from ons_bigdata.platform.ingest.delivery import Landed, land_files
from ons_bigdata.platform.ingest.input_files import require_paths
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.redaction import redact_unsearched
from ons_bigdata.platform.ingest.sources import (
    AdapterContext,
    BulkAdapter,
    BulkSource,
    Catchall,
    Recognised,
    Refused,
    adapter_context,
    with_tables,
)
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.redaction import ReadRules, Rules
    from ons_bigdata.platform.ingest.sources import AnySource
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

_LOADS = """
    ops.loads
    join ops.files using (file_id)
    join unnest($2::text[], $3::text[], $4::text[]) as present (source, reader, reader_version)
        using (source, reader, reader_version)
    where file_id = any ($1)
"""
"""Loads of the files $1 by the present readers ($2 source, $3 name, $4 version)."""

_QUARANTINED = f"""
    with quarantined as (
        select regexp_replace(why.reason, $5, '', 'g') as kind, why.reason, why.rows, load_id, files.name
        from (select load_id, files.name from {_LOADS} and superseded_by is null) as files
        join ops.quarantine_reasons as why using (load_id)
        where why.rows > 0
    ),
    kinds as (
        select sum(rows)::bigint as rows, (array_agg(load_id order by name, reason))[1] as load_id,
            (array_agg(reason order by name, reason))[1] as reason, min(name) as name
        from quarantined group by kind
    )
    select kinds.rows, kinds.name, kinds.reason,
        (select min(line) from ops.quarantine where load_id = kinds.load_id and reason = kinds.reason) as line
    from kinds order by kinds.rows desc, kinds.name, kinds.reason
"""  # noqa: S608  (our own text)
"""Kinds of reasons for which rows were quarantined, with the number of rows and an example; $5 is `_VALUE`."""

_VALUE = "'[^']*'|[0-9]+"
"""Pattern of a value in a reason: reasons that differ in their values alone are of one kind."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class IngestSummary:
    """Files of an ingest as in the ledger: current versions, refused and empty files, and the number of new ones."""

    files: int
    rows_in: int
    accepted: int
    quarantined: int
    outages: int
    refused: int
    superseded: int
    """Files with rows of which another version is current."""
    new_files: int
    first_day: str | None
    """First partition that is a date (a month counts as its first day); None where there is none."""
    last_day: str | None
    refusals: list[str] = field(default_factory=list)
    """Refused files, each with the reason."""
    empties: list[str] = field(default_factory=list)
    """Files without rows, each with the reason: outages."""
    quarantine_reasons: list[str] = field(default_factory=list)
    """Why rows were quarantined: for each kind of reason the number of rows, and the first file, line and reason."""
    failed_checks: list[str] = field(default_factory=list)
    """Checks of the loaded tables that failed, `schema/table check`; those of a build are in `built`."""
    built: BuildSummary | None = None
    """Outcome of the build of the dependent assets; None without `build`."""

    @property
    def any_check_failed(self) -> bool:
        """True if a check of the loaded tables or of the build failed, also one that only warns."""
        return bool(self.failed_checks or (self.built is not None and self.built.failed_checks))

    @property
    def has_no_rows(self) -> bool:
        """True if every file was refused or has no rows."""
        return self.files > 0 and self.refused + self.outages == self.files and self.superseded == 0

    def count_line(self) -> str:
        """Return the counts in words: `10 files (10 new): 200 rows in, 200 accepted, 0 quarantined`."""
        parts = [
            f"{_counted(self.files, 'file')} ({self.new_files:,} new): {_counted(self.rows_in, 'row')} in",
            f"{self.accepted:,} accepted",
            f"{self.quarantined:,} quarantined",
            *([f"{_counted(self.outages, 'outage')} (empty files)"] if self.outages else []),
            *([f"{_counted(self.refused, 'file')} refused"] if self.refused else []),
        ]
        return ", ".join(parts)

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        summary = asdict(self)
        if self.built is None:
            del summary["built"]
        return summary


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def known_sources() -> tuple[AnySource | Catchall, ...]:
    """Return the sources of all pilots."""
    return tuple(source for pilot in PILOTS for source in pilot.sources)


def sources_of(name: str, sources: Sequence[AnySource | Catchall]) -> list[AnySource | Catchall]:
    """Return the sources of the command name NAME. Raises InputError that lists the known names."""
    chosen = [source for source in sources if source.command == name]
    if not chosen:
        names = sorted({source.command for source in sources})
        nearest = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise InputError(f"nothing to ingest is called {name!r}; known: {', '.join(names)}{hint}")
    return chosen


def ingest(
    name: str,
    paths: Sequence[Path],
    settings: Settings,
    sources: Sequence[AnySource | Catchall] | None = None,
    *,
    build: bool = False,
    form: str | None = None,
) -> IngestSummary:
    """Land every file below the paths as a source called `name`, load the files that wait, and sum up.

    `sources` are all that are known (None: those of all pilots). With `build`, what depends on the written partitions
    is materialised; a failure of that is in the summary. With `form`, files of another format are refused.

    Raises InputError for an unknown name or format, a path that does not exist and paths without files; StepFailedError
    where a raw asset fails.
    """
    chosen = sources_of(name, known_sources() if sources is None else sources)
    landing_as = chosen if form is None else of_format(chosen, form)
    require_paths(paths)
    adapter_context(settings, chosen)  # without its key nothing lands and no run is begun
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    try:
        landed = land(paths, settings, landing, landing_as)
    except ReportedError:
        load_waiting(settings, landing, with_tables(chosen))  # the files before the damage have landed
        raise
    written = load_waiting(settings, landing, with_tables(chosen))
    built = build_dependents(settings, landing, written) if build else None
    summary = summarise(landing.warehouse, landed, chosen)
    return replace(summary, failed_checks=failed_checks_of(written), built=built)


def of_format(sources: Sequence[AnySource | Catchall], form: str) -> list[AnySource | Catchall]:
    """Return the sources of a command for files of a format: one of a source's formats, or the name of a source.

    Sources with several formats refuse files of others. Raises InputError for an unknown format.
    """
    of_tables = with_tables(sources)
    known = [name for source in of_tables for name in _formats(source)]
    if len(of_tables) == 1 and known == [of_tables[0].name]:
        raise InputError(f"--format {form}: files of {of_tables[0].command} have no formats to choose from")
    if form not in known:
        nearest = difflib.get_close_matches(form, known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise InputError(f"unknown format {form!r}; known: {', '.join(known)}{hint}")
    return [
        _restricted(source, form) if isinstance(source, BulkSource) and source.formats else source
        for source in sources
        if isinstance(source, Catchall) or source.name == form or (isinstance(source, BulkSource) and source.formats)
    ]


def _formats(source: AnySource) -> tuple[str, ...]:
    """Formats of the files of a source; its name where it has one format."""
    return (isinstance(source, BulkSource) and source.formats) or (source.name,)


def _restricted(source: BulkSource, form: str) -> BulkSource:
    """Return a source that refuses files of other formats than one."""

    def adapter(context: AdapterContext) -> BulkAdapter:
        opened = source.adapter(context)

        def recognise(name: str, head: bytes) -> Recognised | Refused | None:
            found = opened.recognise(name, head)
            if isinstance(found, Recognised) and found.delivery != form:
                return Refused(f"of format {found.delivery}; expected {form}, as --format says")
            return found

        return replace(opened, recognise=recognise)

    return replace(source, adapter=adapter)


def land(
    paths: Sequence[Path], settings: Settings, landing: Landing, sources: Sequence[AnySource | Catchall]
) -> list[Landed]:
    """Land every file below the paths; no row is read yet. Raises InputError as `land_files`."""
    context = adapter_context(settings, sources)
    files = land_files(
        paths,
        landing,
        sources,
        dbt_project_dir=context.dbt_project_dir,
        max_file_bytes=settings.max_file_bytes,
        pseudonym_key=context.pseudonym_key,
    )
    return list(progress.track("landing files", files))


def failed_checks_of(written: Sequence[WrittenTable]) -> list[str]:
    """Return the checks that failed when tables were loaded, each once."""
    return sorted({check for table in written for check in table.failed_checks})


def load_waiting(settings: Settings, landing: Landing, sources: Sequence[AnySource]) -> list[WrittenTable]:
    """Run the raw assets over the files that wait: of this call, or of an earlier call that was interrupted.

    Return the tables that were loaded with the partitions that were written and the checks that failed.
    """
    for source in sources:
        if isinstance(source, BulkSource) and source.read_rules is not None:
            read = partial(_read_rules, settings, landing, source, source.read_rules)
            redact_unsearched(landing, source.name, read)
    waiting = [source for source in sources if landing.waiting_files(source.reader)]
    if not waiting:
        return []
    from ons_bigdata.platform.dagster import runs  # noqa: PLC0415  (Dagster takes seconds to import)
    from ons_bigdata.platform.dagster.instance import open_instance, run_log  # noqa: PLC0415
    from ons_bigdata.platform.dagster.raw_assets import ONLY_WAITING  # noqa: PLC0415

    owners = tuple(pilot.name for pilot in PILOTS if any(source in waiting for source in pilot.sources))
    definitions = runs.load_definitions(raw_only=True, pilots=owners)
    written = []
    with open_instance(settings, landing.warehouse.address) as instance:
        for source in waiting:
            names = [file.name for file in landing.waiting_files(source.reader)]
            pending = landing.pending_partitions(source.reader)
            failed_checks: set[str] = set()
            for days in _ranges(landing, source):
                outcome = runs.materialise(
                    definitions,
                    runs.select(definitions, source.table_name.replace(".", "/")),
                    instance=instance,
                    days=days,
                    log=run_log(settings),
                    run_tags={ONLY_WAITING: "true"},
                )
                outcome.raise_failure()
                failed_checks.update(outcome.names_of_failed_checks)
            partitions = {*pending, *_partitions_of(landing, source, names)}
            written.append(WrittenTable(source, tuple(sorted(partitions)), tuple(sorted(failed_checks))))
    return written


def _read_rules(settings: Settings, landing: Landing, source: AnySource, read: ReadRules) -> Rules:
    return read(landing, adapter_context(settings, [source]).pseudonym_key)


def _partitions_of(landing: Landing, source: AnySource, names: Sequence[str]) -> list[str]:
    """Return the partitions of the current files of these names: known of each once it has been read.

    There are no names where another ingest has loaded the waiting files meanwhile.
    """
    if not names:
        return []
    rows = landing.warehouse.rows(
        "select distinct unnest(partitions) from ops.files"
        " where source = $1 and superseded_by is null and name = any ($2)",
        [source.name, list(names)],
    )
    return [partition for (partition,) in rows]


def _ranges(landing: Landing, source: AnySource) -> list[tuple[str, str] | None]:
    """Ranges of days to run over; None for a source whose asset has no partitions.

    Files whose days are unknown until they are read are loaded by any run; without another one, by a run of today.
    """
    if source.calendar is None:
        return [None]
    day = source.calendar.today().isoformat()
    return [*source.calendar.stretches(landing.pending_partitions(source.reader))] or [(day, day)]


def summarise(warehouse: Warehouse, landed: Sequence[Landed], sources: Sequence[AnySource | Catchall]) -> IngestSummary:
    """Return the counts of landed files from the ledger; rows are those of current versions and present readers."""
    parameters = [
        sorted({one.file.file_id for one in landed}) or "{}",
        [source.reader.source for source in sources],
        [source.reader.name for source in sources],
        [source.reader.version for source in sources],
    ]
    counts = warehouse.frame(
        f"""
        select count(*)::int as files, coalesce(sum(rows_in), 0)::bigint as rows_in,
            coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(quarantined), 0)::bigint as quarantined,
            coalesce(sum((outcome = 'outage')::int), 0)::int as outages,
            coalesce(sum((outcome = 'refused')::int), 0)::int as refused
        from {_LOADS} and (superseded_by is null or outcome in ('refused', 'outage'))
        """,  # noqa: S608  (our own text)
        parameters,
    ).row(0, named=True)
    files = warehouse.rows(
        "select partitions, superseded_by is not null and data_origin is not null and not exists ("
        " select from ops.loads where loads.file_id = files.file_id and outcome in ('refused', 'outage'))"
        " from ops.files where file_id = any ($1)",
        parameters[:1],
    )
    without_rows = warehouse.rows(
        f"select outcome, files.name, loads.reason, superseded_by is not null from {_LOADS}"  # noqa: S608  (our own text)
        " and outcome in ('refused', 'outage') order by files.name",
        parameters,
    )
    days = sorted(key for partitions, _ in files for key in partitions or () if _DAY.fullmatch(key))
    return IngestSummary(
        **counts,
        superseded=sum(is_superseded for _, is_superseded in files),
        new_files=sum(one.is_new for one in landed),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        refusals=[
            f"{name}: {reason.removeprefix(f'file {name!r}: ')}"
            for outcome, name, reason, _ in without_rows
            if outcome == "refused"
        ],
        empties=[
            f"{name}: {reason}{'; the version with rows stays' if is_superseded else ''}"
            for outcome, name, reason, is_superseded in without_rows
            if outcome == "outage"
        ],
        quarantine_reasons=_quarantine_reasons(warehouse, parameters),
    )


def _quarantine_reasons(warehouse: Warehouse, parameters: Sequence[object]) -> list[str]:
    """Return why rows of the loads of `_LOADS` were quarantined: `13 rows, such as q.csv, line 2: price_gbp '0'; …`."""
    reasons = []
    for count, name, reason, line in warehouse.rows(_QUARANTINED, [*parameters, _VALUE]):
        place = name if line is None else f"{name}, line {line}"
        reasons.append(f"{_counted(count, 'row')}, such as {place}: {reason}")
    return reasons
