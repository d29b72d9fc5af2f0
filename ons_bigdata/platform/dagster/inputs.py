"""Python assets that declare what they read and write: Dagster's `deps` are the declared inputs.

The function of an asset gets `Inputs` and returns frames. It has no database, so that it can read nothing but whole
declared relations and write nothing but the tables of the asset.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial, wraps
from typing import Any

import adbc_driver_manager
import dagster as dg
import dataframely as dy
import polars as pl

from ons_bigdata.platform.dagster.assets import PERSONAL, code_link
from ons_bigdata.platform.dagster.by_period import (
    ByPeriod,
    Period,
    PeriodBuild,
    periods_to_build,
    replace_periods,
    replace_rows_from,
)
from ons_bigdata.platform.dagster.frames import column_schema
from ons_bigdata.platform.dagster.personal import conceal_content, is_personal
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.dagster.unchanged.whole_tables import count_rows, is_built_from, replace_from
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake import Lake, LakeTable
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.replaced_rows import RowsFrom
from ons_bigdata.platform.row_validation import validate_parts, validate_rows

RELATIONS_READ = "relations_read"
"""Metadata of a materialization: the relations that the run of the asset read, sorted."""

KINDS = frozenset({"python", "polars"})

_NO_SUCH_TABLE, _NO_SUCH_COLUMN = "42P01", "42703"

Read = Callable[[str, Sequence[str] | None], pl.DataFrame]
"""Reader of a relation by `schema.relation` and columns (None: all)."""


ReadDays = Callable[[str, Sequence[str] | None, str, date, date], pl.DataFrame]
"""Reader of the rows of a relation whose column of days is between two days: relation, columns, column, days."""

ReadRows = Callable[
    [str, Sequence[str] | None, Mapping[str, Sequence[str]], tuple[str, date, date] | None], pl.DataFrame
]
"""Reader of the rows of a relation with some values: relation, columns, values by column of texts, days of a column."""

Scan = Callable[[LakeTable], Iterator[pl.LazyFrame]]
"""Scan of a table of the lake: the rows of each bucket, lazily."""


class UndeclaredRelationError(ValueError):
    """An asset reads or writes a relation that it does not declare."""


@dataclass(frozen=True)
class Table:
    """A table that an asset fills: `schema.table`, the frame of its rows, "One row per …".

    `by_period`: how its rows depend on the inputs where it is built period by period; None where it is replaced whole.
    """

    name: str
    frame: type[dy.Schema]
    description: str
    by_period: ByPeriod | None = None

    @property
    def key(self) -> dg.AssetKey:
        """Asset key of the table."""
        return dg.AssetKey(self.name.split("."))


@dataclass(frozen=True)
class Output:
    """Rows of a table, and metadata of this materialization besides their number.

    `kept`: keys of rows that are in the table and stay as they are; all others are replaced by those of `frame`.
    `replaced`: rows that are replaced by those of `frame`; all others stay. Their days are recorded with hashes.
    `build`: of a table that is built by period, what `AssetRun.periods_to_build` gave; `frame` has the rows of its
    stale periods.
    `basis`: of a table that is replaced whole, hash of all that the rows depend on (`by_period.basis_of`); it is
    recorded, so that the next run may leave the table as it is (`AssetRun.is_built_from`, `Unchanged`).
    """

    frame: pl.DataFrame
    metadata: Mapping[str, Any] = field(default_factory=dict)
    kept: pl.DataFrame | None = None
    replaced: RowsFrom | None = None
    build: PeriodBuild | None = None
    basis: str | None = None


@dataclass(frozen=True)
class Unchanged:
    """A table stays as it is: `AssetRun.is_built_from` says that its rows would be the same. With metadata."""

    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputInParts:
    """Rows of a large table in parts, the next of which is computed while one is written; all rows are replaced.

    They are computed in a thread, in which they must not read the table. `metadata` is called after the last part.
    """

    parts: Iterator[pl.DataFrame]
    metadata: Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class AssetRun:
    """Context of an asset's run: the requested tables, partition keys (none if unpartitioned), log.

    `own_tables`: all tables of the asset, whether they are requested or not.
    """

    tables: frozenset[str]
    partition_keys: tuple[str, ...]
    log: dg.DagsterLogManager
    _read: Read = field(repr=False)
    own_tables: frozenset[str] = frozenset()
    _periods_to_build: Callable[[str, Sequence[Period], str], PeriodBuild] | None = field(default=None, repr=False)
    _read_days: ReadDays | None = field(default=None, repr=False)
    _is_built_from: Callable[[str, str], bool] | None = field(default=None, repr=False)

    def is_built_from(self, table: str, basis: str) -> bool:
        """True where a table of the asset was written with this basis (`Output.basis`) and stands as it was.

        Raises UndeclaredRelationError for any other table.
        """
        self._require_own(table)
        return self._is_built_from is not None and self._is_built_from(table, basis)

    def periods_to_build(self, table: str, periods: Sequence[Period], parameters: str = "") -> PeriodBuild:
        """Find the periods of a requested table that have other inputs or other code than when they were built.

        `periods`: all periods that the table has. `parameters`: settings that its rows depend on, as text. Raises
        UndeclaredRelationError for any other table, and for one that is not built by period.
        """
        if table not in self.tables or self._periods_to_build is None:
            raise UndeclaredRelationError(
                f"{table!r} is no table of this run, which are: {', '.join(sorted(self.tables))}"
            )
        return self._periods_to_build(table, periods, parameters)

    def read_own(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a table of the asset as it was last written: to see which rows may stay, or what they were.

        Raises UndeclaredRelationError for any other table.
        """
        self._require_own(table)
        return self._read(table, columns)

    def read_own_days(
        self, table: str, column: str, days: tuple[date, date], columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows of a table of the asset, as it was last written, whose `column` is between two days.

        Raises UndeclaredRelationError for any other table.
        """
        self._require_own(table)
        if self._read_days is None:
            raise UndeclaredRelationError(f"{table!r} cannot be read by days here")
        return self._read_days(table, columns, column, *days)

    def _require_own(self, table: str) -> None:
        if table not in self.own_tables:
            raise UndeclaredRelationError(
                f"{table!r} is no table of this asset, which are: {', '.join(sorted(self.own_tables))}"
            )


@dataclass(frozen=True)
class Inputs:
    """The declared relations and tables of the lake of an asset, by name."""

    asset: str
    relations: Mapping[str, str]
    _read: Read = field(repr=False)
    _relations_read: set[str] = field(default_factory=set, repr=False)
    lake_tables: Mapping[str, LakeTable] = field(default_factory=dict)
    _scan: Scan | None = field(default=None, repr=False)
    _read_days: ReadDays | None = field(default=None, repr=False)
    _read_rows: ReadRows | None = field(default=None, repr=False)

    def read(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Rows of the input `name`, with all columns or with `columns` in their order. The rows have no order.

        Raises UndeclaredRelationError for any other name.
        """
        return self._read(self._relation(name, columns or ()), columns)

    def read_days(
        self, name: str, column: str, days: tuple[date, date], columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows of the input `name` whose `column` is between the first and the last of `days`, as `read` else."""
        relation = self._relation(name, [column, *(columns or ())])
        if self._read_days is None:
            raise self._undeclared(name)
        return self._read_days(relation, columns, column, *days)

    def read_rows(
        self,
        name: str,
        values: Mapping[str, Sequence[str]],
        days: tuple[str, date, date] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of the input `name` that have in each column of `values` one of its texts, as `read` else.

        `days`: a column, and the first and the last day between which it is; None for all days.
        """
        relation = self._relation(name, [*values, *([] if days is None else days[:1]), *(columns or ())])
        if self._read_rows is None:
            raise self._undeclared(name)
        return self._read_rows(relation, columns, values, days)

    def _relation(self, name: str, columns: Sequence[str]) -> str:
        """Relation of a declared input, noted as read. Raises ValueError for what is no name of a column."""
        if name not in self.relations:
            raise self._undeclared(name)
        odd = [column for column in columns if not column.isidentifier()]
        if odd:
            raise ValueError(f"{self.asset} reads {odd[0]!r} of {name}: expected the name of a column")
        self._relations_read.add(self.relations[name])
        return self.relations[name]

    def scan_buckets(self, name: str) -> Iterator[pl.LazyFrame]:
        """Rows of the table `name` of the lake, bucket by bucket: all rows of an entity are in one of the frames.

        Raises UndeclaredRelationError for any other name.
        """
        if name not in self.lake_tables or self._scan is None:
            raise self._undeclared(name)
        table = self.lake_tables[name]
        self._relations_read.add(f"lake.{table.name}")
        return self._scan(table)

    def _undeclared(self, name: str) -> UndeclaredRelationError:
        of_lake = {name: f"lake.{table.name}" for name, table in self.lake_tables.items()}
        known = ", ".join(f"{name} ({relation})" for name, relation in {**self.relations, **of_lake}.items())
        return UndeclaredRelationError(
            f"{self.asset} reads {name!r}, which it does not declare; its inputs: {known or 'none'}"
        )

    def note_hashed(self, names: Sequence[str]) -> None:
        """Note inputs as read whose rows are hashed, to find what is stale."""
        self._relations_read.update(self.relations[name] for name in names)

    @property
    def relations_read(self) -> list[str]:
        """Relations that were read so far, sorted."""
        return sorted(self._relations_read)


AnyOutput = pl.DataFrame | Output | OutputInParts | Unchanged
TableFunction = Callable[[Inputs, AssetRun], AnyOutput]
TablesFunction = Callable[[Inputs, AssetRun], Mapping[str, AnyOutput]]


def table_asset(
    *,
    table: str,
    inputs: Mapping[str, str],
    frame: type[dy.Schema],
    description: str,
    kinds: frozenset[str] = KINDS,
    lake_tables: Mapping[str, LakeTable] | None = None,
    by_period: ByPeriod | None = None,
) -> Callable[[TableFunction], dg.AssetsDefinition]:
    """Make an asset of a function that computes one table from declared inputs.

    `inputs` maps a name to `schema.relation`, `lake_tables` a name to a table of the lake. The function takes `Inputs`
    and `AssetRun` and returns the rows of the table, as a frame, as `Output` with metadata or as `OutputInParts`; they
    are validated by `frame` and replace the table, or its stale periods where it is built by period (see `Table`).
    """
    only = Table(table, frame, description, by_period)

    def decorate(function: TableFunction) -> dg.AssetsDefinition:
        @wraps(function)
        def compute(inputs: Inputs, run: AssetRun) -> Mapping[str, AnyOutput]:
            return {table: function(inputs, run)}

        return tables_asset(name=only.key.path[-1], tables=[only], inputs=inputs, kinds=kinds, lake_tables=lake_tables)(
            compute
        )

    return decorate


def tables_asset(
    *,
    name: str,
    tables: Sequence[Table],
    inputs: Mapping[str, str],
    kinds: frozenset[str] = KINDS,
    can_subset: bool = False,
    lake_tables: Mapping[str, LakeTable] | None = None,
) -> Callable[[TablesFunction], dg.AssetsDefinition]:
    """Make assets of a function that computes several tables from the same declared inputs.

    As `table_asset`; the function returns the rows of each table by `schema.table`. With `can_subset`, a run may
    request some of the tables (`AssetRun.tables`); rows of the other tables are not written.

    Raises ValueError where an input or a table is not `schema.relation`, or a table is its own input.
    """
    of_lake = dict(lake_tables or {})
    relations = list(dict.fromkeys([*(f"lake.{table.name}" for table in of_lake.values()), *inputs.values()]))
    _require_relations([*relations, *(table.name for table in tables)])
    own = {table.name for table in tables} & set(inputs.values())
    if own:
        raise ValueError(f"asset {name}: {', '.join(sorted(own))} is both an input and a table of it")

    def decorate(function: TablesFunction) -> dg.AssetsDefinition:
        @dg.multi_asset(
            name=name,
            specs=[
                dg.AssetSpec(
                    key=table.key,
                    deps=[dg.AssetKey(relation.split(".")) for relation in relations],
                    kinds=set(kinds),
                    description=table.description,
                    tags={PERSONAL: ""} if table.name.startswith("restricted.") else {},
                    metadata={"dagster/column_schema": column_schema(table.frame), **code_link(function)},
                    skippable=can_subset,
                )
                for table in tables
            ],
            can_subset=can_subset,
        )
        def asset(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            store = warehouse.open()
            scan = make_scan(warehouse.lake()) if of_lake else None
            declared = Inputs(
                name,
                dict(inputs),
                make_reader(store, name),
                lake_tables=of_lake,
                _scan=scan,
                _read_days=make_days_reader(store, name),
                _read_rows=make_rows_reader(store, name),
            )
            asked_for = [table for table in tables if table.key in context.selected_asset_keys]
            requested = frozenset(table.name for table in asked_for)
            find_stale = make_period_search(store, tables, declared)
            own = frozenset(table.name for table in tables)
            run = AssetRun(
                requested,
                _partition_keys(context),
                context.log,
                make_reader(store, name),
                own,
                find_stale,
                make_days_reader(store, name),
                partial(is_built_from, store),
            )
            personal = is_personal([*relations, *(table.name for table in tables)])
            with conceal_content(name, personal=personal):
                outputs = function(declared, run)
            _require_tables(name, tables, asked_for, outputs)
            for table in asked_for:
                with conceal_content(name, personal=personal):
                    result = _write(store, table, outputs[table.name], declared.relations_read)
                yield result

        return asset

    return decorate


def make_reader(store: Warehouse, asset: str) -> Read:
    """Make the reader of relations of the warehouse, for the inputs of `asset`."""

    def read(relation: str, columns: Sequence[str] | None) -> pl.DataFrame:
        return _select(store, asset, relation, columns, "true")

    return read


def _select(
    store: Warehouse,
    asset: str,
    relation: str,
    columns: Sequence[str] | None,
    condition: str,
    parameters: Sequence[object] = (),
) -> pl.DataFrame:
    """Read the rows of a relation under a condition with parameters `$1`, `$2`, …."""
    schema, name = relation.split(".")
    chosen = "*" if columns is None else ", ".join(f'"{column}"' for column in columns)
    try:
        query = f'select {chosen} from "{schema}"."{name}" where {condition}'  # noqa: S608  (declared names)
        return store.frame(query, parameters)
    except adbc_driver_manager.Error as error:
        if error.sqlstate == _NO_SUCH_TABLE:
            raise InputError(
                f"asset {asset} reads {relation}, which does not exist: materialize {schema}/{name} first"
            ) from error
        if error.sqlstate == _NO_SUCH_COLUMN:
            raise InputError(f"asset {asset} reads columns {chosen} of {relation}: {error}") from error
        raise


def make_days_reader(store: Warehouse, asset: str) -> ReadDays:
    """Make the reader of days of relations of the warehouse, for the inputs of `asset`."""

    def read(relation: str, columns: Sequence[str] | None, column: str, first: date, last: date) -> pl.DataFrame:
        return _select(store, asset, relation, columns, f"\"{column}\" between date '{first}' and date '{last}'")

    return read


def make_rows_reader(store: Warehouse, asset: str) -> ReadRows:
    """Make the reader of rows of relations of the warehouse that have some values, for the inputs of `asset`."""

    def read(
        relation: str,
        columns: Sequence[str] | None,
        values: Mapping[str, Sequence[str]],
        days: tuple[str, date, date] | None,
    ) -> pl.DataFrame:
        conditions = ["true"]
        parameters: list[str] = []
        for column, texts in values.items():
            places = [f"${len(parameters) + n}" for n in range(1, len(texts) + 1)]
            conditions.append(f'"{column}" in ({", ".join(places)})' if places else "false")
            parameters += texts
        if days is not None:
            column, first, last = days
            conditions.append(f"\"{column}\" between date '{first}' and date '{last}'")
        return _select(store, asset, relation, columns, " and ".join(conditions), parameters)

    return read


def make_period_search(
    store: Warehouse, tables: Sequence[Table], inputs: Inputs
) -> Callable[[str, Sequence[Period], str], PeriodBuild]:
    """Make the search for the stale periods of the tables of an asset. Inputs that it hashes count as read."""
    by_period = {table.name: table.by_period for table in tables}

    def search(table: str, periods: Sequence[Period], parameters: str) -> PeriodBuild:
        how = by_period[table]
        if how is None:
            raise UndeclaredRelationError(f"{table!r} is not built by period")
        inputs.note_hashed([*how.days, *how.at_start, *how.whole])
        return periods_to_build(store, table, how, inputs.relations, periods, parameters)

    return search


def make_scan(lake: Lake) -> Scan:
    """Make the scan of tables of a lake, for the inputs of an asset."""

    def scan(table: LakeTable) -> Iterator[pl.LazyFrame]:
        for bucket in range(table.buckets):
            yield lake.scan(table, buckets=[bucket])

    return scan


def _write(store: Warehouse, table: Table, output: AnyOutput, relations_read: list[str]) -> dg.MaterializeResult[Any]:
    """Validate the rows of a table and make them its content."""
    if isinstance(output, OutputInParts):
        return _write_parts(store, table, output, relations_read)
    if isinstance(output, Unchanged):
        metadata = {"dagster/row_count": count_rows(store, table.name), **output.metadata}
        return dg.MaterializeResult(asset_key=table.key, metadata={**metadata, RELATIONS_READ: relations_read})
    output = output if isinstance(output, Output) else Output(output)
    valid, metadata = validate_rows(table.frame, output.frame), dict(output.metadata)
    if output.basis is not None:
        rows = replace_from(store, table.name, valid, output.basis)
    elif output.replaced is not None:
        rows = replace_rows_from(store, table.name, valid, output.replaced)
    elif table.by_period is None:
        rows = store.replace(table.name, valid, output.kept)
    elif output.build is None:
        raise ValueError(f"{table.name} is built by period, found rows without `build`")
    else:
        rows = replace_periods(store, table.name, table.by_period.column, valid, output.build)
        metadata["periods_built"] = len(output.build.stale)
    return dg.MaterializeResult(
        asset_key=table.key, metadata={"dagster/row_count": rows, **metadata, RELATIONS_READ: relations_read}
    )


def _write_parts(
    store: Warehouse, table: Table, output: OutputInParts, relations_read: list[str]
) -> dg.MaterializeResult[Any]:
    """Validate the rows of a table part by part and make them its content."""
    if table.by_period is not None:
        raise ValueError(f"{table.name} is built by period, found rows in parts")
    rows = store.replace_in_parts(table.name, _ahead(validate_parts(table.frame, output.parts)))
    return dg.MaterializeResult(
        asset_key=table.key,
        metadata={"dagster/row_count": rows, **output.metadata(), RELATIONS_READ: relations_read},
    )


def _ahead(parts: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Parts, each of which is computed in a thread while the one before it is used."""
    with ThreadPoolExecutor(1, "parts") as thread:
        following = thread.submit(next, parts, None)
        while (part := following.result()) is not None:
            following = thread.submit(next, parts, None)
            yield part


def _partition_keys(context: dg.AssetExecutionContext) -> tuple[str, ...]:
    return tuple(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else ()


def _require_relations(relations: Sequence[str]) -> None:
    for relation in relations:
        if relation.count(".") != 1:
            raise ValueError(f"relation {relation!r}: expected schema.relation")


def _require_tables(
    asset: str, tables: Sequence[Table], asked_for: Sequence[Table], outputs: Mapping[str, AnyOutput]
) -> None:
    """Raise UndeclaredRelationError for a table of another asset, ValueError where a requested table is missing."""
    declared = [table.name for table in tables]
    for written in outputs:
        if written not in declared:
            raise UndeclaredRelationError(
                f"{asset} writes {written!r}, which is no table of it; its tables: {', '.join(declared)}"
            )
    missing = [table.name for table in asked_for if table.name not in outputs]
    if missing:
        raise ValueError(f"{asset} returned no rows for {', '.join(missing)}")
