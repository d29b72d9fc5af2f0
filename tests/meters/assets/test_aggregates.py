"""Disclosure control of aggregates of meters: small cells and what would uncover them have no number."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.meters.assets.aggregates import controlled_consumption, controlled_states
from ons_bigdata.meters.schemas.aggregates import ControlledConsumption, ControlledStates

GROUP = {"data_origin": "simulated", "format": "cer"}


def consumption_cells(meters: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                **GROUP,
                **{"customer": "residential", "area": f"a{place}", "dwelling_type": "flat", "tariff": "E"},
                **{"period_kind": "week", "period": date(2010, 1, 4), "meters": count, "kwh_per_day": 11.123},
                **{"kwh_per_day_se": 0.5, "kwh_per_day_median": 9.876, "reading_share": 0.99, "zero_day_share": 0.0},
                "imputed_share": 0.01,
            }
            for place, count in enumerate(meters)
        ]
    )


@settings(max_examples=20)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_cells_of_fewer_than_ten_meters_have_no_number(meters: list[int]) -> None:
    controlled = ControlledConsumption.validate(controlled_consumption(consumption_cells(meters), threshold=10, base=5))
    for count, row in zip(meters, controlled.iter_rows(named=True), strict=True):
        numbers = [row[name] for name in controlled.columns[8:-1]]
        assert (row["status"] == "published") == (count >= 10)
        assert (numbers == [None] * 7) == (count < 10)
        assert row["meters"] is None or row["meters"] % 5 == 0
        assert row["kwh_per_day_median"] in {None, 9.9}


def state_cells(affected: dict[str, tuple[int, float]], month: date = date(2010, 1, 1)) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {**GROUP, "month": month, "state": state, "meters": 100, "affected_meters": count, "share": share}
            for state, (count, share) in affected.items()
        ]
    )


def test_a_hidden_share_cannot_be_computed_from_the_others() -> None:
    some_hidden = state_cells({"ok": (100, 0.95), "missing_row": (60, 0.03), "zero_run": (3, 0.02)})
    all_shown = state_cells({"ok": (100, 0.95), "missing_row": (60, 0.05)}, month=date(2010, 2, 1))
    controlled = ControlledStates.validate(controlled_states(pl.concat([some_hidden, all_shown]), threshold=10, base=5))
    assert controlled.select("month", "state", "share", "affected_meters", "status").rows() == [
        (date(2010, 1, 1), "missing_row", 0.03, 60, "published"),
        (date(2010, 1, 1), "ok", None, 100, "secondary"),
        (date(2010, 1, 1), "zero_run", None, None, "below_threshold"),
        (date(2010, 2, 1), "missing_row", 0.05, 60, "published"),
        (date(2010, 2, 1), "ok", 0.95, 100, "published"),
    ]
