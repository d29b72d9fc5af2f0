"""Calls of dbt within this process: parse, docs, and builds with their outcomes as Dagster events.

A separate dbt process takes some four seconds to start and to read the project before each build; here both happen
once. `dbt` defines the assets.
"""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_UNIQUE_ID_METADATA_KEY,
    get_manifest_and_translator_from_dbt_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import msg_to_dict

from ons_bigdata.platform import progress
from ons_bigdata.platform.dagster.dbt_runtime.adapter import shared_connections
from ons_bigdata.platform.dagster.dbt_runtime.events import leave_out_debugging
from ons_bigdata.platform.dagster.dbt_runtime.project_part import project_part
from ons_bigdata.platform.dagster.storage.events import events_together
from ons_bigdata.platform.dagster.table_metadata.dbt_tables import TableMetadata
from ons_bigdata.platform.errors import StepFailedError
from ons_bigdata.platform.postgres import database
from ons_bigdata.platform.state_folder import make_private_folder, write_private_file
from ons_bigdata.settings import Settings

PROFILE, TARGET = "ons_bigdata", "warehouse"

PARSING = "parsing"
"""Target of a parse, which connects to nothing: the same on every machine, so that another state may reuse the parse.

dbt reuses no parse of a project with another host or port; the name of the database, which is in the parse, is kept.
"""

PARTIAL_PARSE = "partial_parse.msgpack"
"""File in which dbt keeps a parse; of the files of a project that changed since, it parses those anew."""

_SECRET = "DBT_ENV_SECRET_ONS_BIGDATA_PASSWORD"  # noqa: S105  (a variable's name; dbt hides its value in logs)
_SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md"}
_RESULT = re.compile(r"Log\w+Result")
"""Messages of dbt that may have the outcome of a node; `is_result_event` decides."""
_FAILED = {"error", "fail", "runtime error"}
_PASSED = {"pass", "warn"}

Describe = Callable[[Mapping[str, Any], Mapping[str, str | None]], Mapping[str, TableMetadata]]
"""Function of the manifest and the compiled queries by node id: metadata by node id."""

_parsed: dict[Path, tuple[str, Manifest]] = {}
"""By target folder: digest of the project's files, and the project as dbt reads it."""


def ensure_manifest(settings: Settings) -> Path:
    """Return dbt's manifest, parsed anew if any file of the project changed since, or the manifest itself.

    Needs no server. Raises StepFailedError with dbt's message where the project does not parse.
    """
    target = _target(settings)
    manifest, stamp = target / "manifest.json", target / "manifest.sources"
    write_profile(settings)
    if not (manifest.exists() and stamp.exists() and stamp.read_text() == _manifest_stamp(settings, manifest)):
        _parse(settings, [], target=target)
        stamp.write_text(_manifest_stamp(settings, manifest))
    return manifest


def _manifest_stamp(settings: Settings, manifest: Path) -> str:
    """Return the hashes of the project's files and of the manifest: a damaged manifest is parsed anew, too."""
    return f"{_digest(settings.dbt_project_dir)} {hashlib.sha256(manifest.read_bytes()).hexdigest()}"


def parse_ahead(settings: Settings) -> None:
    """Parse the project into its folder `target`: every new state begins with that. Set-up calls this.

    Raises StepFailedError with dbt's message where the project does not parse.
    """
    write_profile(settings)
    _parse(settings, ["--no-write-json"], target=_ahead(settings))


def write_docs(settings: Settings) -> Path:
    """Build the dbt docs as one static page that needs no other file; return it. The page has no SQL of tests."""
    page = docs_page(settings)
    folder = page.parent
    project = parsed_project(settings)
    words = ["docs", "generate", "--static", "--no-write-json"]  # the page has the manifest, which is written once
    words += ["--exclude", "resource_type:test", "resource_type:unit_test"]
    printed, result = _capture_output(lambda: call(settings, words, target=folder, project=project))
    if not result.success:
        raise StepFailedError(f"dbt docs failed: {result.exception or printed}")
    return (folder / "static_index.html").replace(page)


def docs_page(settings: Settings) -> Path:
    """Path of the page of the dbt docs."""
    return settings.dbt_dir / "docs" / "index.html"


