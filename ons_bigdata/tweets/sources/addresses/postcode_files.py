"""Source `postcodes`: files of the ONS Postcode Directory and of Code-Point Open."""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.lake.tables import LakeTable, spread_numbers
from ons_bigdata.tweets.schemas.addresses import PostcodeRecord
from ons_bigdata.tweets.sources.addresses import values
from ons_bigdata.tweets.sources.addresses.csv_lines import parse_lines, read_lines
from ons_bigdata.tweets.sources.addresses.layouts import find_postcode_layout, first_fields
from ons_bigdata.tweets.sources.addresses.values import Delivery, lost, metres, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.platform.ingest.bulk import Batch
    from ons_bigdata.tweets.sources.addresses.layouts import Layout

POSTCODES = LakeTable(
    name="postcodes",
    columns={name: column.dtype for name, column in PostcodeRecord.columns().items()},
    entity_column="postcode_key",
    order=("postcode_key", "product"),
    buckets=4,
)

NO_POSTCODE = "no postcode, or one of another form"


def recognise(name: str, head: bytes) -> Recognised | Refused | None:
    """Recognise a file of postcodes by the fields of its first line."""
    if not head.strip():
        return None
    try:
        layout = find_postcode_layout(first_fields(head))
    except ValueError:
        return None
    return None if layout is None else Recognised(layout.product, values.read_name(name).data_origin, None)


def read_batches(stream: IO[bytes], name: str) -> Iterator[Batch]:
    """Batches of a file of postcodes, each of a few megabytes. Raises InputError for a file of no known layout."""
    delivery = values.read_name(name)
    layout: Layout | None = None
    for lines, faults in read_lines(stream):
        rows = lines
        if layout is None and not lines.is_empty():
            layout = find_postcode_layout(first_fields(lines["text"][0].encode()))
            if layout is None:
                raise InputError("no layout of a postcode product")
            rows = lines[1:] if layout.has_header else lines
        if layout is not None:
            fields, odd = parse_lines(rows, layout)
            yield _judge(fields, layout, delivery, [faults, odd])


def _judge(rows: pl.DataFrame, layout: Layout, delivery: Delivery, faults: Sequence[pl.DataFrame]) -> Batch:
    """Batch of postcodes, typed and judged. A postcode without position keeps its areas in the directory."""
    text = {
        column: text_of(column, rows)
        for column in ("postcode", "terminated", "easting", "northing", "output_area", "msoa", "authority")
    }
    postcode = values.postcode(text["postcode"])
    easting_m, northing_m = metres(text["easting"]), metres(text["northing"])
    terminated = (text["terminated"] + "01").str.to_date("%Y%m%d", strict=False)
    no_position = values.bad_position(easting_m, northing_m)
    may_lack_position = layout.product == "onspd"
    reasons = {
        NO_POSTCODE: postcode.is_null(),
        values.BAD_DATE: lost(text["terminated"], terminated),
        values.BAD_AREA: values.bad_area(text["output_area"])
        | values.bad_area(text["msoa"])
        | values.bad_area(text["authority"]),
        values.NO_POSITION: pl.lit(value=False) if may_lack_position else no_position,
    }
    columns = [
        pl.lit(layout.product).alias("product"),
        pl.lit(delivery.edition, dtype=pl.Date).alias("edition"),
        pl.lit(delivery.data_origin).alias("data_origin"),
        postcode.alias("postcode"),
        terminated.alias("terminated_month"),
        pl.when(~no_position).then(easting_m).alias("easting_m"),
        pl.when(~no_position).then(northing_m).alias("northing_m"),
        *(values.area(text[column]).alias(column) for column in ("output_area", "msoa", "authority")),
    ]
    batch = values.judge(rows, columns, reasons, faults)
    numbers = batch.accepted["postcode"].str.replace(" ", "", literal=True).str.to_integer(base=36, dtype=pl.Int64)
    return replace(batch, accepted=batch.accepted.with_columns(spread_numbers(numbers).alias("postcode_key")))
