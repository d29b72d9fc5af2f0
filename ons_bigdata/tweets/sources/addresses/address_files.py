"""Source `addresses`: files of AddressBase, AddressBase Core, Plus and Premium, and OS Open UPRN."""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.lake.tables import LakeTable, spread_numbers
from ons_bigdata.tweets.schemas.addresses import AddressRecord
from ons_bigdata.tweets.sources.addresses import values
from ons_bigdata.tweets.sources.addresses.csv_lines import parse_lines, read_lines
from ons_bigdata.tweets.sources.addresses.layouts import (
    OTHER_RECORDS,
    PREMIUM_RECORDS,
    find_address_layout,
    find_record_layout,
    first_fields,
)
from ons_bigdata.tweets.sources.addresses.values import Delivery, day, lost, metres, number, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.tweets.sources.addresses.layouts import Layout

ADDRESSES = LakeTable(
    name="addresses",
    columns={name: column.dtype for name, column in AddressRecord.columns().items()},
    entity_column="address_key",
    order=("address_key", "product", "record"),
    buckets=16,  # of the 40 million addresses of the country, one bucket has two and a half million
)

SCHEME = "AddressBase Premium Classification Scheme"
"""Classification that is read; classes of the Valuation Office Agency are no rows."""

UNKNOWN_RECORD = "unknown record type"

_HEADER_DAY, _HEADER_KIND = 3, 8
"""Places of the process date and of the kind of supply (F or C) in the header record of AddressBase Premium."""


def recognise(name: str, head: bytes) -> Recognised | Refused | None:
    """Recognise a file of addresses by the fields of its first line."""
    if not head.strip():
        return None
    try:
        layout = find_address_layout(first_fields(head))
    except ValueError:
        return None
    return None if layout is None else Recognised(layout.product, values.read_name(name).data_origin, None)


def read_batches(stream: IO[bytes], name: str) -> Iterator[Batch]:
    """Batches of a file of addresses, each of a few megabytes. Raises InputError for a file of no known layout."""
    delivery = values.read_name(name)
    first: list[str] | None = None
    layout: Layout | None = None
    for lines, faults in read_lines(stream):
        rows = lines
        if first is None and not lines.is_empty():
            first = first_fields(lines["text"][0].encode())
            layout = find_address_layout(first)
            if layout is None:
                raise InputError("no layout of an address product")
            delivery = _complete(delivery, layout, first)
            rows = lines[1:] if layout.has_header else lines
        if layout is None or first is None:
            yield _empty(faults)
        elif layout.product == "premium":
            yield _read_premium(rows, faults, delivery, first if layout.has_header else None)
        else:
            fields, odd = parse_lines(rows, layout)
            yield _judge(fields, layout, delivery, [faults, odd])


def _complete(delivery: Delivery, layout: Layout, first: Sequence[str]) -> Delivery:
    """What the first line and the product add to the name of a file: edition and kind of supply."""
    if layout.product == "open_uprn":
        return replace(delivery, supply="full")  # there are no others
    if layout.product == "premium" and first[0] == "10" and len(first) > _HEADER_KIND:
        edition = values.read_name(first[_HEADER_DAY]).edition
        supply = {"F": "full", "C": "changes"}.get(first[_HEADER_KIND])
        return replace(delivery, edition=delivery.edition or edition, supply=delivery.supply or supply)
    return delivery


def _read_premium(lines: pl.DataFrame, faults: pl.DataFrame, delivery: Delivery, header: Sequence[str] | None) -> Batch:
    """Batch of lines of several record types. Raises InputError where a header lacks columns of its records."""
    kinds = lines["text"].str.extract('^"?([0-9]{2})"?,', 1).alias("kind")
    known = kinds.is_in([*PREMIUM_RECORDS, *OTHER_RECORDS]).fill_null(value=False)
    unknown = lines.filter(~known).select("line", pl.lit(UNKNOWN_RECORD).alias("reason"))
    batches = [_empty(pl.concat([faults, unknown]))]
    for kind, columns in PREMIUM_RECORDS.items():
        of_kind = lines.filter(known & (kinds == kind))
        if of_kind.is_empty():
            continue
        layout = columns.without_header() if header is None else find_record_layout(header, kind)
        if layout is None:
            raise InputError(f"the header lacks columns of records {kind}")
        rows, odd = parse_lines(of_kind, layout)
        if "scheme" in layout.positions:
            rows = rows.filter(pl.col("scheme").eq_missing(SCHEME))
        batches.append(_judge(rows, layout, delivery, [odd]))
    return _together(batches)