def build(
    context: dg.AssetExecutionContext,
    settings: Settings,
    arguments: list[str],
    describe: Describe,
    mark_as_checked: Callable[[list[str]], None],
) -> Iterator[Any]:
    """Build the selected models of the step with their tests; yield the events of all once they are done.

    `describe` gets the manifest and, by node id, the compiled query of each table that was built (None for a seed); it
    returns their metadata. `mark_as_checked` gets the tables, as `schema.table`, that passed all their tests. A test
    runs where the last of the tables it compares is built (`buildable`), not where the first is.
    Raises dagster.Failure with dbt's message where a model or test fails.
    """
    manifest, translator, dbt_project = get_manifest_and_translator_from_dbt_assets([context.assets_def])
    tags = context.op.tags
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=tags.get("dagster_dbt/select"),
        exclude=tags.get("dagster_dbt/exclude"),
        selector=tags.get("dagster_dbt/selector"),
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    try:
        project = parsed_project(settings)
    except KeyboardInterrupt as interrupt:
        raise dg.DagsterExecutionInterruptedError from interrupt
    events: list[DbtCoreCliEventMessage] = []
    nodes = len(context.op_execution_context.selected_output_names)
    collect = collect_events(f"dbt: {context.op.name}", events, total=nodes)
    words = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
    words += ["--indirect-selection", indirect or "buildable"]
    result = call(
        settings,
        [*words, *selection, *arguments],
        target=_target(settings),
        project=project_part(project, _chosen_nodes(context)),
        on_event=collect,
    )
    was_interrupted = isinstance(result.exception, KeyboardInterrupt)
    described = {} if was_interrupted else describe(manifest, _built(result))
    if not was_interrupted:
        mark_as_checked(_checked(manifest, result))
    outcomes = (
        outcome
        for event in events
        # one that was cancelled is no result of the data
        if not (was_interrupted and event.raw_event["data"]["node_info"]["node_status"] == "error")
        for outcome in event.to_default_asset_events(
            manifest=manifest, dagster_dbt_translator=translator, context=context, project=dbt_project
        )
    )
    with events_together(context.instance):
        # tables first: each check asks for the materialization that it is of
        for outcome in sorted(outcomes, key=lambda outcome: isinstance(outcome, dg.AssetCheckResult)):
            yield _with_metadata(context, outcome, described)
    if was_interrupted:
        raise dg.DagsterExecutionInterruptedError from result.exception
    if not result.success:
        raise dg.Failure(f"dbt build failed: {'; '.join(_failures(result)) or result.exception}")


def _chosen_nodes(context: dg.AssetExecutionContext) -> list[str]:
    """Ids of the nodes of dbt that a step builds or tests."""
    assets, checks = context.assets_def, context.selected_asset_check_keys
    specs: list[dg.AssetSpec | dg.AssetCheckSpec] = [assets.get_asset_spec(key) for key in context.selected_asset_keys]
    specs += [assets.get_spec_for_check_key(key) for key in checks]
    return [(spec.metadata or {})[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY] for spec in specs]


def _built(result: dbtRunnerResult) -> dict[str, str | None]:
    """Seeds and models that a call has built, each with its compiled query (None for a seed)."""
    return {
        outcome.node.unique_id: getattr(outcome.node, "compiled_code", None)
        for outcome in getattr(result.result, "results", [])
        if outcome.status == "success" and outcome.node.resource_type in ("seed", "model")
    }


def _checked(manifest: Mapping[str, Any], result: dbtRunnerResult) -> list[str]:
    """Tables that a call has built and of which it ran every test, none of which failed."""
    outcomes = {outcome.node.unique_id: outcome.status for outcome in getattr(result.result, "results", [])}
    waiting = {
        _tested_model(node)
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "test" and outcomes.get(name) not in _PASSED
    }
    nodes = (manifest["nodes"][name] for name, status in outcomes.items() if status == "success")
    return [f"{node['schema']}.{node['alias']}" for node in nodes if node["name"] not in waiting]


