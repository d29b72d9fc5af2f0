"""JSON of flows of FlowKit under a specification: what is read, and why files are sent back."""

from __future__ import annotations

import json

import pytest

from ons_bigdata.phones.sources.deliveries.flowkit_flows import read_flowkit
from ons_bigdata.phones.sources.specification_files import Registered
from ons_bigdata.platform.ingest.loading import Reading
from tests.phones.specifications import CODES, SPEC, changed

SPECIFICATION = changed(
    "disclosure", threshold=16, rounding_base=1, suppresses_zeros=True, absent_pair_means="suppressed"
)
A, B, C, _ = CODES
ROWS = [{"pcod_from": A, "pcod_to": B, "value": 20}, {"pcod_from": A, "pcod_to": C, "value": 31.0}]


def read(document: object, spec: object = SPECIFICATION, segment: str = "all_weekday") -> Reading:
    name = f"flowkit_flows_alpha_2021-03_{segment}_{spec.spec_id}.json"  # type: ignore[attr-defined]
    register = {spec.spec_id: Registered("alpha", spec)}  # type: ignore[attr-defined, arg-type]
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_flowkit(content, name=name, load_id="0" * 16, register=register)


@pytest.mark.parametrize("document", [ROWS, {"query_id": "x", "query_result": ROWS}])
def test_rows_are_cells_of_the_contract(document: object) -> None:
    reading = read(document)
    assert (reading.outcome, reading.reason) == ("loaded", None)
    columns = ["line", "origin_code", "dest_code", "devices", "status", "segment", "day_type", "vintage"]
    assert reading.accepted.select(columns).rows() == [
        (2, A, B, 20.0, "observed", "all", "weekday", "MSOA11"),
        (3, A, C, 31.0, "observed", "all", "weekday", "MSOA11"),
    ]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "no JSON"),
        ({"query_result": []}, "no list of rows"),
        ([{"pcod_from": A, "value": 20}], "row 2: expected an origin"),
        ([{"pcod_from": A, "admin3_from": A, "pcod_to": B, "value": 20}], "row 2: expected an origin"),
        ([*ROWS, {"pcod_from": A, "pcod_to": B, "value": None}], "row 4: value 'None'; expected a number"),
        ([{"pcod_from": A, "pcod_to": B, "value": -20}], "expected a whole number"),
        ([{"pcod_from": A, "pcod_to": B, "value": 9}], "counts below 16 are suppressed"),
        ([{"pcod_from": "X1", "pcod_to": B, "value": 20}], "not a code of MSOA11"),
        ([*ROWS, ROWS[0]], "came before"),
    ],
)
def test_a_faulty_file_is_sent_back(document: object, reason: str) -> None:
    reading = read(document)
    assert reading.outcome == "refused"
    assert reason in str(reading.reason)


def test_a_specification_with_another_threshold_does_not_fit() -> None:
    assert "expected threshold 16, zeros and absent pairs suppressed" in str(read(ROWS, SPEC).reason)
