"""Validation of rows by the frame of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def validate_rows(schema: type[dy.Schema], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the columns of a frame in their order, checked for types, nulls, bounds and keys: `schema.validate`.

    Of many rows, texts are checked once for each distinct one, and keys by the order in which rows are sorted, which
    takes a fraction of the time. Where this does not show that all is well, dataframely decides and says what is not.
    Raises its SchemaError and ValidationError.
    """
    if rows.height >= _MANY_ROWS and _is_surely_valid(schema, rows):
        return rows.select(schema.column_names())
    validated: pl.DataFrame = schema.validate(rows)
    return validated


def validate_parts(schema: type[dy.Schema], parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Rows of a table in parts, each as `validate_rows`; after the last one, that no key is in two parts.

    Raises ValueError with the number of rows whose key another row has.
    """
    keys = []
    for part in parts:
        valid = validate_rows(schema, part)
        if schema.primary_key():
            keys.append(valid.select(schema.primary_key()))
        yield valid
    if len(keys) > 1 and not _has_distinct_keys(together := pl.concat(keys)):
        repeated = int(together.is_duplicated().sum())
        if repeated:
            raise ValueError(f"{repeated} rows have a {', '.join(schema.primary_key())} that another row has")


_MANY_ROWS = 10_000


def _is_surely_valid(schema: type[dy.Schema], rows: pl.DataFrame) -> bool:
    columns = schema.columns()
    if any(
        name not in rows.columns or not column.validate_dtype(rows.schema[name]) for name, column in columns.items()
    ):
        return False
    rules = dict(schema._validation_rules(with_cast=False))  # listed nowhere else
    has_key = rules.pop("primary_key", None) is not None
    of_text: dict[str, list[pl.Expr]] = {}
    of_rows: list[pl.Expr] = []
    for rule_name, rule in rules.items():
        column_name = rule_name.partition("|")[0]
        is_of_text = "|" in rule_name and isinstance(columns[column_name], dy.String)
        (of_text.setdefault(column_name, []) if is_of_text else of_rows).append(rule.expr)
    if of_rows and not _hold(rows, of_rows):
        return False
    if not all(_hold(rows.select(pl.col(name).unique()), expressions) for name, expressions in of_text.items()):
        return False
    return not has_key or _has_distinct_keys(rows.select(schema.primary_key()))


def _hold(rows: pl.DataFrame, rules: list[pl.Expr]) -> bool:
    """True if each rule holds for each row; as in dataframely, a rule without an answer does."""
    answers = rows.lazy().select(rule.fill_null(value=True).all().alias(str(n)) for n, rule in enumerate(rules))
    return all(answers.collect().row(0))


def _has_distinct_keys(keys: pl.DataFrame) -> bool:
    """True if no two rows are seen to be equal; False if they may be.

    Rows are distinct where they are sorted by some of the columns, one after another, and no neighbours are equal in
    all of these, or where one column alone has no value twice.
    """
    left = keys.columns
    before, after = keys.head(-1), keys.tail(-1)
    is_tied = pl.select(pl.repeat(value=True, n=after.height)).to_series()
    while chosen := next((name for name in left if _ascends(before[name], after[name], is_tied)), None):
        is_tied &= before[chosen] == after[chosen]
        if not is_tied.any():
            return True
        left = [name for name in left if name != chosen]
    return any(keys[name].n_unique() == keys.height for name in left if keys.schema[name].is_integer())


def _ascends(before: pl.Series, after: pl.Series, where: pl.Series) -> bool:
    """True if no value is above the next one, among the rows of a mask."""
    return not ((before > after) & where).any()
