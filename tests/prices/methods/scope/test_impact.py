"""The effect of the scope on indices: two days by hand, and series without a result."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.prices.methods.scope.impact import ALL_OUT, NO_COMMON_DAY, index_impact

ONE, TWO = date(2016, 8, 1), date(2016, 8, 2)


def series(code: str, *values: float | None) -> list[dict[str, object]]:
    key = {"data_origin": "real", "level": "item", "code": code, "method": "jevons_chained"}
    return [{**key, "period": day, "index": value} for day, value in zip((ONE, TWO), values, strict=True)]


def frame(*rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame([row for one in rows for row in one], schema_overrides={"index": pl.Float64})


def counts(**quotes: tuple[int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"data_origin": "real", "level": "item", "code": c[1:], "quotes": q, "quotes_in": i, "quotes_undecided": u}
            for c, (q, i, u) in quotes.items()
        ]
    )


def test_the_difference_on_the_last_common_day() -> None:
    computed = index_impact(
        frame(series("1", 100.0, 102.0)), frame(series("1", 101.0, 98.0)), counts(c1=(10, 4, 1))
    ).row(0, named=True)
    assert (computed["last_period"], computed["difference"], computed["days"]) == (TWO, -4.0, 2)
    assert (computed["mean_absolute_difference"], computed["largest_difference"]) == (2.5, 4.0)
    assert (computed["quotes_in_scope_share"], computed["quotes_undecided_share"]) == (0.4, 0.1)
    assert computed["reason"] is None


def test_no_difference_has_a_reason() -> None:
    computed = index_impact(
        frame(series("1", 100.0, 102.0), series("2", 100.0, None)),
        frame(series("2", None, 99.0)),
        counts(c1=(10, 0, 0), c2=(5, 0, 5)),
    )
    assert computed["reason"].to_list() == [ALL_OUT, NO_COMMON_DAY]
    assert computed["difference"].is_null().all()


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="target: column index is missing"):
        index_impact(frame(series("1", 100.0, 102.0)), frame(series("1", 1.0, 1.0)).drop("index"), counts())
