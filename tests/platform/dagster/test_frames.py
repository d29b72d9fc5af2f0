"""Validation of rows: the answers and messages of dataframely, for few rows and many, sorted or not."""

from __future__ import annotations

from collections.abc import Callable

import dataframely as dy
import numpy as np
import polars as pl
import pytest

from ons_bigdata.platform import row_validation
from ons_bigdata.platform.row_validation import validate_parts, validate_rows


class Visit(dy.Schema):
    """One row per kind, person and day."""

    kind = dy.String(primary_key=True, regex="^[a-z]+$", description="kind")
    person = dy.Int64(primary_key=True, description="person")
    day = dy.Int32(primary_key=True, min=0, description="day")
    minutes = dy.Float64(nullable=True, min=0.0, description="minutes")
    note = dy.String(nullable=True, regex="^[a-z ]*$", description="note")

    @dy.rule()
    def long_visits_have_a_note(cls) -> pl.Expr:  # noqa: N805  (a method of the class)
        return (pl.col("minutes") < 100) | pl.col("note").is_not_null()


ROWS = row_validation._MANY_ROWS


def visits() -> pl.DataFrame:
    """Valid rows, sorted by person, kind and day, with a column that the frame does not have."""
    place = np.arange(ROWS)
    return pl.DataFrame(
        {
            "other": place,
            "day": pl.Series(place % 2, dtype=pl.Int32),
            "person": place // 4 - 100,
            "kind": pl.Series(["a", "b"]).gather(place // 2 % 2),
            "minutes": pl.Series(place % 99, dtype=pl.Float64),
            "note": pl.select(pl.when(pl.lit(pl.Series(place)) % 3 > 0).then(pl.lit("some note"))).to_series(),
        }
    )


def at_row(column: str, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return a change of the value of one row."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        is_row = pl.int_range(pl.len()) == 7_002
        return rows.with_columns(
            pl.when(is_row).then(pl.lit(value, rows.schema[column])).otherwise(column).alias(column)
        )

    return change


def twice(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.slice(3, 1)])


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "text": at_row("kind", "A"),
    "nullable text": at_row("note", "9"),
    "null": at_row("kind", None),
    "null of a key": at_row("person", None),
    "bound": at_row("day", -1),
    "nullable bound": at_row("minutes", -0.5),
    "rule over columns": at_row("minutes", 100.0),
    "key twice": twice,
    "key twice, not sorted": lambda rows: twice(rows).sample(fraction=1, shuffle=True, seed=1),
    "type": lambda rows: rows.with_columns(pl.col("day").cast(pl.Int64)),
    "missing column": lambda rows: rows.drop("note"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_are_refused_as_by_dataframely(fault: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    rows = fault(visits())
    with pytest.raises((dy.exc.ValidationError, dy.exc.SchemaError)) as theirs:
        Visit.validate(rows)
    with pytest.raises(type(theirs.value)) as ours:
        validate_rows(Visit, rows)
    assert str(ours.value) == str(theirs.value)


def test_valid_rows_have_the_columns_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = visits()
    expected = Visit.validate(rows)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    assert validate_rows(Visit, shuffled).equals(shuffled.select(Visit.column_names()))
    assert validate_rows(Visit, rows.head(10)).height == 10
    monkeypatch.setattr(Visit, "validate", None)  # sorted ones are not hashed
    assert validate_rows(Visit, rows).equals(expected)


def test_parts_are_validated_each_and_their_keys_together() -> None:
    rows = visits()
    halves = [rows.head(ROWS // 2), rows.tail(-(ROWS // 2))]
    assert pl.concat(validate_parts(Visit, iter(halves))).equals(Visit.validate(rows))
    with pytest.raises(ValueError, match="2 rows have a kind, person, day that another row has"):
        list(validate_parts(Visit, [*halves, rows.head(1)]))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)  # keys that no order shows to be distinct
    assert len(list(validate_parts(Visit, [shuffled.head(7), shuffled.tail(-7)]))) == 2
    valid = validate_parts(Visit, [rows.head(5), rows.tail(5).with_columns(minutes=-1.0)])
    assert next(valid).height == 5
    with pytest.raises(dy.exc.ValidationError):
        next(valid)


def test_keys_that_are_not_sorted_are_distinct_if_one_of_their_columns_is() -> None:
    numbers = np.random.default_rng(1).permutation(1_000)
    keys = pl.DataFrame({"kind": "a", "person": numbers})
    assert row_validation._has_distinct_keys(keys)
    assert not row_validation._has_distinct_keys(pl.concat([keys, keys.head(1)]))
