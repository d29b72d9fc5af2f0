"""The specification: what is refused, and when two documents have the same id."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError

from ons_bigdata.phones.schemas.specification import Specification
from tests.phones.specifications import DOCUMENT, SPEC, changed


def test_the_id_does_not_depend_on_the_order_of_fields_and_lists() -> None:
    reversed_fields = dict(reversed(DOCUMENT.items()))
    reversed_fields["zones"] = {**DOCUMENT["zones"], "codes": DOCUMENT["zones"]["codes"][::-1]}
    assert Specification.model_validate(reversed_fields).spec_id == SPEC.spec_id


def test_the_canonical_document_reads_as_itself() -> None:
    again = Specification.model_validate(json.loads(SPEC.canonical_json()))
    assert (again, again.spec_id) == (SPEC, SPEC.spec_id)


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        ("home", {"min_share": 0.41}),
        ("work", {"min_dwell_hours": 3.5}),
        ("disclosure", {"threshold": 11}),
        ("zones", {"vintage": "MSOA21"}),
        ("period", {"excluded_days": []}),
    ],
    ids=["home", "work", "disclosure", "zones", "period"],
)
def test_every_change_of_the_method_changes_the_id(block: str, fields: dict[str, object]) -> None:
    assert changed(block, **fields).spec_id != SPEC.spec_id


@pytest.mark.parametrize(
    ("block", "fields", "message"),
    [
        ("period", {"last_day": "2021-02-01"}, "before first_day"),
        ("period", {"excluded_days": ["2020-12-25"]}, "excluded day 2020-12-25"),
        ("devices", {"min_active_days": 29}, "exceeds window_days 28"),
        ("home", {"from_hour": 1, "to_hour": 7}, "cross midnight"),
        ("home", {"ties": ["smaller_code"]}, "more events, then the smaller code"),
        ("shift_workers", {"core_to_hour": 0}, "core of the night runs from 0 to 0"),
        ("shift_workers", {"evening_to_hour": 18}, "evening runs from 18 to 18"),
        ("work", {"to_hour": 9}, "runs from 9 to 9"),
        ("work", {"min_dwell_hours": 9}, "exceeds the working day"),
        ("zones", {"codes": ["E02000001", "E02000001"]}, "'E02000001' twice"),
        ("zones", {"codes": ["TOTAL"]}, "name of totals"),
        ("disclosure", {"blank_means": "zero"}, "suppressed"),
        ("disclosure", {"surprise": 1}, "Extra inputs"),
    ],
    ids=str,
)
def test_a_contradiction_is_refused(block: str, fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(block, **fields)


def test_nothing_has_a_default() -> None:
    for block, content in DOCUMENT.items():
        for field in content if isinstance(content, dict) else ():
            fields = {name: value for name, value in content.items() if name != field}
            with pytest.raises(ValidationError, match="Field required"):
                Specification.model_validate({**DOCUMENT, block: fields})


def test_a_delivery_is_due_for_every_month() -> None:
    assert SPEC.months() == (date(2021, 3, 1), date(2021, 4, 1))
