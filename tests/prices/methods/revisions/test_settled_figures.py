"""Settled figures: they move until their days are over, and then by named events alone, each change with a row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.prices.methods.revisions import SettledFigures, settle_figures
from ons_bigdata.prices.schemas.indices import RevisionEvent, SettledFigure

FIRST, LAST = date(2016, 8, 1), date(2016, 9, 30)
POLICY = pl.DataFrame(
    {"recipe": ["web_daily", "fews", "ons_2026"], "frequency": ["daily", "weekly", "monthly"],
     "revisable_days": [28, 7, 31]},
    schema_overrides={"revisable_days": pl.Int32},
)  # fmt: skip
NOTHING = SettledFigure.create_empty()
NO_EVENT = RevisionEvent.create_empty()
FREQUENCIES = {"web_daily": "daily", "fews": "weekly", "ons_2026": "monthly"}


def _figures(*rows: tuple[str, date, float | None], origin: str = "real") -> pl.DataFrame:
    """Figures of division 01: recipe, period, index."""
    return pl.DataFrame(
        [
            (origin, "division", "01", recipe, "m", "shelf", period, FREQUENCIES[recipe[:9]], index)
            for recipe, period, index in rows
        ],
        schema={**dict.fromkeys(["data_origin", "level", "code", "recipe", "method", "scope"], pl.String),
                "period": pl.Date, "frequency": pl.String, "index": pl.Float64},
        orient="row",
    )  # fmt: skip


def _event(kind: str, **columns: Any) -> pl.DataFrame:
    row = {"event_id": kind, "kind": kind, "description": f"what {kind} was"}
    return pl.DataFrame([row | columns], schema=RevisionEvent.create_empty().schema, orient="row")


def _settle(
    figures: pl.DataFrame, before: pl.DataFrame = NOTHING, events: pl.DataFrame = NO_EVENT, last: date = LAST
) -> SettledFigures:
    return settle_figures(figures, before, POLICY, events, {"real": last})


def test_a_figure_is_settled_when_the_days_after_its_period_are_over() -> None:
    """28 days after a day, 7 after the Sunday of a week, 31 after the last of a month."""
    figures = _figures(("web_daily", FIRST, 100.0), ("fews", FIRST, 100.0), ("ons_2026", FIRST, 100.0))
    settled = _settle(figures).settled
    assert dict(settled.select("recipe", "settles_on").iter_rows()) == {
        "fews": date(2016, 8, 14),
        "web_daily": date(2016, 8, 29),
    }
    assert settled["vintage"].unique().to_list() == [LAST]
    assert _settle(figures, last=date(2016, 10, 1)).settled.height == 3
    assert _settle(figures, last=date(2016, 8, 13)).settled.is_empty()


def test_a_provisional_figure_moves_without_a_row() -> None:
    period = LAST - timedelta(days=27)
    late = _event("late_file", first_day=FIRST)
    first = _settle(_figures(("web_daily", period, 100.0)))
    second = _settle(_figures(("web_daily", period, 101.0)), first.settled, late)
    assert (second.settled.height, second.revisions.height) == (0, 0)


@pytest.mark.parametrize(
    ("event", "explains"),
    [
        (_event("late_file", first_day=FIRST, data_origin="real"), True),
        (_event("decision", first_day=FIRST - timedelta(days=9)), True),
        (_event("new_method", recipe="web_daily"), True),
        (_event("new_weights"), True),
        (_event("late_file", first_day=FIRST + timedelta(days=1), data_origin="real"), False),
        (_event("late_file", first_day=FIRST, data_origin="simulated"), False),
        (_event("new_method", recipe="fews"), False),
    ],
)
def test_a_settled_figure_changes_by_an_event_that_bears_on_it_alone(event: pl.DataFrame, explains: bool) -> None:
    before = _settle(_figures(("web_daily", FIRST, 100.0))).settled
    after = _settle(_figures(("web_daily", FIRST, 101.0)), before, event, LAST + timedelta(days=1))
    (row,) = after.settled.to_dicts()
    if explains:
        (revision,) = after.revisions.to_dicts()
        assert (revision["old_index"], revision["new_index"], revision["revision"]) == (100.0, 101.0, 1)
        assert (revision["kinds"], revision["reason"]) == (event["kind"][0], event["description"][0])
        assert (row["index"], row["revision_status"], row["vintage"]) == (101.0, "revised", LAST + timedelta(days=1))
        assert (row["is_held"], row["held_index"]) == (False, None)
    else:
        assert after.revisions.is_empty()
        assert (row["index"], row["revision_status"], row["vintage"]) == (100.0, "settled", LAST)
        assert (row["is_held"], row["held_index"]) == (True, 101.0)


def test_revisions_of_a_figure_are_numbered_and_a_held_one_may_be_revised_later() -> None:
    settled = _settle(_figures(("web_daily", FIRST, 100.0))).settled
    late = _event("late_file", first_day=FIRST)
    settled = _settle(_figures(("web_daily", FIRST, 101.0)), settled, late).settled
    held = _settle(_figures(("web_daily", FIRST, None)), settled).settled
    assert held.select("index", "is_held", "held_index").row(0) == (101.0, True, None)
    revisions = _settle(_figures(("web_daily", FIRST, None)), held, pl.concat([late, _event("decision")])).revisions
    found = revisions.select("revision", "old_index", "new_index", "kinds").row(0)
    assert found == (2, 101.0, None, "decision, late_file")


def test_rounding_is_no_revision_and_a_figure_that_is_not_computed_stays() -> None:
    before = _settle(_figures(("web_daily", FIRST, 100.0), ("fews", FIRST, 100.0))).settled
    after = _settle(_figures(("web_daily", FIRST, 100.0 + 1e-11)), before, _event("new_weights"))
    assert after.revisions.is_empty()
    found = after.settled.select("recipe", "index", "is_computed").rows()
    assert found == [("fews", 100.0, False), ("web_daily", 100.0, True)]


def test_more_than_five_events_are_counted() -> None:
    before = _settle(_figures(("web_daily", FIRST, 100.0))).settled
    events = pl.concat([_event("late_file", event_id=f"file {k}", description=f"file {k}") for k in range(7)])
    revisions = _settle(_figures(("web_daily", FIRST, 101.0)), before, events).revisions
    assert revisions["reason"].item() == "file 0; file 1; file 2; file 3; file 4; and 2 more"


def test_a_recipe_with_a_link_window_of_its_own_has_the_policy_of_the_recipe() -> None:
    assert _settle(_figures(("web_daily_link_7_days", FIRST, 100.0))).settled["settles_on"].item() == date(2016, 8, 29)


def test_missing_policies_and_days_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="figures: 1 with no revision policy for its recipe and frequency"):
        settle_figures(_figures(("fews", FIRST, 1.0)), NOTHING, POLICY.head(1), NO_EVENT, {"real": LAST})
    with pytest.raises(ValueError, match="figures: 1 with no last day with quotes of its data origin"):
        _settle(_figures(("fews", FIRST, 1.0), origin="simulated"))
    with pytest.raises(ValueError, match="revision policy: 2 with a recipe and frequency twice"):
        settle_figures(_figures(), NOTHING, pl.concat([POLICY, POLICY.head(1)]), NO_EVENT, {})


@given(st.lists(st.floats(50, 200), min_size=2, max_size=6))
def test_without_events_the_first_settled_value_stands_whatever_is_computed(values: list[float]) -> None:
    settled = NOTHING
    for day, value in enumerate(values):
        settled = _settle(_figures(("web_daily", FIRST, value)), settled, last=LAST + timedelta(days=day)).settled
    assert settled["index"].item() == values[0]
    assert settled["is_held"].item() == (abs(values[-1] - values[0]) > 1e-9 * max(values[-1], values[0]))
