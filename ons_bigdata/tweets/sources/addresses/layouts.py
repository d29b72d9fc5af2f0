"""Layouts of address and postcode products: how a file is recognised, and where its wanted columns are."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ons_bigdata.tweets.schemas.vocabulary import CLASS_CODE

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Layout:
    """Columns of one kind of record of a product."""

    product: str
    record: str
    fields: int
    """Fields of a line."""
    positions: Mapping[str, int]
    """Wanted column → place of its field, 0 for the first."""
    has_header: bool = False
    """True if the first line has the names of the columns."""


@dataclass(frozen=True)
class NamedColumns:
    """Columns of a kind of record by the names of a header: name and, for files without header, place (1 = first)."""

    product: str
    record: str
    fields: int
    names: Mapping[str, tuple[str, int]]

    def without_header(self) -> Layout:
        """Layout of files without header."""
        return Layout(self.product, self.record, self.fields, {name: at - 1 for name, (_, at) in self.names.items()})

    def with_header(self, header: Sequence[str]) -> Layout | None:
        """Layout of a file with these names of columns, in any order; None where a wanted one is missing."""
        places = {name.strip().upper(): place for place, name in enumerate(header)}
        if any(name not in places for name, _ in self.names.values()):
            return None
        positions = {column: places[name] for column, (name, _) in self.names.items()}
        return Layout(self.product, self.record, len(header), positions, has_header=True)


ADDRESSBASE = NamedColumns(
    "addressbase",
    "address",
    27,
    {
        "uprn": ("UPRN", 1),
        "postcode": ("POSTCODE", 15),
        "easting": ("X_COORDINATE", 17),
        "northing": ("Y_COORDINATE", 18),
        "country": ("COUNTRY", 22),
        "change_type": ("CHANGE_TYPE", 23),
        "changed_on": ("LAST_UPDATE_DATE", 26),
        "class_code": ("CLASS", 27),
    },
)
CORE = NamedColumns(
    "core",
    "address",
    27,
    {
        "uprn": ("UPRN", 1),
        "parent_uprn": ("PARENT_UPRN", 2),
        "class_code": ("CLASSIFICATION_CODE", 6),
        "easting": ("EASTING", 7),
        "northing": ("NORTHING", 8),
        "changed_on": ("LAST_UPDATE_DATE", 12),
        "postcode": ("POSTCODE", 24),
        "authority": ("GSS_CODE", 26),
        "change_type": ("CHANGE_CODE", 27),
    },
)
PLUS = NamedColumns(
    "plus",
    "address",
    77,
    {
        "uprn": ("UPRN", 1),
        "change_type": ("CHANGE_TYPE", 3),
        "class_code": ("CLASS", 6),
        "parent_uprn": ("PARENT_UPRN", 7),
        "easting": ("X_COORDINATE", 8),
        "northing": ("Y_COORDINATE", 9),
        "country": ("COUNTRY", 14),
        "changed_on": ("LAST_UPDATE_DATE", 16),
        "postcode": ("POSTCODE", 65),
        "postcode_locator": ("POSTCODE_LOCATOR", 66),
    },
)
OPEN_UPRN = NamedColumns(
    "open_uprn",
    "address",
    5,
    {"uprn": ("UPRN", 1), "easting": ("X_COORDINATE", 2), "northing": ("Y_COORDINATE", 3)},
)

PREMIUM_RECORDS = MappingProxyType(
    {
        "21": NamedColumns(
            "premium",
            "property",
            22,
            {
                "change_type": ("CHANGE_TYPE", 2),
                "uprn": ("UPRN", 4),
                "logical_status": ("LOGICAL_STATUS", 5),
                "parent_uprn": ("PARENT_UPRN", 8),
                "easting": ("X_COORDINATE", 9),
                "northing": ("Y_COORDINATE", 10),
                "country": ("COUNTRY", 15),
                "ended_on": ("END_DATE", 17),
                "changed_on": ("LAST_UPDATE_DATE", 18),
                "postcode": ("POSTCODE_LOCATOR", 21),
            },
        ),
        "24": NamedColumns(
            "premium",
            "name",
            26,
            {
                "change_type": ("CHANGE_TYPE", 2),
                "uprn": ("UPRN", 4),
                "record_key": ("LPI_KEY", 5),
                "logical_status": ("LOGICAL_STATUS", 7),
                "ended_on": ("END_DATE", 9),
                "changed_on": ("LAST_UPDATE_DATE", 10),
            },
        ),
        "28": NamedColumns(
            "premium",
            "delivery_point",
            29,
            {
                "change_type": ("CHANGE_TYPE", 2),
                "uprn": ("UPRN", 4),
                "record_key": ("UDPRN", 5),
                "postcode": ("POSTCODE", 16),
                "ended_on": ("END_DATE", 27),
                "changed_on": ("LAST_UPDATE_DATE", 28),
            },
        ),
        "32": NamedColumns(
            "premium",
            "class",
            12,
            {
                "change_type": ("CHANGE_TYPE", 2),
                "uprn": ("UPRN", 4),
                "class_code": ("CLASSIFICATION_CODE", 6),
                "scheme": ("CLASS_SCHEME", 7),
                "record_key": ("CLASS_KEY", 5),
                "ended_on": ("END_DATE", 10),
                "changed_on": ("LAST_UPDATE_DATE", 11),
            },
        ),
    }
)
"""Record types of AddressBase Premium that are read: BLPU, LPI, delivery points, classifications."""

OTHER_RECORDS = frozenset({"10", "11", "15", "22", "23", "29", "30", "31", "99"})
"""Record types of AddressBase Premium that are no rows: headers, streets, cross references, organisations, trailers."""

RECORD_IDENTIFIER = "RECORD_IDENTIFIER"

CODE_POINT_OPEN = NamedColumns(
    "code_point_open",
    "postcode",
    10,
    {
        "postcode": ("POSTCODE", 1),
        "quality": ("POSITIONAL_QUALITY_INDICATOR", 2),
        "easting": ("EASTINGS", 3),
        "northing": ("NORTHINGS", 4),
        "authority": ("ADMIN_DISTRICT_CODE", 9),
    },
)

_ONSPD = {
    "postcode": ("PCDS",),
    "terminated": ("DOTERM",),
    "easting": ("OSEAST1M", "EAST1M"),
    "northing": ("OSNRTH1M", "NORTH1M"),
    "output_area": ("OA11", "OA21", "OA11CD", "OA21CD"),
    "msoa": ("MSOA11", "MSOA21", "MSOA11CD", "MSOA21CD"),
    "authority": ("OSLAUA", "LAUA", "LAD23CD", "LAD24CD", "LAD25CD"),
}
"""Wanted column of the ONS Postcode Directory → its names over the editions, of which the first present one counts."""

_CHANGE, _CLASS, _NUMBER = re.compile("[IUD]"), re.compile(CLASS_CODE), re.compile(r"[0-9]+(\.[0-9]+)?")
_UNIT = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? *[0-9][A-Z]{2}")


def first_fields(head: bytes) -> list[str]:
    """Fields of the first line of a file. Raises ValueError where it is no UTF-8."""
    line = head.removeprefix(_BYTE_ORDER_MARK).split(b"\n", 1)[0].rstrip(b"\r").decode()
    return next(csv.reader([line]), [])


def find_address_layout(fields: Sequence[str]) -> Layout | None:
    """Layout of a file of addresses by the fields of its first line; None for another file.

    The layout of AddressBase Premium has the record `premium` and no positions: its records have several layouts.
    """
    names = {name.strip().upper() for name in fields}
    if fields and (fields[0].upper() == RECORD_IDENTIFIER or _is_premium(fields)):
        return Layout("premium", "premium", 0, {}, has_header=fields[0].upper() == RECORD_IDENTIFIER)
    if "UPRN" in names:
        candidates = (PLUS, CORE, ADDRESSBASE, *([OPEN_UPRN] if len(fields) == OPEN_UPRN.fields else []))
        return next((layout for one in candidates if (layout := one.with_header(fields)) is not None), None)
    if len(fields) == PLUS.fields and _matches(fields, PLUS):
        return PLUS.without_header()
    if len(fields) == ADDRESSBASE.fields and _matches(fields, ADDRESSBASE):
        return ADDRESSBASE.without_header()
    if len(fields) == CORE.fields and _matches(fields, CORE):
        return CORE.without_header()
    return None


def find_record_layout(fields: Sequence[str], record_type: str) -> Layout | None:
    """Layout of a type of records in a file of AddressBase Premium of which the first line has these names."""
    return PREMIUM_RECORDS[record_type].with_header(fields)


def find_postcode_layout(fields: Sequence[str]) -> Layout | None:
    """Layout of a file of postcodes by the fields of its first line; None for another file."""
    places = {name.strip().upper(): place for place, name in enumerate(fields)}
    if "PCDS" in places:
        positions = {}
        for column, names in _ONSPD.items():
            present = [places[name] for name in names if name in places]
            if not present:
                return None
            positions[column] = present[0]
        return Layout("onspd", "postcode", len(fields), positions, has_header=True)
    if len(fields) == CODE_POINT_OPEN.fields and _UNIT.fullmatch(fields[0]) and all(map(_is_number, fields[1:4])):
        return CODE_POINT_OPEN.without_header()
    return None


def _is_premium(fields: Sequence[str]) -> bool:
    """True if the first line is a header record, or a record of one of the types with its number of fields."""
    kind = fields[0]
    if kind in PREMIUM_RECORDS:
        return len(fields) == PREMIUM_RECORDS[kind].fields and _CHANGE.fullmatch(fields[1]) is not None
    return kind in OTHER_RECORDS and len(fields) > 1 and (kind == "10" or _CHANGE.fullmatch(fields[1]) is not None)


def _matches(fields: Sequence[str], columns: NamedColumns) -> bool:
    """True if UPRN, coordinates, class and kind of change of a line have the form of a layout."""
    at = {column: fields[place - 1].strip() for column, (_, place) in columns.names.items()}
    return (
        at["uprn"].isdigit()
        and _is_number(at["easting"])
        and _is_number(at["northing"])
        and _CHANGE.fullmatch(at["change_type"]) is not None
        and _CLASS.fullmatch(at["class_code"]) is not None
    )


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None