def _tested_model(test: Mapping[str, Any]) -> str:
    """Name of the model that a test is of: the one whose YAML has it, or whom a test with its own query names."""
    named = test["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    return str(named or (test.get("attached_node") or "").rpartition(".")[-1])


def _with_metadata(
    context: dg.AssetExecutionContext,
    event: Any,  # noqa: ANN401  (any event of an asset)
    described: Mapping[str, TableMetadata],
) -> Any:  # noqa: ANN401
    """Add the metadata of a table to its output, and those of its partitions to the materialisations of each."""
    metadata = described.get(str(event.metadata["unique_id"].value)) if isinstance(event, dg.Output) else None
    if metadata is None:
        return event
    key = context.asset_key_for_output(event.output_name)
    for partition, counts in metadata.partitions.items():
        context.add_asset_metadata(counts, asset_key=key, partition_key=partition)
    return event.with_metadata({**event.metadata, **metadata.table})


def collect_events(
    task: str, events: list[DbtCoreCliEventMessage], *, total: int | None = None
) -> Callable[[EventMsg], None]:
    """Return a callback for dbt that appends outcomes of nodes to `events` and reports their number as progress.

    dbt calls it from its threads, in which the caller's progress listener has to be set again.
    """
    context = contextvars.copy_context()
    progress.report(task, 0, total)

    def collect(message: EventMsg) -> None:
        if message.info.name == "LogStartLine":
            current = message.data.description
            context.copy().run(progress.report, task, len(events), total, current=current)
            return
        if not _RESULT.fullmatch(message.info.name):  # of a hundred messages, one has an outcome
            return
        event = DbtCoreCliEventMessage(raw_event=msg_to_dict(message), event_history_metadata={})
        if event.is_result_event:
            events.append(event)
            context.copy().run(progress.report, task, len(events), total)

    return collect


def write_profile(settings: Settings) -> None:
    """Write dbt's profile for the database of these settings, and to parse. A password stays in the environment."""
    address = database.expected_address(settings)
    password = f"{{{{ env_var('{_SECRET}', '') }}}}"
    common = {"type": "postgres", "schema": "staging", "threads": 2}
    found = address.dbt_target()
    nowhere = {"host": "localhost", "port": 5432, "user": "postgres", "dbname": found["dbname"], "password": ""}
    outputs = {TARGET: {**common, **found, "password": password}, PARSING: {**common, **nowhere}}
    os.environ[_SECRET] = address.password or ""
    text = yaml.safe_dump({PROFILE: {"target": TARGET, "outputs": outputs}})
    write_private_file(make_private_folder(settings.dbt_dir) / "profiles.yml", text)


def parsed_project(settings: Settings) -> Manifest:
    """Return the project as dbt reads it: as parsed by this process, unless a file changed since."""
    write_profile(settings)
    digest, project = _parsed.get(_target(settings), ("", None))
    if project is None or digest != _digest(settings.dbt_project_dir):
        project = _parse(settings, ["--no-write-json"], target=_target(settings))
    return project


def _parse(settings: Settings, arguments: list[str], *, target: Path) -> Manifest:
    digest = _digest(settings.dbt_project_dir)
    words = ["parse", *arguments]
    ahead = _ahead(settings) / PARTIAL_PARSE
    if ahead.is_file() and not (target / PARTIAL_PARSE).exists():
        words += ["--partial-parse-file-path", str(ahead)]
    printed, result = _capture_output(lambda: call(settings, words, target=target, connection=PARSING))
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    if not isinstance(result.result, Manifest):
        raise StepFailedError(f"dbt parse failed: {result.exception or printed}")
    _parsed[target] = (digest, result.result)
    return result.result


def call(
    settings: Settings,
    arguments: list[str],
    *,
    target: Path,
    connection: str = TARGET,
    project: Manifest | None = None,
    on_event: Callable[[EventMsg], None] | None = None,
) -> dbtRunnerResult:
    """Call dbt with a command and its options; `on_event` gets its messages as they come, from dbt's threads.

    `target`: the folder for dbt's output files. `connection`: the target of the profile. `project`: as parsed; None
    reads it from the files. A signal ends the call as an interrupt, which is in the result like any other failure.
    """
    leave_out_debugging()
    runner = dbtRunner(manifest=project, callbacks=[on_event] if on_event else [])
    folders = {
        "--project-dir": settings.dbt_project_dir,
        "--profiles-dir": settings.dbt_dir,
        "--log-path": settings.dbt_dir / "logs",
        "--target-path": target,
    }
    flags = ["--profile", PROFILE, "--target", connection, *(str(word) for pair in folders.items() for word in pair)]
    quiet = ["--no-use-colors", "--no-send-anonymous-usage-stats", "--log-level-file", "none"]
    with _interrupts_end_dbt(), shared_connections():
        return runner.invoke([*quiet, *arguments, *flags])


def _capture_output(call_dbt: Callable[[], dbtRunnerResult]) -> tuple[str, dbtRunnerResult]:
    """Redirect what dbt prints: standard output is reserved for the command."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = call_dbt()
    return printed.getvalue(), result


@contextlib.contextmanager
def _interrupts_end_dbt() -> Iterator[None]:
    """Turn a signal into the interrupt that dbt handles: it cancels its queries and begins no other model."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failures(result: dbtRunnerResult) -> list[str]:
    """Failed nodes, each with the first lines of dbt's message."""
    return [
        f"{outcome.node.unique_id}: {' '.join((outcome.message or 'no message').split())[:300]}"
        for outcome in getattr(result.result, "results", [])
        if outcome.status in _FAILED
    ]


def _target(settings: Settings) -> Path:
    return settings.dbt_dir / "target"


def _ahead(settings: Settings) -> Path:
    """Folder of the parse of set-up. A parse has paths of seeds and of dbt itself: a moved checkout needs another."""
    places = f"{settings.dbt_project_dir.resolve()} {sys.prefix}"
    return settings.dbt_project_dir / "target" / hashlib.sha256(places.encode()).hexdigest()[:16]


def macros_hash(settings: Settings) -> str:
    """Hash of the macros: a model built by day is built anew where one of them changed."""
    return _digest(settings.dbt_project_dir / "macros")


def project_hash(settings: Settings) -> str:
    """Hash of all files of the project and of the version of dbt."""
    return f"{_digest(settings.dbt_project_dir)} {version('dbt-core')}"


def _digest(folder: Path) -> str:
    """Hash names and contents of the project's files."""
    digest = hashlib.sha256()
    for path in project_files(folder):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def project_files(folder: Path) -> Iterable[Path]:
    """Files of a dbt project without what dbt itself writes into its folder, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SOURCE_SUFFIXES and path.relative_to(folder).parts[0] not in {"target", "logs"}:
            yield path
