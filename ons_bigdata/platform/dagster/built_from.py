"""What a table was built from that is replaced whole: it is not computed again while that is the same.

The asset hashes all that its rows depend on, inputs and code, into a basis. `ops.table_days` has it under `WHOLE`,
beside the hashes of the tables that are built by period.
"""

from __future__ import annotations

import hashlib
from datetime import date
from importlib.metadata import version

import polars as pl

from ons_bigdata.platform.dagster.by_period import WHOLE, code_hash
from ons_bigdata.platform.postgres.warehouse import Warehouse


def basis_of(*frames: pl.DataFrame, packages: tuple[str, ...], libraries: tuple[str, ...] = ()) -> str:
    """Hash rows in their order, and the code that makes other rows of them.

    `packages`: Python packages and modules; `libraries`: distributions, of which the version counts.
    """
    digest = hashlib.sha256(" ".join([*map(code_hash, packages), *map(version, libraries)]).encode())
    for frame in frames:
        digest.update(f"{frame.schema}".encode())
        digest.update(frame.write_json().encode())
    return digest.hexdigest()[:32]


def is_built_from(store: Warehouse, table: str, basis: str) -> bool:
    """True where `schema.table` was last replaced by the rows of this basis, and still has as many."""
    query = "select inputs_hash, rows_of_day from ops.table_days where table_name = $1 and day = $2::date"
    return store.rows(query, [table, WHOLE.isoformat()]) == [(basis, count_rows(store, table))]


def count_rows(store: Warehouse, table: str) -> int:
    """Count the rows of `schema.table`."""
    ((rows,),) = store.rows(f"select count(*) from {table}")  # noqa: S608  (our own table names)
    return int(rows)


def replace_from(store: Warehouse, table: str, frame: pl.DataFrame, basis: str) -> int:
    """Replace all rows of `schema.table` and record their basis in one transaction; return how many it has then."""
    with store.transaction() as transaction:
        transaction.lock(table)
        transaction.execute(f"delete from {table}")  # noqa: S608  (our own table names)
        rows = transaction.insert(table, frame)
        transaction.execute("delete from ops.table_days where table_name = $1", [table])
        transaction.execute(
            "insert into ops.table_days (table_name, day, rows_of_day, content_hash, inputs_hash)"
            " values ($1, $2::date, $3::bigint, 0, $4)",
            [table, date.isoformat(WHOLE), rows, basis],
        )
    store.analyse(table)
    return rows
