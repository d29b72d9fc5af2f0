"""Assets of a method over the buckets of a lake table, of which the results fill tables bucket by bucket."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl

from ons_bigdata.platform.dagster.assets import PERSONAL, code_link
from ons_bigdata.platform.dagster.frames import column_schema
from ons_bigdata.platform.dagster.inputs import KINDS, RELATIONS_READ, Inputs, Table, make_reader
from ons_bigdata.platform.dagster.personal import conceal_content, is_personal
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.background import read_ahead
from ons_bigdata.platform.lake.engine import (
    PARALLEL_ROWS,
    BucketFunction,
    BucketTables,
    BucketTablesFunction,
    LakeResult,
    LakeResults,
    RowsRead,
    removal_guard,
    replace_tables,
    run_tables_over_buckets,
)
from ons_bigdata.platform.lake.files import Writing
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.row_validation import validate_rows


@dataclass(frozen=True)
class LakeOutput:
    """A derived table of the lake that the method fills: the frame of its rows, "One row per …"."""

    table: LakeTable
    frame: type[dy.Schema]
    description: str

    @property
    def name(self) -> str:
        """Relation `lake.table`: name of the method's rows."""
        return f"lake.{self.table.name}"

    @property
    def key(self) -> dg.AssetKey:
        """Asset key of the table."""
        return dg.AssetKey(["lake", self.table.name])


@dataclass(frozen=True)
class BucketMethod:
    """A method with its parameters of a run, and how its result is divided among the tables."""

    function: BucketFunction | BucketTablesFunction
    parameters: Mapping[str, Any]
    """JSON values."""
    divide: Callable[[pl.DataFrame], Mapping[str, pl.DataFrame]] | None = None
    """Result of a bucket → rows of each table (`schema.table`), sorted by entity; of a method with one frame."""
    count: Callable[[Mapping[str, pl.DataFrame]], Mapping[str, int]] = field(default=lambda _frames: {})
    """Rows of each table → counts by name; their sums over the buckets are metadata."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Name of a frame → table, of a method with several frames."""

    def rows_by_table(self, frames: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
        """Rows of each table, of the frames of a bucket."""
        if self.divide is not None:
            (only,) = frames.values()
            return self.divide(only)
        return {table: frames[name] for name, table in self.tables.items() if name in frames}

    def lake_results(self, outputs: Sequence[LakeOutput]) -> dict[str, LakeResult]:
        """Derived tables of the lake by the names of the frames that fill them, of a method with several frames."""
        of_table = {output.name: LakeResult(output.table, output.frame) for output in outputs}
        return {name: of_table[table] for name, table in self.tables.items() if table in of_table}


def bucket_tables_asset(
    *,
    name: str,
    lake_table: LakeTable,
    tables: Sequence[Table],
    inputs: Mapping[str, str],
    lake_outputs: Sequence[LakeOutput] = (),
    rows: RowsRead | None = None,
    processes: int = 1,
) -> Callable[[Callable[[Inputs], BucketMethod]], dg.AssetsDefinition]:
    """Make assets of a function that makes a `BucketMethod` of declared small inputs (such as seeds).

    The method runs over the buckets of `lake_table`, which is an input, too; each bucket's rows are validated and
    exchanged in all `tables` and the derived `lake_outputs` in one transaction, while the next bucket is computed.
    `rows` says which columns of the rows the method needs, and whether in order; `processes` run it side by side where
    the table is large. Metadata are numbers of rows and the method's counts.
    """
    outputs: list[Table | LakeOutput] = [*tables, *lake_outputs]

    def decorate(make_method: Callable[[Inputs], BucketMethod]) -> dg.AssetsDefinition:
        lake_key = f"lake.{lake_table.name}"
        relations = [lake_key, *dict.fromkeys(inputs.values())]

        @dg.multi_asset(
            name=name,
            specs=[
                dg.AssetSpec(
                    key=table.key,
                    deps=[dg.AssetKey(relation.split(".")) for relation in relations],
                    kinds=set(KINDS),
                    description=table.description,
                    tags={PERSONAL: ""} if is_personal([table.name]) else {},
                    metadata={"dagster/column_schema": column_schema(table.frame), **code_link(make_method)},
                )
                for table in outputs
            ],
        )
        def asset(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            store, lake = warehouse.open(), warehouse.lake()
            declared = Inputs(name, dict(inputs), make_reader(store, name))
            counts: Counter[str] = Counter()
            guard = removal_guard(lake, lake_table)

            def computed(method: BucketMethod, opened: Writing) -> Iterator[BucketTables]:
                results = run_tables_over_buckets(
                    lake,
                    lake_table,
                    method.function,
                    method.parameters,
                    rows=rows,
                    processes=processes,
                    parallel_rows=PARALLEL_ROWS,
                    lake_results=LakeResults(opened.folder, method.lake_results(lake_outputs)),
                )
                for result in results:
                    files = {method.tables[frame]: written for frame, written in result.files.items()}
                    left = [output for output in outputs if output.name not in files]
                    frames = _validated(name, left, method.rows_by_table(result.frames))
                    counts.update(method.count(frames))
                    part = BucketTables(result.bucket, frames, result.load_ids, files)
                    del result, frames  # before the next bucket is computed
                    yield part

            def logged(parts: Iterator[BucketTables]) -> Iterator[BucketTables]:
                for part in parts:
                    context.log.info(f"bucket {part.bucket}: {sum(map(len, part.frames.values()))} rows")
                    yield part

            with conceal_content(name, personal=is_personal([lake_key, *(table.name for table in outputs)])):
                # a bucket is computed while the one before is written
                with (
                    lake.writing() as opened,
                    closing(read_ahead(computed(make_method(declared), opened))) as parts,
                ):
                    written = replace_tables(
                        store,
                        [table.name for table in tables],
                        logged(parts),
                        entity_column=lake_table.entity_column,
                        buckets=lake_table.buckets,
                        guard=guard,
                        lake=lake,
                        lake_tables={output.name: output.table for output in lake_outputs},
                    )
                for output in lake_outputs:
                    lake.remove_orphans(output.table)
            read = sorted([lake_key, *declared.relations_read])
            for table in outputs:
                metadata: dict[str, Any] = {"dagster/row_count": written[table.name], **counts, RELATIONS_READ: read}
                yield dg.MaterializeResult(asset_key=table.key, metadata=metadata)

        return asset

    return decorate


def _validated(
    asset: str, tables: Sequence[Table | LakeOutput], frames: Mapping[str, pl.DataFrame]
) -> Mapping[str, pl.DataFrame]:
    """Rows of each table with the columns of its frame in their order, checked for type, null and bounds."""
    missing = [table.name for table in tables if table.name not in frames]
    if missing:
        raise ValueError(f"{asset} returned no rows for {', '.join(missing)}")
    return {table.name: validate_rows(table.frame, frames[table.name]) for table in tables}
