"""The annex: every field of the specification can be read in it."""

from __future__ import annotations

import re

import pytest

from ons_bigdata.phones.methods.specification_annex import render_annex
from tests.phones.specifications import CODES, SPEC, changed


def test_the_annex_has_every_block_and_the_id() -> None:
    text = render_annex(SPEC)
    assert text.count(SPEC.spec_id) == 2
    assert [int(number) for number in re.findall(r"^## (\d+) ", text, re.MULTILINE)] == list(range(1, 13))
    assert ", ".join(CODES) in text
    assert "Counts from 1 to 9 are suppressed. A count of 0 is delivered as 0. Counts are rounded" in text
    assert "* `-1`: the count was suppressed" in text


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        ("period", {"excluded_days": ["2021-03-17"]}),
        ("devices", {"includes_roamers": True}),
        ("devices", {"min_active_days": 11}),
        ("dwell", {"max_day_minutes": 121}),
        ("dwell", {"max_speed_m_s": 54}),
        ("home", {"min_share": 0.45}),
        ("home", {"to_hour": 6}),
        ("work", {"at_home": "undefined"}),
        ("work", {"weekdays": [1, 2]}),
        ("work", {"max_workplaces": 3}),
        ("shift_workers", {"min_swapped_nights": 5}),
        ("students", {"min_education_share": 0.6}),
        ("zones", {"allocation": "posterior"}),
        ("expansion", {"factors": "by age"}),
        ("disclosure", {"absent_pair_means": "structural_zero"}),
        ("disclosure", {"rounding_base": 1}),
    ],
    ids=str,
)
def test_a_change_of_the_method_is_seen_in_the_text(block: str, fields: dict[str, object]) -> None:
    other = changed(block, **fields)
    assert render_annex(other).replace(other.spec_id, SPEC.spec_id) != render_annex(SPEC)
