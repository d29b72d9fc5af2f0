"""Assets of a method over the buckets of a lake table, of which the results fill tables bucket by bucket."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.assets import PERSONAL, code_link
from ons_bigdata.platform.dagster.frames import column_schema
from ons_bigdata.platform.dagster.inputs import KINDS, RELATIONS_READ, Inputs, Table, make_reader
from ons_bigdata.platform.dagster.personal import conceal_content, is_personal
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake.engine import BucketFunction, removal_guard, replace_tables, run_over_buckets
from ons_bigdata.platform.lake.tables import LakeTable


@dataclass(frozen=True)
class BucketMethod:
    """A method with its parameters of a run, and how its result is divided among the tables."""

    function: BucketFunction
    parameters: Mapping[str, Any]
    """JSON values."""
    divide: Callable[[pl.DataFrame], Mapping[str, pl.DataFrame]]
    """Result of a bucket → rows of each table (`schema.table`), sorted by entity."""
    count: Callable[[Mapping[str, pl.DataFrame]], Mapping[str, int]] = field(default=lambda _frames: {})
    """Rows of each table → counts by name; their sums over the buckets are metadata."""


def bucket_tables_asset(
    *,
    name: str,
    lake_table: LakeTable,
    tables: Sequence[Table],
    inputs: Mapping[str, str],
    processes: int = 1,
) -> Callable[[Callable[[Inputs], BucketMethod]], dg.AssetsDefinition]:
    """Make assets of a function that makes a `BucketMethod` of declared small inputs (such as seeds).

    The method runs over the buckets of `lake_table`, which is an input, too; each bucket's rows are validated and
    exchanged in all `tables` in one transaction. Metadata are numbers of rows and the method's counts.
    """

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
                    tags={PERSONAL: ""} if table.name.startswith("restricted.") else {},
                    metadata={"dagster/column_schema": column_schema(table.frame), **code_link(make_method)},
                )
                for table in tables
            ],
        )
        def asset(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[Any]]:
            store, lake = warehouse.open(), warehouse.lake()
            declared = Inputs(name, dict(inputs), make_reader(store, name))
            counts: Counter[str] = Counter()
            guard = removal_guard(lake, lake_table)

            def parts(method: BucketMethod) -> Iterator[tuple[int, Mapping[str, pl.DataFrame]]]:
                results = run_over_buckets(lake, lake_table, method.function, method.parameters, processes=processes)
                for result in results:
                    frames = _validated(name, tables, method.divide(result.frame))
                    counts.update(method.count(frames))
                    context.log.info(f"bucket {result.bucket}: {result.frame.height} rows")
                    yield result.bucket, frames

            with conceal_content(name, personal=is_personal([lake_key, *(table.name for table in tables)])):
                rows = replace_tables(
                    store,
                    [table.name for table in tables],
                    parts(make_method(declared)),
                    entity_column=lake_table.entity_column,
                    buckets=lake_table.buckets,
                    guard=guard,
                )
            read = sorted([lake_key, *declared.relations_read])
            for table in tables:
                metadata: dict[str, Any] = {"dagster/row_count": rows[table.name], **counts, RELATIONS_READ: read}
                yield dg.MaterializeResult(asset_key=table.key, metadata=metadata)

        return asset

    return decorate


def _validated(asset: str, tables: Sequence[Table], frames: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
    """Rows of each table with the columns of its frame in their order, checked for type, null and bounds."""
    missing = [table.name for table in tables if table.name not in frames]
    if missing:
        raise ValueError(f"{asset} returned no rows for {', '.join(missing)}")
    return {table.name: table.frame.validate(frames[table.name]) for table in tables}