def _judge(rows: pl.DataFrame, layout: Layout, delivery: Delivery, faults: Sequence[pl.DataFrame]) -> Batch:
    """Batch of the rows of a layout, typed and judged."""
    text = {
        column: text_of(column, rows)
        for column in (
            *("uprn", "parent_uprn", "easting", "northing", "postcode", "postcode_locator", "country", "authority"),
            *("class_code", "change_type", "changed_on", "ended_on", "logical_status", "record_key"),
        )
    }
    written_postcode = pl.coalesce(text["postcode"], text["postcode_locator"])
    postcode = values.postcode(written_postcode)
    easting_m, northing_m = metres(text["easting"]), metres(text["northing"])
    uprn, parent_uprn = number(text["uprn"]), number(text["parent_uprn"])
    has_position = "easting" in layout.positions
    deleted = (text["change_type"] == "D").fill_null(value=False)  # of which nothing but the UPRN counts
    reasons = {
        values.NO_UPRN: uprn.is_null() | (uprn == 0),
        values.NO_CHANGE: ~text["change_type"].fill_null("I").is_in(["I", "U", "D"]),
        values.BAD_PARENT: lost(text["parent_uprn"], parent_uprn),
        values.OTHER_GRID: values.on_other_grid(text["country"]),
        values.BAD_CLASS: values.bad_class(text["class_code"]),
        values.BAD_POSTCODE: lost(written_postcode, postcode),
        values.BAD_AREA: values.bad_area(text["authority"]),
        values.BAD_STATUS: lost(text["logical_status"], number(text["logical_status"])),
        values.BAD_DATE: lost(text["changed_on"], day(text["changed_on"]))
        | lost(text["ended_on"], day(text["ended_on"])),
    }
    if has_position:
        reasons[values.NO_POSITION] = ~deleted & values.bad_position(easting_m, northing_m)
    columns = [
        pl.lit(layout.product).alias("product"),
        pl.lit(layout.record).alias("record"),
        pl.lit(delivery.supply, dtype=pl.String).alias("supply"),
        pl.lit(delivery.edition, dtype=pl.Date).alias("edition"),
        pl.lit(delivery.data_origin).alias("data_origin"),
        uprn.alias("uprn"),
        text["change_type"].alias("change_type"),
        day(text["changed_on"]).alias("changed_on"),
        day(text["ended_on"]).alias("ended_on"),
        number(text["logical_status"]).cast(pl.Int32).alias("logical_status"),
        text["record_key"].alias("record_key"),
        pl.when(parent_uprn > 0).then(parent_uprn).alias("parent_uprn"),
        text["class_code"].alias("class_code"),
        easting_m.alias("easting_m"),
        northing_m.alias("northing_m"),
        postcode.alias("postcode"),
        values.area(text["authority"]).alias("authority"),
    ]
    batch = values.judge(rows, columns, reasons, faults)
    return replace(
        batch, accepted=batch.accepted.with_columns(spread_numbers(batch.accepted["uprn"]).alias("address_key"))
    )


def _empty(faults: pl.DataFrame) -> Batch:
    """Batch without any row but faults."""
    columns = {name: dtype for name, dtype in ADDRESSES.columns.items() if name != "load_id"}
    return Batch(faults.height, pl.DataFrame(schema=columns), faults)


def _together(batches: Sequence[Batch]) -> Batch:
    """All rows of batches, by line."""
    accepted = pl.concat([batch.accepted for batch in batches], how="diagonal").sort("line")
    quarantined = pl.concat([batch.quarantined for batch in batches]).sort("line")
    return Batch(sum(batch.rows_in for batch in batches), accepted, quarantined)
