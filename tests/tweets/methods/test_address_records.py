"""Which record of an address counts: editions, changes, deletions, kinds of records, products; in any order."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.tweets.methods.address_records import current_addresses, current_postcodes, latest_full_editions
from ons_bigdata.tweets.schemas.addresses import AddressRecord, PostcodeRecord

MAY, JUNE, JULY = date(2014, 5, 1), date(2014, 6, 1), date(2014, 7, 1)

DEFAULTS: dict[str, Any] = {
    **{"load_id": "0" * 16, "line": 1, "product": "plus", "record": "address", "data_origin": "real"},
    **{"address_key": 0, "uprn": 1, "change_type": "I", "class_code": "RD04", "easting_m": 1.0, "northing_m": 2.0},
}
SCHEMA = {name: column.dtype for name, column in AddressRecord.columns().items()}


def records(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([DEFAULTS | row for row in rows], schema=SCHEMA)


def current(*rows: dict[str, Any]) -> list[tuple[int, str | None]]:
    """UPRN and class of the current addresses, by UPRN."""
    frame = records(*rows)
    full = latest_full_editions(frame.lazy()).collect()
    return current_addresses(frame, full).sort("uprn").select("uprn", "class_code").rows()


def test_the_latest_edition_counts_then_the_latest_change() -> None:
    assert current({"edition": MAY, "class_code": "RD02"}, {"edition": JUNE, "class_code": "RD03"}) == [(1, "RD03")]
    assert current({"edition": MAY, "class_code": "RD02"}, {"edition": None, "class_code": "RD03"}) == [(1, "RD02")]
    older, newer = {"changed_on": MAY, "class_code": "RD02"}, {"changed_on": JUNE, "class_code": "RD03"}
    assert current(newer, older) == current(older, newer) == [(1, "RD03")]


def test_a_deletion_removes_the_address_until_it_comes_again() -> None:
    deleted = {"edition": JUNE, "change_type": "D"}
    assert current({"edition": MAY}, deleted) == []
    assert current({"edition": MAY}, deleted, {"edition": JULY, "class_code": "RD06"}) == [(1, "RD06")]
    assert current(deleted) == []


def test_a_full_supply_supersedes_earlier_editions_of_its_product() -> None:
    gone = {"uprn": 2, "edition": MAY}
    kept = {"edition": JUNE, "supply": "full"}
    assert current(gone, kept) == [(1, "RD04")]
    assert current(gone, kept | {"product": "core"}) == [(1, "RD04"), (2, "RD04")]
    assert current(gone, kept | {"data_origin": "simulated"}) == [(1, "RD04"), (2, "RD04")]
    assert current(gone | {"edition": None}, kept) == [(1, "RD04"), (2, "RD04")]  # of no known edition
    assert current(gone, kept | {"supply": "changes"}) == [(1, "RD04"), (2, "RD04")]


def test_the_most_detailed_product_that_knows_an_address_counts() -> None:
    rough = {"product": "addressbase", "class_code": "R", "edition": JULY}
    bare = {"product": "open_uprn", "class_code": None, "edition": JULY}
    fine = {"product": "core", "class_code": "RD02", "edition": MAY}
    assert current(rough, bare, fine) == [(1, "RD02")]
    assert current(rough, bare) == [(1, "R")]
    assert current(bare) == [(1, None)]
    assert current(rough, fine | {"change_type": "D"}) == []


def premium(record: str, **more: Any) -> dict[str, Any]:
    place = {} if record == "property" else {"easting_m": None, "northing_m": None}
    empty = {"product": "premium", "record": record, "class_code": None, "record_key": None}
    return empty | place | ({"logical_status": 1} if record in {"property", "name"} else {}) | more


def test_records_of_premium_are_joined_on_the_uprn() -> None:
    frame = records(
        premium("property", postcode="AA1 1AA"),
        premium("class", class_code="RD02", record_key="1", ended_on=MAY, changed_on=JUNE),
        premium("class", class_code="RD03", record_key="2", changed_on=MAY),
        premium("delivery_point", postcode="BB1 1BB", record_key="7"),
        premium("name", record_key="a", logical_status=8),
        premium("name", record_key="b"),
        premium("property", uprn=2, postcode="CC1 1CC"),
        premium("class", uprn=2, class_code="CR08", record_key="3", ended_on=MAY),  # ended, and the only one
    )
    found = current_addresses(frame, latest_full_editions(frame.lazy()).collect()).sort("uprn")
    assert found.select("uprn", "class_code", "postcode").rows() == [(1, "RD03", "BB1 1BB"), (2, "CR08", "CC1 1CC")]


@pytest.mark.parametrize(
    "rows",
    [
        [premium("property", logical_status=8)],
        [premium("property", logical_status=6)],
        [premium("property"), premium("name", logical_status=8, record_key="a")],
        [premium("class", class_code="RD02", record_key="1")],
    ],
    ids=["historical", "provisional", "no approved name", "class alone"],
)
def test_what_is_not_in_use_is_out(rows: list[dict[str, Any]]) -> None:
    assert current(*rows) == []


def test_a_deleted_class_is_gone_and_its_successor_counts() -> None:
    old = premium("class", class_code="RD02", record_key="1", edition=MAY)
    rows = [premium("property", edition=MAY), old, old | {"edition": JUNE, "change_type": "D"}]
    assert current(*rows) == [(1, None)]
    assert current(*rows, premium("class", class_code="CR08", record_key="2", edition=JUNE)) == [(1, "CR08")]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "uprn": st.integers(1, 3),
            "product": st.sampled_from(["plus", "core", "open_uprn"]),
            "edition": st.sampled_from([None, MAY, JUNE]),
            "changed_on": st.sampled_from([None, MAY, JUNE]),
            "change_type": st.sampled_from(["I", "U", "D"]),
            "supply": st.sampled_from([None, "full"]),
            "class_code": st.sampled_from(["R", "C", None]),
        }
    ),
    min_size=1,
    max_size=12,
)


@given(rows=ROWS, data=st.data())
def test_results_do_not_depend_on_the_order_of_records(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    numbered = [row | {"line": line} for line, row in enumerate(rows, 1)]
    assert current(*data.draw(st.permutations(numbered))) == current(*numbered)
    assert current(*numbered, *numbered) == current(*numbered)  # the same file twice under two names


def test_full_editions_of_parts_are_those_of_the_whole() -> None:
    frame = records({"edition": MAY, "supply": "full"}, {"uprn": 2, "edition": JUNE, "supply": "full"})
    parts = pl.concat([latest_full_editions(part.lazy()).collect() for part in (frame[:1], frame[1:])])
    assert current_addresses(frame[:1], parts).is_empty()
    assert_frame_equal(current_addresses(frame[1:], parts), current_addresses(frame, parts))


def test_an_unknown_product_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown product 'paf'; known: premium"):
        current({"product": "paf"})


def test_the_directory_counts_before_code_point_open_and_later_before_earlier() -> None:
    schema = {name: column.dtype for name, column in PostcodeRecord.columns().items()}
    base = {"load_id": "0" * 16, "line": 1, "data_origin": "real", "postcode_key": 0, "postcode": "AA1 1AA"}
    rows = [
        base | {"product": "code_point_open", "edition": JULY, "authority": "E06000003"},
        base | {"product": "onspd", "edition": MAY, "authority": "E06000001", "terminated_month": MAY},
        base | {"product": "onspd", "edition": JUNE, "authority": "E06000002"},
        base | {"product": "onspd", "edition": None, "authority": "E06000004"},
        base | {"product": "code_point_open", "postcode": "AA1 1AB", "authority": "E06000005"},
    ]
    for order in (rows, rows[::-1]):
        found = current_postcodes(pl.DataFrame(order, schema=schema)).sort("postcode")
        assert found.select("postcode", "authority", "is_in_use").rows() == [
            ("AA1 1AA", "E06000002", True),
            ("AA1 1AB", "E06000005", True),
        ]
