"""Frames: Dagster's column schemas, and the differences between a frame and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import dataframely as dy

if TYPE_CHECKING:
    from ons_bigdata.platform.postgres.warehouse import Warehouse

_POSTGRES_TYPES: dict[type[dy.Column], set[str]] = {
    dy.String: {"text", "jsonb"},
    dy.Int16: {"smallint"},
    dy.Int32: {"integer"},
    dy.Int64: {"bigint"},
    dy.Float64: {"double precision"},
    dy.Decimal: {"numeric"},
    dy.Date: {"date"},
    dy.Datetime: {"timestamp with time zone"},
    dy.Bool: {"boolean"},
    dy.List: {"ARRAY"},
}


def column_schema(schema: type[dy.Schema]) -> dg.TableSchema:
    """Return the columns of a frame as a Dagster column schema: name, type, description, nullability.

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
    """Differences between `schema.table` and the frame that fills it, a text for each."""
    schema_name, table_name = table.split(".")
    actual = {
        name: (data_type, nullable == "YES")
        for name, data_type, nullable in warehouse.frame(
            "select column_name::text, data_type::text, is_nullable::text from information_schema.columns"
            " where table_schema = $1 and table_name = $2",
            [schema_name, table_name],
        ).iter_rows()
    }
    if not actual:
        return [f"{table} does not exist"]
    expected = schema.columns()
    problems = [f"{table}.{name} is missing" for name in expected if name not in actual]
    problems += [f"{table}.{name} is not in the frame" for name in actual if name not in expected]
    for name, column in expected.items():
        if name not in actual:
            continue
        data_type, nullable = actual[name]
        if data_type not in _POSTGRES_TYPES[type(column)]:
            wanted = " or ".join(sorted(_POSTGRES_TYPES[type(column)]))
            problems.append(f"{table}.{name} is {data_type}, expected {wanted}")
        if nullable != column.nullable:
            problems.append(f"{table}.{name} nullable: {nullable}, expected {column.nullable}")
    return problems
