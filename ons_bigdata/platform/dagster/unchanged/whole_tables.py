"""Tables that a Python asset replaces whole, and leaves as they are while their rows would be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster.unchanged.outcomes import Work, keep_outcome, kept_outcome

if TYPE_CHECKING:
    import polars as pl

    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse


def is_built_from(store: Warehouse, table: str, basis: str) -> bool:
    """True where `schema.table` was last replaced by the rows of this basis, and still has as many."""
    with store.transaction() as transaction:
        built = kept_outcome(transaction, Work.table, table, basis)
        return built is not None and built.values["rows"] == _count(transaction, table)


def count_rows(store: Warehouse, table: str) -> int:
    """Count the rows of `schema.table`."""
    with store.transaction() as transaction:
        return _count(transaction, table)


def replace_from(store: Warehouse, table: str, frame: pl.DataFrame, basis: str) -> int:
    """Replace all rows of `schema.table` and keep their basis in one transaction; return how many it has then."""
    with store.transaction() as transaction:
        transaction.lock(table)
        transaction.execute(f"delete from {table}")  # noqa: S608  (our own table names)
        rows = transaction.insert(table, frame)
        keep_outcome(transaction, Work.table, table, basis, {"rows": rows})
    store.analyse(table)
    return rows


def _count(transaction: Transaction, table: str) -> int:
    ((rows,),) = transaction.rows(f"select count(*) from {table}")  # noqa: S608  (our own table names)
    return int(rows)
