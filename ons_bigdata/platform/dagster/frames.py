"""What the frames' schemas say, told to Dagster (column docs) and held against the database's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import dataframely as dy

if TYPE_CHECKING:
    from ons_bigdata.platform.postgres.warehouse import Warehouse

_POSTGRES_TYPES: dict[type[dy.Column], set[str]] = {
    dy.String: {"text", "jsonb"},
    dy.Int32: {"integer"},
    dy.Int64: {"bigint"},
    dy.Float64: {"double precision"},
    dy.Date: {"date"},
    dy.Datetime: {"timestamp with time zone"},
    dy.Bool: {"boolean"},
    dy.List: {"ARRAY"},
}


def column_schema(schema: type[dy.Schema]) -> dg.TableSchema:
    """Return the columns of a frame with type and description, as the UI shows them.

    Raises ValueError for a column without a description.
    """
    columns = []
    for name, column in schema.columns().items():
        if not column.description:
            raise ValueError(f"{schema.__name__}.{name} has no description")
        columns.append(
            dg.TableColumn(
                name=name,
                type=type(column).__name__.lower(),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=False),
            )
        )
    return dg.TableSchema(columns=columns)


def table_mismatches(warehouse: Warehouse, table: str, schema: type[dy.Schema]) -> list[str]:
    """Return how `schema.table` differs from the frame that fills it; nothing if it does not."""
    schema_name, table_name = table.split(".")
    found = {
        name: (data_type, nullable == "YES")
        for name, data_type, nullable in warehouse.frame(
            "select column_name::text, data_type::text, is_nullable::text from information_schema.columns"
            " where table_schema = $1 and table_name = $2",
            [schema_name, table_name],
        ).iter_rows()
    }
    if not found:
        return [f"{table} does not exist"]
    expected = schema.columns()
    problems = [f"{table}.{name} is missing" for name in expected if name not in found]
    problems += [f"{table}.{name} is in no frame" for name in found if name not in expected]
    for name, column in expected.items():
        if name not in found:
            continue
        data_type, nullable = found[name]
        if data_type not in _POSTGRES_TYPES[type(column)]:
            wanted = " or ".join(sorted(_POSTGRES_TYPES[type(column)]))
            problems.append(f"{table}.{name} is {data_type}, the frame wants {wanted}")
        if nullable != column.nullable:
            problems.append(f"{table}.{name} nullable: {nullable}, in the frame: {column.nullable}")
    return problems
